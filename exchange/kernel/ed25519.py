"""Ed25519 signatures checked by arithmetic (RFC 8032). The standard library is all it needs.

A part of both stand-alone scripts: of the one that checks agreements and of the one that checks audit exports.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache

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


def double(a: Point) -> Point:
    """Add a point to itself, with half of the work."""
    x, y = a[0] * a[0] % P, a[1] * a[1] % P
    e, g, h = (a[0] + a[1]) * (a[0] + a[1]) - x - y, y - x, -x - y
    f = g - 2 * a[2] * a[2]
    return e * f % P, g * h % P, f * g % P, e * h % P


def multiply(number: int, point: Point) -> Point:
    """Add a point to itself `number` times."""
    result: Point = (0, 1, 1, 0)
    while number:
        if number & 1:
            result = add(result, point)
        point, number = double(point), number >> 1
    return result


def together(one: int, a: Point, two: int, b: Point) -> Point:
    """`one` times a point and `two` times another one, added: both are doubled on one way."""
    ways, result = (None, a, b, add(a, b)), (0, 1, 1, 0)
    for bit in range(max(one.bit_length(), two.bit_length()) - 1, -1, -1):
        result = double(result)
        way = ways[(one >> bit & 1) + 2 * (two >> bit & 1)]
        if way is not None:
            result = add(result, way)
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


# One key has mostly signed many things.
@lru_cache(maxsize=64)
def public_point(data: bytes) -> Point | None:
    """Read a public key; None for bytes that are none, and for the few points to which a signature says nothing.

    A key of low order accepts one signature for many messages, so that nobody signed anything with it.
    """
    point = decompress(data) if len(data) == 32 else None
    return None if point is None or multiply(8, point)[0] == 0 else point


def by_arithmetic(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether `signature` over `message` is by `public`: one spelling of every part, and no cofactor.

    source   RFC 8032, section 5.1.7; what it leaves open is decided as openssl does, but for keys of low order
    """
    if len(signature) != 64:
        return False
    a, r, s = public_point(public), decompress(signature[:32]), int.from_bytes(signature[32:], "little")
    if a is None or r is None or BASE is None or s >= L:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    # s times the base point is R and k times the key; the key is taken to the other side.
    left, right = together(s, BASE, k, (P - a[0], a[1], 1, P - a[3])), r
    return (left[0] * right[2] - right[0] * left[2]) % P == 0 and (left[1] * right[2] - right[1] * left[2]) % P == 0
