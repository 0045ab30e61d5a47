"""Offers: immutable versions of a price plan, terms, delivery and shares. Here only their outer form is checked."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from exchange.catalog.listings import Listing, ListingState
from exchange.catalog.problems import LISTING_STATE, OFFER_INVALID, OFFER_UNCHANGED, OFFERS_TOO_MANY
from exchange.catalog.settings import CatalogSettings
from exchange.kernel import ids
from exchange.kernel.canonical import NotCanonical, canonical, sha256
from exchange.kernel.errors import Problem
from exchange.kernel.text import Text

WEIGHTS_TOTAL = 10_000
SHARES_MAX = 20
# Those of a split rule come from it, checked there.
RULE_SHARES_MAX = 150
RULE_WEIGHT_MAX = 1_000_000_000
FIELDS = frozenset({"type", "v", "kind", "currency", "plan", "terms", "delivery", "shares"})
# The legal frame, without which every part of it is shown as missing; and the rule that the shares were taken from.
OPTIONAL = frozenset({"frame", "split_rule"})
# These two are known without being named: the listing's supplier, and the exchange.
_NAMELESS = frozenset({"supplier", "platform", "tax", "pool", "clearing"})
_ROLE = re.compile(r"[a-z][a-z_]{2,39}\Z")
_CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,39}\Z")
_CURRENCY = re.compile(r"[A-Z]{3}\Z")


class OfferKind(StrEnum):
    """How one pays."""

    ONE_OFF = "one_off"
    SUBSCRIPTION = "subscription"
    PAY_PER_USE = "pay_per_use"


class OfferStanding(StrEnum):
    """Whether a version of an offer can still be bought."""

    CURRENT = "current"
    SUPERSEDED = "superseded"
    WITHDRAWN = "withdrawn"
    # A private version that is bought by ending its negotiation, and in no other way.
    RESERVED = "reserved"


@dataclass(frozen=True, slots=True)
class Offer:
    """One version of an offer. `code` names the offer in its listing; `entry_units` is the least paid to start.

    shapes   private: only its supplier and its audience know of it
    """

    id: UUID
    listing_id: UUID
    supplier_id: UUID
    code: str
    version: int
    kind: OfferKind
    currency: str
    entry_units: int
    document: bytes
    sha256: bytes
    created_at: datetime
    private: bool = False


@dataclass(frozen=True, slots=True)
class OfferForSale:
    """All that a purchase needs to know of an offer, its listing and its revision.

    shapes   audience: the organisations that may know of a private offer; None: everybody may
    """

    offer_id: UUID
    listing_id: UUID
    dataset_id: UUID
    revision_id: UUID
    supplier_id: UUID
    code: str
    version: int
    kind: OfferKind
    currency: str
    document: bytes
    sha256: bytes
    standing: OfferStanding
    listing_state: ListingState
    revision_sha256: bytes
    audience: frozenset[UUID] | None = None

    def shown_to(self, organisation_id: UUID | None) -> bool:
        """Whether an organisation (None: anybody) may know that this offer exists."""
        return self.audience is None or organisation_id == self.supplier_id or organisation_id in self.audience

    @property
    def for_sale(self) -> bool:
        """Whether a new order may be made of it."""
        return self.listing_state is ListingState.PUBLISHED and self.standing is OfferStanding.CURRENT


@dataclass(frozen=True, slots=True)
class OfferRequest:
    """What a supplier hands in: the offer's name in its listing, and the document."""

    listing_id: UUID
    code: str
    document: Mapping[str, Any]


def version(
    request: OfferRequest,
    listing: Listing,
    current: Sequence[Offer],
    *,
    entry_units: int,
    latest: int,
    new_id: UUID,
    now: datetime,
    settings: CatalogSettings,
) -> Offer | Problem:
    """Make the next version of an offer; `current` holds the listing's current offers, `latest` this one's last number.

    The same document again is refused, so that a repeated request makes no second version.
    """
    if listing.state not in (ListingState.DRAFT, ListingState.PUBLISHED):
        return LISTING_STATE(state=listing.state.value, wanted="offered")
    body = encode(request, settings)
    if isinstance(body, Problem):
        return body
    before = next((offer for offer in current if offer.code == request.code), None)
    if before is None and len(current) >= settings.offers_max:
        return OFFERS_TOO_MANY(limit=settings.offers_max)
    if before is not None and before.document == body:
        return OFFER_UNCHANGED(version=before.version, offer=ids.text("ofr", before.id))
    return Offer(
        id=new_id,
        listing_id=listing.id,
        supplier_id=listing.supplier_id,
        code=request.code,
        version=latest + 1,
        kind=OfferKind(request.document["kind"]),
        currency=request.document["currency"],
        entry_units=entry_units,
        document=body,
        sha256=sha256(body),
        created_at=now,
    )


def encode(request: OfferRequest, settings: CatalogSettings) -> bytes | Problem:
    """Check the outer form of an offer and write its canonical bytes; plan and terms belong to other packages."""
    document = request.document
    if not _CODE.match(request.code):
        return _wrong("code", "it has other signs than a-z, 0-9 and '-'", "只能使用 a-z、0-9 和 “-”")
    if not FIELDS <= set(document) <= FIELDS | OPTIONAL:
        names, also = ", ".join(sorted(FIELDS)), ", ".join(sorted(OPTIONAL))
        return _wrong(
            "document",
            f"it needs exactly the fields {names}, and may have {also}",
            f"需要且仅需要以下字段：{names}；另可包含 {also}",
        )
    if document["type"] != "offer" or document["v"] != 1:
        return _wrong("type", "it is not an offer of version 1", "不是 v1 报价方案")
    if document["kind"] not in [kind.value for kind in OfferKind]:
        return _wrong(
            "kind", "it is not one_off, subscription or pay_per_use", "应为 one_off、subscription 或 pay_per_use"
        )
    if not isinstance(document["currency"], str) or not _CURRENCY.match(document["currency"]):
        return _wrong("currency", "it is no ISO 4217 code such as CNY", "应为 ISO 4217 货币代码，例如 CNY")
    for field in ("plan", "terms", *sorted(OPTIONAL & set(document))):
        if not isinstance(document[field], dict) or not document[field]:
            return _wrong(field, "it is not an object", "应为非空对象")
    reason = _check_delivery(document["delivery"])
    if reason is not None:
        return OFFER_INVALID(field="delivery", reason=reason)
    reason = _check_shares(document["shares"], ruled="split_rule" in document)
    if reason is not None:
        return OFFER_INVALID(field="shares", reason=reason)
    try:
        body = canonical(dict(document))
    except NotCanonical:
        return _wrong(
            "document",
            "it has fractions or huge numbers; write amounts as strings",
            "含有小数或过大的数字，金额请用字符串表示",
        )
    if len(body) > settings.offer_document_max_bytes:
        limit = settings.offer_document_max_bytes
        return _wrong("document", f"it is larger than {limit} bytes", f"超过 {limit} 字节")
    return body


def _check_delivery(delivery: object) -> Text | None:
    if not isinstance(delivery, dict) or set(delivery) != {"files", "rows"}:
        return Text("it needs the two fields files and rows", "需要 files 和 rows 两个字段")
    if not all(isinstance(value, bool) for value in delivery.values()):
        return Text("files and rows must be true or false, not anything else", "files 和 rows 须为 true 或 false")
    if not any(delivery.values()):
        return Text(
            "files or rows must be true, else nothing is delivered", "files 与 rows 至少一项须为 true，否则没有交付内容"
        )
    return None


def _check_shares(shares: object, *, ruled: bool) -> Text | None:
    most, weight_most = (RULE_SHARES_MAX, RULE_WEIGHT_MAX) if ruled else (SHARES_MAX, WEIGHTS_TOTAL)
    if not isinstance(shares, list) or not 1 <= len(shares) <= most:
        return Text(f"it is not a list of 1 to {most} shares", f"应为 1 至 {most} 项的列表")
    seen: set[tuple[str, str]] = set()
    total = 0
    for share in shares:
        if not isinstance(share, dict) or not {"role", "weight"} <= set(share) <= {"role", "weight", "organisation"}:
            return Text(
                "a share has role, weight and, for a third party, organisation",
                "每项应包含 role、weight，第三方还需 organisation",
            )
        role, weight, party = share["role"], share["weight"], share.get("organisation", "")
        if not isinstance(role, str) or not _ROLE.match(role):
            return Text("a role is a word such as broker", "role 应为单词，例如 broker")
        if type(weight) is not int or not 0 <= weight <= weight_most:
            return Text(f"a weight is a whole number from 0 to {weight_most}", f"weight 应为 0 到 {weight_most} 的整数")
        if (role in _NAMELESS) == bool(party) or (party and not _is_organisation(party)):
            return Text(
                "supplier, platform, pool and tax name no organisation, every other role names one",
                "supplier、platform、pool 与 tax 不填 organisation，其他角色必须填写有效的 organisation",
            )
        if (role, party) in seen:
            return Text("one party has the same role twice", "同一机构的同一角色重复")
        seen.add((role, party))
        total += weight
    if not ruled and (total != WEIGHTS_TOTAL or ("supplier", "") not in seen):
        return Text(
            f"the weights must sum to {WEIGHTS_TOTAL}, not to {total}, and one share must be the supplier's",
            f"weight 合计须为 {WEIGHTS_TOTAL}，不能为 {total}；且须有一项为 supplier",
        )
    return None


def _is_organisation(value: object) -> bool:
    try:
        ids.parse("org", str(value))
    except ids.BadId:
        return False
    return True


def _wrong(field: str, english: str, chinese: str) -> Problem:
    return OFFER_INVALID(field=field, reason=Text(english, chinese))
