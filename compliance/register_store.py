"""What everybody may know of directives: how many of each kind, and those that stop sales line by line, without names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

import msgspec

from compliance.directives import KINDS, Kind
from exchange.kernel.db import Tx

_COUNTED = "SELECT kind, in_force, lifted FROM compliance.directives_counted()"
_LISTED = "SELECT kind, law, article, issued_on, lifted_on, scope::text FROM compliance.directives_in_public($1, $2)"
# What only exists in counts: who is under investigation shall not read it on a public page.
LISTED: tuple[Kind, ...] = ("freeze", "delist")


@dataclass(frozen=True, slots=True)
class Count:
    """How many directives of a kind are in force, and how many were lifted."""

    kind: Kind
    in_force: int
    lifted: int


@dataclass(frozen=True, slots=True)
class Line:
    """One directive without names.

    shapes   dates are those of UTC; `scope` counts what it names by kind (`listing`), its rules (`rule`) and what these
             caught (`by_rule`); `law` is None in those from before a basis was asked for
    """

    kind: Literal["freeze", "delist"]
    law: str | None
    article: str | None
    issued_on: date
    lifted_on: date | None
    scope: Mapping[str, int]


async def counted(tx: Tx) -> list[Count]:
    """Every kind with its counts. For the portal's role, by a function that shows nothing else."""
    rows = {row["kind"]: row for row in await (await tx.driver()).fetch(_COUNTED)}
    return [
        Count(one, rows[one]["in_force"], rows[one]["lifted"]) if one in rows else Count(one, 0, 0) for one in KINDS
    ]


async def listed(tx: Tx, skip: int, most: int) -> list[Line]:
    """Freezes and delistings: those in force first, then the lifted, each newest first. For the portal's role."""
    rows = await (await tx.driver()).fetch(_LISTED, skip, most)
    return [Line(**{**row, "scope": msgspec.json.decode(row["scope"], type=dict[str, int])}) for row in rows]
