"""Exports made from a real database by the worker's own code."""

from __future__ import annotations

import os
import subprocess
import zipfile
from io import BytesIO
from pathlib import Path
from uuid import UUID

from compliance import notes, store
from compliance.entries import Entry
from compliance.export_store import BundleKept, Export, find_export
from compliance.scopes import Scope
from exchange.flows import export_audit
from exchange.flows.export_audit import Details
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Database, Tx
from exchange.kernel.errors import Problem
from exchange.kernel.files import FileStore
from exchange.kernel.subjects import Vault
from exchange.worker.exporting import Exporting
from tests.support.pythons import oldest
from tests.support.sequencing import sequence

ORIGIN = "exchange.example/log"
BUYER, SELLER, THIRD, WATCH = (UUID(int=i) for i in range(1, 5))


def actor(organisation: UUID, *roles: str) -> Actor:
    return Actor(organisation, UUID(int=99), frozenset(roles), frozenset(), "jti")


REGULATOR = actor(WATCH, "regulator")


async def fill(database: Database, signer: notes.Ed25519Signer, low: int, high: int) -> None:
    """Log purchases and quotes, and sign a checkpoint over them."""

    async def flow(tx: Tx) -> None:
        await store.append(
            tx,
            [
                Entry(
                    action="purchase" if i % 2 else "quote",
                    organisation_id=BUYER,
                    object_id=f"ord_{i}",
                    concerns=(SELLER,) if i % 3 else (THIRD,),
                    rule_set="price/2" if i % 5 == 0 else None,
                )
                for i in range(low, high)
            ],
        )

    await database.run(flow)
    await sequence(database, [signer], ORIGIN)


async def nothing(_done: int, _total: int | None) -> None:
    return None


async def asked(database: Database, who: Actor, scope: Scope, details: Details | None = None) -> UUID:
    """The id of an export that was just asked for."""
    receipt = await database.run(lambda tx: export_audit.request(tx, who, scope, details))
    assert not isinstance(receipt, Problem), receipt
    return ids.parse("exp", receipt.id)


async def known(database: Database, export_id: UUID) -> Export:
    """An export as the database has it."""
    found = await database.run(lambda tx: find_export(tx, export_id))
    assert found is not None
    return found


class Maker:
    """Makes exports of one database, in parts of so many places."""

    def __init__(
        self,
        database: Database,
        files: FileStore,
        signer: notes.Ed25519Signer,
        part: int = 256,
        vault: Vault | None = None,
    ) -> None:
        self.database, self.files = database, files
        self.exporting = Exporting(database, files, signer, (), part=part, vault=vault)

    async def export(self, who: Actor, scope: Scope, details: Details | None = None) -> tuple[bytes, BundleKept, UUID]:
        """Ask and make at once: the zip, what is known of it, and the export's id."""
        export_id = await asked(self.database, who, scope, details)
        made = await self.exporting.make(export_id, nothing)
        assert isinstance(made, BundleKept), made
        return await self.files.read(made.sha256, 1 << 30), made, export_id


def check_outside(folder: Path, data: bytes, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the bundle's own verifier with an isolated interpreter that has no site packages."""
    with zipfile.ZipFile(BytesIO(data)) as archive:
        archive.extractall(folder)
    return check_folder(folder, *arguments)


def check_folder(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the verifier that lies in a folder."""
    command = [oldest(), "-I", "-S", "-B", "verify.py", *arguments]
    return subprocess.run(command, cwd=folder, env={"PATH": os.defpath}, capture_output=True, text=True, check=False)
