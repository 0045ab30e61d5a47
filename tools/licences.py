"""Writes the pages that tell people how each licence is read: docs/en/licences.md and docs/zh/licences.md.

`python -m tools.licences` writes them; tests/unit/test_licence_mapping.py compares them with what it would write.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

from contracts.rights import DUTIES, OUTPUTS, PURPOSES
from contracts.spdx import PICKERS, READ, Licence
from exchange.kernel.text import Text

ROOT = Path(__file__).resolve().parents[1]
_WORDS = {
    "title": Text("How licences are read", "许可证的解读"),
    "intro": Text(
        "What each licence that the pickers of Hugging Face and GitHub offer lets one do with data, as the exchange reads "
        "it. This is no legal advice; the licence itself decides. A doubtful point is unknown, and unknown is a no. Of names "
        "that mean a family only what all its members say is held as known.",
        "本页说明交易所如何解读 Hugging Face 与 GitHub 许可证选择器所列的每种许可证对数据使用的规定。内容不构成法律意见，以许可证原文为准。"
        "存疑之处一律标为未知，未知即不允许。以名称表示一族许可证的，仅将全族共有的内容视为已知。",
    ),
    "marks": Text(
        "+ allowed · – forbidden · ? unknown. The columns are the purposes, then commercial use.",
        "+ 允许 · – 禁止 · ? 未知。各列依次为各用途与商业使用。",
    ),
    "licence": Text("Licence", "许可证"),
    "commercial": Text("commercial", "商业使用"),
    "table": Text("At a glance", "一览"),
    "pickers": Text("What the pickers' names mean", "选择器名称对照"),
    "name": Text("Name", "名称"),
    "each": Text("Each licence", "逐项说明"),
    "clause": Text("Rests on", "依据"),
    "source": Text("Source", "来源"),
    "duties": Text("You must", "你必须"),
    "outputs": Text("You may not", "你不得"),
    "adapt": Text("A derived dataset carries", "衍生数据集可采用"),
    "doubt": Text("Doubtful", "存疑"),
}
_ADAPT = {
    "free": Text("any terms that keep the duties", "保留上述义务的任何条款"),
    "never": Text("nothing: adaptations may not be passed on", "无：不得对外提供改编"),
    "unknown": Text("terms that are doubtful", "存疑"),
}
_STOPS = Text("; ", "；")


def _table(language: str) -> Iterator[str]:
    heads = [*PURPOSES, _WORDS["commercial"].in_(language)]
    yield f"| {_WORDS['licence'].in_(language)} | " + " | ".join(heads) + " |"
    yield "|---|" + ":-:|" * len(heads)
    for name, licence in READ.items():
        rights = licence.rights
        marks = ["+" if p in rights.purposes else "–" if p in rights.prohibits else "?" for p in PURPOSES]
        marks.append({True: "+", False: "–", None: "?"}[rights.commercial])
        yield f"| {name} | " + " | ".join(marks) + " |"


def _pickers(language: str) -> Iterator[str]:
    for picker in PICKERS.values():
        yield f"**{picker.name}**, {picker.version}"
        yield ""
        yield f"| {_WORDS['name'].in_(language)} | {_WORDS['licence'].in_(language)} |"
        yield "|---|---|"
        yield from (f"| `{name}` | {ours} |" for name, ours in picker.names.items())
        yield ""


def _line(word: str, language: str, said: str) -> str:
    colon = "：" if language == "zh" else ": "
    return f"- {_WORDS[word].in_(language)}{colon}{said}"


def _listed(names: Iterable[str], words: dict[str, Text], language: str) -> str:
    return _STOPS.in_(language).join(words[name].in_(language) for name in words if name in set(names))


def _one(name: str, licence: Licence, language: str) -> Iterator[str]:
    yield f"### {name}"
    yield ""
    yield _line("clause", language, licence.clause.in_(language))
    if licence.rights.duties:
        yield _line("duties", language, _listed(licence.rights.duties, DUTIES, language))
    if licence.rights.outputs:
        yield _line("outputs", language, _listed(licence.rights.outputs, OUTPUTS, language))
    carried = ", ".join(sorted(licence.into)) if licence.adapt == "same" else _ADAPT[licence.adapt].in_(language)
    yield _line("adapt", language, carried)
    yield from (_line("doubt", language, doubt.why.in_(language)) for doubt in licence.doubts)
    yield _line("source", language, licence.source)
    yield ""


def page(language: str) -> str:
    """The page of all licences in one language."""
    lines = [f"# {_WORDS['title'].in_(language)}", "", _WORDS["intro"].in_(language), ""]
    lines += [f"## {_WORDS['table'].in_(language)}", "", _WORDS["marks"].in_(language), "", *_table(language), ""]
    lines += [f"## {_WORDS['pickers'].in_(language)}", "", *_pickers(language)]
    lines += [f"## {_WORDS['each'].in_(language)}", ""]
    for name, licence in READ.items():
        lines += _one(name, licence, language)
    return "\n".join(lines).rstrip() + "\n"


PAGES: dict[str, Callable[[], str]] = {
    "docs/en/licences.md": partial(page, "en"),
    "docs/zh/licences.md": partial(page, "zh"),
}


def main() -> None:
    """Write the pages."""
    for name, write in PAGES.items():
        (ROOT / name).write_text(write(), encoding="utf-8")


if __name__ == "__main__":
    main()
