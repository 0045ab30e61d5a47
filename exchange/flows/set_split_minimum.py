"""The operator says how much of each sale the exchange, or the supplier incentive pool, gets at the least."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from compliance import store as audit
from exchange.flows.once import done
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import FORBIDDEN, Problem
from exchange.kernel.money import BadMoney, decimal_text, units_of
from exchange.kernel.text import Text
from settlement.problems import MINIMUM_INVALID
from settlement.splits import Role
from settlement.store import split_rules as store
from settlement.store.split_rules import Minimum
from settlement.waterfall import WHOLE

_PERCENT = Text("is no percentage from 0 to 100", "不是 0 至 100 的百分比")
_PAST = Text("would begin in the past", "的生效时间已过")
_TWICE = Text("of this role already begins at that moment", "在该时刻已有相同角色的设定")


@dataclass(frozen=True, slots=True)
class MinimumWish:
    """A percentage as text for a role, from a moment on; None: now."""

    role: Role
    percent: str
    valid_from: datetime | None = None


class MinimumReceipt(msgspec.Struct, frozen=True):
    """A minimum as it was set; it holds until the next one of its role begins."""

    id: str
    role: str
    percent: str
    valid_from: str


async def set_split_minimum(tx: Tx, actor: Actor, wish: MinimumWish) -> MinimumReceipt | Problem:
    """Set a minimum for offers that are written from then on; those that are there stay as they were agreed.

    errors   answers forbidden, split-minimum-invalid
    """
    if "operator" not in actor.roles:
        return FORBIDDEN(needs="operator")
    try:
        share = units_of(wish.percent)
    except BadMoney:
        share = -1
    if not 0 <= share <= WHOLE:
        return MINIMUM_INVALID(why=_PERCENT)
    at = wish.valid_from.astimezone(UTC) if wish.valid_from else tx.now
    if at < tx.now:
        return MINIMUM_INVALID(why=_PAST)
    made = Minimum(tx.new_id(), wish.role, share, at, actor.organisation_id, tx.now)
    if not await store.insert_minimum(tx, made):
        return MINIMUM_INVALID(why=_TWICE)
    name = ids.text("mns", made.id)
    await audit.append(tx, [done(actor, "split_minimum.set", name)])
    return MinimumReceipt(name, made.role.value, decimal_text(share), at.isoformat().replace("+00:00", "Z"))
