"""Whether what is sealed beside the log is what its entries committed to, and erased where the log says so. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple
from uuid import UUID

import msgspec

from compliance import erasure
from compliance.auditing import Fault
from compliance.beside import Line
from compliance.erasure import Subject
from exchange.kernel import ids
from exchange.kernel.text import Text

RULE = "sealed-as-logged"
_GONE = frozenset({erasure.COMPLETED, erasure.REPLAYED})


class SealedRow(NamedTuple):
    """A record beside an entry."""

    subject_id: UUID
    commitment: bytes
    empty: bool
    state: str | None


class _Committed(msgspec.Struct):
    sealed: list[str] = []


def record_faults(entry_id: UUID, envelope: bytes | None, rows: Sequence[SealedRow]) -> Iterator[Fault]:
    """Where the records beside an entry are others than it committed to, or are empty though nobody was erased."""
    name = ids.text("aud", entry_id)
    if envelope is None:
        yield _fault(
            name, "entry", Text("something is sealed beside an entry that is not there", "密封记录所属条目不存在")
        )
        return
    try:
        committed = sorted(msgspec.json.decode(envelope, type=_Committed).sealed)
    except msgspec.DecodeError:
        return
    stored = sorted(one.commitment.hex() for one in rows)
    if stored != committed:
        what = Text("its sealed records are not those that it committed to", "其密封记录与承诺不符")
        yield _fault(name, "sealed", what, " ".join(stored) or "none", " ".join(committed) or "none")
    for one in rows:
        if one.empty is not (one.state == "erased"):
            emptied = Text("was emptied though nobody was erased", "未经删除流程即被清空")
            kept = Text("was not emptied though its subject was erased", "主体已删除而记录未清空")
            yield _fault(name, f"record of {one.subject_id}", emptied if one.empty else kept, "", "")


def subject_faults(one: Subject, logged: Sequence[Line]) -> Iterator[Fault]:
    """Where a subject's state is not what the log says."""
    done = {line.action for line in logged}
    right = "erased" if done & _GONE else "asked" if erasure.REQUESTED in done else "kept"
    if one.state != right:
        yield _fault(
            one.name, "state", Text("its state is not what the log says", "其状态与日志不符"), one.state, right
        )


def _fault(name: str, part: str, what: Text, said: str = "", fact: str = "") -> Fault:
    return Fault(RULE, Text(f"{name}, {part}", f"{name}，{part}"), None, what, said, fact)
