"""`exchange demo` from outside: it runs, again and again, and what it leaves can be checked by anybody."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from exchange.cli.demo import forget

pytestmark = pytest.mark.xdist_group("demo")
EXCHANGE = [sys.executable, "-c", "from exchange.main import run; run()"]
RUN_S_MAX = 120


@dataclass(frozen=True)
class Told:
    """What a run printed, and what it left."""

    answer: dict[str, Any]
    seconds: float
    bundle: bytes


def _environment(home: Path) -> dict[str, str]:
    foreign = ("EXCHANGE_", "STRIPE_", "DATABASE_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return {**kept, "EXCHANGE_HOME": str(home)}


def _run(home: Path) -> Told:
    began = time.monotonic()
    done = subprocess.run(
        [*EXCHANGE, "demo", "--json"], env=_environment(home), capture_output=True, text=True, timeout=RUN_S_MAX
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    return Told(answer, time.monotonic() - began, Path(answer["export"]).read_bytes())


def _killed_halfway(home: Path) -> None:
    """Start a run, and kill it with no chance to clean up once its server works."""
    with subprocess.Popen([*EXCHANGE, "demo", "--json"], env=_environment(home), stdout=subprocess.DEVNULL) as process:
        until = time.monotonic() + RUN_S_MAX
        while not (home / "demo" / "credentials.json").exists():
            assert process.poll() is None, "the demo ended before it was killed"
            assert time.monotonic() < until
            time.sleep(0.05)
        time.sleep(1)
        process.send_signal(signal.SIGKILL)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder for runs of the demo; what they keep elsewhere goes with it."""
    folder = tmp_path_factory.mktemp("exchange")
    yield folder
    forget(folder / "demo")


@pytest.fixture(scope="module")
def first(home: Path) -> Told:
    return _run(home)


@pytest.fixture(scope="module")
def last(home: Path, first: Told) -> Told:
    _killed_halfway(home)
    return _run(home)


def _verify(told: Told, bundle: Path) -> subprocess.CompletedProcess[str]:
    words = shlex.split(told.answer["verify"])
    assert words[0] == "python3"
    words[words.index(told.answer["export"])] = str(bundle)
    # Without site packages and without this folder: it cannot import anything of ours.
    return subprocess.run([sys.executable, "-I", "-S", *words[1:]], capture_output=True, text=True, timeout=60)


def test_it_runs_and_accounts_for_every_coin(first: Told) -> None:
    assert first.seconds < RUN_S_MAX
    assert len(first.answer["steps"]) >= 15
    assert all(step["lines"] for step in first.answer["steps"])
    rows = first.answer["who_got_what"]
    assert len(rows) >= 8
    assert float(rows[-1]["amount"]) == 0
    sums = {one["currency"]: Decimal() for one in rows}
    for one in rows:
        sums[one["currency"]] += Decimal(one["amount"].replace(",", ""))
    assert sums == {"CNY": 0, "EUR": 0}


def test_money_has_its_papers_its_arbitrator_its_bank_and_its_proof(first: Told) -> None:
    money = first.answer["money"]
    assert money["papers"] == {"380": 3, "381": 2, "389": 6}
    assert money["dispute"]["outcome"] == "decided"
    moved = [(one["kind"], one["amount"]["amount"]) for one in money["dispute"]["moved"]]
    assert moved == [("refund", "40.00"), ("arbitration_fee", "1.20"), ("arbitration_fee", "0.60")]
    assert (money["batch"]["total"], money["batch"]["payout"]) == ({"amount": "1.80", "currency": "EUR"}, "paid")
    assert Path(money["batch"]["file"]).name.endswith(".pain.001.xml")
    assert [(one["currency"], one["difference"], one["complete"]) for one in money["proofs"]] == [
        ("CNY", "0.00", True),
        ("EUR", "0.00", True),
    ]
    assert all(place["stated"]["amount"] == place["ledger"] for one in money["proofs"] for place in one["places"])
    assert money["told"] == {"order.placed": 4, "delivery.accepted": 4}


# Of 99.99 EUR and of 1,200 CNY, each with 6% tax: shares of 70, 10, 5, 3 and 12 per cent of the price, and the tax. Then
# 33.33 EUR and 500.01 CNY go back, to the millionth as Webster's method divides them; then everything.
PAYEES = ("supplier", "archive", "broker", "assessor", "revenue", "tax")
BEFORE = {
    "EUR": ("69.993", "9.999", "4.9995", "2.9997", "11.9988", "5.9994"),
    "CNY": ("840", "120", "60", "36", "144", "72"),
}
AFTER = {
    "EUR": ("47.982623", "6.854660", "3.427330", "2.056398", "8.225593", "4.112796"),
    "CNY": ("509.804717", "72.829245", "36.414623", "21.848774", "87.395094", "43.697547"),
}
PAID = {"EUR": ("105.9894", "33.33"), "CNY": ("1272", "500.01")}


@pytest.mark.parametrize("currency", sorted(PAID))
def test_one_unit_is_followed_to_every_payee_and_all_of_it_back(first: Told, currency: str) -> None:
    followed = first.answer["followed"][currency]
    whole, part = (Decimal(one) for one in PAID[currency])
    assert Decimal(followed["paid"]) == whole
    held = {stage: {one["who"]: Decimal(one["amount"]) for one in rows} for stage, rows in followed["stages"].items()}

    def with_buyer(units: Decimal, parts: tuple[str, ...]) -> dict[str, Decimal]:
        return {"buyer": units, **dict(zip(PAYEES, map(Decimal, parts), strict=True))}

    assert list(held) == ["bought", "settled", "partly", "whole"]
    assert held["bought"] == held["settled"] == with_buyer(Decimal(), BEFORE[currency])
    assert held["partly"] == with_buyer(part, AFTER[currency])
    assert held["whole"] == with_buyer(whole, ("0",) * len(PAYEES))
    assert [sum(one.values()) for one in held.values()] == [whole] * 4


def test_the_ledger_command_shows_the_same_afterwards(home: Path, last: Told) -> None:
    followed = last.answer["followed"]["EUR"]
    words = shlex.split(followed["command"])
    assert [words[0], Path(words[1]).name, *words[2:4]] == [
        f"EXCHANGE_HOME={home / 'demo'}",
        "exchange",
        "ledger",
        "trace",
    ]
    done = subprocess.run(
        [*EXCHANGE, *words[2:], "--json"], env=_environment(home / "demo"), capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert told["started"] == [{"amount": "105.9894", "currency": "EUR"}]
    assert [one["account"]["kind"] for one in told["origins"]] == ["stripe"]
    assert {one["account"]["kind"] for one in told["ends"]} == {"wallet"}
    assert [one["per_one"] for one in told["holders"]] == ["1.00"] + ["0.00"] * len(PAYEES)
    assert [one["amount"]["amount"] for one in told["holders"]] == ["105.9894"] + ["0.00"] * len(PAYEES)


def test_it_runs_again_after_being_killed(first: Told, last: Told) -> None:
    steps = [[step["step"] for step in told.answer["steps"]] for told in (first, last)]
    assert steps[0] == steps[1]
    assert first.answer["export"] != last.answer["export"]
    assert [one.name for one in Path(last.answer["export"]).parent.glob("*.zip")] == [Path(last.answer["export"]).name]


def test_the_facts_agree_after_it(home: Path, last: Told) -> None:
    done = subprocess.run(
        [*EXCHANGE, "fsck", "--json"], env=_environment(home / "demo"), capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["sound"]


def test_the_export_verifies_anywhere(last: Told, tmp_path: Path) -> None:
    bundle = tmp_path / "taken-home.zip"
    bundle.write_bytes(last.bundle)
    done = _verify(last, bundle)
    assert done.returncode == 0, done.stderr
    assert "OK" in done.stdout


def test_its_agreements_verify_anywhere(last: Told, tmp_path: Path) -> None:
    words = shlex.split(last.answer["verify_agreement"])
    assert words[0] == "python3"
    files = [Path(name) for name in last.answer["agreements"]]
    assert len(files) >= 3
    for file in files:
        words[words.index("--keys") - 1] = str(file)
        for by in ("python", "auto"):
            # Without site packages and without this folder: it cannot import anything of ours.
            command = [sys.executable, "-I", "-S", *words[1:], "--with", by]
            done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
            assert done.returncode == 0, done.stdout + done.stderr
            assert "OK: everything holds." in done.stdout


def test_a_changed_byte_of_an_agreement_is_found_where_it_is(last: Told, tmp_path: Path) -> None:
    words = shlex.split(last.answer["verify_agreement"])
    whole = Path(words[words.index("--keys") - 1]).read_bytes()
    changed = tmp_path / "changed.json"
    words[words.index("--keys") - 1] = str(changed)
    for at in range(7, len(whole), len(whole) // 12):
        changed.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        command = [sys.executable, "-I", "-S", *words[1:], "--json", "--with", "python"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert done.returncode == 1
        places = [one["bytes"] for one in json.loads(done.stdout)["faults"]]
        assert any(start <= at < end for start, end in places), (at, places)


def test_a_flipped_bit_is_found(last: Told, tmp_path: Path) -> None:
    bundle = tmp_path / "flipped.zip"
    with zipfile.ZipFile(Path(last.answer["export"])) as archive:
        members = [one for one in archive.infolist() if one.filename != "manifest.json.sig"]
    for member in members:
        # The middle of what is stored of the file; before it lies a header of 30 bytes and the name.
        at = member.header_offset + 30 + len(member.filename) + member.compress_size // 2
        bundle.write_bytes(last.bundle[:at] + bytes([last.bundle[at] ^ 1]) + last.bundle[at + 1 :])
        done = _verify(last, bundle)
        assert done.returncode == 1, member.filename
        assert "FAILED" in done.stderr


def test_a_changed_entry_is_found_even_with_new_checksums(last: Told, tmp_path: Path) -> None:
    folder = tmp_path / "rewritten"
    with zipfile.ZipFile(Path(last.answer["export"])) as archive:
        archive.extractall(folder)
    events = folder / "events.jsonl"
    events.write_bytes(events.read_bytes().replace(b'"purchase"', b'"purchasf"', 1))
    assert _verify(last, folder).returncode == 1
    shutil.rmtree(folder)
