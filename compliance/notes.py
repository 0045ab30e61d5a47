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
        return f"{self.name}+{self.key_id.hex()}+{_base64(bytes([ED25519]) + self.public)}"

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
        _checked_name(self.name)

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


def parse_vkey(vkey: str) -> Verifier:
    """Read a key's line.

    errors   BadNote for a malformed line, another algorithm or an id that is not the key's
    """
    parts = vkey.strip().split("+", 2)
    if len(parts) != 3:
        raise BadNote("a key line is name+id+key")
    name, identity, body = parts
    raw = _unbase64(body)
    if len(raw) != 33 or raw[0] != ED25519:
        raise BadNote("only Ed25519 keys are known")
    verifier = Verifier(_checked_name(name), raw[1:])
    if verifier.key_id.hex() != identity:
        raise BadNote("the key id is not the key's")
    return verifier


def sign_note(text: bytes, signers: Sequence[Signer]) -> bytes:
    """The text with one signature line per signer.

    errors   BadNote for a text without final newline, with control characters, or no signer
    """
    _check_text(text)
    if not signers:
        raise BadNote("a note needs a signer")
    lines = [f"— {one.name} {_base64(one.key_id + one.sign(text))}\n" for one in signers]
    return text + b"\n" + "".join(lines).encode()


def with_signatures(note: bytes, lines: Sequence[SignatureLine]) -> bytes:
    """The note with further signatures under it."""
    more = [f"— {one.name} {_base64(one.key_id + one.signature)}\n" for one in lines]
    return note + "".join(more).encode()


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


def open_note(note: bytes, verifiers: Sequence[Verifier]) -> bytes:
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


def parse_checkpoint(text: bytes) -> Checkpoint:
    """Read a checkpoint's text.

    errors   BadNote for anything but origin, size and root: extension lines are not used
    """
    lines = text.decode().split("\n")
    if len(lines) != 4 or not lines[0] or lines[3]:
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
    return SignatureLine(_checked_name(name), raw[:4], raw[4:])


def _checked_name(name: str) -> str:
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
