"""How answers leave: problems in the reader's language, once-only writes, pages."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from urllib.parse import urlencode

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException

from exchange.apps.http.context import Services, actor_of
from exchange.apps.http.plain import JSON, Plain, header
from exchange.apps.http.refusals import reason_of
from exchange.flows.once import Answered, Command, Receipt, once
from exchange.kernel import errors
from exchange.kernel.db import DatabaseAway, Tx, ValueOutOfRange
from exchange.kernel.errors import Kind, Problem, Refused
from exchange.kernel.idempotency import KEY_MISSING
from exchange.kernel.pages import BadCursor, Page, PageRequest, page_request
from exchange.kernel.text import Text, accepted

T = TypeVar("T")
Asked = Request[Any, Any, Any]
_LOG = structlog.get_logger("http")
_JSON = "application/json"
_PROBLEM_JSON = "application/problem+json"
_BY_STATUS = {
    400: errors.INVALID_REQUEST,
    401: errors.UNAUTHENTICATED,
    404: errors.NOT_FOUND,
    405: errors.METHOD_NOT_ALLOWED,
    413: errors.TOO_LARGE,
}


def problem_response(request: Asked, problem: Problem) -> Response[bytes]:
    """RFC 9457, in the language that the reader accepts."""
    language = accepted(request.headers.get("accept-language"))
    kind = problem.type.kind
    content = {
        **{name: _plain(value, language) for name, value in problem.fields.items()},
        "type": f"/problems/{problem.slug}",
        "title": problem.type.title.in_(language),
        "status": int(kind),
        "detail": problem.detail(language),
        "remedy": problem.remedy(language),
        "request_id": request.scope.get("request_id", ""),
    }
    headers = {"content-language": language, "cache-control": "no-store"}
    if kind is Kind.UNAUTHENTICATED:
        headers["www-authenticate"] = 'Bearer error="invalid_token"'
    if kind is Kind.UNAVAILABLE:
        headers["retry-after"] = "1"
    return Response(
        msgspec.json.encode(content, enc_hook=str), status_code=int(kind), media_type=_PROBLEM_JSON, headers=headers
    )


def _plain(value: object, language: str) -> object:
    return value.in_(language) if isinstance(value, Text) else value


def on_refused(request: Asked, error: Refused) -> Response[bytes]:
    """Answer a problem that a handler raised."""
    return problem_response(request, error.problem)


def on_http_error(request: Asked, error: HTTPException) -> Response[bytes]:
    """Answer what the framework refused: no such route, a body that does not parse."""
    kind = _BY_STATUS.get(error.status_code, errors.INVALID_REQUEST if error.status_code < 500 else errors.DEFECT)
    if error.status_code >= 500:
        return on_defect(request, error)
    if kind is errors.TOO_LARGE:
        return problem_response(request, kind(limit_bytes=request.app.request_max_body_size or 0))
    return problem_response(
        request, kind(reason=reason_of(request, error)) if kind is errors.INVALID_REQUEST else kind()
    )


def on_defect(request: Asked, error: Exception) -> Response[bytes]:
    """Answer our own mistake without a word of its inside; the log has it whole."""
    _LOG.error("defect", path=request.url.path, request_id=request.scope.get("request_id", ""), exc_info=error)
    return problem_response(request, errors.DEFECT())


def on_too_deep(request: Asked, _error: RecursionError) -> Response[bytes]:
    """Answer a body that is nested deeper than a parser follows: the sender's mistake, not ours."""
    return problem_response(
        request, errors.INVALID_REQUEST(reason=Text("the body is nested too deeply", "请求内容嵌套过深"))
    )


def on_not_utf8(request: Asked, _error: UnicodeDecodeError) -> Response[bytes]:
    """Answer a body that is no UTF-8 text."""
    return problem_response(
        request, errors.INVALID_REQUEST(reason=Text("the body is not UTF-8", "请求内容不是 UTF-8 文本"))
    )


def on_out_of_range(request: Asked, _error: ValueOutOfRange) -> Response[bytes]:
    """Answer a question about a value that nothing can have."""
    return problem_response(request, errors.INVALID_REQUEST(reason=Text("a value is out of range", "取值超出范围")))


def on_away(request: Asked, error: DatabaseAway) -> Response[bytes]:
    """Answer that the database is away."""
    _LOG.error("database-away", path=request.url.path, request_id=request.scope.get("request_id", ""), error=str(error))
    return problem_response(request, errors.DATABASE_AWAY())


HANDLERS: dict[Any, Any] = {
    Refused: on_refused,
    HTTPException: on_http_error,
    DatabaseAway: on_away,
    ValueOutOfRange: on_out_of_range,
    RecursionError: on_too_deep,
    UnicodeDecodeError: on_not_utf8,
    Exception: on_defect,
}


def idempotency_key(request: Asked) -> str:
    """The header Idempotency-Key.

    errors   raises Refused(idempotency-key-missing)
    """
    key = header(request, b"idempotency-key")
    if not 1 <= len(key) <= 255 or not key.isascii() or not key.isprintable():
        raise Refused(KEY_MISSING())
    return key


async def body_digest(request: Asked) -> bytes:
    """What makes two requests the same: method, path and body."""
    head = f"{request.method} {request.scope['path']}\n".encode()
    return hashlib.sha256(head + await request.body()).digest()


async def write(
    request: Asked, action: str, flow: Callable[[Tx], Awaitable[Receipt]], *, status: int = 201, object_id: str = ""
) -> Response[bytes]:
    """Run a command once under the request's key and answer with its receipt or its problem."""
    services: Services = request.app.state.services
    actor = actor_of(request)
    command = Command(actor, action, idempotency_key(request), await body_digest(request), object_id)
    answered = await services.db.run(lambda tx: once(tx, command, status, flow))
    return answer(request, answered)


def answer(request: Asked, answered: Answered | Problem) -> Response[bytes]:
    """The response of a command that ran once."""
    if isinstance(answered, Problem):
        return problem_response(request, answered)
    headers = {"idempotency-replayed": "true"} if answered.replayed else {}
    return Response(answered.body, status_code=answered.status, media_type=_JSON, headers=headers)


def plain_answer(answered: Answered | Problem) -> Plain:
    """The same for a hot route.

    errors   raises Refused
    """
    if isinstance(answered, Problem):
        raise Refused(answered)
    headers = [(b"idempotency-replayed", b"true")] if answered.replayed else []
    return Plain(answered.status, answered.body, JSON, *headers)


def found(value: T | None) -> T:
    """The value, or the problem that there is none.

    errors   raises Refused(not-found)
    """
    if value is None:
        raise Refused(errors.NOT_FOUND())
    return value


def accepted_value(value: T | Problem) -> T:
    """The value, or the problem raised.

    errors   raises Refused
    """
    if isinstance(value, Problem):
        raise Refused(value)
    return value


def asked_page(limit: int | None, cursor: str | None) -> PageRequest:
    """The page that the query asks for.

    errors   raises Refused(invalid-request)
    """
    try:
        return page_request(limit, cursor)
    except BadCursor as error:
        raise Refused(errors.INVALID_REQUEST(reason=str(error))) from error


def page_response(request: Asked, page: Page[T], form: Callable[[T], Any]) -> Response[bytes]:
    """A page with `Link: rel="next"` where there is more.

    source   RFC 8288
    """
    headers = {}
    if page.next_cursor:
        query = {**request.query_params.dict(), "cursor": [page.next_cursor]}
        headers["link"] = f'<{request.url.path}?{urlencode(query, doseq=True)}>; rel="next"'
    content = {"items": [form(item) for item in page.items], "next_cursor": page.next_cursor}
    return Response(msgspec.json.encode(content), media_type=_JSON, headers=headers)
