"""All SQL of parties.

Three kinds of readers: flows (every row), an organisation's own portal (narrowed by `mine`, and by row-level security a
second time), and everybody (verified organisations' names).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.pages import Page, PageRequest, page_of
from exchange.kernel.store import mine
from exchange.kernel.text import LocaleMap
from exchange.parties import tables as t
from exchange.parties.clients import Client, Credentials, NewClient
from exchange.parties.evidence import Document, Evidence, EvidenceKind
from exchange.parties.identifiers import Identifier, Scheme
from exchange.parties.members import Member, Person
from exchange.parties.organisations import BuyerClass, Decision, Organisation, State, Wish
from exchange.parties.organisations import Standing as Standing  # purchases read it off this module
from exchange.parties.roles import Role
from exchange.parties.tokens import Token

_NUMBERS_LOCK = 7_263_002
# A tax number counts where its country is the organisation's own: the unified social credit code is China's taxpayer
# number, an EU VAT number begins with its state's letters (Greece writes EL). A LEI says nothing about tax. Claims of
# those not verified count for nothing.
_STANDING = """
SELECT o.id, o.state, o.roles, o.country, o.buyer_class,
       o.state = 'verified' AND EXISTS (
           SELECT FROM parties.identifier i WHERE i.organisation_id = o.id
           AND (i.scheme = 'uscc' AND o.country = 'CN'
                OR i.scheme = 'eu_vat' AND left(i.value, 2) = CASE o.country WHEN 'GR' THEN 'EL' ELSE o.country END))
FROM parties.organisation o WHERE o.id = ANY($1::uuid[])"""
_CLIENT = (t.client.c.id, t.client.c.organisation_id, t.client.c.label, t.client.c.scopes)
_CLIENT_ENDS = (t.client.c.created_at, t.client.c.revoked_at)


async def standing(tx: Tx, organisation_ids: Sequence[UUID]) -> dict[UUID, Standing]:
    """State, roles, country, class and tax registration of many organisations, in one statement.

    shapes   unknown ones are missing from the answer
    """
    driver = await tx.driver()
    rows = await driver.fetch(_STANDING, list(organisation_ids))
    return {row[0]: Standing(State(row[1]), frozenset(map(Role, row[2])), *row[3:]) for row in rows}


async def revoked(tx: Tx, jtis: Sequence[str]) -> set[str]:
    """Which of these tokens were revoked, in one statement."""
    driver = await tx.driver()
    rows = await driver.fetch("SELECT jti FROM parties.revoked_token WHERE jti = ANY($1::text[])", list(jtis))
    return {row[0] for row in rows}


async def lapsed(tx: Tx, actors: Sequence[Actor]) -> set[str]:
    """Which of these actors' tokens no longer hold, in one statement; answers their jtis.

    A token lapses when it or its client is revoked, and when it carries roles and its organisation is no longer verified.
    """
    driver = await tx.driver()
    rows = await driver.fetch(
        """SELECT a.jti FROM unnest($1::text[], $2::uuid[], $3::uuid[], $4::bool[]) AS a(jti, client_id, organisation_id, acts)
        WHERE EXISTS (SELECT FROM parties.revoked_token r WHERE r.jti = a.jti)
        OR NOT EXISTS (SELECT FROM parties.client c WHERE c.id = a.client_id AND c.revoked_at IS NULL)
        OR NOT EXISTS (SELECT FROM parties.organisation o WHERE o.id = a.organisation_id
                       AND (o.state = 'verified' OR NOT a.acts))""",
        [actor.jti for actor in actors],
        [actor.client_id for actor in actors],
        [actor.organisation_id for actor in actors],
        [bool(actor.roles) for actor in actors],
    )
    return {row[0] for row in rows}


async def add_organisation(tx: Tx, organisation_id: UUID, wish: Wish, state: State) -> None:
    """Write an organisation and its numbers."""
    await tx.conn.execute(
        insert(t.organisation).values(
            id=organisation_id,
            name=dict(wish.name),
            roles=sorted(wish.roles),
            country=wish.country,
            state=state.value,
            created_at=tx.now,
            buyer_class_claimed=wish.buyer_class,
        )
    )
    numbers = [
        {"organisation_id": organisation_id, "scheme": one.scheme.value, "value": one.value, "created_at": tx.now}
        for one in wish.identifiers
    ]
    await tx.conn.execute(insert(t.identifier), numbers)


async def add_member(tx: Tx, member_id: UUID, organisation_id: UUID, sealed: bytes) -> None:
    """Write a member, and apart from it, sealed, who that is."""
    await tx.conn.execute(
        insert(t.member).values(id=member_id, organisation_id=organisation_id, state="active", created_at=tx.now)
    )
    await tx.conn.execute(
        insert(t.person).values(member_id=member_id, organisation_id=organisation_id, sealed=sealed, created_at=tx.now)
    )


async def plain_people(tx: Tx, limit: int = 100) -> list[tuple[UUID, Person]]:
    """Members who are still written down as they were before names were sealed."""
    c = t.person.c
    rows = await tx.conn.execute(select(c.member_id, c.name, c.email).where(c.sealed.is_(None)).limit(limit))
    return [(row.member_id, Person(row.name, row.email)) for row in rows]


async def seal_person(tx: Tx, member_id: UUID, sealed: bytes) -> None:
    """Write a person sealed in place of plain."""
    c = t.person.c
    change = update(t.person).where(c.member_id == member_id, c.sealed.is_(None))
    await tx.conn.execute(change.values(name=None, email=None, sealed=sealed))


async def erase_person(tx: Tx, member_id: UUID) -> bool:
    """Forget who a member is; facts keep the member's id. Answers whether there was anything to forget."""
    done = await tx.conn.execute(delete(t.person).where(t.person.c.member_id == member_id))
    await tx.conn.execute(update(t.member).where(t.member.c.id == member_id).values(state="left"))
    return done.rowcount > 0


async def lock_organisation(tx: Tx, organisation_id: UUID) -> Organisation | None:
    """Load an organisation for a change of state; others wait."""
    row = (
        await tx.conn.execute(select(t.organisation).where(t.organisation.c.id == organisation_id).with_for_update())
    ).one_or_none()
    return _organisation(row) if row else None


async def move(tx: Tx, decision: Decision) -> None:
    """Write a decision and the state and class that follow from it: a decision that names no class ends the one there was."""
    moved = await tx.conn.execute(
        update(t.organisation)
        .where(t.organisation.c.id == decision.organisation_id, t.organisation.c.state == decision.from_state.value)
        .values(state=decision.to_state.value, buyer_class=decision.buyer_class)
    )
    assert moved.rowcount == 1, "the state was read under a lock"
    await tx.conn.execute(
        insert(t.decision).values(
            id=decision.id,
            organisation_id=decision.organisation_id,
            from_state=decision.from_state.value,
            to_state=decision.to_state.value,
            decided_by=decision.decided_by,
            client_id=decision.client_id,
            reason=decision.reason,
            created_at=decision.created_at,
            buyer_class=decision.buyer_class,
        )
    )


async def numbers_held_by_others(tx: Tx, organisation_id: UUID) -> list[str]:
    """The schemes of this organisation's numbers that another verified or suspended organisation has too.

    Takes a lock until the end of the transaction, so that two organisations can't be verified with one number at once.
    """
    await tx.conn.execute(select(func.pg_advisory_xact_lock(_NUMBERS_LOCK)))
    other = t.identifier.alias()
    rows = await tx.conn.execute(
        select(t.identifier.c.scheme)
        .distinct()
        .join(other, (other.c.scheme == t.identifier.c.scheme) & (other.c.value == t.identifier.c.value))
        .join(t.organisation, t.organisation.c.id == other.c.organisation_id)
        .where(t.identifier.c.organisation_id == organisation_id, other.c.organisation_id != organisation_id)
        .where(t.organisation.c.state.in_([State.VERIFIED.value, State.SUSPENDED.value]))
    )
    return sorted(rows.scalars())


async def add_evidence(tx: Tx, evidence_id: UUID, actor: Actor, document: Document) -> UUID:
    """Write a document; the same one again answers the first one's id."""
    made = await tx.conn.execute(
        upsert(t.evidence)
        .values(
            id=evidence_id,
            organisation_id=actor.organisation_id,
            kind=document.kind.value,
            sha256=document.sha256,
            size_bytes=document.size_bytes,
            media_type=document.media_type,
            client_id=actor.client_id,
            created_at=tx.now,
        )
        .on_conflict_do_nothing()
        .returning(t.evidence.c.id)
    )
    first: UUID | None = made.scalar_one_or_none()
    if first is None:
        c = t.evidence.c
        same = (c.organisation_id == actor.organisation_id, c.sha256 == document.sha256, c.kind == document.kind.value)
        first = (await tx.conn.execute(select(c.id).where(*same))).scalar_one()
    return first


async def count_evidence(tx: Tx, organisation_id: UUID) -> int:
    """How many documents an organisation has handed in."""
    query = select(func.count()).select_from(t.evidence).where(t.evidence.c.organisation_id == organisation_id)
    return (await tx.conn.execute(query)).scalar_one()


async def add_client(tx: Tx, client_id: UUID, organisation_id: UUID, client: NewClient) -> None:
    """Write a client with the hash of its secret."""
    await tx.conn.execute(
        insert(t.client).values(
            id=client_id,
            organisation_id=organisation_id,
            label=client.label,
            secret_hash=client.secret_hash,
            scopes=sorted(client.scopes),
            created_at=tx.now,
        )
    )


async def count_clients(tx: Tx, organisation_id: UUID) -> int:
    """How many clients of an organisation are in use; the organisation's row is locked until the end."""
    await tx.conn.execute(select(t.organisation.c.id).where(t.organisation.c.id == organisation_id).with_for_update())
    c = t.client.c
    query = (
        select(func.count()).select_from(t.client).where(c.organisation_id == organisation_id, c.revoked_at.is_(None))
    )
    return (await tx.conn.execute(query)).scalar_one()


async def revoke_client(tx: Tx, organisation_id: UUID, client_id: UUID) -> bool:
    """End a client; answers whether the organisation has such a client. A second time changes nothing."""
    c = t.client.c
    done = await tx.conn.execute(
        update(t.client)
        .where(c.id == client_id, c.organisation_id == organisation_id)
        .values(revoked_at=func.coalesce(c.revoked_at, tx.now))
    )
    return done.rowcount > 0


async def credentials(tx: Tx, client_id: UUID) -> Credentials | None:
    """What the token endpoint needs to know of a client."""
    c, o = t.client.c, t.organisation.c
    query = (
        select(c.id, c.organisation_id, c.secret_hash, c.scopes, c.revoked_at, o.state, o.roles)
        .join(t.organisation, o.id == c.organisation_id)
        .where(c.id == client_id)
    )
    row = (await tx.conn.execute(query)).one_or_none()
    if row is None:
        return None
    scopes, roles = frozenset(row.scopes), frozenset(map(Role, row.roles))
    return Credentials(row.id, row.organisation_id, row.secret_hash, scopes, row.revoked_at, State(row.state), roles)


async def revoke_token(tx: Tx, token: Token) -> None:
    """Note that a token no longer holds."""
    await tx.conn.execute(
        upsert(t.revoked_token)
        .values(
            jti=token.jti,
            organisation_id=token.organisation_id,
            client_id=token.client_id,
            expires_at=token.expires_at,
            revoked_at=tx.now,
        )
        .on_conflict_do_nothing()
    )


async def forget_expired_tokens(tx: Tx, *, keep: Sequence[UUID] = ()) -> int:
    """Drop revocations of tokens that have expired anyway, but none of the organisations in `keep`; answers how many."""
    gone = delete(t.revoked_token).where(t.revoked_token.c.expires_at < tx.now)
    if keep:
        gone = gone.where(t.revoked_token.c.organisation_id.not_in(keep))
    return (await tx.conn.execute(gone)).rowcount


async def expired_among(tx: Tx, organisations: Sequence[UUID]) -> list[UUID]:
    """Which of these organisations have revocations of tokens that have expired."""
    if not organisations:
        return []
    wanted = select(t.revoked_token.c.organisation_id).distinct().where(t.revoked_token.c.expires_at < tx.now)
    rows = await tx.conn.execute(wanted.where(t.revoked_token.c.organisation_id.in_(organisations)))
    return [row[0] for row in rows]


async def my_organisation(tx: Tx, actor: Actor) -> Organisation | None:
    """The actor's own organisation."""
    # By its key: verified organisations are everybody's to see, so this is no filter of what is the actor's alone.
    wanted = select(t.organisation).where(t.organisation.c.id == actor.organisation_id)
    row = (await tx.conn.execute(wanted)).one_or_none()
    return _organisation(row) if row else None


async def my_identifiers(tx: Tx, actor: Actor) -> list[Identifier]:
    """The numbers of the actor's organisation."""
    c = t.identifier.c
    rows = await tx.conn.execute(select(c.scheme, c.value).where(mine(c.organisation_id, actor)).order_by(c.scheme))
    return [Identifier(Scheme(row.scheme), row.value) for row in rows]


async def my_evidence(tx: Tx, actor: Actor) -> list[Evidence]:
    """The documents of the actor's organisation, oldest first."""
    return await _evidence(tx, select(t.evidence).where(mine(t.evidence.c.organisation_id, actor)))


async def my_decisions(tx: Tx, actor: Actor) -> list[Decision]:
    """What was decided about the actor's organisation, oldest first."""
    return await _decisions(tx, select(t.decision).where(mine(t.decision.c.organisation_id, actor)))


async def my_clients(tx: Tx, actor: Actor) -> list[Client]:
    """The clients of the actor's organisation, oldest first; never their secrets."""
    c = t.client.c
    rows = await tx.conn.execute(select(*_CLIENT, *_CLIENT_ENDS).where(mine(c.organisation_id, actor)).order_by(c.id))
    return [Client(r.id, r.organisation_id, r.label, frozenset(r.scopes), r.created_at, r.revoked_at) for r in rows]


async def my_members(tx: Tx, actor: Actor) -> list[Member]:
    """The members of the actor's organisation, oldest first."""
    return await _members(tx, mine(t.member.c.organisation_id, actor))


async def members_of(tx: Tx, organisation_id: UUID) -> list[Member]:
    """The members of an organisation, for the operator."""
    return await _members(tx, t.member.c.organisation_id == organisation_id)


async def _members(tx: Tx, condition: ColumnElement[bool]) -> list[Member]:
    m, p = t.member.c, t.person.c
    rows = await tx.conn.execute(
        select(m.id, m.organisation_id, m.state, m.created_at, p.sealed)
        .outerjoin(t.person, p.member_id == m.id)
        .where(condition)
        .order_by(m.id)
    )
    return [Member(*row) for row in rows]


async def public_names(tx: Tx, organisation_ids: Sequence[UUID]) -> dict[UUID, LocaleMap]:
    """The names of verified organisations, for whoever looks at a listing."""
    c = t.organisation.c
    query = select(c.id, c.name).where(c.id.in_(list(organisation_ids)), c.state == State.VERIFIED.value)
    return {row.id: row.name for row in await tx.conn.execute(query)}


async def find_organisation(tx: Tx, organisation_id: UUID) -> Organisation | None:
    """One organisation, for the operator."""
    row = (await tx.conn.execute(select(t.organisation).where(t.organisation.c.id == organisation_id))).one_or_none()
    return _organisation(row) if row else None


async def organisations(tx: Tx, state: State | None, request: PageRequest) -> Page[Organisation]:
    """A page of organisations, oldest first, for the operator."""
    query = select(t.organisation).order_by(t.organisation.c.id).limit(request.limit + 1)
    if state is not None:
        query = query.where(t.organisation.c.state == state.value)
    if request.after:
        query = query.where(t.organisation.c.id > UUID(request.after[0]))
    rows = [_organisation(row) for row in await tx.conn.execute(query)]
    return page_of(rows, request, lambda one: (str(one.id),))


async def identifiers_of(tx: Tx, organisation_id: UUID) -> list[Identifier]:
    """The numbers of an organisation, for the operator."""
    c = t.identifier.c
    rows = await tx.conn.execute(
        select(c.scheme, c.value).where(c.organisation_id == organisation_id).order_by(c.scheme)
    )
    return [Identifier(Scheme(row.scheme), row.value) for row in rows]


async def evidence_of(tx: Tx, organisation_id: UUID) -> list[Evidence]:
    """The documents of an organisation, for the operator."""
    return await _evidence(tx, select(t.evidence).where(t.evidence.c.organisation_id == organisation_id))


async def decisions_of(tx: Tx, organisation_id: UUID) -> list[Decision]:
    """What was decided about an organisation, for the operator."""
    return await _decisions(tx, select(t.decision).where(t.decision.c.organisation_id == organisation_id))


async def _evidence(tx: Tx, query: Select[Any]) -> list[Evidence]:
    rows = await tx.conn.execute(query.order_by(t.evidence.c.id))
    return [
        Evidence(
            r.id, r.organisation_id, Document(EvidenceKind(r.kind), r.sha256, r.size_bytes, r.media_type), r.created_at
        )
        for r in rows
    ]


async def _decisions(tx: Tx, query: Select[Any]) -> list[Decision]:
    rows = await tx.conn.execute(query.order_by(t.decision.c.id))
    return [
        Decision(
            r.id,
            r.organisation_id,
            State(r.from_state),
            State(r.to_state),
            r.decided_by,
            r.client_id,
            r.reason,
            r.created_at,
            _class(r.buyer_class),
        )
        for r in rows
    ]


def _organisation(row: Row[Any]) -> Organisation:
    roles = frozenset(map(Role, row.roles))
    return Organisation(
        row.id,
        row.name,
        roles,
        row.country,
        State(row.state),
        row.node_id,
        row.created_at,
        _class(row.buyer_class_claimed),
        _class(row.buyer_class),
    )


def _class(value: str | None) -> BuyerClass | None:
    return None if value is None else BuyerClass(value)
