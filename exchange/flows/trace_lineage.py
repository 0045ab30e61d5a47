"""Who holds rights in the data that a dataset was made of: walked upstream through the split rules, to any depth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from exchange.catalog.datasets import Dataset
from exchange.catalog.store import datasets, listings
from exchange.kernel import ids
from exchange.kernel.db import Tx
from exchange.kernel.money import allocate_units
from settlement.lineage import DATASETS_MAX, Holder, LineageFault, Source, holders
from settlement.store import split_rules
from settlement.waterfall import Op
from settlement.waterfall_check import Finding, lineage_finding, not_upstream, outside
from settlement.waterfall_document import SplitRule, percent_of


async def trace_lineage(
    tx: Tx, dataset: Dataset, asks: Mapping[str, Sequence[str] | None]
) -> tuple[dict[str, list[Holder]], list[Finding]]:
    """The right holders behind each step that pays upstream listings, and why some cannot be paid.

    A dataset that hands something on says so in the rule of its own that is in force now: its shares of the gross to its
    upstream listings are taken of whatever it receives as an upstream itself.

    shapes   asks: step -> the listings named, None for all that the dataset was made of
    """
    if not asks:
        return {}, []
    declared = _listings(dataset)
    behind = await listings.datasets_behind(tx, [ids.parse("lst", one) for one in declared])
    named: dict[str, list[tuple[UUID, int]]] = {}
    findings: list[Finding] = []
    for step, wanted in asks.items():
        findings += _wrong(step, dataset, declared, wanted)
        sources = [ids.parse("lst", one) for one in (declared if wanted is None else wanted)]
        named[step] = [(behind[one], 1) for one in sources if one in behind]
    if findings:
        return {}, findings
    known = await _walk(tx, {upstream for pairs in named.values() for upstream, _ in pairs}, dataset.id)
    found: dict[str, list[Holder]] = {}
    for step, pairs in named.items():
        try:
            found[step] = holders(pairs, known)
        except LineageFault as fault:
            findings.append(lineage_finding(step, fault))
    return found, findings


def _wrong(step: str, dataset: Dataset, declared: Sequence[str], wanted: Sequence[str] | None) -> list[Finding]:
    if wanted is not None:
        return [not_upstream(step, one) for one in wanted if one not in declared]
    found = [outside(step, one.source) for one in dataset.derived_from if one.listing is None]
    if not declared and not found:
        found.append(not_upstream(step, "-"))
    return found


async def _walk(tx: Tx, start: set[UUID], root: UUID) -> dict[UUID, Source]:
    """Every dataset that can be reached from these, with what it hands on; as many as a lineage may hold.

    The dataset that the rule is for stands among them as one that hands on to where the walk began: a way back to it is a
    cycle.
    """
    known: dict[UUID, Source] = {}
    waiting = set(start)
    while waiting and len(known) <= DATASETS_MAX:
        level = sorted(waiting)
        rules = await split_rules.in_force(tx, level, tx.now)
        waiting = set()
        for dataset_id in level:
            dataset = await datasets.find_dataset(tx, dataset_id)
            if dataset is None:
                continue
            passes, organisations = await _passes(tx, dataset, rules.get(dataset_id))
            known[dataset_id] = Source(dataset_id, dataset.supplier_id, passes)
            # An organisation that is paid as such stands for the data it holds rights in.
            known.update({one: Source(one, one) for one in organisations})
            waiting |= {one for one, _ in passes}
        waiting -= known.keys()
        if root in waiting:
            waiting.discard(root)
            known[root] = Source(root, root, tuple((one, 1) for one in sorted(start)))
    return known


async def _passes(tx: Tx, dataset: Dataset, rule: SplitRule | None) -> tuple[tuple[tuple[UUID, int], ...], set[UUID]]:
    """What a dataset hands on of what it receives, by the shares of the gross that its rule gives to upstreams.

    shapes   -> (dataset or organisation, parts of WHOLE), and which of these are organisations
    """
    if rule is None:
        return (), set()
    declared = _listings(dataset)
    behind = await listings.datasets_behind(tx, [ids.parse("lst", one) for one in declared])
    found: dict[UUID, int] = {}
    steps = msgspec.json.decode(rule.document)["written"]["steps"]
    for step in steps:
        if step["op"] != Op.SHARE_OF_GROSS:
            continue
        to = [one for payee in step["payees"] for one in _targets(payee, declared, behind)]
        weights = [weight for _, weight in to]
        whole = sum(payee.get("weight", 1) for payee in step["payees"])
        mine = sum(payee.get("weight", 1) for payee in step["payees"] if payee["role"] == "upstream")
        if not to:
            continue
        handed = percent_of(step) * mine // whole
        for (one, _), share in zip(to, allocate_units(handed, weights), strict=True):
            found[one] = found.get(one, 0) + share
    organisations = {
        ids.parse("org", payee["organisation"]) for step in steps for payee in step["payees"] if "organisation" in payee
    }
    return tuple((one, share) for one, share in found.items() if share), organisations & found.keys()


def _targets(payee: Mapping[str, Any], declared: Sequence[str], behind: Mapping[UUID, UUID]) -> list[tuple[UUID, int]]:
    if payee["role"] != "upstream":
        return []
    if "organisation" in payee:
        return [(ids.parse("org", payee["organisation"]), payee.get("weight", 1))]
    named = declared if payee["of"] == "all" else payee["of"]
    known = [behind.get(ids.parse("lst", one)) for one in named]
    return [(one, 1) for one in known if one is not None]


def _listings(dataset: Dataset) -> list[str]:
    return [one.listing for one in dataset.derived_from if one.listing is not None]
