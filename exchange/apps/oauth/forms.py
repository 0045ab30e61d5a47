"""What OAuth clients send: a form, and their credentials in its one right place."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote_plus

import msgspec
from litestar import Response

from exchange.apps.http.answers import Asked
from exchange.kernel.errors import Problem
from exchange.kernel.text import accepted
from exchange.parties.problems import INVALID_CLIENT, OAUTH_CODES

BODY_MAX_BYTES = 16 * 1024
_FORM = "application/x-www-form-urlencoded"


class BadForm(Exception):
    """A request that RFC 6749 calls invalid_request; `str()` says why, in English."""


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a form, each once; a field without a value counts as not sent."""

    fields: dict[str, str]

    def wanted(self, name: str) -> str:
        """A field that must be there.

        errors   BadForm
        """
        if name not in self.fields:
            raise BadForm(f"{name} is missing")
        return self.fields[name]


@dataclass(frozen=True, slots=True, repr=False)
class ClientSaid:
    """The id and the secret that a client shows."""

    client: str
    secret: str


class OAuthError(msgspec.Struct, frozen=True):
    """An error as RFC 6749, section 5.2 writes it."""

    error: str
    error_description: str


async def read_form(request: Asked) -> Form:
    """Read the form in the body.

    errors   BadForm for another media type, a field that comes twice, or more than 16 KiB
    source   RFC 6749, section 3.2: parameters must not be included more than once
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != _FORM:
        raise BadForm(f"the body must be {_FORM}")
    body = await request.body()
    if len(body) > BODY_MAX_BYTES:
        raise BadForm(f"the body is longer than {BODY_MAX_BYTES} bytes")
    try:
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, strict_parsing=bool(body), max_num_fields=50)
    except ValueError as error:
        raise BadForm("the body is no form in UTF-8") from error
    fields: dict[str, str] = {}
    for name, value in pairs:
        if name in fields:
            raise BadForm(f"{name[:60]} comes twice")
        fields[name] = value
    return Form({name: value for name, value in fields.items() if value})


def client_of(request: Asked, form: Form) -> ClientSaid:
    """The client's credentials: in the header (client_secret_basic) or in the form (client_secret_post), not in both.

    errors   BadForm
    source   RFC 6749, section 2.3.1
    """
    header = request.headers.get("authorization", "")
    scheme, _, value = header.partition(" ")
    if scheme.lower() != "basic":
        return ClientSaid(form.fields.get("client_id", ""), form.fields.get("client_secret", ""))
    if "client_secret" in form.fields:
        raise BadForm("credentials come once, in the header or in the form")
    try:
        name, _, secret = base64.b64decode(value.strip(), validate=True).decode("utf-8").partition(":")
    except (binascii.Error, ValueError) as error:
        raise BadForm("the header Authorization is no Basic credentials") from error
    said = ClientSaid(unquote_plus(name), unquote_plus(secret))
    if form.fields.get("client_id", said.client) != said.client:
        raise BadForm("client_id is not the one in the header")
    return said


def said(content: object, status: int = 200, headers: dict[str, str] | None = None) -> Response[bytes]:
    """An answer that no cache keeps.

    source   RFC 6749, section 5.1
    """
    kept = {"cache-control": "no-store", "pragma": "no-cache", **(headers or {})}
    body = b"" if content is None else msgspec.json.encode(content)
    return Response(body, status_code=status, media_type="application/json", headers=kept)


def bad_form(error: BadForm) -> Response[bytes]:
    """Answer invalid_request."""
    return said(OAuthError("invalid_request", str(error)), 400)


def refused(request: Asked, problem: Problem) -> Response[bytes]:
    """Answer a problem in OAuth's words: the code, and the detail in the reader's language.

    source   RFC 6749, section 5.2: 401 with the scheme that the client used; its texts are ASCII without quotes
    """
    language = accepted(request.headers.get("accept-language"))
    code = OAUTH_CODES.get(problem.type, "invalid_request")
    headers = {"www-authenticate": 'Basic realm="exchange"'} if problem.type is INVALID_CLIENT else {}
    return said(OAuthError(code, problem.detail(language)), int(problem.type.kind), headers)
