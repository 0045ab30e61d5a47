"""The script that checks agreements, as one file that anybody can run: our modules joined, with no import of ours left."""

from __future__ import annotations

import ast
from functools import lru_cache
from importlib.resources import files

NAME = "verify_agreement.py"
_PARTS = ("strict.py", "ed25519.py")


@lru_cache(maxsize=1)
def script() -> bytes:
    """The text of the stand-alone script, the same bytes for one release."""
    main, *others = ((files("contracts") / name).read_text(encoding="utf-8") for name in (NAME, *_PARTS))
    # Every part's imports are needed in front, and each only once.
    imports = sorted({line for text in (main, *others) for line in _wanted(text)})
    head = "\n".join(main.splitlines()[: ast.parse(main).body[0].end_lineno])
    parts = "".join(_body(text) for text in (*others, main))
    return "\n".join([head, "", "from __future__ import annotations", "", *imports, parts]).encode()


def _wanted(text: str) -> list[str]:
    return [
        ast.unparse(node)
        for node in ast.parse(text).body
        if isinstance(node, ast.Import)
        or (isinstance(node, ast.ImportFrom) and not (node.module or "").startswith(("contracts", "__future__")))
    ]


def _body(text: str) -> str:
    imports = (node.end_lineno or 0 for node in ast.parse(text).body if isinstance(node, ast.Import | ast.ImportFrom))
    return "\n".join(text.splitlines()[max(imports) :]) + "\n"
