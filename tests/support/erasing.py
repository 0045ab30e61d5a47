"""A vault in a folder, an organisation with a person in it, and whoever looks for what can still be read of that person."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg

from exchange.flows.open_sealed import opened_of
from exchange.flows.register_organisation import Newcomers, Registered, register_organisation
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Database
from exchange.kernel.keys import Keyring
from exchange.kernel.vault import StoredVault
from exchange.parties import store as parties
from exchange.parties.clients import NewClient, hash_secret, new_client
from exchange.parties.members import opened
from exchange.parties.organisations import Wish, wish
from exchange.parties.settings import PartiesSettings

NAME, EMAIL = "Zhuge Kongming-7f3a", "kongming.7f3a@example.com"
LIMITS = PartiesSettings()
_TABLES = """SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema' ORDER BY 1"""


def vault_in(folder: Path, keyring: Keyring, count: int = 1) -> StoredVault:
    """A vault in `count` folders below this one."""
    return StoredVault.open([(folder / f"vault{n}").as_uri() for n in range(count)], keyring)


async def join(database: Database, vault: StoredVault, name: str = NAME, email: str = EMAIL) -> Registered:
    """An organisation whose contact is this person."""
    asked = wish(
        name={"en": "Example", "zh": "示例"},
        roles=["buyer"],
        country="CN",
        identifiers={"uscc": "91110000600037341L"},
        contact_name=name,
        contact_email=email,
        settings=LIMITS,
    )
    client = new_client("first", ["buyer", "organisation"], hash_secret(secrets.token_urlsafe(32)), LIMITS)
    assert isinstance(asked, Wish)
    assert isinstance(client, NewClient)
    now = database.clock.now()
    who = Newcomers(await vault.make(database.ids.new(now)), await vault.make(database.ids.new(now)))
    return await database.run(partial(register_organisation, wish=asked, client=client, who=who))


def member_of(who: Registered) -> UUID:
    """The member's id."""
    return ids.parse("mem", who.member)


def actor_of(who: Registered, *roles: str) -> Actor:
    """The organisation's client."""
    organisation, client = ids.parse("org", who.organisation), ids.parse("cli", who.client)
    return Actor(organisation, client, frozenset(roles or ("buyer",)), frozenset({"organisation"}), "jti")


async def readable(database: Database, vault: StoredVault) -> set[str]:
    """Everything that can be read of people with whatever lies in database and vault."""
    found: set[str] = set()

    async def look(tx: Any) -> None:
        driver = await tx.driver()
        for (organisation,) in await driver.fetch("SELECT id FROM parties.organisation"):
            for one in await parties.members_of(tx, organisation):
                person = opened(one, await vault.key(one.id))
                found.update(person.fields().values() if person else ())
        entries = [row[0] for row in await driver.fetch("SELECT DISTINCT entry_id FROM compliance.sealed")]
        logged.extend(entries)

    logged: list[UUID] = []
    await database.run(look)
    for records in (await opened_of(database, vault, logged)).values():
        for record in records:
            found.update(record.fields.values())
    return found


async def rows(url: str) -> AsyncIterator[tuple[str, bytes]]:
    """Every row of every table as text, with its bytea spelled out, for whoever looks for bytes."""
    connection = await asyncpg.connect(url)
    try:
        for (table,) in await connection.fetch(_TABLES):
            for (text,) in await connection.fetch(f"SELECT t::text FROM {table} t"):
                yield table, _spelled(text)
    finally:
        await connection.close()


def _spelled(text: str) -> bytes:
    """A row's text, and beside it what its hexadecimal columns say as bytes."""
    said = text.encode()
    for part in text.replace('"', "").strip("()").split(","):
        hexed = part.removeprefix("\\\\x").removeprefix("\\x")
        if hexed != part:
            said += b"\n" + bytes.fromhex(hexed)
    return said
