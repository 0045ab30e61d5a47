"""The operator makes the report of its sellers for a tax office: of a year or a quarter, from the sellers' own statements."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec

from compliance import store as audit
from exchange.flows.once import done
from exchange.flows.paper_parties import parties_of
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.canonical import canonical
from exchange.kernel.db import Tx
from exchange.kernel.errors import FORBIDDEN, Problem
from exchange.kernel.text import Text, pick
from exchange.parties.organisations import Standing
from settlement.fiscal import Party
from settlement.seller_reports import ReportKind, Seller, Stretch, report
from settlement.store import runs
from settlement.store import seller_reports as store
from settlement.store.seller_reports import ReportRow
from settlement.withholding_problems import SELLER_REPORT_EARLY


class ReportMade(msgspec.Struct, frozen=True):
    """A report; `number` above 1 corrects the one before."""

    id: str
    kind: str
    period: str
    currency: str
    number: int
    sellers: int
    sha256: str


async def report_sellers(
    tx: Tx, actor: Actor, kind: ReportKind, stretch: Stretch, currency: str
) -> ReportMade | Problem:
    """Make the report, or the one that corrects the last; where nothing changed the last one is answered.

    errors   answers forbidden, seller-report-early
    """
    if "operator" not in actor.roles:
        return FORBIDDEN(needs="operator")
    if stretch.end > tx.now or currency not in await runs.currencies_settled(tx, stretch.end):
        return SELLER_REPORT_EARLY(reason=Text("it is not settled to its end", "尚未结算至期末"))
    across = await store.statements_across(tx, stretch, currency)
    if across:
        said = Text(f"{across} statements reach over the end of a quarter", f"有 {across} 份结算单跨越季度末")
        return SELLER_REPORT_EARLY(reason=said)
    before = await store.newest(tx, kind, stretch.name, currency)
    sums = await store.statement_sums(tx, stretch, currency)
    known = await parties_of(tx, sorted({*sums, actor.organisation_id}))
    sellers = [
        Seller(ids.text("org", one), _who(one, known.known.get(one), known.standing.get(one)), sums[one])
        for one in sorted(sums)
    ]
    itself = known.operator or actor.organisation_id
    operator = _who(itself, known.known.get(itself), known.standing.get(itself))
    old = (msgspec.json.decode(before.document), before.sha256.hex()) if before is not None else None
    made = report(kind, stretch, currency, operator, sellers, old)
    if before is not None and all(one["state"] == "same" for one in made["sellers"]):
        return _receipt(before, len(made["sellers"]))
    document = canonical(made)
    digest = hashlib.sha256(document).digest()
    row = ReportRow(tx.new_id(), kind, stretch.name, currency, made["number"], document, digest, tx.now)
    await store.insert_report(tx, row, actor)
    await audit.append(tx, [done(actor, "seller-report.make", ids.text("slr", row.id), report=digest)])
    return _receipt(row, len(made["sellers"]))


def _who(organisation_id: UUID, party: Party | None, standing: Standing | None) -> Mapping[str, Any]:
    if party is None:
        country = standing.country if standing is not None else ""
        who: dict[str, Any] = {
            "name": ids.text("org", organisation_id),
            "number": None,
            "address": [],
            "postcode": "",
            "city": "",
        }
        return {**who, "country": country}
    return {
        "name": pick(party.legal_name, [party.language]),
        "country": party.country,
        "number": party.tax_id or party.vat_id,
        "address": list(party.address),
        "postcode": party.postcode,
        "city": party.city,
    }


def _receipt(row: ReportRow, sellers: int) -> ReportMade:
    said = (row.kind.value, row.period, row.currency, row.number, sellers, row.sha256.hex())
    return ReportMade(ids.text("slr", row.id), *said)
