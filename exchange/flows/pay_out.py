"""Pay settled money out: one net payout per payee, period and rail, sent by a job."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import msgspec

from compliance import store as audit
from compliance.entries import Entry
from exchange.kernel import ids, jobs
from exchange.kernel.db import Tx
from exchange.kernel.errors import Problem
from exchange.kernel.money import from_minor
from settlement import postings
from settlement.accounts import debt, payable
from settlement.journals import Posted
from settlement.payouts import Net, Payout, PayoutState, Rail, net
from settlement.problems import NOT_PAYABLE, PAYOUT_EXISTS
from settlement.store import ledger, payouts

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


async def pay_out(tx: Tx, wishes: Sequence[PayOut]) -> list[PayoutReceipt | Problem]:
    """Order payouts of all that is payable less what refunds left owing, rounded down to whole coins; the rest stays.

    errors   answers payout-exists, nothing-payable
    """
    keys = {n: payable(wish.organisation_id, wish.currency) for n, wish in enumerate(wishes)}
    accounts = await payouts.lock_payable(tx, list(set(keys.values())))
    held = await ledger.sums(tx, list(accounts))
    owed = await ledger.sums(tx, [debt(wish.organisation_id, wish.currency) for wish in wishes])
    live = await payouts.live_payouts(tx, list(accounts.values()), [wish.period for wish in wishes])
    answers: list[PayoutReceipt | Problem] = []
    made: list[tuple[Payout, Net]] = []
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
        one = _payout(tx, wish, account_id, can)
        live[account_id, wish.period, wish.rail] = one
        held[keys[n]] -= one.amount.units + can.netted.units
        owed[owes] += can.netted.units
        made.append((one, can))
        answers.append(_receipt(one))
    await _write(tx, made)
    return answers


def _payout(tx: Tx, wish: PayOut, account_id: int, can: Net) -> Payout:
    return Payout(
        tx.new_id(),
        wish.organisation_id,
        account_id,
        wish.period,
        wish.rail,
        wish.destination,
        can.amount,
        PayoutState.CREATED,
        tx.now,
    )


async def _write(tx: Tx, made: Sequence[tuple[Payout, Net]]) -> None:
    journals = [postings.netting(one.id, one.organisation_id, can.netted) for one, can in made if can.netted.units] + [
        postings.payout(one.id, one.organisation_id, one.amount) for one, _ in made
    ]
    results = await ledger.post(tx, journals)
    assert all(isinstance(result, Posted) for result in results)
    ordered = [one for one, _ in made]
    await payouts.insert_payouts(tx, ordered)
    await jobs.put(tx, *[_job(one) for one in ordered])
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
    return jobs.Job(
        SEND_TRANSFER, str(one.id), {"payout": ids.text("pot", one.id)}, organisation_id=one.organisation_id
    )


def _entry(one: Payout) -> Entry:
    return Entry(
        action="payout.order",
        organisation_id=None,
        object_id=ids.text("pot", one.id),
        concerns=(one.organisation_id,),
    )
