"""What `exchange fsck` recomputes of money that goes back through the payment provider."""

from __future__ import annotations

# (rule, statement): each row is (subject, said, fact).
CHECKS: tuple[tuple[str, str], ...] = (
    (
        "card-refund-has-its-journals",
        """SELECT c.id::text, c.state, concat_ws(' ', e.outcome, j.kind) FROM settlement.card_refund c
        LEFT JOIN settlement.hold h ON h.id = c.id AND h.amount_units = c.amount_units
        LEFT JOIN settlement.hold_end e ON e.hold_id = c.id
        LEFT JOIN settlement.journal j ON j.kind = 'card_refund_returned' AND j.source_id = c.id
        WHERE h.id IS NULL OR concat_ws(' ', e.outcome, j.kind) <> ALL (CASE c.state
            WHEN 'succeeded' THEN ARRAY['settled'] WHEN 'failed' THEN ARRAY['voided', 'settled card_refund_returned']
            ELSE ARRAY[''] END)""",
    ),
    (
        # What went back of a payment, to its card or by the payer's bank, is never more than was paid.
        "payment-gives-back-no-more-than-was-paid",
        """SELECT p.id::text, p.amount_units::text, b.back::text FROM settlement.payment p JOIN (
            SELECT payment_id, sum(units) AS back FROM (
                SELECT payment_id, amount_units AS units FROM settlement.card_refund WHERE state <> 'failed'
                UNION ALL SELECT payment_id, amount_units FROM settlement.chargeback WHERE state = 'lost') x
            GROUP BY 1) b ON b.payment_id = p.id
        WHERE b.back > p.amount_units OR p.state <> 'succeeded'""",
    ),
    (
        "chargeback-has-its-journals",
        """SELECT c.id::text, concat(c.withdrawn, ' ', c.reinstated), coalesce(j.kinds, 'none') FROM settlement.chargeback c
        LEFT JOIN (SELECT source_id, string_agg(kind, ' ' ORDER BY kind) AS kinds FROM settlement.journal
            WHERE kind LIKE 'dispute%' GROUP BY 1) j ON j.source_id = c.id
        WHERE coalesce(j.kinds, '') <> concat_ws(' ', CASE WHEN c.reinstated THEN 'dispute_reinstated' END,
            CASE WHEN c.withdrawn THEN 'dispute_withdrawn' END)""",
    ),
    (
        # What stands on the disputed account is what was withdrawn and neither came back nor was covered by its payer.
        "disputed-is-what-is-open",
        """SELECT coalesce(c.currency, l.currency), coalesce(c.units, 0)::text, coalesce(l.units, 0)::text FROM (
            SELECT currency, -sum(CASE WHEN withdrawn AND NOT reinstated THEN amount_units - covered_units ELSE 0 END)
                AS units FROM settlement.chargeback GROUP BY 1) c
        FULL JOIN (SELECT a.currency, sum(p.amount) AS units FROM settlement.account a
            JOIN settlement.posting p ON p.account_id = a.id WHERE a.kind = 'disputed' GROUP BY 1) l USING (currency)
        WHERE coalesce(c.units, 0) <> coalesce(l.units, 0)""",
    ),
    (
        "recovery-has-its-journal",
        """SELECT coalesce(r.id, j.source_id)::text, coalesce(r.brought_units, 0)::text, coalesce(j.units, 0)::text
        FROM settlement.recovery r FULL JOIN (SELECT j.source_id, sum(p.amount) AS units FROM settlement.journal j
            JOIN settlement.posting p ON p.journal_id = j.id
            JOIN settlement.account a ON a.id = p.account_id AND a.kind <> 'stripe' WHERE j.kind = 'recovery' GROUP BY 1) j
            ON j.source_id = r.id
        WHERE r.brought_units IS DISTINCT FROM j.units""",
    ),
    (
        # No more is asked back of a payout than it sent.
        "recoveries-fit-their-payout",
        """SELECT p.id::text, p.amount_units::text, r.units::text FROM settlement.payout p JOIN (
            SELECT payout_id, sum(coalesce(brought_units, wanted_units)) AS units FROM settlement.recovery
            WHERE state <> 'refused' GROUP BY 1) r ON r.payout_id = p.id WHERE r.units > p.amount_units""",
    ),
)
