"""Papers that were missing are issued once what they need is there: a profile, a tax number, an agreement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from uuid import UUID

import msgspec

from compliance import store as audit
from exchange.flows.bill_payees import Stated, at_run, book_taxes, part_given, released_accounts
from exchange.flows.bill_sales import sold_back, sold_charge, sold_order
from exchange.flows.issue_papers import Wanted, issue_papers
from exchange.flows.once import done
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from settlement.fiscal_papers import About, Account, Sold
from settlement.store import credit, fiscal, fiscal_sources, orders, runs
from settlement.store.fiscal import MissingRow
from settlement.store.refunds import given_back

PER_TIME = 200
_FIRST = UUID(int=0)


class MissingIssued(msgspec.Struct, frozen=True):
    """How many papers were issued now, of how many accounts some are still missing, and whether more are to be tried."""

    issued: int
    missing: int
    more: bool
    last: str | None = None


async def issue_missing(tx: Tx, actor: Actor, after: UUID | None = None) -> MissingIssued:
    """Try again what is missing, the oldest first, and refunds without a credit note; what is issued now is dated today.

    shapes   after: the last one that was tried before
    """
    await fiscal.lock_missing(tx)
    rows = await fiscal.take_missing(tx, PER_TIME, after or _FIRST)
    wanted = [one for row in rows for one in await _again(tx, row)] + (await _refunds(tx) if after is None else [])
    await fiscal.close_missing(tx, [row.id for row in rows])
    issued = await issue_papers(tx, wanted, tx.now)
    await book_taxes(tx, [issued], (tx.now, "missing"))
    named = [done(actor, "settlement.issue_missing", ids.text("dmi", row.id)) for row in rows]
    await audit.append(tx, [*issued.entries, *named])
    last = ids.text("dmi", rows[-1].id) if rows else None
    return MissingIssued(len(issued.docs), len(issued.missing), len(rows) == PER_TIME, last)


async def _again(tx: Tx, row: MissingRow) -> list[Wanted]:
    """What an account asks for now, less what stands on papers already."""
    if row.about == About.SALE:
        return [await _sale(tx, row)]
    head = await fiscal_sources.account_head(tx, row.account_id, sale=False)
    entries = await fiscal_sources.released_on(tx, row.account_id)
    payee = row.seller_id if row.about == About.SHARE else row.buyer_id
    run = await runs.find_run(tx, row.run_id)
    assert run is not None, "what is missing names its run"
    sources = await orders.get_sources(tx, [one.source_id for one in entries])
    about = About(row.about)
    known = await fiscal.billed(tx, _account(row, head.number, head), [one.source_id for one in entries])
    left = [one for one in entries if one.source_id not in known]
    stated = Stated(payee, row.account_id, head.number, left)
    found = released_accounts(await at_run(tx, run, [stated], sources), stated)
    return [replace(one, naming=(*one.naming, row.id)) for one in found if one.account.about is about]


async def _refunds(tx: Tx) -> list[Wanted]:
    """Credit notes on fees and shares of which no run wrote any, as the payee had no statement in it."""
    unbilled = await fiscal_sources.unbilled_refunds(tx, PER_TIME)
    backs = await given_back(tx, sorted({one.refund_id for one in unbilled}))
    accounts: dict[UUID, Account] = {one.document_id: one.account for one in unbilled}
    wanted = []
    for document, account in accounts.items():
        mine = [backs[one.refund_id] for one in unbilled if one.document_id == document]
        sold = [part_given(account.about, account.payee_id, one) for one in mine]
        if any(one.net for one in sold):
            wanted.append(Wanted(account, (document, "refunds"), partial(_list, sold)))
    return wanted


async def _sale(tx: Tx, row: MissingRow) -> Wanted:
    head = await fiscal_sources.account_head(tx, row.account_id, sale=True)
    found = await fiscal_sources.sale_sources(tx, row.account_id)
    named = [one.id for one in found.orders] + [one.order_id for one, _ in found.charges]
    named += [one.source_id for one, _ in found.refunds if one.source_kind == "order"]
    of = await credit.of_orders(tx, named)
    sold = [
        *(sold_order(one, of.get(one.id)) for one in found.orders),
        *(sold_charge(one, unpaid, of.get(one.order_id)) for one, unpaid in found.charges),
        *(sold_back(one, tax, of.get(one.source_id)) for one, tax in found.refunds),
    ]
    account = _account(row, head.number, head)
    known = await fiscal.billed(tx, account, [one.source[1] for one in sold])
    left = [one for one in sold if one.source[1] not in known]
    return Wanted(account, (row.run_id, row.id), partial(_list, left))


def _list(sold: Sequence[Sold]) -> Sequence[Sold]:
    return sold


def _account(row: MissingRow, number: int, head: fiscal_sources.AccountHead) -> Account:
    return Account(
        about=About(row.about),
        seller_id=row.seller_id,
        buyer_id=row.buyer_id,
        currency=row.currency,
        run_id=row.run_id,
        account_id=row.account_id,
        number=number,
        start=head.start,
        end=head.end,
    )
