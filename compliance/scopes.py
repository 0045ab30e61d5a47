"""What an export covers. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import msgspec

from compliance.entries import CENTRE
from compliance.problems import EXPORT_SCOPE
from exchange.kernel import ids
from exchange.kernel.errors import Problem

ACTIONS_MAX = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Which leaves are wanted; filters that are None or empty let everything through.

    shapes   leaves [from_index, to_index); to_index None = up to the checkpoint
    """

    from_index: int = 0
    to_index: int | None = None
    organisation_id: UUID | None = None
    object_id: str | None = None
    actions: tuple[str, ...] = ()
    node_id: str = CENTRE

    @property
    def complete(self) -> bool:
        """Whether no leaf between the first and the last may be missing."""
        return self.organisation_id is None and self.object_id is None and not self.actions

    def to_wire(self) -> dict[str, Any]:
        """The scope as it stands in the manifest."""
        organisation = None if self.organisation_id is None else ids.text("org", self.organisation_id)
        return {
            "actions": sorted(self.actions),
            "from_index": self.from_index,
            "node": self.node_id,
            "object": self.object_id,
            "organisation": organisation,
            "to_index": self.to_index,
        }

    @classmethod
    def from_wire(cls, wire: Mapping[str, Any]) -> Scope:
        """Read back what `to_wire` wrote.

        errors   ids.BadId, msgspec.ValidationError
        """
        known = msgspec.convert(wire, _Wire)
        return cls(
            from_index=known.from_index,
            to_index=known.to_index,
            organisation_id=None if known.organisation is None else ids.parse("org", known.organisation),
            object_id=known.object,
            actions=tuple(known.actions),
            node_id=known.node,
        )


class _Wire(msgspec.Struct, frozen=True, kw_only=True):
    actions: list[str]
    from_index: int
    to_index: int | None
    organisation: str | None
    object: str | None
    node: str


def pinned(scope: Scope, size: int) -> Scope | Problem:
    """The scope with its end fixed to a checkpoint of `size`, so that a later run gives the same bytes.

    errors   answers EXPORT_SCOPE for a range outside the log or too many actions
    """
    to_index = size if scope.to_index is None else scope.to_index
    if not 0 <= scope.from_index <= to_index <= size:
        return EXPORT_SCOPE(reason=f"0 <= {scope.from_index} <= {to_index} <= {size}")
    if len(scope.actions) > ACTIONS_MAX:
        return EXPORT_SCOPE(reason=f"{len(scope.actions)} actions > {ACTIONS_MAX}")
    return replace(scope, to_index=to_index, actions=tuple(sorted(set(scope.actions))))
