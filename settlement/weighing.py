"""From stated inputs to weights, and where a weight vector says something else. The standard library is all it needs.

Inputs and vector are JSON as `settlement.contribution` writes it; exact numbers are texts such as `17/30`. A part of the
stand-alone script that recomputes weights, so it reads what it is given with care and imports nothing of ours but its parts.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from settlement.knn_shapley import Examples
from settlement.shapley import BadGame, coverage, joined, shapley, unique
from settlement.tuples import EARLIEST, HALVED, Held, by_owner, held, share_records

TUPLES, SHAPLEY, KNN = "tuples", "shapley", "knn_shapley"
COVERAGE, UNIQUE, UPLIFT, TABLE, ACCURACY = "coverage", "unique", "uplift", "table", "accuracy"
WEIGHTS_TOTAL = 1_000_000_000
# Against what a vector is proof: copies under any name, one's own copies in more accounts, accounts of one verified owner.
COPIES, ACCOUNTS, OWNERS = "copies", "accounts", "owners"
_EXACT = re.compile(r"-?[0-9]{1,4000}(?:/[1-9][0-9]{0,3999})?\Z")


class BadInputs(ValueError):
    """Inputs from which no weights follow."""


@dataclass(frozen=True)
class Difference:
    """One line of a vector that does not follow from its inputs; `at` is a JSON pointer (RFC 6901)."""

    at: str
    said: str
    found: str


def weigh(inputs: Any) -> dict[str, Any]:
    """The result that follows from `inputs`: for each player its exact value and its weight, and what is left over.

    shapes   weights are whole, and sum with the residual's to WEIGHTS_TOTAL
    errors   BadInputs
    """
    try:
        return _weigh(inputs)
    except (BadGame, KeyError, TypeError, IndexError, AttributeError) as error:
        raise BadInputs(f"{type(error).__name__}: {error}") from error


def differences(vector: Any, inputs: Any, inputs_bytes: bytes) -> list[Difference]:
    """Every line in which a weight vector differs from what its inputs give; none where it can be recomputed.

    errors   BadInputs
    """
    found: dict[str, Any] = {"inputs_sha256": hashlib.sha256(inputs_bytes).hexdigest(), "weights_total": WEIGHTS_TOTAL}
    found |= {name: inputs.get(name) for name in ("method", "utility", "parameters")} | {"result": weigh(inputs)}
    said = {name: vector.get(name) for name in found} if isinstance(vector, dict) else {}
    return list(_compare("", said, found))


def canonical_text(value: Any) -> bytes:
    """RFC 8785 for what stands in these files: ASCII keys, no fractions."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def exact(text: Any) -> Fraction:
    """Read `17/30` or `-4`.

    errors   BadInputs
    """
    if not isinstance(text, str) or not _EXACT.match(text):
        raise BadInputs(f"not an exact number: {str(text)[:40]}")
    return Fraction(text)


def whole_weights(parts: Sequence[Fraction]) -> list[int]:
    """Weights >= 0 as whole numbers that sum to WEIGHTS_TOTAL, by largest remainder; ties go to the first.

    shapes   all zero -> the last one has all
    source   Hamilton's method, as settlement.splits divides money
    """
    total = sum(parts, Fraction(0))
    if not total:
        return [0] * (len(parts) - 1) + [WEIGHTS_TOTAL]
    shares = [
        divmod(part.numerator * WEIGHTS_TOTAL * total.denominator, part.denominator * total.numerator) for part in parts
    ]
    weights = [whole for whole, _ in shares]
    # The remainders have denominators of their own; they are compared as fractions.
    rests = [Fraction(rest, part.denominator * total.numerator) for part, (_, rest) in zip(parts, shares, strict=True)]
    for at in sorted(range(len(parts)), key=lambda one: (-rests[one], one))[: WEIGHTS_TOTAL - sum(weights)]:
        weights[at] += 1
    return weights


def _weigh(inputs: Any) -> dict[str, Any]:
    sources, parameters, method = inputs["sources"], inputs["parameters"], inputs["method"]
    names = list(dict.fromkeys(source["owner"] for source in sources))
    owners = [names.index(source["owner"]) for source in sources]
    rule, similarity = parameters["duplicates"], parameters["similarity"]
    patterns = {int(mask, 16): count for mask, count in inputs["patterns"]}
    facts = held(patterns, owners, None if similarity is None else exact(similarity))
    robust, of_records = {EARLIEST: COPIES, HALVED: ACCOUNTS}.get(rule, OWNERS), True
    if method == TUPLES:
        shared = share_records(patterns, owners, rule, facts)
        values, residual = list(shared.values), shared.residual
    elif method == SHAPLEY and inputs["utility"] in {COVERAGE, UNIQUE} and rule != HALVED:
        found, _ = by_owner(patterns, owners, rule, facts)
        game = unique(len(names), found) if inputs["utility"] == UNIQUE else coverage(len(names), found)
        values = shapley(game)
        residual = sum(patterns.values()) - sum(values, Fraction(0))
    elif method == SHAPLEY and inputs["utility"] in {UPLIFT, TABLE}:
        values, residual = shapley(_table(inputs["table"], inputs["organisations"], sources, names)), Fraction(0)
        robust, of_records = _measured_on(inputs["table"]["attribution"], sources), False
    elif method == KNN:
        values, residual = _examples(inputs["examples"], parameters["k"], owners, len(names)), Fraction(0)
        robust, of_records = COPIES, False
    else:
        raise BadInputs(f"no such method: {method} of {inputs['utility']} by {rule}")
    weights = whole_weights([*(max(value, Fraction(0)) for value in values), residual])
    return {
        "players": [
            {
                "organisation": sources[owners.index(at)]["organisation"],
                "value": str(value),
                "weight": weight,
            }
            for at, (value, weight) in enumerate(zip(values, weights[:-1], strict=True))
        ],
        "residual": {"value": str(residual), "weight": weights[-1]},
        "total": str(sum(values, residual)),
        "robust": robust,
        "sources": [_source(one) for one in facts] if of_records else None,
        "attribution": attribution(sources),
    }


def attribution(sources: Sequence[Any]) -> str:
    """What a table of measured values names to say that each record was given to the first in this list only: its SHA-256."""
    fields = ("organisation", "owner", "revision", "revision_sha256", "since")
    return hashlib.sha256(canonical_text([{name: one[name] for name in fields} for one in sources])).hexdigest()


def _measured_on(named: Any, sources: Sequence[Any]) -> str:
    if named is not None and named != attribution(sources):
        raise BadInputs("the table was measured on other data than these sources")
    return OWNERS if named is None else COPIES


def _source(one: Held) -> dict[str, Any]:
    return {"records": one.records, "first": one.first, "before": one.before, "taken_out": one.taken_out}


def _table(table: Any, organisations: Sequence[str], sources: Sequence[Any], names: Sequence[str]) -> list[Any]:
    """A stated game among organisations as one among owners."""
    owner_of = {source["organisation"]: names.index(source["owner"]) for source in sources}
    values = [exact(value) for value in table["values"]]
    if len(values) != 1 << len(organisations):
        raise BadInputs("the table has not one value for each coalition")
    return joined(values, [owner_of[name] for name in organisations])


def _examples(examples: Any, k: int, owners: Sequence[int], count: int) -> list[Fraction]:
    # Who had its data first comes first, whatever the order in which the points were handed in.
    points = sorted(examples["train"], key=lambda point: point[0])
    found = Examples(k, [(owners[source], label, features) for source, label, features in points], count)
    for label, features in examples["tests"]:
        found.test(label, features)
    return found.values()


def _compare(at: str, said: Any, found: Any) -> Iterator[Difference]:
    if isinstance(found, dict) and isinstance(said, dict):
        for name in sorted({*found, *said}):
            yield from _compare(f"{at}/{name}", said.get(name), found.get(name))
    elif isinstance(found, list) and isinstance(said, list) and len(found) == len(said):
        for position, (one, other) in enumerate(zip(said, found, strict=True)):
            yield from _compare(f"{at}/{position}", one, other)
    elif type(said) is not type(found) or said != found:
        yield Difference(at, _short(said), _short(found))


def _short(value: Any) -> str:
    text = canonical_text(value).decode()
    return text if len(text) <= 200 else f"{text[:197]}..."
