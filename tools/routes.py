"""Writes docs/routes.md and docs/openapi/*.json: what each app takes and answers, as its own OpenAPI document says it.

`python -m tools.reference` runs it. A committed document that differs from the app's fails tests/architecture: what a
customer's program relies on changes only on purpose.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, ClassVar, cast

from litestar import Litestar

from exchange.apps.assessor import app as assessor
from exchange.apps.buyer import app as buyer
from exchange.apps.data import app as data
from exchange.apps.hooks import app as hooks
from exchange.apps.http.context import Services
from exchange.apps.oauth import app as oauth
from exchange.apps.operator import app as operator
from exchange.apps.public import app as public
from exchange.apps.regulator import app as regulator
from exchange.apps.supplier import app as supplier

APPS: dict[str, Callable[[Services], Litestar]] = {
    "public": public.app,
    "oauth": oauth.app,
    "supplier": supplier.app,
    "buyer": buyer.app,
    "data": data.app,
    "assessor": assessor.app,
    "regulator": regulator.app,
    "operator": operator.app,
    "hooks": hooks.app,
}
_METHODS = ("get", "head", "post", "put", "patch", "delete")


class _NoServices:
    """An app that only says what it has needs nothing behind it."""

    endings: ClassVar[list[Any]] = []

    def __getattr__(self, _name: str) -> None:
        return None


@cache
def document(name: str) -> dict[str, Any]:
    """The OpenAPI document of one app."""
    app = APPS[name](cast("Services", _NoServices()))
    found: dict[str, Any] = json.loads(json.dumps(app.openapi_schema.to_schema(), default=str))
    return found


def openapi(name: str) -> str:
    """docs/openapi/NAME.json."""
    return json.dumps(document(name), ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def routes_page() -> str:
    """docs/routes.md."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "# Routes · 接口一览"
    yield ""
    yield "Every route of every app. The whole documents, with forms and examples, are served beside each app (`/docs` lists"
    yield "them) and lie in `docs/openapi/`. This page is written by `python -m tools.reference`."
    yield ""
    yield "全部应用的全部路由。完整文档（含字段与示例）由各应用提供（见 `/docs`），亦存于 `docs/openapi/`。"
    yield "本页由 `python -m tools.reference` 生成。"
    for name in APPS:
        found = document(name)
        yield ""
        yield f"## {found['info']['title'].removeprefix('Corpus Exchange: ')}"
        yield ""
        yield f"`docs/openapi/{name}.json`"
        yield ""
        yield "| | route · 路由 | what it does · 说明 |"
        yield "|---|---|---|"
        for path, operations in sorted(found["paths"].items()):
            for method in _METHODS:
                if operation := operations.get(method):
                    words = (operation.get("description") or operation.get("summary") or "").split("\n\n")[0]
                    said = " ".join(words.split()).replace("|", "\\|")
                    yield f"| {method.upper()} | `{path}` | {said} |"
