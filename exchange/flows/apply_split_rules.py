"""What waits on the clearing account goes to the payees of its rules: cumulatively, with a fact for each step's amounts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any
from uuid import UUID

import msgspec

from compliance import store as audit
from compliance.entries import Entry
from exchange.catalog.store import listings
from exchange.flows.resolve_split import FIELD
from exchange.kernel import ids
from exchange.kernel.db import Tx
from exchange.kernel.money import Money
from settlement import postings, refunds
from settlement.accounts import AccountKey, AccountKind, advance, payable, pending, platform
from settlement.journals import Journal, Line, Posted
from settlement.mandates import introduced, standing
from settlement.runs import Run, RunItem
from settlement.splits import Role
from settlement.store import ledger, mandates, payouts, runs, split_rules
from settlement.store import split_bookings as store
from settlement.store.mandates import IntroducedSale
from settlement.store.split_bookings import Run as Booking
from settlement.store.split_bookings import SaleOf, Waiting
from settlement.waterfall import (
    LIFE,
    NOTHING,
    Carried,
    Introduced,
    Level,
    Per,
    Sold,
    StepPart,
    Waterfall,
    carry,
    pour,
    touched,
)
from settlement.waterfall_document import SplitRule, load, month_of

# With the payees of a rule they fit into one journal.
SOURCES_PER_RUN = 300
_LINES_MAX = 2_000
# A refund's transaction may have begun so long before it could be seen.
_ROOM = timedelta(hours=1)
_NOTHING: Mapping[Any, Any] = MappingProxyType({})


class NotSplit(AssertionError):
    """Money waits for a rule that is not there, or the ledger did not take it: a defect, and nothing of it is kept."""


@dataclass(frozen=True, slots=True)
class _Claimed:
    """The broker's part in one sale."""

    introduced: Introduced
    sale: IntroducedSale


@dataclass(frozen=True, slots=True)
class RuleGroup:
    """What waits for one rule, the lines of each order or charge together, with their sales and the brokers' parts."""

    rule: SplitRule
    lines: Sequence[Waiting]
    sales: Mapping[UUID, SaleOf]
    claims: Mapping[UUID, _Claimed]
    understood: Waterfall

    def sold(self, lines: Sequence[Waiting]) -> list[Sold]:
        """Some of its lines as the rule sees them."""
        found = []
        for one in lines:
            sale = self.sales[one.source_id]
            claimed = self.claims.get(sale.sale_id)
            month = month_of(sale.at, self.understood.time_zone)
            found.append(Sold(sale.sale_id, month, one.amount, claimed.introduced if claimed else None))
        return found


async def split_now(tx: Tx, currency: str, ready: Collection[UUID]) -> None:
    """Split orders and charges that were just accepted, and nothing else; their parts become payable at once."""
    # A line of this very moment waits like every other.
    until = tx.now + timedelta(milliseconds=1)
    while await apply_rules(tx, currency, until, ready=ready, release=True, later=False):
        pass


async def apply_rules(
    tx: Tx,
    currency: str,
    until: datetime,
    *,
    ready: Collection[UUID] | None = None,
    release: bool = False,
    later: bool = True,
) -> int:
    """Split what came onto the clearing account before `until` by the rules of its offers; call it until it answers 0.

    Money is given to pending accounts (revenue, pool and advances for the exchange), or taken back where refunds came since.
    Of a recoupment no more goes to the exchange than is outstanding of the advance: the rest is its payee's own.

    shapes   ready: orders and charges that may be split now (accepted, paid), None for all; what came later of a sale
             that was split before always is, unless `later` is False; release: whether the parts become payable at
             once, so that nothing of them waits in pending; -> how many lines were split
    errors   NotSplit
    """
    await store.lock_runs(tx, currency)
    waiting = await store.waiting(tx, currency, until, ready, _LINES_MAX, later=later)
    if not waiting:
        return 0
    count = 0
    for one in await by_rule(tx, waiting):
        some = first_sources(one.lines)
        await audit.append(tx, await _with_family(tx, one, until, some, release=release))
        count += len(some)
    return count


async def split_sales(tx: Tx, run: Run, ready: Mapping[RunItem, Sequence[UUID]]) -> list[Entry]:
    """Split what waits for rules of a run's sellers, and make it payable: of what is ready, and of refunds since.

    Each rule is its seller's, and each seller's ids are worked out apart: it makes no difference which others are with it.

    shapes   tx: as of the run's opening; ready: by seller, the orders and charges that may be split; -> what the audit log
             is to say
    errors   NotSplit
    """
    waiting = await waiting_for(tx, run, ready)
    if not waiting:
        return []
    await store.lock_runs(tx, run.currency)
    parts = {
        item.organisation_id: replace(
            # Behind the seller's other journals.
            tx,
            ids=ids.DerivedIds(run.opened_at, run.id, "split", place=2 * item.position + 1, room=ids.PART_ROOM // 2),
        )
        for item in ready
    }
    entries = []
    for one in await by_rule(tx, waiting):
        lines = one.lines
        while lines:
            some = first_sources(lines)
            lines = lines[len(some) :] if len(some) < len(lines) else []
            tx_of = parts[one.rule.supplier_id]
            entries += await _with_family(tx_of, one, run.period_end, some, release=True)
    return entries


async def waiting_for(tx: Tx, run: Run, ready: Mapping[RunItem, Sequence[UUID]]) -> list[Waiting]:
    """What is written and waits for the rules of a run's sellers, the oldest first."""
    settled = await runs.settled_until(tx, [item.organisation_id for item in ready], run.currency)
    since = {
        item.organisation_id: settled[item.organisation_id].opened_at - _ROOM
        if item.organisation_id in settled
        else None
        for item in ready
    }
    sources = [one for found in ready.values() for one in found]
    return await store.waiting_of(tx, run.currency, run.seen_until, sources, since)


async def by_rule(tx: Tx, waiting: Sequence[Waiting], fresh: Mapping[UUID, SaleOf] = _NOTHING) -> list[RuleGroup]:
    """What waits, by rule: the lines of one order or charge together, the oldest first.

    shapes   fresh: the sales of charges that are not written yet
    """
    known = await store.sales_of(tx, sorted({one.source_id for one in waiting} - fresh.keys()))
    sales = {**known, **fresh}
    rules = await _rules(tx, sales)
    claims = await _claims(tx, sales)
    found: dict[UUID, dict[UUID, list[Waiting]]] = defaultdict(dict)
    for one in waiting:
        if one.source_id not in sales:
            raise NotSplit(f"{one.source_id} is no order or charge")
        found[rules[sales[one.source_id].offer_id].id].setdefault(one.source_id, []).append(one)
    named = {rule.id: rule for rule in rules.values()}
    return [
        RuleGroup(
            named[rule_id],
            [one for lines in by_source.values() for one in lines],
            sales,
            claims,
            load(named[rule_id].document),
        )
        for rule_id, by_source in sorted(found.items())
    ]


async def _with_family(
    tx: Tx, group: RuleGroup, until: datetime, lines: Sequence[Waiting], *, release: bool
) -> list[Entry]:
    """Split by a rule that goes on from its earlier versions, and let its later ones, which go on from it, follow."""
    rule = group.rule
    if not group.understood.of(Per.LIFETIME):
        return await _split(tx, group, until, lines, NOTHING, release=release)
    carried: Mapping[str, Carried] = NOTHING
    entries: list[Entry] = []
    for one in await split_rules.family(tx, rule):
        understood = load(one.document)
        if one.id == rule.id:
            entries += await _split(tx, group, until, lines, carried, release=release)
        level = (await store.levels(tx, one.id, [LIFE])).get(LIFE)
        if one.version > rule.version and level is not None:
            entries += await _split(tx, RuleGroup(one, (), {}, {}, understood), until, (), carried, release=release)
        carried = carry(understood, level or Level(), carried)
    return entries


async def carried_into(tx: Tx, group: RuleGroup) -> Mapping[str, Carried]:
    """What a rule's steps per lifetime go on from: what its earlier versions came to."""
    if not group.understood.of(Per.LIFETIME):
        return NOTHING
    carried: Mapping[str, Carried] = NOTHING
    for one in await split_rules.family(tx, group.rule):
        if one.version >= group.rule.version:
            break
        level = (await store.levels(tx, one.id, [LIFE])).get(LIFE)
        carried = carry(load(one.document), level or Level(), carried)
    return going_on_from(group.understood, carried)


def going_on_from(understood: Waterfall, carried: Mapping[str, Carried]) -> dict[str, Carried]:
    """What those steps go on from that the document lets go on."""
    return {step.id: carried[step.id] for step in understood.steps if step.carries and step.id in carried}


async def _rules(tx: Tx, sales: Mapping[UUID, SaleOf]) -> dict[UUID, SplitRule]:
    """The rule of each offer that was sold."""
    offers = await listings.load_offers(tx, sorted({one.offer_id for one in sales.values()}))
    named: dict[UUID, UUID] = {}
    for offer in offers.values():
        reference = msgspec.json.decode(offer.document).get(FIELD)
        if reference is None:
            raise NotSplit(f"{offer.offer_id} names no rule")
        named[offer.offer_id] = ids.parse("rul", reference["id"])
    found = await split_rules.find_rules(tx, sorted(set(named.values())))
    return {offer_id: found[rule_id] for offer_id, rule_id in named.items()}


async def _claims(tx: Tx, sales: Mapping[UUID, SaleOf]) -> dict[UUID, _Claimed]:
    """The claim that stood when each sale was ordered; sales to buyers whom nobody introduced are left out."""
    pairs = {(one.seller_id, one.buyer_id) for one in sales.values()}
    claims = await mandates.claims_of(tx, sorted(pairs))
    known = await mandates.find_mandates(tx, sorted({one.mandate_id for one in claims}))
    found: dict[UUID, _Claimed] = {}
    for sale in sales.values():
        mine = (one for one in claims if (one.supplier_id, one.buyer_id) == (sale.seller_id, sale.buyer_id))
        claim = standing(mine, sale.ordered_at)
        if claim is not None:
            fact = IntroducedSale(
                sale.sale_id,
                sale.order_id,
                claim.mandate_id,
                claim.id,
                claim.supplier_id,
                claim.broker_id,
                tx.now,
            )
            found[sale.sale_id] = _Claimed(introduced(known[claim.mandate_id]), fact)
    return found


def first_sources(lines: Sequence[Waiting]) -> list[Waiting]:
    """The lines of the first orders and charges, as many as one journal holds."""
    first = set(list(dict.fromkeys(one.source_id for one in lines))[:SOURCES_PER_RUN])
    return [one for one in lines if one.source_id in first]


async def _split(
    tx: Tx,
    group: RuleGroup,
    until: datetime,
    lines: Sequence[Waiting],
    carried: Mapping[str, Carried],
    *,
    release: bool,
) -> list[Entry]:
    """Book some of what waits for one rule; answers what the audit log is to say: nothing where nothing moved."""
    rule, sales, claims = group.rule, group.sales, group.claims
    going_on = going_on_from(group.understood, carried)
    sold = group.sold(lines)
    buckets = touched(sold)
    before = await store.levels(tx, rule.id, buckets)
    poured = pour(group.understood, sold, before, await store.booked(tx, rule.id, buckets), going_on)
    run_id = tx.new_id()
    advances = [advance(one, rule.currency) for one in recouped_of(poured.parts)]
    room = (await ledger.lock_balances(tx, advances)).room if advances else {}
    journal = split_journal(run_id, rule, lines, poured.parts, room)
    if not lines and journal is None:
        return []
    journal_id = None
    if journal is not None:
        (posted,) = await ledger.post(tx, [journal])
        if not isinstance(posted, Posted):
            raise NotSplit(str(posted))
        journal_id = posted.journal_id
    split = [(one, sales[one.source_id].sale_id) for one in lines]
    await store.insert_run(
        tx,
        Booking(
            run_id,
            rule.id,
            rule.supplier_id,
            rule.currency,
            until,
            journal_id,
            split,
            poured.levels,
            poured.parts,
            going_on or None,
        ),
    )
    paid = {part.key.organisation_id for part in poured.parts if part.key.role is Role.BROKER and part.cumulative}
    own = {one.sale_id for one in sold}
    facts = [one.sale for sale_id, one in claims.items() if sale_id in own and one.introduced.broker_id in paid]
    await mandates.insert_introduced(tx, facts)
    if journal is not None and release:
        await _release(tx, journal)
    return [_entry(rule, run_id)]


def recouped_of(parts: Iterable[StepPart]) -> dict[UUID, int]:
    """What goes to the exchange of recoupments, by whose advance it is."""
    recouped: dict[UUID, int] = defaultdict(int)
    for part in parts:
        if part.advance_of is not None and part.key.role is Role.PLATFORM:
            recouped[part.advance_of] += part.amount
    return recouped


def split_journal(
    run_id: UUID, rule: SplitRule, lines: Sequence[Waiting], parts: Sequence[StepPart], room: Mapping[AccountKey, int]
) -> Journal | None:
    """The lines of one booking; None where everything cancelled out.

    shapes   room: what is outstanding of each advance
    """
    waited: dict[UUID, int] = defaultdict(int)
    for one in lines:
        waited[one.source_id] += one.amount
    given: dict[AccountKey, int] = defaultdict(int)
    for part in parts:
        if part.advance_of is None or part.key.role is not Role.PLATFORM:
            given[_account(part, rule.currency)] += part.amount
    for holder, units in recouped_of(parts).items():
        back = min(units, room[advance(holder, rule.currency)])
        given[advance(holder, rule.currency)] += back
        given[pending(holder, rule.currency)] += units - back
    found = [(source, Money(units, rule.currency)) for source, units in waited.items() if units]
    journal = postings.split_by_rule(run_id, found, [(key, units) for key, units in given.items() if units])
    return journal if journal.lines else None


def _account(part: StepPart, currency: str) -> AccountKey:
    if part.key.role is Role.POOL:
        return platform(AccountKind.POOL, currency)
    if part.key.organisation_id is None:
        return platform(AccountKind.REVENUE, currency)
    return pending(part.key.organisation_id, currency)


async def _release(tx: Tx, split: Journal) -> None:
    """Make the parts of one booking payable; what a payee gives back is taken from there, and owed where it is not."""
    waiting = [(line.account, line.amount) for line in split.lines if line.account.kind is AccountKind.PENDING]
    given = [(account, units) for account, units in waiting if units > 0]
    taken = [(account, -units) for account, units in waiting if units < 0]
    released = [payable(key.organisation_id, key.currency) for key, _ in taken if key.organisation_id is not None]
    await payouts.lock_payable(tx, released)
    from_where = refunds.taken_from(taken, True, await ledger.sums(tx, released))
    lines = list(postings.release(split.source_id, [(_holder(key), Money(n, key.currency)) for key, n in given]).lines)
    lines += [Line(key, units, split.source_id) for key, units in taken]
    lines += [Line(key, -units, split.source_id) for key, units in from_where]
    if not lines:
        return
    (posted,) = await ledger.post(tx, [Journal(postings.RELEASE, split.source_id, tuple(lines))])
    if not isinstance(posted, Posted):
        raise NotSplit(str(posted))


def _holder(key: AccountKey) -> UUID:
    assert key.organisation_id is not None
    return key.organisation_id


def _entry(rule: SplitRule, run_id: UUID) -> Entry:
    return Entry(
        action="split.apply",
        organisation_id=None,
        object_id=ids.text("spl", run_id),
        object_version=ids.text("rul", rule.id),
        digests={"rule": rule.sha256},
        concerns=(rule.supplier_id,),
    )
