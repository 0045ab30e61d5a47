"""Payouts by bank leave in batches: one client draws up the list, another approves its hash, then the file is written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from uuid import UUID

import msgspec

from compliance import store as audit
from exchange.flows.approvals import approved, ask
from exchange.flows.may_send import may_send
from exchange.flows.once import done
from exchange.flows.record_transfer import TransferResult, record_transfer
from exchange.kernel import ids, jobs
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import FORBIDDEN, NOT_FOUND, Problem
from exchange.kernel.money import Money
from settlement.approval_problems import APPROVAL_MISSING
from settlement.banking.accounts import BankAccount
from settlement.banking.batches import (
    APPROVAL,
    FORMS,
    PAYOUTS_MAX,
    Batch,
    BatchItem,
    BatchState,
    list_sha256,
)
from settlement.banking.files import FileForm
from settlement.banking_problems import BATCH_DATE, BATCH_EMPTY, BATCH_FORM, BATCH_STATE, NO_CLIENT_ACCOUNT
from settlement.payouts import Payout, PayoutState
from settlement.store import bank_accounts, bank_entries, batches, destinations, payouts

EXPORT_BATCH = "export_batch"
NO_DESTINATION = "no_active_bank_account"
# Banks take orders for later, but none for so much later; what is farther is a slip of the pen.
_AHEAD_MAX = timedelta(days=60)


class LeftOut(msgspec.Struct, frozen=True):
    """A payout that is not, or no more, in the batch, and why."""

    payout: str
    reason: str


class BatchReceipt(msgspec.Struct, frozen=True):
    """A batch as it stands: what is approved is `sha256`, under `approval`."""

    id: str
    state: str
    count: int
    total: dict[str, str]
    sha256: str
    approval: str | None
    left_out: list[LeftOut]


@dataclass(frozen=True, slots=True)
class BatchWish:
    """Which payouts to hand to the bank, for which day, in which form."""

    currency: str
    execution_date: date
    form: FileForm | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """A list looked at anew: what stays and where it goes, and what falls out."""

    items: list[BatchItem]
    stopped: list[tuple[UUID, str]]
    lost: list[tuple[UUID, str]]

    @property
    def dropped(self) -> list[tuple[UUID, str]]:
        """All that falls out."""
        return self.stopped + self.lost


async def draw_up_batch(tx: Tx, actor: Actor, wish: BatchWish) -> BatchReceipt | Problem:
    """Draw up a list of all payouts that wait, and ask for its approval.

    A payout that may not leave fails and its money is payable again; one without an account to go to waits on.

    errors   answers forbidden, no-client-account, payout-batch-form, payout-batch-date, payout-batch-empty
    """
    if "operator" not in actor.roles:
        return FORBIDDEN(needs="operator")
    account = (await bank_accounts.client_accounts(tx, [wish.currency])).get(wish.currency)
    if account is None:
        return NO_CLIENT_ACCOUNT(currency=wish.currency)
    form = wish.form or FORMS[account.scheme][0]
    if form not in FORMS[account.scheme]:
        return BATCH_FORM(currency=wish.currency, form=form.value)
    # Behind UTC it may be yesterday still, and a bank moves a day that is over to its next one.
    today = tx.now.date()
    if not today - timedelta(days=1) <= wish.execution_date <= today + _AHEAD_MAX:
        return BATCH_DATE(today=str(today), last=str(today + _AHEAD_MAX), day=str(wish.execution_date))
    # Whoever draws up at the same time waits here, and then finds these payouts taken.
    await bank_accounts.get_account(tx, account.id, lock=True)
    waiting = await batches.waiting_payouts(tx, wish.currency, PAYOUTS_MAX)
    listed = await _listed(tx, account, waiting)
    if not listed.items:
        return BATCH_EMPTY(currency=wish.currency)
    batch_id, items = tx.new_id(), listed.items
    digest = list_sha256(batch_id, account.digest, form, wish.execution_date, items)
    batch = Batch(
        batch_id, account.id, wish.currency, form, wish.execution_date, BatchState.DRAFT, digest, len(items),
        _total(items, wish.currency), tx.now,
    )  # fmt: skip
    await batches.insert_batch(tx, batch, items)
    await _fail(tx, listed.stopped)
    name = ids.text("bat", batch_id)
    approval = await ask(tx, actor, APPROVAL, name, digest)
    await audit.append(tx, [done(actor, "payout-batch.draft", name, list=digest)])
    return _receipt(batch, approval, listed.dropped)


async def release_batch(tx: Tx, actor: Actor, batch_id: UUID) -> BatchReceipt | Problem:
    """Have the file of an approved list written. A list that changed since is a draft with another hash: state `draft`.

    errors   answers forbidden, not-found, payout-batch-state, approval-missing
    """
    if "operator" not in actor.roles:
        return FORBIDDEN(needs="operator")
    batch = await batches.get_batch(tx, batch_id, lock=True)
    if batch is None:
        return NOT_FOUND()
    if batch.state is not BatchState.DRAFT:
        return BATCH_STATE(state=batch.state.value)
    name = ids.text("bat", batch_id)
    now, listed = await look_again(tx, batch)
    if now.state is BatchState.CANCELLED:
        await audit.append(tx, [done(actor, "payout-batch.cancel", name)])
        return _receipt(now, None, listed.dropped)
    approval = await ask(tx, actor, APPROVAL, name, now.sha256)
    if now.sha256 != batch.sha256:
        await audit.append(tx, [done(actor, "payout-batch.change", name, list=now.sha256)])
        return _receipt(now, approval, listed.dropped)
    if not await approved(tx, APPROVAL, name, now.sha256):
        return APPROVAL_MISSING(object=name, approval=ids.text("apv", approval))
    await batches.move_batch(tx, batch_id, BatchState.APPROVED)
    await bank_entries.move_payouts(
        tx, [one.payout_id for one in listed.items], PayoutState.CREATED, PayoutState.APPROVED
    )
    # A batch that was a draft again has been a job before.
    key = f"{batch_id}:{tx.now.isoformat()}"
    await jobs.put(tx, jobs.Job(EXPORT_BATCH, key, {"batch": name}))
    await audit.append(tx, [done(actor, "payout-batch.approve", name, list=now.sha256)])
    return _receipt(replace(now, state=BatchState.APPROVED), approval, [])


async def cancel_batch(tx: Tx, actor: Actor, batch_id: UUID) -> BatchReceipt | Problem:
    """Give up a batch whose file was not written; its payouts wait for another.

    errors   answers forbidden, not-found, payout-batch-state
    """
    if "operator" not in actor.roles:
        return FORBIDDEN(needs="operator")
    batch = await batches.get_batch(tx, batch_id, lock=True)
    if batch is None:
        return NOT_FOUND()
    if batch.state not in (BatchState.DRAFT, BatchState.APPROVED):
        return BATCH_STATE(state=batch.state.value)
    names = [one.payout_id for one in await batches.items_of(tx, batch)]
    await _unapprove(tx, (await payouts.get_payouts(tx, names, lock=True)).values())
    await batches.drop_all(tx, batch_id, "cancelled")
    await batches.move_batch(tx, batch_id, BatchState.CANCELLED)
    await audit.append(tx, [done(actor, "payout-batch.cancel", ids.text("bat", batch_id))])
    return _receipt(replace(batch, state=BatchState.CANCELLED), None, [])


async def look_again(tx: Tx, batch: Batch) -> tuple[Batch, Listed]:
    """Look at a locked batch's list anew: what may not leave now fails, what has another account now goes there.

    A list without anything left is cancelled; one that changed while its batch was approved makes that a draft again.
    """
    account = await bank_accounts.get_account(tx, batch.account_id)
    assert account is not None, "a batch is of an account"
    before = await batches.items_of(tx, batch)
    held = await payouts.get_payouts(tx, [one.payout_id for one in before], lock=True)
    listed = await _listed(tx, account, [held[one.payout_id] for one in before], [one.position for one in before])
    digest = list_sha256(batch.id, account.digest, batch.form, batch.execution_date, listed.items)
    if digest == batch.sha256:
        return batch, listed
    await _unapprove(tx, held.values())
    await batches.relist(tx, batch.id, digest, listed.items, listed.dropped)
    await _fail(tx, listed.stopped)
    state = BatchState.DRAFT if listed.items else BatchState.CANCELLED
    if state is not batch.state:
        await batches.move_batch(tx, batch.id, state)
    total = _total(listed.items, batch.currency)
    return replace(batch, state=state, sha256=digest, count=len(listed.items), total=total), listed


async def _listed(
    tx: Tx, account: BankAccount, waiting: Sequence[Payout], positions: Sequence[int] | None = None
) -> Listed:
    stops = await may_send(tx, waiting) if waiting else {}
    payees = list({one.organisation_id for one in waiting})
    to = await destinations.active(tx, payees, account.scheme) if payees else {}
    listed = Listed([], [], [])
    for position, one in zip(positions or range(1, len(waiting) + 1), waiting, strict=True):
        goes = to.get(one.organisation_id)
        if one.state not in (PayoutState.CREATED, PayoutState.APPROVED):
            # Somebody else ended it: its money went back already.
            listed.lost.append((one.id, one.state.value))
        elif one.id in stops:
            listed.stopped.append((one.id, stops[one.id].reason))
        elif goes is None:
            listed.lost.append((one.id, NO_DESTINATION))
        else:
            listed.items.append(BatchItem(one.id, one.organisation_id, position, one.amount, goes.id, goes.fingerprint))
    return listed


async def _fail(tx: Tx, stopped: Sequence[tuple[UUID, str]]) -> None:
    if stopped:
        await record_transfer(tx, [TransferResult(one, "failed", None, reason) for one, reason in stopped])


async def _unapprove(tx: Tx, held: Iterable[Payout]) -> None:
    stand = [one.id for one in held if one.state is PayoutState.APPROVED]
    await bank_entries.move_payouts(tx, stand, PayoutState.APPROVED, PayoutState.CREATED)


def _total(items: Sequence[BatchItem], currency: str) -> Money:
    return Money(sum(one.amount.units for one in items), currency)


def _receipt(batch: Batch, approval: UUID | None, left_out: Sequence[tuple[UUID, str]]) -> BatchReceipt:
    return BatchReceipt(
        id=ids.text("bat", batch.id),
        state=batch.state.value,
        count=batch.count,
        total=batch.total.to_wire(),
        sha256=batch.sha256.hex(),
        approval=ids.text("apv", approval) if approval is not None else None,
        left_out=[LeftOut(ids.text("pot", one), reason) for one, reason in left_out],
    )
