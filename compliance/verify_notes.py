"""What the stand-alone verifier knows of faults, signed notes and Merkle proofs. The standard library is all it needs.

A part of the script in each export: nothing here imports anything of ours but the arithmetic of Ed25519.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from typing import Any, NamedTuple, Optional

from exchange.kernel.ed25519 import by_arithmetic

# ---------------------------------------------------------------- faults and their places


def shown(text: str) -> str:
    """A text with whatever moves a cursor, hides or turns around what stands beside it spelled out: files name themselves."""
    return "".join([one if one.isprintable() else one.encode("unicode_escape").decode() for one in text])


class Fault(NamedTuple):
    """Something that does not hold, and where: a file, its line (from 1), the entry's index in the log (from 0)."""

    file: str
    line: Optional[int]  # noqa: UP045  # Python 3.9 reads this when it runs
    entry: Optional[int]  # noqa: UP045
    en: str
    zh: str

    def told(self, language: str) -> str:
        """The place and what is wrong there, in one language."""
        if language == "zh":
            line = "" if self.line is None else f" 第 {self.line} 行"
            return shown(f"{self.file}{line}{'' if self.entry is None else f'（条目 {self.entry}）'}：{self.zh}")
        line = "" if self.line is None else f", line {self.line}"
        return shown(f"{self.file}{line}{'' if self.entry is None else f' (entry {self.entry})'}: {self.en}")


class Failed(Exception):
    """Something in the bundle does not hold."""

    def __init__(self, *faults: Fault) -> None:
        """Say what, and where."""
        super().__init__("; ".join(one.told("en") for one in faults))
        self.faults = faults


def failed(file: str, en: str, zh: str, line: int | None = None, entry: int | None = None) -> Failed:
    """One fault, ready to be raised."""
    return Failed(Fault(file, line, entry, en, zh))


# ---------------------------------------------------------------- notes and checkpoints


def unbase64(text: str, file: str, line: int | None = None) -> bytes:
    """Decode base64 in its one spelling, so that no bit can change unseen."""
    try:
        data = base64.b64decode(text.encode(), validate=True)
    except ValueError:
        raise failed(file, "malformed base64", "base64 格式错误", line) from None
    if base64.b64encode(data).decode() != text:
        raise failed(file, "base64 with loose ends", "base64 不是规范写法", line)
    return data


class Key:
    """A public key with its name, from a line name+id+key; `kind` is 1 for a log's and 4 for a witness's."""

    def __init__(self, vkey: str, file: str = "log.vkey", line: int | None = None, kind: int = 1) -> None:
        """Read the line and check that the id is the key's."""
        parts = vkey.strip().split("+", 2)
        raw = unbase64(parts[2], file, line) if len(parts) == 3 else b""
        if len(raw) != 33 or raw[0] != kind:
            raise failed(
                file, "a key is a line name+id+key with an Ed25519 key", "公钥应为一行 name+id+key（Ed25519）", line
            )
        self.name, self.public = parts[0], raw[1:]
        self.id = hashlib.sha256(self.name.encode() + b"\n" + raw).digest()[:4]
        if self.id.hex() != parts[1]:
            raise failed(file, "the id in the key's line is not the key's", "公钥行中的标识与公钥不符", line)


def open_note(note: bytes, keys: Sequence[Key], file: str) -> bytes:
    """Give the text of a signed note; one of `keys` has to have signed it."""
    head, separator, tail = note.rpartition(b"\n\n")
    text, good = head + b"\n", 0
    if not separator or not tail.endswith(b"\n") or any(one < 32 and one != 10 for one in note):
        raise failed(file, "not a signed note", "不是已签名的 note")
    try:
        lines = tail[:-1].decode().split("\n")
    except UnicodeDecodeError:
        raise failed(file, "not UTF-8", "不是 UTF-8") from None
    for number, said in enumerate(lines, head.count(b"\n") + 3):
        parts = said.split(" ")
        if len(parts) != 3 or parts[0] != "\u2014" or not parts[1]:
            raise failed(file, "malformed signature line", "签名行格式错误", number)
        raw = unbase64(parts[2], file, number)
        for key in keys:
            if (parts[1], raw[:4]) == (key.name, key.id):
                if not by_arithmetic(key.public, text, raw[4:]):
                    raise failed(file, "the signature is wrong", "签名无效", number)
                good += 1
    if not good:
        raise failed(file, "no signature by the log's key", "没有日志密钥的签名")
    return text


def cosigned_by(note: bytes, witnesses: Sequence[Key]) -> list[str]:
    """The names of the witnesses who cosigned a checkpoint (c2sp.org/tlog-cosignature, cosignature/v1).

    A line that names one of these keys has to be its cosignature; lines of other keys say nothing here.
    """
    head, _, tail = note.rpartition(b"\n\n")
    found = set()
    for number, said in enumerate(tail[:-1].decode("utf-8", "replace").split("\n"), head.count(b"\n") + 3):
        parts = said.split(" ")
        raw = unbase64(parts[2], "checkpoint", number) if len(parts) == 3 else b""
        at = int.from_bytes(raw[4:12], "big")
        message = f"cosignature/v1\ntime {at}\n".encode() + head + b"\n"
        for key in witnesses:
            if len(parts) != 3 or (parts[1], raw[:4]) != (key.name, key.id):
                continue
            if len(raw) != 76 or not by_arithmetic(key.public, message, raw[12:]):
                why = f"the cosignature of {key.name} is wrong"
                raise failed("checkpoint", why, f"{key.name} 的会签无效", number)
            found.add(key.name)
    return sorted(found)


class Checkpoint(NamedTuple):
    """A log's name, its size, and the root over all its entries."""

    origin: str
    size: int
    root: bytes


def parse_checkpoint(text: bytes, file: str) -> Checkpoint:
    """Read a checkpoint's text."""
    lines = text.decode().split("\n")
    if len(lines) != 4 or lines[3] or not lines[0] or not re.match(r"(0|[1-9][0-9]{0,18})\Z", lines[1]):
        raise failed(file, "not a checkpoint", "不是检查点")
    root = unbase64(lines[2], file, 3)
    if len(root) != 32:
        raise failed(file, "the root is no hash", "根哈希长度不符", 3)
    return Checkpoint(lines[0], int(lines[1]), root)


# ---------------------------------------------------------------- Merkle proofs (RFC 9162, sections 2.1.3.2 and 2.1.4.2)


def node(left: bytes, right: bytes) -> bytes:
    """Hash two neighbours."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def inclusion_holds(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether the proof leads from the leaf to the root."""
    if not 0 <= index < size:
        return False
    position, last, result = index, size - 1, leaf
    for sibling in proof:
        if last == 0 or len(sibling) != 32:
            return False
        if position & 1 or position == last:
            result = node(sibling, result)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            result = node(result, sibling)
        position, last = position >> 1, last >> 1
    return last == 0 and result == root


def consistency_holds(old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> bool:
    """Whether the tree of `new` leaves begins with the one of `old`."""
    if not 0 <= old <= new or any(len(one) != 32 for one in proof):
        return False
    if old in (0, new):
        return not proof and old_root == (new_root if old else hashlib.sha256(b"").digest())
    hashes = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    position, last = old - 1, new - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    if not hashes:
        return False
    first = second = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            return False
        if position & 1 or position == last:
            first, second = node(sibling, first), node(sibling, second)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            second = node(second, sibling)
        position, last = position >> 1, last >> 1
    return last == 0 and (first, second) == (old_root, new_root)


# ---------------------------------------------------------------- canonical JSON


def canonical(value: Any) -> bytes:
    """Write RFC 8785 for what stands in a bundle: ASCII keys, no fractions."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def no_float(text: str) -> Any:
    """Refuse fractions."""
    raise ValueError(f"a number that is no integer: {text[:40]}")


def parse(data: bytes, file: str, line: int | None = None, entry: int | None = None) -> Any:
    """Read canonical JSON, and only that."""
    try:
        value = json.loads(data, parse_float=no_float, parse_constant=no_float)
        right = canonical(value)
    except (ValueError, RecursionError) as error:
        at = getattr(error, "pos", None)
        where, wo = ("", "") if at is None else (f", at character {at}", f"，第 {at} 个字符处")
        raise failed(file, f"not JSON{where}", f"不是 JSON{wo}", line, entry) from None
    if right != data:
        at = next((n for n, one in enumerate(right) if data[n : n + 1] != bytes([one])), len(right))
        raise failed(file, f"not in canonical form, from byte {at} on", f"不是规范形式，自第 {at} 字节起", line, entry)
    return value
