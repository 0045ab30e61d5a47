"""Questions as JSON: what a person or a machine writes to ask "may I?"."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from contracts.evaluation import Facts, Question
from contracts.problems import QUESTION_FIELD
from exchange.kernel.errors import Problem
from exchange.kernel.schemas import Shape
from exchange.kernel.text import Text

SHAPE = Shape.load("contracts", "question.schema.json")
QUESTION_SCHEMA = SHAPE.schema
DEFAULT_ZONE = "Asia/Shanghai"

_NO_MOMENT = Text("is no moment that exists, such as 2026-01-31T08:00:00Z", "不是有效的时刻，例如 2026-01-31T08:00:00Z")
_NO_ZONE = Text("is no time zone such as Asia/Shanghai", "不是有效的时区，例如 Asia/Shanghai")


def parse(document: object, now: datetime) -> Question | list[Problem]:
    """Read a question, asked for `now` unless it names another moment, or say which fields are wrong.

    shapes   a non-empty list of problems, at most 20 from the schema
    """
    problems = [QUESTION_FIELD(field=wrong.field, why=wrong.why) for wrong in SHAPE.wrongs(document)]
    if problems or not isinstance(document, dict):
        return problems
    moments = {}
    for name, otherwise in (("at", now), ("starts_at", None), ("ends_at", None)):
        said = document.get(name)
        try:
            moments[name] = otherwise if said is None else datetime.fromisoformat(said).astimezone(UTC)
        except ValueError:
            problems.append(QUESTION_FIELD(field=f"/{name}", why=_NO_MOMENT))
    zone = _zone(document.get("zone", DEFAULT_ZONE))
    if zone is None:
        problems.append(QUESTION_FIELD(field="/zone", why=_NO_ZONE))
    if problems or zone is None:
        return problems
    outputs = document.get("outputs")
    return Question(
        purpose=document["purpose"],
        at=moments["at"] or now,
        place=document.get("place"),
        facts=Facts(**document.get("organisation", {})),
        outputs=None if outputs is None else frozenset(outputs),
        duties=document.get("duties"),
        others=document.get("others"),
        starts_at=moments["starts_at"],
        ends_at=moments["ends_at"],
        zone=zone,
    )


def document(question: Question) -> Mapping[str, Any]:
    """A question as the JSON that `parse` reads, every fact of it written, for whoever keeps what was asked."""
    facts, outputs, duties = question.facts, question.outputs, question.duties
    return {
        "purpose": question.purpose,
        "at": _instant(question.at),
        "place": question.place,
        "organisation": {
            "country": facts.country,
            "commercial": facts.commercial,
            "users": facts.users,
            "sites": facts.sites,
        },
        "outputs": None if outputs is None else sorted(outputs),
        "duties": None if duties is None else dict(sorted(duties.items())),
        "others": question.others,
        "starts_at": None if question.starts_at is None else _instant(question.starts_at),
        "ends_at": None if question.ends_at is None else _instant(question.ends_at),
        "zone": question.zone.key,
    }


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # not in the database, or leading out of it
        return None


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
