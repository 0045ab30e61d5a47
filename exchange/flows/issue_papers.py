"""Fiscal documents are issued: checked by the standard's rules first, then numbered, then written, once and for good."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

import msgspec

from compliance.entries import Entry
from exchange.flows.paper_parties import Parties, parties_of
from exchange.kernel import ids
from exchange.kernel.db import Tx
from settlement.fiscal import FiscalDoc
from settlement.fiscal_papers import (
    NONE_GIVEN,
    About,
    Account,
    Given,
    Original,
    Sheet,
    Sides,
    Sold,
    Source,
    first_sheets,
    later_sheets,
    write_sheet,
)
from settlement.fiscal_rules import check
from settlement.selfbilling import Agreement
from settlement.store import documents, fiscal, selfbilling
from settlement.store.fiscal import NewDoc


@dataclass(slots=True)
class Issued:
    """What came of it: the documents, what is missing with its reasons, and what the audit log is to say."""

    docs: list[NewDoc] = field(default_factory=list)
    missing: dict[tuple[str, UUID], tuple[Wanted, set[str]]] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)

    def miss(self, wanted: Wanted, why: Iterable[str]) -> None:
        """Keep that some papers of an account are missing: each account once, with all reasons."""
        key = (wanted.account.about.value, wanted.account.account_id)
        self.missing.setdefault(key, (wanted, set()))[1].update(why)


@dataclass(frozen=True, slots=True)
class Wanted:
    """An account to be billed, and how what comes of it is named: the same naming gives the same ids.

    shapes   sold: what is billed, asked for only where nothing is missing; why: what is known to be missing already
    """

    account: Account
    naming: tuple[object, ...]
    sold: Callable[[], Sequence[Sold]]
    why: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Paper:
    wanted: Wanted
    sheet: Sheet
    doc: FiscalDoc


async def issue_papers(tx: Tx, wanted: Sequence[Wanted], at: datetime) -> Issued:
    """Issue the papers of these accounts, dated by `at`; what cannot be issued is kept as missing, with the reasons.

    First what was sold gets its papers; then what was given back gets those that name them, in the same transaction.
    """
    issued = Issued()
    if not wanted:
        return issued
    parties = await parties_of(tx, [one for of in wanted for one in (of.account.seller_id, of.account.buyer_id)])
    payees = [of.account.seller_id for of in wanted if of.account.about is About.SHARE]
    agreements = await selfbilling.in_force(tx, payees) if payees else {}
    ready = []
    for one in wanted:
        sides = _sides(one.account, parties, agreements)
        if isinstance(sides, Sides) and not one.why:
            sold = msgspec.structs.replace(one.account, sold=tuple(one.sold()))
            ready.append((replace(one, account=sold), sides))
        else:
            issued.miss(one, (*one.why, *(() if isinstance(sides, Sides) else sides)))
    kept: list[_Paper] = []
    sound = [one for one in ready if _first(issued, kept, *one, at)]
    await _write(tx, issued, kept)
    originals = await _originals(tx, [one for one, _ in sound])
    given = await fiscal.given_back(tx, {one.preceding.id for of in originals.values() for one in of.values()})
    kept = []
    for one, sides in sound:
        _later(issued, kept, one, sides, (originals[one.account.about], given), at)
    await _write(tx, issued, kept)
    await fiscal.insert_missing(
        tx,
        [
            (ids.derived(at, *one.naming, "missing", *key), one.account, sorted(why))
            for key, (one, why) in issued.missing.items()
        ],
    )
    return issued


def _sides(account: Account, parties: Parties, agreements: Mapping[UUID, Agreement]) -> Sides | tuple[str, ...]:
    """Who stands on an account's papers, or what is missing."""
    why = []
    for name, one in (("seller", account.seller_id), ("buyer", account.buyer_id)):
        if one not in parties.known:
            why.append("operator_profile" if one == parties.operator else f"{name}_profile")
    agreement = agreements.get(account.seller_id)
    if account.about is About.SHARE and agreement is None:
        why.append("agreement")
    if why:
        return tuple(why)
    seller, buyer = parties.known[account.seller_id], parties.known[account.buyer_id]
    return Sides(seller, buyer, agreement.id if agreement and account.about is About.SHARE else None)


def _first(issued: Issued, kept: list[_Paper], one: Wanted, sides: Sides, at: datetime) -> bool:
    """Write what corrects nothing; an account with one paper that breaks a rule gets none."""
    sheets = first_sheets(one.account)
    papers = [_Paper(one, sheet, _written(one, sheet, sides, at, n)) for n, sheet in enumerate(sheets)]
    broken = sorted({f"rule:{rule.rule}" for paper in papers for rule in check(paper.doc)})
    if broken:
        issued.miss(one, broken)
        return False
    kept += papers
    return True


def _later(
    issued: Issued,
    kept: list[_Paper],
    one: Wanted,
    sides: Sides,
    known: tuple[Mapping[tuple[UUID, Source], Original], dict[UUID, Given]],
    at: datetime,
) -> None:
    """Write what corrects other papers; what stands on none waits until that has one.

    shapes   known: the papers, and what was given back of each so far, to which this adds
    """
    originals, given = known
    mine = {source: found for (payee, source), found in originals.items() if payee == one.account.payee_id}
    sheets, lost = later_sheets(one.account, mine)
    if lost:
        issued.miss(one, ("original",))
    # The first sheets of an account took the numbers before these.
    for n, sheet in enumerate(sheets, 1_000):
        of = sheet.original.preceding.id if sheet.original else None
        before = given.get(of, NONE_GIVEN) if of else NONE_GIVEN
        doc = _written(one, sheet, sides, at, n, before)
        broken = sorted({f"rule:{rule.rule}" for rule in check(doc)})
        if broken:
            issued.miss(one, broken)
            continue
        kept.append(_Paper(one, sheet, doc))
        if of and sheet.credit:
            given[of] = before.then(sheet, doc)


def _written(one: Wanted, sheet: Sheet, sides: Sides, at: datetime, n: int, given: Given = NONE_GIVEN) -> FiscalDoc:
    name = ids.derived(at, *one.naming, "document", one.account.about.value, one.account.account_id, n)
    return write_sheet(one.account, sheet, sides, name, at, given)


async def _originals(tx: Tx, wanted: Sequence[Wanted]) -> dict[About, Mapping[tuple[UUID, Source], Original]]:
    found: dict[About, Mapping[tuple[UUID, Source], Original]] = {}
    for about in About:
        corrected = {
            sold.corrects[1]
            for one in wanted
            if one.account.about is about
            for sold in one.account.sold
            if sold.corrects
        }
        found[about] = await fiscal.originals(tx, about, corrected)
    return found


async def _write(tx: Tx, issued: Issued, papers: Sequence[_Paper]) -> None:
    """Take the numbers and write: from here on nothing is refused, so that no number is lost."""
    if not papers:
        return
    numbers = await documents.take_numbers(tx, [one.doc.series for one in papers])
    new = [
        NewDoc(paper.doc.numbered(number), paper.wanted.account, [(sold.source, sold.net) for sold in paper.sheet.sold])
        for paper, number in zip(papers, numbers, strict=True)
    ]
    digests = await fiscal.insert_documents(tx, new)
    issued.docs += new
    issued.entries += [_entry(one, digests[one.doc.id]) for one in new]


def _entry(one: NewDoc, sha256: bytes) -> Entry:
    return Entry(
        action="settlement.document",
        organisation_id=None,
        object_id=ids.text("doc", one.doc.id),
        digests={"document": sha256},
        concerns=(one.account.seller_id, one.account.buyer_id),
        object_version=ids.text("run", one.account.run_id),
    )
