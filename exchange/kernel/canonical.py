"""Canonical bytes: what is hashed and signed.

RFC 8785 (JSON Canonicalization Scheme) over a narrow set of values: objects with ASCII keys, arrays, strings, booleans,
null and integers below 2**53. Floats never appear in what we sign, and money is a string.
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

_INTEGER_MAX = 2**53 - 1
_ENCODER = msgspec.json.Encoder(order="deterministic")


class NotCanonical(ValueError):
    """A value that has no canonical form here."""


def canonical(value: Any) -> bytes:
    """The canonical bytes of a JSON value.

    errors   NotCanonical for floats, integers beyond 2**53 - 1, keys outside ASCII, and other types
    source   RFC 8785; equal to the library rfc8785 on this set of values (tests/property)
    """
    check(value)
    return _ENCODER.encode(value)


def canonical_part(value: Any) -> msgspec.Raw:
    """A value that stands in many documents, in its canonical form: `canonical` takes it as it is.

    errors   NotCanonical
    """
    return msgspec.Raw(canonical(value))


def check(value: Any) -> None:
    """Refuse what RFC 8785 and our encoder could write differently.

    errors   NotCanonical
    """
    kind = type(value)
    # Most of a document are texts inside objects: they are looked at in place, not by a call of their own.
    if kind is dict:
        for key, item in value.items():
            if type(key) is not str or not key.isascii():
                raise NotCanonical("keys are ASCII strings")
            if type(item) is not str:
                check(item)
            elif not item.isascii():
                _check_unicode(item)
    elif kind is str:
        if not value.isascii():
            _check_unicode(value)
    elif kind is list or kind is tuple:
        for item in value:
            check(item)
    elif value is not None and kind is not bool and kind is not msgspec.Raw:
        _check_number(value, kind)


def _check_number(value: Any, kind: type) -> None:
    if kind is not int:
        raise NotCanonical(f"{kind.__name__} has no canonical form")
    if not -_INTEGER_MAX <= value <= _INTEGER_MAX:
        raise NotCanonical("integers stay within 2**53 - 1; write larger ones as strings")


def _check_unicode(value: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise NotCanonical("a text holds a lone surrogate") from error


def sha256(data: bytes) -> bytes:
    """The SHA-256 of bytes."""
    return hashlib.sha256(data).digest()


def sha256_hex(data: bytes) -> str:
    """The SHA-256 of bytes, in lower-case hex."""
    return hashlib.sha256(data).hexdigest()


def digest(value: Any) -> bytes:
    """The SHA-256 of a value's canonical bytes.

    errors   NotCanonical
    """
    return sha256(canonical(value))
