"""Weight vectors of contributions: what was ordered, who agreed to it, what was measured; and the digests of records."""

from __future__ import annotations

from alembic import op

from exchange.migrations import rules

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    """Create the tables of weight vectors; where one stands follows from its answers, so nothing of it ever changes."""
    op.execute(
        """CREATE TABLE settlement.weight_order (
            id uuid PRIMARY KEY, subject text NOT NULL, method text NOT NULL, utility text NOT NULL,
            ordered_by uuid NOT NULL, asked uuid[] NOT NULL, document bytea NOT NULL, sha256 bytea NOT NULL, created_at timestamptz NOT NULL,
            CHECK (sha256 = sha256(document)))"""
    )
    _of_parties("settlement.weight_order", "id")
    # Who may see an order and its vector; row security asks kernel.party the same.
    op.execute(
        """CREATE TABLE settlement.weight_member (
            order_id uuid NOT NULL REFERENCES settlement.weight_order (id), organisation_id uuid NOT NULL,
            PRIMARY KEY (order_id, organisation_id))"""
    )
    op.execute("CREATE INDEX weight_member_organisation ON settlement.weight_member (organisation_id, order_id)")
    rules.facts("settlement.weight_member")
    rules.own("settlement.weight_member", "organisation_id")
    op.execute(
        """CREATE TABLE settlement.weight_answer (
            order_id uuid NOT NULL REFERENCES settlement.weight_order (id), organisation_id uuid NOT NULL,
            client_id uuid NOT NULL, agrees boolean NOT NULL, sha256 bytea NOT NULL CHECK (length(sha256) = 32),
            created_at timestamptz NOT NULL, PRIMARY KEY (order_id, organisation_id))"""
    )
    _of_parties("settlement.weight_answer", "order_id")
    op.execute(
        """CREATE TABLE settlement.weight_vector (
            order_id uuid PRIMARY KEY REFERENCES settlement.weight_order (id), subject text NOT NULL,
            ordered_by uuid NOT NULL, version integer NOT NULL CHECK (version > 0), document bytea NOT NULL,
            sha256 bytea NOT NULL, kid text NOT NULL, signature bytea NOT NULL, inputs bytea NOT NULL,
            inputs_sha256 bytea NOT NULL, created_at timestamptz NOT NULL, UNIQUE (ordered_by, subject, version),
            CHECK (sha256 = sha256(document) AND inputs_sha256 = sha256(inputs) AND length(signature) = 64))"""
    )
    _of_parties("settlement.weight_vector", "order_id")
    _digests()


def _of_parties(table: str, column: str) -> None:
    rules.facts(table)
    rules.party_read(table, column)


def _digests() -> None:
    op.execute(
        """CREATE TABLE settlement.record_set (
            revision_id uuid PRIMARY KEY, organisation_id uuid NOT NULL, method text NOT NULL,
            records bigint NOT NULL CHECK (records >= 0), sha256 bytea NOT NULL CHECK (length(sha256) = 32),
            created_at timestamptz NOT NULL)"""
    )
    rules.facts("settlement.record_set")
    rules.own("settlement.record_set", "organisation_id")
    # Sorted digests of 16 bytes, about a hundred a row, so that a row stays on its page and none is copied to be cut.
    op.execute(
        """CREATE TABLE settlement.record_digests (
            revision_id uuid NOT NULL, part smallint NOT NULL CHECK (part BETWEEN 0 AND 15), number integer NOT NULL,
            digests bytea NOT NULL CHECK (length(digests) BETWEEN 16 AND 1792 AND length(digests) % 16 = 0),
            PRIMARY KEY (revision_id, part, number))"""
    )
    op.execute("ALTER TABLE settlement.record_digests ALTER COLUMN digests SET STORAGE PLAIN")
    # A digest of a short text tells whoever can guess the text; it may go once it is not needed.
    rules.erasable("settlement.record_digests")
    rules.internal("settlement.record_digests")
