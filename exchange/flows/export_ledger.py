"""The ledger of a period, or all of it, as text for beancount or hledger: one picture of it, written as it is read."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import msgspec

from exchange.kernel.db import Tx
from exchange.kernel.text import Text
from settlement.plain_text import Dialect, Span, entry, foot, head
from settlement.store import plain_text as store

Sink = Callable[[str], object]
_DAY = timedelta(days=1)
UTC = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class ExportWish:
    """Which program reads it, and which whole days of a zone (`end` not included); the ends of the ledger where None."""

    dialect: Dialect
    first: date | None = None
    end: date | None = None
    zone: ZoneInfo = UTC


class Exported(msgspec.Struct, frozen=True):
    """What was written: which days of which zone, how many accounts, journals and lines of them, and the hash of the text."""

    format: str
    first: str
    end: str
    zone: str
    accounts: int
    journals: int
    postings: int
    sha256: str


class NoDays(ValueError):
    """A period that ends before it begins, or a ledger without any journal."""

    def __init__(self, why: Text) -> None:
        """Say `why`."""
        super().__init__(why.en)
        self.why = why


async def export_ledger(tx: Tx, wish: ExportWish, sink: Sink) -> Exported:
    """Write the text into `sink`, piece by piece; the same ledger and days give the same bytes.

    errors   NoDays
    """
    await store.pin(tx)
    span = await span_of(tx, wish)
    since, until = span.bounds
    hashed = hashlib.sha256()

    def write(piece: str) -> None:
        hashed.update(piece.encode())
        sink(piece)

    accounts = await store.accounts(tx, since, until)
    for piece in head(wish.dialect, span, accounts, await store.rates(tx, since, until)):
        write(piece)
    count = postings = 0
    async for journal in store.journals(tx, since, until):
        count, postings = count + 1, postings + len(journal.lines)
        write("".join(entry(wish.dialect, span, journal)))
    for piece in foot(wish.dialect, span, accounts):
        write(piece)
    return Exported(
        wish.dialect.value,
        str(span.first),
        str(span.end),
        span.zone.key,
        len(accounts),
        count,
        postings,
        hashed.hexdigest(),
    )


async def span_of(tx: Tx, wish: ExportWish) -> Span:
    """The days that are asked for, or all of the ledger's.

    errors   NoDays
    """
    ends = await store.ends(tx)
    first = wish.first or (ends and ends[0].astimezone(wish.zone).date())
    end = wish.end or (ends and ends[1].astimezone(wish.zone).date() + _DAY)
    if first is None or end is None:
        raise NoDays(Text("the ledger is empty", "总账为空"))
    if first >= end:
        raise NoDays(Text(f"{first} is not before {end}", f"{first} 不早于 {end}"))
    return Span(first, end, wish.zone)
