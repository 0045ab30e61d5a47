"""Tables of withholding rules, adopted with four eyes, and papers of tax offices that lower what is withheld from a payee."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

import msgspec
from litestar import Response
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from exchange.apps.http.answers import Asked, write
from exchange.apps.http.context import actor_of
from exchange.apps.http.documented import command, show
from exchange.apps.http.wire import Id, Sha256, Time, body_id, json_of, object_id, stamp
from exchange.apps.operator.seeing import see
from exchange.flows.withholding_reliefs import ReliefKept, ReliefWish, end_relief, record_relief
from exchange.flows.withholding_tables import TableReceipt, adopt_table, propose_table
from exchange.kernel import ids
from exchange.kernel.db import Tx
from settlement.store import withholding_rules
from settlement.store.withholding_rules import TableRow
from settlement.withholding import Income

_PATH = "/operator/v1/withholding-reliefs"
_TABLES = "/operator/v1/withholding-tables"
_COUNTRY = "^[A-Z]{2}$"


class RuleWire(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is withheld from payments to these countries, or to all abroad, on these days, both included."""

    payees: Annotated[
        list[Annotated[str, Meta(pattern=_COUNTRY)]] | Literal["abroad"],
        Meta(description="Countries, or `abroad`: every other country. 收款国，或 `abroad`（所有其他国家）。"),
    ]
    percent: Annotated[
        str, Meta(pattern=r"^[0-9]{1,2}(\.[0-9]{1,4})?$", description="0 is a rule. 税率（百分比），0 也是规则。")
    ]
    valid_from: date
    source: Annotated[
        str,
        Meta(min_length=1, max_length=500, description="Law and article. 依据的法律条款。", examples=["EXAMPLE 1(2)"]),
    ]
    source_date: Annotated[date, Meta(description="Of which day the text of the source is. 所依据文本的日期。")]
    valid_to: date | None = None


class TableWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose law, for which income; without a payer and rules: nothing is withheld from now on."""

    payer: Annotated[str, Meta(pattern=_COUNTRY, description="Whose tax. 扣缴国。", examples=["DE"])] | None = None
    income: Literal["royalty", "service"] = "royalty"
    rules: Annotated[list[RuleWire], Meta(max_length=2_000)] = []


class TableView(msgspec.Struct, frozen=True):
    """A table as it was proposed; the one in force was adopted last."""

    id: Id
    sha256: Sha256
    proposed_at: Time
    adopted_at: Time | None
    in_force: bool
    document: dict[str, object]


class TablesView(msgspec.Struct, frozen=True):
    """The newest hundred tables; without one in force nothing is withheld."""

    withheld: Annotated[bool, Meta(description="Whether tax is withheld from payouts now. 现在是否代扣。")]
    items: list[TableView]


@show(_TABLES, TablesView, 401, 403)
async def list_tables(request: Asked) -> TablesView:
    """Tables of withholding rules, and whether one is in force: without one nothing is withheld. 代扣税款规则表。"""
    rows, now = await see(request, _read)
    return TablesView(
        withheld=now is not None and bool(json_of(now.document)["payer"]),
        items=[_view(one, now is not None and now.id == one.id) for one in rows],
    )


@command(_TABLES, TableReceipt, 400, 401, 403, 422)
async def propose(request: Asked, data: JSONBody[TableWish]) -> Response[bytes]:
    """Propose a table of withholding rules; another client approves it, then it can be adopted. 提出代扣税款规则表。

    The exchange ships no rates. Each rule names its source, the day of that text and the days on which it holds; at home,
    too, a rate of 0 is a rule. Once a table is in force, payouts to countries without a rule wait.
    """
    actor = actor_of(request)
    rules = {
        "payer": data.payer or "",
        "income": data.income,
        "rules": [
            {
                "payees": one.payees if one.payees == "abroad" else sorted(set(one.payees)),
                "percent": one.percent,
                "from": one.valid_from.isoformat(),
                "to": one.valid_to.isoformat() if one.valid_to else None,
                "source": one.source,
                "source_date": one.source_date.isoformat(),
            }
            for one in data.rules
        ],
    }
    return await write(request, "withholding-table.propose", lambda tx: propose_table(tx, actor, rules))


@command(f"{_TABLES}/{{table:str}}/adoption", TableReceipt, 401, 403, 404, 409, status=200)
async def adopt(request: Asked, table: FromPath[str]) -> Response[bytes]:
    """Put an approved table in force, in place of the one before, for payouts from now on. 启用已批准的规则表。"""
    actor, table_id = actor_of(request), object_id("wht", table)
    return await write(
        request, "withholding-table.adopt", lambda tx: adopt_table(tx, actor, table_id), status=200, object_id=table
    )


async def _read(tx: Tx) -> tuple[list[TableRow], TableRow | None]:
    return await withholding_rules.list_tables(tx), await withholding_rules.adopted(tx)


def _view(one: TableRow, now: bool) -> TableView:
    return TableView(
        id=ids.text("wht", one.id),
        sha256=one.sha256.hex(),
        proposed_at=stamp(one.created_at),
        adopted_at=stamp(one.adopted_at) if one.adopted_at else None,
        in_force=now,
        document=json_of(one.document),
    )


class Relief(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the office's paper says; both days are included."""

    organisation: Id
    payer: Annotated[str, Meta(pattern="^[A-Z]{2}$", description="Whose tax. 扣缴国。", examples=["DE"])]
    income: Literal["royalty", "service"]
    rate: Annotated[
        str, Meta(pattern=r"^0(\.[0-9]{1,6})?$", description="As a fraction. 税率（小数）。", examples=["0.05"])
    ]
    number: Annotated[str, Meta(min_length=1, max_length=100, description="Its number. 证明编号。")]
    valid_from: date
    valid_to: date


@command(_PATH, ReliefKept, 400, 401, 403, 404, 422)
async def record(request: Asked, data: JSONBody[Relief]) -> Response[bytes]:
    """Record a paper that lowers the tax on payouts to a payee, from now on. 登记代扣税款减免证明。"""
    actor, days = actor_of(request), (data.valid_from, data.valid_to)
    payee = body_id("org", data.organisation)
    wish = ReliefWish(payee, data.payer, Income(data.income), Decimal(data.rate), data.number, *days)
    return await write(
        request, "withholding.relief", lambda tx: record_relief(tx, actor, wish), object_id=data.organisation
    )


@command(f"{_PATH}/{{relief:str}}/end", ReliefKept, 401, 403, 404, status=200)
async def end(request: Asked, relief: FromPath[str]) -> Response[bytes]:
    """End a relief for payouts from now on; what was paid under it stays. 终止减免。"""
    actor, relief_id = actor_of(request), object_id("wrl", relief)
    return await write(
        request,
        "withholding.relief_end",
        lambda tx: end_relief(tx, actor, relief_id),
        status=200,
        object_id=relief,
    )


ROUTES = (list_tables, propose, adopt, record, end)
