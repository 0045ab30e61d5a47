"""What a buyer may choose of a price: in simulations, quotes, orders and changes of offer."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

import msgspec
from msgspec import Meta

from pricing.basis import EMPTY, Basis, coupon_digest

_Amount = Annotated[
    str, Meta(pattern=r"^(0|[1-9][0-9]{0,9})(\.[0-9]{1,6})?$(?!\n)", max_length=17, examples=["1000.00"])
]


class Choices(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The choices that an offer may leave to its buyer; each may be absent. The buyer's class is never stated here."""

    currency: (
        Annotated[
            str,
            Meta(
                pattern="^[A-Z]{3}$",
                description="One of the offer's price lists; the offer's own currency if absent. 报价方案所列币种之一。",
                examples=["USD"],
            ),
        ]
        | None
    ) = None
    commitment: (
        Annotated[
            _Amount,
            Meta(description="The least you will pay per period, where that earns a discount. 每期承诺的最低金额。"),
        ]
        | None
    ) = None
    term_months: (
        Annotated[
            int,
            Meta(ge=1, le=120, description="How long you commit to stay. 承诺期限（月）。", examples=[12]),
        ]
        | None
    ) = None
    coupon: Annotated[str, Meta(min_length=1, max_length=64, examples=["SPRING26"])] | None = None
    amounts: Annotated[
        dict[Annotated[str, Meta(max_length=40)], _Amount],
        Meta(
            max_length=100,
            description="What you pay for each component that says pay what you want. 自定价格组件的金额。",
            examples=[{"gift": "25.00"}],
        ),
    ] = {}


def basis_of(chosen: Choices) -> Basis:
    """The choices as pricing understands them; EMPTY itself where there are none."""
    if not (chosen.currency or chosen.commitment or chosen.term_months or chosen.coupon or chosen.amounts):
        return EMPTY
    return Basis(
        currency=chosen.currency,
        commitment=None if chosen.commitment is None else Decimal(chosen.commitment),
        term_months=chosen.term_months,
        coupon=None if chosen.coupon is None else coupon_digest(chosen.coupon),
        amounts={name: Decimal(amount) for name, amount in chosen.amounts.items()},
    )
