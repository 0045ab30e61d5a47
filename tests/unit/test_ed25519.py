"""Our arithmetic of Ed25519 against known attempts to pass for a signature, and against the library."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from contracts.openssl import by_openssl, openssl_can
from exchange.kernel.ed25519 import BASE, L, P, Point, add, by_arithmetic, decompress, multiply, public_point
from exchange.kernel.keys import verifies

MESSAGE = b"bytes"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC, SIGNATURE = KEY.public_key().public_bytes_raw(), KEY.sign(MESSAGE)
# The y of the points of order 1, 2, 4 and 8, and the second spellings that some of them have.
EIGHTH = int.from_bytes(bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little")
LOW = [y | sign << 255 for y in (0, 1, P - 1, P, P + 1, EIGHTH, P - EIGHTH) for sign in (0, 1)]


def compressed(point: Point) -> bytes:
    inverse = pow(point[2], P - 2, P)
    x, y = point[0] * inverse % P, point[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def challenge(r: bytes, public: bytes, message: bytes) -> int:
    return int.from_bytes(hashlib.sha512(r + public + message).digest(), "little") % L


@pytest.mark.parametrize("y", LOW)
def test_a_key_of_low_order_signs_nothing(y: int) -> None:
    weak = y.to_bytes(32, "little")
    assert public_point(weak) is None
    # s = 0 and R = the neutral point or the key itself: the equation holds for many messages.
    for r in (weak, (1).to_bytes(32, "little")):
        assert not any(by_arithmetic(weak, bytes([n]), r + bytes(32)) for n in range(8))


def test_there_is_one_spelling_of_a_signature() -> None:
    assert by_arithmetic(PUBLIC, MESSAGE, SIGNATURE)
    s = int.from_bytes(SIGNATURE[32:], "little")
    others = [SIGNATURE[:32] + (s + n * L).to_bytes(32, "little") for n in range(1, 8)]
    others += [SIGNATURE[:32] + (L - s).to_bytes(32, "little"), SIGNATURE[:32] + (2**256 - 1).to_bytes(32, "little")]
    others += [bytes(64), SIGNATURE[:-1], SIGNATURE + b"\0", SIGNATURE[32:] + SIGNATURE[:32], b""]
    others += [one.to_bytes(32, "little") + SIGNATURE[32:] for one in LOW]
    others.append(bytes([SIGNATURE[31] ^ 0x80]).join([SIGNATURE[:31], SIGNATURE[32:]]))
    assert not any(by_arithmetic(PUBLIC, MESSAGE, one) for one in others)


@pytest.mark.parametrize("key", [b"", PUBLIC[:-1], PUBLIC + b"\0", b"\xff" * 32, (P + 3).to_bytes(32, "little")])
def test_what_is_no_key_verifies_nothing(key: bytes) -> None:
    assert not by_arithmetic(key, MESSAGE, SIGNATURE)


def test_a_signature_that_holds_only_times_eight_is_refused_by_everybody() -> None:
    """A key with a part of low order: checks with the cofactor and without it answer differently, and ours agree."""
    eighth = decompress(EIGHTH.to_bytes(32, "little"))
    assert eighth is not None
    assert BASE is not None
    secret, nonce = 12345678901234567890, 98765432109876543210
    public, r = compressed(add(multiply(secret, BASE), eighth)), compressed(multiply(nonce, BASE))
    message = next(bytes([n]) for n in range(64) if challenge(r, public, bytes([n])) % 8)
    s = (nonce + challenge(r, public, message) * secret) % L
    signature = r + s.to_bytes(32, "little")
    left, a = multiply(8 * s, BASE), decompress(public)
    assert a is not None
    right = multiply(8, add(multiply(nonce, BASE), multiply(challenge(r, public, message), a)))
    assert compressed(left) == compressed(right)
    assert not by_arithmetic(public, message, signature)
    assert not verifies(Ed25519PublicKey.from_public_bytes(public), message, signature)
    if openssl_can():
        assert not by_openssl(public, message, signature)
