"""Buyers ask what offers cost, and get signed answers that bind until they expire."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

import msgspec

from compliance import store as audit
from compliance.entries import Entry
from contracts import store as contracts
from exchange.flows.issue_quote import QuoteReceipt, quote_document, refuse_price, sign_quote
from exchange.flows.once import Answered, Command, CommandBatch, done, refusal
from exchange.flows.purchase import Facts, Purchase, load_facts, refused
from exchange.flows.sale import Sale, Sales
from exchange.flows.simulate_price import foresee
from exchange.flows.trials import trial_of
from exchange.kernel.db import Tx
from exchange.kernel.errors import NOT_FOUND, Problem
from exchange.kernel.keys import Keyring
from pricing.basis import EMPTY, Basis

ACTION = "quote.ask"
VALID_FOR = timedelta(days=14)
# An estimate is worked out while others wait for their quotes: about 30 ms at the most.
LINES_QUOTED_MAX = 2_400


class Question(msgspec.Struct, frozen=True):
    """An offer, the purposes it would be used for, the buyer's choices, and perhaps the use foreseen per month."""

    command: Command
    offer_id: UUID
    purposes: tuple[str, ...]
    forecast: Sequence[Mapping[str, int]] = ()
    choices: Basis = EMPTY


Quoted = tuple[contracts.QuoteRow, QuoteReceipt, Sale]


async def ask_quotes(tx: Tx, sales: Sales, keyring: Keyring, questions: Sequence[Question]) -> list[Answered | Problem]:
    """Sign a quote for each offer that its asker could order now; each question is answered alone.

    errors   answers what a purchase would refuse, forecast-invalid, and what the terms do not allow
    """
    batch = await CommandBatch.claim(tx, [one.command for one in questions])
    answers: dict[int, Answered | Problem] = {}
    if batch.fresh:
        wishes = {n: _wish(questions[n]) for n in batch.fresh}
        facts = await load_facts(tx, list(wishes.values()))
        outcomes = {n: _quote(tx, sales, keyring, questions[n], wish, facts) for n, wish in wishes.items()}
        await contracts.insert_quotes(tx, [one[0] for one in outcomes.values() if not isinstance(one, Problem)])
        await audit.append(tx, [_entry(questions[n].command, outcome) for n, outcome in outcomes.items()])
        answers = {n: _answered(outcome) for n, outcome in outcomes.items()}
        await batch.keep(tx, answers)
    return batch.say(answers)


def _wish(question: Question) -> Purchase:
    """The order that the quote would be for: the same rules refuse both."""
    return Purchase(question.command, question.offer_id, question.purposes, "wallet")


def _quote(
    tx: Tx, sales: Sales, keyring: Keyring, question: Question, wish: Purchase, facts: Facts
) -> Quoted | Problem:
    sale = _sale(tx, sales, question, wish, facts)
    if isinstance(sale, Problem):
        return sale
    months = foresee(sale.plan, question.forecast, tx.now, lines_max=LINES_QUOTED_MAX)
    if isinstance(months, Problem):
        return months
    expires_at, buyer_id = tx.now + VALID_FOR, question.command.actor.organisation_id
    document = quote_document(
        tx, sale, buyer_id, keyring.node_id, purposes=question.purposes, expires_at=expires_at, months=months
    )
    return *sign_quote(tx, keyring, sale, buyer_id, document, expires_at), sale


def _sale(tx: Tx, sales: Sales, question: Question, wish: Purchase, facts: Facts) -> Sale | Problem:
    """What the asker's organisation would buy now."""
    offer = facts.offers.get(question.offer_id)
    if offer is None or not offer.shown_to(question.command.actor.organisation_id):
        return NOT_FOUND()
    problem = refused(wish, offer, facts)
    if problem is not None:
        return problem
    buyer, seller = facts.standings[question.command.actor.organisation_id], facts.standings[offer.supplier_id]
    known = trial_of(question.command.actor.organisation_id, offer) in facts.tried
    basis = sales.open_to(offer, question.choices, buyer.buyer_class, tried=known)
    if isinstance(basis, Problem):
        return basis
    sale = sales.of(offer, basis, sides=(seller, buyer), at=tx.now)
    if isinstance(sale, Problem):
        return sale
    return refuse_price(sale) or sale.refuses(question.purposes, buyer.country, tx.now) or sale


def _entry(command: Command, outcome: Quoted | Problem) -> Entry:
    if isinstance(outcome, Problem):
        return refusal(command, outcome)
    row, receipt, sale = outcome
    digests = {"quote": row.sha256, "offer": sale.offer.sha256}
    return done(command.actor, ACTION, receipt.id, row.seller_id, **digests)


def _answered(outcome: Quoted | Problem) -> Answered | Problem:
    return outcome if isinstance(outcome, Problem) else Answered(201, msgspec.json.encode(outcome[1]))
