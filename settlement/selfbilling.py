"""Self-billing: the words that a payee accepts before the exchange writes papers in its place, and what stands of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from exchange.kernel.canonical import canonical, sha256
from settlement.legal import Selling

_WORDS = {
    "en": [
        "The exchange writes the invoices and credit notes for what you supply to it, in your name and on your behalf.",
        "You write no invoices of your own for these supplies while this agreement is in force.",
        "You accept each document unless you object within 30 days of its date; a correction is a document of its own.",
        "You tell the exchange at once when your registration for tax, your name or your address changes.",
        "Numbers run without a gap in one series for you in each year. You keep your copies as your law asks.",
        "Either side may end this agreement at any time for what is released afterwards.",
    ],
    "zh": [
        "对于您向交易所提供的服务，由交易所以您的名义并代您开具账单和贷项通知单。",
        "本协议有效期间，您不再就上述服务自行开具账单。",
        "您在单据日期后 30 天内未提出异议的，视为接受；更正须另开单据。",
        "您的税务登记、名称或地址发生变更时，须立即告知交易所。",
        "您的单据编号按年连续，不断号。您须依当地法律保存副本。",
        "任何一方均可随时终止本协议，终止后结算的款项不再适用。",
    ],
}
_SOURCE = "Council Directive 2006/112/EC, Art. 224 and 226 (10a)"


@dataclass(frozen=True, slots=True)
class Agreement:
    """An agreement that a payee accepted: these very words, at a moment, by one of its clients."""

    id: UUID
    organisation_id: UUID
    document: bytes
    sha256: bytes
    accepted_by: UUID
    accepted_at: datetime
    ended_at: datetime | None = None


def words(operator: str) -> dict[str, Any]:
    """What is to be accepted now, as canonical JSON has it."""
    return {
        "type": "self_billing_agreement",
        "v": 1,
        "issuer": operator,
        "selling": Selling.AGENT.value,
        "kinds": ["389", "261"],
        "text": _WORDS,
        "source": _SOURCE,
    }


def words_bytes(operator: str) -> tuple[bytes, bytes]:
    """The words as bytes, and their digest: whoever accepts names it."""
    document = canonical(words(operator))
    return document, sha256(document)
