"""Samples: drawn again by anybody, proven to be of their frame, with an interval that the reference agrees to."""

from __future__ import annotations

import hashlib
import hmac
import io
import json
import subprocess
from collections.abc import Sequence
from math import isclose, sqrt
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance import sampling, verify_sample
from compliance.sampling import Frame
from compliance.verify_sample import check, redraw, seed_of, wilson
from exchange.kernel import merkle
from exchange.kernel.stand_alone import joined
from tests.support.pythons import oldest

SEED = bytes(range(32))


def plain(seed: bytes, frame: int, n: int) -> list[int]:
    """The rule as the page says it, and as slow."""
    keyed = [(hmac.new(seed, place.to_bytes(8, "big"), hashlib.sha256).digest(), place) for place in range(frame)]
    return sorted(place for _, place in sorted(keyed)[:n])


@given(st.binary(min_size=32, max_size=32), st.integers(0, 300), st.integers(0, 300))
def test_the_same_seed_draws_the_same_places(seed: bytes, frame: int, n: int) -> None:
    wanted = min(n, frame)
    places = redraw(seed, frame, wanted)
    assert places == plain(seed, frame, wanted)
    assert len(set(places)) == wanted
    # A larger sample of the same seed holds the smaller one: nobody gains by asking for more.
    assert set(redraw(seed, frame, wanted // 2)) <= set(places)


def test_a_known_draw_stays_what_it_is() -> None:
    assert redraw(bytes(32), 10, 3) == [4, 8, 9]


@pytest.mark.parametrize(("seed", "frame", "n"), [(b"short", 10, 1), (SEED, 3, 4), (SEED, 3, -1)])
def test_nobody_draws_more_than_there_is(seed: bytes, frame: int, n: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        redraw(seed, frame, n)


def test_the_interval_is_that_of_the_standard() -> None:
    # 96 % of 4,000: the lower bound that GB/T 45652's sample leaves room for.
    low, high = wilson(3_840, 4_000)
    assert 953_000 < low < 953_500
    assert 965_000 < high < 966_000


@given(st.integers(1, 100_000), st.data())
def test_the_interval_follows_wilson(n: int, data: st.DataObject) -> None:
    passed = data.draw(st.integers(0, n))
    low, high = wilson(passed, n)
    z, p = 1.96, passed / n
    middle, spread = p + z * z / (2 * n), z * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    assert isclose(low / 1e6, max(0.0, (middle - spread) / (1 + z * z / n)), abs_tol=3e-6)
    assert isclose(high / 1e6, min(1.0, (middle + spread) / (1 + z * z / n)), abs_tol=3e-6)
    assert 0 <= low <= passed * 1_000_000 // n <= high <= 1_000_000


@pytest.mark.parametrize(("passed", "n"), [(1, 0), (2, 1), (-1, 5)])
def test_an_interval_of_nothing_is_refused(passed: int, n: int) -> None:
    with pytest.raises(ValueError, match="between none and all"):
        wilson(passed, n)


def frame_of(records: Sequence[bytes]) -> Frame:
    frame = Frame(io.BytesIO(), 16)
    frame.add(records)
    return frame


def digests(n: int) -> list[bytes]:
    return sorted(hashlib.blake2b(b"%d" % one, digest_size=16).digest() for one in range(n))


@pytest.mark.parametrize("n", [1, 2, 255, 256, 257, 1_000, 66_000])
def test_a_frame_has_the_root_and_the_proofs_of_the_plain_tree(n: int) -> None:
    records = digests(n)
    frame = frame_of(records)
    leaves = [merkle.leaf_hash(one) for one in records]
    assert (frame.size, frame.root()) == (n, merkle.root_of(leaves))
    for place in {0, n // 2, n - 1, *redraw(SEED, n, min(n, 20))}:
        assert frame.digest(place) == records[place]
        merkle.verify_inclusion(leaves[place], place, n, frame.proof(place), frame.root())


def made(records: int = 1_000, wanted: int = 20) -> dict[str, Any]:
    root, revision = b"\x07" * 32, b"\x09" * 32
    seed = seed_of(root, revision, "smp_1")
    checkpoint = {"origin": "log", "size": 5, "root": root.hex(), "note": "signed"}
    content, drawn = sampling.evidence(
        "smp_1",
        ("rev_1", revision),
        wanted,
        seed,
        {"checkpoint": checkpoint},
        frame_of(digests(records)),
        "cx-records/1",
    )
    assert drawn == min(records, wanted)
    document: dict[str, Any] = json.loads(content)
    return document


def test_evidence_holds_and_every_change_to_it_is_found() -> None:
    right = made()
    assert check(right) == []
    drawn = right["drawn"]
    wrong: list[dict[str, Any]] = [
        {**right, "seed": "00" * 32},
        {**right, "id": "smp_2"},
        {**right, "revision": {**right["revision"], "sha256": "11" * 32}},
        {**right, "wanted": 19},
        {**right, "frame": {**right["frame"], "size": 999}},
        {**right, "frame": {**right["frame"], "size": 1_001}},
        {**right, "frame": {**right["frame"], "size": 999, "last": {**right["frame"]["last"], "place": 998}}},
        {**right, "frame": {**right["frame"], "root": "00" * 32}},
        {**right, "drawn": drawn[1:]},
        {**right, "drawn": [{**drawn[0], "place": drawn[0]["place"] + 1}, *drawn[1:]]},
        {**right, "drawn": [{**drawn[0], "digest": "00" * 16}, *drawn[1:]]},
        {**right, "drawn": [{**drawn[0], "proof": drawn[0]["proof"][:-1]}, *drawn[1:]]},
        {**right, "seed_from": {"checkpoint": {**right["seed_from"]["checkpoint"], "root": "22" * 32}}},
    ]
    for one in wrong:
        assert check(one), one


def test_a_frame_smaller_than_the_wish_is_taken_whole_and_an_empty_one_is_empty() -> None:
    small = made(records=3, wanted=20)
    assert [one["place"] for one in small["drawn"]] == [0, 1, 2]
    assert check(small) == []
    empty = made(records=0)
    assert (empty["drawn"], empty["frame"]["root"], check(empty)) == ([], merkle.EMPTY_ROOT.hex(), [])


def test_the_script_redraws_alone(tmp_path: Path) -> None:
    script = tmp_path / "verify_sample.py"
    script.write_bytes(joined("compliance/verify_sample.py", ()))
    text = script.read_text(encoding="utf-8")
    assert "import compliance" not in text
    assert "from exchange" not in text
    file = tmp_path / "sample.json"
    file.write_text(json.dumps(made()), encoding="utf-8")

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [oldest(), "-I", "-S", "-B", str(script), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)

    good = run(str(file))
    assert (good.returncode, "OK" in good.stdout) == (0, True), good.stderr
    drawn = run("--redraw", SEED.hex(), "1000", "20")
    assert [int(one) for one in drawn.stdout.split()] == redraw(SEED, 1_000, 20)
    assert run("--interval", "3840", "4000").stdout.split() == [str(one) for one in wilson(3_840, 4_000)]
    for nonsense in ("", "[]", "{}", '{"seed": 5}', "null", '{"seed": "zz"}', json.dumps({**made(), "drawn": 5})):
        file.write_text(nonsense, encoding="utf-8")
        bad = run(str(file))
        assert (bad.returncode, "Traceback" in bad.stderr) == (1, False), (nonsense, bad.stderr)


def test_the_script_is_read_by_python_3_9() -> None:
    import ast

    text = Path(verify_sample.__file__).read_text(encoding="utf-8")
    ast.parse(text, feature_version=(3, 9))
