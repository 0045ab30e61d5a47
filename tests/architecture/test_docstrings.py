"""Public names say what they promise; what the signature cannot say stands in four fixed words, in this order."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from tests.architecture.tree import PACKAGES, Source, parse, sources

WORDS = ("shapes", "units", "errors", "source")
_FIELD = re.compile(r"([a-z]+)(?: {2,})\S")
_FOREIGN = re.compile(
    r"(Args|Arguments|Parameters|Returns?|Raises|Yields|Example|Notes?):\s*\Z|:(param|returns?|raises)\b"
)


def faults(source: Source) -> Iterator[str]:
    """Every public name whose docstring is missing or has another form."""
    if source.name.endswith("__init__.py"):
        return
    for name, node in public(source):
        text = ast.get_docstring(node)
        where = f"{source.name}:{getattr(node, 'lineno', 1)} {name}"
        if not text:
            yield f"{where}: no docstring"
            continue
        first, *rest = text.splitlines()
        if not first.strip() or (
            rest and rest[0].strip() and not first.rstrip().endswith((".", ",", ";", ":")) and len(first) < 60
        ):
            yield f"{where}: the first line is no promise"
        found = [m[1] for line in rest if (m := _FIELD.match(line))]
        if unknown := set(found) - set(WORDS):
            yield f"{where}: fields {sorted(unknown)} are not of {WORDS}"
        elif found != sorted(set(found), key=WORDS.index):
            yield f"{where}: fields {found} are out of order or twice"
        if foreign := [line for line in rest if _FOREIGN.match(line.strip())]:
            yield f"{where}: {foreign[0].strip()!r} is another house's form"


def public(source: Source) -> Iterator[tuple[str, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]]:
    """The module, its public classes and functions, and the public methods of those classes."""
    yield source.module, source.tree
    for node in source.tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
            yield node.name, node
            for inner in node.body if isinstance(node, ast.ClassDef) else ():
                if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef) and not inner.name.startswith("_"):
                    yield f"{node.name}.{inner.name}", inner


def test_public_names_keep_the_form() -> None:
    # Migrations are named by their number; their `upgrade` is documented like everything else.
    assert not [fault for source in sources(*PACKAGES) for fault in faults(source)]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('"""A module."""\ndef f(): ...', "no docstring"),
        ('"""A module."""\ndef f():\n    """Do.\n\n    units    a\n    shapes   b\n    """', "out of order"),
        ('"""A module."""\ndef f():\n    """Do.\n\n    returns  b\n    """', "are not of"),
        ('"""A module."""\ndef f():\n    """Do.\n\n    Args:\n        a: b\n    """', "another house"),
    ],
)
def test_faults_are_found(text: str, what: str) -> None:
    assert what in "".join(faults(parse("pricing/x.py", text)))
