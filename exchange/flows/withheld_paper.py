"""The certificate of what was withheld from a payee in a year, as a paper."""

from __future__ import annotations

from datetime import UTC, datetime

from exchange.flows.paper_parties import parties_of
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.parties import store as parties
from settlement.paper.withholding_sheet import Who, WithheldPaper
from settlement.store import withholding


async def withheld_paper(tx: Tx, actor: Actor, year: int) -> WithheldPaper | None:
    """The actor's own certificate; None where no payout of the year was under a rule."""
    since, until = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
    kept = await withholding.kept_of(tx, actor.organisation_id, since, until)
    if not kept:
        return None
    known = await parties_of(tx, [actor.organisation_id])
    mine = await parties.my_organisation(tx, actor)
    payee, by = known.known.get(actor.organisation_id), known.known.get(known.operator) if known.operator else None
    name = ids.text("org", actor.organisation_id)
    return WithheldPaper(
        payee=Who(payee.legal_name, (*payee.address, payee.city, payee.country, payee.tax_id or payee.vat_id or name))
        if payee
        else Who(mine.name if mine else {"en": name}, (kept[-1].payee, name)),
        by=Who(by.legal_name, (*by.address, by.city, by.country))
        if by
        else Who({"en": "Corpus Exchange", "zh": "语料交易所"}, (kept[-1].payer,)),
        year=year,
        over=tx.now >= until,
        kept=kept,
    )
