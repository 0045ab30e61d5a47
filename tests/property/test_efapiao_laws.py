"""Amounts in Chinese words, for every amount: they read back, and keep the rules on 零 and 整."""

from __future__ import annotations

from decimal import Decimal

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.kernel.money import Money
from settlement.efapiao.filling import fill
from settlement.efapiao.words import COINS_MAX, amount_in_words
from tests.support.efapiao_samples import CODES, SCHEMA, categories, filled
from tests.support.fiscal_samples import BEIJING, CHINA, CHINESE, invoice, item

_DIGIT = {sign: value for value, sign in enumerate("零壹贰叁肆伍陆柒捌玖")}
_PLACE = {"拾": 10, "佰": 100, "仟": 1_000}


def read_back(said: str) -> int:
    """What words are worth in coins, read as a person would: nothing of the writer is used."""
    sign, said = (-1, said.removeprefix("（负数）")) if said.startswith("（负数）") else (1, said)
    group = digit = coins = 0
    for one in said:
        if one in _DIGIT:
            digit = _DIGIT[one]
        elif one in _PLACE:
            group, digit = group + digit * _PLACE[one], 0
        elif one in "万亿":
            coins += (group + digit) * (10**4 if one == "万" else 10**8) * 100
            group = digit = 0
        elif one == "圆":
            coins, group, digit = coins + (group + digit) * 100, 0, 0
        elif one in "角分":
            coins, digit = coins + digit * (10 if one == "角" else 1), 0
    return sign * coins


AMOUNTS = st.one_of(
    st.integers(0, COINS_MAX),
    st.integers(0, 10**6),
    # Many zeros, in all places: where the rules on them bite.
    st.lists(st.sampled_from("0000123456789"), min_size=1, max_size=14).map(lambda said: int("".join(said))),
)


@given(AMOUNTS)
def test_words_read_back_as_the_amount(coins: int) -> None:
    assert read_back(amount_in_words(coins)) == coins
    assert read_back(amount_in_words(-coins)) == -coins


@given(AMOUNTS)
def test_zeros_and_the_end_follow_the_rules(coins: int) -> None:
    said = amount_in_words(coins)
    # 整 after 圆 and 角, never after 分, and nowhere else.
    assert said.endswith("分") == (coins % 10 != 0)
    assert said.endswith("整") == (coins % 10 == 0)
    assert said.count("整") <= 1
    if coins < 100 and coins:
        assert "圆" not in said
        assert "零" not in said
    else:
        assert said.count("圆") == 1
    assert "零零" not in said
    # A zero stands before a digit, but for nothing at all: never before a place, a group, or the yuan.
    for at, one in enumerate(said):
        if one == "零" and said != "零圆整":
            assert said[at + 1] in "壹贰叁肆伍陆柒捌玖"
            assert at > 0
    # The fen after whole yuan is kept apart from them by a zero.
    if coins > 100 and coins % 10 and not coins // 10 % 10:
        assert said[-3] == "零"
    # One zero between digits with noughts between them, in one group as across two.
    digits = str(coins // 100)
    if len(digits) >= 2 and digits.strip("0").count("0"):
        inner = digits.strip("0")
        runs = [run for run in _runs(inner) if run]
        assert said.split("圆")[0].count("零") <= len(runs)


def _runs(digits: str) -> list[str]:
    return ["0" * len(run) for run in "".join(one if one == "0" else " " for one in digits).split()]


@pytest.mark.parametrize(
    ("yuan", "words"),
    [
        ("0", "零圆整"),
        ("0.01", "壹分"),
        ("0.10", "壹角整"),
        ("0.99", "玖角玖分"),
        ("1", "壹圆整"),
        ("10", "壹拾圆整"),
        ("1.01", "壹圆零壹分"),
        ("1.10", "壹圆壹角整"),
        ("105", "壹佰零伍圆整"),
        ("1005.30", "壹仟零伍圆叁角整"),
        ("1409.50", "壹仟肆佰零玖圆伍角整"),
        ("6007.14", "陆仟零柒圆壹角肆分"),
        ("1680.32", "壹仟陆佰捌拾圆叁角贰分"),
        ("16409.02", "壹万陆仟肆佰零玖圆零贰分"),
        ("107000.53", "壹拾万柒仟圆伍角叁分"),
        ("10001", "壹万零壹圆整"),
        ("100000", "壹拾万圆整"),
        ("1000000000", "壹拾亿圆整"),
        ("100000001", "壹亿零壹圆整"),
        ("100010000", "壹亿零壹万圆整"),
        ("100007000", "壹亿零柒仟圆整"),
        ("123456789.12", "壹亿贰仟叁佰肆拾伍万陆仟柒佰捌拾玖圆壹角贰分"),
        ("999999999999.99", "玖仟玖佰玖拾玖亿玖仟玖佰玖拾玖万玖仟玖佰玖拾玖圆玖角玖分"),
        ("100000000000", "壹仟亿圆整"),
        ("-35.6", "（负数）叁拾伍圆陆角整"),
    ],
)
def test_words_of_known_amounts(yuan: str, words: str) -> None:
    assert amount_in_words(int(Decimal(yuan) * 100)) == words


def test_more_than_can_be_written_is_refused() -> None:
    for coins in (COINS_MAX + 1, -COINS_MAX - 1):
        with pytest.raises(ValueError, match="more than can be written"):
            amount_in_words(coins)


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=12))
def test_lines_add_up_to_the_sums_and_each_is_near_its_rate(nets: list[int]) -> None:
    """Whatever the amounts: the lines' taxes add up to the document's, none is more than a coin from its own."""
    texts = [f"{net // 10**6}.{net % 10**6:06d}" for net in nets]
    doc = invoice("law", (CHINESE, BEIJING), [item(n, net, "CNY", CHINA) for n, net in enumerate(texts, 1)])
    said = fill(doc, categories(doc), CODES)
    if doc.totals.with_tax == Money.zero("CNY"):
        assert not isinstance(said, bytes)
        return
    fapiao = filled(said)
    jsonschema.validate(fapiao, SCHEMA)
    amounts = [Decimal(one["amount"]) for one in fapiao["items"]]
    taxes = [Decimal(one["tax"]) for one in fapiao["items"]]
    assert sum(amounts) == Decimal(fapiao["amount"])
    assert sum(taxes) == Decimal(fapiao["tax"])
    assert Decimal(fapiao["amount"]) + Decimal(fapiao["tax"]) == Decimal(fapiao["total"])
    assert read_back(fapiao["total_in_words"]) == Decimal(fapiao["total"]) * 100
    for line in fapiao["items"]:
        amount, tax = Decimal(line["amount"]), Decimal(line["tax"])
        assert abs(amount * Decimal(line["rate"]) - tax) < Decimal("0.02")
        assert abs(Decimal(line["price"]) * Decimal(line["quantity"]) - amount) <= Decimal("0.005")
