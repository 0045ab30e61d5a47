"""Disputes: what is in dispute, what was said and shown of it, which money it holds, and what a decision moved."""

from __future__ import annotations

from alembic import op

from exchange.migrations import rules

revision = "0046"
down_revision = "0045"
_STATES = "('open', 'answered', 'arbitration', 'hearing', 'decided', 'rework', 'external', 'closed')"
_MOVES = (
    "('open', 'answer', 'prove', 'propose', 'accept', 'withdraw', 'escalate', 'assign', 'take_up', 'decline', 'ask', "
    "'decide', 'appeal', 'waive', 'redeliver', 'confirm', 'object', 'lapse', 'close')"
)


def upgrade() -> None:
    """Create the dispute with its facts, evidence, stops, holds and moves of money; who sees it follows from its row."""
    _dispute()
    _said()
    _money()


def _dispute() -> None:
    op.execute(
        f"""CREATE TABLE settlement.dispute (
            id uuid PRIMARY KEY,
            kind text NOT NULL CHECK (kind IN ('order', 'delivery', 'quality', 'usage', 'split', 'chargeback')),
            source_kind text NOT NULL CHECK (source_kind IN ('order', 'charge')), source_id uuid NOT NULL,
            order_id uuid NOT NULL, giver_id uuid NOT NULL, taker_id uuid NOT NULL, claimant_id uuid NOT NULL,
            amount_units bigint NOT NULL CHECK (amount_units > 0), currency text NOT NULL,
            state text NOT NULL CHECK (state IN {_STATES}), due_at timestamptz, round int NOT NULL CHECK (round IN (1, 2)),
            arbitrator_id uuid, earlier_id uuid, waived_by uuid, reworked boolean NOT NULL, redelivered boolean NOT NULL,
            outcome text CHECK (outcome IN ('settled', 'withdrawn', 'decided', 'won', 'lost')),
            created_at timestamptz NOT NULL, closed_at timestamptz,
            CHECK (giver_id <> taker_id), CHECK (claimant_id IN (giver_id, taker_id)),
            CHECK (arbitrator_id NOT IN (giver_id, taker_id)), CHECK (arbitrator_id <> earlier_id),
            CHECK ((state = 'closed') = (outcome IS NOT NULL)), CHECK ((state = 'closed') = (closed_at IS NOT NULL)),
            CHECK (state <> 'closed' OR due_at IS NULL), CHECK ((kind = 'chargeback') OR (state <> 'external')))"""
    )
    # One case at a time: what is held for it is worked out from what is left of its source.
    op.execute("CREATE UNIQUE INDEX dispute_once ON settlement.dispute (source_id) WHERE state <> 'closed'")
    op.execute("CREATE INDEX dispute_due ON settlement.dispute (due_at, id) WHERE due_at IS NOT NULL")
    op.execute("CREATE INDEX dispute_order ON settlement.dispute (order_id)")
    for side in ("giver", "taker", "arbitrator"):
        op.execute(f"CREATE INDEX dispute_{side} ON settlement.dispute ({side}_id, id)")
    rules.states("settlement.dispute")
    rules.internal("settlement.dispute")
    _seen_by("settlement.dispute", f"{rules.CURRENT} IN (giver_id, taker_id, arbitrator_id)")


def _said() -> None:
    op.execute(
        f"""CREATE TABLE settlement.dispute_fact (
            id uuid PRIMARY KEY, dispute_id uuid NOT NULL, number int NOT NULL CHECK (number > 0),
            move text NOT NULL CHECK (move IN {_MOVES}), state text NOT NULL CHECK (state IN {_STATES}),
            organisation_id uuid, document bytea NOT NULL, sha256 bytea NOT NULL CHECK (octet_length(sha256) = 32),
            words bytea, created_at timestamptz NOT NULL, UNIQUE (dispute_id, number))"""
    )
    op.execute(
        """CREATE TABLE settlement.dispute_evidence (
            id uuid PRIMARY KEY, dispute_id uuid NOT NULL, organisation_id uuid NOT NULL,
            kind text NOT NULL CHECK (kind IN ('file', 'usage_proof', 'log_proof', 'scorecard', 'agreement')),
            title bytea NOT NULL, sha256 bytea NOT NULL CHECK (octet_length(sha256) = 32), size_bytes bigint NOT NULL,
            media_type text NOT NULL, name text, document bytea, verified boolean NOT NULL, created_at timestamptz NOT NULL,
            CHECK ((kind = 'file') = (document IS NULL)), CHECK ((kind = 'file') = (name IS NOT NULL)),
            CHECK (kind <> 'file' OR NOT verified))"""
    )
    op.execute("CREATE INDEX dispute_evidence_of ON settlement.dispute_evidence (dispute_id, id)")
    for table in ("settlement.dispute_fact", "settlement.dispute_evidence"):
        rules.facts(table)
        rules.internal(table)
        _seen_by(table, "EXISTS (SELECT FROM settlement.dispute d WHERE d.id = dispute_id)")


def _money() -> None:
    # What is to be held of whom; `released` once the payee's share of the source is payable, from `since` on.
    op.execute(
        """CREATE TABLE settlement.dispute_stop (
            dispute_id uuid NOT NULL, organisation_id uuid NOT NULL, source_id uuid NOT NULL, currency text NOT NULL,
            want_units bigint NOT NULL CHECK (want_units > 0), held_units bigint NOT NULL, released boolean NOT NULL,
            since timestamptz NOT NULL, live boolean NOT NULL, PRIMARY KEY (dispute_id, organisation_id),
            CHECK (held_units BETWEEN 0 AND want_units), CHECK (live OR held_units = 0))"""
    )
    op.execute("CREATE INDEX dispute_stop_source ON settlement.dispute_stop (source_id) WHERE live AND NOT released")
    op.execute(
        "CREATE INDEX dispute_stop_short ON settlement.dispute_stop (organisation_id, currency) "
        "WHERE live AND released AND held_units < want_units"
    )
    rules.states("settlement.dispute_stop")
    rules.internal("settlement.dispute_stop")
    _seen_by("settlement.dispute_stop", f"organisation_id = {rules.CURRENT}")
    op.execute(
        """CREATE TABLE settlement.dispute_hold (
            hold_id uuid PRIMARY KEY, dispute_id uuid NOT NULL, organisation_id uuid NOT NULL)"""
    )
    op.execute("CREATE INDEX dispute_hold_of ON settlement.dispute_hold (dispute_id)")
    rules.facts("settlement.dispute_hold")
    rules.own("settlement.dispute_hold", "organisation_id")
    # What a decision or a settlement moved, each with a journal of its own; a refund has its own fact besides.
    op.execute(
        """CREATE TABLE settlement.dispute_money (
            id uuid PRIMARY KEY, dispute_id uuid NOT NULL,
            kind text NOT NULL CHECK (kind IN ('refund', 'award', 'arbitration_fee')), from_id uuid, to_id uuid NOT NULL,
            amount_units bigint NOT NULL CHECK (amount_units > 0), currency text NOT NULL, refund_id uuid,
            created_at timestamptz NOT NULL, CHECK ((kind = 'refund') = (refund_id IS NOT NULL)))"""
    )
    op.execute("CREATE INDEX dispute_money_of ON settlement.dispute_money (dispute_id, id)")
    rules.facts("settlement.dispute_money")
    rules.internal("settlement.dispute_money")
    _seen_by("settlement.dispute_money", "EXISTS (SELECT FROM settlement.dispute d WHERE d.id = dispute_id)")


def _seen_by(table: str, condition: str) -> None:
    """Parties and the arbitrator that is asked see the dispute's row, and with it all that hangs on it."""
    op.execute(f"GRANT SELECT ON {table} TO {rules.PORTAL}")
    op.execute(
        f"CREATE POLICY {table.replace('.', '_')}_seen ON {table} FOR SELECT TO {rules.PORTAL} USING ({condition})"
    )
