"""The operator hands in a bank's statement: its entries are put down whole or not at all, and a job matches them."""

from __future__ import annotations

from uuid import UUID

import msgspec

from compliance import store as audit
from exchange.flows.once import done
from exchange.kernel import ids, jobs
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import FORBIDDEN, NOT_FOUND, Problem
from exchange.kernel.text import Text
from settlement.banking.accounts import BankAccount, TakenStatement
from settlement.banking.camt import Fault, Statement
from settlement.banking_problems import (
    STATEMENT_BREAKS_CHAIN,
    STATEMENT_DIFFERS,
    STATEMENT_OTHER_ACCOUNT,
    STATEMENT_REFUSED,
)
from settlement.problems import BANK_ENTRY_MISMATCH
from settlement.store import bank_accounts, bank_entries

MATCH_STATEMENT = "match_statement"

_WHOLE = Text("the whole file", "整个文件")


class StatementTaken(msgspec.Struct, frozen=True):
    """A statement that was read; `job` matches its entries, and is none where it was read before."""

    id: str
    reference: str
    entries: int
    opening: dict[str, str]
    closing: dict[str, str]
    job: str | None


class StatementsTaken(msgspec.Struct, frozen=True):
    """The statements of one file, in its order."""

    statements: list[StatementTaken]


async def read_statements(
    tx: Tx, actor: Actor, account_id: UUID, sha256: bytes, found: tuple[Statement, ...] | Fault
) -> StatementsTaken | Problem:
    """Put down the statements of a file with this hash; one that was read before changes nothing.

    errors   answers forbidden, not-found, bank-statement-refused, bank-statement-of-another-account,
             bank-statement-breaks-chain, bank-statement-differs, bank-entry-mismatch
    """
    if "operator" not in actor.roles:
        return FORBIDDEN(needs="operator")
    # One after another: each has to open with what the one before closed with.
    account = await bank_accounts.get_account(tx, account_id, lock=True)
    if account is None or account.closed_at is not None:
        return NOT_FOUND()
    if isinstance(found, Fault):
        return STATEMENT_REFUSED(reason=Text(found.text["en"], found.text["zh"]), where=found.where or _WHOLE)
    known = await bank_accounts.find_statements(tx, account_id, [one.reference for one in found])
    problem = await _refused(tx, account, found, known)
    if problem is not None:
        return problem
    # In the order of the file, as the newest is whose closing the next one has to open with.
    names = sorted(tx.new_id() for _ in found)
    taken = [
        _receipt(known[one.reference], None) if one.reference in known else await _put(tx, account, sha256, one, name)
        for name, one in zip(names, found, strict=True)
    ]
    await audit.append(tx, [done(actor, "bank-statement.read", ids.text("bac", account_id), file=sha256)])
    return StatementsTaken(taken)


async def _refused(
    tx: Tx, account: BankAccount, found: tuple[Statement, ...], known: dict[str, TakenStatement]
) -> Problem | None:
    last = await bank_accounts.last_statement(tx, account.id)
    closing = last.closing if last is not None else None
    for one in found:
        if one.account != account.digest or one.opening.currency != account.currency:
            return STATEMENT_OTHER_ACCOUNT(statement=one.reference)
        before = known.get(one.reference)
        if before is not None:
            if (before.opening, before.closing, before.entries) != (one.opening, one.closing, len(one.lines)):
                said = f"{before.opening} - {before.closing} ({before.entries})"
                return STATEMENT_DIFFERS(statement=one.reference, recorded=said)
            continue
        if closing is not None and one.opening != closing:
            return STATEMENT_BREAKS_CHAIN(statement=one.reference, opening=str(one.opening), closing=str(closing))
        closing = one.closing
    lines = [line for one in found if one.reference not in known for line in one.lines]
    clash = await bank_entries.clashing(tx, account.id, lines)
    return BANK_ENTRY_MISMATCH(entry=clash, recorded=account.currency) if clash is not None else None


async def _put(tx: Tx, account: BankAccount, sha256: bytes, one: Statement, name: UUID) -> StatementTaken:
    taken = TakenStatement(
        name, account.id, one.reference, sha256, one.opening, one.closing, len(one.lines), None, tx.now
    )
    await bank_accounts.insert_statement(tx, taken)
    if one.lines:
        there = await bank_entries.insert_lines(tx, account.id, taken.id, account.currency, one.lines)
        assert there == len(one.lines), "none of them clashes, and the account is held"
    told = ids.text("bst", taken.id)
    (job_id,) = await jobs.put(tx, jobs.Job(MATCH_STATEMENT, str(taken.id), {"statement": told}))
    return _receipt(taken, ids.text("job", job_id))


def _receipt(one: TakenStatement, job: str | None) -> StatementTaken:
    return StatementTaken(
        ids.text("bst", one.id), one.reference, one.entries, one.opening.to_wire(), one.closing.to_wire(), job
    )
