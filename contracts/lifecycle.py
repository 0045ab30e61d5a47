"""The life of an agreement after it was concluded: which events there are, who may bring them about, and what follows.

An event is a document of its own that names the agreement and the event before it by digest, is signed by those whom it
binds, and is countersigned by the exchange. Where an agreement stands is worked out from the events in force; nothing of it
is stored twice. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

from contracts.life_events import Event, Kind, Party, Wish, instant, moment
from contracts.lifecycle_problems import EVENT_FIELD, EVENT_NOT_ALLOWED, NOTICE_TOO_SHORT
from contracts.signatures import Role
from exchange.kernel import ids
from exchange.kernel.canonical import canonical, sha256
from exchange.kernel.errors import Problem
from exchange.kernel.text import Text, readable

RULE_SET = "lifecycle/1"
NOTICE = timedelta(days=30)
# How long an answer that names the earliest moment of a notice may be acted on.
SLACK = timedelta(hours=1)
OPEN_DAYS_MAX = 90
AHEAD_MAX = timedelta(days=3 * 366)
REASON_MAX_CHARS = 2_000
_COUNTRY = re.compile("[A-Z]{2}")


class State(StrEnum):
    """Where an agreement stands."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    HELD = "held"
    ENDING = "ending"
    ENDED = "ended"
    TERMINATED = "terminated"
    RETIRED = "retired"


_BOTH = frozenset({Party.BUYER, Party.SELLER})
_SELLER, _OPERATOR = frozenset({Party.SELLER}), frozenset({Party.OPERATOR})

# Who may bring about what, where the agreement stands; what is not written here is refused. The operator suspends over
# the seller, and only the operator lifts what the operator suspended ("held").
TABLE: Mapping[State, Mapping[Kind, frozenset[Party]]] = {
    State.ACTIVE: {
        Kind.AMENDMENT: _BOTH,
        Kind.RENEWAL: _BOTH,
        Kind.TRANSFER: _BOTH,
        Kind.SUSPENSION: _SELLER | _OPERATOR,
        Kind.TERMINATION: _BOTH,
        Kind.RETIREMENT: _BOTH,
    },
    State.SUSPENDED: {
        Kind.AMENDMENT: _BOTH,
        Kind.SUSPENSION: _OPERATOR,
        Kind.LIFTING: _SELLER | _OPERATOR,
        Kind.TERMINATION: _BOTH,
        Kind.RETIREMENT: _BOTH,
    },
    State.HELD: {Kind.LIFTING: _OPERATOR, Kind.TERMINATION: _BOTH},
    State.ENDING: {
        Kind.SUSPENSION: _SELLER | _OPERATOR,
        Kind.TERMINATION: _BOTH,
        Kind.RETIREMENT: _BOTH,
    },
    State.ENDED: {Kind.RETIREMENT: _BOTH},
    State.TERMINATED: {Kind.RETIREMENT: _BOTH},
    State.RETIRED: {},
}
_OVER = frozenset({State.ENDED, State.TERMINATED, State.RETIRED})


@dataclass(frozen=True, slots=True)
class Life:
    """An agreement as its events have left it.

    shapes   holder_id: who uses it now; head: the digest that the next event refers to; number: events in force
             terms: the terms that an amendment put in place of the offer's, as JSON; territory None: as the terms say
             hold: who suspended it; terminates_at: from when a termination holds; renewed: `ends_at` is an event's
    """

    agreement_id: UUID
    sha256: bytes
    holder_id: UUID
    seller_id: UUID
    head: bytes
    number: int
    starts_at: datetime
    ends_at: datetime | None
    purposes: tuple[str, ...]
    terms: Mapping[str, Any] | None = None
    territory: tuple[str, ...] | None = None
    hold: Party | None = None
    terminates_at: datetime | None = None
    retired: bool = False
    former: frozenset[UUID] = frozenset()
    renewed: bool = False

    def state(self, now: datetime) -> State:
        """Where it stands at a moment."""
        if self.retired:
            return State.RETIRED
        if self.terminates_at is not None and self.terminates_at <= now:
            return State.TERMINATED
        if self.ends_at is not None and self.ends_at <= now:
            return State.ENDED
        if self.hold is not None:
            return State.HELD if self.hold is Party.OPERATOR else State.SUSPENDED
        return State.ENDING if self.terminates_at is not None else State.ACTIVE

    def side(self, organisation_id: UUID) -> Party | None:
        """On which side an organisation stands now; None for everybody else, a former holder too."""
        if organisation_id == self.seller_id:
            return Party.SELLER
        return Party.BUYER if organisation_id == self.holder_id else None


def born(agreement_id: UUID, document: bytes, sha256: bytes) -> Life:
    """The life of an agreement that nothing has happened to."""
    said = msgspec.json.decode(document)
    return Life(
        agreement_id=agreement_id,
        sha256=sha256,
        holder_id=ids.parse("org", said["parties"]["buyer"]),
        seller_id=ids.parse("org", said["parties"]["seller"]),
        head=sha256,
        number=0,
        starts_at=moment(said["period"]["starts_at"]),
        ends_at=None if said["period"]["ends_at"] is None else moment(said["period"]["ends_at"]),
        purposes=tuple(said["purposes"]),
    )


def after(life: Life, event: Event) -> Life:
    """The life once an event is in force.

    errors   ValueError for an event that is not in force, or not the next one
    """
    if event.force is None or event.previous != life.head or event.force.number != life.number + 1:
        raise ValueError("not the next event in force")
    changes, at = event.said["changes"], event.force.effective_at
    moved = replace(life, head=event.sha256, number=event.force.number)
    match event.kind:
        case Kind.AMENDMENT:
            return replace(
                moved,
                purposes=tuple(changes.get("purposes", moved.purposes)),
                terms=changes.get("terms", moved.terms),
                territory=tuple(changes["territory"]) if "territory" in changes else moved.territory,
            )
        case Kind.RENEWAL:
            return replace(moved, ends_at=moment(changes["ends_at"]), renewed=True)
        case Kind.TRANSFER:
            assert event.successor_id is not None
            return replace(moved, holder_id=event.successor_id, former=life.former | {life.holder_id})
        case Kind.SUSPENSION:
            return replace(moved, hold=event.proposed_by)
        case Kind.LIFTING:
            return replace(moved, hold=None)
        case Kind.TERMINATION:
            earlier = at if life.terminates_at is None else min(at, life.terminates_at)
            return replace(moved, terminates_at=earlier)
        case Kind.RETIREMENT:
            return replace(moved, retired=True)


def lived(life: Life, events: Sequence[Event]) -> Life:
    """The life after all its events in force, in their order; proposals change nothing."""
    for event in sorted((one for one in events if one.force is not None), key=lambda one: one.force.number):  # type: ignore[union-attr]
        life = after(life, event)
    return life


def may(life: Life, kind: Kind, by: Party, now: datetime) -> Problem | None:
    """Whether the table lets a party bring that about now.

    errors   answers agreement-event-not-allowed
    """
    state = life.state(now)
    if by in TABLE[state].get(kind, frozenset()):
        return None
    return EVENT_NOT_ALLOWED(
        agreement=ids.text("agr", life.agreement_id), state=state.value, kind=kind.value, party=by.value
    )


def needs(life: Life, wish: Wish, by: Party, now: datetime) -> tuple[Role, ...]:
    """Who signs it: both where both must agree, the successor of a transfer too, else the side that acts.

    The operator signs with the exchange's countersignature.
    """
    if by is Party.OPERATOR:
        return ()
    both = {Kind.AMENDMENT, Kind.RENEWAL, Kind.TRANSFER}
    if wish.kind in both or (wish.kind is Kind.RETIREMENT and life.state(now) not in _OVER):
        there: tuple[Role, ...] = (Role.BUYER, Role.SELLER)
        return (*there, Role.SUCCESSOR) if wish.kind is Kind.TRANSFER else there
    return (Role(by.value),)


def wrong(life: Life, wish: Wish, by: Party, now: datetime) -> Problem | None:
    """The first field that does not go with the kind of event, or None.

    errors   answers agreement-event-field, notice-too-short
    """
    for field, kinds in _FIELDS.items():
        if getattr(wish, field) is not None and wish.kind not in kinds:
            return EVENT_FIELD(field=field, why=_NOT_OF_KIND)
    if not 1 <= wish.open_days <= OPEN_DAYS_MAX:
        return EVENT_FIELD(field="open_days", why=_OPEN)
    if wish.reason is not None and not bilingual(wish.reason):
        return EVENT_FIELD(field="reason", why=REASON)
    at = wish.effective_at
    if at is not None and not now <= at <= now + AHEAD_MAX:
        return EVENT_FIELD(field="effective_at", why=_EFFECTIVE)
    if at is not None and life.ends_at is not None and at >= life.ends_at:
        return EVENT_FIELD(field="effective_at", why=_AFTER_END)
    return _CHECKS[wish.kind](life, wish, by, now)


def compose(
    life: Life, wish: Wish, by: Party, *, event_id: UUID, proposer: UUID | None, now: datetime, node_id: str
) -> Event:
    """The event that a checked wish makes, not signed by anybody yet.

    shapes   proposer None: the operator
    """
    expires_at = now + timedelta(days=wish.open_days)
    who = needs(life, wish, by, now)
    parties = {"buyer": ids.text("org", life.holder_id), "seller": ids.text("org", life.seller_id)}
    if wish.successor_id is not None:
        parties["successor"] = ids.text("org", wish.successor_id)
    document = canonical(
        {
            "type": "agreement_event",
            "v": 1,
            "id": ids.text("evt", event_id),
            "kind": wish.kind.value,
            "agreement": {"id": ids.text("agr", life.agreement_id), "sha256": life.sha256.hex()},
            "previous": life.head.hex(),
            "parties": parties,
            "proposed_by": by.value if proposer is None else ids.text("org", proposer),
            "must_sign": [role.value for role in who],
            "changes": _changes(wish),
            "ground": wish.ground,
            "reason": None if wish.reason is None else dict(wish.reason),
            "effective_at": None if wish.effective_at is None else instant(wish.effective_at),
            "proposed_at": instant(now),
            "expires_at": instant(expires_at),
            "rule_set": RULE_SET,
            "node_id": node_id,
        }
    )
    return Event(
        id=event_id,
        agreement_id=life.agreement_id,
        kind=wish.kind,
        document=document,
        sha256=sha256(document),
        previous=life.head,
        buyer_id=life.holder_id,
        seller_id=life.seller_id,
        successor_id=wish.successor_id,
        proposed_by=by,
        needs=who,
        expires_at=expires_at,
        created_at=now,
    )


def wish_of(event: Event, now: datetime) -> Wish:
    """What an event asks for, out of its document: it is checked again when the last signature comes.

    shapes   effective_at: never before `now`, however long the signatures took
    """
    said = event.said
    changes = said["changes"]
    return Wish(
        kind=event.kind,
        reason=said["reason"],
        ground=said["ground"],
        effective_at=None if said["effective_at"] is None else max(now, moment(said["effective_at"])),
        ends_at=moment(changes["ends_at"]) if "ends_at" in changes else None,
        purposes=tuple(changes["purposes"]) if "purposes" in changes else None,
        territory=tuple(changes["territory"]) if "territory" in changes else None,
        terms=changes.get("terms"),
        successor_id=event.successor_id,
    )


def _changes(wish: Wish) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if wish.purposes is not None:
        found["purposes"] = list(wish.purposes)
    if wish.territory is not None:
        found["territory"] = list(wish.territory)
    if wish.terms is not None:
        found["terms"] = wish.terms
    if wish.ends_at is not None:
        found["ends_at"] = instant(wish.ends_at)
    return found


def notice_until(now: datetime) -> datetime:
    """The first full hour that may still be named as the end of a notice an hour from now."""
    at = now + NOTICE + SLACK
    full = at.replace(minute=0, second=0, microsecond=0)
    return full if full == at else full + timedelta(hours=1)


def notice_too_short(earliest: datetime, following: datetime | None = None) -> Problem:
    """The refusal that names a moment which may be sent back, and until when; and the next one after what was asked for."""
    return NOTICE_TOO_SHORT(
        earliest=instant(earliest), until=instant(earliest - NOTICE), following=instant(following or earliest)
    )


def bilingual(reason: Mapping[str, str]) -> bool:
    """Whether a reason is said in English and in Chinese, readably and not at length."""
    fits = all(0 < len(text.strip()) <= REASON_MAX_CHARS and readable(text) for text in reason.values())
    return fits and set(reason) == {"en", "zh"}


def _amendment(life: Life, wish: Wish, _by: Party, _now: datetime) -> Problem | None:
    if wish.purposes is None and wish.territory is None and wish.terms is None:
        return EVENT_FIELD(field="purposes", why=_NOTHING)
    if wish.purposes is not None and (not wish.purposes or len(set(wish.purposes)) != len(wish.purposes)):
        return EVENT_FIELD(field="purposes", why=_NAMES)
    if wish.territory is not None and (not wish.territory or len(set(wish.territory)) != len(wish.territory)):
        return EVENT_FIELD(field="territory", why=_NAMES)
    if wish.territory is not None and not all(map(_COUNTRY.fullmatch, wish.territory)):
        return EVENT_FIELD(field="territory", why=_COUNTRIES)
    same = wish.purposes is not None and set(wish.purposes) == set(life.purposes)
    if same and wish.territory is None and wish.terms is None:
        return EVENT_FIELD(field="purposes", why=_SAME)
    return None


def _renewal(life: Life, wish: Wish, _by: Party, now: datetime) -> Problem | None:
    if life.ends_at is None:
        return EVENT_FIELD(field="ends_at", why=_ENDLESS)
    if wish.ends_at is None or not life.ends_at < wish.ends_at <= now + 10 * timedelta(days=366):
        return EVENT_FIELD(field="ends_at", why=_LATER)
    return None


def _transfer(life: Life, wish: Wish, _by: Party, _now: datetime) -> Problem | None:
    if wish.successor_id is None or wish.successor_id in {life.holder_id, life.seller_id} | life.former:
        return EVENT_FIELD(field="successor", why=_SUCCESSOR)
    return None


def _one_sided(_life: Life, wish: Wish, _by: Party, _now: datetime) -> Problem | None:
    return EVENT_FIELD(field="reason", why=REASON) if wish.reason is None else None


def _termination(life: Life, wish: Wish, by: Party, now: datetime) -> Problem | None:
    if wish.reason is None:
        return EVENT_FIELD(field="reason", why=REASON)
    if wish.ground not in ("breach", "notice"):
        return EVENT_FIELD(field="ground", why=_GROUND)
    if life.terminates_at is not None and (wish.effective_at or now) >= life.terminates_at:
        return EVENT_FIELD(field="effective_at", why=_EARLIER)
    if wish.ground == "breach":
        return None
    if by is Party.SELLER and life.ends_at is not None:
        return EVENT_FIELD(field="ground", why=_FIXED_TERM)
    if wish.effective_at is None or wish.effective_at < now + NOTICE:
        return notice_too_short(notice_until(now))
    return None


def _retirement(_life: Life, _wish: Wish, _by: Party, _now: datetime) -> Problem | None:
    return None


_FIELDS: Mapping[str, frozenset[Kind]] = {
    "ground": frozenset({Kind.TERMINATION}),
    "effective_at": frozenset({Kind.TERMINATION, Kind.TRANSFER}),
    "ends_at": frozenset({Kind.RENEWAL}),
    "purposes": frozenset({Kind.AMENDMENT}),
    "territory": frozenset({Kind.AMENDMENT}),
    "terms": frozenset({Kind.AMENDMENT}),
    "successor_id": frozenset({Kind.TRANSFER}),
}
_CHECKS = {
    Kind.AMENDMENT: _amendment,
    Kind.RENEWAL: _renewal,
    Kind.TRANSFER: _transfer,
    Kind.SUSPENSION: _one_sided,
    Kind.LIFTING: _one_sided,
    Kind.TERMINATION: _termination,
    Kind.RETIREMENT: _retirement,
}
_NOT_OF_KIND = Text("does not belong to this kind of event", "不属于该类事件")
_OPEN = Text(f"must be a number of days from 1 to {OPEN_DAYS_MAX}", f"须为 1 至 {OPEN_DAYS_MAX} 天")
REASON = Text(
    'must say why in English and in Chinese, as {"en": …, "zh": …}, neither of them empty',
    '须以中英文说明原因，形如 {"en": …, "zh": …}，均不得为空',
)
_EFFECTIVE = Text("must not lie before now, nor more than three years ahead", "不得早于当前时间，且不超过三年")
_AFTER_END = Text("must lie before the agreement's end, not at it or after it", "须早于合约终止时间")
_NOTHING = Text("must say what changes, or territory or terms must", "、territory 或 terms 须至少有一项说明变更内容")
_NAMES = Text("must name at least one, and none twice", "至少一项且不得重复")
_COUNTRIES = Text(
    "must name countries by two capital letters (ISO 3166-1), not otherwise",
    "须为 ISO 3166-1 两位大写字母国家或地区代码",
)
_SAME = Text("must differ from those of the agreement", "不得与合约现有用途相同")
_ENDLESS = Text("must be left out: the agreement has no end to prolong", "不得填写：合约没有终止时间")
_LATER = Text("must be later than the agreement's end, and at most ten years ahead", "须晚于合约终止时间，且不超过十年")
_SUCCESSOR = Text("must be an organisation that is not and was not a side", "须为非当事方且未曾为当事方的机构")
_GROUND = Text("must be breach or notice, not anything else", "须为 breach（违约）或 notice（通知）")
_EARLIER = Text("must be earlier than the termination that is in force", "须早于已生效的终止时间")
_FIXED_TERM = Text(
    "must be breach, not notice: a supplier cannot end a fixed term by notice",
    "须为 breach（违约），不能为 notice（通知）：供应方不得以通知方式终止固定期限合约",
)
