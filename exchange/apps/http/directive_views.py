"""A directive as regulators and the operator see it."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from compliance.directives import Directive
from exchange.apps.http.directive_notices import BasisView
from exchange.apps.http.wire import Id, Texts, Time, stamp
from exchange.kernel import ids


class DirectiveView(msgspec.Struct, frozen=True):
    """A directive; it stands until it is lifted, and stays on record after.

    `expired_at` says that its deadline passed while somebody still owed; what it forbids stands all the same.
    """

    id: Annotated[str, Meta(examples=["dir_01m80jwmabesg81hwe4cc73nw9"])]
    kind: Annotated[str, Meta(examples=["freeze"])]
    targets: Annotated[list[str], Meta(examples=[["lst_01m80jwmabesg81hwe4cc73nw9"]])]
    rules: Annotated[
        list[dict[str, str]],
        Meta(
            description="It is about every dataset that meets one of these, too. 亦及于符合任一规则的全部数据集。",
            examples=[[{"personal_data": "contains"}]],
        ),
    ]
    matched: Annotated[
        int, Meta(description="How many datasets stand under it by its rules. 依规则纳入的数据集数量。", examples=[3])
    ]
    issued_by: Id
    basis: BasisView | None
    reason: Texts
    deadline: Time | None
    state: Annotated[
        str, Meta(description="issued, acknowledged, answered, expired or lifted. 状态。", examples=["issued"])
    ]
    issued_at: Time
    acknowledged_at: Time | None
    answered_at: Time | None
    expired_at: Time | None
    lifted_by: Id | None
    lifted_at: Time | None


def directive_view(one: Directive) -> DirectiveView:
    """A directive as the API shows it."""

    def at(name: str) -> str | None:
        moment = getattr(one, name)
        return stamp(moment) if moment else None

    return DirectiveView(
        id=one.name,
        kind=one.kind,
        targets=[each.name for each in one.targets],
        rules=[rule.document() for rule in one.rules],
        matched=one.matched,
        issued_by=ids.text("org", one.issued_by),
        basis=None if one.basis is None else BasisView(one.basis.law, one.basis.article, dict(one.basis.text)),
        reason=dict(one.reason),
        deadline=at("deadline"),
        state=one.state,
        issued_at=stamp(one.issued_at),
        acknowledged_at=at("acknowledged_at"),
        answered_at=at("answered_at"),
        expired_at=at("expired_at"),
        lifted_by=ids.text("org", one.lifted_by) if one.lifted_by else None,
        lifted_at=at("lifted_at"),
    )
