"""Split rules, what they gave whom, minimum shares, brokers' mandates and their claims on buyers."""

from __future__ import annotations

from alembic import op

from exchange.migrations import rules

revision = "0025"
down_revision = "0024"
_BOTH = f"supplier_id = {rules.CURRENT} OR broker_id = {rules.CURRENT}"
_PERIODS = "('sale', 'month', 'lifetime')"
_SIGNED = (
    "document bytea NOT NULL, sha256 bytea NOT NULL CHECK (length(sha256) = 32), kid text NOT NULL, "
    "signature bytea NOT NULL, created_at timestamptz NOT NULL"
)


def upgrade() -> None:
    """Create the tables; all of them hold facts."""
    _rules()
    _booked()
    _mandates()


def _rules() -> None:
    op.execute(
        f"""CREATE TABLE settlement.split_rule (
            id uuid PRIMARY KEY, supplier_id uuid NOT NULL, dataset_id uuid NOT NULL, code text NOT NULL,
            version integer NOT NULL CHECK (version > 0), currency text NOT NULL CHECK (currency ~ '^[A-Z]{{3}}$'),
            effective_from timestamptz NOT NULL, effective_until timestamptz, stateless boolean NOT NULL, {_SIGNED},
            UNIQUE (dataset_id, code, version), CHECK (effective_from < effective_until))"""
    )
    op.execute("CREATE INDEX split_rule_supplier ON settlement.split_rule (supplier_id, id)")
    rules.facts("settlement.split_rule")
    # Everybody whom a rule pays may read it.
    op.execute(
        """CREATE TABLE settlement.split_payee (
            rule_id uuid NOT NULL REFERENCES settlement.split_rule (id), organisation_id uuid NOT NULL,
            PRIMARY KEY (rule_id, organisation_id))"""
    )
    op.execute("CREATE INDEX split_payee_organisation ON settlement.split_payee (organisation_id, rule_id)")
    rules.facts("settlement.split_payee")
    rules.own("settlement.split_payee", "organisation_id")
    rules.public_read(
        "settlement.split_rule",
        f"supplier_id = {rules.CURRENT} OR EXISTS (SELECT FROM settlement.split_payee p "
        f"WHERE p.rule_id = split_rule.id AND p.organisation_id = {rules.CURRENT})",
    )
    # What the operator asks for of each sale; the one that began last holds. `parts` are hundred-millionths.
    op.execute(
        """CREATE TABLE settlement.split_minimum (
            id uuid PRIMARY KEY, role text NOT NULL CHECK (role IN ('platform', 'pool')),
            parts bigint NOT NULL CHECK (parts BETWEEN 0 AND 100000000), valid_from timestamptz NOT NULL,
            set_by uuid NOT NULL, created_at timestamptz NOT NULL, UNIQUE (role, valid_from))"""
    )
    rules.facts("settlement.split_minimum")
    rules.public_read("settlement.split_minimum")


def _booked() -> None:
    # One booking of a rule; `seq` orders them, so that the newest row of a period says where it stands.
    op.execute(
        """CREATE TABLE settlement.split_run (
            id uuid PRIMARY KEY, seq bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
            rule_id uuid NOT NULL REFERENCES settlement.split_rule (id), currency text NOT NULL, until timestamptz NOT NULL,
            journal_id uuid, created_at timestamptz NOT NULL)"""
    )
    op.execute("CREATE INDEX split_run_rule ON settlement.split_run (rule_id, seq)")
    # Each line that waited on the clearing account is split once; `sale_id` is the sale that it belongs to.
    op.execute(
        """CREATE TABLE settlement.split_source (
            journal_id uuid NOT NULL, line smallint NOT NULL, run_id uuid NOT NULL REFERENCES settlement.split_run (id),
            source_id uuid NOT NULL, sale_id uuid NOT NULL, amount bigint NOT NULL, PRIMARY KEY (journal_id, line))"""
    )
    op.execute("CREATE INDEX split_source_source ON settlement.split_source (source_id)")
    op.execute(
        f"""CREATE TABLE settlement.split_level (
            rule_id uuid NOT NULL, per text NOT NULL CHECK (per IN {_PERIODS}), period text NOT NULL,
            run_seq bigint NOT NULL, gross bigint NOT NULL, came_in bigint NOT NULL, left_over bigint NOT NULL,
            PRIMARY KEY (rule_id, per, period, run_seq))"""
    )
    for table in ("split_run", "split_source", "split_level"):
        rules.facts(f"settlement.{table}")
        rules.internal(f"settlement.{table}")
    # What a step gave one payee in one period, in all and with this run. No organisation: an account of the exchange.
    op.execute(
        f"""CREATE TABLE settlement.split_booked (
            id uuid PRIMARY KEY, run_id uuid NOT NULL REFERENCES settlement.split_run (id), run_seq bigint NOT NULL,
            rule_id uuid NOT NULL, supplier_id uuid NOT NULL, step text NOT NULL, per text NOT NULL CHECK (per IN {_PERIODS}),
            period text NOT NULL, role text NOT NULL, organisation_id uuid, gross bigint NOT NULL, came_in bigint NOT NULL,
            cumulative bigint NOT NULL, amount bigint NOT NULL CHECK (amount <> 0), currency text NOT NULL,
            journal_id uuid NOT NULL, created_at timestamptz NOT NULL,
            UNIQUE NULLS NOT DISTINCT (rule_id, step, period, role, organisation_id, run_seq))"""
    )
    op.execute("CREATE INDEX split_booked_period ON settlement.split_booked (rule_id, period)")
    op.execute("CREATE INDEX split_booked_payee ON settlement.split_booked (organisation_id, id)")
    op.execute("CREATE INDEX split_booked_supplier ON settlement.split_booked (supplier_id, id)")
    rules.facts("settlement.split_booked")
    rules.public_read("settlement.split_booked", f"organisation_id = {rules.CURRENT} OR supplier_id = {rules.CURRENT}")


def _mandates() -> None:
    op.execute(
        f"""CREATE TABLE settlement.mandate (
            id uuid PRIMARY KEY, supplier_id uuid NOT NULL, broker_id uuid NOT NULL,
            parts bigint NOT NULL CHECK (parts BETWEEN 1 AND 100000000), starts_at timestamptz NOT NULL,
            ends_at timestamptz NOT NULL, tail_until timestamptz NOT NULL, {_SIGNED},
            CHECK (starts_at < ends_at), CHECK (ends_at <= tail_until), CHECK (supplier_id <> broker_id))"""
    )
    op.execute(
        """CREATE TABLE settlement.buyer_claim (
            id uuid PRIMARY KEY, mandate_id uuid NOT NULL REFERENCES settlement.mandate (id), supplier_id uuid NOT NULL,
            broker_id uuid NOT NULL, buyer_id uuid NOT NULL, evidence_sha256 bytea NOT NULL CHECK (length(evidence_sha256) = 32),
            stands_until timestamptz NOT NULL, created_at timestamptz NOT NULL, UNIQUE (mandate_id, buyer_id),
            CHECK (buyer_id <> broker_id), CHECK (buyer_id <> supplier_id))"""
    )
    op.execute("CREATE INDEX buyer_claim_pair ON settlement.buyer_claim (supplier_id, buyer_id)")
    # The orders and charges that a broker is paid for, with the mandate that says so.
    op.execute(
        """CREATE TABLE settlement.introduced_sale (
            sale_id uuid PRIMARY KEY, order_id uuid NOT NULL, mandate_id uuid NOT NULL REFERENCES settlement.mandate (id),
            claim_id uuid NOT NULL REFERENCES settlement.buyer_claim (id), supplier_id uuid NOT NULL, broker_id uuid NOT NULL,
            created_at timestamptz NOT NULL)"""
    )
    for table in ("mandate", "buyer_claim", "introduced_sale"):
        op.execute(f"CREATE INDEX {table}_supplier ON settlement.{table} (supplier_id)")
        op.execute(f"CREATE INDEX {table}_broker ON settlement.{table} (broker_id)")
        rules.facts(f"settlement.{table}")
        rules.public_read(f"settlement.{table}", _BOTH)
