"""Negotiations as the Dataspace Protocol writes them: the negotiation, and each message under its own type. Pure.

The policy in a message is the licence terms that it proposes, in our ODRL profile; price and delivery are in our own document.

source   Dataspace Protocol 2025-1, JSON schemas of the contract negotiation messages
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from contracts import odrl
from contracts.negotiation import Message, Negotiation, Proposal, Verb
from contracts.odrl_profile import DSP_CONTEXT
from exchange.kernel import ids

# The protocol's own schema takes no context but addresses; the policy names our profile in `profile`.
CONTEXT = [DSP_CONTEXT]
_TYPES = {
    Verb.REQUEST: "ContractRequestMessage",
    Verb.OFFER: "ContractOfferMessage",
    Verb.ACCEPT: "ContractNegotiationEventMessage",
    Verb.AGREE: "ContractAgreementMessage",
    Verb.VERIFY: "ContractAgreementVerificationMessage",
    Verb.FINALIZE: "ContractNegotiationEventMessage",
    Verb.TERMINATE: "ContractNegotiationTerminationMessage",
    Verb.EXPIRE: "ContractNegotiationTerminationMessage",
}
_EVENTS = {Verb.ACCEPT: "ACCEPTED", Verb.FINALIZE: "FINALIZED"}


def negotiation_document(one: Negotiation) -> dict[str, Any]:
    """The protocol's ContractNegotiation, which answers every message."""
    return {"@context": CONTEXT, "@type": "ContractNegotiation", **_pids(one), "state": one.state.value}


def message_documents(one: Negotiation, messages: list[Message]) -> list[dict[str, Any]]:
    """Every message of a negotiation in the protocol's form, the first one first."""
    written, proposal = [], None
    for message in messages:
        proposal = message.proposal or proposal
        assert proposal is not None, "a negotiation begins with a proposal"
        written.append(_message(one, message, proposal))
    return written


def _message(one: Negotiation, message: Message, proposal: Proposal) -> dict[str, Any]:
    head = {"@context": CONTEXT, "@type": _TYPES[message.verb], **_pids(one)}
    terms, target = proposal.document["terms"], _urn(one.listing_id)
    if message.verb in (Verb.REQUEST, Verb.OFFER):
        offer = odrl.offer(terms, _urn(message.id), target=target, context=False)
        return {**head, "offer": offer}
    if message.verb is Verb.AGREE:
        agreement = odrl.agreement(
            terms,
            _urn(ids.parse("qte", message.content["binding"]["quote"]["id"])),
            target=target,
            assigner=_urn(one.seller_id),
            assignee=_urn(one.buyer_id),
            concluded_at=message.created_at,
            context=False,
        )
        return {**head, "agreement": agreement}
    if message.verb in _EVENTS:
        return {**head, "eventType": _EVENTS[message.verb]}
    if message.verb is Verb.VERIFY:
        return head
    said = message.content
    reasons = list((said["note"] or {}).values()) or [said["reason"]["code"]]
    return {**head, "code": said["reason"]["code"], "reason": reasons}


def _pids(one: Negotiation) -> dict[str, str]:
    # Both sides live on this exchange; each still has an id of its own, as the protocol wants it (RFC 8141, f-component).
    return {"providerPid": f"{_urn(one.id)}#provider", "consumerPid": f"{_urn(one.id)}#consumer"}


def _urn(value: UUID) -> str:
    return f"urn:uuid:{value}"
