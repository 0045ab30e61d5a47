#!/usr/bin/env python3
# ruff: noqa: T201
"""Check an audit export of a data exchange, with nothing but Python 3.9 or newer.

    python3 verify.py                        check the folder this file lies in
    python3 verify.py export.zip             check a bundle as it was downloaded
    python3 verify.py FOLDER --vkey KEY      check against a key that you got elsewhere (do this)
    python3 verify.py FOLDER --previous FILE also check that the log still holds an older checkpoint that you kept
    python3 verify.py FILE --delivery NOTE   also check the delivery.json that came beside it
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
import sys
from collections.abc import Sequence
from pathlib import Path

from compliance.verify_bundle import (
    MANIFEST,
    PLAIN,
    SIG,
    UNLISTED,
    WORDS,
    Bundle,
    Findings,
    line_digests,
    manifest_text,
    paired,
    wrong_lines,
)
from compliance.verify_disclosed import DISCLOSED, check_disclosed
from compliance.verify_evidence import BLOCKS, EVENTS, HASHES, PROOFS, TABLE, TILES, Evidence, write_proof
from compliance.verify_notes import (
    Checkpoint,
    Failed,
    Key,
    canonical,
    consistency_holds,
    cosigned_by,
    failed,
    open_note,
    parse,
    parse_checkpoint,
    shown,
    unbase64,
)

UNSIGNED = {MANIFEST, SIG}
# What every export has; a complete one has its tiles' hashes besides, a selection a proof for each event.
EVIDENCE = {EVENTS, TILES, "checkpoint", "log.vkey"}
BIG = {EVENTS, PROOFS, TILES, HASHES, TABLE, DISCLOSED}
VERSION = 2
DELIVERY = "corpus-exchange/export-delivery@v1"
DASH = "\u2014 ".encode()


class Check(Findings):
    """One bundle being checked: collects every fault it meets, and what it can say for it."""

    def __init__(self, bundle: Bundle, keys: Sequence[Key]) -> None:
        """Check `bundle` against `keys`."""
        super().__init__(bundle)
        self.keys = keys

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
        if (manifest.get("type"), manifest.get("v"), manifest.get("truncated")) != ("audit-export", VERSION, False):
            raise failed(MANIFEST, "not a whole audit export of version 2", "不是完整的第 2 版审计导出", 1)
        if any(type(manifest[name]) is not bool for name in ("complete", "redacted", "truncated")):
            raise failed(MANIFEST, "does not say yes or no where it has to", "应为是或否之处并非是或否", 1)
        listed = manifest["files"]
        for name in sorted(names - set(listed)):
            self.note(name, "is not listed in the manifest", "未列入清单")
        for name in sorted(one for one in listed if not PLAIN.match(one)):
            self.note(name, "is no plain name of a file", "不是普通文件名")
        for name in sorted((set(listed) | EVIDENCE | {HASHES if manifest["complete"] else PROOFS}) - names):
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
            elif name not in BIG and BLOCKS not in listed:
                self.note(name, *UNLISTED)
        self.stop("checkpoint", "checkpoint.prev", "consistency.proof", BLOCKS)
        self.say(f"manifest signed, {len(listed)} files as listed", f"清单已签名，{len(listed)} 个文件与清单一致")

    # ------------------------------------------------------------ evidence

    def check_checkpoint(self) -> Checkpoint:
        """Check that the checkpoint is signed and the one that the manifest states."""
        found = parse_checkpoint(open_note(self.bundle.read("checkpoint"), self.keys, "checkpoint"), "checkpoint")
        stated = self.manifest["checkpoint"]
        if (found.origin, found.size, found.root.hex()) != (self.manifest["origin"], stated["size"], stated["root"]):
            raise failed("checkpoint", "not the one that the manifest states", "与清单所述的检查点不符")
        if found.origin not in {key.name for key in self.keys}:
            en = f"is of the log {found.origin}, and the key is of another"
            raise failed("checkpoint", en, f"属于日志 {found.origin}，而公钥属于另一日志", 1)
        if not 0 <= self.manifest["scope"]["from_index"] <= self.manifest["scope"]["to_index"] <= found.size:
            raise failed(MANIFEST, "its scope is no part of the log", "所列范围不在日志之内", 1)
        self.say(
            f"checkpoint of {found.origin}: {found.size} entries, root {found.root.hex()}",
            f"{found.origin} 的检查点：{found.size} 条，根哈希 {found.root.hex()}",
        )
        return found

    def check_witnesses(self, vkeys: Sequence[str]) -> None:
        """Check the cosignatures by the keys that somebody got elsewhere, or else by those in the bundle."""
        name, note, stated = "witnesses.vkey", self.bundle.read("checkpoint"), self.manifest["witnessed"]
        known = [Key(one, "--witness", kind=4) for one in vkeys]
        if not known and name in self.bundle.names():
            own = self.bundle.read(name).decode("utf-8", "replace").splitlines()
            known = [Key(one, name, number, 4) for number, one in enumerate(own, 1)]
        if len({key.public for key in known}) != len(known):
            raise failed(name if not vkeys else "--witness", "two witnesses with one key", "两个见证方使用同一公钥")
        found = cosigned_by(note, known)
        if not vkeys and found != sorted(stated["cosigned_by"]):
            raise failed("checkpoint", "not cosigned by those whom the manifest names", "会签方与清单所列不符")
        # Who names witnesses wants to hear of each of them, whatever the bundle says is needed.
        names, needed = ", ".join(found) or "-", max(stated["needed"], 1 if vkeys else 0)
        for key in known:
            if vkeys and key.name not in found:
                self.say(f"NOT COSIGNED by {key.name}", f"{key.name} 未会签")
        if len(found) < needed:
            en = f"NOT WITNESSED: cosigned by {names}, {needed} needed"
            self.say(en, f"未达到见证数：已会签 {names}，需要 {needed}")
        elif found:
            self.say(f"witnessed by {names}", f"见证方：{names}")

    def check_cosigners(self) -> None:
        """Check that whoever cosigned by the manifest did, with the keys in the bundle; name who did not."""
        name, stated = "witnesses.vkey", self.manifest["witnessed"]
        own = self.bundle.read(name).decode("utf-8", "replace").splitlines() if name in self.bundle.names() else []
        known = [Key(one, name, number, 4) for number, one in enumerate(own, 1)]
        found = cosigned_by(self.bundle.read("checkpoint"), known)
        for key in known:
            if key.name not in found:
                self.note("checkpoint", f"the cosignature of {key.name} is missing", f"缺少 {key.name} 的会签")
        for one in sorted(set(stated["cosigned_by"]) - {key.name for key in known}):
            self.note(name, f"the key of {one}, who cosigned by the manifest, is missing", f"缺少会签方 {one} 的公钥")
        if stated["met"] is not (len(stated["cosigned_by"]) >= stated["needed"]):
            self.note(MANIFEST, "counts its witnesses wrongly", "见证数统计有误", 1)
        self.stop()

    # ------------------------------------------------------------ growth

    def check_growth(self, new: Checkpoint) -> None:
        """Check the earlier checkpoint in the bundle, if there is one."""
        name, proof = "checkpoint.prev", "consistency.proof"
        if name in self.bundle.names():
            lines = enumerate(self.bundle.lines(proof), 1)
            hashes = [unbase64(line[:-1].decode("ascii", "replace"), proof, number) for number, line in lines]
            self.grown(self.bundle.read(name), hashes, new, name, proof)

    def grown(self, note: bytes, hashes: Sequence[bytes], new: Checkpoint, name: str, proof: str) -> Checkpoint:
        """Check that the log of an earlier checkpoint is the beginning of this one; give the earlier."""
        old = parse_checkpoint(open_note(note, self.keys, name), name)
        if old.origin != new.origin or not consistency_holds(old.size, new.size, hashes, old.root, new.root):
            raise failed(proof, "the log was changed between the two checkpoints", "两个检查点之间日志被改动")
        self.say(
            f"the log only grew since its checkpoint of {old.size} entries", f"自 {old.size} 条的检查点以来日志只增不改"
        )
        return old

    def check_delivery(self, data: bytes, new: Checkpoint) -> Checkpoint | None:
        """Check the note that came beside the bundle: who asked, why, and how the log grew since their last export."""
        what = "delivery.json"
        said = parse(data.rstrip(b"\n"), what, 1)
        if set(said) != {"delivery", "note"}:
            raise failed(what, "says more than was signed", "含有签名之外的内容", 1)
        delivery, note = said["delivery"], said["note"].encode()
        right = f"{DELIVERY}\n{hashlib.sha256(canonical(delivery)).hexdigest()}\n".encode()
        if open_note(note, self.keys, what) != right:
            raise failed(what, "was changed after it was signed", "签名后被改动", 1)
        if self.bundle.zip is not None:
            digest = hashlib.sha256()
            with self.bundle.place.open("rb") as file:
                for chunk in iter(lambda: file.read(1 << 20), b""):
                    digest.update(chunk)
            if digest.hexdigest() != delivery["bundle"]["sha256"]:
                raise failed(what, "speaks of another bundle", "所指并非本导出包", 1)
        else:
            en = "NOT CHECKED: whether the delivery note speaks of this very bundle; check the zip as it was downloaded"
            self.say(en, "未核验：交付说明所指是否正是本导出包；请核验下载所得的 zip 文件")
        if delivery["checkpoint"] != self.manifest["checkpoint"]:
            raise failed(what, "speaks of another checkpoint", "所指并非本检查点", 1)
        self.say(
            f"delivered as {delivery['id']} to {delivery['requested_by']}, asked for at {delivery['requested_at']}",
            f"交付编号 {delivery['id']}，申请方 {delivery['requested_by']}，申请时间 {delivery['requested_at']}",
        )
        earlier = delivery["earlier"]
        if earlier is None:
            return None
        hashes = [unbase64(one, what) for one in earlier["proof"]]
        return self.grown(earlier["checkpoint"].encode(), hashes, new, what, what)

    def check_previous(self, note: bytes, new: Checkpoint, others: Sequence[Checkpoint] = ()) -> None:
        """Check that the checkpoint somebody kept is the one the bundle proves to be a part of this log."""
        what = "previous checkpoint"
        old, known = parse_checkpoint(open_note(note, self.keys, what), what), [new, *others]
        if "checkpoint.prev" in self.bundle.names():
            text = self.bundle.read("checkpoint.prev").rpartition(b"\n\n")[0] + b"\n"
            known.append(parse_checkpoint(text, "checkpoint.prev"))
        for one in known:
            if one[:2] == old[:2] and one.root != old.root:
                en = "THE LOG SHOWS TWO HISTORIES; keep both checkpoints as evidence"
                raise failed(what, en, "日志出示了两份历史；请保存两个检查点作为证据")
        if not any(one[:2] == old[:2] for one in known):
            if old.size > new.size:
                en = f"is of a longer log ({old.size} entries) than this export ({new.size}): give one that you kept before it"
                raise failed(
                    what, en, f"属于比本导出（{new.size} 条）更长的日志（{old.size} 条）；请给出早于本导出的检查点"
                )
            en = f"ask for an export that proves growth from size {old.size}"
            raise failed(what, en, f"请申请可证明自 {old.size} 条起增长的导出")
        self.say(f"your own checkpoint of {old.size} entries still holds", f"您保存的 {old.size} 条的检查点仍然成立")


def verify(
    place: Path,
    vkeys: Sequence[str] = (),
    previous: bytes | None = None,
    delivery: bytes | None = None,
    witnesses: Sequence[str] = (),
) -> list[str]:
    """Check a whole bundle and say what was found; raise Failed with every place that does not hold."""
    with Bundle(place) as bundle:
        bundle.refuse_other()
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
        check.check_cosigners()
        check.check_witnesses(witnesses)
        evidence = Evidence(check, checkpoint)
        evidence.check()
        evidence.check_table()
        check_disclosed(check)
        evidence.check_derived()
        check.check_growth(checkpoint)
        told = None if delivery is None else check.check_delivery(delivery, checkpoint)
        if previous is not None:
            check.check_previous(previous, checkpoint, [] if told is None else [told])
        check.stop()
        listed = check.manifest["files"].items()
        bundle.check_container({name: facts["packed"] for name, facts in listed if "packed" in facts})
        return check.said


def kept(name: str | None) -> bytes | None:
    """A file beside the bundle that was named, or nothing; raise Failed where it cannot be read."""
    try:
        return Path(name).read_bytes() if name else None
    except OSError:
        raise failed(str(name), "there is no such file that can be read", "没有可读取的此文件") from None


def main(arguments: Sequence[str]) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("bundle", nargs="?", default=str(Path(__file__).resolve().parent), help="folder or zip")
    parser.add_argument("--vkey", action="append", default=[], help="the log's published key: name+id+key")
    parser.add_argument("--previous", help="a checkpoint of this log that you kept")
    parser.add_argument("--witness", action="append", default=[], help="a witness's key that you got elsewhere")
    parser.add_argument("--delivery", help="the delivery.json that came beside the bundle")
    parser.add_argument("--proof", type=int, metavar="INDEX", help="write one entry's stand-alone proof to the output")
    options = parser.parse_args(arguments)
    try:
        if options.proof is not None:
            with Bundle(Path(options.bundle)) as bundle:
                bundle.refuse_other()
                write_proof(bundle, options.proof, parse(bundle.read(MANIFEST), MANIFEST), sys.stdout.buffer)
            return 0
        previous, delivery = kept(options.previous), kept(options.delivery)
        for line in verify(Path(options.bundle), options.vkey, previous, delivery, options.witness):
            print(line)
    except Failed as error:
        for fault in error.faults:
            print(f"FAILED: {fault.told('en')}\n核验失败：{fault.told('zh')}", file=sys.stderr)
        return 1
    except Exception as error:  # noqa: BLE001 - whatever a broken bundle provokes is a bundle that does not hold
        why = shown(f"{type(error).__name__}: {error}")
        print(f"FAILED: the bundle cannot be read ({why})\n核验失败：无法读取导出包（{why}）", file=sys.stderr)
        return 1
    print("OK: everything holds.\n核验通过。")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
