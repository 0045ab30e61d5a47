"""One changed byte anywhere in an agreement's file, and it fails and says where."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts import bundle, strict
from exchange.kernel.canonical import canonical
from tests.support.papers import made

FILE = made().bundle()
PLACES = st.integers(0, len(FILE) - 1)


def _found(data: bytes, at: int, until: int) -> bool:
    """Whether the check fails and names a place that holds the change, and not merely the whole file."""
    faults = bundle.verify(data).faults
    named = [one for one in faults if one.start < until and at < max(one.end, one.start + 1)]
    return any(one.end - one.start < len(FILE) // 2 for one in named)


@settings(max_examples=250, deadline=None)
@given(PLACES, st.integers(1, 255))
def test_a_changed_byte_is_found_at_its_place(at: int, change: int) -> None:
    changed = FILE[:at] + bytes([FILE[at] ^ change]) + FILE[at + 1 :]
    assert _found(changed, at, at + 1)


@settings(max_examples=60, deadline=None)
@given(PLACES)
def test_a_lost_byte_is_found(at: int) -> None:
    assert not bundle.verify(FILE[:at] + FILE[at + 1 :]).holds


@settings(max_examples=60, deadline=None)
@given(PLACES, st.integers(0, 255))
def test_an_added_byte_is_found(at: int, added: int) -> None:
    assert not bundle.verify(FILE[:at] + bytes([added]) + FILE[at:]).holds


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200))
def test_anything_else_is_refused_without_a_crash(data: bytes) -> None:
    assert not bundle.verify(data).holds


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc/~z", max_size=3), inner, max_size=4),
    max_leaves=12,
)


@settings(deadline=None)
@given(_VALUES)
def test_the_strict_reader_reads_what_is_canonical_and_nothing_else(value: object) -> None:
    written = canonical(value)
    assert strict.canonical(value) == written
    assert strict.Reader(written).whole() == value
    loose = json.dumps(value, ensure_ascii=False).encode()
    if loose != written:
        with pytest.raises(strict.Malformed) as refused:
            strict.Reader(loose).whole()
        assert 0 <= refused.value.start <= len(loose)
