"""What the lines of statements need so that each amount can be worked out again: gathered once for all payees of a part of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec

from exchange.kernel import ids
from exchange.kernel.db import Tx
from settlement import postings
from settlement.accounts import AccountKind
from settlement.conversion import CONVERSION
from settlement.fiscal_journals import FEE_TAX, SELF_BILL_TAX
from settlement.orders import Source
from settlement.statement_lines import back_line, conversion_line, credit_line, split_line, tax_line
from settlement.statement_totals import Entry
from settlement.store import guarantees, pools, refunds, shown, sources, split_rules
from settlement.store.shown import Owned, RunShown
from settlement.top_up_lines import guarantee_line, pool_line
from settlement.waterfall_document import SplitRule, month_of

Shown = Mapping[tuple[str, UUID], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Explained:
    """What each payee's lines show, by kind and source of the posting, and the rules that they name.

    shapes   rules: payee -> id of the rule as text -> its exact bytes as text, and their SHA-256
    """

    lines: Mapping[UUID, Shown]
    rules: Mapping[UUID, Mapping[str, Mapping[str, str]]]


async def explain_entries(
    tx: Tx,
    entries: Mapping[UUID, Sequence[Entry]],
    known: Mapping[UUID, Source],
    whole: Mapping[UUID, Mapping[UUID, int]],
) -> Explained:
    """Gather the arithmetic of all lines that are no plain share of an order or charge.

    shapes   known: orders and charges by id; whole: as `refunds.whole_shares` answers it
    """
    of_kind: dict[str, set[UUID]] = {}
    for found in entries.values():
        for entry in found:
            of_kind.setdefault(entry.kind, set()).add(entry.source_id)
    payees = list(entries)
    runs = await shown.runs_of(tx, sorted(of_kind.get(postings.RELEASE, set()) - known.keys()))
    rules = await split_rules.find_rules(tx, sorted({run.rule_id for run in runs.values()})) if runs else {}
    conversions = await shown.conversions_of(tx, sorted(of_kind.get(CONVERSION, ())))
    credits_ = await shown.credits_of(tx, sorted(of_kind.get(postings.SERVICE_CREDIT, ())))
    taxes = of_kind.get(SELF_BILL_TAX, set()) | of_kind.get(FEE_TAX, set())
    owned = await shown.owned_of(tx, [*runs, *credits_, *taxes], payees)
    backs = await shown.back_before_release(tx, sorted(whole), payees)
    paid = await refunds.paid_for(tx, sorted({source for source, _ in backs})) if backs else {}
    topped_up = await _topped_up(tx, of_kind, payees)
    names = await sources.names_of(tx, of_kind.get("hold", set()) | of_kind.get("hold_end", set()))
    # The tax on a paper is of one payee alone.
    owing = {source: units for (source, _, kind), units in owned.items() if kind is AccountKind.DEBT}
    plain: dict[UUID, Mapping[str, Any]] = {source: {"source": name} for source, name in names.items()}
    plain |= {source: tax_line(source, owing.get(source, 0)) for source in taxes}
    lines: dict[UUID, dict[tuple[str, UUID], Mapping[str, Any]]] = {payee: {} for payee in payees}
    named: dict[UUID, dict[str, Mapping[str, str]]] = {payee: {} for payee in payees}
    for payee, found in entries.items():
        for entry in found:
            key, source = (entry.kind, entry.source_id), entry.source_id
            if source in runs and entry.kind == postings.RELEASE:
                rule = rules[runs[source].rule_id]
                lines[payee][key] = _run_line(payee, source, runs[source], rule, owned)
                named[payee][ids.text("rul", rule.id)] = _rule(rule)
            elif entry.kind == postings.RELEASE and (source, payee) in backs:
                lines[payee][key] = back_line(payee, paid[source], backs[source, payee])
            elif entry.kind == CONVERSION and source in conversions:
                lines[payee][key] = conversion_line(conversions[source])
            elif entry.kind == postings.SERVICE_CREDIT and source in credits_:
                owed = owned.get((source, payee, AccountKind.DEBT), 0)
                lines[payee][key] = credit_line(source, *credits_[source], owed)
            elif (source, payee) in topped_up:
                lines[payee][key] = topped_up[source, payee]
            elif entry.kind == postings.ADVANCE:
                lines[payee][key] = {"source": ids.text("adv", source)}
            elif source in plain:
                lines[payee][key] = plain[source]
    return Explained(lines, named)


async def _topped_up(
    tx: Tx, of_kind: Mapping[str, set[UUID]], payees: Sequence[UUID]
) -> dict[tuple[UUID, UUID], Mapping[str, Any]]:
    """Lines of the incentive pool and of minimum guarantees, by (source, payee)."""
    given = await pools.shares_of(tx, sorted(of_kind.get(postings.POOL, ())), payees)
    found: dict[tuple[UUID, UUID], Mapping[str, Any]] = {key: pool_line(one) for key, one in given.items()}
    guaranteed = await guarantees.of_ids(tx, sorted(of_kind.get(postings.GUARANTEE, ())))
    for source, one in guaranteed.items():
        found |= {(source, payee): guarantee_line(payee, one) for payee in payees}
    return found


def _run_line(payee: UUID, run_id: UUID, run: RunShown, rule: SplitRule, owned: Owned) -> Mapping[str, Any]:
    document = msgspec.json.decode(rule.document)
    aside = (owned.get((run_id, payee, AccountKind.ADVANCE), 0), owned.get((run_id, payee, AccountKind.DEBT), 0))
    return split_line(
        payee,
        run_id,
        (rule.id, document),
        [(sale, month_of(sale.at, document["time_zone"]), units) for sale, units in run.sold],
        run.before,
        run.introduced,
        [
            (
                part.key.step,
                part.per,
                part.key.period,
                part.key.role,
                part.key.organisation_id,
                part.cumulative,
                part.amount,
            )
            for part in run.parts
        ],
        aside,
        run.carried,
    )


def _rule(rule: SplitRule) -> Mapping[str, str]:
    return {"sha256": rule.sha256.hex(), "document": rule.document.decode()}
