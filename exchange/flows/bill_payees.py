"""What payees' statements say, as papers: shares bought from them (389, 261), and the exchange's fees to sellers (380, 381)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from compliance.entries import Entry as Logged
from exchange.flows.issue_papers import Issued, Wanted, issue_papers
from exchange.flows.paper_parties import Parties, parties_of
from exchange.kernel import ids
from exchange.kernel.db import Tx
from exchange.kernel.errors import Problem
from exchange.parties.organisations import Standing
from pricing import tax
from pricing.tax import DEFAULT_CATEGORY, Place
from settlement import postings
from settlement.accounts import AccountKind
from settlement.fiscal_journals import tax_journals, tax_purses
from settlement.fiscal_papers import About, Account, Sold
from settlement.fiscal_zones import zone_of
from settlement.journals import Posted
from settlement.orders import Source
from settlement.refunds import GivenBack, reversed_units
from settlement.runs import Run
from settlement.statement_totals import Entry
from settlement.store import fiscal, ledger, payouts, refunds

_NOTHING: dict[str, str] = {}


class TaxNotPosted(AssertionError):
    """The ledger did not take the tax of a document: a defect, and nothing of it is kept."""


@dataclass(frozen=True, slots=True)
class Stated:
    """What one payee's next statement is about."""

    payee_id: UUID
    statement_id: UUID
    number: int
    entries: Sequence[Entry]


@dataclass(frozen=True, slots=True)
class Billed:
    """What the log is to say, and whether tax moved money on payees' accounts."""

    logged: Sequence[Logged]
    booked: bool


@dataclass(frozen=True, slots=True)
class AtRun:
    """What is known of a part of a run when its payees are billed."""

    run: Run
    parties: Parties
    sources: Mapping[UUID, Source]
    # What went back of a source before its release, without tax.
    gone: Mapping[UUID, Sequence[tuple[datetime, UUID, int]]]
    corrected: Mapping[UUID, tuple[str, UUID]]
    # What each payee got of a source of which something went back, before anything did.
    whole: Mapping[UUID, Mapping[UUID, int]]
    at: datetime

    @property
    def operator(self) -> UUID:
        """Who buys the shares and takes the fees."""
        assert self.parties.operator is not None, "without an operator nothing is billed"
        return self.parties.operator

    def before(self, payee_id: UUID, entry: Entry) -> Sequence[tuple[datetime, UUID, int]]:
        """What had gone back of a source when this was released: nothing where the whole share was."""
        if self.whole.get(entry.source_id, {}).get(payee_id, 0) == entry.amount:
            return ()
        return [back for back in self.gone.get(entry.source_id, ()) if back[0] <= entry.effective_at]


async def bill_payees(tx: Tx, run: Run, stated: Sequence[Stated], sources: Mapping[UUID, Source]) -> Billed:
    """Issue the papers on these statements, and book the tax on them. Nobody bills the exchange's own organisation.

    shapes   tx: as of the run's opening; sources: of what was released
    """
    at = await at_run(tx, run, stated, sources)
    mine = [one for one in stated if one.payee_id != at.parties.operator and one.entries]
    if at.parties.operator is None or not mine:
        return Billed([], booked=False)
    wanted = [wanted for one in mine for wanted in released_accounts(at, one)]
    issued = await issue_papers(tx, wanted, run.opened_at)
    # What was issued just now may have been refunded since its release.
    again = await issue_papers(tx, await _refunded(tx, at, mine), run.opened_at)
    booked = await book_taxes(tx, [issued, again], (run.opened_at, run.id))
    return Billed([*issued.entries, *again.entries], booked)


async def at_run(tx: Tx, run: Run, stated: Sequence[Stated], sources: Mapping[UUID, Source]) -> AtRun:
    """Read what billing these statements needs."""
    parties = await parties_of(tx, [one.payee_id for one in stated])
    released = [e for one in stated for e in one.entries if e.kind == postings.RELEASE]
    gone = await fiscal.gone_back(tx, [e.source_id for e in released])
    corrected = await fiscal.corrected(tx, [e.source_id for e in released if e.amount < 0])
    whole = await refunds.whole_shares(tx, sorted(gone)) if gone else {}
    return AtRun(run, parties, sources, gone, corrected, whole, tx.now)


async def book_taxes(tx: Tx, issued: Sequence[Issued], naming: tuple[object, ...]) -> bool:
    """Book the tax on shares and fees that were billed, what a payee does not have of it as its debt; whether there was any."""
    papers = [(new.account.about, new.account.payee_id, new.doc) for of in issued for new in of.docs]
    purses = tax_purses(papers)
    await payouts.lock_payable(tx, purses)
    journals = tax_journals(papers, await ledger.sums(tx, purses))
    at, *names = naming
    assert isinstance(at, datetime), "a naming begins with its moment"
    named = [replace(one, id=ids.derived(at, *names, "journal", one.kind, one.source_id)) for one in journals]
    results = await ledger.post(tx, named)
    if not all(isinstance(result, Posted) for result in results):
        raise TaxNotPosted(str(next(result for result in results if not isinstance(result, Posted))))
    return bool(named)


def released_accounts(at: AtRun, one: Stated) -> list[Wanted]:
    """The accounts of what was released to a payee: its shares, and the fees on what it sold itself."""
    shares: list[Sold] = []
    fees: list[Sold] = []
    by_rule: list[Sold] = []
    for entry in one.entries:
        if entry.kind != postings.RELEASE:
            continue
        source = at.sources.get(entry.source_id)
        if source is None:
            by_rule.append(_sold(("charge", entry.source_id), entry.amount, None))
            continue
        named = (source.kind, source.id)
        corrects = at.corrected.get(source.id) if entry.amount < 0 else None
        before = at.before(one.payee_id, entry)
        if source.seller_id == one.payee_id:
            left = source.gross.units - sum(units for *_, units in before)
            fees.append(_sold(named, left - entry.amount, corrects))
            fees += [_sold(("refund", refund), 0, None) for _, refund, _ in before]
        else:
            shares.append(_sold(named, entry.amount, corrects))
            shares += [_sold(("refund", refund), 0, None) for _, refund, _ in before]
    return [
        *_wanted(at, one, About.SHARE, shares, "released"),
        *_wanted(at, one, About.FEE, fees, "released"),
        *_wanted(at, one, About.SHARE, by_rule, "rule", ("split_rule",)),
    ]


async def _refunded(tx: Tx, at: AtRun, stated: Sequence[Stated]) -> list[Wanted]:
    """The accounts of what went back since, of shares and fees that stand on papers."""
    by_payee = {one.payee_id: one for one in stated}
    wanted = []
    for about in (About.SHARE, About.FEE):
        found = await fiscal.refunds_to_bill(tx, about, sorted(by_payee), at.run.seen_until, at.run.currency)
        backs = await refunds.given_back(tx, [one for of in found.values() for one in of])
        for payee, refund_ids in found.items():
            known = [backs[one] for one in refund_ids]
            sold = [part_given(about, payee, one) for one in known if not _waits(one)]
            wanted += _wanted(at, by_payee[payee], about, sold, "refunded")
            ruled = [part_given(about, payee, one) for one in known if _waits(one)]
            wanted += _wanted(at, by_payee[payee], about, ruled, "rule", ("split_rule",))
    return wanted


def part_given(about: About, payee_id: UUID, back: GivenBack) -> Sold:
    """A payee's part of a refund, or the fee in one of a seller's."""
    one = back.refund
    weights = [units for _, units in back.paid.parts]
    before = reversed_units(weights, one.cumulative_units - one.amount.units)
    after = reversed_units(weights, one.cumulative_units)
    taken = sum(
        after[n] - before[n]
        for n, (account, _) in enumerate(back.paid.parts)
        if account.organisation_id == payee_id and account.kind is AccountKind.PENDING
    )
    net = taken if about is About.SHARE else one.net.units - taken
    return _sold(("refund", one.id), -net, (one.source_kind, one.source_id))


def _waits(back: GivenBack) -> bool:
    """Whether a rule split what was paid, so that the sale itself does not say whose it was."""
    return any(account.kind is AccountKind.CLEARING for account, _ in back.paid.parts)


def _sold(source: tuple[str, UUID], net: int, corrects: tuple[str, UUID] | None) -> Sold:
    return Sold(source=source, name=_NOTHING, net=net, tax=0, paid=net, corrects=corrects)


def _wanted(
    at: AtRun, one: Stated, about: About, sold: Sequence[Sold], stage: str, why: tuple[str, ...] = ()
) -> list[Wanted]:
    if not any(of.net for of in sold):
        return []
    sides = (one.payee_id, at.operator) if about is About.SHARE else (at.operator, one.payee_id)
    treatment = treatment_of(at.parties.standing, *sides, at.at)
    if isinstance(treatment, Problem):
        why = (*why, "tax_rate")
    else:
        sold = [msgspec.structs.replace(of, treatment=treatment) for of in sold]
    account = Account(
        about=about,
        seller_id=sides[0],
        buyer_id=sides[1],
        currency=at.run.currency,
        run_id=at.run.id,
        account_id=one.statement_id,
        number=one.number,
        start=at.run.period_start,
        end=at.run.period_end,
    )
    return [Wanted(account, (at.run.id, stage), lambda: sold, why)]


def treatment_of(
    standing: Mapping[UUID, Standing], seller_id: UUID, buyer_id: UUID, at: datetime
) -> dict[str, Any] | Problem | None:
    """How a service between two of these is taxed on that day, None where the seller is not registered.

    errors   answers tax-rate-unknown
    """
    seller, buyer = standing.get(seller_id), standing.get(buyer_id)
    if seller is None or buyer is None or not seller.tax_registered:
        return None
    places = Place(seller.country, seller.tax_registered), Place(buyer.country, buyer.tax_registered)
    found = tax.treat(*places, DEFAULT_CATEGORY, at.astimezone(zone_of(seller.country)).date())
    return found if isinstance(found, Problem) else found.document()
