"""Assessments: a supplier asks an assessor to look at a revision, and the assessor answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from exchange.kernel.errors import Problem
from exchange.quality.problems import ASSESSMENT_STATE


class AssessmentState(StrEnum):
    """Where an assessment stands."""

    REQUESTED = "requested"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    SIGNED = "signed"


MOVES: Mapping[AssessmentState, frozenset[AssessmentState]] = {
    AssessmentState.REQUESTED: frozenset({AssessmentState.ACCEPTED, AssessmentState.DECLINED}),
    AssessmentState.ACCEPTED: frozenset({AssessmentState.SIGNED, AssessmentState.DECLINED}),
    AssessmentState.DECLINED: frozenset(),
    AssessmentState.SIGNED: frozenset(),
}
OPEN = frozenset({AssessmentState.REQUESTED, AssessmentState.ACCEPTED})


@dataclass(frozen=True, slots=True)
class Assessment:
    """One request, tied to the scorecard that the assessor is shown."""

    id: UUID
    revision_id: UUID
    scorecard_id: UUID
    supplier_id: UUID
    assessor_id: UUID
    state: AssessmentState
    created_at: datetime
    changed_at: datetime


def refuse_move(assessment: Assessment, wanted: AssessmentState) -> Problem | None:
    """Say why an assessment cannot become `wanted`, or None: it can."""
    if wanted in MOVES[assessment.state]:
        return None
    return ASSESSMENT_STATE(state=assessment.state.value, wanted=wanted.value)
