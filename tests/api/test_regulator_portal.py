"""The regulator's portal on a socket: directives that bind, the log and its proofs, an export that checks offline."""

from __future__ import annotations

import hashlib
import io
import subprocess
import zipfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest_asyncio

from compliance import notes
from compliance.exports.bundle import verifier as verifier_script
from exchange.kernel import ids, merkle
from exchange.worker.loop import drain
from exchange.worker.steps import Steps
from tests.support import settlement_market as trade
from tests.support.api import Market, market
from tests.support.directives import wish
from tests.support.pythons import oldest
from tests.support.sequencing import sequence


@pytest_asyncio.fixture
async def exchange(database_url: str, tmp_path: Path) -> AsyncIterator[Market]:
    """The exchange with the portals of this module."""
    async with market(database_url, tmp_path, only=("regulator", "buyer")) as made:
        yield made


async def checkpoint(exchange: Market) -> int:
    made = exchange.services
    origin = made.settings.process.log_origin
    signer = notes.log_signer(made.keyring, origin)
    head = await sequence(made.db, [signer], origin)
    return head.size


async def test_a_freeze_stops_the_next_order_until_it_is_lifted(exchange: Market) -> None:
    shop = await trade.open_market(exchange.services.db, exchange.services.keyring)
    regulator, buyer = await exchange.join("regulator"), await exchange.join("buyer")
    await shop.fund(buyer.id, 1_000_000_000)
    (listing,) = (await exchange.get(regulator, "/regulator/v1/listings")).json()["items"]
    freeze = wish("freeze", listing["id"])
    issued = await exchange.done(regulator, "/regulator/v1/directives", freeze)
    order = {"offer": ids.text("ofr", shop.offers["one_off"]), "purposes": ["pretrain"]}
    assert (await exchange.post(buyer, "/buyer/v1/orders", order)).json()["type"] == "/problems/trade-frozen"
    assert (await exchange.post(buyer, "/buyer/v1/quotes", order)).json()["type"] == "/problems/trade-frozen"
    (active,) = (await exchange.get(regulator, "/regulator/v1/directives", active="true")).json()["items"]
    assert (active["id"], active["targets"]) == (issued["id"], [listing["id"]])
    other = await exchange.join("regulator")
    path = f"/regulator/v1/directives/{issued['id']}"
    assert (await exchange.post(other, f"{path}/lifting")).status_code == 404
    assert (await exchange.done(regulator, f"{path}/lifting"))["state"] == "lifted"
    assert (await exchange.get(regulator, path)).json()["lifted_by"] == regulator.organisation
    assert (await exchange.post(buyer, "/buyer/v1/orders", order)).status_code == 201
    odd = await exchange.post(
        regulator, "/regulator/v1/directives", {**freeze, "targets": ["job_01m80jwmabesg81hwe4cc73nw9"]}
    )
    assert odd.status_code == 400
    rules = (await exchange.get(regulator, f"/regulator/v1/listings/{listing['id']}/publication")).json()
    assert rules["rule_set"] == "publication/2"


async def test_entries_are_found_and_proven(exchange: Market) -> None:
    regulator = await exchange.join("regulator")
    assert (await exchange.get(regulator, "/regulator/v1/checkpoint")).status_code == 503
    buyer = await exchange.join("buyer")
    old = await checkpoint(exchange)
    first = (await exchange.get(regulator, "/regulator/v1/checkpoint")).json()
    await exchange.join("supplier")
    await checkpoint(exchange)
    newest = (await exchange.get(regulator, "/regulator/v1/checkpoint")).json()
    assert (first["size"], newest["size"] > old) == (old, True)
    found = await exchange.get(regulator, "/regulator/v1/audit-entries", organisation=buyer.organisation, limit=2)
    assert 'rel="next"' in found.headers["link"]
    entries = found.json()["items"]
    assert entries[0]["seq"] > entries[1]["seq"]
    entry = entries[0]
    assert buyer.organisation in entry["entry"]["organisations"]
    proof = (await exchange.get(regulator, "/regulator/v1/proofs/inclusion", leaf_index=entry["leaf_index"])).json()
    hashes = [bytes.fromhex(one) for one in proof["hashes"]]
    leaf, root = bytes.fromhex(entry["leaf_hash"]), bytes.fromhex(newest["root"])
    merkle.verify_inclusion(leaf, entry["leaf_index"], newest["size"], hashes, root)
    grown = (await exchange.get(regulator, "/regulator/v1/proofs/consistency", old=old)).json()
    merkle.verify_consistency(
        old, newest["size"], [bytes.fromhex(one) for one in grown["hashes"]], bytes.fromhex(first["root"]), root
    )
    beyond = await exchange.get(regulator, "/regulator/v1/proofs/inclusion", leaf_index=10**6)
    assert beyond.json()["type"] == "/problems/leaf-unknown"
    verified = await exchange.get(regulator, "/regulator/v1/audit-entries", action="organisation.verify")
    assert {one["entry"]["action"] for one in verified.json()["items"]} == {"organisation.verify"}
    future = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    assert (await exchange.get(regulator, "/regulator/v1/audit-entries", since=future)).json()["items"] == []


async def test_an_export_of_a_period_checks_offline(exchange: Market, tmp_path: Path) -> None:
    regulator = await exchange.join("regulator")
    await exchange.join("buyer")
    kept = await checkpoint(exchange)
    await exchange.join("supplier")
    size = await checkpoint(exchange)
    now = datetime.now(UTC)
    wish = {
        "since": (now - timedelta(hours=1)).isoformat(),
        "until": (now + timedelta(hours=1)).isoformat(),
        "earlier_size": kept,
        "legal_basis": "Case 2026-17",
    }
    asked = await exchange.done(regulator, "/regulator/v1/exports", wish)
    path = f"/regulator/v1/exports/{asked['id']}"
    early = await exchange.get(regulator, f"{path}/file")
    assert early.json()["type"] == "/problems/export-not-ready"
    made = exchange.services
    steps = Steps(made.db, made.files, made.keyring, None, made.settings, made.sales, made.vault)
    assert await drain(made.db, steps.table()) == 1
    shown = (await exchange.get(regulator, path)).json()
    assert (shown["state"], shown["entries"], shown["checkpoint_size"]) == ("done", size, size)
    file = await exchange.get(regulator, f"{path}/file")
    assert hashlib.sha256(file.content).hexdigest() == shown["sha256"] == file.headers["x-sha256"]
    with zipfile.ZipFile(io.BytesIO(file.content)) as bundle:
        assert bundle.testzip() is None
        names = bundle.namelist()
    assert names
    saved = tmp_path / "export.zip"
    saved.write_bytes(file.content)
    verifier = tmp_path / "verify.py"
    verifier.write_bytes(verifier_script())
    origin = made.settings.process.log_origin
    (vkey,) = [one.vkey for one in notes.log_verifiers(made.keyring, origin)]
    done = subprocess.run(
        [oldest(), str(verifier), str(saved), "--vkey", vkey], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    other = await exchange.join("regulator")
    assert (await exchange.get(other, path)).status_code == 404
    assert (await exchange.get(other, f"{path}/file")).status_code == 404
    nothing = await exchange.post(
        regulator, "/regulator/v1/exports", {"until": (now - timedelta(days=400)).isoformat()}
    )
    assert nothing.json()["type"] == "/problems/export-scope-invalid"


async def test_the_market_is_open_to_the_regulator_and_to_nobody_else(exchange: Market) -> None:
    regulator, buyer = await exchange.join("regulator"), await exchange.join("buyer")
    shown = (await exchange.get(regulator, f"/regulator/v1/organisations/{buyer.organisation}")).json()
    assert shown["state"] == "verified"
    listed = (await exchange.get(regulator, "/regulator/v1/organisations", state="verified")).json()["items"]
    assert buyer.organisation in {one["id"] for one in listed}
    for path in ("organisations", "listings", "audit-entries", "exports", "directives", "checkpoint"):
        assert (await exchange.get(buyer, f"/regulator/v1/{path}")).status_code == 403
