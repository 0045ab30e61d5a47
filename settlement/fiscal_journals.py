"""The tax on shares and fees in the ledger: what the exchange owes its payees for theirs, and what it takes for its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from settlement.accounts import AccountKey, AccountKind, payable, platform
from settlement.dispute_postings import taken
from settlement.fiscal import FiscalDoc
from settlement.fiscal_papers import About
from settlement.journals import Journal, Line

SELF_BILL_TAX = "self_bill_tax"
FEE_TAX = "fee_tax"
Paper = tuple[About, UUID, FiscalDoc]


def tax_purses(papers: Sequence[Paper]) -> list[AccountKey]:
    """The accounts from which the tax of these papers is taken, each once."""
    return sorted({_purse(paper) for paper in papers if _to_payee(paper) < 0}, key=str)


def tax_journals(papers: Sequence[Paper], there: Mapping[AccountKey, int]) -> list[Journal]:
    """The journals of the tax on papers about shares and fees; a sale's own journal has its tax already.

    Input tax − · payable + of a share, payable − · tax + of a fee, and the other way round on credit notes. What is given
    comes before what is taken; nothing is taken of payable beyond what it holds, and the rest is the payee's debt.

    shapes   papers: (about, payee, document); there: what each of `tax_purses` holds
    units    the tax as the paper says it, in whole coins; a paper without tax has no journal
    """
    left = dict(there)
    found: list[Journal] = []
    for paper in sorted(papers, key=_to_payee, reverse=True):
        about, _, doc = paper
        units, purse = _to_payee(paper), _purse(paper)
        if not units:
            continue
        kind, other = (SELF_BILL_TAX, AccountKind.INPUT_TAX) if about is About.SHARE else (FEE_TAX, AccountKind.TAX)
        lines = [(purse, units)] if units > 0 else [(key, -one) for key, one in taken(purse, -units, left[purse])]
        left[purse] = left.get(purse, 0) + sum(one for key, one in lines if key == purse)
        lines.append((platform(other, doc.currency), -units))
        found.append(Journal(kind, doc.id, tuple(Line(key, one, doc.id) for key, one in lines)))
    return found


def _purse(paper: Paper) -> AccountKey:
    _, payee_id, doc = paper
    return payable(payee_id, doc.currency)


def _to_payee(paper: Paper) -> int:
    """What the payee gets of the tax, below zero where it gives."""
    about, _, doc = paper
    if about is About.SALE:
        return 0
    units = doc.totals.tax.units
    return units if (about is About.SHARE) != doc.kind.is_credit else -units
