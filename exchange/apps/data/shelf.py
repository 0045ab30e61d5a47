"""What this process keeps at hand of granted data: deliveries, row indexes, the bytes of small files.

All of it is immutable and named by what it holds, so nothing here can go stale; rights are asked at each read.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from functools import partial
from typing import Generic, TypeVar
from uuid import UUID

from exchange.catalog.revisions import StoredAsset
from exchange.flows.open_delivery import Delivery, open_delivery
from exchange.kernel.db import Database
from exchange.kernel.files import FileStore
from exchange.kernel.records import IndexBuilder, RowIndex, form_of

K = TypeVar("K")
V = TypeVar("V")
DELIVERIES_MAX = 20_000
INDEXES_MAX = 512
SMALL_FILE_BYTES = 8 * 1024 * 1024
SMALL_FILES_BYTES = 128 * 1024 * 1024


class _Recent(Generic[K, V]):
    """The values used last, up to a total weight."""

    def __init__(self, weight_max: int) -> None:
        self._values: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self._weight, self._weight_max = 0, weight_max

    def get(self, key: K) -> V | None:
        found = self._values.get(key)
        if found is None:
            return None
        self._values.move_to_end(key)
        return found[0]

    def put(self, key: K, value: V, weight: int = 1) -> V:
        if key not in self._values:
            self._values[key] = (value, weight)
            self._weight += weight
        while self._weight > self._weight_max and self._values:
            _, (_, gone) = self._values.popitem(last=False)
            self._weight -= gone
        return value


class Shelf:
    """Deliveries, row indexes and small files, each read once."""

    def __init__(self, db: Database, files: FileStore) -> None:
        """Start empty."""
        self._db, self._files = db, files
        self._deliveries: _Recent[UUID, Delivery] = _Recent(DELIVERIES_MAX)
        self._indexes: _Recent[bytes, RowIndex] = _Recent(INDEXES_MAX)
        self._bytes: _Recent[bytes, bytes] = _Recent(SMALL_FILES_BYTES)
        self._indexing = asyncio.Lock()

    async def delivery(self, grant_id: UUID) -> Delivery | None:
        """What a grant delivers."""
        found = self._deliveries.get(grant_id)
        if found is None:
            found = await self._db.run(partial(open_delivery, grant_id=grant_id))
            if found is not None:
                self._deliveries.put(grant_id, found)
        return found

    async def index(self, stored: StoredAsset) -> RowIndex:
        """Where each record of a file begins; the file is read through once.

        errors   NotStored
        """
        asset = stored.asset
        found = self._indexes.get(asset.sha256)
        if found is not None:
            return found
        async with self._indexing:
            found = self._indexes.get(asset.sha256)
            if found is None:
                builder = IndexBuilder(form_of(asset.path, asset.media_type))
                async for chunk in self._files.open_range(asset.sha256):
                    builder.feed(chunk)
                found = self._indexes.put(asset.sha256, builder.finish()[1])
        return found

    async def span(self, stored: StoredAsset, start: int, end: int) -> bytes:
        """The bytes [start, end) of a file.

        errors   NotStored
        """
        asset = stored.asset
        whole = self._bytes.get(asset.sha256)
        if whole is None and asset.size_bytes <= SMALL_FILE_BYTES:
            content = await self._files.read(asset.sha256, SMALL_FILE_BYTES)
            whole = self._bytes.put(asset.sha256, content, max(1, len(content)))
        if whole is not None:
            return whole[start:end]
        return b"".join([chunk async for chunk in self._files.open_range(asset.sha256, start, end)])
