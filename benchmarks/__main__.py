"""`make bench`: one run, each figure against its bare baseline, the books checked at the end."""

from __future__ import annotations

import argparse
import asyncio
import sys

import uvloop

from benchmarks import (
    audit_cost,
    bank_files,
    bank_lines,
    documents,
    exporting,
    ledger,
    plan_check,
    purchase,
    quote,
    rating,
    read,
    sequencing,
    settlement,
    terms,
    tiles,
    usage,
    verification,
)
from benchmarks.house import house
from benchmarks.result import Result

# Those that only calculate, or bring a database of their own, come first and need no exchange.
CALCULATING = (
    rating,
    plan_check,
    terms,
    ledger,
    sequencing,
    verification,
    exporting,
    settlement,
    audit_cost,
    bank_files,
    bank_lines,
    documents,
)
SERVED = (purchase, usage, read, quote, tiles)
ALL = (*CALCULATING, *SERVED)


async def main(name: str) -> int:
    """Measure one or all; 1 where a floor was missed or the books do not agree."""
    chosen = [one for one in ALL if name in ("", one.NAME)]
    if not chosen:
        print(f"there is no benchmark {name}; there are {', '.join(one.NAME for one in ALL)}", file=sys.stderr)
        return 2
    missed = 0
    for calculating in CALCULATING:
        if calculating in chosen:
            missed += not _tell(await calculating.measure())
    served = [one for one in SERVED if one in chosen]
    if not served:
        return min(missed, 1)
    async with house() as made:
        for one in served:
            missed += not _tell(await one.measure(made))
        findings = await made.fsck()
    print(f"fsck after all of it: {'nothing found' if not findings else findings[:5]}")
    return 1 if missed or findings else 0


def _tell(line: Result) -> bool:
    line.keep()
    print(line.tell(), flush=True)
    return line.ok


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="benchmarks", description="Measure against bare baselines.")
    parser.add_argument("--name", default="", help="one of " + ", ".join(one.NAME for one in ALL))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sys.exit(runner.run(main(parser.parse_args().name)))
