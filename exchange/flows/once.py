"""Every command happens once: its key, its effect, its answer and its audit entry commit together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

import msgspec

from compliance import store as audit
from compliance.entries import Entry
from exchange.kernel import idempotency
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import Problem, problem_types
from exchange.kernel.text import Text

_PROBLEM_STATUS_FROM = 400


class Command(msgspec.Struct, frozen=True):
    """What is asked, by whom, under which key."""

    actor: Actor
    action: str
    key: str
    body_sha256: bytes
    object_id: str = ""


class Answered(msgspec.Struct, frozen=True):
    """The bytes that answer a command, now or long ago."""

    status: int
    body: bytes
    replayed: bool = False


Receipt = msgspec.Struct | Problem


async def once(tx: Tx, command: Command, status: int, flow: Callable[[Tx], Awaitable[Receipt]]) -> Answered | Problem:
    """Run `flow` unless the key was used; keep its answer, or its problem, beside the key.

    A flow decides before it writes, so a problem leaves nothing behind but its key and its audit entry.

    errors   answers KEY_REUSED where the key belongs to another request
    """
    claim = idempotency.Claim(command.actor.organisation_id, command.key, command.body_sha256)
    (claimed,) = await idempotency.claim(tx, [claim])
    if isinstance(claimed, idempotency.Replay):
        return replayed(claimed)
    if isinstance(claimed, idempotency.Mismatch):
        return idempotency.KEY_REUSED(key=command.key)
    receipt = await flow(tx)
    if isinstance(receipt, Problem):
        await audit.append(tx, [refusal(command, receipt)])
        await idempotency.answer(tx, [claim], [(receipt.type.kind, kept(receipt))])
        return receipt
    body = msgspec.json.encode(receipt)
    await idempotency.answer(tx, [claim], [(status, body)])
    return Answered(status, body)


@dataclass(frozen=True, slots=True)
class CommandBatch:
    """Commands that share a transaction, claimed together; `fresh` are the positions that nobody did before."""

    commands: Sequence[Command]
    claims: Sequence[idempotency.Claim]
    claimed: Sequence[idempotency.Claimed]
    fresh: Sequence[int]

    @classmethod
    async def claim(cls, tx: Tx, commands: Sequence[Command]) -> CommandBatch:
        """Claim the keys of `commands`, duplicates within the batch folded."""
        claims = [idempotency.Claim(one.actor.organisation_id, one.key, one.body_sha256) for one in commands]
        claimed = await idempotency.claim(tx, claims)
        fresh = [n for n, one in enumerate(claimed) if isinstance(one, idempotency.Fresh)]
        return cls(commands, claims, claimed, fresh)

    async def keep(self, tx: Tx, answers: Mapping[int, Answered | Problem]) -> None:
        """Keep the answer of each fresh command beside its key."""
        stored = [_stored(answers[n]) for n in self.fresh]
        await idempotency.answer(tx, [self.claims[n] for n in self.fresh], stored)

    def say(self, answers: Mapping[int, Answered | Problem]) -> list[Answered | Problem]:
        """What each command is answered, in their order: anew, once more, or that its key belongs to another."""
        return [self._say(n, one, answers) for n, one in enumerate(self.claimed)]

    def _say(
        self, n: int, claimed: idempotency.Claimed, answers: Mapping[int, Answered | Problem]
    ) -> Answered | Problem:
        if isinstance(claimed, idempotency.Replay):
            return replayed(claimed)
        if isinstance(claimed, idempotency.Mismatch):
            return idempotency.KEY_REUSED(key=self.commands[n].key)
        if isinstance(claimed, idempotency.SameAs):
            first = answers[claimed.position]
            return first if isinstance(first, Problem) else Answered(first.status, first.body, replayed=True)
        return answers[n]


def _stored(answer: Answered | Problem) -> tuple[int, bytes]:
    return (int(answer.type.kind), kept(answer)) if isinstance(answer, Problem) else (answer.status, answer.body)


def replayed(claimed: idempotency.Replay) -> Answered | Problem:
    """The earlier answer to the same request."""
    if claimed.status < _PROBLEM_STATUS_FROM:
        return Answered(claimed.status, claimed.answer, replayed=True)
    slug, fields = msgspec.json.decode(claimed.answer, type=tuple[str, dict[str, object]])
    return problem_types()[slug](**{name: _restored(value) for name, value in fields.items()})


def _restored(value: object) -> object:
    if isinstance(value, dict) and set(value) == {"en", "zh"}:
        return Text(value["en"], value["zh"])
    return value


def kept(problem: Problem) -> bytes:
    """A problem as it is kept beside its key: slug and facts, not the words."""
    return msgspec.json.encode((problem.slug, dict(problem.fields)), enc_hook=str)


def refusal(command: Command, problem: Problem) -> Entry:
    """The audit entry of a command that was refused."""
    return Entry(
        action=command.action,
        organisation_id=command.actor.organisation_id,
        client_id=command.actor.client_id,
        object_id=command.object_id,
        outcome="refused",
        problem=problem.slug,
    )


def done(actor: Actor, action: str, object_id: str, *concerns: UUID, **digests: bytes) -> Entry:
    """The audit entry of a command that took effect; `concerns` are the other organisations that it concerns."""
    return Entry(
        action=action,
        organisation_id=actor.organisation_id,
        client_id=actor.client_id,
        object_id=object_id,
        concerns=concerns,
        digests=digests,
    )


def worded(entry: Entry, **words: bytes) -> Entry:
    """An entry with short texts that a person wrote, such as a reason: the log has their digests under a salt."""
    return replace(entry, words=words)
