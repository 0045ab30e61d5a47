"""A superuser of the database: no trigger and no right stops it."""

from __future__ import annotations

import asyncpg


async def edit(url: str, statement: str) -> None:
    """Change something that exists, past every trigger."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("SET session_replication_role = replica")
        assert await connection.execute(statement) not in ("UPDATE 0", "DELETE 0")
    finally:
        await connection.close()
