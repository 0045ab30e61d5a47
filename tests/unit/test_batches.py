"""Group commit: what is asked after the end is answered too."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from exchange.kernel.batch import Batcher
from exchange.kernel.errors import BUSY, Problem


async def test_whoever_comes_after_the_end_is_told_so() -> None:
    """A process that ends would wait for ever for an answer that nobody gives."""

    async def doubled(numbers: Sequence[int]) -> Sequence[int]:
        return [2 * number for number in numbers]

    batcher: Batcher[int, int] = Batcher(doubled)
    batcher.start()
    assert await batcher.put(21) == 42
    await batcher.stop()
    said = await asyncio.wait_for(batcher.put(1), 5)
    assert isinstance(said, Problem)
    assert said.type is BUSY
