"""The same use, settled in one run or in runs that are cut anywhere: the same totals in the ledger.

That is promised for every plan (docs/en/pricing.md, "Late and corrected use"): each line is worked out from the beginning of
its service period, and what was booked is taken off. Only tax and a payee's part, which are worked out for each charge alone,
may differ by a millionth for each charge. Here it is held against what the database says in the end, for one plan
of every kind whose amount depends on how much was used so far or on when a period is over.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Database, DatabaseUrls, Tx
from exchange.kernel.ids import IdSource
from exchange.kernel.keys import Keyring
from settlement.store import audit
from tests.conftest import NOW
from tests.support.clones import Clones
from tests.support.refunding import run_to
from tests.support.settlement_market import BUYER, NAMES, SELLER, Market, open_market

YUAN = 1_000_000
QUARTER = timedelta(minutes=15)
END = datetime(2026, 4, 1, tzinfo=UTC)
TIERS = [{"up_to": 1000, "unit_price": "0.0123"}, {"up_to": 3000, "unit_price": "0.0077"}, {"unit_price": "0.0031"}]


def records(model: dict[str, Any], period: str | None = "month") -> dict[str, Any]:
    return {"id": "use", "meter": "records", "period": period, "model": model}


def flat(amount: str, **more: Any) -> dict[str, Any]:
    return {"id": "fee", "meter": None, "period": "month", "model": {"type": "flat", "amount": amount, **more}}


PER_UNIT = {"type": "per_unit", "unit_price": "0.0123457"}
PREPAID = {
    "id": "prepaid",
    "meter": None,
    "period": None,
    "model": {"type": "credits", "amount": "9", "credit": "10.000001", "valid_days": 40},
}
PLANS: dict[str, tuple[list[dict[str, Any]], dict[str, Any]]] = {
    "per unit, one period": ([records(PER_UNIT, None)], {}),
    "graduated": ([records({"type": "graduated", "tiers": TIERS})], {}),
    "one price by volume": ([records({"type": "volume", "tiers": TIERS})], {}),
    "package": ([records({"type": "package", "size": 700, "amount": "1.000001"})], {}),
    "allowance and fee": (
        [flat("31.00", prorate=True), records({"type": "included", "quantity": 1500, "overage": PER_UNIT})],
        {"anchor": "calendar"},
    ),
    "discount, minimum and cap": (
        [records(PER_UNIT)],
        {
            "discounts": [{"id": "bulk", "type": "volume", "bands": [{"from": "10", "percent": "17.5"}]}],
            "limits": [
                {"id": "most", "type": "maximum", "period": "month", "amount": "30"},
                {"id": "least", "type": "minimum", "period": "month", "amount": "22.000007"},
            ],
        },
    ),
    "credits": ([PREPAID, records(PER_UNIT)], {}),
    "tax inside, fee afterwards": (
        [flat("20.000003", in_advance=False), records(PER_UNIT)],
        {"tax": {"included": True}},
    ),
}

_CHARGED = """
SELECT component, service_start, sum(amount_units)::bigint, sum(tax_units)::bigint, count(*) FROM settlement.charge
GROUP BY 1, 2 HAVING sum(amount_units) <> 0"""
_HELD = """
SELECT a.organisation_id, a.kind, sum(p.amount)::bigint FROM settlement.posting p
JOIN settlement.account a ON a.id = p.account_id GROUP BY 1, 2 HAVING sum(p.amount) <> 0"""


class Told:
    """Use that happened, and when it was told: at once, hours later, or weeks."""

    def __init__(self, seed: int) -> None:
        dice = random.Random(seed)
        self.events = []
        for _ in range(14):
            at = NOW + dice.randint(0, 50 * 96) * QUARTER + timedelta(seconds=dice.randint(1, 800))
            late = dice.choice([timedelta(), timedelta(hours=dice.randint(1, 30)), timedelta(days=dice.randint(2, 24))])
            self.events.append((at + late, at, dice.choice([1, 7, 250, 999, 1_000, 2_500])))
        self.events.sort()


async def settled(market: Market, clock: FixedClock, plan: str, told: Told, cuts: list[datetime]) -> dict[str, Any]:
    """What the ledger says after runs up to each cut; use comes in when it is told."""
    components, more = PLANS[plan]
    await market.register_for_tax(SELLER)
    await market.offer("plan", *components, kind="pay_per_use", **more)
    # Enough for the order; the rest comes before the last run, so that what was owed meanwhile is collected.
    await market.fund(BUYER, 20 * YUAN)
    order = await market.buy(BUYER, "plan")
    waiting = list(told.events)
    for cut in cuts:
        if cut == END:
            await market.fund(BUYER, 1_000 * YUAN)
        moment = cut + timedelta(hours=1)
        while waiting and waiting[0][0] <= moment:
            _, at, units = waiting.pop(0)
            await market.use(order.grant, units, at)
        clock.advance((moment - clock.now()).total_seconds())
        await run_to(market, cut)
    assert not waiting
    found = await market.database.run(_look)
    assert await market.database.run(audit.check) == []
    return found


async def _look(tx: Tx) -> dict[str, Any]:
    driver = await tx.driver()
    charged = {(one, start): (units, tax, n) for one, start, units, tax, n in await driver.fetch(_CHARGED)}
    count = await driver.fetchval("SELECT count(*) FROM settlement.charge")
    held = {(NAMES[who] if who else "exchange", kind): units for who, kind, units in await driver.fetch(_HELD)}
    return {"charged": charged, "held": held, "count": count}


@pytest.mark.parametrize("plan", PLANS)
async def test_runs_cut_anywhere_book_what_one_run_books(clones: Clones, keyring: Keyring, plan: str) -> None:
    told, dice = Told(len(plan)), random.Random(plan)
    whole: dict[str, Any] = {}
    for number in range(3):
        days = (END - NOW) // QUARTER
        cuts = sorted(NOW.replace(hour=0) + dice.randint(40, days) * QUARTER for _ in range(number * 4))
        url = await clones.make()
        clock = FixedClock(NOW)
        database = Database(DatabaseUrls.from_one(url), clock, ids=IdSource(b"cut %d" % number))
        try:
            found = await settled(await open_market(database, keyring), clock, plan, told, [*cuts, END])
        finally:
            await database.close()
            await clones.drop(url)
        whole = whole or found
        assert found["charged"].keys() == whole["charged"].keys()
        for line, (units, tax, charges) in found["charged"].items():
            gross, tax_once, once = whole["charged"][line]
            # What the plan says: the net price, or the gross one where tax is inside of it. To the last unit.
            inside = "tax" in PLANS[plan][1]
            assert units - tax * (not inside) == gross - tax_once * (not inside), (line, cuts)
            assert abs(tax - tax_once) <= (charges + once) / 2, (line, cuts)
        # Each charge is taxed and divided on its own, so either may differ by a millionth for each charge; nothing is lost.
        assert sum(found["held"].values()) == 0
        assert found["held"].keys() == whole["held"].keys()
        for key, units in found["held"].items():
            assert abs(units - whole["held"][key]) <= found["count"] + whole["count"], (key, cuts)
    assert whole["charged"]
    assert ("buyer", "receivable") not in whole["held"]
