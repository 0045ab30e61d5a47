"""What a directive reaches: whether its targets exist, whose they are, and who trades in them now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from compliance.directives import DUTIES, Directive, Kind, Target
from compliance.problems import DIRECTIVE_TARGET_UNKNOWN
from contracts import store as agreements
from exchange.access.store import grants, holders
from exchange.access.store.holders import Wanted
from exchange.catalog.store.owners import Owned, owners_of
from exchange.kernel import ids
from exchange.kernel.canonical import canonical
from exchange.kernel.db import Tx
from exchange.kernel.errors import Problem
from exchange.kernel.text import Text
from exchange.parties import store as parties
from settlement.store import orders

_CATALOGUE = frozenset({"dataset", "revision", "listing", "offer"})
TO_DO: Mapping[Kind, Text] = {
    "freeze": Text(
        "No order is taken, no token given and no data sent of what is named, until it is lifted. Confirm that you know.",
        "在指令解除前，所列对象停止接受订单、停止签发令牌、停止交付数据。请确认收悉。",
    ),
    "delist": Text(
        "What is named is not sold any more; what was bought can be used on. Confirm that you know.",
        "所列对象停止销售；已购数据可继续使用。请确认收悉。",
    ),
    "preserve": Text(
        "Erase nothing that concerns what is named, here or in your own systems, until it is lifted. Confirm that you know.",
        "在指令解除前，请勿在本平台或自有系统中删除与所列对象有关的任何内容。请确认收悉。",
    ),
    "disclose": Text(
        "Hand over what the reason asks for by the deadline: answer this notice, with files.",
        "请在期限前按理由所列要求提交材料：答复本通知并附文件。",
    ),
    "inform": Text(
        "Answer what the reason asks by the deadline: answer this notice, with files where they help.",
        "请在期限前答复理由中所列问题；必要时附文件。",
    ),
}


@dataclass(slots=True)
class Party:
    """An organisation that a directive reaches: through which targets, and in which of these it is itself the one meant."""

    through: dict[Target, str] = field(default_factory=dict)
    meant: bool = False

    def add(self, target: Target, side: str, *, meant: bool) -> None:
        """Note that it is reached through a target, on one side of it."""
        self.through.setdefault(target, side)
        self.meant = self.meant or meant


@dataclass(frozen=True, slots=True)
class Owner:
    """A target that exists: whose it is, and by what its grants are found."""

    target: Target
    sides: tuple[tuple[UUID, str], ...]
    dataset_id: UUID | None = None
    order_id: UUID | None = None


async def owners(tx: Tx, targets: Sequence[Target]) -> list[Owner] | Problem:
    """Whose the targets are, in their order.

    errors   answers DIRECTIVE_TARGET_UNKNOWN for the first that does not exist
    """
    named: dict[str, list[UUID]] = {}
    for one in targets:
        named.setdefault("catalogue" if one.kind in _CATALOGUE else one.kind, []).append(one.id)
    catalogue = await owners_of(tx, named.get("catalogue", []))
    known = {id_: ((id_, "itself"),) for id_ in await parties.standing(tx, named.get("organisation", []))}
    traded = await _traded(tx, named)
    found = []
    for one in targets:
        owner = _owner(one, catalogue, known, traded)
        if owner is None:
            return DIRECTIVE_TARGET_UNKNOWN(target=one.name)
        found.append(owner)
    return found


def _owner(
    one: Target,
    catalogue: Mapping[tuple[str, UUID], Owned],
    known: Mapping[UUID, tuple[tuple[UUID, str], ...]],
    traded: Mapping[tuple[str, UUID], tuple[UUID, UUID, UUID]],
) -> Owner | None:
    if one.kind == "organisation":
        return Owner(one, known[one.id]) if one.id in known else None
    if one.kind in _CATALOGUE:
        owned = catalogue.get((one.kind, one.id))
        return None if owned is None else Owner(one, ((owned.supplier_id, "supplier"),), dataset_id=owned.dataset_id)
    sides = traded.get((one.kind, one.id))
    if sides is None:
        return None
    buyer_id, seller_id, order_id = sides
    return Owner(one, ((buyer_id, "buyer"), (seller_id, "supplier")), order_id=order_id)


async def _traded(tx: Tx, named: Mapping[str, list[UUID]]) -> dict[tuple[str, UUID], tuple[UUID, UUID, UUID]]:
    found: dict[tuple[str, UUID], tuple[UUID, UUID, UUID]] = {}
    if wanted := named.get("order"):
        for order in (await orders.get_orders(tx, wanted)).values():
            found["order", order.id] = (order.buyer_id, order.seller_id, order.id)
    if wanted := named.get("grant"):
        for grant in (await grants.load(tx, wanted)).values():
            found["grant", grant.id] = (grant.buyer_id, grant.seller_id, grant.order_id)
    if wanted := named.get("agreement"):
        for agreed in (await agreements.find_agreements(tx, wanted)).values():
            found["agreement", agreed.id] = (agreed.buyer_id, agreed.seller_id, agreed.order_id)
    return found


async def reached(tx: Tx, kind: Kind, owned: Sequence[Owner]) -> dict[UUID, Party]:
    """Everybody whom a directive reaches: whose its targets are, and, unless it asks for an answer, who trades in them.

    Who trades is who has a grant that has not ended.
    """
    found: dict[UUID, Party] = {}
    for one in owned:
        for organisation_id, side in one.sides:
            found.setdefault(organisation_id, Party()).add(one.target, side, meant=True)
    if DUTIES[kind] == "answer":
        return found
    wanted = Wanted(
        [one.target.id for one in owned if one.target.kind in ("organisation", "dataset", "grant", "order")],
        {one.target.id: one.dataset_id for one in owned if one.dataset_id and one.target.kind != "dataset"},
        {one.target.id: one.order_id for one in owned if one.order_id and one.target.kind == "agreement"},
    )
    by_id = {one.target.id: one.target for one in owned}
    for target_id, buyer_id, seller_id in await holders.parties_under(tx, wanted):
        for organisation_id, side in ((buyer_id, "buyer"), (seller_id, "supplier")):
            found.setdefault(organisation_id, Party()).add(by_id[target_id], side, meant=False)
    return found


def documents(one: Directive, told: Mapping[UUID, Party]) -> dict[UUID, bytes]:
    """What each organisation is told: the targets that reach it, and the reason where it is itself meant by one."""
    return {organisation_id: _document(one, party) for organisation_id, party in told.items()}


def _document(one: Directive, party: Party) -> bytes:
    stamp = one.issued_at.replace(tzinfo=None).isoformat(timespec="seconds") + "Z"
    deadline = None if one.deadline is None else one.deadline.replace(tzinfo=None).isoformat(timespec="seconds") + "Z"
    said: dict[str, Any] = {
        "type": "directive-notice",
        "v": 1,
        "directive": one.name,
        "kind": one.kind,
        "targets": [{"target": about.name, "side": side} for about, side in party.through.items()],
        "basis": None if one.basis is None else one.basis.document(),
        # Who only trades with somebody learns what is stopped and by what law, and nothing of the case.
        "reason": dict(one.reason) if party.meant else None,
        "deadline": deadline,
        "issued_by": ids.text("org", one.issued_by),
        "issued_at": stamp,
        "what_to_do": TO_DO[one.kind].map(),
    }
    if one.rules and party.meant:
        # What is registered later and meets one of these stands under it too.
        said["rules"] = [rule.document() for rule in one.rules]
    return canonical(said)


def concerned(target: Target, told: Mapping[UUID, Party]) -> list[UUID]:
    """Everybody who is reached through one target."""
    return [organisation_id for organisation_id, party in told.items() if target in party.through]


def pages(organisations: Iterable[UUID], size: int = 255) -> list[tuple[UUID, ...]]:
    """Organisations in parts that an audit entry takes beside its actor; one empty part where there are none."""
    all_of = tuple(organisations)
    return [all_of[n : n + size] for n in range(0, len(all_of), size)] or [()]
