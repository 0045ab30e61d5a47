"""An agreement as a file that anybody can verify, and as a paper that people read: both from the same facts. Reads only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import msgspec

from contracts import bundle, bundle_store, lifecycle_store, paper, signatures_store
from contracts import store as contracts
from contracts.bundle import Contents
from contracts.life_events import Event, instant
from contracts.paper import EventLine, Facts, Paper, SignatureLine
from contracts.signatures import OrganisationKey, Role, Signed, missing
from exchange.catalog.store import listings
from exchange.flows.taxing import Taxing
from exchange.kernel import ids
from exchange.kernel.canonical import digest, sha256_hex
from exchange.kernel.db import Tx
from exchange.kernel.keys import Keyring
from exchange.kernel.text import LocaleMap, Text
from exchange.parties import store as parties
from pricing import words
from pricing.basis import Basis
from pricing.understanding import understand
from pricing.words_fixed import fixed
from settlement.orders import Order
from settlement.store.orders import get_orders


@dataclass(frozen=True, slots=True)
class Gathered:
    """All that is known of one agreement; title and names are as they are today.

    shapes   tax: the part of the price that is tax, in words; none where there is none
    """

    contents: Contents
    title: LocaleMap
    names: Mapping[str, LocaleMap]
    tax: Sequence[Text] = ()

    def bundle(self, keyring: Keyring) -> bytes:
        """The file, sealed by the exchange: the same bytes until something is signed or happens."""
        return bundle.write(self.contents, lambda data: keyring.sign("agreement", data))

    def paper(self) -> Paper:
        """The paper."""
        agreement = msgspec.json.decode(self.contents.agreement)
        offer = msgspec.json.decode(self.contents.offer)
        basis = Basis.from_document(agreement.get("basis", {}))
        plan = understand(offer["plan"], basis)
        own = [one for one in self.contents.signed if one.object_id == one.agreement_id]
        return paper.write(
            Facts(
                agreement=agreement,
                offer=offer,
                sha256=sha256_hex(self.contents.agreement),
                frame_sha256=digest(offer["frame"]).hex() if "frame" in offer else None,
                price=list(dict.fromkeys([*words.describe(plan), words.tax(plan)])),
                fixed=list(fixed(basis, plan)),
                tax=self.tax,
                title=self.title,
                names=self.names,
                signed=[_signature_line(one) for one in self.contents.signed],
                missing=[role.value for role in missing(own, (Role.SELLER, Role.BUYER))],
                events=[_event_line(one) for one in self.contents.events],
            )
        )


async def gather(tx: Tx, keyring: Keyring, agreement_id: UUID) -> Gathered | None:
    """Read what belongs to an agreement, for the app's role; whether somebody may see it is the caller's to ask first.

    errors   LookupError for an offer or an exchange's key that is gone: a defect
    """
    row = (await contracts.find_agreements(tx, [agreement_id])).get(agreement_id)
    if row is None:
        return None
    offer = await listings.find_offer(tx, row.offer_id)
    if offer is None:
        raise LookupError("the agreement's offer is gone")
    listing = await listings.find_listing(tx, offer.listing_id)
    events = [one for one in await lifecycle_store.events_of(tx, None, agreement_id) if one.force is not None]
    events.sort(key=lambda one: 0 if one.force is None else one.force.number)
    known = {agreement_id, *(one.id for one in events)}
    signed = [one for one in await signatures_store.signatures_of(tx, None, agreement_id) if one.object_id in known]
    quote = await bundle_store.quote_of(tx, agreement_id)
    own = await signatures_store.keys_by_kid(tx, [one.kid for one in signed if one.role is not Role.EXCHANGE])
    kids = {one.kid for one in signed if one.role is Role.EXCHANGE} | {keyring.signer("agreement").kid}
    if quote is not None:
        kids.add(quote.kid)
    contents = Contents(
        agreement=row.document,
        offer=offer.document,
        quote=quote,
        signed=signed,
        events=events,
        organisation_keys=_sorted(own),
        exchange_keys=_public(keyring, kids),
    )
    order = (await get_orders(tx, [row.order_id])).get(row.order_id)
    title = {} if listing is None else listing.title
    return Gathered(contents, title, await _names(tx, row, events), [] if order is None else _tax(order))


async def _names(tx: Tx, row: contracts.AgreementRow, events: Sequence[Event]) -> dict[str, LocaleMap]:
    who = {row.buyer_id, row.seller_id, *(one.successor_id for one in events if one.successor_id is not None)}
    found = await parties.public_names(tx, sorted(who))
    return {ids.text("org", one): name for one, name in found.items()}


def _sorted(keys: Mapping[str, OrganisationKey]) -> list[OrganisationKey]:
    return [keys[kid] for kid in sorted(keys)]


def _public(keyring: Keyring, kids: set[str]) -> dict[str, bytes]:
    ring = {key.kid: key.public for key in keyring.keys()}
    return {kid: ring[kid] for kid in sorted(kids)}


def _tax(order: Order) -> list[Text]:
    """The part of an order's price that is tax, as it was worked out when the order was placed."""
    if not order.tax_units or order.tax is None:
        return []
    # The name holds the rate: VAT 6%.
    name = Taxing.stored(order.tax).treatment.name
    tax, net = (f"{one['currency']} {one['amount']}" for one in (order.tax_money.to_wire(), order.net.to_wire()))
    return [Text(f"Of this, {name.en}: {tax}; without it: {net}", f"其中{name.zh}：{tax}；不含税：{net}")]


def _signature_line(one: Signed) -> SignatureLine:
    return SignatureLine(
        object=ids.text("agr" if one.object_id == one.agreement_id else "evt", one.object_id),
        role=one.role.value,
        organisation=None if one.organisation_id is None else ids.text("org", one.organisation_id),
        kid=one.kid,
        kept=one.kept,
        at=instant(one.at),
    )


def _event_line(one: Event) -> EventLine:
    assert one.force is not None
    return EventLine(one.said, instant(one.force.effective_at), one.sha256.hex())
