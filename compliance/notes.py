"""Signed notes and checkpoints: c2sp.org/signed-note and c2sp.org/tlog-checkpoint. Pure."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from exchange.kernel.keys import Keyring
from exchange.kernel.merkle import HASH_BYTES

ED25519 = 0x01
SIGNATURES_MAX = 64
NOTE_BYTES_MAX = 1_000_000
_DECIMAL = re.compile(r"(0|[1-9][0-9]{0,18})\Z")


class BadNote(ValueError):
    """A note that is malformed, or signed by nobody we know."""


class Signer(Protocol):
    """One way to sign a note; witnesses and other algorithms are further ones."""

    @property
    def name(self) -> str:
        """The key's name: a URL without scheme."""
        ...

    @property
    def key_id(self) -> bytes:
        """The four bytes that tell the keys of one name apart."""
        ...

    def sign(self, text: bytes) -> bytes:
        """The signature over a note's text."""
        ...


class NoteVerifier(Protocol):
    """One way to check a signature of a note: a log's key, or a witness's."""

    @property
    def name(self) -> str:
        """The key's name."""
        ...

    @property
    def key_id(self) -> bytes:
        """The four bytes that tell the keys of one name apart."""
        ...

    def verify(self, text: bytes, signature: bytes) -> bool:
        """Whether the signature is this key's over the text."""
        ...


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public Ed25519 key with its name."""

    name: str
    public: bytes

    @property
    def key_id(self) -> bytes:
        """The key id of signed-note."""
        return key_id(self.name, self.public)

    @property
    def vkey(self) -> str:
        """The key as one line: name+id+key."""
        return vkey_text(self.name, self.public)

    def verify(self, text: bytes, signature: bytes) -> bool:
        """Whether the signature is this key's over the text."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Ed25519Signer:
    """Signs notes with an Ed25519 key that somebody else holds.

    `private` signs bytes and gives 64; the key itself never comes here.
    """

    name: str
    public: bytes
    private: Callable[[bytes], bytes]

    def __post_init__(self) -> None:
        """Refuse a name that no note can carry."""
        checked_name(self.name)

    @property
    def key_id(self) -> bytes:
        """The key id of signed-note."""
        return key_id(self.name, self.public)

    @property
    def verifier(self) -> Verifier:
        """The public half."""
        return Verifier(self.name, self.public)

    def sign(self, text: bytes) -> bytes:
        """The signature over a note's text."""
        return self.private(text)


@dataclass(frozen=True, slots=True)
class SignatureLine:
    """One signature of a note."""

    name: str
    key_id: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Note:
    """A text with its signatures, not yet believed."""

    text: bytes
    signatures: tuple[SignatureLine, ...]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log says of itself: its name, its size and the root over all its entries."""

    origin: str
    size: int
    root: bytes


def key_id(name: str, public: bytes, algorithm: int = ED25519) -> bytes:
    """The first four bytes of SHA-256 over name, newline, algorithm and key."""
    return sha256(name.encode() + b"\n" + bytes([algorithm]) + public).digest()[:4]


def log_signer(keyring: Keyring, origin: str) -> Ed25519Signer:
    """The newest checkpoint key of this node, under the log's name.

    errors   UnknownKey; BadNote for a name that no note can carry
    """
    key = keyring.signer("checkpoint")
    return Ed25519Signer(origin, key.public, key.private.sign)


def log_verifiers(keyring: Keyring, origin: str) -> list[Verifier]:
    """Every checkpoint key this node ever had, newest first."""
    return [Verifier(origin, key.public) for key in reversed(keyring.keys()) if key.purpose == "checkpoint"]


def vkey_text(name: str, public: bytes, algorithm: int = ED25519) -> str:
    """A key as one line: name+id+key."""
    return f"{name}+{key_id(name, public, algorithm).hex()}+{_base64(bytes([algorithm]) + public)}"


def read_vkey(vkey: str, algorithm: int) -> tuple[str, bytes]:
    """The name and the 32 bytes in a key's line.

    errors   BadNote for a malformed line, another algorithm or an id that is not the key's
    """
    parts = vkey.strip().split("+", 2)
    if len(parts) != 3:
        raise BadNote("a key line is name+id+key")
    name, identity, body = parts
    raw = _unbase64(body)
    if len(raw) != 33 or raw[0] != algorithm:
        raise BadNote(f"only Ed25519 keys of type {algorithm:#04x} are known here")
    if key_id(checked_name(name), raw[1:], algorithm).hex() != identity:
        raise BadNote("the key id is not the key's")
    return name, raw[1:]


def parse_vkey(vkey: str) -> Verifier:
    """Read the line of a log's key.

    errors   BadNote for a malformed line, another algorithm or an id that is not the key's
    """
    return Verifier(*read_vkey(vkey, ED25519))


def sign_note(text: bytes, signers: Sequence[Signer]) -> bytes:
    """The text with one signature line per signer.

    errors   BadNote for a text without final newline, with control characters, or no signer
    """
    _check_text(text)
    if not signers:
        raise BadNote("a note needs a signer")
    return text + b"\n" + lines_text([SignatureLine(one.name, one.key_id, one.sign(text)) for one in signers])


def lines_text(lines: Sequence[SignatureLine]) -> bytes:
    """Signatures as they stand under a note, and in a witness's answer."""
    return "".join(f"— {one.name} {_base64(one.key_id + one.signature)}\n" for one in lines).encode()


def parse_lines(data: bytes) -> list[SignatureLine]:
    """Read signature lines that stand alone, each with its newline.

    errors   BadNote
    """
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise BadNote("signature lines are UTF-8") from None
    if not text.endswith("\n"):
        raise BadNote("a signature line ends in a newline")
    return [_signature_line(line) for line in text[:-1].split("\n")]


def with_signatures(note: bytes, lines: Sequence[SignatureLine]) -> bytes:
    """The note with further signatures under its own; one that is there already is not put there twice."""
    there = {(one.name, one.key_id) for one in parse_note(note).signatures}
    return note + lines_text([one for one in lines if (one.name, one.key_id) not in there])


def parse_note(note: bytes) -> Note:
    """Take a note apart; believes nothing yet.

    errors   BadNote
    """
    if len(note) > NOTE_BYTES_MAX:
        raise BadNote("the note is too long")
    head, separator, tail = note.rpartition(b"\n\n")
    if not separator or not tail.endswith(b"\n"):
        raise BadNote("a note is text, an empty line and signature lines")
    _check_text(note)
    lines = tail[:-1].decode().split("\n")
    if len(lines) > SIGNATURES_MAX:
        raise BadNote("too many signatures")
    return Note(head + b"\n", tuple(_signature_line(line) for line in lines))


def open_note(note: bytes, verifiers: Sequence[NoteVerifier]) -> bytes:
    """The text of a note that one of our verifiers signed.

    errors   BadNote if none did, or if a line of a known key is wrong
    """
    parsed = parse_note(note)
    known = {(one.name, one.key_id): one for one in verifiers}
    good = 0
    for line in parsed.signatures:
        verifier = known.get((line.name, line.key_id))
        if verifier is None:
            continue
        if not verifier.verify(parsed.text, line.signature):
            raise BadNote("the signature of a known key is wrong")
        good += 1
    if not good:
        raise BadNote("no signature of a known key")
    return parsed.text


def checkpoint_text(checkpoint: Checkpoint) -> bytes:
    """The three lines that are signed."""
    return f"{checkpoint.origin}\n{checkpoint.size}\n{_base64(checkpoint.root)}\n".encode()


def parse_checkpoint(text: bytes, *, extensions: bool = False) -> Checkpoint:
    """Read a checkpoint's text.

    Extension lines are not used by our log; a witness of other logs lets them through, unread.

    errors   BadNote for anything but origin, size and root, and extension lines where they are allowed
    """
    lines = text.decode().split("\n")
    if len(lines) < 4 or not lines[0] or lines.pop() or (len(lines) > 3 and not extensions) or "" in lines:
        raise BadNote("a checkpoint is origin, size and root")
    root = _unbase64(lines[2])
    if not _DECIMAL.match(lines[1]) or len(root) != HASH_BYTES:
        raise BadNote("a checkpoint's size or root is malformed")
    return Checkpoint(lines[0], int(lines[1]), root)


def sign_checkpoint(checkpoint: Checkpoint, signers: Sequence[Signer]) -> bytes:
    """The checkpoint as a signed note."""
    return sign_note(checkpoint_text(checkpoint), signers)


def open_checkpoint(note: bytes, origin: str, verifiers: Sequence[Verifier]) -> Checkpoint:
    """The checkpoint of a log, believed because a known key signed it.

    errors   BadNote, also for another log's origin
    """
    found = parse_checkpoint(open_note(note, verifiers))
    if found.origin != origin:
        raise BadNote("the checkpoint is another log's")
    return found


def _signature_line(line: str) -> SignatureLine:
    dash, _, rest = line.partition(" ")
    name, space, body = rest.partition(" ")
    raw = _unbase64(body)
    if dash != "—" or not space or len(raw) < 5:
        raise BadNote("a signature line is malformed")
    return SignatureLine(checked_name(name), raw[:4], raw[4:])


def checked_name(name: str) -> str:
    """A key's name as a note can carry it.

    errors   BadNote for an empty name, or one with a space or a plus
    """
    if not name or "+" in name or any(one.isspace() for one in name):
        raise BadNote("a key's name has no spaces and no plus")
    return name


def _check_text(text: bytes) -> None:
    try:
        text.decode()
    except UnicodeDecodeError:
        raise BadNote("a note is UTF-8") from None
    if not text.endswith(b"\n") or any(one < 0x20 and one != 0x0A for one in text):
        raise BadNote("a note ends in a newline and has no control characters")


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _unbase64(text: str) -> bytes:
    """Strict: the one spelling only, so that no bit can change unseen."""
    try:
        data = base64.b64decode(text.encode(), validate=True)
    except (binascii.Error, ValueError):
        raise BadNote("malformed base64") from None
    if _base64(data) != text:
        raise BadNote("base64 with loose ends")
    return data
