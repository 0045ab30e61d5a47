"""Weight vectors over HTTP: two suppliers, consent, a job, and the script that recomputes what was measured."""

from __future__ import annotations

import json
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest_asyncio

from exchange import main
from exchange.worker.loop import drain
from tests.support.api import Market, Party, market
from tests.support.pythons import oldest
from tests.support.trade import OnSale, on_sale

PATH = "/supplier/v1/weight-vectors"


def content(numbers: range) -> bytes:
    return b"".join(json.dumps({"text": f"poem number {n} of many"}).encode() + b"\n" for n in numbers)


@pytest_asyncio.fixture
async def exchange(database_url: str, tmp_path: Path) -> AsyncIterator[Market]:
    async with market(
        database_url, tmp_path, only=("supplier", "assessor", "operator", "regulator", "catalog", ".well-known")
    ) as made:
        yield made


async def _two(m: Market) -> tuple[OnSale, OnSale]:
    return await on_sale(m, content(range(80))), await on_sale(m, content(range(60, 140)))


async def _work(m: Market) -> None:
    await drain(m.services.db, main.steps(m.services).table())


async def _shown(m: Market, party: Party, vector: str) -> dict[str, Any]:
    answer = await m.get(party, f"{PATH}/{vector}")
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


async def test_two_suppliers_agree_are_measured_and_recompute(exchange: Market, tmp_path: Path) -> None:
    m = exchange
    one, other = await _two(m)
    wish = {"subject": "joint-corpus", "revisions": [other.revision, one.revision]}
    ordered = await m.done(one.supplier, PATH, wish)
    assert (ordered["state"], ordered["asked"], ordered["job"]) == ("waiting", [other.supplier.organisation], None)
    asked = await _shown(m, other.supplier, ordered["id"])
    assert asked["waiting_for"] == [other.supplier.organisation]
    order = await m.get(other.supplier, f"{PATH}/{ordered['id']}/order")
    assert order.json()["revisions"] == wish["revisions"]
    agreed = await m.done(
        other.supplier, f"{PATH}/{ordered['id']}/consent", {"sha256": asked["order_sha256"], "agrees": True}
    )
    assert agreed["state"] == "measuring"
    await _work(m)
    job = (await m.get(one.supplier, f"/supplier/v1/jobs/{agreed['job']}")).json()
    assert job["state"] == "done"
    shown = await _shown(m, other.supplier, ordered["id"])
    assert shown == await _shown(m, one.supplier, ordered["id"])
    vector = shown["vector"]
    assert [(who["organisation"], who["value"], who["weight"]) for who in vector["weights"]] == [
        (one.supplier.organisation, "80", 571_428_571),
        (other.supplier.organisation, "60", 428_571_429),
    ]
    assert (vector["version"], vector["residual"], vector["robust"]) == (1, 0, "copies")
    again = (await m.get(one.supplier, f"{PATH}/{ordered['id']}/recomputation")).json()
    assert (again["same"], again["differences"]) == (True, [])
    await _check_by_script(m, one.supplier, ordered["id"], tmp_path)


async def _check_by_script(m: Market, party: Party, vector: str, folder: Path) -> None:
    files = {
        "vector.json": (await m.get(party, f"{PATH}/{vector}")).content,
        "inputs.json": (await m.get(party, f"{PATH}/{vector}/inputs")).content,
        "keys.json": (await m.http.get("/.well-known/jwks.json")).content,
        "recompute_weights.py": (await m.http.get("/catalog/v1/verification/recompute_weights.py")).content,
    }
    for name, data in files.items():
        (folder / name).write_bytes(data)
    words = [oldest((3, 10)), "-I", "-S", "recompute_weights.py", "vector.json", "inputs.json", "--keys", "keys.json"]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "OK: every line follows from the inputs.\n"), done.stderr
    inputs = json.loads(files["inputs.json"])
    inputs["patterns"][0][1] += 1
    (folder / "inputs.json").write_bytes(msgspec.json.encode(inputs, order="deterministic"))
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "/result/players/0/value: should be 81" in done.stdout.replace('"', "")


async def test_operator_and_regulator_see_all_and_recompute(exchange: Market) -> None:
    m = exchange
    one, other = await _two(m)
    operator, regulator = await m.operator(), await m.join("regulator")
    wish = {
        "subject": "market",
        "revisions": [one.revision, other.revision],
        "method": "shapley",
        "utility": "coverage",
    }
    ordered = await m.done(operator, "/operator/v1/weight-vectors", wish)
    await _work(m)
    for party, prefix in ((operator, "operator"), (regulator, "regulator")):
        path = f"/{prefix}/v1/weight-vectors"
        listed = (await m.get(party, path)).json()["items"]
        assert [(row["id"], row["state"]) for row in listed] == [(ordered["id"], "measured")]
        assert (await m.get(party, f"{path}/{ordered['id']}")).json() == listed[0]
        assert (await m.get(party, f"{path}/{ordered['id']}/inputs")).json()["method"] == "shapley"
        assert (await m.get(party, f"{path}/{ordered['id']}/recomputation")).json()["same"]
    assert (await m.get(one.supplier, PATH)).json()["items"][0]["id"] == ordered["id"]
    stranger = await m.join("supplier")
    assert (await m.get(stranger, PATH)).json()["items"] == []
    for part in ("", "/order", "/inputs", "/recomputation"):
        assert (await m.get(stranger, f"{PATH}/{ordered['id']}{part}")).status_code == 404


async def test_a_supplier_cancels_and_takes_up_a_measurement(exchange: Market) -> None:
    m = exchange
    one = await on_sale(m, content(range(30)))
    ordered = await m.done(one.supplier, PATH, {"subject": "mine", "revisions": [one.revision]})
    await m.done(one.supplier, f"/supplier/v1/jobs/{ordered['job']}/cancellation")
    await _work(m)
    assert (await _shown(m, one.supplier, ordered["id"]))["state"] == "measuring"
    assert (await m.get(one.supplier, f"{PATH}/{ordered['id']}/inputs")).status_code == 404
    await m.done(one.supplier, f"{PATH}/{ordered['id']}/measurement")
    await _work(m)
    assert (await _shown(m, one.supplier, ordered["id"]))["vector"]["weights"][0]["weight"] == 1_000_000_000
    late = await m.post(one.supplier, f"{PATH}/{ordered['id']}/measurement")
    assert (late.status_code, late.json()["type"]) == (409, "/problems/weights-state")


async def test_measured_uplift_and_neighbours_come_in_as_stated(exchange: Market) -> None:
    m = exchange
    one, other = await _two(m)
    operator = await m.operator()
    base: dict[str, Any] = {"subject": "stated", "revisions": [one.revision, other.revision]}
    rows = [{"of": [0], "value": "0.06"}, {"of": [1], "value": "1/25"}, {"of": [0, 1], "value": "0.08"}]
    table = {
        "organisations": [one.supplier.organisation, other.supplier.organisation],
        "rows": rows,
        "evidence_sha256": "ab" * 32,
    }
    examples = {
        "k": 1,
        "train": [
            {"revision": one.revision, "label": "x", "features": ["0.5", 1]},
            {"revision": other.revision, "label": "y", "features": [2, "2.25"]},
        ],
        "tests": [{"label": "x", "features": [0, 0]}],
    }
    found = []
    for more in (
        {"method": "shapley", "utility": "uplift", "table": table},
        {"method": "knn_shapley", "examples": examples},
    ):
        ordered = await m.done(operator, "/operator/v1/weight-vectors", base | more)
        await _work(m)
        shown = (await m.get(operator, f"/operator/v1/weight-vectors/{ordered['id']}")).json()["vector"]
        found.append(([who["value"] for who in shown["weights"]], shown["robust"], shown["version"]))
    assert found == [(["1/20", "3/100"], "owners", 1), (["1", "0"], "copies", 2)]
    wrong = await m.post(
        operator, "/operator/v1/weight-vectors", base | {"method": "shapley", "utility": "table", "table": table | {"rows": rows[:2]}}
    )  # fmt: skip
    assert (wrong.status_code, wrong.json()["field"]) == (422, "table/rows")
