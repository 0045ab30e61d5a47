"""The value of a product of records, shared record by record. The standard library is all it needs.

Sources stand in the order in which the exchange sealed them: source 0 had its records first. A set of sources is a number, bit
i for source i; `patterns` counts the records that exactly these sources hold. A part of the stand-alone script.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

SOURCES_MAX = 62
EARLIEST, SHARED, HALVED = "earliest", "shared", "halved"
RULES = (EARLIEST, SHARED, HALVED)


@dataclass(frozen=True)
class Held:
    """What one source holds.

    shapes   records = first + before + what another source of its owner held first; `taken_out`: so much of it was held
             before by others that the rest is taken for altered copies, and counts for nobody
    """

    records: int
    first: int
    before: int
    taken_out: bool


@dataclass(frozen=True)
class Shared:
    """Who gets what of all records, by owner, and what nobody gets; together they are every different record once."""

    values: tuple[Fraction, ...]
    residual: Fraction


def held(patterns: Mapping[int, int], owners: Sequence[int], similarity: Fraction | None) -> list[Held]:
    """What each source holds, and which are copies of what others held before.

    shapes   owners: the owner 0..m-1 of each source; similarity: from this part of a source on, None for never
    """
    records, first, before = ([0] * len(owners) for _ in range(3))
    for holders, count in patterns.items():
        earliest = _lowest(holders)
        first[earliest] += count
        for source in members(holders):
            records[source] += count
            if owners[source] != owners[earliest]:
                before[source] += count
    return [
        Held(has, new, old, taken_out=similarity is not None and has > 0 and Fraction(old, has) >= similarity)
        for has, new, old in zip(records, first, before, strict=True)
    ]


def share_records(patterns: Mapping[int, int], owners: Sequence[int], rule: str, sources: Sequence[Held]) -> Shared:
    """Share the value of each record, 1, among the owners that hold it.

    shapes   rule: `earliest` all to who had it first, or to nobody where that source is taken out; `shared` 1/k to each of
             k owners; `halved` 1/2**(k-1) to each, what is left of it to nobody
    source   `shared` is the Shapley value of coverage (a record is an independent utility: Luo et al., PVLDB 15(11), 2022).
             `halved` is the largest anonymous f(k) with f(1) = 1 under which more accounts never pay: a accounts among k
             holders get a f(k), and a = 1 asks for 2 f(k+1) <= f(k) (after Agarwal, Dahleh, Sarkar, EC 2019)
    """
    values = [Fraction(0)] * (max(owners) + 1)
    residual = Fraction(0)
    for holders, count in patterns.items():
        if rule == EARLIEST:
            earliest = _lowest(holders)
            if sources[earliest].taken_out:
                residual += count
            else:
                values[owners[earliest]] += count
            continue
        sharing = {owners[source] for source in members(holders)}
        k = len(sharing)
        part = Fraction(count, k if rule == SHARED else 1 << (k - 1))
        for owner in sharing:
            values[owner] += part
        residual += count - k * part
    return Shared(tuple(values), residual)


def by_owner(
    patterns: Mapping[int, int], owners: Sequence[int], rule: str, sources: Sequence[Held]
) -> tuple[dict[int, int], int]:
    """The records by the owners they are attributed to, for a game among owners; and how many are nobody's."""
    found: dict[int, int] = {}
    nobodys = 0
    for holders, count in patterns.items():
        earliest = _lowest(holders)
        if rule == EARLIEST and sources[earliest].taken_out:
            nobodys += count
            continue
        sharing = {owners[earliest]} if rule == EARLIEST else {owners[source] for source in members(holders)}
        mask = sum(1 << owner for owner in sharing)
        found[mask] = found.get(mask, 0) + count
    return found, nobodys


def members(mask: int) -> list[int]:
    """The positions of the bits of a set, lowest first."""
    return [position for position in range(mask.bit_length()) if mask >> position & 1]


def _lowest(mask: int) -> int:
    return (mask & -mask).bit_length() - 1
