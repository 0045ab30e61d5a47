"""What belongs to a dataset, an order or the subject of a directive: their ids, as they are when an export is asked for."""

from __future__ import annotations

from uuid import UUID

from compliance import directive_rule_store, directive_store, export_store, store
from compliance.directives import TARGETS
from compliance.problems import EXPORT_SCOPE
from contracts import linked_store as contracts_links
from exchange.access.store import linked as access_links
from exchange.catalog.store import linked as catalog_links
from exchange.kernel import ids
from exchange.kernel.canonical import digest
from exchange.kernel.db import Tx
from exchange.kernel.errors import NOT_FOUND, Problem
from exchange.kernel.store import Link, follow
from exchange.kernel.text import Text
from exchange.quality import store as quality
from settlement.store import linked as settlement_links

DIRECTIVE = "dir"
KINDS = frozenset({DIRECTIVE, *TARGETS.values()})
LINKS: tuple[Link, ...] = (
    *catalog_links.LINKS,
    *quality.LINKS,
    *contracts_links.LINKS,
    *access_links.LINKS,
    *settlement_links.LINKS,
)
# More are no scope any more; the whole log of a period is the better export then.
OBJECTS_MAX = 1_000_000
_NO_ID = Text(
    f"this is no id of the kinds {', '.join(sorted(KINDS))}", f"编号须属于以下类型：{'、'.join(sorted(KINDS))}"
)
_TOO_MANY = Text(
    f"more than {OBJECTS_MAX} objects belong to it; ask for a period instead",
    f"关联对象超过 {OBJECTS_MAX} 个，请改为按期间申请",
)

# The ids of objects by kind, which is the prefix of their ids.
Objects = dict[str, set[UUID]]


async def close_scope(tx: Tx, about: str, node_id: str, size: int) -> bytes | Problem:
    """Pin all that belongs to an object at a checkpoint's size, and give the pin's name; asked again, it is the same pin.

    errors   answers EXPORT_SCOPE, NOT_FOUND
    """
    kind = about.partition("_")[0]
    try:
        object_id = ids.parse(kind, about) if kind in KINDS else None
    except ids.BadId:
        object_id = None
    if object_id is None:
        return EXPORT_SCOPE(reason=_NO_ID)
    closure = digest({"about": about, "node": node_id, "size": size})
    if await export_store.closed(tx, closure):
        return closure
    begin = await _begin(tx, kind, object_id)
    if isinstance(begin, Problem):
        return begin
    found = await _closed(tx, begin)
    if isinstance(found, Problem):
        return found
    names = sorted(ids.text(one, object_id) for one, members in found.items() for object_id in members)
    if names == [about] and not await store.entries_of(tx, about, 0, 1):
        return NOT_FOUND()
    await export_store.pin_objects(tx, closure, names)
    return closure


async def _begin(tx: Tx, kind: str, object_id: UUID) -> Objects | Problem:
    """The object itself; of a directive also what it is about."""
    if kind != DIRECTIVE:
        return {kind: {object_id}}
    directive = await directive_store.find_directive(tx, object_id)
    if directive is None:
        return NOT_FOUND()
    begin: Objects = {DIRECTIVE: {object_id}}
    for target in await directive_rule_store.all_targets(tx, object_id):
        begin.setdefault(TARGETS[target.kind], set()).add(target.id)
    return begin


async def _closed(tx: Tx, begin: Objects) -> Objects | Problem:
    """Everything that the links lead to, from one object to the next until nothing is new."""
    found, fresh = {kind: set(members) for kind, members in begin.items()}, begin
    while fresh:
        new: Objects = {}
        for link in LINKS:
            if fresh.get(link.kind):
                more = await follow(tx, link, sorted(fresh[link.kind])) - found.get(link.leads_to, set())
                if more:
                    found.setdefault(link.leads_to, set()).update(more)
                    new.setdefault(link.leads_to, set()).update(more)
        if sum(map(len, found.values())) > OBJECTS_MAX:
            return EXPORT_SCOPE(reason=_TOO_MANY)
        fresh = new
    return found
