"""The log's order follows snapshots: a transaction that stays open holds nobody back."""

from __future__ import annotations

from alembic import op

from exchange.migrations import rules

revision = "0032"
down_revision = "0031"


def upgrade() -> None:
    """Give the log's state its snapshots and the places of its marks, and rebase a way to let entries stand still."""
    op.execute(
        """ALTER TABLE compliance.log_state
            ADD base_snapshot pg_snapshot NOT NULL DEFAULT '1:1:', ADD target_snapshot pg_snapshot,
            ADD marks text[] NOT NULL DEFAULT '{}', ALTER size SET DEFAULT 0, ALTER frontier SET DEFAULT '',
            ALTER cursor_xid SET DEFAULT '0', ALTER cursor_seq SET DEFAULT 0, ALTER floor_seq SET DEFAULT 0"""
    )
    # What the earlier order had reached, as snapshots: all below the cursor's transaction, and of that one what its number
    # says. Until now there was one mark, a file.
    op.execute(
        """UPDATE compliance.log_state SET base_snapshot = format('%1$s:%1$s:', cursor_xid)::pg_snapshot,
            target_snapshot = format('%1$s:%1$s:', cursor_xid::text::bigint + 1)::pg_snapshot WHERE cursor_xid > '0'"""
    )
    op.execute("UPDATE compliance.log_state SET marks = '{file}' WHERE size > 0")
    # A period is looked for by time; a range index of a table that only grows costs its writers nothing.
    op.execute(
        "CREATE INDEX audit_entry_written ON compliance.audit_entry USING brin (created_at) WITH (autosummarize)"
    )
    op.execute(
        """CREATE FUNCTION compliance.entries_stand_still() RETURNS void
            LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
            AS $$ LOCK TABLE compliance.audit_entry IN SHARE MODE $$"""
    )
    op.execute("REVOKE ALL ON FUNCTION compliance.entries_stand_still() FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION compliance.entries_stand_still() TO {rules.APP}")
