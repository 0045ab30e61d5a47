"""Licence terms: the document, its meaning, and the same in plain words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from contracts import spdx
from contracts.problems import TERMS_FIELD
from contracts.rights import DUTIES, PURPOSES, Duration, Rights
from exchange.kernel.canonical import canonical, sha256_hex
from exchange.kernel.errors import Problem
from exchange.kernel.schemas import Shape
from exchange.kernel.text import Text

SHAPE = Shape.load("contracts", "terms.schema.json")
TERMS_SCHEMA = SHAPE.schema
_FLAGS = ("attribution", "share_alike", "no_reidentification", "delete_at_end", "report_use")

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
    wrongs = [TERMS_FIELD(field=wrong.field, why=wrong.why) for wrong in SHAPE.wrongs(document)]
    if wrongs or not isinstance(document, dict):
        return wrongs
    if ("spdx" in document) == ("own" in document):
        return [TERMS_FIELD(field="/", why=_ONE_OF_TWO)]
    if "spdx" in document:
        try:
            found: spdx.Alternatives = spdx.alternatives(document["spdx"])
        except spdx.BadExpression as error:
            why = Text(f"{_NO_SPDX.en}: {error}", f"{_NO_SPDX.zh}：{error}")
            return [TERMS_FIELD(field="/spdx", why=why)]
    else:
        own = document["own"]
        if problems := _meaning(own):
            return problems
        found = ((_rights(own),),)
    return Terms(document["prevailing_language"], found, sha256_hex(canonical(document)), document.get("spdx"))


def load(document: Mapping[str, Any]) -> Terms:
    """Understand terms that were checked when they were stored.

    errors   BadTerms
    """
    terms = parse(document)
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
        names = ", ".join(both)
        why = Text(_BOTH.en.format(names=names), _BOTH.zh.format(names=names))
        found.append(TERMS_FIELD(field="/own/prohibits", why=why))
    if own.get("delete_at_end") and own["duration"] is None:
        found.append(TERMS_FIELD(field="/own/delete_at_end", why=_ENDLESS))
    return found


def _rights(own: Mapping[str, Any]) -> Rights:
    territory, duration = own["territory"], own["duration"]
    return Rights(
        name="own",
        purposes=frozenset(own["purposes"]),
        prohibits=frozenset(own.get("prohibits", ())),
        commercial=own["commercial"],
        territory=None if territory == "*" else frozenset(territory),
        duration=None if duration is None else Duration(**duration),
        users=own.get("users"),
        duties=frozenset(flag for flag in _FLAGS if own.get(flag)),
    )


def _end(rights: Iterable[Rights], starts_at: datetime, zone: ZoneInfo) -> datetime | None:
    return min((r.duration.end(starts_at, zone) for r in rights if r.duration is not None), default=None)


def _words(rights: tuple[Rights, ...]) -> PlainWords:
    allowed = frozenset.intersection(*(r.purposes - r.prohibits for r in rights))
    forbidden = frozenset.union(*(r.prohibits for r in rights))
    duties = frozenset.union(*(r.duties for r in rights))
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
    may_not += [text for duty, text in _LIMITS.items() if duty in duties]
    for one in rights:
        _bounds(one, may, may_not)
    must = [text for duty, text in DUTIES.items() if duty in duties and duty not in _LIMITS]
    return PlainWords(tuple(may), tuple(may_not), tuple(must), tuple(unclear))


_LIMITS = {"no_reidentification": Text("try to find out who a person in the data is", "尝试识别数据中的个人")}


def _bounds(rights: Rights, may: list[Text], may_not: list[Text]) -> None:
    if rights.territory is None:
        may.append(Text("use it anywhere", "在任何地区使用"))
    else:
        places = ", ".join(sorted(rights.territory))
        may_not.append(Text(f"use it outside {places}", f"在 {places} 以外使用"))
    if rights.duration is None:
        may.append(Text("use it without an end date", "无限期使用"))
    elif rights.duration.months:
        count = rights.duration.months
        may_not.append(Text(f"use it for longer than {count} months", f"使用超过 {count} 个月"))
    else:
        count = rights.duration.days
        may_not.append(Text(f"use it for longer than {count} days", f"使用超过 {count} 天"))
    if rights.users is not None:
        may_not.append(Text(f"let more than {rights.users} people use it", f"供超过 {rights.users} 人使用"))
