"""The token endpoint on a socket: RFC 6749, 7009, 7662 and 8414."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.support.api import Market, Party, market

GRANT = {"grant_type": "client_credentials"}


@pytest_asyncio.fixture
async def exchange(database_url: str, tmp_path: Path) -> AsyncIterator[Market]:
    """The exchange with the portals of this module."""
    async with market(database_url, tmp_path, only=("oauth2", "buyer")) as made:
        yield made


def basic(party: Party, secret: str | None = None) -> dict[str, str]:
    said = f"{party.client}:{secret or party.secret}"
    return {"authorization": "Basic " + base64.b64encode(said.encode()).decode()}


def post(party: Party) -> dict[str, str]:
    return {"client_id": party.client, "client_secret": party.secret}


async def test_both_ways_to_show_the_secret_give_a_token_that_works(exchange: Market) -> None:
    buyer = await exchange.join("buyer")
    for form, headers in ((GRANT, basic(buyer)), ({**GRANT, **post(buyer), "scope": "buyer"}, {})):
        answer = await exchange.http.post("/oauth2/token", data=form, headers=headers)
        assert answer.status_code == 200, answer.text
        assert answer.headers["cache-control"] == "no-store"
        issued = answer.json()
        assert issued["token_type"] == "Bearer"
        wallet = await exchange.http.get(
            "/buyer/v1/wallet", headers={"authorization": f"Bearer {issued['access_token']}"}
        )
        assert wallet.status_code == 200
    assert issued["scope"] == "buyer"


@pytest.mark.parametrize(
    ("form", "status", "code"),
    [
        ({}, 400, "invalid_request"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({**GRANT, "scope": "operator"}, 400, "invalid_scope"),
    ],
)
async def test_refusals_are_oauths(exchange: Market, form: dict[str, str], status: int, code: str) -> None:
    buyer = await exchange.join("buyer")
    answer = await exchange.http.post("/oauth2/token", data={**form, "x": "y"}, headers=basic(buyer))
    assert (answer.status_code, answer.json()["error"]) == (status, code)
    assert set(answer.json()) == {"error", "error_description"}


async def test_a_wrong_secret_is_401_with_the_scheme(exchange: Market) -> None:
    buyer = await exchange.join("buyer")
    answer = await exchange.http.post("/oauth2/token", data=GRANT, headers=basic(buyer, "x" * 43))
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert answer.headers["www-authenticate"].startswith("Basic")


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        ("grant_type=client_credentials&grant_type=client_credentials", {}),
        ('{"grant_type": "client_credentials"}', {"content-type": "application/json"}),
        ("grant_type=client_credentials", {"authorization": "Basic !!!"}),
        ("x=" + "y" * 20_000, {}),
    ],
)
async def test_odd_requests_are_refused(exchange: Market, body: str, headers: dict[str, str]) -> None:
    given = {"content-type": "application/x-www-form-urlencoded", **headers}
    answer = await exchange.http.post("/oauth2/token", content=body, headers=given)
    assert answer.status_code in (400, 413)


async def asked(exchange: Market, token: str, headers: dict[str, str]) -> dict[str, Any]:
    answer = await exchange.http.post("/oauth2/introspect", data={"token": token}, headers=headers)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def test_a_token_is_shown_to_its_owner_until_it_is_revoked(exchange: Market) -> None:
    buyer, stranger = await exchange.join("buyer"), await exchange.join("buyer")
    for headers in (basic(buyer), buyer.headers):
        told = await asked(exchange, buyer.token, headers)
        assert (told["active"], told["org"], told["client_id"]) == (True, buyer.organisation, buyer.client)
    assert await asked(exchange, buyer.token, basic(stranger)) == {"active": False}
    assert await asked(exchange, "no.such.token", basic(buyer)) == {"active": False}
    nobody = await exchange.http.post("/oauth2/introspect", data={"token": buyer.token})
    assert nobody.status_code == 401
    foreign = await exchange.http.post("/oauth2/revoke", data={"token": buyer.token}, headers=basic(stranger))
    assert foreign.json()["error"] == "unauthorized_client"
    for token in (buyer.token, "no.such.token"):
        gone = await exchange.http.post("/oauth2/revoke", data={"token": token}, headers=basic(buyer))
        assert (gone.status_code, gone.content) == (200, b"")
    assert await asked(exchange, buyer.token, basic(buyer)) == {"active": False}
    assert (await exchange.get(buyer, "/buyer/v1/wallet")).status_code == 401
    late = await exchange.http.post("/oauth2/introspect", data={"token": stranger.token}, headers=buyer.headers)
    assert late.status_code == 401


async def test_the_server_says_what_it_can(exchange: Market) -> None:
    answer = await exchange.http.get("/.well-known/oauth-authorization-server")
    assert answer.status_code == 200
    told = answer.json()
    assert told["issuer"] == exchange.services.settings.token.issuer
    assert told["token_endpoint"] == told["issuer"] + "/oauth2/token"
    assert told["grant_types_supported"] == ["client_credentials"]
