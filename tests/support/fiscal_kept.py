"""Papers that stand in a database without a run: samples between other parties."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from exchange.kernel.db import Database, Tx
from settlement.fiscal import FiscalDoc
from settlement.fiscal_papers import About, Account
from settlement.store import fiscal
from settlement.store.fiscal import NewDoc
from tests.support.fiscal_samples import AT, named, samples


def between(name: str, seller: UUID, buyer: UUID) -> FiscalDoc:
    """A sample with other parties; its id and its series are its own."""
    doc = samples()[name]
    return replace(
        doc,
        id=named(name, seller, buyer),
        series=doc.series.replace(doc.series.split("/")[1], f"org_{seller.int:032}"[:30]),
        seller=replace(doc.seller, organisation_id=seller),
        buyer=replace(doc.buyer, organisation_id=buyer),
    )


async def keep(database: Database, about: About, doc: FiscalDoc) -> None:
    """Write a paper as a run would."""
    sides = (doc.seller.organisation_id, doc.buyer.organisation_id)
    account = Account(about, *sides, doc.currency, named("run"), named("account"), 1, AT, AT)
    source = (("order", named(doc.id)), 0)

    async def flow(tx: Tx) -> None:
        await fiscal.insert_documents(tx, [NewDoc(doc, account, [source])])

    await database.run(flow)
