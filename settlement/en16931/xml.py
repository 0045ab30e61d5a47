"""XML written in one fixed form: the same value gives the same bytes, on any machine and with any library's version."""

from __future__ import annotations

import re
from collections.abc import Iterable
from xml.sax.saxutils import escape, quoteattr

HEADER = '<?xml version="1.0" encoding="UTF-8"?>\n'
# What XML 1.0 has no character for; profiles and names are checked before, so this is for texts from elsewhere.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Xml(str):
    """A piece of XML that is written already."""

    __slots__ = ()


def tag(name: str, *inside: str | None, **attributes: str | None) -> Xml:
    """An element with text or with elements in it; None is left out, of the attributes too.

    An element with nothing in it is not written at all: the standard wants no empty ones.
    """
    parts = [one if isinstance(one, Xml) else Xml(_text(one)) for one in inside if one]
    if not parts:
        return Xml("")
    said = "".join(f" {key}={quoteattr(value)}" for key, value in attributes.items() if value is not None)
    return Xml(f"<{name}{said}>{''.join(parts)}</{name}>")


def tags(parts: Iterable[Xml]) -> Xml:
    """Elements one after another."""
    return Xml("".join(parts))


def whole(name: str, namespaces: dict[str, str], *inside: Xml) -> bytes:
    """A document: the header, the outermost element with its namespaces, and what is in it."""
    said = "".join(f" {key}={quoteattr(value)}" for key, value in namespaces.items())
    return f"{HEADER}<{name}{said}>{''.join(inside)}</{name}>\n".encode()


def _text(text: str) -> str:
    return escape(_FORBIDDEN.sub(" ", text)).replace("\r", "&#13;")
