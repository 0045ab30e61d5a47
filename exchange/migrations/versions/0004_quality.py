"""How good it is: scorecards, assessments, certificates."""

from __future__ import annotations

from alembic import op

from exchange.migrations import rules

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Create the schema quality."""
    rules.schema("quality")
    _scorecards()
    _assessments()
    _certificates()
    _policies()


def _scorecards() -> None:
    op.execute(
        """CREATE TABLE quality.scorecard (
            id uuid PRIMARY KEY, revision_id uuid NOT NULL, supplier_id uuid NOT NULL, method text NOT NULL,
            document bytea NOT NULL, sha256 bytea NOT NULL CHECK (sha256 = sha256(document)),
            score smallint CHECK (score BETWEEN 0 AND 100), grade text CHECK (grade IN ('A', 'B', 'C', 'D', 'E')),
            created_at timestamptz NOT NULL, UNIQUE (revision_id, method))"""
    )
    op.execute("CREATE INDEX scorecard_supplier ON quality.scorecard (supplier_id, id)")
    # A row here opens a scorecard to everybody, for good: what was once shown cannot be unseen.
    op.execute(
        """CREATE TABLE quality.disclosure (
            scorecard_id uuid PRIMARY KEY REFERENCES quality.scorecard, created_at timestamptz NOT NULL)"""
    )


def _assessments() -> None:
    op.execute(
        """CREATE TABLE quality.assessment (
            id uuid PRIMARY KEY, revision_id uuid NOT NULL, scorecard_id uuid NOT NULL REFERENCES quality.scorecard,
            supplier_id uuid NOT NULL, assessor_id uuid NOT NULL,
            state text NOT NULL CHECK (state IN ('requested', 'accepted', 'declined', 'signed')),
            created_at timestamptz NOT NULL, changed_at timestamptz NOT NULL, CHECK (assessor_id <> supplier_id))"""
    )
    op.execute("CREATE INDEX assessment_supplier ON quality.assessment (supplier_id, id)")
    op.execute("CREATE INDEX assessment_assessor ON quality.assessment (assessor_id, id)")
    op.execute("CREATE INDEX assessment_scorecard ON quality.assessment (scorecard_id, assessor_id)")
    op.execute(
        "CREATE UNIQUE INDEX assessment_open ON quality.assessment (revision_id, assessor_id) "
        "WHERE state IN ('requested', 'accepted')"
    )


def _certificates() -> None:
    op.execute(
        """CREATE TABLE quality.certificate (
            id uuid PRIMARY KEY, assessment_id uuid NOT NULL UNIQUE REFERENCES quality.assessment,
            revision_id uuid NOT NULL, scorecard_id uuid NOT NULL REFERENCES quality.scorecard,
            supplier_id uuid NOT NULL, assessor_id uuid NOT NULL, document bytea NOT NULL,
            sha256 bytea NOT NULL CHECK (sha256 = sha256(document)), kid text NOT NULL,
            signature bytea NOT NULL CHECK (length(signature) = 64), issued_at timestamptz NOT NULL,
            valid_until timestamptz NOT NULL, CHECK (valid_until > issued_at))"""
    )
    op.execute("CREATE INDEX certificate_revision ON quality.certificate (revision_id, issued_at)")


def _policies() -> None:
    for table in ("scorecard", "disclosure", "certificate"):
        rules.facts(f"quality.{table}")
    rules.states("quality.assessment")
    rules.public_read("quality.disclosure")
    rules.public_read("quality.certificate")
    rules.own("quality.assessment", "supplier_id")
    rules.public_read("quality.assessment", f"assessor_id = {rules.CURRENT}")
    rules.own("quality.scorecard", "supplier_id")
    # Everybody once it is disclosed; before that, the assessor who was asked.
    rules.public_read(
        "quality.scorecard",
        "EXISTS (SELECT FROM quality.disclosure d WHERE d.scorecard_id = quality.scorecard.id) OR "
        "EXISTS (SELECT FROM quality.assessment a WHERE a.scorecard_id = quality.scorecard.id "
        f"AND a.assessor_id = {rules.CURRENT})",
    )
