"""Lines of a camt.053 statement per second, from the file to their payouts, wallets and inbox, against bare parsing and COPY."""

from __future__ import annotations

import asyncio
import io
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID
from xml.etree import ElementTree

import asyncpg

from benchmarks.result import Result, result
from exchange.flows.match_entries import match_portion
from exchange.flows.open_bank_account import open_bank_account
from exchange.flows.pay_out import PayOut, pay_out
from exchange.flows.read_statement import StatementsTaken, read_statements
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.canonical import sha256
from exchange.kernel.clock import SystemClock
from exchange.kernel.db import Database, DatabaseUrls, Tx
from exchange.kernel.embedded import EmbeddedServer, Settings
from exchange.kernel.money import Money
from exchange.kernel.subjects import SubjectKey
from exchange.migrations.run import upgrade
from settlement import postings
from settlement.banking.accounts import BankAccountKind
from settlement.banking.camt import read_camt
from settlement.banking.details import BankDetails, Scheme
from settlement.payments import Method, Payment, PaymentState, Purpose
from settlement.payouts import PayoutState, Rail
from settlement.store import audit, bank_accounts, bank_entries, ledger, payments
from tests.support.camt_files import Booked, camt053

NAME, FLOOR, AIM = "bank_lines", 0.03, 0.06
PAYOUTS, WALLETS, UNKNOWN = 2_000, 2_500, 500
LINES = PAYOUTS + WALLETS + UNKNOWN
NOW = datetime(2026, 1, 14, 12, tzinfo=UTC)
IBAN = "DE89370400440532013000"
OPERATOR = Actor(ids.derived(NOW, "operator"), ids.derived(NOW, "client"), frozenset({"operator"}), frozenset(), "")
EURO = 1_000_000


async def measure(_house: object = None) -> Result:
    """Read, put down and match a whole statement once, and have the books checked."""
    with tempfile.TemporaryDirectory(prefix="exchange-bench-") as folder:
        Path(folder).chmod(0o711)
        server = await asyncio.to_thread(EmbeddedServer(Path(folder), Settings()).start)
        try:
            urls = DatabaseUrls.from_one(server.url)
            await upgrade(urls.migrate)
            db = Database(urls, SystemClock())
            try:
                return await _measured(db, server.url)
            finally:
                await db.close()
        finally:
            await asyncio.to_thread(server.stop)


async def _measured(db: Database, url: str) -> Result:
    account_id, content = await _prepared(db)
    bare = min([await _bare(url, content) for _ in range(3)])
    started = time.perf_counter()
    found = await asyncio.to_thread(read_camt, content)
    read_s = time.perf_counter() - started
    taken = await db.run(lambda tx: read_statements(tx, OPERATOR, account_id, sha256(content), found))
    assert isinstance(taken, StatementsTaken), taken
    statement_id = ids.parse("bst", taken.statements[0].id)
    while (await db.run(lambda tx: match_portion(tx, statement_id))).left:
        pass
    seconds = time.perf_counter() - started
    counted = await db.run(lambda tx: bank_entries.counts(tx, statement_id))
    assert counted == (PAYOUTS, WALLETS, UNKNOWN), counted
    findings = [one for one in await db.run(audit.check) if one.rule != "approved-payout-is-in-a-batch"]
    assert not findings, findings[:3]
    return result(
        NAME,
        LINES / seconds,
        "lines/s",
        LINES / bare,
        floor=FLOOR,
        aim=AIM,
        includes=f"{LINES:,} lines ({len(content) / 1e6:.1f} MB) in {seconds:.2f} s, of which reading {read_s:.2f} s: balances "
        f"summed, {PAYOUTS:,} payouts paid, {WALLETS:,} announced transfers booked to wallets, {UNKNOWN} in the inbox, journals, "
        "states and audit entries, fsck clean. Baseline: the parser alone over the same file, and COPY of as many rows "
        f"({bare:.2f} s).",
    )


async def _prepared(db: Database) -> tuple[UUID, bytes]:
    """Payouts on their way, announced transfers, and the statement that tells of them and of others."""
    details = BankDetails(Scheme.IBAN, "Corpus Exchange", IBAN, "COBADEFFXXX")
    key = SubjectKey(OPERATOR.organisation_id, bytes(32))
    await db.run(lambda tx: open_bank_account(tx, OPERATOR, key, BankAccountKind.CLIENT, "EUR", details))
    payees = [ids.derived(NOW, "payee", n) for n in range(PAYOUTS)]
    awaited = [
        Payment(ids.derived(NOW, "pay", n), ids.derived(NOW, "buyer", n), Purpose.TOP_UP, None, Money(7 * EURO, "EUR"),
                Method.BANK, PaymentState.CREATED, NOW)
        for n in range(WALLETS)
    ]  # fmt: skip

    async def prepare(tx: Tx) -> list[str]:
        await ledger.post(tx, [postings.pay_advance(tx.new_id(), one, Money(5 * EURO, "EUR")) for one in payees])
        made = await pay_out(tx, [PayOut(one, "EUR", "2026-01", Rail.BANK, "dst") for one in payees])
        names = [one.id for one in made if hasattr(one, "id")]
        payouts = [ids.parse("pot", name) for name in names]
        await bank_entries.move_payouts(tx, payouts, PayoutState.CREATED, PayoutState.EXPORTED)
        await payments.insert_payments(tx, awaited)
        return names

    names = await db.run(prepare)
    rows = [Booked(-5 * EURO, f"P{n}", end_to_end=name.replace("_", "-")) for n, name in enumerate(names)]
    rows += [Booked(7 * EURO, f"W{n}", words=("top up", ids.text("pay", p.id).upper())) for n, p in enumerate(awaited)]
    rows += [Booked(EURO, f"U{n}", words=("who am I",)) for n in range(UNKNOWN)]
    (account,) = await db.run(bank_accounts.list_accounts)
    return account.id, camt053(IBAN, rows)


async def _bare(url: str, content: bytes) -> float:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("CREATE TEMP TABLE bare (n int, ref text, words text, units bigint)")
        started = time.perf_counter()
        for _, element in ElementTree.iterparse(io.BytesIO(content)):
            element.clear()
        rows = [(n, f"P{n}", "top up", n) for n in range(LINES)]
        await connection.copy_records_to_table("bare", records=rows)
        return time.perf_counter() - started
    finally:
        await connection.close()


if __name__ == "__main__":
    print(asyncio.run(measure()).tell())
