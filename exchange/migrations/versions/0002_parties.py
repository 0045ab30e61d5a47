"""Who takes part: organisations and how far they were checked, their people, clients and revoked tokens."""

from __future__ import annotations

from alembic import op

from exchange.migrations import rules

revision = "0002"
down_revision = "0001"

_STATES = "('unverified', 'submitted', 'verified', 'rejected', 'suspended')"


def upgrade() -> None:
    """Create the schema parties."""
    rules.schema("parties")
    _organisations()
    _people()
    _clients()


def _organisations() -> None:
    op.execute(
        f"""CREATE TABLE parties.organisation (
            id uuid PRIMARY KEY, name jsonb NOT NULL, roles text[] NOT NULL, country text NOT NULL,
            state text NOT NULL, node_id text NOT NULL DEFAULT 'centre', created_at timestamptz NOT NULL,
            CHECK (state IN {_STATES}), CHECK (country ~ '^[A-Z]{{2}}$'), CHECK (cardinality(roles) > 0))"""
    )
    rules.states("parties.organisation")
    rules.own("parties.organisation", "id")
    # The name of a verified party is public: it stands on every listing and certificate.
    rules.public_read("parties.organisation", "state = 'verified'")
    op.execute("CREATE INDEX organisation_by_state ON parties.organisation (state, id)")
    op.execute(
        """CREATE TABLE parties.identifier (
            organisation_id uuid NOT NULL, scheme text NOT NULL, value text NOT NULL, created_at timestamptz NOT NULL,
            PRIMARY KEY (organisation_id, scheme), CHECK (scheme IN ('uscc', 'lei', 'eu_vat')))"""
    )
    rules.facts("parties.identifier")
    rules.own("parties.identifier", "organisation_id")
    # Not unique: anybody can claim a number. Who is verified with it is decided under a lock.
    op.execute("CREATE INDEX identifier_by_value ON parties.identifier (scheme, value)")
    op.execute(
        """CREATE TABLE parties.evidence (
            id uuid PRIMARY KEY, organisation_id uuid NOT NULL, kind text NOT NULL, sha256 bytea NOT NULL,
            size_bytes bigint NOT NULL, media_type text NOT NULL, client_id uuid NOT NULL,
            created_at timestamptz NOT NULL, CHECK (length(sha256) = 32), CHECK (size_bytes > 0))"""
    )
    rules.facts("parties.evidence")
    rules.own("parties.evidence", "organisation_id")
    op.execute("CREATE UNIQUE INDEX evidence_once ON parties.evidence (organisation_id, sha256, kind)")
    op.execute(
        f"""CREATE TABLE parties.decision (
            id uuid PRIMARY KEY, organisation_id uuid NOT NULL, from_state text NOT NULL, to_state text NOT NULL,
            decided_by uuid NOT NULL, client_id uuid NOT NULL, reason text NOT NULL, created_at timestamptz NOT NULL,
            CHECK (from_state IN {_STATES}), CHECK (to_state IN {_STATES}))"""
    )
    rules.facts("parties.decision")
    rules.own("parties.decision", "organisation_id")
    op.execute("CREATE INDEX decision_by_organisation ON parties.decision (organisation_id, id)")


def _people() -> None:
    op.execute(
        """CREATE TABLE parties.member (
            id uuid PRIMARY KEY, organisation_id uuid NOT NULL, state text NOT NULL, created_at timestamptz NOT NULL,
            CHECK (state IN ('active', 'left')))"""
    )
    rules.states("parties.member")
    rules.own("parties.member", "organisation_id")
    op.execute("CREATE INDEX member_by_organisation ON parties.member (organisation_id, id)")
    op.execute(
        """CREATE TABLE parties.person (
            member_id uuid PRIMARY KEY, organisation_id uuid NOT NULL, name text NOT NULL, email text NOT NULL,
            created_at timestamptz NOT NULL)"""
    )
    rules.erasable("parties.person")
    rules.own("parties.person", "organisation_id")


def _clients() -> None:
    op.execute(
        """CREATE TABLE parties.client (
            id uuid PRIMARY KEY, organisation_id uuid NOT NULL, label text NOT NULL, secret_hash bytea NOT NULL,
            scopes text[] NOT NULL, created_at timestamptz NOT NULL, revoked_at timestamptz,
            CHECK (length(secret_hash) = 32))"""
    )
    rules.states("parties.client")
    rules.own("parties.client", "organisation_id")
    op.execute("CREATE INDEX client_by_organisation ON parties.client (organisation_id, id)")
    # Not even its own organisation's portal reads the hash of a secret.
    op.execute(f"REVOKE SELECT ON parties.client FROM {rules.PORTAL}")
    visible = "id, organisation_id, label, scopes, created_at, revoked_at"
    op.execute(f"GRANT SELECT ({visible}) ON parties.client TO {rules.PORTAL}")
    op.execute(
        """CREATE TABLE parties.revoked_token (
            jti text PRIMARY KEY, organisation_id uuid NOT NULL, client_id uuid NOT NULL,
            expires_at timestamptz NOT NULL, revoked_at timestamptz NOT NULL, CHECK (length(jti) BETWEEN 1 AND 64))"""
    )
    rules.erasable("parties.revoked_token")
    rules.own("parties.revoked_token", "organisation_id")
    op.execute("CREATE INDEX revoked_token_by_end ON parties.revoked_token (expires_at)")
