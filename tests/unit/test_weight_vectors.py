"""Orders read and refused; vectors made, signed, recomputed, and checked by the script that knows nothing of us."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec
import pytest

from exchange.flows import recompute_script
from exchange.kernel import ids
from exchange.kernel.canonical import canonical, sha256
from exchange.kernel.errors import Problem
from exchange.kernel.ids import IdSource
from exchange.kernel.keys import PURPOSES, Keyring, new_key
from exchange.kernel.money import Money
from settlement import contribution, weighing
from settlement.contribution import Order, WeightState, WeightVector
from settlement.splits import Role, split
from settlement.weight_orders import RecordSet, Source, WeightWish, in_order, inputs_of, read_order, refuse_sources
from settlement.weight_orders import source_document as stated
from tests.support.pythons import oldest

NOW = datetime(2026, 1, 15, 8, tzinfo=UTC)
MAKER = IdSource(b"weights")
ORGS = [MAKER.new(NOW) for _ in range(3)]
REVISIONS = [MAKER.new(NOW) for _ in range(3)]
RING = Keyring([new_key(purpose, NOW, bytes([at + 1]) * 32) for at, purpose in enumerate(PURPOSES)])
SOURCES = in_order(
    Source(org, org, revision, bytes([at]) * 32, NOW + timedelta(hours=at), certified=at != 1)
    for at, (org, revision) in enumerate(zip(ORGS, REVISIONS, strict=True))
)
PATTERNS = {0b001: 40, 0b010: 30, 0b011: 20, 0b110: 5, 0b100: 3, 0b111: 2}
NAMES = [ids.text("org", one) for one in ORGS]


def wish(**more: Any) -> WeightWish:
    said = {"subject": "joint", "revisions": [ids.text("rev", one) for one in REVISIONS], **more}
    return msgspec.convert(said, WeightWish)


def table(**more: Any) -> dict[str, Any]:
    """Three organisations; each is worth its number squared, together the square of the sum."""
    rows = [
        {"of": of, "value": str(Fraction(sum(at + 1 for at in of) ** 2, 7))}
        for of in ([0], [1], [2], [0, 1], [2, 0], [1, 2], [0, 1, 2])
    ]
    return {"organisations": NAMES, "rows": rows, "evidence_sha256": "ab" * 32, **more}


EXAMPLES: dict[str, Any] = {
    "k": 2,
    "train": [
        {"revision": ids.text("rev", REVISIONS[at % 3]), "label": "ab"[at % 2], "features": [at, f"{at}.5"]}
        for at in range(7)
    ],
    "tests": [{"label": "a", "features": [2, "2.25"]}, {"label": "b", "features": [5, 1]}],
}
WISHES = {
    "tuples": {},
    "shared": {"duplicates": "shared"},
    "halved": {"duplicates": "halved"},
    "coverage": {"method": "shapley"},
    "unique": {"method": "shapley", "utility": "unique", "duplicates": "shared"},
    "uplift": {"method": "shapley", "utility": "uplift", "table": table()},
    "examples": {"method": "knn_shapley", "examples": EXAMPLES},
}


def made(**more: Any) -> tuple[WeightVector, bytes]:
    document = read_order(wish(**more))
    assert not isinstance(document, Problem), document
    assert refuse_sources(document, SOURCES) is None
    sets = {one: RecordSet(9, bytes(32)) for one in REVISIONS}
    inputs = inputs_of(document, SOURCES, sets, PATTERNS)
    order_id = MAKER.new(NOW)
    order = Order(
        order_id, "joint", document["method"], document["utility"], ORGS[0], (), sha256(canonical(document)), NOW
    )
    text = contribution.vector_document(order, 1, inputs, contribution.result_of(inputs), NOW)
    signature = RING.sign(contribution.PURPOSE, text)
    return WeightVector(order_id, "joint", 1, ORGS[0], text, signature.kid, signature.value, NOW), inputs


@pytest.mark.parametrize("kind", WISHES)
def test_every_kind_of_vector_can_be_recomputed_and_split_by(kind: str) -> None:
    vector, inputs = made(**WISHES[kind])
    assert contribution.recompute(vector.document, inputs) == ()
    assert contribution.holds(vector, inputs, RING.verify)
    shares = vector.shares()
    assert sum(share.weight for share in shares) == weighing.WEIGHTS_TOTAL
    parts = split(Money(1_000_003, "CNY"), shares)
    assert sum(part.amount.units for part in parts) == 1_000_003
    assert {share.organisation_id for share in shares if share.role is Role.SUPPLIER} <= set(ORGS)


def test_the_earliest_holder_gets_a_record_whoever_copied_it() -> None:
    vector, _ = made()
    assert [(one.organisation_id, one.value, one.weight) for one in vector.players] == [
        (ORGS[0], 62, 620_000_000),
        (ORGS[1], 35, 350_000_000),
        (ORGS[2], 3, 30_000_000),
    ]
    assert vector.residual_weight == 0
    assert vector.robust == "copies"


def test_what_copies_lose_goes_to_the_residual() -> None:
    vector, _ = made(similarity="1/2")
    assert [one.value for one in vector.players] == [62, 35, 0]
    assert vector.residual_weight == 30_000_000
    assert vector.shares()[-1].role is Role.PLATFORM
    assert vector.shares((Role.UPSTREAM, ORGS[2]))[-1].role is Role.UPSTREAM


def test_a_stated_game_is_weighed_exactly() -> None:
    vector, _ = made(**WISHES["uplift"])
    # v(S) = (sum)^2/7: each gets its own square and half of each double product.
    assert [one.value for one in vector.players] == [Fraction(n * 6, 7) for n in (1, 2, 3)]
    assert vector.robust == "owners"


def test_one_who_does_harm_gets_nothing_and_takes_nothing() -> None:
    rows = [
        {"of": [0], "value": "1"},
        {"of": [1], "value": "-1"},
        {"of": [2], "value": "2"},
        {"of": [0, 1], "value": "0"},
        {"of": [0, 2], "value": "3"},
        {"of": [1, 2], "value": "1"},
        {"of": [0, 1, 2], "value": "2"},
    ]
    vector, _ = made(method="shapley", utility="uplift", table=table() | {"rows": rows})
    assert [one.value for one in vector.players] == [1, -1, 2]
    assert [one.weight for one in vector.players] == [333_333_333, 0, 666_666_667]


def test_a_table_on_attributed_records_says_so_and_another_is_refused() -> None:
    named = weighing.attribution([stated(one, None) for one in SOURCES])
    vector, inputs = made(method="shapley", utility="uplift", table=table(attribution=named))
    assert vector.robust == "copies"
    document = read_order(wish(method="shapley", utility="uplift", table=table(attribution="0" * 64)))
    assert not isinstance(document, Problem)
    refused = refuse_sources(document, SOURCES)
    assert isinstance(refused, Problem)
    assert refused.fields["field"] == "table/attribution"
    forged = msgspec.json.decode(inputs)
    forged["table"]["attribution"] = "0" * 64
    with pytest.raises(weighing.BadInputs):
        weighing.weigh(forged)


def test_organisations_of_one_owner_are_one_player() -> None:
    sources = [replace(one, owner_id=ORGS[0] if at == 2 else one.owner_id) for at, one in enumerate(SOURCES)]
    document = read_order(wish())
    assert not isinstance(document, Problem)
    found = weighing.weigh(msgspec.json.decode(inputs_of(document, sources, {}, PATTERNS)))
    assert [(one["organisation"], one["value"]) for one in found["players"]] == [(NAMES[0], "65"), (NAMES[1], "35")]


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"utility": "unique"}, "utility"),
        ({"method": "shapley", "utility": "uplift"}, "utility"),
        ({"method": "knn_shapley"}, "utility"),
        ({"examples": EXAMPLES}, "utility"),
        ({"method": "shapley", "duplicates": "halved"}, "duplicates"),
        ({**WISHES["uplift"], "similarity": "1/2"}, "duplicates"),
        ({"duplicates": "shared", "similarity": "1/2"}, "similarity"),
        ({"similarity": "3/2"}, "similarity"),
        ({"similarity": "0.9"}, "similarity"),
        ({"revisions": [ids.text("rev", REVISIONS[0])] * 2}, "revisions"),
        ({"method": "shapley", "utility": "table", "table": table(organisations=NAMES[:2])}, "table/rows/2/of"),
        ({"method": "shapley", "utility": "table", "table": table(rows=table()["rows"][:-1])}, "table/rows"),
        ({"method": "shapley", "utility": "table", "table": table(rows=table()["rows"] * 2)}, "table/rows/7/of"),
        (
            {"method": "shapley", "utility": "table", "table": table(rows=[{"of": [0], "value": "1e9"}])},
            "table/rows/0/value",
        ),
        ({"method": "shapley", "utility": "table", "table": table(organisations=NAMES[:1] * 3)}, "table/organisations"),
        ({"method": "knn_shapley", "examples": {**EXAMPLES, "tests": [{"label": "a", "features": [1]}]}}, "examples"),
        (
            {"method": "knn_shapley", "examples": {**EXAMPLES, "tests": [{"label": "a", "features": [1, "x"]}]}},
            "examples",
        ),
        (
            {
                "method": "knn_shapley",
                "examples": {**EXAMPLES, "tests": [{"label": "a", "features": ["1" * 15, "0." + "1" * 15]}]},
            },
            "examples",
        ),
        ({"method": "knn_shapley", "examples": EXAMPLES, "revisions": ["rev_x"]}, "examples/train"),
    ],
)
def test_what_cannot_be_measured_is_refused_with_its_field(more: dict[str, Any], field: str) -> None:
    refused = read_order(wish(**more))
    assert isinstance(refused, Problem), refused
    assert refused.fields["field"] == field
    assert refused.detail("zh") != refused.detail("en")


def test_more_than_sixteen_owners_are_for_tuples() -> None:
    many = [Source(MAKER.new(NOW), MAKER.new(NOW), MAKER.new(NOW), bytes(32), NOW, certified=True) for _ in range(17)]
    order = read_order(wish(method="shapley"))
    assert not isinstance(order, Problem)
    assert refuse_sources(order, many) is not None
    order = read_order(wish())
    assert not isinstance(order, Problem)
    assert refuse_sources(order, many) is None


def test_where_an_order_stands_follows_from_its_answers() -> None:
    order = Order(ORGS[0], "x", "tuples", "coverage", ORGS[0], (ORGS[1], ORGS[2]), b"", NOW)
    stands = [
        contribution.state_of(order, dict(zip(ORGS[1:], said, strict=False)), measured=False)
        for said in ([], [True], [True, True], [True, False])
    ]
    assert stands == [WeightState.WAITING, WeightState.WAITING, WeightState.MEASURING, WeightState.DECLINED]
    assert contribution.state_of(order, {}, measured=True) is WeightState.MEASURED


# ---------------------------------------------------------------- the stand-alone script


def run(folder: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    (folder / recompute_script.NAME).write_bytes(recompute_script.script())
    command = [oldest((3, 10)), "-I", "-S", recompute_script.NAME, "vector.json", "inputs.json", *flags]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def written(folder: Path, vector: WeightVector, inputs: bytes) -> None:
    view = {"vector": {"document": vector.document.decode(), "kid": vector.kid, "signature": vector.signature.hex()}}
    (folder / "vector.json").write_text(json.dumps(view))
    (folder / "inputs.json").write_bytes(inputs)
    (folder / "keys.json").write_text(json.dumps(RING.jwks()))


@pytest.mark.parametrize("kind", WISHES)
def test_the_script_recomputes_every_kind_of_vector(kind: str, tmp_path: Path) -> None:
    written(tmp_path, *made(**WISHES[kind]))
    done = run(tmp_path, "--keys", "keys.json")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1].startswith("OK")
    assert "一致" in run(tmp_path, "--keys", "keys.json", "--lang", "zh").stdout


def test_the_script_names_the_line_that_differs(tmp_path: Path) -> None:
    vector, inputs = made()
    forged = msgspec.json.decode(vector.document)
    forged["result"]["players"][1]["weight"] += 1
    (tmp_path / "vector.json").write_bytes(canonical(forged))
    (tmp_path / "inputs.json").write_bytes(inputs)
    done = run(tmp_path)
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "/result/players/1/weight: should be 350000000, is 350000001",
        "FAILED: 1 lines differ.",
    ]


def test_the_script_notices_other_inputs_and_a_wrong_signature(tmp_path: Path) -> None:
    vector, inputs = made()
    written(tmp_path, vector, inputs.replace(b'"1",40', b'"1",41'))
    done = run(tmp_path, "--keys", "keys.json")
    assert done.returncode == 1
    assert "/inputs_sha256" in done.stdout
    assert "/result/players/0/value" in done.stdout
    view = {"vector": {"document": vector.document.decode(), "kid": vector.kid, "signature": "00" * 64}}
    (tmp_path / "vector.json").write_text(json.dumps(view))
    (tmp_path / "inputs.json").write_bytes(inputs)
    done = run(tmp_path, "--keys", "keys.json")
    assert done.returncode == 1
    assert done.stdout.startswith("/signature")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"vector":null}', '{"type":"weight-vector","v":2}'])
def test_the_script_says_when_there_is_nothing_to_check(text: str, tmp_path: Path) -> None:
    (tmp_path / "vector.json").write_text(text)
    (tmp_path / "inputs.json").write_text("{}")
    assert run(tmp_path).returncode == 2


def test_the_script_has_no_import_of_ours_and_no_name_twice() -> None:
    tree = ast.parse(recompute_script.script())
    modules = [
        alias.name if isinstance(node, ast.Import) else node.module or ""
        for node in tree.body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    ]
    assert {name.partition(".")[0] for name in modules} <= sys.stdlib_module_names
    imported = (node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom))
    names = Counter({alias.asname or alias.name for node in imported for alias in node.names})
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names[node.name] += 1
        elif isinstance(node, ast.Assign):
            names.update(
                {name.id for target in node.targets for name in ast.walk(target) if isinstance(name, ast.Name)}
            )
    assert [name for name, count in names.items() if count > 1] == []


@pytest.mark.parametrize("kind", WISHES)
def test_any_changed_byte_of_a_document_is_noticed(kind: str) -> None:
    """Every digit of the result, one after another."""
    vector, inputs = made(**WISHES[kind])
    start = vector.document.index(b'"result"')
    for at in range(start, len(vector.document)):
        one = vector.document[at : at + 1]
        if one.isdigit():
            other = b"1" if one != b"1" else b"2"
            try:
                changed = msgspec.json.decode(vector.document[:at] + other + vector.document[at + 1 :])
            except msgspec.DecodeError:
                continue
            if changed.get("weights_total") == weighing.WEIGHTS_TOTAL and _result_changed(vector, changed):
                assert contribution.recompute(canonical(changed), inputs) != ()


def _result_changed(vector: WeightVector, changed: Any) -> bool:
    return bool(changed.get("result") != msgspec.json.decode(vector.document)["result"])


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_guides_examples_can_be_ordered(language: str) -> None:
    guide = Path(__file__).resolve().parents[2] / "docs" / language / "guides" / "contribution-weights.md"
    examples = re.findall(r"```json\n(.*?)```", guide.read_text(encoding="utf-8"), re.DOTALL)
    assert len(examples) == 3
    for example in examples:
        order = read_order(msgspec.json.decode(example, type=WeightWish))
        assert not isinstance(order, Problem), order


def test_the_guides_table_is_what_comes_out() -> None:
    parts = [Fraction(60), Fraction(30), Fraction(1), Fraction(0)]
    assert weighing.whole_weights(parts) == [659_340_659, 329_670_330, 10_989_011, 0]
