"""The chain of rights of a dataset: who holds what on which work, source or speaker, and what that lets a supplier pass on.

What nobody declared is missing and stays missing: nothing is assumed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from contracts.chain_problems import TERMS_WIDER
from contracts.rights import PURPOSES, Rights
from contracts.terms import Terms
from exchange.kernel.errors import Problem
from exchange.kernel.records import Form, form_of
from exchange.kernel.text import Text

# What needs the holder's consent to training, over and above the purpose.
TRAINING = frozenset({"pretrain", "fine_tune", "align"})
EXAMPLES_MAX = 20
_UTC = ZoneInfo("UTC")
# The forms in which records are looked for; in all others paths alone decide.
_WITH_RECORDS = frozenset({Form.JSONL, Form.CSV})


class Subject(StrEnum):
    """What a right is about."""

    WORK = "work"
    SOURCE = "source"
    SPEAKER = "speaker"


class RightKind(StrEnum):
    """What kind of right it is."""

    COPYRIGHT = "copyright"
    DATABASE = "database"
    PERFORMER = "performer"
    LIKENESS = "likeness"
    PERSONAL_DATA = "personal_data"
    LICENCE_IN = "licence_in"


class RightState(StrEnum):
    """Where a right stands."""

    DECLARED = "declared"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


# declared -> withdrawn by its holder, through the supplier; declared -> expired by the clock. Both are for good: who
# gives a right again gives a new one, with new evidence.
MOVES: Mapping[RightState, frozenset[RightState]] = {
    RightState.DECLARED: frozenset({RightState.WITHDRAWN, RightState.EXPIRED}),
    RightState.WITHDRAWN: frozenset(),
    RightState.EXPIRED: frozenset(),
}


class Asks(StrEnum):
    """What the end of a right asks of those who have the data."""

    DELETE = "delete"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class Coverage:
    """Which part of a dataset a right covers: all of it, files by path, or records by a field of theirs.

    shapes   assets: exact paths, or a folder that ends with "/"; field with values, or with first and last of a range
    """

    assets: tuple[str, ...] = ()
    field: str = ""
    values: frozenset[str] = frozenset()
    first: str = ""
    last: str = ""

    @property
    def whole(self) -> bool:
        """Whether it is the whole dataset."""
        return not self.assets and not self.field

    @property
    def by_record(self) -> bool:
        """Whether only the records' contents tell what is covered."""
        return bool(self.field)

    def takes(self, path: str) -> bool:
        """Whether the whole file at `path` is covered."""
        if self.field:
            return False
        return self.whole or any(path == one or (one.endswith("/") and path.startswith(one)) for one in self.assets)

    def holds(self, record: Mapping[str, object]) -> bool:
        """Whether one record is covered, by its field; numbers count by their digits."""
        found = record.get(self.field)
        if not isinstance(found, str | int) or isinstance(found, bool):
            return False
        value = str(found)
        return value in self.values if self.values else _between(self.first, value, self.last)


@dataclass(frozen=True, slots=True)
class RightDraft:
    """A right as it is declared.

    shapes   territory None: everywhere; training and commercial None: not stated; ends_at None: without end
    units    ends_at is the first moment after it; sha256 is that of `document`, its canonical bytes
    """

    subject: Subject
    subject_id: str
    kind: RightKind
    holder: str
    starts_at: datetime | None
    ends_at: datetime | None
    territory: frozenset[str] | None
    purposes: frozenset[str]
    training: bool | None
    commercial: bool | None
    sublicensable: bool
    evidence: str | None
    covers: Coverage
    document: bytes
    sha256: bytes

    @property
    def passes_on(self) -> frozenset[str]:
        """The purposes that the supplier may pass on: training only by consent, nothing of a licence that stays with it."""
        if self.kind is RightKind.LICENCE_IN and not self.sublicensable:
            return frozenset()
        named = self.purposes if self.training else self.purposes - TRAINING
        return named if self.sublicensable else named - {"redistribute"}


@dataclass(frozen=True, slots=True)
class Right:
    """A declared right of a dataset, and how it stands."""

    id: UUID
    dataset_id: UUID
    supplier_id: UUID
    draft: RightDraft
    state: RightState
    created_at: datetime
    ended_at: datetime | None = None
    reason: Mapping[str, str] | None = None
    asks: Asks | None = None

    def state_at(self, at: datetime) -> RightState:
        """How it stands at a moment: what the clock has ended is expired, whether or not somebody has noted it yet."""
        ends_at = self.draft.ends_at
        if self.state is RightState.DECLARED and ends_at is not None and ends_at <= at:
            return RightState.EXPIRED
        return self.state

    def live(self, at: datetime) -> bool:
        """Whether it holds at a moment."""
        starts_at = self.draft.starts_at
        return self.state_at(at) is RightState.DECLARED and (starts_at is None or starts_at <= at)


@dataclass(frozen=True, slots=True)
class Missing:
    """Something that no live right speaks for: a file, a work, a consent, a proof."""

    what: str
    name: str
    why: Text


@dataclass(frozen=True, slots=True)
class Reason:
    """A right that narrows what may be passed on, and the clause that it narrows."""

    clause: str
    right_id: UUID
    subject_id: str
    text: Text


@dataclass(frozen=True, slots=True)
class Declared:
    """What a supplier may pass on of a dataset: the intersection over every live right.

    shapes   territory None: everywhere; until None: without end; live 0: nothing may be passed on
    """

    at: datetime
    live: int
    purposes: frozenset[str]
    territory: frozenset[str] | None
    until: datetime | None
    commercial: bool
    missing: tuple[Missing, ...]
    reasons: tuple[Reason, ...]

    @property
    def redistribution(self) -> bool:
        """Whether buyers may be let pass the data on."""
        return "redistribute" in self.purposes


@dataclass(frozen=True, slots=True)
class Trace:
    """What was found of an ended right in a file of this content: all of it, or a number of records."""

    right_id: UUID
    asset_sha256: bytes
    whole: bool
    records: int
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Blocked:
    """A file that may not be in a new revision, because of a right that ended."""

    path: str
    right: Right
    whole: bool
    records: int
    examples: tuple[str, ...]


def effective(rights: Sequence[Right], at: datetime, paths: Iterable[str] = (), known: Iterable[str] = ()) -> Declared:
    """What may be passed on of a dataset at a moment.

    shapes   paths: the files for which a right is looked for; while one of them has none, nothing is passed on
             known: files of other revisions; a right that covers none of all these files narrows nothing
    """
    files = list(paths)
    there = {*files, *known}
    live = [one for one in rights if one.live(at)]
    idle = [one for one in live if without_file(one.draft.covers, there)]
    bare = [*_without_file(live, files)]
    everywhere, live = live, [] if bare else [one for one in live if one not in idle]
    reasons: list[Reason] = []
    purposes, commercial = frozenset(PURPOSES) if live else frozenset(), bool(live)
    territory: frozenset[str] | None = None if live else frozenset()
    until: datetime | None = None
    for one in live:
        draft = one.draft
        if dropped := purposes - draft.passes_on:
            reasons.append(_reason(one, "purpose", _names(dropped)))
            purposes &= draft.passes_on
        if draft.territory is not None and (territory is None or territory - draft.territory):
            territory = draft.territory if territory is None else territory & draft.territory
            reasons.append(_reason(one, "territory", _places(draft.territory)))
        if draft.ends_at is not None and (until is None or draft.ends_at < until):
            until = draft.ends_at
            reasons.append(_reason(one, "duration", _day(until)))
        if not draft.commercial and commercial:
            commercial = False
            reasons.append(_reason(one, "commercial", Text("commercial use", "商业使用")))
    missing = (*bare, *_nowhere(idle), *_without_right(rights, at), *_unstated(everywhere))
    return Declared(at, len(everywhere), purposes, territory, until, commercial, missing, tuple(reasons))


def wider(terms: Terms, declared: Declared) -> list[Problem]:
    """Name each clause in which terms would give a buyer more than the supplier holds; every alternative must fit."""
    found: dict[tuple[str, str], Problem] = {}
    for alternative in terms.alternatives:
        for clause, why in _wider(alternative, declared):
            found.setdefault((clause, why.en), TERMS_WIDER(clause=clause, why=why))
    return list(found.values())


def beyond(
    declared: Declared,
    *,
    purposes: Iterable[str] = (),
    places: Iterable[str] = (),
    until: datetime | None = None,
    commercial: bool = False,
) -> list[Problem]:
    """Name in which points an agreement that runs would be given more than the supplier holds now.

    shapes   only what is given anew is asked about: what is left out stays as it was agreed
    """
    found = []
    if extra := frozenset(purposes) - declared.purposes:
        names = _names(extra)
        found.append(("purpose", Text(f"it is used for {names.en}", f"使用目的超出权利范围：{names.zh}")))
    if declared.territory is not None and (extra := frozenset(places) - declared.territory):
        names = _places(extra)
        found.append(("territory", Text(f"it reaches {names.en}", f"地域超出权利范围：{names.zh}")))
    if until is not None and declared.until is not None and until > declared.until:
        day = _day(declared.until)
        found.append(
            ("duration", Text(f"it would last longer than the rights, {day.en}", f"期限超出权利期限（{day.zh}）"))
        )
    if commercial and not declared.commercial:
        found.append(("commercial", Text("it allows commercial use", "允许商业使用")))
    return [TERMS_WIDER(clause=clause, why=why) for clause, why in found]


def joined(problems: Sequence[Problem]) -> Problem | None:
    """One refusal that names all the clauses, or None where there is none."""
    if not problems:
        return None
    clauses = ", ".join(dict.fromkeys(str(one.fields["clause"]) for one in problems))
    whys = [one.fields["why"] for one in problems]
    texts = [why if isinstance(why, Text) else Text(str(why), str(why)) for why in whys]
    return TERMS_WIDER(clause=clauses, why=Text("; ".join(one.en for one in texts), "；".join(one.zh for one in texts)))


def blocking(rights: Sequence[Right], at: datetime) -> list[Right]:
    """The rights that ended and that no live right took the place of: same subject, kind and holder, same part or all."""
    live: dict[tuple[str, str, str, str], list[Coverage]] = {}
    for one in rights:
        if one.live(at):
            live.setdefault(_identity(one.draft), []).append(one.draft.covers)
    return [
        one
        for one in rights
        if one.state_at(at) is not RightState.DECLARED
        and not any(new.whole or new == one.draft.covers for new in live.get(_identity(one.draft), ()))
    ]


def blocked(files: Iterable[tuple[str, bytes]], ended: Sequence[Right], traces: Iterable[Trace]) -> list[Blocked]:
    """The files that ended rights keep out, by path and by content: a new name for the same bytes changes nothing.

    shapes   files: (path, SHA-256); traces: what was found so far of these rights
    """
    known = {(one.right_id, one.asset_sha256): one for one in traces}
    found = []
    for path, sha256 in files:
        for right in ended:
            trace = known.get((right.id, sha256))
            if right.draft.covers.takes(path) or (trace is not None and trace.whole):
                found.append(Blocked(path, right, whole=True, records=0, examples=()))
            elif trace is not None and trace.records:
                found.append(Blocked(path, right, whole=False, records=trace.records, examples=trace.examples))
    return found


def untraced(files: Iterable[bytes], ended: Sequence[Right], traces: Iterable[Trace]) -> list[tuple[UUID, bytes]]:
    """The pairs of an ended right by record and a file's content that nobody has searched yet."""
    known = {(one.right_id, one.asset_sha256) for one in traces}
    wanted = [one.id for one in ended if one.draft.covers.by_record]
    return [
        (right_id, sha256) for sha256 in dict.fromkeys(files) for right_id in wanted if (right_id, sha256) not in known
    ]


def _wider(alternative: tuple[Rights, ...], declared: Declared) -> Iterable[tuple[str, Text]]:
    granted = frozenset.intersection(*(one.purposes - one.prohibits for one in alternative))
    extra = granted - declared.purposes
    if "redistribute" in extra:
        yield "redistribution", Text("it lets buyers pass the data on", "允许买方再分发数据")
    if extra := extra - {"redistribute"}:
        names = _names(extra)
        yield "purpose", Text(f"it allows the purposes {names.en}", f"允许的用途超出权利范围：{names.zh}")
    if declared.territory is not None:
        named = [one.territory for one in alternative if one.territory is not None]
        places = frozenset.intersection(*named) if named else None
        if places is None or places - declared.territory:
            beyond = Text("everywhere", "全球") if places is None else _places(places - declared.territory)
            yield "territory", Text(f"it reaches {beyond.en}", f"地域超出权利范围：{beyond.zh}")
    if declared.until is not None:
        ends = [one.duration.end(declared.at, _UTC) for one in alternative if one.duration is not None]
        if not ends or min(ends) > declared.until:
            day = _day(declared.until)
            yield "duration", Text(f"it would last longer than the rights, {day.en}", f"期限超出权利期限（{day.zh}）")
    if not declared.commercial and all(one.commercial for one in alternative):
        yield "commercial", Text("it allows commercial use", "允许商业使用")


def _without_file(live: Sequence[Right], paths: Iterable[str]) -> Iterable[Missing]:
    if any(one.draft.covers.whole for one in live):
        return
    # A right by record may speak for any file that has records; only reading them tells, so it is not held against it.
    by_record = any(one.draft.covers.by_record for one in live)
    for path in paths:
        if not (by_record and form_of(path, "") in _WITH_RECORDS) and not any(
            one.draft.covers.takes(path) for one in live
        ):
            yield Missing("file", path, Text("no right covers this file", "没有权利覆盖该文件"))


def without_file(covers: Coverage, paths: Collection[str]) -> bool:
    """Whether a coverage by path takes none of these files; no for other coverages, and while there is no file at all."""
    return bool(covers.assets and paths) and not any(covers.takes(path) for path in paths)


def _nowhere(idle: Sequence[Right]) -> Iterable[Missing]:
    for one in idle:
        yield Missing("coverage", one.draft.subject_id, no_such_file(one.draft.covers))


def no_such_file(covers: Coverage) -> Text:
    """What to say of a right whose files are nowhere."""
    named = ", ".join(covers.assets[:EXAMPLES_MAX])
    return Text(
        f"no revision has a file that this right covers ({named}); it narrows nothing and speaks for nothing",
        f"没有任何版本包含该权利所覆盖的文件（{named}）；该权利不收窄任何范围，也不覆盖任何内容",
    )


def _without_right(rights: Sequence[Right], at: datetime) -> Iterable[Missing]:
    spoken = {(one.draft.subject, one.draft.subject_id) for one in rights if one.live(at)}
    named = dict.fromkeys((one.draft.subject, one.draft.subject_id) for one in rights)
    for subject, name in named:
        if (subject, name) not in spoken:
            yield Missing(subject.value, name, Text("no right to it holds now", "目前没有有效权利"))


def _unstated(live: Sequence[Right]) -> Iterable[Missing]:
    for one in live:
        draft = one.draft
        if draft.training is None:
            yield Missing(
                "training", draft.subject_id, Text("consent to training is not stated", "未说明是否同意用于训练")
            )
        if draft.commercial is None:
            yield Missing("commercial", draft.subject_id, Text("commercial use is not stated", "未说明是否可商用"))
        if draft.evidence is None:
            yield Missing("evidence", draft.subject_id, Text("no evidence is named", "未提供证据摘要"))


def backwards(first: str, last: str) -> bool:
    """Whether a range of records holds nothing, because it ends before it begins."""
    return not _between(first, first, last)


def _identity(draft: RightDraft) -> tuple[str, str, str, str]:
    return draft.subject.value, draft.subject_id, draft.kind.value, draft.holder


def _between(first: str, value: str, last: str) -> bool:
    texts = (first, value, last)
    if all(one.isascii() and one.isdigit() for one in texts):
        low, middle, high = (int(one) for one in texts)
        return low <= middle <= high
    return first <= value <= last


def _reason(one: Right, clause: str, about: Text) -> Reason:
    limits = {
        "purpose": Text("does not pass on: {}", "未许可：{}"),
        "territory": Text("holds only in {}", "仅限于 {}"),
        "duration": Text("holds {}", "有效期：{}"),
        "commercial": Text("is not stated to allow {}", "未明示允许{}"),
    }[clause]
    return Reason(clause, one.id, one.draft.subject_id, Text(limits.en.format(about.en), limits.zh.format(about.zh)))


def _names(purposes: Iterable[str]) -> Text:
    inside = frozenset(purposes)
    known = [(name, text) for name, text in PURPOSES.items() if name in inside]
    return Text(", ".join(name for name, _ in known), "、".join(text.zh for _, text in known))


def _places(places: Iterable[str]) -> Text:
    codes = sorted(places)
    shown, more = ", ".join(codes[:EXAMPLES_MAX]), len(codes) - EXAMPLES_MAX
    return Text(shown, shown) if more <= 0 else Text(f"{shown} and {more} more", f"{shown} 等 {len(codes)} 个地区")


def _day(moment: datetime) -> Text:
    day = moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M")
    return Text(f"before {day} UTC", f"{day}（UTC）之前")


def sides(right: Right) -> dict[str, Any]:
    """What names a right to people: its subject, kind and holder."""
    draft = right.draft
    return {"subject": draft.subject.value, "id": draft.subject_id, "kind": draft.kind.value, "holder": draft.holder}
