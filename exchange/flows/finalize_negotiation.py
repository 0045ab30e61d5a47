"""A supplier finalizes what the buyer verified: the order is placed from the buyer's wallet in the same transaction."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from contracts import negotiation_store as store
from contracts import store as contracts
from contracts.negotiation import Negotiation, Said, Side, Verb
from contracts.negotiation_problems import NEGOTIATION_NOT_ORDERED
from exchange.access.store import grants
from exchange.catalog.store.exclusive import hold_dataset_of
from exchange.catalog.store.private import close_private_offer
from exchange.flows.auctioned import sold_exclusively
from exchange.flows.negotiating import NegotiationReceipt, Words, held, look, on_table, receipt, say
from exchange.flows.once import Command
from exchange.flows.problems import WALLET_TOO_LOW
from exchange.flows.purchase import ACTION, OrderReceipt, Purchase, place
from exchange.flows.sale import Sales
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import UNAUTHENTICATED, Problem
from exchange.kernel.keys import Keyring
from exchange.kernel.money import Money
from exchange.kernel.text import Text

_POOR = Text("the buyer's wallet does not hold the price", "买方钱包余额不足以支付该价格")
_REVOKED = Text("the buyer has revoked the client that verified", "买方已撤销当时进行确认的应用")


async def finalize_negotiation(
    tx: Tx, sales: Sales, keyring: Keyring, actor: Actor, negotiation_id: UUID, words: Words
) -> NegotiationReceipt | Problem:
    """Place the order that the buyer verified: agreement, payment and grant, or nothing at all.

    A renewal's grant begins where the one before it ends.

    errors   answers not-found, negotiation-state, negotiation-expired, negotiation-not-ordered, sold-exclusively, and what
             a purchase would refuse
    """
    one = await held(tx, actor, Side.PROVIDER, negotiation_id, Said(Verb.FINALIZE, None, words.note))
    if isinstance(one, Problem):
        return one
    # Whether the dataset is sold to one alone, and what its rights allow, stay as they are until this commits.
    await hold_dataset_of(tx, one.listing_id)
    scene = await look(tx, one.listing_id, one.buyer_id, Side.PROVIDER)
    if isinstance(scene, Problem):
        return scene
    if problem := await sold_exclusively(tx, scene.listing.dataset_id):
        return problem
    placed = await place(tx, sales, keyring, await _wish(tx, one))
    if isinstance(placed, Problem):
        return _told(placed)
    order, offer_id = placed.receipt(), one.offer_id
    assert offer_id is not None, "there is one in this state"
    await close_private_offer(tx, offer_id)
    deal = placed.deal
    said = Said(Verb.FINALIZE, None, words.note, None, {"order": _named(order)})
    moved = await say(tx, actor, Side.PROVIDER, one, said, order_id=deal.order_id, agreement_id=deal.agreement_id)
    return moved if isinstance(moved, Problem) else receipt(moved, total=order.total, grant=order.grant)


async def _wish(tx: Tx, one: Negotiation) -> Purchase:
    """The order as the buyer verified it, by the client that verified."""
    verified, agreed = await store.last(tx, one.id, Verb.VERIFY), await store.last(tx, one.id, Verb.AGREE)
    assert verified is not None
    assert agreed is not None
    assert verified.client_id is not None
    assert one.offer_id is not None, "there is one in this state"
    buyer = Actor(one.buyer_id, verified.client_id, frozenset({"buyer"}), frozenset(), "")
    return Purchase(
        Command(buyer, ACTION, "", b"", ids.text("neg", one.id)),
        one.offer_id,
        (await on_table(tx, one)).purposes,
        "wallet",
        one.quote_id,
        starts_at=await _follows(tx, one),
        verified=Money.from_wire(agreed.content["binding"]["total"]),
    )


async def _follows(tx: Tx, one: Negotiation) -> datetime | None:
    """When the grant of the agreement that is renewed ends, None for at once."""
    if one.renews is None:
        return None
    before = (await contracts.find_agreements(tx, [one.renews]))[one.renews]
    found = await grants.of_orders(tx, [before.order_id])
    # Who has passed the agreement on meanwhile waits for nobody else's grant.
    own = [grant.ends_at for grant in found if grant.buyer_id == one.buyer_id]
    ends = [ends_at for ends_at in own if ends_at is not None and ends_at > tx.now]
    return max(ends, default=None)


def _told(problem: Problem) -> Problem:
    """What the supplier hears of a refused order: nothing of the buyer's balance or clients."""
    if problem.type is WALLET_TOO_LOW:
        return NEGOTIATION_NOT_ORDERED(reason=_POOR)
    return NEGOTIATION_NOT_ORDERED(reason=_REVOKED) if problem.type is UNAUTHENTICATED else problem


def _named(order: OrderReceipt) -> dict[str, object]:
    return {
        "id": order.id,
        "agreement": order.agreement,
        "agreement_sha256": order.agreement_sha256,
        "grant": order.grant,
        "total": dict(order.total),
    }
