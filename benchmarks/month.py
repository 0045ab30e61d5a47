"""A month of an exchange for `settlement`: sellers, buyers, offers of eight kinds, paid orders, and raw usage by day."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import numpy as np
import numpy.typing as npt

from exchange.access.store import seal
from exchange.access.usage import COPY_COLUMNS, COPY_HEAD, COPY_TAIL, micros
from exchange.flows.once import Answered, Command
from exchange.flows.purchase import OrderReceipt, Purchase, purchase
from exchange.flows.sale import Sales
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.canonical import canonical
from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Database, Tx
from exchange.kernel.keys import Keyring
from exchange.kernel.money import Money
from settlement import postings
from settlement.store import ledger

MONTH = datetime(2026, 1, 1, tzinfo=UTC)
SELLERS, BUYERS, LISTINGS, ORDERS, PER_BATCH = 200, 500, 400, 20_000, 100
DAYS = 5
QUARTERS, SESSION = 96, 4
COPIES, LATE, ACROSS = 2_000, 1_000, 50
COPIED_DAY = 2
CURRENCY, WALLET_UNITS = "CNY", 10**15
# Payees beside the seller and the exchange itself, who each stand on a part of the offers.
OTHERS = ("broker", "assessor", "upstream", "upstream")
_METERS = {"bytes": 1, "records": 2, "tokens": 3, "requests": 4}
_ROW = np.dtype(
    [
        *(("n", ">i2"), ("l1", ">i4"), ("source", ">i4"), ("l2", ">i4"), ("event", "V16"), ("l3", ">i4"), ("grant", "V16")),
        *(("l4", ">i4"), ("meter", ">i2"), ("l5", ">i4"), ("at", ">i8"), ("l6", ">i4"), ("quantity", ">i8")),
        *(("l7", ">i4"), ("batch", "V16")),
    ]
)  # fmt: skip
_LENGTHS = {"n": 7, "l1": 4, "l2": 16, "l3": 16, "l4": 2, "l5": 8, "l6": 8, "l7": 16}
Rows = npt.NDArray[Any]


KINDS = 8


def plans(number: int = 0) -> list[tuple[str, dict[str, Any]]]:
    """Eight kinds of plan with the prices of one offer: (kind of offer, what its plan has beside type, currency, zone)."""

    def priced(name: str, meter: str | None, period: str | None, model: dict[str, Any]) -> dict[str, Any]:
        return {"id": name, "meter": meter, "period": period, "model": model}

    def unit(price: str) -> dict[str, Any]:
        return {"type": "per_unit", "unit_price": f"{price}{number:05d}"}

    steps = [
        {"up_to": 10_000, "unit_price": "0.002"},
        {"up_to": 100_000, "unit_price": "0.0015"},
        {"unit_price": f"0.001{number:05d}"},
    ]
    least = {"id": "least", "type": "minimum", "period": "month", "amount": "50"}
    most = {"id": "most", "type": "maximum", "period": "month", "amount": "20"}
    packs = {"type": "package", "size": 1_000, "amount": f"1.2{number:04d}"}
    fee = priced("fee", None, "month", {"type": "flat", "amount": "30.00", "in_advance": True})
    extra = {"type": "included", "quantity": 20_000, "overage": unit("0.0012")}
    once = priced("entry", None, None, {"type": "one_off", "amount": "5.00"})
    volume = {
        "type": "volume",
        "tiers": [{"up_to": 50_000, "unit_price": "0.002"}, {"unit_price": f"0.0012{number:05d}"}],
    }
    return [
        ("pay_per_use", {"components": [priced("use", "records", None, unit("0.0021"))]}),
        ("pay_per_use", {"components": [priced("use", "tokens", "month", {"type": "graduated", "tiers": steps})]}),
        ("pay_per_use", {"components": [priced("packs", "records", "month", packs)]}),
        ("pay_per_use", {"components": [priced("use", "tokens", "month", unit("0.0013"))], "limits": [least]}),
        ("pay_per_use", {"components": [priced("use", "records", "month", unit("0.0030"))], "limits": [most]}),
        ("subscription", {"components": [fee, priced("above", "tokens", "month", extra)]}),
        (
            "pay_per_use",
            {
                "components": [
                    priced("calls", "requests", "month", unit("0.0010")),
                    priced("use", "tokens", "month", {"type": "graduated", "tiers": steps}),
                ]
            },
        ),
        ("pay_per_use", {"components": [once, priced("use", "records", None, volume)]}),
    ]


@dataclass
class Made:
    """What was laid down, and what an honest count must find."""

    sales: Sales
    grants: Rows
    sources: npt.NDArray[np.int64]
    meters: npt.NDArray[np.int64]
    days: list[date]
    records: int = 0
    quantity: int = 0
    put_aside: int = 0
    copies: int = 0


async def lay_down(database: Database, clock: FixedClock, keyring: Keyring, connection: Any, records: int) -> Made:
    """Parties and offers by INSERT, orders by the purchase itself, usage by COPY into the days and into `bare.record`.

    shapes   the bare table gets every record once and none of the copies, which would stop its unique index
    """
    days = [(MONTH + timedelta(days=1 + number)).date() for number in range(DAYS)]
    offers = await database.run(_parties)
    sold = await _orders(database, clock, keyring, offers)
    await database.run(lambda tx: seal.ensure_days(tx, days))
    await connection.execute(
        "CREATE SCHEMA bare; CREATE TABLE bare.record (source_id int NOT NULL, event_id uuid NOT NULL, grant_id uuid NOT NULL, "
        "meter smallint NOT NULL, at timestamptz NOT NULL, quantity bigint NOT NULL, batch_id uuid NOT NULL)"
    )
    made = Made(Sales(), *sold, days)
    for number, day in enumerate(days):
        share = records // DAYS + (records % DAYS if number == 0 else 0)
        await _day(connection, made, number, day, share)
    return made


async def _parties(tx: Tx) -> list[tuple[UUID, int, int]]:
    """The offers that can be bought: (offer, seller's number, kind of plan)."""
    driver = await tx.driver()
    # The first are sellers, then buyers, then everybody who has a share in what others sell.
    parties = [_organisation(number) for number in range(SELLERS + BUYERS + 40)]
    roles = (
        ["supplier"] * SELLERS
        + ["buyer"] * BUYERS
        + [("broker", "assessor", "supplier", "supplier")[n % 4] for n in range(40)]
    )
    await driver.execute(
        "INSERT INTO parties.organisation (id, name, roles, country, state, created_at) SELECT i, '{}', ARRAY[r], 'CN', 'verified', $3 "
        "FROM unnest($1::uuid[], $2::text[]) AS u(i, r)", parties, roles, tx.now,
    )  # fmt: skip
    await driver.execute(
        "INSERT INTO parties.client (id, organisation_id, label, secret_hash, scopes, created_at) "
        "SELECT c, o, 'bench', sha256('x'), '{}', $3 FROM unnest($1::uuid[], $2::uuid[]) AS u(c, o)",
        [_client(one) for one in parties], parties, tx.now,
    )  # fmt: skip
    await driver.execute(
        "INSERT INTO access.source (organisation_id, client_id, node_id, created_at) "
        "SELECT o, c, 'centre', $3 FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS u(o, c, n) ORDER BY n",
        parties[:SELLERS], [_client(one) for one in parties[:SELLERS]], tx.now,
    )  # fmt: skip
    found = [(await _offer(driver, tx, number), number % SELLERS, number % KINDS) for number in range(LISTINGS)]
    for buyer in parties[SELLERS : SELLERS + BUYERS]:
        await ledger.post(tx, [postings.top_up(tx.new_id(), buyer, Money(WALLET_UNITS, CURRENCY))])
    return found


async def _offer(driver: Any, tx: Tx, number: int) -> UUID:
    seller, dataset, revision, listing, offer = _organisation(number % SELLERS), *(tx.new_id() for _ in range(4))
    kind, plan = plans(number)[number % KINDS]
    others = [_organisation(SELLERS + BUYERS + 4 * (number % 10) + place) for place in range(4)]
    weights = (500, 300, 700, 300)
    shares: list[dict[str, Any]] = [{"role": "supplier", "weight": 7_000}, {"role": "platform", "weight": 1_200}]
    for role, weight, other in zip(OTHERS, weights, others, strict=True):
        shares.append({"role": role, "weight": weight, "organisation": ids.text("org", other)})
    document = canonical(
        {
            "type": "offer", "v": 1, "kind": kind, "currency": CURRENCY, "delivery": {"files": True, "rows": True},
            "plan": {"type": "plan", "v": 1, "currency": CURRENCY, "time_zone": "UTC", "anchor": "calendar", **plan},
            "terms": {"type": "terms", "v": 1, "prevailing_language": "zh", "spdx": "CC-BY-4.0"}, "shares": shares,
        }
    )  # fmt: skip
    await driver.execute(
        "INSERT INTO catalog.dataset (id, supplier_id, title, description, modality, languages, personal_data, licence, provenance, "
        "synthetic_share, state, created_at) VALUES ($1, $2, '{}', '{}', 'text', '{zh}', 'none', 'MIT', '{}', 0, 'active', $3)",
        dataset, seller, tx.now,
    )  # fmt: skip
    await driver.execute(
        "INSERT INTO catalog.revision (id, dataset_id, supplier_id, number, manifest, sha256, size_bytes, assets_count, created_at) "
        "VALUES ($1, $2, $3, 1, $5, sha256($5), 1, 1, $4)", revision, dataset, seller, tx.now, b"%d" % number,
    )  # fmt: skip
    await driver.execute(
        "INSERT INTO catalog.listing (id, dataset_id, revision_id, supplier_id, state, title, summary, modality, languages, "
        "personal_data, licence, search, created_at, published_at) "
        "VALUES ($1, $2, $3, $4, 'published', '{}', '{}', 'text', '{zh}', 'none', 'MIT', '', $5, $5)",
        listing, dataset, revision, seller, tx.now,
    )  # fmt: skip
    await driver.execute(
        "INSERT INTO catalog.offer (id, listing_id, supplier_id, code, version, kind, currency, entry_units, document, sha256, "
        "created_at) VALUES ($1, $2, $3, 'a', 1, $4, $5, 0, $6, sha256($6), $7)",
        offer, listing, seller, kind, CURRENCY, document, tx.now,
    )  # fmt: skip
    await driver.execute(
        "INSERT INTO catalog.offer_standing (offer_id, listing_id, supplier_id, code, state, changed_at) "
        "VALUES ($1, $2, $3, 'a', 'current', $4)", offer, listing, seller, tx.now,
    )  # fmt: skip
    return offer


async def _orders(
    database: Database, clock: FixedClock, keyring: Keyring, offers: Sequence[tuple[UUID, int, int]]
) -> tuple[Rows, npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Place the orders by the flow that everybody uses; their grants, with the source and the meters of each."""
    sales, grants, sources, meters = Sales(), [], [], []
    counted = [tuple({_METERS[c["meter"]] for c in plan["components"] if c["meter"]}) for _, plan in plans()]
    for batch in range(ORDERS // PER_BATCH):
        wishes = []
        for place in range(PER_BATCH):
            number = batch * PER_BATCH + place
            offer, seller, plan = offers[number * 7 % LISTINGS]
            buyer = _organisation(SELLERS + (number * 13 + number // BUYERS) % BUYERS)
            actor = Actor(buyer, _client(buyer), frozenset({"buyer"}), frozenset({"buyer"}), f"jti-{number}")
            command = Command(actor, "purchase", f"order-{number}", hashlib.sha256(b"%d" % number).digest())
            # Agreements begin at moments of their own, as they do where nobody shares a batch.
            starts_at = clock.now() + timedelta(milliseconds=37 * place)
            wishes.append(Purchase(command, offer, ("pretrain",), "wallet", starts_at=starts_at))
            sources.append(seller + 1)
            meters.append(counted[plan])
        for answer in await database.run(lambda tx, wishes=wishes: purchase(tx, sales, keyring, wishes)):  # type: ignore[misc]
            assert isinstance(answer, Answered), answer
            grant = msgspec.json.decode(answer.body, type=OrderReceipt).grant
            assert grant is not None
            grants.append(ids.parse("grt", grant).bytes)
        clock.advance(60)
    first_and_last = np.array([(one[0], one[-1]) for one in meters], np.int64)
    return np.frombuffer(b"".join(grants), "V16"), np.array(sources, np.int64), first_and_last


async def _day(connection: Any, made: Made, number: int, day: date, records: int) -> None:
    """One day, quarter by quarter as it was reported: half of the grants have a session of an hour each."""
    dice = np.random.default_rng(20260101 + number)
    active = np.flatnonzero(dice.random(len(made.grants)) < 0.5)
    begins = dice.integers(0, QUARTERS - SESSION + 1, len(active))
    low = micros(datetime.combine(day, datetime.min.time(), UTC))
    partition = f"usage_record_{day:%Y%m%d}"
    kept: list[Rows] = []
    for quarter in range(QUARTERS):
        count = records // QUARTERS + (quarter < records % QUARTERS)
        there = active[(begins <= quarter) & (begins > quarter - SESSION)]
        for part in _parts(count):
            rows = _rows(dice, made, there, part, low + quarter * 900_000_000)
            await _copy(connection, "bare", "record", rows)
            if number == COPIED_DAY and sum(map(len, kept)) < COPIES + LATE:
                kept.append(rows[: (COPIES + LATE) // 8].copy())
            await _copy(connection, "access", partition, rows)
            made.records += part
            made.quantity += int(rows["quantity"].sum())
    if number == COPIED_DAY:
        await _troubles(connection, made, np.concatenate(kept).astype(_ROW), partition)


async def _troubles(connection: Any, made: Made, rows: Rows, partition: str) -> None:
    """What networks and clocks do: batches that came twice, late events (some of them known already)."""
    again = rows[: min(COPIES, len(rows))].copy()
    again["batch"] = np.void(b"\xff" * 16)
    await _copy(connection, "access", partition, again)
    made.copies = len(again)
    # The same events once more, with times of the next day.
    across = rows[: min(ACROSS, len(rows))].copy()
    across["at"] += 86_400_000_000
    await _copy(connection, "access", f"usage_record_{made.days[COPIED_DAY + 1]:%Y%m%d}", across)
    made.put_aside = len(across)
    late = rows[-min(LATE, len(rows)) :].copy()
    known = len(late) // 10
    fresh = late[known:]
    fresh["event"] = np.frombuffer(np.random.default_rng(7).bytes(16 * len(fresh)), "V16")
    made.records += len(fresh)
    made.quantity += int(fresh["quantity"].sum())
    await _copy(connection, "bare", "record", fresh)
    day = made.days[COPIED_DAY]
    await connection.copy_records_to_table(
        "usage_late",
        schema_name="access",
        columns=(*COPY_COLUMNS, "day"),
        records=[
            (
                *(int(row["source"]), UUID(bytes=row["event"].tobytes()), UUID(bytes=row["grant"].tobytes())),
                *(int(row["meter"]), _EPOCH + timedelta(microseconds=int(row["at"])), int(row["quantity"])),
                *(UUID(bytes=row["batch"].tobytes()), day),
            )
            for row in late
        ],
    )


_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


def _parts(count: int, most: int = 50_000) -> Iterator[int]:
    while count > 0:
        yield min(count, most)
        count -= most


def _rows(dice: np.random.Generator, made: Made, there: npt.NDArray[np.int64], count: int, low: int) -> Rows:
    """Records of one quarter-hour as rows of binary COPY, source by source as batches arrive."""
    whose = there[dice.integers(0, len(there), count)]
    whose = whose[np.argsort(made.sources[whose], kind="stable")]
    rows = np.zeros(count, _ROW)
    for name, length in _LENGTHS.items():
        rows[name] = length
    rows["source"] = made.sources[whose]
    event = np.frombuffer(dice.bytes(16 * count), np.uint8).reshape(count, 16).copy()
    event[:, 6], event[:, 8] = event[:, 6] & 0x0F | 0x40, event[:, 8] & 0x3F | 0x80
    rows["event"] = event.reshape(-1).view("V16")
    rows["grant"] = made.grants[whose]
    second = dice.random(count) < 0.5
    rows["meter"] = made.meters[whose, second.astype(np.int64)]
    rows["at"] = low + dice.integers(0, 900_000_000, count)
    rows["quantity"] = dice.integers(1, 400, count)
    batch = np.zeros((count, 2), ">u8")
    batch[:, 0] = ((low // 1000 + 946_684_800_000) << 16) | 0x7000
    batch[:, 1] = made.sources[whose].astype(np.uint64) | np.uint64(1 << 63)
    rows["batch"] = batch.reshape(-1).view("V16")
    return rows


async def _copy(connection: Any, schema: str, table: str, rows: Rows) -> None:
    await connection.copy_to_table(
        table,
        schema_name=schema,
        columns=COPY_COLUMNS,
        format="binary",
        source=io.BytesIO(b"".join((COPY_HEAD, rows.tobytes(), COPY_TAIL))),
    )


def _organisation(number: int) -> UUID:
    return UUID(int=(0x0190_0000_0000_7000 << 64) | (1 << 63) | number)


def _client(organisation: UUID) -> UUID:
    return UUID(int=organisation.int + (1 << 32))
