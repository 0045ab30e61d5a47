"""What an export discloses of sealed records: each held against what its entry committed to. The standard library is all it needs.

A part of the script in each export. A record that was erased is absent, and its commitment says nothing; so the file may be
shorter than the entries' commitments, and never longer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from compliance.verify_bundle import MANIFEST, Findings
from compliance.verify_evidence import EVENTS, indexes
from compliance.verify_notes import Failed, canonical, parse

DISCLOSED = "disclosed.jsonl"
KEYS = {"entry", "fields", "index", "salt", "subject"}
SALT = 32
# No log is as long.
INDEX_END = 1 << 63
UNREADABLE = ("this is no disclosed record", "此行不是披露记录")
ELSEWHERE = ("its entry is not in this export, or the lines are not in order", "所属条目不在本导出中，或行序有误")
UNFIT = (
    "its fields and salt are not what the entry committed to",
    "其字段与盐值与该条目的承诺不符",
)


def record_of(line: bytes) -> tuple[int, str, bytes, str]:
    """Read a line: the entry's index and id, what the entry has to commit to, and whose it is; index -1 for what is none."""
    try:
        said: dict[str, Any] = parse(line[:-1], DISCLOSED)
        salt = bytes.fromhex(said["salt"])
        words = all(isinstance(one, str) for one in [*said["fields"].values(), said["entry"], said["subject"]])
        good = words and set(said) == KEYS and type(said["index"]) is int and 0 <= said["index"] < INDEX_END
        good = good and line.endswith(b"\n") and len(salt) == SALT and salt.hex() == said["salt"]
        if good and canonical(said) == line[:-1]:
            committed = hashlib.sha256(salt + canonical(said["fields"])).hexdigest()
            return said["index"], said["entry"], committed.encode(), said["subject"]
    except (Failed, KeyError, TypeError, AttributeError, ValueError):
        pass
    return -1, "", b"", ""


def check_disclosed(found: Findings) -> None:
    """Check every disclosed record; name the lines that do not fit."""
    manifest, bundle = found.manifest, found.bundle
    there = DISCLOSED in bundle.names()
    if manifest["redacted"] is not (not there):
        en = "does not say whether personal data is disclosed here"
        found.note(MANIFEST, en, "未如实说明本导出是否披露个人数据", 1)
        found.stop()
    if not there:
        return
    if any(one.file == DISCLOSED for one in found.faults):
        found.stop()
    subjects, count, last, spent = set[str](), 0, (-1, ""), list[str]()
    # Python 3.9 has no `strict`.
    events: Iterator[tuple[int, bytes]] = zip(  # noqa: B905
        indexes(bundle, manifest["complete"], manifest["scope"]["from_index"]), bundle.lines(EVENTS)
    )
    at, entry = -1, dict[str, Any]()
    for number, line in enumerate(bundle.lines(DISCLOSED), 1):
        index, name, committed, subject = record_of(line)
        if index < 0:
            found.note(DISCLOSED, *UNREADABLE, number)
        elif (index, subject) <= last:
            found.note(DISCLOSED, *ELSEWHERE, number, index)
        else:
            last = index, subject
            while at < index:
                at, event = next(events, (INDEX_END, b""))
                entry, spent = parse(event[:-1], EVENTS) if at == index else {}, []
            text = committed.decode()
            if at != index or entry.get("id") != name:
                found.note(DISCLOSED, *ELSEWHERE, number, index)
            elif text not in entry.get("sealed", []) or text in spent:
                found.note(DISCLOSED, *UNFIT, number, index)
            else:
                spent.append(text)
        subjects.add(subject)
        count += 1
        found.enough()
    found.no_place(DISCLOSED)
    found.stop()
    said = manifest["disclosure"]
    if (said["records"], said["subjects"]) != (count, len(subjects)):
        en = f"states {said['records']} records of {said['subjects']}, and there are {count} of {len(subjects)}"
        found.note(MANIFEST, en, f"所列披露记录数与实际（{count} 条、{len(subjects)} 人）不符", 1)
        found.stop()
    found.say(
        f"{count} sealed records of {len(subjects)} subjects disclosed on the basis {said['basis']}, each as its entry committed to",
        f"依据 {said['basis']} 披露 {len(subjects)} 个主体的 {count} 条密封记录，均与所属条目的承诺一致",
    )
