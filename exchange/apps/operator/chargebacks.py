"""Payers' banks that take money back, and what payees owe after refunds."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from exchange.apps.http.answers import Asked, found, write
from exchange.apps.http.aside import aside
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.documented import command, listing
from exchange.apps.http.lists import Cursor, Limit
from exchange.apps.http.paper_pdf import pdf
from exchange.apps.http.wire import Id, MoneyWire, Time, money_wire, object_id, stamp
from exchange.apps.operator.seeing import see_page
from exchange.flows.answer_chargeback import ChargebackAnswered, Paper, answer_chargeback
from exchange.flows.recover_debt import RecoveryAsked, recover_debt
from exchange.flows.show_agreement import Gathered, gather
from exchange.kernel import ids
from exchange.kernel.db import Tx
from settlement.chargebacks import Chargeback
from settlement.recoveries import Recovery
from settlement.store import chargebacks, orders, recoveries


class ChargebackView(msgspec.Struct, frozen=True):
    """A payment that a payer's bank takes back, or asks about."""

    id: Annotated[str, Meta(examples=["cbk_01m80jwmabesg81hwe4cc73nw9"])]
    dispute: Annotated[str, Meta(description="Its name at Stripe. Stripe 争议编号。", examples=["du_1MtJUT2eZvKYlo2C"])]
    payment: Id
    payer: Id
    order: Id | None
    amount: MoneyWire
    fee: MoneyWire
    reason: Annotated[str, Meta(examples=["fraudulent"])]
    state: Annotated[
        str,
        Meta(
            description="inquiry, needs_response, under_review, won, lost or closed. 状态。",
            examples=["needs_response"],
        ),
    ]
    due_at: Annotated[Time | None, Meta(description="Until when it can be answered. 应诉截止时间。")]
    answered_at: Time | None
    covered: Annotated[
        MoneyWire,
        Meta(description="What the payer's order and wallet gave for a lost one. 败诉后已由付款方承担的金额。"),
    ]
    created_at: Time
    closed_at: Time | None


class ChargebackAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What you say to the payer's bank; no personal data. The agreement and the record of its use go along."""

    note: Annotated[
        str,
        Meta(min_length=3, max_length=5_000, examples=["The buyer signed the agreement and read the data on 3 March."]),
    ]


class RecoveryWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """In which currency."""

    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$", examples=["EUR"])]


class RecoveryView(msgspec.Struct, frozen=True):
    """A part of a payout that is brought back to pay what its payee owes."""

    id: Annotated[str, Meta(examples=["rcv_01m80jwmabesg81hwe4cc73nw9"])]
    payout: Id
    payee: Id
    wanted: MoneyWire
    brought: MoneyWire | None
    state: Annotated[str, Meta(description="created, done or refused. 状态。", examples=["done"])]
    failure: str | None
    created_at: Time
    finished_at: Time | None


@listing("/operator/v1/chargebacks", ChargebackView)
async def list_chargebacks(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
    """Payments that payers' banks take back or ask about, newest first. 拒付列表。"""
    return await see_page(request, chargebacks.list_chargebacks, _view, limit, cursor)


@command("/operator/v1/chargebacks/{chargeback:str}/answer", ChargebackAnswered)
async def answer(request: Asked, chargeback: FromPath[str], data: JSONBody[ChargebackAnswer]) -> Response[bytes]:
    """Answer a payer's bank, once, before it is due. 提交拒付应诉材料。

    The agreement goes along as a PDF, with when it was signed, access was granted and data were read. If the bank believes
    it, the money comes back; if not, the order is given back and each payee gives its part.
    """
    actor, chargeback_id = actor_of(request), object_id("cbk", chargeback)
    paper = await _paper(request, chargeback_id)
    return await write(
        request,
        "chargeback.answer",
        lambda tx: answer_chargeback(tx, actor, chargeback_id, data.note, paper),
        object_id=chargeback,
    )


@command("/operator/v1/organisations/{organisation:str}/recoveries", RecoveryAsked, 400, 401, 403, 404, 409)
async def ask_recovery(request: Asked, organisation: FromPath[str], data: JSONBody[RecoveryWish]) -> Response[bytes]:
    """Bring back what a payee owes after refunds from what was paid out to it. 追回收款方欠款。

    As far as its account at the payment provider still has it; the rest stays owed, and the next payout takes it off.
    """
    actor, organisation_id = actor_of(request), object_id("org", organisation)
    return await write(
        request,
        "recovery.ask",
        lambda tx: recover_debt(tx, actor, organisation_id, data.currency),
        object_id=organisation,
    )


@listing("/operator/v1/recoveries", RecoveryView)
async def list_recoveries(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
    """What was asked back of payees, newest first. 欠款追回记录。"""
    return await see_page(
        request, lambda tx, page: recoveries.list_recoveries(tx, None, page), _recovery, limit, cursor
    )


async def _paper(request: Asked, chargeback_id: UUID) -> Paper | None:
    """The agreement behind a chargeback as a PDF in English, which banks read, kept in the file store."""
    services = services_of(request)

    async def agreement(tx: Tx) -> Gathered | None:
        one = found((await chargebacks.get_chargebacks(tx, [chargeback_id])).get(chargeback_id))
        if one.order_id is None:
            return None
        order = (await orders.get_orders(tx, [one.order_id])).get(one.order_id)
        return None if order is None else await gather(tx, services.keyring, order.agreement_id)

    gathered = await services.db.run(agreement)
    if gathered is None:
        return None
    at = datetime.fromisoformat(msgspec.json.decode(gathered.contents.agreement)["concluded_at"])
    blob = await services.files.put(await aside(partial(pdf, gathered.paper(), "en", at)))
    return Paper(blob.sha256.hex(), blob.size_bytes)


def _view(one: Chargeback) -> ChargebackView:
    currency = one.amount.currency
    return ChargebackView(
        id=ids.text("cbk", one.id),
        dispute=one.provider_ref,
        payment=ids.text("pay", one.payment_id),
        payer=ids.text("org", one.organisation_id),
        order=ids.text("ord", one.order_id) if one.order_id else None,
        amount=money_wire(one.amount.units, currency),
        fee=money_wire(one.fee.units, one.fee.currency),
        reason=one.reason,
        state=one.state.value,
        due_at=stamp(one.due_at) if one.due_at else None,
        answered_at=stamp(one.answered_at) if one.answered_at else None,
        covered=money_wire(one.covered, currency),
        created_at=stamp(one.created_at),
        closed_at=stamp(one.closed_at) if one.closed_at else None,
    )


def _recovery(one: Recovery) -> RecoveryView:
    currency = one.wanted.currency
    return RecoveryView(
        id=ids.text("rcv", one.id),
        payout=ids.text("pot", one.payout_id),
        payee=ids.text("org", one.organisation_id),
        wanted=money_wire(one.wanted.units, currency),
        brought=None if one.brought is None else money_wire(one.brought.units, currency),
        state=one.state.value,
        failure=one.failure,
        created_at=stamp(one.created_at),
        finished_at=stamp(one.finished_at) if one.finished_at else None,
    )


ROUTES = (list_chargebacks, answer, ask_recovery, list_recoveries)
