"""Money at the bank: statements handed in, and entries that named nobody."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import Response, post
from litestar.openapi.spec import OpenAPIMediaType, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIType
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from exchange.apps.http.answers import Asked, write
from exchange.apps.http.context import actor_of
from exchange.apps.http.documented import Command, answers, command, show
from exchange.apps.http.wire import Id, MoneyWire, Time, body_id, money_wire, object_id, stamp
from exchange.apps.operator.problems import UNSUPPORTED_MEDIA
from exchange.apps.operator.seeing import see
from exchange.flows.credit_bank_transfer import Credited, FeeTaken, match_bank_entry, take_bank_fee
from exchange.flows.import_bank_statement import StatementImported, import_bank_statement
from exchange.kernel import ids
from exchange.kernel.errors import Refused
from settlement.bank_statement import COLUMNS
from settlement.payments import BankEntryRecord
from settlement.store import payments

BODY_MAX_BYTES = 8 * 1024 * 1024
_EXAMPLE = f"""{",".join(COLUMNS)}
2026-01-14,50000.00,CNY,Example Lab Ltd.,{"ab" * 32},pay_01m80jwmabesg81hwe4cc73nw9,BK-20260114-1
"""


class StatementCall(Command):
    """A command whose body is a bank's statement."""

    def __post_init__(self) -> None:
        """Say what the file looks like."""
        super().__post_init__()
        file = OpenAPIMediaType(schema=Schema(type=OpenAPIType.STRING, examples=[_EXAMPLE]))
        self.request_body = RequestBody(content={"text/csv": file}, required=True)


class BankEntryView(msgspec.Struct, frozen=True):
    """Money that moved and names nobody we know; it waits in suspense.

    What went out has an amount below zero. `maybe` is whose it may be: an announced amount from an account that was always
    theirs.
    """

    id: Annotated[str, Meta(examples=["rsc_01m80jwmabesg81hwe4cc73nw9"])]
    entry: Annotated[str, Meta(description="The bank's own id.", examples=["BK-20260114-1"])]
    reference: str
    amount: MoneyWire
    booked_at: Time
    maybe: Id | None = None


class UnmatchedView(msgspec.Struct, frozen=True):
    """The oldest two hundred entries that wait for an owner."""

    items: list[BankEntryView]


class MatchWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose the money is."""

    organisation: Id


@post(
    "/operator/v1/bank-statements",
    status_code=201,
    operation_class=StatementCall,
    request_max_body_size=BODY_MAX_BYTES,
    responses=answers(StatementImported, 201, 400, 401, 403, 413),
)
async def import_statement(request: Asked) -> Response[bytes]:
    """Hand in the bank's statement as CSV; every line is answered. 导入银行对账单（CSV），逐行返回结果。

    Money that quotes a payment (`pay_...`) or an organisation (`org_...`) fills that wallet; the rest waits for a match.
    Lines that were booked before change nothing, so overlapping statements do no harm.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in ("text/csv", "text/plain"):
        raise Refused(UNSUPPORTED_MEDIA(wanted="text/csv"))
    actor, content = actor_of(request), await request.body()
    return await write(request, "bank.import", lambda tx: import_bank_statement(tx, actor, content))


@show("/operator/v1/bank-entries/unmatched", UnmatchedView, 401, 403)
async def list_unmatched(request: Asked) -> UnmatchedView:
    """Money that waits for an owner. 待认领的银行来款。"""
    return UnmatchedView([_entry(one) for one in await see(request, payments.unmatched_bank_entries)])


@command("/operator/v1/bank-entries/{entry:str}/match", Credited, 400, 401, 403, 404, status=200)
async def match_entry(request: Asked, entry: FromPath[str], data: JSONBody[MatchWish]) -> Response[bytes]:
    """Give an unmatched entry to its owner's wallet. 认领银行来款。"""
    actor, entry_id = actor_of(request), object_id("rsc", entry)
    owner = body_id("org", data.organisation)
    return await write(
        request,
        "bank.match",
        lambda tx: match_bank_entry(tx, actor, entry_id, owner),
        status=200,
        object_id=data.organisation,
    )


@command("/operator/v1/bank-entries/{entry:str}/fee", FeeTaken, 401, 403, 404, status=200)
async def take_fee(request: Asked, entry: FromPath[str]) -> Response[bytes]:
    """Book an unmatched entry that went out as the bank's fee. 记为银行手续费。"""
    actor, entry_id = actor_of(request), object_id("rsc", entry)
    return await write(request, "bank.fee", lambda tx: take_bank_fee(tx, actor, entry_id), status=200, object_id=entry)


def _entry(one: BankEntryRecord) -> BankEntryView:
    kept = one.entry
    return BankEntryView(
        id=ids.text("rsc", one.id),
        entry=kept.entry_ref,
        reference=kept.reference,
        amount=money_wire(kept.amount.units, kept.amount.currency),
        booked_at=stamp(kept.booked_at),
        maybe=ids.text("org", one.maybe_id) if one.maybe_id else None,
    )


ROUTES = (import_statement, list_unmatched, match_entry, take_fee)
