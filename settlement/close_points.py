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
    said: Text


def check(facts: Facts) -> Sequence[Checked]:
    """Every point, in the order in which they are settled."""
    first = (_runs(facts), _reconciled(facts), _stopped(facts), _proved(facts), _suspense(facts))
    return (*first, _documents(facts.papers), _withholding(facts))


def _runs(facts: Facts) -> Checked:
    if facts.open_run is not None:
        return Checked(Point.RUNS, False, Text(f"{facts.open_run} is open", f"{facts.open_run} 尚未关闭"))
    said = Text("settled", "已结算") if facts.settled else Text("not settled to the end", "尚未结算至期末")
    return Checked(Point.RUNS, facts.settled, said)


def _reconciled(facts: Facts) -> Checked:
    if not facts.uses_provider:
        return Checked(Point.RECONCILED, True, Text("no money at the provider", "支付机构处没有款项"))
    if facts.looked_at is None or facts.looked_at < facts.end:
        return Checked(Point.RECONCILED, False, Text("not looked at since the end", "期末之后尚未对账"))
    said = Text(f"{facts.waiting} movements without a journal", f"{facts.waiting} 笔资金变动没有凭证")
    return Checked(Point.RECONCILED, not facts.waiting, said)


def _stopped(facts: Facts) -> Checked:
    where = Text("nowhere", "无") if facts.stopped is None else Text(facts.stopped, facts.stopped)
    return Checked(Point.NO_STOP, facts.stopped is None, where)


def _proved(facts: Facts) -> Checked:
    if facts.proof_difference is None or facts.proof_short is None:
        return Checked(Point.PROVED, False, Text("no proof since the end", "期末之后尚无证明"))
    if facts.proof_difference.units or facts.proof_short.units:
        apart, short = facts.proof_difference, facts.proof_short
        return Checked(
            Point.PROVED, False, Text(f"{apart} unexplained, {short} short", f"{apart} 无法解释，短缺 {short}")
        )
    if facts.proof_complete:
        return Checked(Point.PROVED, True, Text("proved", "已证明"))
    unknown = Text("nobody has stated what lies at a place where something does", "有款项存放之处无人申报余额")
    return Checked(Point.PROVED, False, unknown)


def _suspense(facts: Facts) -> Checked:
    oldest = facts.oldest_unclaimed
    said = Text(f"{facts.unclaimed} unclaimed", f"{facts.unclaimed} 笔未认领")
    if oldest is not None:
        said = Text(f"{said.en}, the oldest since {oldest.date()}", f"{said.zh}，最早为 {oldest.date()}")
    return Checked(Point.SUSPENSE, oldest is None or oldest >= facts.end - SUSPENSE_AGES, said)


def _documents(papers: Papers) -> Checked:
    said = []
    if papers.missing:
        why, count = ", ".join(papers.reasons), papers.missing
        said.append(Text(f"{count} accounts without papers: {why}", f"{count} 个账户未开具票据：{why}"))
    if papers.refunds:
        count = papers.refunds
        said.append(Text(f"{count} refunds without a credit note", f"{count} 笔退款未开具贷项通知单"))
    ready = not said
    if papers.by_rule:
        # No run can ever write these, so they keep no month open; whoever closes it is told all the same.
        count = papers.by_rule
        outside = f"{count} accounts of shares by split rules, to be invoiced outside the exchange"
        said.append(Text(outside, f"{count} 个账户的分成依分成规则而得，须在所外开具票据"))
    return Checked(Point.DOCUMENTS, ready, listed(said) if said else Text("all out", "均已开具"))


def _withholding(facts: Facts) -> Checked:
    # Whether tax must be withheld is the operator's to know; the checklist says what is done, so that nobody overlooks it.
    if facts.withholding:
        said = Text(f"by the table of {facts.withholding}", f"按 {facts.withholding} 的规则表")
    else:
        said = Text("off: no table of rules is in force", "未启用：没有生效的规则表")
    return Checked(Point.WITHHOLDING, True, said)


def listed(texts: Sequence[Text]) -> Text:
    """Several findings as one."""
    return Text("; ".join(one.en for one in texts), "；".join(one.zh for one in texts))
