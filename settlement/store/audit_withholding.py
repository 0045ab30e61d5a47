"""Recomputes what was withheld from payouts."""

from __future__ import annotations

# What stands on the payee's account and what on the office's, by journal.
_MOVED = """
SELECT j.kind, j.source_id, sum(p.amount) FILTER (WHERE a.kind = 'withheld') AS withheld,
    sum(p.amount) FILTER (WHERE a.kind = 'payable' AND a.organisation_id = w.organisation_id) AS payable
FROM settlement.journal j JOIN settlement.posting p ON p.journal_id = j.id JOIN settlement.account a ON a.id = p.account_id
LEFT JOIN settlement.withholding w ON w.payout_id = j.source_id
WHERE j.kind IN ('withholding', 'withholding_back') GROUP BY 1, 2"""

# (rule, statement): each row is (subject, said, fact).
CHECKS: tuple[tuple[str, str], ...] = (
    (
        "withholding-has-its-journal",
        f"""SELECT coalesce(w.payout_id, m.source_id)::text, coalesce(w.withheld_units, 0)::text,
            coalesce(m.withheld, 0) || ' from ' || coalesce(-m.payable, 0)
        FROM (SELECT * FROM settlement.withholding WHERE withheld_units > 0) w
        FULL JOIN (SELECT * FROM ({_MOVED}) k WHERE k.kind = 'withholding') m ON m.source_id = w.payout_id
        WHERE (w.withheld_units, -w.withheld_units) IS DISTINCT FROM (m.withheld, m.payable)""",
    ),
    (
        "withheld-goes-back-with-its-payout",
        f"""SELECT coalesce(w.payout_id, m.source_id)::text, coalesce(w.withheld_units, 0)::text, coalesce(-m.withheld, 0)::text
        FROM (SELECT w.* FROM settlement.withholding w JOIN settlement.payout p ON p.id = w.payout_id
            WHERE w.withheld_units > 0 AND p.state IN ('failed', 'reversed')) w
        FULL JOIN (SELECT * FROM ({_MOVED}) k WHERE k.kind = 'withholding_back') m ON m.source_id = w.payout_id
        WHERE (-w.withheld_units, w.withheld_units) IS DISTINCT FROM (m.withheld, m.payable)""",
    ),
    (
        "withholding-leaves-the-payout",
        """SELECT w.payout_id::text, (w.gross_units - w.withheld_units) || ' ' || w.currency,
            coalesce(p.amount_units || ' ' || p.currency, 'no payout')
        FROM settlement.withholding w LEFT JOIN settlement.payout p ON p.id = w.payout_id
        WHERE (w.gross_units - w.withheld_units, w.currency, w.organisation_id)
            IS DISTINCT FROM (p.amount_units, p.currency, p.organisation_id)""",
    ),
    (
        # Rounded once, half to even, to whole coins: never further from the rate than half a coin of the widest.
        "withholding-is-by-its-rate",
        """SELECT payout_id::text, withheld_units::text, (gross_units * rate::numeric)::text FROM settlement.withholding
        WHERE abs(withheld_units - gross_units * rate::numeric) > 500000""",
    ),
    (
        "relief-lowers-its-own-payee",
        """SELECT w.payout_id::text, w.rate, coalesce(r.rate, 'none') FROM settlement.withholding w
        LEFT JOIN settlement.withholding_relief r ON r.id = w.relief_id
        LEFT JOIN settlement.withholding_relief_end e ON e.relief_id = r.id
        WHERE w.relief_id IS NOT NULL AND ((r.organisation_id, r.payer, r.income, r.rate)
            IS DISTINCT FROM (w.organisation_id, w.payer, w.income, w.rate) OR e.ended_at < w.created_at)""",
    ),
)
