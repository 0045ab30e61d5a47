"""What awards move, and what they never make: cash of money that is not there, and more back than was paid."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from exchange.flows.answer_dispute import accept_proposal, propose
from exchange.flows.collect_credit import pay_on_account
from exchange.flows.dispute_stops import cover_short
from exchange.flows.disputing import DisputeStands
from exchange.flows.open_dispute import OpenWish, open_dispute
from exchange.flows.take_own_money import own_money
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Database, Tx
from exchange.kernel.errors import Problem
from exchange.kernel.keys import Keyring
from exchange.kernel.money import Money
from settlement.accounts import credit as credit_key
from settlement.credit import CreditLine, LineState
from settlement.dispute_settings import DisputeSettings
from settlement.disputes import Award, Kind
from settlement.store import audit, credit, disputes, service_credits
from settlement.store.accounts import set_bounds
from tests.support.refunding import YUAN, accept, books, furnished, of, pay, refund, run_to, sound
from tests.support.settlement_market import BROKER, BUYER, OPERATOR, SELLER, Market, actor
from tests.support.superuser import edit

SETTINGS = DisputeSettings()
WORDS = {"en": "It is not what was described."}
BUYING, SELLING, BROKING = actor(BUYER, "buyer"), actor(SELLER, "supplier"), actor(BROKER, "broker")


async def settled(market: Market, order: Any, kind: Kind, award: Award, who: Actor = BUYING) -> str:
    """A dispute on an order that the seller settles with this award; its id."""
    split = SELLER if kind is Kind.SPLIT else None
    # Of a share, no more can be in dispute than the payee got.
    amount = Money(240 * YUAN if split else 300 * YUAN, "CNY")
    wish = OpenWish(kind, of(order), WORDS, amount, respondent_id=split)
    made = await market.database.run(lambda tx: open_dispute(tx, who, wish, SETTINGS))
    assert isinstance(made, DisputeStands), made
    one = ids.parse("dsp", made.id)
    offered = await market.database.run(lambda tx: propose(tx, SELLING, one, award, WORDS))
    assert isinstance(offered, DisputeStands), offered
    facts = await market.database.run(lambda tx: disputes.facts_of(tx, one))
    done = await market.database.run(lambda tx: accept_proposal(tx, who, one, facts[-1].id, SETTINGS))
    assert isinstance(done, DisputeStands), done
    assert (done.state, done.outcome) == ("closed", "settled")
    await sound(market.database)
    return made.id


async def credit_room(market: Market, units: int) -> None:
    """Let the buyer order on account."""

    async def flow(tx: Tx) -> None:
        line = CreditLine(tx.new_id(), BUYER, Money(units, "CNY"), 30, False, LineState.ASKED, tx.now)
        await credit.insert_line(tx, line)
        assert await set_bounds(tx, credit_key(BUYER, "CNY"), -units, 0)
        await credit.replace_line(tx, line)

    await market.database.run(flow)


async def moved(database: Database, dispute: str) -> dict[str, int]:
    found = await database.run(lambda tx: disputes.moved_by(tx, ids.parse("dsp", dispute)))
    return {one.kind: one.amount.units for one in found}


async def rules_broken(database: Database) -> set[str]:
    return {finding.rule for finding in await database.run(audit.check)}


async def test_a_share_of_what_nobody_has_paid_waits_until_it_is_paid(
    database: Database, keyring: Keyring, clock: FixedClock
) -> None:
    market = await furnished(database, keyring)
    await credit_room(market, 1_000 * YUAN)
    order = await market.buy(BUYER, "one_off", payment="account")
    made = await settled(market, order, Kind.SPLIT, Award(share=100 * YUAN), BROKING)
    assert await moved(database, made) == {}
    before = await books(database)
    assert (before["seller pending"], before["broker pending"]) == (240 * YUAN, 15 * YUAN)
    assert not {"seller", "broker", "seller debt"} & set(before), "nobody has cash of it"
    assert (await pay(market, BROKER, "2026-01")).slug == "nothing-payable"
    # Accepted and still not paid: it waits on.
    await accept(market, order)
    assert "broker" not in await books(database)
    assert not isinstance(await database.run(lambda tx: pay_on_account(tx, BUYING, of(order)[1])), Problem)
    clock.advance(20 * 86_400)
    await run_to(market, datetime(2026, 1, 20, tzinfo=UTC))
    found = await books(database)
    assert (found["seller"], found["broker"], found.get("seller debt", 0)) == (140 * YUAN, 115 * YUAN, 0)
    assert await moved(database, made) == {"award": 100 * YUAN}
    await sound(database)


async def test_a_share_that_went_back_before_its_release_lapses(
    database: Database, keyring: Keyring, clock: FixedClock
) -> None:
    market = await furnished(database, keyring)
    order = await market.buy(BUYER, "one_off")
    made = await settled(market, order, Kind.SPLIT, Award(share=100 * YUAN), BROKING)
    assert not isinstance(await refund(market, of(order), 200 * YUAN), Problem)
    await accept(market, order)
    found = await books(database)
    # Of the seller's 240, two thirds went back: 80 are left, and no more than these are the broker's.
    assert (found.get("seller", 0), found["broker"]) == (0, 85 * YUAN)
    assert await moved(database, made) == {"award": 80 * YUAN}
    await sound(database)


async def test_a_credit_for_what_is_not_paid_lowers_the_debt_and_fills_no_wallet(
    database: Database, keyring: Keyring
) -> None:
    market = await furnished(database, keyring, 10 * YUAN)
    await credit_room(market, 1_000 * YUAN)
    order = await market.buy(BUYER, "one_off", payment="account")
    made = await settled(market, order, Kind.ORDER, Award(credit=300 * YUAN))
    assert await moved(database, made) == {"refund": 300 * YUAN}
    assert (await books(database)) == {"wallet": 10 * YUAN}
    owed = await database.run(lambda tx: credit.unpaid(tx, of(order)[1]))
    assert owed == 0
    await sound(database)


async def test_what_was_credited_cannot_go_back_again(database: Database, keyring: Keyring) -> None:
    market = await furnished(database, keyring, 300 * YUAN)
    order = await market.buy(BUYER, "one_off")
    await accept(market, order)
    made = await settled(market, order, Kind.QUALITY, Award(credit=200 * YUAN))
    assert await moved(database, made) == {"award": 200 * YUAN}
    found = await books(database)
    assert (found["wallet"], found["seller"]) == (200 * YUAN, 40 * YUAN)
    refused = await refund(market, of(order), 101 * YUAN, who=actor(OPERATOR, "operator"))
    assert refused.slug == "refund-too-large"
    assert not isinstance(await refund(market, of(order), 100 * YUAN), Problem)
    assert (await books(database))["wallet"] == 300 * YUAN
    again = OpenWish(Kind.QUALITY, of(order), WORDS, Money(YUAN, "CNY"))
    refused = await database.run(lambda tx: open_dispute(tx, BUYING, again, SETTINGS))
    assert isinstance(refused, Problem)
    assert refused.slug == "dispute-amount", "nothing is left"
    await sound(database)


async def test_what_nobody_has_paid_is_not_the_exchanges_to_take(database: Database, keyring: Keyring) -> None:
    market = await furnished(database, keyring, 300 * YUAN)
    await credit_room(market, 1_000 * YUAN)
    paid = await market.buy(BUYER, "one_off")
    await market.buy(BUYER, "one_off", payment="account")
    # 45 of each are revenue; of the second nothing was paid.
    assert await database.run(lambda tx: own_money(tx, "CNY")) == Money(45 * YUAN, "CNY")
    # Nor is it the seller's to promise: a service credit is backed by the share of the paid one alone.
    means = await database.run(lambda tx: service_credits.available(tx, SELLER, "CNY"))
    assert (means.payable, means.all) == (0, 240 * YUAN)
    await accept(market, paid)
    assert not isinstance(await pay(market, SELLER, "2026-01"), Problem)
    assert not isinstance(await refund(market, of(paid)), Problem)
    # The seller was paid and owes 240: that went out of the exchange's own.
    assert await database.run(lambda tx: own_money(tx, "CNY")) == Money(-240 * YUAN, "CNY")


async def test_a_share_that_was_paid_out_is_given_from_what_comes_next_and_once(
    database: Database, database_url: str, keyring: Keyring
) -> None:
    market = await furnished(database, keyring)
    order = await market.buy(BUYER, "one_off")
    await accept(market, order)
    assert not isinstance(await pay(market, SELLER, "2026-01"), Problem)
    made = await settled(market, order, Kind.SPLIT, Award(share=240 * YUAN), BROKING)
    found = await books(database)
    assert (found["broker"], found.get("seller debt", 0)) == (15 * YUAN, 0), "the exchange advances nothing"
    assert await moved(database, made) == {}
    again = OpenWish(Kind.SPLIT, of(order), WORDS, Money(YUAN, "CNY"), respondent_id=SELLER)
    refused = await database.run(lambda tx: open_dispute(tx, BROKING, again, SETTINGS))
    assert isinstance(refused, Problem)
    assert refused.slug == "dispute-amount", "a share is given once"
    stop = "UPDATE settlement.dispute_stop SET want_units = want_units"
    await edit(database_url, f"{stop} + 1 WHERE live")
    assert "no-more-of-a-share-given-than-got" in await rules_broken(database)
    await edit(database_url, f"{stop} - 1 WHERE live")
    # What the seller gets next is the broker's first, and none of it can be paid out before.
    await accept(market, await market.buy(BUYER, "one_off"))
    assert (await pay(market, SELLER, "2026-02")).slug == "nothing-payable"
    assert await database.run(cover_short) == 1
    found = await books(database)
    assert (found.get("seller", 0), found["broker"], found.get("seller debt", 0)) == (0, 270 * YUAN, 0)
    assert await moved(database, made) == {"award": 240 * YUAN}
    assert await database.run(cover_short) == 0
    await sound(database)
    payable_to_debt = (
        f"UPDATE settlement.account SET kind = 'debt' WHERE kind = 'payable' AND organisation_id = '{SELLER}'"
    )
    await edit(database_url, payable_to_debt)
    assert "share-award-makes-no-debt" in await rules_broken(database)
