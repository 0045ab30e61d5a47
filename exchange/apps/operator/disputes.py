"""The dispute desk: everybody's disputes, and who decides those that wait for an arbitrator."""

from __future__ import annotations

import msgspec
from litestar import Response
from litestar.params import FromPath, JSONBody

from exchange.apps.http.answers import Asked, found, write
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.dispute_views import (
    DisputeDocument,
    DisputeState,
    DisputeView,
    dispute_view,
    document_of,
    read_case,
)
from exchange.apps.http.documented import command, listing, show
from exchange.apps.http.lists import Cursor, Limit
from exchange.apps.http.wire import Id, body_id, object_id
from exchange.apps.operator.seeing import see, see_page
from exchange.flows.arbitrate import assign_arbitrator
from exchange.flows.disputing import DisputeStands
from exchange.kernel.db import Tx
from settlement.disputes import State
from settlement.store import disputes


class ArbitratorForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A verified organisation with the role arbitrator that has no part in the order."""

    organisation: Id


@listing("/operator/v1/disputes", DisputeView)
async def list_all_disputes(
    request: Asked, in_state: DisputeState = None, limit: Limit = None, cursor: Cursor = None
) -> Response[bytes]:
    """Everybody's disputes, newest first; those in arbitration without an arbitrator wait for you. 全部争议。"""
    wanted = State(in_state) if in_state else None
    return await see_page(
        request, lambda tx, page: disputes.all_disputes(tx, page, wanted), dispute_view, limit, cursor
    )


@show("/operator/v1/disputes/{dispute:str}", DisputeDocument)
async def show_any_dispute(request: Asked, dispute: FromPath[str]) -> DisputeDocument:
    """One dispute with all that is held for it. 争议详情及全部冻结款项。"""
    dispute_id = object_id("dsp", dispute)

    async def read(tx: Tx) -> DisputeDocument | None:
        one = await disputes.get_dispute(tx, dispute_id)
        return None if one is None else document_of(await read_case(tx, one), None)

    return found(await see(request, read))


@command("/operator/v1/disputes/{dispute:str}/arbitrator", DisputeStands, 400, 401, 403, 404, 409, 422, status=200)
async def assign(request: Asked, dispute: FromPath[str], data: JSONBody[ArbitratorForm]) -> Response[bytes]:
    """Ask an arbitration provider to decide; it has three days to take up the case. 指派仲裁机构。"""
    actor, dispute_id = actor_of(request), object_id("dsp", dispute)
    arbitrator, settings = body_id("org", data.organisation), services_of(request).settings.disputes
    return await write(
        request,
        "dispute.assign",
        lambda tx: assign_arbitrator(tx, actor, dispute_id, arbitrator, settings),
        status=200,
        object_id=dispute,
    )


ROUTES = (list_all_disputes, show_any_dispute, assign)
