"""One trade through every room, in the order in which things happened: for the operator and `exchange trace`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from compliance import store as audit
from contracts import store as contracts
from contracts.store import AgreementRow
from exchange.access.store import course
from exchange.access.store.course import Course
from exchange.catalog.offers import Offer
from exchange.catalog.store import listings
from exchange.kernel import ids
from exchange.kernel.db import Tx
from exchange.kernel.money import Money
from exchange.kernel.text import LANGUAGES, Text, pick
from exchange.parties import store as parties
from settlement.store import trade as settlement
from settlement.store.trade import Booking, Trade

_BOOKED = {
    "top_up": Text("Money booked into the wallet", "款项计入钱包"),
    "purchase": Text("Purchase booked: price split between everybody with a share", "购买入账：价款按分成记入各方"),
    "charge": Text("Charge booked: metered use or a new period", "费用入账：计量用量或新周期"),
    "release": Text("Settled: shares become payable", "结算：分成转为应付"),
    "refund": Text("Refunded: everybody's part goes back to the buyer", "退款：各方份额退回买方"),
    "hold": Text("Money held until something is decided", "款项冻结，待确定后处理"),
    "award": Text("A dispute ended: one side pays the other", "争议了结：一方向另一方付款"),
    "arbitration_fee": Text("The arbitrator is paid by who lost", "败诉方支付仲裁费"),
    "hold_end": Text("The hold ended: settled or given back", "冻结结束：已结算或退回"),
}


class MoneyLine(msgspec.Struct, frozen=True):
    """A sum and whose it is; `account` is empty where nothing was booked yet."""

    amount: dict[str, str]
    account: str = ""
    organisation: str | None = None


class AuditMark(msgspec.Struct, frozen=True):
    """Where the audit log has it; `leaf` is None until the sequencer has seen it."""

    action: str
    seq: int
    leaf: int | None


class TradeStep(msgspec.Struct, frozen=True):
    """One thing that happened; `text` says it in both languages, with its money and its place in the log."""

    at: str
    room: str
    object: str
    text: dict[str, str]
    money: list[MoneyLine]
    audit: list[AuditMark]


class TradeView(msgspec.Struct, frozen=True):
    """A trade from its agreement to its payouts, oldest step first."""

    order: str
    state: str
    total: dict[str, str]
    buyer: str
    seller: str
    names: dict[str, dict[str, str]]
    listing: str
    offer: str
    steps: list[TradeStep]


Step = tuple[datetime, str, str, Text, list[MoneyLine]]


async def show_trade(tx: Tx, order_id: UUID) -> TradeView | None:
    """Follow one order through all rooms, one store call per package; for the app's role. None: no such order."""
    trade = await settlement.trade_of(tx, order_id)
    if trade is None:
        return None
    order = trade.order
    agreement = (await contracts.find_agreements(tx, [order.agreement_id])).get(order.agreement_id)
    used = await course.course_of(tx, order_id)
    offer = await listings.find_offer(tx, order.offer_id)
    names = await parties.public_names(tx, sorted(_parties(trade)))
    # Sorted by time, and as they stand here within one moment: a transaction has one time.
    steps = sorted(
        [*_agreed(trade, agreement, offer), *_paid(trade), *_used(used), *_settled(trade)], key=lambda s: s[0]
    )
    marks = await audit.marks_of(tx, sorted({step[2] for step in steps}))
    told: set[str] = set()
    known = {ids.text("org", one): dict(name) for one, name in names.items()}
    return TradeView(
        order=ids.text("ord", order.id),
        state=order.state.value,
        total=order.price.to_wire(),
        buyer=ids.text("org", order.buyer_id),
        seller=ids.text("org", order.seller_id),
        names=known,
        listing=ids.text("lst", order.listing_id),
        offer=ids.text("ofr", order.offer_id),
        steps=[_step(step, marks, told, known) for step in steps],
    )


def _parties(trade: Trade) -> set[UUID]:
    booked = {line.organisation_id for one in trade.bookings for line in one.lines if line.organisation_id}
    return booked | {trade.order.buyer_id, trade.order.seller_id}


def _agreed(trade: Trade, agreement: AgreementRow | None, offer: Offer | None) -> Iterator[Step]:
    order = trade.order
    if agreement is not None:
        digest = agreement.sha256.hex()[:16]
        text = Text(f"Agreement signed ({digest}…)", f"合约签署（{digest}…）")
        yield agreement.created_at, "contracts", ids.text("agr", agreement.id), text, []
    kind = f"{offer.kind.value} {offer.code} v{offer.version}" if offer else ""
    text = Text(f"Ordered ({kind}), paid by {order.payment.value}", f"下单（{kind}），支付方式 {order.payment.value}")
    yield order.created_at, "settlement", ids.text("ord", order.id), text, [MoneyLine(order.price.to_wire())]


def _paid(trade: Trade) -> Iterator[Step]:
    for one in trade.payments:
        text = Text(f"Card payment {one.state.value}", f"银行卡支付：{one.state.value}")
        at = one.finished_at or one.created_at
        yield at, "settlement", ids.text("pay", one.id), text, [MoneyLine(one.amount.to_wire())]
    for charge in trade.charges:
        text = Text(f"Charged: {charge.component}", f"计费：{charge.component}")
        if charge.corrects is not None:
            name = ids.text("ord" if charge.corrects == trade.order.id else "chg", charge.corrects)
            text = Text(f"Corrected: {charge.component}, for {name}", f"更正：{charge.component}（针对 {name}）")
        yield charge.at, "settlement", ids.text("chg", charge.id), text, [MoneyLine(charge.amount.to_wire())]
    for booking in trade.bookings:
        yield booking.at, "settlement", ids.text("jnl", booking.id), _BOOKED[booking.kind], _lines(booking)


def _lines(booking: Booking) -> list[MoneyLine]:
    return [
        MoneyLine(
            line.amount.to_wire(),
            line.account,
            ids.text("org", line.organisation_id) if line.organisation_id else None,
        )
        for line in booking.lines
    ]


def _used(used: Course) -> Iterator[Step]:
    for grant in used.grants:
        purposes = ", ".join(grant.purposes)
        text = Text(
            f"Grant issued for {purposes}; it is {grant.state.value}",
            f"使用权生效，用途 {purposes}；当前 {grant.state.value}",
        )
        yield grant.created_at, "access", ids.text("grt", grant.id), text, []
    for token in used.tokens:
        text = Text("Token taken for the data plane", "获取数据交付令牌")
        yield token.at, "access", ids.text("tok", token.id), text, []
    last = {token.grant_id: token.at for token in used.tokens}
    begun = {grant.id: grant.created_at for grant in used.grants}
    for one in used.used:
        # Use goes on; it stands after the token that it was made with.
        text = Text(
            f"Used so far: {one.quantity:,} {one.meter} in {one.n} records",
            f"累计用量：{one.quantity:,} {one.meter}，共 {one.n} 条记录",
        )
        yield last.get(one.grant_id, begun[one.grant_id]), "access", ids.text("grt", one.grant_id), text, []


def _settled(trade: Trade) -> Iterator[Step]:
    for one in trade.invoices:
        text = Text(f"Invoice {one.series} {one.number} issued", f"账单 {one.series} {one.number} 已开具")
        yield one.at, "settlement", ids.text("inv", one.id), text, [_whole(one.total)]
    for part in trade.statements:
        text = Text(f"On statement {part.number} of a payee", f"计入收款方第 {part.number} 期结算单")
        owner = ids.text("org", part.organisation_id)
        line = MoneyLine(part.part.to_wire(), "payable", owner)
        yield part.at, "settlement", ids.text("stm", part.id), text, [line]
    for out in trade.payouts:
        text = Text(f"Payout by {out.rail.value}: {out.state.value}", f"付款（{out.rail.value}）：{out.state.value}")
        owner = ids.text("org", out.organisation_id)
        at = out.finished_at or out.created_at
        yield at, "settlement", ids.text("pot", out.id), text, [MoneyLine(out.amount.to_wire(), "payable", owner)]


def _whole(total: Money) -> MoneyLine:
    return MoneyLine(total.to_wire(), "invoice")


def _step(
    step: Step,
    marks: Mapping[str, Sequence[tuple[str, int, int | None]]],
    told: set[str],
    names: Mapping[str, Mapping[str, str]],
) -> TradeStep:
    at, room, name, text, money = step
    # The marks of an object stand beside the first step that names it.
    found = [] if name in told else [AuditMark(*mark) for mark in marks.get(name, ())]
    told.add(name)
    said = {language: _say(text.in_(language), money, found, names, language) for language in LANGUAGES}
    return TradeStep(at.isoformat().replace("+00:00", "Z"), room, name, said, money, found)


def _say(
    text: str,
    money: Sequence[MoneyLine],
    found: Sequence[AuditMark],
    names: Mapping[str, Mapping[str, str]],
    language: str,
) -> str:
    sums = [f"{_whose(line, names, language)}{line.amount['amount']} {line.amount['currency']}" for line in money]
    places = [str(mark.leaf) for mark in found if mark.leaf is not None]
    told = f"{text}: {'; '.join(sums)}" if sums else text
    return f"{told} [log {', '.join(places)}]" if places else told


def _whose(line: MoneyLine, names: Mapping[str, Mapping[str, str]], language: str) -> str:
    if line.organisation is None:
        return f"{line.account} " if line.account else ""
    return f"{line.account} {pick(names.get(line.organisation, {}), [language]) or line.organisation} "
