"""Movements at the payment provider in the database: what they are, what became of each, and where reconciliation stopped."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from exchange.kernel import ids
from exchange.kernel.db import Tx
from exchange.kernel.money import Money
from exchange.kernel.pages import Page, PageRequest, page_of
from settlement.recon import Booked, Item, Known, Place, Stop, names_of
from settlement.recon_templates import Remedy
from settlement.store import payments, payout_accounts

_COLUMNS = """i.txn_id, i.type, i.category, i.amount_units, i.fee_units, i.net_units, i.currency, i.source, i.created_at,
    i.available_on, i.about"""
_RECORD = """
WITH given AS (SELECT * FROM unnest($4::text[], $5::text[], $6::text[], $7::bigint[], $8::bigint[], $9::bigint[], $10::text[],
        $11::jsonb[], $12::timestamptz[], $13::timestamptz[])
        AS t(txn_id, type, category, amount, fee, net, source, about, created_at, available_on)),
made AS (
    INSERT INTO settlement.recon_item (provider, account, currency, txn_id, type, category, amount_units, fee_units, net_units,
        source, about, created_at, available_on, seen_at)
    SELECT $1, $2, $3, t.*, $14 FROM given t ON CONFLICT DO NOTHING RETURNING txn_id, created_at),
opened AS (
    INSERT INTO settlement.recon_open (provider, txn_id, account, currency, created_at)
    SELECT $1, txn_id, $2, $3, created_at FROM made)
SELECT g.txn_id, m.txn_id IS NOT NULL AS new FROM given g LEFT JOIN made m ON m.txn_id = g.txn_id
LEFT JOIN settlement.recon_item i ON i.provider = $1 AND i.txn_id = g.txn_id
WHERE m.txn_id IS NOT NULL OR i.txn_id IS NOT NULL AND
    (i.account, i.currency, i.type, i.amount_units, i.fee_units, i.net_units)
    IS DISTINCT FROM ($2, $3, g.type, g.amount, g.fee, g.net)"""
_CURSOR = """
INSERT INTO settlement.recon_cursor AS c (provider, account, currency) VALUES ($1, $2, $3)
ON CONFLICT (provider, account, currency) DO UPDATE SET recorded = c.recorded
RETURNING seen_until, looked_at, recorded, stopped_txn, reason, said, stopped_at"""
_COUNT = """
INSERT INTO settlement.recon_cursor AS c (provider, account, currency, recorded) VALUES ($1, $2, $3, $4)
ON CONFLICT (provider, account, currency) DO UPDATE SET recorded = c.recorded + $4"""
_SAW = """
UPDATE settlement.recon_cursor SET seen_until = greatest(seen_until, $4), looked_at = $5
WHERE provider = $1 AND account = $2 AND currency = $3"""
_STOP = """
UPDATE settlement.recon_cursor SET stopped_txn = $4, reason = $5, said = $6,
    stopped_at = CASE WHEN $4::text IS NULL THEN NULL WHEN stopped_txn IS DISTINCT FROM $4 THEN $7::timestamptz ELSE stopped_at END
WHERE provider = $1 AND account = $2 AND currency = $3"""
_WAITING = f"""
SELECT {_COLUMNS} FROM settlement.recon_open o JOIN settlement.recon_item i ON (i.provider, i.txn_id) = (o.provider, o.txn_id)
WHERE o.provider = $1 AND o.account = $2 AND o.currency = $3 ORDER BY o.created_at, o.txn_id LIMIT $4"""
_BOOKED = """
SELECT j.kind, j.source_id, j.id, p.currency, sum(p.amount)::bigint AS units
FROM unnest($1::text[], $2::uuid[]) AS k(kind, source_id)
JOIN settlement.journal j ON j.kind = k.kind AND j.source_id = k.source_id
LEFT JOIN settlement.posting p ON p.journal_id = j.id AND p.account_id IN (
    SELECT a.id FROM settlement.account a WHERE a.organisation_id IS NULL AND a.kind = 'stripe')
GROUP BY 1, 2, 3, 4"""
_THERE = """
SELECT id, provider_ref, created_at, NULL AS back FROM settlement.payout WHERE provider_ref = ANY($1::text[])
UNION SELECT id, provider_ref, created_at, NULL FROM settlement.recovery WHERE provider_ref = ANY($1::text[])
UNION SELECT id, provider_ref, created_at, 'returned' FROM settlement.card_refund WHERE provider_ref = ANY($1::text[])
UNION SELECT id, provider_ref, created_at, 'reinstated' FROM settlement.chargeback WHERE provider_ref = ANY($1::text[])"""
_TAKEN = "SELECT journal_id FROM settlement.recon_journal WHERE journal_id = ANY($1::uuid[])"
_DONE = """
INSERT INTO settlement.recon_done (provider, txn_id, outcome, resolution_id, done_at)
SELECT $1, t.*, $5 FROM unnest($2::text[], $3::text[], $4::uuid[]) AS t(txn_id, outcome, resolution_id)"""
_LINK = """
INSERT INTO settlement.recon_journal (journal_id, provider, txn_id)
SELECT j, $1, t FROM unnest($2::uuid[], $3::text[]) AS l(j, t)"""
_CLOSED = "DELETE FROM settlement.recon_open WHERE provider = $1 AND txn_id = ANY($2::text[])"
_CURSORS = """
SELECT provider, account, currency, seen_until, looked_at, recorded, stopped_txn, reason, said, stopped_at
FROM settlement.recon_cursor ORDER BY 1, 2, 3"""
_GET = f"SELECT {_COLUMNS}, i.account FROM settlement.recon_item i WHERE i.provider = $1 AND i.txn_id = $2"
_RESOLVE = """
INSERT INTO settlement.recon_resolution (id, provider, txn_id, remedy, organisation_id, note, body_sha256, asked_client, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"""
_RESOLUTIONS = """
SELECT id, remedy, organisation_id, note, body_sha256, created_at FROM settlement.recon_resolution
WHERE provider = $1 AND txn_id = $2 ORDER BY id"""
_LIST = f"""
SELECT {_COLUMNS}, i.account, i.provider, d.outcome, d.resolution_id, c.reason, c.said,
    ARRAY(SELECT j.journal_id FROM settlement.recon_journal j WHERE (j.provider, j.txn_id) = (i.provider, i.txn_id) ORDER BY 1)
        AS journals
FROM settlement.recon_item i LEFT JOIN settlement.recon_done d ON (d.provider, d.txn_id) = (i.provider, i.txn_id)
LEFT JOIN settlement.recon_cursor c ON c.stopped_txn = i.txn_id AND c.provider = i.provider
WHERE (NOT $1 OR d.txn_id IS NULL) AND ($2::timestamptz IS NULL OR (i.created_at, i.txn_id) < ($2, $3))
ORDER BY i.created_at DESC, i.txn_id DESC LIMIT $4"""
_LIST_OPEN = _LIST.replace(
    "FROM settlement.recon_item i LEFT",
    "FROM settlement.recon_open o JOIN settlement.recon_item i ON (i.provider, i.txn_id) = (o.provider, o.txn_id) LEFT",
)


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a place was looked through, when, how many movements it has, and where reconciliation stopped there."""

    place: Place
    seen_until: datetime | None
    looked_at: datetime | None
    recorded: int
    stopped_txn: str | None = None
    reason: str | None = None
    said: str | None = None
    stopped_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Resolution:
    """What one person proposed for a movement that stopped; `body_sha256` is what another one approves."""

    id: UUID
    remedy: Remedy
    organisation_id: UUID | None
    note: str
    body_sha256: bytes
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one movement: the journals that it is."""

    txn_id: str
    outcome: str
    journals: tuple[UUID, ...]
    resolution_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class ItemRow:
    """A movement with what became of it: matched, booked, resolved; stopped, with why; or waiting behind one that is."""

    item: Item
    place: Place
    state: str
    reason: str | None
    said: str | None
    resolution_id: UUID | None
    journals: tuple[UUID, ...]


async def record_items(tx: Tx, place: Place, items: Sequence[Item]) -> tuple[int, list[str]]:
    """Keep movements as the provider tells them; how many are new, and which are told otherwise than before."""
    if not items:
        return 0, []
    driver = await tx.driver()
    rows = await driver.fetch(
        _RECORD,
        place.provider,
        place.account,
        place.currency,
        [one.id for one in items],
        [one.type for one in items],
        [one.category for one in items],
        [one.amount.units for one in items],
        [one.fee.units for one in items],
        [one.net.units for one in items],
        [one.source for one in items],
        [msgspec.json.encode(dict(one.about)).decode() for one in items],
        [one.created_at for one in items],
        [one.available_on for one in items],
        tx.now,
    )
    new = sum(row["new"] for row in rows)
    if new:
        await driver.execute(_COUNT, place.provider, place.account, place.currency, new)
    return new, [row["txn_id"] for row in rows if not row["new"]]


async def lock_cursor(tx: Tx, place: Place) -> Cursor:
    """Where a place stands; nobody else moves it until the transaction ends."""
    row = await (await tx.driver()).fetchrow(_CURSOR, place.provider, place.account, place.currency)
    assert row is not None, "an upsert answers a row"
    return Cursor(place, *row)


async def saw_until(tx: Tx, place: Place, until: datetime | None) -> None:
    """Note up to which moment of the provider's a place was looked through."""
    await (await tx.driver()).execute(_SAW, place.provider, place.account, place.currency, until, tx.now)


async def stop_at(tx: Tx, place: Place, txn_id: str | None, stop: Stop | None) -> None:
    """Note where reconciliation stopped; None where it goes on."""
    reason, said = (stop.reason, stop.said) if stop is not None else (None, None)
    await (await tx.driver()).execute(
        _STOP, place.provider, place.account, place.currency, txn_id, reason, said, tx.now
    )


async def waiting(tx: Tx, place: Place, limit: int) -> list[Item]:
    """The movements that nothing has become of yet, in their order."""
    rows = await (await tx.driver()).fetch(_WAITING, place.provider, place.account, place.currency, limit)
    return [_item(row) for row in rows]


async def known_of(tx: Tx, items: Sequence[Item], looked: Collection[str]) -> dict[str, Known]:
    """What we know of each movement, in a constant number of statements."""
    paid = await payments.get_payments(tx, list({one for item in items if (one := _ours(item, "payment", "pay"))}))
    payees: dict[str, UUID] = {}
    for account in {item.about["account"] for item in items if "account" in item.about}:
        found = await payout_accounts.by_destination(tx, account)
        if found is not None:
            payees[account] = found.organisation_id
    there = await _named_there(tx, items)
    plain: dict[str, Known] = {}
    for item in items:
        payment_id = _ours(item, "payment", "pay")
        plain[item.id] = Known(
            payment=paid.get(payment_id) if payment_id else None,
            payee=payees.get(item.about.get("account", "")),
            sources=(
                *(one for name, prefix in _SOURCES if (one := _ours(item, name, prefix))),
                *(one for name in (item.source, item.about.get("transfer", "")) for one in there.get(name, ())),
            ),
            looked=item.id in looked,
        )
    names = {item.id: names_of(item, plain[item.id]) for item in items}
    booked = await _booked(tx, [name for several in names.values() for name in several])
    taken = await _taken(tx, [one.id for one in booked.values()])
    return {
        item_id: Known(
            known.payment,
            known.payee,
            known.sources,
            {name: booked[name] for name in names[item_id] if name in booked},
            taken,
            known.looked,
        )
        for item_id, known in plain.items()
    }


async def finish(tx: Tx, place: Place, outcomes: Sequence[Outcome]) -> None:
    """Write what became of movements, and which journals each of them is."""
    if not outcomes:
        return
    driver = await tx.driver()
    known = [one.txn_id for one in outcomes]
    said = ([one.outcome for one in outcomes], [one.resolution_id for one in outcomes])
    await driver.execute(_DONE, place.provider, known, *said, tx.now)
    links = [(journal, one.txn_id) for one in outcomes for journal in one.journals]
    await driver.execute(_LINK, place.provider, [link[0] for link in links], [link[1] for link in links])
    await driver.execute(_CLOSED, place.provider, known)


async def cursors(tx: Tx) -> list[Cursor]:
    """Every place that was ever looked through."""
    rows = await (await tx.driver()).fetch(_CURSORS)
    return [Cursor(Place(row[0], row[1], row[2]), *tuple(row)[3:]) for row in rows]


async def find_item(tx: Tx, provider: str, txn_id: str) -> tuple[Place, Item] | None:
    """One movement, and where it is."""
    row = await (await tx.driver()).fetchrow(_GET, provider, txn_id)
    return (Place(provider, row["account"], row["currency"]), _item(row)) if row is not None else None


async def propose(tx: Tx, provider: str, txn_id: str, made: Resolution, client_id: UUID) -> None:
    """Keep what one person proposes for a movement."""
    await (await tx.driver()).execute(
        _RESOLVE, made.id, provider, txn_id, made.remedy.value, made.organisation_id, made.note, made.body_sha256,
        client_id, made.created_at,
    )  # fmt: skip


async def resolutions(tx: Tx, provider: str, txn_id: str) -> list[Resolution]:
    """What was proposed for a movement, the oldest first."""
    rows = await (await tx.driver()).fetch(_RESOLUTIONS, provider, txn_id)
    return [Resolution(row[0], Remedy(row[1]), row[2], row[3], bytes(row[4]), row[5]) for row in rows]


async def list_items(tx: Tx, request: PageRequest, *, open_only: bool) -> Page[ItemRow]:
    """Movements, newest first; only those that nothing has become of yet where `open_only`."""
    after = (datetime.fromisoformat(request.after[0]), request.after[1]) if request.after else (None, None)
    query = _LIST_OPEN if open_only else _LIST
    rows = await (await tx.driver()).fetch(query, open_only, *after, request.limit + 1)
    return page_of([_row(row) for row in rows], request, lambda one: (one.item.created_at.isoformat(), one.item.id))


async def _named_there(tx: Tx, items: Sequence[Item]) -> dict[str, list[UUID]]:
    """Ours that the provider's own names are written on: payouts, and what goes back of payments."""
    wanted = {name for item in items for name in (item.source, item.about.get("transfer", "")) if name}
    found: dict[str, list[UUID]] = {}
    for row in await (await tx.driver()).fetch(_THERE, list(wanted)):
        names = found.setdefault(row["provider_ref"], [])
        names.append(row["id"])
        if row["back"] is not None:
            # What came back is named apart from what went: flows chargeback and apply_back.
            names.append(ids.derived(row["created_at"], row["back"], row["id"]))
    return found


async def _booked(tx: Tx, names: Sequence[tuple[str, UUID]]) -> dict[tuple[str, UUID], Booked]:
    distinct = list(dict.fromkeys(names))
    rows = await (await tx.driver()).fetch(_BOOKED, [name[0] for name in distinct], [name[1] for name in distinct])
    found: dict[tuple[str, UUID], tuple[UUID, dict[str, int]]] = {}
    for row in rows:
        _, moved = found.setdefault((row["kind"], row["source_id"]), (row["id"], {}))
        if row["units"]:
            moved[row["currency"]] = row["units"]
    return {name: Booked(*one) for name, one in found.items()}


async def _taken(tx: Tx, journals: Sequence[UUID]) -> frozenset[UUID]:
    return frozenset(row[0] for row in await (await tx.driver()).fetch(_TAKEN, list(journals)))


# Our own names in the metadata of what a movement comes from.
_SOURCES = (("payout", "pot"), ("refund", "crf"), ("recovery", "rcv"))


def _ours(item: Item, name: str, prefix: str) -> UUID | None:
    """Our object that a movement's source names; what is no id of ours is somebody else's business."""
    try:
        return ids.parse(prefix, item.about[name]) if name in item.about else None
    except ids.BadId:
        return None


def _item(row: Mapping[str, Any]) -> Item:
    currency = row["currency"]
    return Item(
        id=row["txn_id"],
        type=row["type"],
        category=row["category"],
        amount=Money(row["amount_units"], currency),
        fee=Money(row["fee_units"], currency),
        net=Money(row["net_units"], currency),
        source=row["source"],
        created_at=row["created_at"],
        available_on=row["available_on"],
        about=row["about"] if isinstance(row["about"], dict) else msgspec.json.decode(row["about"]),
    )


def _row(row: Mapping[str, Any]) -> ItemRow:
    state = row["outcome"] or ("stopped" if row["reason"] else "waiting")
    place = Place(row["provider"], row["account"], row["currency"])
    return ItemRow(
        _item(row), place, state, row["reason"], row["said"], row["resolution_id"], tuple(row["journals"] or ())
    )
