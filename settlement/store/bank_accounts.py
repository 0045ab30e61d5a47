"""The exchange's accounts at banks, and their statements, in the database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from exchange.kernel.db import Tx
from exchange.kernel.money import Money
from settlement.banking.accounts import BankAccount, BankAccountKind, TakenStatement
from settlement.banking.details import Scheme

_COLUMNS = "id, kind, currency, scheme, last4, digest, sealed_for, sealed, opened_at, closed_at"
_INSERT = """
INSERT INTO settlement.bank_account (id, kind, currency, scheme, last4, digest, sealed_for, sealed, opened_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"""
_SAME = f"""
SELECT {_COLUMNS} FROM settlement.bank_account WHERE closed_at IS NULL AND currency = $2
AND (digest = $1 OR ($3 AND kind = 'client')) ORDER BY id LIMIT 1"""
# Before there were accounts, every entry was of the one that a currency had.
_ADOPT = "UPDATE settlement.bank_entry SET account_id = $1 WHERE account_id IS NULL AND currency = $2"
_CLIENT = f"SELECT {_COLUMNS} FROM settlement.bank_account WHERE kind = 'client' AND closed_at IS NULL AND currency = ANY($1::text[])"
_CLOSE = "UPDATE settlement.bank_account SET closed_at = $2 WHERE id = $1 AND closed_at IS NULL RETURNING id"
_STATEMENT = (
    "id, account_id, reference, sha256, opening_units, closing_units, currency, entries, matched_at, received_at"
)
_PUT_STATEMENT = """
INSERT INTO settlement.bank_statement (id, account_id, reference, sha256, opening_units, closing_units, currency, entries,
    received_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"""


async def same_account(tx: Tx, digest: bytes, currency: str, *, client: bool) -> BankAccount | None:
    """The open account with this number and currency; for `client` also the one that holds clients' money in it."""
    row = await (await tx.driver()).fetchrow(_SAME, digest, currency, client)
    return _account(row) if row else None


async def insert_account(tx: Tx, account: BankAccount) -> int:
    """Note an account; the first of its currency for clients' money takes over entries of before there were accounts."""
    driver = await tx.driver()
    await driver.execute(
        _INSERT,
        account.id,
        account.kind.value,
        account.currency,
        account.scheme.value,
        account.last4,
        account.digest,
        account.sealed_for,
        account.sealed,
        account.opened_at,
    )
    if account.kind is not BankAccountKind.CLIENT:
        return 0
    return int((await driver.execute(_ADOPT, account.id, account.currency)).rpartition(" ")[2])


async def close_account(tx: Tx, account_id: UUID) -> bool:
    """Close an account; False where it is not open."""
    return await (await tx.driver()).fetchrow(_CLOSE, account_id, tx.now) is not None


async def get_account(tx: Tx, account_id: UUID, *, lock: bool = False) -> BankAccount | None:
    """An account; locked until the transaction ends when `lock`."""
    query = f"SELECT {_COLUMNS} FROM settlement.bank_account WHERE id = $1"
    row = await (await tx.driver()).fetchrow(f"{query} FOR UPDATE" if lock else query, account_id)
    return _account(row) if row else None


async def list_accounts(tx: Tx) -> list[BankAccount]:
    """All accounts, oldest first; there are a handful."""
    rows = await (await tx.driver()).fetch(f"SELECT {_COLUMNS} FROM settlement.bank_account ORDER BY id LIMIT 200")
    return [_account(row) for row in rows]


async def client_accounts(tx: Tx, currencies: Sequence[str]) -> dict[str, BankAccount]:
    """The open account for clients' money of each currency that has one."""
    rows = await (await tx.driver()).fetch(_CLIENT, list(currencies))
    return {row["currency"]: _account(row) for row in rows}


async def insert_statement(tx: Tx, one: TakenStatement) -> None:
    """Note a statement that was read."""
    await (await tx.driver()).execute(
        _PUT_STATEMENT,
        one.id,
        one.account_id,
        one.reference,
        one.sha256,
        one.opening.units,
        one.closing.units,
        one.opening.currency,
        one.entries,
        one.received_at,
    )


async def last_statement(tx: Tx, account_id: UUID) -> TakenStatement | None:
    """The statement that was taken last of an account: what the next one has to open with."""
    query = f"SELECT {_STATEMENT} FROM settlement.bank_statement WHERE account_id = $1 ORDER BY id DESC LIMIT 1"
    row = await (await tx.driver()).fetchrow(query, account_id)
    return _taken(row) if row else None


async def find_statements(tx: Tx, account_id: UUID, references: Sequence[str]) -> dict[str, TakenStatement]:
    """Statements of an account by the bank's own references."""
    query = f"SELECT {_STATEMENT} FROM settlement.bank_statement WHERE account_id = $1 AND reference = ANY($2::text[])"
    rows = await (await tx.driver()).fetch(query, account_id, list(references))
    return {row["reference"]: _taken(row) for row in rows}


async def list_statements(tx: Tx, account_id: UUID, limit: int = 100) -> list[TakenStatement]:
    """The newest statements of an account."""
    query = f"SELECT {_STATEMENT} FROM settlement.bank_statement WHERE account_id = $1 ORDER BY id DESC LIMIT $2"
    return [_taken(row) for row in await (await tx.driver()).fetch(query, account_id, limit)]


async def end_statement(tx: Tx, statement_id: UUID) -> None:
    """Note that every entry of a statement is matched, or waits for a person."""
    query = "UPDATE settlement.bank_statement SET matched_at = $2 WHERE id = $1 AND matched_at IS NULL"
    await (await tx.driver()).execute(query, statement_id, tx.now)


async def get_statement(tx: Tx, statement_id: UUID) -> TakenStatement | None:
    """A statement that was taken."""
    query = f"SELECT {_STATEMENT} FROM settlement.bank_statement WHERE id = $1"
    row = await (await tx.driver()).fetchrow(query, statement_id)
    return _taken(row) if row else None


def _account(row: Any) -> BankAccount:
    return BankAccount(
        row["id"],
        BankAccountKind(row["kind"]),
        row["currency"],
        Scheme(row["scheme"]),
        row["last4"],
        bytes(row["digest"]),
        row["sealed_for"],
        bytes(row["sealed"]),
        row["opened_at"],
        row["closed_at"],
    )


def _taken(row: Any) -> TakenStatement:
    return TakenStatement(
        row["id"],
        row["account_id"],
        row["reference"],
        bytes(row["sha256"]),
        Money(row["opening_units"], row["currency"]),
        Money(row["closing_units"], row["currency"]),
        row["entries"],
        row["matched_at"],
        row["received_at"],
    )
