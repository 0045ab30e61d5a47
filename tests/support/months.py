"""Months going by in a market that runs on a clock of its own."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from exchange import main
from exchange.flows.register_organisation import Registered
from exchange.kernel.clock import FixedClock
from exchange.worker.loop import drain
from tests.support.api import Market, Party


async def go_to(m: Market, clock: FixedClock, at: datetime, *parties: Party) -> list[Party]:
    """Let time pass until `at`; answers these parties with tokens that are live then, and the operator's is, too."""
    clock.advance((at - clock.now()).total_seconds())
    m._operator = await _again(m, await m.operator())
    return [await _again(m, party) for party in parties]


async def settle(m: Market, year: int, month: int, currency: str = "CNY") -> None:
    """Settle a month that is over, as the operator does, and let the worker finish."""
    start, end = datetime(year, month, 1, tzinfo=UTC), datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
    wish: dict[str, Any] = {
        "period_start": start.isoformat(),
        "period_end": end.isoformat(),
        "currency": currency,
    }
    await m.done(await m.operator(), "/operator/v1/settlement-runs", wish)
    await drain(m.services.db, main.steps(m.services).table())


async def _again(m: Market, party: Party) -> Party:
    known = Registered(party.organisation, "verified", "", party.client)
    return replace(party, token=(await m.sign_in(known, party.secret)).token)
