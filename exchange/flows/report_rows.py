"""The rows of each report, a bounded part and a transaction at a time: what the log tells, with what is on file beside it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import NamedTuple
from uuid import UUID

from compliance import report_store
from compliance.report_store import Span
from compliance.reports import cross_border, intermediation, processing, risk, transactions, transfers
from compliance.reports.cross_border import Abroad, Declared
from compliance.reports.risk import LATE_S, Tally
from compliance.reports.shape import Row
from compliance.reports.trades import ORDERED, PASSED_ON, Told, Trade
from exchange.access.store import overview
from exchange.catalog.store import datasets, people
from exchange.flows.load_trades import load_trades, source_of
from exchange.kernel.db import Database, Tx
from exchange.parties import store as parties

PART = 500
LEAVES = 20_000
# Which of these documents the file store does not have any more.
Missing = Callable[[Collection[bytes]], Awaitable[set[bytes]]]


class Asked(NamedTuple):
    """What a report runs over: a span of the log, the moment its checkpoint was signed, and the calendar year if one was named."""

    kind: str
    span: Span
    by: datetime
    year: int | None = None


async def none_missing(_evidence: Collection[bytes]) -> set[bytes]:
    """For pages, which do not ask the file store."""
    return set()


def rows_of(db: Database, asked: Asked, missing: Missing = none_missing) -> AsyncIterator[Sequence[Row]]:
    """All rows of a report, in parts."""
    if asked.kind == "transactions":
        return _per_trade(db, asked, missing)
    if asked.kind == "transfers":
        return _per_transfer(db, asked)
    if asked.kind == "intermediation":
        return _per_entry(db, asked)
    if asked.kind == "cross-border":
        return _cross_border(db, asked)
    return _processing(db, asked) if asked.kind == "processing" else _risk(db, asked, missing)


async def page(tx: Tx, asked: Asked, limit: int) -> list[tuple[int, list[Row]]]:
    """The next rows of a report that follows the log: leaf index -> its rows (an order has a row for each transfer)."""
    if asked.kind == "intermediation":
        told = await report_store.spine(tx, asked.span, intermediation.patterns(), limit, done_only=False)
        return [(one.leaf_index, [intermediation.row(one)]) for one in told]
    trades = await load_trades(tx, await _ordered(tx, asked, limit), asked.by)
    if asked.kind == "transactions":
        return [(one.told.leaf_index, [transactions.row(one)]) for one in trades]
    return [(one.told.leaf_index, list(transfers.rows(one))) for one in trades]


async def _ordered(tx: Tx, asked: Asked, limit: int) -> list[Told]:
    """The entries that brought access to data; an agreement that is passed on is no transaction, and a transfer all the same."""
    actions = [ORDERED] if asked.kind == "transactions" else [ORDERED, PASSED_ON]
    return await report_store.spine(tx, asked.span, actions, limit, done_only=True)


async def _trades(db: Database, asked: Asked) -> AsyncIterator[list[Trade]]:
    """The orders of the span, part by part."""
    while True:

        async def read(tx: Tx, asked: Asked = asked) -> list[Trade]:
            return await load_trades(tx, await _ordered(tx, asked, PART), asked.by)

        found = await db.run(read)
        if found:
            yield found
        if len(found) < PART:
            return
        asked = asked._replace(span=asked.span._replace(first=found[-1].told.leaf_index + 1))


async def _checked(db: Database, asked: Asked, missing: Missing) -> AsyncIterator[list[Trade]]:
    """The same, with the documents that the file store does not have any more."""
    # The same few parties come again and again, and a store far away takes its time for each question.
    looked: set[bytes] = set()
    gone: set[bytes] = set()
    async for trades in _trades(db, asked):
        sides = [side for one in trades for side in (one.buyer, one.seller) if side is not None]
        new = {sha for side in sides for sha in side.evidence} - looked
        gone |= await missing(new)
        looked |= new
        yield [replace(one, files_gone=frozenset(gone)) for one in trades]


async def _per_trade(db: Database, asked: Asked, missing: Missing) -> AsyncIterator[Sequence[Row]]:
    async for trades in _checked(db, asked, missing):
        yield [transactions.row(one) for one in trades]


async def _per_transfer(db: Database, asked: Asked) -> AsyncIterator[Sequence[Row]]:
    async for trades in _trades(db, asked):
        yield [row for one in trades for row in transfers.rows(one)]


async def _per_entry(db: Database, asked: Asked) -> AsyncIterator[Sequence[Row]]:
    span = asked.span
    while True:
        read = partial(report_store.spine, span=span, patterns=intermediation.patterns(), limit=PART, done_only=False)
        told = await db.run(read)
        yield [intermediation.row(one) for one in told]
        if len(told) < PART:
            return
        span = span._replace(first=told[-1].leaf_index + 1)


async def _cross_border(db: Database, asked: Asked) -> AsyncIterator[Sequence[Row]]:
    assert asked.year is not None, "this report is asked for by the year"
    abroad: dict[tuple[UUID, UUID], Abroad] = {}
    async for trades in _trades(db, asked):
        for trade in trades:
            _note_abroad(abroad, trade)
    yield await _summed(db, abroad, asked.year)


async def _summed(db: Database, abroad: dict[tuple[UUID, UUID], Abroad], year: int) -> Sequence[Row]:
    declared = await db.run(partial(_declared, dataset_ids=[dataset_id for _, dataset_id in abroad]))
    return cross_border.rows(abroad.values(), declared, year)


def _note_abroad(abroad: dict[tuple[UUID, UUID], Abroad], trade: Trade) -> None:
    if trade.seller is None or trade.buyer is None or trade.seller_id is None:
        return
    if not cross_border.is_abroad(trade.seller.country, trade.buyer.country):
        return
    for dataset_id in dict.fromkeys(grant.dataset_id for grant in trade.grants):
        source = (trade.sources or {}).get(dataset_id)
        said = source.personal_data if source else "contains"
        one = abroad.setdefault((trade.seller_id, dataset_id), Abroad(trade.seller_id, dataset_id, said))
        moment = datetime.fromisoformat(trade.told.envelope["at"])
        one.add(trade.told.leaf_index, moment, trade.buyer.country)


async def _declared(tx: Tx, dataset_ids: Sequence[UUID]) -> dict[UUID, list[Declared]]:
    found: dict[UUID, list[Declared]] = {}
    for one in await people.people_of(tx, dataset_ids):
        found.setdefault(one.dataset_id, []).append(
            Declared(
                personal=one.personal,
                sensitive=one.sensitive,
                important=one.important,
                critical_infrastructure=one.critical_infrastructure,
                exemption=one.exemption,
                path=one.path,
                document=one.document_sha256,
                valid_until=one.valid_until,
                created_at=one.created_at,
            )
        )
    return found


async def _processing(db: Database, asked: Asked) -> AsyncIterator[Sequence[Row]]:
    record = await db.run(partial(report_store.processing, by=asked.by))
    yield list(processing.declared_rows(record.document if record else None))
    after: UUID | None = None
    while True:
        after, rows = await db.run(partial(_recipients, after=after, by=asked.by))
        yield rows
        if after is None:
            return


async def _recipients(tx: Tx, after: UUID | None, by: datetime) -> tuple[UUID | None, list[Row]]:
    """Who received the next datasets with people in them; the last of these datasets, None at the end."""
    found = {one.id: one for one in await datasets.about_people(tx, after, PART)}
    held = await overview.holdings(tx, list(found), by)
    standing = await parties.standing(
        tx, list({one.buyer_id for one in held} | {found[one.dataset_id].supplier_id for one in held})
    )
    rows: list[Row] = []
    for one in held:
        dataset = found[one.dataset_id]
        provider, buyer = standing[dataset.supplier_id], standing[one.buyer_id]
        recipient = processing.Recipient(
            dataset_id=one.dataset_id,
            provider_id=dataset.supplier_id,
            provider_country=provider.country,
            buyer_id=one.buyer_id,
            buyer_country=buyer.country,
            grants=one.grants,
            starts_at=one.starts_at,
            ends_at=one.ends_at,
        )
        rows.append(processing.recipient_row(recipient, source_of(dataset)))
    return (max(found) if len(found) == PART else None), rows


async def _risk(db: Database, asked: Asked, missing: Missing) -> AsyncIterator[Sequence[Row]]:
    tally, span = Tally(), asked.span
    for first in range(span.first, span.end, LEAVES):
        part = span._replace(first=first, end=min(first + LEAVES, span.end))
        for action, problem, count in await db.run(partial(report_store.counts, span=part)):
            tally.entries(action, problem, count)
        tally.lateness.add(*await db.run(partial(report_store.waits, span=part, late_s=LATE_S)))
    abroad: dict[tuple[UUID, UUID], Abroad] = {}
    # One pass over the trades serves all reports on them.
    async for trades in _checked(db, asked._replace(kind="transfers"), missing):
        for trade in trades:
            if trade.told.envelope["action"] == ORDERED:
                tally.report_row("transactions", transactions.row(trade))
            for row in transfers.rows(trade):
                tally.report_row("transfers", row)
                tally.transfer(row)
            _note_abroad(abroad, trade)
    if asked.year is not None:
        for summed in await _summed(db, abroad, asked.year):
            tally.report_row("cross-border", summed)
    yield list(risk.rows(tally))
