"""An auditor who trusts nobody: compares a client's own books with every table, with Stripe, and with the audit log.

It reads the facts with SQL of its own and computes with nothing of the exchange's.
"""

from __future__ import annotations

import json
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg

from tests.e2e.trading import PER_RECORD, Books

_LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"
_UNITS = Decimal(1_000_000)


def uuid_of(name: str) -> UUID:
    """The id behind its text form."""
    number = 0
    for letter in name.partition("_")[2]:
        number = number * 32 + _LETTERS.index(letter)
    return UUID(int=number)


async def audit(url: str, books: Books, buyer: UUID, stripe: Path) -> list[str]:
    """Everything that does not agree, in words."""
    connection = await asyncpg.connect(url)
    try:
        found = [
            *await _orders(connection, books),
            *await _usage(connection, books),
            *await _money(connection, books, buyer),
            *await _log(connection, books),
        ]
        return found + await _stripe(connection, books, stripe)
    finally:
        await connection.close()


def _differs(what: str, ours: Any, theirs: Any) -> list[str]:
    return [] if ours == theirs else [f"{what}: the client knows {ours}, the exchange has {theirs}"]


async def _orders(connection: asyncpg.Connection[Any], books: Books) -> list[str]:
    """Every acknowledged order exists once, paid, with one agreement and one grant; there is no other."""
    rows = await connection.fetch(
        "SELECT o.id, o.payment, o.price_units, o.state, "
        "(SELECT count(*) FROM contracts.agreement a WHERE a.order_id = o.id) AS agreements, "
        "(SELECT count(*) FROM access.grants g WHERE g.order_id = o.id) AS grants FROM settlement.orders o"
    )
    theirs = {row["id"]: (row["payment"], Decimal(row["price_units"]) / _UNITS) for row in rows}
    found = _differs("orders", {uuid_of(name): told for name, told in books.orders.items()}, theirs)
    for row in rows:
        found += _differs(f"order {row['id']}", ("paid", 1, 1), (row["state"], row["agreements"], row["grants"]))
    granted = {row["id"]: row["order_id"] for row in await connection.fetch("SELECT id, order_id FROM access.grants")}
    return found + _differs("grants", {uuid_of(g): uuid_of(o) for g, o in books.grants.items()}, granted)


async def _usage(connection: asyncpg.Connection[Any], books: Books) -> list[str]:
    """What was answered is on record, nothing that was not asked for is, and what was reported is there once."""
    rows = await connection.fetch(
        "SELECT u.grant_id, u.meter, s.client_id IS NULL AS ours, sum(u.quantity)::bigint AS units "
        "FROM access.usage_record u LEFT JOIN access.source s ON s.id = u.source_id GROUP BY 1, 2, 3"
    )
    recorded = {(row["grant_id"], row["meter"], row["ours"]): row["units"] for row in rows}
    found = []
    for (grant, meter), asked in books.asked.items():
        number = {"bytes": 1, "records": 2}[meter]
        units, least = recorded.get((uuid_of(grant), number, True), 0), books.answered[grant, meter]
        if not least <= units <= asked:
            found.append(f"use of {grant}: {least} {meter} were answered, {asked} asked for, {units} are on record")
    reported = {key[0]: units for key, units in recorded.items() if not key[2]}
    return found + _differs("reported use", {uuid_of(g): n for g, n in books.reported.items()}, reported)


async def _money(connection: asyncpg.Connection[Any], books: Books, buyer: UUID) -> list[str]:
    """Every journal sums to zero; the wallet is what came in less what went out; charges are use times price."""
    unbalanced = await connection.fetch(
        "SELECT journal_id FROM settlement.posting GROUP BY journal_id, currency HAVING sum(amount) <> 0"
    )
    found = _differs("journals that do not sum to zero", [], [row[0] for row in unbalanced])
    paid = await connection.fetch(
        "SELECT id, amount_units FROM settlement.payment WHERE state = 'succeeded' AND purpose = 'top_up'"
    )
    theirs = {row[0]: Decimal(row[1]) / _UNITS for row in paid}
    found += _differs("top-ups", {uuid_of(name): amount for name, amount in books.payments.items()}, theirs)
    charged = await connection.fetch("SELECT grant_id, sum(amount_units)::bigint FROM settlement.charge GROUP BY 1")
    charges = {row[0]: Decimal(row[1]) / _UNITS for row in charged}
    if charges:
        used = await connection.fetch(
            "SELECT grant_id, sum(quantity)::bigint FROM access.usage_record WHERE meter = 2 GROUP BY 1"
        )
        found += _differs("charges", {row[0]: row[1] * PER_RECORD for row in used}, charges)
    wallet = await connection.fetchval(
        "SELECT coalesce(sum(p.amount), 0)::bigint FROM settlement.posting p JOIN settlement.account a ON a.id = p.account_id "
        "WHERE a.kind = 'wallet' AND a.organisation_id = $1",
        buyer,
    )
    expected = books.wallet() - sum(charges.values(), Decimal())
    found += _differs("wallet", expected, Decimal(wallet) / _UNITS)
    kept = await connection.fetchval(
        "SELECT b.posted FROM settlement.balance b JOIN settlement.account a ON a.id = b.account_id "
        "WHERE a.kind = 'wallet' AND b.organisation_id = $1",
        buyer,
    )
    return found + _differs("kept balance of the wallet", expected, Decimal(kept or 0) / _UNITS)


async def _log(connection: asyncpg.Connection[Any], books: Books) -> list[str]:
    """Every acknowledged command has its audit entry, exactly once; none is there without its command."""
    logged: Counter[tuple[str, str]] = Counter()
    for row in await connection.fetch("SELECT envelope FROM compliance.audit_entry"):
        entry = json.loads(row[0])
        if entry["outcome"] == "done":
            logged[entry["action"], entry["object"]["id"] or ""] += 1
    actions = {action for action, _ in books.commands}
    theirs = Counter({key: count for key, count in logged.items() if key[0] in actions})
    missing, extra = books.commands - theirs, theirs - books.commands
    found = [f"no audit entry of {action} {name}" for action, name in missing]
    return found + [f"one audit entry too many of {action} {name}" for action, name in extra]


async def _stripe(connection: asyncpg.Connection[Any], books: Books, stripe: Path) -> list[str]:
    """Stripe's own state: each card payment was charged once, each payout was sent once."""
    state = json.loads(stripe.read_text())
    objects = [one for one in state["objects"].values() if isinstance(one, dict)]
    charged = Counter(
        {
            one["metadata"]["payment"]: one["amount"]
            for one in objects
            if one["object"] == "payment_intent" and one["status"] == "succeeded"
        }
    )
    rows = await connection.fetch(
        "SELECT id, amount_units FROM settlement.payment WHERE method = 'card' AND state = 'succeeded'"
    )
    theirs = {row[0]: row[1] // 10_000 for row in rows}
    found = _differs("charges at Stripe", {uuid_of(name): amount for name, amount in charged.items()}, theirs)
    intents = [one for one in objects if one["object"] == "payment_intent" and one["status"] == "succeeded"]
    cards = len(books.by_card) + sum(way == "card" for way, _ in books.orders.values())
    found += _differs("number of charges at Stripe", cards, len(intents))
    sent = sorted(one["amount"] for one in objects if one["object"] == "transfer")
    return found + _differs("transfers at Stripe", sorted(int(amount * 100) for amount in books.payouts.values()), sent)
