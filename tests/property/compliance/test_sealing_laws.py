"""Laws of sealing: what was sealed comes back, for its own key, subject and entry, and for nothing else."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from compliance.sealing import Secret, commitment, seal, unseal
from exchange.kernel.subjects import KEY_BYTES, SubjectKey, Unreadable

keys = st.binary(min_size=KEY_BYTES, max_size=KEY_BYTES)
ids = st.uuids()
texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=40)
# Names of fields are ours, and ASCII; what stands in them is whatever people write.
fields = st.dictionaries(st.text(st.characters(codec="ascii"), max_size=20), texts, max_size=6)


@given(key=keys, subject=ids, entry=ids, said=fields)
def test_what_is_sealed_comes_back_and_is_what_was_committed_to(
    key: bytes, subject: UUID, entry: UUID, said: dict[str, str]
) -> None:
    sealed = seal(Secret(SubjectKey(subject, key), said), entry)
    opened = unseal(key, entry, sealed)
    assert opened.fields == said
    assert opened.commitment() == sealed.commitment == commitment(opened.salt, said)
    assert seal(Secret(SubjectKey(subject, key), said), entry) == sealed


@given(st.tuples(keys, ids, ids, fields), st.tuples(keys, ids, ids, fields))
def test_nothing_opens_in_anothers_place(
    one: tuple[bytes, UUID, UUID, dict[str, str]], two: tuple[bytes, UUID, UUID, dict[str, str]]
) -> None:
    (key, subject, entry, said), (other_key, other_subject, other_entry, others) = one, two
    assume((key, subject, entry) != (other_key, other_subject, other_entry))
    mine = seal(Secret(SubjectKey(subject, key), said), entry)
    theirs = seal(Secret(SubjectKey(other_subject, other_key), others), other_entry)
    assert mine.commitment != theirs.commitment
    for sealed in (theirs, mine._replace(sealed=theirs.sealed), theirs._replace(sealed=mine.sealed)):
        with pytest.raises(Unreadable):
            unseal(key, entry, sealed)


@given(key=keys, subject=ids, entry=ids, said=fields, place=st.integers(min_value=0), bit=st.integers(0, 7))
def test_every_changed_bit_is_found(
    key: bytes, subject: UUID, entry: UUID, said: dict[str, str], place: int, bit: int
) -> None:
    sealed = seal(Secret(SubjectKey(subject, key), said), entry)
    for name in ("sealed", "commitment", "reference"):
        changed = bytearray(getattr(sealed, name))
        changed[place % len(changed)] ^= 1 << bit
        with pytest.raises(Unreadable):
            unseal(key, entry, sealed._replace(**{name: bytes(changed)}))
