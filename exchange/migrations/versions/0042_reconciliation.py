"""Each movement at the payment provider finds its journal or stops; clients' money is proved by the day; an own chart of accounts."""

from __future__ import annotations

from alembic import op

from exchange.migrations import rules

revision = "0042"
down_revision = "0041"


def upgrade() -> None:
    """Create the movements, what became of each, what persons decided, the proofs and what they rest on, and the charts."""
    _movements()
    _decisions()
    _proofs()
    _charts()


def _movements() -> None:
    op.execute(
        """CREATE TABLE settlement.recon_item (
            provider text NOT NULL, account text NOT NULL, txn_id text NOT NULL, currency text NOT NULL,
            type text NOT NULL, category text NOT NULL, amount_units bigint NOT NULL, fee_units bigint NOT NULL,
            net_units bigint NOT NULL, source text NOT NULL, about jsonb NOT NULL, created_at timestamptz NOT NULL,
            available_on timestamptz NOT NULL, seen_at timestamptz NOT NULL,
            PRIMARY KEY (provider, txn_id), CHECK (currency ~ '^[A-Z]{3}$'))"""
    )
    # What nothing has become of yet, in its order.
    op.execute(
        """CREATE TABLE settlement.recon_open (
            provider text NOT NULL, txn_id text NOT NULL, account text NOT NULL, currency text NOT NULL,
            created_at timestamptz NOT NULL, PRIMARY KEY (provider, txn_id),
            FOREIGN KEY (provider, txn_id) REFERENCES settlement.recon_item)"""
    )
    op.execute(
        "CREATE INDEX recon_open_order ON settlement.recon_open (provider, account, currency, created_at, txn_id)"
    )
    rules.erasable("settlement.recon_open")
    rules.internal("settlement.recon_open")
    # What became of a movement, once and for all: matched with journals of ours, or booked by them, or settled by two persons.
    op.execute(
        """CREATE TABLE settlement.recon_done (
            provider text NOT NULL, txn_id text NOT NULL, outcome text NOT NULL CHECK (outcome IN ('matched', 'booked', 'resolved')),
            resolution_id uuid, done_at timestamptz NOT NULL, PRIMARY KEY (provider, txn_id),
            FOREIGN KEY (provider, txn_id) REFERENCES settlement.recon_item,
            CHECK ((outcome = 'resolved') = (resolution_id IS NOT NULL)))"""
    )
    op.execute(
        """CREATE TABLE settlement.recon_journal (
            journal_id uuid PRIMARY KEY, provider text NOT NULL, txn_id text NOT NULL,
            FOREIGN KEY (provider, txn_id) REFERENCES settlement.recon_item)"""
    )
    op.execute("CREATE INDEX recon_journal_item ON settlement.recon_journal (provider, txn_id)")
    for table in ("recon_item", "recon_done", "recon_journal"):
        rules.facts(f"settlement.{table}")
        rules.internal(f"settlement.{table}")
    op.execute(
        """CREATE TABLE settlement.recon_cursor (
            provider text NOT NULL, account text NOT NULL, currency text NOT NULL, seen_until timestamptz,
            looked_at timestamptz, recorded bigint NOT NULL DEFAULT 0, stopped_txn text, reason text, said text, stopped_at timestamptz,
            PRIMARY KEY (provider, account, currency),
            CHECK ((stopped_txn IS NULL) = (reason IS NULL)), CHECK ((stopped_txn IS NULL) = (stopped_at IS NULL)))"""
    )
    rules.states("settlement.recon_cursor")
    rules.internal("settlement.recon_cursor")


def _decisions() -> None:
    op.execute(
        """CREATE TABLE settlement.recon_resolution (
            id uuid PRIMARY KEY, provider text NOT NULL, txn_id text NOT NULL, remedy text NOT NULL, organisation_id uuid,
            note text NOT NULL, body_sha256 bytea NOT NULL CHECK (octet_length(body_sha256) = 32),
            asked_client uuid NOT NULL, created_at timestamptz NOT NULL,
            FOREIGN KEY (provider, txn_id) REFERENCES settlement.recon_item,
            CHECK ((remedy IN ('wallet', 'debt')) = (organisation_id IS NOT NULL)))"""
    )
    op.execute("CREATE INDEX recon_resolution_item ON settlement.recon_resolution (provider, txn_id, id)")
    op.execute(
        """CREATE TABLE settlement.own_sweep (
            id uuid PRIMARY KEY, currency text NOT NULL, amount_units bigint NOT NULL CHECK (amount_units > 0),
            note text NOT NULL, body_sha256 bytea NOT NULL CHECK (octet_length(body_sha256) = 32),
            asked_client uuid NOT NULL, created_at timestamptz NOT NULL)"""
    )
    for table in ("recon_resolution", "own_sweep"):
        rules.facts(f"settlement.{table}")
        rules.internal(f"settlement.{table}")


def _proofs() -> None:
    # What somebody outside says lies at a place at a moment: the provider, a bank's statement, or the operator who read one.
    op.execute(
        """CREATE TABLE settlement.stated_balance (
            id uuid PRIMARY KEY, place text NOT NULL CHECK (place IN ('stripe', 'bank')), currency text NOT NULL,
            units bigint NOT NULL, at timestamptz NOT NULL, source text NOT NULL, created_at timestamptz NOT NULL)"""
    )
    op.execute("CREATE INDEX stated_balance_newest ON settlement.stated_balance (place, currency, at DESC, id DESC)")
    op.execute(
        """CREATE TABLE settlement.money_proof (
            id uuid PRIMARY KEY, day date NOT NULL, currency text NOT NULL, at timestamptz NOT NULL,
            difference_units bigint NOT NULL, short_units bigint NOT NULL CHECK (short_units >= 0), complete boolean NOT NULL,
            document bytea NOT NULL, sha256 bytea NOT NULL CHECK (octet_length(sha256) = 32))"""
    )
    op.execute("CREATE INDEX money_proof_newest ON settlement.money_proof (currency, at DESC)")
    for table in ("stated_balance", "money_proof"):
        rules.facts(f"settlement.{table}")
        rules.internal(f"settlement.{table}")


def _charts() -> None:
    op.execute(
        """CREATE TABLE settlement.chart (
            version int PRIMARY KEY CHECK (version >= 1), document bytea NOT NULL,
            sha256 bytea NOT NULL CHECK (octet_length(sha256) = 32), made_by uuid NOT NULL, created_at timestamptz NOT NULL)"""
    )
    rules.facts("settlement.chart")
    rules.internal("settlement.chart")
