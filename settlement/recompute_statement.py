#!/usr/bin/env python3
"""Recompute a settlement statement of a data exchange from its export alone, with nothing but Python 3.10 or newer.

    python3 recompute_statement.py statement.json                        does each amount follow from what its line shows?
    python3 recompute_statement.py statement.json --before earlier.json  and does it begin where the earlier one ended?

`statement.json` is what .../statements/{id}/export answers. It ends with 0 when all holds, with 1 when something differs (each
line is named), and with 2 when there is nothing to check. It imports nothing of the exchange and reaches no network.

由导出文件重新计算结算单：仅需 Python 3.10 及以上，不依赖交易所的任何代码，不访问网络。全部一致时退出码为 0，有不符之处为 1
并逐行指出，无法核验时为 2。加 --lang zh 输出中文。
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

from settlement.recompute_columns import AS_ORDERED, COLUMNS

MILLION = 1_000_000
# A percentage is counted in parts of this: six decimals of a hundredth.
WHOLE = 100 * MILLION
_AMOUNT = re.compile(r"(-?)(\d{1,13})(?:\.(\d{1,6}))?\Z")
Level = tuple[int, int, int]
# By step: what steps per lifetime had taken in earlier versions of their rule, and of what.
Carried = Mapping[str, Mapping[str, str]]
# By (step, period, role, organisation): what was given in all, now and before.
Got = dict[tuple[str, str, str, str], tuple[int, int]]


class Unreadable(ValueError):
    """The file is no statement that this script can read."""


class Difference(NamedTuple):
    """A number that does not follow: where, what it should be, and what it is."""

    at: str
    should_be: str
    said: str


class Report(NamedTuple):
    """All differences, and the lines whose amount is taken as it stands."""

    lines: int
    differences: list[Difference]
    as_they_stand: list[tuple[str, str]]


def check(data: bytes, before: bytes | None = None) -> Report:
    """Work everything out again.

    errors   Unreadable, KeyError, TypeError for what is no statement
    """
    document, found = _opened(data)
    currency, rules = document["currency"], _rules(document, found)
    as_they_stand: list[tuple[str, str]] = []
    names, columns, went_back = COLUMNS[document["v"]]
    sums = dict.fromkeys(names, 0)
    sortable = True
    for number, line in enumerate(document["lines"], 1):
        at = f"line {number} ({line['kind']} {line.get('source', line['journal'])})"
        amount = _money(line["amount"], currency)
        if line["kind"] == "release" and "shares" in line:
            share = _share(line, at, amount, currency, found)
            sortable &= "sold_by_you" in line
            gross = _money(line["gross"], currency)
            if line.get("sold_by_you"):
                sums["sales"] += gross
                sums["fees"] += share - gross
            else:
                sums["shares"] += share
            sums[went_back] += amount - share
            continue
        if line["kind"] == "release" and "rule" in line:
            _split(line, at, amount, rules, document["organisation"], found)
        elif line["kind"] == "refund" and "parts" in line:
            _refund(line, at, amount, currency, found)
        elif line["kind"] == "conversion" and "rate" in line:
            _conversion(line, at, amount, currency, found)
        elif line["kind"] == "service_credit" and "credit" in line:
            _credit(line, at, amount, currency, found)
        elif line["kind"] == "pool" and "weights" in line:
            _pool(line, at, amount, found)
        elif line["kind"] == "guarantee" and "promised" in line:
            _guarantee(line, at, amount, found)
        else:
            as_they_stand.append((at, line["kind"]))
        sums[columns.get(line["kind"], "adjustments")] += amount
    _sums(document, currency, sums, found, sortable=sortable)
    if before is not None:
        _chain(document, before, currency, found)
    return Report(len(document["lines"]), found, as_they_stand)


def units(text: Any) -> int:
    """Read a decimal as a whole number of millionths."""
    match = _AMOUNT.match(text) if isinstance(text, str) else None
    if not match:
        raise Unreadable(f"{text!r} is no amount")
    sign, major, fraction = match.groups()
    value = int(major) * MILLION + int((fraction or "").ljust(6, "0"))
    return -value if sign else value


def decimal(value: int) -> str:
    """Write millionths as the statement does."""
    major, rest = divmod(abs(value), MILLION)
    return f"{'-' if value < 0 else ''}{major}.{f'{rest:06d}'.rstrip('0').ljust(2, '0')}"


def largest_remainder(total: int, weights: Sequence[int]) -> list[int]:
    """Each part rounded down; what is left goes, one millionth each, to the largest remainders, the first first."""
    whole = sum(weights)
    if whole <= 0 or min(weights) < 0:
        raise Unreadable("these weights share nothing")
    exact = [divmod(abs(total) * weight, whole) for weight in weights]
    parts = [part for part, _ in exact]
    order = sorted(range(len(weights)), key=lambda n: (-exact[n][1], n))
    for n in order[: abs(total) - sum(parts)]:
        parts[n] += 1
    return [-part if total < 0 else part for part in parts]


def gone_back(parts: Sequence[int], cumulative: int) -> list[int]:
    """How much of each part of a sale has gone back once `cumulative` of the whole has: Webster's method, sums only.

    shapes   parts below zero were given along with the sale; they come back in proportion, rounded down
    """
    whole = sum(parts)
    if not 0 <= cumulative <= whole or whole <= 0:
        raise Unreadable("more went back than was paid")
    given = -sum(part for part in parts if part < 0)
    back = given * cumulative // whole
    plus = _webster([max(part, 0) for part in parts], cumulative + back)
    minus = _webster([max(-part, 0) for part in parts], back)
    return [a - b for a, b in zip(plus, minus, strict=True)]


def _webster(weights: Sequence[int], seats: int) -> list[int]:
    # Each seat goes to the largest weight / (2 * seats so far + 1), the first of equals; we start near the end.
    whole = sum(weights)
    if seats == 0:
        return [0] * len(weights)
    parts = [(2 * weight * seats + whole) // (2 * whole) for weight in weights]
    while sum(parts) < seats:
        n = min((n for n, w in enumerate(weights) if w), key=lambda n: (-Fraction(weights[n], 2 * parts[n] + 1), n))
        parts[n] += 1
    while sum(parts) > seats:
        n = min((n for n, p in enumerate(parts) if p), key=lambda n: (Fraction(weights[n], 2 * parts[n] - 1), -n))
        parts[n] -= 1
    return parts


def pour(steps: Sequence[Mapping[str, Any]], line: Mapping[str, Any], found: list[Difference], at: str) -> Got:
    """What the steps of a rule have given with one booking, and before it.

    Sales first, then months, then the life of the rule; each period is worked out as a whole, before and after.
    """
    gave: Got = {}
    months: dict[str, tuple[int, int]] = {}
    for sale in line["sales"]:
        sold = sum(units(one["amount"]) for one in sale["sold"])
        level = _level(sale.get("before"))
        more = _period(
            steps, "sale", sale["sale"], level, (sold, sold), sale.get("introduced"), ({}, {}), gave, found, at
        )
        gross, left = months.get(sale["month"], (0, 0))
        months[sale["month"]] = gross + sold, left + more
    all_gross = all_left = 0
    for month, added in sorted(months.items()):
        level = _level(line.get("months", {}).get(month))
        all_left += _period(steps, "month", month, level, added, None, ({}, {}), gave, found, at)
        all_gross += added[0]
    added = (all_gross, all_left)
    carried = line.get("carried", {"before": {}, "now": {}})
    ends = carried["before"], carried["now"]
    _period(steps, "lifetime", "all", _level(line.get("lifetime")), added, None, ends, gave, found, at)
    return gave


def _period(
    steps: Sequence[Mapping[str, Any]],
    per: str,
    period: str,
    before: Level,
    added: tuple[int, int],
    introduced: Mapping[str, Any] | None,
    carried: tuple[Carried, Carried],
    gave: Got,
    found: list[Difference],
    at: str,
) -> int:
    """Add what one period's steps give now to `gave`; how much more they leave than before."""
    own = [step for step in steps if step["per"] == per]
    if not own:
        return added[1]
    earlier, left_before = _steps(own, before[0], before[1], introduced, carried[0])
    if left_before != before[2]:
        found.append(Difference(f"{at}: {per} {period}: left before", decimal(left_before), decimal(before[2])))
    now, left = _steps(own, before[0] + added[0], before[1] + added[1], introduced, carried[1])
    for step, role, organisation in now | earlier:
        key = step, role, organisation
        gave[step, period, role, organisation] = now.get(key, 0), earlier.get(key, 0)
    return left - left_before


def _steps(
    steps: Sequence[Mapping[str, Any]],
    gross: int,
    came_in: int,
    introduced: Mapping[str, Any] | None,
    carried: Carried,
) -> tuple[dict[tuple[str, str, str], int], int]:
    left = came_in
    got: dict[tuple[str, str], int] = {}
    given: dict[tuple[str, str, str], int] = {}
    for step in steps:
        payees = [(one["role"], one.get("organisation", ""), one.get("weight", 1)) for one in step["payees"]]
        if step["op"] == "mandate":
            payees = [] if introduced is None else [("broker", introduced["broker"], 1)]
        if not payees:
            continue
        # What went back is a sale backwards.
        sign = -1 if left < 0 else 1
        there = sign * left
        had = sign * sum(got.get((role, organisation), 0) for role, organisation, _ in payees)
        # A step that goes on from earlier versions of its rule has taken that much of its limits already.
        on = carried.get(step["id"], {}) if sign > 0 and step.get("carry") else {}
        before = {name: units(on.get(name, "0")) for name in ("taken", "gross", "came_in", "had")}
        wanted = _wanted(step, max(sign * gross, 0), there, had, introduced, before)
        if there and "at_least" in step:
            wanted = max(wanted, units(step["at_least"]) - before["taken"])
        if "at_most" in step:
            wanted = min(wanted, units(step["at_most"]) - before["taken"])
        taken = sign * max(min(wanted, there), 0)
        left -= taken
        for (role, organisation, _), part in zip(
            payees, largest_remainder(taken, [weight for _, _, weight in payees]), strict=True
        ):
            got[role, organisation] = got.get((role, organisation), 0) + part
            given[step["id"], role, organisation] = given.get((step["id"], role, organisation), 0) + part
    return given, left


def _wanted(
    step: Mapping[str, Any],
    gross: int,
    there: int,
    had: int,
    introduced: Mapping[str, Any] | None,
    before: Mapping[str, int],
) -> int:
    """What a step asks for; a fraction of a millionth is not asked for."""
    op = step["op"]
    if op == "fixed":
        return units(step["amount"]) - before["taken"]
    if op == "share_of_gross":
        return gross * units(step["percent"]) // WHOLE
    if op == "share_of_net":
        return there * units(step["percent"]) // WHOLE
    if op == "tiers":
        start, more = (before["came_in"], there) if step.get("of") == "net" else (before["gross"], gross)
        return _tiers(step["tiers"], start + more) - _tiers(step["tiers"], start)
    if op == "mandate":
        return gross * units(introduced["percent"]) // WHOLE if introduced else 0
    if op == "recoup":
        return min(units(step["amount"]) - before["taken"], there * units(step.get("percent", "100")) // WHOLE)
    if op == "guarantee":
        return units(step["amount"]) - before["taken"] - before["had"] - had
    if op == "residual":
        return there
    raise Unreadable(f"an unknown step {op!r}")


def _tiers(tiers: Sequence[Mapping[str, str]], amount: int) -> int:
    total = start = 0
    for tier in tiers:
        end = min(amount, units(tier["up_to"])) if "up_to" in tier else amount
        total += max(end - start, 0) * units(tier["percent"])
        start = max(start, end)
    return total // WHOLE


def _share(line: Mapping[str, Any], at: str, amount: int, currency: str, found: list[Difference]) -> int:
    gross = _money(line["gross"], currency)
    if "own" not in line:
        # Statements of before the exchange wrote which parts are whose: what a part says of itself is all there is.
        return _money(line["share"], currency) if "share" in line else amount
    parts = largest_remainder(gross, [one["weight"] for one in line["shares"]])
    share = sum(parts[int(n)] for n in line["own"])
    back = 0
    if "back" in line:
        said = line["back"]
        gone = gone_back([units(one) for one in said["parts"]], units(said["after"]))
        back = sum(gone[int(n)] for n in said["own"])
        _same(found, f"{at}: back.taken", back, units(said["taken"]))
        _same(found, f"{at}: back.parts", share, sum(units(said["parts"][int(n)]) for n in said["own"]))
    if "share" in line:
        _same(found, f"{at}: share", share, _money(line["share"], currency))
        _same(found, f"{at}: refunded", back, _money(line["refunded"], currency))
    for n, explained in zip(line["own"], line["explain"], strict=True):
        part = f"{decimal(parts[int(n)])} {currency}"
        texts = explained["text"].values()
        found += [Difference(f"{at}: explain", part, text) for text in texts if not text.endswith(f" = {part}")]
    _same(found, at, share - back, amount)
    return share


def _refund(line: Mapping[str, Any], at: str, amount: int, currency: str, found: list[Difference]) -> None:
    parts, own = [units(one) for one in line["parts"]], [int(n) for n in line["own"]]
    earlier = gone_back(parts, _money(line["before"], currency))
    now = gone_back(parts, _money(line["after"], currency))
    taken = sum(now[n] - earlier[n] for n in own)
    _same(found, f"{at}: taken", taken, _money(line["taken"], currency))
    _same(found, at, _money(line["owed"], currency) - taken, amount)


def _split(
    line: Mapping[str, Any],
    at: str,
    amount: int,
    rules: Mapping[str, Mapping[str, Any]],
    me: str,
    found: list[Difference],
) -> None:
    steps = rules[line["rule"]]["steps"]
    advances = {step["id"] for step in steps if step.get("advance_of") == me}
    gave = pour(steps, line, found, at)
    own: dict[tuple[str, str, str], tuple[int, int]] = {}
    for (step, period, role, organisation), (now, before) in gave.items():
        mine = organisation == me and role != "pool"
        if now != before and (mine or (step in advances and role == "platform")):
            own[step, period, role] = now, now - before
    said = {
        (one["step"], one["period"], one["role"]): (units(one["cumulative"]), units(one["amount"]))
        for one in line["parts"]
    }
    for key in sorted(own.keys() | said.keys()):
        (all_now, now), (all_said, one_said) = own.get(key, (0, 0)), said.get(key, (0, 0))
        _same(found, f"{at}: {' '.join(key)} amount", now, one_said)
        _same(found, f"{at}: {' '.join(key)} cumulative", all_now, all_said)
    recouped = sum(now for (step, _, role), (_, now) in own.items() if step in advances and role == "platform")
    earned = sum(now for _, now in own.values()) - recouped
    advance, owed = units(line["advance"]), units(line["owed"])
    if advance > max(recouped, 0):
        found.append(Difference(f"{at}: advance", f"at most {decimal(max(recouped, 0))}", line["advance"]))
    _same(found, at, earned + recouped - advance + owed, amount)


def _conversion(line: Mapping[str, Any], at: str, amount: int, currency: str, found: list[Difference]) -> None:
    sold, bought = units(line["sold"]["amount"]), units(line["bought"]["amount"])
    _same(found, f"{at}: bought", int(sold * Fraction(line["rate"])), bought)
    _same(found, at, -sold if line["sold"]["currency"] == currency else bought, amount)


def _credit(line: Mapping[str, Any], at: str, amount: int, currency: str, found: list[Difference]) -> None:
    _same(found, at, units(line["owed"]) - _money(line["credit"], currency), amount)


def _pool(line: Mapping[str, Any], at: str, amount: int, found: list[Difference]) -> None:
    # What the weights up to one's own make of the whole, less what those before it made.
    total, before, whole = units(line["shared"]), int(line["before"]), int(line["weights"])
    _same(found, at, total * (before + int(line["weight"])) // whole - total * before // whole, amount)


def _guarantee(line: Mapping[str, Any], at: str, amount: int, found: list[Difference]) -> None:
    short = units(line["promised"]) - max(units(line["got"]), 0)
    back = min(units(line["outstanding"]), -short) if line["recouped"] else 0
    cumulative = short if short > 0 else -back
    _same(found, f"{at}: cumulative", cumulative, units(line["cumulative"]))
    booked = cumulative - units(line["booked_before"])
    _same(found, at, (booked if line["side"] == "payee" else -booked) + units(line["owed"]), amount)


def _sums(
    document: Mapping[str, Any], currency: str, sums: Mapping[str, int], found: list[Difference], *, sortable: bool
) -> None:
    totals = {name: _money(value, currency) for name, value in document["totals"].items()}
    for name, value in sums.items():
        if sortable:
            _same(found, f"totals: {name}", value, totals[name])
    _same(found, "totals: closing", totals["opening"] + sum(sums.values()), totals["closing"])


def _chain(document: Mapping[str, Any], before: bytes, currency: str, found: list[Difference]) -> None:
    earlier, wrong = _opened(before)
    found += [Difference(f"earlier {one.at}", one.should_be, one.said) for one in wrong]
    for name in ("organisation", "currency"):
        if document[name] != earlier[name]:
            found.append(Difference(name, earlier[name], document[name]))
    if int(document["number"]) != int(earlier["number"]) + 1:
        found.append(Difference("number", str(int(earlier["number"]) + 1), document["number"]))
    closing = _money(earlier["totals"]["closing"], currency)
    _same(found, "totals: opening", closing, _money(document["totals"]["opening"], currency))


def _opened(data: bytes) -> tuple[dict[str, Any], list[Difference]]:
    said = json.loads(data)
    found: list[Difference] = []
    if isinstance(said, dict) and said.get("type") == "statement-export":
        text = said["document"]
        digest = hashlib.sha256(text.encode()).hexdigest()
        if digest != said["sha256"]:
            found.append(Difference("sha256", digest, said["sha256"]))
        said = json.loads(text)
    if not isinstance(said, dict) or said.get("type") != "statement" or said.get("v") not in COLUMNS:
        raise Unreadable("this is no statement of version 1 or 2")
    return said, found


def _rules(document: Mapping[str, Any], found: list[Difference]) -> dict[str, Mapping[str, Any]]:
    rules = {}
    for name, rule in document.get("rules", {}).items():
        digest = hashlib.sha256(rule["document"].encode()).hexdigest()
        if digest != rule["sha256"]:
            found.append(Difference(f"rule {name}: sha256", digest, rule["sha256"]))
        rules[name] = json.loads(rule["document"])
        if rules[name]["id"] != name:
            found.append(Difference(f"rule {name}: id", name, rules[name]["id"]))
    return rules


def _level(level: Mapping[str, str] | None) -> Level:
    # A period over which no step counts is not shown.
    return (0, 0, 0) if level is None else (units(level["gross"]), units(level["came_in"]), units(level["left"]))


def _money(money: Mapping[str, str], currency: str) -> int:
    if money["currency"] != currency:
        raise Unreadable(f"{money['currency']} in a statement in {currency}")
    return units(money["amount"])


def _same(found: list[Difference], at: str, should_be: int, said: int) -> None:
    if should_be != said:
        found.append(Difference(at, decimal(should_be), decimal(said)))


def said_of(report: Report, *, zh: bool) -> list[str]:
    """What was found, as lines for people."""
    lines = [
        f"{one.at}: {'应为' if zh else 'should be'} {one.should_be}, {'实为' if zh else 'is'} {one.said}"
        for one in report.differences
    ]
    for at, kind in report.as_they_stand:
        words = AS_ORDERED.get(kind, ("no arithmetic is shown", "未列明计算过程"))
        lines.append(f"{at}: {words[zh]}{'，按所列金额计入合计' if zh else '; it counts in the sums as it stands'}")
    if report.differences:
        n = len(report.differences)
        return [*lines, f"不符：{n} 处。" if zh else f"FAILED: {n} differences."]
    n = report.lines - len(report.as_they_stand)
    return [
        *lines,
        f"一致：共 {report.lines} 行，其中 {n} 行已重新算出，合计与期末余额相符。"
        if zh
        else f"OK: {n} of {report.lines} lines were worked out again, and opening plus all lines is the closing balance.",
    ]


def main(arguments: Sequence[str]) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("statement")
    parser.add_argument("--before", help="the export of the statement before this one")
    parser.add_argument("--lang", choices=("en", "zh"), default="en")
    options = parser.parse_args(arguments)
    try:
        before = None if options.before is None else Path(options.before).read_bytes()
        report = check(Path(options.statement).read_bytes(), before)
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError, ZeroDivisionError) as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        return 2
    sys.stdout.write("\n".join(said_of(report, zh=options.lang == "zh")) + "\n")
    return 1 if report.differences else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
