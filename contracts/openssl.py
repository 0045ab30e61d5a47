"""Ed25519 signatures checked by the command openssl. The standard library is all it needs.

A part of the stand-alone script that checks agreements.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path


def by_openssl(public: bytes, message: bytes, signature: bytes) -> bool:
    """The same by the command `openssl pkeyutl`; the key goes to it as DER (RFC 8410)."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "key").write_bytes(bytes.fromhex("302a300506032b6570032100") + public)
        (place / "message").write_bytes(message)
        (place / "signature").write_bytes(signature)
        words = ["pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", str(place / "key"), "-rawin"]
        words += ["-in", str(place / "message"), "-sigfile", str(place / "signature")]
        program = shutil.which("openssl") or "openssl"
        return subprocess.run([program, *words], capture_output=True, check=False).returncode == 0  # noqa: S603


def openssl_can() -> bool:
    """Whether there is an `openssl` that knows Ed25519: it has to accept RFC 8032's first test vector."""
    public = bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
    signature = bytes.fromhex(
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )
    return shutil.which("openssl") is not None and by_openssl(public, b"r", signature)
