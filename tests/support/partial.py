"""Stands in for `upgrade` while some migrations are still being written: applies those that work, names those that don't.

To be deleted (with its one use in clones.py) as soon as the history is whole.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine

import exchange.migrations as package

_VERSIONS = Path(next(iter(package.__path__))) / "versions"


async def upgrade_what_is_there(url: str) -> None:
    """Apply each migration by itself; a broken one spoils only its own schema."""
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.run_sync(_all)
    await engine.dispose()


def _all(connection: Connection) -> None:
    connection.execute(text("SET LOCAL ROLE exchange_migrate"))
    for path in sorted(_VERSIONS.glob("0*.py")):
        try:
            spec = importlib.util.spec_from_file_location(path.stem, path)
            assert spec is not None
            assert spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            with connection.begin_nested(), Operations.context(MigrationContext.configure(connection)):
                spec.loader.exec_module(module)
                module.upgrade()
        except Exception as error:
            print(f"MIGRATION {path.name} FAILED, tests run without it: {error}", file=sys.__stderr__)
