"""Days of usage at scale: roll-up in parallel, roots of their own step, events under two days aside, corrected events."""

from __future__ import annotations

from alembic import op

from exchange.migrations import rules

revision = "0028"
down_revision = "0027"

_FUNCTIONS = ("counted_sql(date)", "fold_day(date, boolean)")


def upgrade() -> None:
    """Add what days, their exceptions and their corrections need; days sealed before have their roots already."""
    op.execute("ALTER TABLE access.usage_day ADD COLUMN rooted int NOT NULL DEFAULT -1")
    op.execute("UPDATE access.usage_day SET rooted = part WHERE state = 'sealed'")
    _touched()
    _aside()
    _corrected()
    op.execute(_COUNTED_SQL)
    op.execute(_FOLD_DAY)
    op.execute(_PROVE_DAY)
    for function in _FUNCTIONS:
        op.execute(f"REVOKE ALL ON FUNCTION access.{function} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION access.{function} TO {rules.APP}")


def _touched() -> None:
    # What came to a day after it was counted: read instead of counting all late events of all days, gone when counted.
    op.execute("CREATE TABLE access.usage_touch (day date NOT NULL, grant_id uuid NOT NULL)")
    op.execute("CREATE INDEX usage_touch_day ON access.usage_touch (day, grant_id)")
    rules.erasable("access.usage_touch")
    rules.internal("access.usage_touch")
    op.execute(
        """CREATE FUNCTION access.touch() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
        BEGIN
            INSERT INTO access.usage_touch (day, grant_id) SELECT DISTINCT n.day, n.grant_id FROM new_rows n;
            RETURN NULL;
        END $$"""
    )
    op.execute(
        """INSERT INTO access.usage_touch (day, grant_id)
        SELECT DISTINCT l.day, l.grant_id FROM access.usage_late l JOIN access.usage_day d ON d.day = l.day
        WHERE d.state <> 'sealed' OR d.late_counted < (SELECT count(*) FROM access.usage_late c WHERE c.day = d.day)"""
    )
    _touching("usage_late")


def _touching(table: str) -> None:
    op.execute(
        f"""CREATE TRIGGER {table}_touch AFTER INSERT ON access.{table} REFERENCING NEW TABLE AS new_rows
        FOR EACH STATEMENT EXECUTE FUNCTION access.touch()"""
    )


def _aside() -> None:
    op.execute(
        """CREATE TABLE access.usage_filter (
            day date PRIMARY KEY, keys bigint NOT NULL, words bytea NOT NULL, made_at timestamptz NOT NULL)"""
    )
    op.execute("ALTER TABLE access.usage_filter ALTER COLUMN words SET STORAGE EXTERNAL")
    rules.erasable("access.usage_filter")
    rules.internal("access.usage_filter")
    op.execute(
        """CREATE TABLE access.usage_exception (
            day date NOT NULL, source_id int NOT NULL, event_id uuid NOT NULL, other_day date NOT NULL,
            grant_id uuid NOT NULL, meter smallint NOT NULL, at timestamptz NOT NULL, quantity bigint NOT NULL,
            batch_id uuid NOT NULL, found_at timestamptz NOT NULL, buyer_id uuid NOT NULL, seller_id uuid NOT NULL,
            id uuid GENERATED ALWAYS AS (grant_id) STORED, PRIMARY KEY (day, source_id, event_id), CHECK (day <> other_day))"""
    )
    rules.facts("access.usage_exception")
    rules.two_sided("access.usage_exception")


def _corrected() -> None:
    op.execute(
        """CREATE TABLE access.usage_correction (
            day date NOT NULL, source_id int NOT NULL, event_id uuid NOT NULL, number int NOT NULL CHECK (number >= 1),
            kind text NOT NULL CHECK (kind IN ('amend', 'deprecate')), quantity bigint NOT NULL CHECK (quantity >= 0),
            before bigint NOT NULL CHECK (before >= 0), reason text NOT NULL, grant_id uuid NOT NULL,
            meter smallint NOT NULL, at timestamptz NOT NULL, batch_id uuid NOT NULL, created_at timestamptz NOT NULL,
            buyer_id uuid NOT NULL, seller_id uuid NOT NULL, id uuid GENERATED ALWAYS AS (grant_id) STORED,
            PRIMARY KEY (day, source_id, event_id, number), CHECK (kind = 'amend' OR quantity = 0))"""
    )
    op.execute("CREATE INDEX usage_correction_grant ON access.usage_correction (grant_id, at)")
    rules.facts("access.usage_correction")
    rules.two_sided("access.usage_correction")
    _touching("usage_correction")


# What counts of a day, as the text of a query over its partition: the one definition that roll-up, roots, proofs and live
# totals share. Late events count where the day has not got them, events that stand under another day don't, and a
# corrected event counts as its last correction says. Only what a day has is asked for, so that a plain day is one scan.
# A day without its unique index: the first copy of each event counts, as the proof will keep it.
_COUNTED_SQL = """
CREATE FUNCTION access.counted_sql(day date) RETURNS text LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    name text := 'usage_record_' || to_char(day, 'YYYYMMDD');
    record text := 'source_id, event_id, grant_id, meter, at, quantity';
    proven boolean := EXISTS (SELECT FROM access.usage_day u WHERE u.day = counted_sql.day AND u.state IN ('proven', 'sealed'));
    late boolean := EXISTS (SELECT FROM access.usage_late l WHERE l.day = counted_sql.day);
    body text := format('SELECT %s FROM access.%I', record, name);
BEGIN
    IF NOT proven THEN
        body := format('SELECT DISTINCT ON (source_id, event_id) %1$s FROM (
            SELECT %1$s, 0 AS late, batch_id, ctid FROM access.%2$I UNION ALL
            SELECT %1$s, 1, batch_id, ctid FROM access.usage_late WHERE day = %3$L) u
            ORDER BY source_id, event_id, late, batch_id, ctid', record, name, day);
    ELSIF late THEN
        body := body || format(' UNION ALL SELECT %s FROM access.usage_late l WHERE l.day = %L AND NOT EXISTS (
            SELECT FROM access.%I r WHERE r.source_id = l.source_id AND r.event_id = l.event_id)', record, day, name);
    END IF;
    IF EXISTS (SELECT FROM access.usage_exception x WHERE x.day = counted_sql.day) THEN
        body := format('SELECT %s FROM (%s) e WHERE NOT EXISTS (SELECT FROM access.usage_exception x
            WHERE x.day = %L AND x.source_id = e.source_id AND x.event_id = e.event_id)', record, body, day);
    END IF;
    IF EXISTS (SELECT FROM access.usage_correction k WHERE k.day = counted_sql.day) THEN
        RETURN format('SELECT b.source_id, b.event_id, b.grant_id, b.meter, b.at, coalesce(k.quantity, b.quantity) AS quantity,
            b.quantity AS reported, k.number AS correction, k.kind IS DISTINCT FROM ''deprecate'' AS stands
            FROM (%s) b LEFT JOIN (SELECT DISTINCT ON (source_id, event_id) source_id, event_id, number, kind, quantity
                FROM access.usage_correction WHERE day = %L ORDER BY source_id, event_id, number DESC) k
            ON k.source_id = b.source_id AND k.event_id = b.event_id', body, day);
    END IF;
    RETURN format('SELECT %s, quantity AS reported, NULL::int AS correction, true AS stands FROM (%s) b', record, body);
END $$"""

# The grouping of a whole day is worked out by several processes only where its result becomes a table of its own. What
# was rolled up before, provisionally or without late events, is brought up to date; what does not count becomes nothing.
_FOLD_DAY = """
CREATE FUNCTION access.fold_day(day date, final boolean) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET work_mem = '64MB' AS $$
DECLARE
    low timestamptz := day::timestamp AT TIME ZONE 'UTC';
    high timestamptz := (day + 1)::timestamp AT TIME ZONE 'UTC';
    fold text := 'usage_fold_' || to_char(day, 'YYYYMMDD');
    known boolean;
    grouped text := format('SELECT grant_id, meter, date_bin(''15 minutes'', at, %L) AS quarter, sum(quantity) AS quantity,
        count(*) FILTER (WHERE stands) AS n FROM (%s) c GROUP BY 1, 2, 3', low, access.counted_sql(day));
    written bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(7265, day - date '2000-01-01');
    known := EXISTS (SELECT FROM access.usage_rollup o WHERE o.quarter >= low AND o.quarter < high);
    IF final THEN
        EXECUTE format('CREATE UNLOGGED TABLE access.%I AS %s', fold, grouped);
        grouped := format('TABLE access.%I', fold);
    END IF;
    EXECUTE format('INSERT INTO access.usage_rollup AS o (grant_id, meter, quarter, quantity, n, final, buyer_id, seller_id)
        SELECT u.grant_id, u.meter, u.quarter, u.quantity, u.n, $1, g.buyer_id, g.seller_id
        FROM (%s) u JOIN access.grants g ON g.id = u.grant_id', grouped) || CASE WHEN known THEN
        ' ON CONFLICT (grant_id, meter, quarter) DO UPDATE
        SET quantity = EXCLUDED.quantity, n = EXCLUDED.n, final = EXCLUDED.final
        WHERE (o.quantity, o.n, o.final) IS DISTINCT FROM (EXCLUDED.quantity, EXCLUDED.n, EXCLUDED.final)' ELSE '' END
        USING final;
    GET DIAGNOSTICS written = ROW_COUNT;
    IF final AND known THEN
        EXECUTE format('UPDATE access.usage_rollup o SET quantity = 0, n = 0, final = true
            WHERE o.quarter >= $1 AND o.quarter < $2 AND (o.n <> 0 OR o.quantity <> 0 OR NOT o.final) AND NOT EXISTS (
                SELECT FROM access.%I u WHERE u.grant_id = o.grant_id AND u.meter = o.meter AND u.quarter = o.quarter)', fold)
            USING low, high;
    END IF;
    IF final THEN
        EXECUTE format('DROP TABLE access.%I', fold);
        -- A settlement that follows at once must not plan with what the roll-up was before.
        IF 10 * written > (SELECT reltuples FROM pg_class WHERE oid = 'access.usage_rollup'::regclass) THEN
            ANALYZE access.usage_rollup;
        END IF;
    END IF;
    RETURN written;
END $$"""

# The unique index is the proof. Copies in its way go to usage_copy first: that a build fails is told early, in its sort,
# and finding a few copies by a grouping of hashes is cheaper than writing the whole day anew. Nobody writes a closed day.
_PROVE_DAY = """
CREATE OR REPLACE FUNCTION access.prove_day(day date) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET work_mem = '64MB' AS $$
DECLARE
    name text := 'usage_record_' || to_char(day, 'YYYYMMDD');
    build text := format('CREATE UNIQUE INDEX %I ON access.%I (source_id, event_id)', name || '_u', name);
    hashes bigint[];
    copies bigint := 0;
BEGIN
    PERFORM FROM access.usage_day u WHERE u.day = prove_day.day AND u.state = 'closed' FOR UPDATE;
    IF NOT FOUND THEN RAISE EXCEPTION 'only a closed day can be proven'; END IF;
    BEGIN
        EXECUTE build;
    EXCEPTION WHEN unique_violation THEN
        EXECUTE format('SELECT array_agg(h) FROM (SELECT uuid_hash_extended(event_id, source_id) AS h FROM access.%I
            GROUP BY 1 HAVING count(*) > 1) c', name) INTO hashes;
        EXECUTE format('ALTER TABLE access.%I DISABLE TRIGGER %I', name, name || '_fact');
        EXECUTE format('WITH o AS MATERIALIZED (
                SELECT r.ctid AS at_, row_number() OVER (PARTITION BY source_id, event_id ORDER BY batch_id, ctid) AS k
                FROM access.%1$I r WHERE uuid_hash_extended(event_id, source_id) = ANY($1)),
             moved AS (DELETE FROM access.%1$I r USING o WHERE r.ctid = o.at_ AND o.k > 1
                 RETURNING r.source_id, r.event_id, r.grant_id, r.meter, r.at, r.quantity, r.batch_id)
             INSERT INTO access.usage_copy SELECT m.*, now() FROM moved m', name) USING hashes;
        GET DIAGNOSTICS copies = ROW_COUNT;
        EXECUTE format('ALTER TABLE access.%I ENABLE TRIGGER %I', name, name || '_fact');
        EXECUTE build;
    END;
    RETURN copies;
END $$"""
