"""What a line of a statement shows beside its amount, so that the payee can work the amount out again. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol
from uuid import UUID

from exchange.kernel import ids
from exchange.kernel.money import Money, decimal_text
from exchange.kernel.text import LocaleMap
from settlement.accounts import AccountKind
from settlement.conversion import Conversion, value_text
from settlement.refunds import Paid, reversed_units
from settlement.splits import Role
from settlement.waterfall import LIFE, NOTHING, Bucket, Carried, Introduced, Level, Per


class Piece(Protocol):
    """An order or charge that a run split: its own id, that of its sale, and the order of both."""

    @property
    def source_id(self) -> UUID:
        """The order or charge itself."""

    @property
    def sale_id(self) -> UUID:
        """The sale that it belongs to: itself, or what it corrects."""

    @property
    def order_id(self) -> UUID:
        """The order of both."""


Part = tuple[str, Per, str, Role, UUID | None, int, int]


def split_line(
    payee_id: UUID,
    run_id: UUID,
    rule: tuple[UUID, Mapping[str, Any]],
    sold: Sequence[tuple[Piece, str, int]],
    before: Mapping[Bucket, Level],
    introduced: Mapping[UUID, Introduced],
    parts: Sequence[Part],
    aside: tuple[int, int],
    carried: tuple[Mapping[str, Carried], Mapping[str, Carried]] = (NOTHING, NOTHING),
) -> dict[str, Any]:
    """What a booking of a split rule shows one payee: what was sold, where each period stood before, what its steps gave.

    shapes   rule = (id, document); sold: (order or charge, month, units); parts: (step, per, period, role, organisation,
             cumulative, amount); aside: what went to the payee's advance, and what it owes; periods over which no step
             counts are left out; carried: what steps per lifetime went on from before, and now
    """
    by_sale: dict[UUID, list[tuple[Piece, str, int]]] = {}
    for one in sold:
        by_sale.setdefault(one[0].sale_id, []).append(one)
    me = ids.text("org", payee_id)
    counted = {step["per"] for step in rule[1]["steps"]}
    own_advance = {step["id"] for step in rule[1]["steps"] if step.get("advance_of") == me}
    months = {month: _level(before.get(Bucket(Per.MONTH, month))) for month in sorted({month for _, month, _ in sold})}
    return {
        "source": ids.text("spl", run_id),
        "rule": ids.text("rul", rule[0]),
        "sales": [
            _sale(sale_id, pieces, before if Per.SALE in counted else None, introduced.get(sale_id))
            for sale_id, pieces in by_sale.items()
        ],
        **({"months": months} if Per.MONTH in counted else {}),
        **({"lifetime": _level(before.get(LIFE))} if Per.LIFETIME in counted else {}),
        **({"carried": {"before": _on(carried[0]), "now": _on(carried[1])}} if carried[0] or carried[1] else {}),
        "parts": [
            {
                "step": step,
                "per": per.value,
                "period": _named(period, by_sale) if per is Per.SALE else period,
                "role": role.value,
                "cumulative": decimal_text(cumulative),
                "amount": decimal_text(amount),
            }
            for step, per, period, role, holder, cumulative, amount in parts
            if holder == payee_id or (holder is None and role is Role.PLATFORM and step in own_advance)
        ],
        "advance": decimal_text(aside[0]),
        "owed": decimal_text(-aside[1]),
    }


def back_line(payee_id: UUID, paid: Paid, cumulative: int) -> dict[str, Any]:
    """What had gone back of a sale before the payee's share was released, and the parts that it was taken from."""
    own = [
        n
        for n, (account, _) in enumerate(paid.parts)
        if account.organisation_id == payee_id and account.kind is AccountKind.PENDING
    ]
    weights = [units for _, units in paid.parts]
    gone = reversed_units(weights, cumulative)
    return {
        "back": {
            "after": decimal_text(cumulative),
            "parts": [decimal_text(units) for units in weights],
            "own": [str(n) for n in own],
            "taken": decimal_text(sum(gone[n] for n in own)),
        }
    }


def conversion_line(one: Conversion) -> dict[str, Any]:
    """Both sides of a conversion, with its rate."""
    return {
        "source": ids.text("cnv", one.id),
        "sold": one.sold.to_wire(),
        "bought": one.bought.to_wire(),
        "rate": value_text(one.value),
        "rate_source": one.source,
    }


def credit_line(credit_id: UUID, amount: Money, explanation: LocaleMap, owed: int) -> dict[str, Any]:
    """What a buyer was credited, why, and what of it the payee owes because it was not there."""
    return {
        "source": ids.text("crd", credit_id),
        "credit": amount.to_wire(),
        "owed": decimal_text(-owed),
        "text": dict(explanation),
    }


def tax_line(document_id: UUID, owed: int) -> dict[str, Any]:
    """The paper whose tax a line is, and what of the tax the payee owes because it was not there."""
    return {"source": ids.text("doc", document_id), **({"owed": decimal_text(-owed)} if owed else {})}


def _sale(
    sale_id: UUID,
    pieces: Sequence[tuple[Piece, str, int]],
    before: Mapping[Bucket, Level] | None,
    introduced: Introduced | None,
) -> dict[str, Any]:
    more: dict[str, Any] = {}
    if before is not None:
        more["before"] = _level(before.get(Bucket(Per.SALE, str(sale_id))))
    if introduced is not None:
        share = decimal_text(introduced.share)
        more["introduced"] = {"broker": ids.text("org", introduced.broker_id), "percent": share}
    return {
        "sale": _text(sale_id, pieces[0][0].order_id),
        "month": pieces[0][1],
        "sold": [
            {"source": _text(piece.source_id, piece.order_id), "amount": decimal_text(units)}
            for piece, _, units in pieces
        ],
        **more,
    }


def _level(level: Level | None) -> dict[str, str]:
    one = level or Level()
    return {"gross": decimal_text(one.gross), "came_in": decimal_text(one.came_in), "left": decimal_text(one.left)}


def _on(carried: Mapping[str, Carried]) -> dict[str, dict[str, str]]:
    return {
        step: {
            "taken": decimal_text(one.taken),
            "gross": decimal_text(one.gross),
            "came_in": decimal_text(one.came_in),
            "had": decimal_text(one.had),
        }
        for step, one in carried.items()
    }


def _named(period: str, by_sale: Mapping[UUID, Sequence[tuple[Piece, str, int]]]) -> str:
    sale_id = UUID(period)
    return _text(sale_id, by_sale[sale_id][0][0].order_id) if sale_id in by_sale else period


def _text(source_id: UUID, order_id: UUID) -> str:
    return ids.text("ord" if source_id == order_id else "chg", source_id)
