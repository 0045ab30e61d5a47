"""Recomputes settlement from its facts; each check answers with findings, none in a sound database."""

from __future__ import annotations

import hashlib

from exchange.kernel.db import Tx
from settlement.checks import Finding
from settlement.store import (
    audit_banks,
    audit_disputes,
    audit_documents,
    audit_efapiao,
    audit_money,
    audit_recon,
    audit_refunds,
    audit_splits,
    audit_withholding,
)

# Each charge with what its plan says it is, what the charge before it on the same line came to, and its explanation. Runs go
# by their ends, then their numbers: ids follow clocks, and those of two processes may differ.
_LINES = """
SELECT c.id, cumulative_units, amount_units - CASE WHEN (tax->>'included')::boolean THEN 0 ELSE tax_units END AS plan,
    lag(cumulative_units) OVER (PARTITION BY grant_id, component, period_index ORDER BY r.period_end, r.number, c.id) AS before,
    (explanation->'amount'->>'amount')::numeric * 1000000 AS said,
    (explanation->'booked'->>'amount')::numeric * 1000000 AS said_before,
    (explanation->'due'->>'amount')::numeric * 1000000 AS said_due
FROM settlement.charge c JOIN settlement.run r ON r.id = c.run_id"""

# (rule, statement): each row is (subject, said, fact).
_CHECKS: tuple[tuple[str, str], ...] = (
    (
        "journal-sums-to-zero",
        """SELECT journal_id::text || ' ' || currency, '0', sum(amount)::text FROM settlement.posting
        GROUP BY journal_id, currency HAVING sum(amount) <> 0""",
    ),
    (
        "ledger-sums-to-zero",
        "SELECT currency, '0', sum(amount)::text FROM settlement.posting GROUP BY currency HAVING sum(amount) <> 0",
    ),
    (
        "journal-is-complete",
        """SELECT j.id::text, j.line_count::text, count(p.line)::text FROM settlement.journal j
        LEFT JOIN settlement.posting p ON p.journal_id = j.id GROUP BY j.id HAVING count(p.line) <> j.line_count""",
    ),
    (
        "posting-has-journal",
        """SELECT p.journal_id::text, 'a journal', 'none' FROM settlement.posting p
        WHERE NOT EXISTS (SELECT FROM settlement.journal j WHERE j.id = p.journal_id)""",
    ),
    (
        "posting-has-account-of-its-currency",
        """SELECT p.journal_id::text, p.currency, coalesce(a.currency, 'no account') FROM settlement.posting p
        LEFT JOIN settlement.account a ON a.id = p.account_id WHERE a.currency IS DISTINCT FROM p.currency""",
    ),
    (
        "balance-is-sum-of-postings",
        """SELECT b.account_id::text, b.posted || ' in ' || b.version, coalesce(p.total, 0) || ' in ' || coalesce(p.n, 0)
        FROM settlement.balance b LEFT JOIN (SELECT account_id, sum(amount) AS total, count(*) AS n
            FROM settlement.posting GROUP BY 1) p ON p.account_id = b.account_id
        WHERE (b.posted, b.version) IS DISTINCT FROM (coalesce(p.total, 0), coalesce(p.n, 0))""",
    ),
    (
        "bounded-account-has-balance",
        """SELECT a.id::text, 'a balance', 'none' FROM settlement.account a WHERE a.min_balance IS NOT NULL
        AND NOT EXISTS (SELECT FROM settlement.balance b WHERE b.account_id = a.id)""",
    ),
    (
        "no-balance-below-bound",
        "SELECT account_id::text, min_balance::text, posted::text FROM settlement.balance WHERE posted < min_balance",
    ),
    (
        "no-balance-above-bound",
        "SELECT account_id::text, max_balance::text, posted::text FROM settlement.balance WHERE posted > max_balance",
    ),
    (
        "journal-id-is-its-moment",
        """SELECT j.id::text, floor(extract(epoch FROM j.effective_at) * 1000)::bigint::text, m.ms::text
        FROM settlement.journal j, LATERAL (
            SELECT ('x' || left(replace(j.id::text, '-', ''), 12))::bit(48)::bigint AS ms) m
        WHERE m.ms <> floor(extract(epoch FROM j.effective_at) * 1000)""",
    ),
    (
        "held-is-its-open-holds",
        """SELECT a.id::text, coalesce(b.posted, 0)::text, coalesce(h.total, 0)::text FROM settlement.account a
        LEFT JOIN settlement.balance b ON b.account_id = a.id
        LEFT JOIN (SELECT held_id, sum(amount_units) AS total FROM settlement.hold
            WHERE id IN (SELECT hold_id FROM settlement.hold_open) GROUP BY 1) h ON h.held_id = a.id
        WHERE a.kind = 'held' AND coalesce(b.posted, 0) <> coalesce(h.total, 0)""",
    ),
    (
        "hold-is-open-or-has-ended",
        """SELECT h.id::text, 'one of both', CASE WHEN e.hold_id IS NULL THEN 'neither' ELSE 'both' END
        FROM settlement.hold h LEFT JOIN settlement.hold_open o ON o.hold_id = h.id
        LEFT JOIN settlement.hold_end e ON e.hold_id = h.id WHERE (o.hold_id IS NULL) = (e.hold_id IS NULL)""",
    ),
    (
        "hold-has-its-journals",
        """SELECT coalesce(h.id, j.source_id)::text, CASE WHEN e.hold_id IS NULL THEN 'hold' ELSE 'hold hold_end' END,
            coalesce(j.kinds, 'none') FROM settlement.hold h LEFT JOIN settlement.hold_end e ON e.hold_id = h.id
        FULL JOIN (SELECT source_id, string_agg(kind, ' ' ORDER BY kind) AS kinds FROM settlement.journal
            WHERE kind IN ('hold', 'hold_end') GROUP BY 1) j ON j.source_id = h.id
        WHERE h.id IS NULL OR j.kinds IS DISTINCT FROM CASE WHEN e.hold_id IS NULL THEN 'hold' ELSE 'hold hold_end' END""",
    ),
    (
        # Each closed period is carried forward for every account with entries in it, and is the full sum.
        "carried-forward-is-the-sum",
        """WITH full_sums AS (SELECT p.account_id, c.period_end, sum(p.amount) AS total FROM settlement.closed_period c
            JOIN settlement.posting p ON p.currency = c.currency
            JOIN settlement.journal j ON j.id = p.journal_id AND j.effective_at < c.period_end GROUP BY 1, 2)
        SELECT s.account_id || ' ' || s.period_end, coalesce(k.closing::text, 'nothing'), s.total::text FROM full_sums s
        LEFT JOIN LATERAL (SELECT k.closing FROM settlement.account_period k
            WHERE k.account_id = s.account_id AND k.period_end <= s.period_end ORDER BY k.period_end DESC LIMIT 1) k ON true
        WHERE k.closing IS DISTINCT FROM s.total""",
    ),
    (
        "paid-order-has-one-purchase",
        """SELECT o.id::text, CASE WHEN o.state = 'paid' AND o.price_units > 0 THEN '1' ELSE '0' END, count(j.id)::text
        FROM settlement.orders o LEFT JOIN settlement.journal j ON j.kind = 'purchase' AND j.source_id = o.id
        GROUP BY o.id HAVING count(j.id) <> (o.state = 'paid' AND o.price_units > 0)::int""",
    ),
    (
        "purchase-has-order",
        """SELECT j.source_id::text, 'an order', 'none' FROM settlement.journal j WHERE j.kind = 'purchase'
        AND NOT EXISTS (SELECT FROM settlement.orders o WHERE o.id = j.source_id)""",
    ),
    (
        "purchase-is-the-price",
        """SELECT o.id::text, o.price_units::text, s.total::text FROM settlement.orders o
        JOIN settlement.journal j ON j.kind = 'purchase' AND j.source_id = o.id
        JOIN (SELECT journal_id, sum(amount) FILTER (WHERE amount > 0) AS total FROM settlement.posting GROUP BY 1) s
            ON s.journal_id = j.id WHERE s.total <> o.price_units""",
    ),
    (
        "payment-has-its-journal",
        """SELECT p.id::text, p.state, t.booked::text FROM settlement.payment p, LATERAL (SELECT
            EXISTS (SELECT FROM settlement.journal j WHERE j.kind = 'top_up' AND j.source_id = p.id) AS topped,
            EXISTS (SELECT FROM settlement.journal j WHERE (j.kind = 'top_up' AND j.source_id = p.id)
                OR (j.kind = 'purchase' AND j.source_id = p.order_id)) AS booked) t
        WHERE p.method <> 'bank' AND CASE WHEN p.state = 'succeeded' THEN NOT t.booked ELSE t.topped END""",
    ),
    (
        "bank-entry-has-its-journal",
        """SELECT b.id::text, 'a journal', 'none' FROM settlement.bank_entry b
        WHERE b.state <> 'read' AND b.payout_id IS NULL
        AND NOT EXISTS (SELECT FROM settlement.journal j WHERE j.kind = 'bank_credit' AND j.source_id = b.id)""",
    ),
    (
        "payout-has-its-journals",
        """SELECT p.id::text, p.state, string_agg(j.kind, ' ' ORDER BY j.kind) FROM settlement.payout p
        LEFT JOIN settlement.journal j ON j.kind LIKE 'payout%' AND j.source_id = p.id
        GROUP BY p.id, p.state, p.rail HAVING string_agg(j.kind, ' ' ORDER BY j.kind) IS DISTINCT FROM
            CASE WHEN p.state IN ('paid', 'returned') OR (p.state = 'sent' AND p.rail = 'stripe') THEN 'payout payout_paid'
            WHEN p.state = 'reversed' THEN 'payout payout_paid payout_reversed'
            WHEN p.state = 'failed' THEN 'payout payout_failed' ELSE 'payout' END""",
    ),
    (
        # What the provider was asked for once and has done stands on our side under the same name.
        "done-call-took-effect",
        # An uploaded paper and an answer to a bank have no row of their own beside the chargeback, which names the dispute.
        """SELECT c.key, c.provider_id, coalesce(n.ref, 'nothing') FROM settlement.provider_call c
        LEFT JOIN settlement.payout p ON p.id = c.object_id AND c.kind IN ('transfer', 'payout')
        LEFT JOIN settlement.payment q ON q.id = c.object_id AND c.kind IN ('charge', 'checkout')
        LEFT JOIN settlement.payout_account a ON a.organisation_id = c.object_id AND a.rail = 'stripe' AND c.kind = 'account'
        LEFT JOIN settlement.card_refund b ON b.id = c.object_id AND c.kind = 'refund'
        LEFT JOIN settlement.recovery r ON r.id = c.object_id AND c.kind = 'reversal'
        LEFT JOIN settlement.chargeback d ON d.id = c.object_id AND c.kind = 'evidence',
        LATERAL (SELECT CASE c.kind WHEN 'transfer' THEN p.provider_ref WHEN 'payout' THEN p.bank_ref
            WHEN 'charge' THEN q.provider_ref WHEN 'checkout' THEN q.session_ref WHEN 'account' THEN a.destination
            WHEN 'refund' THEN b.provider_ref WHEN 'reversal' THEN r.provider_ref WHEN 'evidence' THEN d.provider_ref
            ELSE c.provider_id END AS ref) n
        WHERE c.state = 'done' AND c.provider_id IS DISTINCT FROM n.ref
        AND NOT EXISTS (SELECT FROM settlement.provider_call n
            WHERE (n.kind, n.object_id, n.state) = (c.kind, c.object_id, 'done') AND n.step > c.step)""",
    ),
    (
        "service-credit-has-its-journal",
        """SELECT coalesce(c.id, j.source_id)::text, coalesce(c.amount_units, 0)::text, coalesce(j.total, 0)::text
        FROM settlement.service_credit c FULL JOIN (SELECT j.source_id, sum(p.amount) AS total FROM settlement.journal j
            JOIN settlement.posting p ON p.journal_id = j.id
            JOIN settlement.account a ON a.id = p.account_id AND a.kind = 'wallet'
            WHERE j.kind = 'service_credit' GROUP BY 1) j ON j.source_id = c.id
        WHERE c.amount_units IS DISTINCT FROM j.total""",
    ),
    (
        "charge-has-its-journal",
        """SELECT c.id::text, 'a journal', 'none' FROM settlement.charge c
        WHERE NOT EXISTS (SELECT FROM settlement.journal j WHERE j.kind = 'charge' AND j.source_id = c.id)""",
    ),
    (
        "charge-is-the-amount",
        """SELECT c.id::text, c.amount_units::text, coalesce(-s.total, 0)::text FROM settlement.charge c
        LEFT JOIN (SELECT j.source_id, sum(p.amount) AS total FROM settlement.journal j
            JOIN settlement.posting p ON p.journal_id = j.id
            JOIN settlement.account a ON a.id = p.account_id AND a.kind IN ('wallet', 'receivable')
            WHERE j.kind = 'charge' GROUP BY 1) s ON s.source_id = c.id
        WHERE c.amount_units <> coalesce(-s.total, 0)""",
    ),
    (
        "correction-corrects-its-own",
        """SELECT c.id::text, c.corrects::text, 'another line' FROM settlement.charge c
        WHERE c.corrects IS NOT NULL AND c.corrects <> c.order_id AND NOT EXISTS (SELECT FROM settlement.charge o
            WHERE o.id = c.corrects AND (o.grant_id, o.component, o.period_index) = (c.grant_id, c.component, c.period_index)
            AND o.id < c.id)""",
    ),
    (
        # A share of the role tax may stand on the same account, so there may be more of it, never less.
        "tax-is-on-its-account",
        """SELECT t.source_id::text, t.units::text, coalesce(s.total, 0)::text FROM (
            SELECT 'purchase' AS kind, id AS source_id, tax_units AS units FROM settlement.orders
                WHERE tax_units <> 0 AND state = 'paid'
            UNION ALL SELECT 'charge', id, tax_units FROM settlement.charge WHERE tax_units <> 0) t
        LEFT JOIN (SELECT j.kind, j.source_id, sum(p.amount) AS total FROM settlement.journal j
            JOIN settlement.posting p ON p.journal_id = j.id
            JOIN settlement.account a ON a.id = p.account_id AND a.kind = 'tax'
            GROUP BY 1, 2) s ON s.kind = t.kind AND s.source_id = t.source_id
        WHERE abs(coalesce(s.total, 0)) < abs(t.units) OR sign(coalesce(s.total, 0)) <> sign(t.units)""",
    ),
    (
        "charge-is-cumulative",
        """SELECT grant_id || ' ' || component || ' ' || period_index, max(n)::text, '1' FROM (
            SELECT grant_id, component, period_index, run_id, count(*) AS n FROM settlement.charge GROUP BY 1, 2, 3, 4) c
        WHERE n > 1 GROUP BY grant_id, component, period_index""",
    ),
    (
        "charge-is-cumulative-less-booked",
        f"""SELECT c.id::text, c.plan::text, (c.cumulative_units - coalesce(c.before, c.said_before))::text FROM ({_LINES}) c
        WHERE c.plan IS DISTINCT FROM c.cumulative_units - coalesce(c.before, c.said_before)""",
    ),
    (
        "charge-is-explained",
        f"""SELECT c.id::text, c.cumulative_units || ' less ' || (c.cumulative_units - c.plan),
            coalesce(c.said::text, 'nothing') || ' less ' || coalesce(c.said_before::text, 'nothing')
        FROM ({_LINES}) c WHERE (c.said, c.said_before, c.said_due)
            IS DISTINCT FROM (c.cumulative_units::numeric, (c.cumulative_units - c.plan)::numeric, c.plan::numeric)""",
    ),
    (
        # Of all that a buyer owes a seller for charges, no more is payable than was paid and not given back or refunded.
        "released-share-was-paid",
        """SELECT c.buyer_id || ' ' || c.seller_id || ' ' || c.currency,
            coalesce(sum(c.units) FILTER (WHERE c.released), 0) || ' released', sum(c.units - c.unpaid_units) || ' paid'
        FROM (SELECT d.buyer_id, d.seller_id, d.currency, d.unpaid_units, d.released OR j.id IS NOT NULL AS released,
                c.amount_units - coalesce(r.units, 0) AS units
            FROM settlement.due d JOIN settlement.charge c ON c.id = d.id
            LEFT JOIN settlement.journal j ON j.kind = 'release' AND j.source_id = d.id
            LEFT JOIN (SELECT source_id, sum(amount_units) AS units FROM settlement.refund GROUP BY 1) r ON r.source_id = d.id) c
        GROUP BY 1 HAVING coalesce(sum(c.units) FILTER (WHERE c.released), 0) > sum(c.units - c.unpaid_units)""",
    ),
    (
        "due-is-receivable",
        """SELECT k.buyer_id || ' ' || k.currency, k.owed::text, (-coalesce(s.total, 0))::text FROM (
            SELECT buyer_id, currency, sum(unpaid_units) AS owed FROM settlement.due GROUP BY 1, 2) k
        LEFT JOIN settlement.account a ON a.organisation_id = k.buyer_id AND a.kind = 'receivable' AND a.currency = k.currency
        LEFT JOIN (SELECT account_id, sum(amount) AS total FROM settlement.posting GROUP BY 1) s ON s.account_id = a.id
        WHERE k.owed <> -coalesce(s.total, 0)""",
    ),
    (
        "invoice-is-its-lines",
        """SELECT i.id::text, i.total_units::text, coalesce(sum(l.amount_units), 0)::text FROM settlement.invoice i
        LEFT JOIN settlement.invoice_line l ON l.invoice_id = i.id
        GROUP BY i.id HAVING i.total_units <> coalesce(sum(l.amount_units), 0)""",
    ),
    (
        "invoice-line-is-without-tax",
        """SELECT l.invoice_id || ' ' || l.line, l.amount_units::text, t.net::text FROM settlement.invoice_line l
        JOIN (SELECT 'order' AS kind, id, price_units - tax_units AS net FROM settlement.orders
            UNION ALL SELECT 'charge', id, amount_units - tax_units FROM settlement.charge
            UNION ALL SELECT 'refund', id, tax_units - amount_units FROM settlement.refund) t
            ON t.kind = l.source_kind AND t.id = l.source_id WHERE l.amount_units <> t.net""",
    ),
    (
        "invoice-tax-is-that-of-its-lines",
        """SELECT l.invoice_id::text, (sum(l.amount_units) FILTER (WHERE l.source_kind = 'tax'))::text, sum(t.tax)::text
        FROM settlement.invoice_line l LEFT JOIN (SELECT 'order' AS kind, id, tax_units AS tax FROM settlement.orders
            UNION ALL SELECT 'charge', id, tax_units FROM settlement.charge
            UNION ALL SELECT 'refund', id, -tax_units FROM settlement.refund) t
            ON t.kind = l.source_kind AND t.id = l.source_id
        GROUP BY l.invoice_id HAVING coalesce(sum(l.amount_units) FILTER (WHERE l.source_kind = 'tax'), 0)
            <> coalesce(sum(t.tax), 0)""",
    ),
    (
        "invoice-numbers-have-no-gap",
        """SELECT i.series, s.last || ' numbers', count(*) || ' invoices to ' || max(i.number) FROM settlement.invoice i
        LEFT JOIN settlement.series s ON s.name = i.series
        GROUP BY i.series, s.last HAVING count(*) <> max(i.number) OR max(i.number) IS DISTINCT FROM s.last""",
    ),
    (
        "statement-chains",
        """SELECT s.id::text, s.opening_units::text, coalesce(b.closing_units, 0)::text FROM settlement.statement s
        LEFT JOIN settlement.statement b ON b.organisation_id = s.organisation_id AND b.currency = s.currency
            AND b.number = s.number - 1
        WHERE s.opening_units <> coalesce(b.closing_units, 0) OR (b.id IS NULL AND s.number > 1)""",
    ),
    (
        "statement-is-its-lines",
        """SELECT s.id::text, (s.closing_units - s.opening_units)::text, coalesce(sum(p.amount), 0)::text
        FROM settlement.statement s LEFT JOIN settlement.statement_line l ON l.statement_id = s.id
        LEFT JOIN settlement.posting p ON p.journal_id = l.journal_id AND p.line = l.posting_line
        GROUP BY s.id HAVING s.closing_units - s.opening_units <> coalesce(sum(p.amount), 0)""",
    ),
    (
        # Both sides of the fact stand on the holder's own accounts; the trigger holds that each currency sums to zero.
        "conversion-has-its-journal",
        """SELECT coalesce(c.id, j.source_id)::text, concat(-c.sold_units, ' ', c.sell, ', ', c.bought_units, ' ', c.buy),
            coalesce(j.moved, 'no journal') FROM settlement.conversion c
        FULL JOIN (SELECT j.source_id, string_agg(concat(p.amount, ' ', p.currency), ', ' ORDER BY p.line) AS moved,
                array_agg(DISTINCT (a.organisation_id, a.kind)::text) AS whose
            FROM settlement.journal j JOIN settlement.posting p ON p.journal_id = j.id
            JOIN settlement.account a ON a.id = p.account_id AND a.organisation_id IS NOT NULL
            WHERE j.kind = 'conversion' GROUP BY 1) j ON j.source_id = c.id
        WHERE j.moved IS DISTINCT FROM concat(-c.sold_units, ' ', c.sell, ', ', c.bought_units, ' ', c.buy)
            OR j.whose IS DISTINCT FROM ARRAY[(c.organisation_id, c.kind)::text]""",
    ),
    (
        "conversion-is-at-the-rate-in-force",
        """SELECT c.id::text, concat(c.rate_id, ' ', c.value, ' ', c.source), coalesce(concat(r.id, ' ', r.value, ' ', r.source), 'none')
        FROM settlement.conversion c LEFT JOIN LATERAL (SELECT * FROM settlement.rate r WHERE r.sell = c.sell
            AND r.buy = c.buy AND r.valid_from <= c.converted_at ORDER BY r.valid_from DESC LIMIT 1) r ON true
        WHERE (c.rate_id, c.value, c.source) IS DISTINCT FROM (r.id, r.value, r.source) OR c.converted_at >= r.valid_to""",
    ),
    (
        "closed-run-is-done",
        """SELECT i.id::text, 'done', i.state FROM settlement.run_item i JOIN settlement.run r ON r.id = i.run_id
        WHERE r.state = 'closed' AND i.state <> 'done'""",
    ),
)
_DOCUMENTS = """
SELECT 'invoice ' || id, document, sha256 FROM settlement.invoice
UNION ALL SELECT 'statement ' || id, document, sha256 FROM settlement.statement"""
_TRIAL = """
SELECT a.currency, a.kind, sum(p.amount)::bigint FROM settlement.posting p JOIN settlement.account a ON a.id = p.account_id
GROUP BY 1, 2 ORDER BY 1, 2"""


_ALL = (
    *_CHECKS,
    *audit_banks.CHECKS,
    *audit_disputes.CHECKS,
    *audit_documents.CHECKS,
    *audit_efapiao.CHECKS,
    *audit_money.CHECKS,
    *audit_recon.CHECKS,
    *audit_refunds.CHECKS,
    *audit_splits.CHECKS,
    *audit_withholding.CHECKS,
)


async def check(tx: Tx) -> list[Finding]:
    """Recompute balances, journals, orders, payments, payouts, invoices and statements from the facts."""
    driver = await tx.driver()
    found = []
    for rule, statement in _ALL:
        found += [Finding(rule, row[0], str(row[1]), str(row[2])) for row in await driver.fetch(statement)]
    for part in (audit_refunds, audit_documents, audit_efapiao, audit_disputes):
        found += await part.check(tx)
    async for name, document, digest in driver.cursor(_DOCUMENTS):
        fact = hashlib.sha256(document).hexdigest()
        if digest.hex() != fact:
            found.append(Finding("document-has-its-hash", name, digest.hex(), fact))
    return found


def rules() -> list[str]:
    """The names of the checks, in the order they run."""
    return [
        *(rule for rule, _ in _ALL),
        *audit_refunds.RULES,
        *audit_documents.RULES,
        *audit_efapiao.RULES,
        *audit_disputes.RULES,
        "document-has-its-hash",
    ]


async def trial_balance(tx: Tx) -> dict[str, dict[str, int]]:
    """The sum of each kind of account per currency; each currency's sums add up to zero.

    units    millionths
    """
    found: dict[str, dict[str, int]] = {}
    for currency, kind, total in await (await tx.driver()).fetch(_TRIAL):
        found.setdefault(currency, {})[kind] = total
    return found
