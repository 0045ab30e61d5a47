"""May I? Questions about the use of data, answered from the terms and kept so that the answer can be shown later."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated, Any

import msgspec
from litestar import Response
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from contracts import obligations_store as store
from contracts.obligations_store import AskedRow
from exchange.apps.http.answers import Asked, found, write
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.documented import command, listing, show
from exchange.apps.http.lists import Cursor, Limit, show_page
from exchange.apps.http.wire import Id, Sha256, Time, body_id, json_of, moment_of, object_id, stamp
from exchange.flows.ask_question import AskedReceipt, Subject, ask_question
from exchange.kernel import ids

PREFIX = "/buyer/v1/questions"
_Country = Annotated[str, Meta(pattern="^[A-Z]{2}$", examples=["CN"])]
_Number = Annotated[int, Meta(ge=1, le=1_000_000)]
_Named = Annotated[str, Meta(max_length=40)]
Output = Annotated[str, Meta(max_length=40, examples=["verbatim_output"])]


class QuestionWish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What you want to do, and with what: exactly one of offer, listing, agreement and grant.

    Leave out what is not known: a rule that needs it then answers unknown, which is a no. Your organisation's country is
    the registered one. `outputs` are what comes of the use ([] for none of those that terms may forbid); `others` says
    whether others hold rights to the same data. An offer is asked about as if it were bought now.
    """

    offer: _Named | None = None
    listing: _Named | None = None
    agreement: _Named | None = None
    grant: _Named | None = None
    purpose: Annotated[str, Meta(min_length=1, max_length=40, examples=["pretrain"])]
    territory: _Country | None = None
    users: _Number | None = None
    sites: _Number | None = None
    outputs: Annotated[list[Output], Meta(max_length=20)] | None = None
    commercial: bool | None = None
    others: bool | None = None
    at: Annotated[datetime, Meta(tz=True, examples=["2026-04-01T00:00:00Z"])] | None = None


class AskedView(msgspec.Struct, frozen=True):
    """A question that was asked: `document` holds question, answers and their rules, `sha256` is over its canonical form."""

    id: Annotated[str, Meta(examples=["qst_01m80jwmabesg81hwe4cc73nw9"])]
    subject: Id
    verdict: Annotated[str, Meta(examples=["permit"])]
    document: dict[str, Any]
    sha256: Sha256
    asked_at: Time


@command(PREFIX, AskedReceipt)
async def ask(request: Asked, data: JSONBody[QuestionWish]) -> Response[bytes]:
    """May I? Permit, deny or unknown, with every rule that decided; the answer is kept. 我可以这样使用吗？"""
    subject = Subject(
        offer_id=None if data.offer is None else body_id("ofr", data.offer),
        listing_id=None if data.listing is None else body_id("lst", data.listing),
        agreement_id=None if data.agreement is None else body_id("agr", data.agreement),
        grant_id=None if data.grant is None else body_id("grt", data.grant),
    )
    flow = partial(ask_question, actor=actor_of(request), subject=subject, asked=_question(data))
    return await write(request, "question.ask", flow)


@listing(PREFIX, AskedView)
async def list_questions(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
    """What you asked, newest first. 提问记录。"""
    actor = actor_of(request)
    return await show_page(request, actor, lambda tx, page: store.questions(tx, actor, page), _view, limit, cursor)


@show(f"{PREFIX}/{{question:str}}", AskedView)
async def show_question(request: Asked, question: FromPath[str]) -> AskedView:
    """One question with its answer as it was given. 提问与当时的答复。"""
    actor, question_id = actor_of(request), object_id("qst", question)
    async with services_of(request).db.read(actor) as tx:
        return _view(found(await store.question(tx, actor, question_id)))


def _question(data: QuestionWish) -> dict[str, Any]:
    asked: dict[str, Any] = {
        "purpose": data.purpose,
        "place": data.territory,
        "organisation": {"commercial": data.commercial, "users": data.users, "sites": data.sites},
        "outputs": None if data.outputs is None else sorted(set(data.outputs)),
        "others": data.others,
    }
    if data.at is not None:
        asked["at"] = moment_of(data.at).isoformat().replace("+00:00", "Z")
    return asked


def _view(row: AskedRow) -> AskedView:
    return AskedView(
        id=ids.text("qst", row.id),
        subject=row.subject,
        verdict=row.verdict,
        document=json_of(row.document),
        sha256=row.sha256.hex(),
        asked_at=stamp(row.created_at),
    )


ROUTES: tuple[Any, ...] = (ask, list_questions, show_question)
