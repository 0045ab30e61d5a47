"""Licence terms: the document, its meaning, and the same in plain words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from contracts import spdx
from contracts.countries import COUNTRIES, MEANT, places
from contracts.problems import TERMS_FIELD
from contracts.rights import DUTIES, OUTPUTS, PURPOSES, Duration, Duty, Exclusivity, Rights, plain_duty
from exchange.kernel.canonical import canonical, sha256_hex
from exchange.kernel.errors import Problem
from exchange.kernel.schemas import Shape
from exchange.kernel.text import Text

SHAPE = Shape.load("contracts", "terms.schema.json")
TERMS_SCHEMA = SHAPE.schema
# The field that says a duty, and the duty; what is said more of it stands in the other field, which says it too.
_FLAGS = {
    "attribution": "attribution",
    "share_alike": "share_alike",
    "no_reidentification": "no_reidentification",
    "delete_at_end": "delete_at_end",
    "report_use": "report_use",
    "audit_right": "allow_audit",
}
_SAYS_TOO = {"delete_within_days": "delete_at_end", "report_every": "report_use"}
_DUTIES_MAX = 40
# Nobody does these all the time: they follow a moment, or a breach.
_NEEDS_A_TIME = frozenset({"certify_deletion", "notify", "stop_use", "delete", "compensate"})

_ONE_OF_TWO = Text(
    "must have either spdx (a known licence) or own (your terms), and not both",
    "必须且只能包含 spdx（已知许可证）或 own（自定义条款）之一",
)
_BOTH = Text("both allows and forbids {names}", "同时允许并禁止 {names}")
_ENDLESS = Text(
    "asks for deletion at the end, but duration is null: there is no end",
    "要求终止时删除，但 duration 为 null，没有终止时间",
)
_NO_SPDX = Text("is no SPDX licence expression", "不是有效的 SPDX 许可证表达式")
_DENIED = Text("says {said}, but {other} is false", "约定了 {said}，但 {other} 为 false")
_TWICE = Text("says the duty {names} twice; say it once", "重复约定了义务 {names}，请只写一次")
_TOO_MANY = Text(f"has more than {_DUTIES_MAX} duties in all", f"义务总数超过 {_DUTIES_MAX} 项")
_SELF = Text(
    "is its own consequence: whoever did not do it must do something else",
    "以自身作为违约后果；未履行时应约定其他后果",
)
_FROM_WHEN = Text("counts days, but no when says from which moment", "约定了天数，但未用 when 说明起算时间")
_AT_END_ONLY = Text("is due at the end; when can only be at_end", "在终止时到期，when 只能为 at_end")
_WHEN_DUE = Text(
    "is missing: this duty is due at some moment, or in the else of another duty",
    "缺失：该义务须写明到期时间，或作为其他义务的 else",
)
_NOBODY_FOREVER = Text(
    "is for ever, because duration is null: say for how many months it is exclusive",
    "将永久独占，因为 duration 为 null；请用 months 写明独占的月数",
)
_LONGER = Text("lasts longer than the terms themselves", "长于条款本身的期限")
_NOT_AT_ALL = Text("is none, so it has no months", "为 none，不应填写 months")
_SHARED = Text(
    "cannot be: share_alike lets everybody have adaptations under the same terms",
    "不可独占：share_alike 要求以相同条款向所有人共享改编",
)


class BadTerms(ValueError):
    """Stored terms that no longer parse: a defect, since none are stored unchecked."""


@dataclass(frozen=True, slots=True)
class Terms:
    """Licence terms that were checked and understood.

    shapes   alternatives: sets of licences; one set that allows a use is enough, and in it every licence must allow it
    units    sha256: lower-case hex of the document's canonical bytes
    """

    prevailing_language: str
    alternatives: tuple[tuple[Rights, ...], ...]
    sha256: str
    spdx: str | None

    def ends_at(self, starts_at: datetime, zone: ZoneInfo) -> datetime | None:
        """When the last alternative ends for an agreement that began at `starts_at`; None when one never does."""
        ends = [_end(rights, starts_at, zone) for rights in self.alternatives]
        known = [end for end in ends if end is not None]
        return max(known) if len(known) == len(ends) else None


@dataclass(frozen=True, slots=True)
class PlainWords:
    """What terms mean to a person: sentences in both languages.

    shapes   unclear: what the terms do not say, and so do not allow; instead: other sets of terms one may choose
    """

    may: tuple[Text, ...]
    may_not: tuple[Text, ...]
    must: tuple[Text, ...]
    unclear: tuple[Text, ...]
    instead: tuple[PlainWords, ...] = ()

    def document(self) -> dict[str, Any]:
        """The sentences as JSON, each a locale map."""
        return {
            "you_may": [text.map() for text in self.may],
            "you_may_not": [text.map() for text in self.may_not],
            "you_must": [text.map() for text in self.must],
            "unclear": [text.map() for text in self.unclear],
            "instead": [words.document() for words in self.instead],
        }


def parse(document: object) -> Terms | list[Problem]:
    """Check a terms document and understand it, or say which fields are wrong and what would be right.

    shapes   a non-empty list of problems, at most 20 from the schema
    """
    found = _understood(document)
    own = document.get("own") if isinstance(document, dict) else None
    if isinstance(found, list) or own is None or own["territory"] == "*":
        return found
    # Lists of countries change: terms that were agreed are not held to the one of today.
    return [
        _wrong("/own/territory", _no_country(one)) for one in sorted(set(own["territory"]) - COUNTRIES)[:5]
    ] or found


def _understood(document: object) -> Terms | list[Problem]:
    wrongs = [TERMS_FIELD(field=wrong.field, why=wrong.why) for wrong in SHAPE.wrongs(document)]
    if wrongs or not isinstance(document, dict):
        return wrongs
    if ("spdx" in document) == ("own" in document):
        return [TERMS_FIELD(field="/", why=_ONE_OF_TWO)]
    if "spdx" in document:
        try:
            sets: spdx.Alternatives = spdx.alternatives(document["spdx"])
        except spdx.BadExpression as error:
            why = Text(f"{_NO_SPDX.en}: {error.why.en}", f"{_NO_SPDX.zh}：{error.why.zh}")
            return [TERMS_FIELD(field="/spdx", why=why)]
    else:
        own = document["own"]
        if problems := _meaning(own):
            return problems
        sets = ((_rights(own),),)
    return Terms(document["prevailing_language"], sets, sha256_hex(canonical(document)), document.get("spdx"))


def load(document: Mapping[str, Any]) -> Terms:
    """Understand terms that were checked when they were stored.

    errors   BadTerms
    """
    terms = _understood(document)
    if isinstance(terms, Terms):
        return terms
    raise BadTerms("; ".join(problem.detail("en") for problem in terms))


def plain_words(terms: Terms) -> PlainWords:
    """Say terms in sentences that begin with "you may", "you may not" and "you must", in both languages."""
    first, *others = [_words(rights) for rights in terms.alternatives]
    return PlainWords(first.may, first.may_not, first.must, first.unclear, tuple(others))


def _meaning(own: Mapping[str, Any]) -> list[Problem]:
    found = []
    if both := sorted(set(own["purposes"]) & set(own.get("prohibits", ()))):
        found.append(_wrong("/own/prohibits", _BOTH, names=", ".join(both)))
    for field, flag in _SAYS_TOO.items():
        if field in own and own.get(flag) is False:
            found.append(_wrong(f"/own/{field}", _DENIED, said=field, other=flag))
    if own["duration"] is None:
        endless = [name for name in ("delete_at_end", "delete_within_days") if own.get(name)]
        found += [_wrong(f"/own/{name}", _ENDLESS) for name in endless[:1]]
    if "exclusivity" in own:
        found += _exclusivity(own, own["exclusivity"])
    return found + _duties(own)


def _no_country(code: str) -> Text:
    meant = MEANT.get(code)
    en, zh = (f"; {meant} is meant", f"，应为 {meant}") if meant else ("", "")
    return Text(
        f"names {code}, which is no country code of ISO 3166{en}", f"中的 {code} 不是 ISO 3166 国家或地区代码{zh}"
    )


def _exclusivity(own: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[Problem]:
    kind, months, duration = wanted["kind"], wanted.get("months"), own["duration"]
    if kind == "none":
        return [] if months is None else [_wrong("/own/exclusivity/months", _NOT_AT_ALL)]
    found = []
    if months is None and duration is None:
        found.append(_wrong("/own/exclusivity", _NOBODY_FOREVER))
    # A month has 28 days at least: fewer days than that are certainly too few.
    if months is not None and duration is not None:
        longer = months > duration["months"] if "months" in duration else months * 28 > duration["days"]
        if longer:
            found.append(_wrong("/own/exclusivity/months", _LONGER))
    if own.get("share_alike") or any(one["duty"] == "share_alike" for one in own.get("duties", ())):
        found.append(_wrong("/own/exclusivity", _SHARED))
    return found


def _duties(own: Mapping[str, Any]) -> list[Problem]:
    """What is wrong with the list of duties, held against the flags."""
    listed = own.get("duties", ())
    found = []
    flagged = {_FLAGS[flag] for flag in _FLAGS if own.get(flag)} | {_FLAGS[_SAYS_TOO[f]] for f in _SAYS_TOO if f in own}
    seen: set[str] = set()
    for index, one in enumerate(listed):
        at, name = f"/own/duties/{index}", one["duty"]
        if name in seen | flagged:
            found.append(_wrong(f"{at}/duty", _TWICE, names=name))
        seen.add(name)
        flag = next((flag for flag, duty in _FLAGS.items() if duty == name), None)
        if flag is not None and own.get(flag) is False:
            found.append(_wrong(f"{at}/duty", _DENIED, said=name, other=flag))
        if name == "delete_at_end" and one.get("when", "at_end") != "at_end":
            found.append(_wrong(f"{at}/when", _AT_END_ONLY))
        if own["duration"] is None and (name == "delete_at_end" or one.get("when") == "at_end"):
            found.append(_wrong(at, _ENDLESS))
        if name in _NEEDS_A_TIME and "when" not in one:
            found.append(_wrong(f"{at}/when", _WHEN_DUE))
        if "within_days" in one and "when" not in one and name != "delete_at_end":
            found.append(_wrong(f"{at}/within_days", _FROM_WHEN))
        found += _consequences(one, at, {name})
    if sum(1 for one in map(_duty, listed) for _ in one.paths()) > _DUTIES_MAX:
        found.append(_wrong("/own/duties", _TOO_MANY))
    return found


def _consequences(duty: Mapping[str, Any], at: str, above: set[str]) -> list[Problem]:
    found = []
    seen: set[str] = set()
    for index, one in enumerate(duty.get("else", ())):
        where, name = f"{at}/else/{index}", one["duty"]
        if name in above:
            found.append(_wrong(f"{where}/duty", _SELF))
        elif name in seen:
            found.append(_wrong(f"{where}/duty", _TWICE, names=name))
        seen.add(name)
        found += _consequences(one, where, above | {name})
    return found


def _wrong(field: str, why: Text, **names: str) -> Problem:
    return TERMS_FIELD(field=field, why=Text(why.en.format(**names), why.zh.format(**names)))


def _rights(own: Mapping[str, Any]) -> Rights:
    territory, duration, exclusivity = own["territory"], own["duration"], own.get("exclusivity")
    details = {one.duty: one for one in map(_duty, own.get("duties", ()))}
    if "delete_within_days" in own:
        details["delete_at_end"] = Duty("delete_at_end", "at_end", own["delete_within_days"])
    if "report_every" in own:
        details["report_use"] = Duty("report_use", every=own["report_every"])
    return Rights(
        name="own",
        purposes=frozenset(own["purposes"]),
        prohibits=frozenset(own.get("prohibits", ())),
        commercial=own["commercial"],
        territory=None if territory == "*" else frozenset(territory),
        duration=None if duration is None else Duration(**duration),
        users=own.get("users"),
        duties=frozenset(duty for flag, duty in _FLAGS.items() if own.get(flag)).union(details),
        sites=own.get("sites"),
        outputs=frozenset(own.get("outputs", ())),
        exclusivity=None if exclusivity is None else Exclusivity(**exclusivity),
        # In one order, and only what says more than its name: so equal terms have equal rights.
        details=tuple(details[name] for name in DUTIES if name in details and details[name] != plain_duty(name)),
    )


def _duty(one: Mapping[str, Any]) -> Duty:
    name = one["duty"]
    when = "at_end" if name == "delete_at_end" else one.get("when")
    return Duty(name, when, one.get("within_days"), tuple(map(_duty, one.get("else", ()))))


def _end(rights: Iterable[Rights], starts_at: datetime, zone: ZoneInfo) -> datetime | None:
    return min((r.duration.end(starts_at, zone) for r in rights if r.duration is not None), default=None)


def _words(rights: tuple[Rights, ...]) -> PlainWords:
    allowed = frozenset.intersection(*(r.purposes - r.prohibits for r in rights))
    forbidden = frozenset.union(*(r.prohibits for r in rights))
    limits = frozenset.union(*(r.limits for r in rights))
    may = [text for purpose, text in PURPOSES.items() if purpose in allowed]
    may_not = [text for purpose, text in PURPOSES.items() if purpose in forbidden]
    unclear = [text for purpose, text in PURPOSES.items() if purpose not in allowed | forbidden]
    commercial = [r.commercial for r in rights]
    if False in commercial:
        may_not.append(Text("use it commercially", "用于商业目的"))
    elif None in commercial:
        unclear.append(Text("use it commercially", "用于商业目的"))
    else:
        may.append(Text("use it commercially", "用于商业目的"))
    may_not += [text for limit, text in OUTPUTS.items() if limit in limits]
    for one in rights:
        _bounds(one, may, may_not)
    _alone(rights, may, may_not, unclear)
    return PlainWords(tuple(may), tuple(may_not), _must(rights), tuple(unclear))


def _must(rights: tuple[Rights, ...]) -> tuple[Text, ...]:
    """The duties of all licences in the vocabulary's order, each said once."""
    every = [one for licence in rights for one in licence.conditions]
    return tuple(dict.fromkeys(one.text() for name in DUTIES for one in every if one.duty == name))


def _alone(rights: tuple[Rights, ...], may: list[Text], may_not: list[Text], unclear: list[Text]) -> None:
    """Whether others may have it too: the narrowest of what the licences say."""
    said = [one.exclusivity for one in rights]
    if any(one is not None and one.kind == "none" for one in said):
        may_not.append(_TO_YOURSELF)
    elif None in said:
        unclear.append(_TO_YOURSELF)
    else:
        for one in dict.fromkeys(one for one in said if one is not None):
            months = f" for {one.months} month{'s'[: one.months != 1]}" if one.months else ""
            for_ = f"（{one.months} 个月内）" if one.months else ""
            text = _ALONE[one.kind]
            may.append(Text(text.en + months, text.zh + for_))


_TO_YOURSELF = Text("have it to yourself, without other buyers", "独占数据，排除其他买方")
_ALONE = {
    "sole": Text("be the only one who uses it beside the supplier", "排他使用：除供应方自身外，仅您可以使用"),
    "exclusive": Text("be the only one who uses it", "独占使用，供应方及他人均不得使用"),
}


def where(rights: Rights) -> Text:
    """Where it may be used, or, with a territory, where it may not."""
    if rights.territory is None:
        return Text("use it anywhere", "在任何地区使用")
    names = places(rights.territory)
    return Text(f"use it outside {names.en}", f"在{names.zh}以外使用")


def how_long(rights: Rights) -> Text:
    """That it may be used without end, or, with a duration, for how long it may not."""
    if rights.duration is None:
        return Text("use it without an end date", "无限期使用")
    if rights.duration.months:
        count = rights.duration.months
        return Text(f"use it for longer than {count} months", f"使用超过 {count} 个月")
    count = rights.duration.days
    return Text(f"use it for longer than {count} days", f"使用超过 {count} 天")


def _bounds(rights: Rights, may: list[Text], may_not: list[Text]) -> None:
    (may if rights.territory is None else may_not).append(where(rights))
    (may if rights.duration is None else may_not).append(how_long(rights))
    if rights.users is None:
        may.append(Text("let any number of people use it", "供任意数量的人员使用"))
    else:
        may_not.append(Text(f"let more than {rights.users} people use it", f"供超过 {rights.users} 人使用"))
    if rights.sites is None:
        may.append(Text("use it at any number of sites", "在任意数量的场所使用"))
    else:
        may_not.append(Text(f"use it at more than {rights.sites} sites", f"在超过 {rights.sites} 个场所使用"))
