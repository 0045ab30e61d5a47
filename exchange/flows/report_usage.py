"""A data holder's client reports usage: is its token live, is it a source, then its batches go in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from exchange.access.problems import USAGE_SOURCE_UNKNOWN
from exchange.access.settings import AccessSettings
from exchange.access.store import usage
from exchange.access.usage import Events, GrantCache
from exchange.flows.ingest_usage import Ingested, Report, ingest_usage
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import UNAUTHENTICATED, Problem
from exchange.parties import store as parties


@dataclass(frozen=True, slots=True)
class UsageWish:
    """One request: who reports, under which key of its own, and what was read of the body."""

    actor: Actor
    key: str
    sha256: bytes
    events: Events


async def report_usage(
    tx: Tx, wishes: Sequence[UsageWish], *, known: GrantCache, settings: AccessSettings
) -> list[Ingested | Problem]:
    """Take in what each request reports, or say why not; one request's refusal does not touch the others.

    errors   answers UNAUTHENTICATED, USAGE_SOURCE_UNKNOWN, USAGE_BATCH_CONFLICT
    """
    lapsed = await parties.lapsed(tx, [wish.actor for wish in wishes])
    sources = {client: await usage.source_of(tx, client) for client in {wish.actor.client_id for wish in wishes}}
    answers: dict[int, Ingested | Problem] = {}
    reports: dict[int, Report] = {}
    for number, wish in enumerate(wishes):
        source = sources[wish.actor.client_id]
        if wish.actor.jti in lapsed:
            answers[number] = UNAUTHENTICATED()
        elif source is None or source.organisation_id != wish.actor.organisation_id:
            answers[number] = USAGE_SOURCE_UNKNOWN()
        else:
            reports[number] = Report(source, wish.key, wish.sha256, wish.events)
    if reports:
        taken = await ingest_usage(tx, list(reports.values()), known=known, settings=settings)
        answers.update(zip(reports, taken, strict=True))
    return [answers[number] for number in range(len(wishes))]
