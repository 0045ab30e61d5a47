"""What belongs to a dataset, an order, or the subject of a directive: followed through real trades."""

from __future__ import annotations

import json
import zipfile
from io import BytesIO
from pathlib import Path
from uuid import UUID

import pytest

from compliance import notes
from compliance.scopes import Scope
from exchange.flows import issue_directive
from exchange.flows.close_scope import KINDS, LINKS
from exchange.flows.export_audit import Details
from exchange.kernel import ids
from exchange.kernel.db import Database, Tx
from exchange.kernel.errors import Problem
from exchange.kernel.files import FileStore
from exchange.kernel.keys import Keyring
from tests.support import settlement_market as trade
from tests.support.directives import order
from tests.support.exported import ORIGIN, REGULATOR, Maker, actor, check_outside
from tests.support.sequencing import sequence

Entries = set[tuple[str, str | None]]


def entries_in(data: bytes) -> Entries:
    with zipfile.ZipFile(BytesIO(data)) as archive:
        found = [json.loads(line) for line in archive.read("events.jsonl").splitlines()]
    return {(one["action"], one["object"]["id"]) for one in found}


def test_every_kind_that_a_link_leads_to_has_ids() -> None:
    for link in LINKS:
        for kind in (link.kind, link.leads_to):
            assert ids.parse(kind, ids.text(kind, UUID(int=1 << 100))) == UUID(int=1 << 100)
    assert {"ds", "ord", "dir"} <= KINDS


@pytest.fixture
def signer(keyring: Keyring) -> notes.Ed25519Signer:
    return notes.log_signer(keyring, ORIGIN)


async def test_exports_about_an_object_hold_all_that_belongs_to_it_and_nothing_else(
    database: Database, files: FileStore, keyring: Keyring, signer: notes.Ed25519Signer, tmp_path: Path
) -> None:
    shop = await trade.open_market(database, keyring)
    for buyer in (trade.BUYER, trade.OTHER):
        await shop.fund(buyer, 10_000_000_000)
    first = await shop.buy(trade.BUYER, "one_off")
    second = await shop.buy(trade.OTHER, "monthly")
    assert not isinstance(first, Problem)
    assert not isinstance(second, Problem)
    dataset = ids.text("ds", await database.run(_dataset))
    target = ids.parse("ord", first.id)
    issued = await database.run(lambda tx: issue_directive.issue(tx, REGULATOR, order("preserve", ("order", target))))
    assert not isinstance(issued, Problem)
    head = await sequence(database, [signer], ORIGIN)
    maker = Maker(database, files, signer)
    at = Details(checkpoint_size=head.size)

    async def about(name: str) -> Entries:
        data, made, _ = await maker.export(REGULATOR, Scope(about=name), at)
        found = entries_in(data)
        assert made.entries >= len(found)
        done = check_outside(tmp_path / name, data, "--vkey", signer.verifier.vkey)
        assert done.returncode == 0, done.stderr
        return found

    of_first, of_second, of_dataset = await about(first.id), await about(second.id), await about(dataset)
    assert ("purchase", first.id) in of_first
    assert ("purchase", second.id) in of_second
    assert not of_first & of_second
    assert of_first | of_second <= of_dataset
    of_directive = await about(issued.id)
    assert of_directive == of_first | {("directive.preserve", issued.id)}
    # What belongs to it later changes nothing at the same checkpoint.
    data, made, _ = await maker.export(REGULATOR, Scope(about=dataset), at)
    await shop.buy(trade.BUYER, "one_off")
    await sequence(database, [signer], ORIGIN)
    await files.remove(made.sha256)
    again, same, _ = await maker.export(REGULATOR, Scope(about=dataset), at)
    assert (again, same) == (data, made)
    newer, _, _ = await maker.export(REGULATOR, Scope(about=dataset))
    assert len(entries_in(newer)) > len(of_dataset)


async def test_a_party_gets_of_an_object_only_what_concerns_itself(
    database: Database, files: FileStore, keyring: Keyring, signer: notes.Ed25519Signer
) -> None:
    shop = await trade.open_market(database, keyring)
    await shop.fund(trade.BUYER, 10_000_000_000)
    bought = await shop.buy(trade.BUYER, "one_off")
    await sequence(database, [signer], ORIGIN)
    maker = Maker(database, files, signer)
    for who, count in ((trade.BUYER, True), (trade.OTHER, False)):
        _, made, _ = await maker.export(actor(who, "buyer"), Scope(about=bought.id))
        assert bool(made.entries) is count


async def test_a_directive_about_an_organisation_leads_to_all_that_concerns_it(
    database: Database, files: FileStore, keyring: Keyring, signer: notes.Ed25519Signer
) -> None:
    shop = await trade.open_market(database, keyring)
    for buyer in (trade.BUYER, trade.OTHER):
        await shop.fund(buyer, 10_000_000_000)
    asked = order("preserve", ("organisation", trade.BUYER))
    bought, other = await shop.buy(trade.BUYER, "one_off"), await shop.buy(trade.OTHER, "one_off")
    issued = await database.run(lambda tx: issue_directive.issue(tx, REGULATOR, asked))
    assert not isinstance(issued, Problem)
    await sequence(database, [signer], ORIGIN)
    data, _, _ = await Maker(database, files, signer).export(REGULATOR, Scope(about=issued.id))
    found = entries_in(data)
    assert {("purchase", bought.id), ("directive.preserve", issued.id)} <= found
    assert ("purchase", other.id) not in found


async def _dataset(tx: Tx) -> UUID:
    found: UUID = await (await tx.driver()).fetchval("SELECT id FROM catalog.dataset")
    return found
