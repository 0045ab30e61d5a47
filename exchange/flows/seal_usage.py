"""Bring a UTC day of usage from open to sealed, one step and one transaction at a time.

open -> closed (no more records) -> proven (a unique index, and compared with other days: nothing twice) -> sealed (rolled up).
Settlement needs no more. Merkle roots follow in a step of their own, `root_usage`. A sealed day to which late events or
corrections came is rolled up again and gets further roots. Every step can be run again after a crash.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from compliance import store as compliance
from compliance.entries import Entry
from exchange.access.settings import AccessSettings
from exchange.access.store import across, roots, seal
from exchange.access.store.seal import Day
from exchange.flows.directive_scope import pages
from exchange.kernel.db import Tx

SEALED = "sealed"


async def seal_usage(tx: Tx, day: date, *, settings: AccessSettings) -> str | None:
    """Take the next step of one day; the state it is in then, or None where the day is unknown or not over yet.

    Call it, each time in a transaction of its own, until it answers SEALED.
    """
    found = await seal.lock_day(tx, day)
    if found is None or tx.now < _over(day, settings):
        return None
    if found.state == "open":
        await seal.close_day(tx, day)
        return "closed"
    if found.state == "closed":
        copies = await seal.prove_day(tx, day)
        aside = await across.compare_day(tx, day, settings.window_days)
        await compliance.append(tx, [_entry("usage.prove", day, f"copies-{copies}"), *_put_aside(day, aside)])
        return "proven"
    if found.state == SEALED and not found.touched:
        return SEALED
    await _count(tx, found, settings)
    return SEALED


async def root_usage(tx: Tx, day: date) -> int | None:
    """Write the Merkle roots of a sealed day; how many, or None where there are none to write."""
    found = await seal.lock_day(tx, day)
    if found is None or found.state != SEALED or found.rooted == found.part:
        return None
    written = await roots.put_roots(tx, day, found.part, changed_only=found.rooted >= 0)
    await seal.finish_roots(tx, day, found.part)
    await compliance.append(tx, [_entry("usage.root", day, f"part-{found.part}/roots-{written}")])
    return written


async def due_days(tx: Tx, *, settings: AccessSettings) -> list[date]:
    """The days that `seal_usage` has work for."""
    over = (tx.now - timedelta(seconds=settings.grace_s)).astimezone(UTC).date()
    return await seal.due_days(tx, over)


async def due_roots(tx: Tx) -> list[tuple[date, int]]:
    """The days that `root_usage` has work for, each with the number of its newest sealing."""
    return await seal.due_roots(tx)


async def prepare_days(tx: Tx, *, settings: AccessSettings) -> int:
    """Make the partitions of the days to come; how many were missing."""
    return await seal.ensure_partitions(tx, settings.days_ahead)


async def roll_up_today(tx: Tx) -> None:
    """Show both sides today's use so far, marked as not final."""
    today = tx.now.astimezone(UTC).date()
    # A fresh exchange may come here before its days are prepared.
    await seal.ensure_days(tx, [today])
    await seal.roll_up(tx, today, final=False)


async def _count(tx: Tx, found: Day, settings: AccessSettings) -> None:
    part = found.part + 1 if found.state == SEALED else 0
    # First of all: what comes from now on touches the day again, and what was there before is counted below.
    await seal.untouch(tx, found.day)
    aside = await across.compare_late(tx, found.day, settings.window_days)
    await seal.roll_up(tx, found.day, final=True)
    await seal.finish_day(tx, found.day, part)
    await compliance.append(tx, [_entry("usage.seal", found.day, f"part-{part}"), *_put_aside(found.day, aside)])


def _put_aside(day: date, sellers: list[UUID]) -> list[Entry]:
    """The audit entries about events that stand under another day already, for those who reported them."""
    parts = pages(sorted(set(sellers))) if sellers else []
    return [_entry("usage.aside", day, f"events-{len(sellers)}", *part) for part in parts]


def _over(day: date, settings: AccessSettings) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(), UTC) + timedelta(seconds=settings.grace_s)


def _entry(action: str, day: date, version: str, *concerns: UUID) -> Entry:
    name = f"usage-day:{day.isoformat()}"
    return Entry(action=action, object_id=name, organisation_id=None, object_version=version, concerns=concerns)
