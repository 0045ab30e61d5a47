"""What fixed one buyer's price: the currency, who the buyer is, what was chosen, and what both sides agreed on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import sha256
from typing import Any

from pricing.exact import decimal, plain


@dataclass(frozen=True, slots=True)
class Basis:
    """The choices that turn an offered plan into one price; frozen in the quote, the agreement and the order.

    shapes   coupon: lower-case hex SHA-256 of the code; amounts: component id -> what was chosen, negotiated or bid
             trial_used: the buyer had the plan's trial before, so that it does not run again
    units    commitment in major units per period of the plan's commitments
    """

    currency: str | None = None
    buyer_class: str | None = None
    commitment: Decimal | None = None
    term_months: int | None = None
    coupon: str | None = None
    amounts: Mapping[str, Decimal] = field(default_factory=dict)
    trial_used: bool = False

    def document(self) -> dict[str, Any]:
        """The basis as JSON; what was not chosen is absent.

        shapes   numbers as text, so that its canonical bytes are stable
        """
        document: dict[str, Any] = {
            "currency": self.currency,
            "buyer_class": self.buyer_class,
            "commitment": None if self.commitment is None else plain(self.commitment),
            "term_months": self.term_months,
            "coupon": self.coupon,
            "amounts": {name: plain(amount) for name, amount in sorted(self.amounts.items())} or None,
            "trial_used": self.trial_used or None,
        }
        return {name: value for name, value in document.items() if value is not None}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Basis:
        """Read what `document` wrote."""
        commitment = document.get("commitment")
        return cls(
            currency=document.get("currency"),
            buyer_class=document.get("buyer_class"),
            commitment=None if commitment is None else decimal(commitment),
            term_months=document.get("term_months"),
            coupon=document.get("coupon"),
            amounts={name: decimal(amount) for name, amount in document.get("amounts", {}).items()},
            trial_used=document.get("trial_used", False),
        )


EMPTY = Basis()


def coupon_digest(code: str) -> str:
    """What a plan stores of a coupon code, which stays secret; letters of either size are the same."""
    return sha256(code.strip().upper().encode()).hexdigest()
