"""What a settlement run would book now: read at one moment, nothing locked, nothing booked, and held against an earlier run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

import msgspec

from compliance import store as audit
from exchange.access.grants import Grant
from exchange.flows.milestones import reserved
from exchange.flows.once import done
from exchange.flows.preview_split import preview_splits
from exchange.flows.sale import Sales
from exchange.flows.settle_books import Books, escrowed, keep_books, rate_sellers, release_shares
from exchange.flows.settle_period import Period, refuse_period, sellers_of
from exchange.kernel import ids, jobs
from exchange.kernel.actor import Actor
from exchange.kernel.collecting import no_collecting
from exchange.kernel.db import Database, Tx
from exchange.kernel.errors import FORBIDDEN, NOT_FOUND, Problem
from exchange.kernel.money import Money
from settlement import postings
from settlement.accounts import AccountKind, wallet
from settlement.journals import Journal
from settlement.previews import Change, LineKey, Part, Preview, by_line, charge_document, compare
from settlement.problems import NOTHING_TO_COMPARE
from settlement.runs import Run, RunItem, RunState
from settlement.store import ledger, previews, runs

PREVIEW = "preview_run"
SELLERS_PER_PART = 50
LINES_PER_WRITE = 5_000
Progress = Callable[[int, int | None], Awaitable[None]]
_EARNED = frozenset({postings.CHARGE, postings.SPLIT})
# What is shown of each seller, buyer and payee; counts are numbers, the rest is money.
_SHOWN = {
    Part.SELLER: ("charges", "charged", "tax", "collected", "released"),
    Part.BUYER: ("charges", "charged", "tax", "paid", "owed"),
    Part.PAYEE: ("earned", "payable"),
}
_COUNTED = frozenset({"charges", "released"})
_OURS = frozenset({AccountKind.REVENUE, AccountKind.TAX, AccountKind.POOL, AccountKind.CLEARING})


class PreviewOrdered(msgspec.Struct, frozen=True):
    """A preview that is being made; its job says how far it is."""

    preview: str
    job: str
    state: str


@dataclass(slots=True)
class Tally:
    """What is added up while a preview goes through the sellers: by organisation, and by line.

    units    millionths
    """

    lines: dict[LineKey, int] = field(default_factory=lambda: defaultdict(int))
    charges: int = 0
    charged: int = 0
    held: int = 0
    sellers: dict[UUID, dict[str, int]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(int)))
    buyers: dict[UUID, dict[str, int]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(int)))
    payees: dict[UUID | str, dict[str, int]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(int)))

    def add(self, books: Books) -> None:
        """Count one seller's part."""
        seller = self.sellers[books.item.organisation_id]
        for charge, unpaid in zip(books.charges, books.unpaid, strict=True):
            buyer, units = self.buyers[charge.buyer_id], charge.amount.units
            self.charges, self.charged = self.charges + 1, self.charged + units
            for side in (seller, buyer):
                side["charges"] += 1
                side["charged"] += units
                side["tax"] += charge.tax_units
            buyer["owed"] += unpaid
        for key, units in by_line(books.charges).items():
            self.lines[key] += units
        seller["collected"] += sum(books.collected.values())
        seller["released"] += len(books.sources)
        self.post(books.journals)

    def post(self, journals: Sequence[Journal]) -> None:
        """Count what journals give to whom: what payees earn, and what becomes payable to them."""
        for journal in journals:
            for account, units, _ in journal.lines:
                who = account.organisation_id
                if account.kind is AccountKind.WALLET and who is not None:
                    self.buyers[who]["paid"] -= units
                elif account.kind is AccountKind.PENDING and who is not None and journal.kind in _EARNED:
                    self.payees[who]["earned"] += units
                    if journal.kind == postings.SPLIT:
                        # What a run splits by a rule it releases at once.
                        self.payees[who]["payable"] += units
                elif account.kind is AccountKind.PAYABLE and who is not None:
                    self.payees[who]["payable"] += units
                elif account.kind in _OURS:
                    self.payees[account.kind.value]["earned"] += units


async def order_preview(
    tx: Tx, actor: Actor, period: Period, compare_with: UUID | None = None
) -> PreviewOrdered | Problem:
    """Ask for a preview of a run over a period.

    shapes   compare_with: a closed run of the same currency and region; the last one where None
    errors   answers forbidden, period-invalid, period-passed, not-found, nothing-to-compare
    """
    if "operator" not in actor.roles:
        return FORBIDDEN(needs="operator")
    wanted = await prepare(tx, period, compare_with, actor.organisation_id)
    if isinstance(wanted, Problem):
        return wanted
    name = ids.text("prv", wanted.id)
    (job,) = await jobs.put(tx, jobs.Job(PREVIEW, name, {"preview": name}))
    await audit.append(tx, [done(actor, "settlement.preview", name)])
    return PreviewOrdered(name, ids.text("job", job), wanted.state)


async def prepare(tx: Tx, period: Period, compare_with: UUID | None, made_by: UUID | None) -> Preview | Problem:
    """Note that a preview is wanted, if the period can be settled and there is something to compare it with.

    errors   answers period-invalid, period-passed, not-found, nothing-to-compare
    """
    refused = await refuse_period(tx, period)
    if refused is not None:
        return refused
    if compare_with is not None:
        run = await runs.find_run(tx, compare_with)
        if run is None:
            return NOT_FOUND()
        if (run.state, run.currency, run.region) != (RunState.CLOSED, period.currency, period.region):
            return NOTHING_TO_COMPARE(run=ids.text("run", run.id), currency=period.currency)
    edges = period.start, period.end, period.currency, period.region
    wanted = Preview(tx.new_id(), *edges, compare_with, "waiting", None, None, made_by, tx.now)
    await previews.put_preview(tx, wanted)
    return wanted


async def make_preview(db: Database, sales: Sales, preview_id: UUID, progress: Progress) -> Preview | Problem:
    """Make a preview that was asked for: all of it as of one moment. Made again, what was made before stays.

    errors   answers not-found
    """
    wanted = await db.run(partial(previews.find_preview, preview_id=preview_id))
    if wanted is None:
        return NOT_FOUND()
    if wanted.state == "waiting":
        await db.run(partial(_look, db=db, sales=sales, wanted=wanted, progress=progress))
    return await db.run(partial(previews.find_preview, preview_id=preview_id)) or wanted


async def _look(tx: Tx, db: Database, sales: Sales, wanted: Preview, progress: Progress) -> None:
    """Go through all sellers in one read-only transaction; what is found is written beside it, so that memory stays flat."""
    await previews.one_moment(tx)
    await runs.be_patient(tx)
    p = wanted
    await db.run(partial(previews.clear_lines, preview_id=p.id))
    run = await runs.next_run(tx, p.period_start, p.period_end, p.currency, p.region)
    items = [RunItem(one, one, n) for n, one in enumerate(sorted(await sellers_of(tx, run)))]
    left: dict[UUID, int] = {}
    tally, out = Tally(), _Out(db, p.id)
    for start in range(0, len(items), SELLERS_PER_PART):
        part = items[start : start + SELLERS_PER_PART]
        with no_collecting():
            found, held = await _part(tx, sales, run, part, left)
        for books in found:
            tally.add(books)
            await out.put(Part.CHARGE, [charge_document(one) for one in books.charges])
        tally.held += len(held)
        await out.put(Part.HELD, [_held(one) for one in held])
        tally.post(await preview_splits(tx, run, found))
        await progress(min(start + SELLERS_PER_PART, len(items)), len(items))
    for kind, sums in ((Part.SELLER, tally.sellers), (Part.BUYER, tally.buyers), (Part.PAYEE, tally.payees)):
        known = sorted(((who, of) for who, of in sums.items() if any(of.values())), key=_order)
        await out.put(kind, [_sums(kind, who, of, run.currency) for who, of in known])
    compared = await _compare(tx, out, run, wanted, tally)
    await out.finish(tx.now, _summary(run, tally, compared))


async def _part(
    tx: Tx, sales: Sales, run: Run, items: Sequence[RunItem], left: dict[UUID, int]
) -> tuple[list[Books], Sequence[Grant]]:
    """What some sellers come to, by the same decisions as a run's; nothing is locked."""
    rated = await rate_sellers(tx, sales, run, items, lock=False)
    unseen = [wallet(buyer, run.currency) for buyer in sorted(rated.buyers - left.keys())]
    for key, units in (await ledger.see_balances(tx, unseen)).available.items():
        if key.organisation_id is not None:
            left[key.organisation_id] = units
    buyer_of = {one.order_id: one.buyer_id for charges in rated.charges.values() for one in charges}
    # What is reserved for a milestone pays for it: a run gives it back to the wallet first.
    for one in await reserved(tx, [wanted for item in items for wanted in escrowed(rated, item)]):
        left[buyer_of[one.order_id]] += one.amount.units
    found = [keep_books(rated, item, left) for item in items]
    await release_shares(tx, found)
    return found, rated.held


@dataclass(slots=True)
class _Out:
    """Where the lines of a preview go, a portion at a time, each in a transaction of its own."""

    db: Database
    preview_id: UUID
    counts: dict[Part, int] = field(default_factory=lambda: defaultdict(int))
    waiting: dict[Part, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))

    async def put(self, part: Part, lines: Sequence[dict[str, Any]]) -> None:
        """Take lines; write them when there are enough."""
        self.waiting[part] += lines
        if len(self.waiting[part]) >= LINES_PER_WRITE:
            await self._write(part)

    async def finish(self, seen_at: datetime, summary: dict[str, Any]) -> None:
        """Write the rest, and that the preview is made."""
        for part in list(self.waiting):
            await self._write(part)
        finish = partial(previews.finish_preview, preview_id=self.preview_id, seen_at=seen_at, summary=summary)
        await self.db.run(finish)

    async def _write(self, part: Part) -> None:
        lines, self.waiting[part] = self.waiting[part], []
        add = partial(previews.add_lines, preview_id=self.preview_id, part=part, after=self.counts[part], lines=lines)
        await self.db.run(add)
        self.counts[part] += len(lines)


async def _compare(tx: Tx, out: _Out, run: Run, wanted: Preview, tally: Tally) -> dict[str, Any] | None:
    """Hold the lines against those of the run named, or of the last one; None where there is none."""
    if wanted.compare_with is not None:
        earlier = await runs.find_run(tx, wanted.compare_with)
    else:
        earlier = await runs.last_closed(tx, run.currency, run.region)
    if earlier is None:
        return None
    same = (earlier.period_start, earlier.period_end) == (run.period_start, run.period_end)
    before = await previews.booked_by(tx, earlier, all_of_period=same)
    counts, sums, unchanged = dict.fromkeys(Change, 0), dict.fromkeys(Change, 0), 0
    lines = []
    for one in compare(before, tally.lines, same_period=same):
        if one.change is None:
            unchanged += 1
            continue
        counts[one.change] += 1
        sums[one.change] += one.units
        lines.append(one.document(run.currency))
    await out.put(Part.DIFF, lines)
    return {
        "run": ids.text("run", earlier.id),
        "same_period": same,
        "unchanged": unchanged,
        **{
            change.value: {"lines": counts[change], "difference": Money(sums[change], run.currency).to_wire()}
            for change in Change
        },
    }


def _summary(run: Run, tally: Tally, compared: dict[str, Any] | None) -> dict[str, Any]:
    def money(units: int) -> dict[str, str]:
        return Money(units, run.currency).to_wire()

    buyers, payees = tally.buyers.values(), tally.payees.items()
    return {
        "number": run.number,
        "charges": tally.charges,
        "held": tally.held,
        "charged": money(tally.charged),
        "paid_from_wallets": money(sum(one["paid"] for one in buyers)),
        "owed": money(sum(one["owed"] for one in buyers)),
        "payable": money(sum(one["payable"] for who, one in payees if isinstance(who, UUID))),
        "compared": compared,
    }


def _sums(part: Part, who: UUID | str, of: dict[str, int], currency: str) -> dict[str, Any]:
    named = {"organisation": ids.text("org", who)} if isinstance(who, UUID) else {"account": who}
    return named | {
        name: of.get(name, 0) if name in _COUNTED else Money(of.get(name, 0), currency).to_wire()
        for name in _SHOWN[part]
    }


def _order(one: tuple[UUID | str, Any]) -> str:
    return str(one[0])


def _held(grant: Grant) -> dict[str, Any]:
    return {
        "grant": ids.text("grt", grant.id),
        "buyer": ids.text("org", grant.buyer_id),
        "seller": ids.text("org", grant.seller_id),
    }
