"""The buyer takes its agreements home: one file each, checked with a script that knows nothing of the exchange, and as PDF."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

from sandbox.demo.client import DemoFailed
from sandbox.demo.trade import Trade

VERIFIER = "verify_agreement.py"
_INCOMPLETE = 3


def take_home(trade: Trade, folder: Path) -> tuple[list[Path], str]:
    """Download every agreement, the script and the published keys, and run the script; the files, and the line to repeat it.

    errors   raises DemoFailed where the script finds anything, or the parties' signatures do not come
    """
    market, telling = trade.market, trade.market.telling
    with telling.step("papers", market.origin):
        folder.mkdir(parents=True, exist_ok=True)
        script, keys = folder / VERIFIER, folder / "keys.json"
        script.write_bytes(market.origin.send("GET", f"/catalog/v1/verification/{VERIFIER}").content)
        keys.write_bytes(market.origin.send("GET", "/.well-known/jwks.json").content)
        files = []
        for bought in trade.bought.values():
            file = folder / f"{bought.agreement}.json"
            market.origin.wait(
                _Signed(trade, bought.agreement, file, script, keys), f"the signatures of {bought.agreement}"
            )
            files.append(file)
        telling.say("papers-verified", count=len(files))
        for language in ("en", "zh"):
            at = f"/buyer/v1/agreements/{files[0].stem}/paper.pdf"
            sheet = folder / f"{files[0].stem}.{language}.pdf"
            sheet.write_bytes(market["buyer"].send("GET", at, params={"lang": language}).content)
            telling.say("paper", language=telling.text(f"language.{language}"), path=sheet)
        telling.say("verify-again")
        line = shlex.join(["python3", str(script), str(files[0]), "--keys", str(keys)])
        telling.raw(line)
    return files, line


class _Signed:
    """Says whether an agreement's file holds and both parties have signed it; keys that are kept sign within seconds."""

    def __init__(self, trade: Trade, agreement: str, file: Path, script: Path, keys: Path) -> None:
        self._buyer, self._agreement = trade.market["buyer"], agreement
        self._file, self._script, self._keys = file, script, keys

    def __call__(self) -> bool:
        path = f"/buyer/v1/agreements/{self._agreement}/bundle"
        self._file.write_bytes(self._buyer.send("GET", path).content)
        # Isolated: no package of ours, nor of anybody's, can be imported.
        command = [sys.executable, "-I", "-S", str(self._script), str(self._file), "--keys", str(self._keys)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)  # noqa: S603
        if done.returncode not in (0, _INCOMPLETE):
            raise DemoFailed(f"{self._agreement} does not verify: {done.stdout} {done.stderr}")
        return done.returncode == 0
