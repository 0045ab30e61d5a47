"""Rates and conversions in the database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from exchange.kernel.actor import Actor
from exchange.kernel.db import TryAgain, Tx
from exchange.kernel.ids import array
from exchange.kernel.money import Money
from exchange.kernel.pages import Page, PageRequest, page_of
from exchange.kernel.store import mine
from settlement.accounts import AccountKind
from settlement.conversion import Conversion, Rate
from settlement.rate_tables import conversion, rate

_COLUMNS = "id, sell, buy, value, valid_from, valid_to, source, published_by, published_at"
# Whoever publishes is alone; those who convert share, so that none of them misses a rate that holds already.
_ALONE = "SELECT pg_advisory_xact_lock(7276, 1)"
_SHARED = "SELECT pg_advisory_xact_lock_shared(7276, 1)"
# For each pair the one that began last, ended or not, and all that begin later.
_STANDING = f"""
SELECT * FROM (SELECT DISTINCT ON (sell, buy) {_COLUMNS} FROM settlement.rate WHERE valid_from <= $1
    ORDER BY sell, buy, valid_from DESC) AS now
UNION ALL SELECT {_COLUMNS} FROM settlement.rate WHERE valid_from > $1"""
_USED_SINCE = """
SELECT EXISTS (SELECT FROM unnest($1::text[], $2::text[], $3::timestamptz[]) AS n(sell, buy, at)
    JOIN settlement.conversion c ON c.sell = n.sell AND c.buy = n.buy AND c.converted_at >= n.at)"""
_PUBLISH = f"""
INSERT INTO settlement.rate ({_COLUMNS})
SELECT * FROM unnest($1::text::uuid[], $2::text[], $3::text[], $4::numeric[], $5::timestamptz[], $6::timestamptz[], $7::text[],
    $8::uuid[], $9::timestamptz[])"""
_CONVERTED = """
INSERT INTO settlement.conversion (id, organisation_id, kind, rate_id, value, source, sell, sold_units, buy, bought_units,
    remainder, converted_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"""


async def publish_alone(tx: Tx) -> None:
    """Let nobody else publish or convert until the transaction ends."""
    await (await tx.driver()).execute(_ALONE)


async def convert_beside(tx: Tx) -> None:
    """Let nobody publish until the transaction ends; others may convert."""
    await (await tx.driver()).execute(_SHARED)


async def standing(tx: Tx, at: datetime) -> list[Rate]:
    """Of each pair the rate that began last before or at `at`, ended or not, and every rate that begins later."""
    return [rate_of(row) for row in await (await tx.driver()).fetch(_STANDING, at)]


async def publish(tx: Tx, rates: Sequence[Rate]) -> None:
    """Insert rates in one statement.

    errors   TryAgain where money was converted in the meantime at a moment at which one of these already holds
    """
    driver = await tx.driver()
    begins = [[one.sell for one in rates], [one.buy for one in rates], [one.valid_from for one in rates]]
    if await driver.fetchval(_USED_SINCE, *begins):
        raise TryAgain
    await driver.execute(
        _PUBLISH,
        array([one.id for one in rates]),
        begins[0],
        begins[1],
        [one.value for one in rates],
        begins[2],
        [one.valid_to for one in rates],
        [one.source for one in rates],
        [one.published_by for one in rates],
        [one.published_at for one in rates],
    )


async def record(tx: Tx, one: Conversion) -> None:
    """Write the fact of a conversion beside its journal; the schema works its arithmetic out again."""
    await (await tx.driver()).execute(
        _CONVERTED,
        one.id,
        one.organisation_id,
        one.kind.value,
        one.rate_id,
        one.value,
        one.source,
        one.sold.currency,
        one.sold.units,
        one.bought.currency,
        one.bought.units,
        one.remainder,
        one.converted_at,
    )


async def find_rate(tx: Tx, rate_id: UUID) -> Rate | None:
    """One rate, whoever asks; rates are public to all who trade."""
    row = (await tx.conn.execute(select(rate).where(rate.c.id == rate_id))).mappings().one_or_none()
    return rate_of(row) if row else None


async def succeeded_at(tx: Tx, rates: Sequence[Rate]) -> dict[UUID, datetime]:
    """When the next rate of the same pair begins, of those rates that have one."""
    following = rate.alias("following")
    statement = (
        select(rate.c.id, func.min(following.c.valid_from))
        .join(
            following,
            (following.c.sell == rate.c.sell)
            & (following.c.buy == rate.c.buy)
            & (following.c.valid_from > rate.c.valid_from),
        )
        .where(rate.c.id.in_([one.id for one in rates]))
        .group_by(rate.c.id)
    )
    return {row[0]: row[1] for row in await tx.conn.execute(statement)}


async def list_rates(tx: Tx, request: PageRequest, sell: str | None = None, buy: str | None = None) -> Page[Rate]:
    """The history of rates, the newest first; of one pair, or of those that sell or buy a currency."""
    statement = select(rate).order_by(rate.c.id.desc()).limit(request.limit + 1)
    if sell is not None:
        statement = statement.where(rate.c.sell == sell)
    if buy is not None:
        statement = statement.where(rate.c.buy == buy)
    if request.after:
        statement = statement.where(rate.c.id < UUID(request.after[0]))
    rows = (await tx.conn.execute(statement)).mappings()
    return page_of([rate_of(row) for row in rows], request, lambda one: (str(one.id),))


async def list_conversions(tx: Tx, actor: Actor, kind: AccountKind, request: PageRequest) -> Page[Conversion]:
    """The actor's own conversions of one kind of money, newest first."""
    t = conversion
    statement = (
        select(t)
        .where(mine(t.c.organisation_id, actor), t.c.kind == kind.value)
        .order_by(t.c.id.desc())
        .limit(request.limit + 1)
    )
    if request.after:
        statement = statement.where(t.c.id < UUID(request.after[0]))
    rows = (await tx.conn.execute(statement)).mappings()
    return page_of([conversion_of(row) for row in rows], request, lambda one: (str(one.id),))


async def find_conversion(tx: Tx, actor: Actor, kind: AccountKind, conversion_id: UUID) -> Conversion | None:
    """One conversion of the actor's own money of this kind."""
    t = conversion
    statement = select(t).where(t.c.id == conversion_id, mine(t.c.organisation_id, actor), t.c.kind == kind.value)
    row = (await tx.conn.execute(statement)).mappings().one_or_none()
    return conversion_of(row) if row else None


def rate_of(row: Any) -> Rate:
    """A rate from a row of either driver."""
    return Rate(
        row["id"],
        row["sell"],
        row["buy"],
        row["value"],
        row["valid_from"],
        row["valid_to"],
        row["source"],
        row["published_by"],
        row["published_at"],
    )


def conversion_of(row: Any) -> Conversion:
    """A conversion from a row of either driver."""
    return Conversion(
        row["id"],
        row["organisation_id"],
        AccountKind(row["kind"]),
        row["rate_id"],
        row["value"],
        row["source"],
        Money(row["sold_units"], row["sell"]),
        Money(row["bought_units"], row["buy"]),
        row["remainder"],
        row["converted_at"],
    )
