"""The script that redraws samples, as one file that anybody can run."""

from __future__ import annotations

from exchange.kernel.stand_alone import joined

NAME = "verify_sample.py"


def script() -> bytes:
    """The text of the stand-alone script, the same bytes for one release."""
    return joined(f"compliance/{NAME}", ())
