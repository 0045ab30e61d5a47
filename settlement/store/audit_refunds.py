"""What `exchange fsck` recomputes of acceptance and refunds."""

from __future__ import annotations

from exchange.kernel.db import Tx
from settlement.checks import Finding
from settlement.refunds import reversed_units
from settlement.store.refunds import paid_for

SOURCES_PER_PART = 1_000

# (rule, statement): each row is (subject, said, fact).
CHECKS: tuple[tuple[str, str], ...] = (
    (
        "refund-has-its-journal",
        """SELECT coalesce(r.id, j.source_id)::text, concat(r.amount_units, ' ', r.receivable_units),
            concat(j.total, ' ', j.owed) FROM settlement.refund r
        FULL JOIN (SELECT j.source_id, sum(p.amount)::bigint AS total,
                coalesce(sum(p.amount) FILTER (WHERE a.kind IN ('receivable', 'credit')), 0)::bigint AS owed
            FROM settlement.journal j JOIN settlement.posting p ON p.journal_id = j.id
            JOIN settlement.account a ON a.id = p.account_id AND a.kind IN ('wallet', 'receivable', 'credit')
            WHERE j.kind = 'refund' GROUP BY 1) j ON j.source_id = r.id
        WHERE (r.amount_units, r.receivable_units) IS DISTINCT FROM (j.total, j.owed)""",
    ),
    (
        # Numbers count on, sums add up, and no more went back than was paid.
        "refunds-add-up",
        """SELECT r.id::text, r.number || ': ' || r.cumulative_units || ' of ' || r.paid_units,
            r.n || ': ' || r.total || ' of ' || coalesce(s.units, 0) FROM (
                SELECT id, source_kind, source_id, number, cumulative_units, paid_units,
                    row_number() OVER w AS n, sum(amount_units) OVER w AS total
                FROM settlement.refund WINDOW w AS (PARTITION BY source_id ORDER BY number)) r
        LEFT JOIN (SELECT j.kind, j.source_id, -sum(p.amount)::bigint AS units FROM settlement.journal j
            JOIN settlement.posting p ON p.journal_id = j.id
            JOIN settlement.account a ON a.id = p.account_id AND a.kind IN ('wallet', 'receivable', 'credit', 'stripe')
            WHERE j.kind IN ('purchase', 'charge') AND j.source_id IN (SELECT source_id FROM settlement.refund)
            GROUP BY 1, 2) s ON s.source_id = r.source_id AND (s.kind = 'purchase') = (r.source_kind = 'order')
        WHERE (r.number, r.cumulative_units, r.paid_units) IS DISTINCT FROM (r.n, r.total, s.units)
            OR r.cumulative_units > r.paid_units""",
    ),
    (
        # Charges and corrections included, no order gives its buyer back more than it brought in.
        "order-gives-back-no-more-than-was-paid",
        """SELECT o.id::text, '0 or more', (k.paid + k.charged - k.refunded)::text FROM (
            SELECT order_id AS id, buyer_id, sum(amount_units) AS refunded FROM settlement.refund GROUP BY 1, 2) r
        JOIN settlement.orders o ON o.id = r.id, LATERAL (SELECT r.refunded,
            CASE WHEN o.buyer_id = r.buyer_id THEN o.price_units ELSE 0 END AS paid, coalesce((SELECT sum(c.amount_units)
                FROM settlement.charge c WHERE c.order_id = o.id AND c.buyer_id = r.buyer_id), 0) AS charged) k
        WHERE k.paid + k.charged < k.refunded""",
    ),
    (
        # After a release nothing of an order or charge waits, whatever was refunded before or after it.
        "released-source-has-nothing-pending",
        """SELECT l.source_id || ' ' || a.id, '0', sum(p.amount)::text FROM (
            SELECT source_id FROM settlement.journal WHERE kind = 'release') l
        JOIN LATERAL (SELECT j.id FROM settlement.journal j
                WHERE j.source_id = l.source_id AND j.kind IN ('purchase', 'charge', 'split', 'release')
            UNION ALL SELECT j.id FROM settlement.refund r
                JOIN settlement.journal j ON j.kind = 'refund' AND j.source_id = r.id WHERE r.source_id = l.source_id) b ON true
        JOIN settlement.posting p ON p.journal_id = b.id JOIN settlement.account a ON a.id = p.account_id AND a.kind = 'pending'
        GROUP BY l.source_id, a.id HAVING sum(p.amount) <> 0""",
    ),
    (
        "said-of-a-delivery-in-order",
        """SELECT a.order_id::text, 'accepted or decided once, a decision after a rejection or a silent refusal',
            string_agg(a.said, ' ' ORDER BY a.created_at, a.id) FROM settlement.acceptance a
        LEFT JOIN settlement.orders o ON o.id = a.order_id AND o.state = 'paid' AND o.buyer_id = a.buyer_id
            AND o.seller_id = a.seller_id
        GROUP BY a.order_id HAVING count(*) FILTER (WHERE a.said <> 'rejected') > 1 OR bool_or(o.id IS NULL)
            OR (array_agg(a.said ORDER BY a.created_at DESC, a.id DESC))[1] = 'rejected' AND count(*) > 1""",
    ),
    (
        "rejected-delivery-is-not-released",
        """SELECT a.order_id::text, 'on hold', 'released' FROM settlement.acceptance a
        JOIN settlement.journal j ON j.kind = 'release' AND j.source_id = a.order_id
        WHERE a.said = 'rejected' AND NOT EXISTS (SELECT FROM settlement.acceptance s
            WHERE s.order_id = a.order_id AND s.said <> 'rejected')""",
    ),
    (
        "decision-has-its-refund",
        """SELECT a.id::text, a.refund_id::text, coalesce(r.order_id::text, 'none') FROM settlement.acceptance a
        LEFT JOIN settlement.refund r ON r.id = a.refund_id
        WHERE a.refund_id IS NOT NULL AND r.source_id IS DISTINCT FROM a.order_id""",
    ),
)
RULES = ("refund-reverses-each-part",)
_REFUNDED = """
SELECT source_id, sum(amount_units)::bigint AS units FROM settlement.refund WHERE source_id > $1
GROUP BY 1 ORDER BY 1 LIMIT $2"""
# What each holder gave back of a source: pending, payable and debt are one purse of a payee.
_GIVEN = """
SELECT r.source_id, a.organisation_id, CASE WHEN a.kind IN ('pending', 'payable', 'debt') THEN 'payee' ELSE a.kind END AS purse,
    -sum(p.amount)::bigint AS units
FROM settlement.refund r JOIN settlement.journal j ON j.kind = 'refund' AND j.source_id = r.id
JOIN settlement.posting p ON p.journal_id = j.id
JOIN settlement.account a ON a.id = p.account_id AND a.kind NOT IN ('wallet', 'receivable', 'credit')
WHERE r.source_id = ANY($1::uuid[]) GROUP BY 1, 2, 3 HAVING sum(p.amount) <> 0"""


async def check(tx: Tx) -> list[Finding]:
    """Split every refunded sum again: each payee gave back what the sum says, however many steps it took."""
    driver = await tx.driver()
    found: list[Finding] = []
    after = "00000000-0000-0000-0000-000000000000"
    while rows := await driver.fetch(_REFUNDED, after, SOURCES_PER_PART):
        after = rows[-1]["source_id"]
        wanted = {row["source_id"]: row["units"] for row in rows}
        given: dict[object, dict[tuple[object, str], int]] = {one: {} for one in wanted}
        for source_id, holder, purse, units in await driver.fetch(_GIVEN, list(wanted)):
            given[source_id][holder, purse] = units
        for source_id, paid in (await paid_for(tx, list(wanted))).items():
            units = wanted[source_id]
            weights = [weight for _, weight in paid.parts]
            said = reversed_units(weights, units) if 0 <= units <= paid.units else [0] * len(weights)
            due: dict[tuple[object, str], int] = {}
            for (account, _), part in zip(paid.parts, said, strict=True):
                purse = "payee" if account.kind == "pending" else account.kind.value
                due[account.organisation_id, purse] = due.get((account.organisation_id, purse), 0) + part
            due = {key: part for key, part in due.items() if part}
            if due != given[source_id]:
                shown = (sorted(map(str, due.items())), sorted(map(str, given[source_id].items())))
                found.append(Finding("refund-reverses-each-part", str(source_id), str(shown[0]), str(shown[1])))
    return found
