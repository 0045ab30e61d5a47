"""An agreement with everything that can stand in its file: signatures by own and kept keys, a quote, events."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from contracts import bundle, lifecycle
from contracts.agreements import Deal, Frame, build
from contracts.bundle import Contents, SignedDocument
from contracts.life_events import Event, Force, Kind, Party, Wish
from contracts.signatures import OrganisationKey, Role, Signed, registration
from exchange.kernel import ids
from exchange.kernel.canonical import canonical, digest, sha256
from exchange.kernel.keys import Keyring, SigningKey, new_key
from exchange.kernel.money import Money
from tests.support.trade import component, offer_document

AT = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
BUYER, SELLER, OFFER, ORDER, AGREEMENT = (UUID(int=7 << 76 | 2 << 62 | n) for n in range(1, 6))
FRAME = {
    "governing_law": "CN",
    "forum": {"kind": "court", "name": {"en": "Shanghai Pudong court", "zh": "上海市浦东新区人民法院"}},
    "warranties": ["right_to_license", "lawful_source"],
}
TERMS = {
    "type": "terms",
    "v": 1,
    "prevailing_language": "zh",
    "own": {
        "purposes": ["pretrain", "evaluate"],
        "prohibits": ["redistribute"],
        "commercial": True,
        "territory": ["CN", "SG"],
        "duration": {"months": 12},
        "attribution": True,
        "report_use": True,
    },
}


def key(purpose: str, number: int) -> SigningKey:
    """A key that is the same in every run."""
    return new_key(purpose, AT, bytes([number]) * 32)


RING = Keyring([key("agreement", 1), key("quote", 2)])
HANDS = {Role.BUYER: key("agreement", 3), Role.SELLER: key("agreement", 4)}


@dataclass(frozen=True, slots=True)
class Made:
    """The documents of one agreement, and what a bundle of it holds."""

    agreement: dict[str, object]
    offer: dict[str, object]
    contents: Contents

    def bundle(self) -> bytes:
        """The file."""
        return bundle.write(self.contents, lambda data: RING.sign("agreement", data))


def offer_of(*, terms: object = TERMS, frame: object = FRAME) -> dict[str, object]:
    """An offer's document with own terms and a legal frame."""
    fee = component({"type": "flat", "amount": "1200.00", "timing": "in_advance"}, None, "month")
    use = component({"type": "per_unit", "unit_price": "0.5"}, "records", "month")
    document = {**offer_document("subscription", fee, use), "terms": terms}
    return document if frame is None else {**document, "frame": frame}


def own_key(role: Role, organisation: UUID, *, kept: bool) -> OrganisationKey:
    """The public key of a side."""
    hand = HANDS[role]
    document = None if kept else registration(organisation, hand.public)
    proof = None if document is None else hand.private.sign(document)
    return OrganisationKey(UUID(int=9), organisation, hand.kid, hand.public, kept, document, proof, AT)


def signed(document: bytes, object_id: UUID, role: Role, *, kept: bool = False) -> Signed:
    """A signature of one side, or of the exchange."""
    hand = HANDS.get(role, RING.signer("agreement"))
    who = {Role.BUYER: BUYER, Role.SELLER: SELLER}.get(role)
    return Signed(object_id, AGREEMENT, role, who, hand.kid, kept, hand.private.sign(document), AT)


def suspension(agreement: bytes) -> Event:
    """The seller suspends the agreement."""
    life = lifecycle.born(AGREEMENT, agreement, sha256(agreement))
    wish = Wish(kind=Kind.SUSPENSION, reason={"en": "Unpaid", "zh": "欠费"})
    event = lifecycle.compose(
        life, wish, Party.SELLER, event_id=UUID(int=8 << 76 | 2 << 62), proposer=SELLER, now=AT, node_id="centre"
    )
    return replace(event, force=Force(1, AT + timedelta(days=1), AT + timedelta(days=1)))


def made(*, events: bool = True, buyer_signs: bool = True) -> Made:
    """An agreement; the buyer signs with its own key, the seller's is kept by the exchange."""
    offer = offer_of()
    frame = Frame(
        offer_id=OFFER,
        offer_sha256=digest(offer),
        plan_sha256=digest(offer["plan"]),
        terms_sha256=digest(offer["terms"]),
        seller_id=SELLER,
        currency="CNY",
        prevailing_language="zh",
        rule_set="trade/1",
        basis=canonical({"currency": "CNY"}),
    )
    deal = Deal(AGREEMENT, ORDER, BUYER, Money(1_272_000_000, "CNY"), ("pretrain",), AT, AT + timedelta(days=365), AT)
    agreement = build(frame, deal)
    document = canonical(agreement)
    quote = canonical(
        {
            "type": "quote",
            "v": 1,
            "offer": agreement["offer"],
            "basis": agreement["basis"],
            "buyer": ids.text("org", BUYER),
            "seller": ids.text("org", SELLER),
        }
    )
    by = RING.sign("quote", quote)
    signatures = [signed(document, AGREEMENT, Role.EXCHANGE), signed(document, AGREEMENT, Role.SELLER, kept=True)]
    if buyer_signs:
        signatures.append(signed(document, AGREEMENT, Role.BUYER))
    happened = [suspension(document)] if events else []
    for event in happened:
        signatures += [
            signed(event.document, event.id, Role.SELLER, kept=True),
            signed(event.document, event.id, Role.EXCHANGE),
        ]
    contents = Contents(
        agreement=document,
        offer=canonical(offer),
        quote=SignedDocument(quote, by.kid, by.value),
        signed=signatures,
        events=happened,
        organisation_keys=[own_key(Role.BUYER, BUYER, kept=False), own_key(Role.SELLER, SELLER, kept=True)],
        exchange_keys={one.kid: one.public for one in RING.keys()},
    )
    return Made(agreement, offer, contents)
