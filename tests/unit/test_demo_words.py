"""The demo's own parts: its words in both languages, its organisations' numbers, its arithmetic."""

from __future__ import annotations

import ast
import io
import re
from pathlib import Path
from string import Formatter

import pytest
from stdnum import lei
from stdnum.cn import uscc

import sandbox.demo.texts
from sandbox.demo.goods import GOODS, offers
from sandbox.demo.parties import CAST
from sandbox.demo.settle import largest_remainder
from sandbox.demo.telling import Telling
from sandbox.demo.texts import TEXTS

FOLDER = Path(sandbox.demo.texts.__file__).parent


@pytest.mark.parametrize("key", sorted(TEXTS))
def test_both_languages_say_the_same(key: str) -> None:
    english, chinese = ({name for _, name, _, _ in Formatter().parse(text) if name} for text in TEXTS[key])
    assert english == chinese
    assert not re.search(r"[\u4e00-\u9fff]", TEXTS[key][0])


def test_every_text_that_is_said_exists() -> None:
    said = set()
    for path in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
                first = node.args[0]
                if node.func.attr in ("say", "text", "opening", "step", "progress") and isinstance(first, ast.Constant):
                    said.add(first.value)
    assert said
    assert said <= set(TEXTS)


def test_numbers_have_their_check_digits() -> None:
    for cast in CAST:
        for scheme, value in cast.identifiers.items():
            assert (uscc if scheme == "uscc" else lei).is_valid(value), cast.key
            assert len(value) == {"uscc": 18, "lei": 20}[scheme]


def test_offers_share_everything_out() -> None:
    known = {cast.key: f"org_{cast.key}" for cast in CAST}
    for goods in GOODS:
        for document in offers(goods, known).values():
            assert sum(share["weight"] for share in document["shares"]) == 10_000
        assert goods.files()


def test_largest_remainder_gives_all() -> None:
    assert largest_remainder(100, [1, 1, 1]) == [34, 33, 33]
    assert largest_remainder(1_200_000_000, [7000, 1000, 500, 300, 1200]) == [
        840_000_000,
        120_000_000,
        60_000_000,
        36_000_000,
        144_000_000,
    ]


def test_numbers_stand_below_each_other() -> None:
    out = io.StringIO()
    Telling("zh", out).table(["对象", "金额"], [["买方", "-2,200.00"], ["供应方：已付款", "841.465554"]])
    heads, _, first, second = out.getvalue().splitlines()
    # A Chinese sign is two columns wide.
    width = [sum(2 if ord(sign) > 0x2E80 else 1 for sign in line.partition(".")[0]) for line in (first, second)]
    assert width[0] == width[1]
    assert heads.endswith("金额")
