"""Organisations: who asks to join, on which evidence, and the operator's decision."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from litestar import Response, get
from litestar.params import FromPath, JSONBody, QueryParameter
from litestar.response import Stream
from msgspec import Meta

from exchange.apps.http.account import EvidenceView
from exchange.apps.http.answers import Asked, found, write
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.documented import answers, command, listing, show
from exchange.apps.http.lists import Cursor, Limit
from exchange.apps.http.wire import Id, Texts, Time, object_id, stamp
from exchange.apps.operator.seeing import see, see_page
from exchange.flows.verify_organisation import Decided, verify_organisation
from exchange.kernel import ids
from exchange.kernel.db import Tx
from exchange.kernel.errors import NOT_FOUND, Refused
from exchange.parties import store as parties
from exchange.parties.evidence import Evidence
from exchange.parties.identifiers import Identifier
from exchange.parties.organisations import BuyerClass, Decision, Organisation, State

_State = Annotated[
    Literal["unverified", "submitted", "verified", "rejected", "suspended"] | None,
    QueryParameter(name="state", description="Only organisations in this state. 按状态筛选。"),
]


class OrganisationRow(msgspec.Struct, frozen=True):
    """An organisation and how far it is known."""

    id: Annotated[str, Meta(examples=["org_01m80jwmabesg81hwe4cc73nw9"])]
    name: Texts
    roles: Annotated[list[str], Meta(examples=[["supplier"]])]
    country: Annotated[str, Meta(examples=["CN"])]
    state: Annotated[str, Meta(examples=["submitted"])]
    created_at: Time
    buyer_class_claimed: Annotated[
        str | None, Meta(description="The kind of buyer it says it is. 机构自报的买方类别。", examples=["academic"])
    ] = None
    buyer_class: Annotated[
        str | None,
        Meta(
            description="As the operator confirmed it; only this counts for prices. 经运营方确认的买方类别，价格以此为准。",
            examples=["academic"],
        ),
    ] = None


class NumberView(msgspec.Struct, frozen=True):
    """An official number; its check digits are right, whose it is must be seen in the evidence."""

    scheme: Annotated[str, Meta(examples=["uscc"])]
    value: Annotated[str, Meta(examples=["91110108772551611J"])]


class DecisionView(msgspec.Struct, frozen=True):
    """A move of the organisation's state: by whom, why."""

    id: Id
    before: str
    after: str
    decided_by: Id
    reason: str
    at: Time
    buyer_class: str | None = None


class OrganisationDetail(msgspec.Struct, frozen=True):
    """An organisation with its numbers, its evidence and what was decided so far."""

    organisation: OrganisationRow
    identifiers: list[NumberView]
    evidence: list[EvidenceView]
    decisions: list[DecisionView]


class DecisionWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The decision and its reason, in a sentence that names no person."""

    decision: Literal["verify", "reject", "suspend"]
    reason: Annotated[str, Meta(min_length=1, max_length=2000, examples=["Licence and register agree."])]
    buyer_class: Annotated[
        Literal["academic", "small_company", "large_company", "public_body"] | None,
        Meta(
            description="With verify: the kind of buyer that the evidence shows, whatever was claimed; without it there is none. "
            "仅用于 verify：依据材料确认的买方类别；不填则无类别。",
            examples=["academic"],
        ),
    ] = None


_MOVES = {"verify": State.VERIFIED, "reject": State.REJECTED, "suspend": State.SUSPENDED}


@listing("/operator/v1/organisations", OrganisationRow)
async def list_organisations(
    request: Asked, in_state: _State = None, limit: Limit = None, cursor: Cursor = None
) -> Response[bytes]:
    """Organisations, oldest first. 机构列表。"""
    wanted = State(in_state) if in_state else None
    return await see_page(
        request, lambda tx, page: parties.organisations(tx, wanted, page), organisation_row, limit, cursor
    )


@show("/operator/v1/organisations/{organisation:str}", OrganisationDetail)
async def show_organisation(request: Asked, organisation: FromPath[str]) -> OrganisationDetail:
    """One organisation: numbers, evidence, decisions. 机构详情、证明材料与历次决定。"""
    organisation_id = object_id("org", organisation)

    async def read(tx: Tx) -> OrganisationDetail | None:
        one = await parties.find_organisation(tx, organisation_id)
        if one is None:
            return None
        return _detail(
            one,
            await parties.identifiers_of(tx, organisation_id),
            await parties.evidence_of(tx, organisation_id),
            await parties.decisions_of(tx, organisation_id),
        )

    return found(await see(request, read))


@get(
    "/operator/v1/organisations/{organisation:str}/evidence/{evidence:str}",
    responses=answers(bytes, 200, 401, 403, 404, media_type="application/octet-stream"),
)
async def download_evidence(request: Asked, organisation: FromPath[str], evidence: FromPath[str]) -> Stream:
    """The bytes of a document that was handed in. 下载证明材料。"""
    organisation_id, evidence_id = object_id("org", organisation), object_id("rsc", evidence)
    there = await see(request, lambda tx: parties.evidence_of(tx, organisation_id))
    one = found(next((one for one in there if one.id == evidence_id), None)).document
    files = services_of(request).files
    if await files.stat(one.sha256) is None:
        raise Refused(NOT_FOUND())
    # Whatever a stranger handed in is never shown as a page of ours.
    headers = {
        "content-length": str(one.size_bytes),
        "content-disposition": f'attachment; filename="{evidence}"',
        "x-content-type-options": "nosniff",
        "cache-control": "no-store",
    }
    return Stream(files.open_range(one.sha256), media_type="application/octet-stream", headers=headers)


@command("/operator/v1/organisations/{organisation:str}/decisions", Decided)
async def decide(request: Asked, organisation: FromPath[str], data: JSONBody[DecisionWish]) -> Response[bytes]:
    """Verify, reject or suspend an organisation. 核验、驳回或暂停机构。

    A suspended one is back in order with `verify`. Each decision to verify names the buyer class or ends it. Nobody decides
    on its own organisation.
    """
    services, actor, organisation_id = services_of(request), actor_of(request), object_id("org", organisation)
    confirmed = BuyerClass(data.buyer_class) if data.buyer_class else None
    return await write(
        request,
        f"organisation.{data.decision}",
        lambda tx: verify_organisation(
            tx, actor, organisation_id, _MOVES[data.decision], data.reason, services.settings.parties, confirmed
        ),
        object_id=organisation,
    )


def organisation_row(one: Organisation) -> OrganisationRow:
    """An organisation as the operator's list shows it."""
    return OrganisationRow(
        id=ids.text("org", one.id),
        name=dict(one.name),
        roles=sorted(role.value for role in one.roles),
        country=one.country,
        state=one.state.value,
        created_at=stamp(one.created_at),
        buyer_class_claimed=one.buyer_class_claimed,
        buyer_class=one.buyer_class,
    )


def _detail(
    one: Organisation, numbers: list[Identifier], evidence: list[Evidence], decisions: list[Decision]
) -> OrganisationDetail:
    return OrganisationDetail(
        organisation_row(one),
        [NumberView(number.scheme.value, number.value) for number in numbers],
        [_evidence(document) for document in evidence],
        [_decision(decision) for decision in decisions],
    )


def _evidence(one: Evidence) -> EvidenceView:
    kept = one.document
    return EvidenceView(
        ids.text("rsc", one.id),
        kept.kind.value,
        kept.media_type,
        kept.sha256.hex(),
        kept.size_bytes,
        stamp(one.created_at),
    )


def _decision(one: Decision) -> DecisionView:
    return DecisionView(
        ids.text("rsc", one.id),
        one.from_state.value,
        one.to_state.value,
        ids.text("org", one.decided_by),
        one.reason,
        stamp(one.created_at),
        one.buyer_class,
    )


ROUTES = (list_organisations, show_organisation, download_evidence, decide)
