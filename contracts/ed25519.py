"""Ed25519 signatures checked by arithmetic, or by the command openssl. The standard library is all it needs.

A part of the stand-alone script that checks agreements.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path

# ---------------------------------------------------------------- Ed25519 (RFC 8032, section 5.1), verification only

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)
Point = tuple[int, int, int, int]


def add(a: Point, b: Point) -> Point:
    """Add two points in extended coordinates."""
    e, f = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    g, h = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    w, x, y, z = f - e, h - g, h + g, f + e
    return w * x % P, y * z % P, x * y % P, w * z % P


def multiply(number: int, point: Point) -> Point:
    """Add a point to itself `number` times."""
    result: Point = (0, 1, 1, 0)
    while number:
        if number & 1:
            result = add(result, point)
        point, number = add(point, point), number >> 1
    return result


def decompress(data: bytes) -> Point | None:
    """Read a point; None for bytes that are none, or another spelling of one."""
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT_OF_MINUS_ONE % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


BASE = decompress((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def by_arithmetic(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether `signature` over `message` is by `public`, worked out here."""
    if len(public) != 32 or len(signature) != 64:
        return False
    a, r, s = decompress(public), decompress(signature[:32]), int.from_bytes(signature[32:], "little")
    if a is None or r is None or BASE is None or s >= L:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    left, right = multiply(s, BASE), add(r, multiply(k, a))
    return (left[0] * right[2] - right[0] * left[2]) % P == 0 and (left[1] * right[2] - right[1] * left[2]) % P == 0


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
