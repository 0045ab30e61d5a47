"""The regulator: takes the log of the period home, and checks it with nothing of the exchange's."""

from __future__ import annotations

import shlex
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

from sandbox.demo.client import DemoFailed
from sandbox.demo.trade import Trade

VERIFIER = "verify.py"


def export(trade: Trade, folder: Path) -> Path:
    """Ask for an export, download it, and run the verifier that lies in it.

    errors   raises DemoFailed where the verifier finds anything
    """
    market, telling = trade.market, trade.market.telling
    regulator = market["regulator"]
    with telling.step("export", market.origin):
        asked = regulator.do("export", "/regulator/v1/exports", {"legal_basis": "demo inspection"})
        at = f"/regulator/v1/exports/{asked['id']}"

        def ready() -> Any:
            found = regulator.get(at)
            return found if found["state"] == "done" else None

        made = market.origin.wait(ready, f"export {asked['id']}")
        folder.mkdir(parents=True, exist_ok=True)
        bundle = folder / f"{asked['id']}.zip"
        bundle.write_bytes(regulator.send("GET", f"{at}/bundle").content)
        with zipfile.ZipFile(bundle) as archive:
            (folder / VERIFIER).write_bytes(archive.read(VERIFIER))
        vkey = market.origin.send("GET", "/log/vkey").text.splitlines()[0]
        telling.say("exported", entries=f"{made['entries']:,}", size=f"{bundle.stat().st_size:,}", path=bundle)
        _verify(folder / VERIFIER, bundle, vkey)
        telling.say("verified")
        telling.say("verify-again")
        telling.raw(line(folder / VERIFIER, bundle, vkey))
    return bundle


def line(verifier: Path, bundle: Path, vkey: str) -> str:
    """The command that checks the export again, for anybody with a Python."""
    return shlex.join(["python3", str(verifier), str(bundle), "--vkey", vkey])


def _verify(verifier: Path, bundle: Path, vkey: str) -> None:
    # Isolated: no package of ours, nor of anybody's, can be imported.
    command = [sys.executable, "-I", "-S", str(verifier), str(bundle), "--vkey", vkey]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)  # noqa: S603
    if done.returncode != 0:
        raise DemoFailed(f"the export does not verify: {done.stdout} {done.stderr}")
