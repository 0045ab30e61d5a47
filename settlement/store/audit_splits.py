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
)
