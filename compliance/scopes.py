"""What an export covers. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import msgspec

from compliance.entries import CENTRE
from compliance.problems import EXPORT_SCOPE
from exchange.kernel import ids
from exchange.kernel.errors import Problem
from exchange.kernel.text import Text

ACTIONS_MAX = 50
_RULE_SET = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/-]{0,199}\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Which leaves are wanted; filters that are None or empty let everything through.

    shapes   leaves [from_index, to_index); to_index None = up to the checkpoint; `about` is the id of a dataset, an order or
             another object, with all that belongs to it, or of a directive, with all that its subject is
    """

    from_index: int = 0
    to_index: int | None = None
    organisation_id: UUID | None = None
    object_id: str | None = None
    actions: tuple[str, ...] = ()
    about: str | None = None
    rule_set: str | None = None
    node_id: str = CENTRE

    @property
    def complete(self) -> bool:
        """Whether no leaf between the first and the last may be missing."""
        wanted = self.organisation_id, self.object_id, self.about, self.rule_set
        return not self.actions and all(one is None for one in wanted)

    def to_wire(self) -> dict[str, Any]:
        """The scope as it stands in the manifest."""
        organisation = None if self.organisation_id is None else ids.text("org", self.organisation_id)
        return {
            "about": self.about,
            "actions": sorted(self.actions),
            "from_index": self.from_index,
            "node": self.node_id,
            "object": self.object_id,
            "organisation": organisation,
            "rule_set": self.rule_set,
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
            about=known.about,
            rule_set=known.rule_set,
            node_id=known.node,
        )


class _Wire(msgspec.Struct, frozen=True, kw_only=True):
    actions: list[str]
    from_index: int
    to_index: int | None
    organisation: str | None
    object: str | None
    node: str
    about: str | None = None
    rule_set: str | None = None


def pinned(scope: Scope, size: int) -> Scope | Problem:
    """The scope with its end fixed to a checkpoint of `size`, so that a later run gives the same bytes.

    errors   answers EXPORT_SCOPE for a range outside the log, too many actions, or what is no rule set's name
    """
    to_index = size if scope.to_index is None else scope.to_index
    if not 0 <= scope.from_index <= to_index <= size:
        return EXPORT_SCOPE(
            reason=Text(
                f"the log has {size} entries, and entries {scope.from_index} to {to_index} are no part of it",
                f"日志共 {size} 条，不存在第 {scope.from_index} 至 {to_index} 条的范围",
            )
        )
    if len(scope.actions) > ACTIONS_MAX:
        return EXPORT_SCOPE(reason=Text(f"more than {ACTIONS_MAX} actions", f"操作类型超过 {ACTIONS_MAX} 个"))
    if scope.rule_set is not None and not _RULE_SET.match(scope.rule_set):
        return EXPORT_SCOPE(reason=Text("this is no name of a rule set", "规则版本名称不符合格式"))
    return replace(scope, to_index=to_index, actions=tuple(sorted(set(scope.actions))))
