"""Minimum guarantees of months that are over: what a payee was short of is paid by whoever guaranteed it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from uuid import UUID

import msgspec

from compliance.entries import Entry
from exchange.kernel import ids
from exchange.kernel.db import Tx
from settlement import postings, refunds
from settlement.accounts import AccountKey, AccountKind, payable, pending, platform
from settlement.guarantees import Guarantor, Month, Promise, TopUp, topped_up
from settlement.journals import Posted
from settlement.pools import month_window
from settlement.store import guarantees as store
from settlement.store import ledger, payouts
from settlement.store.guarantees import Guaranteed, PaidKey, Version
from settlement.waterfall_document import month_of


class NotPaid(AssertionError):
    """The ledger did not take what a guarantee pays: a defect, and nothing of it is kept."""


@dataclass(slots=True)
class _Line:
    """All months of one payee of one step, in their order, each with the promise that held."""

    months: list[Month] = field(default_factory=list)
    promises: list[Promise] = field(default_factory=list)


async def pay_guarantees(
    tx: Tx, currency: str, until: datetime, at_home: Callable[[list[UUID]], Awaitable[list[UUID]]] | None = None
) -> list[Entry]:
    """Book what guarantors owe for months that ended by `until`, less what was booked before.

    In a month the version of a rule promises that was in force at the month's end, from the first month in which anything
    was sold by the rule. What the steps per month of all its versions gave counts. Run again it books nothing new.

    shapes   at_home: those of some suppliers whose rules are looked at, None for all; -> what the audit log is to say, an
             entry for each booking
    errors   NotPaid
    """
    versions = await store.versions(tx, currency)
    if not versions:
        return []
    rule_ids = [one.id for one in versions]
    promised = await store.promises(tx, rule_ids)
    first = await store.first_months(tx, rule_ids)
    payees = sorted({one.organisation_id for found in promised.values() for one in found})
    got = await store.got(tx, rule_ids, payees)
    before = await store.paid(tx, currency)
    suppliers = sorted({one.supplier_id for found in promised.values() for one in found})
    looked_at = set(suppliers if at_home is None else await at_home(suppliers))
    entries: list[Entry] = []
    for (dataset_id, code), group in groupby(versions, key=lambda one: (one.dataset_id, one.code)):
        for (step, payee), line in _lines(list(group), promised, first, got, until).items():
            for promise, top_up in zip(line.promises, topped_up(line.months), strict=True):
                key = PaidKey(dataset_id, code, step, top_up.month.period, payee)
                booked, number = before.get(key, (0, 0))
                if top_up.cumulative != booked and promise.supplier_id in looked_at:
                    entries.append(await _book(tx, key, promise, top_up, booked, number + 1))
    return entries


def _lines(
    family: Sequence[Version],
    promised: Mapping[UUID, Sequence[Promise]],
    first: Mapping[UUID, str],
    got: Mapping[tuple[UUID, str, UUID], int],
    until: datetime,
) -> dict[tuple[str, UUID], _Line]:
    """By step and payee: each month that is over, with what was promised for it and what all versions gave."""
    began = min((first[one.id] for one in family if one.id in first), default=None)
    found: dict[tuple[str, UUID], _Line] = defaultdict(_Line)
    if began is None:
        return found
    zone = msgspec.json.decode(family[-1].document)["time_zone"]
    for month, end in _months(began, zone, until):
        held = _in_force(family, zone, month, end)
        if held is None:
            continue
        for promise in promised[held.id]:
            if promise.guarantor is Guarantor.PLATFORM and not held.accepted:
                continue
            gave = sum(got.get((one.id, month, promise.organisation_id), 0) for one in family)
            line = found[promise.step, promise.organisation_id]
            line.months.append(Month(month, promise.amount, gave, promise.recouped))
            line.promises.append(promise)
    return found


def _months(first: str, zone: str, until: datetime) -> Iterator[tuple[str, datetime]]:
    """Each month from the first one on that ended by `until`, with its end."""
    month = first
    while (window := month_window(month, zone)) is not None and window[1] <= until:
        yield month, window[1]
        month = month_of(window[1] + timedelta(days=1), zone)


def _in_force(family: Sequence[Version], zone: str, month: str, end: datetime) -> Version | None:
    """The newest version that began before a month's end and had not ended when the month began."""
    window = month_window(month, zone)
    assert window is not None
    fits = [one for one in family if one.since < end and (one.until is None or one.until > window[0])]
    return max(fits, key=lambda one: one.version, default=None)


async def _book(tx: Tx, key: PaidKey, promise: Promise, top_up: TopUp, booked: int, number: int) -> Entry:
    made_id, amount, currency = tx.new_id(), top_up.cumulative - booked, promise.currency
    payee = payable(promise.organisation_id, currency)
    guarantor = (
        platform(AccountKind.REVENUE, currency)
        if promise.guarantor is Guarantor.PLATFORM
        else payable(promise.supplier_id, currency)
    )
    giver, receiver = (guarantor, payee) if amount > 0 else (payee, guarantor)
    taken = await _taken(tx, giver, abs(amount))
    (posted,) = await ledger.post(tx, [postings.guarantee(made_id, taken, (receiver, abs(amount)))])
    if not isinstance(posted, Posted):
        raise NotPaid(str(posted))
    owed = sum(units for account, units in taken if account.kind is AccountKind.DEBT)
    month = top_up.month
    await store.insert(
        tx,
        Guaranteed(
            made_id, promise.rule_id, key.dataset_id, key.code, key.step, key.period, number, promise.supplier_id,
            promise.organisation_id, promise.guarantor, month.recouped, month.promised, month.got, top_up.outstanding,
            top_up.cumulative, amount, owed, currency, posted.journal_id, tx.now,
        ),
    )  # fmt: skip
    sides = sorted({promise.supplier_id, promise.organisation_id})
    return Entry(
        action="guarantee.pay",
        organisation_id=None,
        object_id=ids.text("gua", made_id),
        object_version=ids.text("rul", promise.rule_id),
        concerns=tuple(sides),
    )


async def _taken(tx: Tx, giver: AccountKey, units: int) -> list[tuple[AccountKey, int]]:
    """From where it is taken: what an organisation has payable, and the rest is owed; the exchange's own revenue."""
    if giver.organisation_id is None:
        return [(giver, units)]
    await payouts.lock_payable(tx, [giver])
    there = await ledger.sums(tx, [giver])
    return refunds.taken_from([(pending(giver.organisation_id, giver.currency), units)], True, there)
