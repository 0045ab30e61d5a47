"""One object's money from where it came to where it went, with the rule and the period of each step: `exchange ledger trace`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from uuid import UUID

import msgspec

from exchange.catalog.offers import OfferForSale
from exchange.catalog.store import listings
from exchange.flows.sale import Sales
from exchange.kernel import ids
from exchange.kernel.db import Tx
from exchange.kernel.errors import NOT_FOUND, Problem
from exchange.kernel.money import UNITS_PER_MAJOR, Money, decimal_text
from exchange.parties import store as parties
from settlement.accounts import AccountKey, AccountKind
from settlement.conversion import value_text
from settlement.problems import TRACE_TOO_WIDE
from settlement.provenance import EDGE, At, Holder, Out, Passage, Rule, TooMany, Walk
from settlement.splits import Role, Share
from settlement.store import orders
from settlement.store import provenance as store
from settlement.store.provenance import TRACEABLE, JournalHead
from settlement.store.sources import names_of

# Shares that no organisation gets, by the account of the exchange that they lie on.
_ROLES = {AccountKind.REVENUE: Role.PLATFORM, AccountKind.POOL: Role.POOL, AccountKind.CLEARING: Role.CLEARING}
# A refund goes back from what was paid, so it is not what one unit of the start is measured by.
_BACK = frozenset({"refund", "service_credit"})


class AccountView(msgspec.Struct, frozen=True):
    """Whose account of which kind; no organisation: the exchange's own."""

    kind: str
    organisation: str | None
    currency: str


class Taken(msgspec.Struct, frozen=True):
    """From which earlier (or, for money that was advanced, later) journal a step's money was, by which rule."""

    journal: str
    kind: str
    source: str
    amount: dict[str, str]
    rule: str


class SplitShare(msgspec.Struct, frozen=True):
    """By which share of which offer a payee got its part, and by which version of a split rule, if the offer names one."""

    offer: str
    rule: str | None
    role: str
    weight: int
    of: int


class RateUsed(msgspec.Struct, frozen=True):
    """At which rate money was converted."""

    rate: str
    value: str
    source: str


class ProvenanceStep(msgspec.Struct, frozen=True):
    """Money that went from one account to another in one journal.

    `per_one` says how much of each 1 at the start that is; `arrived` differs from `amount` at a conversion only.
    """

    at: str
    journal: str
    kind: str
    source: str
    rule: str
    from_account: AccountView
    to_account: AccountView
    amount: dict[str, str]
    arrived: dict[str, str]
    per_one: str
    taken: list[Taken]
    split: list[SplitShare]
    rate: RateUsed | None
    period: dict[str, str] | None
    occasion: str | None


class ProvenanceEnd(msgspec.Struct, frozen=True):
    """Where money began (`outside`, `advanced`) or ended (`outside`, `rests`), and how much of each 1 at the start it is."""

    account: AccountView
    kind: str
    source: str
    state: str
    amount: dict[str, str]
    per_one: str


class ProvenanceHolder(msgspec.Struct, frozen=True):
    """What of the money one organisation has in all, or one account of the exchange; nothing where it gave all of it back.

    What was paid out to it counts, what it owes after a refund is taken off; all holders have what came in from outside.
    """

    organisation: str | None
    account: str | None
    amount: dict[str, str]
    per_one: str


class Provenance(msgspec.Struct, frozen=True):
    """The way of one object's money: what it began with, where that was from, each step, where it is now, who has it."""

    named: str
    started: list[dict[str, str]]
    origins: list[ProvenanceEnd]
    steps: list[ProvenanceStep]
    ends: list[ProvenanceEnd]
    holders: list[ProvenanceHolder]
    names: dict[str, dict[str, str]]


async def show_provenance(tx: Tx, sales: Sales, named: str) -> Provenance | Problem:
    """Follow the money of an order, charge, payment, payout, conversion, refund, hold, bank entry, journal or one line of it.

    shapes   named: an id, for one line of a journal `jnl_...:2`
    errors   answers not-found, trace-too-wide
    """
    prefix, object_id, line = _parsed(named)
    seeds = await store.seeds_of(tx, prefix, object_id, line) if object_id else []
    if not seeds:
        return NOT_FOUND()
    walk = Walk(seeds)
    try:
        while wanted := walk.wanted():
            for postings in (await store.journals(tx, wanted.journals)).values():
                walk.learn_journal(postings)
            for one in sorted(wanted.histories, key=lambda history: (str(history.account), str(history.tag))):
                walk.learn_history(one, await store.history(tx, one))
    except TooMany:
        return TRACE_TOO_WIDE(named=named)
    return await _Teller(walk, named).tell(tx, sales)


def _parsed(named: str) -> tuple[str, UUID | None, int | None]:
    text, _, line = named.partition(":")
    prefix = text.partition("_")[0]
    if prefix not in TRACEABLE or (line and (prefix != "jnl" or not line.isascii() or not line.isdigit())):
        return prefix, None, None
    try:
        return prefix, ids.parse(prefix, text), int(line[:5]) if line else None
    except ids.BadId:
        return prefix, None, None


@dataclass(frozen=True, slots=True)
class _Shared:
    seller_id: UUID
    offer: OfferForSale
    shares: Sequence[Share]

    @property
    def rule(self) -> str | None:
        named: str | None = msgspec.json.decode(self.offer.document).get("split_rule", {}).get("id")
        return named


class _Teller:
    """Puts a finished walk into words that a program and a person can read."""

    def __init__(self, walk: Walk, named: str) -> None:
        self._walk, self._named = walk, named
        self._heads: Mapping[UUID, JournalHead] = {}
        self._sources: Mapping[UUID, str] = {}
        self._splits: Mapping[UUID, _Shared] = {}
        self._started: dict[str, int] = {}

    async def tell(self, tx: Tx, sales: Sales) -> Provenance:
        passages = self._walk.passages()
        origins, rests = self._walk.origins(), self._walk.rests()
        journals = {one.at.journal for passage in passages for one in (passage.source, passage.target)}
        self._heads = await store.heads(tx, journals | {at.journal for at in (*origins, *rests)})
        self._sources = await names_of(tx, [head.source_id for head in self._heads.values()])
        self._splits = await self._shares(tx, sales)
        self._started = self._begun()
        touched = {one.account for passage in passages for one in (passage.source, passage.target)}
        owners = sorted({key.organisation_id for key in touched if key.organisation_id is not None})
        names = await parties.public_names(tx, owners)
        return Provenance(
            named=self._named,
            started=[Money(units, currency).to_wire() for currency, units in sorted(self._started.items())],
            origins=[self._end(at, units, "advanced") for at, units in sorted(origins.items())],
            steps=[self._step(one) for one in passages if one.rule in (Rule.LINES, Rule.CONVERTED)],
            ends=[self._end(at, units, "rests") for at, units in sorted(rests.items())],
            holders=[self._holder(who, units) for who, units in self._walk.holdings().items()],
            names={ids.text("org", one): dict(name) for one, name in names.items()},
        )

    async def _shares(self, tx: Tx, sales: Sales) -> dict[UUID, _Shared]:
        """By order or charge: who sold it by which offer, and who shares in it."""
        sold = [head.source_id for head in self._heads.values() if head.kind in ("purchase", "charge")]
        found = await orders.get_sources(tx, sold) if sold else {}
        offers = await listings.load_offers(tx, list({one.offer_id for one in found.values()})) if found else {}
        return {
            one.id: _Shared(one.seller_id, offers[one.offer_id], sales.shares_of(offers[one.offer_id]))
            for one in found.values()
            if one.offer_id in offers
        }

    def _begun(self) -> dict[str, int]:
        found: dict[str, int] = {}
        seeds = [seed for seed in self._walk.seeds if self._heads[seed.journal].kind not in _BACK] or self._walk.seeds
        for seed in seeds:
            for at, one in self._walk.postings.items():
                mine = at.journal == seed.journal and (seed.line == at.line or (seed.line is None and one.amount < 0))
                if mine and one.account.kind is not AccountKind.CONVERSION:
                    found[one.account.currency] = found.get(one.account.currency, 0) + abs(one.amount)
        return found

    def _step(self, one: Passage) -> ProvenanceStep:
        head = self._heads[one.target.at.journal]
        key = one.target.account
        return ProvenanceStep(
            at=_stamp(head),
            journal=ids.text("jnl", head.id),
            kind=head.kind,
            source=self._sources[head.source_id],
            rule=one.rule.value,
            from_account=_account(one.source.account),
            to_account=_account(key),
            amount=Money(one.amount, one.source.account.currency).to_wire(),
            arrived=Money(one.arrived, key.currency).to_wire(),
            per_one=self._per_one(one.arrived),
            taken=[self._taken(out) for out in self._walk.out_of(one)],
            split=self._split(head, key),
            rate=_rate(head) if one.rule is Rule.CONVERTED else None,
            period=_period(head),
            occasion=f"{head.occasion} ({head.rail})" if head.occasion else None,
        )

    def _taken(self, one: Out) -> Taken:
        head = self._heads[one.source.at.journal]
        amount = Money(one.amount, one.source.account.currency).to_wire()
        return Taken(ids.text("jnl", head.id), head.kind, self._sources[head.source_id], amount, one.rule.value)

    def _split(self, head: JournalHead, key: AccountKey) -> list[SplitShare]:
        if head.kind not in ("purchase", "charge") or head.source_id not in self._splits:
            return []
        sold, role = self._splits[head.source_id], _ROLES.get(key.kind)
        if key.organisation_id is None and role is None:
            return []
        whole = sum(share.weight for share in sold.shares)
        mine = [
            one
            for one in sold.shares
            if (
                one.role is role
                if role
                else (one.organisation_id or _owner(one, sold.seller_id)) == key.organisation_id
            )
        ]
        offer, rule = ids.text("ofr", sold.offer.offer_id), sold.rule
        return [SplitShare(offer, rule, one.role.value, one.weight, whole) for one in mine]

    def _end(self, at: At, units: int, inside: str) -> ProvenanceEnd:
        head, one = self._heads[at.journal], self._walk.postings[at]
        state = "outside" if one.account.kind in EDGE else inside
        amount = Money(units, one.account.currency).to_wire()
        source = self._sources[head.source_id]
        return ProvenanceEnd(_account(one.account), head.kind, source, state, amount, self._per_one(units))

    def _holder(self, who: Holder, units: int) -> ProvenanceHolder:
        organisation = ids.text("org", who.organisation_id) if who.organisation_id else None
        account = who.kind.value if who.kind else None
        return ProvenanceHolder(organisation, account, Money(units, who.currency).to_wire(), self._per_one(units))

    def _per_one(self, units: int) -> str:
        """How much of each 1 that was begun with; of several currencies begun with no one is the measure."""
        if len(self._started) != 1:
            return ""
        (whole,) = self._started.values()
        return decimal_text(round(Fraction(units * UNITS_PER_MAJOR, whole)))


def _owner(share: Share, seller: UUID) -> UUID | None:
    return seller if share.role is Role.SUPPLIER else None


def _account(key: AccountKey) -> AccountView:
    owner = ids.text("org", key.organisation_id) if key.organisation_id else None
    return AccountView(key.kind.value, owner, key.currency)


def _rate(head: JournalHead) -> RateUsed | None:
    if head.rate_id is None or head.rate_value is None:
        return None
    return RateUsed(ids.text("rte", head.rate_id), value_text(head.rate_value), head.rate_source or "")


def _period(head: JournalHead) -> dict[str, str] | None:
    if head.starts_at is None:
        return None
    end = head.ends_at.isoformat().replace("+00:00", "Z") if head.ends_at else ""
    return {"starts_at": head.starts_at.isoformat().replace("+00:00", "Z"), "ends_at": end}


def _stamp(head: JournalHead) -> str:
    return head.at.isoformat().replace("+00:00", "Z")
