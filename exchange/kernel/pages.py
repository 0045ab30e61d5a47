"""Keyset pages: stable under inserts, and no OFFSET."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
PAGE_MAX = 200


class BadCursor(ValueError):
    """A cursor that we did not make."""


@dataclass(frozen=True, slots=True)
class PageRequest:
    """How many rows, and after which key."""

    limit: int = 50
    after: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some rows, and the cursor of the rest."""

    items: Sequence[T]
    next_cursor: str | None


def page_request(limit: int | None, cursor: str | None) -> PageRequest:
    """Read the query parameters `limit` and `cursor`.

    errors   BadCursor
    """
    after = decode_cursor(cursor) if cursor else None
    return PageRequest(max(1, min(limit or 50, PAGE_MAX)), after)


def page_of(rows: Sequence[T], request: PageRequest, key: Callable[[T], tuple[str, ...]]) -> Page[T]:
    """Cut a page out of `limit + 1` rows, so that the last page is known without a count."""
    more = len(rows) > request.limit
    items = rows[: request.limit]
    return Page(items, encode_cursor(key(items[-1])) if more and items else None)


def encode_cursor(key: tuple[str, ...]) -> str:
    """An opaque text for a key."""
    return base64.urlsafe_b64encode("\x1f".join(key).encode()).rstrip(b"=").decode()


def decode_cursor(cursor: str) -> tuple[str, ...]:
    """The key in a cursor.

    errors   BadCursor
    """
    try:
        raw = base64.urlsafe_b64decode(cursor[:1024] + "=" * (-len(cursor) % 4))
        return tuple(raw.decode().split("\x1f"))
    except (binascii.Error, UnicodeDecodeError, ValueError) as error:
        raise BadCursor("the cursor is not one of ours") from error
