"""Brings a database to the newest schema."""

from __future__ import annotations

import asyncio
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine

_LOCK = 7_263_001


async def upgrade(url: str) -> None:
    """Run every migration that is missing, as the owner of the schema; two callers wait for each other.

    `url` is SQLAlchemy's, for the role exchange_migrate (or a superuser, who then acts as it).
    """
    engine = create_async_engine(url)
    try:
        async with engine.connect() as connection:
            await connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": _LOCK})
            await connection.execute(text("SET ROLE exchange_migrate"))
            await connection.commit()
            await connection.run_sync(_upgrade)
            await connection.commit()
    finally:
        await engine.dispose()


def _upgrade(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def upgrade_blocking(url: str) -> None:
    """Do as `upgrade` does, for a caller without an event loop."""
    asyncio.run(upgrade(url))
