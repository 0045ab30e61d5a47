"""Whether one usage event is in one invoice, with the proof that its buyer can check alone. Reads only."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from exchange.access.problems import ROOTS_PENDING
from exchange.access.store import proofs
from exchange.access.store.proofs import Placed, Sealed
from exchange.access.usage import stamp
from exchange.kernel import ids
from exchange.kernel.db import Tx
from exchange.kernel.errors import Problem
from settlement.store import documents
from settlement.store.documents import ChargedUse
from settlement.store.reads import InvoiceRow

# Roots whose neighbours are shown where an event is not there.
_NEIGHBOURS_MAX = 20
_IN = {
    "en": "The event is under the root of its day, and its use is charged on this invoice.",
    "zh": "该事件位于当日根哈希之下，其用量已计入本账单。",
}
_IN_UNPROVEN = {
    "en": "The event is among the use that this invoice charges; its day is not sealed as it stands now, or holds too many "
    "records, so there is no proof here.",
    "zh": "该事件属于本账单计费的用量；但当日尚未按现状封存，或记录过多，因此此处不提供证明。",
}
_OUT = {
    "en": "The event is not in this invoice. Records lie under a root in the order of their event ids: for each root of the "
    "day that was asked for, the neighbours show that nothing lies between them. Name a day to get them.",
    "zh": "该事件不在本账单中。根哈希下的记录按事件编号排序：对所查询日期的每个根，列出的相邻记录证明其间没有其他记录。"
    "请用 day 指定日期以获取相邻记录。",
}


class UsageRoot(msgspec.Struct, frozen=True):
    """The newest Merkle root over one grant's records of one UTC day from one source."""

    day: Annotated[str, Meta(examples=["2026-01-15"])]
    source: int
    grant: str
    part: Annotated[int, Meta(description="Which sealing of the day it is, from 0. 当日第几次封存，自 0 起。")]
    n: int
    root: Annotated[str, Meta(description="SHA-256, hexadecimal (RFC 6962, section 2.1).")]
    sealed_at: str
    before_invoice: Annotated[bool, Meta(description="Sealed before the invoice was issued. 封存早于账单签发。")]


class UsageLeaf(msgspec.Struct, frozen=True):
    """A record's exact text, its place, and the hashes from its sibling up to the root."""

    root: UsageRoot
    index: int
    leaf: str
    hashes: list[str]


class UsageProof(msgspec.Struct, frozen=True):
    """Whether an event is in an invoice; `charges` are those over its grant's use at its time."""

    invoice: str
    event: str
    in_invoice: bool
    at: str | None
    charges: list[dict[str, str]]
    proofs: Annotated[
        list[UsageLeaf], Meta(description="The event's own record; or its neighbours. 事件记录或其相邻记录。")
    ]
    roots: Annotated[list[UsageRoot], Meta(description="All roots that the invoice rests on. 本账单所依据的全部根。")]
    said: Annotated[dict[str, str], Meta(examples=[_IN])]


async def show_usage_proof(tx: Tx, invoice: InvoiceRow, event_id: UUID, day: str | None) -> UsageProof | Problem:
    """Look for an event in the use that an invoice charges; whose invoice it is, is the caller's to know.

    shapes   day: a UTC day whose roots shall show the neighbours of an event that is not there, None for no neighbours
    errors   answers ROOTS_PENDING for a day that is sealed and has no roots yet
    """
    charged = await documents.charged_use(tx, invoice.id)
    since = min((one.since for one in charged), default=invoice.period_start)
    until = invoice.period_end
    grants = sorted({one.grant_id for one in charged})
    roots = await proofs.newest_roots(tx, grants, since, until)
    found = await proofs.find_event(tx, grants, event_id, since, until)
    shown = [_root(one, invoice) for one in roots]
    for source, grant, at in found:
        over = [one for one in charged if _over(one, grant, at, until)]
        if not over:
            continue
        if pending := await proofs.without_roots(tx, [at.astimezone(UTC).date()]):
            return ROOTS_PENDING(day=pending[0].isoformat())
        own = next((n for n, one in enumerate(roots) if _is_of(one, source, grant, at)), None)
        placed = None if own is None else await proofs.placed(tx, roots[own], event_id)
        return UsageProof(
            ids.text("inv", invoice.id), str(event_id), True, stamp(at),
            [{"charge": ids.text("chg", one.id), "component": one.component} for one in over],
            [] if own is None else [_leaf(shown[own], one) for one in placed or ()], shown, _IN if placed else _IN_UNPROVEN,
        )  # fmt: skip
    if (asked := _day(day)) and await proofs.without_roots(tx, [asked]):
        return ROOTS_PENDING(day=asked.isoformat())
    around = []
    for n in [n for n, one in enumerate(roots) if one.day.isoformat() == day][:_NEIGHBOURS_MAX]:
        around += [_leaf(shown[n], one) for one in await proofs.placed(tx, roots[n], event_id) or ()]
    return UsageProof(ids.text("inv", invoice.id), str(event_id), False, None, [], around, shown, _OUT)


def _day(text: str | None) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        return None


def _over(one: ChargedUse, grant_id: UUID, at: datetime, until: datetime) -> bool:
    return one.grant_id == grant_id and one.since <= at < min(one.until or until, until)


def _is_of(root: Sealed, source: int, grant_id: UUID, at: datetime) -> bool:
    return (root.source_id, root.grant_id, root.day.isoformat()) == (source, grant_id, stamp(at)[:10])


def _root(one: Sealed, invoice: InvoiceRow) -> UsageRoot:
    return UsageRoot(
        one.day.isoformat(),
        one.source_id,
        ids.text("grt", one.grant_id),
        one.part,
        one.n,
        one.root.hex(),
        stamp(one.sealed_at),
        one.sealed_at <= invoice.issued_at,
    )


def _leaf(root: UsageRoot, one: Placed) -> UsageLeaf:
    return UsageLeaf(root, one.index, one.leaf.decode(), [node.hex() for node in one.hashes])
