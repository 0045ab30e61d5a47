"""What has to be in order before a month's books are closed: one point each, ready or not, with the facts. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from exchange.kernel.money import Money
from exchange.kernel.text import Text

# A transfer that nobody claimed for so long is somebody's to look for.
SUSPENSE_AGES = timedelta(days=30)


class Point(StrEnum):
    """What is looked at."""

    RUNS = "runs-closed"
    RECONCILED = "reconciled"
    NO_STOP = "nothing-stopped"
    PROVED = "money-proved"
    SUSPENSE = "suspense-claimed"
    DOCUMENTS = "documents-issued"
    WITHHOLDING = "withholding-decided"


TITLES = {
    Point.RUNS: Text("Settlement runs are closed", "结算批次均已关闭"),
    Point.RECONCILED: Text("Movements at the provider are reconciled", "支付机构资金变动均已对账"),
    Point.NO_STOP: Text("Reconciliation stands nowhere", "对账无停止"),
    Point.PROVED: Text("Clients' money is proved", "客户资金已证明"),
    Point.SUSPENSE: Text("Transfers are claimed", "来款均已认领"),
    Point.DOCUMENTS: Text("Invoices and credit notes are issued", "账单与贷项通知单均已开具"),
    Point.WITHHOLDING: Text("What tax is withheld from payouts", "付款代扣税款"),
}


@dataclass(frozen=True, slots=True)
class Papers:
    """Which papers on runs that end by then are not out.

    shapes   missing: accounts whose papers wait, with all `reasons`; by_rule: those whose shares a rule with a memory split,
             on which no paper is ever written here; refunds: of what stands on papers, without one of their own
    """

    missing: int = 0
    reasons: tuple[str, ...] = ()
    by_rule: int = 0
    refunds: int = 0


ALL_OUT = Papers()


@dataclass(frozen=True, slots=True)
class Facts:
    """What the points are decided from, of one currency and the end of a month.

    shapes   withholding: whose law payouts are taxed by, None where nothing is withheld; proof_*: of the newest proof made at the end or later, None where there is none; uses_provider: whether money
             of this currency was ever at the provider
    """

    end: datetime
    settled: bool
    open_run: str | None
    uses_provider: bool
    looked_at: datetime | None
    waiting: int
    stopped: str | None
    proof_difference: Money | None
    proof_short: Money | None
    proof_complete: bool
    unclaimed: int
    oldest_unclaimed: datetime | None
    papers: Papers = ALL_OUT
    withholding: str | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """A point, whether it is in order, and what was found."""

    point: Point
    ready: bool
    said: str


def check(facts: Facts) -> Sequence[Checked]:
    """Every point, in the order in which they are settled."""
    first = (_runs(facts), _reconciled(facts), _stopped(facts), _proved(facts), _suspense(facts))
    return (*first, _documents(facts.papers), _withholding(facts))


def _runs(facts: Facts) -> Checked:
    if facts.open_run is not None:
        return Checked(Point.RUNS, False, f"{facts.open_run} is open")
    return Checked(Point.RUNS, facts.settled, "settled" if facts.settled else "not settled to the end")


def _reconciled(facts: Facts) -> Checked:
    if not facts.uses_provider:
        return Checked(Point.RECONCILED, True, "no money at the provider")
    if facts.looked_at is None or facts.looked_at < facts.end:
        return Checked(Point.RECONCILED, False, "not looked at since the end")
    return Checked(Point.RECONCILED, not facts.waiting, f"{facts.waiting} movements without a journal")


def _stopped(facts: Facts) -> Checked:
    return Checked(Point.NO_STOP, facts.stopped is None, facts.stopped or "nowhere")


def _proved(facts: Facts) -> Checked:
    if facts.proof_difference is None or facts.proof_short is None:
        return Checked(Point.PROVED, False, "no proof since the end")
    if facts.proof_difference.units or facts.proof_short.units:
        said = f"{facts.proof_difference} unexplained, {facts.proof_short} short"
        return Checked(Point.PROVED, False, said)
    said = "proved" if facts.proof_complete else "nobody has stated what lies at a place where something does"
    return Checked(Point.PROVED, facts.proof_complete, said)


def _suspense(facts: Facts) -> Checked:
    old = facts.oldest_unclaimed is not None and facts.oldest_unclaimed < facts.end - SUSPENSE_AGES
    since = f", the oldest since {facts.oldest_unclaimed.date()}" if facts.oldest_unclaimed is not None else ""
    return Checked(Point.SUSPENSE, not old, f"{facts.unclaimed} unclaimed{since}")


def _documents(papers: Papers) -> Checked:
    said = []
    if papers.missing:
        said.append(f"{papers.missing} accounts without papers: {', '.join(papers.reasons)}")
    if papers.refunds:
        said.append(f"{papers.refunds} refunds without a credit note")
    ready = not said
    if papers.by_rule:
        # No run can ever write these, so they keep no month open; whoever closes it is told all the same.
        said.append(f"{papers.by_rule} accounts of shares by split rules, to be invoiced outside the exchange")
    return Checked(Point.DOCUMENTS, ready, "; ".join(said) or "all out")


def _withholding(facts: Facts) -> Checked:
    # Whether tax must be withheld is the operator's to know; the checklist says what is done, so that nobody overlooks it.
    said = f"by the table of {facts.withholding}" if facts.withholding else "off: no table of rules is in force"
    return Checked(Point.WITHHOLDING, True, said)
