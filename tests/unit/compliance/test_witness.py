"""A witness's status table, line by line, and its folder; cosignatures against one that another implementation made."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from compliance import cosign, notes, witness, witness_folder
from compliance.notes import BadNote, Checkpoint
from compliance.witness import Answer, Cosigned, add_checkpoint, request_body
from exchange.kernel import merkle
from tests.support.logs import ORIGIN, FakeLog, log_signer, raw_public

AT = 1_768_464_000
W1 = Ed25519PrivateKey.from_private_bytes(b"\x51" * 32)
SIGNER = cosign.Cosigner("witness.example/w1", raw_public(W1), W1.sign)
LOG = FakeLog()
KEYS = {ORIGIN: [LOG.signer.verifier]}


def ask(
    old: int,
    note: bytes,
    proof: Sequence[bytes] = (),
    last: Cosigned | None = None,
    keys: dict[str, list[notes.Verifier]] = KEYS,
    at: int = AT,
) -> Answer:
    return add_checkpoint(request_body(old, proof, note), keys, {} if last is None else {ORIGIN: last}, at, SIGNER)


def seen(size: int, at: int = AT) -> Cosigned:
    return Cosigned(LOG.checkpoint(size), at)


@pytest.mark.parametrize(("old", "new"), [(0, 0), (0, 1), (0, 7), (1, 1), (1, 2), (4, 7), (7, 7), (8, 300), (255, 257)])
def test_a_log_that_only_grew_is_cosigned(old: int, new: int) -> None:
    answer = ask(old, LOG.note(new), LOG.proof(old, new), seen(old) if old else None)
    assert (answer.status, answer.content_type) == (200, witness.TEXT_TYPE)
    (line,) = notes.parse_lines(answer.body)
    text = notes.checkpoint_text(LOG.checkpoint(new))
    assert (line.name, line.key_id) == (SIGNER.name, SIGNER.verifier.key_id)
    assert SIGNER.verifier.verify(text, line.signature)
    assert cosign.time_of(line.signature) == AT
    assert answer.keep is not None
    assert answer.keep.cosigned == Cosigned(LOG.checkpoint(new), AT)
    assert notes.open_note(answer.keep.note, [LOG.signer.verifier]) == text
    assert notes.open_note(answer.keep.note, [SIGNER.verifier]) == text


def test_404_for_a_log_that_is_not_known() -> None:
    other = FakeLog(origin="other.example/log")
    assert ask(0, other.note(3)).status == 404


def test_403_without_a_signature_of_a_trusted_key_or_with_a_wrong_one() -> None:
    stranger = log_signer(b"\x09" * 32)
    note = notes.sign_checkpoint(LOG.checkpoint(3), [stranger])
    assert ask(0, note).status == 403
    wrong = notes.Ed25519Signer(ORIGIN, LOG.signer.public, lambda _: bytes(64))
    assert ask(0, notes.sign_checkpoint(LOG.checkpoint(3), [wrong])).status == 403
    # The line of a trusted key is wrong beside a right one of another trusted key: the note is malformed.
    keys = {ORIGIN: [LOG.signer.verifier, stranger.verifier]}
    both = notes.sign_checkpoint(LOG.checkpoint(3), [stranger, wrong])
    assert ask(0, both, keys=keys).status == 403
    # Signatures of keys that nobody knows are passed over, and not passed on.
    more = notes.sign_checkpoint(LOG.checkpoint(3), [LOG.signer, stranger])
    answer = ask(0, more)
    assert answer.status == 200
    assert answer.keep is not None
    assert len(notes.parse_note(answer.keep.note).signatures) == 2


def test_400_for_an_old_size_above_the_checkpoint() -> None:
    assert ask(4, LOG.note(3), last=seen(4)).status == 400


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"old 0\n",
        b"old 0\n\n",
        b"old 00\n\nNOTE",
        b"old -1\n\nNOTE",
        b"old 0 \n\nNOTE",
        b"Old 0\n\nNOTE",
        b"old 99999999999999999999\n\nNOTE",
        b"old 0\n\n\nNOTE",
        b"old 0\n!!!\n\nNOTE",
        b"old 0\nAAAA\n\nNOTE",
        b"old 0\r\n\r\nNOTE",
        b"old 0\n" + b"\n".join([base64.b64encode(bytes(32))] * 64) + b"\n\nNOTE",
        b"x" * (witness.REQUEST_BYTES_MAX + 1),
    ],
)
def test_400_for_what_is_no_request(body: bytes) -> None:
    asked = body.replace(b"NOTE", LOG.note(3))
    assert add_checkpoint(asked, KEYS, {}, AT, SIGNER).status == 400


def test_409_tells_the_size_that_was_cosigned() -> None:
    for old, last in ((0, 4), (3, 4), (5, 4)):
        answer = ask(old, LOG.note(7), LOG.proof(old, 7), seen(last))
        assert (answer.status, answer.body, answer.content_type) == (409, b"4\n", "text/x.tlog.size")
    assert ask(3, LOG.note(7), LOG.proof(3, 7)).body == b"0\n"


def test_422_for_every_way_in_which_a_tree_did_not_just_grow() -> None:
    proof = LOG.proof(4, 7)
    other = FakeLog(salt=b"other")
    for asked in (
        ask(4, LOG.note(7), (), seen(4)),
        ask(4, LOG.note(7), [*proof, bytes(32)], seen(4)),
        ask(4, LOG.note(7), [bytes(32), *proof[1:]], seen(4)),
        ask(4, other.note(7), other.proof(4, 7), seen(4)),
        # The same size with another root, and with a proof that must be empty.
        ask(4, other.note(4), (), seen(4)),
        ask(4, LOG.note(4), [bytes(32)], seen(4)),
        # Nothing was seen, so that nothing is to be proven.
        ask(0, LOG.note(7), [bytes(32)]),
        # An empty tree has one root only.
        ask(0, notes.sign_checkpoint(Checkpoint(ORIGIN, 0, bytes(32)), [LOG.signer])),
    ):
        assert (asked.status, asked.keep) == (422, None)


def test_the_checks_come_in_the_order_of_the_protocol() -> None:
    # An unknown log before its signature, the signature before the old size, that before the conflict, that before the proof.
    nobody = notes.sign_checkpoint(LOG.checkpoint(3), [log_signer(b"\x09" * 32)])
    assert ask(9, nobody, keys={}).status == 404
    assert ask(9, nobody).status == 403
    assert ask(9, LOG.note(3), last=seen(2)).status == 400
    assert ask(1, LOG.note(3), [bytes(32)], seen(2)).status == 409


def test_a_clock_that_went_back_never_takes_a_statement_back() -> None:
    answer = ask(4, LOG.note(7), LOG.proof(4, 7), seen(4, at=AT + 50), at=AT)
    assert answer.keep is not None
    assert answer.keep.cosigned.at == AT + 50
    assert ask(0, LOG.note(1), at=0).status == 200  # a time of zero would be none


def test_extension_lines_are_cosigned_with_the_rest() -> None:
    text = notes.checkpoint_text(LOG.checkpoint(3)) + b"extension\n"
    answer = ask(0, notes.sign_note(text, [LOG.signer]))
    (line,) = notes.parse_lines(answer.body)
    assert SIGNER.verifier.verify(text, line.signature)
    assert not SIGNER.verifier.verify(notes.checkpoint_text(LOG.checkpoint(3)), line.signature)


def test_a_cosignature_of_another_implementation_holds() -> None:
    """Made by transparency-dev/formats v0.1.1 (Go, note.NewSignerForCosignatureV1) with a key of its own."""
    public = base64.b64decode("AfwCLqkelg4Yt18uUPm2k3eDh02pNl/eGahGrj3M6zqV")[1:]
    verifier = cosign.CosignVerifier("witness.example/w1", public)
    note = (
        "example.com/log\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n"
        "— witness.example/w1 Rfx0VAAAAABrAuJ3zWeLKvMLSP9DVqJ6ttDtLElC87XDUB8pv3tdxGd23iMY6DKuy5ZUhwFU16reZSZT7LWbPcWmILZ80p2e"
        "HYDTAw==\n"
    ).encode()
    (line,) = notes.parse_note(note).signatures
    assert verifier.key_id == line.key_id
    assert notes.open_note(note, [verifier]) == notes.parse_note(note).text
    for at in range(len(line.signature)):
        changed = bytearray(line.signature)
        changed[at] ^= 1
        assert not verifier.verify(notes.parse_note(note).text, bytes(changed))
    assert cosign.parse_witness_vkey(verifier.vkey) == verifier
    assert cosign.time_of(bytes(8) + line.signature[8:]) is None
    assert cosign.time_of(b"\xff" * 8 + line.signature[8:]) is None


def test_a_witness_key_is_no_log_key() -> None:
    with pytest.raises(BadNote):
        notes.parse_vkey(SIGNER.verifier.vkey)
    with pytest.raises(BadNote):
        cosign.parse_witness_vkey(LOG.signer.verifier.vkey)
    with pytest.raises(BadNote):
        cosign.parse_witness_vkey(SIGNER.verifier.vkey.replace("w1", "w2"))


def test_a_folder_remembers_and_belongs_to_one_process(tmp_path: Path) -> None:
    path = tmp_path / "w"
    with pytest.raises(witness_folder.FolderFault, match="new"), witness_folder.opened(path):
        pass
    with witness_folder.opened(path, "witness.example/w1") as folder:
        first = add_checkpoint(request_body(0, (), LOG.note(4)), KEYS, folder.last, AT, folder.signer)
        assert first.keep is not None
        folder.keep(first.keep)
        with pytest.raises(witness_folder.FolderFault, match="another witness"), witness_folder.opened(path):
            pass
    with witness_folder.opened(path) as again:
        assert again.last == {ORIGIN: Cosigned(LOG.checkpoint(4), AT)}
        assert again.signer.verifier == folder.signer.verifier
        assert again.newest(witness.origin_path(ORIGIN)) == first.keep.note
        assert again.newest("0" * 64) is None
    with pytest.raises(witness_folder.FolderFault, match=r"is witness\.example/w1"), witness_folder.opened(path, "x"):
        pass
    assert (path / "witness.key").stat().st_mode & 0o077 == 0


def test_a_damaged_memory_is_never_taken_for_a_fresh_one(tmp_path: Path) -> None:
    path = tmp_path / "w"
    with witness_folder.opened(path, "witness.example/w1") as folder:
        first = add_checkpoint(request_body(0, (), LOG.note(4)), KEYS, folder.last, AT, folder.signer)
        assert first.keep is not None
        folder.keep(first.keep)
    (file,) = path.glob("*.checkpoint")
    whole = file.read_bytes()
    for damaged in (b"", whole[:-20], whole.replace(b"\n4\n", b"\n3\n"), LOG.note(3)):
        file.write_bytes(damaged)
        with pytest.raises(witness_folder.FolderFault), witness_folder.opened(path):
            pass
    file.write_bytes(whole)
    file.rename(path / f"{'0' * 64}.checkpoint")
    with pytest.raises(witness_folder.FolderFault), witness_folder.opened(path):
        pass


def test_a_disk_that_fails_leaves_the_old_memory(tmp_path: Path) -> None:
    with witness_folder.opened(tmp_path / "w", "witness.example/w1") as folder:
        first = add_checkpoint(request_body(0, (), LOG.note(4)), KEYS, folder.last, AT, folder.signer)
        assert first.keep is not None
        folder.keep(first.keep)
        second = add_checkpoint(request_body(4, LOG.proof(4, 7), LOG.note(7)), KEYS, folder.last, AT + 1, folder.signer)
        assert second.keep is not None
        (file,) = folder.path.glob("*.checkpoint")
        blocked = file.with_name(f"{file.name}.draft")
        blocked.mkdir()
        with pytest.raises(OSError):
            folder.keep(second.keep)
        assert folder.last[ORIGIN].checkpoint.size == 4
        blocked.rmdir()
        folder.keep(second.keep)
        assert folder.last[ORIGIN].checkpoint.size == 7


def test_roots_of_the_log_used_here_are_real() -> None:
    assert LOG.checkpoint(300).root == merkle.root_of(LOG.leaves[:300])
    assert W1.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw) == SIGNER.public
