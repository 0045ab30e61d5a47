"""How many persons are in a dataset, as its supplier declares it, and by which way it may leave its country."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from litestar import Response
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from exchange.apps.http.answers import Asked, found, write
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.documented import command, listing
from exchange.apps.http.lists import Cursor, Limit, show_page
from exchange.apps.http.wire import Id, Sha256, Time, moment_of, object_id, stamp
from exchange.catalog.people import PEOPLE_MAX, PeopleDeclaration, PeopleDraft
from exchange.catalog.store import people, portal
from exchange.flows.declare_people import PeopleDeclared, declare_people
from exchange.kernel import ids

_PATH = "/supplier/v1/datasets/{dataset:str}/people-declarations"
_Count = Annotated[int, Meta(ge=0, le=PEOPLE_MAX)]
Way = Literal["none", "exempt", "standard_contract", "certification", "security_assessment"]
ExemptionName = Literal[
    "business_without_persons", "foreign_origin", "contract", "personnel", "emergency", "free_trade_zone"
]


class PeopleWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Persons, not rows. `sensitive` are those with any sensitive data; all others count as `personal`."""

    personal: Annotated[_Count, Meta(description="Persons with no sensitive data.", examples=[120_000])]
    sensitive: Annotated[_Count, Meta(description="Persons with sensitive data.", examples=[0])]
    important: Annotated[bool, Meta(description="Told or published to be important data. 是否为重要数据。")]
    critical_infrastructure: Annotated[
        bool, Meta(description="You operate critical information infrastructure. 是否为关键信息基础设施运营者。")
    ]
    path: Annotated[Way, Meta(description="What you did so that it may leave. 已采取的出境路径。")]
    exemption: Annotated[ExemptionName, Meta(description="CAC Order 16, articles 3 to 6; with `exempt`.")] | None = None
    document_sha256: (
        Annotated[str, Meta(pattern="^[0-9a-f]{64}$", description="SHA-256 of the filing, certificate or decision.")]
        | None
    ) = None
    valid_until: (
        Annotated[datetime, Meta(tz=True, description="Until when that holds.", examples=["2029-01-01T00:00:00Z"])]
        | None
    ) = None


class PeopleView(msgspec.Struct, frozen=True):
    """A declaration; the newest counts, and those before stay with the time in which they counted."""

    id: Annotated[str, Meta(examples=["ppd_01m80jwmabesg81hwe4cc73nw9"])]
    dataset: Id
    number: int
    personal: int
    sensitive: int
    important: bool
    critical_infrastructure: bool
    path: str
    exemption: str | None
    document_sha256: Sha256 | None
    valid_until: Time | None
    created_at: Time


@command(_PATH, PeopleDeclared)
async def declare(request: Asked, dataset: FromPath[str], data: JSONBody[PeopleWish]) -> Response[bytes]:
    """Declare how many persons are in a dataset, and by which way it may leave its country. 申报数据涉及人数与出境路径。

    The report on persons abroad counts by the largest numbers that were in force in a calendar year.
    """
    actor, dataset_id = actor_of(request), object_id("ds", dataset)
    draft = PeopleDraft(
        personal=data.personal,
        sensitive=data.sensitive,
        important=data.important,
        critical_infrastructure=data.critical_infrastructure,
        path=data.path,
        exemption=data.exemption,
        document_sha256=bytes.fromhex(data.document_sha256) if data.document_sha256 else None,
        valid_until=moment_of(data.valid_until) if data.valid_until else None,
    )
    return await write(
        request, "people.declare", lambda tx: declare_people(tx, actor, dataset_id, draft), object_id=dataset
    )


@listing(_PATH, PeopleView, 400, 401, 403, 404)
async def list_declarations(
    request: Asked, dataset: FromPath[str], limit: Limit = None, cursor: Cursor = None
) -> Response[bytes]:
    """The declarations of a dataset of yours, newest first. 人数申报记录。"""
    actor, dataset_id = actor_of(request), object_id("ds", dataset)
    async with services_of(request).db.read(actor) as tx:
        found(await portal.own_dataset(tx, actor, dataset_id))
    return await show_page(
        request, actor, lambda tx, page: people.own_people(tx, actor, dataset_id, page), people_view, limit, cursor
    )


def people_view(one: PeopleDeclaration) -> PeopleView:
    """A declaration as the API shows it."""
    return PeopleView(
        id=ids.text("ppd", one.id),
        dataset=ids.text("ds", one.dataset_id),
        number=one.number,
        personal=one.personal,
        sensitive=one.sensitive,
        important=one.important,
        critical_infrastructure=one.critical_infrastructure,
        path=one.path,
        exemption=one.exemption,
        document_sha256=one.document_sha256.hex() if one.document_sha256 else None,
        valid_until=stamp(one.valid_until) if one.valid_until else None,
        created_at=stamp(one.created_at),
    )


ROUTES: tuple[Any, ...] = (declare, list_declarations)
