"""An offer that names a split rule: which shares stand in the stored offer for it, and whether the exchange allows them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from fractions import Fraction
from typing import Any
from uuid import UUID

from exchange.catalog.listings import Listing
from exchange.catalog.offers import OfferRequest
from exchange.catalog.problems import OFFER_INVALID
from exchange.kernel import ids
from exchange.kernel.db import Tx
from exchange.kernel.errors import Problem
from exchange.kernel.money import decimal_text
from exchange.kernel.text import Text
from pricing.plans import Plan
from settlement.problems import SHARE_TOO_LOW, SPLIT_UNFIT
from settlement.splits import ROLE_NAMES, Role, Share
from settlement.store import split_rules as store
from settlement.waterfall import WHOLE, stateless
from settlement.waterfall_check import certain_share, check, refusal
from settlement.waterfall_document import SplitRule, load

FIELD = "split_rule"
# Everything waits on the clearing account until the rule splits it.
LATER: list[dict[str, Any]] = [{"role": Role.CLEARING.value, "weight": 10_000}]
_FORM = Text(
    'it has id and sha256, such as {"id": "rul_...", "sha256": "..."}, and stands in place of shares',
    '须仅含 id 与 sha256，例如 {"id": "rul_...", "sha256": "..."}，并替代 shares',
)
_OTHER_SHARES = Text("the shares are not those of the rule; leave them out", "shares 与规则不一致；请省略 shares")
_UNKNOWN = Text("is no rule of this dataset with that SHA-256", "不是该数据集中具有该 SHA-256 的规则")
_CURRENCY = Text("is in another currency", "的货币不同")
_NOT_NOW = Text("is not in force now", "目前不在有效期内")
_BY_HAND = Text("the role clearing is only given by a split rule", "clearing 角色仅可由分成规则产生")


async def with_split_rule(tx: Tx, listing: Listing, request: OfferRequest) -> OfferRequest | Problem:
    """Put the shares of the rule into a document that names one: its weights, or all of it into clearing for a stateful one.

    errors   answers offer-invalid, split-rule-unfit
    """
    document = request.document
    shares = document.get("shares")
    if FIELD not in document:
        if isinstance(shares, list) and any(isinstance(one, dict) and one.get("role") == "clearing" for one in shares):
            return OFFER_INVALID(field="shares", reason=_BY_HAND)
        return request
    named = document[FIELD]
    if not isinstance(named, dict) or not {"id", "sha256"} <= set(named) <= {"id", "sha256", "effective_until"}:
        return OFFER_INVALID(field=FIELD, reason=_FORM)
    rule = await _rule(tx, named)
    if rule is None or rule.dataset_id != listing.dataset_id or rule.sha256.hex() != named["sha256"]:
        return SPLIT_UNFIT(rule=str(named["id"])[:40], why=_UNKNOWN)
    if rule.currency != document.get("currency"):
        return SPLIT_UNFIT(rule=named["id"], why=_CURRENCY)
    if not rule.in_force(tx.now):
        return SPLIT_UNFIT(rule=named["id"], why=_NOT_NOW)
    resolved = _shares(stateless(load(rule.document)), listing.supplier_id)
    if shares is not None and shares != resolved:
        return OFFER_INVALID(field="shares", reason=_OTHER_SHARES)
    until = {} if rule.effective_until is None else {"effective_until": rule.effective_until.isoformat()}
    reference = {"id": named["id"], "sha256": named["sha256"], **until}
    return dataclasses.replace(request, document={**document, FIELD: reference, "shares": resolved})


async def refuse_split(tx: Tx, document: Mapping[str, Any], plan: Plan) -> Problem | None:
    """Refuse a split that this price could not bear, or that gives the exchange less than it asks for.

    errors   answers split-rule-refused, share-below-minimum
    """
    rule = None
    if FIELD in document:
        stored = await _rule(tx, document[FIELD])
        assert stored is not None, "the rule was found a moment ago"
        rule = load(stored.document)
        if problem := refusal(check(rule, least_units=plan.due_now_total.units or None)):
            return problem
    for role, least in sorted((await store.minimums(tx, tx.now)).items()):
        weights = [(one["role"], one["weight"]) for one in document["shares"]]
        given = Fraction(
            WHOLE * sum(weight for name, weight in weights if name == role), sum(weight for _, weight in weights)
        )
        if rule is not None and stateless(rule) is None:
            given = Fraction(certain_share(rule, role))
        if given < least:
            name = Text(ROLE_NAMES[role]["en"], ROLE_NAMES[role]["zh"])
            return SHARE_TOO_LOW(role=name, percent=decimal_text(int(given)), least=decimal_text(least))
    return None


async def _rule(tx: Tx, named: Mapping[str, Any]) -> SplitRule | None:
    try:
        rule_id: UUID = ids.parse("rul", str(named["id"]))
    except ids.BadId:
        return None
    return (await store.find_rules(tx, [rule_id])).get(rule_id)


def _shares(shares: tuple[Share, ...] | None, supplier_id: UUID) -> list[dict[str, Any]]:
    if shares is None:
        return LATER
    found = []
    for one in shares:
        more = {}
        if one.organisation_id is not None and (one.role, one.organisation_id) != (Role.SUPPLIER, supplier_id):
            more = {"organisation": ids.text("org", one.organisation_id)}
        found.append({"role": one.role.value, "weight": one.weight, **more})
    return found
