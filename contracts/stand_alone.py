"""The script that checks agreements, as one file that anybody can run."""

from __future__ import annotations

from exchange.kernel.stand_alone import joined

NAME = "verify_agreement.py"
_PARTS = ("exchange/kernel/ed25519.py", "contracts/strict.py", "contracts/openssl.py", "contracts/bundle_form.py")


def script() -> bytes:
    """The text of the stand-alone script, the same bytes for one release."""
    return joined(f"contracts/{NAME}", _PARTS)
