"""How Stripe speaks HTTP: form encoding in, JSON and typed errors out."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

INVALID_REQUEST = "invalid_request_error"
Json = dict[str, Any]
_BRACKET = re.compile(r"\[([^\[\]]*)\]")


@dataclass(frozen=True, slots=True)
class Call:
    """One request after its parameters were checked."""

    method: str
    path: str
    params: Json
    account: str
    key: str | None
    origin: str
    names: dict[str, str] = field(default_factory=dict)


class Refusal(Exception):
    """An answer other than 2xx, in Stripe's error shape."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str = INVALID_REQUEST,
        code: str | None = None,
        param: str | None = None,
        **more: Any,
    ) -> None:
        """Keep what the error body says."""
        super().__init__(message)
        self.status = status
        self.body: Json = {"message": message, "type": kind, **more}
        if code is not None:
            self.body["code"] = code
            self.body["doc_url"] = f"https://docs.stripe.com/error-codes#{code.replace('_', '-')}"
        if param is not None:
            self.body["param"] = param


def missing(kind: str, object_id: str, param: str = "id") -> Refusal:
    """The 404 for an object that is not there (or belongs to another account)."""
    return Refusal(404, f"No such {kind}: '{object_id}'", code="resource_missing", param=param)


def decode_form(encoded: str) -> Json:
    """Read `a[b]=1&c[]=2&d[0][e]=3` into nested objects and lists."""
    tree: Json = {}
    for name, value in parse_qsl(encoded, keep_blank_values=True):
        head = name.split("[", 1)[0]
        _put(tree, [head, *_BRACKET.findall(name[len(head) :])], value)
    return {name: _lists(value) for name, value in tree.items()}


def _put(tree: Json, steps: list[str], value: str) -> None:
    at = tree
    for step in steps[:-1]:
        below = at.setdefault(step or str(len(at)), {})
        if not isinstance(below, dict):
            raise Refusal(400, f"Invalid parameter name: {'.'.join(steps)}", param=steps[0])
        at = below
    at[steps[-1] or str(len(at))] = value


def _lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    items = {name: _lists(below) for name, below in value.items()}
    if items and all(name.isdigit() for name in items):
        return [items[name] for name in sorted(items, key=int)]
    return items
