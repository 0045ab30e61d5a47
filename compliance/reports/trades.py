"""What is known of one order, as the reports on trades take it: from the log first, and beside it what the tables say. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from compliance.entries import moment

# What the log calls an order that was placed.
ORDERED = "purchase"
# And what it calls an agreement that another buyer took over, with the right to use the data.
PASSED_ON = "agreement.transfer"


class Told(NamedTuple):
    """An entry of the log, read."""

    leaf_index: int
    envelope: Mapping[str, Any]

    def digest(self, name: str) -> str | None:
        """One of the entry's digests, in hex."""
        found: str | None = self.envelope["digests"].get(name)
        return found

    def text(self, name: str) -> str | None:
        """One of the entry's plain fields."""
        found: str | None = self.envelope[name]
        return found


@dataclass(frozen=True, slots=True)
class Identity:
    """What was known of a party when the order was placed.

    shapes   `decision` is the newest by then that moved its state, with who decided; `evidence`: the documents on file by then
    """

    organisation_id: UUID
    country: str
    state: str | None
    decision: str | None
    decided_by: str | None
    decided_at: datetime | None
    evidence: tuple[bytes, ...]

    @property
    def verified(self) -> bool:
        """Whether it was verified then."""
        return self.state == "verified"


@dataclass(frozen=True, slots=True)
class Source:
    """What the supplier says of where the data comes from."""

    provenance: Mapping[str, str]
    licence: str
    modality: str
    personal_data: str
    legal_basis: str | None
    cross_border_basis: str | None
    digest: bytes


@dataclass(frozen=True, slots=True)
class Terms:
    """What of an offer the reports repeat.

    shapes   `ways`: files, rows; `duties`: as the terms name them
    """

    licence: str
    terms_sha256: str
    ways: tuple[str, ...]
    duties: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Opened:
    """Access that an order brought."""

    id: UUID
    dataset_id: UUID
    revision_id: UUID
    purposes: tuple[str, ...]
    meters: tuple[str, ...]
    quota: str
    starts_at: datetime
    ends_at: datetime | None
    state: str
    created_at: datetime
    first_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class Sold:
    """The order itself.

    units    `price` is a decimal text in `currency`
    """

    price: str
    currency: str
    payment: str
    paid_at: datetime | None


@dataclass(frozen=True, slots=True)
class Trade:
    """One order, or one that was passed on, as the log tells it, with everything on file; what is missing there is None.

    shapes   `grants` are those that the entry opened, `buyer` is who got them
    """

    told: Told
    order_id: UUID | None = None
    buyer_id: UUID | None = None
    buyer: Identity | None = None
    seller: Identity | None = None
    seller_id: UUID | None = None
    offer_id: UUID | None = None
    sold: Sold | None = None
    agreement: bytes | None = None
    agreement_sha256: bytes | None = None
    terms: Terms | None = None
    grants: tuple[Opened, ...] = ()
    sources: Mapping[UUID, Source] | None = None
    files_gone: frozenset[bytes] = frozenset()

    def with_access(self, grants: Sequence[Opened], sources: Mapping[UUID, Source]) -> Trade:
        """The same with the access that it brought, and what was said of the data."""
        known = {one.dataset_id: sources[one.dataset_id] for one in grants if one.dataset_id in sources}
        return replace(self, grants=tuple(grants), sources=known)

    @property
    def altered(self) -> bool:
        """Whether the agreement on file is another than the log's; an entry that has no hash of it says nothing."""
        logged = self.told.digest("agreement")
        return logged is not None and self.agreement_sha256 is not None and self.agreement_sha256.hex() != logged

    def source(self) -> Source | None:
        """What the supplier said of the data."""
        return next(iter((self.sources or {}).values()), None)


def at(time: datetime | None) -> str | None:
    """A time as it stands in a report."""
    return None if time is None else moment(time)
