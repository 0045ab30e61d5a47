"""exchange money: reconciliation, proofs of clients' money, the checklist of a month, journals in the operator's accounts."""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

import msgspec

from exchange.cli import flags
from exchange.cli.ledger import written
from exchange.cli.output import add_json, add_language, language_of, say
from exchange.cli.reading import Refused
from exchange.cli.tools import Tools
from exchange.flows.close_checklist import Checklist, show_checklist
from exchange.flows.export_ledger import NoDays
from exchange.flows.map_accounts import JournalsExported, export_journals
from exchange.flows.show_deferred import DeferredReport, show_deferred
from exchange.kernel.db import Tx
from exchange.kernel.pages import PageRequest
from exchange.kernel.text import Text, pick
from settlement.store import proofs, recon
from settlement.store.proofs import ProofRow

Act = Callable[[argparse.Namespace, Any, str], Awaitable[int]]
_ACTIONS: Mapping[str, str] = {
    "reconciliation": "how far each currency is reconciled; 1 where it stopped. 对账进度",
    "proofs": "the newest proofs of clients' money; 1 where money differs or is missing. 客户资金证明",
    "checklist": "what has to be in order before a month is closed; 1 until it is. 关账清单",
    "journals": "the journals of a period in the operator's own accounts, as CSV. 按自有科目导出凭证",
    "deferred": "what was sold for a time to come, gross and net. 递延收入",
}


def add(subs: Any) -> None:
    """Put the command into the parser."""
    command = subs.add_parser(
        "money",
        help="reconciliation, proofs, closing of months, own chart of accounts",
        description="Look at money at providers and banks against the ledger; nothing is changed. "
        "查看支付机构与银行款项同总账的核对情况，不作任何更改。",
    )
    actions = command.add_subparsers(dest="action", required=True, metavar="ACTION")
    made = {name: actions.add_parser(name, help=words, description=words) for name, words in _ACTIONS.items()}
    made["proofs"].add_argument("--currency", metavar="CNY")
    made["checklist"].add_argument("--currency", metavar="CNY", required=True)
    made["checklist"].add_argument("--end", metavar="2026-02-01", required=True, help="the day after the month")
    made["journals"].add_argument(
        "--from", dest="first", metavar="2026-01-01", help="first day; the beginning if absent"
    )
    made["journals"].add_argument("--to", dest="end", metavar="2026-02-01", help="not included; all if absent")
    made["journals"].add_argument("--output", metavar="FILE", required=True)
    made["deferred"].add_argument("--at", metavar="TIME", help="as of that moment; now if absent")
    for name in ("checklist", "journals", "deferred"):
        made[name].add_argument("--zone", metavar="Asia/Shanghai", default="UTC", help="whose days; UTC if absent")
    for action in made.values():
        add_language(action)
        add_json(action)
    command.set_defaults(run=run)


async def run(chosen: argparse.Namespace, tools: Tools) -> int:
    """Do what was asked; 1 where something is not in order, 2 for a bad flag."""
    language = language_of(chosen, tools.environment)
    acts: Mapping[str, Act] = {
        "reconciliation": _reconciliation,
        "proofs": _proofs,
        "checklist": _checklist,
        "journals": _journals,
        "deferred": _deferred,
    }
    try:
        async with tools.ground(tools.settings) as on, tools.opened(on) as made:
            return await acts[chosen.action](chosen, made, language)
    except Refused as refused:
        say({"problem": "bad-flag", "why": refused.why.map()}, as_json=chosen.json, lines=[refused.why.in_(language)])
        return 2


async def _reconciliation(chosen: argparse.Namespace, made: Any, language: str) -> int:
    found = await made.db.run(recon.cursors)
    rows = [
        {
            "currency": one.place.currency,
            "movements": one.recorded,
            "looked_at": one.looked_at.isoformat() if one.looked_at else None,
            "movement": one.stopped_txn,
            "reason": one.reason,
            "said": one.said,
        }
        for one in found
    ]
    lines = [_stand(row, language) for row in rows]
    nothing = Text("No money was ever seen at the provider.", "支付机构处从未有款项。").in_(language)
    say(rows, as_json=chosen.json, lines=lines or [nothing])
    return 1 if any(row["movement"] for row in rows) else 0


def _stand(row: Mapping[str, Any], language: str) -> str:
    if row["movement"] is None:
        words = Text("{currency}: {movements} movements, nothing stopped", "{currency}：{movements} 笔变动，无停止")
    else:
        words = Text(
            "{currency}: STOPPED at {movement}: {reason} {said}", "{currency}：停止于 {movement}：{reason} {said}"
        )
    return words.in_(language).format(**row)


async def _proofs(chosen: argparse.Namespace, made: Any, language: str) -> int:
    currency = flags.currency(chosen.currency) if chosen.currency else None
    page = await made.db.run(partial(proofs.list_proofs, request=PageRequest(50), currency=currency))
    found: dict[str, ProofRow] = {}
    for row in page.items:
        found.setdefault(row.currency, row)
    rows = [
        {
            "day": one.day.isoformat(),
            "currency": one.currency,
            "difference": one.difference.to_wire(),
            "short": one.short.to_wire(),
            "complete": one.complete,
            "sha256": one.sha256.hex(),
        }
        for one in found.values()
    ]
    words = Text(
        "{day} {currency}: {difference} unexplained, {short} short",
        "{day} {currency}：{difference} 未解释，{short} 短缺",
    ).in_(language)
    lines = [
        words.format(day=one.day, currency=one.currency, difference=one.difference, short=one.short)
        for one in found.values()
    ]
    say(rows, as_json=chosen.json, lines=lines or [Text("There is no proof yet.", "尚无证明。").in_(language)])
    return 1 if any(one.difference.units or one.short.units for one in found.values()) else 0


async def _checklist(chosen: argparse.Namespace, made: Any, language: str) -> int:
    end = flags.moment(chosen.end, chosen.zone)
    assert end is not None, "the flag is required"
    show = partial(show_checklist, currency=flags.currency(chosen.currency), end=end)
    found: Checklist = await made.db.run(show)
    lines = [
        f"{'✓' if one.ready else '✗'} {pick(one.title, [language])}: {pick(one.said, [language])}"
        for one in found.points
    ]
    say(msgspec.to_builtins(found), as_json=chosen.json, lines=lines)
    return 0 if found.ready else 1


async def _journals(chosen: argparse.Namespace, made: Any, language: str) -> int:
    first, end, zone = flags.day(chosen.first), flags.day(chosen.end), flags.zone(chosen.zone)

    async def flow(tx: Tx) -> JournalsExported:
        with written(chosen.output) as out:
            return await export_journals(tx, first, end, zone, out.write)

    try:
        found = await made.db.run(flow)
    except NoDays as error:
        raise Refused(error.why) from error
    words = Text(
        f"{chosen.output}: {found.journals} journals in {found.lines} lines, chart {found.chart}, sha256 {found.sha256}",
        f"{chosen.output}：{found.journals} 张凭证、{found.lines} 行，科目表第 {found.chart} 版，sha256 {found.sha256}",
    )
    answer = {**msgspec.to_builtins(found), "file": chosen.output}
    say(answer, as_json=chosen.json, lines=[words.in_(language)])
    return 0


async def _deferred(chosen: argparse.Namespace, made: Any, language: str) -> int:
    at = flags.moment(chosen.at, chosen.zone) or datetime.now(UTC)
    found: DeferredReport = await made.db.run(partial(show_deferred, sales=made.sales, at=at))
    words = Text("{sales} sales, {gross} gross, {net} net", "{sales} 笔销售，总额 {gross}，净额 {net}").in_(language)
    lines = [
        words.format(
            sales=one.sales,
            gross=f"{one.gross['amount']} {one.currency}",
            net=f"{one.net['amount']} {one.currency}",
        )
        for one in found.totals
    ]
    say(
        msgspec.to_builtins(found),
        as_json=chosen.json,
        lines=lines or [Text("Nothing is deferred.", "无递延收入。").in_(language)],
    )
    return 0
