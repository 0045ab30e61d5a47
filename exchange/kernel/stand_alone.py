"""Scripts that anybody can run by themselves: modules of ours joined into one file, with no import of ours left."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files
from pathlib import PurePosixPath

_OURS = ("contracts", "compliance", "settlement", "exchange", "__future__")


@lru_cache(maxsize=4)
def joined(main: str, parts: Sequence[str]) -> bytes:
    """The text of a script: `main` with the modules that it stands on put in front, the same bytes for one release.

    shapes   paths of modules of the standard library alone, such as contracts/verify_agreement.py; parts: a tuple
    """
    whole, *others = (_read(one) for one in (main, *parts))
    # Every part's imports are needed in front, and each only once.
    imports = sorted({line for text in (whole, *others) for line in _wanted(text)})
    head = "\n".join(whole.splitlines()[: ast.parse(whole).body[0].end_lineno])
    bodies = "".join(_body(text) for text in (*others, whole))
    return "\n".join([head, "", "from __future__ import annotations", "", *imports, bodies]).encode()


def _read(path: str) -> str:
    package, _, name = path.rpartition("/")
    return files(package.replace("/", ".")).joinpath(PurePosixPath(name).name).read_text(encoding="utf-8")


def _wanted(text: str) -> list[str]:
    return [
        ast.unparse(node)
        for node in ast.parse(text).body
        if isinstance(node, ast.Import)
        or (isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] not in _OURS)
    ]


def _body(text: str) -> str:
    imports = (node.end_lineno or 0 for node in ast.parse(text).body if isinstance(node, ast.Import | ast.ImportFrom))
    return "\n".join(text.splitlines()[max(imports) :]) + "\n"
