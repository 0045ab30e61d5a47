"""What a dataset was made of, held against the terms it is offered under."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from contracts import compatibility, terms
from contracts.compatibility import Finding, Fit, How
from contracts.compatibility_problems import UPSTREAM_CONFLICT, UPSTREAM_DOUBT, UPSTREAM_TERMS
from contracts.terms import Terms
from exchange.catalog.datasets import Dataset
from exchange.catalog.listings import ListingState
from exchange.catalog.store import datasets, listings
from exchange.catalog.upstreams import Upstream
from exchange.kernel import ids
from exchange.kernel.db import Tx
from exchange.kernel.errors import Problem
from exchange.kernel.text import Text

_NO_LISTING = Text("there is no such listing on sale", "没有此上架产品")
_HOW = {"derive": Text("derived", "衍生"), "bundle": Text("bundled", "汇编")}
# A refusal names the first clauses; the page of the dataset has them all.
_SHOWN_MAX = 3


@dataclass(frozen=True, slots=True)
class Judged:
    """One upstream dataset held against one set of terms."""

    upstream: Upstream
    finding: Finding


async def refuse_unreadable(tx: Tx, upstreams: Sequence[Upstream], supplier_id: UUID) -> Problem | None:
    """Refuse upstreams whose terms nobody can read, or that name a listing which the supplier cannot see."""
    for index, one in enumerate(upstreams):
        found = compatibility.upstream_terms(spdx=one.spdx, document=one.terms)
        if isinstance(found, list):
            return UPSTREAM_TERMS(index=index, why=Text(found[0].detail("en"), found[0].detail("zh")))
        if one.listing is not None:
            listing = await listings.find_listing(tx, ids.parse("lst", one.listing))
            seen = listing is not None and (
                listing.supplier_id == supplier_id or listing.state is ListingState.PUBLISHED
            )
            if not seen:
                return UPSTREAM_TERMS(index=index, why=_NO_LISTING)
    return None


def judge(dataset: Dataset, offered: Terms) -> list[Judged]:
    """Hold every upstream of a dataset against the terms it is offered under."""
    return [Judged(one, compatibility.offered(_terms(one), offered, How(one.how))) for one in dataset.derived_from]


async def refuse_conflict(tx: Tx, dataset_id: UUID, written: Sequence[Mapping[str, Any]]) -> Problem | None:
    """Refuse terms that conflict with those of a dataset that this one was made of, naming the clauses."""
    problems, _ = await _said(tx, dataset_id, written)
    return problems[0] if problems else None


async def doubts(tx: Tx, dataset_id: UUID, written: Sequence[Mapping[str, Any]]) -> list[Text]:
    """Say where it is doubtful whether terms fit the datasets that this one was made of."""
    _, notes = await _said(tx, dataset_id, written)
    return [Text(note.detail("en"), note.detail("zh")) for note in notes]


async def _said(tx: Tx, dataset_id: UUID, written: Sequence[Mapping[str, Any]]) -> tuple[list[Problem], list[Problem]]:
    dataset = await datasets.find_dataset(tx, dataset_id)
    if dataset is None:
        raise LookupError("a listing has no dataset")
    judged = [one for document in written for one in judge(dataset, terms.load(document))]
    wrong = [_problem(one) for one in judged if one.finding.fit is Fit.INCOMPATIBLE]
    return wrong, [_problem(one) for one in judged if one.finding.fit is Fit.UNKNOWN]


def _problem(judged: Judged) -> Problem:
    finding, upstream = judged.finding, judged.upstream
    shown = [clause for clause in finding.clauses if clause.fit is finding.fit][:_SHOWN_MAX]
    clauses = Text(
        "; ".join(f"{one.upstream.en} – {one.dataset.en}" for one in shown),
        "；".join(f"{one.upstream.zh} – {one.dataset.zh}" for one in shown),
    )
    kind = UPSTREAM_CONFLICT if finding.fit is Fit.INCOMPATIBLE else UPSTREAM_DOUBT
    return kind(source=upstream.source, how=_HOW[upstream.how], clauses=clauses)


def _terms(upstream: Upstream) -> Terms:
    found = compatibility.upstream_terms(spdx=upstream.spdx, document=upstream.terms)
    if isinstance(found, list):
        raise terms.BadTerms("; ".join(problem.detail("en") for problem in found))
    return found
