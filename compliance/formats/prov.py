"""Entries as provenance (W3C PROV-JSON), for whoever asks what became of what: `events.prov.json`. Pure.

Each entry is a bundle of its own, so that the document can be written, read and cut entry by entry: an activity, the agents
who did it for whom, the object, the agreement that it was done under, and the rules as its plan.

source   https://www.w3.org/submissions/prov-json/, https://www.w3.org/TR/prov-dm/
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import quote

import msgspec

from compliance.formats.shape import Decoded, Row

NAMESPACE = "urn:corpus-exchange:"
_ENCODE = msgspec.json.Encoder().encode
_HEAD = b'{"prefix":' + _ENCODE({"cx": NAMESPACE}) + b',"bundle":{\n'
_TAIL = b"\n}}\n"
_CLEAN = re.compile(r"[A-Za-z0-9_.:/-]*\Z").match
_EXCHANGE = "cx:exchange"
# What these do to an object leaves it as it was.
_LOOKS = ("ask", "preview", "prove", "read", "sent")

Json = dict[str, Any]


class Prov:
    """`events.prov.json`."""

    member = "events.prov.json"

    def head(self) -> bytes:
        """The name space, and the beginning of the bundles."""
        return _HEAD

    def part(self, rows: Sequence[Row], at: int) -> tuple[bytes, bytes]:
        """One line for each entry; no note."""
        lines = [b'"cx:leaf/%d":%b' % (row.index, _ENCODE(_bundle(row.entry))) for row in rows]
        between = b",\n" if lines and at > len(_HEAD) else b""
        return between + b",\n".join(lines), b""

    def tail(self, notes: Sequence[bytes], at: int) -> bytes:
        """The end of the bundles."""
        return _TAIL


def _bundle(entry: Decoded) -> Json:
    activity = _name(entry.id)
    agents, parties, behalf = _agents(entry, activity)
    entities, used = _entities(entry)
    done: Json = {"prov:activity": activity}
    if entry.rule_set is not None:
        plan = f"cx:rules/{_local(entry.rule_set)}"
        entities[plan] = _PLAN
        done["prov:plan"] = plan
    made: Json = {
        "activity": {activity: _facts(entry)},
        "agent": agents,
        "wasAssociatedWith": _numbered("a", [{**done, "prov:agent": one} for one in parties]),
    }
    if entities:
        made["entity"] = entities
    if behalf:
        made["actedOnBehalfOf"] = _numbered("b", behalf)
    if used:
        made["used"] = _numbered("u", [{"prov:activity": activity, "prov:entity": one} for one in used])
    if entry.object.id is not None and _name(entry.object.id) not in used:
        influence = {"prov:influencee": _name(entry.object.id), "prov:influencer": activity}
        made["wasInfluencedBy"] = _numbered("i", [influence])
    return made


def _facts(entry: Decoded) -> Json:
    """What is said of the activity itself."""
    facts: Json = {
        "prov:startTime": entry.at,
        "prov:endTime": entry.at,
        "cx:action": entry.action,
        "cx:node": entry.node,
        "cx:outcome": entry.outcome,
    }
    if entry.problem is not None:
        facts["cx:problem"] = entry.problem
    if entry.where is not None:
        facts["cx:where"] = entry.where
    if entry.digests:
        facts["cx:digest"] = [f"{name}:{digest}" for name, digest in entry.digests.items()]
    if entry.sealed:
        facts["cx:sealed"] = entry.sealed
    if entry.organisations:
        facts["cx:concerns"] = [_qualified(_name(one)) for one in entry.organisations]
    return facts


def _agents(entry: Decoded, activity: str) -> tuple[Json, list[str], list[Json]]:
    """Who there is, whom the activity is associated with, and who acted for whom."""
    agents: Json = {}
    parties = []
    for one, kind in ((entry.actor.client, _SOFTWARE), (entry.member, _PERSON)):
        if one is not None:
            agents[_name(one)] = kind
            parties.append(_name(one))
    behalf: list[Json] = []
    if entry.actor.organisation is not None:
        organisation = _name(entry.actor.organisation)
        behalf = [
            {"prov:delegate": one, "prov:responsible": organisation, "prov:activity": activity} for one in parties
        ]
        agents[organisation] = _ORGANISATION
        parties = parties or [organisation]
    if not parties:
        agents[_EXCHANGE] = _SOFTWARE
        parties = [_EXCHANGE]
    return agents, parties, behalf


def _entities(entry: Decoded) -> tuple[Json, list[str]]:
    """What there is, and what of it the activity used and left as it was."""
    entities: Json = {}
    used = []
    thing = entry.object
    if thing.id is not None:
        entities[_name(thing.id)] = {} if thing.version is None else {"cx:version": thing.version}
        if entry.outcome != "done" or entry.action.rpartition(".")[2] in _LOOKS:
            used.append(_name(thing.id))
    if entry.agreement is not None and entry.agreement != thing.id:
        entities[_name(entry.agreement)] = {}
        used.append(_name(entry.agreement))
    return entities, used


def _numbered(letter: str, relations: Iterable[Json]) -> Json:
    """Relations have no names of their own: blank ones, which mean nothing outside their bundle."""
    return {f"_:{letter}{number}": one for number, one in enumerate(relations)}


def _qualified(name: str) -> Json:
    return {"$": name, "type": "prov:QUALIFIED_NAME"}


_SOFTWARE, _PERSON, _ORGANISATION, _PLAN = (
    {"prov:type": _qualified(f"prov:{kind}")} for kind in ("SoftwareAgent", "Person", "Organization", "Plan")
)


def _name(text: str) -> str:
    return f"cx:{_local(text)}"


def _local(text: str) -> str:
    # Nearly every text is an id of ours and stands in an IRI as it is.
    return text if _CLEAN(text) else quote(text, safe="_.:/-")
