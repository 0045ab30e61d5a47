"""The tree as the architecture tests see it: files, their syntax, their names."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("exchange", "contracts", "pricing", "settlement", "compliance")
ALL = (*PACKAGES, "sandbox", "benchmarks", "tools")
FEATURES = (
    "contracts",
    "pricing",
    "settlement",
    "compliance",
    "exchange.parties",
    "exchange.catalog",
    "exchange.quality",
    "exchange.access",
    "exchange.webhooks",
)


@dataclass(frozen=True)
class Source:
    """One file: its name from the root, its module name, text and syntax tree."""

    name: str
    module: str
    text: str
    tree: ast.Module

    def within(self, *modules: str) -> bool:
        """Whether it is one of these modules or lies below one."""
        return any(self.module == m or self.module.startswith(f"{m}.") for m in modules)

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    def is_domain(self) -> bool:
        """A pure file of a feature: no store, no tables, no gateway."""
        return self.within(*FEATURES) and not {"store", "tables", "gateway"} & set(self.module.split("."))


@cache
def sources(*tops: str) -> tuple[Source, ...]:
    """Every Python file below these top packages."""
    return tuple(
        read(path, path.relative_to(ROOT).as_posix()) for top in tops for path in sorted((ROOT / top).rglob("*.py"))
    )


@cache
def read(path: Path, name: str) -> Source:
    return parse(name, path.read_text(encoding="utf-8"))


def parse(name: str, text: str) -> Source:
    """A source made of text; tests of the tests use it too."""
    module = name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    return Source(name, module, text, ast.parse(text))


def dotted(node: ast.AST) -> str:
    """`a.b.c` of a chain of names; of anything else its last part."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = dotted(node.value)
        return f"{before}.{node.attr}" if before else f".{node.attr}"
    return ""


@cache
def nodes(source: Source) -> tuple[ast.AST, ...]:
    """Every node of a file, walked to once for all rules."""
    return tuple(ast.walk(source.tree))


@cache
def calls(source: Source) -> tuple[tuple[int, str], ...]:
    """Line and dotted name of every call; names bound by `from x import y` are written x.y."""
    return tuple(_calls(source))


def _calls(source: Source) -> Iterator[tuple[int, str]]:
    bound = {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for node in nodes(source)
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }
    for node in nodes(source):
        if isinstance(node, ast.Call):
            name = dotted(node.func)
            first, dot, rest = name.partition(".")
            yield node.lineno, f"{bound[first]}{dot}{rest}" if first in bound else name


def imports(source: Source) -> Iterator[tuple[int, str]]:
    """Line and module of every import."""
    for node in nodes(source):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.lineno, node.module


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function, however deep."""
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
