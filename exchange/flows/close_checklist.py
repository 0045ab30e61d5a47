"""The checklist before a month's books are closed: each point looked at now, with what is still open."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from exchange.kernel import ids
from exchange.kernel.db import Tx
from exchange.kernel.text import Text
from settlement.close_points import TITLES, Checked, Facts, check, listed
from settlement.store import closing, proofs, runs, withholding_rules


class CheckView(msgspec.Struct, frozen=True):
    """One point of the checklist."""

    point: str
    title: dict[str, str]
    ready: bool
    said: dict[str, str]


class Checklist(msgspec.Struct, frozen=True):
    """Whether the books of a currency may be closed up to `end`."""

    currency: str
    end: str
    ready: bool
    points: list[CheckView]


async def check_month(tx: Tx, currency: str, end: datetime) -> Sequence[Checked]:
    """Every point of the checklist of one currency and the end of a month."""
    run = await runs.opened_before(tx, currency, end)
    there = await closing.at_provider(tx, currency, end)
    proof = await proofs.last_proof(tx, currency, end)
    count, oldest = await closing.unclaimed(tx, currency, end)
    rules = await withholding_rules.in_force(tx)
    facts = Facts(
        end=end,
        settled=currency in await runs.currencies_settled(tx, end),
        open_run=ids.text("run", run.id) if run is not None else None,
        uses_provider=there.used,
        looked_at=there.looked_at,
        waiting=there.waiting,
        stopped=there.stopped,
        proof_difference=proof.difference if proof is not None else None,
        proof_short=proof.short if proof is not None else None,
        proof_complete=proof is not None and proof.complete,
        unclaimed=count,
        oldest_unclaimed=oldest,
        papers=await closing.papers(tx, currency, end),
        withholding=rules.payer if rules is not None else None,
    )
    return check(facts)


async def show_checklist(tx: Tx, currency: str, end: datetime) -> Checklist:
    """The checklist as the API shows it."""
    points = await check_month(tx, currency, end)
    stamp = end.astimezone(UTC).isoformat().replace("+00:00", "Z")
    views = [CheckView(one.point.value, TITLES[one.point].map(), one.ready, one.said.map()) for one in points]
    return Checklist(currency, stamp, all(one.ready for one in points), views)


def open_points(points: Sequence[Checked]) -> Text | None:
    """The points that are not in order, for a person; None where all are."""
    said = [
        Text(f"{one.point.value} ({one.said.en})", f"{one.point.value}（{one.said.zh}）")
        for one in points
        if not one.ready
    ]
    return listed(said) if said else None
