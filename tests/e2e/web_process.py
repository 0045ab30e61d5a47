"""The regulator's portal in a process of its own: `python -m tests.e2e.web_process URL HOME`.

It prints where it listens, a regulator's token and its organisation, and ends with its standard input.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import uvloop

from tests.support.api import market


async def main(url: str, home: str) -> None:
    """Serve."""
    async with market(url, Path(home), only=("regulator",)) as exchange:
        regulator = await exchange.join("regulator")
        print(json.dumps([str(exchange.http.base_url).rstrip("/"), regulator.token, str(regulator.id)]), flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(*sys.argv[1:]))
