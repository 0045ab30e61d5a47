"""Terms while they are written: what is wrong with them, or what they say, in both languages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contracts import frame, terms
from exchange.kernel.errors import Problem
from exchange.kernel.text import Text


def problems(document: object, legal: object | None = None) -> list[Problem]:
    """What keeps terms, and a legal frame beside them, from being used; empty when nothing does."""
    found: list[Problem] = []
    read = terms.parse(document)
    if not isinstance(read, terms.Terms):
        found += read
    if legal is not None:
        framed = frame.parse(legal)
        if not isinstance(framed, frame.Frame):
            found += framed
        elif isinstance(read, terms.Terms) and (misfit := frame.fits(framed, read.prevailing_language)) is not None:
            found.append(misfit)
    return found


def faults(found: list[Problem]) -> list[dict[str, Any]]:
    """Problems as JSON: which document (terms or frame), which field, and what would be right."""
    return [
        {
            "in": "frame" if one.slug == "frame-field-wrong" else "terms",
            "field": str(one.fields["field"]),
            "why": _map(one.fields["why"]),
        }
        for one in found
    ]


def preview(document: Mapping[str, Any], legal: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What terms and frame say in plain words, with what the frame leaves out as missing.

    errors   BadTerms, BadFrame
    """
    read = terms.load(document)
    framed = None if legal is None else frame.load(legal)
    return {
        "terms": terms.plain_words(read).document(),
        "frame": [section.document() for section in frame.words(framed, read.prevailing_language)],
        "sha256": read.sha256,
    }


def _map(why: object) -> dict[str, str]:
    return why.map() if isinstance(why, Text) else {"en": str(why), "zh": str(why)}
