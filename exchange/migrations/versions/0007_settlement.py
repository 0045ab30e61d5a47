"""Who owes whom: the ledger, orders, payments, settlement runs, invoices, statements and payouts."""

from __future__ import annotations

from alembic import op

from exchange.migrations import rules

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Create the schema settlement."""
    rules.schema("settlement")
    _ledger()
    _ledger_triggers()
    _ledger_rows()
    _orders()
    _payments()
    _runs()
    _charges()
    _documents()
    _payouts()


def _ledger() -> None:
    op.execute(
        """CREATE TABLE settlement.account (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, organisation_id uuid,
            kind text NOT NULL CHECK (kind IN ('wallet', 'receivable', 'pending', 'payable', 'in_transit',
                'stripe', 'bank', 'suspense', 'revenue', 'tax', 'rounding')),
            currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'), min_balance bigint, created_at timestamptz NOT NULL,
            UNIQUE NULLS NOT DISTINCT (organisation_id, kind, currency),
            CHECK ((organisation_id IS NOT NULL) = (kind IN ('wallet', 'receivable', 'pending', 'payable', 'in_transit'))))"""
    )
    op.execute(
        """CREATE TABLE settlement.journal (
            id uuid PRIMARY KEY, kind text NOT NULL, source_id uuid NOT NULL, body_sha256 bytea NOT NULL,
            line_count smallint NOT NULL CHECK (line_count >= 2), node_id text NOT NULL DEFAULT 'centre',
            effective_at timestamptz NOT NULL, created_at timestamptz NOT NULL, UNIQUE (kind, source_id))"""
    )
    # No foreign keys here: the trigger below checks journal and account for all new lines with one join.
    op.execute(
        """CREATE TABLE settlement.posting (
            journal_id uuid NOT NULL, line smallint NOT NULL CHECK (line >= 1), account_id bigint NOT NULL,
            amount bigint NOT NULL CHECK (amount <> 0), currency text NOT NULL, tag uuid,
            PRIMARY KEY (journal_id, line))"""
    )
    # Journal ids grow with time, so a statement of one account and period is one range of this index.
    op.execute("CREATE INDEX posting_account ON settlement.posting (account_id, journal_id) INCLUDE (amount)")
    # Only accounts with a bound have a row: nothing else is ever locked or updated.
    op.execute(
        """CREATE TABLE settlement.balance (
            account_id bigint PRIMARY KEY, organisation_id uuid NOT NULL, currency text NOT NULL,
            min_balance bigint NOT NULL, posted bigint NOT NULL DEFAULT 0, version bigint NOT NULL DEFAULT 0,
            CHECK (posted >= min_balance)) WITH (fillfactor = 40)"""
    )


def _ledger_triggers() -> None:
    # A connection keeps the plan that it made while the tables were small; a scan of all journals must never be that plan.
    # Lines 1..line_count, all in one statement: a second statement for the same journal meets the primary key.
    op.execute(
        """CREATE FUNCTION settlement.check_postings() RETURNS trigger LANGUAGE plpgsql
        SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
        DECLARE bad uuid;
        BEGIN
            SELECT g.journal_id INTO bad FROM (
                SELECT n.journal_id, n.currency, sum(n.amount) AS total, count(*) AS lines, count(a.id) AS known
                FROM new_rows n LEFT JOIN settlement.account a ON a.id = n.account_id AND a.currency = n.currency
                GROUP BY 1, 2) g WHERE g.total <> 0 OR g.known <> g.lines LIMIT 1;
            IF FOUND THEN
                RAISE EXCEPTION 'journal % does not sum to zero, or posts to no account of its currency', bad
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            SELECT g.journal_id INTO bad FROM (
                SELECT n.journal_id, count(*) AS lines, max(n.line) AS last FROM new_rows n GROUP BY 1) g
                LEFT JOIN settlement.journal j ON j.id = g.journal_id
                WHERE j.id IS NULL OR g.lines <> j.line_count OR g.last <> j.line_count LIMIT 1;
            IF FOUND THEN
                RAISE EXCEPTION 'journal % is unknown or not complete', bad USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NULL;
        END $$"""
    )
    op.execute(
        """CREATE TRIGGER posting_balanced AFTER INSERT ON settlement.posting REFERENCING NEW TABLE AS new_rows
        FOR EACH STATEMENT EXECUTE FUNCTION settlement.check_postings()"""
    )


def _ledger_rows() -> None:
    rules.facts("settlement.account")
    rules.own("settlement.account", "organisation_id")
    rules.facts("settlement.journal")
    rules.facts("settlement.posting")
    # An organisation sees the lines of its own accounts, never the other lines of the same journal.
    rules.public_read("settlement.posting", "account_id IN (SELECT a.id FROM settlement.account a)")
    rules.public_read(
        "settlement.journal", "EXISTS (SELECT FROM settlement.posting p WHERE p.journal_id = settlement.journal.id)"
    )
    rules.states("settlement.balance")
    rules.own("settlement.balance", "organisation_id")


def _orders() -> None:
    op.execute(
        """CREATE TABLE settlement.orders (
            id uuid PRIMARY KEY, buyer_id uuid NOT NULL, seller_id uuid NOT NULL, offer_id uuid NOT NULL,
            listing_id uuid NOT NULL, agreement_id uuid NOT NULL, price_units bigint NOT NULL CHECK (price_units >= 0),
            currency text NOT NULL, payment text NOT NULL CHECK (payment IN ('wallet', 'card')),
            state text NOT NULL CHECK (state IN ('awaiting_payment', 'paid', 'cancelled')),
            created_at timestamptz NOT NULL, paid_at timestamptz, settled_in uuid,
            CHECK ((state = 'paid') = (paid_at IS NOT NULL)))"""
    )
    op.execute("CREATE INDEX orders_buyer ON settlement.orders (buyer_id, id)")
    op.execute("CREATE INDEX orders_paid ON settlement.orders (seller_id, paid_at) WHERE state = 'paid'")
    rules.states("settlement.orders")
    rules.two_sided("settlement.orders")


def _payments() -> None:
    op.execute(
        """CREATE TABLE settlement.payment (
            id uuid PRIMARY KEY, organisation_id uuid NOT NULL, purpose text NOT NULL CHECK (purpose IN ('top_up', 'order')),
            order_id uuid, amount_units bigint NOT NULL CHECK (amount_units > 0), currency text NOT NULL,
            method text NOT NULL CHECK (method IN ('card', 'bank')),
            state text NOT NULL CHECK (state IN ('created', 'processing', 'succeeded', 'failed')),
            provider_ref text UNIQUE, failure text, created_at timestamptz NOT NULL, finished_at timestamptz,
            CHECK ((purpose = 'order') = (order_id IS NOT NULL)))"""
    )
    op.execute("CREATE INDEX payment_organisation ON settlement.payment (organisation_id, id)")
    op.execute("CREATE INDEX payment_order ON settlement.payment (order_id) WHERE order_id IS NOT NULL")
    rules.states("settlement.payment")
    rules.own("settlement.payment", "organisation_id")
    # The payload may hold personal data: it can be emptied while the row still refuses a second delivery.
    op.execute(
        """CREATE TABLE settlement.stripe_event (
            id text PRIMARY KEY, type text NOT NULL, object_id text NOT NULL, payload bytea,
            received_at timestamptz NOT NULL, handled_at timestamptz)"""
    )
    rules.erasable("settlement.stripe_event")
    rules.internal("settlement.stripe_event")
    op.execute(
        """CREATE TABLE settlement.bank_entry (
            id uuid PRIMARY KEY, entry_ref text NOT NULL UNIQUE, reference text NOT NULL,
            amount_units bigint NOT NULL CHECK (amount_units > 0), currency text NOT NULL, booked_at timestamptz NOT NULL,
            state text NOT NULL CHECK (state IN ('matched', 'unmatched')), organisation_id uuid, payment_id uuid,
            received_at timestamptz NOT NULL, CHECK ((state = 'matched') = (organisation_id IS NOT NULL)))"""
    )
    rules.states("settlement.bank_entry")
    rules.own("settlement.bank_entry", "organisation_id")


def _runs() -> None:
    op.execute(
        """CREATE TABLE settlement.run (
            id uuid PRIMARY KEY, period_start timestamptz NOT NULL, period_end timestamptz NOT NULL, currency text NOT NULL,
            number int NOT NULL, state text NOT NULL CHECK (state IN ('open', 'closed')),
            created_at timestamptz NOT NULL, closed_at timestamptz, CHECK (period_start < period_end),
            UNIQUE (period_start, period_end, currency, number))"""
    )
    op.execute("CREATE UNIQUE INDEX run_open ON settlement.run (currency) WHERE state = 'open'")
    rules.states("settlement.run")
    rules.internal("settlement.run")
    op.execute(
        """CREATE TABLE settlement.run_item (
            id uuid PRIMARY KEY, run_id uuid NOT NULL REFERENCES settlement.run, side text NOT NULL
                CHECK (side IN ('seller', 'payee')), organisation_id uuid NOT NULL,
            state text NOT NULL CHECK (state IN ('pending', 'done')), done_at timestamptz,
            UNIQUE (run_id, side, organisation_id))"""
    )
    op.execute(
        "CREATE INDEX run_item_pending ON settlement.run_item (run_id, side, organisation_id) WHERE state = 'pending'"
    )
    rules.states("settlement.run_item")
    rules.internal("settlement.run_item")


def _charges() -> None:
    op.execute(
        """CREATE TABLE settlement.charge (
            id uuid PRIMARY KEY, run_id uuid NOT NULL, grant_id uuid NOT NULL, order_id uuid NOT NULL, offer_id uuid NOT NULL,
            buyer_id uuid NOT NULL, seller_id uuid NOT NULL, component text NOT NULL, period_index int NOT NULL,
            service_start timestamptz NOT NULL, service_end timestamptz, quantity numeric NOT NULL,
            cumulative_units bigint NOT NULL, amount_units bigint NOT NULL CHECK (amount_units <> 0), currency text NOT NULL,
            explanation jsonb NOT NULL, created_at timestamptz NOT NULL,
            UNIQUE (grant_id, component, period_index, run_id))"""
    )
    op.execute("CREATE INDEX charge_seller ON settlement.charge (seller_id, id)")
    op.execute("CREATE INDEX charge_buyer ON settlement.charge (buyer_id, id)")
    rules.facts("settlement.charge")
    rules.two_sided("settlement.charge")
    # What of a charge the buyer's wallet did not cover, and whether its shares were released.
    op.execute(
        """CREATE TABLE settlement.due (
            id uuid PRIMARY KEY, buyer_id uuid NOT NULL, seller_id uuid NOT NULL, currency text NOT NULL,
            unpaid_units bigint NOT NULL CHECK (unpaid_units >= 0), released boolean NOT NULL DEFAULT false)"""
    )
    op.execute("CREATE INDEX due_open ON settlement.due (seller_id, currency, id) WHERE NOT released")
    rules.states("settlement.due")
    rules.two_sided("settlement.due")


def _documents() -> None:
    op.execute("CREATE TABLE settlement.series (name text PRIMARY KEY, last bigint NOT NULL)")
    rules.states("settlement.series")
    rules.internal("settlement.series")
    op.execute(
        """CREATE TABLE settlement.invoice (
            id uuid PRIMARY KEY, run_id uuid NOT NULL, series text NOT NULL, number bigint NOT NULL,
            buyer_id uuid NOT NULL, seller_id uuid NOT NULL, currency text NOT NULL,
            period_start timestamptz NOT NULL, period_end timestamptz NOT NULL, total_units bigint NOT NULL,
            document bytea NOT NULL, sha256 bytea NOT NULL, issued_at timestamptz NOT NULL,
            UNIQUE (series, number), UNIQUE (run_id, seller_id, buyer_id))"""
    )
    op.execute("CREATE INDEX invoice_buyer ON settlement.invoice (buyer_id, id)")
    op.execute("CREATE INDEX invoice_seller ON settlement.invoice (seller_id, id)")
    rules.facts("settlement.invoice")
    rules.two_sided("settlement.invoice")
    op.execute(
        """CREATE TABLE settlement.invoice_line (
            invoice_id uuid NOT NULL, line int NOT NULL, source_kind text NOT NULL CHECK (source_kind IN ('order', 'charge')),
            source_id uuid NOT NULL, description jsonb NOT NULL, quantity numeric NOT NULL, amount_units bigint NOT NULL,
            PRIMARY KEY (invoice_id, line), UNIQUE (source_kind, source_id))"""
    )
    rules.facts("settlement.invoice_line")
    rules.internal("settlement.invoice_line")
    op.execute(
        """CREATE TABLE settlement.statement (
            id uuid PRIMARY KEY, run_id uuid NOT NULL, organisation_id uuid NOT NULL, currency text NOT NULL,
            number int NOT NULL, period_start timestamptz NOT NULL, period_end timestamptz NOT NULL,
            opening_units bigint NOT NULL, sales_units bigint NOT NULL, fees_units bigint NOT NULL,
            shares_units bigint NOT NULL, payouts_units bigint NOT NULL, adjustments_units bigint NOT NULL, closing_units bigint NOT NULL,
            document bytea NOT NULL, sha256 bytea NOT NULL, issued_at timestamptz NOT NULL,
            UNIQUE (run_id, organisation_id, currency), UNIQUE (organisation_id, currency, number),
            CHECK (closing_units = opening_units + sales_units + fees_units + shares_units + payouts_units + adjustments_units))"""
    )
    rules.facts("settlement.statement")
    rules.own("settlement.statement", "organisation_id")
    # Which postings a statement explains; none is explained twice, so statements chain without a gap.
    op.execute(
        """CREATE TABLE settlement.statement_line (
            statement_id uuid NOT NULL, line int NOT NULL, journal_id uuid NOT NULL, posting_line smallint NOT NULL,
            amount_units bigint NOT NULL, PRIMARY KEY (statement_id, line), UNIQUE (journal_id, posting_line))"""
    )
    rules.facts("settlement.statement_line")
    rules.internal("settlement.statement_line")


def _payouts() -> None:
    op.execute(
        """CREATE TABLE settlement.payout (
            id uuid PRIMARY KEY, organisation_id uuid NOT NULL, account_id bigint NOT NULL, currency text NOT NULL,
            period text NOT NULL CHECK (length(period) BETWEEN 1 AND 64), rail text NOT NULL CHECK (rail IN ('stripe', 'bank')),
            destination text NOT NULL, amount_units bigint NOT NULL CHECK (amount_units > 0),
            state text NOT NULL CHECK (state IN ('created', 'sent', 'paid', 'failed')),
            provider_ref text UNIQUE, failure text, created_at timestamptz NOT NULL, finished_at timestamptz)"""
    )
    # A failed payout gave the money back, so the same period may be paid again.
    op.execute(
        "CREATE UNIQUE INDEX payout_once ON settlement.payout (account_id, period, rail) WHERE state <> 'failed'"
    )
    op.execute("CREATE INDEX payout_organisation ON settlement.payout (organisation_id, id)")
    rules.states("settlement.payout")
    rules.own("settlement.payout", "organisation_id")
