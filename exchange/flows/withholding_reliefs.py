"""The operator records an office's paper that lowers what is withheld from a payee, and ends one that counts no more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

import msgspec

from compliance import store as audit
from exchange.flows.once import done
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import FORBIDDEN, NOT_FOUND, Problem
from exchange.kernel.text import Text
from exchange.parties import store as parties
from settlement.store import withholding, withholding_rules
from settlement.withholding import Certificate, Income, Rules
from settlement.withholding_problems import RELIEF_INVALID


@dataclass(frozen=True, slots=True)
class ReliefWish:
    """What the paper says: whom it is for, whose tax it lowers, to what rate, on which days."""

    organisation_id: UUID
    payer: str
    income: Income
    rate: Decimal
    number: str
    valid_from: date
    valid_to: date


class ReliefKept(msgspec.Struct, frozen=True):
    """A relief, and whether it has ended."""

    id: str
    organisation: str
    ended: bool = False


async def record_relief(tx: Tx, actor: Actor, wish: ReliefWish) -> ReliefKept | Problem:
    """Record a relief for payouts from now on.

    errors   answers forbidden, not-found, withholding-relief-invalid
    """
    if "operator" not in actor.roles:
        return FORBIDDEN(needs="operator")
    if wish.organisation_id not in await parties.standing(tx, [wish.organisation_id]):
        return NOT_FOUND()
    wrong = _wrong(wish, await withholding_rules.in_force(tx))
    if wrong is not None:
        return RELIEF_INVALID(reason=wrong)
    days = (wish.valid_from, wish.valid_to)
    made = Certificate(tx.new_id(), wish.organisation_id, wish.payer, wish.income, wish.rate, wish.number, *days)
    await withholding.insert_relief(tx, made, actor)
    name = ids.text("wrl", made.id)
    await audit.append(tx, [done(actor, "withholding.relief", name, made.organisation_id)])
    return ReliefKept(name, ids.text("org", made.organisation_id))


async def end_relief(tx: Tx, actor: Actor, relief_id: UUID) -> ReliefKept | Problem:
    """End a relief for payouts from now on; what was paid under it stays.

    errors   answers forbidden, not-found
    """
    if "operator" not in actor.roles:
        return FORBIDDEN(needs="operator")
    found = await withholding.get_relief(tx, relief_id)
    if found is None:
        return NOT_FOUND()
    await withholding.end_relief(tx, found, actor)
    name = ids.text("wrl", relief_id)
    await audit.append(tx, [done(actor, "withholding.relief_end", name, found.organisation_id)])
    return ReliefKept(name, ids.text("org", found.organisation_id), ended=True)


def _wrong(wish: ReliefWish, rules: Rules | None) -> Text | None:
    if rules is None or (rules.payer, rules.income) != (wish.payer, wish.income):
        return Text("no rule in force that it could lower", "没有可适用减免的现行规则")
    if not 0 <= wish.rate < 1 or wish.rate != round(wish.rate, 6):
        return Text("a rate lies between 0 and 1 and has at most six places", "税率须在 0 与 1 之间，且最多六位小数")
    if not wish.number.strip() or wish.valid_to < wish.valid_from:
        return Text("it has no number, or ends before it begins", "缺少编号，或截止日早于起始日")
    return None
