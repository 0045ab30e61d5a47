"""Purchase: from an offer to an agreement, an order, money in its places, a grant and an audit entry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from compliance import store as audit
from compliance.entries import Entry
from contracts import store as contracts
from contracts.agreements import Deal
from contracts.auctions_problems import AWARD_LAPSED
from exchange.access.store import grants
from exchange.catalog.listings import ListingState
from exchange.catalog.offers import OfferForSale
from exchange.catalog.store.listings import load_offers
from exchange.flows import on_account, problems
from exchange.flows.auctioned import lost_awards
from exchange.flows.call_provider import CALL_ATTEMPTS
from exchange.flows.chain_of_rights import narrowed
from exchange.flows.on_account import ACCOUNT
from exchange.flows.once import Answered, Command, CommandBatch, refusal
from exchange.flows.sale import RULE_SET, Sale, Sales
from exchange.flows.trials import Tried, trial_of, tried
from exchange.kernel import ids, jobs
from exchange.kernel.canonical import sha256
from exchange.kernel.db import TryAgain, Tx
from exchange.kernel.errors import NOT_FOUND, UNAUTHENTICATED, Problem
from exchange.kernel.keys import Keyring, Signature
from exchange.kernel.money import Money
from exchange.kernel.text import Text
from exchange.parties import store as parties
from pricing import quotes
from pricing.basis import EMPTY, Basis
from pricing.problems import PRICE_NOT_AGREED
from settlement import postings
from settlement.accounts import AccountKey
from settlement.credit import CreditLine, CreditOrder
from settlement.journals import Posted
from settlement.orders import Order, OrderState, PayBy
from settlement.payments import Payment, PaymentState, Purpose, card_amount, means_of
from settlement.store import credit, ledger, orders, payments

ACTION = "purchase"
CHARGE_CARD = "charge_card"
_NARROWED = Text("its terms give more than the rights to the data allow now", "其条款已超出数据现有权利的范围")


class Purchase(msgspec.Struct, frozen=True):
    """A buyer's wish: this offer, for these purposes, paid like that.

    shapes   choices: what the buyer may choose of the price; starts_at None: at once
             verified: the most that the buyer verified at the end of a negotiation, the only way to buy a private offer
    """

    command: Command
    offer_id: UUID
    purposes: tuple[str, ...]
    payment: Literal["wallet", "card", "account"]
    quote_id: UUID | None = None
    payment_method: str | None = None
    choices: Basis = EMPTY
    starts_at: datetime | None = None
    verified: Money | None = None
    purchase_order: str | None = None


class OrderReceipt(msgspec.Struct, frozen=True):
    """What a buyer is told of an order just placed."""

    id: str
    state: str
    total: dict[str, str]
    agreement: str
    agreement_sha256: str
    grant: str | None
    payment: str | None
    offer: str
    purposes: tuple[str, ...]


class Decided(msgspec.Struct, frozen=True):
    """An order that every rule passed: what will be written if the wallet holds enough."""

    wish: Purchase
    sale: Sale
    deal: Deal
    document: bytes
    sha256: bytes
    signature: Signature
    grant_id: UUID
    payment_id: UUID | None
    line: CreditLine | None = None

    @property
    def from_wallet(self) -> bool:
        """Whether money leaves the buyer's wallet, or credit, now."""
        return self.payment_id is None and self.deal.price.units > 0

    @property
    def payer(self) -> AccountKey:
        """The wallet that pays, or the credit that it goes on."""
        return on_account.payer(self.wish, self.deal.buyer_id, self.deal.price.currency)

    def receipt(self) -> OrderReceipt:
        """What the buyer is told."""
        deal, paid = self.deal, self.payment_id is None
        return OrderReceipt(
            id=ids.text("ord", deal.order_id),
            state="paid" if paid else "awaiting_payment",
            total=deal.price.to_wire(),
            agreement=ids.text("agr", deal.agreement_id),
            agreement_sha256=self.sha256.hex(),
            grant=ids.text("grt", self.grant_id) if paid else None,
            payment=None if self.payment_id is None else ids.text("pay", self.payment_id),
            offer=ids.text("ofr", self.wish.offer_id),
            purposes=deal.purposes,
        )


@dataclass(frozen=True, slots=True)
class Facts:
    """All that the decisions of one batch rest on, as one moment saw it."""

    offers: Mapping[UUID, OfferForSale]
    standings: Mapping[UUID, parties.Standing]
    lapsed: frozenset[str]
    frozen: frozenset[UUID]
    quotes: Mapping[UUID, contracts.QuoteRow]
    used: set[UUID] = field(default_factory=set)
    lost: Mapping[UUID, str] = field(default_factory=dict)
    tried: set[Tried] = field(default_factory=set)
    narrowed: frozenset[UUID] = frozenset()
    lines: on_account.Lines = field(default_factory=dict)


async def purchase(tx: Tx, sales: Sales, keyring: Keyring, wishes: Sequence[Purchase]) -> list[Answered | Problem]:
    """Place a batch of orders; each is answered alone, and a refused one fails no neighbour."""
    batch = await CommandBatch.claim(tx, [wish.command for wish in wishes])
    outcomes: dict[int, Decided | Problem] = {}
    answers: dict[int, Answered | Problem] = {}
    if batch.fresh:
        facts = await load_facts(tx, [wishes[n] for n in batch.fresh])
        for n in batch.fresh:
            outcomes[n] = decide(tx, sales, keyring, wishes[n], facts)
        await _afford(tx, outcomes)
        answers = {n: _answered(outcome) for n, outcome in outcomes.items()}
        await _write(tx, [one for one in outcomes.values() if isinstance(one, Decided)])
        await audit.append(tx, [_entry(wishes[n].command, outcome) for n, outcome in outcomes.items()])
        await batch.keep(tx, answers)
        await _pay(tx, [one for one in outcomes.values() if isinstance(one, Decided) and one.from_wallet])
    return batch.say(answers)


async def place(tx: Tx, sales: Sales, keyring: Keyring, wish: Purchase) -> Decided | Problem:
    """Place one order as a part of another command, which has a key and an answer of its own."""
    outcomes: dict[int, Decided | Problem] = {0: decide(tx, sales, keyring, wish, await load_facts(tx, [wish]))}
    await _afford(tx, outcomes)
    outcome = outcomes[0]
    if isinstance(outcome, Decided):
        await _write(tx, [outcome])
        await audit.append(tx, [_entry(wish.command, outcome)])
        await _pay(tx, [outcome] if outcome.from_wallet else [])
    return outcome


async def load_facts(tx: Tx, wishes: Sequence[Purchase]) -> Facts:
    """Load all that deciding these orders or quotes needs: in four statements, more for quotes, awards and trials among them."""
    offers = await load_offers(tx, list({w.offer_id for w in wishes}))
    buyers = {w.command.actor.organisation_id for w in wishes}
    sellers = {offer.supplier_id for offer in offers.values()}
    actors = {w.command.actor.jti: w.command.actor for w in wishes}
    concerned = {i for o in offers.values() for i in (o.offer_id, o.listing_id, o.dataset_id, o.revision_id)}
    quote_ids = [w.quote_id for w in wishes if w.quote_id]
    quotes_named = await contracts.find_quotes(tx, quote_ids)
    bound = {w.offer_id for w in wishes if w.quote_id or w.verified}
    quoted = {offer_id: one for offer_id, one in offers.items() if offer_id in bound}
    return Facts(
        offers,
        await parties.standing(tx, list(buyers | sellers)),
        frozenset(await parties.lapsed(tx, list(actors.values()))),
        frozenset(await audit.off_sale(tx, list(concerned | buyers | sellers))),
        quotes_named,
        set(await orders.quotes_used(tx, quote_ids)),
        await lost_awards(tx, quotes_named.values()),
        await tried(
            tx, [(w.command.actor.organisation_id, offers[w.offer_id]) for w in wishes if w.offer_id in offers]
        ),
        # What is on sale is within its rights; what only a quote or a negotiation still binds may not be.
        await narrowed(tx, [one for one in quoted.values() if not one.for_sale]),
        await on_account.lines_of(tx, [w.command.actor.organisation_id for w in wishes if w.payment == ACCOUNT]),
    )


def decide(tx: Tx, sales: Sales, keyring: Keyring, wish: Purchase, facts: Facts) -> Decided | Problem:
    """Decide one order from the facts: the rules, the price, and the agreement it would make."""
    offer = facts.offers.get(wish.offer_id)
    problem = refused(wish, offer, facts)
    if problem is not None or offer is None:
        return problem or NOT_FOUND()
    buyer_id, starts_at = wish.command.actor.organisation_id, wish.starts_at or tx.now
    sale = _sale(tx, sales, wish, facts, offer, starts_at)
    if isinstance(sale, Problem):
        return sale
    problem = sale.refuses(wish.purposes, facts.standings[buyer_id].country, tx.now)
    if problem is None and wish.verified is not None and sale.price.units > wish.verified.units:
        problem = problems.PRICE_ABOVE_VERIFIED(price=str(sale.price), verified=str(wish.verified))
    if problem is not None:
        return problem
    problem = problem or on_account.refused(wish, buyer_id, sale.price, facts.lines)
    if problem is not None:
        return problem
    by_card = wish.payment == "card" and sale.price.units > 0
    if by_card and card_amount(sale.price, sale.tax) is None:
        return problems.PRICE_NOT_CHARGEABLE(price=str(sale.price))
    deal = Deal(
        agreement_id=tx.new_id(),
        order_id=tx.new_id(),
        buyer_id=buyer_id,
        price=sale.price,
        purposes=wish.purposes,
        starts_at=starts_at,
        ends_at=sale.ends_at(starts_at),
        concluded_at=tx.now,
    )
    if wish.quote_id is not None:
        # A second order of the same batch finds the quote used.
        facts.used.add(wish.quote_id)
    if sale.plan.trial_days:
        facts.tried.add(trial_of(buyer_id, offer))
    document = sale.template.render(deal)
    signature = keyring.sign("agreement", document)
    payment_id = tx.new_id() if by_card else None
    line = facts.lines.get((buyer_id, sale.price.currency)) if wish.payment == ACCOUNT else None
    return Decided(wish, sale, deal, document, sha256(document), signature, tx.new_id(), payment_id, line)


def refused(wish: Purchase, offer: OfferForSale | None, facts: Facts) -> Problem | None:
    """The first rule that an order breaks, or None."""
    actor = wish.command.actor
    if actor.jti in facts.lapsed:
        return UNAUTHENTICATED()
    if offer is None or not offer.shown_to(actor.organisation_id):
        return NOT_FOUND()
    buyer, seller = facts.standings.get(actor.organisation_id), facts.standings.get(offer.supplier_id)
    if buyer is None or buyer.state != "verified":
        return problems.BUYER_NOT_VERIFIED(state=buyer.state if buyer else "unknown")
    if offer.supplier_id == actor.organisation_id:
        return problems.OWN_OFFER()
    if facts.frozen:
        for prefix, one in _concerned(actor.organisation_id, offer):
            if one in facts.frozen:
                return problems.FROZEN(object=ids.text(prefix, one))
    if seller is None or seller.state != "verified":
        return problems.NOT_FOR_SALE(reason=Text("its supplier is not verified", "供应方未通过核验"))
    # A quote binds the supplier to an older version; it does not undo what the operator took off sale.
    quoted = wish.verified is not None or (wish.quote_id is not None and offer.audience is None)
    bound = quoted and offer.listing_state is ListingState.PUBLISHED
    if not offer.for_sale and not bound:
        reason = Text(
            f"its listing is {offer.listing_state.value} and this version is {offer.standing.value}",
            f"上架产品状态为 {offer.listing_state.value}，该版本状态为 {offer.standing.value}",
        )
        return problems.NOT_FOR_SALE(reason=reason)
    return problems.NOT_FOR_SALE(reason=_NARROWED) if offer.offer_id in facts.narrowed else None


def _concerned(buyer_id: UUID, offer: OfferForSale) -> tuple[tuple[str, UUID], ...]:
    return (
        ("org", buyer_id),
        ("org", offer.supplier_id),
        ("lst", offer.listing_id),
        ("ds", offer.dataset_id),
        ("rev", offer.revision_id),
        ("ofr", offer.offer_id),
    )


def _sale(
    tx: Tx, sales: Sales, wish: Purchase, facts: Facts, offer: OfferForSale, starts_at: datetime
) -> Sale | Problem:
    """What is bought: on the quote's basis if the order names one, else on the buyer's class and choices."""
    sides = facts.standings[offer.supplier_id], facts.standings[wish.command.actor.organisation_id]
    known = trial_of(wish.command.actor.organisation_id, offer) in facts.tried
    basis: Basis | Problem
    if wish.quote_id is None:
        basis = sales.open_to(offer, wish.choices, sides[1].buyer_class, tried=known)
    else:
        basis = _quoted(wish, facts, tx)
    if isinstance(basis, Problem):
        return basis
    sale = sales.of(offer, basis, sides=sides, at=starts_at, accepted=wish.quote_id is not None)
    if not isinstance(sale, Problem) and known and sale.plan.trial_days:
        return problems.TRIAL_USED()
    if not isinstance(sale, Problem) and sale.plan.unpriced:
        return PRICE_NOT_AGREED(components=", ".join(sale.plan.unpriced))
    return sale


def _quoted(wish: Purchase, facts: Facts, tx: Tx) -> Basis | Problem:
    """The basis that a quote froze, or why the order cannot use the quote."""
    quote = facts.quotes.get(wish.quote_id) if wish.quote_id else None
    if quote is None or quote.buyer_id != wish.command.actor.organisation_id:
        return NOT_FOUND()
    if quote.offer_id != wish.offer_id:
        return problems.QUOTE_OF_ANOTHER_OFFER()
    if wish.choices != EMPTY:
        return problems.QUOTE_HAS_CHOICES()
    if quote.id in facts.used:
        return problems.QUOTE_USED(quote=ids.text("qte", quote.id))
    if quote.id in facts.lost:
        return AWARD_LAPSED(auction=facts.lost[quote.id])
    document = msgspec.json.decode(quote.document)
    # Quotes of before prices had a basis name neither basis nor purposes.
    purposes = document.get("purposes")
    if purposes is not None and not set(wish.purposes) <= set(purposes):
        return problems.QUOTE_FOR_OTHER_PURPOSES(purposes=", ".join(purposes))
    return quotes.expired(document, tx.now) or Basis.from_document(document.get("basis", {}))


async def _afford(tx: Tx, outcomes: dict[int, Decided | Problem]) -> None:
    """Refuse what wallets and credit do not hold, first come, first served. They are only looked at, and held in `_pay`."""
    wishes = {n: one for n, one in outcomes.items() if isinstance(one, Decided) and one.from_wallet}
    left = await ledger.available(tx, [one.payer for one in wishes.values()])
    for n, one in wishes.items():
        price, there = one.deal.price, left[one.payer]
        if price.units > there and one.line is not None:
            outcomes[n] = on_account.over_limit(one.line, price, there)
        elif price.units > there:
            held = Money(there, price.currency)
            outcomes[n] = problems.WALLET_TOO_LOW(price=str(price), available=str(held))
        else:
            left[one.payer] = there - price.units


async def _write(tx: Tx, decided: Sequence[Decided]) -> None:
    if not decided:
        return
    await orders.insert_orders(tx, [_order(one) for one in decided])
    await contracts.insert_agreements(tx, [_agreement(one) for one in decided])
    await grants.insert_grants(
        tx, [one.sale.grant(one.deal, one.grant_id) for one in decided if one.payment_id is None]
    )
    by_card = [one for one in decided if one.payment_id is not None]
    if by_card:
        await payments.insert_payments(tx, [_payment(one) for one in by_card])
        await jobs.put(tx, *[_charge(one) for one in by_card])
    if owing := [one for one in decided if one.line is not None and one.from_wallet]:
        await credit.insert_orders(tx, [_owed(tx, one) for one in owing])


async def _pay(tx: Tx, decided: Sequence[Decided]) -> None:
    """Move the money last, so that a wallet is held for two statements and the commit.

    errors   TryAgain where somebody else spent from a wallet since it was looked at
    """
    paid = [
        (postings.wallet_purchase if d.line is None else postings.credit_purchase)(
            d.deal.order_id, d.deal.buyer_id, d.deal.price, d.sale.credits
        )
        for d in decided
    ]
    if not all(isinstance(result, Posted) for result in await ledger.post(tx, paid)):
        raise TryAgain("a wallet was spent from meanwhile")


def _owed(tx: Tx, one: Decided) -> CreditOrder:
    assert one.line is not None, "it is on account"
    sides = one.deal.order_id, one.deal.buyer_id, one.sale.offer.supplier_id
    return on_account.owed(tx, one.wish, sides, one.deal.price, one.line)


def _order(one: Decided) -> Order:
    offer, deal, paid = one.sale.offer, one.deal, one.payment_id is None
    return Order(
        id=deal.order_id,
        buyer_id=deal.buyer_id,
        seller_id=offer.supplier_id,
        offer_id=offer.offer_id,
        listing_id=offer.listing_id,
        agreement_id=deal.agreement_id,
        price=deal.price,
        payment=PayBy(one.wish.payment),
        state=OrderState.PAID if paid else OrderState.AWAITING_PAYMENT,
        created_at=deal.concluded_at,
        paid_at=deal.concluded_at if paid else None,
        price_basis=one.sale.basis,
        quote_id=one.wish.quote_id,
        tax_units=0 if one.sale.tax is None else one.sale.tax.units,
        tax=None if one.sale.taxing is None else one.sale.taxing.document(),
    )


def _agreement(one: Decided) -> contracts.AgreementRow:
    offer, deal = one.sale.offer, one.deal
    return contracts.AgreementRow(
        id=deal.agreement_id,
        order_id=deal.order_id,
        offer_id=offer.offer_id,
        buyer_id=deal.buyer_id,
        seller_id=offer.supplier_id,
        document=one.document,
        sha256=one.sha256,
        kid=one.signature.kid,
        signature=one.signature.value,
        created_at=deal.concluded_at,
    )


def _payment(one: Decided) -> Payment:
    deal, charged = one.deal, card_amount(one.deal.price, one.sale.tax)
    assert one.payment_id is not None
    assert charged is not None
    return Payment(
        id=one.payment_id,
        organisation_id=deal.buyer_id,
        purpose=Purpose.ORDER,
        order_id=deal.order_id,
        amount=charged,
        method=means_of(one.wish.payment_method or "").method,
        state=PaymentState.CREATED,
        created_at=deal.concluded_at,
    )


def _charge(one: Decided) -> jobs.Job:
    assert one.payment_id is not None
    payload = {"payment": ids.text("pay", one.payment_id), "payment_method": one.wish.payment_method}
    return jobs.Job(
        CHARGE_CARD,
        str(one.payment_id),
        payload,
        organisation_id=one.deal.buyer_id,
        attempts_max=CALL_ATTEMPTS,
    )


def _entry(command: Command, outcome: Decided | Problem) -> Entry:
    if isinstance(outcome, Problem):
        return refusal(command, outcome)
    deal, offer = outcome.deal, outcome.sale.offer
    return Entry(
        action=ACTION,
        organisation_id=deal.buyer_id,
        client_id=command.actor.client_id,
        object_id=ids.text("ord", deal.order_id),
        agreement_id=ids.text("agr", deal.agreement_id),
        rule_set=RULE_SET,
        digests={"agreement": outcome.sha256, "offer": offer.sha256, "revision": offer.revision_sha256},
        concerns=(offer.supplier_id,),
    )


def _answered(outcome: Decided | Problem) -> Answered | Problem:
    return outcome if isinstance(outcome, Problem) else Answered(201, msgspec.json.encode(outcome.receipt()))
