"""Disputes and runs, payouts and chargebacks on one ledger: what waits is held as it is released, what is short waits for money."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from exchange.flows.answer_dispute import accept_proposal, propose
from exchange.flows.convert_funds import ConversionReceipt, ConversionWish, convert_funds, quote_conversions
from exchange.flows.dispute_stops import cover_short
from exchange.flows.disputing import DisputeStands
from exchange.flows.expire_disputes import close_case, expire_disputes
from exchange.flows.may_send import DISPUTED, Stop, may_send
from exchange.flows.open_dispute import CaseWish, OpenWish, open_case, open_dispute
from exchange.flows.pay_out import PayoutReceipt
from exchange.flows.publish_rates import RateWish, publish_rates
from exchange.kernel import ids
from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Database, Tx
from exchange.kernel.errors import Problem
from exchange.kernel.keys import Keyring
from exchange.kernel.money import Money
from settlement.accounts import AccountKind, held, payable
from settlement.dispute_settings import DisputeSettings
from settlement.disputes import Award, Kind
from settlement.store import audit, dispute_stops, disputes, ledger, payouts
from tests.support.refunding import YUAN, accept, books, furnished, of, pay, refund, run_to, sound
from tests.support.ruled import put_rule, ruled_offer, step, waterfall
from tests.support.settlement_market import BROKER, BUYER, ONE_OFF, OPERATOR, SELLER, Market, actor
from tests.support.superuser import edit

SETTINGS = DisputeSettings()
WORDS = {"en": "It is not what was described."}


async def dispute(market: Market, order: Any, units: int, kind: Kind = Kind.ORDER, who: Any = None) -> Any:
    """Open one as the buyer."""
    wish = OpenWish(kind, of(order), WORDS, Money(units, "CNY"))
    asking = who or actor(BUYER, "buyer")
    return await market.database.run(lambda tx: open_dispute(tx, asking, wish, SETTINGS))


async def held_of(database: Database) -> dict[str, int]:
    """What is held of whom."""
    keys = {"seller": held(SELLER, "CNY"), "broker": held(BROKER, "CNY")}
    sums = await database.run(lambda tx: ledger.sums(tx, list(keys.values())))
    return {name: sums[key] for name, key in keys.items() if sums[key]}


async def test_a_run_releases_a_disputed_order_whole_and_holds_its_part_in_the_same_breath(
    database: Database, keyring: Keyring, clock: FixedClock
) -> None:
    market = await furnished(database, keyring)
    disputed, other = await market.buy(BUYER, "one_off"), await market.buy(BUYER, "one_off")
    made = await dispute(market, disputed, 100 * YUAN)
    assert isinstance(made, DisputeStands)
    assert await held_of(database) == {}, "what waits is paid to nobody"
    clock.advance(20 * 86_400)
    await run_to(market, datetime(2026, 2, 1, tzinfo=UTC))
    assert await held_of(database) == {"seller": 80 * YUAN, "broker": 5 * YUAN}
    found = await books(database)
    assert (found["seller"], found["broker"]) == (400 * YUAN, 25 * YUAN)
    await sound(database)
    paid = await pay(market, SELLER, "2026-01")
    assert isinstance(paid, PayoutReceipt)
    assert paid.amount == Money(400 * YUAN, "CNY").to_wire(), "the rest flows"
    # A refund by the seller waits for the dispute; of the other order it does not.
    assert (await refund(market, of(disputed))).slug == "dispute-exists"
    assert not isinstance(await refund(market, of(other), YUAN), Problem)
    # Silence, a missing arbitrator: the money stays held however long that takes.
    for _ in range(3):
        clock.advance(30 * 86_400)
        await expire_disputes(database, SETTINGS)
    assert await held_of(database) == {"seller": 80 * YUAN, "broker": 5 * YUAN}
    await run_to(market, datetime(2026, 4, 1, tzinfo=UTC))
    await sound(database)


async def test_what_is_short_is_paid_to_nobody_until_it_is_held(
    database: Database, keyring: Keyring, clock: FixedClock
) -> None:
    market = await furnished(database, keyring)
    first = await market.buy(BUYER, "one_off")
    await accept(market, first)
    assert isinstance(await pay(market, SELLER, "gone"), PayoutReceipt)
    assert isinstance(await dispute(market, first, 300 * YUAN), DisputeStands)
    assert await held_of(database) == {"broker": 15 * YUAN}
    second = await market.buy(BUYER, "one_off")
    await accept(market, second)
    refused = await pay(market, SELLER, "2026-01")
    assert refused.slug == "nothing-payable", "all of it is short for the dispute"
    third = await market.buy(BUYER, "one_off")
    await accept(market, third)
    paid = await pay(market, SELLER, "2026-01")
    assert paid.amount == Money(240 * YUAN, "CNY").to_wire(), "240 of 480 are the dispute's"
    assert await database.run(cover_short) == 1
    assert await held_of(database) == {"seller": 240 * YUAN, "broker": 15 * YUAN}
    assert await database.run(cover_short) == 0
    await sound(database)


@pytest.mark.parametrize("won", [True, False])
async def test_a_chargeback_is_a_case_that_the_network_decides(
    database: Database, keyring: Keyring, clock: FixedClock, *, won: bool
) -> None:
    market = await furnished(database, keyring)
    order = await market.buy(BUYER, "one_off")
    await accept(market, order)
    wish = CaseWish(of(order), Money(300 * YUAN, "CNY"), "du_1Test", UUID(int=77))
    opened = await database.run(lambda tx: open_case(tx, wish))
    assert isinstance(opened, DisputeStands)
    assert opened.state == "external"
    again = await database.run(lambda tx: open_case(tx, wish))
    assert isinstance(again, Problem)
    assert again.slug == "dispute-exists"
    assert await held_of(database) == {"seller": 240 * YUAN, "broker": 15 * YUAN}
    clock.advance(400 * 86_400)
    assert await expire_disputes(database, SETTINGS) == 0, "the clock has no part in it"
    case_id = ids.parse("dsp", opened.id)
    closed = await database.run(lambda tx: close_case(tx, case_id, won=won))
    assert isinstance(closed, DisputeStands)
    assert (closed.state, closed.outcome) == ("closed", "won" if won else "lost")
    assert await held_of(database) == {}
    assert isinstance(await database.run(lambda tx: close_case(tx, case_id, won=won)), Problem)
    # What was lost is given back by who books the event, and nothing stands in its way.
    assert not isinstance(await refund(market, of(order), who=actor(OPERATOR, "operator")), Problem)
    await sound(database)


async def test_a_changed_fact_hold_or_sum_is_found(database: Database, database_url: str, keyring: Keyring) -> None:
    market = await furnished(database, keyring)
    order = await market.buy(BUYER, "one_off")
    await accept(market, order)
    made = await dispute(market, order, 100 * YUAN)
    one = await database.run(lambda tx: disputes.get_dispute(tx, ids.parse("dsp", made.id)))
    assert one is not None
    await sound(database)
    for statement, back, rule in (
        (
            "UPDATE settlement.dispute SET state = 'hearing'",
            "UPDATE settlement.dispute SET state = 'open'",
            "dispute-stands-as-its-last-fact",
        ),
        (
            "UPDATE settlement.dispute_stop SET held_units = held_units - 1",
            "UPDATE settlement.dispute_stop SET held_units = held_units + 1",
            "dispute-holds-what-it-says",
        ),
        (
            "UPDATE settlement.dispute SET amount_units = 1",
            f"UPDATE settlement.dispute SET amount_units = {one.amount.units}",
            "never-more-held-than-disputed",
        ),
        (
            "UPDATE settlement.dispute_fact SET move = 'appeal'",
            "UPDATE settlement.dispute_fact SET move = 'open'",
            "dispute-facts-follow-the-table",
        ),
        (
            "UPDATE settlement.dispute_stop SET released = false",
            "UPDATE settlement.dispute_stop SET released = true",
            "disputed-share-is-held-once-released",
        ),
        (
            "UPDATE settlement.dispute_hold SET organisation_id = dispute_id",
            "UPDATE settlement.dispute_hold h SET organisation_id = x.organisation_id FROM settlement.hold x WHERE x.id = h.hold_id",
            "dispute-hold-is-of-its-payee",
        ),
        (
            "UPDATE settlement.dispute_fact SET document = document || ' '",
            "UPDATE settlement.dispute_fact SET document = substring(document FROM 1 FOR length(document) - 1)",
            "dispute-fact-is-its-digest",
        ),
    ):
        await edit(database_url, statement)
        assert rule in {finding.rule for finding in await database.run(audit.check)}, rule
        await edit(database_url, back)
        await sound(database)


async def test_what_a_rule_splits_is_held_of_the_seller_before_and_after_its_split(
    database: Database, keyring: Keyring, clock: FixedClock
) -> None:
    market = await furnished(database, keyring)
    capped = step("fee", "share_of_gross", percent="10", at_most="40.00", per="month")
    await ruled_offer(market, "ruled", await put_rule(market, waterfall(capped, per="month")), "one_off", ONE_OFF)
    before, after = await market.buy(BUYER, "ruled"), await market.buy(BUYER, "ruled")
    waiting = await dispute(market, before, 100 * YUAN)
    assert isinstance(waiting, DisputeStands)
    await accept(market, before)
    await accept(market, after)
    assert isinstance(await dispute(market, after, 50 * YUAN), DisputeStands)
    assert await held_of(database) == {"seller": 50 * YUAN}, "what was split is held at once"
    paid = await pay(market, SELLER, "2026-01")
    assert paid.amount == Money((600 - 40 - 150) * YUAN, "CNY").to_wire()
    assert await database.run(cover_short) == 1
    assert await held_of(database) == {"seller": 150 * YUAN}
    await sound(database)
    # The seller offers it all, and the buyer takes it: the rule takes it back from its payees.
    one, seller, buyer = ids.parse("dsp", waiting.id), actor(SELLER, "supplier"), actor(BUYER, "buyer")
    offered = Award(refund=100 * YUAN)
    assert isinstance(await database.run(lambda tx: propose(tx, seller, one, offered, WORDS)), DisputeStands)
    facts = await database.run(lambda tx: disputes.facts_of(tx, one))
    settled = await database.run(lambda tx: accept_proposal(tx, buyer, one, facts[-1].id, SETTINGS))
    assert isinstance(settled, DisputeStands)
    assert settled.outcome == "settled"
    assert await held_of(database) == {"seller": 50 * YUAN}
    clock.advance(20 * 86_400)
    await run_to(market, datetime(2026, 2, 1, tzinfo=UTC))
    await sound(database)
    found = await books(database)
    assert (found["wallet"], found.get("seller", 0), found.get("seller debt", 0)) == (500 * YUAN, 0, 0)


async def test_a_dispute_and_a_payout_at_the_same_moment_never_spend_the_same_money(
    database: Database, keyring: Keyring
) -> None:
    market = await furnished(database, keyring, 3_000 * YUAN)
    for n in range(4):
        order = await market.buy(BUYER, "one_off")
        await accept(market, order)
        made, paid = await asyncio.gather(dispute(market, order, 300 * YUAN), pay(market, SELLER, f"2026-{n}"))
        assert isinstance(made, DisputeStands), made
        await database.run(cover_short)
        seller = payable(SELLER, "CNY")
        left = (await database.run(lambda tx, key=seller: ledger.sums(tx, [key])))[seller]  # type: ignore[misc]
        gone = Money.from_wire(paid.amount).units if isinstance(paid, PayoutReceipt) else 0
        assert left >= 0
        stops = await database.run(lambda tx, one=made.id: dispute_stops.shown_stops(tx, ids.parse("dsp", one)))  # type: ignore[misc]
        (held_now,) = (one.held for one in stops if one.organisation_id == SELLER)
        assert held_now + gone <= 240 * YUAN
    await sound(database)


async def stops_of(database: Database, paid: PayoutReceipt) -> list[Stop]:
    """Why a payout may not leave."""

    async def look(tx: Tx) -> list[Stop]:
        found = await payouts.get_payouts(tx, [ids.parse("pot", paid.id)])
        return list((await may_send(tx, list(found.values()))).values())

    return await database.run(look)


async def test_a_payout_under_a_later_clock_does_not_leave_with_disputed_money(
    database: Database, keyring: Keyring, clock: FixedClock
) -> None:
    market = await furnished(database, keyring)
    order = await market.buy(BUYER, "one_off")
    await accept(market, order)
    clock.advance(5)
    paid = await pay(market, SELLER, "2026-01")
    assert isinstance(paid, PayoutReceipt)
    # The dispute's transaction began before the payout's, and waited for its payee's money.
    clock.advance(-5)
    assert isinstance(await dispute(market, order, 300 * YUAN), DisputeStands)
    assert await stops_of(database, paid) == [DISPUTED]
    # One that is ordered later has left room for what is short.
    clock.advance(10)
    for _ in range(2):
        await accept(market, await market.buy(BUYER, "one_off"))
    later = await pay(market, SELLER, "2026-02")
    assert isinstance(later, PayoutReceipt)
    assert later.amount == Money(240 * YUAN, "CNY").to_wire()
    assert await stops_of(database, later) == []
    await sound(database)


async def test_what_a_dispute_is_short_of_is_not_changed_into_another_currency(
    database: Database, keyring: Keyring, clock: FixedClock
) -> None:
    market = await furnished(database, keyring)
    first, second = await market.buy(BUYER, "one_off"), await market.buy(BUYER, "one_off")
    await accept(market, first)
    assert isinstance(await pay(market, SELLER, "gone"), PayoutReceipt)
    assert isinstance(await dispute(market, first, 200 * YUAN), DisputeStands)
    await accept(market, second)

    async def convert(units: int) -> Any:
        async def flow(tx: Tx) -> Any:
            quoted = (await quote_conversions(tx, "CNY", "EUR", None))[0]
            wish = ConversionWish(AccountKind.PAYABLE, Money(units, "CNY"), "EUR", quoted.rate.id, quoted.expires_at)
            return await convert_funds(tx, actor(SELLER, "supplier"), wish)

        return await database.run(flow)

    rate = RateWish("CNY", "EUR", "0.125", "test", clock.now() + timedelta(hours=1))
    await database.run(lambda tx: publish_rates(tx, actor(OPERATOR, "operator"), [rate]))
    # 240 are payable, 160 of them the dispute's.
    refused = await convert(81 * YUAN)
    assert isinstance(refused, Problem)
    assert refused.slug == "payable-insufficient"
    assert isinstance(await convert(80 * YUAN), ConversionReceipt)
    await sound(database)


async def test_a_broken_case_keeps_no_other_one_waiting(
    database: Database, database_url: str, keyring: Keyring, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    market = await furnished(database, keyring)
    made = []
    for _ in range(3):
        made.append(await dispute(market, await market.buy(BUYER, "one_off"), 100 * YUAN))
        clock.advance(1)
    broken = ids.parse("dsp", made[0].id)
    await edit(database_url, f"UPDATE settlement.dispute SET source_id = gen_random_uuid() WHERE id = '{broken}'")
    clock.advance(30 * 86_400)
    monkeypatch.setattr(disputes, "DUE_AT_ONCE", 1)
    with pytest.raises(AssertionError):
        await expire_disputes(database, SETTINGS)
    states = [
        await database.run(lambda tx, one=one: disputes.get_dispute(tx, ids.parse("dsp", one.id))) for one in made
    ]  # type: ignore[misc]
    assert [one.state for one in states if one is not None] == ["open", "arbitration", "arbitration"]


async def test_nobody_shuts_others_out_by_a_dispute_about_next_to_nothing(
    database: Database, keyring: Keyring, clock: FixedClock
) -> None:
    market = await furnished(database, keyring)
    order = await market.buy(BUYER, "one_off")
    await accept(market, order)
    selling, broking = actor(SELLER, "supplier"), actor(BROKER, "broker")
    for who, units in ((actor(BUYER, "buyer"), 1), (selling, YUAN), (selling, 299 * YUAN)):
        refused = await dispute(market, order, units, who=who)
        assert (refused.slug, refused.fields["left"]) == ("dispute-amount", "300.00 CNY")
    # A payee's claim on another payee's share is a case of its own.
    claim = OpenWish(Kind.SPLIT, of(order), WORDS, Money(10_000, "CNY"), respondent_id=SELLER)
    first = await database.run(lambda tx: open_dispute(tx, broking, claim, SETTINGS))
    assert isinstance(first, DisputeStands)
    again = await database.run(lambda tx: open_dispute(tx, broking, claim, SETTINGS))
    assert isinstance(again, Problem)
    assert again.slug == "dispute-exists"
    wish = CaseWish(of(order), Money(100 * YUAN, "CNY"), "du_1Test", UUID(int=77))
    case = await database.run(lambda tx: open_case(tx, wish))
    assert isinstance(case, DisputeStands)
    await database.run(lambda tx: close_case(tx, ids.parse("dsp", case.id), won=True))
    assert isinstance(await dispute(market, order, 300 * YUAN), DisputeStands)
    assert (await held_of(database))["broker"] == 15 * YUAN
    assert (await dispute(market, order, 300 * YUAN)).slug == "dispute-exists", "of the sale there is one"
    await sound(database)
