"""Waterfalls as documents: what a supplier writes, what the exchange signs, and how it is read again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from exchange.kernel import ids
from exchange.kernel.canonical import canonical
from exchange.kernel.errors import Problem
from exchange.kernel.money import units_of
from exchange.kernel.schemas import Shape
from exchange.kernel.text import Text
from settlement.guarantees import Guarantor, Promise
from settlement.lineage import Holder
from settlement.problems import SPLIT_FIELD
from settlement.splits import WITHOUT_ORGANISATION, Role
from settlement.waterfall import Band, Op, Payee, Per, Step, Waterfall

SHAPE = Shape.load("settlement", "waterfall.schema.json")
SCHEMA = SHAPE.schema
DOCUMENT_MAX_BYTES = 64 * 1024
# Which fields each kind of step needs, and which it may have beside id, op, per and payees.
_NEEDS: dict[Op, frozenset[str]] = {
    Op.FIXED: frozenset({"amount"}),
    Op.SHARE_OF_GROSS: frozenset({"percent"}),
    Op.SHARE_OF_NET: frozenset({"percent"}),
    Op.TIERS: frozenset({"tiers"}),
    Op.MANDATE: frozenset(),
    Op.RECOUP: frozenset({"amount"}),
    Op.GUARANTEE: frozenset({"amount"}),
    Op.RESIDUAL: frozenset(),
}
_LIMITS = frozenset({"at_least", "at_most"})
_MAY: dict[Op, frozenset[str]] = {
    Op.FIXED: frozenset(),
    Op.SHARE_OF_GROSS: _LIMITS,
    Op.SHARE_OF_NET: _LIMITS,
    Op.TIERS: _LIMITS | {"of"},
    Op.MANDATE: _LIMITS,
    Op.RECOUP: frozenset({"percent", "advance_of"}),
    Op.GUARANTEE: frozenset({"guaranteed_by", "recouped"}),
    Op.RESIDUAL: frozenset(),
}
_COMMON = frozenset({"id", "op", "per", "payees", "carry"})
_NOT_HERE = Text("does not belong to a step of this kind", "不属于该类步骤")
_NO_LIFE = Text("belongs to a step per lifetime that is not the residual", "仅适用于按全期计算的非剩余步骤")
_NO_MONTH = Text("belongs to a guarantee per month", "仅适用于按月计算的保底步骤")
_OWN_GUARANTOR = Text("are paid by their own guarantor", "的收款方即为保底方自身")
_NO_GUARANTOR = Text("needs guaranteed_by", "须同时填写 guaranteed_by")
_MISSING = Text("is missing", "缺失")
_NO_ORGANISATION = Text("names an organisation, but this role has none", "填写了机构，但该角色不对应机构")
_WHOSE = Text("is missing; say which organisation", "缺失；请填写机构编号")
_OF = Text("says of, which only an upstream payee may", "填写了 of，仅上游权利人可用")
_OF_OR = Text("needs either organisation or of, and not both", "必须且只能包含 organisation 或 of 之一")
_NO_ZONE = Text("is no time zone that we know", "不是已知时区")
_BACKWARDS = Text("is not after effective_from", "不晚于 effective_from")
_TOO_LARGE = Text(f"is larger than {DOCUMENT_MAX_BYTES} bytes", f"超过 {DOCUMENT_MAX_BYTES} 字节")


@dataclass(frozen=True, slots=True)
class Draft:
    """A waterfall as its author wrote it, of the right form; upstream payees may still be listings.

    shapes   effective_until None: without end
    """

    document: Mapping[str, Any]
    currency: str
    effective_from: datetime | None
    effective_until: datetime | None

    @property
    def asks(self) -> dict[str, tuple[str, ...] | None]:
        """The steps that pay upstream listings: step -> the listings named, None for all."""
        found: dict[str, tuple[str, ...] | None] = {}
        for step in self.document["steps"]:
            for payee in step["payees"]:
                if "of" in payee:
                    found[step["id"]] = None if payee["of"] == "all" else tuple(payee["of"])
        return found

    def organisations(self) -> set[UUID]:
        """Everybody whom it names."""
        steps = self.document["steps"]
        named = {payee["organisation"] for step in steps for payee in step["payees"] if "organisation" in payee}
        named |= {step["advance_of"] for step in steps if "advance_of" in step}
        return {ids.parse("org", one) for one in named}


@dataclass(frozen=True, slots=True)
class SplitRule:
    """One version of a rule: signed by the exchange, never changed. `code` names the rule among those of its dataset.

    shapes   stateless: it is nothing but weights
    """

    id: UUID
    supplier_id: UUID
    dataset_id: UUID
    code: str
    version: int
    currency: str
    effective_from: datetime
    effective_until: datetime | None
    stateless: bool
    document: bytes
    sha256: bytes
    kid: str
    signature: bytes
    created_at: datetime

    def in_force(self, at: datetime) -> bool:
        """Whether an offer may be sold by it at that moment."""
        return self.effective_from <= at and (self.effective_until is None or at < self.effective_until)


def parse(document: object) -> Draft | list[Problem]:
    """Read what a supplier wrote; percentages and amounts may come as numbers where they are whole.

    errors   answers split-rule-field-wrong, at most 20 of them
    """
    settled = SHAPE.settled(document)
    if wrongs := SHAPE.wrongs(settled):
        return [SPLIT_FIELD(field=wrong.field, why=wrong.why) for wrong in wrongs]
    wrong = [*_steps_wrong(settled["steps"]), *_times_wrong(settled)]
    if not wrong and len(canonical(settled)) > DOCUMENT_MAX_BYTES:
        wrong = [("/", _TOO_LARGE)]
    if wrong:
        return [SPLIT_FIELD(field=field, why=why) for field, why in wrong[:20]]
    return Draft(settled, settled["currency"], _time(settled, "effective_from"), _time(settled, "effective_until"))


def steps_of(draft: Draft, supplier_id: UUID, upstream: Mapping[str, Sequence[Holder]]) -> list[dict[str, Any]]:
    """The steps with every payee an organisation: the supplier by its id, upstream listings by those who hold rights in them.

    shapes   upstream: step -> holders; a step whose holders are not known yet keeps its payees as they are
    """
    found = []
    for step in draft.document["steps"]:
        payees: list[dict[str, Any]] = []
        for payee in step["payees"]:
            if "of" in payee and step["id"] in upstream:
                payees += [_holder(one) for one in upstream[step["id"]]]
            elif payee["role"] == Role.SUPPLIER:
                payees.append({**payee, "organisation": ids.text("org", supplier_id)})
            else:
                payees.append(dict(payee))
        more: dict[str, Any] = {"advance_of": ids.text("org", supplier_id)} if _owes_without_name(step) else {}
        if step.get("per") == Per.LIFETIME and step["op"] != Op.RESIDUAL:
            # Said in the signed document: older ones that don't say it begin at nothing.
            more["carry"] = step.get("carry", True)
        found.append({"per": Per.SALE.value, **step, **more, "payees": payees})
    return found


def write(
    rule_id: UUID,
    owner: tuple[UUID, UUID],
    name: tuple[str, int],
    draft: Draft,
    steps: Sequence[Mapping[str, Any]],
    at: datetime,
) -> bytes:
    """The canonical bytes that are hashed and signed.

    shapes   owner = (supplier, dataset); name = (code, version)
    """
    document = {
        "type": "waterfall",
        "v": 1,
        "id": ids.text("rul", rule_id),
        "supplier": ids.text("org", owner[0]),
        "dataset": ids.text("ds", owner[1]),
        "code": name[0],
        "version": name[1],
        "currency": draft.currency,
        "time_zone": draft.document.get("time_zone", "UTC"),
        "effective_from": _instant(draft.effective_from or at),
        "effective_until": None if draft.effective_until is None else _instant(draft.effective_until),
        "written": dict(draft.document),
        "steps": [dict(step) for step in steps],
    }
    return canonical(document)


def promises_of(rule_id: UUID, supplier_id: UUID, currency: str, steps: Sequence[Mapping[str, Any]]) -> list[Promise]:
    """What the steps of a rule promise of each month, and who pays it; steps without a guarantor promise nothing.

    shapes   steps as `steps_of` answers them: their payees are organisations, or accounts of the exchange, which need no promise
    """
    return [
        Promise(
            rule_id,
            step["id"],
            supplier_id,
            ids.parse("org", step["payees"][0]["organisation"]),
            Guarantor(step["guaranteed_by"]),
            units_of(step["amount"]),
            step.get("recouped", False),
            currency,
        )
        for step in steps
        if "guaranteed_by" in step and _is_another(step, supplier_id) and units_of(step["amount"])
    ]


def _is_another(step: Mapping[str, Any], supplier_id: UUID) -> bool:
    payee = step["payees"][0].get("organisation")
    return payee is not None and (step["guaranteed_by"], payee) != ("supplier", ids.text("org", supplier_id))


def load(document: bytes) -> Waterfall:
    """The rule in a signed document."""
    said = msgspec.json.decode(document)
    return understand(said["steps"], said["currency"], said["time_zone"])


def understand(steps: Sequence[Mapping[str, Any]], currency: str, time_zone: str = "UTC") -> Waterfall:
    """Steps as `steps_of` answers them, ready to be applied."""
    return Waterfall(currency, time_zone, tuple(_step(step) for step in steps))


def month_of(at: datetime, time_zone: str) -> str:
    """The month of a moment in a rule's time zone, such as 2026-01."""
    return f"{at.astimezone(ZoneInfo(time_zone)):%Y-%m}"


def _step(step: Mapping[str, Any]) -> Step:
    op = Op(step["op"])
    percent = step.get("percent", "100" if op is Op.RECOUP else "0")
    return Step(
        id=step["id"],
        op=op,
        per=Per(step["per"]),
        payees=tuple(_payee(one) for one in step["payees"]),
        share=units_of(percent),
        amount=units_of(step.get("amount", "0")),
        at_least=units_of(step["at_least"]) if "at_least" in step else None,
        at_most=units_of(step["at_most"]) if "at_most" in step else None,
        bands=tuple(
            Band(units_of(one["up_to"]) if "up_to" in one else None, units_of(one["percent"]))
            for one in step.get("tiers", ())
        ),
        on_net=step.get("of") == "net",
        advance_of=ids.parse("org", step["advance_of"]) if "advance_of" in step else None,
        carries=step.get("carry", False),
    )


def _payee(payee: Mapping[str, Any]) -> Payee:
    named = payee.get("organisation")
    return Payee(Role(payee["role"]), None if named is None else ids.parse("org", named), payee.get("weight", 1))


def _holder(holder: Holder) -> dict[str, Any]:
    return {
        "role": Role.UPSTREAM.value,
        "organisation": ids.text("org", holder.organisation_id),
        "weight": holder.weight,
        "datasets": [ids.text("ds", one) for one in holder.datasets],
    }


def _owes_without_name(step: Mapping[str, Any]) -> bool:
    return step["op"] == Op.RECOUP and "advance_of" not in step


def _steps_wrong(steps: Sequence[Mapping[str, Any]]) -> list[tuple[str, Text]]:
    wrong = []
    for n, step in enumerate(steps):
        op, named = Op(step["op"]), set(step) - _COMMON
        wrong += [(f"/steps/{n}/{one}", _NOT_HERE) for one in sorted(named - _NEEDS[op] - _MAY[op])]
        if "carry" in step and (step.get("per") != Per.LIFETIME or op is Op.RESIDUAL):
            wrong.append((f"/steps/{n}/carry", _NO_LIFE))
        if "guaranteed_by" in step and step.get("per") != Per.MONTH:
            wrong.append((f"/steps/{n}/guaranteed_by", _NO_MONTH))
        if "guaranteed_by" in step and any(_own_guarantor(step["guaranteed_by"], one) for one in step["payees"]):
            wrong.append((f"/steps/{n}/payees", _OWN_GUARANTOR))
        if "recouped" in step and "guaranteed_by" not in step:
            wrong.append((f"/steps/{n}/recouped", _NO_GUARANTOR))
        wrong += [(f"/steps/{n}/{one}", _MISSING) for one in sorted(_NEEDS[op] - named)]
        for m, payee in enumerate(step["payees"]):
            if (reason := _payee_wrong(op, payee)) is not None:
                wrong.append((f"/steps/{n}/payees/{m}", reason))
    return wrong


def _own_guarantor(guarantor: str, payee: Mapping[str, Any]) -> bool:
    """Nobody guarantees itself anything, and no account of the exchange needs a guarantee."""
    return payee["role"] == guarantor or Role(payee["role"]) in WITHOUT_ORGANISATION


def _payee_wrong(op: Op, payee: Mapping[str, Any]) -> Text | None:
    role, named = Role(payee["role"]), "organisation" in payee
    if role is Role.UPSTREAM:
        return _OF_OR if named == ("of" in payee) else None
    if "of" in payee:
        return _OF
    nameless = role is Role.SUPPLIER or role in WITHOUT_ORGANISATION or op is Op.MANDATE
    if nameless and named:
        return _NO_ORGANISATION
    return None if nameless or named else _WHOSE


def _times_wrong(document: Mapping[str, Any]) -> list[tuple[str, Text]]:
    try:
        ZoneInfo(document.get("time_zone", "UTC"))
    except (ValueError, LookupError, OSError):
        return [("/time_zone", _NO_ZONE)]
    times: dict[str, datetime | None] = {}
    for name in ("effective_from", "effective_until"):
        try:
            times[name] = _time(document, name)
        except (ValueError, OverflowError):
            return [(f"/{name}", Text("is no time that exists", "不是有效时刻"))]
    since, until = times["effective_from"], times["effective_until"]
    return [("/effective_until", _BACKWARDS)] if since and until and until <= since else []


def _time(document: Mapping[str, Any], name: str) -> datetime | None:
    return datetime.fromisoformat(document[name]).astimezone(UTC) if name in document else None


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def percent_of(step: Mapping[str, Any]) -> int:
    """The percentage of a step as it is written.

    units    parts of WHOLE
    """
    return units_of(step["percent"])
