"""Directives by rule, and what everybody may know of directives: a list without names."""

from __future__ import annotations

from alembic import op

from exchange.migrations import rules

revision = "0038"
down_revision = "0037"


def upgrade() -> None:
    """Let a directive catch what has declared properties, now and later; show what directives there are and were."""
    op.execute("DROP VIEW regulator.directive_target")
    # What joins under a rule has no end, and a directive of a hundred targets knew one.
    op.execute("ALTER TABLE compliance.directive_target ALTER COLUMN position TYPE integer, ADD rule smallint")
    op.execute(
        """CREATE TABLE compliance.directive_rule (
            directive_id uuid NOT NULL REFERENCES compliance.directive (id), position smallint NOT NULL,
            kind text NOT NULL CHECK (kind IN ('freeze', 'delist', 'preserve', 'disclose', 'inform')),
            licence text, modality text, language text, personal_data text, cross_border boolean,
            active boolean NOT NULL, basis jsonb, PRIMARY KEY (directive_id, position),
            CHECK (num_nonnulls(licence, modality, language, personal_data, cross_border) > 0))"""
    )
    op.execute("CREATE INDEX directive_rule_active ON compliance.directive_rule (directive_id, position) WHERE active")
    rules.states("compliance.directive_rule")
    rules.internal("compliance.directive_rule")
    op.execute(f"GRANT SELECT ON compliance.directive_rule TO {rules.REGULATOR}")
    op.execute(
        "CREATE POLICY compliance_directive_rule_regulator ON compliance.directive_rule "
        f"FOR SELECT TO {rules.REGULATOR} USING (true)"
    )
    for name, columns in (
        ("directive_target", "directive_id, position, kind, target_kind, target_id, active, since, rule"),
        (
            "directive_rule",
            "directive_id, position, kind, licence, modality, language, personal_data, cross_border, active",
        ),
    ):
        op.execute(
            f"CREATE VIEW regulator.{name} WITH (security_invoker = true) AS SELECT {columns} FROM compliance.{name}"
        )
        op.execute(f"GRANT SELECT ON regulator.{name} TO {rules.REGULATOR}")
    _in_public()


def _in_public() -> None:
    """What the page for everybody reads: counts of all kinds, and of the kinds that the catalogue shows anyway one line each.

    Neither of them says whom or what a directive names; of an investigation (preserve, disclose, inform) there are counts alone.
    """
    op.execute(
        """CREATE FUNCTION compliance.directives_counted() RETURNS TABLE (kind text, in_force bigint, lifted bigint)
        LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
            SELECT d.kind, count(*) FILTER (WHERE d.state <> 'lifted'), count(*) FILTER (WHERE d.state = 'lifted')
            FROM compliance.directive d GROUP BY d.kind $$"""
    )
    op.execute(
        """CREATE FUNCTION compliance.directives_in_public(skip integer, most integer)
        RETURNS TABLE (kind text, law text, article text, issued_on date, lifted_on date, scope jsonb)
        LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
            SELECT d.kind, d.basis ->> 'law', d.basis ->> 'article', (d.issued_at AT TIME ZONE 'UTC')::date,
                (d.lifted_at AT TIME ZONE 'UTC')::date,
                (SELECT coalesce(jsonb_object_agg(t.about, t.n), '{}') FROM (
                    SELECT one.target_kind AS about, count(*) AS n FROM compliance.directive_target one
                    WHERE one.directive_id = d.id AND one.rule IS NULL GROUP BY 1
                    UNION ALL SELECT 'rule', count(*) FROM compliance.directive_rule r
                    WHERE r.directive_id = d.id HAVING count(*) > 0
                    UNION ALL SELECT 'by_rule', count(*) FROM compliance.directive_target one
                    WHERE one.directive_id = d.id AND one.rule IS NOT NULL HAVING count(*) > 0) AS t)
            FROM compliance.directive d WHERE d.kind IN ('freeze', 'delist')
            ORDER BY d.state = 'lifted', d.issued_at DESC, d.id DESC OFFSET skip LIMIT most $$"""
    )
    for name in ("directives_counted()", "directives_in_public(integer, integer)"):
        op.execute(f"REVOKE ALL ON FUNCTION compliance.{name} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION compliance.{name} TO {rules.PORTAL}, {rules.APP}")
