"""The auditor's own books: what every account must hold in the end, from what was accepted alone.

It shares no code with the exchange. Rating, remainders, refunds and split rules are written a second time, another way
where there is one: refunds by highest averages from below, rules by one pass over all that was sold.
"""

from __future__ import annotations

from calendar import monthrange
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction

from tests.simulation.seeded.spec import (
    EXCHANGE,
    MILLION,
    Bought,
    Converted,
    Fact,
    Market,
    Moved,
    Offer,
    Refunded,
    Used,
)

Account = tuple[str, str, str]
# What a payee has, will have, or owes: how much of it stands where is up to the order in which things happened.
POSITION = frozenset({"pending", "payable", "debt", "advance"})


@dataclass(frozen=True)
class Charge:
    """A charge as the exchange shows it to its buyer; the auditor only believes its sums.

    shapes   line: what of the order's plan it charges for, and for which service period; again: whether its run went over a
             time that an earlier one had settled; corrects: what it says that it corrects
    """

    id: str
    order: str
    units: int
    month: str
    line: tuple[str, int]
    again: bool
    corrects: str | None


@dataclass
class Books:
    """Accounts by (party, kind, currency), and what does not add up."""

    market: Market
    accounts: Counter[Account] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)
    # Of each pair of buyer and seller and currency: what must be on their invoices in all.
    invoiced: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    def put(self, party: str, kind: str, currency: str, units: int) -> None:
        """Add to an account."""
        self.accounts[party, "position" if kind in POSITION else kind, currency] += units


def keep(market: Market, facts: Sequence[Fact], charges: Sequence[Charge], until: datetime) -> Books:
    """The books of a market in which everything is settled up to `until`.

    shapes   charges: in the order in which they were made
    """
    books = Books(market)
    bought = {one.order: one for one in facts if isinstance(one, Bought)}
    back: Counter[str] = Counter()
    for fact in facts:
        if isinstance(fact, Refunded):
            back[fact.source] += fact.units
        elif isinstance(fact, Moved):
            books.put(*fact.source, fact.currency, -fact.units)
            books.put(*fact.target, fact.currency, fact.units)
        elif isinstance(fact, Converted):
            _convert(books, fact)
    _rate(books, bought, [one for one in facts if isinstance(one, Used)], charges, until)
    # Of each rule: what came of each sale in all, with its month and its buyer.
    ruled: dict[str, dict[str, tuple[int, str, str]]] = defaultdict(dict)
    for one in bought.values():
        if one.units:
            offer = market.offers[one.offer]
            payer = (one.buyer, "wallet") if one.rail == "wallet" else (EXCHANGE, "stripe")
            left = _sold(books, offer, one, (one.order, one.units), back, payer)
            ruled[offer.name][one.order] = left, f"{one.at:%Y-%m}", one.buyer
    for charge, first in zip(charges, corrected(charges, books.findings), strict=True):
        order = bought[charge.order]
        left = _sold(books, market.offers[order.offer], order, (charge.id, charge.units), back, (order.buyer, "wallet"))
        before, *_ = ruled[order.offer].get(first.id, (0,))
        ruled[order.offer][first.id] = before + left, first.month, order.buyer
    for name, sales in ruled.items():
        offer = market.offers[name]
        if not offer.rule:
            continue
        for (party, kind), units in waterfall(offer, list(sales.values()), market.introduced).items():
            books.put(party, kind, offer.currency, units)
    unknown = set(back) - {one.order for one in bought.values()} - {one.id for one in charges}
    books.findings += [f"a refund of {one}, which nobody bought" for one in sorted(unknown)]
    return books


def corrected(charges: Sequence[Charge], findings: list[str]) -> list[Charge]:
    """The charge whose sale each one belongs to: the first of its line, where it corrects that; else it is one of its own.

    A charge corrects when it takes back, or when its run went over a time that was settled: had its use come before, it
    would have been in the charge of then. What was never charged before is a new sale, however late it comes.
    """
    begun: dict[tuple[str, str, int], Charge] = {}
    found = []
    for one in charges:
        first = begun.setdefault((one.order, *one.line), one)
        corrects = first is not one and (one.again or one.units < 0)
        found.append(first if corrects else one)
        # Where there is no charge to name, the order is.
        allowed = [first.id] if corrects else [None, one.order] if first is one else [None]
        if one.corrects not in allowed:
            findings.append(f"charge {one.id} says that it corrects {one.corrects}, and not {allowed[-1]}")
    return found


def _sold(
    books: Books,
    offer: Offer,
    order: Bought,
    sold: tuple[str, int],
    back: Mapping[str, int],
    payer: tuple[str, str],
) -> int:
    """One order or charge, less what went back of it; split here unless a rule does it with others. What is left of it."""
    name, units = sold
    kept = units - back.get(name, 0)
    books.put(*payer, offer.currency, -units)
    books.put(order.buyer, "wallet", offer.currency, back.get(name, 0))
    books.invoiced[order.buyer, offer.seller, offer.currency] += kept
    if offer.rule:
        return kept
    parts = remainders(units, [weight for _, _, weight in offer.shares])
    returned = iter(highest_averages([part for part in parts if part], back.get(name, 0)))
    for (role, party, _), part in zip(offer.shares, parts, strict=True):
        left = part - (next(returned) if part else 0)
        books.put(
            EXCHANGE if role == "platform" else party,
            "revenue" if role == "platform" else "pending",
            offer.currency,
            left,
        )
    return kept


def _convert(books: Books, fact: Converted) -> None:
    gained = int(fact.units * Fraction(fact.rate))
    for party, kind, currency, units in (
        (fact.party, fact.account, fact.sold, -fact.units),
        (EXCHANGE, "conversion", fact.sold, fact.units),
        (EXCHANGE, "conversion", fact.bought, -gained),
        (fact.party, fact.account, fact.bought, gained),
    ):
        books.put(party, kind, currency, units)


def _rate(
    books: Books, bought: Mapping[str, Bought], used: Iterable[Used], charges: Sequence[Charge], until: datetime
) -> None:
    """Hold the charges of each order against its plan: together they are what its use or its months cost."""
    # An event that was reported twice counts once.
    events = {one.event: one for one in used}
    use: Counter[str] = Counter()
    for one in events.values():
        use[one.order] += one.quantity
    booked: Counter[str] = Counter()
    for charge in charges:
        booked[charge.order] += charge.units
    for order in bought.values():
        offer = books.market.offers[order.offer]
        cost = 0
        if offer.tiers:
            cost = tiered(use[order.order], offer.tiers)
        elif offer.kind == "monthly":
            cost = offer.price * (months(order.at, until) - 1)
        if booked[order.order] != cost:
            books.findings.append(f"charges of {order.order} ({offer.kind}): {cost} due, {booked[order.order]} booked")
    for order_id in set(use) | set(booked):
        if order_id not in bought:
            books.findings.append(f"use or charges of {order_id}, which nobody bought")


def months(start: datetime, until: datetime) -> int:
    """How many months of an agreement have begun before a moment; each begins on the day on which the first began."""
    count = 0
    year, month = start.year, start.month
    while start.replace(year=year, month=month, day=min(start.day, monthrange(year, month)[1])) < until:
        count += 1
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)
    return count


def tiered(quantity: int, tiers: Sequence[tuple[int | None, int]]) -> int:
    """What a quantity costs where each band has a price of its own."""
    total = below = 0
    for up_to, price in tiers:
        upper = quantity if up_to is None else min(quantity, up_to)
        total += max(0, upper - below) * price
        below = max(below, upper)
    return total


def remainders(total: int, weights: Sequence[int]) -> list[int]:
    """Hamilton's method: floors first, then one unit each to the largest remainders, ties to the first."""
    if total < 0:
        return [-part for part in remainders(-total, weights)]
    whole = sum(weights)
    exact = [Fraction(total * weight, whole) for weight in weights]
    parts = [int(one) for one in exact]
    by_rest = sorted(range(len(weights)), key=lambda n: (parts[n] - exact[n], n))
    for n in by_rest[: total - sum(parts)]:
        parts[n] += 1
    return parts


def highest_averages(weights: Sequence[int], seats: int) -> list[int]:
    """Webster's method from below: the next unit goes to the largest weight / (2 x units so far + 1), ties to the first."""
    whole, count = sum(weights), len(weights)
    parts = [max(0, weight * seats // whole - count - 1) for weight in weights]
    while sum(parts) < seats:
        n = max(range(count), key=lambda n: (Fraction(weights[n], 2 * parts[n] + 1), -n))
        parts[n] += 1
    return parts


def waterfall(
    offer: Offer, sales: Sequence[tuple[int, str, str]], introduced: Mapping[tuple[str, str], tuple[str, int]]
) -> Counter[tuple[str, str]]:
    """What all sales together give everybody, by (party, kind of account)."""
    got: Counter[tuple[str, str]] = Counter()
    gross_of: Counter[str] = Counter()
    left_of: Counter[str] = Counter()
    for units, month, buyer in sales:
        gross_of[month] += units
        left_of[month] += _pour(offer, "sale", units, units, got, introduced.get((offer.seller, buyer)))
    left = sum(_pour(offer, "month", gross_of[month], left_of[month], got, None) for month in sorted(gross_of))
    rest = _pour(offer, "lifetime", sum(gross_of.values()), left, got, None)
    assert rest == 0, rest
    return got


def _pour(
    offer: Offer, per: str, gross: int, left: int, got: Counter[tuple[str, str]], introduced: tuple[str, int] | None
) -> int:
    """Let the steps of one width take their parts; what they leave."""
    for step in offer.rule:
        if step.per != per:
            continue
        payee, wanted = step.payee, left
        if step.op == "fixed":
            wanted = step.amount
        elif step.op == "share_of_gross":
            wanted = gross * step.percent // (100 * MILLION)
            wanted = min(wanted, step.amount) if step.amount else wanted
        elif step.op == "share_of_net":
            wanted = left * step.percent // (100 * MILLION)
        elif step.op == "recoup":
            # It makes the supplier's advance smaller, or is the supplier's own: a position either way.
            wanted = min(step.amount, left * step.percent // (100 * MILLION))
        elif step.op == "tiers":
            wanted = tiered(gross, step.bands) // (100 * MILLION)
        elif step.op == "mandate":
            if introduced is None:
                continue
            payee, wanted = introduced[0], gross * introduced[1] // (100 * MILLION)
        taken = max(0, min(wanted, left))
        kind = {EXCHANGE: "revenue", "pool": "pool"}.get(payee, "pending")
        got[EXCHANGE if payee == "pool" else payee, kind] += taken
        left -= taken
    return left


def compare(books: Books, theirs: Mapping[Account, int]) -> list[str]:
    """Each account that does not hold what it must, in words."""
    folded: Counter[Account] = Counter()
    found = list(books.findings)
    for (party, kind, currency), units in theirs.items():
        folded[party, "position" if kind in POSITION else kind, currency] += units
        if units and kind in ("pending", "clearing", "receivable"):
            found.append(f"{party} {kind} {currency}: {units} is left, though everything is settled")
        if (kind == "payable" and units < 0) or (kind in ("debt", "advance") and units > 0):
            found.append(f"{party} {kind} {currency}: {units} has the wrong sign")
    for account in sorted({*books.accounts, *folded}):
        if books.accounts[account] != folded[account]:
            ours, said = books.accounts[account], folded[account]
            found.append(f"{' '.join(account)}: {ours} by the auditor, {said} by the exchange")
    return found
