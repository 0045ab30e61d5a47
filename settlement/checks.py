"""Findings: what `exchange fsck` says when the facts of settlement disagree."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One disagreement: which rule, about what, and the two values that should be equal."""

    rule: str
    subject: str
    said: str
    fact: str
