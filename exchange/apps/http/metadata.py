"""What OAuth clients may know of the token endpoint before they ask: served at `/.well-known/oauth-authorization-server`."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Response, get

from exchange.apps.http.answers import Asked
from exchange.apps.http.context import services_of
from exchange.apps.http.documented import answers
from exchange.parties.roles import SCOPES

CLIENT_AUTHENTICATION = ["client_secret_basic", "client_secret_post"]


class ServerMetadata(msgspec.Struct, frozen=True):
    """The metadata of the authorization server (RFC 8414, section 2)."""

    issuer: str
    token_endpoint: str
    introspection_endpoint: str
    revocation_endpoint: str
    jwks_uri: str
    grant_types_supported: list[str]
    response_types_supported: list[str]
    scopes_supported: list[str]
    token_endpoint_auth_methods_supported: list[str]
    introspection_endpoint_auth_methods_supported: list[str]
    revocation_endpoint_auth_methods_supported: list[str]
    service_documentation: str


def metadata_routes() -> list[Any]:
    """The one route of the metadata, for the app that serves `/.well-known`."""
    path = "/.well-known/oauth-authorization-server"
    return [get(path, opt={"portal": None}, responses=answers(ServerMetadata))(show_server)]


async def show_server(request: Asked) -> Response[bytes]:
    """The OAuth server's addresses and abilities. OAuth 授权服务器元数据。

    RFC 8414; this exchange gives tokens to machines only (client credentials).
    """
    return Response(
        msgspec.json.encode(server_metadata(services_of(request).settings.token.issuer)),
        media_type="application/json",
        headers={"cache-control": "public, max-age=3600"},
    )


def server_metadata(issuer: str) -> ServerMetadata:
    """The metadata of the server whose tokens name `issuer`.

    source   RFC 8414, section 2
    """
    return ServerMetadata(
        issuer=issuer,
        token_endpoint=f"{issuer}/oauth2/token",
        introspection_endpoint=f"{issuer}/oauth2/introspect",
        revocation_endpoint=f"{issuer}/oauth2/revoke",
        jwks_uri=f"{issuer}/.well-known/jwks.json",
        grant_types_supported=["client_credentials"],
        response_types_supported=[],
        scopes_supported=sorted(SCOPES),
        token_endpoint_auth_methods_supported=CLIENT_AUTHENTICATION,
        introspection_endpoint_auth_methods_supported=[*CLIENT_AUTHENTICATION, "bearer"],
        revocation_endpoint_auth_methods_supported=CLIENT_AUTHENTICATION,
        service_documentation=f"{issuer}/oauth2/docs",
    )
