"""Audit entries: who did what to which object under which rules, as canonical bytes for the log. Pure.

An entry has no room for personal data: only slugs, ids, version names and digests pass its checks. What has to be kept of a
person goes along as a secret: its commitment stands in the entry, the rest is sealed beside the log (compliance/sealing.py).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import Literal, NamedTuple
from uuid import UUID

import msgspec

from compliance.sealing import Secret
from compliance.tiles import LEAF_BYTES_MAX
from exchange.kernel import ids

CENTRE = "centre"
# Version 1 had neither `member` nor `sealed` nor `where`; the entries of that time stay as they are.
TYPE, VERSION = "audit-entry", 2
WORKER = "worker"
DONE: Literal["done"] = "done"
REFUSED: Literal["refused"] = "refused"

_SLUG = re.compile(r"(?=.{1,64}\Z)[a-z][a-z0-9]*(?:[-_.][a-z0-9]+)*\Z").match
# No space and no @: neither a name nor an address fits.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/-]{0,199}\Z").match
_DIGEST_BYTES = 32
_DIGESTS_MAX = 64
_CONCERNS_MAX = 256
_SECRETS_MAX = 64
_WORDS_MAX = 16


class BadEntry(ValueError):
    """An entry that the log does not take; always a mistake of ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing that happened, or was refused.

    shapes   `action` and digest names are slugs; `object_id` is an id's text form, or empty where nothing was made;
             digests are SHA-256; `concerns` are the organisations besides the actor's whose business it is;
             `member` is the person who acted, by id; `secrets` are sealed beside the log; `words` are short texts that people
             write (a reason): the log has their digest under a salt, as `<name>.salted`, so that nobody can try guesses
    errors   BadEntry
    """

    action: str
    organisation_id: UUID | None
    object_id: str = ""
    client_id: UUID | None = None
    object_version: str | None = None
    agreement_id: str | None = None
    rule_set: str | None = None
    outcome: Literal["done", "refused"] = DONE
    problem: str | None = None
    digests: Mapping[str, bytes] = field(default_factory=dict)
    concerns: tuple[UUID, ...] = ()
    node_id: str = CENTRE
    member_id: UUID | None = None
    secrets: tuple[Secret, ...] = ()
    words: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        """Let nothing in that could be a person's."""
        _check_shape(
            self.action,
            self.object_version,
            self.rule_set,
            self.outcome,
            self.problem,
            self.node_id,
            *self.digests,
            *self.words,
        )
        agreement = self.agreement_id
        if not (self.object_id == "" or _NAME(self.object_id)) or not (agreement is None or _NAME(agreement)):
            raise BadEntry("the log takes ids only, no words")
        if len(self.concerns) > _CONCERNS_MAX or any(len(digest) != _DIGEST_BYTES for digest in self.digests.values()):
            raise BadEntry("an entry has at most 256 organisations, and digests of 32 bytes")
        if len(self.secrets) > _SECRETS_MAX or len(self.words) > _WORDS_MAX:
            raise BadEntry("an entry has at most 64 secrets and 16 texts")

    def organisations(self) -> list[UUID]:
        """Everybody whom the entry concerns, the actor first, nobody twice."""
        first = () if self.organisation_id is None else (self.organisation_id,)
        return list(dict.fromkeys(first + self.concerns))


# Fields stand in alphabetical order: msgspec then writes what RFC 8785 wants (a property test compares).
class _Actor(msgspec.Struct, frozen=True):
    client: str | None
    organisation: str | None


class _Object(msgspec.Struct, frozen=True):
    id: str | None
    version: str | None


class _Envelope(msgspec.Struct, frozen=True):
    action: str
    actor: _Actor
    agreement: str | None
    at: str
    digests: dict[str, str]
    id: str
    member: str | None
    node: str
    object: _Object
    organisations: list[str]
    outcome: str
    problem: str | None
    rule_set: str | None
    sealed: list[str]
    type: str
    v: int
    where: str


class Beside(NamedTuple):
    """What an entry says of things that lie beside the log: commitments to secrets, and salted digests of texts."""

    commitments: tuple[bytes, ...] = ()
    salted: Mapping[str, bytes] = MappingProxyType({})


_NOTHING = Beside()
_ENCODE = msgspec.json.Encoder(order="deterministic").encode


def envelope(entry: Entry, now: datetime, entry_id: UUID, where: str = WORKER, beside: Beside = _NOTHING) -> bytes:
    """The canonical bytes of an entry: the leaf of the log. `where` names the app or process that it came through.

    units    `now` is aware and UTC
    errors   BadEntry for another time zone or more than 65,535 bytes
    source   RFC 8785
    """
    client = None if entry.client_id is None else _known("cli", entry.client_id)
    organisation = None if entry.organisation_id is None else _known("org", entry.organisation_id)
    data = _ENCODE(
        _Envelope(
            entry.action,
            _Actor(client, organisation),
            entry.agreement_id,
            _stamp(now),
            {name: digest.hex() for name, digest in (*entry.digests.items(), *beside.salted.items())},
            ids.text("aud", entry_id),
            None if entry.member_id is None else ids.text("mem", entry.member_id),
            entry.node_id,
            _Object(entry.object_id or None, entry.object_version),
            [_known("org", one) for one in entry.organisations()],
            entry.outcome,
            entry.problem,
            entry.rule_set,
            [one.hex() for one in beside.commitments],
            TYPE,
            VERSION,
            _place(where),
        )
    )
    if len(data) > LEAF_BYTES_MAX:
        raise BadEntry("an entry is at most 65,535 bytes")
    return data


def moment(at: datetime) -> str:
    """A time as it stands in signed documents: UTC, microseconds, Z.

    errors   BadEntry for another time zone
    """
    if at.utcoffset() != timedelta(0):
        raise BadEntry("times in the log are UTC")
    return at.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


@lru_cache(maxsize=64)
def _place(where: str) -> str:
    if not _SLUG(where):
        raise BadEntry(f"an app or a process has a short slug: {where!r}")
    return where


# The same few parties and moments come again and again in a batch.
_known = lru_cache(maxsize=8192)(ids.text)
_stamp = lru_cache(maxsize=64)(moment)


@lru_cache(maxsize=4096)
def _check_shape(
    action: str,
    version: str | None,
    rule_set: str | None,
    outcome: str,
    problem: str | None,
    node_id: str,
    *digests: str,
) -> None:
    """Check what repeats from entry to entry, once."""
    slugs = (action, node_id, *digests) if problem is None else (action, node_id, problem, *digests)
    if not all(_SLUG(slug) for slug in slugs) or len(digests) > _DIGESTS_MAX:
        raise BadEntry(f"actions, nodes, problems and digests have short slugs: {slugs!r}")
    if not all(name is None or _NAME(name) for name in (version, rule_set)):
        raise BadEntry(f"not the name of a version or a rule set: {version!r}, {rule_set!r}")
    if outcome not in (DONE, REFUSED) or (outcome == REFUSED) is not (problem is not None):
        raise BadEntry("an entry is done, or refused with a problem")
