"""What is wrong with a waterfall: each finding names its step, in both languages."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from exchange.kernel import ids
from exchange.kernel.errors import Problem
from exchange.kernel.money import decimal_text
from exchange.kernel.text import Text
from settlement.lineage import LineageFault
from settlement.problems import SPLIT_REFUSED
from settlement.splits import Role
from settlement.waterfall import WHOLE, Op, Per, Step, Waterfall

_WIDTH = {per: width for width, per in enumerate(Per)}
_ONE_PAYEE = frozenset({Op.MANDATE, Op.RECOUP, Op.GUARANTEE})
# Over what a kind of step may count; the others may count over anything.
_PERIODS: dict[Op, frozenset[Per]] = {
    Op.MANDATE: frozenset({Per.SALE}),
    Op.RECOUP: frozenset({Per.LIFETIME}),
    Op.GUARANTEE: frozenset({Per.MONTH, Per.LIFETIME}),
}
_PAYS = frozenset({Op.FIXED, Op.RECOUP, Op.GUARANTEE})
_TAKES_SHARE = frozenset({Op.SHARE_OF_GROSS, Op.SHARE_OF_NET, Op.RECOUP})


class Weight(StrEnum):
    """Whether a finding refuses the rule."""

    ERROR = "error"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, or may surprise; `step` is the name of a step, or nothing for the whole rule."""

    code: str
    step: str
    why: Text
    weight: Weight = Weight.ERROR

    def problem(self) -> Problem:
        """The refusal that says it."""
        return SPLIT_REFUSED(step=self.step or "-", why=self.why, code=self.code)


def check(rule: Waterfall, *, members: Collection[UUID] | None = None, least_units: int | None = None) -> list[Finding]:
    """Everything that can be said of a rule without selling by it, errors before notes.

    shapes   members: the organisations among its payees that can be paid here, None where that was not asked
             least_units: the least price that is sold by it, None where it is not known
    """
    found = [*_frame(rule), *_steps(rule), *_allocated(rule), *_payees(rule, members), *_prices(rule, least_units)]
    return sorted(found, key=lambda one: one.weight is Weight.NOTE)


def refusal(findings: Sequence[Finding]) -> Problem | None:
    """The first error as a problem, None where there are only notes."""
    return next((one.problem() for one in findings if one.weight is Weight.ERROR), None)


def lineage_finding(step: str, fault: LineageFault, names: Mapping[UUID, str] | None = None) -> Finding:
    """Why a step cannot pay the upstream of a dataset."""
    known = names or {}
    path = " → ".join(known.get(one, ids.text("ds", one)) for one in fault.path)
    words = {
        "cycle": Text(f"the lineage comes back to itself: {path}", f"数据来源出现循环：{path}"),
        "over": Text(f"{path} hands on more than it receives", f"{path} 向上游分配的比例超过其所得"),
        "too_many": Text("the lineage holds too many datasets", "数据来源涉及的数据集过多"),
        "unknown": Text(f"{path} is not known here", f"{path} 在本交易所不存在"),
    }
    return Finding(f"lineage-{fault.kind.replace('_', '-')}", step, words[fault.kind])


def outside(step: str, source: str) -> Finding:
    """An upstream that is no listing here: nobody can be paid for it unless an organisation is named."""
    return Finding(
        "upstream-outside",
        step,
        Text(
            f"the upstream {source} is not on this exchange; name the organisation that holds its rights as a payee",
            f"上游 {source} 不在本交易所；请直接将其权利机构列为收款方",
        ),
    )


def not_upstream(step: str, source: str) -> Finding:
    """A listing that the dataset does not say it was made of."""
    return Finding(
        "upstream-not-declared",
        step,
        Text(f"the dataset does not declare that it was made of {source}", f"数据集未声明其来源包含 {source}"),
    )


def _frame(rule: Waterfall) -> Iterator[Finding]:
    residual = [n for n, step in enumerate(rule.steps) if step.op is Op.RESIDUAL]
    if not residual:
        yield Finding("residual-missing", "", Text("no step takes what is left", "没有步骤接收剩余金额"))
    for n in residual:
        if n != len(rule.steps) - 1:
            why = Text("it takes all that is left and has to be the last step", "剩余步骤接收全部余额，必须为最后一步")
            yield Finding("residual-not-last", rule.steps[n].id, why)
    seen: set[str] = set()
    widest = Per.SALE
    for step in rule.steps:
        if step.id in seen:
            yield Finding("step-twice", step.id, Text("two steps have this name", "步骤名称重复"))
        seen.add(step.id)
        if _WIDTH[step.per] < _WIDTH[widest]:
            why = Text(
                f"it counts per {step.per} after a step that counts per {widest}; narrower periods come first",
                f"按 {step.per} 计算的步骤位于按 {widest} 计算的步骤之后；期间较短者须在前",
            )
            yield Finding("period-narrower", step.id, why)
        widest = max(widest, step.per, key=_WIDTH.__getitem__)
    if sum(step.op is Op.MANDATE for step in rule.steps) > 1:
        name = [step.id for step in rule.steps if step.op is Op.MANDATE][1]
        yield Finding("mandate-twice", name, Text("the broker is paid by two steps", "经纪方在两个步骤中重复收款"))


def _steps(rule: Waterfall) -> Iterator[Finding]:
    for step in rule.steps:
        if step.per not in _PERIODS.get(step.op, frozenset(Per)):
            allowed = sorted(_PERIODS[step.op], key=_WIDTH.__getitem__)
            why = Text(
                f"a step {step.op} counts per {' or '.join(allowed)}", f"{step.op} 步骤须按 {' 或 '.join(allowed)} 计算"
            )
            yield Finding("period-not-possible", step.id, why)
        if step.op in _ONE_PAYEE and len(step.payees) != 1:
            yield Finding("one-payee", step.id, Text("it has exactly one payee", "只能有一个收款方"))
        if step.op is Op.MANDATE and step.payees[0].role is not Role.BROKER:
            yield Finding("mandate-role", step.id, Text("a mandate pays a broker", "委托步骤的收款方应为经纪方"))
        if (step.op in _PAYS and not step.amount) or (step.op in _TAKES_SHARE and not step.share):
            yield Finding("nothing", step.id, Text("it gives nothing to anybody", "该步骤金额或比例为零"), Weight.NOTE)
        if step.at_least is not None and step.at_most is not None and step.at_most < step.at_least:
            yield Finding("most-below-least", step.id, Text("at_most is below at_least", "at_most 小于 at_least"))
        yield from _bands(step)


def _bands(step: Step) -> Iterator[Finding]:
    if step.op is not Op.TIERS:
        return
    edges = [band.up_to for band in step.bands]
    closed = [edge for edge in edges[:-1] if edge is not None]
    if edges[-1] is not None or len(closed) != len(edges) - 1:
        why = Text(
            "every tier but the last has up_to, and the last has none", "除最后一档外每档须有 up_to，最后一档不得有"
        )
        yield Finding("tiers-open", step.id, why)
    elif closed != sorted(set(closed)) or (closed and closed[0] == 0):
        yield Finding("tiers-order", step.id, Text("the tiers do not rise", "各档上限未递增"))


def _allocated(rule: Waterfall) -> Iterator[Finding]:
    """Shares of the gross must fit into the gross, whatever is sold."""
    total = 0
    full = ""
    for step in rule.steps:
        if full and step.op is not Op.RESIDUAL:
            why = Text(f"nothing is left for it after the step {full}", f"步骤 {full} 之后已无余额")
            yield Finding("nothing-left", step.id, why, Weight.NOTE)
        share = _of_gross(step)
        total += share
        if share and total > WHOLE:
            why = Text(
                f"up to this step {decimal_text(total)} % of the gross are given away",
                f"至该步骤已分配销售总额的 {decimal_text(total)}%",
            )
            yield Finding("over-allocated", step.id, why)
            return
        if not full and (total == WHOLE or (step.op is Op.SHARE_OF_NET and step.share == WHOLE)) and not step.at_most:
            full = step.id


def _of_gross(step: Step) -> int:
    if step.op is Op.SHARE_OF_GROSS:
        return step.share
    if step.op is Op.TIERS and not step.on_net:
        return max((band.share for band in step.bands), default=0)
    return 0


def _payees(rule: Waterfall, members: Collection[UUID] | None) -> Iterator[Finding]:
    for step in rule.steps:
        keys = [(payee.role, payee.organisation_id) for payee in step.payees]
        if len(set(keys)) != len(keys):
            yield Finding("payee-twice", step.id, Text("it pays one payee twice", "同一收款方重复出现"))
        asked = [payee for payee in step.payees if payee.role is Role.UPSTREAM and payee.organisation_id is None]
        if asked and len(step.payees) > 1:
            why = Text("upstream listings stand alone in their step", "上游产品须单独列为一个步骤的收款方")
            yield Finding("upstream-alone", step.id, why)
        named = [payee.organisation_id for payee in step.payees] + [step.advance_of]
        for one in named:
            if members is not None and one is not None and one not in members:
                name = ids.text("org", one)
                why = Text(f"{name} is no verified organisation here", f"{name} 不是本交易所已核验的机构")
                yield Finding("payee-not-member", step.id, why)


def _prices(rule: Waterfall, least_units: int | None) -> Iterator[Finding]:
    """What each sale owes at least must fit into the least price."""
    if not least_units:
        return
    fixed = least = 0
    for step in rule.of(Per.SALE):
        fixed += step.amount if step.op is Op.FIXED else 0
        least += step.amount if step.op is Op.FIXED else step.at_least or 0
        price = decimal_text(least_units)
        if step.op is Op.FIXED and fixed > least_units:
            why = Text(
                f"fixed amounts of {decimal_text(fixed)} are more than the least price of {price}",
                f"固定金额合计 {decimal_text(fixed)}，超过最低价格 {price}",
            )
            yield Finding("fixed-above-price", step.id, why)
            return
        if least > least_units:
            why = Text(
                f"the least amounts of {decimal_text(least)} are more than the least price of {price}",
                f"最低金额合计 {decimal_text(least)}，超过最低价格 {price}",
            )
            yield Finding("floor-above-price", step.id, why)
            return


def certain_share(rule: Waterfall, role: Role) -> int:
    """How much of every sale goes to a role at the least: shares of the gross, sale by sale, without a limit.

    units    parts of WHOLE
    """
    return sum(
        step.share
        for step in rule.of(Per.SALE)
        if step.op is Op.SHARE_OF_GROSS and step.at_most is None and all(payee.role is role for payee in step.payees)
    )
