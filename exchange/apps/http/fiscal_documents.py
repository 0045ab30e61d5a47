"""Papers for the tax office, the same in every portal: what was issued, as it was signed off, and as CII and UBL."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

import msgspec
from litestar import Response
from litestar.params import FromPath, QueryParameter
from msgspec import Meta

from exchange.apps.http.answers import Asked, found
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.documented import listing, show
from exchange.apps.http.lists import Cursor, Limit, show_page
from exchange.apps.http.wire import Id, MoneyWire, Sha256, Time, json_of, money_wire, object_id, stamp
from exchange.kernel import ids
from exchange.kernel.canonical import sha256_hex
from settlement.en16931.cii import cii
from settlement.en16931.ubl import ubl
from settlement.fiscal import FiscalDoc
from settlement.fiscal_document import read_document
from settlement.store import efapiao, fiscal
from settlement.store.fiscal import FiscalRow

_ANY = {"portal": "any"}
_XML = "application/xml"
Kind = Annotated[
    Literal["380", "381", "389", "261"] | None,
    QueryParameter(
        description="Only of this kind: invoices 380, credit notes 381, self-billed ones 389 and 261. 单据类型。"
    ),
]


class FiscalView(msgspec.Struct, frozen=True):
    """A paper. `total` is exact, `due` in whole coins is what is still to be paid of it."""

    id: Annotated[str, Meta(examples=["doc_01m80jwmabesg81hwe4cc73nw9"])]
    number: Annotated[str, Meta(examples=["INV-K7Q2M4XZ-2026-000001"])]
    kind: Annotated[str, Meta(description="UNTDID 1001: 380, 381, 389 or 261.", examples=["380"])]
    about: Annotated[str, Meta(description="sale, fee or share.", examples=["sale"])]
    seller: Id
    buyer: Id
    total: MoneyWire
    due: MoneyWire
    issued_on: Annotated[str, Meta(examples=["2026-11-03"])]
    sha256: Sha256
    issued_at: Time


class FiscalDetail(msgspec.Struct, frozen=True):
    """A paper with the document that was issued, and its exact bytes."""

    paper: FiscalView
    document: dict[str, Any]
    document_base64: Annotated[bytes, Meta(description="The exact bytes, in base64; sha256 is over them.")]


class EfapiaoOfPaper(msgspec.Struct, frozen=True):
    """The e-fapiao of a paper: its data as they were exported, and the tax office's number once it is issued."""

    number: Annotated[
        str | None, Meta(description="20 digits; null until it is issued.", examples=["26312000000123456789"])
    ]
    issued_on: Annotated[str | None, Meta(examples=["2026-11-05"])]
    exported_at: Time
    fapiao: dict[str, Any]


def fiscal_routes(prefix: str, *, bought: bool) -> tuple[Any, ...]:
    """The routes under a portal's prefix.

    shapes   bought: what the organisation bought; else what it sold, its shares, and the fees that it paid
    """
    path = f"{prefix}/documents"
    one = f"{path}/{{document:str}}"

    async def row_of(request: Asked, document: str) -> FiscalRow:
        actor = actor_of(request)
        async with services_of(request).db.read(actor) as tx:
            return found(await fiscal.find_document(tx, actor, object_id("doc", document), bought=bought))

    @listing(path, FiscalView, opt=_ANY)
    async def list_papers(
        request: Asked, kind: Kind = None, limit: Limit = None, cursor: Cursor = None
    ) -> Response[bytes]:
        """Your invoices, credit notes and self-billed documents, newest first. 票据列表。

        They are issued by settlement runs, once your profile and that of the other side say what is to stand on them;
        until then statements and the runs' accounts stand alone.
        """
        actor = actor_of(request)
        kinds = [kind] if kind else []
        return await show_page(
            request,
            actor,
            lambda tx, page: fiscal.list_documents(tx, actor, page, bought=bought, kinds=kinds),
            fiscal_view,
            limit,
            cursor,
        )

    @show(one, FiscalDetail, opt=_ANY)
    async def show_paper(request: Asked, document: FromPath[str]) -> FiscalDetail:
        """One paper with every line. 票据详情。

        It never changes. What was wrong on it is corrected by another one, which names it.
        """
        return fiscal_detail(await row_of(request, document))

    @show(f"{one}/cii.xml", bytes, opt=_ANY)
    async def show_cii(request: Asked, document: FromPath[str]) -> Response[bytes]:
        """A paper as UN/CEFACT Cross Industry Invoice by EN 16931. CII 格式。"""
        return _xml(await row_of(request, document), cii, "cii")

    @show(f"{one}/ubl.xml", bytes, opt=_ANY)
    async def show_ubl(request: Asked, document: FromPath[str]) -> Response[bytes]:
        """A paper as UBL 2.1 by EN 16931: an Invoice, or a CreditNote for what is given back. UBL 格式。"""
        return _xml(await row_of(request, document), ubl, "ubl")

    @show(f"{one}/efapiao", EfapiaoOfPaper, opt=_ANY)
    async def show_efapiao(request: Asked, document: FromPath[str]) -> EfapiaoOfPaper:
        """The Chinese e-fapiao of a paper, once its data were exported; its number as soon as it is issued. 数电发票。"""
        row, actor = await row_of(request, document), actor_of(request)
        async with services_of(request).db.read(actor) as tx:
            said = found(await efapiao.find_efapiao(tx, actor, row.id))
        day = said.issued_on.isoformat() if said.issued_on else None
        return EfapiaoOfPaper(said.number, day, stamp(said.exported_at), json_of(said.document))

    return list_papers, show_paper, show_cii, show_ubl, show_efapiao


def fiscal_detail(row: FiscalRow) -> FiscalDetail:
    """A paper with its document."""
    return FiscalDetail(fiscal_view(row), json_of(row.document), row.document)


def fiscal_view(row: FiscalRow) -> FiscalView:
    """A paper as the API lists it."""
    return FiscalView(
        id=ids.text("doc", row.id),
        number=row.name,
        kind=row.kind,
        about=row.about,
        seller=ids.text("org", row.seller_id),
        buyer=ids.text("org", row.buyer_id),
        total=money_wire(row.total.units, row.total.currency),
        due=money_wire(row.due.units, row.due.currency),
        issued_on=row.issued_on.isoformat(),
        sha256=row.sha256.hex(),
        issued_at=stamp(row.issued_at),
    )


def _xml(row: FiscalRow, write: Callable[[FiscalDoc], bytes], form: str) -> Response[bytes]:
    body = write(read_document(row.document))
    headers = {
        "content-disposition": f'attachment; filename="{row.name}.{form}.xml"',
        "etag": f'"{sha256_hex(body)}"',
        "cache-control": "private, no-cache",
        "x-content-type-options": "nosniff",
    }
    return Response(body, media_type=_XML, headers=headers)
