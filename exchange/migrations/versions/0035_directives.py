"""Directives to their end: several targets, a legal basis, deadlines, whom they were told to, what was answered."""

from __future__ import annotations

from alembic import op

from exchange.migrations import rules

revision = "0035"
down_revision = "0034"

_KINDS = "'freeze', 'delist', 'preserve', 'disclose', 'inform'"
_STATES = "'issued', 'acknowledged', 'answered', 'expired', 'lifted'"
# What everybody may know of directives: that something which stands in the catalogue is not on sale, and on what basis.
_ON_SHOW = (
    "active AND kind IN ('freeze', 'delist') "
    "AND target_kind IN ('organisation', 'dataset', 'revision', 'listing', 'offer')"
)


def upgrade() -> None:
    """Move each directive's one target into a table of targets, and make the tables of what follows a directive."""
    op.execute("DROP VIEW regulator.directive")
    _targets()
    _directive()
    _notices()
    _answers()
    _deferrals()
    _views()


def _targets() -> None:
    op.execute(
        f"""CREATE TABLE compliance.directive_target (
            directive_id uuid NOT NULL REFERENCES compliance.directive (id), position smallint NOT NULL,
            kind text NOT NULL CHECK (kind IN ({_KINDS})), target_kind text NOT NULL, target_id uuid NOT NULL,
            active boolean NOT NULL DEFAULT true, since timestamptz NOT NULL, basis jsonb,
            PRIMARY KEY (directive_id, position))"""
    )
    op.execute(
        "INSERT INTO compliance.directive_target SELECT id, 0, kind, target_kind, target_id, state = 'active', issued_at "
        "FROM compliance.directive"
    )
    op.execute("DROP INDEX compliance.directive_active")
    # Purchases and reads ask it for hundreds of ids at once: it holds what is in force, and nothing that was.
    op.execute("CREATE INDEX directive_target_active ON compliance.directive_target (target_id, kind) WHERE active")
    rules.states("compliance.directive_target")
    rules.public_read("compliance.directive_target", _ON_SHOW)


def _directive() -> None:
    op.execute(
        """ALTER TABLE compliance.directive DROP CONSTRAINT directive_kind_check, DROP CONSTRAINT directive_state_check,
            DROP COLUMN target_kind, DROP COLUMN target_id, ALTER COLUMN state SET DEFAULT 'issued',
            ADD basis jsonb, ADD deadline timestamptz, ADD salt bytea NOT NULL DEFAULT '',
            ADD acknowledged_at timestamptz, ADD answered_at timestamptz, ADD expired_at timestamptz"""
    )
    op.execute("UPDATE compliance.directive SET state = 'issued' WHERE state = 'active'")
    op.execute(
        f"""ALTER TABLE compliance.directive ADD CONSTRAINT directive_kind_check CHECK (kind IN ({_KINDS})),
            ADD CONSTRAINT directive_state_check CHECK (state IN ({_STATES}))"""
    )
    op.execute(
        "CREATE INDEX directive_deadline ON compliance.directive (deadline) WHERE state IN ('issued', 'acknowledged')"
    )


def _notices() -> None:
    op.execute(
        f"""CREATE TABLE compliance.directive_notice (
            id uuid PRIMARY KEY, directive_id uuid NOT NULL REFERENCES compliance.directive (id),
            organisation_id uuid NOT NULL, kind text NOT NULL CHECK (kind IN ({_KINDS})),
            duty text NOT NULL CHECK (duty IN ('confirm', 'answer')), document bytea NOT NULL,
            created_at timestamptz NOT NULL, acknowledged_at timestamptz, acknowledged_by uuid, answered_at timestamptz,
            lifted_at timestamptz, UNIQUE (directive_id, organisation_id))"""
    )
    op.execute("CREATE INDEX directive_notice_organisation ON compliance.directive_notice (organisation_id, id)")
    rules.states("compliance.directive_notice")
    rules.own("compliance.directive_notice", "organisation_id")


def _answers() -> None:
    op.execute(
        """CREATE TABLE compliance.directive_answer (
            id uuid PRIMARY KEY, directive_id uuid NOT NULL REFERENCES compliance.directive (id),
            notice_id uuid NOT NULL REFERENCES compliance.directive_notice (id), organisation_id uuid NOT NULL,
            text jsonb NOT NULL, late boolean NOT NULL, created_at timestamptz NOT NULL)"""
    )
    op.execute("CREATE INDEX directive_answer_directive ON compliance.directive_answer (directive_id, id)")
    op.execute("CREATE INDEX directive_answer_notice ON compliance.directive_answer (notice_id)")
    rules.facts("compliance.directive_answer")
    rules.own("compliance.directive_answer", "organisation_id")
    op.execute(
        """CREATE TABLE compliance.directive_file (
            id uuid PRIMARY KEY, answer_id uuid NOT NULL REFERENCES compliance.directive_answer (id),
            directive_id uuid NOT NULL, organisation_id uuid NOT NULL, name text NOT NULL, media_type text NOT NULL,
            sha256 bytea NOT NULL CHECK (octet_length(sha256) = 32), size_bytes bigint NOT NULL)"""
    )
    op.execute("CREATE INDEX directive_file_answer ON compliance.directive_file (answer_id)")
    rules.facts("compliance.directive_file")
    rules.own("compliance.directive_file", "organisation_id")


def _deferrals() -> None:
    op.execute(
        """CREATE TABLE compliance.directive_deferral (
            directive_id uuid NOT NULL REFERENCES compliance.directive (id), place text NOT NULL, at timestamptz NOT NULL,
            PRIMARY KEY (directive_id, place))"""
    )
    rules.facts("compliance.directive_deferral")
    rules.internal("compliance.directive_deferral")


def _views() -> None:
    for table in ("target", "notice", "answer", "file", "deferral"):
        name = f"compliance.directive_{table}"
        op.execute(f"GRANT SELECT ON {name} TO {rules.REGULATOR}")
        op.execute(
            f"CREATE POLICY compliance_directive_{table}_regulator ON {name} FOR SELECT TO {rules.REGULATOR} USING (true)"
        )
    _view(
        "directive",
        """SELECT id, kind, issued_by, basis, reason, deadline, state, issued_at, acknowledged_at, answered_at, expired_at,
                  lifted_by, lifted_at FROM compliance.directive""",
    )
    _view(
        "directive_target",
        "SELECT directive_id, position, kind, target_kind, target_id, active, since FROM compliance.directive_target",
    )
    _view(
        "directive_notice",
        """SELECT id, directive_id, organisation_id, duty, created_at, acknowledged_at, answered_at, lifted_at
           FROM compliance.directive_notice""",
    )


def _view(name: str, query: str) -> None:
    op.execute(f"CREATE VIEW regulator.{name} WITH (security_invoker = true) AS {query}")
    op.execute(f"GRANT SELECT ON regulator.{name} TO {rules.REGULATOR}")
