"""What a demo's market has to remember: the credentials of its parties, and the seed of its keys. In one private file."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path
from typing import Any

from sandbox.demo.client import Origin, Party


class Credentials:
    """The file `credentials.json` of a market, written whole after every change, readable only by its owner."""

    def __init__(self, path: Path) -> None:
        """Read the file, or begin a new one.

        errors   ValueError for a file that is no JSON
        """
        self.path = path
        self._kept: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
        if "seed" not in self._kept:
            self._kept |= {"seed": secrets.token_hex(16), "parties": {}, "complete": False}
            self._save()

    @property
    def complete(self) -> bool:
        """Whether the market has everything in it."""
        return bool(self._kept["complete"])

    def finish(self) -> None:
        """Note that the market has everything in it."""
        self._kept["complete"] = True
        self._save()

    def known(self, key: str) -> bool:
        """Whether a party has joined."""
        return key in self._kept["parties"]

    def keep(self, key: str, organisation: str, client: str, secret: str) -> None:
        """Remember a party's secret, before anything else is done with it."""
        self._kept["parties"][key] = {"organisation": organisation, "client": client, "secret": secret}
        self._save()

    def party(self, key: str, origin: Origin) -> Party:
        """A party that can speak to the exchange."""
        return Party(origin, key, **self._kept["parties"][key], seed=self._kept["seed"])

    def rows(self) -> dict[str, dict[str, str]]:
        """All parties' credentials, by name."""
        return dict(self._kept["parties"])

    def _save(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        draft = self.path.with_suffix(".draft")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(self._kept, file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self.path)
