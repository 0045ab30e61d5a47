"""The script that recomputes weight vectors, as one file that anybody can run: our modules joined, with no import of ours left."""

from __future__ import annotations

import ast
from functools import lru_cache
from importlib.resources import files

NAME = "recompute_weights.py"
_MAIN = ("settlement", NAME)
# Each after those that it needs; the signature's arithmetic is the one of the script that checks agreements.
_PARTS = (
    ("contracts", "ed25519.py"),
    ("settlement", "shapley.py"),
    ("settlement", "tuples.py"),
    ("settlement", "knn_shapley.py"),
    ("settlement", "weighing.py"),
)
_OURS = ("settlement", "contracts", "__future__")
_END = '\n\nif __name__ == "__main__":\n    sys.exit(main(sys.argv[1:], by_arithmetic))\n'


@lru_cache(maxsize=1)
def script() -> bytes:
    """The text of the stand-alone script, the same bytes for one release."""
    main, *others = ((files(room) / name).read_text(encoding="utf-8") for room, name in (_MAIN, *_PARTS))
    imports = sorted({line for text in (main, *others) for line in _wanted(text)})
    head = "\n".join(main.splitlines()[: ast.parse(main).body[0].end_lineno])
    parts = "".join(_body(text) for text in (*others, main))
    return ("\n".join([head, "", "from __future__ import annotations", "", *imports, parts]).rstrip() + _END).encode()


def _wanted(text: str) -> list[str]:
    return [
        ast.unparse(node)
        for node in ast.parse(text).body
        if isinstance(node, ast.Import)
        or (isinstance(node, ast.ImportFrom) and not (node.module or "").startswith(_OURS))
    ]


def _body(text: str) -> str:
    imports = (node.end_lineno or 0 for node in ast.parse(text).body if isinstance(node, ast.Import | ast.ImportFrom))
    return "\n".join(text.splitlines()[max(imports) :]) + "\n"
