"""An agreement to take away, the same in the buyer's and the supplier's portal: one file to verify, a page and a PDF to read."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated, Any, Literal

import msgspec
from litestar import Response, get
from litestar.params import FromPath, QueryParameter

from contracts import store as contracts
from exchange.apps.http import paper_html
from exchange.apps.http.answers import Asked, found
from exchange.apps.http.aside import aside
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.documented import answers
from exchange.apps.http.paper_pdf import pdf
from exchange.apps.http.wire import object_id
from exchange.flows.show_agreement import Gathered, gather
from exchange.kernel.canonical import sha256_hex
from exchange.kernel.text import accepted

Language = Annotated[
    Literal["en", "zh"] | None, QueryParameter(description="The language; that of Accept-Language if absent. 语言。")
]
_PDF, _HTML = "application/pdf", "text/html"


async def bundle_file(request: Asked, agreement: FromPath[str]) -> Response[bytes]:
    """An agreement as one file that anybody can verify offline. 可离线核验的单文件合约。

    It holds the signed documents byte by byte, all signatures, the events in force, the public keys, and a seal of the
    exchange over each part. Check it with `exchange agreement verify FILE`, or with the script at
    /catalog/v1/verification/verify_agreement.py, which needs nothing of ours.
    """
    gathered = await _gathered(request, agreement)
    body = gathered.bundle(services_of(request).keyring)
    return _file(body, "application/json", f"{agreement}.json", attached=True)


async def paper_page(request: Asked, agreement: FromPath[str], lang: Language = None) -> Response[bytes]:
    """An agreement as a page in English or Chinese, to read and to print. 合约页面。"""
    gathered, language = await _gathered(request, agreement), _language(request, lang)
    body = paper_html.html(gathered.paper(), language)
    answer = _file(body, _HTML, f"{agreement}.{language}.html")
    answer.headers["content-security-policy"] = paper_html.POLICY
    answer.headers["content-language"] = language
    return answer


async def paper_sheet(request: Asked, agreement: FromPath[str], lang: Language = None) -> Response[bytes]:
    """An agreement as a PDF in English or Chinese, with its font inside. 合约 PDF。"""
    gathered, language = await _gathered(request, agreement), _language(request, lang)
    at = datetime.fromisoformat(msgspec.json.decode(gathered.contents.agreement)["concluded_at"])
    body = await aside(partial(pdf, gathered.paper(), language, at))
    answer = _file(body, _PDF, f"{agreement}.{language}.pdf")
    answer.headers["content-language"] = language
    return answer


async def _gathered(request: Asked, agreement: str) -> Gathered:
    services, actor, agreement_id = services_of(request), actor_of(request), object_id("agr", agreement)
    # Both walls stand here; what belongs to a visible agreement is then read whole.
    async with services.db.read(actor) as tx:
        found(await contracts.agreement(tx, actor, agreement_id))
    return found(await services.db.run(lambda tx: gather(tx, services.keyring, agreement_id)))


def _language(request: Asked, asked: str | None) -> str:
    return asked or accepted(request.headers.get("accept-language"))


def _file(body: bytes, media_type: str, name: str, *, attached: bool = False) -> Response[bytes]:
    headers = {
        "content-disposition": f'{"attachment" if attached else "inline"}; filename="{name}"',
        "etag": f'"{sha256_hex(body)}"',
        "cache-control": "private, no-cache",
        "vary": "Accept-Language",
        "x-content-type-options": "nosniff",
    }
    return Response(body, media_type=media_type, headers=headers)


def agreement_paper_routes(prefix: str) -> tuple[Any, ...]:
    """The routes under one portal."""
    one = f"{prefix}/agreements/{{agreement:str}}"
    refusals = (401, 403, 404)
    return (
        get(f"{one}/bundle", responses=answers(bytes, 200, *refusals))(bundle_file),
        get(f"{one}/paper.html", responses=answers(str, 200, *refusals, media_type=_HTML))(paper_page),
        get(f"{one}/paper.pdf", responses=answers(bytes, 200, *refusals, media_type=_PDF))(paper_sheet),
    )
