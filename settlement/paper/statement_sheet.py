"""A settlement statement as a paper for people: each movement with what it comes from, and how opening becomes closing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from exchange.kernel.money import Money
from exchange.kernel.text import Text
from settlement.fiscal_journals import FEE_TAX, SELF_BILL_TAX
from settlement.ledger_words import journal_word
from settlement.paper.sheet import Block, Column, Facts, Row, Sentences, Sheet, Sum, Sums, Table, Words, shown
from settlement.recompute_columns import COLUMNS

TAX_KINDS = (SELF_BILL_TAX, FEE_TAX)
# A paper is for people; whoever has more lines reads them in the export, which the sums here cover whole.
LINES_MAX = 500
_COLUMN_WORDS: Mapping[str, Text] = {
    "sales": Text("sales", "销售额"),
    "fees": Text("fees and shares of others", "服务费及他方分成"),
    "shares": Text("shares", "分成"),
    "refunds": Text("refunds", "退款"),
    "taxes": Text("taxes on shares and fees", "分成及服务费税额"),
    "holds": Text("holds", "冻结"),
    "withheld": Text("withheld tax", "代扣税款"),
    "payouts": Text("payouts", "付款"),
    "adjustments": Text("adjustments", "调整"),
}


def statement_sheet(document: Mapping[str, Any], sha256: bytes, holder: str, language: str) -> Sheet:
    """The paper of a statement of any version in one language.

    shapes   document: as it was issued; sha256: of its bytes; holder: the payee's name
    errors   KeyError for a version that no table of ours has
    """
    words = Words(language)
    title = words("Settlement statement", "结算单")
    number = f"{document['currency']} {document['number']}"
    return Sheet(
        language=language,
        title=title,
        number=number,
        dated=datetime.fromisoformat(document["issued_at"]).date(),
        author=words("Corpus Exchange", "语料交易所"),
        foot=f"{title} {number} · {document['id']}",
        blocks=tuple(_blocks(document, sha256, holder, words)),
        about=document["id"],
    )


def _blocks(document: Mapping[str, Any], sha256: bytes, holder: str, words: Words) -> Iterator[Block]:
    period = document["period"]
    start, end = _moment(period["starts_at"]), _moment(period["ends_at"])
    yield Facts(
        (
            (words("Payee", "收款方"), f"{holder} ({document['organisation']})"),
            (words("Issued on", "出具时间"), _moment(document["issued_at"])),
            (words("Period", "结算期间"), words(f"{start} until {end}", f"{start} 至 {end} 前")),
            (words("Settlement run", "结算批次"), document["run"]),
            (words("Statement", "结算单"), document["id"]),
            (words("Currency", "币种"), document["currency"]),
        )
    )
    yield _sums(document, words)
    yield _lines(document, words)
    yield Sentences(words("Notes", "说明"), tuple(_notes(document, sha256, words)))


def _sums(document: Mapping[str, Any], words: Words) -> Sums:
    totals, currency = document["totals"], document["currency"]
    names = COLUMNS[document["v"]][0]
    counts = _counts(document, names)
    rows = [
        Sum(
            words("Opening balance", "期初余额"),
            words("closing of the one before", "上期期末余额"),
            _said(totals["opening"]),
        )
    ]
    for name in names:
        amount, count = _said(totals[name]), counts[name]
        how = words(f"{count} line{'' if count == 1 else 's'}", f"{count} 行") if count else ""
        if amount != _said({"amount": "0.00", "currency": currency}) or count:
            rows.append(Sum(f"+ {words.of(_COLUMN_WORDS[name])}", how, amount))
    closing = words("= Closing balance", "= 期末余额")
    rows.append(
        Sum(closing, words("payable to you", "应付贵方"), f"{currency} {_said(totals['closing'])}", strong=True)
    )
    return Sums(words("Sums", "合计"), tuple(rows))


def _counts(document: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, int]:
    """How many lines fall into each column; a sale of one's own falls into two."""
    counts = dict.fromkeys(names, 0)
    _, columns, went_back = COLUMNS[document["v"]]
    for line in document["lines"]:
        if line["kind"] == "release" and line.get("sold_by_you"):
            counts["sales"] += 1
            counts["fees"] += 1
        else:
            counts[columns.get(line["kind"], "adjustments")] += 1
        if line["kind"] == "release" and "refunded" in line:
            counts[went_back] += 1
    return counts


def _lines(document: Mapping[str, Any], words: Words) -> Table:
    columns = (
        Column(words("No.", "序号"), 7),
        Column(words("What", "事项"), 55),
        Column(words("At", "时间"), 24),
        Column(words("Amount", "金额"), 20, number=True),
    )
    rows = tuple(
        Row(
            (str(number), _name(line, words), _moment(line["at"]), _said(line["amount"])),
            tuple(text for text in _how(line, words) if text),
        )
        for number, line in enumerate(document["lines"][:LINES_MAX], 1)
    )
    return Table(words("Movements", "明细"), columns, rows, indented=True)


def _name(line: Mapping[str, Any], words: Words) -> str:
    said = words.of(journal_word(line["kind"]))
    return f"{said} {line['source']}" if "source" in line else said


def _how(line: Mapping[str, Any], words: Words) -> Iterator[str]:
    """How a line's amount comes about, as far as a line of a paper can say it."""
    for part in line.get("explain", ()):
        yield words.of(part["text"])
    if "refunded" in line:
        share, back = _said(line["share"]), _said(line["refunded"])
        yield words(
            f"{share} − {back} that went back before = {_said(line['amount'])}",
            f"{share} − 结算前已退 {back} = {_said(line['amount'])}",
        )
    if line["kind"] == "refund" and "taken" in line:
        taken, owed = _said(line["taken"]), _said(line["owed"])
        yield words(
            f"of {line['of']}: your part {taken}, of which {owed} became debt",
            f"{line['of']}：贵方部分 {taken}，其中 {owed} 转为欠款",
        )
    if "rate" in line:
        sold, bought = line["sold"], line["bought"]
        yield f"{sold['currency']} {_said(sold)} × {line['rate']} = {bought['currency']} {_said(bought)}"
        yield words(f"rate: {line['rate_source']}", f"汇率来源：{line['rate_source']}")
    if "credit" in line:
        yield words.of(line["text"])
        yield words(
            f"credit {_said(line['credit'])}, owed of it {_plain(line['owed'])}",
            f"补偿 {_said(line['credit'])}，其中欠付 {_plain(line['owed'])}",
        )
    if line["kind"] in TAX_KINDS and "owed" in line:
        booked = Money.from_wire(line["amount"])
        lacking = Money.from_wire({"amount": line["owed"], "currency": booked.currency})
        yield words(
            f"tax {shown(lacking - booked)}, of which {shown(lacking)} became debt",
            f"税额 {shown(lacking - booked)}，其中 {shown(lacking)} 转为欠款",
        )
    if "rule" in line:
        advance, owed = _plain(line["advance"]), _plain(line["owed"])
        yield words(
            f"by {line['rule']}: {len(line['parts'])} parts; to the advance {advance}, owed {owed}",
            f"依 {line['rule']}：{len(line['parts'])} 项分成；抵扣预付款 {advance}，欠付 {owed}",
        )
    if line["kind"] == "pool" and "weights" in line:
        yield f"{_plain(line['shared'])} × {line['weight']} / {line['weights']}"
    if line["kind"] == "guarantee" and "promised" in line:
        promised, got = _plain(line["promised"]), _plain(line["got"])
        yield words(f"promised {promised}, got {got}", f"保底 {promised}，已得 {got}")


def _notes(document: Mapping[str, Any], sha256: bytes, words: Words) -> Iterator[str]:
    count = len(document["lines"])
    if count > LINES_MAX:
        yield words(
            f"This paper shows the first {LINES_MAX} of {count} movements; the export has all. The sums are over all.",
            f"本文本列示 {count} 笔变动中的前 {LINES_MAX} 笔，全部明细见导出文件；合计涵盖全部变动。",
        )
    yield words(
        "Amounts are exact, to the millionth. The export of this statement and the script recompute_statement.py work every "
        "amount out again.",
        "金额精确至百万分之一。凭本结算单的导出文件与脚本 recompute_statement.py 可独立重算每一笔金额。",
    )
    yield words(
        f"This paper says in words what statement {document['id']} says. SHA-256 of that: {sha256.hex()}",
        f"本文本为结算单 {document['id']} 的文字表述，其 SHA-256： {sha256.hex()}",
    )


# ISO 4217 for "no currency".
_NONE = "X" * 3


def _said(money: Mapping[str, str]) -> str:
    return shown(Money.from_wire(money))


def _plain(amount: str) -> str:
    # Only the amount is shown; the currency is the statement's.
    return shown(Money.from_wire({"amount": amount, "currency": _NONE}))


def _moment(at: str) -> str:
    return f"{at[:10]} {at[11:16]} UTC"
