"""May this be done with the data, here, now? Permit, deny or unknown; unknown is a no.

Prohibition overrides permission. Within an alternative every licence must permit; of several alternatives one is
enough. Each answer lists the rules that decided it. `permits` answers what can be known before an organisation said
anything of itself; `decide` answers a whole question, and a fact that it lacks is unknown, never assumed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from contracts import answers
from contracts.problems import TERMS_FORBID
from contracts.rights import BREAKS, DUTIES, PERIOD_MONTHS, PURPOSES, Duration, Duty, Rights
from contracts.terms import Terms
from exchange.kernel.errors import Problem
from exchange.kernel.text import Text

_UTC = ZoneInfo("UTC")
# Whoever has to do one of these uses the data no longer.
ENDING = frozenset({"stop_use", "delete"})


class Verdict(StrEnum):
    """The three answers."""

    PERMIT = "permit"
    DENY = "deny"
    UNKNOWN = "unknown"


# A member of an enumeration is looked up more slowly than a name.
_PERMIT, _DENY, _UNKNOWN = Verdict.PERMIT, Verdict.DENY, Verdict.UNKNOWN
# An alternative is as good as its worst licence; a choice is as good as its best alternative.
_RANK = {_DENY: 0, _UNKNOWN: 1, _PERMIT: 2}
_Answer = tuple[Verdict, Text]


class Reason(msgspec.Struct, frozen=True):
    """One rule that took part: of which licence, about what, and how it decided."""

    licence: str
    rule: str
    verdict: Verdict
    text: Text


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer, and the rules that decided it (all of them for a permit, the obstacles otherwise).

    shapes   must: what one has to do for it, filled by `decide` for a permit
    """

    verdict: Verdict
    reasons: tuple[Reason, ...]
    must: tuple[Duty, ...] = ()

    @property
    def allowed(self) -> bool:
        """Whether it may be done: only a permit says so."""
        return self.verdict is _PERMIT

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
            "must": [duty.text().map() for duty in self.must],
        }


class Facts(msgspec.Struct, frozen=True):
    """What is known of the organisation that asks; None: not known.

    shapes   country: where it has its seat, ISO 3166; commercial: whether this use is; users, sites: who uses it, and where
    """

    country: str | None = None
    commercial: bool | None = None
    users: int | None = None
    sites: int | None = None


class Question(msgspec.Struct, frozen=True):
    """May this organisation, for this purpose, here, now? Whatever is None is not known.

    shapes   place: where it is used, ISO 3166; outputs: what comes of the use, values of BREAKS; duties: how those already
             stand, by path such as report_use/notify: kept, waived, pending or broken; others: whether others hold rights
             to the same data; starts_at: the beginning of the agreement, None before there is one; ends_at: the end that
             a renewal gave it, in place of the terms' duration; zone: the agreement's
    """

    purpose: str
    at: datetime
    place: str | None = None
    facts: Facts = Facts()
    outputs: frozenset[str] | None = None
    duties: Mapping[str, str] | None = None
    others: bool | None = None
    starts_at: datetime | None = None
    zone: ZoneInfo = _UTC
    ends_at: datetime | None = None

    @property
    def begun(self) -> bool:
        """Whether the agreement has been running for a while, so that something may have been due."""
        return self.starts_at is not None and self.at > self.starts_at


def decide(terms: Terms, question: Question) -> Decision:
    """Answer a whole question: every rule of the terms, each fact that is missing as unknown."""
    best: Decision | None = None
    for licences in terms.alternatives:
        reasons = [reason for rights in licences for reason in _all_reasons(rights, question)]
        found = _combine(reasons)
        if found.allowed:
            return Decision(found.verdict, found.reasons, _must(licences))
        if best is None or _RANK[found.verdict] > _RANK[best.verdict]:
            best = found
    return best or Decision(_UNKNOWN, ())


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

    Users, sites, outputs and duties are not asked here: they are promises that a buyer makes by buying.

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
    return best or Decision(_UNKNOWN, ())


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
    obstacles = tuple([reason for reason in reasons if reason.verdict is not _PERMIT])
    if not obstacles:
        return Decision(_PERMIT, tuple(reasons))
    denied = any(reason.verdict is _DENY for reason in obstacles)
    return Decision(_DENY if denied else _UNKNOWN, obstacles)


def _must(licences: tuple[Rights, ...]) -> tuple[Duty, ...]:
    if len(licences) == 1:
        return licences[0].conditions
    return tuple(dict.fromkeys(duty for rights in licences for duty in rights.conditions))


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


def _all_reasons(rights: Rights, question: Question) -> Iterator[Reason]:
    name, facts = rights.name, question.facts
    yield Reason(name, "purpose", *_purpose(rights, question.purpose))
    if facts.commercial is not False:
        yield Reason(name, "commercial", *_commercial(rights.commercial, facts.commercial))
    if rights.territory is not None:
        yield Reason(name, "territory", *_territory(rights.territory, question.place))
        yield Reason(name, "seat", *_seat(rights.territory, facts.country))
    if rights.users is not None:
        yield Reason(name, "users", *_USERS[_at_most(rights.users, facts.users)])
    if rights.sites is not None:
        yield Reason(name, "sites", *_SITES[_at_most(rights.sites, facts.sites)])
    if limits := rights.limits:
        for limit, fact in BREAKS.items():
            if limit in limits:
                yield Reason(name, _OUTPUT_RULES[limit], *_output(limit, fact, question.outputs))
    if rights.exclusivity is not None and rights.exclusivity.kind != "none" and not question.begun:
        yield Reason(name, "exclusivity", *_ALONE[question.others])
    if rights.duration is not None or question.starts_at is not None:
        yield Reason(name, "duration", *_time(rights, question.at, question.starts_at, question.zone, question.ends_at))
    for duty in rights.conditions:
        yield Reason(name, _DUTY_RULES[duty.duty], *_duty(duty, duty.duty, question))


def _purpose(rights: Rights, purpose: str) -> _Answer:
    if purpose not in PURPOSES:
        # The name comes from outside: it is not repeated, and it is never matched against anything.
        return _UNKNOWN, answers.NO_PURPOSE
    if purpose in rights.prohibits:
        return _DENY, answers.FORBIDDEN[purpose]
    if purpose in rights.purposes:
        return _PERMIT, answers.ALLOWED[purpose]
    return _UNKNOWN, answers.UNSAID[purpose]


def _commercial(allowed: bool | None, is_: bool | None) -> _Answer:
    """For a use that is commercial, or of which that is not known."""
    if is_ or allowed:
        return _COMMERCIAL[allowed]
    return _UNKNOWN, answers.COMMERCIAL_NOT_KNOWN


def _territory(allowed: frozenset[str], territory: str | None) -> _Answer:
    if territory is None:
        return _UNKNOWN, answers.WHERE
    return (_PERMIT, answers.HERE) if territory in allowed else (_DENY, answers.ELSEWHERE)


def _seat(allowed: frozenset[str], country: str | None) -> _Answer:
    if country is None:
        return _UNKNOWN, answers.SEAT_NOT_KNOWN
    return (_PERMIT, answers.SEAT_INSIDE) if country in allowed else (_DENY, answers.SEAT_OUTSIDE)


def _at_most(limit: int, number: int | None) -> bool | None:
    # Fewer than one is no number of users: it is as good as not said.
    return None if number is None or number < 1 else number <= limit


def _output(limit: str, fact: str, outputs: frozenset[str] | None) -> _Answer:
    if outputs is None or not outputs <= answers.OUTPUT_FACTS:
        return _UNKNOWN, answers.OUTPUT_NOT_KNOWN[limit]
    return (_DENY, answers.OUTPUT_BREAKS[limit]) if fact in outputs else (_PERMIT, answers.OUTPUT_FINE[limit])


def _time(
    rights: Rights, at: datetime, starts_at: datetime | None, zone: ZoneInfo, ends_at: datetime | None = None
) -> _Answer:
    if starts_at is None:
        return _UNKNOWN, answers.WHEN
    if at < starts_at:
        return _DENY, answers.EARLY
    if ends_at is None and rights.duration is not None:
        ends_at = _end(rights.duration, starts_at, zone)
    if ends_at is not None and at >= ends_at:
        return _DENY, answers.LATE
    return _PERMIT, answers.NOW


def _duty(duty: Duty, path: str, question: Question) -> _Answer:
    """How a duty stands: use may go on while it is kept, made good, or not due yet."""
    state = None if question.duties is None else question.duties.get(path)
    texts = answers.DUTY[duty.duty]
    if state == "broken":
        return _consequences(duty, path, question)
    if state in ("kept", "waived", "pending"):
        return _PERMIT, texts[state]
    if state is None and not _may_be_due(duty, question):
        return _PERMIT, texts["pending"]
    return _UNKNOWN, texts["unknown"]


def _consequences(duty: Duty, path: str, question: Question) -> _Answer:
    """Of a broken duty: use rests until every consequence is done; one that ends the use ends it."""
    texts = answers.DUTY[duty.duty]
    if not duty.otherwise or any(one.duty in ENDING for one in duty.otherwise):
        return _DENY, texts["broken"]
    worst = _PERMIT
    for one in duty.otherwise:
        state = (question.duties or {}).get(below := f"{path}/{one.duty}")
        if state in ("kept", "waived"):
            verdict = _PERMIT
        elif state == "broken":
            verdict = _consequences(one, below, question)[0]
        else:
            verdict = _DENY if state == "pending" else _UNKNOWN
        worst = min(worst, verdict, key=_RANK.__getitem__)
    if worst is _PERMIT:
        return worst, texts["healed"]
    return worst, texts["unhealed" if worst is _DENY else "unsettled"]


def _may_be_due(duty: Duty, question: Question) -> bool:
    """Whether a duty could have been broken by now; what falls due at the end could not while the agreement runs."""
    starts_at = question.starts_at
    if starts_at is None or not question.begun or duty.when == "at_end":
        return False
    months = PERIOD_MONTHS[duty.every] if duty.every else 12 if duty.when == "yearly" else 0
    if not months:
        return True
    due = _end(Duration(months=months), starts_at, question.zone)
    return question.at >= due + timedelta(days=duty.within_days or 0)


@lru_cache(maxsize=4096)
def _end(duration: Duration, starts_at: datetime, zone: ZoneInfo) -> datetime:
    return duration.end(starts_at, zone).astimezone(UTC)


_OUTPUT_RULES = {limit: f"outputs/{limit}" for limit in BREAKS}
_DUTY_RULES = {name: f"duty/{name}" for name in DUTIES}
_COMMERCIAL = {
    True: (_PERMIT, answers.COMMERCIAL_ALLOWED),
    False: (_DENY, answers.COMMERCIAL_FORBIDDEN),
    None: (_UNKNOWN, answers.COMMERCIAL_UNSETTLED),
}
_USERS = {
    True: (_PERMIT, answers.USERS_FEW),
    False: (_DENY, answers.USERS_MANY),
    None: (_UNKNOWN, answers.USERS_NOT_KNOWN),
}
_SITES = {
    True: (_PERMIT, answers.SITES_FEW),
    False: (_DENY, answers.SITES_MANY),
    None: (_UNKNOWN, answers.SITES_NOT_KNOWN),
}
_ALONE = {
    False: (_PERMIT, answers.NOBODY_ELSE),
    True: (_DENY, answers.OTHERS_HAVE_IT),
    None: (_UNKNOWN, answers.OTHERS_NOT_KNOWN),
}
