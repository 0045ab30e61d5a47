"""What is overdue, as buyers and the operator read it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from exchange.apps.http.wire import Id, MoneyWire, Time, money_wire, stamp
from exchange.kernel import ids
from exchange.kernel.text import Text
from settlement.dunning import Case, Notice, Owed, Plan, Said, Stage, next_step

_WORDS: dict[Said, Text] = {
    Said.OPENED: Text(
        "A sum could not be paid from your wallet. Please top it up; it is then collected by itself.",
        "有款项未能从钱包扣付。请充值，随后自动扣收。",
    ),
    Said.REMINDED: Text("A reminder: the sum is still unpaid.", "催告：款项仍未支付。"),
    Said.LAST_NOTICE: Text(
        "The last notice: if the sum stays unpaid, the grants behind it will be suspended.",
        "最后通知：如仍不支付，相应使用权将被暂停。",
    ),
    Said.SUSPENDED: Text(
        "The grants behind the unpaid sum are suspended until it is paid.", "相应使用权已暂停，付清后恢复。"
    ),
    Said.RESUMED: Text("The grants go on: what is left to pay is disputed.", "使用权已恢复：剩余款项处于争议中。"),
    Said.CLOSED: Text("Everything is paid; suspended grants go on.", "款项已全部付清，暂停的使用权恢复。"),
}


class DunningCase(msgspec.Struct, frozen=True):
    """An overdue case between a buyer and a seller in one currency; paused as long as all of it is disputed."""

    id: Annotated[str, Meta(examples=["dun_01m80jwmabesg81hwe4cc73nw9"])]
    buyer: Id
    seller: Id
    currency: Annotated[str, Meta(examples=["CNY"])]
    stage: Annotated[str, Meta(description="opened, reminded, last_notice, suspended, closed", examples=["reminded"])]
    paused: bool
    opened_at: Time
    moved_at: Time
    closed_at: Time | None


class DebtView(msgspec.Struct, frozen=True):
    """A sum that is unpaid, and for which charge and grant; an order on account has neither named."""

    charge: Id | None
    order: Id
    grant: Id | None
    unpaid: MoneyWire
    since: Time


class NoticeView(msgspec.Struct, frozen=True):
    """What was said, and what was owed then, disputed sums included."""

    said: Annotated[str, Meta(examples=["reminded"])]
    text: dict[str, str]
    owed: MoneyWire
    disputed: MoneyWire
    at: Time


class NextStep(msgspec.Struct, frozen=True):
    """What comes next if nothing is paid, and not before when."""

    stage: Annotated[str, Meta(examples=["suspended"])]
    not_before: Time


class CaseCourse(msgspec.Struct, frozen=True):
    """A case with every notice, what is unpaid now, and what comes next."""

    case: DunningCase
    debts: list[DebtView]
    notices: list[NoticeView]
    next: NextStep | None


def case_view(one: Case) -> DunningCase:
    """A case as its parties and the operator see it."""
    return DunningCase(
        id=ids.text("dun", one.id),
        buyer=ids.text("org", one.buyer_id),
        seller=ids.text("org", one.seller_id),
        currency=one.currency,
        stage=one.stage.value,
        paused=one.paused_at is not None,
        opened_at=stamp(one.opened_at),
        moved_at=stamp(one.moved_at),
        closed_at=None if one.closed_at is None else stamp(one.closed_at),
    )


def course_view(one: Case, debts: Sequence[Owed], notices: Sequence[Notice], plan: Plan) -> CaseCourse:
    """A case with its whole course."""
    return CaseCourse(
        case_view(one),
        [
            DebtView(
                None if debt.grant_id is None else ids.text("chg", debt.source_id),
                ids.text("ord", debt.order_id),
                None if debt.grant_id is None else ids.text("grt", debt.grant_id),
                money_wire(debt.units, debt.currency),
                stamp(debt.since),
            )
            for debt in debts
        ],
        [
            NoticeView(
                said.said.value,
                _WORDS[said.said].map(),
                money_wire(said.owed_units, said.currency),
                money_wire(said.paused_units, said.currency),
                stamp(said.created_at),
            )
            for said in notices
        ],
        _next(one, debts, plan),
    )


def _next(one: Case, debts: Sequence[Owed], plan: Plan) -> NextStep | None:
    if one.stage is Stage.CLOSED or one.paused_at is not None or not debts:
        return None
    after = next_step(one, min(debt.since for debt in debts), plan)
    return None if after is None else NextStep(after[0].value, stamp(after[1]))
