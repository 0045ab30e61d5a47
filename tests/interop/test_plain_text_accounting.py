"""The ledger of a market, read by beancount and hledger: both accept it, both balance, both hold what our trial balance says."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio

from exchange.flows.export_ledger import Exported, ExportWish, export_ledger
from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Database, Tx
from exchange.kernel.keys import Keyring
from settlement.plain_text import Dialect, account_name
from settlement.store import periods, plain_text
from tests.support import ledger_market
from tests.support.ledger_market import BUYER, YUAN, Traded
from tests.support.ledger_programs import (
    Sums,
    beancount_says,
    beancount_sums,
    hledger_codes,
    hledger_says,
    hledger_sums,
)

PROGRAMS: dict[Dialect, tuple[Callable[[Path], str], Callable[[Path], Sums]]] = {
    Dialect.BEANCOUNT: (beancount_says, beancount_sums),
    Dialect.HLEDGER: (hledger_says, hledger_sums),
}
both = pytest.mark.parametrize("dialect", list(Dialect))


@pytest_asyncio.fixture
async def traded(database: Database, keyring: Keyring, clock: FixedClock) -> Traded:
    """Two currencies, refunds, conversions, payouts that arrived and one that came back, a debt; over two months."""
    return await ledger_market.traded(database, keyring, clock)


async def exported(database: Database, file: Path, dialect: Dialect, **days: Any) -> Exported:
    async def flow(tx: Tx) -> Exported:
        with file.open("w", encoding="utf-8") as out:
            return await export_ledger(tx, ExportWish(dialect, **days), out.write)

    made = await database.run(flow)
    assert hashlib.sha256(file.read_bytes()).hexdigest() == made.sha256
    return made


async def ours(database: Database, at: datetime | None = None) -> Sums:
    """What each of our accounts holds, under its name there and in the sign used there."""

    async def flow(tx: Tx) -> Sums:
        moment = at or tx.now + timedelta(days=1)
        keys = [one.key for one in await plain_text.accounts(tx, moment, moment)]
        held = await periods.balances_at(tx, keys, moment)
        return {(account_name(key), key.currency): Decimal(-units) / YUAN for key, units in held.items() if units}

    return await database.run(flow)


@both
async def test_the_whole_ledger_is_accepted_and_holds_what_our_trial_balance_says(
    traded: Traded, tmp_path: Path, dialect: Dialect
) -> None:
    check, sums = PROGRAMS[dialect]
    file = tmp_path / f"all.{dialect}"
    made = await exported(traded.database, file, dialect)
    assert check(file) == ""
    found = sums(file)
    assert found == await ours(traded.database)
    assert len(found) >= 10
    assert {currency for _, currency in found} == {"CNY", "EUR"}
    for currency in ("CNY", "EUR"):
        assert sum(number for (_, one), number in found.items() if one == currency) == 0
    assert made.journals >= 12
    text = file.read_text(encoding="utf-8")
    assert "7.812345678901 CNY" in text
    assert "语料交易所总账" in text


@both
async def test_periods_chain_and_each_stands_for_itself(traded: Traded, tmp_path: Path, dialect: Dialect) -> None:
    check, sums = PROGRAMS[dialect]
    database, cut = traded.database, date(2026, 2, 4)
    midnight = datetime(2026, 2, 4, tzinfo=UTC)
    before, after = tmp_path / f"a.{dialect}", tmp_path / f"b.{dialect}"
    first = await exported(database, before, dialect, end=cut)
    second = await exported(database, after, dialect, first=cut)
    whole = await exported(database, tmp_path / "all", dialect)
    assert first.journals > 5
    assert second.journals > 2
    assert first.journals + second.journals == whole.journals
    assert [check(file) for file in (before, after)] == ["", ""]
    assert sums(before) == await ours(database, midnight) != await ours(database)
    assert sums(after) == await ours(database)
    text = after.read_text(encoding="utf-8")
    assert text.count("opening_balances") >= 1
    # Conversions of January are not in it, so neither is a price.
    assert "7.812345678901" not in text


@both
async def test_days_are_those_of_the_zone_that_is_asked_for(traded: Traded, tmp_path: Path, dialect: Dialect) -> None:
    check, sums = PROGRAMS[dialect]
    # Settled on 4 February, 08:01 in UTC, which is 22:01 of that day here; the cut is 4 February, 10:00 in UTC.
    zone, cut = ZoneInfo("Pacific/Kiritimati"), date(2026, 2, 5)
    before, after, utc = (tmp_path / f"{name}.{dialect}" for name in "abu")
    first = await exported(traded.database, before, dialect, end=cut, zone=zone)
    second = await exported(traded.database, after, dialect, first=cut, zone=zone)
    assert (first.zone, second.zone) == (zone.key, zone.key)
    assert [check(file) for file in (before, after)] == ["", ""]
    assert sums(before) == await ours(traded.database, datetime(2026, 2, 4, 10, tzinfo=UTC))
    assert sums(after) == await ours(traded.database)
    whole = await exported(traded.database, utc, dialect)
    assert first.journals + second.journals == whole.journals
    # The same day means another cut in UTC.
    assert (await exported(traded.database, utc, dialect, end=date(2026, 2, 4))).journals < first.journals
    assert f"({zone.key}, the last day not included)" in before.read_text(encoding="utf-8")


@both
async def test_the_same_ledger_gives_the_same_bytes_whatever_is_booked_later(
    traded: Traded, tmp_path: Path, clock: FixedClock, dialect: Dialect
) -> None:
    end = clock.now().date() + timedelta(days=1)
    first = await exported(traded.database, tmp_path / "1", dialect, end=end)
    assert await exported(traded.database, tmp_path / "2", dialect, end=end) == first
    clock.advance(3 * 86_400)
    await traded.market.fund(BUYER, YUAN)
    assert await exported(traded.database, tmp_path / "3", dialect, end=end) == first
    assert (tmp_path / "1").read_bytes() == (tmp_path / "3").read_bytes()
    assert (await exported(traded.database, tmp_path / "4", dialect)).sha256 != first.sha256


@both
async def test_a_single_unit_more_or_less_is_found_by_the_programs(
    traded: Traded, tmp_path: Path, dialect: Dialect
) -> None:
    """The counter-proof: the programs really check, to the millionth."""
    check, _ = PROGRAMS[dialect]
    file = tmp_path / f"all.{dialect}"
    await exported(traded.database, file, dialect)
    lines = file.read_text(encoding="utf-8").splitlines()
    posted = next(n for n, line in enumerate(lines) if line.startswith("  ") and "Liabilities:Wallet" in line)
    asserted = max(n for n, line in enumerate(lines) if "Liabilities:Wallet" in line)
    for number in (posted, asserted):
        changed = list(lines)
        # The last amount of the line, one unit further from zero.
        found = list(re.finditer(r"(\d+)\.(\d{6})(?!\d)", lines[number]))[-1]
        units = int(found[1] + found[2]) + 1
        amount = f"{units // YUAN}.{units % YUAN:06d}"
        changed[number] = lines[number][: found.start()] + amount + lines[number][found.end() :]
        assert changed[number] != lines[number]
        wrong = tmp_path / f"wrong-{number}.{dialect}"
        wrong.write_text("\n".join(changed) + "\n", encoding="utf-8")
        assert "alance" in check(wrong)
    missing = tmp_path / f"missing.{dialect}"
    kept = [line for line in lines if not line.endswith("Income:Revenue") and " open Income:Revenue" not in line]
    missing.write_text("\n".join(kept) + "\n", encoding="utf-8")
    assert "Income:Revenue" in check(missing)


async def test_journals_are_found_by_their_ids(traded: Traded, tmp_path: Path) -> None:
    beancount, hledger = tmp_path / "l.beancount", tmp_path / "l.journal"
    await exported(traded.database, beancount, Dialect.BEANCOUNT)
    await exported(traded.database, hledger, Dialect.HLEDGER)
    text = beancount.read_text(encoding="utf-8")
    order = re.search(r'"purchase" "(ord_[0-9a-z]{26})"', text)
    assert order is not None
    # The purchase, the release and the refunds of an order carry the same link.
    linked = [line for line in text.splitlines() if f"^{order[1]}" in line]
    assert [re.search(r"#(\w+)", line)[1] for line in linked] == ["purchase", "release", "refund", "refund"]  # type: ignore[index]
    sources = set(re.findall(r'^20\S+ \* "\w+" "([a-z]+)_', text, re.MULTILINE))
    assert sources == {"chg", "cnv", "ord", "pay", "pot", "rfd", "rsc"}
    conversion = re.search(r'"conversion" "cnv_.*?\n\n', text, re.DOTALL)
    assert conversion is not None
    facts = dict(re.findall(r'^  ([a-z-]+): "(.*)"$', conversion[0], re.MULTILINE))
    assert facts["rate"].startswith("rte_")
    assert facts["rate-value"] == "7.812345678901"
    assert facts["rate-source"] == r"ECB \"reference\" rates, 2026-01-14: https://example.org"
    assert facts["rounded-off"].endswith("/1000000000000 of a millionth")
    assert hledger_codes(hledger, order[1]) == 2
