"""Writes the page of the regulator's reports: every column, what it means, and what in the law asks for it."""

from __future__ import annotations

from compliance.reports.findings import FINDINGS
from compliance.reports.kinds import KINDS
from compliance.reports.shape import Column, Kind

_HEAD = """# Columns of the reports · 报告各列说明

Every report's columns in order, as they stand in its rows and in its signed head. This page is written by
`python -m tools.reference`; how to ask for a report and check it stands in [Reports](en/compliance/reports.md).

各报告的列，按其在数据行与已签名报告头中的顺序列出。如何申请与核验见[监管报告](zh/compliance/reports.md)。
"""


def page() -> str:
    """The page, in both languages side by side."""
    parts = [_HEAD, *(_kind(one) for one in KINDS.values()), _findings()]
    return "\n".join(parts)


def _kind(kind: Kind) -> str:
    lines = [f"## {kind.name}: {kind.title.en} · {kind.title.zh}", "", f"*{kind.article}*", ""]
    lines += [kind.about.en, "", kind.about.zh, ""]
    lines += ["| column 列 | meaning | 含义 | serves 依据 |", "|---|---|---|---|"]
    return "\n".join([*lines, *(_column(one) for one in kind.columns), ""])


def _column(one: Column) -> str:
    en, zh = f"**{one.title.en}.** {one.meaning.en}", f"**{one.title.zh}**：{one.meaning.zh}"
    return f"| `{one.name}` | {_cell(en)} | {_cell(zh)} | {_cell(one.serves)} |"


def _findings() -> str:
    lines = ["## Findings · 发现的问题", "", "| word 代码 | meaning | 含义 |", "|---|---|---|"]
    lines += [f"| `{word}` | {_cell(text.en)} | {_cell(text.zh)} |" for word, text in FINDINGS.items()]
    return "\n".join([*lines, ""])


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
