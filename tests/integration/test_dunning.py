"""A buyer whose wallet was empty when its use was charged: told, reminded, suspended, and free again once it has paid."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from uuid import UUID

from exchange.access.store import grants
from exchange.flows.disputing import DisputeStands
from exchange.flows.dun import collect_overdue, dun
from exchange.flows.expire_disputes import close_case
from exchange.flows.open_dispute import CaseWish, open_case
from exchange.kernel import ids
from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Database, Tx
from exchange.kernel.keys import Keyring
from exchange.kernel.money import Money
from exchange.kernel.pages import PageRequest
from settlement.acceptances import Fact, Ground, Outcome, Said
from settlement.dunning import Plan
from settlement.store import acceptances
from settlement.store import dunning as store
from tests.integration.test_settlement_run import YUAN, balances, settle, sound
from tests.support.settlement_market import BUYER, SELLER, Market, actor, open_market

PLAN = Plan(1, 3, 10, 20)
DAY = 86_400.0


class Debtor:
    """A buyer that owes nine yuan for its use."""

    def __init__(self, market: Market, clock: FixedClock, order: str, grant: str) -> None:
        self.market, self.clock, self.order, self.grant = market, clock, order, grant

    async def look(self, days: float = 0) -> None:
        """What the clock does, some days later: twice, as nothing may happen twice at one moment."""
        self.clock.advance(days * DAY)
        for _ in range(2):
            while await self.market.database.run(collect_overdue):
                pass
            await self.market.database.run(partial(dun, plan=PLAN))

    async def said(self) -> list[str]:
        """Every notice so far, as the buyer reads it."""
        async with self.market.database.read(actor(BUYER, "buyer")) as tx:
            cases = (await store.my_cases(tx, actor(BUYER, "buyer"), PageRequest())).items
            return [one.said.value for case in cases for one in await store.notices_of(tx, case.id)]

    async def state(self) -> str:
        found = await self.market.database.run(lambda tx: grants.load(tx, [ids.parse("grt", self.grant)]))
        return str(found[ids.parse("grt", self.grant)].state)


async def debtor(database: Database, keyring: Keyring, clock: FixedClock) -> Debtor:
    market = await open_market(database, keyring)
    bought = await market.buy(BUYER, "per_use")
    await market.use(bought.grant, 1_000, clock.now() + timedelta(minutes=5))
    await market.fund(BUYER, 6 * YUAN)
    clock.advance(20 * DAY)
    await settle(market)
    return Debtor(market, clock, bought.id, bought.grant)


async def test_an_unpaid_charge_is_dunned_to_the_end_and_paying_opens_everything_again(
    database: Database, keyring: Keyring, clock: FixedClock
) -> None:
    one = await debtor(database, keyring, clock)
    await one.look(0.5)
    assert await one.said() == []
    await one.look(0.5)
    assert await one.said() == ["opened"]
    await one.look(1.9)
    assert await one.said() == ["opened"]
    await one.look(0.1)
    await one.look(7)
    assert (await one.said(), await one.state()) == (["opened", "reminded", "last_notice"], "active")
    await one.look(10)
    assert (await one.said())[-1] == "suspended"
    assert await one.state() == "suspended"
    # Lifted behind its back, as an event of the agreement would: the case holds it still.
    await database.run(lambda tx: grants.resume(tx, [ids.parse("grt", one.grant)]))
    await one.look()
    assert await one.state() == "suspended"
    # A part of the money is taken at once and changes nothing else; a run that is open collects by itself.
    await one.market.fund(BUYER, 2 * YUAN)
    await one.look()
    assert ((await balances(database))["wallet"], await one.state()) == (0, "suspended")
    await one.market.fund(BUYER, 50 * YUAN)
    await one.look()
    found = await balances(database)
    assert (found["wallet"], await one.state()) == (43 * YUAN, "active")
    assert (await one.said())[-2:] == ["suspended", "closed"]
    await sound(database)
    # The next run releases what was waiting, exactly once.
    await settle(one.market)
    assert (await balances(database))["seller"] == 12 * YUAN
    await sound(database)
    await one.look(30)
    assert len(await one.said()) == 5
    actions = await database.run(_actions)
    assert actions == [
        "dunning.open", "dunning.notice", "dunning.notice", "dunning.suspend", "debt.collect", "debt.collect", "dunning.close",
    ]  # fmt: skip


async def test_a_disputed_sum_is_not_dunned_and_its_use_goes_on(
    database: Database, keyring: Keyring, clock: FixedClock
) -> None:
    one = await debtor(database, keyring, clock)
    for days in (1, 2, 7, 10):
        await one.look(days)
    assert await one.state() == "suspended"
    await database.run(lambda tx: _says(tx, one.order, Said.REJECTED))
    await one.market.fund(BUYER, 50 * YUAN)
    await one.look()
    assert (await one.said())[-1] == "resumed"
    assert ((await balances(database))["wallet"], await one.state()) == (50 * YUAN, "active")
    await one.look(60)
    assert (await one.said())[-1] == "resumed"
    async with database.read(actor(SELLER, "supplier")) as tx:
        assert [case.paused_at is not None for case in await store.open_cases(tx)] == [True]
    await database.run(lambda tx: _says(tx, one.order, Said.DECIDED))
    await one.look()
    assert (await one.said())[-1] == "closed"
    assert (await balances(database))["wallet"] == 41 * YUAN
    await sound(database)


async def test_a_sum_with_a_case_about_it_is_not_dunned_until_the_case_ends(
    database: Database, keyring: Keyring, clock: FixedClock
) -> None:
    one = await debtor(database, keyring, clock)
    await one.look(1)
    (owed,) = await database.run(store.owed)
    wish = CaseWish(("charge", owed.source_id), Money(YUAN, "CNY"), "du_1", UUID(int=77))
    opened = await database.run(lambda tx: open_case(tx, wish))
    assert isinstance(opened, DisputeStands), opened
    await one.market.fund(BUYER, 50 * YUAN)
    await one.look(30)
    assert (await balances(database))["wallet"] == 50 * YUAN
    await database.run(lambda tx: close_case(tx, ids.parse("dsp", opened.id), won=True))
    await one.look()
    assert ((await one.said())[-1], (await balances(database))["wallet"]) == ("closed", 41 * YUAN)


async def _says(tx: Tx, order: str, said: Said) -> None:
    ground = Ground.INCOMPLETE if said is Said.REJECTED else None
    outcome = Outcome.RELEASE if said is Said.DECIDED else None
    fact = Fact(
        id=tx.new_id(),
        order_id=ids.parse("ord", order),
        buyer_id=BUYER,
        seller_id=SELLER,
        said=said,
        created_at=tx.now,
        ground=ground,
        evidence_sha256=bytes(32) if ground else None,
        outcome=outcome,
        refund_id=None,
        organisation_id=BUYER,
    )
    await acceptances.insert_fact(tx, fact)


async def _actions(tx: Tx) -> list[str]:
    rows = await (await tx.driver()).fetch(
        "SELECT action FROM compliance.audit_entry WHERE action ~ '^(dunning|debt)' ORDER BY seq"
    )
    return [row[0] for row in rows]
