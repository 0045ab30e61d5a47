"""Stripe's webhooks: the signature, its age, and the event as it was signed."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime

import stripe

from settlement.provider_events import ProviderEvent

API_VERSION = str(stripe.api_version)
WEBHOOK_TOLERANCE_S = 300
# Stripe promises that no id is longer than 255 characters.
_NAME = re.compile(r"[\x21-\x7e]{1,255}")


class BadWebhook(Exception):
    """The signature, its age or the body is not Stripe's."""


def verify(payload: bytes, signature: str, secrets: Sequence[str], now: datetime) -> ProviderEvent:
    """Read a webhook that is signed with one of the endpoint's secrets and not older than five minutes.

    errors   BadWebhook
    source   https://docs.stripe.com/webhooks#verify-manually
    """
    if not any(_signed(payload, signature, secret) for secret in secrets):
        raise BadWebhook("the signature does not match")
    try:
        sent_at = int(next(part for part in signature.split(",") if part.startswith("t="))[2:])
    except (StopIteration, ValueError) as error:
        raise BadWebhook("the signature does not match") from error
    if abs(now.timestamp() - sent_at) > WEBHOOK_TOLERANCE_S:
        raise BadWebhook("the signature is too old")
    return read_event(payload)


def read_event(payload: bytes) -> ProviderEvent:
    """An event as Stripe writes it.

    errors   BadWebhook
    """
    try:
        event = json.loads(payload)
        data = event["data"]["object"]
        return ProviderEvent(
            id=_name(event["id"]),
            type=_name(event["type"]),
            # Some objects, such as a balance, have no id.
            object_id=_name(data["id"]) if data.get("id") is not None else "",
            payload=payload,
            created=datetime.fromtimestamp(event["created"], UTC),
            account=_name(event["account"]) if event.get("account") is not None else None,
            livemode=bool(event["livemode"]) if "livemode" in event else None,
            api_version=_name(event["api_version"]) if event.get("api_version") is not None else None,
        )
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, OSError, RecursionError) as error:
        raise BadWebhook("the body is no event") from error


def _signed(payload: bytes, signature: str, secret: str) -> bool:
    if not secret:
        return False
    try:
        # The age is judged by the time handed in, so the SDK's own clock is left out (tolerance None).
        stripe.WebhookSignature.verify_header(payload, signature, secret, None)
    except (stripe.SignatureVerificationError, UnicodeDecodeError, ValueError):
        return False
    return True


def _name(value: object) -> str:
    """An id or a type as Stripe writes them; what is none fits no column of ours, such as a zero byte or half a character.

    errors   ValueError
    """
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise ValueError("no name of Stripe's")
    return value
