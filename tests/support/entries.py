"""Envelopes for tests of what is made from them: as the log writes them, and with any text that JSON can hold."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from hypothesis import strategies as st

from compliance.entries import Entry, envelope
from compliance.formats.shape import Format, Row, row

NOW = datetime(2026, 1, 15, 8, tzinfo=UTC)
ACTIONS = (
    "purchase",
    "organisation.register",
    "data.read",
    "token.revoke",
    "directive.lift",
    "usage.report",
    "quote.ask",
)


def usual(count: int, first: int = 0) -> list[Row]:
    """Entries as the exchange writes them."""
    return [row(index, _usual(index)) for index in range(first, first + count)]


def _usual(index: int) -> bytes:
    refused = index % 7 == 3
    return envelope(
        Entry(
            action=ACTIONS[index % len(ACTIONS)],
            organisation_id=None if index % 5 == 4 else UUID(int=index % 3 << 64),
            object_id="" if refused else f"ord_{index:026}",
            client_id=None if index % 5 == 4 else UUID(int=index % 11 << 60),
            object_version="v1.2" if index % 2 else None,
            agreement_id="agr_01k8" if index % 3 else None,
            rule_set="2026-1" if index % 4 else None,
            outcome="refused" if refused else "done",
            problem="quota-exhausted" if refused else None,
            digests={"agreement": bytes([index % 256]) * 32, "terms": bytes(32)} if index % 3 else {},
            concerns=(UUID(int=7), UUID(int=8)) if index % 2 else (),
        ),
        NOW + timedelta(microseconds=index * 333_333),
        UUID(int=(1 << 100) + index),
    )


def wire(**changes: Any) -> dict[str, Any]:
    """An envelope's fields, some of them others."""
    fields: dict[str, Any] = msgspec.json.decode(_usual(1))
    return fields | changes


def written(fields: dict[str, Any]) -> bytes:
    """An envelope's bytes."""
    return msgspec.json.encode(fields, order="deterministic")


_TEXT = st.text(st.characters(codec="utf-8"), max_size=20) | st.sampled_from(
    [
        "=1+1",
        "\t=1",
        ";=1",
        "＝1",
        "-1",
        "@SUM(1)",
        "cmd|' /C calc'!A0",
        "x\r\n=1",
        'a","=1',
        "\0=1",
        "1e5",
        "2026-01-15",
    ]
)
_MAYBE = st.none() | _TEXT
_MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(2199, 1, 1)).map(
    lambda at: at.isoformat("T", "microseconds") + "Z"
)
envelopes = st.fixed_dictionaries(
    {
        "action": _TEXT,
        "actor": st.fixed_dictionaries({"client": _MAYBE, "organisation": _MAYBE}),
        "agreement": _MAYBE,
        "at": _MOMENTS,
        "digests": st.dictionaries(_TEXT, _TEXT, max_size=3),
        "id": _TEXT,
        "node": _TEXT,
        "object": st.fixed_dictionaries({"id": _MAYBE, "version": _MAYBE}),
        "organisations": st.lists(_TEXT, max_size=3),
        "outcome": st.sampled_from(["done", "refused"]),
        "problem": _MAYBE,
        "rule_set": _MAYBE,
        "type": st.just("audit-entry"),
        "v": st.sampled_from([1, 2]),
    },
    optional={"member": _MAYBE, "sealed": st.lists(_TEXT, max_size=2), "where": _MAYBE},
).map(written)
any_rows = st.lists(envelopes, max_size=5).map(lambda all_: [row(3 * n, one) for n, one in enumerate(all_)])


def made(form: Format, *parts: Sequence[Row]) -> bytes:
    """The whole member, its parts made in any order."""
    data, notes = form.head(), []
    for rows in parts:
        piece, note = form.part(rows, len(data))
        data += piece
        notes.append(note)
    return data + form.tail(notes, len(data))
