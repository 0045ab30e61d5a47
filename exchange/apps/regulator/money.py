"""Disputes and papers for the tax office as the regulator sees them: everybody's, and nothing is changed here."""

from __future__ import annotations

from typing import Any

from litestar import Response
from litestar.params import FromPath

from exchange.apps.http.answers import Asked, found
from exchange.apps.http.context import services_of
from exchange.apps.http.dispute_views import (
    DisputeDocument,
    DisputeState,
    DisputeView,
    dispute_view,
    document_of,
    read_case,
)
from exchange.apps.http.documented import listing, show
from exchange.apps.http.fiscal_documents import FiscalDetail, FiscalView, Kind, fiscal_detail, fiscal_view
from exchange.apps.http.lists import Cursor, Limit
from exchange.apps.http.wire import object_id
from exchange.apps.regulator.seeing import all_page
from exchange.kernel.db import Tx
from settlement.disputes import State
from settlement.store import disputes, fiscal

_DISPUTES, _DOCUMENTS = "/regulator/v1/disputes", "/regulator/v1/documents"


@listing(_DISPUTES, DisputeView)
async def list_disputes(
    request: Asked, in_state: DisputeState = None, limit: Limit = None, cursor: Cursor = None
) -> Response[bytes]:
    """Everybody's disputes, newest first. 全部争议列表。"""
    wanted = State(in_state) if in_state else None
    return await all_page(
        request, lambda tx, page: disputes.all_disputes(tx, page, wanted), dispute_view, limit, cursor
    )


@show(f"{_DISPUTES}/{{dispute:str}}", DisputeDocument)
async def show_dispute(request: Asked, dispute: FromPath[str]) -> DisputeDocument:
    """One dispute: what was said, shown, held and decided, and the money that moved. 争议详情及完整记录。"""
    dispute_id = object_id("dsp", dispute)

    async def read(tx: Tx) -> DisputeDocument | None:
        one = await disputes.get_dispute(tx, dispute_id)
        return None if one is None else document_of(await read_case(tx, one), None)

    return found(await services_of(request).db.run(read))


@listing(_DOCUMENTS, FiscalView)
async def list_papers(request: Asked, kind: Kind = None, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
    """Everybody's invoices, credit notes and self-billed documents, newest first. 全部票据列表。"""
    kinds = [kind] if kind else []
    return await all_page(
        request, lambda tx, page: fiscal.all_documents(tx, page, kinds=kinds), fiscal_view, limit, cursor
    )


@show(f"{_DOCUMENTS}/{{document:str}}", FiscalDetail)
async def show_paper(request: Asked, document: FromPath[str]) -> FiscalDetail:
    """One paper with every line, as it was issued. 票据详情。"""
    wanted = object_id("doc", document)
    return fiscal_detail(found(await services_of(request).db.run(lambda tx: fiscal.any_paper(tx, wanted))))


ROUTES: tuple[Any, ...] = (list_disputes, show_dispute, list_papers, show_paper)
