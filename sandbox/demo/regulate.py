"""The regulator: takes the log of the period home, and checks it with nothing of the exchange's."""

from __future__ import annotations

import shlex
import subprocess
import sys
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any

from sandbox.demo.client import DemoFailed
from sandbox.demo.trade import Trade

VERIFIER = "verify.py"
# How the exchange says that no entry waits for a checkpoint.
_SETTLED = "\nexchange_log_age_seconds 0.0\n"


def export(trade: Trade, began: datetime, folder: Path) -> tuple[Path, str]:
    """Ask for an export, download it, and run the verifier that lies in it; the bundle, and the line to check it again.

    errors   raises DemoFailed where the verifier finds anything
    """
    market, telling = trade.market, trade.market.telling
    regulator = market["regulator"]
    with telling.step("export", market.origin):
        size = market.origin.wait(_Settled(trade), "the log to hold everything")
        wish = {"since": began.isoformat(), "until": trade.clock.now().isoformat(), "legal_basis": "demo inspection"}
        asked = regulator.do("export", "/regulator/v1/exports", wish)
        at = f"/regulator/v1/exports/{asked['id']}"

        def ready() -> Any:
            found = regulator.get(at)
            return found if found["state"] == "done" else None

        made = market.origin.wait(ready, f"export {asked['id']}")
        folder.mkdir(parents=True, exist_ok=True)
        bundle = folder / f"{asked['id']}.zip"
        bundle.write_bytes(regulator.send("GET", f"{at}/file").content)
        with zipfile.ZipFile(bundle) as archive:
            (folder / VERIFIER).write_bytes(archive.read(VERIFIER))
        telling.say("checkpoint", size=f"{size:,}")
        vkey = market.origin.send("GET", "/log/vkey").text.splitlines()[0]
        telling.say("exported", entries=f"{made['entries']:,}", size=f"{bundle.stat().st_size:,}", path=bundle)
        _verify(folder / VERIFIER, bundle, vkey)
        telling.say("verified")
        telling.say("verify-again")
        line = shlex.join(["python3", str(folder / VERIFIER), str(bundle), "--vkey", vkey])
        telling.raw(line)
    return bundle, line


class _Settled:
    """Says how many entries the signed checkpoint has, once no entry waits for it."""

    def __init__(self, trade: Trade) -> None:
        self._trade = trade

    def __call__(self) -> int:
        origin = self._trade.market.origin
        figures = origin.send("GET", "/metrics").text
        if _SETTLED not in figures:
            return 0
        return int(origin.send("GET", "/log/checkpoint").text.splitlines()[1])


def _verify(verifier: Path, bundle: Path, vkey: str) -> None:
    # Isolated: no package of ours, nor of anybody's, can be imported.
    command = [sys.executable, "-I", "-S", str(verifier), str(bundle), "--vkey", vkey]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)  # noqa: S603
    if done.returncode != 0:
        raise DemoFailed(f"the export does not verify: {done.stdout} {done.stderr}")
