"""What `exchange fsck` recomputes of e-fapiao."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from exchange.kernel import ids
from exchange.kernel.db import Tx
from settlement.checks import Finding
from settlement.efapiao.codes import Codes, read_codes
from settlement.efapiao.filling import Blue, Confirmed, Missing, Reason, Red, export_bytes, fill
from settlement.fiscal_document import read_document

# (rule, statement): each row is (subject, said, fact).
CHECKS: tuple[tuple[str, str], ...] = (
    (
        "efapiao-number-after-export",
        """SELECT n.id::text, n.entered_at || ' ' || n.seller_id || ' ' || n.buyer_id,
            e.exported_at || ' ' || e.seller_id || ' ' || e.buyer_id
        FROM settlement.efapiao_number n JOIN settlement.efapiao e ON e.id = n.id
        WHERE n.entered_at < e.exported_at OR (n.seller_id, n.buyer_id) IS DISTINCT FROM (e.seller_id, e.buyer_id)""",
    ),
    (
        "efapiao-red-after-blue",
        """SELECT e.id::text, e.exported_at::text, coalesce(n.entered_at::text, 'no number') FROM settlement.efapiao e
        LEFT JOIN settlement.efapiao_number n ON n.id = e.original_id
        WHERE e.original_id IS NOT NULL AND (n.id IS NULL OR n.entered_at > e.exported_at)""",
    ),
    (
        "efapiao-export-is-whole",
        """SELECT x.id::text, x.count::text, count(e.id)::text FROM settlement.efapiao_export x
        LEFT JOIN settlement.efapiao e ON e.export_id = x.id GROUP BY x.id, x.count HAVING count(e.id) <> x.count""",
    ),
)
RULES = ("efapiao-is-as-filled-in", "efapiao-file-has-its-hash")
_CODES = "SELECT version, document FROM settlement.efapiao_codes"
_ROWS = """
SELECT e.document, d.document, n.number, n.issued_on, b.invoice_type, c.number, c.reason, e.codes_version, e.invoice_type,
    e.seller_id, e.buyer_id
FROM settlement.efapiao e JOIN settlement.fiscal_document d ON d.id = e.id
LEFT JOIN settlement.efapiao b ON b.id = e.original_id LEFT JOIN settlement.efapiao_number n ON n.id = e.original_id
LEFT JOIN settlement.efapiao_confirmation c ON c.id = e.id ORDER BY e.id"""
_EXPORTS = "SELECT id, sha256 FROM settlement.efapiao_export ORDER BY id"
_OF = "SELECT document FROM settlement.efapiao WHERE export_id = $1 ORDER BY id"


async def check(tx: Tx) -> list[Finding]:
    """Fill every exported e-fapiao in again from its paper, and make every file again."""
    driver = await tx.driver()
    codes = {row[0]: read_codes(bytes(row[1]), None, row[0]) for row in await driver.fetch(_CODES)}
    found = []
    async for row in driver.cursor(_ROWS):
        said, fact = _wrong(row, codes)
        if said != fact:
            found.append(Finding("efapiao-is-as-filled-in", ids.text("doc", read_document(row[1]).id), said, fact))
    for export, digest in await driver.fetch(_EXPORTS):
        documents = [bytes(row[0]) for row in await driver.fetch(_OF, export)]
        fact = hashlib.sha256(export_bytes(export, documents)).hexdigest()
        if digest.hex() != fact:
            found.append(Finding("efapiao-file-has-its-hash", ids.text("efx", export), digest.hex(), fact))
    return found


def _wrong(row: Any, codes: dict[int, Codes]) -> tuple[str, str]:
    """What a row says, and what its paper makes of it; equal where all is well."""
    doc = read_document(row[1])
    said = msgspec.json.decode(row[0])
    kinds = {line.source[1]: None for line in doc.lines}
    categories = {source: one["category"] for source in kinds for one in said["items"] if one["source"] == str(source)}
    red = None
    if row[2] is not None and row[5] is not None:
        red = Red(Blue(row[2], row[3], row[4]), Confirmed(row[5], Reason(row[6])))
    made = fill(doc, categories, codes[row[7]], red)
    if isinstance(made, Missing):
        return "", " ".join(made.reasons)
    if made != row[0]:
        return hashlib.sha256(row[0]).hexdigest(), hashlib.sha256(made).hexdigest()
    sides = (doc.seller.organisation_id, doc.buyer.organisation_id)
    return str((row[7], row[8], row[9], row[10])), str((said["codes"], said["invoice_type"], *sides))
