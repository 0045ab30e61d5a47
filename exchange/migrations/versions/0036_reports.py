"""Reports for the regulator, the operator's record of processing, samples with their evidence, and what suppliers declare of people."""

from __future__ import annotations

from alembic import op

from exchange.migrations import rules

revision = "0036"
down_revision = "0035"


def upgrade() -> None:
    """Create the tables; what was declared, recorded or judged is never changed but followed by the next."""
    _people()
    _reports()
    _samples()


def _people() -> None:
    op.execute(
        """CREATE TABLE catalog.people_declaration (
            id uuid PRIMARY KEY, dataset_id uuid NOT NULL REFERENCES catalog.dataset (id), supplier_id uuid NOT NULL,
            number integer NOT NULL CHECK (number > 0), personal bigint NOT NULL CHECK (personal >= 0),
            sensitive bigint NOT NULL CHECK (sensitive >= 0), important boolean NOT NULL,
            critical_infrastructure boolean NOT NULL, exemption text, path text NOT NULL,
            document_sha256 bytea CHECK (length(document_sha256) = 32), valid_until timestamptz, created_at timestamptz NOT NULL,
            UNIQUE (dataset_id, number))"""
    )
    rules.facts("catalog.people_declaration")
    rules.own("catalog.people_declaration", "supplier_id")


def _reports() -> None:
    op.execute(
        """CREATE TABLE compliance.report (
            id uuid PRIMARY KEY, requested_by uuid NOT NULL, kind text NOT NULL, since timestamptz, until timestamptz,
            year integer, size bigint NOT NULL, state text NOT NULL DEFAULT 'requested'
                CHECK (state IN ('requested', 'done')),
            row_count bigint, finding_count bigint, sha256 bytea, size_bytes bigint,
            created_at timestamptz NOT NULL, ended_at timestamptz, CHECK ((state = 'done') = (sha256 IS NOT NULL)))"""
    )
    op.execute("CREATE INDEX report_requested_by ON compliance.report (requested_by, id)")
    rules.states("compliance.report")
    rules.own("compliance.report", "requested_by")
    op.execute(
        """CREATE TABLE compliance.processing_record (
            number integer PRIMARY KEY CHECK (number > 0), document bytea NOT NULL, sha256 bytea NOT NULL,
            put_by uuid NOT NULL, client_id uuid NOT NULL, created_at timestamptz NOT NULL, CHECK (sha256 = sha256(document)))"""
    )
    rules.facts("compliance.processing_record")
    rules.internal("compliance.processing_record")


def _samples() -> None:
    op.execute(
        """CREATE TABLE compliance.sample (
            id uuid PRIMARY KEY, revision_id uuid NOT NULL, supplier_id uuid NOT NULL, requested_by uuid NOT NULL,
            wanted integer NOT NULL CHECK (wanted BETWEEN 1 AND 10000), seed bytea NOT NULL CHECK (length(seed) = 32),
            seed_size bigint, state text NOT NULL DEFAULT 'requested' CHECK (state IN ('requested', 'done')),
            frame_size bigint, frame_root bytea, drawn integer, sha256 bytea, size_bytes bigint,
            created_at timestamptz NOT NULL, ended_at timestamptz,
            CHECK ((state = 'done') = (sha256 IS NOT NULL AND frame_root IS NOT NULL AND drawn IS NOT NULL)))"""
    )
    op.execute("CREATE INDEX sample_revision ON compliance.sample (revision_id, id)")
    rules.states("compliance.sample")
    # Who asked, whose data it is, and whoever may use that data: they can check what was said of it.
    rules.own("compliance.sample", "requested_by")
    op.execute(
        "CREATE POLICY compliance_sample_concerned ON compliance.sample FOR SELECT "
        f"TO {rules.PORTAL} USING (supplier_id = {rules.CURRENT} OR EXISTS (SELECT FROM access.grants g "
        f"WHERE g.revision_id = sample.revision_id AND g.buyer_id = {rules.CURRENT}))"
    )
    op.execute(
        """CREATE TABLE compliance.sample_result (
            sample_id uuid PRIMARY KEY REFERENCES compliance.sample (id), judged_by uuid NOT NULL, client_id uuid NOT NULL,
            passed integer NOT NULL, n integer NOT NULL, created_at timestamptz NOT NULL, CHECK (passed BETWEEN 0 AND n AND n > 0))"""
    )
    rules.facts("compliance.sample_result")
    rules.own("compliance.sample_result", "judged_by")
    op.execute(
        "CREATE POLICY compliance_sample_result_concerned ON compliance.sample_result FOR SELECT "
        f"TO {rules.PORTAL} USING (EXISTS (SELECT FROM compliance.sample s WHERE s.id = sample_result.sample_id))"
    )
