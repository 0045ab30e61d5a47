"""Bodies that people write by hand: JSON or YAML, read exactly, and said so in the OpenAPI document."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
from litestar.openapi.spec import Example, OpenAPIMediaType, Operation, Reference, RequestBody, Schema

from exchange.apps.http.answers import Asked
from exchange.apps.http.documented import Command
from exchange.kernel import written
from exchange.kernel.errors import INVALID_REQUEST, Problem, Refused

T = TypeVar("T")
YAML = frozenset({"application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml"})


# What stands at the top of a document that people write; no body that wraps one has such a field.
_MARKS = ("type", "apiVersion")


async def written_body(request: Asked, form: type[T], bare: str = "") -> T:
    """The body as `form`, from JSON or, where Content-Type says so, from YAML; numbers with a point arrive as text.

    With `bare`, a document may come as it is, as the command line takes it: it is then that field of `form`.

    errors   raises Refused(document-unreadable) or Refused(invalid-request)
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    found = written.read(await request.body(), as_yaml=kind in YAML)
    if isinstance(found, Problem):
        raise Refused(found)
    try:
        return msgspec.convert(_wrapped(found.value, bare), form)
    except msgspec.ValidationError as error:
        raise Refused(INVALID_REQUEST(reason=str(error))) from error


def _wrapped(value: Any, bare: str) -> Any:
    """A bare document as the field that it is; anything else as it came."""
    alone = bool(bare) and isinstance(value, dict) and bare not in value and any(mark in value for mark in _MARKS)
    return {bare: value} if alone else value


def body_of(example: dict[str, Any], yaml: str, description: str) -> RequestBody:
    """What a route takes, with the same example in both ways of writing."""
    shape: Schema | Reference = Schema(description=description, example=example)
    return RequestBody(
        required=True,
        description=description,
        content={
            "application/json": OpenAPIMediaType(schema=shape, examples={"json": Example(value=example)}),
            "application/yaml": OpenAPIMediaType(schema=shape, examples={"yaml": Example(value=yaml)}),
        },
    )


def command_with(body: RequestBody) -> type[Command]:
    """An operation with an Idempotency-Key and this body."""

    class _Command(Command):
        def __post_init__(self) -> None:
            super().__post_init__()
            self.request_body = body

    return _Command


def question_with(body: RequestBody) -> type[Operation]:
    """An operation that changes nothing and takes this body."""

    class _Question(Operation):
        def __post_init__(self) -> None:
            self.request_body = body

    return _Question
