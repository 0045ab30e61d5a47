"""What is sealed beside the log opens for its own subject and entry alone, and says nothing without the key."""

from __future__ import annotations

import hashlib
import itertools
from uuid import UUID

import pytest

from compliance.entries import BadEntry, Beside, Entry, envelope
from compliance.sealing import Opened, Sealed, Secret, commitment, seal, unseal
from exchange.kernel.canonical import canonical
from exchange.kernel.subjects import SubjectKey, Unreadable, lock, unlock
from tests.conftest import NOW

LI, WANG = SubjectKey(UUID(int=1), b"\1" * 32), SubjectKey(UUID(int=2), b"\2" * 32)
ENTRY, OTHER = UUID(int=11), UUID(int=12)
FIELDS = {"name": "Li Hua", "email": "li.hua@example.com"}


def test_what_is_opened_is_what_the_entry_committed_to() -> None:
    sealed = seal(Secret(LI, FIELDS), ENTRY)
    opened = unseal(LI.key, ENTRY, sealed)
    assert opened.fields == FIELDS
    assert opened.commitment() == sealed.commitment == commitment(opened.salt, FIELDS)
    assert opened.commitment() == hashlib.sha256(opened.salt + canonical(FIELDS)).digest(), "as a verifier computes it"
    assert seal(Secret(LI, dict(reversed(FIELDS.items()))), ENTRY) == sealed, "the order of fields is no matter"
    data = envelope(Entry(action="a", organisation_id=None), NOW, ENTRY, "public", Beside((sealed.commitment,)))
    assert f'"sealed":["{sealed.commitment.hex()}"]'.encode() in data
    assert b'"where":"public"' in data


def test_another_key_or_place_opens_nothing() -> None:
    mine, theirs = seal(Secret(LI, FIELDS), ENTRY), seal(Secret(WANG, {"name": "Wang"}), ENTRY)
    elsewhere = seal(Secret(LI, {"name": "Li Na"}), OTHER)
    wrong: list[tuple[bytes, UUID, Sealed]] = [
        (WANG.key, ENTRY, mine),
        (LI.key, OTHER, mine),
        (LI.key, ENTRY, mine._replace(subject=WANG.subject)),
        # Ciphertexts exchanged between two subjects, and between two entries of one subject.
        (LI.key, ENTRY, mine._replace(sealed=theirs.sealed)),
        (LI.key, ENTRY, mine._replace(sealed=elsewhere.sealed)),
        (LI.key, ENTRY, elsewhere),
        (LI.key, ENTRY, mine._replace(commitment=elsewhere.commitment)),
        (LI.key, ENTRY, mine._replace(reference=theirs.reference)),
        (LI.key, ENTRY, mine._replace(sealed=b"")),
    ]
    for key, entry, sealed in wrong:
        with pytest.raises(Unreadable):
            unseal(key, entry, sealed)
    for n in range(len(mine.sealed)):
        changed = bytearray(mine.sealed)
        changed[n] ^= 1
        with pytest.raises(Unreadable):
            unseal(LI.key, ENTRY, mine._replace(sealed=bytes(changed)))


def test_nothing_that_lies_in_the_database_lets_anybody_try_guesses() -> None:
    """A number of few digits is found at once from its digest; not from its commitment, by whatever lies beside it."""
    numbers = [f"{n:04}" for n in range(10_000)]
    fields = {"number": numbers[4711]}
    sealed = seal(Secret(LI, fields), ENTRY)
    known = {hashlib.sha256(one.encode()).digest() for one in numbers}
    assert hashlib.sha256(numbers[4711].encode()).digest() in known, "the control: a bare digest is found"
    salts = (b"", b"\0" * 32, sealed.reference, LI.subject.bytes, ENTRY.bytes, sealed.sealed[:32], sealed.commitment)
    guessed = (commitment(salt, {"number": one}) for salt, one in itertools.product(salts, numbers))
    assert sealed.commitment not in guessed
    assert unseal(LI.key, ENTRY, sealed).fields == fields


def test_two_records_of_one_subject_have_nothing_in_common_but_its_reference() -> None:
    first, second = seal(Secret(LI, FIELDS), ENTRY), seal(Secret(LI, FIELDS), OTHER)
    assert first.reference == second.reference != seal(Secret(WANG, FIELDS), ENTRY).reference
    assert first.commitment != second.commitment
    assert first.sealed != second.sealed
    # One key and one nonce never meet two texts.
    assert seal(Secret(LI, {"name": "Li"}), ENTRY).sealed[:12] != first.sealed[:12]


def test_nothing_is_said_in_passing() -> None:
    sealed = seal(Secret(LI, FIELDS), ENTRY)
    opened = unseal(LI.key, ENTRY, sealed)
    entry = Entry(action="a", organisation_id=None, secrets=(Secret(LI, FIELDS),), words={"reason": b"Li Hua asked"})
    said = f"{LI!r} {Secret(LI, FIELDS)!r} {opened!r} {entry!r} {LI}"
    for personal in ("Li Hua", "li.hua", "\\x01\\x01", opened.salt.hex(), "asked"):
        assert personal not in said
    assert isinstance(opened, Opened)
    assert opened.to_wire()["fields"] == FIELDS, "a disclosure says it, when it is asked for"


def test_a_text_is_bound_to_what_it_is_about() -> None:
    sealed = lock(LI.key, b"one", b"text")
    assert unlock(LI.key, b"one", sealed) == b"text"
    with pytest.raises(Unreadable):
        unlock(LI.key, b"two", sealed)
    assert lock(LI.key, b"o", b"netext")[:12] != lock(LI.key, b"one", b"text")[:12]


def test_an_entry_takes_no_more_than_it_can_hold() -> None:
    with pytest.raises(BadEntry):
        Entry(action="a", organisation_id=None, secrets=(Secret(LI, FIELDS),) * 65)
    with pytest.raises(BadEntry):
        Entry(action="a", organisation_id=None, words={"No Slug": b""})
    with pytest.raises(BadEntry):
        envelope(Entry(action="a", organisation_id=None), NOW, ENTRY, "a b")
