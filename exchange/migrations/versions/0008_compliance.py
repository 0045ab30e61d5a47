"""The audit log, exports of it, directives, and what the regulator sees."""

from __future__ import annotations

from alembic import op

from exchange.migrations import rules

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Create the schema compliance and the regulator's views."""
    rules.schema("compliance")
    _entries()
    _tree()
    _exports()
    _directives()
    _regulator()


def _entries() -> None:
    op.execute(
        """CREATE TABLE compliance.audit_entry (
            seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id uuid NOT NULL, node_id text NOT NULL,
            xid xid8 NOT NULL DEFAULT pg_current_xact_id(), organisation_ids uuid[] NOT NULL, action text NOT NULL,
            object_id text, envelope bytea NOT NULL CHECK (octet_length(envelope) BETWEEN 1 AND 65535),
            created_at timestamptz NOT NULL)"""
    )
    # The sequencer's order: what is before every running transaction can get no more neighbours.
    op.execute("CREATE INDEX audit_entry_order ON compliance.audit_entry (node_id, xid, seq)")
    op.execute("CREATE INDEX audit_entry_object ON compliance.audit_entry (object_id, seq)")
    rules.facts("compliance.audit_entry")
    rules.internal("compliance.audit_entry")
    op.execute(f"GRANT SELECT ON compliance.audit_entry TO {rules.PORTAL}")
    op.execute(
        "CREATE POLICY compliance_audit_entry_concerned ON compliance.audit_entry FOR SELECT "
        f"TO {rules.PORTAL} USING ({rules.CURRENT} = ANY (organisation_ids))"
    )


def _tree() -> None:
    op.execute(
        """CREATE TABLE compliance.audit_leaf (
            node_id text NOT NULL, leaf_index bigint NOT NULL CHECK (leaf_index >= 0), entry_seq bigint NOT NULL UNIQUE,
            leaf_hash bytea NOT NULL CHECK (octet_length(leaf_hash) = 32), PRIMARY KEY (node_id, leaf_index))"""
    )
    rules.facts("compliance.audit_leaf")
    rules.public_read("compliance.audit_leaf")
    op.execute(
        """CREATE TABLE compliance.tile (
            node_id text NOT NULL, level smallint NOT NULL CHECK (level BETWEEN 0 AND 63), number bigint NOT NULL,
            width smallint NOT NULL CHECK (width BETWEEN 1 AND 256), data bytea NOT NULL,
            PRIMARY KEY (node_id, level, number), CHECK (octet_length(data) = 32 * width))"""
    )
    rules.states("compliance.tile")
    rules.public_read("compliance.tile")
    op.execute(
        """CREATE TABLE compliance.checkpoint (
            node_id text NOT NULL, size bigint NOT NULL CHECK (size >= 0), root bytea NOT NULL, note bytea NOT NULL,
            created_at timestamptz NOT NULL, PRIMARY KEY (node_id, size))"""
    )
    rules.facts("compliance.checkpoint")
    rules.public_read("compliance.checkpoint")
    op.execute(
        """CREATE TABLE compliance.log_state (
            node_id text PRIMARY KEY, size bigint NOT NULL, frontier bytea NOT NULL, cursor_xid xid8 NOT NULL,
            cursor_seq bigint NOT NULL, floor_seq bigint NOT NULL)"""
    )
    rules.states("compliance.log_state")
    rules.internal("compliance.log_state")
    op.execute("INSERT INTO compliance.log_state VALUES ('centre', 0, '', '0', 0, 0)")
    _only_grows()


def _only_grows() -> None:
    op.execute(
        """CREATE FUNCTION compliance.only_grows() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_TABLE_NAME = 'log_state' THEN
                IF NEW.node_id <> OLD.node_id OR NEW.size < OLD.size THEN
                    RAISE EXCEPTION 'the log only grows' USING ERRCODE = 'integrity_constraint_violation';
                END IF;
            ELSIF (NEW.node_id, NEW.level, NEW.number) <> (OLD.node_id, OLD.level, OLD.number) OR NEW.width <= OLD.width
                OR substr(NEW.data, 1, octet_length(OLD.data)) <> OLD.data THEN
                RAISE EXCEPTION 'a tile only grows' USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NEW;
        END $$"""
    )
    for table in ("tile", "log_state"):
        op.execute(
            f"CREATE TRIGGER {table}_only_grows BEFORE UPDATE ON compliance.{table} "
            "FOR EACH ROW EXECUTE FUNCTION compliance.only_grows()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_stays BEFORE DELETE OR TRUNCATE ON compliance.{table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change()"
        )


def _exports() -> None:
    op.execute(
        """CREATE TABLE compliance.export (
            id uuid PRIMARY KEY, requested_by uuid NOT NULL, node_id text NOT NULL, scope jsonb NOT NULL,
            size bigint NOT NULL, earlier_size bigint, legal_basis text, state text NOT NULL DEFAULT 'requested'
                CHECK (state IN ('requested', 'running', 'done', 'failed')),
            entry_count bigint NOT NULL DEFAULT 0, next_index bigint NOT NULL DEFAULT 0, file_key text, sha256 bytea,
            size_bytes bigint, problem text, created_at timestamptz NOT NULL, ended_at timestamptz,
            CHECK ((state = 'done') = (file_key IS NOT NULL AND sha256 IS NOT NULL)))"""
    )
    op.execute("CREATE INDEX export_requested_by ON compliance.export (requested_by, id)")
    rules.states("compliance.export")
    rules.own("compliance.export", "requested_by")


def _directives() -> None:
    op.execute(
        """CREATE TABLE compliance.directive (
            id uuid PRIMARY KEY, kind text NOT NULL CHECK (kind IN ('freeze', 'delist', 'preserve', 'disclose')),
            target_kind text NOT NULL, target_id uuid NOT NULL, issued_by uuid NOT NULL, reason jsonb NOT NULL,
            state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'lifted')),
            issued_at timestamptz NOT NULL, lifted_by uuid, lifted_at timestamptz,
            CHECK ((state = 'lifted') = (lifted_at IS NOT NULL)))"""
    )
    # Few directives are active at a time, so that asking for hundreds of ids in each purchase batch stays cheap.
    op.execute("CREATE INDEX directive_active ON compliance.directive (target_id, kind) WHERE state = 'active'")
    rules.states("compliance.directive")
    rules.own("compliance.directive", "issued_by")


def _regulator() -> None:
    """Give the regulator's role its views; each runs with its own rights, so base tables are opened to it one by one."""
    op.execute("CREATE SCHEMA IF NOT EXISTS regulator")
    op.execute(f"GRANT USAGE ON SCHEMA compliance, regulator TO {rules.REGULATOR}")
    for table in ("audit_entry", "audit_leaf", "tile", "checkpoint", "export", "directive"):
        op.execute(f"GRANT SELECT ON compliance.{table} TO {rules.REGULATOR}")
        op.execute(
            f"CREATE POLICY compliance_{table}_regulator ON compliance.{table} FOR SELECT "
            f"TO {rules.REGULATOR} USING (true)"
        )
    _view(
        "audit_entry",
        """SELECT e.seq, l.leaf_index, e.node_id, e.id, e.action, e.object_id, e.organisation_ids,
                  convert_from(e.envelope, 'UTF8') AS envelope, e.created_at
           FROM compliance.audit_entry e LEFT JOIN compliance.audit_leaf l ON l.entry_seq = e.seq""",
    )
    _view("audit_leaf", "SELECT node_id, leaf_index, entry_seq, leaf_hash FROM compliance.audit_leaf")
    _view(
        "checkpoint",
        "SELECT node_id, size, root, convert_from(note, 'UTF8') AS note, created_at FROM compliance.checkpoint",
    )
    _view(
        "directive",
        """SELECT id, kind, target_kind, target_id, issued_by, reason, state, issued_at, lifted_by, lifted_at
           FROM compliance.directive""",
    )
    _view(
        "export",
        """SELECT id, requested_by, node_id, scope, size, legal_basis, state, entry_count, sha256, size_bytes, created_at, ended_at
           FROM compliance.export""",
    )


def _view(name: str, query: str) -> None:
    op.execute(f"CREATE VIEW regulator.{name} WITH (security_invoker = true) AS {query}")
    op.execute(f"GRANT SELECT ON regulator.{name} TO {rules.REGULATOR}")
