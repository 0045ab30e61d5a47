"""What becomes here of something that was seen at the payment provider: the words that all of it shares."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from exchange.flows.call_provider import done_call
from exchange.kernel import ids
from exchange.kernel.db import Tx
from exchange.kernel.errors import Problem
from settlement.open_items import ItemKind, Opened
from settlement.provider_calls import CallKind, CallState
from settlement.store import provider_calls


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of it here; `again` where it has to be looked at anew, for our side moved meanwhile."""

    outcome: str
    opened: tuple[Opened, ...] = ()
    again: bool = False


class CannotApply(Exception):
    """The books refuse what the provider says; nothing was changed."""

    def __init__(self, problem: Problem) -> None:
        """Say it as the problem does."""
        super().__init__(f"{problem.slug}: {problem.detail('en')}")


def opened(kind: ItemKind, subject: str, account: str | None = None, /, **about: str) -> Opened:
    """What is put before a person."""
    return Opened(kind, subject, about, account)


def ours(prefix: str, name: str | None) -> UUID | None:
    """Our object that one of the provider's names in its metadata; what is no id of ours is somebody else's business."""
    try:
        return ids.parse(prefix, name) if name is not None else None
    except ids.BadId:
        return None


async def adopt(tx: Tx, kind: CallKind, object_id: UUID, provider_id: str) -> None:
    """A call that nobody has answered yet made what was seen: it is done."""
    last = await provider_calls.last_call(tx, kind, object_id)
    if last is not None and last.state in (CallState.SENT, CallState.UNKNOWN):
        await done_call(tx, last, provider_id)
