"""Banks: our accounts and their statements, payees' accounts, batches of payouts. Credit: lines, and orders on account."""

from __future__ import annotations

from alembic import op

from exchange.migrations import rules

revision = "0043"
down_revision = "0042"


def upgrade() -> None:
    """Create accounts, statements, destinations, batches and credit terms; widen entries, payouts and orders."""
    _accounts()
    _entries()
    _destinations()
    _batches()
    _credit()


def _accounts() -> None:
    op.execute(
        """CREATE TABLE settlement.bank_account (
            id uuid PRIMARY KEY, kind text NOT NULL CHECK (kind IN ('client', 'escrow')), currency text NOT NULL,
            scheme text NOT NULL CHECK (scheme IN ('iban', 'cn')), last4 text NOT NULL,
            digest bytea NOT NULL CHECK (octet_length(digest) = 32), sealed_for uuid NOT NULL, sealed bytea NOT NULL,
            opened_at timestamptz NOT NULL, closed_at timestamptz)"""
    )
    op.execute(
        "CREATE UNIQUE INDEX bank_account_once ON settlement.bank_account (digest, currency) WHERE closed_at IS NULL"
    )
    # The ledger has one account `bank` per currency: a second place for clients' money would be ambiguous in it.
    op.execute(
        "CREATE UNIQUE INDEX bank_account_client ON settlement.bank_account (currency) "
        "WHERE kind = 'client' AND closed_at IS NULL"
    )
    rules.states("settlement.bank_account")
    rules.internal("settlement.bank_account")
    op.execute(
        """CREATE TABLE settlement.bank_statement (
            id uuid PRIMARY KEY, account_id uuid NOT NULL REFERENCES settlement.bank_account, reference text NOT NULL,
            sha256 bytea NOT NULL CHECK (octet_length(sha256) = 32), opening_units bigint NOT NULL,
            closing_units bigint NOT NULL, currency text NOT NULL, entries int NOT NULL CHECK (entries >= 0),
            received_at timestamptz NOT NULL, matched_at timestamptz, UNIQUE (account_id, reference))"""
    )
    rules.states("settlement.bank_statement")
    rules.internal("settlement.bank_statement")


def _entries() -> None:
    op.execute(
        """ALTER TABLE settlement.bank_entry DROP CONSTRAINT bank_entry_entry_ref_key,
            DROP CONSTRAINT bank_entry_amount_units_check, DROP CONSTRAINT bank_entry_state_check,
            ADD COLUMN account_id uuid, ADD COLUMN statement_id uuid, ADD COLUMN position int, ADD COLUMN end_to_end text,
            ADD COLUMN counterparty bytea CHECK (octet_length(counterparty) = 32), ADD COLUMN return_reason text,
            ADD COLUMN payout_id uuid, ADD COLUMN maybe_id uuid, ADD COLUMN maybe_payment_id uuid,
            ADD CONSTRAINT bank_entry_amount_units_check CHECK (amount_units <> 0),
            ADD CONSTRAINT bank_entry_state_check CHECK (state IN ('read', 'matched', 'unmatched')),
            ADD CONSTRAINT bank_entry_once UNIQUE NULLS NOT DISTINCT (entry_ref, account_id)"""
    )
    op.execute("CREATE INDEX bank_entry_read ON settlement.bank_entry (statement_id, position) WHERE state = 'read'")
    op.execute("CREATE INDEX bank_entry_unmatched ON settlement.bank_entry (id) WHERE state = 'unmatched'")
    op.execute(
        "CREATE INDEX bank_entry_holder ON settlement.bank_entry (counterparty, organisation_id) "
        "WHERE counterparty IS NOT NULL AND organisation_id IS NOT NULL"
    )


def _destinations() -> None:
    op.execute(
        """CREATE TABLE settlement.payout_destination (
            id uuid PRIMARY KEY, organisation_id uuid NOT NULL, scheme text NOT NULL CHECK (scheme IN ('iban', 'cn')),
            version int NOT NULL CHECK (version >= 1), last4 text NOT NULL,
            digest bytea NOT NULL CHECK (octet_length(digest) = 32),
            fingerprint bytea NOT NULL CHECK (octet_length(fingerprint) = 32), sealed bytea NOT NULL,
            state text NOT NULL CHECK (state IN ('asked', 'active', 'replaced', 'withdrawn')),
            asked_at timestamptz NOT NULL, usable_from timestamptz NOT NULL, active_at timestamptz, ended_at timestamptz,
            UNIQUE (organisation_id, scheme, version), CHECK (state <> 'active' OR active_at IS NOT NULL),
            CHECK ((state IN ('replaced', 'withdrawn')) = (ended_at IS NOT NULL)))"""
    )
    for state in ("asked", "active"):
        op.execute(
            f"CREATE UNIQUE INDEX payout_destination_{state} ON settlement.payout_destination (organisation_id, scheme) "
            f"WHERE state = '{state}'"
        )
    rules.states("settlement.payout_destination")
    rules.own("settlement.payout_destination", "organisation_id")


def _batches() -> None:
    op.execute(
        """CREATE TABLE settlement.payout_batch (
            id uuid PRIMARY KEY, account_id uuid NOT NULL REFERENCES settlement.bank_account, currency text NOT NULL,
            form text NOT NULL CHECK (form IN ('pain.001', 'csv-gb18030', 'csv-utf8')), execution_date date NOT NULL,
            state text NOT NULL CHECK (state IN ('draft', 'approved', 'exported', 'done', 'cancelled')),
            sha256 bytea NOT NULL CHECK (octet_length(sha256) = 32), count int NOT NULL CHECK (count >= 0),
            total_units bigint NOT NULL CHECK (total_units >= 0), made_at timestamptz NOT NULL, exported_at timestamptz,
            file_sha256 bytea, stored_sha256 bytea, stored_bytes int,
            CHECK ((state IN ('exported', 'done')) = (exported_at IS NOT NULL)),
            CHECK ((exported_at IS NULL) = (file_sha256 IS NULL)), CHECK ((exported_at IS NULL) = (stored_sha256 IS NULL)))"""
    )
    rules.states("settlement.payout_batch")
    rules.internal("settlement.payout_batch")
    op.execute(
        """CREATE TABLE settlement.payout_batch_item (
            batch_id uuid NOT NULL REFERENCES settlement.payout_batch, payout_id uuid NOT NULL, position int NOT NULL,
            organisation_id uuid NOT NULL, amount_units bigint NOT NULL CHECK (amount_units > 0),
            destination_id uuid NOT NULL, fingerprint bytea NOT NULL, dropped text, PRIMARY KEY (batch_id, payout_id))"""
    )
    # A payout is in one batch at a time; a batch that was given up, or that it fell out of, holds it no longer.
    op.execute(
        "CREATE UNIQUE INDEX payout_batch_item_once ON settlement.payout_batch_item (payout_id) WHERE dropped IS NULL"
    )
    rules.states("settlement.payout_batch_item")
    rules.internal("settlement.payout_batch_item")
    op.execute("ALTER TABLE settlement.payout DROP CONSTRAINT payout_state_check")
    op.execute(
        """ALTER TABLE settlement.payout ADD CONSTRAINT payout_state_check CHECK (
            state IN ('created', 'approved', 'exported', 'sent', 'paid', 'returned', 'reversed', 'failed'))"""
    )
    op.execute(
        "CREATE INDEX payout_waiting ON settlement.payout (currency, id) WHERE rail = 'bank' AND state = 'created'"
    )


def _credit() -> None:
    op.execute(
        """CREATE TABLE settlement.credit_line (
            id uuid PRIMARY KEY, buyer_id uuid NOT NULL, currency text NOT NULL,
            limit_units bigint NOT NULL CHECK (limit_units >= 0), days int NOT NULL CHECK (days BETWEEN 0 AND 180),
            purchase_order_required boolean NOT NULL, state text NOT NULL CHECK (state IN ('asked', 'active', 'ended')),
            asked_at timestamptz NOT NULL, active_at timestamptz, ended_at timestamptz,
            CHECK ((state = 'asked') = (active_at IS NULL)), CHECK ((state = 'ended') = (ended_at IS NOT NULL)))"""
    )
    op.execute(
        "CREATE UNIQUE INDEX credit_line_active ON settlement.credit_line (buyer_id, currency) WHERE state = 'active'"
    )
    rules.states("settlement.credit_line")
    rules.own("settlement.credit_line", "buyer_id")
    op.execute(
        """CREATE TABLE settlement.credit_order (
            order_id uuid PRIMARY KEY, buyer_id uuid NOT NULL, seller_id uuid NOT NULL, currency text NOT NULL,
            price_units bigint NOT NULL CHECK (price_units > 0),
            unpaid_units bigint NOT NULL CHECK (unpaid_units BETWEEN 0 AND price_units), due_on date NOT NULL,
            purchase_order text CHECK (length(purchase_order) BETWEEN 1 AND 100), created_at timestamptz NOT NULL)"""
    )
    op.execute("CREATE INDEX credit_order_buyer ON settlement.credit_order (buyer_id, order_id)")
    op.execute("CREATE INDEX credit_order_due ON settlement.credit_order (due_on, order_id) WHERE unpaid_units > 0")
    rules.states("settlement.credit_order")
    rules.own("settlement.credit_order", "buyer_id")
    op.execute("ALTER TABLE settlement.orders DROP CONSTRAINT orders_payment_check")
    op.execute(
        "ALTER TABLE settlement.orders ADD CONSTRAINT orders_payment_check CHECK (payment IN ('wallet', 'card', 'account'))"
    )
