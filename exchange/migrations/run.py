"""Brings a database to the newest schema."""

from __future__ import annotations

import asyncio
from pathlib import Path

from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

VERSIONS = Path(__file__).parent / "versions"
_LOCK = 7_263_001


async def upgrade(url: str) -> None:
    """Run every migration that is missing, as the owner of the schema; two callers wait for each other.

    `url` is SQLAlchemy's, for the role exchange_migrate (or a superuser, who then acts as it).
    """
    engine = create_async_engine(url)
    try:
        async with engine.connect() as connection:
            await connection.execute(text("SET ROLE exchange_migrate"))
            await connection.commit()
            if await _is_newest(connection):
                return
            await connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": _LOCK})
            await connection.commit()
            await connection.run_sync(_upgrade)
            await connection.commit()
    finally:
        await engine.dispose()


async def _is_newest(connection: AsyncConnection) -> bool:
    """Whether there is nothing to do, without reading every migration: a file's name begins with what it makes."""
    newest = max(path.name for path in VERSIONS.glob("[0-9]*.py")).partition("_")[0]
    if (await connection.execute(text("SELECT to_regclass('public.alembic_version')"))).scalar() is None:
        return False
    found = (await connection.execute(text("SELECT version_num FROM public.alembic_version"))).scalars().all()
    await connection.rollback()
    return found == [newest]


def _upgrade(connection: Connection) -> None:
    # Imported late: a database that is up to date, as it mostly is, needs none of it.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def upgrade_blocking(url: str) -> None:
    """Do as `upgrade` does, for a caller without an event loop."""
    asyncio.run(upgrade(url))
