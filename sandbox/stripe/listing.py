"""Lists and searches, with Stripe's cursors."""

from __future__ import annotations

import re
from typing import Any

from sandbox.stripe.wire import Call, Json, Refusal, missing
from sandbox.stripe.world import World

_QUERY = re.compile(r"""(metadata\[(?P<q>['"])(?P<key>.+?)(?P=q)\]|(?P<field>\w+)):(?P<r>['"])(?P<value>.*?)(?P=r)\Z""")
_PAGING = frozenset(("limit", "starting_after", "ending_before", "created", "expand"))
_SEARCHED = {
    "payment_intent": ("status", "currency", "customer"),
    "charge": ("status", "currency", "customer"),
    "customer": ("email", "name", "phone"),
}


def rows(world: World, kind: str, call: Call, **equal: Any) -> list[Json]:
    """The account's objects of a kind, newest first, whose fields equal what is given."""
    found = [one for one in reversed(world.every(kind)) if world.owners[one["id"]] == call.account]
    for name, value in equal.items():
        if value is not None:
            found = [row for row in found if row.get(name) == value]
    wanted = call.params.get("created")
    return found if wanted is None else [row for row in found if _in_range(row["created"], wanted)]


def page(world: World, kind: str, call: Call, **equal: Any) -> Json:
    """One page of a kind, newest first.

    errors   Refusal 400 for a filter the sandbox has not: none is passed over in silence
    """
    for name in sorted(call.params.keys() - equal.keys() - _PAGING):
        raise Refusal(400, f"This sandbox does not filter by {name}.", param=name)
    return cut(rows(world, kind, call, **equal), call)


def cut(found: list[Json], call: Call) -> Json:
    """One page of these rows as a Stripe list."""
    limit = _limit(call)
    ids = [row["id"] for row in found]
    for name in ("starting_after", "ending_before"):
        if name in call.params and call.params[name] not in ids:
            raise missing(found[0]["object"] if found else "object", call.params[name], name)
    if "ending_before" in call.params and "starting_after" not in call.params:
        found = found[: ids.index(call.params["ending_before"])]
        return {"object": "list", "data": found[-limit:], "has_more": len(found) > limit, "url": call.path}
    if "starting_after" in call.params:
        found = found[ids.index(call.params["starting_after"]) + 1 :]
    return {"object": "list", "data": found[:limit], "has_more": len(found) > limit, "url": call.path}


def search(world: World, kind: str, call: Call) -> Json:
    """Find objects by one clause: metadata['key']:'value', or one of the kind's fields; new ones only after a while."""
    asked = _QUERY.match(call.params["query"].strip())
    if not asked or (asked["field"] and asked["field"] not in _SEARCHED[kind]):
        raise Refusal(400, "We were unable to parse your search query.", param="query")
    key, name, value = asked["key"], asked["field"], asked["value"]
    seen = [one for one in rows(world, kind, call) if one["created"] <= world.clock - world.options.search_lag_s]
    found = [one for one in seen if ((one["metadata"] or {}).get(key) if key else one[name]) == value]
    limit = _limit(call)
    first = int(call.params.get("page", 0))
    more = len(found) > first + limit
    return {
        "object": "search_result",
        "data": found[first : first + limit],
        "has_more": more,
        "next_page": str(first + limit) if more else None,
        "url": call.path,
    }


def merge_metadata(owner: Json, call: Call) -> None:
    """Merge as Stripe does: an empty value removes its key, an empty metadata removes all."""
    given = call.params.get("metadata")
    if given is None:
        return
    kept = {} if given == "" else dict(owner.get("metadata") or {})
    for key, value in (given or {}).items():
        if value == "":
            kept.pop(key, None)
        else:
            kept[key] = value
    owner["metadata"] = kept


def _limit(call: Call) -> int:
    limit = int(call.params.get("limit", 10))
    if not 1 <= limit <= 100:
        raise Refusal(400, "This value must be between 1 and 100.", code="parameter_invalid_integer", param="limit")
    return limit


def _in_range(created: int, wanted: Any) -> bool:
    if isinstance(wanted, int):
        return created == wanted
    tests = {"gt": created.__gt__, "gte": created.__ge__, "lt": created.__lt__, "lte": created.__le__}
    return all(tests[name](value) for name, value in wanted.items())
