"""What stands on an organisation's papers, and what two clients have to agree on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from exchange.flows.approvals import approved, ask
from exchange.kernel import ids
from tests.support.api import Market, market

NAME = {"en": "Corpus Works Ltd", "zh": "语料工坊有限公司"}
WISH = {"legal_name": NAME, "address": ["Hauptstrasse 5"], "city": "Berlin", "postcode": "10115", "language": "en"}
HASH = bytes(range(32))


@pytest_asyncio.fixture
async def exchange(database_url: str, tmp_path: Path) -> AsyncIterator[Market]:
    """The exchange with the portals of this module."""
    async with market(database_url, tmp_path, only=("operator", "buyer", "supplier")) as made:
        yield made


async def test_a_profile_has_versions_and_the_same_again_is_none(exchange: Market) -> None:
    supplier, buyer = await exchange.join("supplier", country="DE"), await exchange.join("buyer")
    path = "/supplier/v1/profile"
    assert (await exchange.get(supplier, path)).status_code == 404
    versions = [
        (await exchange.done(supplier, path, wish))["version"] for wish in (WISH, WISH, {**WISH, "city": "Bonn"}, WISH)
    ]
    assert versions == [1, 1, 2, 3]
    shown = (await exchange.get(supplier, path)).json()
    assert (shown["version"], shown["country"], shown["legal_name"], shown["city"]) == (3, "DE", NAME, "Berlin")
    assert list(shown["tax_ids"]) == ["lei"]
    assert (await exchange.get(buyer, "/buyer/v1/profile")).status_code == 404, "nobody sees another's"


async def test_a_profile_that_cannot_be_printed_is_refused_with_its_field(exchange: Market) -> None:
    supplier = await exchange.join("supplier")
    wrong = {
        "city": {**WISH, "city": " Berlin"},
        "address[0]": {**WISH, "address": ["a\u202eb"]},
        "legal_name": {**WISH, "legal_name": {"en": "x"}, "language": "zh"},
    }
    for field, wish in wrong.items():
        refused = (await exchange.post(supplier, "/supplier/v1/profile", wish)).json()
        assert (refused["type"], refused["field"]) == ("/problems/profile-invalid", field)


async def test_what_one_client_asks_for_another_one_approves_for_this_content_alone(exchange: Market) -> None:
    first = await exchange.operator()
    second = await exchange.another_client(first)
    name, db = ids.text("rsc", first.id), exchange.services.db
    approval = await db.run(lambda tx: ask(tx, first.actor, "payout-batch", name, HASH))
    assert await db.run(lambda tx: ask(tx, first.actor, "payout-batch", name, HASH)) == approval
    path = f"/operator/v1/approvals/{ids.text('apv', approval)}"
    own = await exchange.post(first, f"{path}/approval", {})
    assert own.json()["type"] == "/problems/approval-own"
    assert not await db.run(lambda tx: approved(tx, "payout-batch", name, HASH))
    assert (await exchange.done(second, f"{path}/approval", {"note": "seen"}))["state"] == "approved"
    assert await db.run(lambda tx: approved(tx, "payout-batch", name, HASH))
    assert not await db.run(lambda tx: approved(tx, "payout-batch", name, HASH[::-1]))
    assert (await exchange.post(second, f"{path}/refusal", {})).json()["type"] == "/problems/approval-decided"
    (shown,) = (await exchange.get(first, "/operator/v1/approvals")).json()["items"]
    assert (shown["state"], shown["asked_by"], shown["decided_by"]) == ("approved", first.client, second.client)
    # The operator makes such a client in its own portal.
    made = await exchange.done(first, "/operator/v1/clients", {"label": "third", "scopes": ["operator"]})
    clients = (await exchange.get(first, "/operator/v1/clients")).json()["items"]
    assert clients[0]["id"] == first.client
    assert made["client"] in {one["id"] for one in clients}


async def test_what_was_refused_can_be_asked_for_anew(exchange: Market) -> None:
    first = await exchange.operator()
    second = await exchange.another_client(first)
    db = exchange.services.db
    approval = await db.run(lambda tx: ask(tx, first.actor, "payout-batch", "bat_1", HASH))
    path = f"/operator/v1/approvals/{ids.text('apv', approval)}"
    assert (await exchange.done(second, f"{path}/refusal", {}))["state"] == "refused"
    assert not await db.run(lambda tx: approved(tx, "payout-batch", "bat_1", HASH))
    again = await db.run(lambda tx: ask(tx, second.actor, "payout-batch", "bat_1", HASH))
    assert again != approval
    assert (await exchange.done(first, f"/operator/v1/approvals/{ids.text('apv', again)}/approval", {}))[
        "state"
    ] == "approved"
