"""An organisation changes its own money into another currency: a quote first, then the command that names its rate."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import msgspec

from compliance import store as audit
from exchange.flows.once import done
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import FORBIDDEN, Problem
from exchange.kernel.money import BadMoney, Money
from exchange.parties.roles import PAYEES, PAYEES_NAMED
from settlement.accounts import AccountKey, AccountKind
from settlement.conversion import (
    CONVERTIBLE,
    Conversion,
    Converted,
    Rate,
    convert,
    in_force,
    journal_of,
    stands_until,
    value_text,
)
from settlement.journals import Insufficient, Posted
from settlement.problems import (
    CONVERSION_AMOUNT,
    PAYABLE_INSUFFICIENT,
    POSITION_LIMITED,
    RATE_LAPSED,
    WALLET_INSUFFICIENT,
)
from settlement.store import dispute_stops, ledger, payouts, positions, rates


@dataclass(frozen=True, slots=True)
class ConversionWish:
    """Change `amount` of the money of one kind into `buy`, at the rate that was quoted, before the quote's expiry."""

    kind: AccountKind
    amount: Money
    buy: str
    rate_id: UUID
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Quoted:
    """A rate that is in force, and what an amount buys at it, or why it cannot; the rate ends at `expires_at`, as far as is known."""

    rate: Rate
    sold: Money | None
    converted: Converted | Problem | None
    expires_at: datetime


class ConversionReceipt(msgspec.Struct, frozen=True):
    """A conversion that was booked: both sides, the rate with its source, and what rounding took.

    `remainder` is the part of a millionth that was rounded off, in 10^-12 of it.
    """

    id: str
    account: str
    sold: dict[str, str]
    bought: dict[str, str]
    rate: str
    value: str
    source: str
    remainder: int
    journal: str
    converted_at: str


async def quote_conversions(tx: Tx, sell: str | None, buy: str | None, amount: Money | None) -> list[Quoted]:
    """The rates in force at this moment, of one pair or of all, with what `amount` buys; changes nothing.

    shapes   by pair; with an amount, only rates that sell its currency
    """
    known = await rates.standing(tx, tx.now)
    sold = amount.currency if amount else sell
    return [
        Quoted(rate, amount, _converted(amount, rate) if amount else None, stands_until(rate, known))
        for pair, rate in sorted(in_force(known, tx.now).items())
        if sold in (None, pair[0]) and buy in (None, pair[1])
    ]


async def convert_funds(tx: Tx, actor: Actor, wish: ConversionWish) -> ConversionReceipt | Problem:
    """Book one conversion: the amount leaves the account of one currency, what it buys enters that of the other.

    errors   answers forbidden, rate-lapsed, conversion-amount, wallet-insufficient, payable-insufficient, position-limited
    """
    assert wish.kind in CONVERTIBLE, wish.kind
    if not actor.roles & (frozenset({"buyer"}) if wish.kind is AccountKind.WALLET else PAYEES):
        needs = "buyer" if wish.kind is AccountKind.WALLET else PAYEES_NAMED
        return FORBIDDEN(needs=needs)
    await rates.convert_beside(tx)
    rate = in_force(await rates.standing(tx, tx.now), tx.now).get((wish.amount.currency, wish.buy))
    if rate is None or rate.id != wish.rate_id or wish.expires_at <= tx.now:
        return RATE_LAPSED(rate=ids.text("rte", wish.rate_id))
    converted = _converted(wish.amount, rate)
    if isinstance(converted, Problem):
        return converted
    if wish.kind is AccountKind.PAYABLE and (short := await _short(tx, actor, wish.amount)) is not None:
        return PAYABLE_INSUFFICIENT(needed=str(wish.amount), available=str(short))
    moved = {wish.amount.currency: wish.amount.units, wish.buy: -converted.bought.units}
    if (over := await positions.limited(tx, moved)) is not None:
        amount = wish.amount if over[0] == wish.amount.currency else converted.bought
        return POSITION_LIMITED(amount=str(amount), currency=over[0])
    one = Conversion(
        tx.new_id(), actor.organisation_id, wish.kind, rate.id, rate.value, rate.source, wish.amount,
        converted.bought, converted.remainder, tx.now,
    )  # fmt: skip
    (result,) = await ledger.post(tx, [journal_of(one)])
    if isinstance(result, Insufficient):
        there = Money(result.available, wish.amount.currency)
        return WALLET_INSUFFICIENT(needed=str(wish.amount), available=str(there))
    assert isinstance(result, Posted), "the id of a conversion is new"
    await rates.record(tx, one)
    name = ids.text("cnv", one.id)
    await audit.append(tx, [done(actor, "funds.convert", name)])
    return _receipt(one, result.journal_id)


def _converted(amount: Money, rate: Rate) -> Converted | Problem:
    refused = CONVERSION_AMOUNT(amount=str(amount), value=value_text(rate.value))
    try:
        converted = convert(amount, rate)
    except BadMoney:
        return refused
    return converted if amount.units > 0 and converted.bought.units > 0 else refused


async def _short(tx: Tx, actor: Actor, amount: Money) -> Money | None:
    """What is payable and free, where that is less than `amount`; else nobody else takes it until this ends."""
    holder, currency = actor.organisation_id, amount.currency
    keys = [AccountKey(holder, kind, currency) for kind in (AccountKind.PAYABLE, AccountKind.DEBT)]
    await payouts.lock_payable(tx, keys[:1])
    # A debt stands below zero: what is owed to the exchange is not free, nor is what a dispute wants held and could not yet.
    wanted = (await dispute_stops.uncovered(tx, [holder], currency)).get(holder, 0)
    free = Money(max(0, sum((await ledger.sums(tx, keys)).values()) - wanted), currency)
    return free if free < amount else None


def _receipt(one: Conversion, journal_id: UUID) -> ConversionReceipt:
    return ConversionReceipt(
        id=ids.text("cnv", one.id),
        account=one.kind.value,
        sold=one.sold.to_wire(),
        bought=one.bought.to_wire(),
        rate=ids.text("rte", one.rate_id),
        value=value_text(one.value),
        source=one.source,
        remainder=one.remainder,
        journal=ids.text("jnl", journal_id),
        converted_at=one.converted_at.isoformat().replace("+00:00", "Z"),
    )
