"""Entries as security events for a SIEM (OCSF 1.5.0), one JSON object a line: `events.ocsf.jsonl`. Pure.

What is done to organisations, clients and keys is Entity Management, everything else API Activity. OCSF has no place for
agreements, rules and digests: they stand under `unmapped`, by our names.

source   https://schema.ocsf.io/1.5.0, classes api_activity (6003) and entity_management (3004)
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import msgspec

from compliance.formats.moments import micros
from compliance.formats.shape import Decoded, Row

VERSION = "1.5.0"
_PRODUCT = {"name": "Corpus Exchange", "vendor_name": "Corpus Exchange"}
_OTHER = 99
_API, _ENTITY = 6003, 3004
_CLASSES = {
    _API: ("API Activity", 6, "Application Activity"),
    _ENTITY: ("Entity Management", 3, "Identity & Access Management"),
}
_CREATE, _READ, _UPDATE, _DELETE = 1, 2, 3, 4
_ENABLE, _DEACTIVATE, _SUSPEND, _RESUME = 8, 11, 12, 13
_NAMES = {
    _CREATE: "Create",
    _READ: "Read",
    _UPDATE: "Update",
    _DELETE: "Delete",
    _ENABLE: "Enable",
    _DEACTIVATE: "Deactivate",
    _SUSPEND: "Suspend",
    _RESUME: "Resume",
}
# What an action does, by its last word; any other is "Other" under its own name.
_DOES = {
    **dict.fromkeys(
        ("ask", "create", "draft", "import", "issue", "open", "order", "place", "purchase", "put"), _CREATE
    ),
    **dict.fromkeys(("register", "request", "submit"), _CREATE),
    **dict.fromkeys(("preview", "prove", "read", "sent"), _READ),
    **dict.fromkeys(("bounds", "change-offer", "correct", "report", "updated", "version"), _UPDATE),
    **dict.fromkeys(("abandon", "cancel", "delist", "drop", "end", "retire", "revoke", "withdraw"), _DELETE),
}
_DOES_TO_ENTITY = {
    **dict.fromkeys(("create", "put", "register"), _CREATE),
    **dict.fromkeys(("end", "retire", "revoke"), _DEACTIVATE),
    "resume": _RESUME,
    "suspend": _SUSPEND,
    "updated": _UPDATE,
    "verify": _ENABLE,
}
_ENTITIES = {
    "client": (_OTHER, "Client"),
    "mandate": (5, "Policy"),
    "member": (2, "User"),
    "organisation": (4, "Organization"),
    "signing-key": (_OTHER, "Signing key"),
    "usage-source": (_OTHER, "Usage source"),
}


class _Kind(NamedTuple):
    """What an action is in OCSF."""

    class_uid: int
    activity_id: int
    activity: str
    entity: tuple[int, str] | None


class _Organisation(msgspec.Struct, gc=False):
    uid: str


class _User(msgspec.Struct, omit_defaults=True, gc=False):
    uid: str
    type: str
    type_id: int
    org: _Organisation | None = None


class _Actor(msgspec.Struct, omit_defaults=True, gc=False):
    app_name: str | None = None
    app_uid: str | None = None
    user: _User | None = None


class _Operation(msgspec.Struct, gc=False):
    operation: str


class _Entity(msgspec.Struct, omit_defaults=True, gc=False):
    type: str
    type_id: int
    name: str | None = None
    uid: str | None = None
    version: str | None = None


class _Resource(msgspec.Struct, omit_defaults=True, gc=False):
    uid: str
    type: str | None = None
    version: str | None = None


class _Metadata(msgspec.Struct, omit_defaults=True, gc=False):
    event_code: str
    log_name: str
    log_version: str
    original_time: str
    product: dict[str, str]
    sequence: int
    uid: str
    version: str
    tenant_uid: str | None = None


class _Endpoint(msgspec.Struct, omit_defaults=True, gc=False):
    name: str
    svc_name: str | None = None


class _Unmapped(msgspec.Struct, omit_defaults=True, gc=False):
    agreement: str | None = None
    digests: dict[str, str] = {}
    organisations: list[str] = []
    rule_set: str | None = None
    sealed: list[str] = []


class _Event(msgspec.Struct, omit_defaults=True, gc=False):
    activity_id: int
    activity_name: str
    actor: _Actor
    category_name: str
    category_uid: int
    class_name: str
    class_uid: int
    metadata: _Metadata
    severity: str
    severity_id: int
    src_endpoint: _Endpoint
    status: str
    status_id: int
    time: int
    type_name: str
    type_uid: int
    api: _Operation | None = None
    entity: _Entity | None = None
    resources: list[_Resource] | None = None
    status_code: str | None = None
    unmapped: _Unmapped | None = None


_ENCODE = msgspec.json.Encoder().encode


class Ocsf:
    """`events.ocsf.jsonl`."""

    member = "events.ocsf.jsonl"

    def head(self) -> bytes:
        """Nothing."""
        return b""

    def part(self, rows: Sequence[Row], at: int) -> tuple[bytes, bytes]:
        """One line for each entry; no note."""
        return b"".join([_ENCODE(_event(row.index, row.entry)) + b"\n" for row in rows]), b""

    def tail(self, notes: Sequence[bytes], at: int) -> bytes:
        """Nothing."""
        return b""


def _event(index: int, entry: Decoded) -> _Event:
    kind = _kind(entry.action)
    class_name, category_uid, category = _CLASSES[kind.class_uid]
    done = entry.outcome == "done"
    return _Event(
        kind.activity_id,
        kind.activity,
        _actor(entry),
        category,
        category_uid,
        class_name,
        kind.class_uid,
        _Metadata(
            entry.action,
            "audit",
            str(entry.v),
            entry.at,
            _PRODUCT,
            index,
            entry.id,
            VERSION,
            entry.actor.organisation,
        ),
        "Informational" if done else "Low",
        1 if done else 2,
        _Endpoint(entry.node, entry.where),
        "Success" if done else "Failure",
        1 if done else 2,
        micros(entry.at) // 1000,
        f"{class_name}: {kind.activity}",
        kind.class_uid * 100 + kind.activity_id,
        _Operation(entry.action) if kind.entity is None else None,
        None if kind.entity is None else _entity(entry, *kind.entity),
        _resources(entry) if kind.entity is None else None,
        entry.problem,
        _Unmapped(entry.agreement, entry.digests, entry.organisations, entry.rule_set, entry.sealed),
    )


# A log has a few hundred actions.
@lru_cache(maxsize=4096)
def _kind(action: str) -> _Kind:
    noun, _, verb = action.rpartition(".")
    entity = _ENTITIES.get(noun)
    does = (_DOES if entity is None else _DOES_TO_ENTITY).get(verb, _OTHER)
    return _Kind(_API if entity is None else _ENTITY, does, _NAMES.get(does, action), entity)


def _actor(entry: Decoded) -> _Actor:
    client, organisation = entry.actor.client, entry.actor.organisation
    user = None
    if entry.member is not None:
        user = _User(entry.member, "User", 1, None if organisation is None else _Organisation(organisation))
    return _Actor(None if client is not None else _PRODUCT["name"], client, user)


def _entity(entry: Decoded, type_id: int, type_name: str) -> _Entity:
    return _Entity(
        type_name, type_id, type_name if entry.object.id is None else None, entry.object.id, entry.object.version
    )


def _resources(entry: Decoded) -> list[_Resource] | None:
    thing = entry.object
    found = [] if thing.id is None else [_Resource(thing.id, None, thing.version)]
    if entry.agreement is not None and entry.agreement != thing.id:
        found.append(_Resource(entry.agreement, "agreement"))
    return found or None
