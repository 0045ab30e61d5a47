"""People of an organisation: who they are, opened for whoever may see it, and their erasure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import Response
from msgspec import Meta

from compliance.erasure import Subject
from exchange.apps.http.answers import Asked, write
from exchange.apps.http.context import Services, actor_of, services_of
from exchange.apps.http.wire import Time, object_id, stamp
from exchange.flows.erase_subject import ACTION, request_erasure
from exchange.flows.register_organisation import Newcomers
from exchange.kernel import ids
from exchange.kernel.subjects import Vault
from exchange.parties.members import Member, Person, opened

_Organisation = Annotated[str, Meta(examples=["org_01m80jwmabesg81hwe4cc73nw9"])]
_Member = Annotated[str, Meta(examples=["mem_01m80jwmabesg81hwe4cc73nw9"])]


class PersonView(msgspec.Struct, frozen=True):
    """How a person may be reached; personal data, kept sealed."""

    name: Annotated[str, Meta(examples=["Li Hua"])]
    email: Annotated[str, Meta(examples=["li.hua@example.com"])]


class MemberView(msgspec.Struct, frozen=True):
    """A person's place in an organisation; `person` is null once erased."""

    id: _Member
    state: Annotated[Literal["active", "left"], Meta(examples=["active"])]
    person: PersonView | None
    created_at: Time


class MembersView(msgspec.Struct, frozen=True):
    """The members of an organisation, oldest first."""

    items: list[MemberView]


class ErasureView(msgspec.Struct, frozen=True):
    """An erasure: who is erased is known by id alone; `asked_by` is null where the machine's owner asked, or a
    restored database was told again.
    """

    subject: _Member
    organisation: _Organisation
    state: Annotated[Literal["asked", "erased"], Meta(examples=["erased"])]
    asked_at: Time
    asked_by: _Organisation | None
    erased_at: Time | None


async def newcomers(services: Services) -> Newcomers:
    """Ids and fresh keys for an organisation and its first member."""
    db, vault = services.db, services.vault
    organisation, member = db.ids.new(db.clock.now()), db.ids.new(db.clock.now())
    return Newcomers(await vault.make(organisation), await vault.make(member))


async def members_view(vault: Vault, members: Sequence[Member]) -> MembersView:
    """Members with who they are, as far as their keys are there."""
    return MembersView([_member(one, opened(one, await vault.key(one.id))) for one in members])


async def ask_erasure(request: Asked, member: str, *, of_all: bool) -> Response[bytes]:
    """Answer a request to erase a member: of one's own organisation, or of all where operator or regulator ask as such."""
    actor, subject = actor_of(request), object_id("mem", member)
    return await write(request, ACTION, lambda tx: request_erasure(tx, actor, subject, of_all=of_all), object_id=member)


def erasure_view(one: Subject) -> ErasureView:
    """An erasure as the API shows it."""
    assert one.asked_at is not None, "only what is asked for is listed"
    assert one.state != "kept", "only what is asked for is listed"
    return ErasureView(
        subject=one.name,
        organisation=ids.text("org", one.organisation_id),
        state=one.state,
        asked_at=stamp(one.asked_at),
        asked_by=_organisation(one.asked_by),
        erased_at=stamp(one.erased_at) if one.erased_at else None,
    )


def vault_of(request: Asked) -> Vault:
    """The vault of the process that serves this request."""
    return services_of(request).vault


def _organisation(organisation_id: UUID | None) -> str | None:
    return None if organisation_id is None else ids.text("org", organisation_id)


def _member(one: Member, person: Person | None) -> MemberView:
    return MemberView(
        id=ids.text("mem", one.id),
        state="active" if one.state == "active" else "left",
        person=None if person is None else PersonView(person.name, person.email),
        created_at=stamp(one.created_at),
    )
