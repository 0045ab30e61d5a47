"""Each call to the payment provider is written before it is made; what it tells is kept by object; what nobody expected waits for a person."""

from __future__ import annotations

from alembic import op

from exchange.migrations import rules

revision = "0039"
down_revision = "0038"


def upgrade() -> None:
    """Create the calls, the bucket that paces them, the events' new columns, the open items, and the later states of a payout."""
    _calls()
    _events()
    _open_items()
    _payouts()


def _calls() -> None:
    op.execute(
        """CREATE TABLE settlement.provider_call (
            id uuid PRIMARY KEY, kind text NOT NULL CHECK (kind IN ('charge', 'transfer', 'payout', 'account')),
            object_id uuid NOT NULL, step int NOT NULL CHECK (step >= 1), key text NOT NULL UNIQUE,
            request bytea NOT NULL, request_sha256 bytea NOT NULL CHECK (octet_length(request_sha256) = 32),
            state text NOT NULL CHECK (state IN ('sent', 'unknown', 'done', 'refused')), provider_id text, code text,
            attempts int NOT NULL CHECK (attempts >= 1), first_sent_at timestamptz NOT NULL, sent_at timestamptz NOT NULL,
            answered_at timestamptz, UNIQUE (kind, object_id, step),
            CHECK (state <> 'done' OR provider_id IS NOT NULL), CHECK ((state = 'sent') = (answered_at IS NULL)))"""
    )
    # One of ours is made once at the provider. Only a payout to a bank that came back is sent again.
    op.execute(
        "CREATE UNIQUE INDEX provider_call_once ON settlement.provider_call (kind, object_id) "
        "WHERE state = 'done' AND kind <> 'payout'"
    )
    op.execute(
        "CREATE UNIQUE INDEX provider_call_under_way ON settlement.provider_call (kind, object_id) "
        "WHERE state IN ('sent', 'unknown')"
    )
    rules.states("settlement.provider_call")
    rules.internal("settlement.provider_call")
    op.execute(
        """CREATE FUNCTION settlement.call_moves_on() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF OLD.state IN ('done', 'refused') OR NEW.attempts < OLD.attempts
                OR (NEW.id, NEW.kind, NEW.object_id, NEW.step, NEW.key, NEW.request, NEW.request_sha256, NEW.first_sent_at)
                IS DISTINCT FROM
                (OLD.id, OLD.kind, OLD.object_id, OLD.step, OLD.key, OLD.request, OLD.request_sha256, OLD.first_sent_at) THEN
                RAISE EXCEPTION 'a call keeps its key and its request, and its answer is final'
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NEW;
        END $$"""
    )
    op.execute(
        "CREATE TRIGGER provider_call_moves_on BEFORE UPDATE ON settlement.provider_call "
        "FOR EACH ROW EXECUTE FUNCTION settlement.call_moves_on()"
    )
    # Slots handed out by this database's clock: processes with clocks of their own share one pace.
    op.execute("CREATE TABLE settlement.call_pace (name text PRIMARY KEY, next_at timestamptz NOT NULL)")
    rules.erasable("settlement.call_pace")
    rules.internal("settlement.call_pace")


def _events() -> None:
    op.execute(
        """ALTER TABLE settlement.stripe_event ADD COLUMN account text, ADD COLUMN made_at timestamptz,
            ADD COLUMN livemode boolean, ADD COLUMN api_version text"""
    )
    op.execute("CREATE INDEX stripe_event_object ON settlement.stripe_event (object_id, made_at)")
    op.execute("CREATE TABLE settlement.event_cursor (account text PRIMARY KEY, seen_until timestamptz NOT NULL)")
    rules.erasable("settlement.event_cursor")
    rules.internal("settlement.event_cursor")


def _open_items() -> None:
    op.execute(
        """CREATE TABLE settlement.open_item (
            id uuid PRIMARY KEY, kind text NOT NULL, subject text NOT NULL, account text, about jsonb NOT NULL,
            seen int NOT NULL DEFAULT 1 CHECK (seen >= 1), opened_at timestamptz NOT NULL, last_at timestamptz NOT NULL,
            closed_at timestamptz, closed_by uuid, note text,
            CHECK ((closed_at IS NULL) = (note IS NULL)), CHECK (closed_by IS NULL OR closed_at IS NOT NULL))"""
    )
    op.execute("CREATE UNIQUE INDEX open_item_once ON settlement.open_item (kind, subject) WHERE closed_at IS NULL")
    rules.states("settlement.open_item")
    rules.internal("settlement.open_item")


def _payouts() -> None:
    op.execute("ALTER TABLE settlement.payout ADD COLUMN bank_ref text UNIQUE")
    op.execute("ALTER TABLE settlement.payout DROP CONSTRAINT payout_state_check")
    op.execute(
        """ALTER TABLE settlement.payout ADD CONSTRAINT payout_state_check
            CHECK (state IN ('created', 'sent', 'paid', 'returned', 'reversed', 'failed'))"""
    )
    # A failed or reversed payout gave the money back, so the same period may be paid again.
    op.execute("DROP INDEX settlement.payout_once")
    op.execute(
        "CREATE UNIQUE INDEX payout_once ON settlement.payout (account_id, period, rail) "
        "WHERE state NOT IN ('failed', 'reversed')"
    )
