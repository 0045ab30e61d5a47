"""Personal data sealed per subject beside the log, and people's names under their own keys."""

from __future__ import annotations

from alembic import op

from exchange.migrations import rules

revision = "0037"
down_revision = "0036"


def upgrade() -> None:
    """Create the sealed tables, and make room for sealed names. Keys are not in the database, so start-up seals what is plain."""
    _subjects()
    _sealed()
    _people()
    _regulator()


def _subjects() -> None:
    op.execute(
        """CREATE TABLE compliance.subject (
            id uuid PRIMARY KEY, organisation_id uuid NOT NULL, kind text NOT NULL CHECK (kind IN ('member', 'organisation')),
            state text NOT NULL DEFAULT 'kept' CHECK (state IN ('kept', 'asked', 'erased')), created_at timestamptz NOT NULL,
            asked_at timestamptz, asked_by uuid, erased_at timestamptz,
            CHECK ((state = 'kept') = (asked_at IS NULL)), CHECK ((state = 'erased') = (erased_at IS NOT NULL)))"""
    )
    op.execute("CREATE INDEX subject_by_organisation ON compliance.subject (organisation_id, id)")
    op.execute("CREATE INDEX subject_to_erase ON compliance.subject (id) WHERE state <> 'kept'")
    rules.states("compliance.subject")
    rules.own("compliance.subject", "organisation_id")
    # This row is what remembers, in the database, that a key is never made again.
    op.execute(
        """CREATE FUNCTION compliance.only_erases() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_TABLE_NAME = 'subject' THEN
                IF (NEW.id, NEW.organisation_id, NEW.kind, NEW.created_at)
                    IS DISTINCT FROM (OLD.id, OLD.organisation_id, OLD.kind, OLD.created_at)
                    OR (OLD.state = 'erased' AND NEW IS DISTINCT FROM OLD) OR (OLD.state = 'asked' AND NEW.state = 'kept') THEN
                    RAISE EXCEPTION 'an erasure is never taken back' USING ERRCODE = 'integrity_constraint_violation';
                END IF;
            ELSIF (NEW.entry_id, NEW.subject_id, NEW.reference, NEW.commitment, NEW.created_at)
                IS DISTINCT FROM (OLD.entry_id, OLD.subject_id, OLD.reference, OLD.commitment, OLD.created_at)
                OR NEW.sealed IS NOT NULL THEN
                RAISE EXCEPTION 'a sealed record is only ever erased' USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NEW;
        END $$"""
    )
    _guard("subject")


def _sealed() -> None:
    op.execute(
        """CREATE TABLE compliance.sealed (
            entry_id uuid NOT NULL, subject_id uuid NOT NULL, reference bytea NOT NULL CHECK (octet_length(reference) = 32),
            commitment bytea NOT NULL CHECK (octet_length(commitment) = 32), sealed bytea, created_at timestamptz NOT NULL,
            erased_at timestamptz, PRIMARY KEY (entry_id, subject_id), CHECK ((sealed IS NULL) = (erased_at IS NOT NULL)))"""
    )
    op.execute("CREATE INDEX sealed_by_subject ON compliance.sealed (subject_id)")
    rules.states("compliance.sealed")
    rules.internal("compliance.sealed")
    _guard("sealed")
    op.execute(
        """CREATE TABLE compliance.salt (
            entry_id uuid NOT NULL, name text NOT NULL, salt bytea NOT NULL CHECK (octet_length(salt) = 32),
            PRIMARY KEY (entry_id, name))"""
    )
    rules.erasable("compliance.salt")
    rules.internal("compliance.salt")


def _guard(table: str) -> None:
    op.execute(
        f"CREATE TRIGGER {table}_only_erases BEFORE UPDATE ON compliance.{table} "
        "FOR EACH ROW EXECUTE FUNCTION compliance.only_erases()"
    )
    op.execute(
        f"CREATE TRIGGER {table}_stays BEFORE DELETE OR TRUNCATE ON compliance.{table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change()"
    )


def _people() -> None:
    op.execute(
        """ALTER TABLE parties.person ALTER name DROP NOT NULL, ALTER email DROP NOT NULL, ADD COLUMN sealed bytea,
           ADD CONSTRAINT person_plain_or_sealed CHECK (
               (sealed IS NULL) = (name IS NOT NULL) AND (sealed IS NULL) = (email IS NOT NULL))"""
    )
    op.execute("CREATE INDEX person_plain ON parties.person (member_id) WHERE sealed IS NULL")
    for kind, table in (("member", "parties.member"), ("organisation", "parties.organisation")):
        whose = "organisation_id" if kind == "member" else "id"
        op.execute(
            "INSERT INTO compliance.subject (id, organisation_id, kind, created_at) "
            f"SELECT id, {whose}, '{kind}', created_at FROM {table}"
        )


def _regulator() -> None:
    op.execute(f"GRANT SELECT ON compliance.subject TO {rules.REGULATOR}")
    op.execute(
        f"CREATE POLICY compliance_subject_regulator ON compliance.subject FOR SELECT TO {rules.REGULATOR} USING (true)"
    )
    op.execute(
        "CREATE VIEW regulator.erasure WITH (security_invoker = true) AS SELECT id, organisation_id, kind, state, asked_at, "
        "asked_by, erased_at FROM compliance.subject WHERE state <> 'kept'"
    )
    op.execute(f"GRANT SELECT ON regulator.erasure TO {rules.REGULATOR}")
