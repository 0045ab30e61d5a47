"""Whole questions decided per second and core, against one bare look into a dictionary and its sets."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from benchmarks.result import Result, result
from contracts.evaluation import Facts, Question, decide
from contracts.rights import BREAKS, PURPOSES
from contracts.terms import Terms, load

NAME, FLOOR, AIM = "terms", 0.01, 0.02
QUESTIONS, ROUNDS, PER_SECOND_MIN = 20_000, 3, 20_000
_START = datetime(2026, 1, 31, 8, tzinfo=UTC)
_ZONES = (ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin"))
_PLACES = ("CN", "HK", "DE", "US")
_STATES = ("kept", "kept", "kept", "pending", "waived", "broken")
_DUTIES = ("attribution", "keep_notices", "report_use", "report_use/notify", "allow_audit", "share_alike")
# Every field of the vocabulary.
_FULL = {
    "purposes": ["pretrain", "fine_tune", "evaluate"],
    "prohibits": ["redistribute"],
    "commercial": True,
    "territory": ["CN", "HK"],
    "duration": {"months": 12},
    "users": 50,
    "sites": 3,
    "attribution": True,
    "no_reidentification": True,
    "audit_right": True,
    "outputs": ["no_competing_models", "label_synthetic"],
    "exclusivity": {"kind": "sole", "months": 6},
    "delete_within_days": 30,
    "duties": [{"duty": "report_use", "when": "yearly", "else": [{"duty": "notify", "within_days": 14}]}],
}
_SHORT = {"purposes": list(PURPOSES)[:5], "commercial": False, "territory": "*", "duration": {"days": 365}}
_SAID = ({"own": _FULL}, {"own": _FULL}, {"own": _SHORT}, {"spdx": "CC-BY-4.0 OR CC-BY-NC-SA-4.0"})


async def measure(_house: object = None) -> Result:
    """Decide the same questions over and over; no two of them are alike, half the agreements have a beginning of their own."""
    rng = random.Random(1)
    known = [load({"type": "terms", "v": 1, "prevailing_language": "zh", **said}) for said in _SAID]
    asked = [(rng.choice(known), _question(rng, number)) for number in range(QUESTIONS)]
    verdicts: dict[str, int] = {}
    for terms, question in asked:
        verdict = decide(terms, question).verdict.value
        verdicts[verdict] = verdicts.get(verdict, 0) + 1
    assert len(verdicts) == 3, verdicts
    ours = QUESTIONS / min(_time(lambda: _decide(asked)) for _ in range(ROUNDS))
    assert ours >= PER_SECOND_MIN, f"{ours:.0f} decisions/s"
    table = {id(terms): (set(PURPOSES), set(_PLACES[:2]), 50, _START + timedelta(days=365)) for terms in known}
    bare = QUESTIONS / min(_time(lambda: _look(asked, table)) for _ in range(ROUNDS))
    told = ", ".join(f"{count:,} {verdict}" for verdict, count in sorted(verdicts.items()))
    return result(
        NAME,
        ours,
        "decisions/s/core",
        bare,
        floor=FLOOR,
        aim=AIM,
        includes=f"{QUESTIONS:,} different questions over terms with up to 18 rules ({told}); processor time of one core, at least "
        f"{PER_SECOND_MIN:,}/s. Includes every rule, calendar months in the agreement's zone, nested duties, alternatives of a "
        "licence expression, and the reasons in two languages. Baseline: one look into a dictionary, two sets, two comparisons.",
    )


def _question(rng: random.Random, number: int) -> Question:
    at = _START + timedelta(seconds=977 * number)
    starts_at = at - timedelta(days=rng.randrange(400)) if number % 2 else _START
    facts = Facts(rng.choice(_PLACES), rng.choice((True, False, None)), rng.choice((10, 60, None)), rng.choice((1, 5)))
    return Question(
        purpose=rng.choice(list(PURPOSES)),
        at=at,
        place=rng.choice(_PLACES),
        facts=facts,
        outputs=frozenset(rng.sample(sorted(BREAKS.values()), rng.randrange(3))),
        duties={duty: rng.choice(_STATES) for duty in _DUTIES},
        others=False,
        starts_at=starts_at,
        zone=rng.choice(_ZONES),
    )


def _decide(asked: list[tuple[Terms, Question]]) -> None:
    for terms, question in asked:
        decide(terms, question)


def _look(asked: list[tuple[Terms, Question]], table: dict[int, tuple[set[str], set[str], int, datetime]]) -> int:
    allowed = 0
    for terms, question in asked:
        purposes, places, users, end = table[id(terms)]
        allowed += (
            question.purpose in purposes
            and question.place in places
            and (question.facts.users or 0) <= users
            and question.at < end
        )
    return allowed


def _time(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


if __name__ == "__main__":
    print(asyncio.run(measure()).tell())
