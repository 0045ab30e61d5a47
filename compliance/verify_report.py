#!/usr/bin/env python3
"""Check a regulator's report of a data exchange, with nothing but Python 3.9 or newer.

    python3 verify_report.py                        check the folder this file lies in
    python3 verify_report.py report.zip --vkey KEY  check a zip against a key that you got elsewhere (do this)

It checks the signature over the head, the hash of every file, the checkpoint that the head names, that the rows have the
columns they should, and that the table says the same as the rows. It ends with 0 when everything holds and with 1 when
anything does not. What a row says of the log is checked with an audit export: a row names its entry by `leaf_index`.

核验数据交易所出具的监管报告：仅需 Python 3.9 及以上。检查报告头的签名、各文件哈希、所载检查点、各行的列，以及表格与数据行是否一致。
全部通过时退出码为 0，否则为 1。各行所述日志内容可凭其日志序号用审计导出核验。
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import json
import re
import sys
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from compliance.verify_notes import Failed, Key, failed, open_note, parse, parse_checkpoint
from compliance.verify_table import MOMENT, safe_cell

HEAD_HEADER = "corpus-exchange/report-head@v1"
HEAD, SIG, ROWS, TABLE = "report.json", "report.json.sig", "rows.jsonl", "rows.csv"
SMALL_MAX = 16 * 1024 * 1024
# A plain decimal executes nothing, below zero neither; its digits are ASCII, since a program may fold others.
AMOUNT = re.compile("-?(?:0|[1-9][0-9]*)(?:\\.[0-9]+)?\\Z")


def head_text(head: bytes) -> bytes:
    """What the log's key signs of a head."""
    return f"{HEAD_HEADER}\n{hashlib.sha256(head).hexdigest()}\n".encode()


def cell_of(value: Any, *, amount: bool = False) -> str:
    """A value as it stands in the table: nothing is an empty cell; a number and a moment may be taken for what they are.

    A text with digits alone stays a text: a program would drop its zeros, or round what has more than 15 of them.
    """
    if value is None:
        return ""
    if isinstance(value, (bool, int)):  # Python 3.9 has no other way
        return json.dumps(value)
    return value if MOMENT.match(value) or (amount and AMOUNT.match(value)) else safe_cell(value)


class Report:
    """The files of a report, in a zip or in a folder."""

    def __init__(self, place: Path) -> None:
        """Open the place."""
        self.folder, self.zip = place, None
        if not place.exists():
            raise failed(str(place), "there is no such file or folder", "没有此文件或目录")
        if place.is_file():
            try:
                self.zip = zipfile.ZipFile(place)
            except zipfile.BadZipFile as error:
                raise failed(place.name, f"not a whole zip ({error})", f"不是完整的 zip 文件（{error}）") from None

    def names(self) -> list[str]:
        """Every file there is; of a zip, as often as it names it."""
        if self.zip is not None:
            return self.zip.namelist()
        return [one.name for one in self.folder.iterdir() if one.is_file()]

    def open(self, name: str) -> BinaryIO:
        """Open a file."""
        try:
            found: Any = self.zip.open(name) if self.zip is not None else (self.folder / name).open("rb")
        except (KeyError, OSError):
            raise failed(name, "is missing", "缺失") from None
        return found  # type: ignore[no-any-return]

    def read(self, name: str) -> bytes:
        """Read a small file."""
        with self.open(name) as file:
            data = file.read(SMALL_MAX + 1)
        if len(data) > SMALL_MAX:
            raise failed(name, "is far too large", "文件过大")
        return data


def verify(place: Path, vkeys: Sequence[str] = ()) -> list[str]:
    """Check a report; what was found, English and Chinese in turn.

    errors   raises Failed
    """
    report = Report(place)
    try:
        return _verify(report, vkeys)
    except Failed:
        raise
    except Exception as error:  # noqa: BLE001  # whatever a broken report provokes is a report that does not hold
        raise failed(place.name, f"cannot be read ({error})", f"无法读取（{error}）") from None
    finally:
        if report.zip is not None:
            report.zip.close()


def _verify(report: Report, vkeys: Sequence[str]) -> list[str]:
    if not {HEAD, SIG} & set(report.names()):
        en = "is no report: name the zip as it was downloaded, or a folder with all of its files"
        raise failed(str(report.folder), en, "不是报告：请指定下载所得的 zip 文件，或含其全部文件的目录")
    keys = [Key(one, "--vkey") for one in vkeys]
    keys = keys or [Key(one) for one in report.read("log.vkey").decode().splitlines()]
    data = report.read(HEAD)
    if open_note(report.read(SIG), keys, SIG) != head_text(data):
        raise failed(SIG, "the signature is over another head", "签名对应的是另一份报告头")
    head = parse(data, HEAD)
    listed = {HEAD, SIG, *head["files"]}
    for name in sorted(listed.symmetric_difference(report.names())):
        raise failed(name, "is not what the head lists", "与报告头所列文件不符")
    if len(report.names()) != len(listed):
        raise failed(HEAD, "a file is there twice", "有文件重复出现")
    for name, said in sorted(head["files"].items()):
        with report.open(name) as file:
            measured = _measure(file)
        if measured != (said["sha256"], said["size_bytes"]):
            raise failed(name, "was changed", "已被改动")
    note = open_note(report.read("checkpoint"), keys, "checkpoint")
    checkpoint, wanted = parse_checkpoint(note, "checkpoint"), head["checkpoint"]
    if (checkpoint.origin, checkpoint.size, checkpoint.root.hex()) != (
        wanted["origin"],
        wanted["size"],
        wanted["root"],
    ):
        raise failed("checkpoint", "is not the one that the head names", "与报告头所载检查点不符")
    rows = _rows(report, head)
    return [
        f"{head['report']}: {rows} rows, signed, of the log {checkpoint.origin} at {checkpoint.size} entries",
        f"{head['report']}：{rows} 行，签名有效，依据日志 {checkpoint.origin}（{checkpoint.size} 条）",
        *([] if vkeys else ["the key came with the report: compare it", "公钥随报告提供，请另行比对"]),
    ]


def _rows(report: Report, head: dict[str, Any]) -> int:
    names, amounts = [one["name"] for one in head["columns"]], [one["amount"] for one in head["columns"]]
    count, found = 0, 0
    with report.open(ROWS) as rows, report.open(TABLE) as table:
        cells = csv.reader(io.TextIOWrapper(table, "utf-8", newline=""), strict=True)
        if next(cells, None) != names:
            raise failed(TABLE, "other columns than the head names", "列与报告头不符", 1)
        for number, line in enumerate(_lines(rows), 1):
            row = parse(line, ROWS, number)
            if not isinstance(row, dict) or set(row) != set(names):
                raise failed(ROWS, "other columns than the head names", "列与报告头不符", number)
            if next(cells, []) != [cell_of(row[name], amount=one) for name, one in zip(names, amounts)]:  # noqa: B905
                raise failed(TABLE, "says something else than the row", "与数据行不一致", number + 1)
            count, found = count + 1, found + len(str(row["findings"]).split())
        if next(cells, None) is not None:
            raise failed(TABLE, "has a row too much", "多出一行", count + 2)
    if count != head["rows"] or found != sum(one["count"] for one in head["findings"].values()):
        raise failed(ROWS, "other rows or findings than the head counts", "行数或问题数与报告头不符")
    return count


def _lines(rows: BinaryIO) -> Iterator[bytes]:
    for line in rows:
        if not line.endswith(b"\n"):
            raise failed(ROWS, "the last line is cut", "末行不完整")
        yield line[:-1]


def _measure(file: BinaryIO) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    while True:
        chunk = file.read(1024 * 1024)
        if not chunk:
            return digest.hexdigest(), size
        digest.update(chunk)
        size += len(chunk)


def main(arguments: Sequence[str]) -> int:
    """Check what the command line names."""
    parser = argparse.ArgumentParser(description="Check a regulator's report. 核验监管报告。")
    parser.add_argument("place", nargs="?", default=str(Path(sys.argv[0]).resolve().parent))
    parser.add_argument(
        "--vkey", action="append", default=[], help="the log's key that you got elsewhere 另行取得的日志公钥"
    )
    chosen = parser.parse_args(arguments)
    try:
        lines = verify(Path(chosen.place), chosen.vkey)
    except Failed as error:
        for fault in error.faults:
            sys.stderr.write(f"FAILED: {fault.told('en')}\n核验不通过：{fault.told('zh')}\n")
        return 1
    sys.stdout.write("".join(f"{line}\n" for line in [*lines, "OK 核验通过"]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
