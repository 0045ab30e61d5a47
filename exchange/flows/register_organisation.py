"""An organisation joins: itself, its first member and its first client, in one transaction.

Two subjects come with it, each with a key of its own that was made before: the member, who is a person, and the organisation,
whose numbers may be a person's where that trades alone. The log says neither; it commits to both.
"""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import msgspec

from compliance import sealed_store
from compliance import store as audit
from compliance.sealing import Secret
from exchange.flows.once import done
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.subjects import SubjectKey
from exchange.parties import members
from exchange.parties import store as parties
from exchange.parties.clients import NewClient
from exchange.parties.organisations import State, Wish
from exchange.parties.roles import Role


class Registered(msgspec.Struct, frozen=True):
    """Who joined. The client's secret is not here: whoever made it adds it to the answer, once."""

    organisation: str
    state: str
    member: str
    client: str


class Newcomers(msgspec.Struct, frozen=True):
    """The ids of an organisation and of its first member, with the keys under which their data is sealed."""

    organisation: SubjectKey
    member: SubjectKey


async def register_organisation(tx: Tx, wish: Wish, client: NewClient, who: Newcomers) -> Registered:
    """Let an organisation in, unverified: it may hand in evidence, and nothing else yet."""
    return await _join(tx, wish, client, who, State.UNVERIFIED, "organisation.register")


async def found_operator(tx: Tx, wish: Wish, client: NewClient, who: Newcomers) -> Registered:
    """Make an operator, verified from the start; only the command line comes here.

    errors   ValueError for a wish without the role operator
    """
    if Role.OPERATOR not in wish.roles:
        raise ValueError("this is for operators: others register and are verified")
    return await _join(tx, wish, client, who, State.VERIFIED, "operator.found")


async def _join(tx: Tx, wish: Wish, client: NewClient, who: Newcomers, state: State, action: str) -> Registered:
    organisation_id, member_id, client_id = who.organisation.subject, who.member.subject, tx.new_id()
    await parties.add_organisation(tx, organisation_id, wish, state)
    await parties.add_member(tx, member_id, organisation_id, members.sealed(who.member, wish.contact))
    await parties.add_client(tx, client_id, organisation_id, client)
    await sealed_store.add_subject(tx, organisation_id, organisation_id, "organisation")
    await sealed_store.add_subject(tx, member_id, organisation_id, "member")
    name = ids.text("org", organisation_id)
    # What was claimed, and whom to write to: the log can be shown both later, and tells nobody who tries guesses.
    numbers = {one.scheme.value: one.value for one in wish.identifiers}
    claimed = {} if wish.buyer_class is None else {"buyer_class": wish.buyer_class.value}
    entry = done(_itself(organisation_id, client_id), action, name)
    secrets = (Secret(who.organisation, {**numbers, **claimed}), Secret(who.member, wish.contact.fields()))
    await audit.append(tx, [replace(entry, secrets=secrets)])
    return Registered(name, state.value, ids.text("mem", member_id), ids.text("cli", client_id))


def _itself(organisation_id: UUID, client_id: UUID) -> Actor:
    return Actor(organisation_id, client_id, frozenset(), frozenset(), "")
