"""Orders as the log tells them, with everything on file beside: what the regulator's reports on trades are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from uuid import UUID

import msgspec

from compliance.reports.trades import ORDERED, Identity, Opened, Sold, Source, Terms, Told, Trade
from contracts import store as contracts
from contracts import terms as licence
from contracts.obligations import duties_of
from contracts.store import AgreementRow
from exchange.access.grants import Grant
from exchange.access.store import grants, overview
from exchange.catalog.datasets import Dataset, described
from exchange.catalog.offers import OfferForSale
from exchange.catalog.store import datasets
from exchange.catalog.store.listings import load_offers
from exchange.kernel import ids
from exchange.kernel.canonical import canonical, digest, sha256
from exchange.kernel.db import Tx
from exchange.parties.known_store import KnownThen, known_then
from settlement.orders import Order
from settlement.store import orders


async def load_trades(tx: Tx, told: Sequence[Told], by: datetime) -> list[Trade]:
    """The orders that entries tell of, in their order, with grants opened by a moment; eight statements for any number."""
    papers = await contracts.find_agreements(tx, [_agreement_id(one) for one in told])
    named = [_order_id(one, papers.get(_agreement_id(one))) for one in told]
    found = await orders.get_orders(tx, [one for one in named if one])
    # The order and its agreement both know the offer; it is asked for as long as either is there.
    offers = await load_offers(
        tx, list({one.offer_id for one in found.values()} | {a.offer_id for a in papers.values()})
    )
    opened: dict[UUID, list[Grant]] = {}
    for grant in await grants.of_orders(tx, [one for one in named if one]):
        if grant.created_at <= by:
            opened.setdefault(grant.order_id, []).append(grant)
    held = [grant for group in opened.values() for grant in group]
    used = await overview.first_uses(tx, [grant.id for grant in held])
    sources = await sources_of(tx, {grant.dataset_id for grant in held})
    known = await known_then(tx, [pair for one in told for pair in _parties(one)])
    trades = []
    for one, order_id in zip(told, named, strict=True):
        mine = _opened_by(one, opened.get(order_id, ()) if order_id else ())
        made = _trade(
            one, found.get(order_id) if order_id else None, papers.get(_agreement_id(one)), mine, offers, known, by
        )
        trades.append(made.with_access([_opened(grant, used.get(grant.id)) for grant in mine], sources))
    return trades


def _order_id(told: Told, paper: AgreementRow | None) -> UUID | None:
    """The order that an entry is about, or whose agreement it passed on."""
    if told.envelope["action"] == ORDERED:
        return ids.parse("ord", told.envelope["object"]["id"])
    return paper.order_id if paper else None


def _opened_by(told: Told, held: Sequence[Grant]) -> list[Grant]:
    """The grants that an entry opened: of an order the first ones, which a card may pay later; of a transfer those of its moment."""
    if told.envelope["action"] == ORDERED:
        moment = min((grant.created_at for grant in held), default=None)
    else:
        moment = _moment(told)
    return [grant for grant in held if grant.created_at == moment]


def _trade(
    told: Told,
    order: Order | None,
    paper: AgreementRow | None,
    held: Sequence[Grant],
    offers: Mapping[UUID, OfferForSale],
    known: Mapping[tuple[UUID, datetime], KnownThen],
    by: datetime,
) -> Trade:
    sold = order or paper
    offer = offers.get(sold.offer_id) if sold else None
    moment, everybody = _moment(told), _parties(told)
    # By what was opened, else as the entry names them: who acted stands first.
    buyer = held[0].buyer_id if held else everybody[0][0] if everybody else None
    seller = sold.seller_id if sold else everybody[1][0] if len(everybody) > 1 else None
    return Trade(
        told=told,
        order_id=order.id if order else paper.order_id if paper else None,
        buyer_id=buyer,
        buyer=_identity(buyer, known.get((buyer, moment))) if buyer else None,
        seller=_identity(seller, known.get((seller, moment))) if seller else None,
        seller_id=seller,
        sold=_sold(order, by) if order else None,
        offer_id=offer.offer_id if offer else None,
        agreement=paper.document if paper else None,
        agreement_sha256=sha256(paper.document) if paper else None,
        terms=_terms(offer.sha256, offer.document) if offer else None,
    )


async def sources_of(tx: Tx, dataset_ids: set[UUID]) -> dict[UUID, Source]:
    """What suppliers say of datasets, by id."""
    return {one.id: source_of(one) for one in (await datasets.datasets_of(tx, sorted(dataset_ids))).values()}


def source_of(one: Dataset) -> Source:
    """What a supplier says of a dataset."""
    return Source(
        provenance=one.provenance,
        licence=one.licence,
        modality=one.modality.value,
        personal_data=one.personal_data.value,
        legal_basis=one.legal_basis,
        cross_border_basis=one.cross_border_basis,
        digest=digest(described(one)),
    )


def _agreement_id(told: Told) -> UUID:
    name = told.text("agreement")
    return ids.parse("agr", name) if name else UUID(int=0)


def _parties(told: Told) -> list[tuple[UUID, datetime]]:
    moment = _moment(told)
    return [(ids.parse("org", name), moment) for name in told.envelope["organisations"]]


def _moment(told: Told) -> datetime:
    return datetime.fromisoformat(told.envelope["at"])


def _identity(organisation_id: UUID, known: KnownThen | None) -> Identity | None:
    if known is None:
        return None
    return Identity(
        organisation_id=organisation_id,
        country=known.country,
        state=known.state,
        # A decision has no name of its own outside; the moment and who decided find its entry in the log.
        decision=str(known.decision_id) if known.decision_id else None,
        decided_by=ids.text("org", known.decided_by) if known.decided_by else None,
        decided_at=known.decided_at,
        evidence=known.evidence,
    )


def _sold(order: Order, by: datetime) -> Sold:
    price = order.price.to_wire()
    paid_at = order.paid_at if order.paid_at is not None and order.paid_at <= by else None
    return Sold(price["amount"], price["currency"], order.payment.value, paid_at)


def _opened(grant: Grant, first_used_at: datetime | None) -> Opened:
    limits = {one.meter: {"limit": one.limit, "period": one.period} for one in grant.quotas}
    return Opened(
        id=grant.id,
        dataset_id=grant.dataset_id,
        revision_id=grant.revision_id,
        purposes=grant.purposes,
        meters=grant.meters,
        quota=canonical(limits).decode() if limits else "",
        starts_at=grant.starts_at,
        ends_at=grant.ends_at,
        state=grant.state.value,
        created_at=grant.created_at,
        first_used_at=first_used_at,
    )


@lru_cache(maxsize=1024)
def _terms(_offer_sha256: bytes, document: bytes) -> Terms:
    said = msgspec.json.decode(document)
    terms = licence.load(said["terms"])
    return Terms(
        licence=terms.spdx or "own-terms",
        terms_sha256=terms.sha256,
        ways=tuple(name for name in ("files", "rows") if said["delivery"].get(name)),
        duties=tuple(sorted({path for duty in duties_of(terms) for path, _ in duty.paths()})),
    )
