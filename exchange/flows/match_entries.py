"""Lines of a bank's statement find their places, some hundreds in a transaction: payouts, wallets, or the inbox."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

import msgspec

from compliance import store as audit
from compliance.entries import Entry as LogEntry
from exchange.flows import withhold
from exchange.flows.collect_credit import collect
from exchange.flows.record_transfer import payout_entry
from exchange.kernel import ids
from exchange.kernel.db import Tx
from exchange.parties import store as parties
from settlement import postings
from settlement.accounts import AccountKind
from settlement.banking.accounts import BankAccountKind
from settlement.banking.matching import (
    BetweenOurs,
    CameBack,
    CameIn,
    Decision,
    Entry,
    Known,
    Open,
    PaidOut,
    match,
    named,
)
from settlement.journals import Journal, Posted
from settlement.payouts import PayoutState
from settlement.store import bank_accounts, bank_entries, batches, credit, ledger, proofs

PORTION = 500


class Matched(msgspec.Struct, frozen=True):
    """How far a statement is."""

    statement: str
    left: int


async def match_portion(tx: Tx, statement_id: UUID, portion: int = PORTION) -> Matched:
    """Match the next lines of a statement; run again, it goes on where it was."""
    entries = await bank_entries.next_entries(tx, statement_id, portion)
    if entries:
        decisions = match(entries, await _known(tx, entries))
        # Debts before wallets, as everybody who collects holds them.
        named_orders = [d.order_id for d in decisions if isinstance(d, CameIn) and d.order_id is not None]
        owed = await credit.lock_unpaid(tx, named_orders) if named_orders else []
        came_back = [(d.payout, PayoutState.REVERSED) for d in decisions if isinstance(d, CameBack)]
        journals = [_journal(e, d) for e, d in zip(entries, decisions, strict=True)]
        results = await ledger.post(tx, journals + await withhold.back(tx, came_back))
        assert all(isinstance(one, Posted) for one in results)
        await bank_entries.write_matches(tx, entries, decisions)
        if owed:
            await collect(tx, owed)
        await batches.end_batches(tx, [d.payout.id for d in decisions if isinstance(d, PaidOut | CameBack)])
        await audit.append(tx, [_entry(e, d) for e, d in zip(entries, decisions, strict=True)])
    left = await bank_entries.entries_left(tx, statement_id)
    if not left:
        await _end(tx, statement_id)
    return Matched(ids.text("bst", statement_id), left)


async def _end(tx: Tx, statement_id: UUID) -> None:
    """Every line is booked: what the bank says lies there is held against the ledger by the next proof."""
    await bank_accounts.end_statement(tx, statement_id)
    statement = await bank_accounts.get_statement(tx, statement_id)
    account = await bank_accounts.get_account(tx, statement.account_id) if statement is not None else None
    if statement is not None and account is not None and account.kind is BankAccountKind.CLIENT:
        source = f"camt:{ids.text('bst', statement_id)}"
        await proofs.state_balance(tx, AccountKind.BANK, statement.closing, tx.now, source)


async def _known(tx: Tx, entries: Sequence[Entry]) -> Known:
    names = list(dict.fromkeys(name for entry in entries for name in named(entry.words)))
    known = await bank_entries.known_of(tx, names, list({e.counterparty for e in entries if e.counterparty}))
    standing = await parties.standing(tx, [id_ for prefix, id_ in names if prefix == "org"])
    return replace(known, organisations=frozenset(standing))


def _journal(entry: Entry, decision: Decision) -> Journal:
    """What is known of nobody lies in suspense, whichever way it went: the ledger's `bank` is what the bank says."""
    if isinstance(decision, PaidOut):
        one = decision.payout
        return postings.payout_paid(one.id, one.organisation_id, one.amount, AccountKind.BANK)
    if isinstance(decision, CameBack):
        one = decision.payout
        return postings.payout_reversed(one.id, one.organisation_id, one.amount, AccountKind.BANK)
    whose = decision.organisation_id if isinstance(decision, CameIn) else None
    lies_in = AccountKind.SWEEP if isinstance(decision, BetweenOurs) else AccountKind.SUSPENSE
    return postings.bank_credit(entry.id, whose, entry.amount, lies_in)


def _entry(entry: Entry, decision: Decision) -> LogEntry:
    if isinstance(decision, PaidOut):
        return payout_entry(decision.payout, PayoutState.PAID)
    if isinstance(decision, CameBack):
        return payout_entry(decision.payout, PayoutState.REVERSED)
    if isinstance(decision, BetweenOurs):
        return LogEntry(action="bank.internal", organisation_id=None, object_id=f"bank-entry:{entry.id}")
    if isinstance(decision, Open):
        return LogEntry(action="bank.unmatched", organisation_id=None, object_id=f"bank-entry:{entry.id}")
    return LogEntry(
        action="bank.credit",
        organisation_id=None,
        object_id=f"bank-entry:{entry.id}",
        concerns=(decision.organisation_id,),
    )
