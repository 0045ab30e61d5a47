"""A broker's mandates, the buyers that it claims, and the orders that it is paid for."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import Response
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from exchange.apps.http.answers import Asked, write
from exchange.apps.http.context import actor_of
from exchange.apps.http.documented import command, listing
from exchange.apps.http.lists import Cursor, Limit, show_page
from exchange.apps.http.split_views import IntroducedView, introduced_view, split_routes
from exchange.apps.http.wire import Id, Sha256, body_id, object_id
from exchange.flows.claim_buyer import ClaimReceipt, claim_buyer
from settlement.store import mandates


class ClaimForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The buyer, and the SHA-256 of the evidence; the evidence itself stays with you."""

    buyer: Id
    evidence_sha256: Annotated[Sha256, Meta(examples=["ab" * 32])]


@command("/assessor/v1/mandates/{mandate:str}/claims", ClaimReceipt)
async def add_claim(request: Asked, mandate: FromPath[str], data: JSONBody[ClaimForm]) -> Response[bytes]:
    """Claim a buyer whom you introduced; of two brokers the first claim in force counts. 登记所引荐的买方。

    Orders that the buyer places from now on count, until the tail of the mandate is over.
    """
    actor, mandate_id, buyer = actor_of(request), object_id("mnd", mandate), body_id("org", data.buyer)
    evidence = bytes.fromhex(data.evidence_sha256)
    return await write(
        request, "buyer.claim", lambda tx: claim_buyer(tx, actor, mandate_id, buyer, evidence), object_id=mandate
    )


@listing("/assessor/v1/introduced-orders", IntroducedView)
async def list_introduced(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
    """Orders and charges that you are paid for, each with its mandate, newest first. 所引荐的订单。"""
    actor = actor_of(request)
    return await show_page(
        request, actor, lambda tx, page: mandates.own_introduced(tx, actor, page), introduced_view, limit, cursor
    )


ROUTES = (add_claim, list_introduced, *split_routes("/assessor/v1"))
