"""A right as it is written down: the form of its document, and what is wrong with one that has another form."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import msgspec

from contracts.chain import TRAINING, Coverage, RightDraft, RightKind, Subject, backwards
from contracts.countries import COUNTRIES
from contracts.rights import PURPOSES
from exchange.kernel.canonical import canonical, sha256
from exchange.kernel.text import Text

FIELDS = (
    "subject",
    "id",
    "kind",
    "holder",
    "from",
    "until",
    "territory",
    "purposes",
    "training",
    "commercial",
    "sublicensable",
    "evidence_sha256",
    "covers",
)
_NEEDED = frozenset({"subject", "id", "kind", "holder", "territory", "purposes", "covers"})
NAME_MAX_CHARS = 300
VALUES_MAX = 10_000
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
_DIGEST = re.compile(r"[0-9a-f]{64}\Z")
_COVERS = Text(
    'must be one of {"dataset": true}, {"assets": [...]}, {"records": {...}} and {"source": {...}}',
    '须为 {"dataset": true}、{"assets": [...]}、{"records": {...}}、{"source": {...}} 之一',
)


@dataclass(frozen=True, slots=True)
class Fault:
    """A field that is wrong, and what would be right."""

    field: str
    why: Text


class _Wrong(Exception):
    def __init__(self, english: str, chinese: str) -> None:
        super().__init__(english)
        self.why = Text(english, chinese)


def parse(document: object) -> RightDraft | list[Fault]:
    """Understand the document of a right, or say what is wrong with each of its fields.

    shapes   from and until are days (UTC), both included; fields that may be missing: from, until, training, commercial,
             sublicensable, evidence_sha256; null is the same as missing
    """
    if not isinstance(document, Mapping):
        return [Fault("/", Text("is no object", "应为对象"))]
    faults = [
        Fault(str(name)[:40], Text("is no field of a right", "不是权利声明的字段"))
        for name in document
        if name not in FIELDS
    ]
    given = {name: value for name, value in document.items() if value is not None}
    faults += [Fault(name, Text("is missing", "缺失")) for name in FIELDS if name in _NEEDED and name not in given]
    values: dict[str, Any] = {}
    for name, read in _READERS.items():
        if name not in given:
            continue
        try:
            values[name] = read(given[name])
        except _Wrong as wrong:
            faults.append(Fault(name, wrong.why))
    if faults := faults or _meaning(values):
        return faults
    body = canonical({"type": "right", "v": 1, **{name: given[name] for name in FIELDS if name in given}})
    return load(body, sha256(body))


def _meaning(values: Mapping[str, Any]) -> list[Fault]:
    faults = []
    starts, ends = values.get("from"), values.get("until")
    if starts and ends and ends < starts:
        faults.append(Fault("until", Text("is before from", "早于 from")))
    if values.get("training") is False and values["purposes"] & TRAINING:
        names = ", ".join(sorted(values["purposes"] & TRAINING))
        why = Text(f"is false, but the purposes name {names}", f"为 false，但用途中包含 {names}")
        faults.append(Fault("training", why))
    return faults


def load(document: bytes, digest: bytes) -> RightDraft:
    """Understand a right that was checked when it was stored; fast, since a dataset may have very many."""
    said = msgspec.json.decode(document)
    places, starts, ends = said["territory"], said.get("from"), said.get("until")
    return RightDraft(
        subject=Subject(said["subject"]),
        subject_id=said["id"],
        kind=RightKind(said["kind"]),
        holder=said["holder"],
        starts_at=_midnight(date.fromisoformat(starts)) if starts else None,
        ends_at=_midnight(date.fromisoformat(ends) + timedelta(days=1)) if ends else None,
        territory=None if places == "*" else frozenset(places),
        purposes=frozenset(said["purposes"]),
        training=said.get("training"),
        commercial=said.get("commercial"),
        sublicensable=said.get("sublicensable", False),
        evidence=said.get("evidence_sha256"),
        covers=_part(said["covers"]),
        document=document,
        sha256=digest,
    )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _word(kinds: type[Subject] | type[RightKind]) -> Callable[[object], Subject | RightKind]:
    def read(value: object) -> Subject | RightKind:
        if value not in [one.value for one in kinds]:
            names = ", ".join(one.value for one in kinds)
            raise _Wrong(f"is not one of {names}", f"应为 {names} 之一")
        return kinds(str(value))

    return read


def _name(value: object) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > NAME_MAX_CHARS or not value.isprintable():
        raise _Wrong(f"is no text of 1 to {NAME_MAX_CHARS} characters", f"应为 1 至 {NAME_MAX_CHARS} 个字符的文本")
    return value


def _date(value: object) -> date:
    try:
        # Weeks and ordinal days are ISO 8601 too, and nobody reads them alike.
        if isinstance(value, str) and _DAY.match(value):
            day = date.fromisoformat(value)
            if 1700 <= day.year <= 9000:
                return day
    except ValueError:
        pass
    raise _Wrong("is no day such as 2030-12-31", "应为日期，例如 2030-12-31")


def _territory(value: object) -> frozenset[str] | None:
    if value == "*":
        return None
    if isinstance(value, list) and value and all(isinstance(one, str) and one in COUNTRIES for one in value):
        return frozenset(value)
    raise _Wrong(
        'is neither "*" nor a list of ISO 3166 codes such as CN', '应为 "*" 或 ISO 3166 国家/地区代码列表，例如 CN'
    )


def _purposes(value: object) -> frozenset[str]:
    if isinstance(value, list) and all(isinstance(one, str) and one in PURPOSES for one in value):
        return frozenset(value)
    names = ", ".join(PURPOSES)
    raise _Wrong(f"is no list of {names}", f"应为以下用途的列表：{names}")


def _flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise _Wrong("is neither true nor false", "应为 true 或 false")


def _digest(value: object) -> str:
    if isinstance(value, str) and _DIGEST.match(value):
        return value
    raise _Wrong("is no SHA-256 in 64 lower-case hex digits", "应为 64 位小写十六进制的 SHA-256")


def _covers(value: object) -> Coverage:
    if not isinstance(value, Mapping) or len(value) != 1:
        raise _Wrong(_COVERS.en, _COVERS.zh)
    ((kind, part),) = value.items()
    names = set(part) if isinstance(part, Mapping) else set()
    if kind == "assets":
        _texts(part)
    elif (kind == "source" and names == {"field", "value"}) or (kind == "records" and names == {"field", "from", "to"}):
        for one in part.values():
            _name(one)
        if kind == "records" and backwards(part["from"], part["to"]):
            raise _Wrong("has a range that ends before it begins", "范围的终点早于起点")
    elif kind == "records" and names == {"field", "ids"}:
        _name(part["field"])
        _texts(part["ids"])
    elif kind != "dataset" or part is not True:
        raise _Wrong(_COVERS.en, _COVERS.zh)
    return _part(value)


def _part(covers: Mapping[str, Any]) -> Coverage:
    ((kind, part),) = covers.items()
    if kind == "dataset":
        return Coverage()
    if kind == "assets":
        return Coverage(assets=tuple(dict.fromkeys(part)))
    if "from" in part:
        return Coverage(field=part["field"], first=part["from"], last=part["to"])
    return Coverage(field=part["field"], values=frozenset(part["ids"] if "ids" in part else [part["value"]]))


def _texts(value: object) -> None:
    if not isinstance(value, list) or not 1 <= len(value) <= VALUES_MAX:
        raise _Wrong(f"needs a list of 1 to {VALUES_MAX} texts", f"需要 1 至 {VALUES_MAX} 项的文本列表")
    for one in value:
        _path(one)


def _path(value: object) -> None:
    if not isinstance(value, str) or not 1 <= len(value) <= 1024 or not value.isprintable():
        raise _Wrong("has an entry that is no text of 1 to 1024 characters", "其中一项不是 1 至 1024 个字符的文本")


_READERS: dict[str, Callable[[object], Any]] = {
    "subject": _word(Subject),
    "id": _name,
    "kind": _word(RightKind),
    "holder": _name,
    "from": _date,
    "until": _date,
    "territory": _territory,
    "purposes": _purposes,
    "training": _flag,
    "commercial": _flag,
    "sublicensable": _flag,
    "evidence_sha256": _digest,
    "covers": _covers,
}
