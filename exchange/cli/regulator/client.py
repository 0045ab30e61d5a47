"""A log seen from outside, over HTTP or in a folder, and what a watcher keeps of it between two looks."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from compliance import tiles
from compliance.notes import Checkpoint, Verifier, open_checkpoint, parse_vkey
from compliance.split import Evidence, Sight
from compliance.witness_folder import write_whole
from exchange.kernel.merkle import HASH_BYTES

TIMEOUT_S = 10.0
ANSWER_BYTES_MAX = 1_048_576


class Unreachable(Exception):
    """Something that is asked for cannot be had; the text says what and where."""


class LogPlace:
    """Where a log is served in the form of C2SP tlog-tiles: an HTTP address, or a folder such as a copied bucket."""

    def __init__(self, place: str, http: httpx.Client, limit_s: float = TIMEOUT_S) -> None:
        """Read from `place`, beside which `checkpoint` and `tile/...` lie; an answer has `limit_s` to come whole."""
        self.place, self._http, self._limit_s = place.rstrip("/"), http, limit_s

    def read(self, path: str) -> bytes:
        """One object.

        errors   Unreachable
        """
        found = self.look(path)
        if found is None:
            raise Unreachable(f"{self.place}/{path} does not exist")
        return found

    def look(self, path: str) -> bytes | None:
        """One object, None where it does not exist.

        errors   Unreachable
        """
        address = f"{self.place}/{path}"
        if not self.place.startswith(("http://", "https://")):
            try:
                return (Path(self.place) / path).read_bytes()
            except FileNotFoundError:
                return None
            except OSError as error:
                raise Unreachable(f"{address}: {error}") from error
        until = time.monotonic() + self._limit_s
        try:
            with self._http.stream("GET", address) as answer:
                data = b""
                for part in answer.iter_bytes():
                    data += part
                    if len(data) > ANSWER_BYTES_MAX:
                        raise Unreachable(f"{address} answers more than anything of a log")
                    if time.monotonic() > until:
                        # The client's own limit is one for each piece: who sends a byte now and then would hold a watcher up.
                        raise Unreachable(f"{address} answers too slowly")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Unreachable(f"{address}: {error or type(error).__name__}") from error
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        if answer.status_code != httpx.codes.OK:
            raise Unreachable(f"{address} answers {answer.status_code}")
        return data

    def look_or_none(self, path: str) -> bytes | None:
        """One object, None where it does not exist or cannot be had now."""
        try:
            return self.look(path)
        except Unreachable:
            return None

    def tree(self, places: Iterable[tiles.Place], size: int) -> tiles.Tiles:
        """Tiles of the tree of `size`.

        errors   Unreachable
        """
        return tiles.Tiles({place: self._tile(*place, tiles.width_at(*place, size)) for place in sorted(set(places))})

    def _tile(self, level: int, number: int, width: int) -> bytes:
        data = self.look(tiles.path(level, number, width))
        if data is None and width < tiles.WIDTH:
            # Who stores a log may take the partial tiles away when the full one is there.
            data = self.look(tiles.path(level, number))
        if data is None or len(data) < width * HASH_BYTES:
            raise Unreachable(f"{self.place}/{tiles.path(level, number, width)} is missing or cut")
        return data[: width * HASH_BYTES]


@dataclass(frozen=True, slots=True)
class Kept:
    """The folder of a watcher: the log's keys as first believed, the newest checkpoint, and evidence."""

    folder: Path

    def verifiers(self) -> list[Verifier]:
        """The keys that were pinned; none before the first look.

        errors   BadNote for a file that was damaged: never treated as none
        """
        path = self.folder / "log.vkeys"
        return [parse_vkey(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []

    def pin(self, verifiers: Sequence[Verifier]) -> list[Verifier]:
        """Believe these keys too, from now on; all that are believed.

        errors   ValueError for keys of two logs
        """
        known = self.verifiers()
        found = [*known, *(one for one in verifiers if one not in known)]
        if len({one.name for one in found}) > 1:
            raise ValueError("a folder watches one log: these keys have different names")
        if found != known:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_whole(self.folder / "log.vkeys", "".join(f"{one.vkey}\n" for one in found).encode())
        return found

    def sight(self, origin: str, verifiers: Sequence[Verifier]) -> Sight | None:
        """The newest checkpoint seen before.

        errors   BadNote for a file that was damaged: never treated as none
        """
        path = self.folder / "checkpoint"
        if not path.exists():
            return None
        note = path.read_bytes()
        return Sight("kept", note, open_checkpoint(note, origin, verifiers))

    def keep(self, note: bytes) -> None:
        """Remember a checkpoint as the newest seen."""
        write_whole(self.folder / "checkpoint", note)

    def save(self, evidence: Evidence) -> Path:
        """Write evidence down."""
        return self.save_document("split-view", evidence.shorter.note, evidence.document())

    def save_document(self, kind: str, about: bytes, document: dict[str, Any]) -> Path:
        """Write a finding down, the first of its kind about a checkpoint: a log that goes on wrong fills no disk."""
        path = self.folder / "evidence" / f"{kind}-{hashlib.sha256(about).hexdigest()[:16]}.json"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, (json.dumps(document, ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode())
        return path


def places_of(old: int, new: int) -> set[tiles.Place]:
    """The tiles that show what the tree of `new` leaves was at `old`, and that it grew from it."""
    return tiles.places([(0, old)]) | tiles.places_for_consistency(old, new)


def opened(where: str, note: bytes, origin: str, verifiers: Sequence[Verifier]) -> Sight:
    """A checkpoint as a sight.

    errors   BadNote where no pinned key signed it
    """
    checkpoint: Checkpoint = open_checkpoint(note, origin, verifiers)
    return Sight(where, note, checkpoint)
