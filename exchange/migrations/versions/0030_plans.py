"""Mandates that end early, what rules carry over, pools, guarantees, milestones, and use that is held for a person."""

from __future__ import annotations

from alembic import op

from exchange.migrations import rules

revision = "0030"
down_revision = "0029"
_BOTH = f"supplier_id = {rules.CURRENT} OR broker_id = {rules.CURRENT}"
_SIGNED = (
    "document bytea NOT NULL, sha256 bytea NOT NULL CHECK (length(sha256) = 32), kid text NOT NULL, "
    "signature bytea NOT NULL, created_at timestamptz NOT NULL"
)


def upgrade() -> None:
    """Create the tables; all of them hold facts."""
    _mandates()
    # From where the steps per lifetime of a run went on: what earlier versions of the rule had taken by then.
    op.execute("ALTER TABLE settlement.split_run ADD COLUMN carried jsonb")
    _pools()
    _guarantees()
    _milestones()
    _held_usage()


def _pools() -> None:
    op.execute(
        f"""CREATE TABLE settlement.pool_policy (
            id uuid PRIMARY KEY, currency text NOT NULL CHECK (currency ~ '^[A-Z]{{3}}$'), version integer NOT NULL CHECK (version > 0),
            from_month text NOT NULL CHECK (from_month ~ '^[0-9]{{4}}-[0-9]{{2}}$'), time_zone text NOT NULL,
            by text NOT NULL CHECK (by IN ('sales', 'quality', 'vector')),
            parts bigint NOT NULL CHECK (parts BETWEEN 1 AND 100000000), vector_id uuid, set_by uuid NOT NULL, {_SIGNED},
            UNIQUE (currency, version), CHECK ((by = 'vector') = (vector_id IS NOT NULL)))"""
    )
    rules.facts("settlement.pool_policy")
    rules.public_read("settlement.pool_policy")
    # A month's money is given away once. What is left of it, and what nobody's weight takes, stays in the pool.
    op.execute(
        """CREATE TABLE settlement.pool_distribution (
            id uuid PRIMARY KEY, policy_id uuid NOT NULL REFERENCES settlement.pool_policy (id), currency text NOT NULL,
            month text NOT NULL, available_units bigint NOT NULL, total_units bigint NOT NULL CHECK (total_units > 0),
            given_units bigint NOT NULL CHECK (given_units BETWEEN 1 AND total_units), whole numeric(40, 0) NOT NULL CHECK (whole > 0),
            journal_id uuid NOT NULL, made_by uuid NOT NULL, created_at timestamptz NOT NULL, UNIQUE (currency, month))"""
    )
    rules.facts("settlement.pool_distribution")
    rules.public_read("settlement.pool_distribution")
    op.execute(
        """CREATE TABLE settlement.pool_share (
            distribution_id uuid NOT NULL REFERENCES settlement.pool_distribution (id), organisation_id uuid NOT NULL,
            weight numeric(40, 0) NOT NULL CHECK (weight > 0), before numeric(40, 0) NOT NULL CHECK (before >= 0),
            amount_units bigint NOT NULL CHECK (amount_units >= 0), PRIMARY KEY (distribution_id, organisation_id))"""
    )
    op.execute("CREATE INDEX pool_share_organisation ON settlement.pool_share (organisation_id, distribution_id)")
    rules.facts("settlement.pool_share")
    rules.own("settlement.pool_share", "organisation_id")


def _guarantees() -> None:
    mine = f"supplier_id = {rules.CURRENT} OR organisation_id = {rules.CURRENT}"
    # Steps of signed rules that promise a payee an amount of each month, and who pays what is short of it.
    op.execute(
        """CREATE TABLE settlement.split_promise (
            rule_id uuid NOT NULL REFERENCES settlement.split_rule (id), step text NOT NULL, supplier_id uuid NOT NULL,
            organisation_id uuid NOT NULL, guarantor text NOT NULL CHECK (guarantor IN ('supplier', 'platform')),
            amount_units bigint NOT NULL CHECK (amount_units > 0), recouped boolean NOT NULL, currency text NOT NULL,
            PRIMARY KEY (rule_id, step))"""
    )
    op.execute("CREATE INDEX split_promise_organisation ON settlement.split_promise (organisation_id)")
    op.execute("CREATE INDEX split_promise_supplier ON settlement.split_promise (supplier_id)")
    # The exchange pays nothing that a supplier has promised in its name until the operator has accepted that rule.
    op.execute(
        """CREATE TABLE settlement.split_promise_accepted (
            rule_id uuid PRIMARY KEY REFERENCES settlement.split_rule (id), accepted_by uuid NOT NULL,
            created_at timestamptz NOT NULL)"""
    )
    # What a guarantor paid for a month, in all and with this booking; below zero it got back.
    op.execute(
        """CREATE TABLE settlement.split_guarantee (
            id uuid PRIMARY KEY, rule_id uuid NOT NULL REFERENCES settlement.split_rule (id), dataset_id uuid NOT NULL,
            code text NOT NULL, step text NOT NULL, period text NOT NULL, number integer NOT NULL CHECK (number > 0),
            supplier_id uuid NOT NULL, organisation_id uuid NOT NULL, guarantor text NOT NULL, recouped boolean NOT NULL,
            promised_units bigint NOT NULL, got_units bigint NOT NULL, outstanding_units bigint NOT NULL,
            cumulative_units bigint NOT NULL, amount_units bigint NOT NULL CHECK (amount_units <> 0), owed_units bigint NOT NULL,
            currency text NOT NULL, journal_id uuid NOT NULL, created_at timestamptz NOT NULL,
            CHECK (owed_units BETWEEN 0 AND abs(amount_units)), UNIQUE (dataset_id, code, step, period, organisation_id, number))"""
    )
    op.execute("CREATE INDEX split_guarantee_payee ON settlement.split_guarantee (organisation_id, id)")
    op.execute("CREATE INDEX split_guarantee_supplier ON settlement.split_guarantee (supplier_id, id)")
    for table in ("split_promise", "split_promise_accepted", "split_guarantee"):
        rules.facts(f"settlement.{table}")
    rules.internal("settlement.split_promise_accepted")
    for table in ("split_promise", "split_guarantee"):
        rules.public_read(f"settlement.{table}", mine)


def _milestones() -> None:
    op.execute(
        """CREATE TABLE contracts.milestone_report (
            id uuid PRIMARY KEY, order_id uuid NOT NULL, grant_id uuid NOT NULL, component text NOT NULL,
            number integer NOT NULL CHECK (number > 0), buyer_id uuid NOT NULL, seller_id uuid NOT NULL,
            evidence_sha256 bytea NOT NULL CHECK (length(evidence_sha256) = 32), note jsonb NOT NULL, silent_at timestamptz,
            client_id uuid NOT NULL, created_at timestamptz NOT NULL, UNIQUE (grant_id, component, number))"""
    )
    op.execute("CREATE INDEX milestone_report_order ON contracts.milestone_report (order_id)")
    op.execute(
        """CREATE TABLE contracts.milestone_answer (
            report_id uuid PRIMARY KEY REFERENCES contracts.milestone_report (id), buyer_id uuid NOT NULL, seller_id uuid NOT NULL,
            accepted boolean NOT NULL, reason jsonb, client_id uuid NOT NULL, created_at timestamptz NOT NULL,
            CHECK (accepted = (reason IS NULL)))"""
    )
    # What a supplier will not do is never charged, and what was reserved for it went back.
    op.execute(
        """CREATE TABLE contracts.milestone_drop (
            grant_id uuid NOT NULL, component text NOT NULL, order_id uuid NOT NULL, buyer_id uuid NOT NULL,
            seller_id uuid NOT NULL, client_id uuid NOT NULL, created_at timestamptz NOT NULL, PRIMARY KEY (grant_id, component))"""
    )
    op.execute("CREATE INDEX milestone_drop_order ON contracts.milestone_drop (order_id)")
    op.execute(
        """CREATE TABLE settlement.milestone_escrow (
            order_id uuid NOT NULL, component text NOT NULL, hold_id uuid NOT NULL UNIQUE, buyer_id uuid NOT NULL,
            seller_id uuid NOT NULL, amount_units bigint NOT NULL CHECK (amount_units > 0), currency text NOT NULL,
            created_at timestamptz NOT NULL, PRIMARY KEY (order_id, component))"""
    )
    sides = f"buyer_id = {rules.CURRENT} OR seller_id = {rules.CURRENT}"
    for table in (
        "contracts.milestone_report",
        "contracts.milestone_answer",
        "contracts.milestone_drop",
        "settlement.milestone_escrow",
    ):
        rules.facts(table)
        rules.public_read(table, sides)


def _held_usage() -> None:
    # `counted` was used by then, `most` of it counts until it is decided. A day that grows is held anew.
    op.execute(
        """CREATE TABLE access.usage_aside (
            id uuid PRIMARY KEY, grant_id uuid NOT NULL, day date NOT NULL, meter smallint NOT NULL,
            number integer NOT NULL CHECK (number > 0), counted numeric(38, 0) NOT NULL, most numeric(38, 0) NOT NULL,
            why text NOT NULL CHECK (why IN ('absolute', 'quota', 'history')), buyer_id uuid NOT NULL, seller_id uuid NOT NULL,
            created_at timestamptz NOT NULL, CHECK (counted > most), UNIQUE (grant_id, day, meter, number))"""
    )
    op.execute(
        """CREATE TABLE access.usage_decision (
            aside_id uuid PRIMARY KEY REFERENCES access.usage_aside (id), let_through boolean NOT NULL, reason jsonb NOT NULL,
            decided_by uuid NOT NULL, buyer_id uuid NOT NULL, seller_id uuid NOT NULL, created_at timestamptz NOT NULL)"""
    )
    # Each sealing of a day is looked at once.
    op.execute(
        """CREATE TABLE access.usage_checked (
            day date NOT NULL, sealed_at timestamptz NOT NULL, created_at timestamptz NOT NULL, PRIMARY KEY (day, sealed_at))"""
    )
    for side in ("buyer", "seller"):
        op.execute(f"CREATE INDEX usage_aside_{side} ON access.usage_aside ({side}_id, id)")
    sides = f"buyer_id = {rules.CURRENT} OR seller_id = {rules.CURRENT}"
    for table in ("usage_aside", "usage_decision", "usage_checked"):
        rules.facts(f"access.{table}")
    for table in ("usage_aside", "usage_decision"):
        rules.public_read(f"access.{table}", sides)
    rules.internal("access.usage_checked")


def _mandates() -> None:
    # A mandate ends once before its term; `tail_until` is its tail, counted from there.
    op.execute(
        f"""CREATE TABLE settlement.mandate_end (
            mandate_id uuid PRIMARY KEY REFERENCES settlement.mandate (id), supplier_id uuid NOT NULL, broker_id uuid NOT NULL,
            ended_by uuid NOT NULL, ends_at timestamptz NOT NULL, tail_until timestamptz NOT NULL, {_SIGNED},
            CHECK (ends_at <= tail_until), CHECK (ended_by IN (supplier_id, broker_id)))"""
    )
    rules.facts("settlement.mandate_end")
    rules.public_read("settlement.mandate_end", _BOTH)
