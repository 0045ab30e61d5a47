"""Papers about money to read and to print: documents, statements and receipts as pages and PDFs, invoices as Factur-X too."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated, Any, Literal

from litestar import Response, get
from litestar.params import FromPath, QueryParameter

from exchange.apps.http.answers import Asked, found
from exchange.apps.http.aside import aside
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.documented import answers
from exchange.apps.http.money_html import POLICY, html
from exchange.apps.http.money_pdf import facturx_pdf, pdf
from exchange.apps.http.wire import json_of, object_id
from exchange.flows.receipts import order_receipt, payment_receipt
from exchange.flows.withheld_paper import withheld_paper
from exchange.kernel.canonical import sha256_hex
from exchange.kernel.text import accepted, pick
from exchange.parties import store as parties
from settlement.en16931.cii import cii
from settlement.fiscal_document import read_document
from settlement.paper.fiscal_sheet import fiscal_sheet
from settlement.paper.receipt_sheet import receipt_sheet
from settlement.paper.sheet import Sheet
from settlement.paper.statement_sheet import statement_sheet
from settlement.paper.withholding_sheet import withholding_sheet
from settlement.store import fiscal, reads
from settlement.store.fiscal import FiscalRow

Language = Annotated[
    Literal["en", "zh"] | None, QueryParameter(description="The language; that of Accept-Language if absent. 语言。")
]
Year = Annotated[
    int | None, QueryParameter(description="A calendar year; this one if not given. 年份，默认本年。", ge=2000, le=9998)
]
Making = Callable[[str], Sheet]
_PDF, _HTML = "application/pdf", "text/html"
_ANY = {"portal": "any"}


def document_paper_routes(prefix: str, *, bought: bool) -> tuple[Any, ...]:
    """A portal's papers for the tax office, for people; `bought` as in `fiscal_routes`."""
    one = f"{prefix}/documents/{{document:str}}"

    @_route(f"{one}/paper.html", str, _HTML, opt=_ANY)
    async def document_page(request: Asked, document: FromPath[str], lang: Language = None) -> Response[bytes]:
        """An invoice, credit note or self-billed document as a page, with its arithmetic. 票据页面。"""
        return _page(request, document, _of(await _document(request, document, bought=bought)), lang)

    @_route(f"{one}/paper.pdf", bytes, _PDF, opt=_ANY)
    async def document_sheet(request: Asked, document: FromPath[str], lang: Language = None) -> Response[bytes]:
        """The same as a PDF with its font inside. 票据 PDF。"""
        return await _sheet(request, document, _of(await _document(request, document, bought=bought)), lang)

    @_route(f"{one}/factur-x.pdf", bytes, _PDF, opt=_ANY)
    async def document_facturx(request: Asked, document: FromPath[str], lang: Language = None) -> Response[bytes]:
        """The same as Factur-X (ZUGFeRD): a PDF/A-3 with the CII inside, for people and programs. Factur-X 文件。"""
        row, language = await _document(request, document, bought=bought), _language(request, lang)
        xml = cii(read_document(row.document))
        body = await aside(lambda: facturx_pdf(_of(row)(language), xml))
        return _file(body, _PDF, f"{row.name}.facturx.pdf", language)

    return document_page, document_sheet, document_facturx


def statement_paper_routes(prefix: str) -> tuple[Any, ...]:
    """A payee's statements, for people."""
    one = f"{prefix}/statements/{{statement:str}}"
    return (
        _route(f"{one}/paper.html", str, _HTML)(statement_page),
        _route(f"{one}/paper.pdf", bytes, _PDF)(statement_pdf),
    )


def receipt_routes(prefix: str) -> tuple[Any, ...]:
    """A buyer's receipts: for money that came in, and for orders that are paid."""
    payment, order = f"{prefix}/payments/{{payment:str}}", f"{prefix}/orders/{{order:str}}"
    return (
        _route(f"{payment}/receipt.html", str, _HTML)(payment_page),
        _route(f"{payment}/receipt.pdf", bytes, _PDF)(payment_pdf),
        _route(f"{order}/receipt.html", str, _HTML)(order_page),
        _route(f"{order}/receipt.pdf", bytes, _PDF)(order_pdf),
    )


def withheld_paper_routes(prefix: str) -> tuple[Any, ...]:
    """A payee's certificates of tax withheld, for people."""
    one = f"{prefix}/withheld-tax"
    return (
        _route(f"{one}/certificate.html", str, _HTML, opt=_ANY)(withheld_page),
        _route(f"{one}/certificate.pdf", bytes, _PDF, opt=_ANY)(withheld_pdf),
    )


async def withheld_page(request: Asked, year: Year = None, lang: Language = None) -> Response[bytes]:
    """The certificate of what was withheld from your payouts in a year, as a page; 404 where nothing was. 代扣税款证明页面。"""
    return _page(request, "withheld", await _withheld(request, year), lang)


async def withheld_pdf(request: Asked, year: Year = None, lang: Language = None) -> Response[bytes]:
    """The same certificate as a PDF. 代扣税款证明 PDF。"""
    return await _sheet(request, "withheld", await _withheld(request, year), lang)


async def statement_page(request: Asked, statement: FromPath[str], lang: Language = None) -> Response[bytes]:
    """A settlement statement as a page, with the arithmetic of each line. 结算单页面。"""
    return _page(request, statement, await _statement(request, statement), lang)


async def statement_pdf(request: Asked, statement: FromPath[str], lang: Language = None) -> Response[bytes]:
    """A settlement statement as a PDF; the first 500 movements of a longer one, the sums over all. 结算单 PDF。"""
    return await _sheet(request, statement, await _statement(request, statement), lang)


async def payment_page(request: Asked, payment: FromPath[str], lang: Language = None) -> Response[bytes]:
    """The receipt for a payment that came in, as a page; 404 until then. 收款收据页面。"""
    return _page(request, payment, await _payment(request, payment), lang)


async def payment_pdf(request: Asked, payment: FromPath[str], lang: Language = None) -> Response[bytes]:
    """The receipt for a payment that came in, as a PDF. 收款收据 PDF。"""
    return await _sheet(request, payment, await _payment(request, payment), lang)


async def order_page(request: Asked, order: FromPath[str], lang: Language = None) -> Response[bytes]:
    """The receipt for a paid order, as a page; 404 until it is paid. 订单收据页面。"""
    return _page(request, order, await _order(request, order), lang)


async def order_pdf(request: Asked, order: FromPath[str], lang: Language = None) -> Response[bytes]:
    """The receipt for a paid order, as a PDF. 订单收据 PDF。"""
    return await _sheet(request, order, await _order(request, order), lang)


async def _document(request: Asked, document: str, *, bought: bool) -> FiscalRow:
    actor = actor_of(request)
    async with services_of(request).db.read(actor) as tx:
        return found(await fiscal.find_document(tx, actor, object_id("doc", document), bought=bought))


def _of(row: FiscalRow) -> Making:
    return partial(fiscal_sheet, read_document(row.document), row.sha256)


async def _statement(request: Asked, statement: str) -> Making:
    actor = actor_of(request)
    async with services_of(request).db.read(actor) as tx:
        row = found(await reads.find_statement(tx, actor, object_id("stm", statement)))
        me = await parties.my_organisation(tx, actor)
    names = me.name if me else {}
    document = json_of(row.document)
    return lambda language: statement_sheet(document, row.sha256, pick(names, [language]), language)


async def _withheld(request: Asked, asked: int | None) -> Making:
    actor, year = actor_of(request), asked or services_of(request).db.clock.now().year
    # Who withheld it is read as the exchange; the payee is the actor itself.
    paper = found(await services_of(request).db.run(lambda tx: withheld_paper(tx, actor, year)))
    return partial(withholding_sheet, paper)


async def _payment(request: Asked, payment: str) -> Making:
    actor, payment_id = actor_of(request), object_id("pay", payment)
    async with services_of(request).db.read(actor) as tx:
        receipt = found(await payment_receipt(tx, actor, payment_id))
    return partial(receipt_sheet, receipt)


async def _order(request: Asked, order: str) -> Making:
    actor, order_id = actor_of(request), object_id("ord", order)
    services = services_of(request)
    async with services.db.read(actor) as tx:
        bought = found(await reads.find_order(tx, actor, order_id))
        found(bought if bought.buyer_id == actor.organisation_id else None)
    # Who sold it is read as the exchange: both walls stood above.
    receipt = found(await services.db.run(lambda tx: order_receipt(tx, bought)))
    return partial(receipt_sheet, receipt)


def _page(request: Asked, name: str, making: Making, lang: str | None) -> Response[bytes]:
    language = _language(request, lang)
    answer = _file(html(making(language)), _HTML, f"{name}.{language}.html", language)
    answer.headers["content-security-policy"] = POLICY
    return answer


async def _sheet(request: Asked, name: str, making: Making, lang: str | None) -> Response[bytes]:
    language = _language(request, lang)
    return _file(await aside(lambda: pdf(making(language))), _PDF, f"{name}.{language}.pdf", language)


def _language(request: Asked, asked: str | None) -> str:
    return asked or accepted(request.headers.get("accept-language"))


def _file(body: bytes, media_type: str, name: str, language: str) -> Response[bytes]:
    headers = {
        "content-disposition": f'inline; filename="{name}"',
        "content-language": language,
        "etag": f'"{sha256_hex(body)}"',
        "cache-control": "private, no-cache",
        "vary": "Accept-Language",
        "x-content-type-options": "nosniff",
    }
    return Response(body, media_type=media_type, headers=headers)


def _route(
    path: str, model: Any, media_type: str, **more: Any
) -> Callable[[Callable[..., Awaitable[Response[bytes]]]], Any]:
    return get(path, responses=answers(model, 200, 400, 401, 403, 404, media_type=media_type), **more)
