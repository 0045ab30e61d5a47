"""exchange ledger: balances, statements, the trial balance, one object's money traced, and the books as plain text."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TextIO

import msgspec

from exchange.cli import flags
from exchange.cli.ledger_lines import balance_lines, export_line, statement_lines, trace_lines, trial_lines
from exchange.cli.output import add_json, add_language, language_of, say
from exchange.cli.reading import Refused
from exchange.cli.tools import Tools
from exchange.flows.export_ledger import Exported, ExportWish, NoDays, export_ledger
from exchange.flows.show_ledger import BalancesWish, show_account, show_balances, show_trial_balance
from exchange.flows.show_provenance import show_provenance
from exchange.kernel.db import Tx
from exchange.kernel.errors import Problem
from exchange.kernel.text import Text
from settlement.accounts import OWNED, AccountKey, AccountKind
from settlement.plain_text import Dialect

Act = Callable[[argparse.Namespace, Any, str], Awaitable[int]]
_KINDS = tuple(kind.value for kind in AccountKind)


def add(subs: Any) -> None:
    """Put the command into the parser."""
    command = subs.add_parser(
        "ledger",
        help="balances, statements, trial balance, traces and exports of the ledger",
        description="Look into the general ledger; nothing is changed. Times are RFC 3339 with a zone; a day such as 2026-01-15 is its first moment in the time zone of --zone. "
        "查看总账：余额、对账单、试算平衡、资金追踪与导出。",
    )
    actions = command.add_subparsers(dest="action", required=True, metavar="ACTION")
    made = {name: actions.add_parser(name, help=words, description=words) for name, words in _ACTIONS.items()}
    for name in ("balances", "statement"):
        made[name].add_argument("--organisation", metavar="org_...", help="whose; without it the exchange's own or all")
        made[name].add_argument("--kind", choices=_KINDS, required=name == "statement")
        made[name].add_argument("--currency", metavar="CNY", required=name == "statement")
    for name in ("balances", "trial-balance"):
        made[name].add_argument("--at", metavar="TIME", help="just before that moment; now if absent")
    made["balances"].add_argument("--empty", action="store_true", help="also accounts that hold nothing")
    made["statement"].add_argument("--from", dest="since", metavar="TIME", help="the beginning if absent")
    made["statement"].add_argument("--to", dest="until", metavar="TIME", help="not included; now if absent")
    made["trace"].add_argument(
        "named", metavar="ID", help="ord_ chg_ pay_ pot_ cnv_ rfd_ hld_ crd_ rsc_ jnl_..., or one line: jnl_...:2"
    )
    made["export"].add_argument("--format", dest="dialect", choices=tuple(Dialect), required=True)
    made["export"].add_argument("--from", dest="first", metavar="2026-01-01", help="first day; the beginning if absent")
    made["export"].add_argument("--to", dest="end", metavar="2026-02-01", help="not included; all if absent")
    made["export"].add_argument("--output", metavar="FILE", help="standard output if absent")
    for name in ("balances", "statement", "trial-balance", "export"):
        made[name].add_argument("--zone", metavar="Asia/Shanghai", default="UTC", help="whose days; UTC if absent")
    for action in made.values():
        add_language(action)
        add_json(action)
    command.set_defaults(run=run)


_ACTIONS: Mapping[str, str] = {
    "balances": "what accounts hold, by holder, kind and currency. 账户余额",
    "statement": "one account over a period: opening, every line, closing. 账户对账单",
    "trial-balance": "the sum of every kind of account; 1 unless each currency sums to zero. 试算平衡表",
    "trace": "where an object's money came from and where it went, rule by rule. 资金追踪",
    "export": "the ledger as text for beancount or hledger. 导出为 beancount 或 hledger 格式",
}


async def run(chosen: argparse.Namespace, tools: Tools) -> int:
    """Do what was asked; 0 when it could be done, 1 when there is nothing such or books do not balance, 2 for a bad flag."""
    language = language_of(chosen, tools.environment)
    try:
        act = _acts()[chosen.action]
        tools.refuse_absent()
        async with tools.ground(tools.settings) as on, tools.opened(on) as made:
            return await act(chosen, made, language)
    except Refused as refused:
        say({"problem": "bad-flag", "why": refused.why.map()}, as_json=chosen.json, lines=[refused.why.in_(language)])
        return 2


def _acts() -> Mapping[str, Act]:
    return {
        "balances": _balances,
        "statement": _statement,
        "trial-balance": _trial_balance,
        "trace": _trace,
        "export": _export,
    }


async def _balances(chosen: argparse.Namespace, made: Any, language: str) -> int:
    wish = BalancesWish(
        organisation_id=flags.organisation(chosen.organisation),
        kind=AccountKind(chosen.kind) if chosen.kind else None,
        currency=flags.currency(chosen.currency) if chosen.currency else None,
        at=flags.moment(chosen.at, chosen.zone),
        with_empty=chosen.empty,
    )
    found = await made.db.run(partial(show_balances, wish=wish))
    say(msgspec.to_builtins(found), as_json=chosen.json, lines=balance_lines(found, language))
    return 0


async def _statement(chosen: argparse.Namespace, made: Any, language: str) -> int:
    key = _key(chosen)
    since = flags.moment(chosen.since, chosen.zone) or datetime(1970, 1, 1, tzinfo=UTC)
    until = flags.moment(chosen.until, chosen.zone)
    if until is not None and until <= since:
        raise Refused(Text("--to is later than --from", "--to 须晚于 --from"))
    found = await made.db.run(partial(show_account, key=key, since=since, until=until))
    say(msgspec.to_builtins(found), as_json=chosen.json, lines=statement_lines(found, language))
    return 0


async def _trial_balance(chosen: argparse.Namespace, made: Any, language: str) -> int:
    found = await made.db.run(partial(show_trial_balance, at=flags.moment(chosen.at, chosen.zone)))
    say(msgspec.to_builtins(found), as_json=chosen.json, lines=trial_lines(found, language))
    return 0 if found.balanced else 1


async def _trace(chosen: argparse.Namespace, made: Any, language: str) -> int:
    found = await made.db.run(partial(show_provenance, sales=made.sales, named=chosen.named))
    if isinstance(found, Problem):
        answer = {"problem": found.slug, "detail": found.detail(language), "remedy": found.remedy(language)}
        say(answer, as_json=chosen.json, lines=[found.detail(language), found.remedy(language)])
        return 1
    say(msgspec.to_builtins(found), as_json=chosen.json, lines=trace_lines(found, language))
    return 0


async def _export(chosen: argparse.Namespace, made: Any, language: str) -> int:
    wish = ExportWish(Dialect(chosen.dialect), flags.day(chosen.first), flags.day(chosen.end), flags.zone(chosen.zone))
    # With --json and no file the text would stand in the way of the JSON, so it goes into it.
    pieces: list[str] = []
    inline = chosen.json and not chosen.output

    async def flow(tx: Tx) -> Exported:
        with written(chosen.output) as out:
            return await export_ledger(tx, wish, pieces.append if inline else out.write)

    try:
        found = await made.db.run(flow)
    except NoDays as error:
        raise Refused(error.why) from error
    answer = {**msgspec.to_builtins(found), **({"text": "".join(pieces)} if inline else {"file": chosen.output})}
    if chosen.json or chosen.output:
        say(answer, as_json=chosen.json, lines=[export_line(found, chosen.output or "", language)])
    return 0


@contextmanager
def written(file: str | None) -> Iterator[TextIO]:
    """Standard output, or a file that is there when it is whole and not before."""
    if file is None:
        yield sys.stdout
        return
    partial_file = Path(f"{file}.partial")
    with partial_file.open("w", encoding="utf-8", newline="\n") as out:
        yield out
    partial_file.replace(file)


def _key(chosen: argparse.Namespace) -> AccountKey:
    kind, owner = AccountKind(chosen.kind), flags.organisation(chosen.organisation)
    if (owner is not None) != (kind in OWNED):
        needs = (
            Text("needs --organisation", "需要 --organisation")
            if owner is None
            else Text("is the exchange's own", "属于交易所自身")
        )
        raise Refused(Text(f"an account of the kind {kind.value} {needs.en}", f"{kind.value} 类账户{needs.zh}"))
    return AccountKey(owner, kind, flags.currency(chosen.currency))
