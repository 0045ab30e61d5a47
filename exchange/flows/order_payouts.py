"""The operator pays out what is settled: every payee with money and an active payout account, once per period."""

from __future__ import annotations

from uuid import UUID

import msgspec

from compliance import store as audit
from exchange.flows.once import done
from exchange.flows.pay_out import PayOut, PayoutReceipt, pay_out
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import FORBIDDEN, Problem
from exchange.kernel.money import Money
from exchange.kernel.text import Text
from settlement.payout_accounts import PayoutAccount
from settlement.store import payout_accounts, payouts

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


async def order_payouts(tx: Tx, actor: Actor, currency: str, period: str) -> PayoutsOrdered | Problem:
    """Order one payout for each payee with a balance; asked again for the same period, nobody is paid twice.

    errors   answers forbidden
    """
    if "operator" not in actor.roles:
        return FORBIDDEN(needs="operator")
    owed = {key.organisation_id: units for key, units in await payouts.payees(tx, currency) if key.organisation_id}
    accounts: dict[UUID, PayoutAccount] = {}
    for account in await payout_accounts.active_accounts(tx, list(owed)):
        accounts.setdefault(account.organisation_id, account)
    paid = [one for one in owed if one in accounts]
    answers = await pay_out(tx, [_wish(accounts[one], currency, period) for one in paid])
    ordered = [answer for answer in answers if isinstance(answer, PayoutReceipt)]
    # Each payout has its own entry; this one says who asked for all of them.
    await audit.append(tx, [done(actor, "payouts.order", f"payouts:{currency}:{period}")])
    left_out = [
        _refused(one, owed[one], currency, answer)
        for one, answer in zip(paid, answers, strict=True)
        if isinstance(answer, Problem)
    ]
    left_out += [
        _not_paid(one, owed[one], currency, "no-payout-account", _NO_ACCOUNT) for one in owed if one not in accounts
    ]
    return PayoutsOrdered(currency, period, ordered, left_out)


def _wish(account: PayoutAccount, currency: str, period: str) -> PayOut:
    assert account.destination is not None, "an active account has a destination"
    return PayOut(account.organisation_id, currency, period, account.rail, account.destination)


def _refused(organisation_id: UUID, units: int, currency: str, problem: Problem) -> NotPaid:
    return _not_paid(organisation_id, units, currency, problem.slug, Text(problem.detail("en"), problem.detail("zh")))


def _not_paid(organisation_id: UUID, units: int, currency: str, slug: str, reason: Text) -> NotPaid:
    return NotPaid(ids.text("org", organisation_id), Money(units, currency).to_wire(), slug, reason.map())
