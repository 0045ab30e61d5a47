"""Where money came from and where it went: a piece of it followed through the ledger, backwards and forwards. Pure.

Two rules join postings, and they make a path of every unit:
- within a journal, what leaves (lines below zero) goes to what arrives (lines above zero) of the same currency, in the order
  of the lines; lines of one holder are joined first, so that a release of many payees keeps each one's money apart. At a
  conversion what arrives in the exchange's conversion account leaves it in the other currency, in proportion.
- within an account, what left was what had arrived: first of the same tag (the colour of money: an order, a charge), then the
  oldest first. Money that left before any arrived was advanced (a debt), and what arrives later makes up for it.

Stripe and bank are the edge of the ledger: money begins and ends there, so nothing is joined within them. Where many people's
money lies together and no order of arrival means anything (revenue, tax, rounding, suspense), only the same tag joins.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from settlement.accounts import AccountKey, AccountKind
from settlement.conversion import CONVERSION

EDGE = frozenset({AccountKind.STRIPE, AccountKind.BANK})
POOLED = frozenset(
    {
        *(AccountKind.REVENUE, AccountKind.TAX, AccountKind.ROUNDING, AccountKind.SUSPENSE),
        *(AccountKind.FEES, AccountKind.SWEEP, AccountKind.RESERVE, AccountKind.DISPUTED),
    }
)
POSTINGS_MAX = 20_000
# What a sale gives back: from one of these accounts to one of those.
_SOLD = frozenset(
    {
        *(AccountKind.PENDING, AccountKind.PAYABLE, AccountKind.DEBT, AccountKind.REVENUE, AccountKind.TAX),
        *(AccountKind.ROUNDING, AccountKind.CLEARING, AccountKind.POOL, AccountKind.HELD),
    }
)
_OWING = frozenset({AccountKind.RECEIVABLE, AccountKind.CREDIT})
_PAYERS = frozenset({AccountKind.WALLET, AccountKind.RECEIVABLE, AccountKind.CREDIT})

Stretch = tuple[int, int]


class Rule(StrEnum):
    """Why two postings are joined."""

    LINES = "lines"
    TAG = "tag"
    FIFO = "fifo"
    CONVERTED = "converted"


class At(NamedTuple):
    """One posting: its journal and its line in it."""

    journal: UUID
    line: int


class Posted(NamedTuple):
    """A posting with what joins it to others; `kind` is its journal's, and empty in a history, where it plays no part."""

    at: At
    kind: str
    account: AccountKey
    amount: int
    tag: UUID | None


class Join(NamedTuple):
    """A stretch of one posting that is a stretch of another: `source` is what left or arrived first in the money's way.

    units    offsets and sizes in millionths of the posting's own currency; the sizes differ at a conversion only
    """

    source: At
    source_start: int
    source_size: int
    target: At
    target_start: int
    target_size: int
    rule: Rule


class Piece(NamedTuple):
    """A stretch of a posting: the units from `start` on and before `end`, counted from its first."""

    at: At
    start: int
    end: int


@dataclass(slots=True)
class _Lot:
    at: At
    amount: int
    tag: UUID | None
    used: int = 0

    @property
    def left(self) -> int:
        return abs(self.amount) - self.used


def within_journal(postings: Sequence[Posted]) -> list[Join]:
    """Join what leaves in one journal to what arrives, of the same currency.

    shapes   all postings of one journal in the order of their lines; in each currency all that leaves is joined
    """
    lots = [_Lot(one.at, one.amount, one.tag) for one in postings]
    keys = [one.account for one in postings]
    found: list[Join] = []
    of: dict[str, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for n, key in enumerate(keys):
        of[key.currency][lots[n].amount > 0].append(n)
    for out, into in of.values():
        for same_holder in (True, False):
            for source in out:
                for target in into:
                    holder = keys[source].organisation_id
                    if same_holder and (holder is None or holder != keys[target].organisation_id):
                        continue
                    found += _join(lots[source], lots[target], Rule.LINES)
    return [*found, *_converted(postings)]


def within_account(postings: Iterable[Posted]) -> list[Join]:
    """Join what left an account to what had arrived in it, or to what arrived later and made up for it.

    shapes   all postings of one account in the ledger's order; none are joined at the edge
    source   first in, first out within a colour: IAS 2.25 for the order, Formance's colour of money for the tags
    """
    found: list[Join] = []
    waiting = _Waiting()
    for one in postings:
        if one.account.kind in EDGE or one.account.kind is AccountKind.CONVERSION:
            return []
        lot = _Lot(one.at, one.amount, one.tag)
        for other, rule in waiting.against(lot, tagged_only=one.account.kind in POOLED):
            arrived, left = (other, lot) if lot.amount < 0 else (lot, other)
            found += _join(arrived, left, rule)
        if lot.left:
            waiting.keep(lot)
    return found


class _Waiting:
    """Lots that nothing was joined to yet, by tag and by age, of either sign."""

    def __init__(self) -> None:
        self._tagged: dict[tuple[bool, UUID | None], deque[_Lot]] = defaultdict(deque)
        self._all: dict[bool, deque[_Lot]] = {True: deque(), False: deque()}

    def keep(self, lot: _Lot) -> None:
        self._tagged[lot.amount > 0, lot.tag].append(lot)
        self._all[lot.amount > 0].append(lot)

    def against(self, lot: _Lot, *, tagged_only: bool) -> Iterator[tuple[_Lot, Rule]]:
        other = lot.amount < 0
        queues = [(self._tagged[other, lot.tag], Rule.TAG)] if lot.tag is not None else []
        if not tagged_only:
            queues.append((self._all[other], Rule.FIFO))
        for queue, rule in queues:
            while queue and lot.left:
                if queue[0].left:
                    yield queue[0], rule
                if not queue[0].left:
                    queue.popleft()


def _join(source: _Lot, target: _Lot, rule: Rule) -> Iterator[Join]:
    size = min(source.left, target.left)
    if size:
        yield Join(source.at, source.used, size, target.at, target.used, size, rule)
        source.used += size
        target.used += size


def _converted(postings: Sequence[Posted]) -> Iterator[Join]:
    """What arrived in the conversion account of one currency left that of the other."""
    if not postings or postings[0].kind != CONVERSION:
        return
    pooled = [one for one in postings if one.account.kind is AccountKind.CONVERSION]
    arrived = [one for one in pooled if one.amount > 0]
    left = [one for one in pooled if one.amount < 0]
    for source, target in zip(arrived, left, strict=True):
        yield Join(source.at, 0, source.amount, target.at, 0, -target.amount, Rule.CONVERTED)


class History(NamedTuple):
    """The postings of an account that a walk needs: all of them, or for a pooled account those of one tag."""

    account: AccountKey
    tag: UUID | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a walk has to learn before it can go on; nothing when it is over."""

    journals: frozenset[UUID]
    histories: frozenset[History]

    def __bool__(self) -> bool:
        """Whether anything is wanted."""
        return bool(self.journals or self.histories)


class Seed(NamedTuple):
    """Where a walk begins: a whole journal, or one line of it."""

    journal: UUID
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Passage:
    """Units that went from one posting to the next along the way, by which rule.

    shapes   stretches: which units of the source, counted from its first
    units    `amount` in the source's currency; `arrived` in the target's, where a conversion lies between
    """

    source: Posted
    target: Posted
    amount: int
    arrived: int
    rule: Rule
    stretches: tuple[Stretch, ...]


class Out(NamedTuple):
    """What of a passage's money was from an earlier posting of the account that it left (a later one: it was advanced)."""

    source: Posted
    amount: int
    rule: Rule


class Holder(NamedTuple):
    """An organisation, or (kind) an account of the exchange itself."""

    organisation_id: UUID | None
    kind: AccountKind | None
    currency: str


class TooMany(ValueError):
    """More postings than one walk follows: the money was spread too widely."""


@dataclass(slots=True)
class Walk:
    """Follows pieces of money: backwards from where they left, forwards from where they arrived.

    Ask `wanted`, hand in what it names, and again until it wants nothing; then `passages`, `rests` and `origins` say it all.
    Money that a sale gives back to a wallet is followed no further: what the buyer does with it then is another trade.
    """

    seeds: Sequence[Seed]
    postings: dict[At, Posted] = field(default_factory=dict)
    _journals: set[UUID] = field(default_factory=set)
    _histories: set[History] = field(default_factory=set)
    _onward: dict[At, list[Join]] = field(default_factory=lambda: defaultdict(list))
    _back: dict[At, list[Join]] = field(default_factory=lambda: defaultdict(list))
    _todo: deque[tuple[Piece, bool]] = field(default_factory=deque)
    _seen: dict[tuple[At, bool], list[Stretch]] = field(default_factory=lambda: defaultdict(list))
    _went: dict[Join, list[Stretch]] = field(default_factory=lambda: defaultdict(list))
    _given_back: dict[At, list[Stretch]] = field(default_factory=lambda: defaultdict(list))
    _started: bool = False

    def wanted(self) -> Wanted:
        """The journals and accounts whose postings are needed now.

        errors   TooMany
        """
        if not self._started:
            missing = {seed.journal for seed in self.seeds} - self._journals
            if missing:
                return Wanted(frozenset(missing), frozenset())
            self._start()
        held: deque[tuple[Piece, bool]] = deque()
        journals: set[UUID] = set()
        histories: set[History] = set()
        while self._todo:
            piece, onward = self._todo.popleft()
            history = self._history(piece.at, onward)
            if piece.at.journal not in self._journals:
                journals.add(piece.at.journal)
            elif history is not None and history not in self._histories:
                histories.add(history)
            else:
                self._follow(piece, onward)
                continue
            held.append((piece, onward))
        self._todo = held
        return Wanted(frozenset(journals), frozenset(histories))

    def learn_journal(self, postings: Sequence[Posted]) -> None:
        """All postings of one journal, in the order of their lines."""
        self.postings |= {one.at: one for one in postings}
        self._journals.add(postings[0].at.journal)
        self._add(within_journal(postings))

    def learn_history(self, history: History, postings: Iterable[Posted]) -> None:
        """The postings of one history, in the ledger's order."""
        self._histories.add(history)
        self._add(within_account(postings))

    def passages(self) -> list[Passage]:
        """Every step of the way, in the ledger's order of where it leads."""
        found = [self._passage(join, stretches) for join, stretches in self._went.items()]
        return sorted(found, key=lambda one: (one.target.at, one.source.at, one.rule))

    def out_of(self, passage: Passage) -> list[Out]:
        """From which postings of its account the money of a passage was, in their order; nothing at the edge of the ledger."""
        found = []
        for join in self._back[passage.source.at]:
            amount = _overlap(passage.stretches, (join.target_start, join.target_start + join.target_size))
            if amount and join.rule in (Rule.TAG, Rule.FIFO):
                found.append(Out(self.postings[join.source], amount, join.rule))
        return sorted(found, key=lambda one: one.source.at)

    def rests(self) -> dict[At, int]:
        """What of the money that was followed forwards lies where it arrived, per posting; at the edge it has left."""
        found = self._ends(onward=True)
        for at, stretches in self._given_back.items():
            # What made up for a debt of the buyer's is there no more; what came into a wallet is, as far as this walk goes.
            owed = self._onward[at] if self.postings[at].account.kind in _OWING else []
            made_up = sum(
                _overlap(stretches, (join.source_start, join.source_start + join.source_size)) for join in owed
            )
            if left := sum(end - start for start, end in stretches) - made_up:
                found[at] = found.get(at, 0) + left
        return found

    def origins(self) -> dict[At, int]:
        """Where the money that was followed backwards began, per posting: at the edge, or advanced and not made up for yet."""
        return self._ends(onward=False)

    def holdings(self) -> dict[Holder, int]:
        """What of the money each one through whose hands it went has in all, also those that have nothing of it any more.

        What went out to the edge stays with the one whom it was paid to; a debt (a refund of what is not there) is below zero.

        shapes   in the order in which they got it; they sum to what came in from the edge, per currency unless converted
        """
        found: dict[Holder, int] = {}
        for one in self.passages():
            if one.rule not in (Rule.LINES, Rule.CONVERTED):
                continue
            source, target = one.source.account, one.target.account
            leaves, arrives = (0, 0) if target.kind in EDGE else (one.amount, one.arrived)
            if source.kind not in EDGE:
                found[_holder(source)] = found.get(_holder(source), 0) - leaves
            if target.kind not in EDGE:
                found[_holder(target)] = found.get(_holder(target), 0) + arrives
        return found

    def _ends(self, *, onward: bool) -> dict[At, int]:
        found = {}
        for (at, direction), stretches in self._seen.items():
            if direction is not onward or (self.postings[at].amount > 0) is not onward:
                continue
            joins = self._onward[at] if onward else self._back[at]
            near = [_near(join, onward=onward) for join in joins]
            gone = sum(_overlap(stretches, (start, start + size)) for start, size in near)
            if left := sum(end - start for start, end in stretches) - gone:
                found[at] = left
        return found

    def _start(self) -> None:
        self._started = True
        for seed in self.seeds:
            for at, posted in self.postings.items():
                # What leaves in a journal brings the walk to all that arrives in it.
                if at.journal == seed.journal and (at.line == seed.line or (seed.line is None and posted.amount < 0)):
                    whole = Piece(at, 0, abs(posted.amount))
                    self._todo += [(whole, False), (whole, True)]

    def _history(self, at: At, onward: bool) -> History | None:
        """What joins a posting in this direction: an account's history, or None for the lines of its own journal."""
        posted = self.postings.get(at)
        if posted is None or (posted.amount > 0) is not onward:
            return None
        kind = posted.account.kind
        if kind in EDGE or kind is AccountKind.CONVERSION or (kind in POOLED and posted.tag is None):
            return None
        return History(posted.account, posted.tag if kind in POOLED else None)

    def _add(self, joins: Iterable[Join]) -> None:
        for join in joins:
            self._onward[join.source].append(join)
            self._back[join.target].append(join)

    def _follow(self, piece: Piece, onward: bool) -> None:
        seen = self._seen[piece.at, onward]
        for start, end in _without(seen, (piece.start, piece.end)):
            seen.append((start, end))
            for join in self._onward[piece.at] if onward else self._back[piece.at]:
                self._cross(join, start, end, onward=onward)
        if len(self._seen) > POSTINGS_MAX:
            raise TooMany(f"more than {POSTINGS_MAX} postings")

    def _cross(self, join: Join, start: int, end: int, *, onward: bool) -> None:
        near, far = _near(join, onward=onward), _near(join, onward=not onward)
        low, high = max(start - near[0], 0), min(end - near[0], near[1])
        if low >= high:
            return
        # A conversion changes the size: both cuts are rounded down alike, so that neighbours never overlap.
        begin, finish = low * far[1] // near[1], high * far[1] // near[1]
        source = (low, high) if onward else (begin, finish)
        self._went[join] += [part for part in _without(self._went[join], source) if source[0] < source[1]]
        at = join.target if onward else join.source
        if onward and self._gives_back(join):
            back = self._given_back[at]
            back += _without(back, (far[0] + begin, far[0] + finish))
        elif begin < finish:
            self._todo.append((Piece(at, far[0] + begin, far[0] + finish), onward))

    def _gives_back(self, join: Join) -> bool:
        if join.rule is not Rule.LINES:
            return False
        source, target = self.postings[join.source], self.postings[join.target]
        if target.account.kind not in _PAYERS or source.account.kind not in _SOLD:
            return False
        # What was only reserved goes back to its own holder: that money moves on.
        return source.account.organisation_id != target.account.organisation_id

    def _passage(self, join: Join, stretches: Sequence[tuple[int, int]]) -> Passage:
        amount = sum(end - start for start, end in stretches)
        arrived = sum(
            end * join.target_size // join.source_size - start * join.target_size // join.source_size
            for start, end in stretches
        )
        source, target = self.postings[join.source], self.postings[join.target]
        whole = [(join.source_start + start, join.source_start + end) for start, end in stretches]
        return Passage(source, target, amount, arrived, join.rule, tuple(_merged(whole)))


def _without(seen: Sequence[tuple[int, int]], new: tuple[int, int]) -> list[tuple[int, int]]:
    """The parts of a stretch that no stretch seen before covers."""
    parts = [new]
    for start, end in seen:
        parts = [(low, high) for a, b in parts for low, high in ((a, min(b, start)), (max(a, end), b)) if low < high]
    return parts


def _merged(stretches: Sequence[Stretch]) -> list[Stretch]:
    """The same stretches in order, neighbours as one."""
    found: list[Stretch] = []
    for start, end in sorted(stretches):
        if found and found[-1][1] == start:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return found


def _overlap(stretches: Sequence[tuple[int, int]], other: tuple[int, int]) -> int:
    return sum(max(0, min(end, other[1]) - max(start, other[0])) for start, end in stretches)


def _holder(key: AccountKey) -> Holder:
    return Holder(key.organisation_id, None if key.organisation_id else key.kind, key.currency)


def _near(join: Join, *, onward: bool) -> Stretch:
    """Where a join begins and how long it is, in the posting that one comes from in this direction."""
    if onward:
        return (join.source_start, join.source_size)
    return (join.target_start, join.target_size)
