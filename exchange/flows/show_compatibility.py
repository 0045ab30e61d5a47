"""Whether a dataset's licence and the terms of its offers fit the datasets that it was made of. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from contracts import compatibility, terms
from contracts.compatibility import Fit
from contracts.terms import Terms
from exchange.catalog.datasets import Dataset
from exchange.catalog.offers import Offer
from exchange.catalog.store import portal
from exchange.flows.upstreams import judge
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx

_WORST = (Fit.INCOMPATIBLE, Fit.UNKNOWN)
_EXAMPLE = {
    "rule": "commercial",
    "verdict": "incompatible",
    "upstream": {"en": "CC-BY-NC-4.0: commercial use is forbidden", "zh": "CC-BY-NC-4.0：禁止商业使用"},
    "dataset": {"en": "commercial use is allowed", "zh": "允许商业使用"},
}


class UpstreamFit(msgspec.Struct, frozen=True):
    """One upstream dataset against one set of terms; `clauses` say what stands in the way, on both sides."""

    upstream: Annotated[dict[str, Any], Meta(examples=[{"url": "https://a.example/b", "spdx": "MIT", "how": "derive"}])]
    verdict: Annotated[str, Meta(examples=["incompatible"])]
    clauses: Annotated[list[dict[str, Any]], Meta(examples=[[_EXAMPLE]])]
    duties: Annotated[list[dict[str, Any]], Meta(description="What the upstream terms hand on. 上游条款传递的义务。")]


class TermsFit(msgspec.Struct, frozen=True):
    """One set of terms of the dataset: its licence, or those of a current offer."""

    of: Annotated[str, Meta(description="licence, or the id of an offer. licence 或报价编号。", examples=["licence"])]
    verdict: Annotated[str, Meta(examples=["incompatible"])]
    upstreams: list[UpstreamFit]


class Compatibility(msgspec.Struct, frozen=True):
    """How a dataset stands to what it was made of; the verdict is that of the worst of its terms."""

    dataset: Annotated[str, Meta(examples=["ds_01m80jwmabesg81hwe4cc73nw9"])]
    verdict: Annotated[str, Meta(examples=["compatible"])]
    terms: list[TermsFit]


async def show_compatibility(tx: Tx, actor: Actor, dataset_id: UUID) -> Compatibility | None:
    """Hold every upstream of one of the supplier's datasets against its licence and the terms of its current offers."""
    dataset = await portal.own_dataset(tx, actor, dataset_id)
    if dataset is None:
        return None
    found = [_fit(dataset, "licence", _of_licence(dataset))]
    found += [
        _fit(dataset, ids.text("ofr", one.id), _of_offer(one))
        for one in await portal.own_current_offers(tx, actor, dataset_id)
    ]
    return Compatibility(ids.text("ds", dataset.id), _worst([one.verdict for one in found]), found)


def _fit(dataset: Dataset, of: str, offered: Terms) -> TermsFit:
    upstreams = [
        UpstreamFit(upstream=one.upstream.document(), **one.finding.document()) for one in judge(dataset, offered)
    ]
    return TermsFit(of, _worst([one.verdict for one in upstreams]), upstreams)


def _worst(verdicts: Sequence[str]) -> str:
    return next((fit.value for fit in _WORST if fit.value in verdicts), Fit.COMPATIBLE.value)


def _of_licence(dataset: Dataset) -> Terms:
    found = compatibility.upstream_terms(spdx=dataset.licence, document=None)
    if isinstance(found, list):
        raise terms.BadTerms("; ".join(problem.detail("en") for problem in found))
    return found


def _of_offer(offer: Offer) -> Terms:
    return terms.load(msgspec.json.decode(offer.document)["terms"])
