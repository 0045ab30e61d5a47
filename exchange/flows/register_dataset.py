"""A supplier registers a dataset."""

from __future__ import annotations

import msgspec

from compliance import store as audit
from contracts import spdx
from exchange.catalog.datasets import DatasetDraft, described, is_own_licence, refuse_licence, register
from exchange.catalog.settings import CatalogSettings
from exchange.catalog.store import datasets as store
from exchange.flows import directive_rules
from exchange.flows.once import done
from exchange.flows.upstreams import refuse_unreadable
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.canonical import digest
from exchange.kernel.db import Tx
from exchange.kernel.errors import FORBIDDEN, Problem


class DatasetReceipt(msgspec.Struct, frozen=True):
    """The new dataset."""

    id: str
    state: str


async def register_dataset(
    tx: Tx, actor: Actor, draft: DatasetDraft, settings: CatalogSettings
) -> DatasetReceipt | Problem:
    """Write a dataset that belongs to the actor's organisation; a directive by rule that it meets binds it at once.

    errors   answers forbidden, dataset-invalid, upstream-terms-wrong
    """
    if "supplier" not in actor.roles:
        return FORBIDDEN(needs="supplier")
    dataset = register(draft, new_id=tx.new_id(), supplier_id=actor.organisation_id, now=tx.now, settings=settings)
    if isinstance(dataset, Problem):
        return dataset
    if not (is_own_licence(dataset.licence) or _is_listed(dataset.licence)):
        return refuse_licence()
    if problem := await refuse_unreadable(tx, dataset.derived_from, dataset.supplier_id):
        return problem
    await store.insert_dataset(tx, dataset)
    name = ids.text("ds", dataset.id)
    joined = await directive_rules.join(tx, dataset)
    await audit.append(tx, [done(actor, "dataset.register", name, description=digest(described(dataset))), *joined])
    return DatasetReceipt(name, dataset.state.value)


def _is_listed(licence: str) -> bool:
    try:
        spdx.alternatives(licence)
    except spdx.BadExpression:
        return False
    return True
