"""The lines that `exchange ledger` prints for people, in either language."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from exchange.flows.export_ledger import Exported
from exchange.flows.show_ledger import LedgerBalances, LedgerStatement, LedgerTrial
from exchange.flows.show_provenance import AccountView, Provenance, ProvenanceEnd, ProvenanceHolder, ProvenanceStep
from exchange.kernel.text import LANGUAGES, Text, pick
from settlement.accounts import AccountKind
from settlement.ledger_words import ACCOUNTS, journal_word
from settlement.splits import ROLE_NAMES, Role

Money = Mapping[str, str]
Names = Mapping[str, Mapping[str, str]]

_STATES = {
    "outside": Text("outside the exchange", "交易所之外"),
    "rests": Text("lies there", "留存于此"),
    "advanced": Text("advanced, not made up for yet", "已垫付，尚未补足"),
}
_RULES = {
    "tag": Text("same tag", "同一标签"),
    "fifo": Text("first in, first out", "先进先出"),
    "lines": Text("lines of one journal, in their order", "同一凭证内按行次"),
    "converted": Text("at the rate", "按汇率"),
}


def balance_lines(found: LedgerBalances, language: str) -> list[str]:
    """One line for each account."""
    head = Text(f"Balances just before {found.at}", f"截至 {found.at} 的余额").in_(language)
    rows = [
        f"{_money(one.balance):>26}  {_word(one.account, language):<12}  {_who(one.organisation, found.names, language)}"
        for one in found.items
    ]
    return [head, *(rows or [Text("No account holds anything.", "没有余额。").in_(language)])]


def statement_lines(found: LedgerStatement, language: str) -> list[str]:
    """Opening, one line for each posting with what the account held after it, closing."""
    whose = f" {found.organisation}" if found.organisation else ""
    head = f"{_word(found.account, language)}{whose}  {found.since} – {found.until}"
    opening = Text("opening", "期初").in_(language)
    closing = Text("closing", "期末").in_(language)
    rows = [
        f"{one.at:<27} {journal_word(one.kind).in_(language):<16} {one.source:<38} {_money(one.amount):>22} {_money(one.balance):>22}"
        for one in found.lines
    ]
    return [head, f"{opening}  {_money(found.opening)}", *rows, f"{closing}  {_money(found.closing)}"]


def trial_lines(found: LedgerTrial, language: str) -> list[str]:
    """By currency: the sum of each kind, and of all of them."""
    lines = [Text(f"Trial balance just before {found.at}", f"截至 {found.at} 的试算平衡表").in_(language)]
    for trial in found.currencies:
        lines += ["", trial.currency]
        lines += [f"{_money(one.sum):>26}  {_word(one.account, language)} ({one.accounts})" for one in trial.lines]
        lines.append(f"{_money(trial.sum):>26}  {Text('sum', '合计').in_(language)}")
    right = Text("Every currency sums to zero.", "各币种合计均为零。")
    wrong = Text("THE BOOKS DO NOT BALANCE: run exchange fsck.", "账目不平衡：请运行 exchange fsck。")
    return [*lines, "", (right if found.balanced else wrong).in_(language)]


def export_line(found: Exported, file: str, language: str) -> str:
    """What was written where."""
    return Text(
        f"{file}: {found.journals} journals with {found.postings} lines on {found.accounts} accounts, {found.first} – {found.end} ({found.zone}), "
        f"sha256 {found.sha256}",
        f"{file}：{found.accounts} 个账户、{found.journals} 张凭证、{found.postings} 条分录，{found.first} – {found.end}（{found.zone}），"
        f"sha256 {found.sha256}",
    ).in_(language)


def trace_lines(found: Provenance, language: str) -> list[str]:
    """Where the money was from, each step with its rule and period, and where it is now."""
    started = ", ".join(_money(one) for one in found.started)
    lines = [Text(f"{found.named}: {started}", f"{found.named}：{started}").in_(language), ""]
    lines += [Text("From", "来源").in_(language), *(_end(one, found.names, language) for one in found.origins), ""]
    lines.append(Text("Way", "路径").in_(language))
    for step in found.steps:
        lines += _step(step, found.names, language)
    lines += ["", Text("Now", "去向").in_(language), *(_end(one, found.names, language) for one in found.ends), ""]
    lines += [Text("Who has it", "归属").in_(language), *(_holder(one, found.names, language) for one in found.holders)]
    return lines


def _step(step: ProvenanceStep, names: Names, language: str) -> Iterator[str]:
    way = f"{_whose(step.from_account, names, language)} → {_whose(step.to_account, names, language)}"
    sums = _money(step.amount) + (f" → {_money(step.arrived)}" if step.arrived != step.amount else "")
    per = Text(f"{step.per_one} of each 1", f"每 1 中的 {step.per_one}").in_(language)
    share = f"  ({per})" if step.per_one else ""
    yield f"  {step.at}  {journal_word(step.kind).in_(language)} {step.source}"
    yield f"    {way}  {sums}{share}"
    for one in step.split:
        by = f" ({one.rule})" if one.rule else ""
        role = pick(ROLE_NAMES[Role(one.role)], [language])
        said = Text(
            f"split of {one.offer}{by}: {role}, {one.weight} of {one.of}",
            f"按 {one.offer}{by} 分成：{role}，{one.weight} / {one.of}",
        )
        yield f"      {said.in_(language)}"
    if step.rate is not None:
        used, source = step.rate, " ".join(step.rate.source.split())
        said = Text(f"at {used.value} ({used.rate}; {source})", f"汇率 {used.value}（{used.rate}；{source}）")
        yield f"      {said.in_(language)}"
    for taken in step.taken:
        rule = _RULES[taken.rule].in_(language)
        what = f"{journal_word(taken.kind).in_(language)} {taken.source} {_money(taken.amount)}"
        yield "      " + Text(f"out of {what}: {rule}", f"取自 {what}：{rule}").in_(language)
    if step.period is not None:
        period = f"{step.period['starts_at']} – {step.period['ends_at'] or '…'}"
        yield "      " + Text(f"period {period}", f"期间 {period}").in_(language)
    if step.occasion is not None:
        yield "      " + Text(f"payout for {step.occasion}", f"付款事由 {step.occasion}").in_(language)


def _holder(one: ProvenanceHolder, names: Names, language: str) -> str:
    per = Text(f"{one.per_one} of each 1", f"每 1 中的 {one.per_one}").in_(language) if one.per_one else ""
    who = _word(one.account, language) if one.account else _who(one.organisation, names, language)
    return f"  {_money(one.amount):>26}  {who}" + (f"  ({per})" if per else "")


def _end(one: ProvenanceEnd, names: Names, language: str) -> str:
    per = Text(f"{one.per_one} of each 1", f"每 1 中的 {one.per_one}").in_(language) if one.per_one else ""
    what = f"{journal_word(one.kind).in_(language)} {one.source}"
    where = f"{_whose(one.account, names, language)}, {_STATES[one.state].in_(language)}"
    return f"  {_money(one.amount):>26}  {where}; {what}" + (f"  ({per})" if per else "")


def _whose(account: AccountView, names: Names, language: str) -> str:
    word = _word(account.kind, language)
    return f"{word} {_who(account.organisation, names, language)}" if account.organisation else word


def _who(organisation: str | None, names: Names, language: str) -> str:
    if organisation is None:
        return Text("(the exchange)", "（交易所）").in_(language)
    return pick(names.get(organisation, {}), [language, *LANGUAGES]) or organisation


def _word(kind: str, language: str) -> str:
    return ACCOUNTS[AccountKind(kind)].in_(language)


def _money(wire: Money) -> str:
    return f"{wire['amount']} {wire['currency']}"
