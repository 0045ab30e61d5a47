from __future__ import annotations

import hashlib
import struct
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from exchange.access.meters import NUMBERS, Meter, is_usage_key, meters_of, rank
from exchange.access.reads import QuotaKey, allot, growth, shortages
from exchange.access.settings import AccessSettings
from exchange.access.usage import COPY_HEAD, COPY_TAIL, GrantCache, GrantFacts, copy_rows, judge, micros, read_events
from exchange.kernel import ids
from exchange.kernel.merkle import leaf_hash, node_hash, root_of

NOW = datetime(2026, 1, 15, 8, 0, tzinfo=UTC)
SETTINGS = AccessSettings()
SELLER = UUID(int=2)
KEYS = [QuotaKey(UUID(int=n), meter, NOW) for n in (1, 2) for meter in (Meter.BYTES, Meter.RECORDS)]
wanted = st.lists(st.dictionaries(st.sampled_from(KEYS), st.integers(1, 50)), max_size=30)
frees = st.dictionaries(st.sampled_from(KEYS), st.integers(0, 200))


@given(wanted, frees)
def test_allotments_never_pass_what_is_free_and_refuse_only_what_does_not_fit(needs, free):
    left = dict(free)
    for one, lacking in zip(needs, allot(needs, free), strict=True):
        fits = all(units <= left.get(key, 0) for key, units in one.items())
        assert (lacking is None) == fits
        for key, units in one.items() if fits else ():
            left[key] -= units
    assert all(units >= 0 for units in left.values())


@given(wanted, frees, st.integers(0, 30))
def test_any_cut_of_a_batch_gives_the_same_allotments(needs, free, cut):
    left = dict(free)
    first = allot(needs[:cut], left)
    for one, lacking in zip(needs[:cut], first, strict=True):
        for key, units in one.items() if lacking is None else ():
            left[key] -= units
    assert first + allot(needs[cut:], left) == allot(needs, free)


@given(wanted, frees)
def test_where_nothing_is_short_everything_fits(needs, free):
    short = shortages(needs, free)
    grown = {key: free.get(key, 0) + short.get(key, 0) for key in {*free, *short}}
    assert allot(needs, grown) == [None] * len(needs)
    assert bool(short) == any(allot(needs, free))


@given(st.integers(0, 2**53), st.integers(0, 2**53))
def test_a_lease_grows_by_enough_or_by_all_there_is(short, left):
    take = growth(short, left, SETTINGS)
    assert 0 <= take <= left
    assert take >= min(short, left)


# Every meter of ours, and what suppliers brought in: one of their own and one of a data class.
STORED = {**NUMBERS, "x_gpu_hours": 1000, "tokens/medical": 32_767}
events = st.lists(
    st.tuples(
        st.uuids(),
        st.integers(0, 3),
        st.sampled_from(sorted(STORED)),
        st.integers(-200_000_000_000, 10**8),
        st.integers(0, 2**53 - 1),
    ),
    max_size=40,
)


@given(events)
def test_copy_rows_are_what_the_events_say(made):
    grants = [UUID(int=number + 1) for number in range(4)]
    texts = [ids.text("grt", one) for one in grants]
    body = msgspec.json.encode(
        [
            {
                "id": str(event),
                "subject": texts[grant],
                "time": (NOW + timedelta(microseconds=shift)).isoformat(),
                "data": {"meter": meter, "value": value},
            }
            for event, grant, meter, shift, value in made
        ]
    )
    known = GrantCache(10)
    facts = GrantFacts(grants[0], SELLER, STORED, NOW - timedelta(days=9), None)
    known.learn({text: GrantFacts(id_, *_rest(facts)) for text, id_ in zip(texts, grants, strict=True)})
    judged = judge(read_events(body, SETTINGS), SELLER, known, NOW, SETTINGS)
    assert judged.accepted == len(made)
    rows = b"".join(copy_rows(judged, day, 7, UUID(int=8)) for day in judged.days())
    parsed = [_row(rows[at : at + 100]) for at in range(0, len(rows), 100)]
    expected = [
        (7, event.bytes, grants[grant].bytes, STORED[meter], micros(NOW) + shift, value, UUID(int=8).bytes)
        for event, grant, meter, shift, value in made
    ]
    assert sorted(parsed) == sorted(expected)
    assert copy_rows(judged, None, 7, UUID(int=8)) == b"".join(_bytes(row) for row in expected)


def _rest(facts):
    return facts.seller_id, facts.meters, facts.starts_at, facts.ends_at


def _row(data):
    layout = struct.unpack(">hi4si16si16si2si8si8si16s", data)
    assert layout[0] == 7
    assert layout[1::2] == (4, 16, 16, 2, 8, 8, 16)
    source, event, grant, meter, at, quantity, batch = layout[2::2]
    number = int.from_bytes
    return number(source, "big"), event, grant, number(meter, "big"), number(at, "big"), number(quantity, "big"), batch


def _bytes(row):
    source, event, grant, meter, at, quantity, batch = row
    parts = [
        struct.pack(">i", source),
        event,
        grant,
        struct.pack(">h", meter),
        struct.pack(">q", at),
        struct.pack(">q", quantity),
        batch,
    ]
    return struct.pack(">h", 7) + b"".join(struct.pack(">i", len(part)) + part for part in parts)


def test_copy_has_the_head_and_tail_of_postgresql():
    assert b"PGCOPY\n\xff\r\n\x00" + bytes(8) == COPY_HEAD
    assert COPY_TAIL == b"\xff\xff"


@given(st.lists(st.binary(max_size=8), max_size=40))
def test_the_root_is_rfc_6962_s(leaves):
    def plain(part):
        if not part:
            return hashlib.sha256(b"").digest()
        if len(part) == 1:
            return leaf_hash(part[0])
        split = 1 << ((len(part) - 1).bit_length() - 1)
        return node_hash(plain(part[:split]), plain(part[split:]))

    assert root_of(map(leaf_hash, leaves)) == plain(leaves)


keys = st.one_of(
    st.sampled_from(list(Meter)),
    st.from_regex(r"x_[a-z][a-z0-9_]{0,30}", fullmatch=True),
    st.from_regex(r"(tokens|x_gpu)/[a-z][a-z0-9_]{0,39}", fullmatch=True),
)


@given(st.lists(keys, max_size=12), st.randoms())
def test_usage_keys_have_one_order_whatever_order_they_come_in(found, shuffle):
    assert all(is_usage_key(key) for key in found)
    again = list(found)
    shuffle.shuffle(again)
    assert meters_of(found) == meters_of(again)
    assert [rank(key) for key in meters_of(found)] == sorted({rank(key) for key in found})
