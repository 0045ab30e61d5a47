"""Calculations that take more than a moment: beside the loop, one at a time, so that everybody else is answered meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
# More would only take turns on the same core, and keep the loop from its own.
_WORKER = ThreadPoolExecutor(max_workers=1, thread_name_prefix="aside")


async def aside(work: Callable[[], T]) -> T:
    """What `work` answers, which waits for nothing and shares nothing that changes."""
    return await asyncio.get_running_loop().run_in_executor(_WORKER, work)
