#!/usr/bin/env python3
"""Redraw a sample of a data exchange's dataset and check its evidence, with nothing but Python 3.9 or newer.

    python3 verify_sample.py sample.json              check the evidence file
    python3 verify_sample.py --redraw SEED FRAME N    draw: SEED 64 hex digits, FRAME records in the frame, N to draw
    python3 verify_sample.py --interval PASSED N      the 95 % interval of the share that passes, in millionths

The frame is every different record of the revision, as a digest, in ascending order; the record at place i has the key
HMAC-SHA256(seed, i as 8 bytes, the highest first), and the n with the smallest keys are the sample. What is checked: that
the seed follows from the checkpoint that the evidence names, that exactly these places are drawn by it, and that each digest
lies at its place under the frame's root (RFC 6962). Compare the checkpoint with one that you kept.

重新抽取数据集样本并核验抽样证据：仅需 Python 3.9 及以上。抽样框为该版本全部不重复记录的摘要，按升序排列；位置 i 的键为
HMAC-SHA256(种子, i 的 8 字节大端表示)，取键值最小的 n 个。检查：种子的来源、抽中的位置、各摘要在抽样框根哈希下的位置。请将其中的检查点与您自行留存的比对。
"""

from __future__ import annotations

import argparse
import hashlib
import heapq
import hmac
import json
import sys
from collections.abc import Sequence
from math import isqrt
from pathlib import Path
from typing import Any

METHOD = "cx-sample/1"
# 1.96 squared, in ten-thousandths: the 95 % interval.
Z2 = 38_416
PARTS = 1_000_000


def redraw(seed: bytes, frame: int, n: int) -> list[int]:
    """The places of the sample, ascending: those whose HMAC-SHA256 under the seed is smallest.

    shapes   seed: 32 bytes; 0 <= n <= frame -> n different numbers below `frame`
    errors   ValueError for another seed or more than there is
    """
    if len(seed) != 32 or not 0 <= n <= frame:
        raise ValueError("a seed has 32 bytes, and nobody draws more than there is")
    new = hmac.new(seed, b"", hashlib.sha256)

    def key(place: int) -> bytes:
        one = new.copy()
        one.update(place.to_bytes(8, "big"))
        return one.digest()

    return sorted(heapq.nsmallest(n, range(frame), key=key))


def seed_of(root: bytes, revision: bytes, sample: str) -> bytes:
    """The seed that nobody chose: out of a checkpoint's root, the revision's hash and the sample's id."""
    return hashlib.sha256(b"\0".join((METHOD.encode(), root, revision, sample.encode()))).digest()


def wilson(passed: int, n: int) -> tuple[int, int]:
    """The 95 % interval of the share that passes, in millionths, rounded outwards.

    errors   ValueError where nothing was looked at, or more passed than were
    source   E. B. Wilson, JASA 22 (1927), 209-212
    """
    if not 0 <= passed <= n or n == 0:
        raise ValueError("between none and all of a sample pass, and somebody looked")
    # (p + z2/2n -+ z sqrt(p(1-p)/n + z2/4n2)) / (1 + z2/n), over 20,000 n, with z2 = Z2/10^4: all in whole numbers.
    middle, below = 20_000 * passed + Z2, 20_000 * n + 2 * Z2
    spread2 = Z2 * (40_000 * passed * (n - passed) + Z2 * n)
    spread = isqrt(spread2 * PARTS * PARTS // n) + 1
    low = (middle * PARTS - spread) // below
    high = -((-middle * PARTS - spread) // below)
    return max(0, low), min(PARTS, high)


def leaf_hash(data: bytes) -> bytes:
    """The hash of a leaf."""
    return hashlib.sha256(b"\x00" + data).digest()


def leads(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether a proof leads from the leaf to the root (RFC 9162, section 2.1.3.2)."""
    position, last, result = index, size - 1, leaf
    for sibling in proof:
        if last == 0 or len(sibling) != 32:
            return False
        if position & 1 or position == last:
            result = hashlib.sha256(b"\x01" + sibling + result).digest()
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            result = hashlib.sha256(b"\x01" + result + sibling).digest()
        position, last = position >> 1, last >> 1
    return last == 0 and result == root


def check(evidence: dict[str, Any]) -> list[str]:
    """What does not hold, in both languages; nothing: the evidence holds."""
    faults = []
    seed, frame = bytes.fromhex(evidence["seed"]), evidence["frame"]
    made = evidence["seed_from"]
    if made is not None:
        root, revision = bytes.fromhex(made["checkpoint"]["root"]), bytes.fromhex(evidence["revision"]["sha256"])
        if seed_of(root, revision, evidence["id"]) != seed:
            faults.append("the seed does not follow from the checkpoint 种子与检查点不符")
    places = [one["place"] for one in evidence["drawn"]]
    if places != redraw(seed, frame["size"], min(evidence["wanted"], frame["size"])):
        faults.append("other places than the seed draws 抽中的位置与种子不符")
    top = bytes.fromhex(frame["root"])
    if frame["size"]:
        # The last record's way to the root has the shape of a tree of just this size.
        if frame["last"]["place"] != frame["size"] - 1:
            faults.append("the frame is of another size 抽样框大小不符")
    elif top != hashlib.sha256(b"").digest():
        faults.append("an empty frame has another root 空抽样框的根哈希不符")
    for one in [*evidence["drawn"], *([frame["last"]] if frame["size"] else [])]:
        proof = [bytes.fromhex(each) for each in one["proof"]]
        if not leads(leaf_hash(bytes.fromhex(one["digest"])), one["place"], frame["size"], proof, top):
            faults.append(
                f"the digest at place {one['place']} is not in the frame 位置 {one['place']} 的摘要不在抽样框中"
            )
    return faults


def main(arguments: Sequence[str]) -> int:
    """Check a file, or draw."""
    parser = argparse.ArgumentParser(description="Check the evidence of a sample, or draw it. 核验抽样证据或重新抽样。")
    parser.add_argument("file", nargs="?", help="sample.json")
    parser.add_argument("--redraw", nargs=3, metavar=("SEED", "FRAME", "N"))
    parser.add_argument("--interval", nargs=2, type=int, metavar=("PASSED", "N"))
    chosen = parser.parse_args(arguments)
    try:
        if chosen.interval is not None:
            sys.stdout.write("{} {}\n".format(*wilson(*chosen.interval)))
            return 0
        if chosen.redraw is not None:
            places = redraw(bytes.fromhex(chosen.redraw[0]), int(chosen.redraw[1]), int(chosen.redraw[2]))
            sys.stdout.write("".join(f"{one}\n" for one in places))
            return 0
        if chosen.file is None:
            parser.error("a file, or --redraw")
        evidence = json.loads(Path(chosen.file).read_text(encoding="utf-8"))
        faults = check(evidence)
    except (KeyError, TypeError, ValueError, OverflowError, OSError) as error:
        faults = [f"cannot be read ({error}) 无法读取"]
        evidence = None
    for fault in faults:
        sys.stderr.write(f"FAILED: {fault}\n")
    if faults or evidence is None:
        return 1
    drawn, frame = len(evidence["drawn"]), evidence["frame"]
    sys.stdout.write(f"{drawn} of {frame['size']} records, redrawn and proven 已重新抽取并证明\n")
    sys.stdout.write(f"frame root 抽样框根哈希 {frame['root']}\nOK 核验通过\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
