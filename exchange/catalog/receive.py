"""Receiving: bytes of an upload into the file store, with no transaction open.

The app's handler goes: portal read of the upload -> `receive` -> when all bytes are here `finish` -> the flow
`complete_upload` with the blob -> `files.discard`. Each step can be repeated after a crash.
"""

from __future__ import annotations

from collections.abc import AsyncIterable
from datetime import datetime

from exchange.catalog.problems import (
    UPLOAD_INCOMPLETE,
    UPLOAD_NOT_OPEN,
    UPLOAD_OFFSET,
    UPLOAD_TOO_LARGE,
    UPLOAD_TOO_MANY_PARTS,
)
from exchange.catalog.uploads import Upload, UploadState
from exchange.kernel.errors import Problem
from exchange.kernel.files import Blob, FileStore, Incomplete, TooLong, TooManyParts, WrongOffset


async def receive(
    files: FileStore, upload: Upload, offset: int, chunks: AsyncIterable[bytes], now: datetime
) -> int | Problem:
    """Append bytes at `offset` and answer the new offset; never holds more than one part in memory."""
    if upload.state is not UploadState.OPEN:
        return UPLOAD_NOT_OPEN(state=upload.state.value, needs=UploadState.OPEN.value)
    if now >= upload.expires_at:
        return UPLOAD_NOT_OPEN(state="expired", needs=UploadState.OPEN.value)
    try:
        return await files.append(upload.id, offset, chunks, upload.size_bytes)
    except WrongOffset as error:
        return UPLOAD_OFFSET(expected=error.expected)
    except TooLong:
        return UPLOAD_TOO_LARGE(limit_bytes=upload.size_bytes)
    except TooManyParts:
        return UPLOAD_TOO_MANY_PARTS(limit=files.settings.parts_max)


async def finish(files: FileStore, upload: Upload) -> Blob | Problem:
    """Hash a whole upload and put it at its address; the flow then writes the hash down."""
    received = await files.received(upload.id)
    if received != upload.size_bytes:
        return UPLOAD_INCOMPLETE(path=upload.path, size_bytes=upload.size_bytes)
    try:
        return await files.keep(upload.id, upload.size_bytes)
    except (Incomplete, FileNotFoundError):
        # Somebody gave the upload up, or completed it, while it was hashed: what was staged is gone.
        return UPLOAD_INCOMPLETE(path=upload.path, size_bytes=upload.size_bytes)
