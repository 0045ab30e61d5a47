"""Dated obligations of agreements, what was shown for them, reminders; and questions with their answers."""

from __future__ import annotations

from alembic import op

from exchange.migrations import rules

revision = "0020"
down_revision = "0019"
_STATES = "('open', 'due', 'overdue', 'fulfilled', 'waived')"
_OF_OBLIGATION = (
    "id uuid PRIMARY KEY, obligation_id uuid NOT NULL REFERENCES contracts.obligation (id), "
    "buyer_id uuid NOT NULL, seller_id uuid NOT NULL"
)


def upgrade() -> None:
    """Create the tables of obligations and of questions."""
    _obligations()
    _facts()
    _questions()


def _obligations() -> None:
    # How far an agreement's obligations have been worked out: after which events, and when to look again.
    op.execute(
        """CREATE TABLE contracts.obligation_plan (
            agreement_id uuid PRIMARY KEY, events integer NOT NULL, waiting boolean NOT NULL, next_at timestamptz,
            changed_at timestamptz NOT NULL)"""
    )
    op.execute("CREATE INDEX obligation_plan_next ON contracts.obligation_plan (next_at) WHERE next_at IS NOT NULL")
    rules.states("contracts.obligation_plan")
    rules.internal("contracts.obligation_plan")
    op.execute(
        f"""CREATE TABLE contracts.obligation (
            id uuid PRIMARY KEY, agreement_id uuid NOT NULL, buyer_id uuid NOT NULL, seller_id uuid NOT NULL,
            parent_id uuid REFERENCES contracts.obligation (id), path text NOT NULL,
            number integer NOT NULL CHECK (number > 0), duty jsonb NOT NULL,
            state text NOT NULL CHECK (state IN {_STATES}), due_at timestamptz,
            created_at timestamptz NOT NULL, changed_at timestamptz NOT NULL, UNIQUE (agreement_id, path, number))"""
    )
    for side in ("buyer", "seller"):
        op.execute(f"CREATE INDEX obligation_{side} ON contracts.obligation ({side}_id, id)")
    op.execute(
        "CREATE INDEX obligation_due ON contracts.obligation (due_at) "
        "WHERE state IN ('open', 'due') AND due_at IS NOT NULL"
    )
    rules.states("contracts.obligation")
    rules.two_sided("contracts.obligation")


def _facts() -> None:
    op.execute(
        f"""CREATE TABLE contracts.obligation_evidence (
            {_OF_OBLIGATION}, organisation_id uuid NOT NULL, client_id uuid NOT NULL,
            sha256 bytea NOT NULL CHECK (length(sha256) = 32), note jsonb, created_at timestamptz NOT NULL)"""
    )
    # Each move, by whom (nobody: the clock) and why.
    op.execute(
        f"""CREATE TABLE contracts.obligation_step (
            {_OF_OBLIGATION}, state text NOT NULL CHECK (state IN {_STATES}), organisation_id uuid, reason jsonb,
            due_at timestamptz, created_at timestamptz NOT NULL)"""
    )
    for table in ("obligation_evidence", "obligation_step"):
        op.execute(f"CREATE INDEX {table}_obligation ON contracts.{table} (obligation_id, id)")
        rules.facts(f"contracts.{table}")
        rules.two_sided(f"contracts.{table}")
    op.execute(
        """CREATE TABLE contracts.obligation_notice (
            id uuid PRIMARY KEY, obligation_id uuid NOT NULL REFERENCES contracts.obligation (id),
            agreement_id uuid NOT NULL, organisation_id uuid NOT NULL,
            kind text NOT NULL CHECK (kind IN ('asked', 'due', 'overdue')), duty jsonb NOT NULL,
            due_at timestamptz NOT NULL, created_at timestamptz NOT NULL,
            UNIQUE (obligation_id, organisation_id, kind, due_at))"""
    )
    op.execute("CREATE INDEX obligation_notice_organisation ON contracts.obligation_notice (organisation_id, id)")
    rules.facts("contracts.obligation_notice")
    rules.own("contracts.obligation_notice", "organisation_id")


def _questions() -> None:
    op.execute(
        """CREATE TABLE contracts.question (
            id uuid PRIMARY KEY, organisation_id uuid NOT NULL, client_id uuid NOT NULL, subject text NOT NULL,
            verdict text NOT NULL CHECK (verdict IN ('permit', 'deny', 'unknown')), document bytea NOT NULL,
            sha256 bytea NOT NULL CHECK (length(sha256) = 32), created_at timestamptz NOT NULL)"""
    )
    op.execute("CREATE INDEX question_organisation ON contracts.question (organisation_id, id)")
    rules.facts("contracts.question")
    rules.own("contracts.question", "organisation_id")
