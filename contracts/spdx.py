"""SPDX licence expressions, and what each licence that we have read says about training data.

The readings are data: contracts/licences/*.toml, each with the clause it rests on and the points that stay doubtful.
Doubtful points are left unknown, never guessed: a purpose in neither set is unknown. A licence that is not listed
there is known by name only, and everything about it is unknown.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from itertools import product
from typing import Any

from license_expression import (
    AND,
    OR,
    ExpressionError,
    LicenseSymbol,
    LicenseWithExceptionSymbol,
    Licensing,
    ParseError,
    get_spdx_licensing,
)

from contracts.rights import PURPOSES, Rights
from exchange.kernel.text import Text

ALTERNATIVES_MAX = 64
Alternatives = tuple[tuple[Rights, ...], ...]

_FILES = ("data", "software", "models")
# What an entry may say of its own; the rest comes from the entry it names by `like`.
_UNKNOWN = "unknown"
# How the library begins what it says of names that SPDX does not list.
_UNKNOWN_KEYS = "Unknown license key(s): "
_TOO_MANY = Text(f"it must have at most {ALTERNATIVES_MAX} alternatives", f"可选项不得超过 {ALTERNATIVES_MAX} 个")


class BadExpression(ValueError):
    """A text that is no SPDX licence expression, or names a licence that SPDX does not list."""

    def __init__(self, why: Text) -> None:
        """Say what is wrong with it."""
        super().__init__(why.en)
        self.why = why


@dataclass(frozen=True, slots=True)
class Doubt:
    """A point that a licence leaves open: what it is about (purposes, duties, commercial, adapt, bundle), and why."""

    about: frozenset[str]
    why: Text


@dataclass(frozen=True, slots=True)
class Licence:
    """One licence as we read it.

    shapes   adapt: what a dataset derived from it may carry: `free` any terms that keep its duties, `same` only `into`
             (and `maybe_into` perhaps), `never` none, `unknown` doubtful; also_into: terms that an authority named as
             fitting; others_unknown: what `into` does not name is doubtful instead of excluded; bundle_unknown: whether
             it may lie beside data under other terms is doubtful
    source   the licence's own text, whose name and version `source` gives
    """

    rights: Rights
    clause: Text
    source: str
    doubts: tuple[Doubt, ...]
    adapt: str
    into: frozenset[str]
    also_into: frozenset[str]
    maybe_into: frozenset[str]
    others_unknown: bool
    bundle_unknown: bool

    @property
    def unknown(self) -> tuple[str, ...]:
        """The purposes of which it is doubtful whether they are allowed, in the vocabulary's order."""
        return tuple(name for name in PURPOSES if name not in self.rights.purposes | self.rights.prohibits)


@dataclass(frozen=True, slots=True)
class Picker:
    """The names that a site offers for licences, and which of ours each means."""

    name: str
    version: str
    names: Mapping[str, str]


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads(resources.files("contracts").joinpath("licences", f"{name}.toml").read_text(encoding="utf-8"))


def _whole(entries: Mapping[str, dict[str, Any]], name: str) -> dict[str, Any]:
    """An entry with what it takes over from the one that it is like."""
    entry = entries[name]
    return {**_whole(entries, entry["like"]), **entry} if "like" in entry else entry


def _licence(name: str, entry: Mapping[str, Any], doubts: Mapping[str, Doubt]) -> Licence:
    allows, commercial = entry.get("allows", "all"), entry.get("commercial", True)
    rights = Rights(
        name,
        frozenset(PURPOSES) if allows == "all" else frozenset(allows),
        prohibits=frozenset(entry.get("prohibits", ())),
        commercial=None if commercial == _UNKNOWN else commercial,
        duties=frozenset(entry.get("duties", ())),
        outputs=frozenset(entry.get("outputs", ())),
    )
    return Licence(
        rights,
        Text(**entry["clause"]),
        entry["source"],
        tuple(doubts[one] for one in entry.get("doubts", ())),
        entry.get("adapt", "free"),
        frozenset(entry.get("into", ())),
        frozenset(entry.get("also_into", ())),
        frozenset(entry.get("maybe_into", ())),
        entry.get("others") == _UNKNOWN,
        entry.get("bundle") == _UNKNOWN,
    )


def _load() -> dict[str, Licence]:
    doubts = {
        name: Doubt(frozenset(entry["about"]), Text(entry["en"], entry["zh"]))
        for name, entry in _read("doubts").items()
    }
    entries = {name: entry for file in _FILES for name, entry in _read(file).items()}
    return {name: _licence(name, _whole(entries, name), doubts) for name in entries}


READ: dict[str, Licence] = _load()
LICENCES: dict[str, Rights] = {name: licence.rights for name, licence in READ.items()}
PICKERS: dict[str, Picker] = {name: Picker(**entry) for name, entry in _read("pickers").items()}


@lru_cache(maxsize=1024)
def alternatives(expression: str) -> Alternatives:
    """Read an expression as a choice between sets of licences that hold together.

    shapes   OR gives alternatives of which one is enough; AND gives licences that must all allow a use; of names that
             SPDX does not list, those of ours that begin with LicenseRef- are known
    errors   BadExpression, also for more than 64 alternatives
    source   SPDX specification 2.3, annex D
    """
    try:
        tree = _spdx().parse(expression, validate=True, strict=True)
    except (ExpressionError, ParseError, ValueError, TypeError, RecursionError) as error:
        raise BadExpression(_why(str(error))) from error
    if tree is None:
        raise BadExpression(Text("it must not be empty", "不得为空"))
    return _walk(tree)


def _why(said: str) -> Text:
    name = said.removeprefix(_UNKNOWN_KEYS)
    if name != said:
        return Text(f"SPDX does not list {name}", f"SPDX 未收录 {name}")
    return Text(said, "表达式语法有误")


def _walk(node: object) -> Alternatives:
    if isinstance(node, OR):
        found = tuple(choice for part in node.args for choice in _walk(part))
    elif isinstance(node, AND):
        parts = [_walk(part) for part in node.args]
        if _size(parts) > ALTERNATIVES_MAX:
            raise BadExpression(_TOO_MANY)
        found = tuple(tuple(right for choice in choices for right in choice) for choices in product(*parts))
    elif isinstance(node, LicenseWithExceptionSymbol):
        # An exception changes what a licence means; we have read none of them for data.
        found = ((Rights(str(node), frozenset(), commercial=None),),)
    elif isinstance(node, LicenseSymbol):
        found = ((LICENCES.get(node.key) or Rights(node.key, frozenset(), commercial=None),),)
    else:
        raise BadExpression(Text("it has an unknown part", "含有未知部分"))
    if len(found) > ALTERNATIVES_MAX:
        raise BadExpression(_TOO_MANY)
    return found


def _size(parts: list[Alternatives]) -> int:
    size = 1
    for part in parts:
        size *= len(part)
    return size


@cache
def _spdx() -> Licensing:
    listed = get_spdx_licensing().known_symbols
    ours = [LicenseSymbol(name) for name in READ if name not in listed]
    return Licensing([*listed.values(), *ours])
