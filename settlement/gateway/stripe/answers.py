"""What Stripe answers: the object as it is there, or what is known after an error."""

from __future__ import annotations

from dataclasses import dataclass

from settlement.provider_objects import Account as Account
from settlement.provider_objects import BankPayout as BankPayout
from settlement.provider_objects import Dispute as Dispute
from settlement.provider_objects import File as File
from settlement.provider_objects import Payment as Payment
from settlement.provider_objects import Refund as Refund
from settlement.provider_objects import Reversal as Reversal
from settlement.provider_objects import Seen
from settlement.provider_objects import Session as Session
from settlement.provider_objects import Transfer as Transfer


@dataclass(frozen=True, slots=True)
class Refused:
    """Definitely not done. `code` is Stripe's error code; a card also has its decline code.

    The refusal is kept under the idempotency key: a later attempt (`balance_insufficient`) needs a new key.
    """

    code: str
    message: str
    decline_code: str | None = None
    object_id: str | None = None
    param: str | None = None


@dataclass(frozen=True, slots=True)
class Retry:
    """Not done and nothing wrong with the request: send it again later with the same key."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """Perhaps done. Send it again with the same key, or look it up; never with a new key before that.

    `kept`: Stripe keeps this very answer under the key, so sending it again tells nothing new.
    """

    code: str
    message: str
    kept: bool = False


@dataclass(frozen=True, slots=True)
class Missing:
    """A look-up found nothing: Stripe has no such object."""


Made = Seen
PaymentAnswer = Payment | Refused | Retry | Unknown
AccountAnswer = Account | Refused | Retry | Unknown
TransferAnswer = Transfer | Refused | Retry | Unknown
BankPayoutAnswer = BankPayout | Refused | Retry | Unknown
SessionAnswer = Session | Refused | Retry | Unknown
RefundAnswer = Refund | Refused | Retry | Unknown
ReversalAnswer = Reversal | Refused | Retry | Unknown
DisputeAnswer = Dispute | Refused | Retry | Unknown
FileAnswer = File | Refused | Retry | Unknown


class NotPayable(ValueError):
    """An amount Stripe cannot take: not rounded to the smallest coin, not above zero, or an odd currency."""
