"""What goes back through Stripe: refunds to payers, reversals of transfers, and what we say to a payer's bank."""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import stripe

from exchange.kernel.money import Money
from settlement.gateway.stripe import reading
from settlement.gateway.stripe.amounts import minor
from settlement.gateway.stripe.answers import (
    DisputeAnswer,
    FileAnswer,
    Missing,
    RefundAnswer,
    Refused,
    Retry,
    ReversalAnswer,
    Unknown,
)
from settlement.gateway.stripe.reading import CLOCKS_DIFFER_S, outcome

if TYPE_CHECKING:
    from stripe.params import FileListParams, RefundListParams, TransferReversalListParams

# What Stripe says of a refund's movement is asked for with it.
_REFUND = ["balance_transaction", "failure_balance_transaction"]


class Back:
    """The calls for money that goes back, over one client of the SDK."""

    def __init__(self, client: stripe.StripeClient) -> None:
        """Use a client; nothing is sent."""
        self._v1 = client.v1

    # --- to payers -------------------------------------------------------------------------
    async def refund(self, refund_text: str, intent_id: str, amount: Money, idempotency_key: str) -> RefundAnswer:
        """Give a payer money back; transfers to payees stay and are reversed on their own.

        errors   Refused charge_already_refunded, charge_disputed; NotPayable
        """
        made = await outcome(
            self._v1.refunds.create_async(
                {
                    "payment_intent": intent_id,
                    "amount": minor(amount),
                    "metadata": {"refund": refund_text},
                    "expand": _REFUND,
                },
                {"idempotency_key": idempotency_key},
            )
        )
        return reading.refund(made) if isinstance(made, stripe.Refund) else made

    async def fetch_refund(self, refund_id: str) -> RefundAnswer:
        """The refund as it is now."""
        made = await outcome(self._v1.refunds.retrieve_async(refund_id, {"expand": _REFUND}))
        return reading.refund(made) if isinstance(made, stripe.Refund) else made

    async def find_refund(self, refund_text: str, intent_id: str) -> RefundAnswer | Missing:
        """Look for what an unknown call gave back of a payment."""
        params: RefundListParams = {"payment_intent": intent_id, "limit": 100}
        while True:
            page = await outcome(self._v1.refunds.list_async(params))
            if not isinstance(page, stripe.ListObject):
                return page
            for made in page.data:
                if reading.named(made, "refund") == refund_text:
                    return await self.fetch_refund(made.id)
            if not page.has_more:
                return Missing()
            params["starting_after"] = page.data[-1].id

    # --- from payees -----------------------------------------------------------------------
    async def reverse(
        self, recovery_text: str, transfer_id: str, amount: Money, idempotency_key: str
    ) -> ReversalAnswer:
        """Bring a transfer back, in whole or in part, as far as the payee still has it.

        errors   Refused balance_insufficient; NotPayable
        """
        made = await outcome(
            self._v1.transfers.reversals.create_async(
                transfer_id,
                {"amount": minor(amount), "metadata": {"recovery": recovery_text}},
                {"idempotency_key": idempotency_key},
            )
        )
        return reading.reversal(made) if isinstance(made, stripe.TransferReversal) else made

    async def find_reversal(self, recovery_text: str, transfer_id: str) -> ReversalAnswer | Missing:
        """Look for what an unknown call took back of a transfer."""
        params: TransferReversalListParams = {"limit": 100}
        while True:
            page = await outcome(self._v1.transfers.reversals.list_async(transfer_id, params))
            if not isinstance(page, stripe.ListObject):
                return page
            for made in page.data:
                if reading.named(made, "recovery") == recovery_text:
                    return reading.reversal(made)
            if not page.has_more:
                return Missing()
            params["starting_after"] = page.data[-1].id

    async def available(self, account_id: str, currency: str) -> Money | Refused | Retry | Unknown:
        """What a connected account can give back at this moment; below zero where it owes Stripe."""
        made = await outcome(self._v1.balance.retrieve_async({}, {"stripe_account": account_id}))
        if not isinstance(made, stripe.Balance):
            return made
        there = sum(line.amount for line in made.available if line.currency.upper() == currency)
        return reading.money(there, currency)

    # --- to payers' banks ------------------------------------------------------------------
    async def fetch_dispute(self, dispute_id: str) -> DisputeAnswer:
        """The dispute as it is now."""
        made = await outcome(self._v1.disputes.retrieve_async(dispute_id))
        return reading.dispute(made) if isinstance(made, stripe.Dispute) else made

    async def upload(self, name: str, content: bytes, idempotency_key: str) -> FileAnswer:
        """Upload a paper that shall be evidence, under a name of ours."""
        body = io.BytesIO(content)
        body.name = name
        params: Any = {"purpose": "dispute_evidence", "file": body}
        made = await outcome(self._v1.files.create_async(params, {"idempotency_key": idempotency_key}))
        return reading.file(made) if isinstance(made, stripe.File) else made

    async def find_file(self, name: str, since: datetime) -> FileAnswer | Missing:
        """Look for what an unknown upload left; a file is known by its name alone."""
        params: FileListParams = {
            "purpose": "dispute_evidence",
            "created": {"gte": int(since.timestamp()) - CLOCKS_DIFFER_S},
            "limit": 100,
        }
        while True:
            page = await outcome(self._v1.files.list_async(params))
            if not isinstance(page, stripe.ListObject):
                return page
            for made in page.data:
                if made.filename == name:
                    return reading.file(made)
            if not page.has_more:
                return Missing()
            params["starting_after"] = page.data[-1].id

    async def answer_dispute(
        self, answer_text: str, dispute_id: str, evidence: Mapping[str, str], idempotency_key: str
    ) -> DisputeAnswer:
        """Hand evidence in; a payer's bank reads it once.

        shapes   evidence: fields of Stripe's, texts and ids of files
        errors   Refused where the dispute is over
        """
        params: Any = {"evidence": dict(evidence), "submit": True, "metadata": {"answer": answer_text}}
        made = await outcome(self._v1.disputes.update_async(dispute_id, params, {"idempotency_key": idempotency_key}))
        return reading.dispute(made) if isinstance(made, stripe.Dispute) else made
