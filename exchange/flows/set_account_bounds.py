"""The operator gives one account a floor and a ceiling of its own: credit for a buyer, a limit for anybody."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import msgspec

from compliance import store as audit
from exchange.flows.once import done
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import FORBIDDEN, NOT_FOUND, Problem
from exchange.kernel.money import Money
from exchange.kernel.text import Text
from exchange.parties import store as parties
from settlement.accounts import BOUNDED, MAX_BALANCE, MIN_BALANCE, AccountKey, AccountKind
from settlement.problems import BALANCE_OUTSIDE, BOUNDS_INVALID
from settlement.store import bounds
from settlement.store.accounts import set_bounds

_WITHOUT = Text("accounts of this kind have no bounds", "该类账户不设上下限")
_LINE = Text("a credit line sets this limit, once another client approved it", "该额度由赊购额度审批设定")
_FLOOR = Text("accounts of this kind keep a floor", "该类账户必须有下限")
_CEILING = Text("accounts of this kind keep a ceiling", "该类账户必须有上限")
_TURNED = Text("the floor is above the ceiling", "下限高于上限")
_ABOVE = Text("what is owed here never rises above zero", "该账户余额不得高于零")
_BELOW = Text("what is held here never falls below zero", "该账户余额不得低于零")


@dataclass(frozen=True, slots=True)
class BoundsWish:
    """Whose account of which kind and currency stays between what; None: without end.

    units    millionths
    """

    organisation_id: UUID
    kind: AccountKind
    currency: str
    minimum: int | None
    maximum: int | None

    @property
    def key(self) -> AccountKey:
        """The account."""
        return AccountKey(self.organisation_id, self.kind, self.currency)


class BoundsReceipt(msgspec.Struct, frozen=True):
    """An account with its bounds from now on, and what is in it."""

    organisation: str
    account: str
    currency: str
    minimum: dict[str, str] | None
    maximum: dict[str, str] | None
    balance: dict[str, str]


async def set_account_bounds(tx: Tx, actor: Actor, wish: BoundsWish) -> BoundsReceipt | Problem:
    """Set both bounds of one account; every posting from then on meets them.

    errors   answers forbidden, not-found, bounds-invalid, balance-outside
    """
    if "operator" not in actor.roles:
        return FORBIDDEN(needs="operator")
    if (why := _wrong(wish)) is not None:
        return BOUNDS_INVALID(account=wish.kind.value, reason=why)
    if not await parties.public_names(tx, [wish.organisation_id]):
        return NOT_FOUND()
    changed = await set_bounds(tx, wish.key, wish.minimum, wish.maximum)
    balance = Money(await bounds.posted(tx, wish.key), wish.currency)
    if not changed:
        return BALANCE_OUTSIDE(balance=str(balance))
    name = f"{ids.text('org', wish.organisation_id)}/{wish.kind.value}/{wish.currency}"
    concerned = [wish.organisation_id] if wish.organisation_id != actor.organisation_id else []
    await audit.append(tx, [done(actor, "account.bounds", name, *concerned)])
    return BoundsReceipt(
        organisation=ids.text("org", wish.organisation_id),
        account=wish.kind.value,
        currency=wish.currency,
        minimum=None if wish.minimum is None else Money(wish.minimum, wish.currency).to_wire(),
        maximum=None if wish.maximum is None else Money(wish.maximum, wish.currency).to_wire(),
        balance=balance.to_wire(),
    )


def _wrong(wish: BoundsWish) -> Text | None:
    low, high = wish.minimum, wish.maximum
    if wish.kind not in BOUNDED:
        return _WITHOUT
    if wish.kind is AccountKind.CREDIT:
        return _LINE
    if low is None and wish.kind in MIN_BALANCE:
        return _FLOOR
    if high is None and wish.kind in MAX_BALANCE:
        return _CEILING
    if wish.kind is AccountKind.HELD and low is not None and low < 0:
        # Held is the sum of open holds; a wallet may be given credit.
        return _BELOW
    if wish.kind in MAX_BALANCE and high is not None and high > 0:
        return _ABOVE
    return _TURNED if low is not None and high is not None and low > high else None
