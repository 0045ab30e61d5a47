"""SPDX licence expressions, and what each licence that we have read says about training data.

Doubtful points are left unknown, never guessed: a purpose in neither set is unknown. A licence that is not listed
here is known by name only, and everything about it is unknown.
"""

from __future__ import annotations

from functools import cache, lru_cache
from itertools import product

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

ALTERNATIVES_MAX = 64
Alternatives = tuple[tuple[Rights, ...], ...]

_ALL = frozenset(PURPOSES)
_NO_DUTIES: frozenset[str] = frozenset()
_ATTRIBUTION = frozenset({"attribution"})
_SHARE_ALIKE = frozenset({"attribution", "share_alike"})
_NOTICES = frozenset({"keep_notices"})
# No derivatives: reading, measuring and searching copies nothing new; whether weights or synthetic text are
# adaptations is disputed, so these stay unknown.
_NO_DERIVATIVES = frozenset({"evaluate", "retrieve", "infer", "research", "redistribute"})


class BadExpression(ValueError):
    """A text that is no SPDX licence expression, or names a licence that SPDX does not list."""


def _licences(names: str, **rest: frozenset[str] | bool) -> dict[str, Rights]:
    return {name: Rights(name, **{"purposes": _ALL, **rest}) for name in names.split()}  # type: ignore[arg-type]


LICENCES: dict[str, Rights] = {
    **_licences("CC0-1.0 PDDL-1.0 CC-PDDC Unlicense 0BSD MIT-0", duties=_NO_DUTIES),
    **_licences("CC-BY-4.0 CC-BY-3.0 CC-BY-2.0 ODC-By-1.0 OGL-UK-3.0 etalab-2.0 DL-DE-BY-2.0", duties=_ATTRIBUTION),
    **_licences("CC-BY-SA-4.0 CC-BY-SA-3.0 ODbL-1.0", duties=_SHARE_ALIKE),
    **_licences("CC-BY-NC-4.0 CC-BY-NC-3.0", duties=_ATTRIBUTION, commercial=False),
    **_licences("CC-BY-NC-SA-4.0 CC-BY-NC-SA-3.0", duties=_SHARE_ALIKE, commercial=False),
    **_licences("CC-BY-ND-4.0", duties=_ATTRIBUTION, purposes=_NO_DERIVATIVES),
    **_licences("CC-BY-NC-ND-4.0", duties=_ATTRIBUTION, purposes=_NO_DERIVATIVES, commercial=False),
    **_licences(
        "MIT Apache-2.0 BSD-2-Clause BSD-3-Clause ISC CDLA-Permissive-2.0 CDLA-Permissive-1.0", duties=_NOTICES
    ),
    **_licences("MulanPSL-2.0", duties=_NOTICES),
}


@lru_cache(maxsize=1024)
def alternatives(expression: str) -> Alternatives:
    """Read an expression as a choice between sets of licences that hold together.

    shapes   OR gives alternatives of which one is enough; AND gives licences that must all allow a use
    errors   BadExpression, also for more than 64 alternatives
    source   SPDX specification 2.3, annex D
    """
    try:
        tree = _spdx().parse(expression, validate=True, strict=True)
    except (ExpressionError, ParseError, ValueError, TypeError, RecursionError) as error:
        raise BadExpression(str(error)) from error
    if tree is None:
        raise BadExpression("it is empty")
    return _walk(tree)


def _walk(node: object) -> Alternatives:
    if isinstance(node, OR):
        found = tuple(choice for part in node.args for choice in _walk(part))
    elif isinstance(node, AND):
        parts = [_walk(part) for part in node.args]
        if _size(parts) > ALTERNATIVES_MAX:
            raise BadExpression("it has too many alternatives")
        found = tuple(tuple(right for choice in choices for right in choice) for choices in product(*parts))
    elif isinstance(node, LicenseWithExceptionSymbol):
        # An exception changes what a licence means; we have read none of them for data.
        found = ((Rights(str(node), frozenset(), commercial=None),),)
    elif isinstance(node, LicenseSymbol):
        found = ((LICENCES.get(node.key) or Rights(node.key, frozenset(), commercial=None),),)
    else:
        raise BadExpression("it has an unknown part")
    if len(found) > ALTERNATIVES_MAX:
        raise BadExpression("it has too many alternatives")
    return found


def _size(parts: list[Alternatives]) -> int:
    size = 1
    for part in parts:
        size *= len(part)
    return size


@cache
def _spdx() -> Licensing:
    return get_spdx_licensing()
