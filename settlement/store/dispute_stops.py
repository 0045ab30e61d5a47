"""Which money disputes stop, in the database: what is to be held of whom, what of it is held, and what is still short."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from exchange.kernel.db import Tx
from settlement.payouts import Payout

SHORT_AT_ONCE = 200
_COLUMNS = "dispute_id, organisation_id, source_id, currency, want_units, held_units, released, award_to"
_PUT = """
INSERT INTO settlement.dispute_stop AS s (dispute_id, organisation_id, source_id, currency, want_units, held_units, released,
    since, live)
SELECT $1, t.o, $2, $3, t.w, 0, $4, $5, true FROM unnest($6::uuid[], $7::bigint[]) AS t(o, w)
ON CONFLICT (dispute_id, organisation_id)
DO UPDATE SET want_units = excluded.want_units, held_units = 0, released = excluded.released, since = excluded.since, live = true"""
_LATER = """
INSERT INTO settlement.dispute_stop AS s (dispute_id, organisation_id, source_id, currency, want_units, held_units, released,
    since, live, award_to) VALUES ($1, $2, $3, $4, $5, 0, false, $6, true, $7)
ON CONFLICT (dispute_id, organisation_id) DO UPDATE SET want_units = excluded.want_units, held_units = 0, released = false,
    since = excluded.since, live = true, award_to = excluded.award_to"""
# A share that was released and is no longer there follows as it comes: it stops no payout that was ordered before.
_OWED = """
INSERT INTO settlement.dispute_stop AS s (dispute_id, organisation_id, source_id, currency, want_units, held_units, released,
    since, live, award_to) VALUES ($1, $2, $3, $4, $5, 0, true, 'epoch', true, $6)
ON CONFLICT (dispute_id, organisation_id) DO UPDATE SET want_units = excluded.want_units, held_units = 0, released = true,
    since = excluded.since, live = true, award_to = excluded.award_to"""
_AWARDED = """
UPDATE settlement.dispute_stop SET live = want_units > $3,
    want_units = CASE WHEN want_units > $3 THEN want_units - $3 ELSE want_units END
WHERE dispute_id = $1 AND organisation_id = $2 AND live"""
_GIVEN = """
SELECT (coalesce((SELECT sum(m.amount_units) FROM settlement.dispute d JOIN settlement.dispute_money m ON m.dispute_id = d.id
        AND m.kind = 'award' AND m.from_id = $2 WHERE d.source_id = $1), 0)
    + coalesce((SELECT sum(s.want_units) FROM settlement.dispute_stop s WHERE s.source_id = $1 AND s.organisation_id = $2
        AND s.live AND s.award_to IS NOT NULL), 0))::bigint"""
_WAITING = f"""
SELECT {_COLUMNS} FROM settlement.dispute_stop WHERE live AND NOT released AND source_id = ANY($1::uuid[])
ORDER BY dispute_id, organisation_id FOR UPDATE"""
_SHORT = f"""
SELECT {_COLUMNS} FROM settlement.dispute_stop WHERE live AND released AND held_units < want_units
ORDER BY organisation_id, dispute_id LIMIT $1 FOR UPDATE SKIP LOCKED"""
_OF = (
    f"SELECT {_COLUMNS} FROM settlement.dispute_stop WHERE dispute_id = $1 AND live ORDER BY organisation_id FOR UPDATE"
)
_HELD = """
UPDATE settlement.dispute_stop s SET held_units = s.held_units + t.n,
    since = CASE WHEN s.released THEN s.since ELSE $4 END, released = true
FROM unnest($1::uuid[], $2::uuid[], $3::bigint[]) AS t(d, o, n) WHERE s.dispute_id = t.d AND s.organisation_id = t.o"""
_FREE = "UPDATE settlement.dispute_stop SET live = false, held_units = 0 WHERE dispute_id = $1 AND live"
_HOLD = """
INSERT INTO settlement.dispute_hold (hold_id, dispute_id, organisation_id)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[])"""
_HOLDS = """
SELECT h.hold_id FROM settlement.dispute_hold h JOIN settlement.hold_open o ON o.hold_id = h.hold_id
WHERE h.dispute_id = $1 ORDER BY h.hold_id"""
_UNCOVERED = """
SELECT organisation_id, sum(want_units - held_units)::bigint FROM settlement.dispute_stop
WHERE live AND released AND held_units < want_units AND organisation_id = ANY($1::uuid[]) AND currency = $2 GROUP BY 1"""
# A payout ordered since then has left room for what is short; one from before has not.
_STOPPED = """
SELECT DISTINCT p.id FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[]) AS p(id, o, c, at)
JOIN settlement.dispute_stop s ON s.organisation_id = p.o AND s.currency = p.c
    AND s.live AND s.released AND s.held_units < s.want_units AND s.since >= p.at"""
# A payout can be ordered under a later clock and committed before: what is not sent of it is older than the stop all the same.
_SINCE = """
UPDATE settlement.dispute_stop s SET since = greatest(s.since, p.at)
FROM (SELECT organisation_id, currency, max(created_at) AS at FROM settlement.payout
    WHERE organisation_id = ANY($2::uuid[]) AND state = 'created' GROUP BY 1, 2) p
WHERE s.dispute_id = $1 AND s.live AND s.held_units < s.want_units
    AND p.organisation_id = s.organisation_id AND p.currency = s.currency"""
_SPLIT = "SELECT EXISTS (SELECT FROM settlement.split_source WHERE source_id = $1)"
_SHOWN = """
SELECT organisation_id, want_units, held_units, released, live FROM settlement.dispute_stop
WHERE dispute_id = $1 ORDER BY organisation_id"""


@dataclass(frozen=True, slots=True)
class Stop:
    """What a dispute wants held of one payee; while its share waits (not `released`) nothing need be.

    shapes   award_to: the case is decided, and this goes to somebody else once it is released
    units    millionths
    """

    dispute_id: UUID
    organisation_id: UUID
    source_id: UUID
    currency: str
    want: int
    held: int
    released: bool
    award_to: UUID | None = None

    @property
    def short(self) -> int:
        """What is not held yet."""
        return self.want - self.held


@dataclass(frozen=True, slots=True)
class Shown:
    """A stop as its parties read it."""

    organisation_id: UUID
    want: int
    held: int
    released: bool
    live: bool


async def put_stops(
    tx: Tx,
    dispute_id: UUID,
    source: tuple[UUID, str],
    wanted: Sequence[tuple[UUID, int]],
    *,
    released: bool,
) -> None:
    """Write what is to be held of whom; whoever had a stop in this case has this one now.

    shapes   source: id and currency; wanted: payee and millionths, each payee once
    """
    source_id, currency = source
    said = released, tx.now, [one for one, _ in wanted], [units for _, units in wanted]
    await (await tx.driver()).execute(_PUT, dispute_id, source_id, currency, *said)


async def award_later(tx: Tx, dispute_id: UUID, source: tuple[UUID, str], sides: tuple[UUID, UUID], units: int) -> None:
    """Note that a payee's share, which still waits, is somebody else's as soon as it is released.

    shapes   source: id and currency; sides: who gives, who takes
    units    millionths above nothing
    """
    source_id, currency = source
    giver, taker = sides
    await (await tx.driver()).execute(_LATER, dispute_id, giver, source_id, currency, units, tx.now, taker)


async def award_rest(tx: Tx, dispute_id: UUID, source: tuple[UUID, str], sides: tuple[UUID, UUID], units: int) -> None:
    """Note that a payee has to give what it has no money for now: it goes to the taker from what the payee gets next.

    shapes   source: id and currency; sides: who gives, who takes
    units    millionths above nothing
    """
    source_id, currency = source
    giver, taker = sides
    await (await tx.driver()).execute(_OWED, dispute_id, giver, source_id, currency, units, taker)


async def note_awarded(tx: Tx, one: Stop, units: int) -> None:
    """Note that so much of what a locked stop awards went to its new payee; the stop ends with the last of it."""
    await (await tx.driver()).execute(_AWARDED, one.dispute_id, one.organisation_id, units)


async def given_of(tx: Tx, source_id: UUID, payee_id: UUID) -> int:
    """What a payee gave of a locked source by awards, and what it still has to give by them.

    units    millionths
    """
    found: int = await (await tx.driver()).fetchval(_GIVEN, source_id, payee_id)
    return found


async def waiting_stops(tx: Tx, source_ids: Sequence[UUID]) -> list[Stop]:
    """The stops on shares of these orders and charges that were not released yet, locked; one statement, on a small index."""
    return [_of(row) for row in await (await tx.driver()).fetch(_WAITING, list(source_ids))]


async def short_stops(tx: Tx) -> list[Stop]:
    """Stops that do not hold all that they want, a bounded number, locked; those that somebody else is at are left out."""
    return [_of(row) for row in await (await tx.driver()).fetch(_SHORT, SHORT_AT_ONCE)]


async def stops_of(tx: Tx, dispute_id: UUID) -> list[Stop]:
    """The live stops of a case, locked."""
    return [_of(row) for row in await (await tx.driver()).fetch(_OF, dispute_id)]


async def note_held(tx: Tx, found: Sequence[tuple[Stop, int, UUID | None]]) -> None:
    """Note what more is held for locked stops, under which hold, and that their shares are released."""
    if not found:
        return
    driver = await tx.driver()
    keys = [one.dispute_id for one, _, _ in found], [one.organisation_id for one, _, _ in found]
    await driver.execute(_HELD, *keys, [units for _, units, _ in found], tx.now)
    held = [(hold_id, one.dispute_id, one.organisation_id) for one, _, hold_id in found if hold_id is not None]
    if held:
        await driver.execute(_HOLD, *(list(column) for column in zip(*held, strict=True)))


async def stop_unsent(tx: Tx, dispute_id: UUID, payees: Sequence[UUID]) -> None:
    """Let what a case is short of stop every payout that is ordered and not sent now; their payees' payable is locked."""
    await (await tx.driver()).execute(_SINCE, dispute_id, list(payees))


async def free_stops(tx: Tx, dispute_id: UUID) -> None:
    """Nothing is to be held for this case any more; its holds are ended beside it."""
    await (await tx.driver()).execute(_FREE, dispute_id)


async def open_holds_of(tx: Tx, dispute_id: UUID) -> list[UUID]:
    """The holds of a case that have not ended."""
    return [row[0] for row in await (await tx.driver()).fetch(_HOLDS, dispute_id)]


async def was_split(tx: Tx, source_id: UUID) -> bool:
    """Whether a rule has split an order or charge, so that its payees have their shares."""
    found: bool = await (await tx.driver()).fetchval(_SPLIT, source_id)
    return found


async def uncovered(tx: Tx, organisation_ids: Sequence[UUID], currency: str) -> dict[UUID, int]:
    """What of these payees' money disputes still want held and could not: nothing of it may be paid out.

    units    millionths; those with nothing short are missing
    """
    return dict(await (await tx.driver()).fetch(_UNCOVERED, list(organisation_ids), currency))


async def stopped_payouts(tx: Tx, payouts: Sequence[Payout]) -> set[UUID]:
    """Payouts that were ordered before a dispute wanted money of their payee, and it is not all held."""
    columns = (
        [one.id for one in payouts],
        [one.organisation_id for one in payouts],
        [one.amount.currency for one in payouts],
        [one.created_at for one in payouts],
    )
    return {row[0] for row in await (await tx.driver()).fetch(_STOPPED, *columns)}


async def shown_stops(tx: Tx, dispute_id: UUID) -> list[Shown]:
    """The stops of a case, as far as the asking role sees them: a payee its own, the operator all."""
    return [Shown(*row) for row in await (await tx.driver()).fetch(_SHOWN, dispute_id)]


def _of(row: Any) -> Stop:
    return Stop(*row)
