"""Who sells to whom in the eyes of the tax office."""

from __future__ import annotations

from enum import StrEnum


class Selling(StrEnum):
    """How the exchange stands between a seller and a buyer.

    As an agent it sells in the seller's name and bills its own fee; on commission it buys from the seller, on a paper that
    it writes itself, and sells in its own name.

    source   Council Directive 2006/112/EC, articles 14(2)(c), 28 and 224
    """

    AGENT = "agent"
    COMMISSION = "commission"
