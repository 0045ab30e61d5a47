"""Forms that every API shares: money, texts, ids, pages."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

import msgspec
from msgspec import Meta

from exchange.apps.http.refusals import wrong_id
from exchange.kernel import ids
from exchange.kernel.errors import INVALID_REQUEST, NOT_FOUND, Refused
from exchange.kernel.money import BadMoney, Money

T = TypeVar("T")
YEARS = range(1900, 3000)
Texts = Annotated[
    dict[str, str],
    Meta(
        description="A text in several languages, keyed by BCP 47 tag.", examples=[{"en": "Tang poems", "zh": "唐诗"}]
    ),
]
Id = Annotated[str, Meta(description="An id: a prefix and 26 letters.", examples=["ord_01m80jwmabesg81hwe4cc73nw9"])]
Time = Annotated[str, Meta(description="A time in UTC (RFC 3339).", examples=["2026-01-15T08:00:00Z"])]
Sha256 = Annotated[str, Meta(description="A SHA-256 in lower-case hex.", pattern="^[0-9a-f]{64}$")]


class MoneyWire(msgspec.Struct, frozen=True):
    """An exact amount: a decimal string with up to six decimals, and an ISO 4217 code."""

    amount: Annotated[str, Meta(examples=["1200.00"], max_length=24)]
    currency: Annotated[str, Meta(examples=["CNY"], pattern="^[A-Z]{3}$")]


class Listed(msgspec.Struct, Generic[T]):
    """One page of a list; the header Link names the next one."""

    items: list[T]
    next_cursor: str | None = None


def money(wire: MoneyWire) -> Money:
    """Read an amount.

    errors   raises Refused(invalid-request)
    """
    try:
        return Money.from_wire({"amount": wire.amount, "currency": wire.currency})
    except BadMoney as error:
        raise Refused(INVALID_REQUEST(reason=str(error))) from error


def money_wire(units: int, currency: str) -> MoneyWire:
    """Write millionths of a currency."""
    return MoneyWire(**Money(units, currency).to_wire())


def stamp(at: datetime) -> str:
    """Write a time as `Time` says."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def moment_of(at: datetime) -> datetime:
    """A time out of a request in UTC; what calendars and time zones cannot reckon with is no time.

    errors   raises Refused(invalid-request)
    """
    if at.year not in YEARS:
        raise Refused(INVALID_REQUEST(reason=f"a time lies in the years {YEARS.start} to {YEARS.stop - 1}"))
    return at.astimezone(UTC)


def object_id(prefix: str, value: str) -> UUID:
    """Read the id in a path; what is no id of that kind does not exist.

    errors   raises Refused(not-found)
    """
    try:
        return ids.parse(prefix, value)
    except ids.BadId as error:
        raise Refused(NOT_FOUND()) from error


def body_id(prefix: str, value: str) -> UUID:
    """Read an id in a body.

    errors   raises Refused(invalid-request)
    """
    try:
        return ids.parse(prefix, value)
    except ids.BadId as error:
        raise Refused(INVALID_REQUEST(reason=wrong_id(prefix, value))) from error


def json_of(document: bytes) -> Any:
    """A stored canonical document as a value."""
    return msgspec.json.decode(document)
