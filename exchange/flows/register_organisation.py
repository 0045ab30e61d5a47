"""An organisation joins: itself, its first member and its first client, in one transaction."""

from __future__ import annotations

from uuid import UUID

import msgspec

from compliance import store as audit
from exchange.flows.once import done
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.canonical import sha256
from exchange.kernel.db import Tx
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


async def register_organisation(tx: Tx, wish: Wish, client: NewClient) -> Registered:
    """Let an organisation in, unverified: it may hand in evidence, and nothing else yet."""
    return await _join(tx, wish, client, State.UNVERIFIED, "organisation.register")


async def found_operator(tx: Tx, wish: Wish, client: NewClient) -> Registered:
    """Make an operator, verified from the start; only the command line comes here.

    errors   ValueError for a wish without the role operator
    """
    if Role.OPERATOR not in wish.roles:
        raise ValueError("this is for operators: others register and are verified")
    return await _join(tx, wish, client, State.VERIFIED, "operator.found")


async def _join(tx: Tx, wish: Wish, client: NewClient, state: State, action: str) -> Registered:
    organisation_id, member_id, client_id = tx.new_id(), tx.new_id(), tx.new_id()
    await parties.add_organisation(tx, organisation_id, wish, state)
    await parties.add_member(tx, member_id, organisation_id, wish.contact)
    await parties.add_client(tx, client_id, organisation_id, client)
    name = ids.text("org", organisation_id)
    # The digests let the log prove later which numbers were claimed, without saying them.
    numbers = {one.scheme.value: sha256(one.value.encode()) for one in wish.identifiers}
    claimed = {} if wish.buyer_class is None else {"buyer_class": sha256(wish.buyer_class.value.encode())}
    await audit.append(tx, [done(_itself(organisation_id, client_id), action, name, **numbers, **claimed)])
    return Registered(name, state.value, ids.text("mem", member_id), ids.text("cli", client_id))


def _itself(organisation_id: UUID, client_id: UUID) -> Actor:
    return Actor(organisation_id, client_id, frozenset(), frozenset(), "")
