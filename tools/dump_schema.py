"""Writes exchange/migrations/schema.sql: what the migrations make, as pg_dump says it.

`python -m tools.dump_schema` writes it; tests/integration/test_schema.py compares it with a database at head.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path

from exchange.kernel.db import DatabaseUrls
from exchange.kernel.embedded import EmbeddedServer, Settings
from exchange.migrations.run import upgrade_blocking

SCHEMA = Path(__file__).resolve().parents[1] / "exchange" / "migrations" / "schema.sql"
_HEAD = "-- The database at the head of the migrations. Written by `python -m tools.dump_schema`; do not edit.\n\n"
# Comments and session settings change with the version of pg_dump; \restrict carries a fresh random word each time.
_NOISE = re.compile(r"^(--.*|SET .*;|SELECT pg_catalog\.set_config.*|\\(un)?restrict .*)\n", re.MULTILINE)


def dump(server: EmbeddedServer, url: str) -> str:
    """The schema of the database at `url`, without what changes from machine to machine.

    errors   CalledProcessError when pg_dump can't
    """
    command = [str(server.bin / "pg_dump"), "--schema-only", "--no-owner", "--no-comments", "--dbname", url]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return _HEAD + re.sub(r"\n{3,}", "\n\n", _NOISE.sub("", done.stdout)).strip() + "\n"


def main() -> None:
    """Migrate an empty database and write its schema."""
    # Root's server runs as another user, which has to get into the folder.
    with tempfile.TemporaryDirectory(prefix="cx-schema-") as folder:
        Path(folder).chmod(0o711)
        with EmbeddedServer(Path(folder) / "postgres", Settings(durable=False)) as server:
            upgrade_blocking(DatabaseUrls.from_one(server.url).migrate)
            SCHEMA.write_text(dump(server, server.url), encoding="utf-8")
    print(f"wrote {SCHEMA.name}")


if __name__ == "__main__":
    main()
