"""A file fits in one's head (500 lines), a function on one screen (70)."""

from __future__ import annotations

from tests.architecture.tree import ALL, functions, sources

FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 70


def test_files_stay_under_500_lines() -> None:
    assert not [f"{s.name}: {len(s.lines)} lines" for s in sources(*ALL) if len(s.lines) > FILE_LINES_MAX]


def test_functions_fit_a_screen() -> None:
    long = [
        f"{source.name}:{node.lineno} {node.name}: {length} lines"
        for source in sources(*ALL)
        for node in functions(source.tree)
        if (length := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_LINES_MAX
    ]
    assert not long


def test_init_files_are_empty() -> None:
    assert not [s.name for s in sources(*ALL) if s.name.endswith("__init__.py") and s.text.strip()]
