"""One part of a settlement run: a statement for each payee, over all that moved since the last one."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from compliance.entries import Entry
from exchange.catalog.store import listings
from exchange.flows.bill_payees import Stated, bill_payees
from exchange.flows.explain_statement import explain_entries
from exchange.flows.sale import Sales
from exchange.kernel import ids
from exchange.kernel.db import Tx
from settlement import postings
from settlement.documents import Divided, Statement, make_statement
from settlement.runs import Run, RunItem
from settlement.store import documents, orders, refunds


async def settle_payees(tx: Tx, sales: Sales, run: Run, items: Sequence[RunItem]) -> list[Entry]:
    """Write the statements of these payees; one to whom nothing happened gets none.

    shapes   tx: as of the run's opening; -> what the audit log is to say
    """
    payees = [item.organisation_id for item in items]
    entries = await documents.unstated_entries(tx, payees, run.currency, run.seen_until)
    released = {e.source_id for found in entries.values() for e in found if e.kind == postings.RELEASE}
    sources = await orders.get_sources(tx, list(released)) if released else {}
    offers = await listings.load_offers(tx, [source.offer_id for source in sources.values()])
    shares = {source.id: sales.shares_of(offers[source.offer_id]) for source in sources.values()}
    divided = Divided(sources, shares)
    chain = await documents.statement_chain(tx, payees, run.currency)
    stated = [
        Stated(payee, _statement_id(run, item), chain[payee][1], entries[payee])
        for item, payee in zip(items, payees, strict=True)
    ]
    billed = await bill_payees(tx, run, stated, sources)
    if billed.booked:
        # The tax on papers stands on the statement that they are about.
        entries = await documents.unstated_entries(tx, payees, run.currency, run.seen_until)
    backs = await refunds.given_back(
        tx, [e.source_id for found in entries.values() for e in found if e.kind == postings.REFUND]
    )
    whole = await refunds.whole_shares(tx, list(released))
    explained = await explain_entries(tx, entries, sources, whole)
    made = [
        make_statement(
            _statement_id(run, item),
            *(run, payee, chain[payee], entries[payee], divided, run.opened_at, backs),
            {source: of[payee] for source, of in whole.items() if payee in of},
            explained.lines[payee],
            explained.rules[payee],
        )
        for item, payee in zip(items, payees, strict=True)
        if entries[payee]
    ]
    await documents.insert_statements(tx, made)
    return [_entry(run, statement) for statement in made] + [*billed.logged]


def _statement_id(run: Run, item: RunItem) -> UUID:
    return ids.derived(run.opened_at, run.id, "statement", item.organisation_id, place=item.position)


def _entry(run: Run, statement: Statement) -> Entry:
    return Entry(
        action="settlement.statement",
        organisation_id=None,
        object_id=ids.text("stm", statement.id),
        digests={"statement": statement.sha256},
        concerns=(statement.organisation_id,),
        object_version=ids.text("run", run.id),
    )
