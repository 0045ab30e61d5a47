"""Papers that could not be written: which, why, and once more when what was missing is there."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import Response
from msgspec import Meta

from exchange.apps.http.answers import Asked, write
from exchange.apps.http.context import actor_of
from exchange.apps.http.documented import command, listing
from exchange.apps.http.lists import Cursor, Limit
from exchange.apps.http.wire import Id, Time, stamp
from exchange.apps.operator.seeing import see_page
from exchange.flows.issue_missing import MissingIssued, issue_missing
from exchange.kernel import ids
from settlement.store import fiscal
from settlement.store.fiscal import MissingRow

_PATH = "/operator/v1/documents/missing"
_PREFIX = {"sale": "inv"}


class MissingView(msgspec.Struct, frozen=True):
    """An account whose papers are missing. `account` is the run's invoice, or the payee's statement."""

    id: Annotated[str, Meta(examples=["dmi_01m80jwmabesg81hwe4cc73nw9"])]
    about: Annotated[str, Meta(description="sale, fee or share.", examples=["share"])]
    seller: Id
    buyer: Id
    run: Id
    account: Id
    currency: Annotated[str, Meta(examples=["EUR"])]
    reasons: Annotated[
        list[str],
        Meta(
            description="seller_profile, buyer_profile, operator_profile, agreement (on self-billing), tax_rate, original (what "
            "is corrected has no paper), split_rule (no paper for shares by such rules yet), or rule: and the rule of EN 16931.",
            examples=[["seller_profile", "agreement"]],
        ),
    ]
    created_at: Time


@listing(_PATH, MissingView)
async def list_missing(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
    """Accounts whose papers could not be issued, newest first, with the reasons. 缺失票据。

    Nothing is numbered before it keeps the rules of EN 16931, so nothing of these took a number.
    """
    return await see_page(request, fiscal.list_missing, _view, limit, cursor)


@command(f"{_PATH}/issue", MissingIssued, 400, 401, 403, status=200)
async def issue(request: Asked) -> Response[bytes]:
    """Try all of them again; those that lack nothing any more are issued, dated today. 补开票据。

    Two hundred at a time: `more` says whether to send it once more, under another key.
    """
    actor = actor_of(request)
    return await write(request, "documents.issue", lambda tx: issue_missing(tx, actor), status=200)


def _view(one: MissingRow) -> MissingView:
    return MissingView(
        id=ids.text("dmi", one.id),
        about=one.about,
        seller=ids.text("org", one.seller_id),
        buyer=ids.text("org", one.buyer_id),
        run=ids.text("run", one.run_id),
        account=ids.text(_PREFIX.get(one.about, "stm"), one.account_id),
        currency=one.currency,
        reasons=list(one.reasons),
        created_at=stamp(one.created_at),
    )


ROUTES = (list_missing, issue)
