"""Check a request's parameters against the SDK's own typed parameters.

The SDK's `stripe.params` are generated from Stripe's OpenAPI document, so a name, a type or an
enumeration value that Stripe would refuse is refused here too.
"""

from __future__ import annotations

import functools
import re
import sys
import types
import typing
from typing import Any, Literal, NotRequired, Required, Union

import stripe.params
from stripe._request_options import RequestOptions
from typing_extensions import is_typeddict

from sandbox.stripe.wire import Json, Refusal

_INTEGER = re.compile(r"-?[0-9]{1,18}\Z")
_DECIMAL = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,12})?\Z")
_OPTIONS = frozenset(RequestOptions.__annotations__)


def check(spec: str, params: Json) -> Json:
    """Return `params` with integers, booleans and lists in their types.

    shapes   spec "TransferCreateParams" or "checkout.SessionCreateParams"; params as decoded from the form
    errors   Refusal 400 parameter_unknown, parameter_missing, parameter_invalid_* as Stripe words them
    """
    return _typed_dict(_find(spec), params, "")


def _find(spec: str) -> Any:
    at: Any = stripe.params
    for step in spec.split("."):
        at = getattr(at, step)
    return at


@functools.cache
def _fields(cls: Any) -> dict[str, Any]:
    """The fields and their types; options of the client (api_key, ...) never travel as parameters."""
    names = {n: t for n, t in cls.__annotations__.items() if n not in _OPTIONS}
    holder = types.SimpleNamespace(__annotations__=names)
    return typing.get_type_hints(holder, globalns=vars(sys.modules[cls.__module__]), include_extras=True)


def _typed_dict(cls: Any, value: Any, path: str) -> Json:
    if not isinstance(value, dict):
        raise Refusal(400, "Invalid object", param=path)
    fields = _fields(cls)
    for name in value:
        if name not in fields:
            at = _join(path, name)
            raise Refusal(400, f"Received unknown parameter: {at}", code="parameter_unknown", param=at)
    for name in sorted(cls.__required_keys__ & fields.keys()):
        if name not in value:
            at = _join(path, name)
            raise Refusal(400, f"Missing required param: {at}.", code="parameter_missing", param=at)
    return {name: _value(fields[name], below, _join(path, name)) for name, below in value.items()}


def _join(path: str, name: str) -> str:
    return f"{path}[{name}]" if path else name


def _value(hint: Any, value: Any, path: str) -> Any:
    origin = typing.get_origin(hint)
    if origin in (NotRequired, Required):
        return _value(typing.get_args(hint)[0], value, path)
    if origin in (Union, types.UnionType):
        return _union(typing.get_args(hint), value, path)
    if origin is Literal:
        if value in typing.get_args(hint):
            return value
        allowed = ", ".join(str(a) for a in typing.get_args(hint))
        raise Refusal(400, f"Invalid {path}: must be one of {allowed}", param=path)
    if is_typeddict(hint):
        return _typed_dict(hint, value, path)
    if origin is list:
        return _list(typing.get_args(hint)[0], value, path)
    if origin is not None or hint is dict:
        return _map(typing.get_args(hint), value, path)
    return _scalar(hint, value, path)


def _list(item: Any, value: Any, path: str) -> list[Any]:
    if not isinstance(value, list):
        raise Refusal(400, "Invalid array", param=path)
    return [_value(item, below, f"{path}[{n}]") for n, below in enumerate(value)]


def _map(arguments: tuple[Any, ...], value: Any, path: str) -> Json:
    if not isinstance(value, dict):
        raise Refusal(400, "Invalid object", param=path)
    item = arguments[-1] if arguments else Any
    return {name: _map_value(item, below, _join(path, name)) for name, below in value.items()}


def _map_value(item: Any, value: Any, path: str) -> Any:
    # An empty metadata value unsets the key, so it is no error there.
    return value if value == "" else _value(item, value, path)


def _union(options: tuple[Any, ...], value: Any, path: str) -> Any:
    literals = [a for o in options if typing.get_origin(o) is Literal for a in typing.get_args(o)]
    if value in [a for a in literals if isinstance(a, str)]:
        return value
    others = [o for o in options if typing.get_origin(o) is not Literal]
    if any(a != "" for a in literals):
        # `Literal[...] | str` is how the SDK writes an enumeration that may grow; today's values are the list.
        others = [o for o in others if o is not str]
        if not others:
            allowed = ", ".join(str(a) for a in literals if a != "")
            raise Refusal(400, f"Invalid {path}: must be one of {allowed}", param=path)
    first: Refusal | None = None
    for option in others:
        try:
            return _value(option, value, path)
        except Refusal as refusal:
            first = first or refusal
    raise first or Refusal(400, f"Invalid {path}", param=path)


def _scalar(hint: Any, value: Any, path: str) -> Any:
    if hint not in (int, bool, float, str):
        return value
    if not isinstance(value, str):
        raise Refusal(400, f"Invalid {'string' if hint is str else hint.__name__}", param=path)
    if value == "":
        message = (
            f"You passed an empty string for '{path}'. We assume empty values are an attempt to unset a parameter; "
            f"however '{path}' cannot be unset."
        )
        raise Refusal(400, message, code="parameter_invalid_empty", param=path)
    if hint is int:
        if not _INTEGER.match(value):
            raise Refusal(400, f"Invalid integer: {value}", code="parameter_invalid_integer", param=path)
        return int(value)
    if hint is bool:
        if value not in ("true", "false"):
            raise Refusal(400, f"Invalid boolean: {value}", param=path)
        return value == "true"
    if hint is float and not _DECIMAL.match(value):
        raise Refusal(400, f"Invalid decimal: {value}", param=path)
    return value
