"""An organisation's own account: who it is, its evidence, its clients, its jobs. The same in every portal.

A valid token is enough, whatever its roles: an organisation that is not verified yet has none.
"""

from __future__ import annotations

import secrets
from typing import Annotated, Any, Literal

import msgspec
from litestar import Response
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from exchange.apps.http.answers import (
    Asked,
    accepted_value,
    answer,
    body_digest,
    found,
    idempotency_key,
    write,
)
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.documented import command, show
from exchange.apps.http.people import MembersView, ask_erasure, members_view, vault_of
from exchange.apps.http.wire import Id, Sha256, Texts, Time, object_id, stamp
from exchange.flows.cancel_job import JobCancelled, cancel_job
from exchange.flows.create_client import ClientCreated, ClientRevoked, create_client, revoke_client
from exchange.flows.erase_subject import ErasureReceipt
from exchange.flows.once import Answered, Command, once
from exchange.flows.submit_evidence import Submitted, submit_evidence
from exchange.kernel import ids, jobs
from exchange.kernel.errors import TOO_LARGE, Refused
from exchange.kernel.jobs import JobState
from exchange.parties import store as parties
from exchange.parties.clients import SECRET_BYTES, Client, hash_secret, new_client
from exchange.parties.evidence import Evidence, document
from exchange.parties.organisations import Decision

EVIDENCE_MAX_BYTES = 4 * 1024 * 1024
_ANY = {"portal": "any"}
# Who may change the organisation itself: a client that was given that scope, whatever the roles are.
_ADMIN = {"portal": "organisation"}
_Label = Annotated[str, Meta(min_length=1, max_length=200, examples=["training cluster 3"])]
_Scopes = Annotated[list[str], Meta(max_length=10, examples=[["buyer", "data"]])]


class NumberView(msgspec.Struct, frozen=True):
    """An official number."""

    scheme: Annotated[Literal["uscc", "lei", "eu_vat"], Meta(examples=["uscc"])]
    value: Annotated[str, Meta(examples=["91110108772551611J"])]


class EvidenceView(msgspec.Struct, frozen=True):
    """A document that was handed in."""

    id: Id
    kind: Annotated[str, Meta(examples=["business_licence"])]
    media_type: Annotated[str, Meta(examples=["application/pdf"])]
    sha256: Sha256
    size_bytes: int
    created_at: Time


class DecisionView(msgspec.Struct, frozen=True):
    """A move of the organisation's state, and why."""

    before: str
    after: str
    reason: str
    at: Time
    buyer_class: str | None = None


class OrganisationView(msgspec.Struct, frozen=True):
    """Your organisation as the exchange knows it."""

    id: Id
    name: Texts
    roles: Annotated[list[str], Meta(description="Asked for; they work once verified.", examples=[["supplier"]])]
    country: Annotated[str, Meta(examples=["CN"])]
    state: Annotated[str, Meta(examples=["verified"])]
    identifiers: list[NumberView]
    evidence: list[EvidenceView]
    decisions: list[DecisionView]
    created_at: Time
    buyer_class_claimed: Annotated[
        str | None, Meta(description="The kind of buyer you say you are. 机构自报的买方类别。", examples=["academic"])
    ] = None
    buyer_class: Annotated[
        str | None,
        Meta(
            description="As the operator confirmed it; only this counts for prices. 经运营方确认的买方类别，价格以此为准。",
            examples=["academic"],
        ),
    ] = None


class EvidenceWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One document: what it is, and its bytes in base64 (at most 4 MiB before encoding)."""

    kind: Annotated[str, Meta(examples=["business_licence"], max_length=40)]
    media_type: Annotated[str, Meta(examples=["application/pdf"], max_length=120)]
    content: Annotated[bytes, Meta(description="Base64.", examples=["JVBERi0xLjcK"], min_length=1)]


class EvidenceWishes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Documents that show that your organisation is who it says it is."""

    documents: Annotated[tuple[EvidenceWish, ...], Meta(min_length=1, max_length=10)]


class ClientView(msgspec.Struct, frozen=True):
    """A machine that acts for your organisation; its secret is shown once, when it is made."""

    id: Id
    label: _Label
    scopes: _Scopes
    created_at: Time
    revoked_at: Time | None


class ClientsView(msgspec.Struct, frozen=True):
    """All clients of your organisation, oldest first."""

    items: list[ClientView]


class ClientWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A client to make; it can do at most what the one that asks can do."""

    label: _Label
    scopes: _Scopes


class ClientMade(msgspec.Struct, frozen=True):
    """The new client. The secret is shown this once: a replay of the request leaves it out."""

    client: Id
    label: _Label
    scopes: _Scopes
    client_secret: Annotated[str | None, Meta(examples=["pOJ2mYkSgL9zq0eKk0f0QmT1xJb7d0vWk3VbIYQyKjM"])] = None


class JobView(msgspec.Struct, frozen=True):
    """Work in the background and how far it is."""

    id: Id
    kind: Annotated[str, Meta(examples=["profile-revision"])]
    state: Annotated[Literal["queued", "running", "done", "dead", "cancelled"], Meta(examples=["running"])]
    attempts: int
    done: Annotated[int, Meta(description="Units of work done so far.", examples=[1200])]
    total: Annotated[int | None, Meta(description="All of them, once known.", examples=[5000])]
    result: dict[str, Any] | None
    created_at: Time | None
    ended_at: Time | None


def account_routes(prefix: str) -> list[Any]:
    """The account's routes below a portal's prefix."""
    own, job = f"{prefix}/organisation", f"{prefix}/jobs/{{job:str}}"
    return [
        show(own, OrganisationView, 401, opt=_ANY)(show_organisation),
        command(f"{own}/evidence", Submitted, 400, 401, 409, 413, 422, opt=_ADMIN)(hand_in_evidence),
        show(f"{own}/members", MembersView, 401, 403, opt=_ADMIN)(list_members),
        command(f"{own}/members/{{member:str}}/erasure", ErasureReceipt, 401, 403, 404, 409, opt=_ADMIN)(erase_member),
        *client_routes(prefix),
        show(job, JobView, 401, 404, opt=_ANY)(show_job),
        command(f"{job}/cancellation", JobCancelled, 401, 404, 409, status=200, opt=_ANY)(stop_job),
    ]


def client_routes(prefix: str) -> list[Any]:
    """The routes of an organisation's clients below a portal's prefix."""
    clients = f"{prefix}/clients"
    return [
        show(clients, ClientsView, 401, opt=_ANY)(list_clients),
        command(clients, ClientMade, 400, 401, 409, 422, opt=_ADMIN)(make_client),
        command(f"{clients}/{{client:str}}/revocation", ClientRevoked, 401, 404, status=200, opt=_ADMIN)(end_client),
    ]


async def show_organisation(request: Asked) -> OrganisationView:
    """Your organisation: state, numbers, evidence, decisions. 本机构信息。"""
    actor = actor_of(request)
    async with services_of(request).db.read(actor) as tx:
        own = found(await parties.my_organisation(tx, actor))
        numbers = await parties.my_identifiers(tx, actor)
        evidence = await parties.my_evidence(tx, actor)
        decisions = await parties.my_decisions(tx, actor)
    return OrganisationView(
        id=ids.text("org", own.id),
        name=dict(own.name),
        roles=sorted(role.value for role in own.roles),
        country=own.country,
        state=own.state.value,
        identifiers=[NumberView(one.scheme.value, one.value) for one in numbers],
        evidence=[_evidence(one) for one in evidence],
        decisions=[_decision(one) for one in decisions],
        created_at=stamp(own.created_at),
        buyer_class_claimed=own.buyer_class_claimed,
        buyer_class=own.buyer_class,
    )


async def hand_in_evidence(request: Asked, data: JSONBody[EvidenceWishes]) -> Response[bytes]:
    """Hand in documents and ask to be verified. 提交证明材料并申请核验。

    An organisation that is unverified or rejected is submitted from then on.
    """
    services, actor = services_of(request), actor_of(request)
    if any(len(one.content) > EVIDENCE_MAX_BYTES for one in data.documents):
        raise Refused(TOO_LARGE(limit_bytes=EVIDENCE_MAX_BYTES))
    documents = []
    for one in data.documents:
        blob = await services.files.put(one.content)
        documents.append(accepted_value(document(one.kind, blob.sha256, blob.size_bytes, one.media_type)))
    return await write(
        request,
        "evidence.submit",
        lambda tx: submit_evidence(tx, actor, documents, services.settings.parties),
        object_id=ids.text("org", actor.organisation_id),
    )


async def list_members(request: Asked) -> MembersView:
    """The people of your organisation; `person` is null once erased. 本机构成员。"""
    actor = actor_of(request)
    async with services_of(request).db.read(actor) as tx:
        members = await parties.my_members(tx, actor)
    return await members_view(vault_of(request), members)


async def erase_member(request: Asked, member: FromPath[str]) -> Response[bytes]:
    """Erase a person of your organisation for good. 永久删除本机构成员的个人数据。

    The key under which the person's data is sealed is destroyed: nobody can read it again, and the audit log's proofs hold
    as before. It is done within seconds; `erased` then shows. A regulator's directive to preserve defers it.
    """
    return await ask_erasure(request, member, of_all=False)


async def list_clients(request: Asked) -> ClientsView:
    """The clients of your organisation. 本机构的应用列表。"""
    actor = actor_of(request)
    async with services_of(request).db.read(actor) as tx:
        return ClientsView([_client(one) for one in await parties.my_clients(tx, actor)])


async def make_client(request: Asked, data: JSONBody[ClientWish]) -> Response[bytes]:
    """Make a client; its secret is shown this once. 创建应用（密钥仅显示一次）。"""
    services, actor = services_of(request), actor_of(request)
    secret = secrets.token_urlsafe(SECRET_BYTES)
    wanted = accepted_value(new_client(data.label, data.scopes, hash_secret(secret), services.settings.parties))
    asked = Command(actor, "client.create", idempotency_key(request), await body_digest(request))
    answered = await services.db.run(
        lambda tx: once(tx, asked, 201, lambda tx: create_client(tx, actor, wanted, services.settings.parties))
    )
    if isinstance(answered, Answered) and not answered.replayed:
        # The kept answer is without the secret, so that no table ever holds one.
        made = msgspec.json.decode(answered.body, type=ClientCreated)
        shown = ClientMade(made.client, made.label, made.scopes, secret)
        answered = Answered(answered.status, msgspec.json.encode(shown))
    return answer(request, answered)


async def end_client(request: Asked, client: FromPath[str]) -> Response[bytes]:
    """Revoke a client, and with it every token it holds. 撤销应用及其全部令牌。"""
    actor, client_id = actor_of(request), object_id("cli", client)
    return await write(
        request, "client.revoke", lambda tx: revoke_client(tx, actor, client_id), status=200, object_id=client
    )


async def show_job(request: Asked, job: FromPath[str]) -> JobView:
    """Work that you asked for, and how far it is. 后台任务进度。"""
    actor = actor_of(request)
    async with services_of(request).db.read(actor) as tx:
        return _job(found(await jobs.find_own(tx, actor, object_id("job", job))))


async def stop_job(request: Asked, job: FromPath[str]) -> Response[bytes]:
    """Cancel work that you asked for. 取消后台任务。"""
    actor, job_id = actor_of(request), object_id("job", job)
    return await write(request, "job.cancel", lambda tx: cancel_job(tx, actor, job_id), status=200, object_id=job)


def _evidence(one: Evidence) -> EvidenceView:
    kept = one.document
    return EvidenceView(
        id=ids.text("rsc", one.id),
        kind=kept.kind.value,
        media_type=kept.media_type,
        sha256=kept.sha256.hex(),
        size_bytes=kept.size_bytes,
        created_at=stamp(one.created_at),
    )


def _decision(one: Decision) -> DecisionView:
    return DecisionView(one.from_state.value, one.to_state.value, one.reason, stamp(one.created_at), one.buyer_class)


def _client(one: Client) -> ClientView:
    return ClientView(
        id=ids.text("cli", one.id),
        label=one.label,
        scopes=sorted(one.scopes),
        created_at=stamp(one.created_at),
        revoked_at=stamp(one.revoked_at) if one.revoked_at else None,
    )


def _job(one: JobState) -> JobView:
    # The error text stays inside: it may quote what a library said.
    return JobView(
        id=ids.text("job", one.id),
        kind=one.kind,
        state=one.state,  # type: ignore[arg-type]  # the database knows no other
        attempts=one.attempts,
        done=one.done_count,
        total=one.total_count,
        result=one.result,
        created_at=stamp(one.created_at) if one.created_at else None,
        ended_at=stamp(one.ended_at) if one.ended_at else None,
    )
