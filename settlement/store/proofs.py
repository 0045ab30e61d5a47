"""What the proof of clients' money rests on, and the proofs themselves."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, tuple_

from exchange.kernel import ids
from exchange.kernel.db import Tx
from exchange.kernel.money import Money
from exchange.kernel.pages import Page, PageRequest, page_of
from settlement.accounts import AccountKind
from settlement.periods import first_id
from settlement.proof import OWN, SHOWN_MAX, Proof, Side, Stated, Timing, TimingItem, Unbacked
from settlement.recon_tables import money_proof as _p

# One picture of everything; it must be the first statement of the transaction.
_PIN = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"
# What the last closed period carried forward, and what came since.
_SUMS = """
SELECT a.currency, a.kind, sum(coalesce(c.closing, 0) + coalesce((SELECT sum(p.amount) FROM settlement.posting p
    WHERE p.account_id = a.id AND p.journal_id > coalesce(c.last_journal, $1)), 0))::bigint
FROM settlement.account a LEFT JOIN LATERAL (
    SELECT x.closing, x.last_journal FROM settlement.account_period x WHERE x.account_id = a.id
    ORDER BY x.period_end DESC LIMIT 1) c ON true
GROUP BY 1, 2"""
# Of each sale that is not paid in full, the exchange's part, as far as something is unpaid: it is the last that is paid.
_UNPAID = """
SELECT u.currency, sum(least(u.units, greatest(0, own.units)))::bigint FROM (
    SELECT order_id AS source_id, currency, unpaid_units AS units FROM settlement.credit_order WHERE unpaid_units > 0
    UNION ALL SELECT id, currency, unpaid_units FROM settlement.due WHERE NOT released AND unpaid_units > 0) u
CROSS JOIN LATERAL (SELECT coalesce(sum(p.amount), 0) AS units FROM (
        SELECT id FROM settlement.journal WHERE kind IN ('purchase', 'charge') AND source_id = u.source_id
        UNION ALL SELECT j.id FROM settlement.refund r JOIN settlement.journal j ON j.kind = 'refund' AND j.source_id = r.id
            WHERE r.source_id = u.source_id) b
    JOIN settlement.posting p ON p.journal_id = b.id JOIN settlement.account a ON a.id = p.account_id
    WHERE a.organisation_id IS NULL AND a.kind = ANY($1::text[])) own GROUP BY 1"""
_LOST = """
SELECT currency, sum(amount_units - covered_units)::bigint FROM settlement.chargeback
WHERE state = 'lost' AND withdrawn AND NOT reinstated GROUP BY 1"""
_SHOWN = "ORDER BY at, ref LIMIT $2"
_THEIRS = f"""
SELECT count(*) OVER () AS count, sum(i.net_units) OVER ()::bigint AS total, i.txn_id AS ref, i.type AS kind,
    i.net_units AS units, i.created_at AS at
FROM settlement.recon_open o JOIN settlement.recon_item i ON (i.provider, i.txn_id) = (o.provider, o.txn_id)
WHERE o.currency = $1 {_SHOWN}"""
_OURS = f"""
SELECT count(*) OVER () AS count, sum(k.units) OVER ()::bigint AS total, k.id::text AS ref, k.kind, k.units, k.at FROM (
    SELECT j.id, j.kind, j.effective_at AS at, -sum(p.amount)::bigint AS units FROM settlement.account a
    JOIN settlement.posting p ON p.account_id = a.id JOIN settlement.journal j ON j.id = p.journal_id
    WHERE a.organisation_id IS NULL AND a.kind = $3 AND a.currency = $1 AND p.journal_id >= $4
        AND NOT EXISTS (SELECT FROM settlement.recon_journal r WHERE r.journal_id = p.journal_id)
    GROUP BY 1, 2, 3 HAVING sum(p.amount) <> 0) AS k {_SHOWN}"""
_STATE = """
INSERT INTO settlement.stated_balance (id, place, currency, units, at, source, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)"""
_NEWEST = """
SELECT DISTINCT ON (place, currency) place, units, currency, at, source, created_at FROM settlement.stated_balance
ORDER BY place, currency, at DESC, id DESC"""
_PUT = """
INSERT INTO settlement.money_proof (id, day, currency, at, difference_units, short_units, complete, document, sha256)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"""
_COLUMNS = (
    _p.c.id,
    _p.c.day,
    _p.c.currency,
    _p.c.at,
    _p.c.difference_units,
    _p.c.short_units,
    _p.c.complete,
    _p.c.sha256,
)
_MS = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class ProofRow:
    """A proof that was made; its document on demand."""

    id: UUID
    day: date
    currency: str
    at: datetime
    difference: Money
    short: Money
    complete: bool
    sha256: bytes


async def pin(tx: Tx) -> None:
    """See one state of everything until the transaction ends; call it before anything else is read."""
    await (await tx.driver()).execute(_PIN)


async def sums(tx: Tx) -> dict[str, dict[AccountKind, int]]:
    """The ledger by currency and kind of account; each currency comes to zero.

    units    millionths
    """
    found: dict[str, dict[AccountKind, int]] = {}
    for currency, kind, units in await (await tx.driver()).fetch(_SUMS, UUID(int=0)):
        found.setdefault(currency, {})[AccountKind(kind)] = units
    return found


async def unbacked(tx: Tx) -> dict[str, Unbacked]:
    """What of the exchange's own no money stands behind, by currency; those with none of it are missing."""
    driver = await tx.driver()
    unpaid = dict(await driver.fetch(_UNPAID, [kind.value for kind in OWN]))
    lost = dict(await driver.fetch(_LOST))
    return {one: Unbacked(unpaid.get(one, 0), lost.get(one, 0)) for one in {*unpaid, *lost}}


async def theirs(tx: Tx, currency: str) -> Timing:
    """What the provider moved and nothing has become of here."""
    return _timing(Side.THEIRS, await (await tx.driver()).fetch(_THEIRS, currency, SHOWN_MAX))


async def ours(tx: Tx, stated: Stated) -> Timing:
    """What we booked and the place has not moved: at the provider what no movement is matched with, at a bank what came later.

    A bank's journals are made from its statements, so all that were there when a balance became known are in it.
    """
    currency = stated.money.currency
    since = UUID(int=0) if stated.place is AccountKind.STRIPE else first_id(stated.known_at + _MS)
    rows = await (await tx.driver()).fetch(_OURS, currency, SHOWN_MAX, stated.place.value, since)
    return _timing(Side.OURS, rows)


async def state_balance(tx: Tx, place: AccountKind, money: Money, at: datetime, source: str) -> None:
    """Keep what somebody outside says lies at a place: the provider, a bank's statement (its closing balance), a person.

    shapes   source: who says so, e.g. `provider`, `camt:<statement>`, `operator`
    """
    said = (tx.new_id(), place.value, money.currency, money.units, at, source, tx.now)
    await (await tx.driver()).execute(_STATE, *said)


async def newest_stated(tx: Tx) -> list[Stated]:
    """The latest balance that is stated of each place and currency."""
    rows = await (await tx.driver()).fetch(_NEWEST)
    return [Stated(AccountKind(row[0]), Money(row[1], row[2]), *tuple(row)[3:]) for row in rows]


async def put_proof(tx: Tx, proof: Proof) -> ProofRow:
    """Keep a proof with its hash."""
    document = proof.document()
    digest = hashlib.sha256(document).digest()
    made = (tx.new_id(), proof.day, proof.currency, proof.at, proof.difference, proof.short, proof.complete)
    await (await tx.driver()).execute(_PUT, *made, document, digest)
    return _row((*made, digest))


async def list_proofs(tx: Tx, request: PageRequest, currency: str | None = None) -> Page[ProofRow]:
    """Proofs, newest first."""
    query = select(*_COLUMNS).order_by(_p.c.at.desc(), _p.c.id.desc()).limit(request.limit + 1)
    if currency is not None:
        query = query.where(_p.c.currency == currency)
    if request.after:
        after = (datetime.fromisoformat(request.after[0]), UUID(request.after[1]))
        query = query.where(tuple_(_p.c.at, _p.c.id) < after)
    rows = await tx.conn.execute(query)
    return page_of([_row(row) for row in rows], request, lambda one: (one.at.isoformat(), str(one.id)))


async def last_proof(tx: Tx, currency: str, since: datetime) -> ProofRow | None:
    """The newest proof of a currency that was made at a moment or later."""
    query = select(*_COLUMNS).where(_p.c.currency == currency, _p.c.at >= since).order_by(_p.c.at.desc()).limit(1)
    row = (await tx.conn.execute(query)).one_or_none()
    return _row(row) if row is not None else None


async def proof_document(tx: Tx, proof_id: UUID) -> bytes | None:
    """The bytes of a proof."""
    found: bytes | None = (await tx.conn.execute(select(_p.c.document).where(_p.c.id == proof_id))).scalar_one_or_none()
    return found


def _timing(side: Side, rows: Sequence[Any]) -> Timing:
    if not rows:
        return Timing()
    shown = tuple(TimingItem(side, _ref(side, row["ref"]), row["kind"], row["units"], row["at"]) for row in rows)
    return Timing(rows[0]["count"], rows[0]["total"], shown)


def _ref(side: Side, ref: str) -> str:
    return ids.text("jnl", UUID(ref)) if side is Side.OURS else ref


def _row(row: Any) -> ProofRow:
    currency = row[2]
    return ProofRow(row[0], row[1], currency, row[3], Money(row[4], currency), Money(row[5], currency), row[6], row[7])
