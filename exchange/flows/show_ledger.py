"""The ledger for who runs the exchange: what every account holds, one account's statement, the trial balance; at any time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from exchange.kernel import ids
from exchange.kernel.db import Tx
from exchange.kernel.money import Money
from exchange.parties import store as parties
from settlement.accounts import AccountKey, AccountKind
from settlement.periods import AccountEntry, Cursor
from settlement.store import periods, plain_text
from settlement.store.sources import names_of

# An id can run a few milliseconds ahead of the clock that it was made by.
_AHEAD = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class BalancesWish:
    """Of which holder, kind and currency, and when; all of them, and now, where nothing is said."""

    organisation_id: UUID | None = None
    kind: AccountKind | None = None
    currency: str | None = None
    at: datetime | None = None
    with_empty: bool = False


class LedgerBalance(msgspec.Struct, frozen=True):
    """What one account holds; above zero the exchange owes it to its holder."""

    account: str
    organisation: str | None
    balance: dict[str, str]


class LedgerBalances(msgspec.Struct, frozen=True):
    """Balances just before a moment, by currency, kind and holder, with the holders' public names."""

    at: str
    items: list[LedgerBalance]
    names: dict[str, dict[str, str]]


class StatementLine(msgspec.Struct, frozen=True):
    """One posting with what the account held after it."""

    at: str
    journal: str
    line: int
    kind: str
    source: str
    tag: str | None
    amount: dict[str, str]
    balance: dict[str, str]


class LedgerStatement(msgspec.Struct, frozen=True):
    """One account over a period: opening, all that moved, closing; opening and lines sum to closing."""

    account: str
    organisation: str | None
    since: str
    until: str
    opening: dict[str, str]
    lines: list[StatementLine]
    closing: dict[str, str]


class TrialLine(msgspec.Struct, frozen=True):
    """The sum of one kind of account in one currency."""

    account: str
    accounts: int
    sum: dict[str, str]


class CurrencyTrial(msgspec.Struct, frozen=True):
    """All kinds of one currency; the sum is zero, or the books are wrong."""

    currency: str
    lines: list[TrialLine]
    sum: dict[str, str]


class LedgerTrial(msgspec.Struct, frozen=True):
    """The trial balance just before a moment; balanced where every currency sums to zero."""

    at: str
    currencies: list[CurrencyTrial]
    balanced: bool


async def show_balances(tx: Tx, wish: BalancesWish) -> LedgerBalances:
    """What accounts held at a moment, those that held nothing left out unless asked for."""
    await plain_text.pin(tx)
    keys = await plain_text.keys_like(tx, wish.organisation_id, wish.kind, wish.currency)
    held = await periods.balances_at(tx, keys, wish.at or tx.now + _AHEAD)
    shown = [(key, held[key]) for key in keys if held[key] or wish.with_empty]
    names = await _names(tx, (key for key, _ in shown))
    items = [LedgerBalance(key.kind.value, _owner(key), Money(units, key.currency).to_wire()) for key, units in shown]
    return LedgerBalances(_stamp(wish.at or tx.now), items, names)


async def show_account(tx: Tx, key: AccountKey, since: datetime, until: datetime | None) -> LedgerStatement:
    """An account's statement over a period, `until` itself not included; everything so far where None."""
    await plain_text.pin(tx)
    end = until or tx.now + _AHEAD
    rows: list[AccountEntry] = []
    cursor: Cursor | None = None
    while True:
        page = await periods.entries(tx, key, since, end, cursor, periods.ENTRIES_MAX)
        rows += page.rows
        cursor = page.next
        if cursor is None:
            break
    tags = [one.tag for one in rows if one.tag is not None]
    named = await names_of(tx, [*(one.source_id for one in rows), *tags])
    lines, balance = [], page.opening
    for one in rows:
        balance += one.amount
        lines.append(_line(one, key.currency, balance, named))
    assert balance == page.closing, "opening and entries sum to closing"
    money = [Money(units, key.currency).to_wire() for units in (page.opening, page.closing)]
    return LedgerStatement(
        key.kind.value, _owner(key), _stamp(since), _stamp(until or tx.now), money[0], lines, money[1]
    )


async def show_trial_balance(tx: Tx, at: datetime | None) -> LedgerTrial:
    """The sum of every kind of account per currency just before a moment; now where None."""
    await plain_text.pin(tx)
    held = await periods.balances_at(tx, await plain_text.keys_like(tx), at or tx.now + _AHEAD)
    sums: dict[str, dict[AccountKind, tuple[int, int]]] = {}
    for key, units in held.items():
        kinds = sums.setdefault(key.currency, {})
        total, count = kinds.get(key.kind, (0, 0))
        kinds[key.kind] = (total + units, count + 1)
    trials = [_trial(currency, kinds) for currency, kinds in sorted(sums.items())]
    balanced = all(sum(total for total, _ in kinds.values()) == 0 for kinds in sums.values())
    return LedgerTrial(_stamp(at or tx.now), trials, balanced)


def _trial(currency: str, kinds: dict[AccountKind, tuple[int, int]]) -> CurrencyTrial:
    lines = [
        TrialLine(kind.value, kinds[kind][1], Money(kinds[kind][0], currency).to_wire())
        for kind in AccountKind
        if kind in kinds
    ]
    return CurrencyTrial(currency, lines, Money(sum(total for total, _ in kinds.values()), currency).to_wire())


def _line(one: AccountEntry, currency: str, balance: int, named: dict[UUID, str]) -> StatementLine:
    return StatementLine(
        at=_stamp(one.effective_at),
        journal=ids.text("jnl", one.journal_id),
        line=one.line,
        kind=one.kind,
        source=named[one.source_id],
        tag=named[one.tag] if one.tag is not None else None,
        amount=Money(one.amount, currency).to_wire(),
        balance=Money(balance, currency).to_wire(),
    )


async def _names(tx: Tx, keys: Iterable[AccountKey]) -> dict[str, dict[str, str]]:
    owners = sorted({key.organisation_id for key in keys if key.organisation_id is not None})
    return {ids.text("org", one): dict(name) for one, name in (await parties.public_names(tx, owners)).items()}


def _owner(key: AccountKey) -> str | None:
    return ids.text("org", key.organisation_id) if key.organisation_id else None


def _stamp(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
