"""What `exchange fsck` recomputes of movements at the payment provider, what persons decided about them, and proofs."""

from __future__ import annotations

# (rule, statement): each row is (subject, said, fact).
CHECKS: tuple[tuple[str, str], ...] = (
    (
        "movement-waits-or-is-done",
        """SELECT i.txn_id, 'one of both', CASE WHEN d.txn_id IS NULL THEN 'neither' ELSE 'both' END
        FROM settlement.recon_item i LEFT JOIN settlement.recon_open o ON (o.provider, o.txn_id) = (i.provider, i.txn_id)
        LEFT JOIN settlement.recon_done d ON (d.provider, d.txn_id) = (i.provider, i.txn_id)
        WHERE (o.txn_id IS NULL) = (d.txn_id IS NULL)""",
    ),
    (
        # What moved there is what its journals moved on our account for it, in each currency.
        "movement-is-its-journals",
        """SELECT coalesce(i.txn_id, l.txn_id) || ' ' || coalesce(i.currency, l.currency), coalesce(i.net_units, 0)::text,
            coalesce(l.units, 0)::text
        FROM (SELECT i.provider, i.txn_id, i.currency, i.net_units FROM settlement.recon_item i
            JOIN settlement.recon_done d ON (d.provider, d.txn_id) = (i.provider, i.txn_id)) i
        FULL JOIN (SELECT r.provider, r.txn_id, p.currency, -sum(p.amount) AS units FROM settlement.recon_journal r
            JOIN settlement.posting p ON p.journal_id = r.journal_id
            JOIN settlement.account a ON a.id = p.account_id AND a.kind = 'stripe' GROUP BY 1, 2, 3) l
            ON (l.provider, l.txn_id, l.currency) = (i.provider, i.txn_id, i.currency)
        WHERE coalesce(i.net_units, 0) <> coalesce(l.units, 0)""",
    ),
    (
        "matched-journal-exists",
        """SELECT r.txn_id, 'a journal', 'none' FROM settlement.recon_journal r
        WHERE NOT EXISTS (SELECT FROM settlement.journal j WHERE j.id = r.journal_id)""",
    ),
    (
        "movements-are-counted",
        """SELECT c.provider || ' ' || c.currency, c.recorded::text, count(i.txn_id)::text FROM settlement.recon_cursor c
        LEFT JOIN settlement.recon_item i ON (i.provider, i.account, i.currency) = (c.provider, c.account, c.currency)
        GROUP BY c.provider, c.account, c.currency, c.recorded HAVING c.recorded <> count(i.txn_id)""",
    ),
    (
        "stop-stands-at-what-waits",
        """SELECT c.stopped_txn, 'waiting', 'not' FROM settlement.recon_cursor c WHERE c.stopped_txn IS NOT NULL
        AND NOT EXISTS (SELECT FROM settlement.recon_open o WHERE (o.provider, o.txn_id) = (c.provider, c.stopped_txn))""",
    ),
    (
        "resolution-was-approved",
        """SELECT d.txn_id, 'approved', coalesce(a.state, 'not asked') FROM settlement.recon_done d
        LEFT JOIN settlement.recon_resolution r ON r.id = d.resolution_id AND (r.provider, r.txn_id) = (d.provider, d.txn_id)
        LEFT JOIN settlement.approval a ON a.kind = 'reconciliation' AND a.object_id = d.txn_id
            AND a.body_sha256 = r.body_sha256 AND a.state = 'approved'
        WHERE d.outcome = 'resolved' AND a.id IS NULL""",
    ),
    (
        "own-sweep-was-approved",
        """SELECT j.source_id::text, coalesce(s.amount_units, 0)::text, p.amount::text FROM settlement.journal j
        JOIN settlement.posting p ON p.journal_id = j.id AND p.amount > 0
        LEFT JOIN settlement.own_sweep s ON s.id = j.source_id AND s.currency = p.currency AND EXISTS (
            SELECT FROM settlement.approval a WHERE a.kind = 'own-sweep' AND a.body_sha256 = s.body_sha256
            AND a.state = 'approved')
        WHERE j.kind = 'own_sweep' AND p.amount IS DISTINCT FROM s.amount_units""",
    ),
    (
        # The exchange's own money leaves the places of clients' money by a sweep, and by what providers keep, only.
        "own-money-leaves-by-a-sweep",
        """SELECT j.id::text, 'own_sweep', j.kind FROM settlement.journal j
        JOIN settlement.posting p ON p.journal_id = j.id AND p.amount < 0
        JOIN settlement.account a ON a.id = p.account_id AND a.kind = 'revenue'
        WHERE j.kind <> 'own_sweep' AND EXISTS (SELECT FROM settlement.posting q
            JOIN settlement.account b ON b.id = q.account_id AND b.kind IN ('stripe', 'bank', 'sweep', 'reserve')
            WHERE q.journal_id = j.id AND q.amount > 0)""",
    ),
    (
        "proof-has-its-hash",
        """SELECT id::text, encode(sha256, 'hex'), encode(sha256(document), 'hex') FROM settlement.money_proof
        WHERE sha256 <> sha256(document)
        UNION ALL SELECT 'chart ' || version, encode(sha256, 'hex'), encode(sha256(document), 'hex') FROM settlement.chart
        WHERE sha256 <> sha256(document)""",
    ),
)
