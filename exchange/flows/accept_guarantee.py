"""The operator accepts that the exchange stands for what a supplier's rule guarantees in its name."""

from __future__ import annotations

from uuid import UUID

import msgspec

from compliance import store as audit
from exchange.flows.once import done
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import FORBIDDEN, NOT_FOUND, Problem
from settlement.problems import GUARANTEE_NOT_ASKED
from settlement.store import guarantees, split_rules


class GuaranteeAccepted(msgspec.Struct, frozen=True):
    """A rule for which the exchange pays what its months are short of."""

    rule: str
    sha256: str


async def accept_guarantee(tx: Tx, actor: Actor, rule_id: UUID) -> GuaranteeAccepted | Problem:
    """Accept every step of one version of a rule that the platform guarantees, for all its months.

    errors   answers forbidden, not-found, guarantee-not-asked
    """
    if "operator" not in actor.roles:
        return FORBIDDEN(needs="operator")
    rule = (await split_rules.find_rules(tx, [rule_id])).get(rule_id)
    if rule is None:
        return NOT_FOUND()
    name = ids.text("rul", rule_id)
    if not await guarantees.accept(tx, rule_id, actor.organisation_id):
        return GUARANTEE_NOT_ASKED(rule=name)
    await audit.append(tx, [done(actor, "guarantee.accept", name, rule.supplier_id, rule=rule.sha256)])
    return GuaranteeAccepted(name, rule.sha256.hex())
