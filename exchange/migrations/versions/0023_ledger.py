"""The ledger's core: more kinds of accounts, ceilings, holds that end once, and closed periods with what they carry forward."""

from __future__ import annotations

from alembic import op

from exchange.migrations import rules

revision = "0023"
down_revision = "0022"

_OWNED = "'wallet', 'receivable', 'pending', 'payable', 'in_transit', 'held', 'advance', 'debt'"
_PLATFORM = "'stripe', 'bank', 'suspense', 'revenue', 'tax', 'rounding', 'conversion', 'clearing', 'pool'"


def upgrade() -> None:
    """Widen the accounts, and create what holds and periods need."""
    _accounts()
    _holds()
    _periods()
    _late_journals()


def _accounts() -> None:
    op.execute(
        f"""ALTER TABLE settlement.account DROP CONSTRAINT account_kind_check, DROP CONSTRAINT account_check,
            ADD CONSTRAINT account_kind_check CHECK (kind IN ({_OWNED}, {_PLATFORM})),
            ADD CONSTRAINT account_check CHECK ((organisation_id IS NOT NULL) = (kind IN ({_OWNED})))"""
    )
    # A floor, a ceiling, or both: an advance and a debt have no floor, but nobody earns back more than was given.
    op.execute(
        """ALTER TABLE settlement.balance ALTER COLUMN min_balance DROP NOT NULL, ADD COLUMN max_balance bigint,
            ADD CONSTRAINT balance_ceiling CHECK (posted <= max_balance)"""
    )


def _holds() -> None:
    op.execute(
        """CREATE TABLE settlement.hold (
            id uuid PRIMARY KEY, organisation_id uuid NOT NULL, account_id bigint NOT NULL, held_id bigint NOT NULL,
            amount_units bigint NOT NULL CHECK (amount_units > 0), currency text NOT NULL,
            reason text NOT NULL CHECK (reason ~ '^[a-z][a-z_]{0,31}$'), tag uuid, expires_at timestamptz,
            created_at timestamptz NOT NULL, CHECK (expires_at > created_at))"""
    )
    op.execute("CREATE INDEX hold_organisation ON settlement.hold (organisation_id, id)")
    rules.facts("settlement.hold")
    rules.own("settlement.hold", "organisation_id")
    # The primary key is what makes a hold end once.
    op.execute(
        """CREATE TABLE settlement.hold_end (
            hold_id uuid PRIMARY KEY, organisation_id uuid NOT NULL,
            outcome text NOT NULL CHECK (outcome IN ('settled', 'voided', 'expired')), to_account_id bigint,
            amount_units bigint NOT NULL CHECK (amount_units >= 0), created_at timestamptz NOT NULL,
            CHECK ((outcome = 'settled') = (amount_units > 0)), CHECK ((outcome = 'settled') = (to_account_id IS NOT NULL)))"""
    )
    rules.facts("settlement.hold_end")
    rules.own("settlement.hold_end", "organisation_id")
    # One row while a hold is open: what enders lock, and the queue of those that run out. It goes when the hold ends.
    op.execute("CREATE TABLE settlement.hold_open (hold_id uuid PRIMARY KEY, due_at timestamptz)")
    op.execute("CREATE INDEX hold_open_due ON settlement.hold_open (due_at, hold_id) WHERE due_at IS NOT NULL")
    rules.erasable("settlement.hold_open")
    rules.internal("settlement.hold_open")


def _periods() -> None:
    op.execute(
        """CREATE TABLE settlement.closed_period (
            currency text NOT NULL, period_end timestamptz NOT NULL, accounts bigint NOT NULL, entries bigint NOT NULL,
            closed_at timestamptz NOT NULL, PRIMARY KEY (currency, period_end), CHECK (period_end < closed_at))"""
    )
    rules.facts("settlement.closed_period")
    rules.internal("settlement.closed_period")
    # A row for each account that had entries in the period: all that was booked before period_end, carried forward.
    op.execute(
        """CREATE TABLE settlement.account_period (
            account_id bigint NOT NULL, period_end timestamptz NOT NULL, closing bigint NOT NULL,
            entries bigint NOT NULL CHECK (entries > 0), last_journal uuid NOT NULL, PRIMARY KEY (account_id, period_end))"""
    )
    rules.facts("settlement.account_period")
    rules.public_read("settlement.account_period", "account_id IN (SELECT a.id FROM settlement.account a)")


def _late_journals() -> None:
    # At commit, when all lines are there. The lock is shared with other late journals and waits for a closing.
    op.execute(
        """CREATE FUNCTION settlement.check_period() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
        DECLARE shut text;
        BEGIN
            PERFORM pg_advisory_xact_lock_shared(hashtextextended('settlement.period ' || c.currency, 0))
                FROM (SELECT DISTINCT p.currency FROM settlement.posting p WHERE p.journal_id = NEW.id ORDER BY 1) c;
            SELECT p.currency INTO shut FROM settlement.posting p WHERE p.journal_id = NEW.id AND EXISTS (
                SELECT FROM settlement.closed_period c WHERE c.currency = p.currency AND c.period_end > NEW.effective_at)
                LIMIT 1;
            IF FOUND THEN
                RAISE EXCEPTION 'journal % is dated into a closed period of %', NEW.id, shut
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NULL;
        END $$"""
    )
    # A journal of this moment cannot meet a closed period, so it is not looked at: WHEN decides before anything is queued.
    op.execute(
        """CREATE CONSTRAINT TRIGGER journal_period AFTER INSERT ON settlement.journal
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
        WHEN (NEW.effective_at < NEW.created_at OR NEW.effective_at < now() - interval '5 minutes')
        EXECUTE FUNCTION settlement.check_period()"""
    )
