"""May a dataset that was derived from another, or bundles it, carry these terms? Each conflict names both clauses.

Two questions with three answers. `derive`: a dataset adapted from the upstream one, offered under other terms. The terms
of a dataset are read as covering the whole of it, since that is what its buyer relies on: they may not allow what the
upstream terms forbid, nor drop a duty that these hand on. `bundle`: both lie side by side and each keeps its own terms.
Between `derive` and `bundle` stands `offered`: what a supplier does who sells the result.

What is doubtful is unknown. Adding a restriction to the upstream terms never makes an answer better, sharing alike
apart, which asks for equal terms.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from contracts.rights import DUTIES, OUTPUTS, PURPOSES, Duration, Rights
from contracts.spdx import READ, Licence
from contracts.terms import Terms, parse
from exchange.kernel.canonical import canonical, sha256_hex
from exchange.kernel.errors import Problem
from exchange.kernel.text import Text


class Fit(StrEnum):
    """The three answers."""

    COMPATIBLE = "compatible"
    INCOMPATIBLE = "incompatible"
    UNKNOWN = "unknown"


class How(StrEnum):
    """How a dataset came from another: adapted, or put beside it unchanged."""

    DERIVE = "derive"
    BUNDLE = "bundle"


_RANK = {Fit.INCOMPATIBLE: 0, Fit.UNKNOWN: 1, Fit.COMPATIBLE: 2}
OWN = "own"
_LICENCE_REF = re.compile(r"LicenseRef-[A-Za-z0-9.-]{1,100}")
Sets = tuple[Rights, ...]


@dataclass(frozen=True, slots=True)
class Clause:
    """One conflict or doubt: the rule, and what both sides say about it."""

    rule: str
    fit: Fit
    upstream: Text
    dataset: Text

    def document(self) -> dict[str, Any]:
        """The clause as JSON."""
        return {
            "rule": self.rule,
            "verdict": self.fit.value,
            "upstream": self.upstream.map(),
            "dataset": self.dataset.map(),
        }


@dataclass(frozen=True, slots=True)
class Finding:
    """The answer, the clauses that stand against a better one, and the duties that come along.

    shapes   clauses: empty when compatible; duties: names of DUTIES, in the vocabulary's order, that the upstream terms
             hand on in the reading that fits best
    """

    fit: Fit
    clauses: tuple[Clause, ...]
    duties: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """The finding as JSON."""
        return {
            "verdict": self.fit.value,
            "clauses": [clause.document() for clause in self.clauses],
            "duties": [{"duty": name, "text": DUTIES[name].map()} for name in self.duties],
        }


def upstream_terms(*, spdx: str | None, document: Mapping[str, Any] | None) -> Terms | list[Problem]:
    """Read the terms that an upstream dataset came under: an SPDX expression or a terms document.

    shapes   a LicenseRef-... that nobody here has read is known by name, and everything about it is unknown
    """
    if document is not None or spdx is None:
        return parse(document)
    wanted = {"type": "terms", "v": 1, "prevailing_language": "en", "spdx": spdx}
    if _LICENCE_REF.fullmatch(spdx) and spdx not in READ:
        rights = Rights(spdx, frozenset(), commercial=None)
        return Terms("en", ((rights,),), sha256_hex(canonical(wanted)), spdx)
    return parse(wanted)


def derive(upstream: Terms, dataset: Terms) -> Finding:
    """Say whether a dataset adapted from one under `upstream` may carry the terms `dataset`.

    shapes   of upstream alternatives the adapter takes the best; of the dataset's the receiver chooses, so all must fit
    source   the licences' own texts; Creative Commons' and the FSF's lists of compatible licences
    """
    found = [_best(upstream.alternatives, given, _derived) for given in dataset.alternatives]
    return min(found, key=lambda one: _RANK[one.fit])


def bundle(upstream: Terms, dataset: Terms) -> Finding:
    """Say whether data under `upstream` and under `dataset` may lie in one collection, each part under its own terms.

    shapes   symmetric: the two may change places
    """
    found = [_best(upstream.alternatives, given, _bundled) for given in dataset.alternatives]
    return max(found, key=lambda one: _RANK[one.fit])


def offered(upstream: Terms, dataset: Terms, how: How) -> Finding:
    """Say whether a supplier may offer the result under the terms `dataset`.

    A bundle must be allowed, and what is offered for the whole may not go beyond what a part allows.
    """
    if how is How.DERIVE:
        return derive(upstream, dataset)
    found = [_best(upstream.alternatives, given, _promised) for given in dataset.alternatives]
    promised = min(found, key=lambda one: _RANK[one.fit])
    together = bundle(upstream, dataset)
    clauses = tuple(dict.fromkeys((*together.clauses, *promised.clauses)))
    return Finding(min(together.fit, promised.fit, key=_RANK.__getitem__), clauses, promised.duties)


def _best(choices: Iterable[Sets], given: Sets, judge: Callable[[Sets, Sets], Iterator[Clause]]) -> Finding:
    best: Finding | None = None
    for chosen in choices:
        clauses = tuple(dict.fromkeys(judge(chosen, given)))
        fit = min((one.fit for one in clauses), key=_RANK.__getitem__, default=Fit.COMPATIBLE)
        duties = frozenset().union(*(one.duties for one in chosen))
        found = Finding(fit, clauses, tuple(name for name in DUTIES if name in duties))
        if best is None or _RANK[fit] > _RANK[best.fit]:
            best = found
    # Terms have at least one alternative; without any, nothing is known.
    return best or Finding(Fit.UNKNOWN, ())


def _derived(chosen: Sets, given: Sets) -> Iterator[Clause]:
    same = frozenset(chosen) == frozenset(given)
    for one in chosen:
        yield from _passed_on(one, given)
        settled = False
        yield from _adapted(one, given, same=same)
        licence = READ.get(one.name)
        if licence is not None and licence.adapt == "same":
            settled = same or all(other.name in licence.into for other in given)
        elif one.name == OWN:
            settled = same
        if not settled:
            yield from _limits(one, given)
            yield from _duties(one, given)


def _bundled(chosen: Sets, given: Sets) -> Iterator[Clause]:
    for one in chosen:
        yield from _passed_on(one, given)
        yield from _beside(one, chosen, given)
    for one in given:
        yield from map(_turned, (*_passed_on(one, chosen), *_beside(one, given, chosen)))
    both = (*chosen, *given)
    if all(any(name in one.prohibits for one in both) for name in PURPOSES):
        yield Clause("purpose", Fit.INCOMPATIBLE, _purposes_of(chosen), _purposes_of(given))
    elif not any(all(name in one.purposes - one.prohibits for one in both) for name in PURPOSES):
        yield Clause("purpose", Fit.UNKNOWN, _purposes_of(chosen), _purposes_of(given))
    if _places(both) == frozenset():
        yield Clause("territory", Fit.INCOMPATIBLE, _where(_places(chosen)), _where(_places(given)))


def _promised(chosen: Sets, given: Sets) -> Iterator[Clause]:
    for one in chosen:
        yield from _limits(one, given)


def _turned(clause: Clause) -> Clause:
    return Clause(clause.rule, clause.fit, clause.dataset, clause.upstream)


def _named(one: Rights, said: Text) -> Text:
    if one.name == OWN:
        return Text(f"its own terms: {said.en}", f"自定义条款：{said.zh}")
    return Text(f"{one.name}: {said.en}", f"{one.name}：{said.zh}")


def _reading(sets: Sets) -> Text:
    """What a set of licences says of itself: the clause that each rests on."""
    said = [_named(one, READ[one.name].clause if one.name in READ else _OWN_WORDS[one.name == OWN]) for one in sets]
    return Text(" + ".join(one.en for one in said), " + ".join(one.zh for one in said))


def _passed_on(one: Rights, given: Sets) -> Iterator[Clause]:
    if "redistribute" in one.prohibits:
        yield Clause("redistribute", Fit.INCOMPATIBLE, _named(one, _NO_PASSING), _WHOLE)
    elif "redistribute" not in one.purposes:
        yield Clause("redistribute", Fit.UNKNOWN, _named(one, _PASSING_UNSAID), _WHOLE)


def _adapted(one: Rights, given: Sets, *, same: bool) -> Iterator[Clause]:
    """What share-alike, no-derivatives and doubt say to an adaptation."""
    if one.name == OWN:
        if "share_alike" in one.duties and not same:
            yield Clause("share_alike", Fit.INCOMPATIBLE, _named(one, _SAME_ONLY), _reading(given))
        return
    licence = READ.get(one.name)
    if licence is None:
        yield Clause("adapt", Fit.UNKNOWN, _named(one, _UNREAD), _reading(given))
    elif licence.adapt == "never":
        yield Clause("no_derivatives", Fit.INCOMPATIBLE, _named(one, licence.clause), _ADAPTED)
    elif licence.adapt == "unknown":
        yield Clause("adapt", Fit.UNKNOWN, _doubt(one, licence, "adapt"), _reading(given))
    elif licence.adapt == "same" and not same:
        for other in given:
            if other.name in licence.into:
                continue
            doubtful = licence.others_unknown or other.name in licence.maybe_into or _unread(other)
            said = _doubt(one, licence, "adapt") if doubtful else _named(one, licence.clause)
            yield Clause("share_alike", Fit.UNKNOWN if doubtful else Fit.INCOMPATIBLE, said, _reading((other,)))
    elif licence.adapt == "free" and one not in given:
        # Where the licence itself stays on the whole, no question arises whether another may take its place.
        for other in given:
            if other.name in licence.maybe_into:
                yield Clause("adapt", Fit.UNKNOWN, _doubt(one, licence, "adapt"), _reading((other,)))


def _unread(one: Rights) -> bool:
    return one.name != OWN and one.name not in READ


def _doubt(one: Rights, licence: Licence, about: str) -> Text:
    said = [doubt.why for doubt in licence.doubts if about in doubt.about] or [licence.clause]
    return _named(one, Text(" ".join(each.en for each in said), "".join(each.zh for each in said)))


def _beside(one: Rights, own: Sets, other: Sets) -> Iterator[Clause]:
    licence = READ.get(one.name)
    if licence is None or not licence.bundle_unknown or frozenset(own) == frozenset(other):
        return
    yield Clause("bundle", Fit.UNKNOWN, _doubt(one, licence, "bundle"), _reading(other))


def _limits(one: Rights, given: Sets) -> Iterator[Clause]:
    """What the given terms allow beyond one licence of the upstream data."""
    yield from _commerce(one, given)
    granted = [name for name in PURPOSES if all(name in other.purposes - other.prohibits for other in given)]
    for fit, wider in (
        (Fit.INCOMPATIBLE, [name for name in granted if name in one.prohibits]),
        (Fit.UNKNOWN, [name for name in granted if name not in one.purposes | one.prohibits]),
    ):
        if wider:
            said = _FORBIDS if fit is Fit.INCOMPATIBLE else _LEAVES_OPEN
            yield Clause("purpose", fit, _named(one, _listed(said, wider)), _listed(_ALLOWS, wider))
    places = _places(given)
    if one.territory is not None and (places is None or places - one.territory):
        yield Clause("territory", Fit.INCOMPATIBLE, _named(one, _where(one.territory)), _where(places))
    yield from _lasting(one, given)
    for rule, most, theirs in (
        ("users", one.users, [other.users for other in given if other.users is not None]),
        ("sites", one.sites, [other.sites for other in given if other.sites is not None]),
    ):
        if most is not None and (not theirs or min(theirs) > most):
            said = _AT_MOST[rule]
            upper = Text(said.en.format(most), said.zh.format(most))
            now = Text(said.en.format(min(theirs)), said.zh.format(min(theirs))) if theirs else _NO_BOUND
            yield Clause(rule, Fit.INCOMPATIBLE, _named(one, upper), now)
    kept = frozenset().union(*(other.limits for other in given))
    for name in OUTPUTS:
        if name in one.limits - kept:
            yield Clause("output", Fit.INCOMPATIBLE, _named(one, _may_not(OUTPUTS[name])), _NOT_FORBIDDEN)


def _commerce(one: Rights, given: Sets) -> Iterator[Clause]:
    theirs = [other.commercial for other in given]
    if one.commercial is True or False in theirs:
        return
    fit = Fit.INCOMPATIBLE if one.commercial is False and None not in theirs else Fit.UNKNOWN
    if one.commercial is None and None in theirs:
        return
    yield Clause("commercial", fit, _named(one, _COMMERCE[one.commercial]), _COMMERCE[None if None in theirs else True])


def _lasting(one: Rights, given: Sets) -> Iterator[Clause]:
    if one.duration is None:
        return
    theirs = [other.duration for other in given if other.duration is not None]
    if any(_surely_within(length, one.duration) for length in theirs):
        return
    fit = Fit.INCOMPATIBLE if all(_days(length)[0] > _days(one.duration)[1] for length in theirs) else Fit.UNKNOWN
    now = _length(theirs[0]) if theirs else _NO_BOUND
    yield Clause("duration", fit, _named(one, _length(one.duration)), now)


def _surely_within(length: Duration, bound: Duration) -> bool:
    if length.days == bound.days:
        return length.months <= bound.months
    return (length.months <= bound.months and length.days <= bound.days) or _days(length)[1] <= _days(bound)[0]


def _days(length: Duration) -> tuple[int, int]:
    """The fewest and the most days that a duration can have; a month has 28 to 31, a year of months at least 365."""
    years, months = divmod(length.months, 12)
    return length.days + years * 365 + months * 28, length.days + years * 366 + months * 31


def _duties(one: Rights, given: Sets) -> Iterator[Clause]:
    """Duties that the upstream terms hand on and that the given terms do not ask for."""
    kept = frozenset().union(*(other.duties for other in given))
    licence = READ.get(one.name)
    agreed = licence is not None and all(other.name in licence.also_into for other in given)
    details = {each for other in given for each in other.details}
    for name in DUTIES:
        if name not in one.duties or name in ("share_alike", "no_reidentification") or agreed:
            continue
        said = _named(one, Text(f"you must {DUTIES[name].en}", f"你必须{DUTIES[name].zh}"))
        if name not in kept:
            close = bool(kept & _CLOSE.get(name, frozenset())) or any(map(_unread, given))
            yield Clause("duty", Fit.UNKNOWN if close else Fit.INCOMPATIBLE, said, _OTHERWISE if close else _NOT_ASKED)
        elif any(each.duty == name and each not in details for each in one.details):
            yield Clause("duty", Fit.UNKNOWN, said, _OTHERWISE)


def _places(sets: Sets) -> frozenset[str] | None:
    named = [one.territory for one in sets if one.territory is not None]
    return frozenset.intersection(*named) if named else None


def _where(places: frozenset[str] | None) -> Text:
    if places is None:
        return _NO_BOUND
    names = ", ".join(sorted(places)) or "-"
    return Text(f"only within {names}", f"仅限 {names}")


def _length(length: Duration) -> Text:
    if length.months:
        return Text(f"not longer than {length.months} months", f"不超过 {length.months} 个月")
    return Text(f"not longer than {length.days} days", f"不超过 {length.days} 天")


def _listed(said: Text, names: Iterable[str]) -> Text:
    texts = [PURPOSES[name] for name in names]
    return Text(f"{said.en} {'; '.join(t.en for t in texts)}", f"{said.zh}{'；'.join(t.zh for t in texts)}")


def _purposes_of(sets: Sets) -> Text:
    return _listed(_ALLOWS, [name for name in PURPOSES if all(name in one.purposes - one.prohibits for one in sets)])


def _may_not(what: Text) -> Text:
    return Text(f"you may not {what.en}", f"你不得{what.zh}")


# What asks for nearly the same: a doubt, no conflict.
_CLOSE = {"attribution": frozenset({"keep_notices"}), "keep_notices": frozenset({"attribution"})}
_WHOLE = Text("the dataset is passed on to its buyers", "数据集将提供给买方")
_ADAPTED = Text("the dataset is an adaptation that is passed on", "数据集为改编并对外提供")
_NO_PASSING = Text("it may not be passed on to others", "不得向第三方再分发")
_PASSING_UNSAID = Text("it does not say that it may be passed on to others", "未说明可以向第三方再分发")
_SAME_ONLY = Text("adaptations take exactly these terms", "改编须采用完全相同的条款")
_UNREAD = Text("nobody here has read it", "尚无人审读该许可证")
_OWN_WORDS = {
    True: Text("other terms", "其他条款"),
    False: _UNREAD,
}
_FORBIDS = Text("you may not", "你不得")
_LEAVES_OPEN = Text("it leaves open whether you may", "未明确是否可以")
_ALLOWS = Text("you may", "你可以")
_NO_BOUND = Text("without such a limit", "无此限制")
_NOT_FORBIDDEN = Text("nothing forbids it", "未予禁止")
_NOT_ASKED = Text("it is not asked for", "未作要求")
_OTHERWISE = Text("something like it is asked for, in other words", "有类似要求，但表述不同")
_COMMERCE = {
    True: Text("commercial use is allowed", "允许商业使用"),
    False: Text("commercial use is forbidden", "禁止商业使用"),
    None: Text("commercial use is not settled", "未明确商业使用"),
}
_AT_MOST = {
    "users": Text("at most {} people may use it", "最多 {} 人使用"),
    "sites": Text("at most {} sites may use it", "最多 {} 个场所使用"),
}
