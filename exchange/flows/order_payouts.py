"""The operator pays out what is settled: every payee with money and an active payout account, once per period."""

from __future__ import annotations

from uuid import UUID

import msgspec

from compliance import store as audit
from exchange.flows.bank_destinations import activate_destinations
from exchange.flows.once import done
from exchange.flows.pay_out import PayOut, PayoutReceipt, pay_out
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import FORBIDDEN, Problem
from exchange.kernel.money import Money
from exchange.kernel.text import Text
from settlement.banking.details import BY_CURRENCY
from settlement.payout_minimums import NONE, Minimums
from settlement.payouts import Rail
from settlement.store import destinations, payout_accounts, payouts

_NO_ACCOUNT = Text("no active payout account; the payee opens one in its portal", "无可用收款账户，须由收款方自行开立")


class NotPaid(msgspec.Struct, frozen=True):
    """A payee that gets nothing now, and why; its money stays on account."""

    organisation: str
    payable: dict[str, str]
    problem: str
    reason: dict[str, str]


class PayoutsOrdered(msgspec.Struct, frozen=True):
    """Payouts on their way, and payees that were left out."""

    currency: str
    period: str
    payouts: list[PayoutReceipt]
    left_out: list[NotPaid]


async def order_payouts(
    tx: Tx, actor: Actor, currency: str, period: str, minimums: Minimums = NONE, *, small: bool = False
) -> PayoutsOrdered | Problem:
    """Order one payout for each payee with a balance; asked again for the same period, nobody is paid twice.

    Payees that no rule of withholding fits, or that have less than the least payout, are left out with that reason.

    errors   answers forbidden
    """
    if "operator" not in actor.roles:
        return FORBIDDEN(needs="operator")
    # An account that was approved a moment ago counts now, and not only when the clock has come round.
    await activate_destinations(tx)
    owed = {key.organisation_id: units for key, units in await payouts.payees(tx, currency) if key.organisation_id}
    goes = await _destinations(tx, list(owed), currency)
    paid = [one for one in owed if one in goes]
    answers = await pay_out(tx, [PayOut(one, currency, period, *goes[one]) for one in paid], minimums, small=small)
    ordered = [answer for answer in answers if isinstance(answer, PayoutReceipt)]
    # Each payout has its own entry; this one says who asked for all of them.
    await audit.append(tx, [done(actor, "payouts.order", f"payouts:{currency}:{period}")])
    left_out = [
        _refused(one, owed[one], currency, answer)
        for one, answer in zip(paid, answers, strict=True)
        if isinstance(answer, Problem)
    ]
    left_out += [
        _not_paid(one, owed[one], currency, "no-payout-account", _NO_ACCOUNT) for one in owed if one not in goes
    ]
    return PayoutsOrdered(currency, period, ordered, left_out)


async def _destinations(tx: Tx, organisation_ids: list[UUID], currency: str) -> dict[UUID, tuple[Rail, str]]:
    """The rail of each payee and its account there: Stripe where it has one, else its bank, by what the currency needs."""
    goes: dict[UUID, tuple[Rail, str]] = {}
    for account in await payout_accounts.active_accounts(tx, organisation_ids):
        assert account.destination is not None, "an active account has a destination"
        goes.setdefault(account.organisation_id, (account.rail, account.destination))
    scheme = BY_CURRENCY.get(currency)
    if scheme is not None:
        for one in (await destinations.active(tx, organisation_ids, scheme)).values():
            goes.setdefault(one.organisation_id, (Rail.BANK, ids.text("dst", one.id)))
    return goes


def _refused(organisation_id: UUID, units: int, currency: str, problem: Problem) -> NotPaid:
    return _not_paid(organisation_id, units, currency, problem.slug, Text(problem.detail("en"), problem.detail("zh")))


def _not_paid(organisation_id: UUID, units: int, currency: str, slug: str, reason: Text) -> NotPaid:
    return NotPaid(ids.text("org", organisation_id), Money(units, currency).to_wire(), slug, reason.map())
