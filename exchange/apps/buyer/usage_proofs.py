"""Is this event in this bill? With a Merkle proof against the sealed root of its day."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from litestar.params import FromPath, QueryParameter

from exchange.apps.http.answers import Asked, accepted_value, found
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.documented import show
from exchange.apps.http.wire import object_id
from exchange.flows.show_usage_proof import UsageProof, show_usage_proof
from exchange.kernel.errors import NOT_FOUND, Refused
from settlement.store import reads

_Day = Annotated[str | None, QueryParameter(description="A UTC day such as 2026-01-15. UTC 日期。", max_length=10)]


@show("/buyer/v1/invoices/{invoice:str}/events/{usage_event:str}", UsageProof, 400, 401, 403, 404, 409)
async def show_event(
    request: Asked, invoice: FromPath[str], usage_event: FromPath[str], day: _Day = None
) -> UsageProof:
    """Whether a usage event is in one of your invoices, with a proof to check alone. 该用量事件是否在账单中（附证明）。

    The leaf is SHA-256 of a zero byte and the text of `leaf`; a parent is SHA-256 of a one byte and its two children
    (RFC 6962). Where the event is not there, `day` asks for its neighbours: leaves lie in the order of their event ids.
    A day that was sealed a moment ago answers `usage-roots-pending` until its roots are written. 根生成前返回 409。
    叶为 SHA-256(0x00 ‖ leaf)，父节点为 SHA-256(0x01 ‖ 左 ‖ 右)。
    """
    actor, services = actor_of(request), services_of(request)
    try:
        event_id = UUID(usage_event)
    except ValueError:
        raise Refused(NOT_FOUND()) from None
    async with services.db.read(actor) as tx:
        row = found(await reads.find_invoice(tx, actor, object_id("inv", invoice)))
    found(row if row.buyer_id == actor.organisation_id else None)
    return accepted_value(await services.db.run(lambda tx: show_usage_proof(tx, row, event_id, day)))


ROUTES = (show_event,)
