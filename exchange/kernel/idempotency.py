"""Idempotency keys: the key, its effect and its answer commit together.

source   draft-ietf-httpapi-idempotency-key-header-07
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec

from exchange.kernel.db import Tx
from exchange.kernel.errors import Kind, problem_type
from exchange.kernel.ids import array
from exchange.kernel.text import Text

KEY_REUSED = problem_type(
    "idempotency-key-reused",
    Kind.UNPROCESSABLE,
    title=Text("Idempotency-Key used before", "幂等键已被使用"),
    detail=Text(
        "The Idempotency-Key {key} came before with another request.", "幂等键 {key} 此前用于另一个不同的请求。"
    ),
    remedy=Text("Use a new key for a new request.", "新的请求请使用新的幂等键。"),
)
KEY_MISSING = problem_type(
    "idempotency-key-missing",
    Kind.INVALID,
    title=Text("Idempotency-Key missing", "缺少幂等键"),
    detail=Text(
        "This request moves money or state and needs the header Idempotency-Key (1 to 255 visible ASCII characters).",
        "该请求会变更资金或状态，必须携带 Idempotency-Key 请求头（1 至 255 个可见 ASCII 字符）。",
    ),
    remedy=Text(
        "Send a fresh random key, and the same key when you repeat the same request.",
        "请发送新的随机键；重复同一请求时使用相同的键。",
    ),
)


class Claim(msgspec.Struct, frozen=True):
    """A request that wants to happen once."""

    organisation_id: UUID
    key: str
    body_sha256: bytes


@dataclass(frozen=True, slots=True)
class Fresh:
    """Nobody used the key: go on."""


@dataclass(frozen=True, slots=True)
class Replay:
    """The same request was answered before."""

    status: int
    answer: bytes


@dataclass(frozen=True, slots=True)
class Mismatch:
    """The key belongs to another request."""


@dataclass(frozen=True, slots=True)
class SameAs:
    """The same request stands earlier in this batch; its answer is this one's too."""

    position: int


Claimed = Fresh | Replay | Mismatch | SameAs

_CLAIM = """
INSERT INTO kernel.idempotency (organisation_id, key, body_sha256, created_at)
SELECT o, k, h, $4 FROM unnest($1::text::uuid[], $2::text[], $3::bytea[]) AS c(o, k, h) ORDER BY o, k
ON CONFLICT DO NOTHING RETURNING organisation_id, key"""
_FIND = """
SELECT i.organisation_id, i.key, i.body_sha256, i.status, i.answer FROM kernel.idempotency i
JOIN unnest($1::text::uuid[], $2::text[]) AS c(o, k) ON i.organisation_id = c.o AND i.key = c.k"""
_ANSWER = """
UPDATE kernel.idempotency i SET status = c.s, answer = c.a
FROM unnest($1::text::uuid[], $2::text[], $3::smallint[], $4::bytea[]) AS c(o, k, s, a)
WHERE i.organisation_id = c.o AND i.key = c.k"""


async def claim(tx: Tx, claims: Sequence[Claim]) -> list[Claimed]:
    """Take the keys of a batch; what is not fresh is told apart.

    A key that a running transaction holds is waited for, so that its answer is seen.
    """
    first: dict[tuple[UUID, str], int] = {}
    for position, one in enumerate(claims):
        first.setdefault((one.organisation_id, one.key), position)
    wanted = [claims[position] for position in first.values()]
    driver = await tx.driver()
    columns = array([c.organisation_id for c in wanted]), [c.key for c in wanted]
    rows = await driver.fetch(_CLAIM, *columns, [c.body_sha256 for c in wanted], tx.now)
    fresh = {(row[0], row[1]) for row in rows}
    known: dict[tuple[UUID, str], Any] = {}
    if len(fresh) < len(wanted):
        old = [c for c in wanted if (c.organisation_id, c.key) not in fresh]
        found = await driver.fetch(_FIND, array([c.organisation_id for c in old]), [c.key for c in old])
        known = {(row[0], row[1]): row for row in found}
    return [_judge(position, one, claims, first, known) for position, one in enumerate(claims)]


def _judge(
    position: int,
    one: Claim,
    claims: Sequence[Claim],
    first: Mapping[tuple[UUID, str], int],
    known: Mapping[tuple[UUID, str], Any],
) -> Claimed:
    name = (one.organisation_id, one.key)
    row = known.get(name)
    if row is not None:
        if row["body_sha256"] != one.body_sha256:
            return Mismatch()
        return Replay(row["status"], row["answer"])
    if first[name] == position:
        return Fresh()
    return SameAs(first[name]) if claims[first[name]].body_sha256 == one.body_sha256 else Mismatch()


async def answer(tx: Tx, claims: Sequence[Claim], answers: Sequence[tuple[int, bytes]]) -> None:
    """Keep the answers of the fresh claims, in the transaction of their effects."""
    if not claims:
        return
    driver = await tx.driver()
    await driver.execute(
        _ANSWER,
        array([c.organisation_id for c in claims]),
        [c.key for c in claims],
        [status for status, _ in answers],
        [body for _, body in answers],
    )


KEEP_DAYS = 30


async def forget_old(tx: Tx, *, keep: Sequence[UUID] = ()) -> int:
    """Drop keys older than KEEP_DAYS, but none of the organisations in `keep`; answers how many.

    A later request under such a key is a new one.
    """
    driver = await tx.driver()
    done: str = await driver.execute(
        "DELETE FROM kernel.idempotency WHERE created_at < $1 AND organisation_id <> ALL ($2::uuid[])",
        tx.now - timedelta(days=KEEP_DAYS),
        list(keep),
    )
    return int(done.rsplit(" ", 1)[-1])


async def old_among(tx: Tx, organisations: Sequence[UUID]) -> list[UUID]:
    """Which of these organisations have keys that are old enough to be dropped."""
    if not organisations:
        return []
    rows = await (await tx.driver()).fetch(
        "SELECT DISTINCT organisation_id FROM kernel.idempotency WHERE created_at < $1 AND organisation_id = ANY ($2::uuid[])",
        tx.now - timedelta(days=KEEP_DAYS),
        list(organisations),
    )
    return [row[0] for row in rows]
