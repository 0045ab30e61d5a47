"""Disputes as every portal shows them: the case, what was said and shown, what is held, and what may be done now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar.params import QueryParameter
from msgspec import Meta

from exchange.apps.http.wire import Id, MoneyWire, Sha256, Texts, Time, money, money_wire, stamp
from exchange.flows.disputing import source_name
from exchange.kernel import ids
from exchange.kernel.db import Tx
from exchange.kernel.errors import INVALID_REQUEST, Refused
from settlement.disputes import Award, Dispute, Move, may_here
from settlement.store import dispute_stops, disputes
from settlement.store.disputes import Evidence, Moved, Said

DisputeState = Annotated[
    Literal["open", "answered", "arbitration", "hearing", "decided", "rework", "external", "closed"] | None,
    QueryParameter(name="state", description="Only disputes in this state. 按状态筛选。"),
]
DisputeId = Annotated[str, Meta(examples=["dsp_01m80jwmabesg81hwe4cc73nw9"])]
_Part = Annotated[MoneyWire | None, Meta(description="Nothing where left out. 未填写即为零。")]
Words = Annotated[
    dict[str, str],
    Meta(
        description="In English or Chinese, or in both. 中文或英文，也可同时填写。",
        examples=[{"en": "A tenth of the records is empty.", "zh": "十分之一的记录为空。"}],
    ),
]


class AwardForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The parts of a proposal or a decision, and why; none of them: the money stays where it is."""

    words: Words
    refund: _Part = None
    credit: _Part = None
    share: _Part = None
    rework_days: Annotated[int, Meta(ge=0, le=90, examples=[0])] = 0

    def award(self, currency: str) -> Award:
        """The same as a value.

        errors   raises Refused(invalid-request) for another currency
        """
        refund, credit, share = (
            0 if one is None else _units(one, currency) for one in (self.refund, self.credit, self.share)
        )
        return Award(refund, credit, share, self.rework_days)


class AwardView(msgspec.Struct, frozen=True):
    """What was proposed or decided, in parts."""

    refund: MoneyWire
    credit: MoneyWire
    share: MoneyWire
    rework_days: Annotated[int, Meta(examples=[0])]


class DisputeView(msgspec.Struct, frozen=True):
    """A dispute as it stands. Money would go from the giver to the taker; either of them has opened it."""

    id: DisputeId
    kind: Annotated[
        str,
        Meta(description="order, delivery, quality, usage, split or chargeback. 争议类型。", examples=["quality"]),
    ]
    source: Annotated[
        str, Meta(description="The order or charge. 争议所涉订单或费用。", examples=["ord_01m80jwmabesg81hwe4cc73nw9"])
    ]
    order: Id
    giver: Id
    taker: Id
    claimant: Id
    amount: MoneyWire
    state: Annotated[
        str,
        Meta(
            description="open, answered, arbitration, hearing, decided, rework, external or closed. 当前状态。",
            examples=["answered"],
        ),
    ]
    due_at: Annotated[Time | None, Meta(description="When the clock moves it on. 期限。")]
    round: Annotated[int, Meta(description="2 after an appeal. 上诉后为 2。", examples=[1])]
    arbitrator: Id | None
    outcome: Annotated[
        str | None, Meta(description="settled, withdrawn, decided, won or lost. 结果。", examples=["settled"])
    ]
    opened_at: Time
    closed_at: Time | None


class FactView(msgspec.Struct, frozen=True):
    """One thing that was done: by whom (null: the clock or the payment provider), in which words; its digest is in the log."""

    id: Annotated[str, Meta(examples=["rsc_01m80jwmabesg81hwe4cc73nw9"])]
    number: Annotated[int, Meta(examples=[1])]
    move: Annotated[str, Meta(examples=["propose"])]
    state: Annotated[str, Meta(examples=["answered"])]
    by: Id | None
    at: Time
    words: Texts | None
    award: Annotated[AwardView | None, Meta(description="Of a proposal or a decision. 和解方案或裁决的内容。")]
    document: Annotated[str, Meta(description="The canonical JSON that was hashed. 计算摘要的规范 JSON。")]


class EvidenceView(msgspec.Struct, frozen=True):
    """A piece of evidence; `verified`: this exchange answers for it, and `document` says what it found."""

    id: Annotated[str, Meta(examples=["evd_01m80jwmabesg81hwe4cc73nw9"])]
    by: Id
    kind: Annotated[
        str,
        Meta(description="file, usage_proof, log_proof, scorecard or agreement. 证据类型。", examples=["usage_proof"]),
    ]
    title: Texts
    name: str | None
    media_type: str
    size_bytes: int
    sha256: Sha256
    verified: bool
    document: Annotated[dict[str, Any] | None, Meta(description="The exchange's own answer. 交易所核验结果。")]
    at: Time


class HoldView(msgspec.Struct, frozen=True):
    """What is held of a payee; while `released` is false its share waits and is held when it is released."""

    organisation: Id
    wanted: MoneyWire
    held: MoneyWire
    released: bool
    live: bool


class MovedView(msgspec.Struct, frozen=True):
    """Money that an award moved; `giver` null: everybody who got a part of the sale gave its part back."""

    kind: Annotated[str, Meta(description="refund, award or arbitration_fee. 款项类型。", examples=["refund"])]
    amount: MoneyWire
    giver: Id | None
    taker: Id
    refund: Annotated[str | None, Meta(examples=["rfd_01m80jwmabesg81hwe4cc73nw9"])]
    at: Time


class DisputeDocument(msgspec.Struct, frozen=True):
    """A dispute with all that was said, shown, held and moved; `may` is what you can do now."""

    dispute: DisputeView
    may: Annotated[list[str], Meta(examples=[["prove", "propose"]])]
    facts: list[FactView]
    evidence: list[EvidenceView]
    holds: Annotated[
        list[HoldView], Meta(description="Your own; all of them for the operator. 仅限本方；运营方可见全部。")
    ]
    moved: list[MovedView]


@dataclass(frozen=True, slots=True)
class Read:
    """All that a reader sees of a case."""

    dispute: Dispute
    facts: Sequence[Said]
    evidence: Sequence[Evidence]
    stops: Sequence[dispute_stops.Shown]
    moved: Sequence[Moved]


async def read_case(tx: Tx, one: Dispute) -> Read:
    """A case with what hangs on it, as far as the asking role sees it."""
    return Read(
        one,
        await disputes.facts_of(tx, one.id),
        await disputes.evidence_of(tx, one.id),
        await dispute_stops.shown_stops(tx, one.id),
        await disputes.moved_by(tx, one.id),
    )


def dispute_view(one: Dispute) -> DisputeView:
    """A dispute as the API shows it."""
    return DisputeView(
        id=ids.text("dsp", one.id),
        kind=one.kind.value,
        source=source_name(one),
        order=ids.text("ord", one.order_id),
        giver=ids.text("org", one.giver_id),
        taker=ids.text("org", one.taker_id),
        claimant=ids.text("org", one.claimant_id),
        amount=money_wire(one.amount.units, one.amount.currency),
        state=one.state.value,
        due_at=stamp(one.due_at) if one.due_at else None,
        round=one.round,
        arbitrator=_organisation(one.arbitrator_id),
        outcome=one.outcome.value if one.outcome else None,
        opened_at=stamp(one.created_at),
        closed_at=stamp(one.closed_at) if one.closed_at else None,
    )


def document_of(read: Read, reader: UUID | None) -> DisputeDocument:
    """The whole case for a reader; None: the operator, whose moves are routes of their own."""
    one, currency = read.dispute, read.dispute.amount.currency
    return DisputeDocument(
        dispute=dispute_view(one),
        may=[] if reader is None else [move.value for move in Move if may_here(one, move, reader)],
        facts=[_fact(each) for each in read.facts],
        evidence=[_evidence(each) for each in read.evidence],
        holds=[
            HoldView(
                ids.text("org", each.organisation_id),
                money_wire(each.want, currency),
                money_wire(each.held, currency),
                each.released,
                each.live,
            )
            for each in read.stops
        ],
        moved=[_moved(each) for each in read.moved],
    )


def _fact(one: Said) -> FactView:
    said = msgspec.json.decode(one.document)
    award = None
    if "rework_days" in said:
        parts = {name: MoneyWire(**said[name]) for name in ("refund", "credit", "share")}
        award = AwardView(**parts, rework_days=int(said["rework_days"]))
    return FactView(
        id=ids.text("rsc", one.id),
        number=one.number,
        move=one.move.value,
        state=one.state.value,
        by=_organisation(one.organisation_id),
        at=stamp(one.created_at),
        words=None if one.words is None else msgspec.json.decode(one.words),
        award=award,
        document=one.document.decode(),
    )


def _evidence(one: Evidence) -> EvidenceView:
    return EvidenceView(
        id=ids.text("evd", one.id),
        by=ids.text("org", one.organisation_id),
        kind=one.kind,
        title=msgspec.json.decode(one.title),
        name=one.name,
        media_type=one.media_type,
        size_bytes=one.size_bytes,
        sha256=one.sha256.hex(),
        verified=one.verified,
        document=None if one.document is None else msgspec.json.decode(one.document),
        at=stamp(one.created_at),
    )


def _moved(one: Moved) -> MovedView:
    return MovedView(
        kind=one.kind,
        amount=money_wire(one.amount.units, one.amount.currency),
        giver=_organisation(one.from_id),
        taker=ids.text("org", one.to_id),
        refund=None if one.refund_id is None else ids.text("rfd", one.refund_id),
        at=stamp(one.created_at),
    )


def _organisation(one: UUID | None) -> str | None:
    return None if one is None else ids.text("org", one)


def _units(wire: MoneyWire, currency: str) -> int:
    amount = money(wire)
    if amount.currency != currency:
        raise Refused(INVALID_REQUEST(reason=f"the dispute is in {currency}"))
    return amount.units
