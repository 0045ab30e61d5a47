"""The ledger as plain text that beancount and hledger read, accept and balance. Pure: values in, lines out.

Both programs write what is owed to others below zero, so every amount stands with the opposite of our sign: money at Stripe
is an asset above zero there, a wallet a liability below it. Names, ids and numbers alone decide the bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from exchange.kernel import ids
from exchange.kernel.money import UNITS_PER_MAJOR
from settlement.accounts import AccountKey, AccountKind
from settlement.conversion import Rate, value_text

_DECIMALS = 6
_UTC = ZoneInfo("UTC")
# Both programs know these five roots; what stands below is ours.
_ROOTS: Mapping[AccountKind, str] = {
    AccountKind.WALLET: "Liabilities:Wallet",
    AccountKind.RECEIVABLE: "Assets:Receivable",
    AccountKind.PENDING: "Liabilities:Pending",
    AccountKind.PAYABLE: "Liabilities:Payable",
    AccountKind.IN_TRANSIT: "Liabilities:InTransit",
    AccountKind.HELD: "Liabilities:Held",
    AccountKind.ADVANCE: "Assets:Advance",
    AccountKind.DEBT: "Assets:Debt",
    AccountKind.STRIPE: "Assets:Stripe",
    AccountKind.BANK: "Assets:Bank",
    AccountKind.SUSPENSE: "Liabilities:Suspense",
    AccountKind.REVENUE: "Income:Revenue",
    AccountKind.TAX: "Liabilities:Tax",
    AccountKind.ROUNDING: "Expenses:Rounding",
    AccountKind.CONVERSION: "Equity:Conversion",
    AccountKind.CLEARING: "Liabilities:Clearing",
    AccountKind.POOL: "Liabilities:Pool",
    AccountKind.CREDIT: "Assets:Credit",
    AccountKind.FEES: "Expenses:Fees",
    AccountKind.DISPUTED: "Assets:Disputed",
    AccountKind.RESERVE: "Assets:Reserve",
    AccountKind.SWEEP: "Assets:Sweep",
    AccountKind.WITHHELD: "Liabilities:Withheld",
    AccountKind.INPUT_TAX: "Assets:InputTax",
}


class Dialect(StrEnum):
    """The program that the text is for."""

    BEANCOUNT = "beancount"
    HLEDGER = "hledger"


@dataclass(frozen=True, slots=True)
class PlainLine:
    """One posting, in our sign; `tag` is the id that it is labelled with, as text."""

    account: AccountKey
    amount: int
    tag: str | None


@dataclass(frozen=True, slots=True)
class PlainJournal:
    """One journal: what kind it is, what caused it, when it counts, and facts that stand beside it (a rate, its source)."""

    id: UUID
    kind: str
    source: str
    at: datetime
    lines: tuple[PlainLine, ...]
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PlainAccount:
    """An account that stands in the export: what it held at the beginning and at the end, in our sign."""

    key: AccountKey
    opening: int
    closing: int


@dataclass(frozen=True, slots=True)
class Span:
    """Whole days of a time zone, the last one not included; `first` is the day of the opening balances."""

    first: date
    end: date
    zone: ZoneInfo = _UTC

    @property
    def bounds(self) -> tuple[datetime, datetime]:
        """The first moments of the first day and of the day after the last; where clocks skip midnight, when they do."""
        first, end = (datetime.combine(day, time(), self.zone).astimezone(UTC) for day in (self.first, self.end))
        return first, end

    def day_of(self, at: datetime) -> date:
        """The day of a moment in this zone."""
        return at.astimezone(self.zone).date()


def account_name(key: AccountKey) -> str:
    """The account's name in both programs: its root, and the holder's id with a hyphen, which beancount asks for."""
    root = _ROOTS[key.kind]
    return root if key.organisation_id is None else f"{root}:{ids.text('Org', key.organisation_id).replace('_', '-')}"


def amount_text(units: int, currency: str) -> str:
    """An amount in the programs' sign, always with six decimals."""
    whole, rest = divmod(abs(units), UNITS_PER_MAJOR)
    return f"{'-' if units > 0 else ''}{whole}.{rest:0{_DECIMALS}d} {currency}"


def head(dialect: Dialect, span: Span, accounts: Sequence[PlainAccount], rates: Sequence[Rate]) -> Iterator[str]:
    """Everything before the first journal: options, commodities, accounts, prices, and the opening balances.

    shapes   accounts in any order; they come out by name
    """
    write = _beancount_head if dialect is Dialect.BEANCOUNT else _hledger_head
    yield from write(span, _by_name(accounts))
    yield "\n"
    for rate in sorted(rates, key=lambda one: (one.valid_from, one.sell, one.buy)):
        yield _price(dialect, span, rate)
    held = [one for one in _by_name(accounts) if one.opening]
    if held:
        # The openings of all accounts of a currency sum to zero by themselves: no equity account has to take up a rest.
        lines = tuple(PlainLine(one.key, one.opening, None) for one in held)
        yield from _entry(dialect, span.first, "opening_balances", "", lines, {})


def entry(dialect: Dialect, span: Span, journal: PlainJournal) -> Iterator[str]:
    """One journal as a transaction on its day in the span's zone, with its ids as links, tags and metadata."""
    at = journal.at.astimezone(UTC)
    facts = {"journal": ids.text("jnl", journal.id), "at": at.isoformat().replace("+00:00", "Z"), **journal.facts}
    yield from _entry(dialect, span.day_of(at), journal.kind, journal.source, journal.lines, facts)


def foot(dialect: Dialect, span: Span, accounts: Sequence[PlainAccount]) -> Iterator[str]:
    """The assertion of what every account holds at the end, exact to the last unit."""
    yield "\n"
    ordered = _by_name(accounts)
    if dialect is Dialect.BEANCOUNT:
        # A balance directive speaks of the beginning of its day. Without `~ 0` it would let one unit pass.
        for one in ordered:
            amount, currency = amount_text(one.closing, one.key.currency).split(" ")
            yield f"{span.end} balance {account_name(one.key)}  {amount} ~ 0 {currency}\n"
    elif ordered:
        yield f"{span.end} closing balances\n"
        for one in ordered:
            nothing, asserted = amount_text(0, one.key.currency), amount_text(one.closing, one.key.currency)
            yield f"    {account_name(one.key)}  {nothing} = {asserted}\n"


def _by_name(accounts: Sequence[PlainAccount]) -> list[PlainAccount]:
    return sorted(accounts, key=lambda one: (account_name(one.key), one.key.currency))


def _currencies(accounts: Sequence[PlainAccount]) -> list[str]:
    return sorted({one.key.currency for one in accounts})


def _titles(span: Span) -> list[str]:
    period = f"{span.first} – {span.end}"
    return [
        f"Corpus Exchange, general ledger, {period} ({span.zone.key}, the last day not included)",
        f"语料交易所总账，{period}（{span.zone.key}，不含末日）",
    ]


def _beancount_head(span: Span, accounts: Sequence[PlainAccount]) -> Iterator[str]:
    yield from (f";; {line}\n" for line in _titles(span))
    yield 'option "title" "Corpus Exchange"\n'
    yield from (f'option "operating_currency" "{currency}"\n' for currency in _currencies(accounts))
    yield "\n"
    yield from (f"{span.first} commodity {currency}\n" for currency in _currencies(accounts))
    opened: dict[str, list[AccountKey]] = {}
    for one in accounts:
        opened.setdefault(account_name(one.key), []).append(one.key)
    for name, keys in opened.items():
        yield f"{span.first} open {name}  {','.join(key.currency for key in keys)}\n"
        if keys[0].organisation_id is not None:
            yield f'  organisation: "{ids.text("org", keys[0].organisation_id)}"\n'


def _hledger_head(span: Span, accounts: Sequence[PlainAccount]) -> Iterator[str]:
    yield from (f"; {line}\n" for line in _titles(span))
    yield "decimal-mark .\n\n"
    yield from (f"commodity 1000.{'0' * _DECIMALS} {currency}\n" for currency in _currencies(accounts))
    for name, holder in dict.fromkeys((account_name(one.key), one.key.organisation_id) for one in accounts):
        yield f"account {name}" + (f"  ; organisation:{ids.text('org', holder)}\n" if holder is not None else "\n")


def _price(dialect: Dialect, span: Span, rate: Rate) -> str:
    day, value = span.day_of(rate.valid_from), value_text(rate.value)
    if dialect is Dialect.HLEDGER:
        return f"P {day} {rate.sell} {value} {rate.buy}\n"
    facts = {"rate": ids.text("rte", rate.id), "source": rate.source}
    return f"{day} price {rate.sell}  {value} {rate.buy}\n" + "".join(_metadata(facts, "  "))


def _entry(
    dialect: Dialect, day: date, kind: str, source: str, lines: Sequence[PlainLine], facts: Mapping[str, str]
) -> Iterator[str]:
    tags = [line.tag for line in lines if line.tag is not None]
    links = list(dict.fromkeys([*([source] if source else []), *tags]))
    yield "\n"
    if dialect is Dialect.BEANCOUNT:
        label = "".join([f" #{kind}", *(f" ^{link}" for link in links)])
        yield f'{day} * "{kind}" "{source}"{label}\n'
        yield from _metadata(facts, "  ")
    else:
        yield f"{day} {f'({source}) ' if source else ''}{kind}\n"
        if facts:
            yield f"    ; {', '.join(f'{name}:{_tag_value(value)}' for name, value in facts.items())}\n"
    for line in lines:
        posted = f"{account_name(line.account)}  {amount_text(line.amount, line.account.currency)}"
        own = line.tag if line.tag != source else None
        if dialect is Dialect.BEANCOUNT:
            yield f"  {posted}\n"
            yield from _metadata({"tag": own} if own else {}, "    ")
        else:
            yield f"    {posted}" + (f"  ; tag:{own}\n" if own else "\n")


def _metadata(facts: Mapping[str, str], indent: str) -> Iterator[str]:
    for name, value in facts.items():
        plain = " ".join(value.split()).replace("\\", "\\\\").replace('"', '\\"')
        yield f'{indent}{name}: "{plain}"\n'


def _tag_value(value: str) -> str:
    """A value of a tag ends at a comma or with the line."""
    return " ".join(value.replace(",", ";").split())
