"""What money in and out is built on: more kinds of accounts, what stands on an organisation's papers, and approvals by two."""

from __future__ import annotations

from alembic import op

from exchange.migrations import rules

revision = "0040"
down_revision = "0039"

_OWNED = "'wallet', 'receivable', 'pending', 'payable', 'in_transit', 'held', 'advance', 'debt', 'credit'"
_PLATFORM = (
    "'stripe', 'bank', 'suspense', 'revenue', 'tax', 'rounding', 'conversion', 'clearing', 'pool', "
    "'fees', 'disputed', 'reserve', 'sweep', 'withheld', 'input_tax'"
)


def upgrade() -> None:
    """Widen the accounts; create the profiles and the approvals."""
    op.execute(
        f"""ALTER TABLE settlement.account DROP CONSTRAINT account_kind_check, DROP CONSTRAINT account_check,
            ADD CONSTRAINT account_kind_check CHECK (kind IN ({_OWNED}, {_PLATFORM})),
            ADD CONSTRAINT account_check CHECK ((organisation_id IS NOT NULL) = (kind IN ({_OWNED})))"""
    )
    # A paper pins the version that it was written with, so a version is never changed.
    op.execute(
        """CREATE TABLE parties.profile (
            organisation_id uuid NOT NULL, version int NOT NULL CHECK (version >= 1), legal_name jsonb NOT NULL,
            address text[] NOT NULL CHECK (cardinality(address) BETWEEN 1 AND 3), city text NOT NULL, postcode text NOT NULL,
            subdivision text NOT NULL, country text NOT NULL CHECK (country ~ '^[A-Z]{2}$'),
            language text NOT NULL CHECK (language IN ('en', 'zh')), created_at timestamptz NOT NULL,
            PRIMARY KEY (organisation_id, version))"""
    )
    rules.facts("parties.profile")
    rules.own("parties.profile", "organisation_id")
    op.execute(
        """CREATE TABLE settlement.approval (
            id uuid PRIMARY KEY, kind text NOT NULL CHECK (kind ~ '^[a-z][a-z-]{0,39}$'), object_id text NOT NULL,
            body_sha256 bytea NOT NULL CHECK (octet_length(body_sha256) = 32),
            state text NOT NULL CHECK (state IN ('open', 'approved', 'refused')),
            asked_organisation uuid NOT NULL, asked_client uuid NOT NULL, asked_at timestamptz NOT NULL,
            decided_organisation uuid, decided_client uuid, decided_at timestamptz, note text,
            CHECK ((state = 'open') = (decided_at IS NULL)), CHECK ((decided_at IS NULL) = (decided_client IS NULL)),
            CHECK (decided_client <> asked_client))"""
    )
    # One thing, with one content, is asked for once at a time; who asks for it again gets the same approval.
    op.execute(
        "CREATE UNIQUE INDEX approval_once ON settlement.approval (kind, object_id, body_sha256) WHERE state <> 'refused'"
    )
    op.execute("CREATE INDEX approval_open ON settlement.approval (id) WHERE state = 'open'")
    rules.states("settlement.approval")
    rules.internal("settlement.approval")
    op.execute(
        """CREATE FUNCTION settlement.approval_decided_once() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF OLD.state <> 'open' OR (NEW.id, NEW.kind, NEW.object_id, NEW.body_sha256, NEW.asked_client, NEW.asked_at)
                IS DISTINCT FROM (OLD.id, OLD.kind, OLD.object_id, OLD.body_sha256, OLD.asked_client, OLD.asked_at) THEN
                RAISE EXCEPTION 'an approval is decided once, and what was asked for stays'
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NEW;
        END $$"""
    )
    op.execute(
        "CREATE TRIGGER approval_decided_once BEFORE UPDATE ON settlement.approval "
        "FOR EACH ROW EXECUTE FUNCTION settlement.approval_decided_once()"
    )
