"""The bytes of a message: what happened, to which object, and where to read it. Pure.

Thin on purpose: no amount, no name, no person. Who wants to know more asks the portal, with a token.
"""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from exchange.kernel import ids
from exchange.kernel.canonical import canonical


def body(
    kind: str, at: datetime, organisation_id: UUID, object_id: str | None, link: str, entry: tuple[str, int] | None
) -> bytes:
    """A message as canonical JSON; `entry` is node and index in the audit log, where anybody concerned can prove it."""
    data: dict[str, object] = {
        "object": object_id,
        "organisation": ids.text("org", organisation_id),
        "link": link,
        "entry": None if entry is None else {"node": entry[0], "index": entry[1]},
    }
    return canonical({"type": kind, "timestamp": _instant(at), "data": data})


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
