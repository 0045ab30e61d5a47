"""Self-billed invoices per minute, composed, checked, written and found valid by XSD and Schematron, in processes of their own.

The baseline is what the judges alone take for these very bytes, in the same pass and the same processes: no program can have
its documents judged faster than that.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

from benchmarks.result import Result, result

NAME, FLOOR, AIM = "documents", 0.5, 0.9
COUNT, PROCESSES = 1_000, 2
ROOT = Path(__file__).resolve().parent.parent


async def measure() -> Result:
    """Make a thousand 389 as CII and as UBL and have each judged; what the judges take of that is the baseline."""
    took, said = await asyncio.to_thread(_both)
    judged = sum(one["judged"] for one in said) / PROCESSES
    made, cii, ubl = (sum(one[name] for one in said) / PROCESSES for name in ("made", "cii", "ubl"))
    start = max(one["start"] for one in said)
    return result(
        NAME,
        COUNT / took * 60,
        "valid 389/min",
        COUNT / judged * 60,
        floor=FLOOR,
        aim=AIM,
        includes=f"{COUNT} self-billed invoices of 1 to 12 lines in five currencies, each as CII and as UBL, {PROCESSES} processes. "
        f"Includes composing, {said[0]['rules']:.0f} rules of our own, canonical bytes, CII, UBL, XSD and Schematron of EN 16931 "
        f"for both forms; not the start of the processes ({start:.1f} s, compiling the Schematron in it). Baseline: XSD and "
        f"Schematron alone. Of our own: {made:.2f} ms of processor a document in both forms; the judges: {cii:.1f} ms for CII, "
        f"{ubl:.1f} ms for UBL.",
    )


def _both() -> tuple[float, list[dict[str, float]]]:
    command = [sys.executable, "-m", "benchmarks.documents", str(COUNT // PROCESSES)]
    lanes = [
        subprocess.Popen([*command, str(n)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for n in range(PROCESSES)
    ]
    try:
        begun = time.perf_counter()
        _told(lanes, None)
        start = time.perf_counter() - begun
        at = time.perf_counter()
        said = _told(lanes, "go")
        took = time.perf_counter() - at
        assert sum(one["failed"] for one in said) == 0, said
        return took, [one | {"start": start} for one in said]
    finally:
        for lane in lanes:
            assert lane.stdin is not None
            lane.stdin.close()
            lane.wait(timeout=30)


def _told(lanes: list[subprocess.Popen[str]], word: str | None) -> list[dict[str, float]]:
    for lane in lanes:
        if word is not None:
            assert lane.stdin is not None
            lane.stdin.write(word + "\n")
            lane.stdin.flush()
    found = []
    for lane in lanes:
        assert lane.stdout is not None
        found.append(json.loads(lane.stdout.readline()))
    return found


def lane(count: int, seed: int) -> None:
    """One process: once told to, it makes its documents and has them judged."""
    from random import Random

    from settlement.en16931.cii import cii
    from settlement.en16931.ubl import ubl
    from settlement.fiscal import DocKind
    from settlement.fiscal_document import document_bytes
    from settlement.fiscal_rules import RULES, check
    from tests.support.en16931 import Judges
    from tests.support.fiscal_samples import samples
    from tests.support.fiscal_whole import any_document

    judges = Judges()
    for write in (cii, ubl):
        assert not judges.judge(write(samples()["389 home"])).failed
    print(json.dumps({}), flush=True)
    sys.stdin.readline()
    random, failed, made_s, spent = Random(seed), 0, 0.0, {"cii": 0.0, "ubl": 0.0}
    for number in range(1, count + 1):
        at = time.process_time()
        doc = replace(any_document(random, DocKind.SELF_BILLED), number=number)
        failed += bool(check(doc)) or not document_bytes(doc)
        forms = {"cii": cii(doc), "ubl": ubl(doc)}
        made_s += time.process_time() - at
        for name, form in forms.items():
            since = time.perf_counter()
            failed += bool(judges.judge(form).failed)
            spent[name] += time.perf_counter() - since
    each = {name: seconds / count * 1_000 for name, seconds in spent.items()}
    told = {"failed": failed, "rules": len(RULES) + 38, "made": made_s / count * 1_000, "judged": sum(spent.values())}
    print(json.dumps(told | each), flush=True)


if __name__ == "__main__":
    lane(int(sys.argv[1]), int(sys.argv[2]))
