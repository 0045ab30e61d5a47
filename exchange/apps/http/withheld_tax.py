"""What was withheld from a payee in a year: its certificate for its own tax office."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from litestar.params import QueryParameter
from msgspec import Meta

from exchange.apps.http.answers import Asked
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.documented import show
from exchange.apps.http.money_papers import withheld_paper_routes
from exchange.apps.http.wire import Id, MoneyWire, Time, money_wire, stamp
from exchange.kernel import ids
from exchange.kernel.money import Money
from settlement.paper.withholding_sheet import totals
from settlement.store import withholding
from settlement.store.withholding import Kept

_Year = Annotated[
    int | None,
    QueryParameter(
        description="A calendar year; this one if not given. 年份，默认本年。", ge=2000, le=9998, required=False
    ),
]
_ANY = {"portal": "any"}


class WithheldLine(msgspec.Struct, frozen=True):
    """One payout; what came back with a payout that failed is not in the sums."""

    payout: Id
    at: Time
    payer: Annotated[str, Meta(description="Whose tax. 扣缴国。", examples=["DE"])]
    payee: Annotated[str, Meta(description="The payee's country. 收款方所在国。", examples=["CN"])]
    income: Annotated[str, Meta(examples=["royalty"])]
    gross: MoneyWire
    rate: Annotated[str, Meta(description="As a fraction. 税率（小数）。", examples=["0.1"])]
    withheld: MoneyWire
    net: MoneyWire
    source: Annotated[str, Meta(description="Where the rule is written. 依据。")]
    relief: Annotated[Id | None, Meta(description="The paper that lowered it. 减免证明。")]
    back: Annotated[bool, Meta(description="It came back with its payout. 已随付款退回。")]


class WithheldSum(msgspec.Struct, frozen=True):
    """The sums of one country, kind of income and currency."""

    payer: str
    income: str
    gross: MoneyWire
    withheld: MoneyWire
    net: MoneyWire


class WithheldYear(msgspec.Struct, frozen=True):
    """A calendar year (UTC), by the day on which payouts were ordered."""

    organisation: Id
    year: int
    sums: list[WithheldSum]
    lines: list[WithheldLine]


def withheld_tax_routes(prefix: str) -> tuple[Any, ...]:
    """The route under a payee's portal."""

    @show(f"{prefix}/withheld-tax", WithheldYear, 400, 401, 403, opt=_ANY)
    async def read(request: Asked, year: _Year = None) -> WithheldYear:
        """Tax withheld from your payouts in a year: gross, tax and net of each, and their sums. 年度代扣税款证明。

        Empty where the exchange withholds nothing; payouts at a rate of nothing are named with their rule.
        """
        actor, db = actor_of(request), services_of(request).db
        wanted = db.clock.now().year if year is None else year
        since, until = datetime(wanted, 1, 1, tzinfo=UTC), datetime(wanted + 1, 1, 1, tzinfo=UTC)
        async with db.read(actor) as tx:
            kept = await withholding.kept_of(tx, actor.organisation_id, since, until)
        return WithheldYear(ids.text("org", actor.organisation_id), wanted, _sums(kept), [_line(one) for one in kept])

    return (read, *withheld_paper_routes(prefix))


def _sums(kept: list[Kept]) -> list[WithheldSum]:
    return [
        WithheldSum(one.payer, one.income.value, _wire(one.gross), _wire(one.withheld), _wire(one.gross - one.withheld))
        for one in totals(kept)
    ]


def _line(one: Kept) -> WithheldLine:
    return WithheldLine(
        payout=ids.text("pot", one.payout_id),
        at=stamp(one.created_at),
        payer=one.payer,
        payee=one.payee,
        income=one.income.value,
        gross=_wire(one.gross),
        rate=f"{one.rate:f}",
        withheld=_wire(one.withheld),
        net=_wire(one.gross - one.withheld),
        source=one.source,
        relief=None if one.relief_id is None else ids.text("wrl", one.relief_id),
        back=one.back,
    )


def _wire(money: Money) -> MoneyWire:
    return money_wire(money.units, money.currency)
