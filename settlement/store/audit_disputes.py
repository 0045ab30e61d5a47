"""What `exchange fsck` recomputes of disputes."""

from __future__ import annotations

from itertools import groupby

from exchange.kernel.db import Tx
from settlement.checks import Finding
from settlement.disputes import Done, Move, State, faults_of

DISPUTES_PER_PART = 500

# (rule, statement): each row is (subject, said, fact).
CHECKS: tuple[tuple[str, str], ...] = (
    (
        "dispute-stands-as-its-last-fact",
        """SELECT d.id::text, d.state, coalesce((SELECT f.state FROM settlement.dispute_fact f WHERE f.dispute_id = d.id
            ORDER BY f.number DESC LIMIT 1), 'none') FROM settlement.dispute d
        WHERE d.state IS DISTINCT FROM (SELECT f.state FROM settlement.dispute_fact f WHERE f.dispute_id = d.id
            ORDER BY f.number DESC LIMIT 1)""",
    ),
    (
        "dispute-fact-is-its-digest",
        """SELECT f.id::text, encode(f.sha256, 'hex'), encode(sha256(f.document), 'hex') FROM settlement.dispute_fact f
        WHERE f.sha256 <> sha256(f.document)
        UNION ALL SELECT e.id::text, encode(e.sha256, 'hex'), encode(sha256(e.document), 'hex')
        FROM settlement.dispute_evidence e WHERE e.document IS NOT NULL AND e.sha256 <> sha256(e.document)""",
    ),
    (
        # What a stop says is held is the sum of its open holds on that payee's payable money.
        "dispute-holds-what-it-says",
        """SELECT coalesce(s.d, h.d) || ' ' || coalesce(s.o, h.o), coalesce(s.held, 0)::text, coalesce(h.held, 0)::text FROM (
            SELECT dispute_id AS d, organisation_id AS o, held_units AS held FROM settlement.dispute_stop) s
        FULL JOIN (SELECT k.dispute_id AS d, k.organisation_id AS o, sum(x.amount_units)::bigint AS held
            FROM settlement.dispute_hold k JOIN settlement.hold x ON x.id = k.hold_id
            JOIN settlement.hold_open p ON p.hold_id = k.hold_id GROUP BY 1, 2) h ON h.d = s.d AND h.o = s.o
        WHERE coalesce(s.held, 0) <> coalesce(h.held, 0)""",
    ),
    (
        "dispute-hold-is-of-its-payee",
        """SELECT k.hold_id::text, k.organisation_id::text, coalesce(x.organisation_id::text, 'no hold')
        FROM settlement.dispute_hold k LEFT JOIN settlement.hold x ON x.id = k.hold_id AND x.reason = 'dispute'
            AND x.tag = k.dispute_id WHERE x.organisation_id IS DISTINCT FROM k.organisation_id
        UNION ALL SELECT x.id::text, 'a dispute', 'none' FROM settlement.hold x WHERE x.reason = 'dispute'
            AND NOT EXISTS (SELECT FROM settlement.dispute_hold k WHERE k.hold_id = x.id)""",
    ),
    (
        "never-more-held-than-disputed",
        """SELECT d.id::text, d.amount_units::text, sum(s.want_units)::text FROM settlement.dispute d
        JOIN settlement.dispute_stop s ON s.dispute_id = d.id AND s.live GROUP BY d.id
        HAVING sum(s.want_units) > d.amount_units""",
    ),
    (
        "closed-dispute-holds-nothing",
        """SELECT d.id::text, 'nothing', sum(s.want_units)::text FROM settlement.dispute d
        JOIN settlement.dispute_stop s ON s.dispute_id = d.id AND s.live AND s.award_to IS NULL
        WHERE d.state = 'closed' GROUP BY d.id""",
    ),
    (
        # A share that waits for its release, or for its giver's next money, is awarded only where a closed case said so.
        "awarded-share-waits-for-its-release",
        """SELECT s.dispute_id || ' ' || s.organisation_id, 'a closed case of a split', concat(d.kind, ' ', d.state, ' ', s.held_units)
        FROM settlement.dispute_stop s LEFT JOIN settlement.dispute d ON d.id = s.dispute_id
        WHERE s.award_to IS NOT NULL AND s.live AND (d.state IS DISTINCT FROM 'closed' OR d.kind <> 'split'
            OR s.held_units <> 0 OR d.taker_id <> s.award_to OR d.giver_id <> s.organisation_id)""",
    ),
    (
        # A buyer gets back what it paid for a sale and no more, refunds and credits together.
        "no-more-back-than-was-paid",
        """SELECT d.source_id::text, sum(j.paid)::text, sum(j.back)::text FROM (
            SELECT DISTINCT d.source_id FROM settlement.dispute_money m JOIN settlement.dispute d ON d.id = m.dispute_id
            WHERE m.kind = 'award' AND d.kind <> 'split') d
        CROSS JOIN LATERAL (SELECT
            (SELECT coalesce(-sum(p.amount), 0) FROM settlement.journal j JOIN settlement.posting p ON p.journal_id = j.id
                AND p.amount < 0 WHERE j.kind IN ('purchase', 'charge') AND j.source_id = d.source_id) AS paid,
            (SELECT coalesce(sum(r.amount_units), 0) FROM settlement.refund r WHERE r.source_id = d.source_id)
            + (SELECT coalesce(sum(m.amount_units), 0) FROM settlement.dispute_money m
                JOIN settlement.dispute o ON o.id = m.dispute_id WHERE o.source_id = d.source_id AND o.kind <> 'split'
                AND m.kind = 'award') AS back) j
        GROUP BY d.source_id HAVING sum(j.back) > sum(j.paid)""",
    ),
    (
        # Whatever cases there are about a payee's share of a sale, it is given once.
        "no-more-of-a-share-given-than-got",
        """SELECT g.source_id || ' ' || g.giver, g.got::text, g.given::text FROM (
            SELECT d.source_id, d.giver_id AS giver,
                (SELECT coalesce(sum(p.amount), 0) FROM settlement.journal j
                    JOIN settlement.posting p ON p.journal_id = j.id
                    JOIN settlement.account a ON a.id = p.account_id AND a.kind = 'pending' AND a.organisation_id = d.giver_id
                    WHERE j.kind IN ('purchase', 'charge') AND j.source_id = d.source_id) AS got,
                sum(coalesce((SELECT sum(m.amount_units) FROM settlement.dispute_money m
                        WHERE m.dispute_id = d.id AND m.kind = 'award'), 0)
                    + coalesce((SELECT sum(s.want_units) FROM settlement.dispute_stop s
                        WHERE s.dispute_id = d.id AND s.live AND s.award_to IS NOT NULL), 0)) AS given
            FROM settlement.dispute d WHERE d.kind = 'split' GROUP BY d.source_id, d.giver_id) g
        WHERE g.given > g.got""",
    ),
    (
        # Between payees the exchange advances nothing.
        "share-award-makes-no-debt",
        """SELECT m.id::text, 'nothing', (-p.amount)::text FROM settlement.dispute d
        JOIN settlement.dispute_money m ON m.dispute_id = d.id AND m.kind = 'award'
        JOIN settlement.journal j ON j.kind = 'award' AND j.source_id = m.id
        JOIN settlement.posting p ON p.journal_id = j.id
        JOIN settlement.account a ON a.id = p.account_id AND a.kind = 'debt' WHERE d.kind = 'split'""",
    ),
    (
        "disputed-share-is-held-once-released",
        """SELECT s.dispute_id || ' ' || s.organisation_id, 'released', 'waiting' FROM settlement.dispute_stop s
        WHERE s.live AND NOT s.released
            AND EXISTS (SELECT FROM settlement.journal j WHERE j.kind = 'release' AND j.source_id = s.source_id)""",
    ),
    (
        "dispute-moves-no-more-than-disputed",
        """SELECT d.id::text, d.amount_units::text, sum(m.amount_units)::text FROM settlement.dispute d
        JOIN settlement.dispute_money m ON m.dispute_id = d.id AND m.kind <> 'arbitration_fee'
        GROUP BY d.id HAVING sum(m.amount_units) > d.amount_units""",
    ),
    (
        "dispute-money-has-its-journal",
        """SELECT coalesce(m.id, j.source_id)::text, concat(m.kind, ' ', m.amount_units, ' ', m.to_id),
            concat(j.kind, ' ', j.units, ' ', j.holder)
        FROM (SELECT * FROM settlement.dispute_money WHERE kind <> 'refund') m
        FULL JOIN (SELECT j.source_id, j.kind, sum(p.amount)::bigint AS units, (array_agg(a.organisation_id))[1] AS holder
            FROM settlement.journal j JOIN settlement.posting p ON p.journal_id = j.id AND p.amount > 0
            JOIN settlement.account a ON a.id = p.account_id
            WHERE j.kind IN ('award', 'arbitration_fee') GROUP BY 1, 2) j ON j.source_id = m.id AND j.kind = m.kind
        WHERE (m.amount_units, m.to_id) IS DISTINCT FROM (j.units, j.holder)""",
    ),
    (
        "dispute-refund-is-of-its-source",
        """SELECT m.id::text, d.source_id || ' ' || m.amount_units, coalesce(r.source_id || ' ' || r.amount_units, 'none')
        FROM settlement.dispute_money m JOIN settlement.dispute d ON d.id = m.dispute_id
        LEFT JOIN settlement.refund r ON r.id = m.refund_id WHERE m.kind = 'refund'
            AND (r.source_id, r.amount_units) IS DISTINCT FROM (d.source_id, m.amount_units)""",
    ),
    (
        "arbitrator-is-no-party",
        """SELECT f.dispute_id::text, 'an arbitrator', coalesce(f.organisation_id::text, 'nobody')
        FROM settlement.dispute_fact f JOIN settlement.dispute d ON d.id = f.dispute_id
        WHERE f.move = 'decide' AND (f.organisation_id IS NULL OR f.organisation_id IN (d.giver_id, d.taker_id))""",
    ),
)
RULES = ("dispute-facts-follow-the-table",)
_FACTS = """
SELECT f.dispute_id, f.number, f.move, f.state FROM settlement.dispute_fact f JOIN (
    SELECT id FROM settlement.dispute WHERE id > $1 ORDER BY id LIMIT $2) d ON d.id = f.dispute_id
ORDER BY f.dispute_id, f.number"""


async def check(tx: Tx) -> list[Finding]:
    """Follow the facts of every dispute along the table of what may be done where it stands."""
    driver, found = await tx.driver(), []
    after = "00000000-0000-0000-0000-000000000000"
    while rows := await driver.fetch(_FACTS, after, DISPUTES_PER_PART):
        after = rows[-1]["dispute_id"]
        for dispute_id, facts in groupby(rows, key=lambda row: row["dispute_id"]):
            told = [Done(row["number"], Move(row["move"]), State(row["state"])) for row in facts]
            found += [
                Finding("dispute-facts-follow-the-table", str(dispute_id), "the table", each)
                for each in faults_of(told)
            ]
    return found
