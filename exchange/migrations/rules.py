"""The few forms a table may have: who may write it, and which rows a portal sees."""

from __future__ import annotations

from alembic import op

APP, PORTAL, REGULATOR, MIGRATE = "exchange_app", "exchange_portal", "exchange_regulator", "exchange_migrate"
# After a commit a transaction-local setting reads '' and not NULL, hence nullif.
CURRENT = "(SELECT nullif(current_setting('exchange.organisation', true), '')::uuid)"


def schema(name: str) -> None:
    """Create a package's schema and let the serving roles look into it."""
    op.execute(f"CREATE SCHEMA {name}")
    op.execute(f"GRANT USAGE ON SCHEMA {name} TO {APP}, {PORTAL}")


def facts(table: str) -> None:
    """Rows are inserted and never changed, by GRANT and by trigger."""
    op.execute(f"GRANT SELECT, INSERT ON {table} TO {APP}")
    trigger = table.replace(".", "_")
    op.execute(
        f"CREATE TRIGGER {trigger}_fact BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change()"
    )


def states(table: str) -> None:
    """Rows move along a written transition table; they are never deleted."""
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON {table} TO {APP}")


def erasable(table: str) -> None:
    """Rows may go: queues, caches, personal data."""
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {APP}")


def internal(table: str) -> None:
    """Only flows see the rows."""
    _protect(table)


def own(table: str, column: str) -> None:
    """A portal sees the rows whose `column` is its organisation."""
    _protect(table)
    _portal(table, "own", f"{column} = {CURRENT}")


def two_sided(table: str) -> None:
    """A portal sees the rows it buys or sells in, and those it is a party to."""
    _protect(table)
    _portal(
        table,
        "party",
        f"buyer_id = {CURRENT} OR seller_id = {CURRENT} OR EXISTS (SELECT FROM kernel.party p "
        f"WHERE p.object_id = {table}.id AND p.organisation_id = {CURRENT})",
    )


def public_read(table: str, condition: str = "true") -> None:
    """Everybody sees the rows that meet `condition`."""
    _protect(table)
    _portal(table, "public", condition)


def party_read(table: str, column: str = "id") -> None:
    """A portal sees the rows whose object it is a party to."""
    _protect(table)
    _portal(
        table,
        "joined",
        f"EXISTS (SELECT FROM kernel.party p WHERE p.object_id = {table}.{column} AND p.organisation_id = {CURRENT})",
    )


def _protect(table: str) -> None:
    """Force row security once: the app and the owner see all, others nothing yet."""
    name = table.replace(".", "_")
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    for role in (APP, MIGRATE):
        op.execute(
            f"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_policy WHERE polname = '{name}_{role}') THEN "
            f"CREATE POLICY {name}_{role} ON {table} TO {role} USING (true) WITH CHECK (true); END IF; END $$"
        )


def _portal(table: str, kind: str, condition: str) -> None:
    op.execute(f"GRANT SELECT ON {table} TO {PORTAL}")
    op.execute(f"CREATE POLICY {table.replace('.', '_')}_{kind} ON {table} FOR SELECT TO {PORTAL} USING ({condition})")
