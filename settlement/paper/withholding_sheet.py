"""The certificate of what was withheld from a payee in a year: for its own tax office, payout by payout and in sums."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date
from decimal import Decimal

from exchange.kernel import ids
from exchange.kernel.money import Money
from exchange.kernel.text import LocaleMap, Text
from settlement.paper.sheet import Box, Boxes, Column, Facts, Row, Sentences, Sheet, Sum, Sums, Table, Words, shown
from settlement.store.withholding import Kept
from settlement.withholding import Income

_INCOMES = {
    Income.ROYALTY: Text("royalties for the use of data", "数据使用的特许权使用费"),
    Income.SERVICE: Text("payment for work", "劳务报酬"),
}


@dataclass(frozen=True, slots=True)
class Who:
    """A party as the certificate names it."""

    name: LocaleMap
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WithheldPaper:
    """All payouts of a payee in a year under a rule, those that came back included.

    shapes   kept: at least one; `over`: whether the year is
    """

    payee: Who
    by: Who
    year: int
    over: bool
    kept: Sequence[Kept]


@dataclass(frozen=True, slots=True)
class Total:
    """The sums of one country, kind of income and currency."""

    payer: str
    income: Income
    gross: Money
    withheld: Money


def totals(kept: Sequence[Kept]) -> list[Total]:
    """What was paid and withheld; what came back with its payout is in none of them."""
    sums: dict[tuple[str, Income, str], tuple[Money, Money]] = {}
    for one in kept:
        if not one.back:
            key, zero = (one.payer, one.income, one.gross.currency), Money.zero(one.gross.currency)
            gross, withheld = sums.get(key, (zero, zero))
            sums[key] = (gross + one.gross, withheld + one.withheld)
    return [Total(payer, income, *sums[payer, income, currency]) for payer, income, currency in sorted(sums)]


def withholding_sheet(paper: WithheldPaper, language: str) -> Sheet:
    """The certificate in one language."""
    words = Words(language)
    title = words("Certificate of tax withheld", "代扣税款证明")
    number = f"{ids.text('org', paper.kept[0].organisation_id)}/{paper.year}"
    return Sheet(
        language=language,
        title=title,
        number=number,
        dated=max(one.created_at for one in paper.kept).astimezone(UTC).date(),
        author=words("Corpus Exchange", "语料交易所"),
        foot=f"{title} {number}",
        blocks=(
            Boxes(
                (
                    Box(words("Withheld from", "收款方"), (words.of(paper.payee.name), *paper.payee.lines)),
                    Box(words("Withheld by", "扣缴方"), (words.of(paper.by.name), *paper.by.lines)),
                )
            ),
            Facts(((words("Year", "年度"), words.days(date(paper.year, 1, 1), date(paper.year, 12, 31))),)),
            _table(paper.kept, words),
            *(_sums(one, words) for one in totals(paper.kept)),
            Sentences(words("Notes", "说明"), tuple(_notes(paper, words))),
        ),
        about=number,
    )


def _table(kept: Sequence[Kept], words: Words) -> Table:
    columns = (
        Column(words("Payout", "付款"), 34),
        Column(words("Day", "日期"), 16),
        Column(words("Gross", "税前金额"), 16, number=True),
        Column(words("Rate", "税率"), 12, number=True),
        Column(words("Withheld", "代扣税款"), 16, number=True),
        Column(words("Paid", "实付金额"), 16, number=True),
    )
    return Table(words("Payouts", "付款明细"), columns, tuple(_row(one, words) for one in kept))


def _row(one: Kept, words: Words) -> Row:
    below = [f"{words('By', '依据')}{words.colon()}{one.source}"]
    if one.relief_id is not None:
        below.append(
            f"{words('Lowered by the paper', '减免证明')}{words.colon()}{ids.text('wrl', one.relief_id)}",
        )
    if one.back:
        below.append(words("Came back with its payout; in no sum.", "已随付款退回，不计入合计。"))
    amounts = (shown(one.gross), percent(one.rate), shown(one.withheld), shown(one.gross - one.withheld))
    day = one.created_at.astimezone(UTC).date().isoformat()
    return Row((ids.text("pot", one.payout_id), day, *amounts), tuple(below))


def percent(rate: Decimal) -> str:
    """A rate as people write it."""
    text = f"{rate.scaleb(2):f}"
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text} %"


def _sums(one: Total, words: Words) -> Sums:
    said = f"{one.payer}, {words.of(_INCOMES[one.income])}, {one.gross.currency}"
    return Sums(
        said,
        (
            Sum(words("Gross", "税前金额"), "", shown(one.gross)),
            Sum(words("− withheld", "− 代扣税款"), "", shown(one.withheld)),
            Sum(
                words("= paid", "= 实付金额"),
                "",
                f"{one.gross.currency} {shown(one.gross - one.withheld)}",
                strong=True,
            ),
        ),
    )


def _notes(paper: WithheldPaper, words: Words) -> list[str]:
    notes = [
        words(
            "Payouts count in the year (UTC) in which they were ordered. Rules and their sources are those that the "
            "exchange's operator had in force on that day.",
            "付款按指令下达所在年度（UTC）计入；规则及其依据以交易所运营方当日启用者为准。",
        ),
        words(
            "This paper says what was withheld; it is no receipt of a tax office.",
            "本证明仅载明代扣金额，不是税务机关出具的完税凭证。",
        ),
    ]
    if not paper.over:
        notes.insert(0, words("The year is not over: more may follow.", "年度尚未结束，金额可能增加。"))
    return notes
