"""A witness's folder: its key, and the newest checkpoint of each log that it cosigned. One process at a time."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from compliance.cosign import Cosigner, time_of
from compliance.notes import BadNote, checked_name, open_note, parse_checkpoint, parse_note
from compliance.witness import Cosigned, Keep, origin_path
from exchange.kernel.text import Text

_KEY, _NAME, _LOCK = "witness.key", "witness.name", "lock"
_ENDING = ".checkpoint"


class FolderFault(OSError):
    """A folder that cannot be used as it is; never treated as a new one."""

    def __init__(self, en: str, zh: str) -> None:
        """Say why, in both languages."""
        super().__init__(en)
        self.why = Text(en, zh)


@dataclass(slots=True)
class WitnessFolder:
    """What a witness remembers. The key lies beside the memory, so that losing the folder loses the right to sign."""

    path: Path
    signer: Cosigner
    last: dict[str, Cosigned] = field(default_factory=dict)

    def keep(self, keep: Keep) -> None:
        """Write a cosigned checkpoint down, whole or not at all; it is on disk when this returns.

        errors   OSError: what is remembered is then read again from the disk
        """
        origin = keep.cosigned.checkpoint.origin
        try:
            write_whole(self._file(origin), keep.note)
        except OSError:
            self.read()
            raise
        self.last[origin] = keep.cosigned

    def newest(self, hashed: str) -> bytes | None:
        """The newest checkpoint cosigned of the log whose origin has this hash."""
        for origin in self.last:
            if origin_path(origin) == hashed:
                return self._file(origin).read_bytes()
        return None

    def read(self) -> None:
        """Take from the disk what was cosigned.

        errors   FolderFault for a file that this witness did not write
        """
        found = {}
        for path in self.path.glob(f"*{_ENDING}"):
            try:
                one = self._cosigned(path.read_bytes())
            except (BadNote, UnicodeError) as error:
                raise FolderFault(
                    f"{path.name} is not what this witness wrote: {error}", f"{path.name} 并非本见证方所写：{error}"
                ) from None
            if path.name != f"{origin_path(one.checkpoint.origin)}{_ENDING}":
                raise FolderFault(f"{path.name} has another log's checkpoint", f"{path.name} 是另一日志的检查点")
            found[one.checkpoint.origin] = one
        self.last = found

    def _cosigned(self, note: bytes) -> Cosigned:
        verifier = self.signer.verifier
        text = open_note(note, [verifier])
        own = [one for one in parse_note(note).signatures if (one.name, one.key_id) == (verifier.name, verifier.key_id)]
        at = time_of(own[0].signature)
        assert at is not None, "a cosignature that verifies has a time"
        return Cosigned(parse_checkpoint(text, extensions=True), at)

    def _file(self, origin: str) -> Path:
        return self.path / f"{origin_path(origin)}{_ENDING}"


@contextmanager
def opened(path: Path, name: str | None = None) -> Iterator[WitnessFolder]:
    """The folder, held for this process alone; a new one gets a key under `name`.

    errors   FolderFault where another process has it, no name was ever given, or another one is given now
    """
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (path / _LOCK).open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FolderFault(f"another witness runs in {path}", f"{path} 中已有见证方在运行") from None
        folder = WitnessFolder(path, _signer(path, name))
        folder.read()
        yield folder


def write_whole(path: Path, data: bytes) -> None:
    """Replace a file, whole or not at all, and see it on disk."""
    draft = path.with_name(f"{path.name}.draft")
    with draft.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _signer(path: Path, name: str | None) -> Cosigner:
    known = (path / _NAME).read_text(encoding="utf-8").strip() if (path / _NAME).exists() else None
    if known is None:
        if name is None:
            raise FolderFault(
                f"{path} is new: give the witness a name with --name, such as witness.example/w1",
                f"{path} 是新目录：请用 --name 给出见证方名称，例如 witness.example/w1",
            )
        if any(path.glob(f"*{_ENDING}")):
            raise FolderFault(f"{path} has lost the witness's name", f"{path} 中的见证方名称已丢失")
        _make(path, name)
    elif name not in (None, known):
        raise FolderFault(f"the witness in {path} is {known}", f"{path} 中的见证方是 {known}")
    private = load_pem_private_key((path / _KEY).read_bytes(), password=None)
    if not isinstance(private, Ed25519PrivateKey):
        raise FolderFault(f"{_KEY} is not an Ed25519 key", f"{_KEY} 不是 Ed25519 密钥")
    public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return Cosigner(known or str(name), public, private.sign)


def _make(path: Path, name: str) -> None:
    try:
        checked_name(name)
    except BadNote as error:
        raise FolderFault(str(error), f"名称不可用：{error}") from None
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (path / _KEY).unlink(missing_ok=True)  # a start that was cut off before the name left one that signed nothing
    with os.fdopen(os.open(path / _KEY, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
    # The name comes last: a folder without one never signed anything.
    write_whole(path / _NAME, f"{name}\n".encode())
