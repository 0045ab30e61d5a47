#!/usr/bin/env python3
# ruff: noqa: T201
"""Check an audit export of a data exchange, with nothing but Python 3.9 or newer.

    python3 verify.py                        check the folder this file lies in
    python3 verify.py export.zip             check a bundle as it was downloaded
    python3 verify.py FOLDER --vkey KEY      check against a key that you got elsewhere (do this)
    python3 verify.py FOLDER --previous FILE also check that the log still holds an older checkpoint that you kept
    python3 verify.py FOLDER --proof INDEX   write the stand-alone proof of one entry (c2sp.org/tlog-proof@v1)

It ends with 0 when everything holds and with 1 when anything does not. It imports nothing of the exchange and reaches no
network. What it checks: RFC 8032 (Ed25519), RFC 6962 and RFC 9162 (Merkle trees), RFC 8785 (canonical JSON), and
c2sp.org's signed-note and tlog-checkpoint.

核验数据交易所的审计导出：仅需 Python 3.9 及以上，不依赖交易所的任何代码，不访问网络。全部通过时退出码为 0，否则为 1。
"""

from __future__ import annotations

import argparse
import base64
import csv
import hashlib
import io
import json
import re
import sys
import zipfile
from itertools import zip_longest
from pathlib import Path
from typing import Any, BinaryIO, Iterator, Sequence  # noqa: UP035

from exchange.kernel.ed25519 import by_arithmetic

SIG = "manifest.json.sig"
UNSIGNED = {"manifest.json", SIG}
EVIDENCE = {"events.jsonl", "proofs.jsonl", "events.csv", "checkpoint", "log.vkey"}
LINE_MAX = 4_000_000


class Failed(Exception):
    """Something in the bundle does not hold."""


# ---------------------------------------------------------------- notes and checkpoints


def unbase64(text: str) -> bytes:
    """Decode base64 in its one spelling, so that no bit can change unseen."""
    try:
        data = base64.b64decode(text.encode(), validate=True)
    except ValueError:
        raise Failed("malformed base64") from None
    if base64.b64encode(data).decode() != text:
        raise Failed("base64 with loose ends")
    return data


class Key:
    """A public key with its name, from a line name+id+key."""

    def __init__(self, vkey: str) -> None:
        """Read the line and check that the id is the key's."""
        parts = vkey.strip().split("+", 2)
        raw = unbase64(parts[2]) if len(parts) == 3 else b""
        if len(raw) != 33 or raw[0] != 1:
            raise Failed("a key is a line name+id+key with an Ed25519 key")
        self.name, self.public = parts[0], raw[1:]
        self.id = hashlib.sha256(self.name.encode() + b"\n" + raw).digest()[:4]
        if self.id.hex() != parts[1]:
            raise Failed("the id in the key's line is not the key's")


def open_note(note: bytes, keys: Sequence[Key], what: str) -> bytes:
    """Give the text of a signed note; one of `keys` has to have signed it."""
    head, separator, tail = note.rpartition(b"\n\n")
    text, good = head + b"\n", 0
    if not separator or not tail.endswith(b"\n") or any(one < 32 and one != 10 for one in note):
        raise Failed(f"{what}: not a signed note")
    try:
        lines = tail[:-1].decode().split("\n")
    except UnicodeDecodeError:
        raise Failed(f"{what}: not UTF-8") from None
    for line in lines:
        parts = line.split(" ")
        if len(parts) != 3 or parts[0] != "\u2014" or not parts[1]:
            raise Failed(f"{what}: malformed signature line")
        raw = unbase64(parts[2])
        for key in keys:
            if (parts[1], raw[:4]) == (key.name, key.id):
                if not by_arithmetic(key.public, text, raw[4:]):
                    raise Failed(f"{what}: the signature is wrong")
                good += 1
    if not good:
        raise Failed(f"{what}: no signature by the log's key")
    return text


def parse_checkpoint(text: bytes, what: str) -> tuple[str, int, bytes]:
    """Give origin, size and root."""
    lines = text.decode().split("\n")
    if len(lines) != 4 or lines[3] or not lines[0] or not re.match(r"(0|[1-9][0-9]{0,18})\Z", lines[1]):
        raise Failed(f"{what}: not a checkpoint")
    root = unbase64(lines[2])
    if len(root) != 32:
        raise Failed(f"{what}: the root is no hash")
    return lines[0], int(lines[1]), root


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


# ---------------------------------------------------------------- the bundle


def canonical(value: Any) -> bytes:
    """Write RFC 8785 for what stands in a bundle: ASCII keys, no fractions."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def no_float(text: str) -> Any:
    """Refuse fractions."""
    raise Failed(f"a number that is no integer: {text[:40]}")


def parse(data: bytes, what: str) -> Any:
    """Read canonical JSON, and only that."""
    try:
        value = json.loads(data, parse_float=no_float, parse_constant=no_float)
        same = canonical(value) == data
    except (ValueError, RecursionError):
        raise Failed(f"{what}: not JSON") from None
    if not same:
        raise Failed(f"{what}: not in canonical form")
    return value


class Bundle:
    """The files of an export, in a folder or in a zip."""

    def __init__(self, place: Path) -> None:
        """Open the place."""
        self.zip = zipfile.ZipFile(place) if place.is_file() else None
        self.place = place

    def __enter__(self) -> Bundle:
        """Use it in a `with`."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the zip."""
        if self.zip is not None:
            self.zip.close()

    def names(self) -> list[str]:
        """Every file there is; a zip that names one twice is refused."""
        if self.zip is not None:
            names = self.zip.namelist()
        else:
            names = [str(p.relative_to(self.place)) for p in self.place.rglob("*") if not p.is_dir()]
            names = [name for name in names if "__pycache__" not in name]
        if len(set(names)) != len(names):
            raise Failed("a file is there twice")
        return names

    def open(self, name: str) -> BinaryIO:
        """Open a file."""
        try:
            return self.zip.open(name) if self.zip is not None else (self.place / name).open("rb")  # type: ignore[return-value]
        except (KeyError, OSError):
            raise Failed(f"{name}: missing") from None

    def read(self, name: str) -> bytes:
        """Read a small file."""
        with self.open(name) as file:
            return file.read(LINE_MAX)

    def lines(self, name: str) -> Iterator[bytes]:
        """Give the lines of a file one by one, without their ends."""
        with self.open(name) as file:
            while True:
                line = file.readline(LINE_MAX)
                if not line:
                    return
                if not line.endswith(b"\n"):
                    raise Failed(f"{name}: the last line is cut, or a line is too long")
                yield line[:-1]

    def measure(self, name: str) -> dict[str, Any]:
        """Give a file's hash and size."""
        digest, size = hashlib.sha256(), 0
        with self.open(name) as file:
            for chunk in iter(lambda: file.read(1 << 20), b""):
                digest.update(chunk)
                size += len(chunk)
        return {"sha256": digest.hexdigest(), "size_bytes": size}


def check_manifest(bundle: Bundle, keys: Sequence[Key]) -> dict[str, Any]:
    """Check the manifest's signature, and every file against the manifest."""
    data = bundle.read("manifest.json")
    text = open_note(bundle.read(SIG), keys, SIG)
    if text != f"corpus-exchange/export-manifest@v1\n{hashlib.sha256(data).hexdigest()}\n".encode():
        raise Failed(f"{SIG}: signs another manifest")
    manifest: dict[str, Any] = parse(data, "manifest.json")
    if (manifest.get("type"), manifest.get("v"), manifest.get("truncated")) != ("audit-export", 1, False):
        raise Failed("manifest.json: not a whole audit export of version 1")
    names, listed = set(bundle.names()) - UNSIGNED, set(manifest["files"])
    if names != listed or not listed >= EVIDENCE:
        raise Failed(f"files not as listed: {', '.join(sorted(names ^ listed)) or 'evidence is missing'}")
    for name, facts in manifest["files"].items():
        if bundle.measure(name) != facts:
            raise Failed(f"{name}: not the file that the manifest lists")
    return manifest


def check_events(bundle: Bundle, manifest: dict[str, Any], size: int, root: bytes) -> int:
    """Check every event: canonical, in the log at its index, none missing in a complete export."""
    scope, count, expected = manifest["scope"], 0, manifest["scope"]["from_index"]
    events, proofs = bundle.lines("events.jsonl"), bundle.lines("proofs.jsonl")
    for envelope, line in zip_longest(events, proofs):
        if envelope is None or line is None:
            raise Failed("events.jsonl and proofs.jsonl do not count the same")
        proof = parse(line, f"proofs.jsonl, line {count + 1}")
        index, hashes = proof["index"], [unbase64(one) for one in proof["hashes"]]
        event = parse(envelope, f"events.jsonl, line {count + 1}")
        if event.get("type") != "audit-entry" or event.get("v") != 1:
            raise Failed(f"entry {index}: not an audit entry of version 1")
        if not isinstance(index, int) or not expected <= index < scope["to_index"]:
            raise Failed(f"entry {index}: out of order or outside the scope")
        if manifest["complete"] and index != expected:
            raise Failed(f"entry {expected}: missing from an export that says it is complete")
        if not inclusion_holds(hashlib.sha256(b"\x00" + envelope).digest(), index, size, hashes, root):
            raise Failed(f"entry {index}: its proof does not lead to the checkpoint")
        count, expected = count + 1, index + 1
    if count != manifest["entries"]:
        raise Failed("the events are not as many as the manifest states")
    if manifest["complete"] and expected != scope["to_index"]:
        raise Failed(f"entries {expected} to {scope['to_index'] - 1}: missing from an export that says it is complete")
    with io.TextIOWrapper(bundle.open("events.csv"), "utf-8", newline="") as file:
        rows = sum(1 for _ in csv.reader(file))
    if rows != count + 1:
        raise Failed("events.csv: not as many rows as events")
    return count


def check_growth(bundle: Bundle, keys: Sequence[Key], new: tuple[str, int, bytes]) -> int | None:
    """Check the earlier checkpoint in the bundle, if there is one; give its size."""
    names = set(bundle.names())
    if "checkpoint.prev" not in names:
        return None
    old = parse_checkpoint(open_note(bundle.read("checkpoint.prev"), keys, "checkpoint.prev"), "checkpoint.prev")
    hashes = [unbase64(line.decode("ascii", "replace")) for line in bundle.lines("consistency.proof")]
    if old[0] != new[0] or not consistency_holds(old[1], new[1], hashes, old[2], new[2]):
        raise Failed("consistency.proof: the log was changed between the two checkpoints")
    return old[1]


def check_previous(bundle: Bundle, keys: Sequence[Key], note: bytes, new: tuple[str, int, bytes]) -> int:
    """Check that the checkpoint somebody kept is the one the bundle proves to be a part of this log."""
    old = parse_checkpoint(open_note(note, keys, "previous checkpoint"), "previous checkpoint")
    known = [new]
    if "checkpoint.prev" in bundle.names():
        known.append(parse_checkpoint(bundle.read("checkpoint.prev").rpartition(b"\n\n")[0] + b"\n", "checkpoint.prev"))
    for one in known:
        if one[:2] == old[:2]:
            if one[2] != old[2]:
                raise Failed("previous checkpoint: THE LOG SHOWS TWO HISTORIES; keep both checkpoints as evidence")
            return old[1]
    if old[1] > new[1]:
        raise Failed("previous checkpoint: is of a longer log; this export hides what came after")
    raise Failed(f"previous checkpoint: ask for an export that proves growth from size {old[1]}")


def write_proof(bundle: Bundle, wanted: int, out: BinaryIO) -> None:
    """Write the proof of one entry as c2sp.org/tlog-proof@v1."""
    for line in bundle.lines("proofs.jsonl"):
        proof = parse(line, "proofs.jsonl")
        if proof["index"] == wanted:
            lines = ["c2sp.org/tlog-proof@v1", f"index {wanted}", *proof["hashes"]]
            out.write("\n".join(lines).encode() + b"\n\n" + bundle.read("checkpoint"))
            return
    raise Failed(f"entry {wanted}: not in this export")


def verify(place: Path, vkeys: Sequence[str] = (), previous: bytes | None = None) -> list[str]:
    """Check a whole bundle and say what was found; raise Failed at the first thing that does not hold."""
    with Bundle(place) as bundle:
        own = bundle.read("log.vkey").decode("utf-8", "replace").splitlines()
        keys = [Key(one) for one in vkeys or own]
        said = [f"key id(s): {', '.join(f'{key.name} {key.id.hex()}' for key in keys)}"]
        if not vkeys:
            said.append("WARNING: the key came with the bundle. Compare its id with the published one, or use --vkey.")
            said.append("注意：密钥取自导出包本身。请与公布的密钥标识核对，或使用 --vkey 指定。")
        return said + check(bundle, keys, previous)


def check(bundle: Bundle, keys: Sequence[Key], previous: bytes | None) -> list[str]:
    """Check everything in its order: manifest, checkpoint, events, growth."""
    manifest = check_manifest(bundle, keys)
    said = [f"manifest signed, {len(manifest['files'])} files as listed"]
    found = parse_checkpoint(open_note(bundle.read("checkpoint"), keys, "checkpoint"), "checkpoint")
    stated = manifest["checkpoint"]
    if (found[0], found[1], found[2].hex()) != (manifest["origin"], stated["size"], stated["root"]):
        raise Failed("checkpoint: not the one that the manifest states")
    said.append(f"checkpoint of {found[0]}: {found[1]} entries, root {found[2].hex()}")
    count = check_events(bundle, manifest, found[1], found[2])
    kind = "no gap" if manifest["complete"] else "a selection, so that gaps are expected"
    said.append(f"{count} events canonical and proven to be in the log ({kind})")
    old = check_growth(bundle, keys, found)
    if old is not None:
        said.append(f"the log only grew since its checkpoint of {old} entries")
    if previous is not None:
        said.append(f"your own checkpoint of {check_previous(bundle, keys, previous, found)} entries still holds")
    return said


def main(arguments: Sequence[str]) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("bundle", nargs="?", default=str(Path(__file__).resolve().parent), help="folder or zip")
    parser.add_argument("--vkey", action="append", default=[], help="the log's published key: name+id+key")
    parser.add_argument("--previous", help="a checkpoint of this log that you kept")
    parser.add_argument("--proof", type=int, metavar="INDEX", help="write one entry's stand-alone proof to the output")
    options = parser.parse_args(arguments)
    try:
        if options.proof is not None:
            with Bundle(Path(options.bundle)) as bundle:
                write_proof(bundle, options.proof, sys.stdout.buffer)
            return 0
        previous = Path(options.previous).read_bytes() if options.previous else None
        for line in verify(Path(options.bundle), options.vkey, previous):
            print(line)
    except Failed as error:
        print(f"FAILED: {error}\n核验失败。", file=sys.stderr)
        return 1
    except Exception as error:  # noqa: BLE001 - whatever a broken bundle provokes is a bundle that does not hold
        print(f"FAILED: the bundle cannot be read ({type(error).__name__}: {error})\n核验失败。", file=sys.stderr)
        return 1
    print("OK: everything holds.\n核验通过。")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
