from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any

import asyncpg

from exchange.flows.approvals import decide
from exchange.flows.pay_out import PayOut, PayoutReceipt, pay_out
from exchange.flows.record_transfer import TransferResult, record_transfer
from exchange.flows.withholding_reliefs import ReliefKept, ReliefWish, end_relief, record_relief
from exchange.flows.withholding_tables import TableReceipt, adopt_table, propose_table
from exchange.kernel import ids
from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Database, Tx
from exchange.kernel.errors import Problem
from exchange.kernel.keys import Keyring
from exchange.kernel.money import Money
from settlement import postings
from settlement.accounts import AccountKind, payable, pending, platform
from settlement.approvals import ApprovalState
from settlement.payout_minimums import minimums_of
from settlement.payouts import Rail
from settlement.store import audit, ledger
from settlement.store import withholding as store
from settlement.withholding import Income
from tests.support.settlement_market import BROKER, OPERATOR, SELLER, actor, open_market

LEAST = minimums_of("CNY:bank:50")
# An EXAMPLE: no law is meant.
_RULE = {"percent": "10", "from": "2020-01-01", "to": None, "source": "EXAMPLE", "source_date": "2020-01-01"}
EXAMPLE = {
    "payer": "CN",
    "income": "royalty",
    "rules": [_RULE | {"payees": ["CN"], "percent": "0"}, _RULE | {"payees": "abroad"}],
}
KEPT = platform(AccountKind.WITHHELD, "CNY")


async def _earn(database: Database, who: Any, units: int) -> None:
    async def flow(tx: Tx) -> None:
        source, money = tx.new_id(), Money(units, "CNY")
        await ledger.post(tx, [postings.top_up(source, who, money)])
        await ledger.post(tx, [postings.wallet_purchase(tx.new_id(), who, money, ((pending(who, "CNY"), units),))])
        await ledger.post(tx, [postings.release(tx.new_id(), [(who, money)])])

    await database.run(flow)


async def _pay(database: Database, who: Any, period: str, **more: bool) -> PayoutReceipt | Problem:
    wish = PayOut(who, "CNY", period, Rail.BANK, "acct_1")
    return (await database.run(lambda tx: pay_out(tx, [wish], LEAST, **more)))[0]


async def _sums(database: Database, who: Any) -> tuple[int, int]:
    key = payable(who, "CNY")
    found = await database.run(lambda tx: ledger.sums(tx, [key, KEPT]))
    return found[key], found[KEPT]


def _amount(answer: PayoutReceipt | Problem) -> str:
    return answer.amount["amount"] if isinstance(answer, PayoutReceipt) else answer.slug


async def _rules(database: Database) -> set[str]:
    return {one.rule for one in await database.run(audit.check) if "with" in one.rule or "relief" in one.rule}


async def test_tax_leaves_with_a_payout_and_comes_back_with_it(
    database: Database, database_url: str, keyring: Keyring, clock: FixedClock
) -> None:
    market = await open_market(database, keyring)
    abroad, nowhere = await database.run(_new_id), await database.run(_new_id)
    await market.join(abroad, "HK")
    for who in (abroad, nowhere, SELLER):
        await _earn(database, who, 100_050_000)
    # Until a table is adopted nothing is withheld and nobody's country is asked for; after that nothing is guessed.
    assert _amount(await _pay(database, nowhere, "z")) == "100.05"
    await _earn(database, nowhere, 100_050_000)
    await _adopt(database, EXAMPLE)
    assert _amount(await _pay(database, nowhere, "a")) == "no-withholding-rule"
    assert await _sums(database, nowhere) == (100_050_000, 0)
    # 10.005 is half between two coins: the even one.
    first = await _pay(database, abroad, "a")
    assert _amount(first) == "90.05"
    assert await _sums(database, abroad) == (0, 10_000_000)
    assert _amount(await _pay(database, abroad, "a")) == "payout-exists"
    # At home the rate is nothing, and that is kept as well.
    assert _amount(await _pay(database, SELLER, "a")) == "100.05"
    since, until = clock.now().replace(month=1, day=1), clock.now().replace(year=clock.now().year + 1)
    (home,) = await database.run(lambda tx: store.kept_of(tx, SELLER, since, until))
    assert (home.withheld.units, home.payee, home.back) == (0, "CN", False)
    # The bank refuses it: all of it is payable again, and it may be paid once more.
    assert isinstance(first, PayoutReceipt)
    failed = TransferResult(ids.parse("pot", first.id), "failed", None, "account_closed")
    for _ in range(2):
        await database.run(lambda tx: record_transfer(tx, [failed]))
    assert await _sums(database, abroad) == (100_050_000, 0)
    relief = await _relief(database, abroad)
    assert _amount(await _pay(database, abroad, "a")) == "95.05"
    kept = await database.run(lambda tx: store.kept_of(tx, abroad, since, until))
    assert [(one.withheld.units, one.rate, one.back) for one in kept] == [
        (10_000_000, Decimal("0.1"), True),
        (5_000_000, Decimal("0.05"), False),
    ]
    # An ended relief lowers nothing; what is little waits unless it is asked for.
    await database.run(lambda tx: end_relief(tx, actor(OPERATOR, "operator"), relief))
    await _earn(database, abroad, 49_990_000)
    assert _amount(await _pay(database, abroad, "b")) == "payout-small"
    assert _amount(await _pay(database, abroad, "b", small=True)) == "44.99"
    # The operator adopts that nothing is withheld: a table like any other.
    await _adopt(database, {"payer": "", "income": "royalty", "rules": []})
    assert _amount(await _pay(database, nowhere, "a")) == "100.05"
    assert await _rules(database) == set()
    await _tamper(database_url)
    assert await _rules(database) == {
        "withholding-has-its-journal",
        "withholding-leaves-the-payout",
        "withholding-is-by-its-rate",
        "withheld-goes-back-with-its-payout",
        "relief-lowers-its-own-payee",
    }


async def _adopt(database: Database, rules: dict[str, Any]) -> None:
    first = actor(OPERATOR, "operator")
    second = replace(first, client_id=await database.run(_new_id))
    invalid = await database.run(lambda tx: propose_table(tx, first, rules | {"payer": "cn"}))
    assert isinstance(invalid, Problem)
    assert invalid.slug == "withholding-table-invalid"
    made = await database.run(lambda tx: propose_table(tx, first, rules))
    assert isinstance(made, TableReceipt)
    table, approval = ids.parse("wht", made.id), ids.parse("apv", made.approval or "")
    for who, slug in [(actor(SELLER, "supplier"), "forbidden"), (first, "approval-missing")]:
        answer = await database.run(partial(adopt_table, actor=who, table_id=table))
        assert isinstance(answer, Problem)
        assert answer.slug == slug
    own = await database.run(lambda tx: decide(tx, first, approval, ApprovalState.APPROVED))
    assert isinstance(own, Problem)
    await database.run(lambda tx: decide(tx, second, approval, ApprovalState.APPROVED))
    done = await database.run(lambda tx: adopt_table(tx, first, table))
    assert isinstance(done, TableReceipt)
    again = await database.run(lambda tx: adopt_table(tx, first, table))
    assert isinstance(again, Problem)
    assert again.slug == "withholding-table-adopted"


async def _new_id(tx: Tx) -> Any:
    return tx.new_id()


async def _relief(database: Database, who: Any) -> Any:
    days = (date(2026, 1, 1), date(2026, 12, 31))
    wish = ReliefWish(who, "CN", Income.ROYALTY, Decimal("0.05"), "HK-1", *days)
    for actor_, wrong in [
        (actor(SELLER, "supplier"), wish),
        (actor(OPERATOR, "operator"), ReliefWish(who, "BR", Income.ROYALTY, Decimal("0.05"), "HK-1", *days)),
        (actor(OPERATOR, "operator"), ReliefWish(BROKER, "CN", Income.ROYALTY, Decimal(1), "HK-1", *days)),
    ]:
        assert isinstance(await database.run(partial(record_relief, actor=actor_, wish=wrong)), Problem)
    made = await database.run(lambda tx: record_relief(tx, actor(OPERATOR, "operator"), wish))
    assert isinstance(made, ReliefKept)
    return ids.parse("wrl", made.id)


async def _tamper(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    await connection.execute("ALTER TABLE settlement.withholding DISABLE TRIGGER ALL")
    await connection.execute("UPDATE settlement.withholding SET gross_units = gross_units + 9000000")
    await connection.execute(
        "UPDATE settlement.withholding SET withheld_units = withheld_units + 1000000, rate = '0.06' WHERE withheld_units > 0"
    )
    await connection.close()
