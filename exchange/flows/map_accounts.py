"""The operator's own chart of accounts: handed in, and the journals of a period written in it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import date
from zoneinfo import ZoneInfo

import msgspec

from compliance import store as audit
from exchange.flows.export_ledger import ExportWish, NoDays, span_of
from exchange.flows.once import done
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import FORBIDDEN, Problem
from exchange.kernel.text import Text
from settlement.chart import BadChart, head, lines, read_chart
from settlement.plain_text import Dialect
from settlement.recon_problems import BAD_CHART
from settlement.store import charts
from settlement.store import plain_text as store

Sink = Callable[[str], object]


class ChartKept(msgspec.Struct, frozen=True):
    """A chart that counts from now on."""

    version: int
    sha256: str
    created_at: str


class JournalsExported(msgspec.Struct, frozen=True):
    """What was written: which days of which zone, by which version of the chart, and the hash of the text."""

    first: str
    end: str
    zone: str
    chart: int
    journals: int
    lines: int
    sha256: str


async def put_chart(tx: Tx, actor: Actor, content: bytes) -> ChartKept | Problem:
    """Keep a chart as its next version; the same again is the same version.

    errors   answers forbidden, bad-chart
    """
    if "operator" not in actor.roles:
        return FORBIDDEN(needs="operator")
    try:
        read_chart(content)
    except BadChart as error:
        return BAD_CHART(why=str(error))
    row = await charts.put_chart(tx, content, hashlib.sha256(content).digest(), actor.organisation_id)
    if row.created_at == tx.now:
        await audit.append(tx, [done(actor, "chart.put", str(row.version), document=row.sha256)])
    return ChartKept(row.version, row.sha256.hex(), row.created_at.isoformat().replace("+00:00", "Z"))


async def export_journals(tx: Tx, first: date | None, end: date | None, zone: ZoneInfo, sink: Sink) -> JournalsExported:
    """Write the journals of whole days in the operator's accounts; the same ledger, days and chart give the same bytes.

    errors   NoDays, also where no chart was handed in
    """
    await store.pin(tx)
    chart = await charts.newest_chart(tx)
    if chart is None:
        raise NoDays(Text("no chart of accounts was handed in", "尚未提交科目表"))
    span = await span_of(tx, ExportWish(Dialect.HLEDGER, first, end, zone))
    own = read_chart(chart.document)
    hashed = hashlib.sha256()
    count = written = 0

    def write(piece: str) -> None:
        hashed.update(piece.encode())
        sink(piece)

    write(head())
    since, until = span.bounds
    async for journal in store.journals(tx, since, until):
        count += 1
        for line in lines(own, span.day_of(journal.at), journal):
            written += 1
            write(line)
    return JournalsExported(
        str(span.first), str(span.end), span.zone.key, chart.version, count, written, hashed.hexdigest()
    )
