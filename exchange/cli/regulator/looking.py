"""One look at a log: what it serves, what was kept, what witnesses and other places show; and what does not fit."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from compliance import policy, split
from compliance.notes import BadNote, Checkpoint, Verifier, parse_note, parse_vkey
from compliance.policy import BadPolicy, Policy
from compliance.split import Sight
from compliance.witness import origin_path
from exchange.cli.regulator.client import Kept, LogPlace, Unreachable, opened, places_of
from exchange.kernel.merkle import BadProof
from exchange.kernel.text import Text

AGAIN_TIMES = 3
AGAIN_S = 1.0
_WORDS = {
    "split-view": Text(
        "SPLIT VIEW: {a} and {b} show two histories of one log", "分叉：{a} 与 {b} 出示了同一日志的两段不同历史"
    ),
    "went-back": Text(
        "the log shows {size} entries, but {a} has its signature over more: {more}",
        "日志现有 {size} 条，但 {a} 持有其对更多条目的签名：{more} 条",
    ),
    "not-signed": Text(
        "{a} shows a checkpoint that no known key of the log signed", "{a} 出示的检查点未经日志已知公钥签署"
    ),
    "tiles-wrong": Text(
        "the tiles served do not lead to the checkpoint served: {why}", "所提供的分块与检查点不符：{why}"
    ),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that does not fit, with where its evidence lies."""

    kind: str
    facts: dict[str, Any]
    evidence: Path | None = None

    def say(self, language: str) -> str:
        """In words."""
        words = _WORDS[self.kind].in_(language).format(**self.facts)
        return words if self.evidence is None else f"{words} [{self.evidence}]"


@dataclass(slots=True)
class Looked:
    """What came of a look. `witnessed` is None where no policy was given."""

    checkpoint: Checkpoint
    first: bool
    sights: list[Sight] = field(default_factory=list)
    away: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    witnesses: frozenset[str] = frozenset()
    witnessed: bool | None = None

    def code(self) -> int:
        """The exit code: 1 where something does not fit, 3 where only the quorum is missing."""
        return 1 if self.findings else 3 if self.witnessed is False else 0

    def document(self) -> dict[str, Any]:
        """For programs."""
        return {
            "origin": self.checkpoint.origin,
            "size": self.checkpoint.size,
            "root": self.checkpoint.root.hex(),
            "first_look": self.first,
            "compared": [{"where": one.where, "size": one.checkpoint.size} for one in self.sights],
            "away": self.away,
            "witnessed_by": sorted(self.witnesses),
            "witnessed": self.witnessed,
            "findings": [
                {"kind": one.kind, **one.facts, "evidence": str(one.evidence) if one.evidence else None}
                for one in self.findings
            ],
        }


@dataclass(slots=True)
class Watcher:
    """Looks at one log, again and again.

    `also` are other places that serve the same log; `trusted` is a policy that the watcher brought along; `own` reads the
    checkpoint that the watcher itself cosigned, if it is a witness.
    """

    http: httpx.Client
    url: str
    kept: Kept
    also: Sequence[str] = ()
    trusted: Policy | None = None
    again_s: float = AGAIN_S

    def look(self, given: Sequence[Verifier] = (), own: bytes | None = None) -> Looked:
        """Look once; what was kept moves on only if nothing is wrong.

        errors   Unreachable where the log itself cannot be asked; BadNote where the folder was damaged
        """
        served = LogPlace(f"{self.url}/log", self.http)
        first = not self.kept.verifiers() and not given
        verifiers = self.believe(given)
        origin = verifiers[0].name
        seen = Looked(Checkpoint(origin, 0, b""), first)
        if (before := self.kept.sight(origin, verifiers)) is not None:
            seen.sights.append(before)
        self._others(seen, served, origin, verifiers, own)
        # The log itself comes last: it can then only be ahead of everybody who was asked before.
        self._served(seen, served, origin, verifiers)
        return seen

    def believe(self, given: Sequence[Verifier] = ()) -> list[Verifier]:
        """The log's keys: those pinned, those given, and at the very first look those that the log itself names.

        errors   Unreachable, BadNote
        """
        first = not self.kept.verifiers() and not given
        published = _published(LogPlace(f"{self.url}/log", self.http)) if first else []
        try:
            found = self.kept.pin([*given, *published])
        except ValueError as error:
            raise Unreachable(str(error)) from None
        if not found:
            raise Unreachable(f"{self.url}/log/vkey names no key")
        return found

    def _others(
        self, seen: Looked, served: LogPlace, origin: str, verifiers: Sequence[Verifier], own: bytes | None
    ) -> None:
        if own is not None:
            self._see(seen, "own witness", own, origin, verifiers)
        for where in self.also:
            self._visit(seen, LogPlace(where, self.http), "checkpoint", origin, verifiers)
        listed = self.trusted or self._listed(served)
        for one in listed.witnesses.values() if listed is not None else ():
            # A folder of this machine is read where its owner names it, and not where the log does.
            if one.url is not None and (self.trusted is not None or one.url.startswith(("http://", "https://"))):
                path = f"{origin_path(origin)}/checkpoint"
                self._visit(seen, LogPlace(one.url, self.http), path, origin, verifiers)

    def _visit(self, seen: Looked, place: LogPlace, path: str, origin: str, verifiers: Sequence[Verifier]) -> None:
        try:
            note = place.look(path)
        except Unreachable as error:
            seen.away.append(str(error))
            return
        if note is None:
            seen.away.append(f"{place.place} has nothing of this log")
        else:
            self._see(seen, place.place, note, origin, verifiers)

    def _see(self, seen: Looked, where: str, note: bytes, origin: str, verifiers: Sequence[Verifier]) -> Sight | None:
        try:
            sight = opened(where, note, origin, verifiers)
        except (BadNote, UnicodeError):
            shown = {"type": "not-signed", "where": where, "note": note.decode("utf-8", "replace")}
            path = self.kept.save_document("not-signed", where.encode(), shown)
            seen.findings.append(Finding("not-signed", {"a": where}, path))
            return None
        seen.sights.append(sight)
        return sight

    def _served(self, seen: Looked, served: LogPlace, origin: str, verifiers: Sequence[Verifier]) -> None:
        others = list(seen.sights)
        most = max((one.checkpoint.size for one in others), default=0)
        newest = self._see(seen, served.place, served.read("checkpoint"), origin, verifiers)
        for _ in range(AGAIN_TIMES):
            # A cache may be some seconds behind a witness.
            if newest is None or newest.checkpoint.size >= most:
                break
            time.sleep(self.again_s)
            seen.sights.remove(newest)
            newest = self._see(seen, served.place, served.read("checkpoint"), origin, verifiers)
        if newest is None:
            return
        seen.checkpoint = newest.checkpoint
        for one in others:
            self._compare(seen, served, one, newest)
        self._quorum(seen, served, newest, origin, verifiers)
        if not seen.findings:
            self.kept.keep(newest.note)

    def _compare(self, seen: Looked, served: LogPlace, one: Sight, newest: Sight) -> None:
        old, new = one.checkpoint.size, newest.checkpoint.size
        facts: dict[str, Any] = {"a": one.where, "b": newest.where, "sizes": [old, new]}
        try:
            if old == new:
                evidence = split.same_size(one, newest)
            elif old > new:
                seen.findings.append(self._went_back(one, newest))
                return
            else:
                evidence = split.not_continued(one, newest, served.tree(places_of(old, new), new).node)
        except BadProof as error:
            facts["why"] = str(error)
            shown = {"type": "tiles-wrong", "notes": [one.note.decode(), newest.note.decode()], **facts}
            seen.findings.append(Finding("tiles-wrong", facts, self.kept.save_document("tiles-wrong", one.note, shown)))
            return
        if evidence is not None:
            seen.findings.append(Finding("split-view", facts, self.kept.save(evidence)))

    def _went_back(self, one: Sight, newest: Sight) -> Finding:
        facts = {"a": one.where, "size": newest.checkpoint.size, "more": one.checkpoint.size}
        shown = {"type": "went-back", "shown": [one.note.decode(), newest.note.decode()], **facts}
        return Finding("went-back", facts, self.kept.save_document("went-back", one.note, shown))

    def _quorum(
        self, seen: Looked, served: LogPlace, newest: Sight, origin: str, verifiers: Sequence[Verifier]
    ) -> None:
        if self.trusted is None:
            return
        seen.witnessed = False
        note = served.look_or_none("witnessed")
        for candidate in (newest.note, note):
            if candidate is None:
                continue
            met = self.trusted.met(parse_note(candidate))
            if candidate is note and note != newest.note:
                sight = self._see(seen, f"{served.place}/witnessed", candidate, origin, verifiers)
                if sight is None or sight.checkpoint.size > newest.checkpoint.size:
                    continue
                self._compare(seen, served, sight, newest)
            if met.quorum:
                seen.witnesses, seen.witnessed = met.names, True
                return
            seen.witnesses |= met.names

    @staticmethod
    def _listed(served: LogPlace) -> Policy | None:
        """The witnesses that the log names itself: not to be trusted for a quorum, and good for a comparison."""
        try:
            found = served.look("policy")
            return None if found is None else policy.parse_policy(found)
        except (BadPolicy, Unreachable):
            return None


def _published(served: LogPlace) -> list[Verifier]:
    try:
        return [parse_vkey(line) for line in served.read("vkey").decode().splitlines()]
    except (BadNote, UnicodeError) as error:
        raise Unreachable(f"{served.place}/vkey: {error}") from None
