"""Acceptance: how long a buyer may look at a delivery before its payees get their money, and what it says of it.

Nothing is written for silence: the window follows from the moment of delivery and the offer's legal frame. Only what
somebody said is a fact: accepted, rejected, decided.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from exchange.kernel.text import LocaleMap

DAYS_DEFAULT = 7
# The longest window that a legal frame can name (contracts/frame.schema.json).
DAYS_MAX = 365


class Ground(StrEnum):
    """Why a delivery is rejected; the list is closed."""

    NOT_DELIVERED = "not_delivered"
    INCOMPLETE = "incomplete"
    UNREADABLE = "unreadable"
    NOT_AS_DESCRIBED = "not_as_described"
    QUALITY_BELOW_STATED = "quality_below_stated"
    RIGHTS_DOUBTFUL = "rights_doubtful"
    PERSONAL_DATA = "personal_data"
    OTHER = "other"


GROUNDS: Mapping[Ground, LocaleMap] = {
    Ground.NOT_DELIVERED: {"en": "not delivered", "zh": "未交付"},
    Ground.INCOMPLETE: {"en": "files or records are missing", "zh": "文件或记录缺失"},
    Ground.UNREADABLE: {"en": "cannot be read", "zh": "无法读取"},
    Ground.NOT_AS_DESCRIBED: {"en": "not as described", "zh": "与说明不符"},
    Ground.QUALITY_BELOW_STATED: {"en": "below the stated quality", "zh": "低于所述质量"},
    Ground.RIGHTS_DOUBTFUL: {"en": "the rights to it are in doubt", "zh": "权利存疑"},
    Ground.PERSONAL_DATA: {"en": "holds personal data that it should not", "zh": "含有不应存在的个人信息"},
    Ground.OTHER: {"en": "another reason", "zh": "其他原因"},
}


class Said(StrEnum):
    """What was said of a delivery."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    DECIDED = "decided"


class Standing(StrEnum):
    """Where a delivery stands: shares are on hold in the first three."""

    INSPECTION = "inspection"
    REJECTED = "rejected"
    LAPSED = "lapsed"
    ACCEPTED = "accepted"
    DECIDED = "decided"


ON_HOLD = frozenset({Standing.INSPECTION, Standing.REJECTED, Standing.LAPSED})
# What may be said next. Whoever is silent accepts, or, where the legal frame says that silence refuses, lets it lapse:
# the shares wait for a late acceptance, a refund or the operator's decision.
MOVES: Mapping[Standing, frozenset[Said]] = {
    Standing.INSPECTION: frozenset({Said.ACCEPTED, Said.REJECTED}),
    Standing.REJECTED: frozenset({Said.ACCEPTED, Said.DECIDED}),
    Standing.LAPSED: frozenset({Said.ACCEPTED, Said.DECIDED}),
    Standing.ACCEPTED: frozenset(),
    Standing.DECIDED: frozenset(),
}
# Whoever was silent and so accepted may still say so: it brings the payees their money before the next run.
_SILENT = frozenset({Said.ACCEPTED})


class Outcome(StrEnum):
    """How a rejection was decided: all to the payees, or all or a part back to the buyer and the rest to the payees."""

    RELEASE = "release"
    REFUND = "refund"


@dataclass(frozen=True, slots=True)
class Inspection:
    """How long a buyer may inspect, and whether silence refuses."""

    days: int = DAYS_DEFAULT
    silence_refuses: bool = False

    def until(self, delivered_at: datetime) -> datetime:
        """The first moment after the window."""
        return delivered_at + timedelta(days=self.days)


@dataclass(frozen=True, slots=True)
class Fact:
    """What was said of one order's delivery.

    shapes   ground and evidence_sha256 where it was rejected; outcome where it was decided, refund_id where money went back
    """

    id: UUID
    order_id: UUID
    buyer_id: UUID
    seller_id: UUID
    said: Said
    created_at: datetime
    ground: Ground | None = None
    evidence_sha256: bytes | None = None
    outcome: Outcome | None = None
    refund_id: UUID | None = None
    organisation_id: UUID | None = None


def inspection_of(offer: Mapping[str, Any]) -> Inspection:
    """The window of an offer's document: what its legal frame says, else seven days after which silence accepts.

    shapes   the canonical offer; a frame that names days and not what silence means: silence accepts
    """
    said = offer.get("frame", {}).get("acceptance")
    if said is None:
        return Inspection()
    return Inspection(said["days"], said.get("silence") == "refuses")


def standing(delivered_at: datetime, window: Inspection, said: Sequence[Said], at: datetime) -> Standing:
    """Where a delivery stands at a moment, from when it was made and what was said of it.

    shapes   said: in the order in which it was said
    """
    if said and said[-1] is not Said.REJECTED:
        return Standing.ACCEPTED if said[-1] is Said.ACCEPTED else Standing.DECIDED
    if said:
        return Standing.REJECTED
    if at < window.until(delivered_at):
        return Standing.INSPECTION
    return Standing.LAPSED if window.silence_refuses else Standing.ACCEPTED


def said_at(before: Sequence[Fact], now: datetime) -> datetime:
    """When something is said now: after all that was said before, whatever the clocks of processes say."""
    return max([now, *(one.created_at + timedelta(microseconds=1) for one in before)])


def may_say(where: Standing, before: Sequence[Said], wanted: Said) -> bool:
    """Whether `wanted` may be said of a delivery that stands there."""
    return wanted in MOVES[where] or (where is Standing.ACCEPTED and not before and wanted in _SILENT)
