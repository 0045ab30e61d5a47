"""Whatever a witness is asked, in whatever order: what it cosigned is one history, and it forgets nothing."""

from __future__ import annotations

from functools import cache

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from compliance import cosign, split
from compliance.policy import Group, Policy
from compliance.split import Sight
from compliance.witness import Cosigned, add_checkpoint, request_body
from tests.support.logs import ORIGIN, SIZE, FakeLog, raw_public

KEY = Ed25519PrivateKey.from_private_bytes(b"\x51" * 32)
SIGNER = cosign.Cosigner("witness.example/w1", raw_public(KEY), KEY.sign)


@cache
def histories() -> tuple[FakeLog, ...]:
    """One log, and two that leave it after 5 and after 300 entries; all signed by one key."""
    return FakeLog(), FakeLog(b"x", fork=5), FakeLog(b"y", fork=300)


requests = st.tuples(
    st.integers(0, 2),
    st.one_of(st.integers(0, 12), st.integers(290, 310), st.integers(0, SIZE)),
    st.one_of(st.none(), st.integers(0, 12), st.integers(290, 310)),
    st.sampled_from(["right", "of another history", "none", "too long"]),
)


@given(st.lists(requests, max_size=25))
def test_a_witness_follows_one_history(asked: list[tuple[int, int, int | None, str]]) -> None:
    last: dict[str, Cosigned] = {}
    for at, (which, size, old, kind) in enumerate(asked):
        log, before = histories()[which], last.get(ORIGIN)
        known = before.checkpoint.size if before else 0
        claimed = known if old is None else old
        source = histories()[(which + 1) % 3] if kind == "of another history" else log
        proof = [] if kind == "none" else source.proof(claimed, size)
        proof = [*proof, bytes(32)] if kind == "too long" else proof
        answer = add_checkpoint(
            request_body(claimed, proof, log.note(size)), {ORIGIN: [log.signer.verifier]}, last, at, SIGNER
        )
        assert answer.status in (200, 400, 409, 422)
        assert (answer.status == 409) == (claimed <= size and claimed != known)
        assert (answer.keep is not None) == (answer.status == 200)
        if answer.keep is None:
            continue
        new = answer.keep.cosigned
        assert new.checkpoint == log.checkpoint(size)
        if before is not None:
            # Grown, in size and in time, and the old root is the new tree's root at the old size.
            assert new.checkpoint.size >= before.checkpoint.size
            assert new.at >= before.at
            assert log.checkpoint(before.checkpoint.size).root == before.checkpoint.root
        last = {ORIGIN: new}


@given(st.integers(0, 2), st.integers(0, 2), st.integers(1, SIZE), st.integers(1, SIZE))
def test_two_histories_are_proven_to_anybody_and_one_is_never_accused(a: int, b: int, first: int, second: int) -> None:
    small, large = sorted((first, second))
    one, other = histories()[a], histories()[b]
    shorter = Sight("here", one.note(small), one.checkpoint(small))
    longer = Sight("there", other.note(large), other.checkpoint(large))
    same = one.checkpoint(small).root == other.checkpoint(small).root
    if small == large:
        evidence = split.same_size(shorter, longer)
    else:
        evidence = split.not_continued(shorter, longer, other.tree.node)
    assert (evidence is None) == same
    if evidence is None:
        return
    document, keys = evidence.document(), [one.signer.verifier]
    assert split.check(document, keys)
    assert not split.check(document, [SIGNER.verifier])
    assert not split.check({**document, "shown": [document["shown"][0]] * 2}, keys)
    honest = {"size": small, "where": "made up", "note": other.note(small).decode()}
    assert not split.check({**document, "shown": [honest, document["shown"][1]]}, keys)


names = [f"w{number}" for number in range(6)]


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """Groups of groups; each name in one group at most."""
    free, groups = list(names), {}
    for number in range(draw(st.integers(0, 4))):
        members = draw(st.lists(st.sampled_from(free), min_size=1, max_size=3, unique=True)) if free else []
        if not members:
            break
        free = [one for one in free if one not in members]
        groups[f"g{number}"] = Group(draw(st.integers(1, len(members))), tuple(members))
        free.append(f"g{number}")
    return Policy((), {}, groups, draw(st.sampled_from(free)))


@given(policies(), st.sets(st.sampled_from(names)))
def test_a_quorum_is_what_counting_down_the_tree_says(policy: Policy, signed: set[str]) -> None:
    def met(name: str) -> bool:
        group = policy.groups.get(name)
        return name in signed if group is None else sum(met(one) for one in group.members) >= group.needed

    assert policy.enough(frozenset(signed)) == met(policy.quorum)


@given(st.binary(max_size=300))
def test_any_bytes_get_an_answer(data: bytes) -> None:
    log = histories()[0]
    for body in (
        data,
        b"old 0\n\n" + data,
        b"old 0\n" + data + b"\n\n" + log.note(3),
        b"old 0\n\n" + log.note(3) + data,
    ):
        assert add_checkpoint(body, {ORIGIN: [log.signer.verifier]}, {}, 1, SIGNER).status in (200, 400, 403, 404, 422)
