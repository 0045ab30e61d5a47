"""Agreements: what two parties agreed to, frozen when they did, as bytes that anybody can verify.

The offer, its plan and its terms are named by digest, so an agreement is short and binds all of them. On the purchase
path the bytes come from a template per offer; a property test holds it equal to the slow and plain way.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from contracts.problems import AGREEMENT_FORM, AGREEMENT_SIGNATURE
from exchange.kernel import ids
from exchange.kernel.canonical import NotCanonical, canonical, sha256_hex
from exchange.kernel.errors import Problem
from exchange.kernel.keys import verifies
from exchange.kernel.money import Money, decimal_text
from exchange.kernel.text import Text

DEFAULT_TIME_ZONE = "Asia/Shanghai"
BYTES_MAX = 65_536


class Frame(msgspec.Struct, frozen=True):
    """What all agreements over one offer share, for the same choices of the buyer.

    shapes   basis: canonical JSON of what fixed the price beside the offer; empty where nothing did
    units    digests are 32 raw bytes; time_zone is an IANA name; currency is that of the price
    """

    offer_id: UUID
    offer_sha256: bytes
    plan_sha256: bytes
    terms_sha256: bytes
    seller_id: UUID
    currency: str
    prevailing_language: str
    rule_set: str
    node_id: str = "centre"
    time_zone: str = DEFAULT_TIME_ZONE
    basis: bytes = b""


class Deal(msgspec.Struct, frozen=True):
    """What belongs to one agreement alone.

    shapes   price: what is due at the order; ends_at None: without end; purposes from the terms' vocabulary
    """

    agreement_id: UUID
    order_id: UUID
    buyer_id: UUID
    price: Money
    purposes: tuple[str, ...]
    starts_at: datetime
    ends_at: datetime | None
    concluded_at: datetime


def build(frame: Frame, deal: Deal) -> dict[str, Any]:
    """The agreement document.

    shapes   JSON with ids and digests as text, moments as RFC 3339 in UTC; `basis` only where something fixed the price
    errors   ValueError when the price is not in the offer's currency
    """
    if deal.price.currency != frame.currency:
        raise ValueError("the price is not in the offer's currency")
    basis = {"basis": msgspec.json.decode(frame.basis)} if frame.basis else {}
    return {
        **basis,
        "type": "agreement",
        "v": 1,
        "id": ids.text("agr", deal.agreement_id),
        "order": ids.text("ord", deal.order_id),
        "offer": {"id": ids.text("ofr", frame.offer_id), "sha256": frame.offer_sha256.hex()},
        "plan_sha256": frame.plan_sha256.hex(),
        "terms_sha256": frame.terms_sha256.hex(),
        "parties": {"buyer": ids.text("org", deal.buyer_id), "seller": ids.text("org", frame.seller_id)},
        "price": deal.price.to_wire(),
        "purposes": list(deal.purposes),
        "period": {
            "starts_at": _instant(deal.starts_at),
            "ends_at": None if deal.ends_at is None else _instant(deal.ends_at),
        },
        "time_zone": frame.time_zone,
        "prevailing_language": frame.prevailing_language,
        "node_id": frame.node_id,
        "concluded_at": _instant(deal.concluded_at),
        "rule_set": frame.rule_set,
    }


class Template:
    """The canonical bytes of every agreement over one offer and basis, with gaps for what differs."""

    __slots__ = ("_currency", "_head", "_parts")

    def __init__(self, frame: Frame) -> None:
        """Prepare the bytes that `frame` decides; keep one template per offer."""
        self._currency = frame.currency
        self._head = f'{{"basis":{frame.basis.decode()},' if frame.basis else "{"
        offer = {"id": ids.text("ofr", frame.offer_id), "sha256": frame.offer_sha256.hex()}
        # In the order of RFC 8785 (sorted names). Ids, digests, decimals, moments and purposes need no escapes.
        self._parts = (
            ',"node_id":' + _json(frame.node_id) + ',"offer":' + _json(offer) + ',"order":"',
            '","parties":{"buyer":"',
            '","seller":"' + ids.text("org", frame.seller_id) + '"},"period":{"ends_at":',
            '"},"plan_sha256":"'
            + frame.plan_sha256.hex()
            + '","prevailing_language":'
            + _json(frame.prevailing_language)
            + ',"price":{"amount":"',
            '","currency":' + _json(frame.currency) + '},"purposes":',
            ',"rule_set":'
            + _json(frame.rule_set)
            + ',"terms_sha256":"'
            + frame.terms_sha256.hex()
            + '","time_zone":'
            + _json(frame.time_zone)
            + ',"type":"agreement","v":1}',
        )

    def render(self, deal: Deal) -> bytes:
        """The bytes of one agreement: canonical(build(frame, deal)), in a few microseconds.

        errors   ValueError when the price is not in the offer's currency
        """
        if deal.price.currency != self._currency:
            raise ValueError("the price is not in the offer's currency")
        a, b, c, d, e, f = self._parts
        ends = "null" if deal.ends_at is None else f'"{_instant(deal.ends_at)}"'
        return (
            f'{self._head}"concluded_at":"{_instant(deal.concluded_at)}","id":"{ids.text("agr", deal.agreement_id)}"'
            f"{a}{ids.text('ord', deal.order_id)}{b}{ids.text('org', deal.buyer_id)}"
            f'{c}{ends},"starts_at":"{_instant(deal.starts_at)}{d}{decimal_text(deal.price.units)}{e}'
            f"{_purposes(deal.purposes)}{f}"
        ).encode()


def verify(document: bytes, signature: bytes, public_key: Ed25519PublicKey | bytes) -> Problem | None:
    """Check an agreement offline: its form first, then the signature over exactly these bytes.

    shapes   document: the bytes as delivered; signature: 64 bytes; public_key: the key, or its 32 raw bytes
    errors   ValueError for bytes that are no Ed25519 public key
    source   RFC 8032; RFC 8785
    """
    if problem := _form(document):
        return problem
    key = Ed25519PublicKey.from_public_bytes(public_key) if isinstance(public_key, bytes) else public_key
    return None if verifies(key, document, signature) else AGREEMENT_SIGNATURE(sha256=sha256_hex(document))


def _form(document: bytes) -> Problem | None:
    if len(document) > BYTES_MAX:
        return AGREEMENT_FORM(why=_TOO_LONG)
    try:
        found = msgspec.json.decode(document)
        again = canonical(found)
    except (msgspec.DecodeError, NotCanonical, UnicodeDecodeError, RecursionError):
        return AGREEMENT_FORM(why=_NO_JSON)
    if again != document:
        at = next((i for i, (x, y) in enumerate(zip(document, again, strict=False)) if x != y), len(again))
        return AGREEMENT_FORM(
            why=Text(
                f"is not in canonical form (RFC 8785) from byte {at} on", f"自第 {at} 字节起不符合规范形式（RFC 8785）"
            )
        )
    if not isinstance(found, dict) or (found.get("type"), found.get("v")) != ("agreement", 1):
        return AGREEMENT_FORM(why=_OTHER)
    return None


def _json(value: object) -> str:
    return canonical(value).decode()


@lru_cache(maxsize=1024)
def _purposes(purposes: tuple[str, ...]) -> str:
    return _json(list(purposes))


def _instant(at: datetime) -> str:
    # tx.now is UTC already; asking for it again would cost more than the rest of the line.
    text = (at if at.tzinfo is UTC else at.astimezone(UTC)).isoformat()
    return text[:-6] + "Z"


_TOO_LONG = Text(f"is longer than {BYTES_MAX} bytes", f"超过 {BYTES_MAX} 字节")
_NO_JSON = Text("is no JSON that could be signed here", "不是可签名的 JSON")
_OTHER = Text("is not an agreement of version 1", "不是第 1 版合约")
