"""Money that came to the bank: into the wallet that its reference names, or into suspense until a person says whose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

import msgspec

from compliance import store as audit
from compliance.entries import Entry
from exchange.flows.once import done
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import FORBIDDEN, NOT_FOUND, Problem
from exchange.parties import store as parties
from settlement import postings
from settlement.journals import Posted
from settlement.payments import BankEntry, BankEntryRecord, Method, Payment, PaymentState, named_in
from settlement.problems import BANK_ENTRY_MISMATCH
from settlement.store import bank_accounts, ledger, payments


class Credited(msgspec.Struct, frozen=True):
    """A bank entry as it was booked; organisation None: it waits for an owner."""

    entry: str
    amount: dict[str, str]
    organisation: str | None
    replayed: bool


class FeeTaken(msgspec.Struct, frozen=True):
    """A bank's fee as it was booked."""

    id: str
    amount: dict[str, str]


async def credit_bank_transfer(tx: Tx, actor: Actor, entries: Sequence[BankEntry]) -> list[Credited | Problem]:
    """Book a batch of bank entries; one that was booked before with the same facts changes nothing.

    errors   answers forbidden, bank-entry-mismatch
    """
    if "operator" not in actor.roles:
        return [FORBIDDEN(needs="operator") for _ in entries]
    entries = await placed(tx, entries)
    before = await payments.get_bank_entries(tx, entries)
    fresh = {one.entry_ref: one for one in entries if one.entry_ref not in before}
    made = await _owners(tx, list(fresh.values()))
    written = await payments.insert_bank_entries(tx, made)
    new = [record for record in made if record.id in written]
    results = await ledger.post(
        tx, [postings.bank_credit(one.id, one.organisation_id, one.entry.amount) for one in new]
    )
    assert all(isinstance(one, Posted) for one in results)
    for record in new:
        if record.payment_id is not None:
            await payments.move_payment(tx, record.payment_id, PaymentState.SUCCEEDED)
    await audit.append(tx, [_entry(actor, record) for record in new])
    known = before | {one.entry.entry_ref: one for one in new}
    if len(new) < len(made):
        # Somebody else booked some of them since we looked.
        known |= await payments.get_bank_entries(tx, [one.entry for one in made if one.id not in written])
    told: set[str] = set()
    answers = []
    for one in entries:
        again = known[one.entry_ref].id not in written or one.entry_ref in told
        told.add(one.entry_ref)
        answers.append(_answer(one, known[one.entry_ref], replayed=again))
    return answers


async def match_bank_entry(tx: Tx, actor: Actor, entry_id: UUID, organisation_id: UUID) -> Credited | Problem:
    """Give an entry that named nobody to its owner's wallet.

    errors   answers forbidden, not-found
    """
    if "operator" not in actor.roles:
        return FORBIDDEN(needs="operator")
    if organisation_id not in await parties.standing(tx, [organisation_id]):
        return NOT_FOUND()
    waiting = await payments.find_unmatched(tx, entry_id)
    if waiting is None:
        return NOT_FOUND()
    announced = waiting.maybe_payment_id if waiting.maybe_id == organisation_id else None
    if announced is not None and not await payments.move_payment(tx, announced, PaymentState.SUCCEEDED):
        announced = None
    record = await payments.match_bank_entry(tx, entry_id, organisation_id, announced)
    if record is None:
        return NOT_FOUND()
    await ledger.post(tx, [postings.bank_match(entry_id, organisation_id, record.entry.amount)])
    await audit.append(tx, [_entry(actor, record)])
    return _answer(record.entry, record, replayed=False)


async def take_bank_fee(tx: Tx, actor: Actor, entry_id: UUID) -> FeeTaken | Problem:
    """Book an entry that went out and waits as the bank's fee.

    errors   answers forbidden, not-found
    """
    if "operator" not in actor.roles:
        return FORBIDDEN(needs="operator")
    amount = await payments.take_fee(tx, entry_id, actor.organisation_id)
    if amount is None:
        return NOT_FOUND()
    await ledger.post(tx, [postings.bank_fee(entry_id, amount)])
    name = ids.text("rsc", entry_id)
    await audit.append(tx, [done(actor, "bank.fee", name)])
    return FeeTaken(name, amount.to_wire())


async def placed(tx: Tx, entries: Sequence[BankEntry]) -> list[BankEntry]:
    """The same on the account that holds clients' money in their currency, once there is one."""
    accounts = await bank_accounts.client_accounts(tx, list({one.amount.currency for one in entries}))
    return [
        replace(one, account_id=accounts[one.amount.currency].id) if one.amount.currency in accounts else one
        for one in entries
    ]


async def _owners(tx: Tx, entries: Sequence[BankEntry]) -> list[BankEntryRecord]:
    named = {one.entry_ref: named_in(one.reference) for one in entries}
    found = [name for name in named.values() if name is not None]
    asked = await payments.get_payments(tx, [id_ for kind, id_ in found if kind == "pay"], lock=True)
    known = await parties.standing(tx, [id_ for kind, id_ in found if kind == "org"])
    records = []
    for one in entries:
        kind, id_ = named[one.entry_ref] or ("", None)
        payment = asked.get(id_) if kind == "pay" and id_ else None
        if payment is not None and payment.method is Method.BANK:
            kept = payment.id if _is_it(payment, one) else None
            records.append(BankEntryRecord(tx.new_id(), one, payment.organisation_id, kept))
        else:
            owner = id_ if kind == "org" and id_ in known else None
            records.append(BankEntryRecord(tx.new_id(), one, owner, None))
    return records


def _is_it(payment: Payment, entry: BankEntry) -> bool:
    return payment.amount == entry.amount and payment.state is not PaymentState.SUCCEEDED


def _answer(asked: BankEntry, record: BankEntryRecord, *, replayed: bool) -> Credited | Problem:
    if asked.amount != record.entry.amount or asked.reference != record.entry.reference:
        return BANK_ENTRY_MISMATCH(entry=asked.entry_ref, recorded=f"{record.entry.amount}, {record.entry.reference}")
    owner = ids.text("org", record.organisation_id) if record.organisation_id else None
    return Credited(asked.entry_ref, record.entry.amount.to_wire(), owner, replayed)


def _entry(actor: Actor, record: BankEntryRecord) -> Entry:
    return Entry(
        action="bank.credit" if record.organisation_id else "bank.unmatched",
        organisation_id=actor.organisation_id,
        client_id=actor.client_id,
        object_id=f"bank-entry:{record.id}",
        concerns=(record.organisation_id,) if record.organisation_id else (),
    )
