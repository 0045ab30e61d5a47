"""What meets the rules of directives: all that is registered when one is issued, and what is registered while it stands."""

from __future__ import annotations

from uuid import UUID

from compliance import directive_rule_store
from compliance.directive_rules import MATCHED_MAX, Declared, Rule
from compliance.directives import BINDING, Order
from compliance.entries import Entry
from compliance.problems import DIRECTIVE_CATCHES_TOO_MUCH
from exchange.catalog.datasets import Dataset
from exchange.catalog.store import datasets
from exchange.kernel import ids
from exchange.kernel.db import Tx
from exchange.kernel.errors import Problem

_AT_ONCE = 1_000


async def matched(tx: Tx, order: Order) -> dict[UUID, int] | Problem:
    """The datasets that meet a rule of an order, each with the place of the first it meets; not those that are named as well.

    errors   answers DIRECTIVE_CATCHES_TOO_MUCH
    """
    found: dict[UUID, int] = {}
    if not order.rules:
        return found
    await directive_rule_store.wait_for_registrations(tx)
    named = {one.id for one in order.targets}
    after: UUID | None = None
    while page := await datasets.all_after(tx, after, _AT_ONCE):
        for one in page:
            place = _first_met(order.rules, one)
            if place is not None and one.id not in named:
                found[one.id] = place
        if len(found) > MATCHED_MAX:
            return DIRECTIVE_CATCHES_TOO_MUCH(limit=MATCHED_MAX)
        after = page[-1].id
    return found


async def join(tx: Tx, new: Dataset) -> list[Entry]:
    """Put a dataset that is being registered under every directive whose rules it meets; the entries that say so."""
    met: dict[UUID, int] = {}
    for standing in await directive_rule_store.lock_rules(tx, BINDING):
        if standing.directive_id not in met and standing.rule.meets(declared(new)):
            met[standing.directive_id] = standing.position
    for directive_id, place in met.items():
        await directive_rule_store.catch(tx, directive_id, {new.id: place})
    return [
        Entry(
            action="directive.target",
            organisation_id=None,
            object_id=ids.text("ds", new.id),
            object_version=ids.text("dir", directive_id),
            concerns=(new.supplier_id,),
        )
        for directive_id in met
    ]


def declared(one: Dataset) -> Declared:
    """What rules ask of a dataset."""
    crosses = one.cross_border_basis is not None
    return Declared(one.licence, one.modality.value, one.languages, one.personal_data.value, crosses)


def _first_met(rules: tuple[Rule, ...], one: Dataset) -> int | None:
    return next((place for place, rule in enumerate(rules) if rule.meets(declared(one))), None)
