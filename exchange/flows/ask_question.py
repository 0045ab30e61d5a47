"""May I? A buyer asks about an offer, a listing, an agreement or a grant; the answer names its rules, and is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec

from compliance import store as audit
from contracts import evaluation, lifecycle_store, questions
from contracts import obligations as obligation_rules
from contracts import obligations_store as store
from contracts import store as contracts
from contracts.evaluation import Decision, Question, Reason, Verdict
from contracts.lifecycle import Life
from contracts.lifecycle import State as LifeState
from contracts.obligations_problems import QUESTION_SUBJECT
from contracts.obligations_store import AskedRow
from contracts.store import AgreementRow
from contracts.terms import load
from exchange.access.store import grants
from exchange.catalog.listings import ListingState
from exchange.catalog.offers import OfferForSale
from exchange.catalog.store.listings import current_offers, load_offers
from exchange.flows.keep_obligations import duties_now
from exchange.flows.once import done
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.canonical import canonical, sha256
from exchange.kernel.db import Tx
from exchange.kernel.errors import NOT_FOUND, Problem
from exchange.kernel.text import Text
from exchange.parties import store as parties

# The best answer of several offers counts: one may choose.
_RANK = {Verdict.DENY: 0, Verdict.UNKNOWN: 1, Verdict.PERMIT: 2}
_NOT_BOUGHT = Text("the agreement was not made for this purpose", "合约未包含该用途")
_OUTSIDE = Text("an amendment limits the agreement to other places", "变更已将使用地区限定在其他地方")
_WHERE = Text("the place of use is not known, and an amendment limits it", "使用地点未知，而变更对其作了限定")
_STANDS = {
    LifeState.SUSPENDED: Text("the agreement is suspended by the supplier", "合约已被供应方暂停"),
    LifeState.HELD: Text("the agreement is suspended by the exchange", "合约已被交易所暂停"),
    LifeState.ENDED: Text("the agreement has ended", "合约已到期"),
    LifeState.TERMINATED: Text("the agreement was terminated", "合约已被终止"),
    LifeState.RETIRED: Text("the agreement was retired", "合约已停用"),
}
_NOT_PAID = Text("no grant of the agreement is running", "合约没有有效的使用权")


@dataclass(frozen=True, slots=True)
class Subject:
    """What is asked about: exactly one of the four."""

    offer_id: UUID | None = None
    listing_id: UUID | None = None
    agreement_id: UUID | None = None
    grant_id: UUID | None = None

    @property
    def count(self) -> int:
        """How many are named."""
        named = (self.offer_id, self.listing_id, self.agreement_id, self.grant_id)
        return sum(one is not None for one in named)


class AnswerView(msgspec.Struct, frozen=True):
    """The answer for one offer or agreement: permit, deny or unknown (which is a no), and the rules that decided."""

    offer: str
    agreement: str | None
    verdict: str
    allowed: bool
    reasons: list[dict[str, Any]]
    must: list[dict[str, str]]
    terms_sha256: str


class AskedReceipt(msgspec.Struct, frozen=True):
    """A question with its answer, kept under `id`: `sha256` is over the canonical form of `document`.

    Of a listing each current offer answers, and `verdict` is the best of them.
    """

    id: str
    subject: str
    verdict: str
    allowed: bool
    answers: list[AnswerView]
    document: dict[str, Any]
    sha256: str
    asked_at: str


async def ask_question(tx: Tx, actor: Actor, subject: Subject, asked: Mapping[str, Any]) -> AskedReceipt | Problem:
    """Decide a question and keep it. An offer is asked about as if it were bought now.

    shapes   asked: a question as `questions.parse` reads it, without the organisation's country
    errors   answers not-found, question-subject-wrong, question-field-wrong
    """
    if subject.count != 1:
        return QUESTION_SUBJECT(count=subject.count)
    country = (await parties.standing(tx, [actor.organisation_id]))[actor.organisation_id].country
    question = questions.parse({**asked, "organisation": {**asked.get("organisation", {}), "country": country}}, tx.now)
    if isinstance(question, list):
        return question[0]
    found = await _answers(tx, actor, subject, question)
    if not found:
        return NOT_FOUND()
    return await _keep(tx, actor, subject, question, found)


async def _answers(tx: Tx, actor: Actor, subject: Subject, question: Question) -> list[tuple[Question, AnswerView]]:
    if subject.offer_id is not None or subject.listing_id is not None:
        offers = await _offers(tx, subject)
        return [
            _of_offer(one, question)
            for one in offers
            if one.shown_to(actor.organisation_id) and one.listing_state is not ListingState.DRAFT
        ]
    agreement_id = subject.agreement_id
    if subject.grant_id is not None:
        grant = (await grants.load(tx, [subject.grant_id])).get(subject.grant_id)
        if grant is None or grant.buyer_id != actor.organisation_id:
            return []
        agreement_id = grant.agreement_id
    assert agreement_id is not None
    row = (await contracts.find_agreements(tx, [agreement_id])).get(agreement_id)
    if row is None:
        return []
    answer = await _of_agreement(tx, actor, row, question)
    return [] if answer is None else [answer]


async def _offers(tx: Tx, subject: Subject) -> Sequence[OfferForSale]:
    wanted = [] if subject.offer_id is None else [subject.offer_id]
    if subject.listing_id is not None:
        wanted = [one.id for one in await current_offers(tx, subject.listing_id)]
    return list((await load_offers(tx, wanted)).values())


def _of_offer(offer: OfferForSale, question: Question) -> tuple[Question, AnswerView]:
    document = msgspec.json.decode(offer.document)
    asked = question if question.starts_at else msgspec.structs.replace(question, starts_at=question.at)
    decision = evaluation.decide(load(document["terms"]), asked)
    return asked, _view(offer.offer_id, None, decision, document["terms"])


async def _of_agreement(
    tx: Tx, actor: Actor, row: AgreementRow, question: Question
) -> tuple[Question, AnswerView] | None:
    offer = (await load_offers(tx, [row.offer_id]))[row.offer_id]
    events = await lifecycle_store.events_of(tx, None, row.id)
    now = duties_now(row.id, row.document, row.sha256, offer.document, events)
    if now.life.holder_id != actor.organisation_id:
        return None
    stands = obligation_rules.standings(await store.of_agreement(tx, row.id))
    asked = msgspec.structs.replace(
        question,
        starts_at=now.life.starts_at,
        ends_at=now.life.ends_at if now.life.renewed else None,
        zone=now.term.zone,
        duties={**{duty.duty: "pending" for duty in now.duties}, **stands},
    )
    running = [
        one
        for one in await grants.of_orders(tx, [row.order_id])
        if one.buyer_id == actor.organisation_id and one.agreement_id == row.id
    ]
    decision = evaluation.decide(now.terms, asked)
    more = _limits(now.life, asked, granted=bool(running))
    terms = now.life.terms if now.life.terms is not None else msgspec.json.decode(offer.document)["terms"]
    return asked, _view(row.offer_id, row.id, _narrowed(decision, more), terms)


def _limits(life: Life, asked: Question, *, granted: bool) -> list[Reason]:
    """What the agreement itself says, beside its terms."""
    found = []
    if asked.purpose not in life.purposes:
        found.append(Reason("agreement", "purposes", Verdict.DENY, _NOT_BOUGHT))
    if (text := _STANDS.get(life.state(asked.at))) is not None:
        found.append(Reason("agreement", "state", Verdict.DENY, text))
    if life.territory is not None and asked.place not in life.territory:
        verdict, text = (Verdict.UNKNOWN, _WHERE) if asked.place is None else (Verdict.DENY, _OUTSIDE)
        found.append(Reason("agreement", "territory", verdict, text))
    if not granted:
        found.append(Reason("agreement", "grant", Verdict.DENY, _NOT_PAID))
    return found


def _narrowed(decision: Decision, more: list[Reason]) -> Decision:
    if not more:
        return decision
    worst = min([decision.verdict, *(one.verdict for one in more)], key=_RANK.__getitem__)
    obstacles = () if decision.allowed else decision.reasons
    return Decision(worst, (*more, *obstacles))


def _view(offer_id: UUID, agreement_id: UUID | None, decision: Decision, terms: Mapping[str, Any]) -> AnswerView:
    return AnswerView(
        offer=ids.text("ofr", offer_id),
        agreement=None if agreement_id is None else ids.text("agr", agreement_id),
        terms_sha256=sha256(canonical(terms)).hex(),
        **decision.document(),
    )


async def _keep(
    tx: Tx, actor: Actor, subject: Subject, question: Question, found: list[tuple[Question, AnswerView]]
) -> AskedReceipt:
    views = [view for _, view in found]
    verdict = max((Verdict(view.verdict) for view in views), key=_RANK.__getitem__)
    asked_id, name = tx.new_id(), _name(subject)
    document = {
        "type": "question",
        "v": 1,
        "id": ids.text("qst", asked_id),
        "organisation": ids.text("org", actor.organisation_id),
        "subject": name,
        # Of several offers each was asked the same.
        "question": questions.document(found[0][0]),
        "verdict": verdict.value,
        "answers": msgspec.to_builtins(views),
        "asked_at": _instant(tx),
    }
    data = canonical(document)
    row = AskedRow(asked_id, actor.organisation_id, actor.client_id, name, verdict.value, data, sha256(data), tx.now)
    await store.insert_question(tx, row)
    await audit.append(tx, [done(actor, "question.ask", document["id"], question=row.sha256)])
    return AskedReceipt(
        id=document["id"],
        subject=name,
        verdict=verdict.value,
        allowed=verdict is Verdict.PERMIT,
        answers=views,
        document=document,
        sha256=row.sha256.hex(),
        asked_at=document["asked_at"],
    )


def _name(subject: Subject) -> str:
    pairs = (
        ("ofr", subject.offer_id),
        ("lst", subject.listing_id),
        ("agr", subject.agreement_id),
        ("grt", subject.grant_id),
    )
    return next(ids.text(prefix, one) for prefix, one in pairs if one is not None)


def _instant(tx: Tx) -> str:
    return tx.now.isoformat().replace("+00:00", "Z")
