#!/usr/bin/env python3
# ruff: noqa: T201
"""Check an audit export of a data exchange, with nothing but Python 3.9 or newer.

    python3 verify.py                        check the folder this file lies in
    python3 verify.py export.zip             check a bundle as it was downloaded
    python3 verify.py FOLDER --vkey KEY      check against a key that you got elsewhere (do this)
    python3 verify.py FOLDER --previous FILE also check that the log still holds an older checkpoint that you kept
    python3 verify.py FOLDER --proof INDEX   write the stand-alone proof of one entry (c2sp.org/tlog-proof@v1)

It ends with 0 when everything holds and with 1 when anything does not; what is wrong is named by file, line and entry. It
imports nothing of the exchange and reaches no network. What it checks: RFC 8032 (Ed25519), RFC 6962 and RFC 9162 (Merkle
trees), RFC 8785 (canonical JSON), and c2sp.org's signed-note and tlog-checkpoint.

核验数据交易所的审计导出：仅需 Python 3.9 及以上，不依赖交易所的任何代码，不访问网络。全部通过时退出码为 0，否则为 1；
不符之处以文件、行号与条目序号指出。
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from compliance.verify_bundle import (
    UNLISTED,
    WORDS,
    Bundle,
    Pair,
    line_digests,
    manifest_text,
    paired,
    wrong_lines,
)
from compliance.verify_notes import (
    Checkpoint,
    Failed,
    Fault,
    Key,
    canonical,
    consistency_holds,
    failed,
    inclusion_holds,
    open_note,
    parse,
    parse_checkpoint,
    unbase64,
)
from compliance.verify_table import COLUMNS, table_cells, table_row

MANIFEST, SIG, EVENTS, PROOFS, TABLE = (
    "manifest.json",
    "manifest.json.sig",
    "events.jsonl",
    "proofs.jsonl",
    "events.csv",
)
UNSIGNED = {MANIFEST, SIG}
EVIDENCE = {EVENTS, PROOFS, TABLE, "checkpoint", "log.vkey"}
DASH = "\u2014 ".encode()
VERSIONS = (1, 2)
# More faults than that say nothing new.
FAULTS_MAX = 20


class Check:
    """One bundle being checked: collects every fault it meets, and what it can say for it."""

    def __init__(self, bundle: Bundle, keys: Sequence[Key]) -> None:
        """Check `bundle` against `keys`."""
        self.bundle, self.keys = bundle, keys
        self.faults: list[Fault] = []
        self.said: list[str] = []
        self.manifest: dict[str, Any] = {}
        self.wrong: set[str] = set()

    def note(self, file: str, en: str, zh: str, line: int | None = None, entry: int | None = None) -> None:
        """Note a fault."""
        self.faults.append(Fault(file, line, entry, en, zh))

    def say(self, en: str, zh: str) -> None:
        """Say what holds, in both languages."""
        self.said += [en, zh]

    def stop(self, *files: str) -> None:
        """Go no further where nothing can be built on what is wrong: anywhere, or in one of these files."""
        if self.faults and (not files or self.wrong & set(files) or len(self.faults) >= FAULTS_MAX):
            raise Failed(*self.faults[:FAULTS_MAX])

    # ------------------------------------------------------------ manifest and files

    def check_manifest(self) -> None:
        """Check the manifest's signature, and find the place where either was changed."""
        data, note = self.bundle.read(MANIFEST), self.bundle.read(SIG)
        try:
            text = open_note(note, self.keys, SIG)
            signed = text.split(b"\n")
        except Failed as error:
            self.wrong_signature(data, note, error)
            return
        if note.count(b"\n") != len(signed) + 1:
            self.note(SIG, "one signature, and no more, belongs here", "此处只应有一个签名", len(signed) + 2)
            return
        if hashlib.sha256(data).hexdigest().encode() != signed[1]:
            try:
                stated = manifest_text(canonical(parse(data, MANIFEST, 1))).split(b"\n")
            except Failed as error:
                self.faults += error.faults
                return
            for line in sorted(set(stated[2:]) - set(signed)) or [b"?"]:
                name = line.decode().rpartition(" ")[0] or "?"
                self.note(MANIFEST, f"the part {name} was changed", f"{name} 部分已被改动", 1)
            for line in sorted(
                {one.rpartition(b" ")[0] for one in signed[2:]} - {one.rpartition(b" ")[0] for one in stated}
            ):
                self.note(MANIFEST, f"the part {line.decode()} was removed", f"{line.decode()} 部分被删除", 1)
            return
        if text != manifest_text(data):
            self.note(SIG, "states other parts than the manifest has", "所列部分与清单不符", 3)
        self.manifest = parse(data, MANIFEST, 1)

    def wrong_signature(self, data: bytes, note: bytes, error: Failed) -> None:
        """Find what was changed in the signature's file: a line of its text, or a signature."""
        try:
            right = manifest_text(data).split(b"\n")[:-1]
        except (ValueError, KeyError, TypeError, AttributeError):
            right = []
        wanted = [*right, b"", DASH, b""]
        for one in paired(note.split(b"\n"), wanted, lambda a, b: a == b or (b == DASH and a.startswith(DASH))):
            if right and one.what != "fits":
                self.note(SIG, *WORDS[one.what], line=min(one.number, note.count(b"\n") + 1))
        if not self.faults:
            fault = error.faults[0]
            self.faults.append(fault if fault.line else fault._replace(line=len(right) + 2))

    def check_files(self) -> None:
        """Check every file against the manifest; a small one has a digest for each line."""
        manifest, names = self.manifest, set(self.bundle.names()) - UNSIGNED
        if (manifest.get("type"), manifest.get("v"), manifest.get("truncated")) != ("audit-export", 1, False):
            raise failed(MANIFEST, "not a whole audit export of version 1", "不是完整的第 1 版审计导出", 1)
        listed = manifest["files"]
        for name in sorted(names - set(listed)):
            self.note(name, "is not listed in the manifest", "未列入清单")
        for name in sorted((set(listed) | EVIDENCE) - names):
            self.note(name, "is missing", "缺失")
        self.stop()
        for name in sorted(listed):
            facts = listed[name]
            try:
                if self.bundle.measure(name) == {key: facts[key] for key in ("sha256", "size_bytes")}:
                    continue
            except Failed as error:
                self.faults += error.faults
                self.stop()
            self.wrong.add(name)
            if "lines" in facts:
                self.faults += wrong_lines(name, line_digests(self.bundle.read(name)), facts["lines"])
            elif name not in (EVENTS, PROOFS, TABLE):
                self.note(name, *UNLISTED)
        self.stop("checkpoint", "checkpoint.prev", "consistency.proof")
        self.say(f"manifest signed, {len(listed)} files as listed", f"清单已签名，{len(listed)} 个文件与清单一致")

    # ------------------------------------------------------------ evidence

    def check_checkpoint(self) -> Checkpoint:
        """Check that the checkpoint is signed and the one that the manifest states."""
        found = parse_checkpoint(open_note(self.bundle.read("checkpoint"), self.keys, "checkpoint"), "checkpoint")
        stated = self.manifest["checkpoint"]
        if (found.origin, found.size, found.root.hex()) != (self.manifest["origin"], stated["size"], stated["root"]):
            raise failed("checkpoint", "not the one that the manifest states", "与清单所述的检查点不符")
        self.say(
            f"checkpoint of {found.origin}: {found.size} entries, root {found.root.hex()}",
            f"{found.origin} 的检查点：{found.size} 条，根哈希 {found.root.hex()}",
        )
        return found

    def check_events(self, checkpoint: Checkpoint) -> None:
        """Check every event: canonical, in the log at its index, none missing in a complete export."""
        culprit = PROOFS if PROOFS in self.wrong and EVENTS not in self.wrong else EVENTS

        def holds(envelope: bytes, line: bytes) -> bool:
            index, hashes = proof_of(line)
            leaf = hashlib.sha256(b"\x00" + envelope[:-1]).digest()
            return envelope.endswith(b"\n") and inclusion_holds(leaf, index, checkpoint.size, hashes, checkpoint.root)

        events, proofs = self.bundle.lines(EVENTS), self.bundle.lines(PROOFS)
        if culprit == EVENTS:
            rows = paired(events, proofs, holds)
        else:
            rows = paired(proofs, events, lambda line, envelope: holds(envelope, line))
        count, expected = 0, self.manifest["scope"]["from_index"]
        for one in rows:
            envelope, line = (one.found, one.wanted) if culprit == EVENTS else (one.wanted, one.found)
            if one.what == "fits":
                count, expected = count + 1, self.check_event(count + 1, envelope, line, expected)
            else:
                self.misfit(culprit, one, line)
                expected += {"extra": 0, "swapped": 2}.get(one.what, 1)
            self.stop(MANIFEST)
        for name in sorted(self.wrong & {EVENTS, PROOFS}):
            if not any(one.file == name for one in self.faults):
                self.note(name, *UNLISTED)
        if self.wrong >= {TABLE, culprit}:
            self.note(TABLE, *UNLISTED)
        self.stop(EVENTS, PROOFS)
        self.check_whole(count, expected)

    def misfit(self, file: str, one: Pair, line: bytes | None) -> None:
        """Note a line without its counterpart; where no file differs from the manifest, either may be the forged one."""
        entry = None if line is None else proof_of(line)[0]
        en, zh = WORDS[one.what]
        if file not in self.wrong:
            en, zh = f"{en}: its proof does not lead to the checkpoint", f"{zh}：其证明无法通向检查点"
        self.note(file, en, zh, one.number, None if entry is None or entry < 0 else entry)
        self.wrong.add(file)

    def check_event(self, number: int, envelope: bytes, line: bytes, expected: int) -> int:
        """Check one event that is in the log; give the index that may come next."""
        index, scope = proof_of(line)[0], self.manifest["scope"]
        try:
            parse(line[:-1], PROOFS, number, index)
            event = parse(envelope[:-1], EVENTS, number, index)
            if event.get("type") != "audit-entry" or event.get("v") not in VERSIONS:
                self.note(EVENTS, "not an audit entry of a known version", "不是已知版本的审计条目", number, index)
        except Failed as error:
            self.faults += error.faults
        if not expected <= index < scope["to_index"]:
            self.note(EVENTS, "out of order or outside the scope", "次序错误或超出范围", number, index)
        elif self.manifest["complete"] and index != expected:
            en = f"the entries {expected} to {index - 1} are missing before it, from an export that says it is complete"
            zh = f"此前缺少条目 {expected} 至 {index - 1}，而本导出声明完整"
            self.note(EVENTS, en, zh, number, expected)
        return index + 1

    def check_whole(self, count: int, expected: int) -> None:
        """Check that the events are as many as the manifest says, up to the end of its scope."""
        end = self.manifest["scope"]["to_index"]
        if count != self.manifest["entries"]:
            en = f"has {count} entries, and the manifest states {self.manifest['entries']}"
            self.note(EVENTS, en, f"共 {count} 条，而清单声明 {self.manifest['entries']} 条", count + 1)
        if self.manifest["complete"] and expected != end:
            en = f"the entries {expected} to {end - 1} are missing from an export that says it is complete"
            zh = f"缺少条目 {expected} 至 {end - 1}，而本导出声明完整"
            self.note(EVENTS, en, zh, count + 1, expected)
        self.stop()
        kind = ("no gap", "没有缺口") if self.manifest["complete"] else ("a selection, with gaps", "节选，序号不连续")
        self.say(
            f"{count} events canonical and proven to be in the log ({kind[0]})",
            f"{count} 条事件形式规范并已证明在日志中（{kind[1]}）",
        )

    def check_table(self) -> None:
        """Check that the table says what the events say, row by row."""

        def rows() -> Iterator[tuple[bytes, int | None]]:
            yield table_row(COLUMNS.split(",")), None
            proofs = self.bundle.lines(PROOFS)
            for envelope in self.bundle.lines(EVENTS):
                index = proof_of(next(proofs))[0]
                yield table_row(table_cells(index, json.loads(envelope))), index

        for one in paired(self.bundle.lines(TABLE), rows(), lambda found, right: found == right[0]):
            if one.what != "fits":
                self.note(TABLE, *WORDS[one.what], one.number, None if one.wanted is None else one.wanted[1])
                self.wrong.add(TABLE)
            self.stop(MANIFEST)
        self.stop()
        self.say("the table says what the events say", "表格与事件一致")

    # ------------------------------------------------------------ growth

    def check_growth(self, new: Checkpoint) -> None:
        """Check the earlier checkpoint in the bundle, if there is one."""
        name, proof = "checkpoint.prev", "consistency.proof"
        if name not in self.bundle.names():
            return
        old = parse_checkpoint(open_note(self.bundle.read(name), self.keys, name), name)
        lines = enumerate(self.bundle.lines(proof), 1)
        hashes = [unbase64(line[:-1].decode("ascii", "replace"), proof, number) for number, line in lines]
        if old.origin != new.origin or not consistency_holds(old.size, new.size, hashes, old.root, new.root):
            raise failed(proof, "the log was changed between the two checkpoints", "两个检查点之间日志被改动")
        self.say(
            f"the log only grew since its checkpoint of {old.size} entries", f"自 {old.size} 条的检查点以来日志只增不改"
        )

    def check_previous(self, note: bytes, new: Checkpoint) -> None:
        """Check that the checkpoint somebody kept is the one the bundle proves to be a part of this log."""
        what = "previous checkpoint"
        old, known = parse_checkpoint(open_note(note, self.keys, what), what), [new]
        if "checkpoint.prev" in self.bundle.names():
            text = self.bundle.read("checkpoint.prev").rpartition(b"\n\n")[0] + b"\n"
            known.append(parse_checkpoint(text, "checkpoint.prev"))
        for one in known:
            if one[:2] == old[:2] and one.root != old.root:
                en = "THE LOG SHOWS TWO HISTORIES; keep both checkpoints as evidence"
                raise failed(what, en, "日志出示了两份历史；请保存两个检查点作为证据")
        if not any(one[:2] == old[:2] for one in known):
            if old.size > new.size:
                en = "is of a longer log; this export hides what came after"
                raise failed(what, en, "属于更长的日志；本导出隐瞒了其后的内容")
            en = f"ask for an export that proves growth from size {old.size}"
            raise failed(what, en, f"请申请可证明自 {old.size} 条起增长的导出")
        self.say(f"your own checkpoint of {old.size} entries still holds", f"您保存的 {old.size} 条的检查点仍然成立")


def proof_of(line: bytes) -> tuple[int, list[bytes]]:
    """Read a line of the proofs; index -1 for one that is none."""
    try:
        proof = parse(line[:-1], PROOFS)
        hashes = [unbase64(one, PROOFS) for one in proof["hashes"]]
        good = line.endswith(b"\n") and set(proof) == {"hashes", "index"} and type(proof["index"]) is int
        return (proof["index"], hashes) if good else (-1, [])
    except (Failed, KeyError, TypeError, AttributeError):
        return -1, []


def write_proof(bundle: Bundle, wanted: int, out: BinaryIO) -> None:
    """Write the proof of one entry as c2sp.org/tlog-proof@v1."""
    for number, line in enumerate(bundle.lines(PROOFS), 1):
        proof = parse(line[:-1], PROOFS, number)
        if proof["index"] == wanted:
            lines = ["c2sp.org/tlog-proof@v1", f"index {wanted}", *proof["hashes"]]
            out.write("\n".join(lines).encode() + b"\n\n" + bundle.read("checkpoint"))
            return
    raise failed(PROOFS, f"entry {wanted} is not in this export", f"本导出不含条目 {wanted}", None, wanted)


def verify(place: Path, vkeys: Sequence[str] = (), previous: bytes | None = None) -> list[str]:
    """Check a whole bundle and say what was found; raise Failed with every place that does not hold."""
    with Bundle(place) as bundle:
        own = bundle.read("log.vkey").decode("utf-8", "replace").splitlines()
        keys = [Key(one, "--vkey") for one in vkeys] or [Key(one, line=n) for n, one in enumerate(own, 1)]
        check = Check(bundle, keys)
        ids = ", ".join(f"{key.name} {key.id.hex()}" for key in keys)
        check.say(f"key id(s): {ids}", f"公钥标识：{ids}")
        if not vkeys:
            check.say(
                "WARNING: the key came with the bundle. Compare its id with the published one, or use --vkey.",
                "注意：密钥取自导出包本身。请与公布的密钥标识核对，或使用 --vkey 指定。",
            )
        check.check_manifest()
        check.stop()
        check.check_files()
        checkpoint = check.check_checkpoint()
        check.check_events(checkpoint)
        check.check_table()
        check.check_growth(checkpoint)
        if previous is not None:
            check.check_previous(previous, checkpoint)
        check.stop()
        bundle.check_container()
        return check.said


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
        for fault in error.faults:
            print(f"FAILED: {fault.told('en')}\n核验失败：{fault.told('zh')}", file=sys.stderr)
        return 1
    except Exception as error:  # noqa: BLE001 - whatever a broken bundle provokes is a bundle that does not hold
        why = f"{type(error).__name__}: {error}"
        print(f"FAILED: the bundle cannot be read ({why})\n核验失败：无法读取导出包（{why}）", file=sys.stderr)
        return 1
    print("OK: everything holds.\n核验通过。")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
