from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
import pytest

from exchange.access import tokens
from exchange.access.grants import (
    TRANSITIONS,
    BadQuota,
    BadTransition,
    Grant,
    GrantState,
    moved,
    period_start,
    quotas,
    sources_of,
)
from exchange.access.meters import BadMeter, Meter, meters_of
from exchange.access.reads import Hold, Part, Sent, SentTooMuch, after
from exchange.access.settings import AccessSettings
from exchange.access.usage import Events, leaf, read_events, stamp
from exchange.kernel import ids
from exchange.kernel.canonical import canonical
from exchange.kernel.errors import Problem
from exchange.kernel.keys import Keyring, new_key
from tests.support.access import METERS

NOW = datetime(2026, 1, 15, 8, 0, tzinfo=UTC)
SETTINGS = AccessSettings()
PLACE = {"issuer": "https://exchange.example", "audience": "https://exchange.example/data/v1"}


def a_grant(**changes):
    values = {
        name: UUID(int=number)
        for number, name in enumerate(
            (
                "id",
                "order_id",
                "agreement_id",
                "offer_id",
                "listing_id",
                "dataset_id",
                "revision_id",
                "buyer_id",
                "seller_id",
            )
        )
    }
    values |= {
        "purposes": ("training",),
        "meters": METERS,
        "quotas": (),
        "starts_at": NOW,
        "ends_at": NOW + timedelta(days=30),
        "state": GrantState.ACTIVE,
        "node_id": "centre",
        "created_at": NOW,
    }
    return Grant(**(values | changes))


def issue(keyring, **changes):
    grant = a_grant(**changes)
    return tokens.issue(keyring, grant, jti=UUID(int=77), now=NOW, settings=SETTINGS, **PLACE)


def test_a_token_says_what_the_grant_is(keyring):
    token, ends_at = issue(keyring)
    claims = tokens.TokenVerifier(keyring, settings=SETTINGS, **PLACE).verify(token, NOW)
    grant = a_grant()
    assert (claims.grant_id, claims.buyer_id, claims.seller_id) == (grant.id, grant.buyer_id, grant.seller_id)
    assert (claims.listing_id, claims.revision_id, claims.dataset_id) == (
        grant.listing_id,
        grant.revision_id,
        grant.dataset_id,
    )
    assert (claims.jti, claims.meters, claims.purposes) == (UUID(int=77), METERS, {"training"})
    assert claims.expires_at == ends_at == NOW + timedelta(seconds=SETTINGS.token_ttl_s)


def test_a_token_ends_with_its_grant_and_by_the_clock(keyring):
    token, ends_at = issue(keyring, ends_at=NOW + timedelta(hours=1))
    assert ends_at == NOW + timedelta(hours=1)
    verifier = tokens.TokenVerifier(keyring, settings=SETTINGS, **PLACE)
    verifier.verify(token, NOW)
    verifier.verify(token, ends_at - timedelta(microseconds=1))
    for _ in range(2):
        with pytest.raises(tokens.BadToken):
            verifier.verify(token, ends_at)


def test_every_one_character_change_breaks_a_token(keyring):
    token, _ = issue(keyring)
    verifier = tokens.TokenVerifier(keyring, settings=SETTINGS, **PLACE)
    verifier.verify(token, NOW)
    for place in range(len(token)):
        other = "A" if token[place] != "A" else "B"
        with pytest.raises(tokens.BadToken):
            verifier.verify(token[:place] + other + token[place + 1 :], NOW)


@pytest.mark.parametrize("text", ["", "a.b", "a.b.c", "...", "\udcff.a.b", "é.é.é", "x" * 9000])
def test_what_is_no_token_is_refused(keyring, text):
    with pytest.raises(tokens.BadToken):
        tokens.TokenVerifier(keyring, settings=SETTINGS, **PLACE).verify(text, NOW)


def test_other_keys_types_and_places_are_refused(keyring):
    token, _ = issue(keyring)
    stranger = Keyring([new_key("token", NOW, b"s" * 32)])
    for ring, place in (
        (stranger, PLACE),
        (keyring, PLACE | {"audience": "elsewhere"}),
        (keyring, PLACE | {"issuer": "else"}),
    ):
        with pytest.raises(tokens.BadToken):
            tokens.TokenVerifier(ring, settings=SETTINGS, **place).verify(token, NOW)
    # An access token, or a document signed with another of our keys, is not a grant token.
    _, body, _ = token.split(".")
    for purpose, typ in (("token", "at+jwt"), ("agreement", tokens.TYPE)):
        header = {"alg": "EdDSA", "kid": keyring.signer(purpose).kid, "typ": typ}
        signed = base64.urlsafe_b64encode(msgspec.json.encode(header)).rstrip(b"=").decode() + "." + body
        signature = base64.urlsafe_b64encode(keyring.sign(purpose, signed.encode()).value).rstrip(b"=").decode()
        with pytest.raises(tokens.BadToken):
            tokens.TokenVerifier(keyring, settings=SETTINGS, **PLACE).verify(f"{signed}.{signature}", NOW)


def test_the_cache_of_tokens_stays_small(keyring):
    verifier = tokens.TokenVerifier(keyring, settings=AccessSettings(tokens_cached_max=2), **PLACE)
    made = [tokens.issue(keyring, a_grant(), jti=UUID(int=n), now=NOW, settings=SETTINGS, **PLACE)[0] for n in range(5)]
    for token in made * 2:
        verifier.verify(token, NOW)
    assert len(verifier._seen) == 2


def test_the_transition_table():
    assert sources_of(GrantState.ENDED) == (GrantState.ACTIVE, GrantState.SUSPENDED)
    assert sources_of(GrantState.ACTIVE) == (GrantState.SUSPENDED,)
    for state in GrantState:
        for target in GrantState:
            if target in TRANSITIONS[state]:
                assert moved(state, target) is target
            else:
                with pytest.raises(BadTransition):
                    moved(state, target)


def test_quota_documents():
    found = quotas({"records": 5, "bytes": {"limit": 10, "period": "month"}})
    assert [(one.meter, one.limit, one.period) for one in found] == [
        (Meter.BYTES, 10, "month"),
        (Meter.RECORDS, 5, "grant"),
    ]
    for bad in (
        {"miles": 1},
        {"bytes": -1},
        {"bytes": True},
        {"bytes": 1.5},
        {"bytes": {"limit": 1, "period": "year"}},
        {"bytes": {}},
    ):
        with pytest.raises(BadQuota):
            quotas(bad)
    with pytest.raises(BadMeter):
        meters_of(["miles"])
    assert meters_of(["records", "bytes", "records"]) == (Meter.BYTES, Meter.RECORDS)


@pytest.mark.parametrize(
    ("period", "start", "now", "expected"),
    [
        ("grant", "2026-01-31T10:00", "2026-05-01T00:00", "2026-01-31T10:00"),
        ("day", "2026-01-31T10:00", "2026-05-01T12:00", "2026-05-01T00:00"),
        ("month", "2026-01-31T10:00", "2026-02-28T09:59", "2026-01-31T10:00"),
        ("month", "2026-01-31T10:00", "2026-02-28T10:00", "2026-02-28T10:00"),
        ("month", "2026-01-31T10:00", "2026-03-31T10:00", "2026-03-31T10:00"),
        ("month", "2026-01-31T10:00", "2027-01-30T10:00", "2026-12-31T10:00"),
        ("month", "2026-01-31T10:00", "2026-01-31T09:00", "2026-01-31T10:00"),
    ],
)
def test_where_a_quota_period_begins(period, start, now, expected):
    at = [datetime.fromisoformat(text + "+00:00") for text in (start, now, expected)]
    assert period_start(period, at[0], at[1]) == at[2]


def test_a_read_cannot_send_more_than_it_held():
    hold = Hold(UUID(int=1), a_grant(), (Part(Meter.BYTES, 10, None, None),), NOW)
    assert after(Sent(hold, ((Meter.BYTES, 10), (Meter.FILES, 1)))) == ((hold.parts[0], 10),)
    for units in (11, -1):
        with pytest.raises(SentTooMuch):
            after(Sent(hold, ((Meter.BYTES, units),)))


def test_a_leaf_is_canonical():
    event, grant = UUID(int=5), ids.text("grt", UUID(int=6))
    document = {
        "type": "usage",
        "v": 1,
        "source": 3,
        "event": str(event),
        "grant": grant,
        "meter": "bytes",
        "at": "2026-01-15T08:00:00.000000Z",
        "quantity": 2**53 - 1,
    }
    assert leaf(3, str(event), grant, "bytes", stamp(NOW), 2**53 - 1) == canonical(document)


def an_event(**changes):
    values = {
        "id": "0198c0de-0000-7000-8000-0000000000ab",
        "subject": "grt_x",
        "time": "2026-01-15T08:00:00Z",
        "data": {"meter": "bytes", "value": 1},
    }
    return values | changes


@pytest.mark.parametrize(
    "bad",
    [
        an_event(id="0198c0de-0000-7000-8000-0000000000a"),
        an_event(id="0198c0de00-00-7000-8000-0000000000ab"),
        an_event(id="0198c0de-0000-7000-8000-0000000000 b"),
        an_event(id="0198c0de-0000-7000-8000-0000000000é1"),
        an_event(time="2026-01-15T08:00:00"),
        an_event(data={"meter": "miles", "value": 1}),
        an_event(data={"meter": "bytes", "value": 2**53}),
        an_event(data={"meter": "bytes", "value": 1.5}),
        an_event(data={"meter": "bytes"}),
        7,
    ],
)
def test_a_malformed_event_is_told_and_spoils_nothing(bad):
    events = read_events(msgspec.json.encode([an_event(), bad, an_event()]), SETTINGS)
    assert isinstance(events, Events)
    assert events.index.tolist() == [0, 2]
    assert [refusal.index for refusal in events.malformed] == [1]


@pytest.mark.parametrize("body", [b"", b"{}", b"[", b"7", b"\xff", b"[1] x"])
def test_what_is_no_list_is_refused(body):
    answer = read_events(body, SETTINGS)
    assert isinstance(answer, Problem)
    assert answer.slug == "usage-malformed"


@pytest.mark.parametrize("event", [an_event(), 7])
def test_a_batch_has_a_limit(event):
    answer = read_events(msgspec.json.encode([event] * 1001), SETTINGS)
    assert isinstance(answer, Problem)
    assert answer.slug == "usage-too-many"
    assert isinstance(read_events(msgspec.json.encode([an_event()] * 1000), SETTINGS), Events)
