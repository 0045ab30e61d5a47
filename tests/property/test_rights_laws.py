"""Laws of the chain of rights: more rights never allow more; what fits the rights is never called wider."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from contracts import chain, chain_form, chain_import, onix, terms
from contracts.chain import Right, RightDraft, RightState
from contracts.chain_import import COLUMNS, Mistake
from contracts.chain_search import Finder
from contracts.rights import PURPOSES
from contracts.terms import Terms

AT = datetime(2026, 6, 1, tzinfo=UTC)
names = st.text(st.characters(codec="utf-8", categories=["L", "N"]), min_size=1, max_size=12)
places = st.one_of(st.just("*"), st.lists(st.sampled_from(["CN", "SG", "US", "DE"]), min_size=1, unique=True))
uses = st.lists(st.sampled_from(sorted(PURPOSES)), min_size=1, unique=True)


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    purposes = draw(uses)
    trains = bool(set(purposes) & chain.TRAINING)
    return {
        "subject": draw(st.sampled_from(["work", "source", "speaker"])),
        "id": draw(names),
        "kind": draw(
            st.sampled_from(["copyright", "database", "performer", "likeness", "personal_data", "licence_in"])
        ),
        "holder": draw(names),
        "until": draw(st.sampled_from([None, "2026-12-31", "2026-05-31", "2030-01-01"])),
        "territory": draw(places),
        "purposes": purposes,
        "training": draw(st.sampled_from([True, None] if trains else [True, False, None])),
        "commercial": draw(st.sampled_from([True, False, None])),
        "sublicensable": draw(st.booleans()),
        "covers": {"source": {"field": "speaker", "value": draw(names)}},
    }


def right(number: int, document: dict[str, Any], state: RightState = RightState.DECLARED) -> Right:
    read = chain_form.parse(document)
    assert isinstance(read, RightDraft), read
    return Right(UUID(int=number), UUID(int=100), UUID(int=200), read, state, AT)


chains = st.lists(documents(), max_size=5).map(lambda found: [right(n, one) for n, one in enumerate(found, 1)])


def licence(purposes: list[str], territory: object, months: int | None, *, commercial: bool) -> Terms:
    own = {
        "purposes": purposes,
        "territory": territory,
        "duration": None if months is None else {"months": months},
        "commercial": commercial,
    }
    read = terms.parse({"type": "terms", "v": 1, "prevailing_language": "en", "own": own})
    assert isinstance(read, Terms), read
    return read


licences = st.builds(licence, uses, places, st.sampled_from([None, 1, 6, 48]), commercial=st.booleans())


@given(chains, documents())
def test_another_live_right_never_allows_more(rights: list[Right], more: dict[str, Any]) -> None:
    added = right(99, more)
    if not rights or not added.live(AT) or not any(one.live(AT) for one in rights):
        return
    before, after = chain.effective(rights, AT), chain.effective([*rights, added], AT)
    assert after.purposes <= before.purposes
    assert before.territory is None or (after.territory is not None and after.territory <= before.territory)
    assert before.until is None or (after.until is not None and after.until <= before.until)
    assert after.commercial <= before.commercial


@given(chains, st.randoms(use_true_random=False))
def test_the_order_of_rights_does_not_matter(rights: list[Right], chance: Any) -> None:
    shuffled = list(rights)
    chance.shuffle(shuffled)
    one, other = chain.effective(rights, AT), chain.effective(shuffled, AT)
    for name in ("live", "purposes", "territory", "until", "commercial"):
        assert getattr(one, name) == getattr(other, name)


@given(chains, licences)
def test_terms_are_wider_exactly_where_a_clause_is(rights: list[Right], found: Terms) -> None:
    declared = chain.effective(rights, AT)
    ((own,),) = found.alternatives
    end = None if own.duration is None else own.duration.end(AT, chain._UTC)
    fits = (
        own.purposes <= declared.purposes
        and (declared.territory is None or (own.territory is not None and own.territory <= declared.territory))
        and (declared.until is None or (end is not None and end <= declared.until))
        and (declared.commercial or not own.commercial)
    )
    assert (chain.wider(found, declared) == []) == fits


@given(chains)
def test_an_ended_right_blocks_or_another_live_one_stands_in_its_place(rights: list[Right]) -> None:
    blocking = chain.blocking(rights, AT)
    for one in rights:
        if one.live(AT):
            assert one not in blocking
    gone = [Right(one.id, one.dataset_id, one.supplier_id, one.draft, RightState.WITHDRAWN, AT) for one in rights]
    assert chain.blocking(gone, AT) == gone


@given(documents())
def test_a_right_survives_its_own_bytes_and_its_row(document: dict[str, Any]) -> None:
    one = right(1, document).draft
    assert chain_form.load(one.document, one.sha256) == one
    flags = {True: "yes", False: "no", None: ""}
    territory = document["territory"]
    cells = {
        **{name: document.get(name) or "" for name in COLUMNS if name not in ("covers", "field", "values")},
        "territory": territory if territory == "*" else ";".join(territory),
        "purposes": ";".join(document["purposes"]),
        **{name: flags[document[name]] for name in ("training", "commercial", "sublicensable")},
        "covers": "source",
        "field": "speaker",
        "values": document["covers"]["source"]["value"],
    }
    out = io.StringIO()
    csv.writer(out).writerows([COLUMNS, [cells[name] for name in COLUMNS]])
    assert chain_import.read_csv(out.getvalue().encode()) == [one]


@given(st.lists(st.tuples(names, names), max_size=30), st.integers(1, 64))
def test_a_search_counts_what_a_look_at_each_record_counts(records: list[tuple[str, str]], step: int) -> None:
    wanted = [
        right(n, {**_PLAIN, "covers": {"source": {"field": "speaker", "value": who}}}) for n, who in enumerate("ab1", 1)
    ]
    rows = [{"id": name, "speaker": who} for name, who in records]
    content = b"".join(msgspec.json.encode(one) + b"\n" for one in rows)
    finder = Finder("x.jsonl", "", wanted)
    for start in range(0, len(content), step):
        finder.feed(content[start : start + step])
    for one, trace in zip(wanted, finder.finish(bytes(32)), strict=True):
        assert trace.records == sum(one.draft.covers.holds(row) for row in rows)


@given(st.binary(max_size=300))
def test_no_bytes_bring_a_reader_of_files_down(content: bytes) -> None:
    assert all(isinstance(one, Mistake) for one in chain_import.read_csv(content))
    try:
        found = onix.products(content)
    except onix.BadOnix as error:
        found, line = [], error.line
    else:
        line = 1
    assert (found, line >= 1) == ([], True)


_PLAIN = {
    "subject": "speaker",
    "id": "x",
    "kind": "performer",
    "holder": "x",
    "territory": "*",
    "purposes": ["evaluate"],
}
