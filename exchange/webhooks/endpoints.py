"""Where an organisation wants to be told, and of what. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from exchange.kernel.errors import Problem
from exchange.kernel.text import Text
from exchange.webhooks.addresses import Target, Unsafe, target_of
from exchange.webhooks.events import ALL, FAMILY, kinds_of
from exchange.webhooks.problems import WEBHOOK_ADDRESS, WEBHOOK_KIND
from exchange.webhooks.settings import WebhookSettings

_REASONS = {
    Unsafe.FORM: Text("it has not the expected form", "格式不符合要求"),
    Unsafe.NOT_HTTPS: Text("it is not https", "不是 https"),
    Unsafe.PORT: Text("its port is neither 443 nor 8443", "端口不是 443 或 8443"),
    Unsafe.HOST: Text("its host is not a full domain name", "主机不是完整域名"),
}


class EndpointState(StrEnum):
    """Whether anything is sent there; a removed one is kept for the record and never comes back."""

    ACTIVE = "active"
    DISABLED = "disabled"
    REMOVED = "removed"


class Why(StrEnum):
    """Why an endpoint is disabled."""

    OWNER = "owner"
    GONE = "gone"
    FAILING = "failing"


MOVES: dict[EndpointState, frozenset[EndpointState]] = {
    EndpointState.ACTIVE: frozenset({EndpointState.DISABLED, EndpointState.REMOVED}),
    EndpointState.DISABLED: frozenset({EndpointState.ACTIVE, EndpointState.REMOVED}),
    EndpointState.REMOVED: frozenset(),
}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address of one organisation, in one portal, with the kinds of events that go there."""

    id: UUID
    organisation_id: UUID
    portal: str
    url: str
    kinds: tuple[str, ...]
    label: str
    state: EndpointState
    created_by: UUID
    created_at: datetime
    reason: Why | None = None
    failing_since: datetime | None = None
    failures: int = 0
    last_error: str | None = None
    last_ok_at: datetime | None = None

    def wants(self, kind: str) -> bool:
        """Whether messages of a kind go there."""
        family = kind.partition(".")[0] + FAMILY
        return any(one in (ALL, kind, family) for one in self.kinds)


def checked_url(url: str, settings: WebhookSettings) -> Target | Problem:
    """An address that may be called, as far as it can be told without looking its name up.

    errors   answers webhook-address
    """
    found = target_of(url, loopback=settings.loopback)
    return WEBHOOK_ADDRESS(reason=_REASONS[found]) if isinstance(found, Unsafe) else found


def checked_kinds(portal: str, kinds: Sequence[str]) -> tuple[str, ...] | Problem:
    """The kinds of events that were asked for, each once.

    errors   answers webhook-kind-unknown
    """
    known = {one.kind for one in kinds_of(portal)}
    families = {one.partition(".")[0] + FAMILY for one in known}
    for one in kinds:
        if one != ALL and one not in known and one not in families:
            return WEBHOOK_KIND(kind=one)
    return tuple(dict.fromkeys(kinds))
