"""The operator lets a buyer order on account up to a limit: asked for by one client, approved by another, then in force."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import msgspec

from compliance import store as audit
from exchange.flows.approvals import approved, ask
from exchange.flows.once import done
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import FORBIDDEN, NOT_FOUND, Problem
from exchange.kernel.money import Money
from exchange.parties import store as parties
from exchange.parties.roles import Role
from settlement.accounts import credit as credit_key
from settlement.approval_problems import APPROVAL_MISSING
from settlement.banking_problems import CREDIT_LINE_BUYER, CREDIT_LINE_STATE
from settlement.credit import APPROVAL, CreditLine, LineState
from settlement.problems import BALANCE_OUTSIDE
from settlement.store import bounds, credit
from settlement.store.accounts import set_bounds


@dataclass(frozen=True, slots=True)
class LineWish:
    """Whom to let order on account, up to what, to be paid within how many days; a limit of nothing ends it."""

    buyer_id: UUID
    limit: Money
    days: int
    purchase_order_required: bool


class LineReceipt(msgspec.Struct, frozen=True):
    """A credit line; `approval` is what another client decides on."""

    id: str
    buyer: str
    limit: dict[str, str]
    days: int
    state: str
    approval: str | None


async def ask_credit_line(tx: Tx, actor: Actor, wish: LineWish) -> LineReceipt | Problem:
    """Ask for a credit line, in place of the one before.

    errors   answers forbidden, not-found, credit-line-buyer
    """
    if "operator" not in actor.roles:
        return FORBIDDEN(needs="operator")
    standing = (await parties.standing(tx, [wish.buyer_id])).get(wish.buyer_id)
    if standing is None:
        return NOT_FOUND()
    if Role.BUYER not in standing.roles:
        return CREDIT_LINE_BUYER(organisation=ids.text("org", wish.buyer_id))
    line = CreditLine(
        tx.new_id(), wish.buyer_id, wish.limit, wish.days, wish.purchase_order_required, LineState.ASKED, tx.now
    )
    await credit.insert_line(tx, line)
    name = ids.text("cdl", line.id)
    approval = await ask(tx, actor, APPROVAL, name, line.sha256)
    await audit.append(tx, [done(actor, "credit-line.ask", name, wish.buyer_id, terms=line.sha256)])
    return _receipt(line, line.state, approval)


async def activate_credit_line(tx: Tx, actor: Actor, line_id: UUID) -> LineReceipt | Problem:
    """Put an approved line in force; what is owed must be within it.

    errors   answers forbidden, not-found, credit-line-state, approval-missing, balance-outside
    """
    if "operator" not in actor.roles:
        return FORBIDDEN(needs="operator")
    line = await credit.get_line(tx, line_id)
    if line is None:
        return NOT_FOUND()
    if line.state is not LineState.ASKED:
        return CREDIT_LINE_STATE(state=line.state.value)
    name = ids.text("cdl", line_id)
    approval = await ask(tx, actor, APPROVAL, name, line.sha256)
    if not await approved(tx, APPROVAL, name, line.sha256):
        return APPROVAL_MISSING(object=name, approval=ids.text("apv", approval))
    key = credit_key(line.buyer_id, line.limit.currency)
    if not await set_bounds(tx, key, -line.limit.units, 0):
        return BALANCE_OUTSIDE(balance=str(Money(await bounds.posted(tx, key), key.currency)))
    await credit.replace_line(tx, line)
    await audit.append(tx, [done(actor, "credit-line.activate", name, line.buyer_id, terms=line.sha256)])
    return _receipt(line, LineState.ACTIVE, None)


def _receipt(line: CreditLine, state: LineState, approval: UUID | None) -> LineReceipt:
    return LineReceipt(
        ids.text("cdl", line.id),
        ids.text("org", line.buyer_id),
        line.limit.to_wire(),
        line.days,
        state.value,
        ids.text("apv", approval) if approval is not None else None,
    )
