"""The policy of c2sp.org/tlog-policy: its own example, what it refuses, and what a checkpoint meets."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from compliance import cosign, notes, policy
from compliance.policy import BadPolicy, Policy, parse_policy
from tests.support.logs import FakeLog, log_signer, raw_public

LOG = FakeLog()
NAMES = ("X1", "X2", "X3", "Y1", "Y2", "Y3")


def signer(name: str) -> cosign.Cosigner:
    key = Ed25519PrivateKey.from_private_bytes(name.encode().ljust(32, b"."))
    return cosign.Cosigner(f"{name.lower()}.example", raw_public(key), key.sign)


SIGNERS = {name: signer(name) for name in NAMES}
EXAMPLE = "\n".join(
    [
        f"log {LOG.signer.verifier.vkey}",
        "",
        *(f"witness {name} {SIGNERS[name].verifier.vkey}" for name in NAMES[:3]),
        "group X-witnesses 2 X1 X2 X3",
        "\t # a comment",
        *(f"  witness\t{name} {SIGNERS[name].verifier.vkey}  https://{name}.example " for name in NAMES[3:]),
        "group Y-witnesses any Y1 Y2 Y3",
        "group X-and-Y all X-witnesses Y-witnesses",
        "quorum X-and-Y",
        "",
    ]
).encode()


def cosigned(*names: str) -> notes.Note:
    text = notes.checkpoint_text(LOG.checkpoint(7))
    return notes.parse_note(notes.with_signatures(LOG.note(7), [SIGNERS[name].cosign(text, 5) for name in names]))


@pytest.mark.parametrize(
    ("names", "quorum"),
    [
        ((), False),
        (("X1", "X2"), False),
        (("X1", "Y1"), False),
        (("X1", "X2", "X3"), False),
        (("Y1", "Y2", "Y3"), False),
        (("X1", "X3", "Y2"), True),
        (NAMES, True),
    ],
)
def test_the_example_of_the_specification(names: tuple[str, ...], quorum: bool) -> None:
    met = parse_policy(EXAMPLE).met(cosigned(*names))
    assert (met.names, met.quorum) == (frozenset(names), quorum)


def test_addresses_and_logs_are_read() -> None:
    found = parse_policy(EXAMPLE)
    assert found.witnesses["Y1"].url == "https://Y1.example"
    assert found.witnesses["X1"].url is None
    assert found.signed(notes.parse_note(LOG.note(7)))
    assert not found.signed(notes.parse_note(notes.sign_checkpoint(LOG.checkpoint(7), [log_signer(b"\x09" * 32)])))
    wrong = notes.Ed25519Signer(LOG.origin, LOG.signer.public, lambda _: bytes(64))
    assert not found.signed(notes.parse_note(notes.sign_checkpoint(LOG.checkpoint(7), [wrong])))


def test_a_cosignature_of_another_checkpoint_or_key_is_none() -> None:
    found = parse_policy(EXAMPLE)
    other = SIGNERS["X1"].cosign(notes.checkpoint_text(LOG.checkpoint(6)), 5)
    plain = notes.Ed25519Signer("x2.example", SIGNERS["X2"].public, SIGNERS["X2"].private)
    mixed = notes.with_signatures(notes.sign_checkpoint(LOG.checkpoint(7), [LOG.signer, plain]), [other])
    assert found.met(notes.parse_note(mixed)).names == frozenset()
    # A wrong line spoils no right one of the same witness.
    right = SIGNERS["X1"].cosign(notes.checkpoint_text(LOG.checkpoint(7)), 5)
    both = LOG.note(7) + notes.lines_text([other, right])
    assert found.met(notes.parse_note(both)).names == frozenset({"X1"})


def test_no_quorum_may_be_asked_for() -> None:
    assert parse_policy(b"quorum none\n") == Policy((), {}, {}, "none")
    assert parse_policy(b"quorum none\n").met(cosigned()).quorum


X1, X2 = (f"witness {name} {SIGNERS[name].verifier.vkey}" for name in ("X1", "X2"))


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ([], "no quorum"),
        (["quorum none", "quorum none"], "line 2: there is one quorum"),
        (["quorum X1", X1], "line 1: the quorum is none"),
        ([X1, X1, "quorum X1"], "line 2: the name is taken"),
        ([X1, X1.replace("X1", "Z", 1), "quorum X1"], "line 2: two witnesses with one key"),
        ([X1, "group g 1 X2", "quorum g"], "line 2: a group names"),
        ([X1, "group g 1 g", "quorum g"], "line 2: a group names"),
        ([X1, "group g 1 none", "quorum g"], "line 2: a group names"),
        ([X1, "group g 2 X1", "quorum g"], "line 2: a group needs at least one"),
        ([X1, "group g 0 X1", "quorum g"], "line 2: a group needs all"),
        ([X1, "group g 01 X1", "quorum g"], "line 2: a group needs all"),
        ([X1, "group g most X1", "quorum g"], "line 2: a group needs all"),
        ([X1, "group g any X1 X1", "quorum g"], "line 2: a group names"),
        ([X1, X2, "group g any X1", "group h all X1 X2", "quorum h"], "line 4: a name belongs to one group"),
        ([X1, "group X1 any X1", "quorum X1"], "line 2: the name is taken"),
        ([X1.replace("X1", "none", 1), "quorum none"], "line 1: the name is taken"),
        ([X1.replace("+", "-", 1), "quorum none"], "line 1: a key line"),
        ([f"log {SIGNERS['X1'].verifier.vkey}", "quorum none"], "line 1: only Ed25519 keys of type 0x01"),
        ([f"log {LOG.signer.verifier.vkey}"] * 2 + ["quorum none"], "line 2: two logs with one key"),
        (["quorum none more"], "line 1: a line is"),
        (["Quorum none"], "line 1: a line is"),
        (["quorum\u00a0none"], "line 1: a line is"),
        (["quorum none\r"], "control characters"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_line(lines: list[str], why: str) -> None:
    with pytest.raises(BadPolicy, match=why):
        parse_policy("".join(f"{line}\n" for line in lines).encode())


def test_a_policy_that_was_cut_is_not_read_as_another() -> None:
    whole = f"{X1}\n{X2}\ngroup g 2 X1 X2\nquorum g\n".encode()
    parse_policy(whole)
    for end in range(len(whole)):
        with pytest.raises(BadPolicy):
            parse_policy(whole[:end])


def test_bytes_above_ascii_are_opaque_in_names_and_comments() -> None:
    line = X1.replace("X1", "", 1).encode().replace(b"witness ", b"witness \xe2\x84\xaa\xff", 1)
    found = parse_policy(b"# \xff\n" + line + b"\nquorum \xe2\x84\xaa\xff\n")
    assert found.quorum in found.witnesses
    with pytest.raises(BadPolicy):
        parse_policy(line + b"\nquorum K\n")
    with pytest.raises(BadPolicy):
        parse_policy(b"log \xff+00+00\nquorum none\n")


def test_what_is_published_can_be_read_again() -> None:
    logs = [policy.Log(LOG.signer.verifier)]
    witnesses = [policy.Witness(one.verifier, f"https://{one.name}/w") for one in SIGNERS.values()]
    for needed in range(7):
        found = parse_policy(policy.policy_text(logs, witnesses, needed))
        assert [one.verifier for one in found.logs] == [LOG.signer.verifier]
        assert found.enough(frozenset(list(found.witnesses)[:needed]))
        assert needed == 0 or not found.enough(frozenset(list(found.witnesses)[: needed - 1]))
    with pytest.raises(BadPolicy, match="no quorum"):
        parse_policy(policy.policy_text(logs, witnesses, 7))
