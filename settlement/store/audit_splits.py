"""What `exchange fsck` recomputes of split rules and what they gave."""

from __future__ import annotations

# (rule, statement): each row is (subject, said, fact).
CHECKS: tuple[tuple[str, str], ...] = (
    (
        "split-source-is-its-posting",
        """SELECT s.journal_id || ' ' || s.line, s.amount::text, coalesce(p.amount::text, 'none') FROM settlement.split_source s
        LEFT JOIN settlement.posting p ON p.journal_id = s.journal_id AND p.line = s.line
        WHERE (p.amount, p.tag) IS DISTINCT FROM (s.amount, s.source_id)""",
    ),
    (
        "split-run-gives-what-it-took",
        """SELECT r.id::text, coalesce(s.total, 0)::text, coalesce(b.total, 0)::text FROM settlement.split_run r
        LEFT JOIN (SELECT run_id, sum(amount) AS total FROM settlement.split_source GROUP BY 1) s ON s.run_id = r.id
        LEFT JOIN (SELECT run_id, sum(amount) AS total FROM settlement.split_booked GROUP BY 1) b ON b.run_id = r.id
        WHERE coalesce(s.total, 0) <> coalesce(b.total, 0)""",
    ),
    (
        "split-run-is-its-journal",
        """SELECT r.id::text, coalesce(r.journal_id::text, 'none'), coalesce(j.id::text, 'none') FROM settlement.split_run r
        FULL JOIN (SELECT id, source_id FROM settlement.journal WHERE kind = 'split') j ON j.source_id = r.id
        WHERE r.journal_id IS DISTINCT FROM j.id""",
    ),
    (
        "split-step-is-cumulative",
        """SELECT rule_id || ' ' || step || ' ' || period, cumulative::text, total::text FROM (
            SELECT rule_id, step, period, cumulative, sum(amount) OVER (PARTITION BY rule_id, step, period, role,
                organisation_id ORDER BY run_seq) AS total FROM settlement.split_booked) b WHERE cumulative <> total""",
    ),
    (
        "introduced-sale-has-a-claim-that-stood",
        """SELECT i.sale_id::text, o.created_at::text, c.created_at || ' to ' || least(c.stands_until, e.tail_until)
        FROM settlement.introduced_sale i JOIN settlement.orders o ON o.id = i.order_id
        JOIN settlement.buyer_claim c ON c.id = i.claim_id LEFT JOIN settlement.mandate_end e ON e.mandate_id = i.mandate_id
        WHERE o.created_at < c.created_at OR o.created_at >= least(c.stands_until, e.tail_until)""",
    ),
    (
        "clearing-is-what-waits",
        """SELECT c.currency, c.held::text, coalesce(w.total, 0)::text FROM (
            SELECT a.id, a.currency, sum(p.amount) AS held FROM settlement.account a
            JOIN settlement.posting p ON p.account_id = a.id WHERE a.kind = 'clearing' GROUP BY 1, 2) c
        LEFT JOIN (SELECT p.account_id, sum(p.amount) AS total FROM settlement.posting p
            JOIN settlement.journal j ON j.id = p.journal_id AND j.kind <> 'split'
            WHERE NOT EXISTS (SELECT FROM settlement.split_source s WHERE s.journal_id = p.journal_id AND s.line = p.line)
            GROUP BY 1) w ON w.account_id = c.id WHERE c.held <> coalesce(w.total, 0)""",
    ),
    (
        # What a month's pool gave is what left the account, and what each supplier's payable got.
        "pool-distribution-is-its-journal",
        """SELECT coalesce(d.id, j.source_id)::text, coalesce(d.said, 'none'), coalesce(j.moved, 'no journal') FROM (
            SELECT d.id, d.journal_id, concat(-d.given_units, ' ', d.currency, ', ', string_agg(
                concat(s.organisation_id, ' ', s.amount_units), ', ' ORDER BY s.organisation_id)
                FILTER (WHERE s.amount_units > 0)) AS said
            FROM settlement.pool_distribution d JOIN settlement.pool_share s ON s.distribution_id = d.id GROUP BY d.id) d
        FULL JOIN (SELECT j.id, j.source_id, concat(min(p.amount) FILTER (WHERE a.kind = 'pool'), ' ', min(p.currency), ', ',
                string_agg(concat(a.organisation_id, ' ', p.amount), ', ' ORDER BY a.organisation_id)
                FILTER (WHERE a.kind = 'payable')) AS moved
            FROM settlement.journal j JOIN settlement.posting p ON p.journal_id = j.id
            JOIN settlement.account a ON a.id = p.account_id WHERE j.kind = 'pool' GROUP BY j.id) j ON j.source_id = d.id
        WHERE (d.journal_id, d.said) IS DISTINCT FROM (j.id, j.moved)""",
    ),
    (
        "pool-share-is-what-its-weight-makes",
        """SELECT s.distribution_id || ' ' || s.organisation_id, s.before || ': ' || s.amount_units,
            s.ahead || ': ' || (div(s.total_units * (s.before + s.weight), s.whole) - div(s.total_units * s.before, s.whole))
        FROM (SELECT s.*, d.total_units, d.whole, coalesce(sum(s.weight) OVER (PARTITION BY s.distribution_id
                ORDER BY s.organisation_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS ahead
            FROM settlement.pool_share s JOIN settlement.pool_distribution d ON d.id = s.distribution_id) s
        WHERE s.before <> s.ahead OR s.before + s.weight > s.whole OR s.amount_units
            <> div(s.total_units * (s.before + s.weight), s.whole) - div(s.total_units * s.before, s.whole)""",
    ),
    (
        # A payee's payable moved by what was booked; what was not there became debt of whoever gives.
        "guarantee-is-its-journal",
        """SELECT coalesce(g.id, j.source_id)::text, coalesce(g.amount_units::text, 'none'), coalesce(j.moved::text, 'no journal')
        FROM settlement.split_guarantee g FULL JOIN (SELECT j.id, j.source_id, sum(p.amount) FILTER (WHERE p.amount > 0) AS up,
                coalesce(-sum(p.amount) FILTER (WHERE a.kind = 'debt'), 0) AS owed,
                sum(p.amount) FILTER (WHERE a.organisation_id = g.organisation_id) AS moved
            FROM settlement.journal j JOIN settlement.posting p ON p.journal_id = j.id
            JOIN settlement.account a ON a.id = p.account_id LEFT JOIN settlement.split_guarantee g ON g.id = j.source_id
            WHERE j.kind = 'guarantee' GROUP BY j.id) j ON j.source_id = g.id
        WHERE (g.journal_id, g.amount_units::numeric, abs(g.amount_units)::numeric, g.owed_units::numeric)
            IS DISTINCT FROM (j.id, j.moved, j.up, j.owed)""",
    ),
    (
        "guarantee-is-cumulative",
        """SELECT id::text, number || ': ' || cumulative_units, n || ': ' || total FROM (
            SELECT id, number, cumulative_units, row_number() OVER w AS n, sum(amount_units) OVER w AS total,
                CASE WHEN promised_units > greatest(got_units, 0) THEN promised_units - greatest(got_units, 0)
                    WHEN recouped THEN -least(outstanding_units, greatest(got_units, 0) - promised_units) ELSE 0 END AS due
            FROM settlement.split_guarantee
            WINDOW w AS (PARTITION BY dataset_id, code, step, period, organisation_id ORDER BY number)) g
        WHERE number <> n OR cumulative_units <> total OR cumulative_units <> due""",
    ),
    (
        "escrow-is-its-hold",
        """SELECT e.order_id || ' ' || e.component, concat(e.amount_units, ' ', e.currency, ' ', e.buyer_id),
            coalesce(concat(h.amount_units, ' ', h.currency, ' ', h.organisation_id), 'no hold')
        FROM settlement.milestone_escrow e LEFT JOIN settlement.hold h ON h.id = e.hold_id
        WHERE (e.amount_units, e.currency, e.buyer_id, 'milestone', e.order_id)
            IS DISTINCT FROM (h.amount_units, h.currency, h.organisation_id, h.reason, h.tag)""",
    ),
)
