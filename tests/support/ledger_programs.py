"""Two accounting programs of other people, run as they are: beancount and hledger read a ledger and say what is in it."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

Sums = dict[tuple[str, str], Decimal]
HOW = "hledger is not installed. Debian/Ubuntu: apt-get install hledger; macOS: brew install hledger"
# Runs in a process of its own: beancount is under the GPL, and nothing of ours imports it.
_SUMS = """
import sys
from beancount import loader
from beancount.core import data
entries, errors, _ = loader.load_file(sys.argv[1])
assert not errors, errors
sums = {}
for entry in data.filter_txns(entries):
    for line in entry.postings:
        key = line.account, line.units.currency
        sums[key] = sums.get(key, 0) + line.units.number
for (account, currency), number in sums.items():
    print(account, currency, number)
"""


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=120)


def hledger() -> str:
    """Where hledger is; in CI a machine without it fails, elsewhere the test is left out and says what to install."""
    found = shutil.which("hledger")
    if found is None:
        pytest.fail(HOW) if os.environ.get("CI") else pytest.skip(HOW)
    return found


def beancount_says(file: Path) -> str:
    """What `bean-check` has to say of a file; nothing when it accepts it."""
    done = _run(sys.executable, "-m", "beancount.scripts.check", "--no-cache", str(file))
    assert (done.returncode == 0) == (not done.stdout + done.stderr), done
    return done.stdout + done.stderr


def hledger_says(file: Path) -> str:
    """What `hledger check --strict` has to say of a file; nothing when it accepts it."""
    done = _run(hledger(), "-f", str(file), "check", "--strict")
    assert (done.returncode == 0) == (not done.stdout + done.stderr), done
    return done.stdout + done.stderr


def beancount_sums(file: Path) -> Sums:
    """What each account holds by beancount's reading, per currency; accounts that hold nothing are left out."""
    done = _run(sys.executable, "-c", _SUMS, str(file))
    assert done.returncode == 0, done.stderr
    rows = (line.split(" ") for line in done.stdout.splitlines())
    return {(account, currency): Decimal(number) for account, currency, number in rows if Decimal(number)}


def hledger_sums(file: Path) -> Sums:
    """The same by hledger's."""
    done = _run(hledger(), "-f", str(file), "balance", "--flat", "--no-total", "--layout=bare", "--output-format=csv")
    assert done.returncode == 0, done.stderr
    rows = csv.DictReader(done.stdout.splitlines())
    return {(row["account"], row["commodity"]): Decimal(row["balance"]) for row in rows if Decimal(row["balance"])}


def hledger_codes(file: Path, code: str) -> int:
    """How many transactions hledger finds by the code that stands in brackets before the description."""
    done = _run(hledger(), "-f", str(file), "print", f"code:{code}")
    assert done.returncode == 0, done.stderr
    return done.stdout.count(f"({code})")
