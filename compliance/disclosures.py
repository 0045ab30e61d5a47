"""Disclosure in an export: on which legal basis a regulator has sealed records opened, and what was opened. Pure."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from uuid import UUID

import msgspec

from compliance.directives import LAWS, REGULATOR, Directive
from compliance.problems import DISCLOSURE_DIRECTIVE, DISCLOSURE_INVALID, NOT_A_REGULATOR
from compliance.sealing import Opened
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.canonical import canonical
from exchange.kernel.errors import Problem
from exchange.kernel.text import Text, readable

BY_DIRECTIVE = "directive"
_ARTICLE_MAX = 80


class Ground(msgspec.Struct, frozen=True):
    """On what a disclosure rests: a law and its article, or a directive `disclose` of the regulator's own, by id."""

    law: str | None = None
    article: str | None = None
    directive: str | None = None

    @property
    def kind(self) -> str:
        """What the bundle says of it: the law, or that a directive orders it."""
        return self.law or BY_DIRECTIVE

    @property
    def rule(self) -> str:
        """What the log says of it."""
        return self.directive or self.kind

    def to_wire(self) -> dict[str, str | None]:
        """As it is kept, and as the delivery note says it."""
        return {"article": self.article, "directive": self.directive, "law": self.law}


@dataclass(frozen=True, slots=True)
class Disclosed:
    """What is opened in a bundle; its bytes follow from the records, so equal records give the same bundle."""

    basis: str
    sha256: bytes
    size_bytes: int
    crc32: int
    records: int
    subjects: int

    def to_wire(self) -> dict[str, object]:
        """What the manifest says of it."""
        return {"basis": self.basis, "records": self.records, "subjects": self.subjects}


class Tally:
    """What goes into `disclosed.jsonl`, measured as it passes by.

    Whose it is has to be known at the end, so that is all that grows: 16 bytes for each subject, and what Python adds.
    """

    def __init__(self) -> None:
        """Begin with nothing."""
        self._digest = sha256()
        self._size = self._crc = self._records = 0
        self._subjects: set[bytes] = set()

    def add(self, data: bytes, of: Iterable[UUID]) -> None:
        """Look at the next lines; `of` has a subject for each."""
        self._digest.update(data)
        self._size += len(data)
        self._crc = zlib.crc32(data, self._crc)
        whose = list(of)
        self._records += len(whose)
        self._subjects.update([one.bytes for one in whose])

    def subjects(self) -> tuple[bytes, ...]:
        """The ids of those it tells of, in order."""
        return tuple(sorted(self._subjects))

    def disclosed(self, basis: str) -> Disclosed:
        """All that passed by."""
        return Disclosed(basis, self._digest.digest(), self._size, self._crc, self._records, len(self._subjects))


def may_disclose(actor: Actor, ground: Ground) -> Problem | None:
    """Why nothing is disclosed on this ground, or None; a directive has to be looked at besides.

    errors   answers NOT_A_REGULATOR, DISCLOSURE_INVALID
    """
    if REGULATOR not in actor.roles:
        return NOT_A_REGULATOR()
    needs = _fault(ground)
    return None if needs is None else DISCLOSURE_INVALID(needs=needs)


def orders(actor: Actor, directive: Directive | None, name: str) -> Problem | None:
    """Why a directive is no ground for this regulator, or None: it has to be its own, to disclose, and in force.

    errors   answers DISCLOSURE_DIRECTIVE, the same for one that is not there
    """
    if (
        directive is None
        or directive.kind != "disclose"
        or directive.issued_by != actor.organisation_id
        or not directive.in_force
    ):
        return DISCLOSURE_DIRECTIVE(directive=name)
    return None


def line(index: int, entry_id: UUID, opened: Opened) -> bytes:
    """A record as the bundle holds it."""
    return canonical({**opened.to_wire(), "entry": ids.text("aud", entry_id), "index": index}) + b"\n"


def ground_of(wire: Mapping[str, str | None]) -> Ground:
    """Read back what `Ground.to_wire` wrote."""
    return msgspec.convert(wire, Ground)


def _fault(ground: Ground) -> Text | None:
    if (ground.law is None) is (ground.directive is None):
        return Text("either a law with its article, or a directive", "法律及其条款，或监管指令，二者择一")
    if ground.law is None:
        return None if ground.article is None else Text("no article beside a directive", "引用指令时不填条款")
    if ground.law not in LAWS:
        return Text("a law out of " + ", ".join(LAWS), "以下法律依据之一：" + "、".join(LAWS))
    article = ground.article or ""
    if not 1 <= len(article.strip()) <= len(article) <= _ARTICLE_MAX or not readable(article) or "\n" in article:
        return Text(f"an article of 1 to {_ARTICLE_MAX} characters", f"1 至 {_ARTICLE_MAX} 个字符的条款")
    return None
