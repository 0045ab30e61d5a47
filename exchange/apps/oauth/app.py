"""OAuth for machines: tokens by client credentials, what a token says, and giving one up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from litestar import Litestar, Response, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIType

from exchange.apps.http.answers import Asked
from exchange.apps.http.context import Services, services_of
from exchange.apps.http.portal import portal
from exchange.apps.oauth.forms import BODY_MAX_BYTES, BadForm, OAuthError, bad_form, client_of, read_form, refused, said
from exchange.flows.issue_token import TokenIssued, TokenRequest, issue_token
from exchange.flows.revoke_token import revoke_token, show_token, show_token_to
from exchange.kernel.errors import Problem
from exchange.parties.tokens import Token

PREFIX = "/oauth2"
_CLIENT = {
    "client_id": "cli_01m80jwmabesg81hwe4cc73nw9",
    "client_secret": "pOJ2mYkSgL9zq0eKk0f0QmT1xJb7d0vWk3VbIYQyKjM",
}


@dataclass
class FormCall(Operation):
    """An operation that takes a form; the fields that must be there come first."""

    fields: ClassVar[dict[str, str]] = {}
    required_fields: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        """Say what the form holds."""
        shown = {**self.fields, **_CLIENT}
        schema = Schema(
            type=OpenAPIType.OBJECT,
            required=list(self.required_fields),
            properties={name: Schema(type=OpenAPIType.STRING, examples=[text]) for name, text in shown.items()},
            description="Client credentials may stand in the header Authorization: Basic instead. "
            "应用凭据亦可置于 Authorization: Basic 请求头。",
        )
        form = OpenAPIMediaType(schema=schema)
        self.request_body = RequestBody(content={"application/x-www-form-urlencoded": form}, required=True)
        self.security = []


@dataclass
class TokenCall(FormCall):
    """A request for a token."""

    fields: ClassVar[dict[str, str]] = {"grant_type": "client_credentials", "scope": "buyer data"}
    required_fields: ClassVar[tuple[str, ...]] = ("grant_type",)


@dataclass
class AboutToken(FormCall):
    """A request about a token."""

    fields: ClassVar[dict[str, str]] = {"token": "eyJ0eXAiOiJhdCtqd3Qi...", "token_type_hint": "access_token"}
    required_fields: ClassVar[tuple[str, ...]] = ("token",)


def _route(path: str, call: type[Operation], model: Any) -> post:
    errors = {
        status: ResponseSpec(OAuthError, generate_examples=False, description=text)
        for status, text in ((400, "Refused. 请求被拒绝。"), (401, "Client not recognised. 应用身份验证失败。"))
    }
    done = ResponseSpec(model, generate_examples=False, description="Done. 成功。")
    return post(
        path,
        status_code=200,
        opt={"portal": None},
        request_max_body_size=BODY_MAX_BYTES,
        operation_class=call,
        responses={200: done, **errors},
    )


@_route("/oauth2/token", TokenCall, TokenIssued)
async def token(request: Asked) -> Response[bytes]:
    """Get an access token with client credentials. 以应用凭据获取访问令牌。

    RFC 6749, section 4.4; the token is a JWT as RFC 9068 says. Without `scope` it gets all that the client may have.
    """
    services = services_of(request)
    try:
        form = await read_form(request)
        client = client_of(request, form)
        asked = TokenRequest(client.client, client.secret, form.wanted("grant_type"), form.fields.get("scope"))
    except BadForm as error:
        return bad_form(error)
    issued = await services.db.run(lambda tx: issue_token(tx, asked, services.keyring, services.settings.token))
    return refused(request, issued) if isinstance(issued, Problem) else said(issued)


@_route("/oauth2/introspect", AboutToken, dict[str, Any])
async def introspect(request: Asked) -> Response[bytes]:
    """Ask what a token says and whether it holds now. 查询令牌状态。

    RFC 7662. The client shows its secret, or an access token of its own as a bearer token. Tokens of other organisations
    are not active for anybody but the operator.
    """
    services = services_of(request)
    now, settings = services.db.clock.now(), services.settings.token
    try:
        form = await read_form(request)
        about = services.tokens.token(form.wanted("token"), now)
        scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            asker = services.tokens.token(bearer, now)
            if not isinstance(asker, Token):
                return said(None, 401, {"www-authenticate": 'Bearer error="invalid_token"'})
            who = asker.actor()
            told = await services.db.run(lambda tx: show_token_to(tx, who, about, settings))
        else:
            client = client_of(request, form)
            told = await services.db.run(lambda tx: show_token(tx, client.client, client.secret, about, settings))
    except BadForm as error:
        return bad_form(error)
    return refused(request, told) if isinstance(told, Problem) else said(told)


@_route("/oauth2/revoke", AboutToken, None)
async def revoke(request: Asked) -> Response[bytes]:
    """Give a token up: it opens nothing from now on. 撤销令牌。

    RFC 7009. An unknown token is answered like a known one: what its holder wants is already so.
    """
    services = services_of(request)
    try:
        form = await read_form(request)
        client = client_of(request, form)
        about = services.tokens.token(form.wanted("token"), services.db.clock.now())
    except BadForm as error:
        return bad_form(error)
    ended = await services.db.run(lambda tx: revoke_token(tx, client.client, client.secret, about))
    return refused(request, ended) if isinstance(ended, Problem) else said(None)


def app(services: Services) -> Litestar:
    """The token endpoint's app."""
    return portal(
        name="oauth2",
        title="Corpus Exchange: OAuth 授权接口",
        description="Access tokens for machines: client credentials only.\n\n面向应用的访问令牌（仅支持客户端凭据模式）。",
        prefix=PREFIX,
        routes=[token, introspect, revoke],
        services=services,
        portal_scope=None,
    )
