"""May this be done with the data, here, now? Permit, deny or unknown; unknown is a no.

Prohibition overrides permission. Within an alternative every licence must permit; of several alternatives one is
enough. Each answer lists the rules that decided it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from contracts.problems import TERMS_FORBID
from contracts.rights import PURPOSES, Rights
from contracts.terms import Terms
from exchange.kernel.errors import Problem
from exchange.kernel.text import Text

_UTC = ZoneInfo("UTC")


class Verdict(StrEnum):
    """The three answers."""

    PERMIT = "permit"
    DENY = "deny"
    UNKNOWN = "unknown"


# An alternative is as good as its worst licence; a choice is as good as its best alternative.
_RANK = {Verdict.DENY: 0, Verdict.UNKNOWN: 1, Verdict.PERMIT: 2}


@dataclass(frozen=True, slots=True)
class Reason:
    """One rule that took part: of which licence, about what, and how it decided."""

    licence: str
    rule: str
    verdict: Verdict
    text: Text


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer, and the rules that decided it (all of them for a permit, the obstacles otherwise)."""

    verdict: Verdict
    reasons: tuple[Reason, ...]

    @property
    def allowed(self) -> bool:
        """Whether it may be done: only a permit says so."""
        return self.verdict is Verdict.PERMIT

    def problem(self) -> Problem | None:
        """The refusal to answer with, None for a permit."""
        if self.allowed:
            return None
        en, zh = "; ".join(r.text.en for r in self.reasons), "；".join(r.text.zh for r in self.reasons)
        return TERMS_FORBID(reason=Text(en, zh), verdict=self.verdict.value)

    def document(self) -> dict[str, Any]:
        """The decision as JSON."""
        return {
            "verdict": self.verdict.value,
            "allowed": self.allowed,
            "reasons": [
                {"licence": r.licence, "rule": r.rule, "verdict": r.verdict.value, "text": r.text.map()}
                for r in self.reasons
            ],
        }


def permits(
    terms: Terms,
    purpose: str,
    territory: str | None,
    at: datetime,
    *,
    starts_at: datetime | None = None,
    zone: ZoneInfo = _UTC,
    commercial: bool = True,
) -> Decision:
    """Decide whether `terms` allow `purpose` in `territory` at the moment `at`.

    shapes   territory: ISO 3166 code, None when it is not known; starts_at: the beginning of the agreement, None before
             there is one; zone: the agreement's, for terms that end; commercial: the use is (assumed when not said)
    """
    best: Decision | None = None
    for licences in terms.alternatives:
        reasons: list[Reason] = []
        for rights in licences:
            reasons += _reasons(rights, purpose, territory, at, starts_at, zone, commercial)
        found = _combine(reasons)
        if found.allowed:
            return found
        if best is None or _RANK[found.verdict] > _RANK[best.verdict]:
            best = found
    # Terms have at least one alternative; without any, nothing permits.
    return best or Decision(Verdict.UNKNOWN, ())


def permitted_purposes(
    terms: Terms, territory: str | None, at: datetime, *, starts_at: datetime, zone: ZoneInfo, commercial: bool = True
) -> tuple[str, ...]:
    """The purposes that a grant under `terms` may carry, in the vocabulary's order."""
    return tuple(
        purpose
        for purpose in PURPOSES
        if permits(terms, purpose, territory, at, starts_at=starts_at, zone=zone, commercial=commercial).allowed
    )


def _combine(reasons: list[Reason]) -> Decision:
    worst = min((reason.verdict for reason in reasons), key=_RANK.__getitem__)
    if worst is Verdict.PERMIT:
        return Decision(worst, tuple(reasons))
    return Decision(worst, tuple(reason for reason in reasons if reason.verdict is not Verdict.PERMIT))


def _reasons(
    rights: Rights,
    purpose: str,
    territory: str | None,
    at: datetime,
    starts_at: datetime | None,
    zone: ZoneInfo,
    commercial: bool,
) -> Iterator[Reason]:
    name = rights.name
    yield Reason(name, "purpose", *_purpose(rights, purpose))
    if commercial:
        yield Reason(name, "commercial", *_COMMERCIAL[rights.commercial])
    if rights.territory is not None:
        yield Reason(name, "territory", *_territory(rights.territory, territory))
    if rights.duration is not None or starts_at is not None:
        yield Reason(name, "duration", *_time(rights, at, starts_at, zone))


def _purpose(rights: Rights, purpose: str) -> tuple[Verdict, Text]:
    if purpose not in PURPOSES:
        # The name comes from outside: it is not repeated, and it is never matched against anything.
        return Verdict.UNKNOWN, _NO_PURPOSE
    if purpose in rights.prohibits:
        return Verdict.DENY, _FORBIDDEN[purpose]
    if purpose in rights.purposes:
        return Verdict.PERMIT, _ALLOWED[purpose]
    return Verdict.UNKNOWN, _UNSAID[purpose]


def _territory(allowed: frozenset[str], territory: str | None) -> tuple[Verdict, Text]:
    if territory is None:
        return Verdict.UNKNOWN, _WHERE
    return (Verdict.PERMIT, _HERE) if territory in allowed else (Verdict.DENY, _ELSEWHERE)


def _time(rights: Rights, at: datetime, starts_at: datetime | None, zone: ZoneInfo) -> tuple[Verdict, Text]:
    if starts_at is None:
        return Verdict.UNKNOWN, _WHEN
    if at < starts_at:
        return Verdict.DENY, _EARLY
    if rights.duration is not None and at >= rights.duration.end(starts_at, zone).astimezone(UTC):
        return Verdict.DENY, _LATE
    return Verdict.PERMIT, _NOW


_NO_PURPOSE = Text("the purpose is not in the vocabulary", "用途不在词汇表中")
_ALLOWED = {p: Text(f"the terms let you {t.en}", f"条款允许{t.zh}") for p, t in PURPOSES.items()}
_FORBIDDEN = {p: Text(f"the terms forbid you to {t.en}", f"条款禁止{t.zh}") for p, t in PURPOSES.items()}
_UNSAID = {p: Text(f"the terms do not say that you may {t.en}", f"条款未说明可以{t.zh}") for p, t in PURPOSES.items()}
_COMMERCIAL = {
    True: (Verdict.PERMIT, Text("commercial use is allowed", "允许商业使用")),
    False: (Verdict.DENY, Text("commercial use is forbidden", "禁止商业使用")),
    None: (Verdict.UNKNOWN, Text("the terms do not settle commercial use", "条款未明确商业使用")),
}
_WHERE = Text("the place of use is not known, and the terms are limited to some", "使用地点未知，而条款限定了地区")
_HERE = Text("the place of use is within the territory", "使用地点在许可地区内")
_ELSEWHERE = Text("the place of use is outside the territory", "使用地点不在许可地区内")
_WHEN = Text(
    "the terms run from an agreement's beginning, and there is none yet", "条款期限自合约开始计算，目前尚无合约"
)
_EARLY = Text("the agreement has not begun", "合约尚未开始")
_LATE = Text("the agreement's time is over", "合约期限已满")
_NOW = Text("the agreement is running", "合约在有效期内")
