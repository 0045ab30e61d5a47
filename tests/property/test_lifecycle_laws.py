"""Laws of the events of an agreement's life and of the keys that sign them."""

from __future__ import annotations

import base64
from datetime import timedelta
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import assume, given
from hypothesis import strategies as st

from contracts import lifecycle, signatures
from contracts.life_events import Kind, Party, Wish
from contracts.lifecycle import Life, State
from contracts.signatures import Given, OrganisationKey
from exchange.kernel import custody
from exchange.kernel.errors import Problem
from exchange.kernel.keys import Keyring, new_key, thumbprint
from tests.conftest import NOW as BEGIN
from tests.unit.test_agreement_lifecycle import NOW, OTHER, WHY, born, event

WISHES = st.sampled_from(
    [
        Wish(kind=Kind.AMENDMENT, purposes=("align", "evaluate")),
        Wish(kind=Kind.AMENDMENT, territory=("CN",)),
        Wish(kind=Kind.RENEWAL, ends_at=NOW + timedelta(days=400)),
        Wish(kind=Kind.TRANSFER, successor_id=OTHER),
        Wish(kind=Kind.SUSPENSION, reason=WHY),
        Wish(kind=Kind.LIFTING, reason=WHY),
        Wish(kind=Kind.TERMINATION, reason=WHY, ground="breach"),
        Wish(kind=Kind.TERMINATION, reason=WHY, ground="notice", effective_at=NOW + timedelta(days=31)),
        Wish(kind=Kind.RETIREMENT),
    ]
)
STEPS = st.lists(st.tuples(WISHES, st.sampled_from(Party), st.integers(0, 3)), max_size=12)
_ENDINGS = {State.TERMINATED, State.ENDED, State.RETIRED}


def _live(life: Life, steps: list[tuple[Wish, Party, int]]) -> list[Life]:
    """Every life on the way; what is refused changes nothing."""
    lives, at = [life], NOW
    for wish, by, days in steps:
        at += timedelta(days=days)
        now = lives[-1]
        if lifecycle.may(now, wish.kind, by, at) or lifecycle.wrong(now, wish, by, at):
            continue
        lives.append(lifecycle.after(now, event(now, wish, by, at)))
    return lives


@given(STEPS, st.booleans())
def test_what_is_over_never_comes_back(steps: list[tuple[Wish, Party, int]], fixed: bool) -> None:
    lives = _live(born(NOW + timedelta(days=90) if fixed else None), steps)
    far = NOW + timedelta(days=36)
    over = [life.state(far) in _ENDINGS for life in lives]
    assert over == sorted(over), "an agreement that was over is running again"
    retired = [life.retired for life in lives]
    assert retired == sorted(retired)


@given(STEPS)
def test_events_form_a_chain_of_digests(steps: list[tuple[Wish, Party, int]]) -> None:
    lives = _live(born(), steps)
    assert [life.number for life in lives] == list(range(len(lives)))
    assert len({life.head for life in lives}) == len(lives)


@given(STEPS)
def test_only_a_hold_by_the_operator_needs_the_operator(steps: list[tuple[Wish, Party, int]]) -> None:
    for life in _live(born(), steps):
        if life.hold is Party.OPERATOR and life.state(NOW) is State.HELD:
            assert lifecycle.may(life, Kind.LIFTING, Party.SELLER, NOW) is not None
            assert lifecycle.may(life, Kind.LIFTING, Party.OPERATOR, NOW) is None


def _own(seed: bytes, organisation: UUID = UUID(int=7)) -> tuple[Ed25519PrivateKey, OrganisationKey]:
    private = Ed25519PrivateKey.from_private_bytes(seed)
    public = private.public_key().public_bytes_raw()
    return private, OrganisationKey(UUID(int=8), organisation, thumbprint(public), public, False, b"", b"", BEGIN)


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=1, max_size=200), st.integers(0), st.integers(0))
def test_one_changed_bit_in_document_or_signature_is_refused(seed: bytes, document: bytes, at: int, bit: int) -> None:
    private, key = _own(seed)
    signature = private.sign(document)
    assert signatures.checked(document, Given(key.kid, signature), [key]) == key
    for number, whole in enumerate((document, signature)):
        broken = bytearray(whole)
        broken[at % len(whole)] ^= 1 << bit % 8
        pair = (bytes(broken), signature) if number == 0 else (document, bytes(broken))
        refused = signatures.checked(pair[0], Given(key.kid, pair[1]), [key])
        assert isinstance(refused, Problem)
        assert refused.slug == "signature-wrong"


@given(st.binary(min_size=32, max_size=32), st.uuids(), st.uuids())
def test_a_proof_holds_for_its_organisation_alone(seed: bytes, one: UUID, other: UUID) -> None:
    assume(one != other)
    private, key = _own(seed)
    text = base64.b64encode(private.sign(signatures.registration(one, key.public))).decode()
    assert isinstance(signatures.proven(one, key.public, text), bytes)
    assert isinstance(signatures.proven(other, key.public, text), Problem)


@given(st.binary(max_size=70))
def test_base64_is_read_in_either_alphabet_with_or_without_padding(data: bytes) -> None:
    for text in (base64.b64encode(data).decode(), base64.urlsafe_b64encode(data).decode()):
        assert signatures.decoded(text) == signatures.decoded(text.rstrip("=")) == data


@given(st.integers(0, 10_000), st.integers(0, 7))
def test_a_sealed_key_opens_for_its_owner_and_unchanged_only(at: int, bit: int) -> None:
    ring = Keyring([new_key("custody", BEGIN, b"\1" * 32)])
    later = Keyring([*ring.keys(), new_key("custody", BEGIN + timedelta(days=1), b"\2" * 32)])
    made = custody.make(ring, "org_a")
    for keyring in (ring, later):
        private = custody.unsealed(keyring, "org_a", made.kid, made.sealed_by, made.sealed)
        assert private.public_key().public_bytes_raw() == made.public
    assert custody.make(later, "org_a").sealed_by != made.sealed_by
    broken = bytearray(made.sealed)
    broken[at % len(broken)] ^= 1 << bit
    stranger = Keyring([new_key("custody", BEGIN, b"\3" * 32)])
    for keyring, owner, sealed in (
        (ring, "org_b", made.sealed),
        (ring, "org_a", bytes(broken)),
        (stranger, "org_a", made.sealed),
    ):
        with pytest.raises(custody.SealBroken):
            custody.unsealed(keyring, owner, made.kid, made.sealed_by, sealed)
