"""Recomputes what banks told and what they were told: statements, their entries, and batches of payouts."""

from __future__ import annotations

# (rule, statement): each row is (subject, said, fact).
CHECKS: tuple[tuple[str, str], ...] = (
    (
        "bank-statement-adds-up",
        """SELECT s.id::text, (s.closing_units - s.opening_units) || ' in ' || s.entries,
            coalesce(sum(b.amount_units), 0) || ' in ' || count(b.id) FROM settlement.bank_statement s
        LEFT JOIN settlement.bank_entry b ON b.statement_id = s.id GROUP BY s.id
        HAVING (s.closing_units - s.opening_units, s.entries::bigint)
            IS DISTINCT FROM (coalesce(sum(b.amount_units), 0)::bigint, count(b.id))""",
    ),
    (
        "bank-statements-chain",
        """SELECT id::text, opening_units::text, before::text FROM (SELECT id, opening_units,
                lag(closing_units) OVER (PARTITION BY account_id ORDER BY id) AS before FROM settlement.bank_statement) s
        WHERE opening_units <> before""",
    ),
    (
        "bank-entry-is-its-payout",
        """SELECT b.id::text, b.amount_units::text, coalesce(p.state || ' ' || p.amount_units, 'no payout')
        FROM settlement.bank_entry b LEFT JOIN settlement.payout p ON p.id = b.payout_id WHERE b.payout_id IS NOT NULL
        AND (p.id IS NULL OR p.rail <> 'bank' OR p.amount_units <> abs(b.amount_units)
            OR p.state <> ALL (CASE WHEN b.amount_units < 0 THEN ARRAY['paid', 'reversed'] ELSE ARRAY['reversed'] END))""",
    ),
    (
        "payout-batch-is-its-list",
        """SELECT b.id::text, b.count || ' of ' || b.total_units, count(i.payout_id) || ' of ' || coalesce(sum(i.amount_units), 0)
        FROM settlement.payout_batch b
        LEFT JOIN settlement.payout_batch_item i ON i.batch_id = b.id AND i.dropped IS NULL
        WHERE b.state <> 'cancelled' GROUP BY b.id
        HAVING (b.count::bigint, b.total_units) IS DISTINCT FROM (count(i.payout_id), coalesce(sum(i.amount_units), 0)::bigint)""",
    ),
    (
        "payout-stands-with-its-batch",
        """SELECT p.id::text, b.state, p.state FROM settlement.payout_batch b
        JOIN settlement.payout_batch_item i ON i.batch_id = b.id AND i.dropped IS NULL
        JOIN settlement.payout p ON p.id = i.payout_id
        WHERE p.amount_units <> i.amount_units OR p.state <> ALL (CASE b.state WHEN 'draft' THEN ARRAY['created', 'failed']
            WHEN 'approved' THEN ARRAY['approved', 'failed'] WHEN 'exported' THEN ARRAY['exported', 'paid', 'reversed', 'failed']
            ELSE ARRAY['paid', 'reversed', 'failed'] END)""",
    ),
    (
        "approved-payout-is-in-a-batch",
        """SELECT p.id::text, p.state, 'no batch' FROM settlement.payout p WHERE p.state IN ('approved', 'exported')
        AND NOT EXISTS (SELECT FROM settlement.payout_batch_item i WHERE i.payout_id = p.id AND i.dropped IS NULL)""",
    ),
    (
        "credit-is-what-orders-owe",
        """SELECT coalesce(k.buyer_id, s.organisation_id) || ' ' || coalesce(k.currency, s.currency), coalesce(k.owed, 0)::text,
            coalesce(-s.total, 0)::text FROM (SELECT buyer_id, currency, sum(unpaid_units) AS owed FROM settlement.credit_order
                GROUP BY 1, 2) k
        FULL JOIN (SELECT a.organisation_id, a.currency, sum(p.amount) AS total FROM settlement.account a
            JOIN settlement.posting p ON p.account_id = a.id WHERE a.kind = 'credit' GROUP BY 1, 2) s
            ON s.organisation_id = k.buyer_id AND s.currency = k.currency
        WHERE coalesce(k.owed, 0) <> coalesce(-s.total, 0)""",
    ),
    (
        "released-order-on-account-was-paid",
        """SELECT c.order_id::text, c.unpaid_units || ' owed', 'released' FROM settlement.credit_order c
        WHERE c.unpaid_units > 0 AND EXISTS (SELECT FROM settlement.journal j
            WHERE j.kind = 'release' AND j.source_id = c.order_id)""",
    ),
    (
        "exported-list-was-approved",
        """SELECT b.id::text, encode(b.sha256, 'hex'), 'no approval' FROM settlement.payout_batch b
        WHERE b.state IN ('exported', 'done') AND NOT EXISTS (SELECT FROM settlement.approval a
            WHERE a.kind = 'payout-batch' AND a.body_sha256 = b.sha256 AND a.state = 'approved')""",
    ),
)
