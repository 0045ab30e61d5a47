"""exchange price: check, simulate and explain a price plan in a file. Needs no server and no database."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, Inexact, InvalidOperation
from typing import Any

import msgspec

from exchange.cli.output import add_json, add_language, language_of, say
from exchange.cli.reading import BadFlag, Refused, read_bytes
from exchange.cli.tools import Tools
from exchange.kernel import written
from exchange.kernel.errors import Problem
from exchange.kernel.meant import nearest, rewrites
from exchange.kernel.money import BadMoney, Money
from exchange.kernel.text import Text
from exchange.parties.organisations import BuyerClass
from pricing import binding, checks, plans, words
from pricing.basis import Basis, coupon_digest
from pricing.check_costs import Costs
from pricing.exact import from_units
from pricing.explain import recompute
from pricing.periods import Period, life, quarter_hour
from pricing.plans import Plan
from pricing.quotes import Month, simulate
from pricing.rating import Due, bill
from pricing.word_parts import money, span

_WIDTH = 40
_ONCE = "once"
_MONTHS_MAX = 120
_DAYS_OF_LIFE = 365
# Time zones say nothing certain beyond, and the calendar itself ends.
_YEARS = 1970, 2200


@dataclass(frozen=True, slots=True)
class _Read:
    """The plan in a file: its document, and at which lines its fields stand."""

    document: dict[str, Any]
    lines: Mapping[str, int]
    prefix: str


def add(subs: Any) -> None:
    """Put the command into the parser."""
    command = subs.add_parser(
        "price",
        help="check, simulate and explain a price plan",
        description="Work with a price plan in a JSON or YAML file (- reads standard input). No server is needed. "
        "检查、试算并解释 JSON 或 YAML 价格方案文件。",
    )
    actions = command.add_subparsers(dest="action", required=True)
    check = actions.add_parser("check", help="what is wrong, and what may surprise you; 1 if the plan cannot be used")
    check.add_argument("--cost", action="append", default=[], metavar="METER=AMOUNT", help="what one unit costs you")
    check.add_argument("--cost-fixed", metavar="AMOUNT", help="what an order costs you in each period")
    check.add_argument("--rate", action="append", default=[], metavar="USD=7.2", help="the plan's currency for one USD")
    curve = actions.add_parser("simulate", help="what a monthly use costs, month by month")
    curve.add_argument("--months", type=int, default=12, metavar="N", help=f"1 to {_MONTHS_MAX}; 12 if absent")
    explain = actions.add_parser("explain", help="what one period costs, with all arithmetic, worked out a second time")
    explain.add_argument(
        "--period", choices=("day", "week", "month", "year", _ONCE), help="which of the plan's periods"
    )
    for action in (curve, explain):
        action.add_argument("--use", action="append", default=[], metavar="METER=QUANTITY", help="records=50000")
        action.add_argument("--start", metavar="2026-01-31", help="when the agreement begins; now if absent")
        action.add_argument("--currency")
        action.add_argument("--class", dest="buyer_class", metavar="academic")
        action.add_argument("--commitment", metavar="AMOUNT")
        action.add_argument("--term", type=int, metavar="MONTHS")
        action.add_argument("--coupon", metavar="CODE")
        action.add_argument("--amount", action="append", default=[], metavar="COMPONENT=AMOUNT", help="an agreed price")
    for action in (check, curve, explain):
        action.add_argument("file", metavar="FILE")
        add_language(action)
        add_json(action)
    command.set_defaults(run=run, blocking=True)


def run(chosen: argparse.Namespace, tools: Tools) -> int:
    """Do what was asked; 0 when the plan can be used, else 1, or 2 for a flag that nothing can be done with."""
    language = language_of(chosen, tools.environment)
    try:
        read = _read(chosen.file)
        if chosen.action == "check":
            return _check(chosen, read, language)
        start = _start(chosen.start, tools)
        if chosen.action == "simulate":
            return _simulate(chosen, read, start, language)
        return _explain(chosen, read, start, language)
    except Refused as refused:
        answer = {"ok": False, "why": refused.why.map(), "errors": refused.faults}
        lines = [_fault_line(one, language) for one in refused.faults] or [refused.why.in_(language)]
        say(answer, as_json=chosen.json, lines=lines)
        return 2 if isinstance(refused, BadFlag) else 1


def _check(chosen: argparse.Namespace, read: _Read, language: str) -> int:
    plan = _plan(read)
    costs = None
    if chosen.cost or chosen.cost_fixed:
        units = {name: _decimal(value) for name, value in map(_pair, chosen.cost)}
        costs = Costs(_decimal(chosen.cost_fixed or "0"), units)
    rates = {name.upper(): _decimal(value) for name, value in map(_pair, chosen.rate)}
    if wrong := checks.unreadable(costs, rates):
        raise Refused(wrong)
    report = checks.report(checks.check(plan, costs=costs, rates=rates or None))
    said = words.describe(plan)
    answer = {
        "ok": True,
        "errors": [],
        "findings": msgspec.to_builtins(report.findings),
        "more": report.more,
        "words": [text.map() for text in said],
    }
    lines = [f"  {text.in_(language)}" for text in said]
    lines.insert(0, _tr(language, "The plan can be used. It says:", "方案可用，内容如下："))
    for finding in report.findings:
        place = _place(finding.field, read, language)
        lines += ["", f"{place}  [{finding.code}]", f"  {finding.why[language]}"]
    if report.more:
        lines.append(_tr(language, f"... and {report.more} more like these", f"……另有 {report.more} 条类似提示"))
    if not report.findings:
        lines.append(_tr(language, "Nothing in it should surprise you.", "未发现需要注意的问题。"))
    say(answer, as_json=chosen.json, lines=lines)
    return 0


def _simulate(chosen: argparse.Namespace, read: _Read, start: datetime | None, language: str) -> int:
    if not 1 <= chosen.months <= _MONTHS_MAX:
        raise BadFlag(
            Text(
                f"--months must be from 1 to {_MONTHS_MAX}, not {chosen.months}",
                f"--months 须为 1 至 {_MONTHS_MAX}，不能为 {chosen.months}",
            )
        )
    plan, at = _bound(chosen, read, start)
    try:
        months = simulate(plan, [_usage(chosen, plan)] * chosen.months, at)
    except (BadMoney, Inexact) as error:
        raise Refused(_TOO_MUCH) from error
    top = max(1, *(abs(month.running.units) for month in months))
    head = _tr(
        language, "month  begins        amount                so far", "月份   开始          当月金额              累计"
    )
    lines = [head, *(_month_line(month, plan, top) for month in months)]
    answer = {
        "currency": plan.currency,
        "total": months[-1].running.to_wire(),
        "months": [month.document() for month in months],
    }
    say(answer, as_json=chosen.json, lines=lines)
    return 0


def _month_line(month: Month, plan: Plan, top: int) -> str:
    day = month.starts_at.astimezone(plan.time_zone).date().isoformat()
    bar = "█" * max(0, round(_WIDTH * month.running.units / top))
    return f"{month.index + 1:>5}  {day}  {_money(month.amount):>18}  {_money(month.running):>20}  {bar}"


def _explain(chosen: argparse.Namespace, read: _Read, start: datetime | None, language: str) -> int:
    plan, at = _bound(chosen, read, start)
    unit = _cadence(chosen, plan)
    firsts = {one.unit: one for one in _first_periods(plan, at)}
    stretch = firsts[unit]
    usage = _usage(chosen, plan)
    uses = [(one, usage if one.unit == unit else {}) for one in firsts.values()]
    assert stretch.end is not None
    try:
        dues = [due for due in bill(plan, uses, {}, until=stretch.end) if due.amount.units or due.line.quantity]
    except (BadMoney, Inexact) as error:
        raise Refused(_TOO_MUCH) from error
    whole = Money(sum(due.amount.units for due in dues), plan.currency)
    documents = [{**due.line.document(), "recomputed": recompute(due.line.explain()).to_wire()} for due in dues]
    lines = [line for due in dues for line in _due_lines(due, language)]
    lines.append(f"{_tr(language, 'in all', '合计')}  {_money(whole)}")
    answer = {
        "period": unit or _ONCE,
        "total": whole.to_wire(),
        "lines": documents,
        "same": all(one["recomputed"] == one["amount"] for one in documents),
    }
    say(answer, as_json=chosen.json, lines=lines)
    return 0


def _due_lines(due: Due, language: str) -> list[str]:
    line = due.line
    explained = line.explain()
    again = recompute(explained)
    sign = "=" if again == line.amount else "≠"
    title = line.title.get(language) or line.title.get("en") or line.id
    return [
        f"{title}  {_money(line.amount)}",
        f"  {explained['text'][language]}",
        f"  {_tr(language, 'worked out again', '复算')} {sign} {_money(again)}",
    ]


def _first_periods(plan: Plan, at: datetime) -> list[Period]:
    """The first period of each cadence; the whole agreement is taken as a year."""
    begin = plan.begins(at)
    found = plan.periods(at, begin + timedelta(seconds=1))
    return [one if one.unit else life(begin, begin + timedelta(days=_DAYS_OF_LIFE)) for one in found]


def _cadence(chosen: argparse.Namespace, plan: Plan) -> str | None:
    """The period that the use belongs to."""
    asked: str | None = None if chosen.period == _ONCE else chosen.period
    measured = list(dict.fromkeys(one.period for one in plan.components if one.by_use))
    there = ", ".join(unit or _ONCE for unit in plan.cadences)
    if chosen.period is None:
        if len(measured) > 1:
            raise Refused(Text(f"the plan has several periods; choose one by --period: {there}",
                               f"方案有多种周期，请用 --period 选择：{there}"))  # fmt: skip
        asked = (measured or [plan.cadences[0]])[0]
    if asked not in plan.cadences:
        name = span(asked)
        raise Refused(
            Text(
                f"nothing in the plan is charged per {name.en}; it has {there}",
                f"方案中没有按{name.zh}收费的部分；现有 {there}",
            )
        )
    return asked


def _read(name: str) -> _Read:
    data = read_bytes(name)
    if isinstance(data, Text):
        raise BadFlag(data)
    as_yaml = name.lower().endswith((".yaml", ".yml")) or (
        not name.lower().endswith(".json") and not data.lstrip().startswith(b"{")
    )
    found = written.read(data, as_yaml=as_yaml)
    if isinstance(found, Problem):
        raise Refused(Text(found.detail("en"), found.detail("zh")))
    document, prefix = found.value, ""
    if isinstance(document, dict) and isinstance(document.get("plan"), dict):
        # An offer, or a request that holds a plan.
        document, prefix = document["plan"], "/plan"
    return _Read(plans.SHAPE.settled(document), found.lines, prefix)


def _plan(read: _Read) -> Plan:
    plan = plans.parse(read.document)
    if isinstance(plan, Plan):
        return plan
    faults = []
    for one in plan:
        field, why = str(one.fields["field"]), one.fields["why"]
        assert isinstance(why, Text)
        faults.append({"field": field, "line": _line(field, read), "why": why.map()})
    raise Refused(Text("the plan cannot be used", "方案不可用"), faults)


def _bound(chosen: argparse.Namespace, read: _Read, start: datetime | None) -> tuple[Plan, datetime]:
    """The plan for these choices, and when the agreement begins."""
    plan = _plan(read)
    assert start is not None
    _refuse_class(chosen.buyer_class)
    at = start if start.tzinfo else start.replace(tzinfo=plan.time_zone)
    basis = Basis(
        currency=chosen.currency and chosen.currency.upper(),
        buyer_class=chosen.buyer_class,
        commitment=None if chosen.commitment is None else _decimal(chosen.commitment),
        term_months=chosen.term,
        coupon=None if chosen.coupon is None else _coupon(chosen.coupon),
        amounts={name: _decimal(value) for name, value in map(_pair, chosen.amount)},
    )
    bound = binding.bind(read.document, basis, at=at)
    if isinstance(bound, Problem):
        raise Refused(Text(bound.detail("en"), bound.detail("zh")))
    if bound.unpriced:
        names = ", ".join(bound.unpriced)
        raise Refused(Text(f"the price of {names} is agreed on first; name it by --amount {bound.unpriced[0]}=1000",
                           f"{names} 的价格需先商定；请用 --amount {bound.unpriced[0]}=1000 指定"))  # fmt: skip
    return bound, quarter_hour(at)


def _refuse_class(name: str | None) -> None:
    known = [one.value for one in BuyerClass]
    if name is None or name in known:
        return
    near, there = nearest(name, known, {}), ", ".join(known)
    raise Refused(
        Text(
            f"there is no class {name} of buyers; there are {there}" + (f" (did you mean {near}?)" if near else ""),
            f"没有买方类别 {name}；可选 {there}" + (f"（是否想写 {near}？）" if near else ""),
        )
    )


def _usage(chosen: argparse.Namespace, plan: Plan) -> dict[str, int]:
    usage: dict[str, int] = {}
    for name, value in map(_pair, chosen.use):
        if name not in plan.meters:
            near = nearest(name, plan.meters, {})
            there = ", ".join(plan.meters) or "-"
            en = f"the plan measures no {name}; it measures {there}" + (f" (did you mean {near}?)" if near else "")
            zh = f"方案不计量 {name}；计量项为 {there}" + (f"（是否想写 {near}？）" if near else "")
            raise Refused(Text(en, zh))
        quantity = next((one for one in rewrites(value) if type(one) is int and one >= 0), None)
        if quantity is None:
            raise Refused(
                Text(f"{value} is no whole number; write {name}=50000", f"{value} 不是整数；例如 {name}=50000")
            )
        usage[name] = usage.get(name, 0) + quantity
    return usage


def _pair(written_pair: str) -> tuple[str, str]:
    name, sign, value = written_pair.partition("=")
    if not sign or not name.strip() or not value.strip():
        raise Refused(Text(f"{written_pair} is not of the form name=value", f"{written_pair} 应为 名称=数值"))
    return name.strip(), value.strip()


def _decimal(value: str) -> Decimal:
    for one in (value, *rewrites(value)):
        try:
            found = Decimal(str(one))
        except InvalidOperation:
            continue
        if found.is_finite():
            return found
    raise Refused(Text(f"{value} is no number", f"{value} 不是数字"))


def _start(value: str | None, tools: Tools) -> datetime:
    if value is None:
        now: datetime = tools.settings.clock().now()
        return now
    try:
        start = datetime.fromisoformat(value)
    except ValueError as error:
        raise BadFlag(Text(f"{value} is no date; write 2026-01-31", f"{value} 不是日期；例如 2026-01-31")) from error
    if not _YEARS[0] <= start.year < _YEARS[1]:
        first, last = _YEARS
        raise BadFlag(
            Text(f"{value} is not between the years {first} and {last}", f"{value} 不在 {first} 年至 {last} 年之间")
        )
    return start


def _coupon(code: str) -> str:
    try:
        return coupon_digest(code)
    except UnicodeEncodeError as error:
        raise BadFlag(Text("the coupon's code is not written in UTF-8", "优惠码不是有效的 UTF-8 文本")) from error


def _line(field: str, read: _Read) -> int | None:
    """The line of a field, or of the nearest thing around it."""
    place = read.prefix + (field if field != "/" else "")
    while place:
        if place in read.lines:
            return read.lines[place]
        place = place.rpartition("/")[0]
    return read.lines.get("/")


def _place(field: str, read: _Read, language: str) -> str:
    line = _line(field, read)
    return f"{_at(line, language)}{field}"


def _fault_line(fault: Mapping[str, Any], language: str) -> str:
    return f"{_at(fault['line'], language)}{fault['field']} {fault['why'][language]}"


def _at(line: int | None, language: str) -> str:
    return "" if line is None else _tr(language, f"line {line}: ", f"第 {line} 行：")


def _money(amount: Money) -> str:
    return money(from_units(amount.units), amount.currency)


def _tr(language: str, english: str, chinese: str) -> str:
    return chinese if language == "zh" else english


_TOO_MUCH = Text("it costs more than an account can hold", "金额超出账户可容纳的范围")
