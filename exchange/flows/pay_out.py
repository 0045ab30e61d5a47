"""Pay settled money out: one net payout per payee, period and rail. Those by Stripe are sent by a job, those by bank in a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import msgspec

from compliance import store as audit
from compliance.entries import Entry
from exchange.flows import withhold
from exchange.flows.call_provider import CALL_ATTEMPTS
from exchange.flows.withhold import Taxed
from exchange.kernel import ids, jobs
from exchange.kernel.db import Tx
from exchange.kernel.errors import Problem
from exchange.kernel.money import Money, from_minor
from settlement import postings
from settlement.accounts import debt, payable
from settlement.journals import Posted
from settlement.payout_minimums import NONE, Minimums
from settlement.payouts import Net, Payout, PayoutState, Rail, net
from settlement.problems import NOT_PAYABLE, PAYOUT_EXISTS
from settlement.store import dispute_stops, ledger, payouts

SEND_TRANSFER = "send_transfer"


@dataclass(frozen=True, slots=True)
class PayOut:
    """Pay what a payee has on account; `destination` is the payee's account on the rail, `period` names the occasion."""

    organisation_id: UUID
    currency: str
    period: str
    rail: Rail
    destination: str


class PayoutReceipt(msgspec.Struct, frozen=True):
    """A payout on its way."""

    id: str
    organisation: str
    amount: dict[str, str]
    rail: str
    period: str
    state: str


async def pay_out(
    tx: Tx, wishes: Sequence[PayOut], minimums: Minimums = NONE, *, small: bool = False
) -> list[PayoutReceipt | Problem]:
    """Order payouts of all that is payable less what refunds left owing, rounded down to whole coins; the rest stays.

    Tax by the table that the operator adopted leaves the payee with the payout; `small` also pays what is below the least payout.

    errors   answers payout-exists, nothing-payable, no-withholding-rule, payout-small
    """
    keys = {n: payable(wish.organisation_id, wish.currency) for n, wish in enumerate(wishes)}
    accounts = await payouts.lock_payable(tx, list(set(keys.values())))
    held = await ledger.sums(tx, list(accounts))
    for currency in sorted({wish.currency for wish in wishes}):
        # What a dispute wants held and could not hold yet is not paid out either.
        payees = [wish.organisation_id for wish in wishes if wish.currency == currency]
        for payee, short in (await dispute_stops.uncovered(tx, payees, currency)).items():
            held[payable(payee, currency)] = held.get(payable(payee, currency), 0) - short
    owed = await ledger.sums(tx, [debt(wish.organisation_id, wish.currency) for wish in wishes])
    live = await payouts.live_payouts(tx, list(accounts.values()), [wish.period for wish in wishes])
    office = await withhold.office(tx, minimums, [wish.organisation_id for wish in wishes])
    answers: list[PayoutReceipt | Problem] = []
    made: list[tuple[Payout, Net, Taxed]] = []
    for n, wish in enumerate(wishes):
        account_id = accounts.get(keys[n], 0)
        before = live.get((account_id, wish.period, wish.rail))
        if before is not None:
            answers.append(PAYOUT_EXISTS(payout=ids.text("pot", before.id)))
            continue
        owes = debt(wish.organisation_id, wish.currency)
        can = net(held.get(keys[n], 0), owed[owes], wish.currency)
        if not can.amount.units:
            answers.append(NOT_PAYABLE(payable=str(can.there), least=str(from_minor(1, wish.currency))))
            continue
        taxed = office.taxed(tx, wish.organisation_id, can.amount, wish.rail, small=small)
        if isinstance(taxed, Problem):
            answers.append(taxed)
            continue
        one = _payout(tx, wish, account_id, taxed.amount)
        live[account_id, wish.period, wish.rail] = one
        held[keys[n]] -= can.amount.units + can.netted.units
        owed[owes] += can.netted.units
        made.append((one, can, taxed))
        answers.append(_receipt(one))
    await _write(tx, made)
    return answers


def _payout(tx: Tx, wish: PayOut, account_id: int, amount: Money) -> Payout:
    return Payout(
        tx.new_id(),
        wish.organisation_id,
        account_id,
        wish.period,
        wish.rail,
        wish.destination,
        amount,
        PayoutState.CREATED,
        tx.now,
    )


async def _write(tx: Tx, made: Sequence[tuple[Payout, Net, Taxed]]) -> None:
    taxed = [(one, tax) for one, _, tax in made]
    ordered = [one for one, _ in taxed]
    journals = [postings.netting(one.id, one.organisation_id, can.netted) for one, can, _ in made if can.netted.units]
    journals += withhold.journals(taxed)
    journals += [postings.payout(one.id, one.organisation_id, one.amount) for one in ordered]
    results = await ledger.post(tx, journals)
    assert all(isinstance(result, Posted) for result in results)
    await payouts.insert_payouts(tx, ordered)
    await withhold.keep(tx, taxed)
    # A bank payout goes out in the operator's batch; its destination means nothing to Stripe.
    await jobs.put(tx, *[_job(one) for one in ordered if one.rail is Rail.STRIPE])
    await audit.append(tx, [_entry(one) for one in ordered])


def _receipt(one: Payout) -> PayoutReceipt:
    return PayoutReceipt(
        ids.text("pot", one.id),
        ids.text("org", one.organisation_id),
        one.amount.to_wire(),
        one.rail.value,
        one.period,
        one.state.value,
    )


def _job(one: Payout) -> jobs.Job:
    payload = {"payout": ids.text("pot", one.id)}
    return jobs.Job(
        SEND_TRANSFER, str(one.id), payload, organisation_id=one.organisation_id, attempts_max=CALL_ATTEMPTS
    )


def _entry(one: Payout) -> Entry:
    return Entry(
        action="payout.order",
        organisation_id=None,
        object_id=ids.text("pot", one.id),
        concerns=(one.organisation_id,),
    )
