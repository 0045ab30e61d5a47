"""A supplier writes a split rule for a dataset, or the next version of one; the exchange checks and signs it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec

from compliance import store as audit
from exchange.catalog.datasets import Dataset
from exchange.catalog.store import datasets, listings
from exchange.flows.once import done
from exchange.flows.trace_lineage import trace_lineage
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.canonical import sha256
from exchange.kernel.db import Tx
from exchange.kernel.errors import NOT_FOUND, Problem
from exchange.kernel.keys import Keyring
from exchange.kernel.text import Text
from exchange.parties import store as parties
from settlement import waterfall_document
from settlement.problems import SPLIT_FIELD, SPLIT_RULES_TOO_MANY, SPLIT_UNCHANGED
from settlement.splits import ROLE_NAMES
from settlement.store import guarantees
from settlement.store import split_rules as store
from settlement.waterfall import Payee, Waterfall, stateless
from settlement.waterfall_check import Finding, Weight, check, refusal
from settlement.waterfall_document import Draft, SplitRule, parse, promises_of, steps_of, understand

VERSIONS_MAX = 200
# The lines of one journal: every payee of a rule, and the sales that it splits at once, fit into it.
PAYEES_MAX = 150
_CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,39}\Z")
_NAME = Text("has other signs than a-z, 0-9 and '-'", "只能使用 a-z、0-9 和 “-”")
_ENDED = Text("has passed already", "已经过去")
_MANY = Text(f"more than {PAYEES_MAX} payees are paid by the rule", f"规则的收款方超过 {PAYEES_MAX} 个")


class RuleFinding(msgspec.Struct, frozen=True):
    """One thing that is wrong with a rule (`error`), or that may surprise (`note`), with the step that it is about."""

    code: str
    step: str
    weight: str
    text: dict[str, str]


class WeightShare(msgspec.Struct, frozen=True):
    """One payee's weight in a rule that is nothing but weights."""

    role: str
    role_name: dict[str, str]
    organisation: str | None
    weight: int


class RuleReceipt(msgspec.Struct, frozen=True):
    """A new version of a rule; offers name it by id and sha256. `notes` say what may surprise."""

    id: str
    dataset: str
    code: str
    version: int
    sha256: str
    stateless: bool
    notes: list[RuleFinding]


class RuleCheck(msgspec.Struct, frozen=True):
    """What a check of a rule found; its steps with all payees where there is no error, its weights where it has no memory."""

    ok: bool
    findings: list[RuleFinding]
    steps: list[dict[str, Any]]
    weights: list[WeightShare] | None


@dataclass(frozen=True, slots=True)
class Resolved:
    """A draft with every payee found, and what was found wrong with it."""

    draft: Draft
    steps: list[dict[str, Any]]
    rule: Waterfall
    findings: list[Finding]

    @property
    def payees(self) -> list[Payee]:
        """Everybody whom a step pays."""
        return [payee for step in self.rule.steps for payee in step.payees]


async def put_split_rule(
    tx: Tx, actor: Actor, keyring: Keyring, dataset_id: UUID, code: str, document: object
) -> RuleReceipt | Problem:
    """Check a rule and keep it as an immutable, signed version; no sale changes until an offer names it.

    errors   answers not-found, split-rule-field-wrong, split-rule-refused, split-rule-unchanged, split-rules-too-many
    """
    if not _CODE.match(code):
        return SPLIT_FIELD(field="code", why=_NAME)
    dataset = await _own(tx, actor, dataset_id)
    if isinstance(dataset, Problem):
        return dataset
    found = await resolve(tx, dataset, document)
    if isinstance(found, Problem):
        return found
    if problem := refusal(found.findings):
        return problem
    if found.draft.effective_until is not None and found.draft.effective_until <= tx.now:
        return SPLIT_FIELD(field="/effective_until", why=_ENDED)
    await store.lock_rules(tx, dataset_id)
    before = await store.latest(tx, dataset_id, code)
    if before is not None and _same(before, found):
        return SPLIT_UNCHANGED(version=before.version, rule=ids.text("rul", before.id))
    if await store.count(tx, dataset_id) >= VERSIONS_MAX:
        return SPLIT_RULES_TOO_MANY(limit=VERSIONS_MAX)
    made = _made(tx, keyring, dataset, (code, 1 if before is None else before.version + 1), found)
    payees = {payee.organisation_id for payee in found.payees if payee.organisation_id is not None}
    await store.insert_rule(tx, made, sorted(payees))
    await guarantees.insert_promises(tx, promises_of(made.id, made.supplier_id, made.currency, found.steps))
    name = ids.text("rul", made.id)
    others = sorted(payees - {actor.organisation_id})
    await audit.append(tx, [done(actor, "split_rule.put", name, *others, document=made.sha256)])
    return RuleReceipt(
        name,
        ids.text("ds", dataset_id),
        code,
        made.version,
        made.sha256.hex(),
        made.stateless,
        [finding(one) for one in found.findings],
    )


async def check_split_rule(tx: Tx, actor: Actor, dataset_id: UUID, document: object) -> RuleCheck | Problem:
    """Check a rule for a dataset without keeping it: every finding with its step.

    errors   answers not-found; what is wrong with the document's form is among the findings
    """
    dataset = await _own(tx, actor, dataset_id)
    if isinstance(dataset, Problem):
        return dataset
    parsed = parse(document)
    if not isinstance(parsed, Draft):
        return RuleCheck(False, [_field(problem) for problem in parsed], [], None)
    found = await resolve(tx, dataset, document)
    if isinstance(found, Problem):
        return found
    ok = refusal(found.findings) is None
    return RuleCheck(
        ok,
        [finding(one) for one in found.findings],
        found.steps if ok else [],
        weights_of(found.rule) if ok else None,
    )


async def resolve(tx: Tx, dataset: Dataset, document: object) -> Resolved | Problem:
    """Read a rule for a dataset, find every payee, and check it.

    errors   answers split-rule-field-wrong
    """
    draft = parse(document)
    if not isinstance(draft, Draft):
        return draft[0]
    upstream, findings = await trace_lineage(tx, dataset, draft.asks)
    steps = steps_of(draft, dataset.supplier_id, upstream)
    rule = understand(steps, draft.currency, draft.document.get("time_zone", "UTC"))
    named = {payee.organisation_id for step in rule.steps for payee in step.payees}
    named |= {step.advance_of for step in rule.steps}
    wanted = sorted(one for one in named if one is not None)
    standing = await parties.standing(tx, wanted)
    members = {one for one in wanted if one in standing and standing[one].verified}
    # Prices are held against the offers that are sold now as a note; an offer that names the rule is held to its own.
    least = await _least(tx, dataset, draft.currency)
    priced = [one for one in check(rule, members=members, least_units=least) if one.code in _BY_PRICE]
    findings += [one for one in check(rule, members=members) if one.code not in _BY_PRICE]
    findings += [Finding(one.code, one.step, one.why, Weight.NOTE) for one in priced]
    if len(named) > PAYEES_MAX:
        findings.append(Finding("payees-too-many", "", _MANY))
    return Resolved(draft, steps, rule, findings)


_BY_PRICE = frozenset({"fixed-above-price", "floor-above-price"})


def finding(one: Finding) -> RuleFinding:
    """A finding as it is answered."""
    return RuleFinding(one.code, one.step, one.weight.value, one.why.map())


def weights_of(rule: Waterfall) -> list[WeightShare] | None:
    """The weights of a rule that has no memory, as they are answered."""
    shares = stateless(rule)
    if shares is None:
        return None
    return [
        WeightShare(
            one.role.value,
            dict(ROLE_NAMES[one.role]),
            None if one.organisation_id is None else ids.text("org", one.organisation_id),
            one.weight,
        )
        for one in shares
    ]


async def _own(tx: Tx, actor: Actor, dataset_id: UUID) -> Dataset | Problem:
    dataset = await datasets.find_dataset(tx, dataset_id)
    if dataset is None or dataset.supplier_id != actor.organisation_id:
        return NOT_FOUND()
    return dataset


async def _least(tx: Tx, dataset: Dataset, currency: str) -> int | None:
    """The least price among the current offers of a dataset; None where none of them has one at the start."""
    found: list[int] = []
    for listing in await listings.listings_of(tx, dataset.id):
        offers = await listings.current_offers(tx, listing.id)
        found += [one.entry_units for one in offers if one.currency == currency and one.entry_units > 0]
    return min(found, default=None)


def _same(before: SplitRule, found: Resolved) -> bool:
    said = msgspec.json.decode(before.document)
    return bool(said["written"] == dict(found.draft.document) and said["steps"] == found.steps)


def _made(tx: Tx, keyring: Keyring, dataset: Dataset, name: tuple[str, int], found: Resolved) -> SplitRule:
    rule_id, draft = tx.new_id(), found.draft
    owner = dataset.supplier_id, dataset.id
    document = waterfall_document.write(rule_id, owner, name, draft, found.steps, tx.now)
    signature = keyring.sign("split", document)
    return SplitRule(
        id=rule_id,
        supplier_id=dataset.supplier_id,
        dataset_id=dataset.id,
        code=name[0],
        version=name[1],
        currency=draft.currency,
        effective_from=draft.effective_from or tx.now,
        effective_until=draft.effective_until,
        stateless=stateless(found.rule) is not None,
        document=document,
        sha256=sha256(document),
        kid=signature.kid,
        signature=signature.value,
        created_at=tx.now,
    )


def _field(problem: Problem) -> RuleFinding:
    why = {language: problem.detail(language) for language in ("en", "zh")}
    return RuleFinding("field", str(problem.fields["field"]), Weight.ERROR.value, why)
