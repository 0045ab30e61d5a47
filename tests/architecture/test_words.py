"""One thing has one word in Chinese, in every text of the project."""

from __future__ import annotations

import re

import pytest

from tests.architecture.tree import ROOT

# What must not be written -> the word of the project. Longer words that merely contain the same signs are let through.
WORDS = {
    "需求方(?![案式面])": "买方",
    "采购方(?![案式面])": "买方",
    "需方(?![案式面])": "买方",
    "(?<!提)供方(?![案式面便])": "供应方",
    "(?<!售)卖方(?![案式])": "供应方",
    # 服务中止 is the tax office's own name of a reason.
    "(?<!服务)中止": "暂停",
    "注销": "停用",
    "停止提供": "停用",
    "补充协议": "变更",
    "续约": "续期",
    "续签": "续期",
    "私有报价": "专属报价方案",
    "专属报价(?!方案)": "专属报价方案",
}
FOLDERS = (
    "exchange",
    "contracts",
    "pricing",
    "settlement",
    "compliance",
    "docs",
    "deploy",
    "sandbox/demo",
    "benchmarks",
)
ENDINGS = {".py", ".md", ".json", ".html", ".yaml", ".txt"}
WRONG = re.compile("|".join(WORDS))
# The words without what may stand around them: a text that has none of these needs no closer look.
PLAIN = tuple(re.sub(r"\(\?.*?\)", "", word) for word in WORDS)


def wrong_words(text: str) -> list[str]:
    if not any(word in text for word in PLAIN):
        return []
    return [f"{line}: {found[0]}" for line, said in enumerate(text.splitlines(), 1) for found in WRONG.finditer(said)]


def test_no_text_uses_another_word() -> None:
    files = [ROOT / "README.zh.md", *(path for folder in FOLDERS for path in (ROOT / folder).rglob("*"))]
    texts = [path for path in files if path.suffix in ENDINGS and "_build" not in path.parts]
    assert len(texts) > 500
    found = {path.relative_to(ROOT).as_posix(): wrong_words(path.read_text(encoding="utf-8")) for path in texts}
    assert {name: words for name, words in found.items() if words} == {}


@pytest.mark.parametrize("wrong", ["需求方下单", "由供方签名", "卖方所在地", "续约", "专属报价，", "已中止"])
def test_another_word_is_found(wrong: str) -> None:
    assert wrong_words(wrong)


@pytest.mark.parametrize("right", ["提供方式", "售卖方式", "需求方案", "采购方案", "供应方", "买方", "专属报价方案"])
def test_words_that_only_look_alike_are_let_through(right: str) -> None:
    assert wrong_words(right) == []
