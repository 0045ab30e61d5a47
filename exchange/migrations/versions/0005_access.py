"""Grants, quotas by lease, usage by UTC day, its proof and its roll-up."""

from __future__ import annotations

from alembic import op

from exchange.migrations import rules

revision = "0005"
down_revision = "0004"

_RECORD = """source_id int NOT NULL, event_id uuid NOT NULL, grant_id uuid NOT NULL, meter smallint NOT NULL,
    at timestamptz NOT NULL, quantity bigint NOT NULL, batch_id uuid NOT NULL"""


def upgrade() -> None:
    """Create the schema access."""
    rules.schema("access")
    _grants()
    _quota()
    _usage()
    _sealed()
    op.execute(_HOLD_DAYS)
    op.execute(_ENSURE_DAY)
    op.execute(_PROVE_DAY)
    for function in ("hold_days(date[])", "ensure_day(date)", "prove_day(date)"):
        op.execute(f"REVOKE ALL ON FUNCTION access.{function} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION access.{function} TO {rules.APP}")


def _grants() -> None:
    op.execute(
        """CREATE TABLE access.grants (
            id uuid PRIMARY KEY, order_id uuid NOT NULL, agreement_id uuid NOT NULL, offer_id uuid NOT NULL,
            listing_id uuid NOT NULL, dataset_id uuid NOT NULL, revision_id uuid NOT NULL,
            buyer_id uuid NOT NULL, seller_id uuid NOT NULL, purposes text[] NOT NULL, meters smallint[] NOT NULL,
            quota jsonb NOT NULL, starts_at timestamptz NOT NULL, ends_at timestamptz,
            state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'suspended', 'ended')),
            node_id text NOT NULL, created_at timestamptz NOT NULL, changed_at timestamptz NOT NULL,
            CHECK (ends_at > starts_at))"""
    )
    op.execute("CREATE INDEX grants_buyer ON access.grants (buyer_id, id)")
    op.execute("CREATE INDEX grants_seller ON access.grants (seller_id, id)")
    op.execute("CREATE INDEX grants_order ON access.grants (order_id)")
    rules.states("access.grants")
    rules.two_sided("access.grants")
    op.execute(
        """CREATE TABLE access.token (
            id uuid PRIMARY KEY, grant_id uuid NOT NULL, buyer_id uuid NOT NULL, expires_at timestamptz NOT NULL,
            revoked_at timestamptz, created_at timestamptz NOT NULL)"""
    )
    op.execute("CREATE INDEX token_grant ON access.token (grant_id, id)")
    rules.states("access.token")
    rules.own("access.token", "buyer_id")


def _quota() -> None:
    # The id of a quota, a roll-up and a seal is its grant's: who is a party to the grant sees them.
    op.execute(
        """CREATE TABLE access.quota (
            grant_id uuid NOT NULL, meter smallint NOT NULL, period_start timestamptz NOT NULL,
            limit_units bigint NOT NULL, reserved bigint NOT NULL DEFAULT 0 CHECK (reserved >= 0),
            used bigint NOT NULL DEFAULT 0 CHECK (used >= 0), buyer_id uuid NOT NULL, seller_id uuid NOT NULL,
            id uuid GENERATED ALWAYS AS (grant_id) STORED,
            PRIMARY KEY (grant_id, meter, period_start)) WITH (fillfactor = 50)"""
    )
    rules.states("access.quota")
    rules.two_sided("access.quota")
    op.execute(
        """CREATE TABLE access.lease (
            id uuid PRIMARY KEY, grant_id uuid NOT NULL, meter smallint NOT NULL, period_start timestamptz NOT NULL,
            holder uuid NOT NULL, reserved bigint NOT NULL, held bigint NOT NULL DEFAULT 0 CHECK (held >= 0),
            used bigint NOT NULL DEFAULT 0 CHECK (used >= 0), expires_at timestamptz NOT NULL,
            state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'settled')),
            buyer_id uuid NOT NULL, seller_id uuid NOT NULL,
            CHECK (used + held <= reserved)) WITH (fillfactor = 40)"""
    )
    op.execute(
        "CREATE UNIQUE INDEX lease_open ON access.lease (grant_id, meter, period_start, holder) WHERE state = 'open'"
    )
    op.execute("CREATE INDEX lease_holder ON access.lease (holder) WHERE state = 'open'")
    rules.states("access.lease")
    rules.two_sided("access.lease")


def _usage() -> None:
    op.execute(
        """CREATE TABLE access.source (
            id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, organisation_id uuid NOT NULL,
            client_id uuid NOT NULL UNIQUE, node_id text NOT NULL, created_at timestamptz NOT NULL,
            revoked_at timestamptz)"""
    )
    rules.states("access.source")
    rules.own("access.source", "organisation_id")
    op.execute(
        """CREATE TABLE access.usage_batch (
            id uuid PRIMARY KEY, source_id int NOT NULL, key text NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
            organisation_id uuid NOT NULL, sha256 bytea NOT NULL, accepted int NOT NULL, answer bytea NOT NULL,
            created_at timestamptz NOT NULL, UNIQUE (source_id, key))"""
    )
    rules.facts("access.usage_batch")
    rules.own("access.usage_batch", "organisation_id")
    # Partitions carry no row security, because COPY refuses it; only the app is granted anything on them.
    op.execute(f"CREATE TABLE access.usage_record ({_RECORD}) PARTITION BY RANGE (at)")
    rules.facts("access.usage_record")
    rules.internal("access.usage_record")
    op.execute(f"CREATE TABLE access.usage_late ({_RECORD}, day date NOT NULL, PRIMARY KEY (day, source_id, event_id))")
    rules.facts("access.usage_late")
    rules.internal("access.usage_late")
    # Only the owner's function writes here: the app is granted INSERT by the form of the table, and never uses it.
    op.execute(f"CREATE TABLE access.usage_copy ({_RECORD}, moved_at timestamptz NOT NULL)")
    rules.facts("access.usage_copy")
    rules.internal("access.usage_copy")
    op.execute(
        """CREATE TABLE access.usage_day (
            day date PRIMARY KEY, state text NOT NULL CHECK (state IN ('open', 'closed', 'proven', 'sealed')),
            copies bigint NOT NULL DEFAULT 0, late_counted bigint NOT NULL DEFAULT 0, part int NOT NULL DEFAULT 0,
            closed_at timestamptz, sealed_at timestamptz)"""
    )
    rules.states("access.usage_day")
    rules.internal("access.usage_day")


def _sealed() -> None:
    op.execute(
        """CREATE TABLE access.usage_rollup (
            grant_id uuid NOT NULL, meter smallint NOT NULL, quarter timestamptz NOT NULL,
            quantity numeric(38, 0) NOT NULL, n bigint NOT NULL, final boolean NOT NULL,
            buyer_id uuid NOT NULL, seller_id uuid NOT NULL, id uuid GENERATED ALWAYS AS (grant_id) STORED,
            PRIMARY KEY (grant_id, meter, quarter)) WITH (fillfactor = 80)"""
    )
    op.execute("CREATE INDEX usage_rollup_quarter ON access.usage_rollup USING brin (quarter)")
    rules.states("access.usage_rollup")
    rules.two_sided("access.usage_rollup")
    op.execute(
        """CREATE TABLE access.usage_seal (
            day date NOT NULL, source_id int NOT NULL, grant_id uuid NOT NULL, part int NOT NULL,
            n bigint NOT NULL, root bytea NOT NULL CHECK (length(root) = 32), sealed_at timestamptz NOT NULL,
            buyer_id uuid NOT NULL, seller_id uuid NOT NULL, id uuid GENERATED ALWAYS AS (grant_id) STORED,
            PRIMARY KEY (grant_id, day, source_id, part))"""
    )
    rules.facts("access.usage_seal")
    rules.two_sided("access.usage_seal")


# A writer of usage holds the day shared until its commit; closing the day takes it alone. A function, because each of
# its statements sees what was committed before it began, and so after the lock was had.
_HOLD_DAYS = """
CREATE FUNCTION access.hold_days(days date[]) RETURNS date[] LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE one date;
BEGIN
    FOR one IN SELECT DISTINCT d FROM unnest(days) d ORDER BY d LOOP
        PERFORM pg_advisory_xact_lock_shared(7263, one - date '2000-01-01');
    END LOOP;
    RETURN coalesce((SELECT array_agg(u.day) FROM access.usage_day u WHERE u.day = ANY(days) AND u.state = 'open'), '{}');
END $$"""

# Built apart and then attached: attaching stops nobody, creating as a partition would wait for all and stop all.
_ENSURE_DAY = f"""
CREATE FUNCTION access.ensure_day(day date) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE name text := 'usage_record_' || to_char(day, 'YYYYMMDD');
BEGIN
    IF day NOT BETWEEN date '2020-01-01' AND date '2199-12-31' THEN
        RAISE EXCEPTION 'no partition for %', day;
    END IF;
    IF to_regclass('access.' || name) IS NOT NULL THEN RETURN false; END IF;
    PERFORM pg_advisory_xact_lock(7264);
    IF to_regclass('access.' || name) IS NOT NULL THEN RETURN false; END IF;
    EXECUTE format('CREATE TABLE access.%I (LIKE access.usage_record INCLUDING ALL)', name);
    EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE OR TRUNCATE ON access.%I
                    FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change()', name || '_fact', name);
    EXECUTE format('GRANT SELECT, INSERT ON access.%I TO {rules.APP}', name);
    EXECUTE format('ALTER TABLE access.usage_record ATTACH PARTITION access.%I FOR VALUES FROM (%L) TO (%L)',
                   name, day::timestamp AT TIME ZONE 'UTC', (day + 1)::timestamp AT TIME ZONE 'UTC');
    INSERT INTO access.usage_day (day, state) VALUES (ensure_day.day, 'open') ON CONFLICT DO NOTHING;
    RETURN true;
END $$"""

# The unique index is the proof. Where copies are in its way the day is written anew with the first of each kept, the
# copies go to usage_copy, and the partition is changed for the new one; the long part holds no lock that others want.
_PROVE_DAY = f"""
CREATE FUNCTION access.prove_day(day date) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    name text := 'usage_record_' || to_char(day, 'YYYYMMDD');
    fresh text := name || '_w';
    low timestamptz := day::timestamp AT TIME ZONE 'UTC';
    high timestamptz := (day + 1)::timestamp AT TIME ZONE 'UTC';
    copies bigint := 0;
BEGIN
    PERFORM FROM access.usage_day u WHERE u.day = prove_day.day AND u.state = 'closed' FOR UPDATE;
    IF NOT FOUND THEN RAISE EXCEPTION 'only a closed day can be proven'; END IF;
    BEGIN
        EXECUTE format('CREATE UNIQUE INDEX %I ON access.%I (source_id, event_id)', name || '_u', name);
    EXCEPTION WHEN unique_violation THEN
        EXECUTE format('CREATE TABLE access.%I (LIKE access.usage_record INCLUDING ALL, CHECK (at >= %L AND at < %L))',
                       fresh, low, high);
        EXECUTE format(
            'WITH o AS MATERIALIZED (
                SELECT r.*, row_number() OVER (PARTITION BY source_id, event_id ORDER BY batch_id, ctid) AS k
                FROM access.%I r),
             kept AS (INSERT INTO access.%I SELECT source_id, event_id, grant_id, meter, at, quantity, batch_id
                      FROM o WHERE k = 1),
             moved AS (INSERT INTO access.usage_copy
                       SELECT source_id, event_id, grant_id, meter, at, quantity, batch_id, now() FROM o WHERE k > 1
                       RETURNING 1)
             SELECT count(*) FROM moved', name, fresh) INTO copies;
        EXECUTE format('CREATE UNIQUE INDEX %I ON access.%I (source_id, event_id)', fresh || 'u', fresh);
        EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE OR TRUNCATE ON access.%I
                        FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change()', fresh || '_fact', fresh);
        EXECUTE format('GRANT SELECT, INSERT ON access.%I TO {rules.APP}', fresh);
        EXECUTE format('ALTER TABLE access.usage_record DETACH PARTITION access.%I', name);
        EXECUTE format('DROP TABLE access.%I', name);
        EXECUTE format('ALTER TABLE access.%I RENAME TO %I', fresh, name);
        EXECUTE format('ALTER INDEX access.%I RENAME TO %I', fresh || 'u', name || '_u');
        EXECUTE format('ALTER TRIGGER %I ON access.%I RENAME TO %I', fresh || '_fact', name, name || '_fact');
        EXECUTE format('ALTER TABLE access.usage_record ATTACH PARTITION access.%I FOR VALUES FROM (%L) TO (%L)',
                       name, low, high);
    END;
    RETURN copies;
END $$"""
