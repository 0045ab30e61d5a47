"""A written call sent to Stripe, or looked for there; every answer is held against what was asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from exchange.kernel.money import Money
from settlement.gateway.stripe.answers import (
    Account,
    BankPayout,
    Dispute,
    File,
    Made,
    Missing,
    NotPayable,
    Payment,
    Refund,
    Refused,
    Retry,
    Reversal,
    Session,
    Transfer,
    Unknown,
)
from settlement.gateway.stripe.client import StripeGateway
from settlement.provider_calls import OTHER_ANSWER, Call, CallKind
from settlement.transfer_sources import GROUP, SOURCE


@dataclass(frozen=True, slots=True)
class Done:
    """What was asked for exists at Stripe, and is what was asked for."""

    made: Made


# Which of Stripe's pages a call goes to; each has a limit of its own there.
ENDPOINTS: Mapping[CallKind, str] = {
    CallKind.CHARGE: "payment_intents",
    CallKind.TRANSFER: "transfers",
    CallKind.PAYOUT: "payouts",
    CallKind.ACCOUNT: "accounts",
    CallKind.CHECKOUT: "checkout_sessions",
    CallKind.REFUND: "refunds",
    CallKind.REVERSAL: "transfer_reversals",
    CallKind.FILE: "files",
    CallKind.EVIDENCE: "disputes",
}


async def send(gateway: StripeGateway, call: Call, content: bytes = b"") -> Done | Refused | Retry | Unknown:
    """Send a call under its key. What came back and is not what was asked for is unknown, and says so.

    shapes   content: of a file that is uploaded; its request has the hash
    """
    try:
        return held_against(call, await _sent(gateway, call, content))
    except NotPayable as error:
        return Refused("not_payable", str(error))


async def _sent(gateway: StripeGateway, call: Call, content: bytes) -> Made | Refused | Retry | Unknown:
    said, name = call.request, call.name
    answer: Made | Refused | Retry | Unknown
    match call.kind:
        case CallKind.CHARGE:
            mandate = {one: said[one] for one in ("ip_address", "user_agent") if one in said}
            answer = await gateway.create_payment_intent(
                *(name, amount_of(said), said.get("customer"), said["payment_method"] or None, name, call.key),
                return_url=said.get("return_url"),
                mandate=mandate or None,
            )
        case CallKind.TRANSFER:
            answer = await gateway.transfer(
                *(name, amount_of(said), said["destination"], said.get(GROUP, name), call.key), source=said.get(SOURCE)
            )
        case CallKind.PAYOUT:
            answer = await gateway.pay_to_bank(name, amount_of(said), said["account"], call.key)
        case CallKind.ACCOUNT:
            # Calls that were written before countries had agreements of their own went out under this one.
            agreement = said.get("agreement", "recipient")
            answer = await gateway.create_account(name, said["country"], idempotency_key=call.key, agreement=agreement)
        case CallKind.CHECKOUT:
            kinds = said["kinds"].split(",")
            answer = await gateway.pages.create(name, amount_of(said), kinds, said["return_url"], call.key)
        case CallKind.REFUND:
            answer = await gateway.back.refund(name, said["payment"], amount_of(said), call.key)
        case CallKind.REVERSAL:
            answer = await gateway.back.reverse(name, said["transfer"], amount_of(said), call.key)
        case CallKind.FILE:
            answer = await gateway.back.upload(said["name"], content, call.key)
        case CallKind.EVIDENCE:
            evidence = {
                one.removeprefix("evidence."): text for one, text in said.items() if one.startswith("evidence.")
            }
            answer = await gateway.back.answer_dispute(name, said["dispute"], evidence, call.key)
    return answer


async def look(gateway: StripeGateway, call: Call) -> Done | Missing | Retry | Unknown:
    """Look for what a call may have made, by our own names in Stripe's metadata."""
    said, name = call.request, call.name
    answer: Made | Missing | Refused | Retry | Unknown
    match call.kind:
        case CallKind.CHARGE:
            answer = await gateway.find_payment(name, name)
        case CallKind.TRANSFER:
            answer = await gateway.find_transfer(name, said.get(GROUP, name))
        case CallKind.PAYOUT:
            answer = await gateway.find_bank_payout(name, said["account"], call.first_sent_at)
        case CallKind.ACCOUNT:
            answer = await gateway.find_account(name, call.first_sent_at)
        case CallKind.CHECKOUT:
            answer = await gateway.pages.find(name, call.first_sent_at)
        case CallKind.REFUND:
            answer = await gateway.back.find_refund(name, said["payment"])
        case CallKind.REVERSAL:
            answer = await gateway.back.find_reversal(name, said["transfer"])
        case CallKind.FILE:
            answer = await gateway.back.find_file(said["name"], call.first_sent_at)
        case CallKind.EVIDENCE:
            seen = await gateway.back.fetch_dispute(said["dispute"])
            answer = Missing() if isinstance(seen, Dispute) and seen.answer != name else seen
    if isinstance(answer, Missing):
        return answer
    found = held_against(call, answer)
    # That a look-up was refused says nothing of what it looked for.
    return Unknown(f"look_{found.code}", found.message) if isinstance(found, Refused) else found


def held_against(call: Call, answer: Made | Refused | Retry | Unknown) -> Done | Refused | Retry | Unknown:
    """The answer, unless it is about something else than what the call asked for."""
    if isinstance(answer, Refused | Retry | Unknown):
        return answer
    differs = [name for name, (asked, got) in _compared(call, answer).items() if asked != got]
    if differs:
        return Unknown(OTHER_ANSWER, f"{answer.id} differs from what was asked for in: {', '.join(differs)}", kept=True)
    return Done(answer)


def amount_of(said: Mapping[str, str]) -> Money:
    """The amount that a written request names."""
    return Money.from_wire({"amount": said["amount"], "currency": said["currency"]})


def _compared(call: Call, made: Made) -> dict[str, tuple[object, object]]:
    """What was asked for, and what came back."""
    said = call.request
    match made:
        case Payment():
            same = {"kind": CallKind.CHARGE, "metadata": made.payment, "amount": made.amount}
            if made.state == "succeeded":
                same["received"] = made.received
        case Transfer():
            same = {
                "kind": CallKind.TRANSFER,
                "metadata": made.payout,
                "amount": made.amount,
                "destination": made.destination,
                SOURCE: made.source,
            }
        case BankPayout():
            same = {"kind": CallKind.PAYOUT, "metadata": made.payout, "amount": made.amount}
        case Account():
            same = {"kind": CallKind.ACCOUNT, "metadata": made.organisation, "country": made.country}
        case Session():
            same = {"kind": CallKind.CHECKOUT, "metadata": made.payment, "amount": made.amount}
        case Refund():
            same = {
                "kind": CallKind.REFUND,
                "metadata": made.refund,
                "amount": made.amount,
                "payment": made.payment_id,
            }
        case Reversal():
            same = {
                "kind": CallKind.REVERSAL,
                "metadata": made.recovery,
                "amount": made.amount,
                "transfer": made.transfer_id,
            }
        case File():
            same = {"kind": CallKind.FILE, "name": made.name, "size": str(made.size_bytes)}
        case Dispute():
            same = {"kind": CallKind.EVIDENCE, "metadata": made.answer, "dispute": made.id}
    asked: dict[str, object] = {"kind": call.kind, "metadata": call.name, **said}
    if "amount" in said:
        asked["amount"] = asked["received"] = amount_of(said)
    return {name: (asked.get(name), got) for name, got in same.items()}
