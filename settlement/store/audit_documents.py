"""What `exchange fsck` recomputes of fiscal documents."""

from __future__ import annotations

import hashlib
from typing import Any
from uuid import UUID

from exchange.kernel import ids
from exchange.kernel.db import Tx
from settlement.checks import Finding
from settlement.fiscal import FiscalDoc
from settlement.fiscal_document import BadDocument, document_bytes, read_document
from settlement.fiscal_rules import check as broken_rules

# (rule, statement): each row is (subject, said, fact).
CHECKS: tuple[tuple[str, str], ...] = (
    (
        "paper-numbers-have-no-gap",
        """SELECT d.series, s.last || ' numbers', count(*) || ' papers to ' || max(d.number) FROM settlement.fiscal_document d
        LEFT JOIN settlement.series s ON s.name = d.series
        GROUP BY d.series, s.last HAVING count(*) <> max(d.number) OR max(d.number) IS DISTINCT FROM s.last""",
    ),
    (
        # What the exchange owes on a share, or takes on a fee, is what the paper says; a sale's own journal has its tax.
        "paper-tax-is-booked",
        """SELECT coalesce(d.id, j.source_id)::text, coalesce(d.units, 0)::text, coalesce(j.units, 0)::text FROM (
            SELECT id, CASE WHEN about = 'share' THEN 1 ELSE -1 END * CASE WHEN kind IN ('389', '380') THEN 1 ELSE -1 END
                * tax_units AS units FROM settlement.fiscal_document WHERE about <> 'sale' AND tax_units <> 0) d
        FULL JOIN (SELECT j.source_id, sum(p.amount)::bigint AS units FROM settlement.journal j
            JOIN settlement.posting p ON p.journal_id = j.id
            JOIN settlement.account a ON a.id = p.account_id AND a.kind IN ('payable', 'debt')
            WHERE j.kind IN ('self_bill_tax', 'fee_tax') GROUP BY 1) j ON j.source_id = d.id
        WHERE d.units IS DISTINCT FROM j.units""",
    ),
    (
        "paper-bills-what-was-sold",
        """SELECT s.source_id::text, s.net_units::text, coalesce(f.units, 0)::text FROM settlement.fiscal_source s
        LEFT JOIN (SELECT id, price_units - tax_units AS units FROM settlement.orders
            UNION ALL SELECT id, amount_units - tax_units FROM settlement.charge
            UNION ALL SELECT id, amount_units - tax_units FROM settlement.refund) f ON f.id = s.source_id
        WHERE s.about = 'sale' AND abs(s.net_units) IS DISTINCT FROM abs(f.units)""",
    ),
    (
        "self-billing-ends-once-begun",
        """SELECT e.agreement_id::text, 'not before ' || a.accepted_at, e.ended_at::text FROM settlement.self_billing_end e
        JOIN settlement.self_billing a ON a.id = e.agreement_id
        WHERE e.ended_at < a.accepted_at OR e.organisation_id <> a.organisation_id""",
    ),
)
RULES = ("paper-is-sound",)
_DOCUMENTS = """
SELECT d.id, d.document, d.sha256, d.kind, d.series, d.number, d.name, d.seller_id, d.buyer_id, d.currency, d.total_units,
    d.due_units, d.tax_units, d.issued_on, (SELECT sum(s.net_units)::bigint FROM settlement.fiscal_source s WHERE s.document_id = d.id)
FROM settlement.fiscal_document d ORDER BY d.issued_at, d.id"""
_AGREEMENTS = "SELECT id FROM settlement.self_billing"
_EARLIER = "SELECT id, name FROM settlement.fiscal_document"


async def check(tx: Tx) -> list[Finding]:
    """Read every paper again: its digest, its row, the standard's rules, what it bills, and what it corrects."""
    driver = await tx.driver()
    agreements = {row[0] for row in await driver.fetch(_AGREEMENTS)}
    names: dict[UUID, str] = {row[0]: row[1] for row in await driver.fetch(_EARLIER)}
    found = []
    async for row in driver.cursor(_DOCUMENTS):
        said, fact = _wrong(row, agreements, names)
        if said != fact:
            found.append(Finding("paper-is-sound", ids.text("doc", row[0]), said, fact))
    return found


def _wrong(row: Any, agreements: set[UUID], names: dict[UUID, str]) -> tuple[str, str]:
    """What a row says, and what its bytes say; equal where all is well."""
    digest = hashlib.sha256(row[1]).digest()
    if digest != row[2]:
        return row[2].hex(), digest.hex()
    try:
        doc = read_document(row[1])
    except BadDocument as error:
        return "a document", str(error)
    if document_bytes(doc) != row[1]:
        return "canonical bytes", "others"
    if broken := broken_rules(doc):
        return "", " ".join(one.rule for one in broken)
    if doc.agreement_id is not None and doc.agreement_id not in agreements:
        return ids.text("sba", doc.agreement_id), "no agreement"
    lost = [one.number for one in doc.preceding if names.get(one.id) != one.number]
    if lost:
        return lost[0], "no such paper"
    return str((row[0], *row[3:])), str(_of(doc))


def _of(doc: FiscalDoc) -> tuple[Any, ...]:
    net = sum(line.exact.units for line in doc.lines)
    return (
        doc.id, doc.kind.value, doc.series, doc.number, doc.name, doc.seller.organisation_id, doc.buyer.organisation_id,
        doc.currency, doc.exact.units, doc.totals.due.units, doc.totals.tax.units, doc.issued_on, net,
    )  # fmt: skip
