"""Statements with one number changed, as somebody would who also writes the digests anew."""

from __future__ import annotations

import copy
import hashlib
import json
import re
from typing import Any

Place = tuple[Any, ...]
_NUMBER = re.compile(r"-?\d+(\.\d+)?\Z")
# Not amounts: what they are is said elsewhere, or only names something.
_NAMES = frozenset({"v", "number", "own", "version"})


def document_of(data: bytes) -> dict[str, Any]:
    """The statement in an export."""
    found: dict[str, Any] = json.loads(json.loads(data)["document"])
    return found


def number_places(data: bytes) -> list[Place]:
    """Where the numbers of a statement stand."""
    return list(_places(document_of(data), ()))


def tampered(data: bytes, place: Place) -> bytes:
    """The export with one number made larger, its digest written anew."""
    document = copy.deepcopy(document_of(data))
    there: Any = document
    for name in place[:-1]:
        there = there[name]
    value = there[place[-1]]
    there[place[-1]] = value * 2 + 1 if isinstance(value, int) else _more(value)
    text = json.dumps(document, ensure_ascii=False)
    whole = {**json.loads(data), "document": text, "sha256": hashlib.sha256(text.encode()).hexdigest()}
    return json.dumps(whole).encode()


def _more(text: str) -> str:
    return f"{float(text) * 1.5 + 1:.2f}"


def _places(value: Any, place: Place) -> Any:
    if place and (place[-1] in _NAMES or place[0] == "rules" or (len(place) > 1 and place[-2] == "own")):
        return
    if isinstance(value, dict):
        for name, one in value.items():
            yield from _places(one, (*place, name))
    elif isinstance(value, list):
        for n, one in enumerate(value):
            yield from _places(one, (*place, n))
    elif (isinstance(value, int) and not isinstance(value, bool)) or (isinstance(value, str) and _NUMBER.match(value)):
        yield place
