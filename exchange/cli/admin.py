"""exchange admin: what only the owner of the machine may do."""

from __future__ import annotations

import argparse
import secrets
from functools import partial
from typing import Any

from exchange.cli.output import add_json, say
from exchange.cli.tools import Tools
from exchange.flows.register_organisation import Newcomers, found_operator
from exchange.kernel.errors import Problem
from exchange.parties.clients import SECRET_BYTES, hash_secret, new_client
from exchange.parties.organisations import wish


def add(subs: Any) -> None:
    """Put the command into the parser."""
    command = subs.add_parser("admin", help="found the operator", description="What only the machine's owner may do.")
    actions = command.add_subparsers(dest="action", required=True)
    create = actions.add_parser("create-operator", help="found an operator organisation with one client")
    create.add_argument("--name", default="Corpus Exchange Operator", help="its English name")
    create.add_argument("--name-zh", default="语料交易所运营方", help="its Chinese name")
    create.add_argument("--country", default="CN")
    create.add_argument("--lei", default="", help="its Legal Entity Identifier")
    create.add_argument("--email", default="operator@example.org", help="a contact that may be written to")
    add_json(create)
    command.set_defaults(run=run)


async def run(chosen: argparse.Namespace, tools: Tools) -> int:
    """Found the operator and show its secret this once."""
    async with tools.ground(tools.settings) as on, tools.opened(on) as made:
        answer = await create_operator(
            made, chosen.name, chosen.name_zh, country=chosen.country, lei=chosen.lei, email=chosen.email
        )
    if isinstance(answer, Problem):
        say({"problem": answer.slug, "detail": answer.detail("en")}, as_json=chosen.json, lines=[answer.detail("en")])
        return 1
    lines = [f"organisation  {answer['organisation']}", f"client        {answer['client']}"]
    lines += [f"secret        {answer['secret']}", "The secret is shown this once; keep it safe."]
    say(answer, as_json=chosen.json, lines=lines)
    return 0


async def create_operator(
    made: Any, name: str, name_zh: str, *, country: str = "CN", lei: str = "", email: str = "operator@example.org"
) -> dict[str, str] | Problem:
    """Found an operator, verified from the start: its organisation, client and secret.

    errors   answers organisation-invalid, identifier-invalid, person-invalid
    """
    settings = made.settings.parties
    wanted = wish(
        name={"en": name, "zh": name_zh},
        roles=["operator"],
        country=country,
        identifiers={"lei": lei or DEMO_LEI},
        contact_name=name,
        contact_email=email,
        settings=settings,
        reserved=frozenset(),
    )
    if isinstance(wanted, Problem):
        return wanted
    secret = secrets.token_urlsafe(SECRET_BYTES)
    client = new_client("operator", ["operator", "organisation"], hash_secret(secret), settings)
    if isinstance(client, Problem):
        return client
    ids, now, vault = made.db.ids, made.db.clock.now(), made.vault
    who = Newcomers(await vault.make(ids.new(now)), await vault.make(ids.new(now)))
    founded = await made.db.run(partial(found_operator, wish=wanted, client=client, who=who))
    return {"organisation": founded.organisation, "client": founded.client, "secret": secret}


# An LEI of no registry whose check digits hold, for a market that has no real operator yet.
DEMO_LEI = "9845CORPUSEXCHANGE74"
