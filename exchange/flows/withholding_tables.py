"""The operator adopts a table of withholding rules: proposed by one client, approved by another, then in force."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec

from compliance import store as audit
from exchange.flows.approvals import approved, ask
from exchange.flows.once import done
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import FORBIDDEN, NOT_FOUND, Problem
from settlement.approval_problems import APPROVAL_MISSING
from settlement.store import withholding_rules as store
from settlement.store.withholding_rules import TableRow
from settlement.withholding import APPROVAL, BadRules, written
from settlement.withholding_problems import WITHHOLDING_TABLE_ADOPTED, WITHHOLDING_TABLE_INVALID


class TableReceipt(msgspec.Struct, frozen=True):
    """A table; `approval` is what another client decides on."""

    id: str
    sha256: str
    in_force: bool
    approval: str | None


async def propose_table(tx: Tx, actor: Actor, rules: Mapping[str, Any]) -> TableReceipt | Problem:
    """Propose a table in place of the one in force.

    errors   answers forbidden, withholding-table-invalid
    """
    if "operator" not in actor.roles:
        return FORBIDDEN(needs="operator")
    try:
        document = written(rules)
    except BadRules as error:
        return WITHHOLDING_TABLE_INVALID(reason=str(error))
    one = TableRow(tx.new_id(), document, hashlib.sha256(document).digest(), tx.now, None)
    await store.insert_table(tx, one, actor)
    name = ids.text("wht", one.id)
    approval = await ask(tx, actor, APPROVAL, name, one.sha256)
    await audit.append(tx, [done(actor, "withholding-table.propose", name, rules=one.sha256)])
    return TableReceipt(name, one.sha256.hex(), False, ids.text("apv", approval))


async def adopt_table(tx: Tx, actor: Actor, table_id: UUID) -> TableReceipt | Problem:
    """Put an approved table in force for payouts from now on; what was paid before stays.

    errors   answers forbidden, not-found, withholding-table-adopted, approval-missing
    """
    if "operator" not in actor.roles:
        return FORBIDDEN(needs="operator")
    one = await store.get_table(tx, table_id)
    if one is None:
        return NOT_FOUND()
    name = ids.text("wht", table_id)
    if one.adopted_at is not None:
        return WITHHOLDING_TABLE_ADOPTED(table=name)
    if not await approved(tx, APPROVAL, name, one.sha256):
        approval = await ask(tx, actor, APPROVAL, name, one.sha256)
        return APPROVAL_MISSING(object=name, approval=ids.text("apv", approval))
    await store.adopt(tx, table_id, actor)
    await audit.append(tx, [done(actor, "withholding-table.adopt", name, rules=one.sha256)])
    return TableReceipt(name, one.sha256.hex(), True, None)
