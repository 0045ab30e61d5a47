"""A trust policy: which logs, which witnesses, and how many of them make a checkpoint believed. Pure.

source   c2sp.org/tlog-policy
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from compliance.cosign import CosignVerifier, parse_witness_vkey
from compliance.notes import BadNote, Note, Verifier, parse_vkey

NONE = "none"
POLICY_BYTES_MAX = 262_144
NAMES_MAX = 1024
_BLANK = " \t"


class BadPolicy(ValueError):
    """A policy that cannot be read; the text names the line."""


@dataclass(frozen=True, slots=True)
class Group:
    """Witnessed when at least `needed` of its members are."""

    needed: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Witness:
    """A witness of a policy; the address is its submission prefix."""

    verifier: CosignVerifier
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Log:
    """A log of a policy, with where it is served."""

    verifier: Verifier
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Met:
    """Which witnesses of the policy cosigned, and whether they are enough."""

    names: frozenset[str]
    quorum: bool


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy as read; `quorum` is the name of a witness or a group, or `none`."""

    logs: tuple[Log, ...]
    witnesses: Mapping[str, Witness]
    groups: Mapping[str, Group]
    quorum: str

    def signed(self, note: Note) -> bool:
        """Whether a log of the policy signed, and no line of a known log's key is wrong."""
        known = {(one.verifier.name, one.verifier.key_id): one.verifier for one in self.logs}
        lines = [(known[key], line) for line in note.signatures if (key := (line.name, line.key_id)) in known]
        return bool(lines) and all(key.verify(note.text, line.signature) for key, line in lines)

    def met(self, note: Note) -> Met:
        """Who cosigned the note. A wrong line of a known witness is no cosignature, and spoils no other."""
        lines: dict[tuple[str, bytes], list[bytes]] = {}
        for line in note.signatures:
            lines.setdefault((line.name, line.key_id), []).append(line.signature)
        names = frozenset(
            name
            for name, one in self.witnesses.items()
            if any(
                one.verifier.verify(note.text, signature)
                for signature in lines.get((one.verifier.name, one.verifier.key_id), ())
            )
        )
        return Met(names, self.enough(names))

    def enough(self, names: frozenset[str]) -> bool:
        """Whether these witnesses are the quorum."""
        if self.quorum == NONE:
            return True
        # Groups name only what stands before them, so that one pass in the order of the file is enough.
        met = set(names)
        for name, group in self.groups.items():
            if sum(member in met for member in group.members) >= group.needed:
                met.add(name)
        return self.quorum in met


@dataclass(slots=True)
class _Reading:
    logs: list[Log] = field(default_factory=list)
    witnesses: dict[str, Witness] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    quorum: str | None = None

    def line(self, words: Sequence[str]) -> None:
        """Take one line.

        errors   BadPolicy, BadNote
        """
        kind, rest = words[0], words[1:]
        if kind == "log" and len(rest) in (1, 2):
            self._log(Log(parse_vkey(rest[0]), *rest[1:]))
        elif kind == "witness" and len(rest) in (2, 3):
            self._witness(rest[0], Witness(parse_witness_vkey(rest[1]), *rest[2:]))
        elif kind == "group" and len(rest) >= 3:
            self._group(rest[0], rest[1], tuple(rest[2:]))
        elif kind == "quorum" and len(rest) == 1:
            self._quorum(rest[0])
        else:
            raise BadPolicy("a line is: log, witness, group or quorum, with what belongs to it")

    def _log(self, made: Log) -> None:
        if any(one.verifier.public == made.verifier.public for one in self.logs):
            raise BadPolicy("two logs with one key")
        self.logs.append(made)

    def _witness(self, name: str, made: Witness) -> None:
        self._new(name)
        if any(one.verifier.public == made.verifier.public for one in self.witnesses.values()):
            raise BadPolicy("two witnesses with one key")
        self.witnesses[name] = made

    def _group(self, name: str, word: str, members: tuple[str, ...]) -> None:
        self._new(name)
        if len(set(members)) != len(members) or any(not self._known(one) for one in members):
            raise BadPolicy("a group names witnesses and groups that stand before it, each once")
        if any(one in group.members for group in self.groups.values() for one in members):
            raise BadPolicy("a name belongs to one group at most")
        needed = {"all": len(members), "any": 1}.get(word)
        if needed is None:
            if not word.isascii() or not word.isdigit() or word.startswith("0") or len(word) > 9:
                raise BadPolicy("a group needs all, any, or a number of its members")
            needed = int(word)
        if not 1 <= needed <= len(members):
            raise BadPolicy("a group needs at least one and at most all of its members")
        self.groups[name] = Group(needed, members)

    def _quorum(self, name: str) -> None:
        if self.quorum is not None:
            raise BadPolicy("there is one quorum")
        if name != NONE and not self._known(name):
            raise BadPolicy("the quorum is none, or a witness or group that stands before it")
        self.quorum = name

    def _known(self, name: str) -> bool:
        return name in self.witnesses or name in self.groups

    def _new(self, name: str) -> None:
        if name == NONE or self._known(name):
            raise BadPolicy("the name is taken")
        if len(self.witnesses) + len(self.groups) >= NAMES_MAX:
            raise BadPolicy("too many names")


def parse_policy(data: bytes) -> Policy:
    """Read a policy.

    errors   BadPolicy, which names the line
    """
    if len(data) > POLICY_BYTES_MAX or any((one < 0x20 and one not in b"\t\n") or one == 0x7F for one in data):
        raise BadPolicy("a policy is a small text without control characters")
    if data and not data.endswith(b"\n"):
        raise BadPolicy("every line ends in a newline")
    reading = _Reading()
    # Bytes above ASCII are opaque: they compare as they are, whatever they mean.
    for number, line in enumerate(data.decode("utf-8", "surrogateescape").split("\n"), 1):
        words = [word for word in line.replace("\t", " ").split(" ") if word]
        if not words or words[0].startswith("#"):
            continue
        try:
            reading.line(words)
        except (BadPolicy, BadNote, UnicodeError) as error:
            raise BadPolicy(f"line {number}: {error}") from None
    if reading.quorum is None:
        raise BadPolicy(
            "there is no quorum line: write `quorum NAME` with a witness or a group of the policy, or `quorum none` "
            "缺少 quorum 行：请写 `quorum 名称`（策略中的见证方或组），或 `quorum none`"
        )
    return Policy(tuple(reading.logs), reading.witnesses, reading.groups, reading.quorum)


def policy_text(logs: Sequence[Log], witnesses: Sequence[Witness], needed: int) -> bytes:
    """The policy of a log whose witnesses form one group, of which `needed` are the quorum; 0 asks for none.

    Where fewer witnesses exist than are needed nothing can be witnessed, and the text says so by an impossible quorum: it
    has none, and cannot be read as a policy.
    """
    lines = [_line("log", one.verifier.vkey, one.url) for one in logs]
    lines += [_line("witness", one.verifier.name, one.verifier.vkey, one.url) for one in witnesses]
    if needed == 0:
        lines.append("quorum none")
    elif needed <= len(witnesses):
        members = [one.verifier.name for one in witnesses]
        lines += [_line("group", GROUP, str(needed), *members), f"quorum {GROUP}"]
    else:
        lines.append(f"# {needed} witnesses are needed, and there are {len(witnesses)}: nothing counts as witnessed")
    return "".join(f"{line}\n" for line in lines).encode()


GROUP = "witnesses"


def _line(*words: str | None) -> str:
    return " ".join(word for word in words if word)
