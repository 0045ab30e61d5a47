"""Witnesses for tests: the real one on a socket, and an open door for ones that are away, slow or lying."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from compliance import witness_folder
from compliance.notes import Verifier
from compliance.witness import Answer
from compliance.witness_folder import WitnessFolder
from exchange.cli.witnessing import WitnessApp

# Method, path, body; None never answers.
Answering = Callable[[str, str, bytes], Awaitable[Answer | None]]


@asynccontextmanager
async def served(answering: Answering) -> AsyncIterator[str]:
    """Answer HTTP on a port of its own; the address."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            method, path, _ = (await reader.readline()).decode().split(" ")
            length = 0
            while (line := await reader.readline()) not in (b"\r\n", b""):
                name, _, value = line.decode().partition(":")
                length = int(value) if name.lower() == "content-length" else length
            answer = await answering(method, path, await reader.readexactly(length))
            if answer is None:
                await asyncio.sleep(30)
                return
            head = f"HTTP/1.1 {answer.status} X\r\ncontent-type: {answer.content_type}\r\n"
            writer.write(
                f"{head}content-length: {len(answer.body)}\r\nconnection: close\r\n\r\n".encode() + answer.body
            )
            await writer.drain()
        except (ConnectionError, ValueError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    tasks: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(talk(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()


@asynccontextmanager
async def honest(
    path: Path, name: str, verifiers: dict[str, list[Verifier]], now: Callable[[], float]
) -> AsyncIterator[tuple[WitnessFolder, str]]:
    """The real witness on a folder, and its address."""
    with witness_folder.opened(path, name) as folder:
        app = WitnessApp(folder, verifiers, now)

        async def answer(method: str, target: str, body: bytes) -> Answer:
            return app.answer(method, target, body)

        async with served(answer) as url:
            yield folder, url
