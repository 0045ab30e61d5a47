"""`exchange ledger` over a market that has seen everything: balances, statements, the trial balance, traces, exports."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from exchange.cli import commands
from exchange.cli.tools import Tools
from exchange.flows.map_accounts import put_chart
from exchange.flows.prove_money import prove_money
from exchange.flows.show_provenance import show_provenance
from exchange.kernel import ids
from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Database
from exchange.kernel.errors import Problem
from exchange.kernel.keys import Keyring
from exchange.kernel.money import units_of
from settlement.accounts import AccountKind
from tests.support.api import settings_for
from tests.support.ledger_market import BROKER, BUYER, SELLER, SOURCE, YUAN, Traded, traded
from tests.support.settlement_market import OPERATOR, actor

Command = Any


@pytest_asyncio.fixture
async def market(database: Database, keyring: Keyring, clock: FixedClock) -> Traded:
    """Two currencies, refunds, conversions, payouts, a debt."""
    return await traded(database, keyring, clock)


@pytest.fixture
def ledger(market: Traded, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs `exchange ledger ...` on this market: its exit code and what it prints."""

    @asynccontextmanager
    async def here(*_: Any, **__: Any) -> AsyncIterator[Any]:
        class Made:
            db, sales = market.database, market.market.sales

        yield Made

    tools = Tools(settings_for(tmp_path), here, here, None, None, None, None, {"LANG": "en_US.UTF-8"})  # type: ignore[arg-type]

    async def run(*arguments: str, command: str = "ledger") -> tuple[int, str]:
        chosen = commands.parser().parse_args([command, *arguments])
        code = await chosen.run(chosen, tools)
        return code, capsys.readouterr().out

    async def told(*arguments: str) -> Any:
        code, out = await run(*arguments, "--json")
        assert code == 0, out
        return json.loads(out)

    run.told = told  # type: ignore[attr-defined]
    return run


async def test_balances_are_told_by_holder_kind_and_currency(ledger: Command, market: Traded) -> None:
    found = await ledger.told("balances", "--organisation", ids.text("org", SELLER))
    held = {(one["account"], one["balance"]["currency"]): one["balance"]["amount"] for one in found["items"]}
    # 0.012 stayed of the payout, as no bank pays it; of `first`, the refunds took that and made the rest a debt; `kept` waits.
    assert held == {("pending", "CNY"): "240.00", ("debt", "CNY"): "-239.998"}
    (wallet,) = (await ledger.told("balances", "--kind", "wallet", "--currency", "EUR"))["items"]
    assert wallet == {
        "account": "wallet",
        "organisation": ids.text("org", BUYER),
        "balance": {"amount": "66.786666", "currency": "EUR"},
    }
    with_empty = await ledger.told("balances", "--kind", "in_transit", "--empty")
    assert [one["balance"]["amount"] for one in with_empty["items"]] == ["0.00"]
    code, text = await ledger("balances", "--lang", "zh")
    assert code == 0
    assert "欠款" in text
    assert "-239.998 CNY" in text


async def test_a_statement_opens_moves_and_closes(ledger: Command, market: Traded, clock: FixedClock) -> None:
    whose = ("statement", "--organisation", ids.text("org", BUYER), "--kind", "wallet", "--currency", "CNY")
    cut = (clock.now() - timedelta(hours=2)).isoformat()
    clock.advance(1)
    whole = await ledger.told(*whose)
    early, late = await ledger.told(*whose, "--to", cut), await ledger.told(*whose, "--from", cut)
    assert whole["opening"]["amount"] == "0.00"
    assert early["closing"] == late["opening"]
    assert early["lines"] + late["lines"] == whole["lines"]
    assert late["closing"] == whole["closing"]
    balance = 0
    for line in whole["lines"]:
        balance += units_of(line["amount"]["amount"])
        assert units_of(line["balance"]["amount"]) == balance
    assert {line["kind"] for line in whole["lines"]} >= {
        "top_up",
        "bank_credit",
        "purchase",
        "charge",
        "conversion",
        "refund",
    }
    assert next(line for line in whole["lines"] if line["kind"] == "top_up")["source"] == market.made["card"]
    code, text = await ledger(*whose)
    assert code == 0
    assert text.splitlines()[1].startswith("opening")
    bank = await ledger.told("statement", "--kind", "bank", "--currency", "CNY")
    assert bank["organisation"] is None


async def test_the_trial_balance_sums_to_zero_at_any_time(ledger: Command, market: Traded, clock: FixedClock) -> None:
    now = await ledger.told("trial-balance")
    assert now["balanced"]
    assert [one["currency"] for one in now["currencies"]] == ["CNY", "EUR"]
    moments = [clock.now() - timedelta(days=days, hours=hours) for days in range(0, 24, 3) for hours in (0, 7)]
    seen = set()
    for at in moments:
        found = await ledger.told("trial-balance", "--at", at.isoformat())
        assert found["balanced"]
        for trial in found["currencies"]:
            assert trial["sum"]["amount"] == "0.00"
            assert sum(units_of(line["sum"]["amount"]) for line in trial["lines"]) == 0
        seen.add(json.dumps(found["currencies"]))
    assert len(seen) >= 3
    _, text = await ledger("trial-balance", "--lang", "zh")
    assert "各币种合计均为零" in text


async def test_a_day_is_its_first_moment_in_the_zone_that_is_asked_for(ledger: Command, market: Traded) -> None:
    whose = ("statement", "--organisation", ids.text("org", BUYER), "--kind", "wallet", "--currency", "CNY")
    # Everything of January happened on the 15th at 08:00 in UTC and soon after: it is the 16th in Kiritimati from 10:00 on.
    for day, zone, moment in (
        ("2026-02-05", "UTC", "2026-02-05T00:00:00Z"),
        ("2026-02-05", "Asia/Shanghai", "2026-02-04T16:00:00Z"),
        ("2026-01-15", "Pacific/Kiritimati", "2026-01-14T10:00:00Z"),
        ("2026-01-15", "America/Los_Angeles", "2026-01-15T08:00:00Z"),
    ):
        days = await ledger.told(*whose, "--to", day, "--zone", zone)
        assert days == await ledger.told(*whose, "--to", moment), zone
        balances = await ledger.told("balances", "--at", day, "--zone", zone)
        assert balances == await ledger.told("balances", "--at", moment), zone
    _, text = await ledger("export", "--format", "hledger", "--from", "2026-01-15", "--zone", "Asia/Shanghai")
    assert "Asia/Shanghai，不含末日" in text


async def test_one_yuan_is_traced_from_the_card_to_every_payee(ledger: Command, market: Traded) -> None:
    found = await ledger.told("trace", market.made["kept"])
    assert found["started"] == [{"amount": "300.00", "currency": "CNY"}]
    assert sum(units_of(one["amount"]["amount"]) for one in found["origins"]) == 300 * YUAN
    assert {one["account"]["kind"] for one in found["origins"]} <= {"bank", "stripe"}
    rests = {(one["account"]["kind"], one["account"]["organisation"]): one["per_one"] for one in found["ends"]}
    assert rests == {
        ("pending", ids.text("org", SELLER)): "0.80",
        ("pending", ids.text("org", BROKER)): "0.05",
        ("revenue", None): "0.15",
    }
    steps = [one for one in found["steps"] if one["source"] == market.made["kept"]]
    for step in steps:
        assert sum(units_of(taken["amount"]["amount"]) for taken in step["taken"]) == units_of(step["amount"]["amount"])
    assert [[(s["role"], s["weight"], s["of"]) for s in step["split"]] for step in steps] == [
        [("supplier", 8000, 10000)],
        [("broker", 500, 10000)],
        [("platform", 1500, 10000)],
    ]
    code, text = await ledger("trace", market.made["kept"], "--lang", "zh")
    assert code == 0
    assert "先进先出" in text
    assert "供应方，8000 / 10000" in text


async def test_a_settled_order_is_traced_to_the_payout_and_back_through_refunds(
    ledger: Command, market: Traded
) -> None:
    found = await ledger.told("trace", market.made["first"])
    card, bank = (
        one for one in found["origins"] if one["state"] == "outside" and one["kind"] in ("top_up", "bank_credit")
    )
    assert (card["source"], card["amount"]["amount"]) == (market.made["card"], "200.00")
    # 0.002 that the payout had left of other sales went into the refund: the oldest money goes first.
    assert bank["amount"]["amount"] == "100.002"
    way = [
        (one["kind"], one["from_account"]["kind"], one["to_account"]["kind"], one["amount"]["amount"])
        for one in found["steps"]
    ]
    assert ("purchase", "wallet", "pending", "240.00") in way
    assert ("release", "pending", "payable", "240.00") in way
    assert ("payout", "payable", "in_transit", "240.00") in way
    assert ("payout_failed", "in_transit", "payable", "240.002") in way
    assert ("payout_paid", "in_transit", "bank", "240.00") in way
    # Both refunds: what each payee gives back, out of what is there, as a debt where nothing is.
    given = {
        (one["from_account"]["kind"], one["from_account"]["organisation"]): 0
        for one in found["steps"]
        if one["kind"] == "refund"
    }
    for one in found["steps"]:
        if one["kind"] == "refund":
            given[one["from_account"]["kind"], one["from_account"]["organisation"]] += units_of(one["amount"]["amount"])
    seller, broker = ids.text("org", SELLER), ids.text("org", BROKER)
    assert given.pop(("revenue", None)) == 45 * YUAN
    assert sum(units for (_, owner), units in given.items() if owner == seller) == 240 * YUAN
    assert sum(units for (_, owner), units in given.items() if owner == broker) == 15 * YUAN
    assert given["debt", seller] > 0
    release = next(one for one in found["steps"] if one["kind"] == "release")
    assert release["period"] == {"starts_at": "2026-01-01T00:00:00Z", "ends_at": "2026-02-01T00:00:00Z"}
    assert [one["rule"] for one in release["taken"]] == ["tag"]
    purchase = [one for one in found["steps"] if one["kind"] == "purchase"]
    # Each part is told what of it was from the card and what from the bank.
    assert [[taken["amount"]["amount"] for taken in one["taken"]] for one in purchase] == [
        ["200.00", "40.00"],
        ["15.00"],
        ["45.00"],
    ]
    payout = next(one for one in found["steps"] if one["kind"] == "payout")
    assert payout["occasion"] == "2026-01 (bank)"
    back = [one for one in found["ends"] if one["account"]["kind"] == "wallet"]
    assert sum(units_of(one["amount"]["amount"]) for one in back) == 300 * YUAN
    advanced = [one for one in found["origins"] if one["state"] == "advanced"]
    assert sum(units_of(one["amount"]["amount"]) for one in advanced) == given["debt", seller]
    # All of it went back, though it had been paid out: nobody has anything of it but the buyer.
    has = {one["organisation"] or one["account"]: one["amount"]["amount"] for one in found["holders"]}
    assert has.pop(ids.text("org", BUYER)) == "300.00"
    # Except for the 0.002 of other sales.
    assert has == {seller: "0.002", broker: "0.00", "revenue": "0.00"}


async def test_an_order_refunded_before_settlement_ends_where_it_began(ledger: Command, market: Traded) -> None:
    found = await ledger.told("trace", market.made["second"])
    assert {(one["account"]["kind"], one["amount"]["amount"]) for one in found["ends"]} == {("wallet", "300.00")}
    assert [(one["organisation"] or one["account"], one["per_one"]) for one in found["holders"]] == [
        (ids.text("org", BUYER), "1.00"),
        (ids.text("org", SELLER), "0.00"),
        (ids.text("org", BROKER), "0.00"),
        ("revenue", "0.00"),
    ]
    assert all(taken["rule"] == "tag" for one in found["steps"] if one["kind"] == "refund" for taken in one["taken"])
    refund = await ledger.told("trace", market.made["whole"])
    assert refund["started"] == found["started"]


async def test_a_conversion_is_traced_across_currencies_at_its_rate(ledger: Command, market: Traded) -> None:
    found = await ledger.told("trace", market.made["conversion"])
    (turn,) = [one for one in found["steps"] if one["rule"] == "converted"]
    assert (turn["amount"], turn["arrived"]) == (
        {"amount": "11.111111", "currency": "EUR"},
        {"amount": "86.80384", "currency": "CNY"},
    )
    assert turn["rate"]["value"] == "7.812345678901"
    assert turn["rate"]["source"] == SOURCE
    assert found["started"] == [turn["amount"]]
    assert {one["account"]["currency"] for one in found["origins"]} == {"EUR"}
    _, text = await ledger("trace", market.made["conversion"])
    assert "at 7.812345678901 (rte_" in text


async def test_anything_that_moved_money_can_be_named(ledger: Command, market: Traded) -> None:
    for name, named in market.made.items():
        if name != "use":
            assert (await ledger.told("trace", named))["steps"], name
    statement = await ledger.told("statement", "--kind", "revenue", "--currency", "CNY")
    line = statement["lines"][0]
    found = await ledger.told("trace", f"{line['journal']}:{line['line']}")
    assert found["started"] == [line["amount"]]
    assert len([one for one in found["steps"] if one["journal"] == line["journal"]]) == 1
    use = await ledger.told("trace", market.made["use"])
    (charge,) = {one["source"] for one in use["steps"] if one["kind"] == "charge"}
    assert (
        (await ledger.told("trace", charge))["started"] == use["started"] == [{"amount": "15.015", "currency": "CNY"}]
    )
    period = next(one["period"] for one in use["steps"] if one["kind"] == "charge")
    assert period["starts_at"].startswith("2026-01-15")


@pytest.mark.parametrize(
    "named",
    ["ord_00000000000000000000000000", "org_01m80jwmabesg81hwe4cc73nw9", "nonsense", "jnl_x", "ord_1:2", "jnl_1:x", ""],
)
async def test_what_moved_nothing_is_not_found(market: Traded, named: str) -> None:
    found = await market.database.run(lambda tx: show_provenance(tx, market.market.sales, named))
    assert isinstance(found, Problem)
    assert found.slug == "not-found"


async def test_flags_without_a_meaning_are_refused_in_both_languages(ledger: Command) -> None:
    for arguments in (
        ("balances", "--organisation", "ord_1"),
        ("balances", "--currency", "yuan"),
        ("balances", "--at", "2026-01-15T08:00:00"),
        ("trial-balance", "--at", "yesterday"),
        ("statement", "--kind", "wallet", "--currency", "CNY"),
        ("statement", "--kind", "bank", "--currency", "CNY", "--organisation", ids.text("org", BUYER)),
        (
            "statement",
            "--kind",
            "bank",
            "--currency",
            "CNY",
            "--from",
            "2026-02-01T00:00Z",
            "--to",
            "2026-01-01T00:00Z",
        ),
        ("balances", "--at", "2026-02-30"),
        ("balances", "--at", "0001-01-01", "--zone", "Asia/Shanghai"),
        ("trial-balance", "--zone", "Shanghai"),
        ("export", "--format", "hledger", "--zone", "../UTC"),
        ("export", "--format", "hledger", "--from", "0001-01-01"),
        ("export", "--format", "hledger", "--from", "2026-02-30"),
        ("export", "--format", "hledger", "--from", "2026-02-01", "--to", "2026-02-01"),
    ):
        told = [await ledger(*arguments, "--lang", language) for language in ("en", "zh")]
        assert [code for code, _ in told] == [2, 2], arguments
        assert told[0] != told[1]


async def test_an_export_goes_to_a_file_to_standard_output_or_into_json(ledger: Command, tmp_path: Path) -> None:
    file = tmp_path / "books.beancount"
    code, text = await ledger("export", "--format", "beancount", "--output", str(file))
    assert code == 0
    assert "sha256" in text
    assert not list(tmp_path.glob("*.partial"))
    _, plain = await ledger("export", "--format", "beancount")
    assert plain == file.read_text(encoding="utf-8")
    told = await ledger.told("export", "--format", "beancount")
    assert told["text"] == plain
    assert told["sha256"] in text
    summed = await ledger.told("export", "--format", "hledger", "--output", str(tmp_path / "books.journal"))
    assert "text" not in summed
    assert summed["postings"] > summed["journals"] > 10


async def test_money_says_what_is_in_order_and_what_is_not(
    market: Traded, ledger: Command, tmp_path: Path, clock: FixedClock
) -> None:
    def money(*arguments: str) -> Any:
        return ledger(*arguments, command="money")

    assert await money("reconciliation") == (0, "No money was ever seen at the provider.\n")
    assert await money("proofs", "--lang", "zh") == (0, "尚无证明。\n")
    rows = [f"{kind.value},,{number},{kind.value}," for number, kind in enumerate(AccountKind, 1)]
    chart = "\n".join(["account,currency,code,name,tax_code", *rows]).encode()
    own = tmp_path / "own.csv"
    assert (await money("journals", "--output", str(own)))[0] == 2, "there is no chart yet"
    await market.database.run(lambda tx: put_chart(tx, actor(OPERATOR, "operator"), chart))
    code, said = await money("journals", "--output", str(own), "--json")
    told = json.loads(said)
    assert (code, told["sha256"]) == (0, hashlib.sha256(own.read_bytes()).hexdigest())
    sums: dict[tuple[str, str], int] = {}
    for row in csv.DictReader(own.read_text(encoding="utf-8").splitlines()):
        name = row["journal"], row["currency"]
        sums[name] = sums.get(name, 0) + units_of(row["debit"] or "0") - units_of(row["credit"] or "0")
    assert set(sums.values()) == {0}, "each journal balances in each currency"
    assert len({journal for journal, _ in sums}) == told["journals"] > 5
    await market.database.run(lambda tx: prove_money(tx, {}, {}))
    code, said = await money("proofs", "--json")
    assert {one["currency"] for one in json.loads(said)} == {"CNY", "EUR"}
    code, said = await money("checklist", "--currency", "CNY", "--end", "2026-02-01")
    assert code == 1
    assert "✗ Clients' money is proved" in said
    code, said = await money("deferred", "--at", "2026-01-16")
    assert code == 0
