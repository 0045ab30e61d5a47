-- The database at the head of the migrations. Written by `python -m tools.dump_schema`; do not edit.

CREATE SCHEMA access;

CREATE SCHEMA catalog;

CREATE SCHEMA compliance;

CREATE SCHEMA contracts;

CREATE SCHEMA kernel;

CREATE SCHEMA parties;

CREATE SCHEMA quality;

CREATE SCHEMA regulator;

CREATE SCHEMA settlement;

CREATE SCHEMA webhooks;

CREATE FUNCTION access.counted_sql(day date) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
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
END $_$;

CREATE FUNCTION access.ensure_day(day date) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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
    EXECUTE format('GRANT SELECT, INSERT ON access.%I TO exchange_app', name);
    EXECUTE format('ALTER TABLE access.usage_record ATTACH PARTITION access.%I FOR VALUES FROM (%L) TO (%L)',
                   name, day::timestamp AT TIME ZONE 'UTC', (day + 1)::timestamp AT TIME ZONE 'UTC');
    INSERT INTO access.usage_day (day, state) VALUES (ensure_day.day, 'open') ON CONFLICT DO NOTHING;
    RETURN true;
END $$;

CREATE FUNCTION access.fold_day(day date, final boolean) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET work_mem TO '64MB'
    AS $_$
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
END $_$;

CREATE FUNCTION access.hold_days(days date[]) RETURNS date[]
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE one date;
BEGIN
    FOR one IN SELECT DISTINCT d FROM unnest(days) d ORDER BY d LOOP
        PERFORM pg_advisory_xact_lock_shared(7263, one - date '2000-01-01');
    END LOOP;
    RETURN coalesce((SELECT array_agg(u.day) FROM access.usage_day u WHERE u.day = ANY(days) AND u.state = 'open'), '{}');
END $$;

CREATE FUNCTION access.prove_day(day date) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET work_mem TO '64MB'
    AS $_$
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
END $_$;

CREATE FUNCTION access.touch() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
        BEGIN
            INSERT INTO access.usage_touch (day, grant_id) SELECT DISTINCT n.day, n.grant_id FROM new_rows n;
            RETURN NULL;
        END $$;

CREATE FUNCTION catalog.matching(wanted tsquery) RETURNS SETOF uuid
    LANGUAGE sql STABLE SECURITY DEFINER ROWS 100
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$ SELECT l.id FROM catalog.listing l WHERE l.state = 'published' AND l.search @@ wanted $$;

CREATE FUNCTION compliance.directives_counted() RETURNS TABLE(kind text, in_force bigint, lifted bigint)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
            SELECT d.kind, count(*) FILTER (WHERE d.state <> 'lifted'), count(*) FILTER (WHERE d.state = 'lifted')
            FROM compliance.directive d GROUP BY d.kind $$;

CREATE FUNCTION compliance.directives_in_public(skip integer, most integer) RETURNS TABLE(kind text, law text, article text, issued_on date, lifted_on date, scope jsonb)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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
            ORDER BY d.state = 'lifted', d.issued_at DESC, d.id DESC OFFSET skip LIMIT most $$;

CREATE FUNCTION compliance.entries_stand_still() RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$ LOCK TABLE compliance.audit_entry IN SHARE MODE $$;

CREATE FUNCTION compliance.only_erases() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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
        END $$;

CREATE FUNCTION compliance.only_grows() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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
        END $$;

CREATE FUNCTION kernel.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
        BEGIN RAISE EXCEPTION 'facts of %.% are inserted, never changed', TG_TABLE_SCHEMA, TG_TABLE_NAME
              USING ERRCODE = 'integrity_constraint_violation'; END $$;

CREATE FUNCTION settlement.approval_decided_once() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
        BEGIN
            IF OLD.state <> 'open' OR (NEW.id, NEW.kind, NEW.object_id, NEW.body_sha256, NEW.asked_client, NEW.asked_at)
                IS DISTINCT FROM (OLD.id, OLD.kind, OLD.object_id, OLD.body_sha256, OLD.asked_client, OLD.asked_at) THEN
                RAISE EXCEPTION 'an approval is decided once, and what was asked for stays'
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NEW;
        END $$;

CREATE FUNCTION settlement.call_moves_on() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
        BEGIN
            IF OLD.state IN ('done', 'refused') OR NEW.attempts < OLD.attempts
                OR (NEW.id, NEW.kind, NEW.object_id, NEW.step, NEW.key, NEW.request, NEW.request_sha256, NEW.first_sent_at)
                IS DISTINCT FROM
                (OLD.id, OLD.kind, OLD.object_id, OLD.step, OLD.key, OLD.request, OLD.request_sha256, OLD.first_sent_at) THEN
                RAISE EXCEPTION 'a call keeps its key and its request, and its answer is final'
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NEW;
        END $$;

CREATE FUNCTION settlement.check_period() RETURNS trigger
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    AS $$
        DECLARE shut text;
        BEGIN
            PERFORM pg_advisory_xact_lock_shared(hashtextextended('settlement.period ' || c.currency, 0))
                FROM (SELECT DISTINCT p.currency FROM settlement.posting p WHERE p.journal_id = NEW.id ORDER BY 1) c;
            SELECT p.currency INTO shut FROM settlement.posting p WHERE p.journal_id = NEW.id AND EXISTS (
                SELECT FROM settlement.closed_period c WHERE c.currency = p.currency AND c.period_end > NEW.effective_at)
                LIMIT 1;
            IF FOUND THEN
                RAISE EXCEPTION 'journal % is dated into a closed period of %', NEW.id, shut
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NULL;
        END $$;

CREATE FUNCTION settlement.check_postings() RETURNS trigger
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    AS $$
        DECLARE bad uuid;
        BEGIN
            SELECT g.journal_id INTO bad FROM (
                SELECT n.journal_id, n.currency, sum(n.amount) AS total, count(*) AS lines, count(a.id) AS known
                FROM new_rows n LEFT JOIN settlement.account a ON a.id = n.account_id AND a.currency = n.currency
                GROUP BY 1, 2) g WHERE g.total <> 0 OR g.known <> g.lines LIMIT 1;
            IF FOUND THEN
                RAISE EXCEPTION 'journal % does not sum to zero, or posts to no account of its currency', bad
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            SELECT g.journal_id INTO bad FROM (
                SELECT n.journal_id, count(*) AS lines, max(n.line) AS last FROM new_rows n GROUP BY 1) g
                LEFT JOIN settlement.journal j ON j.id = g.journal_id
                WHERE j.id IS NULL OR g.lines <> j.line_count OR g.last <> j.line_count LIMIT 1;
            IF FOUND THEN
                RAISE EXCEPTION 'journal % is unknown or not complete', bad USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NULL;
        END $$;

CREATE FUNCTION settlement.fiscal_missing_closes() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
        BEGIN
            IF OLD.closed_at IS NOT NULL OR NEW.closed_at IS NULL OR (NEW.id, NEW.reasons, NEW.about, NEW.account_id)
                IS DISTINCT FROM (OLD.id, OLD.reasons, OLD.about, OLD.account_id) THEN
                RAISE EXCEPTION 'what is missing is closed once, and nothing else of it changes'
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NEW;
        END $$;

CREATE TABLE access.custom_meter (
    id smallint NOT NULL,
    key text NOT NULL,
    organisation_id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT custom_meter_key_check CHECK (((length(key) >= 3) AND (length(key) <= 100)))
);

ALTER TABLE ONLY access.custom_meter FORCE ROW LEVEL SECURITY;

ALTER TABLE access.custom_meter ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME access.custom_meter_id_seq
    START WITH 1000
    INCREMENT BY 1
    MINVALUE 1000
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE access.grants (
    id uuid NOT NULL,
    order_id uuid NOT NULL,
    agreement_id uuid NOT NULL,
    offer_id uuid NOT NULL,
    listing_id uuid NOT NULL,
    dataset_id uuid NOT NULL,
    revision_id uuid NOT NULL,
    buyer_id uuid NOT NULL,
    seller_id uuid NOT NULL,
    purposes text[] NOT NULL,
    meters smallint[] NOT NULL,
    quota jsonb NOT NULL,
    starts_at timestamp with time zone NOT NULL,
    ends_at timestamp with time zone,
    state text DEFAULT 'active'::text NOT NULL,
    node_id text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    CONSTRAINT grants_check CHECK ((ends_at > starts_at)),
    CONSTRAINT grants_state_check CHECK ((state = ANY (ARRAY['active'::text, 'suspended'::text, 'ended'::text])))
);

ALTER TABLE ONLY access.grants FORCE ROW LEVEL SECURITY;

CREATE TABLE access.lease (
    id uuid NOT NULL,
    grant_id uuid NOT NULL,
    meter smallint NOT NULL,
    period_start timestamp with time zone NOT NULL,
    holder uuid NOT NULL,
    reserved bigint NOT NULL,
    held bigint DEFAULT 0 NOT NULL,
    used bigint DEFAULT 0 NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    state text DEFAULT 'open'::text NOT NULL,
    buyer_id uuid NOT NULL,
    seller_id uuid NOT NULL,
    CONSTRAINT lease_check CHECK (((used + held) <= reserved)),
    CONSTRAINT lease_held_check CHECK ((held >= 0)),
    CONSTRAINT lease_state_check CHECK ((state = ANY (ARRAY['open'::text, 'settled'::text]))),
    CONSTRAINT lease_used_check CHECK ((used >= 0))
)
WITH (fillfactor='40');

ALTER TABLE ONLY access.lease FORCE ROW LEVEL SECURITY;

CREATE TABLE access.quota (
    grant_id uuid NOT NULL,
    meter smallint NOT NULL,
    period_start timestamp with time zone NOT NULL,
    limit_units bigint NOT NULL,
    reserved bigint DEFAULT 0 NOT NULL,
    used bigint DEFAULT 0 NOT NULL,
    buyer_id uuid NOT NULL,
    seller_id uuid NOT NULL,
    id uuid GENERATED ALWAYS AS (grant_id) STORED,
    CONSTRAINT quota_reserved_check CHECK ((reserved >= 0)),
    CONSTRAINT quota_used_check CHECK ((used >= 0))
)
WITH (fillfactor='50');

ALTER TABLE ONLY access.quota FORCE ROW LEVEL SECURITY;

CREATE TABLE access.source (
    id integer NOT NULL,
    organisation_id uuid NOT NULL,
    client_id uuid NOT NULL,
    node_id text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    revoked_at timestamp with time zone
);

ALTER TABLE ONLY access.source FORCE ROW LEVEL SECURITY;

ALTER TABLE access.source ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME access.source_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE access.token (
    id uuid NOT NULL,
    grant_id uuid NOT NULL,
    buyer_id uuid NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    revoked_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL
);

ALTER TABLE ONLY access.token FORCE ROW LEVEL SECURITY;

CREATE TABLE access.usage_aside (
    id uuid NOT NULL,
    grant_id uuid NOT NULL,
    day date NOT NULL,
    meter smallint NOT NULL,
    number integer NOT NULL,
    counted numeric(38,0) NOT NULL,
    most numeric(38,0) NOT NULL,
    why text NOT NULL,
    buyer_id uuid NOT NULL,
    seller_id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT usage_aside_check CHECK ((counted > most)),
    CONSTRAINT usage_aside_number_check CHECK ((number > 0)),
    CONSTRAINT usage_aside_why_check CHECK ((why = ANY (ARRAY['absolute'::text, 'quota'::text, 'history'::text])))
);

ALTER TABLE ONLY access.usage_aside FORCE ROW LEVEL SECURITY;

CREATE TABLE access.usage_batch (
    id uuid NOT NULL,
    source_id integer NOT NULL,
    key text NOT NULL,
    organisation_id uuid NOT NULL,
    sha256 bytea NOT NULL,
    accepted integer NOT NULL,
    answer bytea NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT usage_batch_key_check CHECK (((length(key) >= 1) AND (length(key) <= 255)))
);

ALTER TABLE ONLY access.usage_batch FORCE ROW LEVEL SECURITY;

CREATE TABLE access.usage_checked (
    day date NOT NULL,
    sealed_at timestamp with time zone NOT NULL,
    created_at timestamp with time zone NOT NULL
);

ALTER TABLE ONLY access.usage_checked FORCE ROW LEVEL SECURITY;

CREATE TABLE access.usage_copy (
    source_id integer NOT NULL,
    event_id uuid NOT NULL,
    grant_id uuid NOT NULL,
    meter smallint NOT NULL,
    at timestamp with time zone NOT NULL,
    quantity bigint NOT NULL,
    batch_id uuid NOT NULL,
    moved_at timestamp with time zone NOT NULL
);

ALTER TABLE ONLY access.usage_copy FORCE ROW LEVEL SECURITY;

CREATE TABLE access.usage_correction (
    day date NOT NULL,
    source_id integer NOT NULL,
    event_id uuid NOT NULL,
    number integer NOT NULL,
    kind text NOT NULL,
    quantity bigint NOT NULL,
    before bigint NOT NULL,
    reason text NOT NULL,
    grant_id uuid NOT NULL,
    meter smallint NOT NULL,
    at timestamp with time zone NOT NULL,
    batch_id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    buyer_id uuid NOT NULL,
    seller_id uuid NOT NULL,
    id uuid GENERATED ALWAYS AS (grant_id) STORED,
    CONSTRAINT usage_correction_before_check CHECK ((before >= 0)),
    CONSTRAINT usage_correction_check CHECK (((kind = 'amend'::text) OR (quantity = 0))),
    CONSTRAINT usage_correction_kind_check CHECK ((kind = ANY (ARRAY['amend'::text, 'deprecate'::text]))),
    CONSTRAINT usage_correction_number_check CHECK ((number >= 1)),
    CONSTRAINT usage_correction_quantity_check CHECK ((quantity >= 0))
);

ALTER TABLE ONLY access.usage_correction FORCE ROW LEVEL SECURITY;

CREATE TABLE access.usage_day (
    day date NOT NULL,
    state text NOT NULL,
    copies bigint DEFAULT 0 NOT NULL,
    late_counted bigint DEFAULT 0 NOT NULL,
    part integer DEFAULT 0 NOT NULL,
    closed_at timestamp with time zone,
    sealed_at timestamp with time zone,
    rooted integer DEFAULT '-1'::integer NOT NULL,
    CONSTRAINT usage_day_state_check CHECK ((state = ANY (ARRAY['open'::text, 'closed'::text, 'proven'::text, 'sealed'::text])))
);

ALTER TABLE ONLY access.usage_day FORCE ROW LEVEL SECURITY;

CREATE TABLE access.usage_decision (
    aside_id uuid NOT NULL,
    let_through boolean NOT NULL,
    reason jsonb NOT NULL,
    decided_by uuid NOT NULL,
    buyer_id uuid NOT NULL,
    seller_id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL
);

ALTER TABLE ONLY access.usage_decision FORCE ROW LEVEL SECURITY;

CREATE TABLE access.usage_exception (
    day date NOT NULL,
    source_id integer NOT NULL,
    event_id uuid NOT NULL,
    other_day date NOT NULL,
    grant_id uuid NOT NULL,
    meter smallint NOT NULL,
    at timestamp with time zone NOT NULL,
    quantity bigint NOT NULL,
    batch_id uuid NOT NULL,
    found_at timestamp with time zone NOT NULL,
    buyer_id uuid NOT NULL,
    seller_id uuid NOT NULL,
    id uuid GENERATED ALWAYS AS (grant_id) STORED,
    CONSTRAINT usage_exception_check CHECK ((day <> other_day))
);

ALTER TABLE ONLY access.usage_exception FORCE ROW LEVEL SECURITY;

CREATE TABLE access.usage_filter (
    day date NOT NULL,
    keys bigint NOT NULL,
    words bytea NOT NULL,
    made_at timestamp with time zone NOT NULL
);
ALTER TABLE ONLY access.usage_filter ALTER COLUMN words SET STORAGE EXTERNAL;

ALTER TABLE ONLY access.usage_filter FORCE ROW LEVEL SECURITY;

CREATE TABLE access.usage_late (
    source_id integer NOT NULL,
    event_id uuid NOT NULL,
    grant_id uuid NOT NULL,
    meter smallint NOT NULL,
    at timestamp with time zone NOT NULL,
    quantity bigint NOT NULL,
    batch_id uuid NOT NULL,
    day date NOT NULL
);

ALTER TABLE ONLY access.usage_late FORCE ROW LEVEL SECURITY;

CREATE TABLE access.usage_record (
    source_id integer NOT NULL,
    event_id uuid NOT NULL,
    grant_id uuid NOT NULL,
    meter smallint NOT NULL,
    at timestamp with time zone NOT NULL,
    quantity bigint NOT NULL,
    batch_id uuid NOT NULL
)
PARTITION BY RANGE (at);

ALTER TABLE ONLY access.usage_record FORCE ROW LEVEL SECURITY;

CREATE TABLE access.usage_rollup (
    grant_id uuid NOT NULL,
    meter smallint NOT NULL,
    quarter timestamp with time zone NOT NULL,
    quantity numeric(38,0) NOT NULL,
    n bigint NOT NULL,
    final boolean NOT NULL,
    buyer_id uuid NOT NULL,
    seller_id uuid NOT NULL,
    id uuid GENERATED ALWAYS AS (grant_id) STORED
)
WITH (fillfactor='80');

ALTER TABLE ONLY access.usage_rollup FORCE ROW LEVEL SECURITY;

CREATE TABLE access.usage_seal (
    day date NOT NULL,
    source_id integer NOT NULL,
    grant_id uuid NOT NULL,
    part integer NOT NULL,
    n bigint NOT NULL,
    root bytea NOT NULL,
    sealed_at timestamp with time zone NOT NULL,
    buyer_id uuid NOT NULL,
    seller_id uuid NOT NULL,
    id uuid GENERATED ALWAYS AS (grant_id) STORED,
    CONSTRAINT usage_seal_root_check CHECK ((length(root) = 32))
);

ALTER TABLE ONLY access.usage_seal FORCE ROW LEVEL SECURITY;

CREATE TABLE access.usage_touch (
    day date NOT NULL,
    grant_id uuid NOT NULL
);

ALTER TABLE ONLY access.usage_touch FORCE ROW LEVEL SECURITY;

CREATE TABLE catalog.asset (
    id uuid NOT NULL,
    revision_id uuid NOT NULL,
    supplier_id uuid NOT NULL,
    "position" integer NOT NULL,
    path text NOT NULL,
    sha256 bytea NOT NULL,
    size_bytes bigint NOT NULL,
    media_type text NOT NULL,
    node_id text NOT NULL,
    CONSTRAINT asset_position_check CHECK (("position" >= 0)),
    CONSTRAINT asset_sha256_check CHECK ((length(sha256) = 32)),
    CONSTRAINT asset_size_bytes_check CHECK ((size_bytes >= 0))
);

ALTER TABLE ONLY catalog.asset FORCE ROW LEVEL SECURITY;

CREATE TABLE catalog.dataset (
    id uuid NOT NULL,
    supplier_id uuid NOT NULL,
    title jsonb NOT NULL,
    description jsonb NOT NULL,
    modality text NOT NULL,
    languages text[] NOT NULL,
    personal_data text NOT NULL,
    licence text NOT NULL,
    provenance jsonb NOT NULL,
    synthetic_share smallint NOT NULL,
    legal_basis text,
    cross_border_basis text,
    state text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    derived_from jsonb,
    CONSTRAINT dataset_derived_from_check CHECK (((jsonb_typeof(derived_from) = 'array'::text) AND ((jsonb_array_length(derived_from) >= 1) AND (jsonb_array_length(derived_from) <= 50)))),
    CONSTRAINT dataset_modality_check CHECK ((modality = ANY (ARRAY['text'::text, 'table'::text, 'image'::text, 'audio'::text, 'video'::text, 'image_text'::text]))),
    CONSTRAINT dataset_personal_data_check CHECK ((personal_data = ANY (ARRAY['none'::text, 'pseudonymised'::text, 'contains'::text]))),
    CONSTRAINT dataset_state_check CHECK ((state = ANY (ARRAY['active'::text, 'frozen'::text, 'retired'::text]))),
    CONSTRAINT dataset_synthetic_share_check CHECK (((synthetic_share >= 0) AND (synthetic_share <= 10000)))
);

ALTER TABLE ONLY catalog.dataset FORCE ROW LEVEL SECURITY;

CREATE TABLE catalog.listing (
    id uuid NOT NULL,
    dataset_id uuid NOT NULL,
    revision_id uuid NOT NULL,
    supplier_id uuid NOT NULL,
    state text NOT NULL,
    title jsonb NOT NULL,
    summary jsonb NOT NULL,
    modality text NOT NULL,
    languages text[] NOT NULL,
    personal_data text NOT NULL,
    licence text NOT NULL,
    search tsvector NOT NULL,
    created_at timestamp with time zone NOT NULL,
    published_at timestamp with time zone,
    CONSTRAINT listing_check CHECK (((state <> ALL (ARRAY['published'::text, 'suspended'::text])) OR (published_at IS NOT NULL))),
    CONSTRAINT listing_state_check CHECK ((state = ANY (ARRAY['draft'::text, 'published'::text, 'suspended'::text, 'delisted'::text])))
);

ALTER TABLE ONLY catalog.listing FORCE ROW LEVEL SECURITY;

CREATE TABLE catalog.offer (
    id uuid NOT NULL,
    listing_id uuid NOT NULL,
    supplier_id uuid NOT NULL,
    code text NOT NULL,
    version integer NOT NULL,
    kind text NOT NULL,
    currency text NOT NULL,
    entry_units bigint NOT NULL,
    document bytea NOT NULL,
    sha256 bytea NOT NULL,
    created_at timestamp with time zone NOT NULL,
    private boolean DEFAULT false NOT NULL,
    CONSTRAINT offer_check CHECK ((sha256 = sha256(document))),
    CONSTRAINT offer_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT offer_entry_units_check CHECK ((entry_units >= 0)),
    CONSTRAINT offer_kind_check CHECK ((kind = ANY (ARRAY['one_off'::text, 'subscription'::text, 'pay_per_use'::text]))),
    CONSTRAINT offer_version_check CHECK ((version >= 1))
);

ALTER TABLE ONLY catalog.offer FORCE ROW LEVEL SECURITY;

CREATE TABLE catalog.offer_audience (
    offer_id uuid NOT NULL,
    organisation_id uuid NOT NULL,
    supplier_id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT offer_audience_check CHECK ((organisation_id <> supplier_id))
);

ALTER TABLE ONLY catalog.offer_audience FORCE ROW LEVEL SECURITY;

CREATE TABLE catalog.offer_standing (
    offer_id uuid NOT NULL,
    listing_id uuid NOT NULL,
    supplier_id uuid NOT NULL,
    code text NOT NULL,
    state text NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    private boolean DEFAULT false NOT NULL,
    CONSTRAINT offer_standing_state_check CHECK ((state = ANY (ARRAY['current'::text, 'superseded'::text, 'withdrawn'::text, 'reserved'::text])))
);

ALTER TABLE ONLY catalog.offer_standing FORCE ROW LEVEL SECURITY;

CREATE TABLE catalog.people_declaration (
    id uuid NOT NULL,
    dataset_id uuid NOT NULL,
    supplier_id uuid NOT NULL,
    number integer NOT NULL,
    personal bigint NOT NULL,
    sensitive bigint NOT NULL,
    important boolean NOT NULL,
    critical_infrastructure boolean NOT NULL,
    exemption text,
    path text NOT NULL,
    document_sha256 bytea,
    valid_until timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT people_declaration_document_sha256_check CHECK ((length(document_sha256) = 32)),
    CONSTRAINT people_declaration_number_check CHECK ((number > 0)),
    CONSTRAINT people_declaration_personal_check CHECK ((personal >= 0)),
    CONSTRAINT people_declaration_sensitive_check CHECK ((sensitive >= 0))
);

ALTER TABLE ONLY catalog.people_declaration FORCE ROW LEVEL SECURITY;

CREATE TABLE catalog.plan (
    id uuid NOT NULL,
    supplier_id uuid NOT NULL,
    code text NOT NULL,
    version integer NOT NULL,
    title jsonb NOT NULL,
    document bytea NOT NULL,
    sha256 bytea NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT plan_check CHECK ((sha256 = sha256(document))),
    CONSTRAINT plan_version_check CHECK ((version >= 1))
);

ALTER TABLE ONLY catalog.plan FORCE ROW LEVEL SECURITY;

CREATE TABLE catalog.plan_standing (
    plan_id uuid NOT NULL,
    supplier_id uuid NOT NULL,
    code text NOT NULL,
    state text NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    CONSTRAINT plan_standing_state_check CHECK ((state = ANY (ARRAY['current'::text, 'superseded'::text, 'retired'::text])))
);

ALTER TABLE ONLY catalog.plan_standing FORCE ROW LEVEL SECURITY;

CREATE TABLE catalog.revision (
    id uuid NOT NULL,
    dataset_id uuid NOT NULL,
    supplier_id uuid NOT NULL,
    number integer NOT NULL,
    manifest bytea NOT NULL,
    sha256 bytea NOT NULL,
    size_bytes bigint NOT NULL,
    assets_count integer NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT revision_assets_count_check CHECK ((assets_count >= 1)),
    CONSTRAINT revision_check CHECK ((sha256 = sha256(manifest))),
    CONSTRAINT revision_number_check CHECK ((number >= 1))
);

ALTER TABLE ONLY catalog.revision FORCE ROW LEVEL SECURITY;

CREATE TABLE catalog.upload (
    id uuid NOT NULL,
    dataset_id uuid NOT NULL,
    supplier_id uuid NOT NULL,
    path text NOT NULL,
    path_key text NOT NULL,
    media_type text NOT NULL,
    size_bytes bigint NOT NULL,
    declared_sha256 bytea,
    sha256 bytea,
    state text NOT NULL,
    revision_id uuid,
    node_id text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    CONSTRAINT upload_check CHECK (((state <> ALL (ARRAY['complete'::text, 'sealed'::text])) OR (sha256 IS NOT NULL))),
    CONSTRAINT upload_check1 CHECK (((state = 'sealed'::text) = (revision_id IS NOT NULL))),
    CONSTRAINT upload_declared_sha256_check CHECK ((length(declared_sha256) = 32)),
    CONSTRAINT upload_sha256_check CHECK ((length(sha256) = 32)),
    CONSTRAINT upload_size_bytes_check CHECK ((size_bytes >= 0)),
    CONSTRAINT upload_state_check CHECK ((state = ANY (ARRAY['open'::text, 'complete'::text, 'sealed'::text, 'abandoned'::text])))
);

ALTER TABLE ONLY catalog.upload FORCE ROW LEVEL SECURITY;

CREATE TABLE compliance.audit_entry (
    seq bigint NOT NULL,
    id uuid NOT NULL,
    node_id text NOT NULL,
    xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    organisation_ids uuid[] NOT NULL,
    action text NOT NULL,
    object_id text,
    envelope bytea NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT audit_entry_envelope_check CHECK (((octet_length(envelope) >= 1) AND (octet_length(envelope) <= 65535)))
);

ALTER TABLE ONLY compliance.audit_entry FORCE ROW LEVEL SECURITY;

ALTER TABLE compliance.audit_entry ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME compliance.audit_entry_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE compliance.audit_leaf (
    node_id text NOT NULL,
    leaf_index bigint NOT NULL,
    entry_seq bigint NOT NULL,
    leaf_hash bytea NOT NULL,
    CONSTRAINT audit_leaf_leaf_hash_check CHECK ((octet_length(leaf_hash) = 32)),
    CONSTRAINT audit_leaf_leaf_index_check CHECK ((leaf_index >= 0))
);

ALTER TABLE ONLY compliance.audit_leaf FORCE ROW LEVEL SECURITY;

CREATE TABLE compliance.checkpoint (
    node_id text NOT NULL,
    size bigint NOT NULL,
    root bytea NOT NULL,
    note bytea NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT checkpoint_size_check CHECK ((size >= 0))
);

ALTER TABLE ONLY compliance.checkpoint FORCE ROW LEVEL SECURITY;

CREATE TABLE compliance.cosignature (
    node_id text NOT NULL,
    size bigint NOT NULL,
    witness_id uuid NOT NULL,
    signature bytea NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT cosignature_signature_check CHECK ((octet_length(signature) = 72))
);

ALTER TABLE ONLY compliance.cosignature FORCE ROW LEVEL SECURITY;

CREATE TABLE compliance.directive (
    id uuid NOT NULL,
    kind text NOT NULL,
    issued_by uuid NOT NULL,
    reason jsonb NOT NULL,
    state text DEFAULT 'issued'::text NOT NULL,
    issued_at timestamp with time zone NOT NULL,
    lifted_by uuid,
    lifted_at timestamp with time zone,
    basis jsonb,
    deadline timestamp with time zone,
    salt bytea DEFAULT '\x'::bytea NOT NULL,
    acknowledged_at timestamp with time zone,
    answered_at timestamp with time zone,
    expired_at timestamp with time zone,
    CONSTRAINT directive_check CHECK (((state = 'lifted'::text) = (lifted_at IS NOT NULL))),
    CONSTRAINT directive_kind_check CHECK ((kind = ANY (ARRAY['freeze'::text, 'delist'::text, 'preserve'::text, 'disclose'::text, 'inform'::text]))),
    CONSTRAINT directive_state_check CHECK ((state = ANY (ARRAY['issued'::text, 'acknowledged'::text, 'answered'::text, 'expired'::text, 'lifted'::text])))
);

ALTER TABLE ONLY compliance.directive FORCE ROW LEVEL SECURITY;

CREATE TABLE compliance.directive_answer (
    id uuid NOT NULL,
    directive_id uuid NOT NULL,
    notice_id uuid NOT NULL,
    organisation_id uuid NOT NULL,
    text jsonb NOT NULL,
    late boolean NOT NULL,
    created_at timestamp with time zone NOT NULL
);

ALTER TABLE ONLY compliance.directive_answer FORCE ROW LEVEL SECURITY;

CREATE TABLE compliance.directive_deferral (
    directive_id uuid NOT NULL,
    place text NOT NULL,
    at timestamp with time zone NOT NULL
);

ALTER TABLE ONLY compliance.directive_deferral FORCE ROW LEVEL SECURITY;

CREATE TABLE compliance.directive_file (
    id uuid NOT NULL,
    answer_id uuid NOT NULL,
    directive_id uuid NOT NULL,
    organisation_id uuid NOT NULL,
    name text NOT NULL,
    media_type text NOT NULL,
    sha256 bytea NOT NULL,
    size_bytes bigint NOT NULL,
    CONSTRAINT directive_file_sha256_check CHECK ((octet_length(sha256) = 32))
);

ALTER TABLE ONLY compliance.directive_file FORCE ROW LEVEL SECURITY;

CREATE TABLE compliance.directive_notice (
    id uuid NOT NULL,
    directive_id uuid NOT NULL,
    organisation_id uuid NOT NULL,
    kind text NOT NULL,
    duty text NOT NULL,
    document bytea NOT NULL,
    created_at timestamp with time zone NOT NULL,
    acknowledged_at timestamp with time zone,
    acknowledged_by uuid,
    answered_at timestamp with time zone,
    lifted_at timestamp with time zone,
    CONSTRAINT directive_notice_duty_check CHECK ((duty = ANY (ARRAY['confirm'::text, 'answer'::text]))),
    CONSTRAINT directive_notice_kind_check CHECK ((kind = ANY (ARRAY['freeze'::text, 'delist'::text, 'preserve'::text, 'disclose'::text, 'inform'::text])))
);

ALTER TABLE ONLY compliance.directive_notice FORCE ROW LEVEL SECURITY;

CREATE TABLE compliance.directive_rule (
    directive_id uuid NOT NULL,
    "position" smallint NOT NULL,
    kind text NOT NULL,
    licence text,
    modality text,
    language text,
    personal_data text,
    cross_border boolean,
    active boolean NOT NULL,
    basis jsonb,
    CONSTRAINT directive_rule_check CHECK ((num_nonnulls(licence, modality, language, personal_data, cross_border) > 0)),
    CONSTRAINT directive_rule_kind_check CHECK ((kind = ANY (ARRAY['freeze'::text, 'delist'::text, 'preserve'::text, 'disclose'::text, 'inform'::text])))
);

ALTER TABLE ONLY compliance.directive_rule FORCE ROW LEVEL SECURITY;

CREATE TABLE compliance.directive_target (
    directive_id uuid NOT NULL,
    "position" integer NOT NULL,
    kind text CONSTRAINT directive_target_kind_not_null1 NOT NULL,
    target_kind text NOT NULL,
    target_id uuid NOT NULL,
    active boolean DEFAULT true NOT NULL,
    since timestamp with time zone NOT NULL,
    basis jsonb,
    rule smallint,
    CONSTRAINT directive_target_kind_check CHECK ((kind = ANY (ARRAY['freeze'::text, 'delist'::text, 'preserve'::text, 'disclose'::text, 'inform'::text])))
);

ALTER TABLE ONLY compliance.directive_target FORCE ROW LEVEL SECURITY;

CREATE TABLE compliance.export (
    id uuid NOT NULL,
    requested_by uuid NOT NULL,
    node_id text NOT NULL,
    scope jsonb NOT NULL,
    size bigint NOT NULL,
    earlier_size bigint,
    legal_basis text,
    state text DEFAULT 'requested'::text NOT NULL,
    entry_count bigint DEFAULT 0 NOT NULL,
    next_index bigint DEFAULT 0 NOT NULL,
    file_key text,
    sha256 bytea,
    size_bytes bigint,
    problem text,
    created_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    note bytea,
    since_size bigint,
    formats text[] DEFAULT '{}'::text[] NOT NULL,
    closure bytea,
    delivery bytea,
    disclosure jsonb,
    CONSTRAINT export_check CHECK (((state = 'done'::text) = ((file_key IS NOT NULL) AND (sha256 IS NOT NULL)))),
    CONSTRAINT export_state_check CHECK ((state = ANY (ARRAY['requested'::text, 'running'::text, 'done'::text, 'failed'::text, 'cancelled'::text, 'erased'::text])))
);

ALTER TABLE ONLY compliance.export FORCE ROW LEVEL SECURITY;

CREATE TABLE compliance.export_bundle (
    bundle bytea NOT NULL,
    sha256 bytea NOT NULL,
    size_bytes bigint NOT NULL,
    entry_count bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT export_bundle_bundle_check CHECK ((octet_length(bundle) = 32)),
    CONSTRAINT export_bundle_sha256_check CHECK ((octet_length(sha256) = 32))
);

ALTER TABLE ONLY compliance.export_bundle FORCE ROW LEVEL SECURITY;

CREATE TABLE compliance.export_object (
    closure bytea NOT NULL,
    object_id text NOT NULL
);

ALTER TABLE ONLY compliance.export_object FORCE ROW LEVEL SECURITY;

CREATE TABLE compliance.export_part (
    bundle bytea NOT NULL,
    number bigint NOT NULL,
    member text NOT NULL,
    sha256 bytea NOT NULL,
    packed_bytes bigint NOT NULL,
    crc32 bigint NOT NULL,
    size_bytes bigint NOT NULL,
    notes bytea[] NOT NULL,
    entry_count bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT export_part_crc32_check CHECK (((crc32 >= 0) AND (crc32 <= '4294967295'::bigint))),
    CONSTRAINT export_part_entry_count_check CHECK ((entry_count >= 0)),
    CONSTRAINT export_part_number_check CHECK ((number >= 0)),
    CONSTRAINT export_part_packed_bytes_check CHECK ((packed_bytes >= 0)),
    CONSTRAINT export_part_sha256_check CHECK ((octet_length(sha256) = 32)),
    CONSTRAINT export_part_size_bytes_check CHECK ((size_bytes >= 0))
);

ALTER TABLE ONLY compliance.export_part FORCE ROW LEVEL SECURITY;

CREATE TABLE compliance.export_subject (
    export_id uuid NOT NULL,
    subject_id uuid NOT NULL,
    sha256 bytea NOT NULL,
    CONSTRAINT export_subject_sha256_check CHECK ((octet_length(sha256) = 32))
);

ALTER TABLE ONLY compliance.export_subject FORCE ROW LEVEL SECURITY;

CREATE TABLE compliance.log_state (
    node_id text NOT NULL,
    size bigint DEFAULT 0 NOT NULL,
    frontier bytea DEFAULT '\x'::bytea NOT NULL,
    cursor_xid xid8 DEFAULT '0'::xid8 NOT NULL,
    cursor_seq bigint DEFAULT 0 NOT NULL,
    floor_seq bigint DEFAULT 0 NOT NULL,
    base_snapshot pg_snapshot DEFAULT '1:1:'::pg_snapshot NOT NULL,
    target_snapshot pg_snapshot,
    marks text[] DEFAULT '{}'::text[] NOT NULL
);

ALTER TABLE ONLY compliance.log_state FORCE ROW LEVEL SECURITY;

CREATE TABLE compliance.processing_record (
    number integer NOT NULL,
    document bytea NOT NULL,
    sha256 bytea NOT NULL,
    put_by uuid NOT NULL,
    client_id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT processing_record_check CHECK ((sha256 = sha256(document))),
    CONSTRAINT processing_record_number_check CHECK ((number > 0))
);

ALTER TABLE ONLY compliance.processing_record FORCE ROW LEVEL SECURITY;

CREATE TABLE compliance.report (
    id uuid NOT NULL,
    requested_by uuid NOT NULL,
    kind text NOT NULL,
    since timestamp with time zone,
    until timestamp with time zone,
    year integer,
    size bigint NOT NULL,
    state text DEFAULT 'requested'::text NOT NULL,
    row_count bigint,
    finding_count bigint,
    sha256 bytea,
    size_bytes bigint,
    created_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    CONSTRAINT report_check CHECK (((state = 'done'::text) = (sha256 IS NOT NULL))),
    CONSTRAINT report_state_check CHECK ((state = ANY (ARRAY['requested'::text, 'done'::text])))
);

ALTER TABLE ONLY compliance.report FORCE ROW LEVEL SECURITY;

CREATE TABLE compliance.salt (
    entry_id uuid NOT NULL,
    name text NOT NULL,
    salt bytea NOT NULL,
    CONSTRAINT salt_salt_check CHECK ((octet_length(salt) = 32))
);

ALTER TABLE ONLY compliance.salt FORCE ROW LEVEL SECURITY;

CREATE TABLE compliance.sample (
    id uuid NOT NULL,
    revision_id uuid NOT NULL,
    supplier_id uuid NOT NULL,
    requested_by uuid NOT NULL,
    wanted integer NOT NULL,
    seed bytea NOT NULL,
    seed_size bigint,
    state text DEFAULT 'requested'::text NOT NULL,
    frame_size bigint,
    frame_root bytea,
    drawn integer,
    sha256 bytea,
    size_bytes bigint,
    created_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    CONSTRAINT sample_check CHECK (((state = 'done'::text) = ((sha256 IS NOT NULL) AND (frame_root IS NOT NULL) AND (drawn IS NOT NULL)))),
    CONSTRAINT sample_seed_check CHECK ((length(seed) = 32)),
    CONSTRAINT sample_state_check CHECK ((state = ANY (ARRAY['requested'::text, 'done'::text]))),
    CONSTRAINT sample_wanted_check CHECK (((wanted >= 1) AND (wanted <= 10000)))
);

ALTER TABLE ONLY compliance.sample FORCE ROW LEVEL SECURITY;

CREATE TABLE compliance.sample_result (
    sample_id uuid NOT NULL,
    judged_by uuid NOT NULL,
    client_id uuid NOT NULL,
    passed integer NOT NULL,
    n integer NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT sample_result_check CHECK ((((passed >= 0) AND (passed <= n)) AND (n > 0)))
);

ALTER TABLE ONLY compliance.sample_result FORCE ROW LEVEL SECURITY;

CREATE TABLE compliance.sealed (
    entry_id uuid NOT NULL,
    subject_id uuid NOT NULL,
    reference bytea NOT NULL,
    commitment bytea NOT NULL,
    sealed bytea,
    created_at timestamp with time zone NOT NULL,
    erased_at timestamp with time zone,
    CONSTRAINT sealed_check CHECK (((sealed IS NULL) = (erased_at IS NOT NULL))),
    CONSTRAINT sealed_commitment_check CHECK ((octet_length(commitment) = 32)),
    CONSTRAINT sealed_reference_check CHECK ((octet_length(reference) = 32))
);

ALTER TABLE ONLY compliance.sealed FORCE ROW LEVEL SECURITY;

CREATE TABLE compliance.subject (
    id uuid NOT NULL,
    organisation_id uuid NOT NULL,
    kind text NOT NULL,
    state text DEFAULT 'kept'::text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    asked_at timestamp with time zone,
    asked_by uuid,
    erased_at timestamp with time zone,
    CONSTRAINT subject_check CHECK (((state = 'kept'::text) = (asked_at IS NULL))),
    CONSTRAINT subject_check1 CHECK (((state = 'erased'::text) = (erased_at IS NOT NULL))),
    CONSTRAINT subject_kind_check CHECK ((kind = ANY (ARRAY['member'::text, 'organisation'::text]))),
    CONSTRAINT subject_state_check CHECK ((state = ANY (ARRAY['kept'::text, 'asked'::text, 'erased'::text])))
);

ALTER TABLE ONLY compliance.subject FORCE ROW LEVEL SECURITY;

CREATE TABLE compliance.tile (
    node_id text NOT NULL,
    level smallint NOT NULL,
    number bigint NOT NULL,
    width smallint NOT NULL,
    data bytea NOT NULL,
    CONSTRAINT tile_check CHECK ((octet_length(data) = (32 * width))),
    CONSTRAINT tile_level_check CHECK (((level >= 0) AND (level <= 63))),
    CONSTRAINT tile_width_check CHECK (((width >= 1) AND (width <= 256)))
);

ALTER TABLE ONLY compliance.tile FORCE ROW LEVEL SECURITY;

CREATE TABLE compliance.witness (
    id uuid NOT NULL,
    name text NOT NULL,
    public bytea NOT NULL,
    url text NOT NULL,
    state text DEFAULT 'active'::text NOT NULL,
    added_by uuid NOT NULL,
    added_at timestamp with time zone NOT NULL,
    removed_at timestamp with time zone,
    seen_size bigint DEFAULT 0 NOT NULL,
    seen_at timestamp with time zone,
    fault text,
    fault_at timestamp with time zone,
    CONSTRAINT witness_check CHECK (((state = 'removed'::text) = (removed_at IS NOT NULL))),
    CONSTRAINT witness_check1 CHECK (((fault IS NULL) = (fault_at IS NULL))),
    CONSTRAINT witness_name_check CHECK (((length(name) >= 1) AND (length(name) <= 200))),
    CONSTRAINT witness_public_check CHECK ((octet_length(public) = 32)),
    CONSTRAINT witness_seen_size_check CHECK ((seen_size >= 0)),
    CONSTRAINT witness_state_check CHECK ((state = ANY (ARRAY['active'::text, 'removed'::text]))),
    CONSTRAINT witness_url_check CHECK ((length(url) <= 500))
);

ALTER TABLE ONLY compliance.witness FORCE ROW LEVEL SECURITY;

CREATE TABLE compliance.witness_fault (
    id uuid NOT NULL,
    witness_id uuid NOT NULL,
    kind text NOT NULL,
    size bigint NOT NULL,
    evidence bytea NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT witness_fault_evidence_check CHECK ((octet_length(evidence) <= 65536))
);

ALTER TABLE ONLY compliance.witness_fault FORCE ROW LEVEL SECURITY;

CREATE TABLE contracts.agreement (
    id uuid NOT NULL,
    order_id uuid NOT NULL,
    offer_id uuid NOT NULL,
    buyer_id uuid NOT NULL,
    seller_id uuid NOT NULL,
    document bytea NOT NULL,
    sha256 bytea NOT NULL,
    kid text NOT NULL,
    signature bytea NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT agreement_check CHECK (((length(sha256) = 32) AND (length(signature) = 64) AND (buyer_id <> seller_id)))
);

ALTER TABLE ONLY contracts.agreement FORCE ROW LEVEL SECURITY;

CREATE TABLE contracts.agreement_event (
    id uuid NOT NULL,
    agreement_id uuid NOT NULL,
    kind text NOT NULL,
    document bytea NOT NULL,
    sha256 bytea NOT NULL,
    previous bytea NOT NULL,
    buyer_id uuid NOT NULL,
    seller_id uuid NOT NULL,
    successor_id uuid,
    proposed_by text NOT NULL,
    needs text[] NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT agreement_event_check CHECK (((length(sha256) = 32) AND (length(previous) = 32) AND ((successor_id IS NOT NULL) = (kind = 'transfer'::text)))),
    CONSTRAINT agreement_event_kind_check CHECK ((kind = ANY (ARRAY['amendment'::text, 'renewal'::text, 'transfer'::text, 'suspension'::text, 'lifting'::text, 'retirement'::text, 'termination'::text]))),
    CONSTRAINT agreement_event_proposed_by_check CHECK ((proposed_by = ANY (ARRAY['buyer'::text, 'seller'::text, 'operator'::text])))
);

ALTER TABLE ONLY contracts.agreement_event FORCE ROW LEVEL SECURITY;

CREATE TABLE contracts.auction (
    id uuid NOT NULL,
    offer_id uuid NOT NULL,
    listing_id uuid NOT NULL,
    dataset_id uuid NOT NULL,
    supplier_id uuid NOT NULL,
    component text NOT NULL,
    exclusive text NOT NULL,
    exclusive_days integer,
    currency text NOT NULL,
    reserve_public boolean NOT NULL,
    reserve_sha256 bytea NOT NULL,
    opens_at timestamp with time zone NOT NULL,
    closes_at timestamp with time zone NOT NULL,
    state text NOT NULL,
    reason jsonb,
    created_at timestamp with time zone NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    sold boolean DEFAULT false NOT NULL,
    CONSTRAINT auction_check CHECK (((NOT sold) OR (state = 'awarded'::text))),
    CONSTRAINT auction_check1 CHECK (((closes_at > opens_at) AND (length(reserve_sha256) = 32))),
    CONSTRAINT auction_check2 CHECK (((exclusive = 'time_exclusive'::text) = (exclusive_days IS NOT NULL))),
    CONSTRAINT auction_exclusive_check CHECK ((exclusive = ANY (ARRAY['exclusive'::text, 'time_exclusive'::text]))),
    CONSTRAINT auction_state_check CHECK ((state = ANY (ARRAY['scheduled'::text, 'open'::text, 'closed'::text, 'awarded'::text, 'lapsed'::text, 'cancelled'::text])))
);

ALTER TABLE ONLY contracts.auction FORCE ROW LEVEL SECURITY;

CREATE TABLE contracts.auction_award (
    id uuid NOT NULL,
    auction_id uuid NOT NULL,
    buyer_id uuid NOT NULL,
    seller_id uuid NOT NULL,
    offer_id uuid NOT NULL,
    bid_id uuid NOT NULL,
    price_units bigint NOT NULL,
    currency text NOT NULL,
    quote_id uuid NOT NULL,
    withdrawn_offers uuid[] NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    CONSTRAINT auction_award_check CHECK (((price_units > 0) AND (buyer_id <> seller_id) AND (expires_at > created_at)))
);

ALTER TABLE ONLY contracts.auction_award FORCE ROW LEVEL SECURITY;

CREATE TABLE contracts.auction_bid (
    seq bigint NOT NULL,
    id uuid NOT NULL,
    auction_id uuid NOT NULL,
    bidder_id uuid NOT NULL,
    entry text NOT NULL,
    units bigint,
    currency text NOT NULL,
    purposes text[] NOT NULL,
    salt bytea NOT NULL,
    sha256 bytea NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT auction_bid_check CHECK ((((entry = 'withdrawn'::text) = (units IS NULL)) AND (units > 0) AND (length(sha256) = 32))),
    CONSTRAINT auction_bid_entry_check CHECK ((entry = ANY (ARRAY['placed'::text, 'replaced'::text, 'withdrawn'::text])))
);

ALTER TABLE ONLY contracts.auction_bid FORCE ROW LEVEL SECURITY;

ALTER TABLE contracts.auction_bid ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME contracts.auction_bid_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE contracts.auction_reserve (
    auction_id uuid NOT NULL,
    supplier_id uuid NOT NULL,
    units bigint NOT NULL,
    currency text NOT NULL,
    salt bytea NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT auction_reserve_units_check CHECK ((units > 0))
);

ALTER TABLE ONLY contracts.auction_reserve FORCE ROW LEVEL SECURITY;

CREATE TABLE contracts.auction_tally (
    auction_id uuid NOT NULL,
    "position" integer NOT NULL,
    supplier_id uuid NOT NULL,
    units bigint NOT NULL,
    currency text NOT NULL,
    outcome text NOT NULL,
    bid_sha256 bytea NOT NULL,
    CONSTRAINT auction_tally_bid_sha256_check CHECK ((length(bid_sha256) = 32)),
    CONSTRAINT auction_tally_outcome_check CHECK ((outcome = ANY (ARRAY['won'::text, 'outbid'::text, 'below_reserve'::text, 'excluded'::text])))
);

ALTER TABLE ONLY contracts.auction_tally FORCE ROW LEVEL SECURITY;

CREATE TABLE contracts.breach_notice (
    id uuid NOT NULL,
    check_id uuid NOT NULL,
    grant_id uuid NOT NULL,
    dataset_id uuid NOT NULL,
    revision_id uuid NOT NULL,
    buyer_id uuid NOT NULL,
    seller_id uuid NOT NULL,
    document bytea NOT NULL,
    created_at timestamp with time zone NOT NULL
);

ALTER TABLE ONLY contracts.breach_notice FORCE ROW LEVEL SECURITY;

CREATE TABLE contracts.chain_end (
    right_id uuid NOT NULL,
    dataset_id uuid NOT NULL,
    supplier_id uuid NOT NULL,
    state text NOT NULL,
    asks text NOT NULL,
    reason jsonb NOT NULL,
    ended_at timestamp with time zone NOT NULL,
    CONSTRAINT chain_end_asks_check CHECK ((asks = ANY (ARRAY['delete'::text, 'stop'::text]))),
    CONSTRAINT chain_end_state_check CHECK ((state = ANY (ARRAY['withdrawn'::text, 'expired'::text])))
);

ALTER TABLE ONLY contracts.chain_end FORCE ROW LEVEL SECURITY;

CREATE TABLE contracts.chain_right (
    id uuid NOT NULL,
    dataset_id uuid NOT NULL,
    supplier_id uuid NOT NULL,
    subject text NOT NULL,
    subject_id text NOT NULL,
    kind text NOT NULL,
    ends_at timestamp with time zone,
    document bytea NOT NULL,
    sha256 bytea NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT chain_right_check CHECK ((sha256 = sha256(document)))
);

ALTER TABLE ONLY contracts.chain_right FORCE ROW LEVEL SECURITY;

CREATE TABLE contracts.chain_trace (
    right_id uuid NOT NULL,
    asset_sha256 bytea NOT NULL,
    dataset_id uuid NOT NULL,
    supplier_id uuid NOT NULL,
    whole boolean NOT NULL,
    records bigint NOT NULL,
    examples text[] NOT NULL,
    created_at timestamp with time zone NOT NULL
);

ALTER TABLE ONLY contracts.chain_trace FORCE ROW LEVEL SECURITY;

CREATE TABLE contracts.data_contract (
    id uuid NOT NULL,
    dataset_id uuid NOT NULL,
    supplier_id uuid NOT NULL,
    number integer NOT NULL,
    document bytea NOT NULL,
    sha256 bytea NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT data_contract_check CHECK ((sha256 = sha256(document))),
    CONSTRAINT data_contract_number_check CHECK ((number > 0))
);

ALTER TABLE ONLY contracts.data_contract FORCE ROW LEVEL SECURITY;

CREATE TABLE contracts.data_contract_check (
    id uuid NOT NULL,
    contract_id uuid NOT NULL,
    dataset_id uuid NOT NULL,
    revision_id uuid NOT NULL,
    supplier_id uuid NOT NULL,
    broken integer NOT NULL,
    on_breach text NOT NULL,
    document bytea NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT data_contract_check_broken_check CHECK ((broken >= 0)),
    CONSTRAINT data_contract_check_on_breach_check CHECK ((on_breach = ANY (ARRAY['stop'::text, 'flag'::text])))
);

ALTER TABLE ONLY contracts.data_contract_check FORCE ROW LEVEL SECURITY;

CREATE TABLE contracts.event_end (
    id uuid NOT NULL,
    agreement_id uuid NOT NULL,
    outcome text NOT NULL,
    organisation_id uuid NOT NULL,
    reason jsonb,
    buyer_id uuid NOT NULL,
    seller_id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT event_end_outcome_check CHECK ((outcome = ANY (ARRAY['withdrawn'::text, 'refused'::text])))
);

ALTER TABLE ONLY contracts.event_end FORCE ROW LEVEL SECURITY;

CREATE TABLE contracts.event_force (
    id uuid NOT NULL,
    agreement_id uuid NOT NULL,
    number integer NOT NULL,
    buyer_id uuid NOT NULL,
    seller_id uuid NOT NULL,
    effective_at timestamp with time zone NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT event_force_number_check CHECK ((number > 0))
);

ALTER TABLE ONLY contracts.event_force FORCE ROW LEVEL SECURITY;

CREATE TABLE contracts.kept_key (
    organisation_id uuid NOT NULL,
    id uuid NOT NULL,
    sealed_by text NOT NULL,
    sealed bytea NOT NULL,
    created_at timestamp with time zone NOT NULL
);

ALTER TABLE ONLY contracts.kept_key FORCE ROW LEVEL SECURITY;

CREATE TABLE contracts.key_retirement (
    id uuid NOT NULL,
    organisation_id uuid NOT NULL,
    retired_at timestamp with time zone NOT NULL
);

ALTER TABLE ONLY contracts.key_retirement FORCE ROW LEVEL SECURITY;

CREATE TABLE contracts.measurement (
    id uuid NOT NULL,
    grant_id uuid NOT NULL,
    component text NOT NULL,
    buyer_id uuid NOT NULL,
    seller_id uuid NOT NULL,
    evaluator_id uuid NOT NULL,
    document bytea NOT NULL,
    sha256 bytea NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT measurement_check CHECK (((length(sha256) = 32) AND (buyer_id <> seller_id)))
);

ALTER TABLE ONLY contracts.measurement FORCE ROW LEVEL SECURITY;

CREATE TABLE contracts.measurement_agreed (
    id uuid NOT NULL,
    grant_id uuid NOT NULL,
    component text NOT NULL,
    buyer_id uuid NOT NULL,
    seller_id uuid NOT NULL,
    evaluator_id uuid NOT NULL,
    value numeric(21,6) NOT NULL,
    document bytea NOT NULL,
    sha256 bytea NOT NULL,
    kid text NOT NULL,
    signature bytea NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT measurement_agreed_check CHECK (((length(sha256) = 32) AND (length(signature) = 64)))
);

ALTER TABLE ONLY contracts.measurement_agreed FORCE ROW LEVEL SECURITY;

CREATE TABLE contracts.measurement_answer (
    id uuid NOT NULL,
    measurement_id uuid NOT NULL,
    buyer_id uuid NOT NULL,
    seller_id uuid NOT NULL,
    evaluator_id uuid NOT NULL,
    organisation_id uuid NOT NULL,
    client_id uuid NOT NULL,
    answer text NOT NULL,
    sha256 bytea NOT NULL,
    reason jsonb,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT measurement_answer_answer_check CHECK ((answer = ANY (ARRAY['accept'::text, 'dispute'::text, 'withdraw'::text]))),
    CONSTRAINT measurement_answer_sha256_check CHECK ((length(sha256) = 32))
);

ALTER TABLE ONLY contracts.measurement_answer FORCE ROW LEVEL SECURITY;

CREATE TABLE contracts.milestone_answer (
    report_id uuid NOT NULL,
    buyer_id uuid NOT NULL,
    seller_id uuid NOT NULL,
    accepted boolean NOT NULL,
    reason jsonb,
    client_id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT milestone_answer_check CHECK ((accepted = (reason IS NULL)))
);

ALTER TABLE ONLY contracts.milestone_answer FORCE ROW LEVEL SECURITY;

CREATE TABLE contracts.milestone_drop (
    grant_id uuid NOT NULL,
    component text NOT NULL,
    order_id uuid NOT NULL,
    buyer_id uuid NOT NULL,
    seller_id uuid NOT NULL,
    client_id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL
);

ALTER TABLE ONLY contracts.milestone_drop FORCE ROW LEVEL SECURITY;

CREATE TABLE contracts.milestone_report (
    id uuid NOT NULL,
    order_id uuid NOT NULL,
    grant_id uuid NOT NULL,
    component text NOT NULL,
    number integer NOT NULL,
    buyer_id uuid NOT NULL,
    seller_id uuid NOT NULL,
    evidence_sha256 bytea NOT NULL,
    note jsonb NOT NULL,
    silent_at timestamp with time zone,
    client_id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT milestone_report_evidence_sha256_check CHECK ((length(evidence_sha256) = 32)),
    CONSTRAINT milestone_report_number_check CHECK ((number > 0))
);

ALTER TABLE ONLY contracts.milestone_report FORCE ROW LEVEL SECURITY;

CREATE TABLE contracts.negotiation (
    id uuid NOT NULL,
    buyer_id uuid NOT NULL,
    seller_id uuid NOT NULL,
    listing_id uuid NOT NULL,
    based_on uuid,
    renews uuid,
    state text NOT NULL,
    rounds integer NOT NULL,
    messages integer NOT NULL,
    tip bytea NOT NULL,
    offer_id uuid,
    quote_id uuid,
    order_id uuid,
    agreement_id uuid,
    expires_at timestamp with time zone NOT NULL,
    created_at timestamp with time zone NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    CONSTRAINT negotiation_check CHECK ((buyer_id <> seller_id)),
    CONSTRAINT negotiation_check1 CHECK (((offer_id IS NULL) = (quote_id IS NULL))),
    CONSTRAINT negotiation_check2 CHECK ((((state = 'FINALIZED'::text) = (order_id IS NOT NULL)) AND ((order_id IS NULL) = (agreement_id IS NULL)))),
    CONSTRAINT negotiation_check3 CHECK (((state <> ALL (ARRAY['AGREED'::text, 'VERIFIED'::text, 'FINALIZED'::text])) OR (offer_id IS NOT NULL))),
    CONSTRAINT negotiation_messages_check CHECK ((messages >= 1)),
    CONSTRAINT negotiation_rounds_check CHECK ((rounds >= 1)),
    CONSTRAINT negotiation_state_check CHECK ((state = ANY (ARRAY['REQUESTED'::text, 'OFFERED'::text, 'ACCEPTED'::text, 'AGREED'::text, 'VERIFIED'::text, 'FINALIZED'::text, 'TERMINATED'::text]))),
    CONSTRAINT negotiation_tip_check CHECK ((length(tip) = 32))
);

ALTER TABLE ONLY contracts.negotiation FORCE ROW LEVEL SECURITY;

CREATE TABLE contracts.negotiation_message (
    id uuid NOT NULL,
    negotiation_id uuid NOT NULL,
    buyer_id uuid NOT NULL,
    seller_id uuid NOT NULL,
    number integer NOT NULL,
    sender text NOT NULL,
    organisation_id uuid,
    client_id uuid,
    message text NOT NULL,
    state text NOT NULL,
    document bytea NOT NULL,
    sha256 bytea NOT NULL,
    previous bytea,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT negotiation_message_check CHECK ((sha256 = sha256(document))),
    CONSTRAINT negotiation_message_check1 CHECK (((number = 1) = (previous IS NULL))),
    CONSTRAINT negotiation_message_check2 CHECK ((((sender = 'exchange'::text) = (organisation_id IS NULL)) AND ((organisation_id IS NULL) = (client_id IS NULL)))),
    CONSTRAINT negotiation_message_message_check CHECK ((message = ANY (ARRAY['request'::text, 'offer'::text, 'accept'::text, 'agree'::text, 'verify'::text, 'finalize'::text, 'terminate'::text, 'expire'::text]))),
    CONSTRAINT negotiation_message_number_check CHECK ((number >= 1)),
    CONSTRAINT negotiation_message_previous_check CHECK ((length(previous) = 32)),
    CONSTRAINT negotiation_message_sender_check CHECK ((sender = ANY (ARRAY['consumer'::text, 'provider'::text, 'exchange'::text]))),
    CONSTRAINT negotiation_message_state_check CHECK ((state = ANY (ARRAY['REQUESTED'::text, 'OFFERED'::text, 'ACCEPTED'::text, 'AGREED'::text, 'VERIFIED'::text, 'FINALIZED'::text, 'TERMINATED'::text])))
);

ALTER TABLE ONLY contracts.negotiation_message FORCE ROW LEVEL SECURITY;

CREATE TABLE contracts.obligation (
    id uuid NOT NULL,
    agreement_id uuid NOT NULL,
    buyer_id uuid NOT NULL,
    seller_id uuid NOT NULL,
    parent_id uuid,
    path text NOT NULL,
    number integer NOT NULL,
    duty jsonb NOT NULL,
    state text NOT NULL,
    due_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    CONSTRAINT obligation_number_check CHECK ((number > 0)),
    CONSTRAINT obligation_state_check CHECK ((state = ANY (ARRAY['open'::text, 'due'::text, 'overdue'::text, 'fulfilled'::text, 'waived'::text])))
);

ALTER TABLE ONLY contracts.obligation FORCE ROW LEVEL SECURITY;

CREATE TABLE contracts.obligation_evidence (
    id uuid NOT NULL,
    obligation_id uuid NOT NULL,
    buyer_id uuid NOT NULL,
    seller_id uuid NOT NULL,
    organisation_id uuid NOT NULL,
    client_id uuid NOT NULL,
    sha256 bytea NOT NULL,
    note jsonb,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT obligation_evidence_sha256_check CHECK ((length(sha256) = 32))
);

ALTER TABLE ONLY contracts.obligation_evidence FORCE ROW LEVEL SECURITY;

CREATE TABLE contracts.obligation_notice (
    id uuid NOT NULL,
    obligation_id uuid NOT NULL,
    agreement_id uuid NOT NULL,
    organisation_id uuid NOT NULL,
    kind text NOT NULL,
    duty jsonb NOT NULL,
    due_at timestamp with time zone NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT obligation_notice_kind_check CHECK ((kind = ANY (ARRAY['asked'::text, 'due'::text, 'overdue'::text])))
);

ALTER TABLE ONLY contracts.obligation_notice FORCE ROW LEVEL SECURITY;

CREATE TABLE contracts.obligation_plan (
    agreement_id uuid NOT NULL,
    events integer NOT NULL,
    waiting boolean NOT NULL,
    next_at timestamp with time zone,
    changed_at timestamp with time zone NOT NULL
);

ALTER TABLE ONLY contracts.obligation_plan FORCE ROW LEVEL SECURITY;

CREATE TABLE contracts.obligation_step (
    id uuid NOT NULL,
    obligation_id uuid NOT NULL,
    buyer_id uuid NOT NULL,
    seller_id uuid NOT NULL,
    state text NOT NULL,
    organisation_id uuid,
    reason jsonb,
    due_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT obligation_step_state_check CHECK ((state = ANY (ARRAY['open'::text, 'due'::text, 'overdue'::text, 'fulfilled'::text, 'waived'::text])))
);

ALTER TABLE ONLY contracts.obligation_step FORCE ROW LEVEL SECURITY;

CREATE TABLE contracts.organisation_key (
    id uuid NOT NULL,
    organisation_id uuid NOT NULL,
    kid text NOT NULL,
    public bytea NOT NULL,
    kept boolean NOT NULL,
    document bytea,
    proof bytea,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT organisation_key_check CHECK (((kept = (document IS NULL)) AND (kept = (proof IS NULL)))),
    CONSTRAINT organisation_key_proof_check CHECK ((length(proof) = 64)),
    CONSTRAINT organisation_key_public_check CHECK ((length(public) = 32))
);

ALTER TABLE ONLY contracts.organisation_key FORCE ROW LEVEL SECURITY;

CREATE TABLE contracts.question (
    id uuid NOT NULL,
    organisation_id uuid NOT NULL,
    client_id uuid NOT NULL,
    subject text NOT NULL,
    verdict text NOT NULL,
    document bytea NOT NULL,
    sha256 bytea NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT question_sha256_check CHECK ((length(sha256) = 32)),
    CONSTRAINT question_verdict_check CHECK ((verdict = ANY (ARRAY['permit'::text, 'deny'::text, 'unknown'::text])))
);

ALTER TABLE ONLY contracts.question FORCE ROW LEVEL SECURITY;

CREATE TABLE contracts.quote (
    id uuid NOT NULL,
    buyer_id uuid NOT NULL,
    seller_id uuid NOT NULL,
    offer_id uuid NOT NULL,
    document bytea NOT NULL,
    sha256 bytea NOT NULL,
    kid text NOT NULL,
    signature bytea NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    CONSTRAINT quote_check CHECK (((length(sha256) = 32) AND (length(signature) = 64) AND (expires_at > created_at)))
);

ALTER TABLE ONLY contracts.quote FORCE ROW LEVEL SECURITY;

CREATE TABLE contracts.rights_notice (
    id uuid NOT NULL,
    right_id uuid NOT NULL,
    grant_id uuid NOT NULL,
    dataset_id uuid NOT NULL,
    revision_id uuid NOT NULL,
    buyer_id uuid NOT NULL,
    seller_id uuid NOT NULL,
    document bytea NOT NULL,
    created_at timestamp with time zone NOT NULL
);

ALTER TABLE ONLY contracts.rights_notice FORCE ROW LEVEL SECURITY;

CREATE TABLE contracts.rights_summary (
    dataset_id uuid NOT NULL,
    supplier_id uuid NOT NULL,
    document jsonb NOT NULL,
    changed_at timestamp with time zone NOT NULL
);

ALTER TABLE ONLY contracts.rights_summary FORCE ROW LEVEL SECURITY;

CREATE TABLE contracts.signature (
    id uuid NOT NULL,
    object_id uuid NOT NULL,
    agreement_id uuid NOT NULL,
    role text NOT NULL,
    organisation_id uuid,
    kid text NOT NULL,
    kept boolean NOT NULL,
    signature bytea NOT NULL,
    buyer_id uuid NOT NULL,
    seller_id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT signature_check CHECK (((role = 'exchange'::text) = (organisation_id IS NULL))),
    CONSTRAINT signature_role_check CHECK ((role = ANY (ARRAY['buyer'::text, 'seller'::text, 'successor'::text, 'exchange'::text]))),
    CONSTRAINT signature_signature_check CHECK ((length(signature) = 64))
);

ALTER TABLE ONLY contracts.signature FORCE ROW LEVEL SECURITY;

CREATE TABLE contracts.signing_mark (
    id smallint NOT NULL,
    "position" uuid NOT NULL,
    moved_at timestamp with time zone NOT NULL,
    CONSTRAINT signing_mark_id_check CHECK ((id = 1))
);

ALTER TABLE ONLY contracts.signing_mark FORCE ROW LEVEL SECURITY;

CREATE TABLE kernel.idempotency (
    organisation_id uuid NOT NULL,
    key text NOT NULL,
    body_sha256 bytea NOT NULL,
    status smallint,
    answer bytea,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT idempotency_key_check CHECK (((length(key) >= 1) AND (length(key) <= 255)))
)
WITH (fillfactor='20');

ALTER TABLE ONLY kernel.idempotency FORCE ROW LEVEL SECURITY;

CREATE TABLE kernel.job (
    id uuid NOT NULL,
    kind text NOT NULL,
    dedupe_key text NOT NULL,
    organisation_id uuid,
    payload jsonb NOT NULL,
    state text DEFAULT 'queued'::text NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    attempts_max integer NOT NULL,
    run_at timestamp with time zone NOT NULL,
    locked_until timestamp with time zone,
    done_count bigint DEFAULT 0 NOT NULL,
    total_count bigint,
    error text,
    result jsonb,
    created_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    CONSTRAINT job_state_check CHECK ((state = ANY (ARRAY['queued'::text, 'running'::text, 'done'::text, 'dead'::text, 'cancelled'::text])))
);

ALTER TABLE ONLY kernel.job FORCE ROW LEVEL SECURITY;

CREATE TABLE kernel.party (
    object_id uuid NOT NULL,
    organisation_id uuid NOT NULL,
    role text NOT NULL
);

ALTER TABLE ONLY kernel.party FORCE ROW LEVEL SECURITY;

CREATE TABLE kernel.public_key (
    kid text NOT NULL,
    purpose text NOT NULL,
    public bytea NOT NULL,
    node_id text NOT NULL,
    created_at timestamp with time zone NOT NULL
);

ALTER TABLE ONLY kernel.public_key FORCE ROW LEVEL SECURITY;

CREATE TABLE parties.client (
    id uuid NOT NULL,
    organisation_id uuid NOT NULL,
    label text NOT NULL,
    secret_hash bytea NOT NULL,
    scopes text[] NOT NULL,
    created_at timestamp with time zone NOT NULL,
    revoked_at timestamp with time zone,
    CONSTRAINT client_secret_hash_check CHECK ((length(secret_hash) = 32))
);

ALTER TABLE ONLY parties.client FORCE ROW LEVEL SECURITY;

CREATE TABLE parties.decision (
    id uuid NOT NULL,
    organisation_id uuid NOT NULL,
    from_state text NOT NULL,
    to_state text NOT NULL,
    decided_by uuid NOT NULL,
    client_id uuid NOT NULL,
    reason text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    buyer_class text,
    CONSTRAINT decision_buyer_class_check CHECK ((buyer_class = ANY (ARRAY['academic'::text, 'small_company'::text, 'large_company'::text, 'public_body'::text]))),
    CONSTRAINT decision_class_of_verified CHECK (((buyer_class IS NULL) OR (to_state = 'verified'::text))),
    CONSTRAINT decision_from_state_check CHECK ((from_state = ANY (ARRAY['unverified'::text, 'submitted'::text, 'verified'::text, 'rejected'::text, 'suspended'::text]))),
    CONSTRAINT decision_to_state_check CHECK ((to_state = ANY (ARRAY['unverified'::text, 'submitted'::text, 'verified'::text, 'rejected'::text, 'suspended'::text])))
);

ALTER TABLE ONLY parties.decision FORCE ROW LEVEL SECURITY;

CREATE TABLE parties.evidence (
    id uuid NOT NULL,
    organisation_id uuid NOT NULL,
    kind text NOT NULL,
    sha256 bytea NOT NULL,
    size_bytes bigint NOT NULL,
    media_type text NOT NULL,
    client_id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT evidence_sha256_check CHECK ((length(sha256) = 32)),
    CONSTRAINT evidence_size_bytes_check CHECK ((size_bytes > 0))
);

ALTER TABLE ONLY parties.evidence FORCE ROW LEVEL SECURITY;

CREATE TABLE parties.identifier (
    organisation_id uuid NOT NULL,
    scheme text NOT NULL,
    value text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT identifier_scheme_check CHECK ((scheme = ANY (ARRAY['uscc'::text, 'lei'::text, 'eu_vat'::text])))
);

ALTER TABLE ONLY parties.identifier FORCE ROW LEVEL SECURITY;

CREATE TABLE parties.member (
    id uuid NOT NULL,
    organisation_id uuid NOT NULL,
    state text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT member_state_check CHECK ((state = ANY (ARRAY['active'::text, 'left'::text])))
);

ALTER TABLE ONLY parties.member FORCE ROW LEVEL SECURITY;

CREATE TABLE parties.organisation (
    id uuid NOT NULL,
    name jsonb NOT NULL,
    roles text[] NOT NULL,
    country text NOT NULL,
    state text NOT NULL,
    node_id text DEFAULT 'centre'::text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    buyer_class_claimed text,
    buyer_class text,
    CONSTRAINT organisation_buyer_class_check CHECK ((buyer_class = ANY (ARRAY['academic'::text, 'small_company'::text, 'large_company'::text, 'public_body'::text]))),
    CONSTRAINT organisation_buyer_class_claimed_check CHECK ((buyer_class_claimed = ANY (ARRAY['academic'::text, 'small_company'::text, 'large_company'::text, 'public_body'::text]))),
    CONSTRAINT organisation_class_of_verified CHECK (((buyer_class IS NULL) OR (state = 'verified'::text))),
    CONSTRAINT organisation_country_check CHECK ((country ~ '^[A-Z]{2}$'::text)),
    CONSTRAINT organisation_roles_check CHECK ((cardinality(roles) > 0)),
    CONSTRAINT organisation_state_check CHECK ((state = ANY (ARRAY['unverified'::text, 'submitted'::text, 'verified'::text, 'rejected'::text, 'suspended'::text])))
);

ALTER TABLE ONLY parties.organisation FORCE ROW LEVEL SECURITY;

CREATE TABLE parties.person (
    member_id uuid NOT NULL,
    organisation_id uuid NOT NULL,
    name text,
    email text,
    created_at timestamp with time zone NOT NULL,
    sealed bytea,
    CONSTRAINT person_plain_or_sealed CHECK ((((sealed IS NULL) = (name IS NOT NULL)) AND ((sealed IS NULL) = (email IS NOT NULL))))
);

ALTER TABLE ONLY parties.person FORCE ROW LEVEL SECURITY;

CREATE TABLE parties.profile (
    organisation_id uuid NOT NULL,
    version integer NOT NULL,
    legal_name jsonb NOT NULL,
    address text[] NOT NULL,
    city text NOT NULL,
    postcode text NOT NULL,
    subdivision text NOT NULL,
    country text NOT NULL,
    language text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT profile_address_check CHECK (((cardinality(address) >= 1) AND (cardinality(address) <= 3))),
    CONSTRAINT profile_country_check CHECK ((country ~ '^[A-Z]{2}$'::text)),
    CONSTRAINT profile_language_check CHECK ((language = ANY (ARRAY['en'::text, 'zh'::text]))),
    CONSTRAINT profile_version_check CHECK ((version >= 1))
);

ALTER TABLE ONLY parties.profile FORCE ROW LEVEL SECURITY;

CREATE TABLE parties.revoked_token (
    jti text NOT NULL,
    organisation_id uuid NOT NULL,
    client_id uuid NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    revoked_at timestamp with time zone NOT NULL,
    CONSTRAINT revoked_token_jti_check CHECK (((length(jti) >= 1) AND (length(jti) <= 64)))
);

ALTER TABLE ONLY parties.revoked_token FORCE ROW LEVEL SECURITY;

CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);

CREATE TABLE quality.assessment (
    id uuid NOT NULL,
    revision_id uuid NOT NULL,
    scorecard_id uuid NOT NULL,
    supplier_id uuid NOT NULL,
    assessor_id uuid NOT NULL,
    state text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    CONSTRAINT assessment_check CHECK ((assessor_id <> supplier_id)),
    CONSTRAINT assessment_state_check CHECK ((state = ANY (ARRAY['requested'::text, 'accepted'::text, 'declined'::text, 'signed'::text])))
);

ALTER TABLE ONLY quality.assessment FORCE ROW LEVEL SECURITY;

CREATE TABLE quality.certificate (
    id uuid NOT NULL,
    assessment_id uuid NOT NULL,
    revision_id uuid NOT NULL,
    scorecard_id uuid NOT NULL,
    supplier_id uuid NOT NULL,
    assessor_id uuid NOT NULL,
    document bytea NOT NULL,
    sha256 bytea NOT NULL,
    kid text NOT NULL,
    signature bytea NOT NULL,
    issued_at timestamp with time zone NOT NULL,
    valid_until timestamp with time zone NOT NULL,
    CONSTRAINT certificate_check CHECK ((sha256 = sha256(document))),
    CONSTRAINT certificate_check1 CHECK ((valid_until > issued_at)),
    CONSTRAINT certificate_signature_check CHECK ((length(signature) = 64))
);

ALTER TABLE ONLY quality.certificate FORCE ROW LEVEL SECURITY;

CREATE TABLE quality.disclosure (
    scorecard_id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL
);

ALTER TABLE ONLY quality.disclosure FORCE ROW LEVEL SECURITY;

CREATE TABLE quality.scorecard (
    id uuid NOT NULL,
    revision_id uuid NOT NULL,
    supplier_id uuid NOT NULL,
    method text NOT NULL,
    document bytea NOT NULL,
    sha256 bytea NOT NULL,
    score smallint,
    grade text,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT scorecard_check CHECK ((sha256 = sha256(document))),
    CONSTRAINT scorecard_grade_check CHECK ((grade = ANY (ARRAY['A'::text, 'B'::text, 'C'::text, 'D'::text, 'E'::text]))),
    CONSTRAINT scorecard_score_check CHECK (((score >= 0) AND (score <= 100)))
);

ALTER TABLE ONLY quality.scorecard FORCE ROW LEVEL SECURITY;

CREATE VIEW regulator.audit_entry WITH (security_invoker='true') AS
 SELECT e.seq,
    l.leaf_index,
    e.node_id,
    e.id,
    e.action,
    e.object_id,
    e.organisation_ids,
    convert_from(e.envelope, 'UTF8'::name) AS envelope,
    e.created_at
   FROM (compliance.audit_entry e
     LEFT JOIN compliance.audit_leaf l ON ((l.entry_seq = e.seq)));

CREATE VIEW regulator.audit_leaf WITH (security_invoker='true') AS
 SELECT node_id,
    leaf_index,
    entry_seq,
    leaf_hash
   FROM compliance.audit_leaf;

CREATE VIEW regulator.checkpoint WITH (security_invoker='true') AS
 SELECT node_id,
    size,
    root,
    convert_from(note, 'UTF8'::name) AS note,
    created_at
   FROM compliance.checkpoint;

CREATE VIEW regulator.directive WITH (security_invoker='true') AS
 SELECT id,
    kind,
    issued_by,
    basis,
    reason,
    deadline,
    state,
    issued_at,
    acknowledged_at,
    answered_at,
    expired_at,
    lifted_by,
    lifted_at
   FROM compliance.directive;

CREATE VIEW regulator.directive_notice WITH (security_invoker='true') AS
 SELECT id,
    directive_id,
    organisation_id,
    duty,
    created_at,
    acknowledged_at,
    answered_at,
    lifted_at
   FROM compliance.directive_notice;

CREATE VIEW regulator.directive_rule WITH (security_invoker='true') AS
 SELECT directive_id,
    "position",
    kind,
    licence,
    modality,
    language,
    personal_data,
    cross_border,
    active
   FROM compliance.directive_rule;

CREATE VIEW regulator.directive_target WITH (security_invoker='true') AS
 SELECT directive_id,
    "position",
    kind,
    target_kind,
    target_id,
    active,
    since,
    rule
   FROM compliance.directive_target;

CREATE VIEW regulator.erasure WITH (security_invoker='true') AS
 SELECT id,
    organisation_id,
    kind,
    state,
    asked_at,
    asked_by,
    erased_at
   FROM compliance.subject
  WHERE (state <> 'kept'::text);

CREATE VIEW regulator.export WITH (security_invoker='true') AS
 SELECT id,
    requested_by,
    node_id,
    scope,
    size,
    legal_basis,
    state,
    entry_count,
    sha256,
    size_bytes,
    created_at,
    ended_at
   FROM compliance.export;

CREATE TABLE settlement.acceptance (
    id uuid NOT NULL,
    order_id uuid NOT NULL,
    buyer_id uuid NOT NULL,
    seller_id uuid NOT NULL,
    said text NOT NULL,
    ground text,
    evidence_sha256 bytea,
    outcome text,
    refund_id uuid,
    organisation_id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT acceptance_check CHECK (((said = 'rejected'::text) = (ground IS NOT NULL))),
    CONSTRAINT acceptance_check1 CHECK (((said = 'rejected'::text) = (evidence_sha256 IS NOT NULL))),
    CONSTRAINT acceptance_check2 CHECK (((said = 'decided'::text) = (outcome IS NOT NULL))),
    CONSTRAINT acceptance_check3 CHECK (((refund_id IS NOT NULL) = (NOT (outcome IS DISTINCT FROM 'refund'::text)))),
    CONSTRAINT acceptance_evidence_sha256_check CHECK ((length(evidence_sha256) = 32)),
    CONSTRAINT acceptance_ground_check CHECK ((ground = ANY (ARRAY['not_delivered'::text, 'incomplete'::text, 'unreadable'::text, 'not_as_described'::text, 'quality_below_stated'::text, 'rights_doubtful'::text, 'personal_data'::text, 'other'::text]))),
    CONSTRAINT acceptance_outcome_check CHECK ((outcome = ANY (ARRAY['release'::text, 'refund'::text]))),
    CONSTRAINT acceptance_said_check CHECK ((said = ANY (ARRAY['accepted'::text, 'rejected'::text, 'decided'::text])))
);

ALTER TABLE ONLY settlement.acceptance FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.account (
    id bigint NOT NULL,
    organisation_id uuid,
    kind text NOT NULL,
    currency text NOT NULL,
    min_balance bigint,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT account_check CHECK (((organisation_id IS NOT NULL) = (kind = ANY (ARRAY['wallet'::text, 'receivable'::text, 'pending'::text, 'payable'::text, 'in_transit'::text, 'held'::text, 'advance'::text, 'debt'::text, 'credit'::text])))),
    CONSTRAINT account_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT account_kind_check CHECK ((kind = ANY (ARRAY['wallet'::text, 'receivable'::text, 'pending'::text, 'payable'::text, 'in_transit'::text, 'held'::text, 'advance'::text, 'debt'::text, 'credit'::text, 'stripe'::text, 'bank'::text, 'suspense'::text, 'revenue'::text, 'tax'::text, 'rounding'::text, 'conversion'::text, 'clearing'::text, 'pool'::text, 'fees'::text, 'disputed'::text, 'reserve'::text, 'sweep'::text, 'withheld'::text, 'input_tax'::text])))
);

ALTER TABLE ONLY settlement.account FORCE ROW LEVEL SECURITY;

ALTER TABLE settlement.account ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME settlement.account_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE settlement.account_period (
    account_id bigint NOT NULL,
    period_end timestamp with time zone NOT NULL,
    closing bigint NOT NULL,
    entries bigint NOT NULL,
    last_journal uuid NOT NULL,
    CONSTRAINT account_period_entries_check CHECK ((entries > 0))
);

ALTER TABLE ONLY settlement.account_period FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.approval (
    id uuid NOT NULL,
    kind text NOT NULL,
    object_id text NOT NULL,
    body_sha256 bytea NOT NULL,
    state text NOT NULL,
    asked_organisation uuid NOT NULL,
    asked_client uuid NOT NULL,
    asked_at timestamp with time zone NOT NULL,
    decided_organisation uuid,
    decided_client uuid,
    decided_at timestamp with time zone,
    note text,
    CONSTRAINT approval_body_sha256_check CHECK ((octet_length(body_sha256) = 32)),
    CONSTRAINT approval_check CHECK (((state = 'open'::text) = (decided_at IS NULL))),
    CONSTRAINT approval_check1 CHECK (((decided_at IS NULL) = (decided_client IS NULL))),
    CONSTRAINT approval_check2 CHECK ((decided_client <> asked_client)),
    CONSTRAINT approval_kind_check CHECK ((kind ~ '^[a-z][a-z-]{0,39}$'::text)),
    CONSTRAINT approval_state_check CHECK ((state = ANY (ARRAY['open'::text, 'approved'::text, 'refused'::text])))
);

ALTER TABLE ONLY settlement.approval FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.balance (
    account_id bigint NOT NULL,
    organisation_id uuid NOT NULL,
    currency text NOT NULL,
    min_balance bigint,
    posted bigint DEFAULT 0 NOT NULL,
    version bigint DEFAULT 0 NOT NULL,
    max_balance bigint,
    CONSTRAINT balance_ceiling CHECK ((posted <= max_balance)),
    CONSTRAINT balance_check CHECK ((posted >= min_balance))
)
WITH (fillfactor='40');

ALTER TABLE ONLY settlement.balance FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.bank_account (
    id uuid NOT NULL,
    kind text NOT NULL,
    currency text NOT NULL,
    scheme text NOT NULL,
    last4 text NOT NULL,
    digest bytea NOT NULL,
    sealed_for uuid NOT NULL,
    sealed bytea NOT NULL,
    opened_at timestamp with time zone NOT NULL,
    closed_at timestamp with time zone,
    CONSTRAINT bank_account_digest_check CHECK ((octet_length(digest) = 32)),
    CONSTRAINT bank_account_kind_check CHECK ((kind = ANY (ARRAY['client'::text, 'escrow'::text]))),
    CONSTRAINT bank_account_scheme_check CHECK ((scheme = ANY (ARRAY['iban'::text, 'cn'::text])))
);

ALTER TABLE ONLY settlement.bank_account FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.bank_entry (
    id uuid NOT NULL,
    entry_ref text NOT NULL,
    reference text NOT NULL,
    amount_units bigint NOT NULL,
    currency text NOT NULL,
    booked_at timestamp with time zone NOT NULL,
    state text NOT NULL,
    organisation_id uuid,
    payment_id uuid,
    received_at timestamp with time zone NOT NULL,
    account_id uuid,
    statement_id uuid,
    "position" integer,
    end_to_end text,
    counterparty bytea,
    return_reason text,
    payout_id uuid,
    maybe_id uuid,
    maybe_payment_id uuid,
    CONSTRAINT bank_entry_amount_units_check CHECK ((amount_units <> 0)),
    CONSTRAINT bank_entry_check CHECK (((state = 'matched'::text) = (organisation_id IS NOT NULL))),
    CONSTRAINT bank_entry_counterparty_check CHECK ((octet_length(counterparty) = 32)),
    CONSTRAINT bank_entry_state_check CHECK ((state = ANY (ARRAY['read'::text, 'matched'::text, 'unmatched'::text])))
);

ALTER TABLE ONLY settlement.bank_entry FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.bank_statement (
    id uuid NOT NULL,
    account_id uuid NOT NULL,
    reference text NOT NULL,
    sha256 bytea NOT NULL,
    opening_units bigint NOT NULL,
    closing_units bigint NOT NULL,
    currency text NOT NULL,
    entries integer NOT NULL,
    received_at timestamp with time zone NOT NULL,
    matched_at timestamp with time zone,
    CONSTRAINT bank_statement_entries_check CHECK ((entries >= 0)),
    CONSTRAINT bank_statement_sha256_check CHECK ((octet_length(sha256) = 32))
);

ALTER TABLE ONLY settlement.bank_statement FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.buyer_claim (
    id uuid NOT NULL,
    mandate_id uuid NOT NULL,
    supplier_id uuid NOT NULL,
    broker_id uuid NOT NULL,
    buyer_id uuid NOT NULL,
    evidence_sha256 bytea NOT NULL,
    stands_until timestamp with time zone NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT buyer_claim_check CHECK ((buyer_id <> broker_id)),
    CONSTRAINT buyer_claim_check1 CHECK ((buyer_id <> supplier_id)),
    CONSTRAINT buyer_claim_evidence_sha256_check CHECK ((length(evidence_sha256) = 32))
);

ALTER TABLE ONLY settlement.buyer_claim FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.call_pace (
    name text NOT NULL,
    next_at timestamp with time zone NOT NULL
);

ALTER TABLE ONLY settlement.call_pace FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.card_refund (
    id uuid NOT NULL,
    organisation_id uuid NOT NULL,
    payment_id uuid NOT NULL,
    amount_units bigint NOT NULL,
    currency text NOT NULL,
    state text NOT NULL,
    provider_ref text,
    failure text,
    created_at timestamp with time zone NOT NULL,
    finished_at timestamp with time zone,
    CONSTRAINT card_refund_amount_units_check CHECK ((amount_units > 0)),
    CONSTRAINT card_refund_state_check CHECK ((state = ANY (ARRAY['created'::text, 'pending'::text, 'succeeded'::text, 'failed'::text])))
);

ALTER TABLE ONLY settlement.card_refund FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.charge (
    id uuid NOT NULL,
    run_id uuid NOT NULL,
    grant_id uuid NOT NULL,
    order_id uuid NOT NULL,
    offer_id uuid NOT NULL,
    buyer_id uuid NOT NULL,
    seller_id uuid NOT NULL,
    component text NOT NULL,
    period_index integer NOT NULL,
    service_start timestamp with time zone NOT NULL,
    service_end timestamp with time zone,
    quantity numeric NOT NULL,
    cumulative_units bigint NOT NULL,
    amount_units bigint NOT NULL,
    currency text NOT NULL,
    explanation jsonb NOT NULL,
    created_at timestamp with time zone NOT NULL,
    corrects uuid,
    tax_units bigint DEFAULT 0 NOT NULL,
    tax jsonb,
    CONSTRAINT charge_amount_units_check CHECK ((amount_units <> 0)),
    CONSTRAINT charge_tax CHECK (((abs(tax_units) <= abs(amount_units)) AND ((tax_units = 0) OR (tax IS NOT NULL))))
);

ALTER TABLE ONLY settlement.charge FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.chargeback (
    id uuid NOT NULL,
    provider_ref text NOT NULL,
    payment_id uuid NOT NULL,
    organisation_id uuid NOT NULL,
    order_id uuid,
    amount_units bigint NOT NULL,
    currency text NOT NULL,
    reason text NOT NULL,
    state text NOT NULL,
    withdrawn boolean NOT NULL,
    reinstated boolean NOT NULL,
    fee_units bigint NOT NULL,
    fee_currency text NOT NULL,
    due_at timestamp with time zone,
    evidence_sha256 bytea,
    note text,
    answered_at timestamp with time zone,
    covered_units bigint DEFAULT 0 NOT NULL,
    created_at timestamp with time zone NOT NULL,
    closed_at timestamp with time zone,
    CONSTRAINT chargeback_amount_units_check CHECK ((amount_units > 0)),
    CONSTRAINT chargeback_check CHECK (((covered_units >= 0) AND (covered_units <= amount_units))),
    CONSTRAINT chargeback_check1 CHECK ((withdrawn OR (NOT reinstated))),
    CONSTRAINT chargeback_fee_units_check CHECK ((fee_units >= 0)),
    CONSTRAINT chargeback_state_check CHECK ((state = ANY (ARRAY['inquiry'::text, 'needs_response'::text, 'under_review'::text, 'won'::text, 'lost'::text, 'closed'::text])))
);

ALTER TABLE ONLY settlement.chargeback FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.chart (
    version integer NOT NULL,
    document bytea NOT NULL,
    sha256 bytea NOT NULL,
    made_by uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT chart_sha256_check CHECK ((octet_length(sha256) = 32)),
    CONSTRAINT chart_version_check CHECK ((version >= 1))
);

ALTER TABLE ONLY settlement.chart FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.closed_period (
    currency text NOT NULL,
    period_end timestamp with time zone NOT NULL,
    accounts bigint NOT NULL,
    entries bigint NOT NULL,
    closed_at timestamp with time zone NOT NULL,
    CONSTRAINT closed_period_check CHECK ((period_end < closed_at))
);

ALTER TABLE ONLY settlement.closed_period FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.conversion (
    id uuid NOT NULL,
    organisation_id uuid NOT NULL,
    kind text NOT NULL,
    rate_id uuid NOT NULL,
    value numeric(24,12) NOT NULL,
    source text NOT NULL,
    sell text NOT NULL,
    sold_units bigint NOT NULL,
    buy text NOT NULL,
    bought_units bigint NOT NULL,
    remainder bigint NOT NULL,
    converted_at timestamp with time zone NOT NULL,
    CONSTRAINT conversion_bought_units_check CHECK ((bought_units > 0)),
    CONSTRAINT conversion_check CHECK (((((sold_units)::numeric * value) * ('1000000000000'::bigint)::numeric) = (((bought_units)::numeric * ('1000000000000'::bigint)::numeric) + (remainder)::numeric))),
    CONSTRAINT conversion_kind_check CHECK ((kind = ANY (ARRAY['wallet'::text, 'payable'::text]))),
    CONSTRAINT conversion_remainder_check CHECK (((remainder >= 0) AND (remainder <= '999999999999'::bigint))),
    CONSTRAINT conversion_sold_units_check CHECK ((sold_units > 0))
);

ALTER TABLE ONLY settlement.conversion FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.credit_line (
    id uuid NOT NULL,
    buyer_id uuid NOT NULL,
    currency text NOT NULL,
    limit_units bigint NOT NULL,
    days integer NOT NULL,
    purchase_order_required boolean NOT NULL,
    state text NOT NULL,
    asked_at timestamp with time zone NOT NULL,
    active_at timestamp with time zone,
    ended_at timestamp with time zone,
    CONSTRAINT credit_line_check CHECK (((state = 'asked'::text) = (active_at IS NULL))),
    CONSTRAINT credit_line_check1 CHECK (((state = 'ended'::text) = (ended_at IS NOT NULL))),
    CONSTRAINT credit_line_days_check CHECK (((days >= 0) AND (days <= 180))),
    CONSTRAINT credit_line_limit_units_check CHECK ((limit_units >= 0)),
    CONSTRAINT credit_line_state_check CHECK ((state = ANY (ARRAY['asked'::text, 'active'::text, 'ended'::text])))
);

ALTER TABLE ONLY settlement.credit_line FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.credit_order (
    order_id uuid NOT NULL,
    buyer_id uuid NOT NULL,
    seller_id uuid NOT NULL,
    currency text NOT NULL,
    price_units bigint NOT NULL,
    unpaid_units bigint NOT NULL,
    due_on date NOT NULL,
    purchase_order text,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT credit_order_check CHECK (((unpaid_units >= 0) AND (unpaid_units <= price_units))),
    CONSTRAINT credit_order_price_units_check CHECK ((price_units > 0)),
    CONSTRAINT credit_order_purchase_order_check CHECK (((length(purchase_order) >= 1) AND (length(purchase_order) <= 100)))
);

ALTER TABLE ONLY settlement.credit_order FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.dispute (
    id uuid NOT NULL,
    kind text NOT NULL,
    source_kind text NOT NULL,
    source_id uuid NOT NULL,
    order_id uuid NOT NULL,
    giver_id uuid NOT NULL,
    taker_id uuid NOT NULL,
    claimant_id uuid NOT NULL,
    amount_units bigint NOT NULL,
    currency text NOT NULL,
    state text NOT NULL,
    due_at timestamp with time zone,
    round integer NOT NULL,
    arbitrator_id uuid,
    earlier_id uuid,
    waived_by uuid,
    reworked boolean NOT NULL,
    redelivered boolean NOT NULL,
    outcome text,
    created_at timestamp with time zone NOT NULL,
    closed_at timestamp with time zone,
    CONSTRAINT dispute_amount_units_check CHECK ((amount_units > 0)),
    CONSTRAINT dispute_check CHECK ((giver_id <> taker_id)),
    CONSTRAINT dispute_check1 CHECK (((claimant_id = giver_id) OR (claimant_id = taker_id))),
    CONSTRAINT dispute_check2 CHECK (((arbitrator_id <> giver_id) AND (arbitrator_id <> taker_id))),
    CONSTRAINT dispute_check3 CHECK ((arbitrator_id <> earlier_id)),
    CONSTRAINT dispute_check4 CHECK (((state = 'closed'::text) = (outcome IS NOT NULL))),
    CONSTRAINT dispute_check5 CHECK (((state = 'closed'::text) = (closed_at IS NOT NULL))),
    CONSTRAINT dispute_check6 CHECK (((state <> 'closed'::text) OR (due_at IS NULL))),
    CONSTRAINT dispute_check7 CHECK (((kind = 'chargeback'::text) OR (state <> 'external'::text))),
    CONSTRAINT dispute_kind_check CHECK ((kind = ANY (ARRAY['order'::text, 'delivery'::text, 'quality'::text, 'usage'::text, 'split'::text, 'chargeback'::text]))),
    CONSTRAINT dispute_outcome_check CHECK ((outcome = ANY (ARRAY['settled'::text, 'withdrawn'::text, 'decided'::text, 'won'::text, 'lost'::text]))),
    CONSTRAINT dispute_round_check CHECK ((round = ANY (ARRAY[1, 2]))),
    CONSTRAINT dispute_source_kind_check CHECK ((source_kind = ANY (ARRAY['order'::text, 'charge'::text]))),
    CONSTRAINT dispute_state_check CHECK ((state = ANY (ARRAY['open'::text, 'answered'::text, 'arbitration'::text, 'hearing'::text, 'decided'::text, 'rework'::text, 'external'::text, 'closed'::text])))
);

ALTER TABLE ONLY settlement.dispute FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.dispute_evidence (
    id uuid NOT NULL,
    dispute_id uuid NOT NULL,
    organisation_id uuid NOT NULL,
    kind text NOT NULL,
    title bytea NOT NULL,
    sha256 bytea NOT NULL,
    size_bytes bigint NOT NULL,
    media_type text NOT NULL,
    name text,
    document bytea,
    verified boolean NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT dispute_evidence_check CHECK (((kind = 'file'::text) = (document IS NULL))),
    CONSTRAINT dispute_evidence_check1 CHECK (((kind = 'file'::text) = (name IS NOT NULL))),
    CONSTRAINT dispute_evidence_check2 CHECK (((kind <> 'file'::text) OR (NOT verified))),
    CONSTRAINT dispute_evidence_kind_check CHECK ((kind = ANY (ARRAY['file'::text, 'usage_proof'::text, 'log_proof'::text, 'scorecard'::text, 'agreement'::text]))),
    CONSTRAINT dispute_evidence_sha256_check CHECK ((octet_length(sha256) = 32))
);

ALTER TABLE ONLY settlement.dispute_evidence FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.dispute_fact (
    id uuid NOT NULL,
    dispute_id uuid NOT NULL,
    number integer NOT NULL,
    move text NOT NULL,
    state text NOT NULL,
    organisation_id uuid,
    document bytea NOT NULL,
    sha256 bytea NOT NULL,
    words bytea,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT dispute_fact_move_check CHECK ((move = ANY (ARRAY['open'::text, 'answer'::text, 'prove'::text, 'propose'::text, 'accept'::text, 'withdraw'::text, 'escalate'::text, 'assign'::text, 'take_up'::text, 'decline'::text, 'ask'::text, 'decide'::text, 'appeal'::text, 'waive'::text, 'redeliver'::text, 'confirm'::text, 'object'::text, 'lapse'::text, 'close'::text]))),
    CONSTRAINT dispute_fact_number_check CHECK ((number > 0)),
    CONSTRAINT dispute_fact_sha256_check CHECK ((octet_length(sha256) = 32)),
    CONSTRAINT dispute_fact_state_check CHECK ((state = ANY (ARRAY['open'::text, 'answered'::text, 'arbitration'::text, 'hearing'::text, 'decided'::text, 'rework'::text, 'external'::text, 'closed'::text])))
);

ALTER TABLE ONLY settlement.dispute_fact FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.dispute_hold (
    hold_id uuid NOT NULL,
    dispute_id uuid NOT NULL,
    organisation_id uuid NOT NULL
);

ALTER TABLE ONLY settlement.dispute_hold FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.dispute_money (
    id uuid NOT NULL,
    dispute_id uuid NOT NULL,
    kind text NOT NULL,
    from_id uuid,
    to_id uuid NOT NULL,
    amount_units bigint NOT NULL,
    currency text NOT NULL,
    refund_id uuid,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT dispute_money_amount_units_check CHECK ((amount_units > 0)),
    CONSTRAINT dispute_money_check CHECK (((kind = 'refund'::text) = (refund_id IS NOT NULL))),
    CONSTRAINT dispute_money_kind_check CHECK ((kind = ANY (ARRAY['refund'::text, 'award'::text, 'arbitration_fee'::text])))
);

ALTER TABLE ONLY settlement.dispute_money FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.dispute_stop (
    dispute_id uuid NOT NULL,
    organisation_id uuid NOT NULL,
    source_id uuid NOT NULL,
    currency text NOT NULL,
    want_units bigint NOT NULL,
    held_units bigint NOT NULL,
    released boolean NOT NULL,
    since timestamp with time zone NOT NULL,
    live boolean NOT NULL,
    award_to uuid,
    CONSTRAINT dispute_stop_check CHECK (((held_units >= 0) AND (held_units <= want_units))),
    CONSTRAINT dispute_stop_check1 CHECK ((live OR (held_units = 0))),
    CONSTRAINT dispute_stop_want_units_check CHECK ((want_units > 0))
);

ALTER TABLE ONLY settlement.dispute_stop FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.due (
    id uuid NOT NULL,
    buyer_id uuid NOT NULL,
    seller_id uuid NOT NULL,
    currency text NOT NULL,
    unpaid_units bigint NOT NULL,
    released boolean DEFAULT false NOT NULL,
    CONSTRAINT due_unpaid_units_check CHECK ((unpaid_units >= 0))
);

ALTER TABLE ONLY settlement.due FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.dunning_case (
    id uuid NOT NULL,
    buyer_id uuid NOT NULL,
    seller_id uuid NOT NULL,
    currency text NOT NULL,
    stage text NOT NULL,
    opened_at timestamp with time zone NOT NULL,
    moved_at timestamp with time zone NOT NULL,
    paused_at timestamp with time zone,
    closed_at timestamp with time zone,
    CONSTRAINT dunning_case_check CHECK (((stage = 'closed'::text) = (closed_at IS NOT NULL))),
    CONSTRAINT dunning_case_stage_check CHECK ((stage = ANY (ARRAY['opened'::text, 'reminded'::text, 'last_notice'::text, 'suspended'::text, 'closed'::text])))
);

ALTER TABLE ONLY settlement.dunning_case FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.dunning_grant (
    id uuid NOT NULL,
    case_id uuid NOT NULL,
    grant_id uuid NOT NULL,
    agreement_id uuid NOT NULL,
    suspended_at timestamp with time zone NOT NULL,
    resumed_at timestamp with time zone
);

ALTER TABLE ONLY settlement.dunning_grant FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.dunning_notice (
    id uuid NOT NULL,
    case_id uuid NOT NULL,
    buyer_id uuid NOT NULL,
    seller_id uuid NOT NULL,
    said text NOT NULL,
    owed_units bigint NOT NULL,
    paused_units bigint NOT NULL,
    currency text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT dunning_notice_check CHECK (((paused_units >= 0) AND (paused_units <= owed_units))),
    CONSTRAINT dunning_notice_owed_units_check CHECK ((owed_units >= 0)),
    CONSTRAINT dunning_notice_said_check CHECK ((said = ANY (ARRAY['opened'::text, 'reminded'::text, 'last_notice'::text, 'suspended'::text, 'resumed'::text, 'closed'::text])))
);

ALTER TABLE ONLY settlement.dunning_notice FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.efapiao (
    id uuid NOT NULL,
    buyer_id uuid NOT NULL,
    seller_id uuid NOT NULL,
    invoice_type text NOT NULL,
    codes_version integer CONSTRAINT efapiao_codes_version_not_null1 NOT NULL,
    export_id uuid CONSTRAINT efapiao_export_id_not_null1 NOT NULL,
    original_id uuid,
    document bytea NOT NULL,
    sha256 bytea NOT NULL,
    exported_at timestamp with time zone NOT NULL,
    CONSTRAINT efapiao_check CHECK ((sha256 = sha256(document))),
    CONSTRAINT efapiao_invoice_type_check CHECK ((invoice_type = ANY (ARRAY['81'::text, '82'::text])))
);

ALTER TABLE ONLY settlement.efapiao FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.efapiao_codes (
    version integer NOT NULL,
    document bytea NOT NULL,
    sha256 bytea NOT NULL,
    made_by uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT efapiao_codes_check CHECK ((sha256 = sha256(document))),
    CONSTRAINT efapiao_codes_version_check CHECK ((version >= 1))
);

ALTER TABLE ONLY settlement.efapiao_codes FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.efapiao_confirmation (
    id uuid NOT NULL,
    number text NOT NULL,
    reason text NOT NULL,
    entered_by uuid NOT NULL,
    entered_at timestamp with time zone NOT NULL,
    CONSTRAINT efapiao_confirmation_number_check CHECK ((number ~ '^[0-9]{20}$'::text)),
    CONSTRAINT efapiao_confirmation_reason_check CHECK ((reason = ANY (ARRAY['01'::text, '02'::text, '03'::text, '04'::text])))
);

ALTER TABLE ONLY settlement.efapiao_confirmation FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.efapiao_export (
    id uuid NOT NULL,
    count integer NOT NULL,
    sha256 bytea NOT NULL,
    made_by uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT efapiao_export_count_check CHECK ((count >= 1))
);

ALTER TABLE ONLY settlement.efapiao_export FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.efapiao_number (
    id uuid NOT NULL,
    buyer_id uuid NOT NULL,
    seller_id uuid NOT NULL,
    number text NOT NULL,
    issued_on date NOT NULL,
    entered_by uuid NOT NULL,
    entered_at timestamp with time zone NOT NULL,
    CONSTRAINT efapiao_number_number_check CHECK ((number ~ '^[0-9]{20}$'::text))
);

ALTER TABLE ONLY settlement.efapiao_number FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.event_cursor (
    account text NOT NULL,
    seen_until timestamp with time zone NOT NULL
);

ALTER TABLE ONLY settlement.event_cursor FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.fiscal_document (
    id uuid NOT NULL,
    kind text NOT NULL,
    about text NOT NULL,
    series text NOT NULL,
    number bigint NOT NULL,
    name text NOT NULL,
    seller_id uuid NOT NULL,
    buyer_id uuid NOT NULL,
    run_id uuid NOT NULL,
    account_id uuid NOT NULL,
    currency text NOT NULL,
    total_units bigint NOT NULL,
    due_units bigint NOT NULL,
    tax_units bigint NOT NULL,
    issued_on date NOT NULL,
    document bytea NOT NULL,
    sha256 bytea NOT NULL,
    issued_at timestamp with time zone NOT NULL,
    CONSTRAINT fiscal_document_about_check CHECK ((about = ANY (ARRAY['sale'::text, 'fee'::text, 'share'::text]))),
    CONSTRAINT fiscal_document_check CHECK ((buyer_id <> seller_id)),
    CONSTRAINT fiscal_document_check1 CHECK ((sha256 = sha256(document))),
    CONSTRAINT fiscal_document_check2 CHECK (((kind = ANY (ARRAY['389'::text, '261'::text])) = (about = 'share'::text))),
    CONSTRAINT fiscal_document_kind_check CHECK ((kind = ANY (ARRAY['380'::text, '381'::text, '389'::text, '261'::text]))),
    CONSTRAINT fiscal_document_number_check CHECK ((number >= 1))
);

ALTER TABLE ONLY settlement.fiscal_document FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.fiscal_missing (
    id uuid NOT NULL,
    about text NOT NULL,
    seller_id uuid NOT NULL,
    buyer_id uuid NOT NULL,
    run_id uuid NOT NULL,
    account_id uuid NOT NULL,
    currency text NOT NULL,
    reasons text[] NOT NULL,
    created_at timestamp with time zone NOT NULL,
    closed_at timestamp with time zone,
    CONSTRAINT fiscal_missing_about_check CHECK ((about = ANY (ARRAY['sale'::text, 'fee'::text, 'share'::text]))),
    CONSTRAINT fiscal_missing_reasons_check CHECK ((cardinality(reasons) > 0))
);

ALTER TABLE ONLY settlement.fiscal_missing FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.fiscal_source (
    document_id uuid NOT NULL,
    about text NOT NULL,
    payee_id uuid NOT NULL,
    source_kind text NOT NULL,
    source_id uuid NOT NULL,
    net_units bigint NOT NULL,
    CONSTRAINT fiscal_source_about_check CHECK ((about = ANY (ARRAY['sale'::text, 'fee'::text, 'share'::text]))),
    CONSTRAINT fiscal_source_source_kind_check CHECK ((source_kind = ANY (ARRAY['order'::text, 'charge'::text, 'refund'::text])))
);

ALTER TABLE ONLY settlement.fiscal_source FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.hold (
    id uuid NOT NULL,
    organisation_id uuid NOT NULL,
    account_id bigint NOT NULL,
    held_id bigint NOT NULL,
    amount_units bigint NOT NULL,
    currency text NOT NULL,
    reason text NOT NULL,
    tag uuid,
    expires_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT hold_amount_units_check CHECK ((amount_units > 0)),
    CONSTRAINT hold_check CHECK ((expires_at > created_at)),
    CONSTRAINT hold_reason_check CHECK ((reason ~ '^[a-z][a-z_]{0,31}$'::text))
);

ALTER TABLE ONLY settlement.hold FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.hold_end (
    hold_id uuid NOT NULL,
    organisation_id uuid NOT NULL,
    outcome text NOT NULL,
    to_account_id bigint,
    amount_units bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT hold_end_amount_units_check CHECK ((amount_units >= 0)),
    CONSTRAINT hold_end_check CHECK (((outcome = 'settled'::text) = (amount_units > 0))),
    CONSTRAINT hold_end_check1 CHECK (((outcome = 'settled'::text) = (to_account_id IS NOT NULL))),
    CONSTRAINT hold_end_outcome_check CHECK ((outcome = ANY (ARRAY['settled'::text, 'voided'::text, 'expired'::text])))
);

ALTER TABLE ONLY settlement.hold_end FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.hold_open (
    hold_id uuid NOT NULL,
    due_at timestamp with time zone
);

ALTER TABLE ONLY settlement.hold_open FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.introduced_sale (
    sale_id uuid NOT NULL,
    order_id uuid NOT NULL,
    mandate_id uuid NOT NULL,
    claim_id uuid NOT NULL,
    supplier_id uuid NOT NULL,
    broker_id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL
);

ALTER TABLE ONLY settlement.introduced_sale FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.invoice (
    id uuid NOT NULL,
    run_id uuid NOT NULL,
    series text NOT NULL,
    number bigint NOT NULL,
    buyer_id uuid NOT NULL,
    seller_id uuid NOT NULL,
    currency text NOT NULL,
    period_start timestamp with time zone NOT NULL,
    period_end timestamp with time zone NOT NULL,
    total_units bigint NOT NULL,
    document bytea NOT NULL,
    sha256 bytea NOT NULL,
    issued_at timestamp with time zone NOT NULL
);

ALTER TABLE ONLY settlement.invoice FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.invoice_line (
    invoice_id uuid NOT NULL,
    line integer NOT NULL,
    source_kind text NOT NULL,
    source_id uuid NOT NULL,
    description jsonb NOT NULL,
    quantity numeric NOT NULL,
    amount_units bigint NOT NULL,
    CONSTRAINT invoice_line_source_kind_check CHECK ((source_kind = ANY (ARRAY['order'::text, 'charge'::text, 'tax'::text, 'refund'::text])))
);

ALTER TABLE ONLY settlement.invoice_line FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.journal (
    id uuid NOT NULL,
    kind text NOT NULL,
    source_id uuid NOT NULL,
    body_sha256 bytea NOT NULL,
    line_count smallint NOT NULL,
    node_id text DEFAULT 'centre'::text NOT NULL,
    effective_at timestamp with time zone NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT journal_line_count_check CHECK ((line_count >= 2))
);

ALTER TABLE ONLY settlement.journal FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.kept_method (
    id uuid NOT NULL,
    organisation_id uuid NOT NULL,
    given text NOT NULL,
    state text NOT NULL,
    provider_ref text,
    setup_ref text,
    brand text,
    last4 text,
    exp_month integer,
    exp_year integer,
    redirect_url text,
    failure text,
    is_default boolean DEFAULT false NOT NULL,
    created_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    CONSTRAINT kept_method_check CHECK (((state <> 'active'::text) OR ((provider_ref IS NOT NULL) AND (last4 IS NOT NULL)))),
    CONSTRAINT kept_method_check1 CHECK (((NOT is_default) OR (state = 'active'::text))),
    CONSTRAINT kept_method_state_check CHECK ((state = ANY (ARRAY['asked'::text, 'confirming'::text, 'active'::text, 'failed'::text, 'removed'::text])))
);

ALTER TABLE ONLY settlement.kept_method FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.mandate (
    id uuid NOT NULL,
    supplier_id uuid NOT NULL,
    broker_id uuid NOT NULL,
    parts bigint NOT NULL,
    starts_at timestamp with time zone NOT NULL,
    ends_at timestamp with time zone NOT NULL,
    tail_until timestamp with time zone NOT NULL,
    document bytea NOT NULL,
    sha256 bytea NOT NULL,
    kid text NOT NULL,
    signature bytea NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT mandate_check CHECK ((starts_at < ends_at)),
    CONSTRAINT mandate_check1 CHECK ((ends_at <= tail_until)),
    CONSTRAINT mandate_check2 CHECK ((supplier_id <> broker_id)),
    CONSTRAINT mandate_parts_check CHECK (((parts >= 1) AND (parts <= 100000000))),
    CONSTRAINT mandate_sha256_check CHECK ((length(sha256) = 32))
);

ALTER TABLE ONLY settlement.mandate FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.mandate_end (
    mandate_id uuid NOT NULL,
    supplier_id uuid NOT NULL,
    broker_id uuid NOT NULL,
    ended_by uuid NOT NULL,
    ends_at timestamp with time zone NOT NULL,
    tail_until timestamp with time zone NOT NULL,
    document bytea NOT NULL,
    sha256 bytea NOT NULL,
    kid text NOT NULL,
    signature bytea NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT mandate_end_check CHECK ((ends_at <= tail_until)),
    CONSTRAINT mandate_end_check1 CHECK (((ended_by = supplier_id) OR (ended_by = broker_id))),
    CONSTRAINT mandate_end_sha256_check CHECK ((length(sha256) = 32))
);

ALTER TABLE ONLY settlement.mandate_end FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.milestone_escrow (
    order_id uuid NOT NULL,
    component text NOT NULL,
    hold_id uuid NOT NULL,
    buyer_id uuid NOT NULL,
    seller_id uuid NOT NULL,
    amount_units bigint NOT NULL,
    currency text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT milestone_escrow_amount_units_check CHECK ((amount_units > 0))
);

ALTER TABLE ONLY settlement.milestone_escrow FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.money_proof (
    id uuid NOT NULL,
    day date NOT NULL,
    currency text NOT NULL,
    at timestamp with time zone NOT NULL,
    difference_units bigint NOT NULL,
    short_units bigint NOT NULL,
    complete boolean NOT NULL,
    document bytea NOT NULL,
    sha256 bytea NOT NULL,
    CONSTRAINT money_proof_sha256_check CHECK ((octet_length(sha256) = 32)),
    CONSTRAINT money_proof_short_units_check CHECK ((short_units >= 0))
);

ALTER TABLE ONLY settlement.money_proof FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.open_item (
    id uuid NOT NULL,
    kind text NOT NULL,
    subject text NOT NULL,
    account text,
    about jsonb NOT NULL,
    seen integer DEFAULT 1 NOT NULL,
    opened_at timestamp with time zone NOT NULL,
    last_at timestamp with time zone NOT NULL,
    closed_at timestamp with time zone,
    closed_by uuid,
    note text,
    CONSTRAINT open_item_check CHECK (((closed_at IS NULL) = (note IS NULL))),
    CONSTRAINT open_item_check1 CHECK (((closed_by IS NULL) OR (closed_at IS NOT NULL))),
    CONSTRAINT open_item_seen_check CHECK ((seen >= 1))
);

ALTER TABLE ONLY settlement.open_item FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.open_order (
    order_id uuid NOT NULL,
    seller_id uuid NOT NULL,
    currency text NOT NULL
);

ALTER TABLE ONLY settlement.open_order FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.orders (
    id uuid NOT NULL,
    buyer_id uuid NOT NULL,
    seller_id uuid NOT NULL,
    offer_id uuid NOT NULL,
    listing_id uuid NOT NULL,
    agreement_id uuid NOT NULL,
    price_units bigint NOT NULL,
    currency text NOT NULL,
    payment text NOT NULL,
    state text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    paid_at timestamp with time zone,
    settled_in uuid,
    price_basis bytea,
    tax_units bigint DEFAULT 0 NOT NULL,
    tax jsonb,
    quote_id uuid,
    CONSTRAINT orders_check CHECK (((state = 'paid'::text) = (paid_at IS NOT NULL))),
    CONSTRAINT orders_payment_check CHECK ((payment = ANY (ARRAY['wallet'::text, 'card'::text, 'account'::text]))),
    CONSTRAINT orders_price_units_check CHECK ((price_units >= 0)),
    CONSTRAINT orders_state_check CHECK ((state = ANY (ARRAY['awaiting_payment'::text, 'paid'::text, 'cancelled'::text]))),
    CONSTRAINT orders_tax CHECK ((((tax_units >= 0) AND (tax_units <= price_units)) AND ((tax_units = 0) OR (tax IS NOT NULL))))
);

ALTER TABLE ONLY settlement.orders FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.own_sweep (
    id uuid NOT NULL,
    currency text NOT NULL,
    amount_units bigint NOT NULL,
    note text NOT NULL,
    body_sha256 bytea NOT NULL,
    asked_client uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT own_sweep_amount_units_check CHECK ((amount_units > 0)),
    CONSTRAINT own_sweep_body_sha256_check CHECK ((octet_length(body_sha256) = 32))
);

ALTER TABLE ONLY settlement.own_sweep FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.payment (
    id uuid NOT NULL,
    organisation_id uuid NOT NULL,
    purpose text NOT NULL,
    order_id uuid,
    amount_units bigint NOT NULL,
    currency text NOT NULL,
    method text NOT NULL,
    state text NOT NULL,
    provider_ref text,
    failure text,
    created_at timestamp with time zone NOT NULL,
    finished_at timestamp with time zone,
    redirect_url text,
    qr_code text,
    session_ref text,
    CONSTRAINT payment_amount_units_check CHECK ((amount_units > 0)),
    CONSTRAINT payment_check CHECK (((purpose = 'order'::text) = (order_id IS NOT NULL))),
    CONSTRAINT payment_method_check CHECK ((method = ANY (ARRAY['card'::text, 'bank'::text, 'alipay'::text, 'wechat_pay'::text, 'sepa_debit'::text, 'checkout'::text]))),
    CONSTRAINT payment_purpose_check CHECK ((purpose = ANY (ARRAY['top_up'::text, 'order'::text]))),
    CONSTRAINT payment_state_check CHECK ((state = ANY (ARRAY['created'::text, 'processing'::text, 'succeeded'::text, 'failed'::text])))
);

ALTER TABLE ONLY settlement.payment FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.payout (
    id uuid NOT NULL,
    organisation_id uuid NOT NULL,
    account_id bigint NOT NULL,
    currency text NOT NULL,
    period text NOT NULL,
    rail text NOT NULL,
    destination text NOT NULL,
    amount_units bigint NOT NULL,
    state text NOT NULL,
    provider_ref text,
    failure text,
    created_at timestamp with time zone NOT NULL,
    finished_at timestamp with time zone,
    bank_ref text,
    CONSTRAINT payout_amount_units_check CHECK ((amount_units > 0)),
    CONSTRAINT payout_period_check CHECK (((length(period) >= 1) AND (length(period) <= 64))),
    CONSTRAINT payout_rail_check CHECK ((rail = ANY (ARRAY['stripe'::text, 'bank'::text]))),
    CONSTRAINT payout_state_check CHECK ((state = ANY (ARRAY['created'::text, 'approved'::text, 'exported'::text, 'sent'::text, 'paid'::text, 'returned'::text, 'reversed'::text, 'failed'::text])))
);

ALTER TABLE ONLY settlement.payout FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.payout_account (
    organisation_id uuid NOT NULL,
    rail text NOT NULL,
    country text NOT NULL,
    destination text,
    state text NOT NULL,
    reason text,
    created_at timestamp with time zone NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    due text[] DEFAULT '{}'::text[] NOT NULL,
    CONSTRAINT payout_account_check CHECK (((state = ANY (ARRAY['opening'::text, 'refused'::text])) OR (destination IS NOT NULL))),
    CONSTRAINT payout_account_rail_check CHECK ((rail = ANY (ARRAY['stripe'::text, 'bank'::text]))),
    CONSTRAINT payout_account_state_check CHECK ((state = ANY (ARRAY['opening'::text, 'restricted'::text, 'active'::text, 'refused'::text])))
);

ALTER TABLE ONLY settlement.payout_account FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.payout_batch (
    id uuid NOT NULL,
    account_id uuid NOT NULL,
    currency text NOT NULL,
    form text NOT NULL,
    execution_date date NOT NULL,
    state text NOT NULL,
    sha256 bytea NOT NULL,
    count integer NOT NULL,
    total_units bigint NOT NULL,
    made_at timestamp with time zone NOT NULL,
    exported_at timestamp with time zone,
    file_sha256 bytea,
    stored_sha256 bytea,
    stored_bytes integer,
    CONSTRAINT payout_batch_check CHECK (((state = ANY (ARRAY['exported'::text, 'done'::text])) = (exported_at IS NOT NULL))),
    CONSTRAINT payout_batch_check1 CHECK (((exported_at IS NULL) = (file_sha256 IS NULL))),
    CONSTRAINT payout_batch_check2 CHECK (((exported_at IS NULL) = (stored_sha256 IS NULL))),
    CONSTRAINT payout_batch_count_check CHECK ((count >= 0)),
    CONSTRAINT payout_batch_form_check CHECK ((form = ANY (ARRAY['pain.001'::text, 'csv-gb18030'::text, 'csv-utf8'::text]))),
    CONSTRAINT payout_batch_sha256_check CHECK ((octet_length(sha256) = 32)),
    CONSTRAINT payout_batch_state_check CHECK ((state = ANY (ARRAY['draft'::text, 'approved'::text, 'exported'::text, 'done'::text, 'cancelled'::text]))),
    CONSTRAINT payout_batch_total_units_check CHECK ((total_units >= 0))
);

ALTER TABLE ONLY settlement.payout_batch FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.payout_batch_item (
    batch_id uuid NOT NULL,
    payout_id uuid NOT NULL,
    "position" integer NOT NULL,
    organisation_id uuid NOT NULL,
    amount_units bigint NOT NULL,
    destination_id uuid NOT NULL,
    fingerprint bytea NOT NULL,
    dropped text,
    CONSTRAINT payout_batch_item_amount_units_check CHECK ((amount_units > 0))
);

ALTER TABLE ONLY settlement.payout_batch_item FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.payout_destination (
    id uuid NOT NULL,
    organisation_id uuid NOT NULL,
    scheme text NOT NULL,
    version integer NOT NULL,
    last4 text NOT NULL,
    digest bytea NOT NULL,
    fingerprint bytea NOT NULL,
    sealed bytea NOT NULL,
    state text NOT NULL,
    asked_at timestamp with time zone NOT NULL,
    usable_from timestamp with time zone NOT NULL,
    active_at timestamp with time zone,
    ended_at timestamp with time zone,
    CONSTRAINT payout_destination_check CHECK (((state <> 'active'::text) OR (active_at IS NOT NULL))),
    CONSTRAINT payout_destination_check1 CHECK (((state = ANY (ARRAY['replaced'::text, 'withdrawn'::text])) = (ended_at IS NOT NULL))),
    CONSTRAINT payout_destination_digest_check CHECK ((octet_length(digest) = 32)),
    CONSTRAINT payout_destination_fingerprint_check CHECK ((octet_length(fingerprint) = 32)),
    CONSTRAINT payout_destination_scheme_check CHECK ((scheme = ANY (ARRAY['iban'::text, 'cn'::text]))),
    CONSTRAINT payout_destination_state_check CHECK ((state = ANY (ARRAY['asked'::text, 'active'::text, 'replaced'::text, 'withdrawn'::text]))),
    CONSTRAINT payout_destination_version_check CHECK ((version >= 1))
);

ALTER TABLE ONLY settlement.payout_destination FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.pool_distribution (
    id uuid NOT NULL,
    policy_id uuid NOT NULL,
    currency text NOT NULL,
    month text NOT NULL,
    available_units bigint NOT NULL,
    total_units bigint NOT NULL,
    given_units bigint NOT NULL,
    whole numeric(40,0) NOT NULL,
    journal_id uuid NOT NULL,
    made_by uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT pool_distribution_check CHECK (((given_units >= 1) AND (given_units <= total_units))),
    CONSTRAINT pool_distribution_total_units_check CHECK ((total_units > 0)),
    CONSTRAINT pool_distribution_whole_check CHECK ((whole > (0)::numeric))
);

ALTER TABLE ONLY settlement.pool_distribution FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.pool_policy (
    id uuid NOT NULL,
    currency text NOT NULL,
    version integer NOT NULL,
    from_month text NOT NULL,
    time_zone text NOT NULL,
    by text NOT NULL,
    parts bigint NOT NULL,
    vector_id uuid,
    set_by uuid NOT NULL,
    document bytea NOT NULL,
    sha256 bytea NOT NULL,
    kid text NOT NULL,
    signature bytea NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT pool_policy_by_check CHECK ((by = ANY (ARRAY['sales'::text, 'quality'::text, 'vector'::text]))),
    CONSTRAINT pool_policy_check CHECK (((by = 'vector'::text) = (vector_id IS NOT NULL))),
    CONSTRAINT pool_policy_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT pool_policy_from_month_check CHECK ((from_month ~ '^[0-9]{4}-[0-9]{2}$'::text)),
    CONSTRAINT pool_policy_parts_check CHECK (((parts >= 1) AND (parts <= 100000000))),
    CONSTRAINT pool_policy_sha256_check CHECK ((length(sha256) = 32)),
    CONSTRAINT pool_policy_version_check CHECK ((version > 0))
);

ALTER TABLE ONLY settlement.pool_policy FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.pool_share (
    distribution_id uuid NOT NULL,
    organisation_id uuid NOT NULL,
    weight numeric(40,0) NOT NULL,
    before numeric(40,0) NOT NULL,
    amount_units bigint NOT NULL,
    CONSTRAINT pool_share_amount_units_check CHECK ((amount_units >= 0)),
    CONSTRAINT pool_share_before_check CHECK ((before >= (0)::numeric)),
    CONSTRAINT pool_share_weight_check CHECK ((weight > (0)::numeric))
);

ALTER TABLE ONLY settlement.pool_share FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.position_limit (
    id uuid NOT NULL,
    currency text NOT NULL,
    limit_units bigint,
    set_by uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT position_limit_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT position_limit_limit_units_check CHECK ((limit_units >= 0))
);

ALTER TABLE ONLY settlement.position_limit FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.posting (
    journal_id uuid NOT NULL,
    line smallint NOT NULL,
    account_id bigint NOT NULL,
    amount bigint NOT NULL,
    currency text NOT NULL,
    tag uuid,
    CONSTRAINT posting_amount_check CHECK ((amount <> 0)),
    CONSTRAINT posting_line_check CHECK ((line >= 1))
);

ALTER TABLE ONLY settlement.posting FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.preview (
    id uuid NOT NULL,
    period_start timestamp with time zone NOT NULL,
    period_end timestamp with time zone NOT NULL,
    currency text NOT NULL,
    region text,
    compare_with uuid,
    state text NOT NULL,
    seen_at timestamp with time zone,
    summary jsonb,
    made_by uuid,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT preview_check CHECK ((period_start < period_end)),
    CONSTRAINT preview_check1 CHECK (((state = 'made'::text) = (summary IS NOT NULL))),
    CONSTRAINT preview_check2 CHECK (((state = 'made'::text) = (seen_at IS NOT NULL))),
    CONSTRAINT preview_region_check CHECK ((region ~ '^[A-Z]{2}$'::text)),
    CONSTRAINT preview_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'made'::text])))
);

ALTER TABLE ONLY settlement.preview FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.preview_line (
    preview_id uuid NOT NULL,
    part text NOT NULL,
    "position" integer NOT NULL,
    document jsonb NOT NULL,
    CONSTRAINT preview_line_part_check CHECK ((part = ANY (ARRAY['charge'::text, 'seller'::text, 'buyer'::text, 'payee'::text, 'held'::text, 'diff'::text])))
);

ALTER TABLE ONLY settlement.preview_line FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.provider_call (
    id uuid NOT NULL,
    kind text NOT NULL,
    object_id uuid NOT NULL,
    step integer NOT NULL,
    key text NOT NULL,
    request bytea NOT NULL,
    request_sha256 bytea NOT NULL,
    state text NOT NULL,
    provider_id text,
    code text,
    attempts integer NOT NULL,
    first_sent_at timestamp with time zone NOT NULL,
    sent_at timestamp with time zone NOT NULL,
    answered_at timestamp with time zone,
    CONSTRAINT provider_call_attempts_check CHECK ((attempts >= 1)),
    CONSTRAINT provider_call_check CHECK (((state <> 'done'::text) OR (provider_id IS NOT NULL))),
    CONSTRAINT provider_call_check1 CHECK (((state = 'sent'::text) = (answered_at IS NULL))),
    CONSTRAINT provider_call_kind_check CHECK ((kind = ANY (ARRAY['charge'::text, 'transfer'::text, 'payout'::text, 'account'::text, 'checkout'::text, 'refund'::text, 'reversal'::text, 'file'::text, 'evidence'::text]))),
    CONSTRAINT provider_call_request_sha256_check CHECK ((octet_length(request_sha256) = 32)),
    CONSTRAINT provider_call_state_check CHECK ((state = ANY (ARRAY['sent'::text, 'unknown'::text, 'done'::text, 'refused'::text]))),
    CONSTRAINT provider_call_step_check CHECK ((step >= 1))
);

ALTER TABLE ONLY settlement.provider_call FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.provider_customer (
    organisation_id uuid NOT NULL,
    provider_ref text NOT NULL,
    created_at timestamp with time zone NOT NULL
);

ALTER TABLE ONLY settlement.provider_customer FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.rate (
    id uuid NOT NULL,
    sell text NOT NULL,
    buy text NOT NULL,
    value numeric(24,12) NOT NULL,
    valid_from timestamp with time zone NOT NULL,
    valid_to timestamp with time zone NOT NULL,
    source text NOT NULL,
    published_by uuid NOT NULL,
    published_at timestamp with time zone NOT NULL,
    CONSTRAINT rate_buy_check CHECK ((buy ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT rate_check CHECK ((sell <> buy)),
    CONSTRAINT rate_check1 CHECK ((valid_from < valid_to)),
    CONSTRAINT rate_check2 CHECK ((valid_from >= published_at)),
    CONSTRAINT rate_sell_check CHECK ((sell ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT rate_source_check CHECK (((length(source) >= 1) AND (length(source) <= 200))),
    CONSTRAINT rate_value_check CHECK ((value > (0)::numeric))
);

ALTER TABLE ONLY settlement.rate FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.recon_cursor (
    provider text NOT NULL,
    account text NOT NULL,
    currency text NOT NULL,
    seen_until timestamp with time zone,
    looked_at timestamp with time zone,
    recorded bigint DEFAULT 0 NOT NULL,
    stopped_txn text,
    reason text,
    said text,
    stopped_at timestamp with time zone,
    CONSTRAINT recon_cursor_check CHECK (((stopped_txn IS NULL) = (reason IS NULL))),
    CONSTRAINT recon_cursor_check1 CHECK (((stopped_txn IS NULL) = (stopped_at IS NULL)))
);

ALTER TABLE ONLY settlement.recon_cursor FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.recon_done (
    provider text NOT NULL,
    txn_id text NOT NULL,
    outcome text NOT NULL,
    resolution_id uuid,
    done_at timestamp with time zone NOT NULL,
    CONSTRAINT recon_done_check CHECK (((outcome = 'resolved'::text) = (resolution_id IS NOT NULL))),
    CONSTRAINT recon_done_outcome_check CHECK ((outcome = ANY (ARRAY['matched'::text, 'booked'::text, 'resolved'::text])))
);

ALTER TABLE ONLY settlement.recon_done FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.recon_item (
    provider text NOT NULL,
    account text NOT NULL,
    txn_id text NOT NULL,
    currency text NOT NULL,
    type text NOT NULL,
    category text NOT NULL,
    amount_units bigint NOT NULL,
    fee_units bigint NOT NULL,
    net_units bigint NOT NULL,
    source text NOT NULL,
    about jsonb NOT NULL,
    created_at timestamp with time zone NOT NULL,
    available_on timestamp with time zone NOT NULL,
    seen_at timestamp with time zone NOT NULL,
    CONSTRAINT recon_item_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text))
);

ALTER TABLE ONLY settlement.recon_item FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.recon_journal (
    journal_id uuid NOT NULL,
    provider text NOT NULL,
    txn_id text NOT NULL
);

ALTER TABLE ONLY settlement.recon_journal FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.recon_open (
    provider text NOT NULL,
    txn_id text NOT NULL,
    account text NOT NULL,
    currency text NOT NULL,
    created_at timestamp with time zone NOT NULL
);

ALTER TABLE ONLY settlement.recon_open FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.recon_resolution (
    id uuid NOT NULL,
    provider text NOT NULL,
    txn_id text NOT NULL,
    remedy text NOT NULL,
    organisation_id uuid,
    note text NOT NULL,
    body_sha256 bytea NOT NULL,
    asked_client uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT recon_resolution_body_sha256_check CHECK ((octet_length(body_sha256) = 32)),
    CONSTRAINT recon_resolution_check CHECK (((remedy = ANY (ARRAY['wallet'::text, 'debt'::text])) = (organisation_id IS NOT NULL)))
);

ALTER TABLE ONLY settlement.recon_resolution FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.record_digests (
    revision_id uuid NOT NULL,
    part smallint NOT NULL,
    number integer NOT NULL,
    digests bytea NOT NULL,
    CONSTRAINT record_digests_digests_check CHECK ((((length(digests) >= 16) AND (length(digests) <= 1792)) AND ((length(digests) % 16) = 0))),
    CONSTRAINT record_digests_part_check CHECK (((part >= 0) AND (part <= 15)))
);
ALTER TABLE ONLY settlement.record_digests ALTER COLUMN digests SET STORAGE PLAIN;

ALTER TABLE ONLY settlement.record_digests FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.record_set (
    revision_id uuid NOT NULL,
    organisation_id uuid NOT NULL,
    method text NOT NULL,
    records bigint NOT NULL,
    sha256 bytea NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT record_set_records_check CHECK ((records >= 0)),
    CONSTRAINT record_set_sha256_check CHECK ((length(sha256) = 32))
);

ALTER TABLE ONLY settlement.record_set FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.recovery (
    id uuid NOT NULL,
    payout_id uuid NOT NULL,
    organisation_id uuid NOT NULL,
    wanted_units bigint NOT NULL,
    currency text NOT NULL,
    state text NOT NULL,
    brought_units bigint,
    provider_ref text,
    failure text,
    created_at timestamp with time zone NOT NULL,
    finished_at timestamp with time zone,
    CONSTRAINT recovery_brought_units_check CHECK ((brought_units > 0)),
    CONSTRAINT recovery_check CHECK (((state = 'done'::text) = ((brought_units IS NOT NULL) AND (provider_ref IS NOT NULL)))),
    CONSTRAINT recovery_state_check CHECK ((state = ANY (ARRAY['created'::text, 'done'::text, 'refused'::text]))),
    CONSTRAINT recovery_wanted_units_check CHECK ((wanted_units > 0))
);

ALTER TABLE ONLY settlement.recovery FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.refund (
    id uuid NOT NULL,
    source_kind text NOT NULL,
    source_id uuid NOT NULL,
    order_id uuid NOT NULL,
    buyer_id uuid NOT NULL,
    seller_id uuid NOT NULL,
    number integer NOT NULL,
    amount_units bigint NOT NULL,
    cumulative_units bigint NOT NULL,
    paid_units bigint NOT NULL,
    tax_units bigint NOT NULL,
    receivable_units bigint NOT NULL,
    currency text NOT NULL,
    reason text NOT NULL,
    explanation jsonb NOT NULL,
    cause_id uuid,
    made_by uuid,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT refund_amount_units_check CHECK ((amount_units > 0)),
    CONSTRAINT refund_check CHECK (((tax_units >= 0) AND (tax_units <= amount_units))),
    CONSTRAINT refund_check1 CHECK (((receivable_units >= 0) AND (receivable_units <= amount_units))),
    CONSTRAINT refund_check2 CHECK (((cumulative_units >= amount_units) AND (cumulative_units <= paid_units))),
    CONSTRAINT refund_number_check CHECK ((number > 0)),
    CONSTRAINT refund_reason_check CHECK ((reason = ANY (ARRAY['rejected'::text, 'goodwill'::text, 'duplicate'::text, 'not_delivered'::text, 'defect'::text, 'wrong_charge'::text, 'revoked'::text, 'breach'::text, 'chargeback'::text, 'other'::text]))),
    CONSTRAINT refund_source_kind_check CHECK ((source_kind = ANY (ARRAY['order'::text, 'charge'::text])))
);

ALTER TABLE ONLY settlement.refund FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.run (
    id uuid NOT NULL,
    period_start timestamp with time zone NOT NULL,
    period_end timestamp with time zone NOT NULL,
    currency text NOT NULL,
    number integer NOT NULL,
    state text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    closed_at timestamp with time zone,
    region text,
    CONSTRAINT run_check CHECK ((period_start < period_end)),
    CONSTRAINT run_region_check CHECK ((region ~ '^[A-Z]{2}$'::text)),
    CONSTRAINT run_state_check CHECK ((state = ANY (ARRAY['open'::text, 'closed'::text, 'cancelled'::text])))
);

ALTER TABLE ONLY settlement.run FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.run_item (
    id uuid NOT NULL,
    run_id uuid NOT NULL,
    side text NOT NULL,
    organisation_id uuid NOT NULL,
    state text NOT NULL,
    done_at timestamp with time zone,
    "position" integer DEFAULT 0 NOT NULL,
    weight integer DEFAULT 1 NOT NULL,
    CONSTRAINT run_item_side_check CHECK ((side = ANY (ARRAY['seller'::text, 'payee'::text]))),
    CONSTRAINT run_item_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'done'::text])))
);

ALTER TABLE ONLY settlement.run_item FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.self_billing (
    id uuid NOT NULL,
    organisation_id uuid NOT NULL,
    document bytea NOT NULL,
    sha256 bytea NOT NULL,
    accepted_by uuid NOT NULL,
    accepted_at timestamp with time zone NOT NULL,
    CONSTRAINT self_billing_check CHECK ((sha256 = sha256(document)))
);

ALTER TABLE ONLY settlement.self_billing FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.self_billing_end (
    agreement_id uuid NOT NULL,
    organisation_id uuid NOT NULL,
    ended_by uuid NOT NULL,
    ended_at timestamp with time zone NOT NULL
);

ALTER TABLE ONLY settlement.self_billing_end FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.seller_report (
    id uuid NOT NULL,
    kind text NOT NULL,
    period text NOT NULL,
    currency text NOT NULL,
    number integer NOT NULL,
    document bytea NOT NULL,
    sha256 bytea NOT NULL,
    made_by uuid NOT NULL,
    made_at timestamp with time zone NOT NULL,
    CONSTRAINT seller_report_check CHECK ((sha256 = sha256(document))),
    CONSTRAINT seller_report_kind_check CHECK ((kind = ANY (ARRAY['dac7'::text, 'decree-810'::text]))),
    CONSTRAINT seller_report_number_check CHECK ((number >= 1))
);

ALTER TABLE ONLY settlement.seller_report FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.series (
    name text NOT NULL,
    last bigint NOT NULL
);

ALTER TABLE ONLY settlement.series FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.service_credit (
    id uuid NOT NULL,
    cause_id uuid NOT NULL,
    grant_id uuid NOT NULL,
    buyer_id uuid NOT NULL,
    seller_id uuid NOT NULL,
    amount_units bigint NOT NULL,
    short_units bigint NOT NULL,
    currency text NOT NULL,
    period_start timestamp with time zone NOT NULL,
    explanation jsonb NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT service_credit_amount_units_check CHECK ((amount_units > 0)),
    CONSTRAINT service_credit_short_units_check CHECK ((short_units >= 0))
);

ALTER TABLE ONLY settlement.service_credit FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.split_booked (
    id uuid NOT NULL,
    run_id uuid NOT NULL,
    run_seq bigint NOT NULL,
    rule_id uuid NOT NULL,
    supplier_id uuid NOT NULL,
    step text NOT NULL,
    per text NOT NULL,
    period text NOT NULL,
    role text NOT NULL,
    organisation_id uuid,
    gross bigint NOT NULL,
    came_in bigint NOT NULL,
    cumulative bigint NOT NULL,
    amount bigint NOT NULL,
    currency text NOT NULL,
    journal_id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT split_booked_amount_check CHECK ((amount <> 0)),
    CONSTRAINT split_booked_per_check CHECK ((per = ANY (ARRAY['sale'::text, 'month'::text, 'lifetime'::text])))
);

ALTER TABLE ONLY settlement.split_booked FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.split_guarantee (
    id uuid NOT NULL,
    rule_id uuid NOT NULL,
    dataset_id uuid NOT NULL,
    code text NOT NULL,
    step text NOT NULL,
    period text NOT NULL,
    number integer NOT NULL,
    supplier_id uuid NOT NULL,
    organisation_id uuid NOT NULL,
    guarantor text NOT NULL,
    recouped boolean NOT NULL,
    promised_units bigint NOT NULL,
    got_units bigint NOT NULL,
    outstanding_units bigint NOT NULL,
    cumulative_units bigint NOT NULL,
    amount_units bigint NOT NULL,
    owed_units bigint NOT NULL,
    currency text NOT NULL,
    journal_id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT split_guarantee_amount_units_check CHECK ((amount_units <> 0)),
    CONSTRAINT split_guarantee_check CHECK (((owed_units >= 0) AND (owed_units <= abs(amount_units)))),
    CONSTRAINT split_guarantee_number_check CHECK ((number > 0))
);

ALTER TABLE ONLY settlement.split_guarantee FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.split_level (
    rule_id uuid NOT NULL,
    per text NOT NULL,
    period text NOT NULL,
    run_seq bigint NOT NULL,
    gross bigint NOT NULL,
    came_in bigint NOT NULL,
    left_over bigint NOT NULL,
    CONSTRAINT split_level_per_check CHECK ((per = ANY (ARRAY['sale'::text, 'month'::text, 'lifetime'::text])))
);

ALTER TABLE ONLY settlement.split_level FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.split_minimum (
    id uuid NOT NULL,
    role text NOT NULL,
    parts bigint NOT NULL,
    valid_from timestamp with time zone NOT NULL,
    set_by uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT split_minimum_parts_check CHECK (((parts >= 0) AND (parts <= 100000000))),
    CONSTRAINT split_minimum_role_check CHECK ((role = ANY (ARRAY['platform'::text, 'pool'::text])))
);

ALTER TABLE ONLY settlement.split_minimum FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.split_payee (
    rule_id uuid NOT NULL,
    organisation_id uuid NOT NULL
);

ALTER TABLE ONLY settlement.split_payee FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.split_promise (
    rule_id uuid NOT NULL,
    step text NOT NULL,
    supplier_id uuid NOT NULL,
    organisation_id uuid NOT NULL,
    guarantor text NOT NULL,
    amount_units bigint NOT NULL,
    recouped boolean NOT NULL,
    currency text NOT NULL,
    CONSTRAINT split_promise_amount_units_check CHECK ((amount_units > 0)),
    CONSTRAINT split_promise_guarantor_check CHECK ((guarantor = ANY (ARRAY['supplier'::text, 'platform'::text])))
);

ALTER TABLE ONLY settlement.split_promise FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.split_promise_accepted (
    rule_id uuid NOT NULL,
    accepted_by uuid NOT NULL,
    created_at timestamp with time zone NOT NULL
);

ALTER TABLE ONLY settlement.split_promise_accepted FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.split_rule (
    id uuid NOT NULL,
    supplier_id uuid NOT NULL,
    dataset_id uuid NOT NULL,
    code text NOT NULL,
    version integer NOT NULL,
    currency text NOT NULL,
    effective_from timestamp with time zone NOT NULL,
    effective_until timestamp with time zone,
    stateless boolean NOT NULL,
    document bytea NOT NULL,
    sha256 bytea NOT NULL,
    kid text NOT NULL,
    signature bytea NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT split_rule_check CHECK ((effective_from < effective_until)),
    CONSTRAINT split_rule_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT split_rule_sha256_check CHECK ((length(sha256) = 32)),
    CONSTRAINT split_rule_version_check CHECK ((version > 0))
);

ALTER TABLE ONLY settlement.split_rule FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.split_run (
    id uuid NOT NULL,
    seq bigint NOT NULL,
    rule_id uuid NOT NULL,
    currency text NOT NULL,
    until timestamp with time zone NOT NULL,
    journal_id uuid,
    created_at timestamp with time zone NOT NULL,
    carried jsonb
);

ALTER TABLE ONLY settlement.split_run FORCE ROW LEVEL SECURITY;

ALTER TABLE settlement.split_run ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME settlement.split_run_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE settlement.split_source (
    journal_id uuid NOT NULL,
    line smallint NOT NULL,
    run_id uuid NOT NULL,
    source_id uuid NOT NULL,
    sale_id uuid NOT NULL,
    amount bigint NOT NULL
);

ALTER TABLE ONLY settlement.split_source FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.stated_balance (
    id uuid NOT NULL,
    place text NOT NULL,
    currency text NOT NULL,
    units bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    source text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT stated_balance_place_check CHECK ((place = ANY (ARRAY['stripe'::text, 'bank'::text])))
);

ALTER TABLE ONLY settlement.stated_balance FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.statement (
    id uuid NOT NULL,
    run_id uuid NOT NULL,
    organisation_id uuid NOT NULL,
    currency text NOT NULL,
    number integer NOT NULL,
    period_start timestamp with time zone NOT NULL,
    period_end timestamp with time zone NOT NULL,
    opening_units bigint NOT NULL,
    sales_units bigint NOT NULL,
    fees_units bigint NOT NULL,
    shares_units bigint NOT NULL,
    payouts_units bigint NOT NULL,
    adjustments_units bigint NOT NULL,
    closing_units bigint NOT NULL,
    document bytea NOT NULL,
    sha256 bytea NOT NULL,
    issued_at timestamp with time zone NOT NULL,
    refunds_units bigint DEFAULT 0 NOT NULL,
    taxes_units bigint DEFAULT 0 NOT NULL,
    holds_units bigint DEFAULT 0 NOT NULL,
    withheld_units bigint DEFAULT 0 NOT NULL,
    CONSTRAINT statement_check CHECK ((closing_units = (((((((((opening_units + sales_units) + fees_units) + shares_units) + refunds_units) + taxes_units) + holds_units) + withheld_units) + payouts_units) + adjustments_units)))
);

ALTER TABLE ONLY settlement.statement FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.statement_line (
    statement_id uuid NOT NULL,
    line integer NOT NULL,
    journal_id uuid NOT NULL,
    posting_line smallint NOT NULL,
    amount_units bigint NOT NULL
);

ALTER TABLE ONLY settlement.statement_line FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.stripe_event (
    id text NOT NULL,
    type text NOT NULL,
    object_id text NOT NULL,
    payload bytea,
    received_at timestamp with time zone NOT NULL,
    handled_at timestamp with time zone,
    account text,
    made_at timestamp with time zone,
    livemode boolean,
    api_version text
);

ALTER TABLE ONLY settlement.stripe_event FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.weight_answer (
    order_id uuid NOT NULL,
    organisation_id uuid NOT NULL,
    client_id uuid NOT NULL,
    agrees boolean NOT NULL,
    sha256 bytea NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT weight_answer_sha256_check CHECK ((length(sha256) = 32))
);

ALTER TABLE ONLY settlement.weight_answer FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.weight_member (
    order_id uuid NOT NULL,
    organisation_id uuid NOT NULL
);

ALTER TABLE ONLY settlement.weight_member FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.weight_order (
    id uuid NOT NULL,
    subject text NOT NULL,
    method text NOT NULL,
    utility text NOT NULL,
    ordered_by uuid NOT NULL,
    asked uuid[] NOT NULL,
    document bytea NOT NULL,
    sha256 bytea NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT weight_order_check CHECK ((sha256 = sha256(document)))
);

ALTER TABLE ONLY settlement.weight_order FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.weight_vector (
    order_id uuid NOT NULL,
    subject text NOT NULL,
    ordered_by uuid NOT NULL,
    version integer NOT NULL,
    document bytea NOT NULL,
    sha256 bytea NOT NULL,
    kid text NOT NULL,
    signature bytea NOT NULL,
    inputs bytea NOT NULL,
    inputs_sha256 bytea NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT weight_vector_check CHECK (((sha256 = sha256(document)) AND (inputs_sha256 = sha256(inputs)) AND (length(signature) = 64))),
    CONSTRAINT weight_vector_version_check CHECK ((version > 0))
);

ALTER TABLE ONLY settlement.weight_vector FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.withholding (
    payout_id uuid NOT NULL,
    organisation_id uuid NOT NULL,
    payer text NOT NULL,
    payee text NOT NULL,
    income text NOT NULL,
    currency text NOT NULL,
    gross_units bigint NOT NULL,
    withheld_units bigint NOT NULL,
    rate text NOT NULL,
    source text NOT NULL,
    relief_id uuid,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT withholding_check CHECK (((withheld_units >= 0) AND (withheld_units < gross_units))),
    CONSTRAINT withholding_gross_units_check CHECK ((gross_units > 0)),
    CONSTRAINT withholding_income_check CHECK ((income = ANY (ARRAY['royalty'::text, 'service'::text])))
);

ALTER TABLE ONLY settlement.withholding FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.withholding_adoption (
    table_id uuid NOT NULL,
    number integer NOT NULL,
    adopted_by uuid NOT NULL,
    adopted_at timestamp with time zone NOT NULL
);

ALTER TABLE ONLY settlement.withholding_adoption FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.withholding_relief (
    id uuid NOT NULL,
    organisation_id uuid NOT NULL,
    payer text NOT NULL,
    income text NOT NULL,
    rate text NOT NULL,
    number text NOT NULL,
    valid_from date NOT NULL,
    valid_to date NOT NULL,
    recorded_by uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT withholding_relief_check CHECK ((valid_to >= valid_from)),
    CONSTRAINT withholding_relief_income_check CHECK ((income = ANY (ARRAY['royalty'::text, 'service'::text]))),
    CONSTRAINT withholding_relief_number_check CHECK ((number <> ''::text)),
    CONSTRAINT withholding_relief_payer_check CHECK ((payer ~ '^[A-Z]{2}$'::text)),
    CONSTRAINT withholding_relief_rate_check CHECK ((rate ~ '^0(\.[0-9]{1,6})?$'::text))
);

ALTER TABLE ONLY settlement.withholding_relief FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.withholding_relief_end (
    relief_id uuid NOT NULL,
    organisation_id uuid NOT NULL,
    ended_by uuid NOT NULL,
    ended_at timestamp with time zone NOT NULL
);

ALTER TABLE ONLY settlement.withholding_relief_end FORCE ROW LEVEL SECURITY;

CREATE TABLE settlement.withholding_table (
    id uuid NOT NULL,
    document bytea NOT NULL,
    sha256 bytea NOT NULL,
    proposed_by uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT withholding_table_check CHECK ((sha256 = sha256(document)))
);

ALTER TABLE ONLY settlement.withholding_table FORCE ROW LEVEL SECURITY;

CREATE TABLE webhooks.attempt (
    delivery_id uuid NOT NULL,
    number integer NOT NULL,
    organisation_id uuid NOT NULL,
    at timestamp with time zone NOT NULL,
    status integer,
    ms integer NOT NULL,
    error text,
    CONSTRAINT attempt_ms_check CHECK ((ms >= 0)),
    CONSTRAINT attempt_number_check CHECK ((number >= 1))
);

ALTER TABLE ONLY webhooks.attempt FORCE ROW LEVEL SECURITY;

CREATE TABLE webhooks.cursor (
    node_id text NOT NULL,
    next_index bigint NOT NULL,
    CONSTRAINT cursor_next_index_check CHECK ((next_index >= 0))
);

ALTER TABLE ONLY webhooks.cursor FORCE ROW LEVEL SECURITY;

CREATE TABLE webhooks.delivery (
    id uuid NOT NULL,
    message_id uuid NOT NULL,
    endpoint_id uuid NOT NULL,
    organisation_id uuid NOT NULL,
    kind text NOT NULL,
    state text NOT NULL,
    step integer NOT NULL,
    attempts integer NOT NULL,
    next_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    last_at timestamp with time zone,
    last_status integer,
    last_ms integer,
    last_error text,
    CONSTRAINT delivery_check CHECK ((attempts >= step)),
    CONSTRAINT delivery_check1 CHECK (((state = ANY (ARRAY['waiting'::text, 'sending'::text])) = (next_at IS NOT NULL))),
    CONSTRAINT delivery_check2 CHECK (((state = ANY (ARRAY['delivered'::text, 'failed'::text])) = (ended_at IS NOT NULL))),
    CONSTRAINT delivery_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'sending'::text, 'delivered'::text, 'failed'::text]))),
    CONSTRAINT delivery_step_check CHECK ((step >= 0))
);

ALTER TABLE ONLY webhooks.delivery FORCE ROW LEVEL SECURITY;

CREATE TABLE webhooks.endpoint (
    id uuid NOT NULL,
    organisation_id uuid NOT NULL,
    portal text NOT NULL,
    url text NOT NULL,
    kinds text[] NOT NULL,
    label text NOT NULL,
    state text NOT NULL,
    reason text,
    created_by uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    failing_since timestamp with time zone,
    failures integer DEFAULT 0 NOT NULL,
    last_error text,
    last_ok_at timestamp with time zone,
    CONSTRAINT endpoint_check CHECK (((state = 'active'::text) = (reason IS NULL))),
    CONSTRAINT endpoint_failures_check CHECK ((failures >= 0)),
    CONSTRAINT endpoint_kinds_check CHECK ((cardinality(kinds) > 0)),
    CONSTRAINT endpoint_portal_check CHECK ((portal = ANY (ARRAY['supplier'::text, 'buyer'::text, 'assessor'::text]))),
    CONSTRAINT endpoint_reason_check CHECK ((reason = ANY (ARRAY['owner'::text, 'gone'::text, 'failing'::text]))),
    CONSTRAINT endpoint_state_check CHECK ((state = ANY (ARRAY['active'::text, 'disabled'::text, 'removed'::text]))),
    CONSTRAINT endpoint_url_check CHECK (((length(url) >= 1) AND (length(url) <= 2000)))
);

ALTER TABLE ONLY webhooks.endpoint FORCE ROW LEVEL SECURITY;

CREATE TABLE webhooks.message (
    id uuid NOT NULL,
    organisation_id uuid NOT NULL,
    portal text NOT NULL,
    kind text NOT NULL,
    node_id text NOT NULL,
    leaf_index bigint,
    body bytea NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT message_leaf_index_check CHECK ((leaf_index >= 0))
);

ALTER TABLE ONLY webhooks.message FORCE ROW LEVEL SECURITY;

CREATE TABLE webhooks.secret (
    id uuid NOT NULL,
    endpoint_id uuid NOT NULL,
    organisation_id uuid NOT NULL,
    sealed_by text NOT NULL,
    sealed bytea NOT NULL,
    kid text NOT NULL,
    public bytea NOT NULL,
    sealed_private bytea NOT NULL,
    created_at timestamp with time zone NOT NULL,
    ends_at timestamp with time zone,
    CONSTRAINT secret_public_check CHECK ((octet_length(public) = 32))
);

ALTER TABLE ONLY webhooks.secret FORCE ROW LEVEL SECURITY;

ALTER TABLE ONLY access.custom_meter
    ADD CONSTRAINT custom_meter_key_key UNIQUE (key);

ALTER TABLE ONLY access.custom_meter
    ADD CONSTRAINT custom_meter_pkey PRIMARY KEY (id);

ALTER TABLE ONLY access.grants
    ADD CONSTRAINT grants_pkey PRIMARY KEY (id);

ALTER TABLE ONLY access.lease
    ADD CONSTRAINT lease_pkey PRIMARY KEY (id);

ALTER TABLE ONLY access.quota
    ADD CONSTRAINT quota_pkey PRIMARY KEY (grant_id, meter, period_start);

ALTER TABLE ONLY access.source
    ADD CONSTRAINT source_client_id_key UNIQUE (client_id);

ALTER TABLE ONLY access.source
    ADD CONSTRAINT source_pkey PRIMARY KEY (id);

ALTER TABLE ONLY access.token
    ADD CONSTRAINT token_pkey PRIMARY KEY (id);

ALTER TABLE ONLY access.usage_aside
    ADD CONSTRAINT usage_aside_grant_id_day_meter_number_key UNIQUE (grant_id, day, meter, number);

ALTER TABLE ONLY access.usage_aside
    ADD CONSTRAINT usage_aside_pkey PRIMARY KEY (id);

ALTER TABLE ONLY access.usage_batch
    ADD CONSTRAINT usage_batch_pkey PRIMARY KEY (id);

ALTER TABLE ONLY access.usage_batch
    ADD CONSTRAINT usage_batch_source_id_key_key UNIQUE (source_id, key);

ALTER TABLE ONLY access.usage_checked
    ADD CONSTRAINT usage_checked_pkey PRIMARY KEY (day, sealed_at);

ALTER TABLE ONLY access.usage_correction
    ADD CONSTRAINT usage_correction_pkey PRIMARY KEY (day, source_id, event_id, number);

ALTER TABLE ONLY access.usage_day
    ADD CONSTRAINT usage_day_pkey PRIMARY KEY (day);

ALTER TABLE ONLY access.usage_decision
    ADD CONSTRAINT usage_decision_pkey PRIMARY KEY (aside_id);

ALTER TABLE ONLY access.usage_exception
    ADD CONSTRAINT usage_exception_pkey PRIMARY KEY (day, source_id, event_id);

ALTER TABLE ONLY access.usage_filter
    ADD CONSTRAINT usage_filter_pkey PRIMARY KEY (day);

ALTER TABLE ONLY access.usage_late
    ADD CONSTRAINT usage_late_pkey PRIMARY KEY (day, source_id, event_id);

ALTER TABLE ONLY access.usage_rollup
    ADD CONSTRAINT usage_rollup_pkey PRIMARY KEY (grant_id, meter, quarter);

ALTER TABLE ONLY access.usage_seal
    ADD CONSTRAINT usage_seal_pkey PRIMARY KEY (grant_id, day, source_id, part);

ALTER TABLE ONLY catalog.asset
    ADD CONSTRAINT asset_pkey PRIMARY KEY (id);

ALTER TABLE ONLY catalog.asset
    ADD CONSTRAINT asset_revision_id_path_key UNIQUE (revision_id, path);

ALTER TABLE ONLY catalog.asset
    ADD CONSTRAINT asset_revision_id_position_key UNIQUE (revision_id, "position");

ALTER TABLE ONLY catalog.dataset
    ADD CONSTRAINT dataset_pkey PRIMARY KEY (id);

ALTER TABLE ONLY catalog.listing
    ADD CONSTRAINT listing_pkey PRIMARY KEY (id);

ALTER TABLE ONLY catalog.offer_audience
    ADD CONSTRAINT offer_audience_pkey PRIMARY KEY (offer_id, organisation_id);

ALTER TABLE ONLY catalog.offer
    ADD CONSTRAINT offer_listing_id_code_version_key UNIQUE (listing_id, code, version);

ALTER TABLE ONLY catalog.offer
    ADD CONSTRAINT offer_pkey PRIMARY KEY (id);

ALTER TABLE ONLY catalog.offer_standing
    ADD CONSTRAINT offer_standing_pkey PRIMARY KEY (offer_id);

ALTER TABLE ONLY catalog.people_declaration
    ADD CONSTRAINT people_declaration_dataset_id_number_key UNIQUE (dataset_id, number);

ALTER TABLE ONLY catalog.people_declaration
    ADD CONSTRAINT people_declaration_pkey PRIMARY KEY (id);

ALTER TABLE ONLY catalog.plan
    ADD CONSTRAINT plan_pkey PRIMARY KEY (id);

ALTER TABLE ONLY catalog.plan_standing
    ADD CONSTRAINT plan_standing_pkey PRIMARY KEY (plan_id);

ALTER TABLE ONLY catalog.plan
    ADD CONSTRAINT plan_supplier_id_code_version_key UNIQUE (supplier_id, code, version);

ALTER TABLE ONLY catalog.revision
    ADD CONSTRAINT revision_dataset_id_number_key UNIQUE (dataset_id, number);

ALTER TABLE ONLY catalog.revision
    ADD CONSTRAINT revision_pkey PRIMARY KEY (id);

ALTER TABLE ONLY catalog.revision
    ADD CONSTRAINT revision_sha256_key UNIQUE (sha256);

ALTER TABLE ONLY catalog.upload
    ADD CONSTRAINT upload_pkey PRIMARY KEY (id);

ALTER TABLE ONLY compliance.audit_entry
    ADD CONSTRAINT audit_entry_pkey PRIMARY KEY (seq);

ALTER TABLE ONLY compliance.audit_leaf
    ADD CONSTRAINT audit_leaf_entry_seq_key UNIQUE (entry_seq);

ALTER TABLE ONLY compliance.audit_leaf
    ADD CONSTRAINT audit_leaf_pkey PRIMARY KEY (node_id, leaf_index);

ALTER TABLE ONLY compliance.checkpoint
    ADD CONSTRAINT checkpoint_pkey PRIMARY KEY (node_id, size);

ALTER TABLE ONLY compliance.cosignature
    ADD CONSTRAINT cosignature_pkey PRIMARY KEY (node_id, size, witness_id);

ALTER TABLE ONLY compliance.directive_answer
    ADD CONSTRAINT directive_answer_pkey PRIMARY KEY (id);

ALTER TABLE ONLY compliance.directive_deferral
    ADD CONSTRAINT directive_deferral_pkey PRIMARY KEY (directive_id, place);

ALTER TABLE ONLY compliance.directive_file
    ADD CONSTRAINT directive_file_pkey PRIMARY KEY (id);

ALTER TABLE ONLY compliance.directive_notice
    ADD CONSTRAINT directive_notice_directive_id_organisation_id_key UNIQUE (directive_id, organisation_id);

ALTER TABLE ONLY compliance.directive_notice
    ADD CONSTRAINT directive_notice_pkey PRIMARY KEY (id);

ALTER TABLE ONLY compliance.directive
    ADD CONSTRAINT directive_pkey PRIMARY KEY (id);

ALTER TABLE ONLY compliance.directive_rule
    ADD CONSTRAINT directive_rule_pkey PRIMARY KEY (directive_id, "position");

ALTER TABLE ONLY compliance.directive_target
    ADD CONSTRAINT directive_target_pkey PRIMARY KEY (directive_id, "position");

ALTER TABLE ONLY compliance.export_bundle
    ADD CONSTRAINT export_bundle_pkey PRIMARY KEY (bundle);

ALTER TABLE ONLY compliance.export_object
    ADD CONSTRAINT export_object_pkey PRIMARY KEY (closure, object_id);

ALTER TABLE ONLY compliance.export_part
    ADD CONSTRAINT export_part_pkey PRIMARY KEY (bundle, number, member);

ALTER TABLE ONLY compliance.export
    ADD CONSTRAINT export_pkey PRIMARY KEY (id);

ALTER TABLE ONLY compliance.export_subject
    ADD CONSTRAINT export_subject_pkey PRIMARY KEY (export_id, subject_id);

ALTER TABLE ONLY compliance.log_state
    ADD CONSTRAINT log_state_pkey PRIMARY KEY (node_id);

ALTER TABLE ONLY compliance.processing_record
    ADD CONSTRAINT processing_record_pkey PRIMARY KEY (number);

ALTER TABLE ONLY compliance.report
    ADD CONSTRAINT report_pkey PRIMARY KEY (id);

ALTER TABLE ONLY compliance.salt
    ADD CONSTRAINT salt_pkey PRIMARY KEY (entry_id, name);

ALTER TABLE ONLY compliance.sample
    ADD CONSTRAINT sample_pkey PRIMARY KEY (id);

ALTER TABLE ONLY compliance.sample_result
    ADD CONSTRAINT sample_result_pkey PRIMARY KEY (sample_id);

ALTER TABLE ONLY compliance.sealed
    ADD CONSTRAINT sealed_pkey PRIMARY KEY (entry_id, subject_id);

ALTER TABLE ONLY compliance.subject
    ADD CONSTRAINT subject_pkey PRIMARY KEY (id);

ALTER TABLE ONLY compliance.tile
    ADD CONSTRAINT tile_pkey PRIMARY KEY (node_id, level, number);

ALTER TABLE ONLY compliance.witness_fault
    ADD CONSTRAINT witness_fault_pkey PRIMARY KEY (id);

ALTER TABLE ONLY compliance.witness_fault
    ADD CONSTRAINT witness_fault_witness_id_kind_key UNIQUE (witness_id, kind);

ALTER TABLE ONLY compliance.witness
    ADD CONSTRAINT witness_pkey PRIMARY KEY (id);

ALTER TABLE ONLY contracts.agreement_event
    ADD CONSTRAINT agreement_event_pkey PRIMARY KEY (id);

ALTER TABLE ONLY contracts.agreement
    ADD CONSTRAINT agreement_pkey PRIMARY KEY (id);

ALTER TABLE ONLY contracts.auction_award
    ADD CONSTRAINT auction_award_auction_id_key UNIQUE (auction_id);

ALTER TABLE ONLY contracts.auction_award
    ADD CONSTRAINT auction_award_pkey PRIMARY KEY (id);

ALTER TABLE ONLY contracts.auction_bid
    ADD CONSTRAINT auction_bid_id_key UNIQUE (id);

ALTER TABLE ONLY contracts.auction_bid
    ADD CONSTRAINT auction_bid_pkey PRIMARY KEY (seq);

ALTER TABLE ONLY contracts.auction
    ADD CONSTRAINT auction_pkey PRIMARY KEY (id);

ALTER TABLE ONLY contracts.auction_reserve
    ADD CONSTRAINT auction_reserve_pkey PRIMARY KEY (auction_id);

ALTER TABLE ONLY contracts.auction_tally
    ADD CONSTRAINT auction_tally_pkey PRIMARY KEY (auction_id, "position");

ALTER TABLE ONLY contracts.breach_notice
    ADD CONSTRAINT breach_notice_check_id_grant_id_key UNIQUE (check_id, grant_id);

ALTER TABLE ONLY contracts.breach_notice
    ADD CONSTRAINT breach_notice_pkey PRIMARY KEY (id);

ALTER TABLE ONLY contracts.chain_end
    ADD CONSTRAINT chain_end_pkey PRIMARY KEY (right_id);

ALTER TABLE ONLY contracts.chain_right
    ADD CONSTRAINT chain_right_dataset_id_sha256_key UNIQUE (dataset_id, sha256);

ALTER TABLE ONLY contracts.chain_right
    ADD CONSTRAINT chain_right_pkey PRIMARY KEY (id);

ALTER TABLE ONLY contracts.chain_trace
    ADD CONSTRAINT chain_trace_pkey PRIMARY KEY (right_id, asset_sha256);

ALTER TABLE ONLY contracts.data_contract_check
    ADD CONSTRAINT data_contract_check_pkey PRIMARY KEY (id);

ALTER TABLE ONLY contracts.data_contract_check
    ADD CONSTRAINT data_contract_check_revision_id_key UNIQUE (revision_id);

ALTER TABLE ONLY contracts.data_contract
    ADD CONSTRAINT data_contract_dataset_id_number_key UNIQUE (dataset_id, number);

ALTER TABLE ONLY contracts.data_contract
    ADD CONSTRAINT data_contract_pkey PRIMARY KEY (id);

ALTER TABLE ONLY contracts.event_end
    ADD CONSTRAINT event_end_pkey PRIMARY KEY (id);

ALTER TABLE ONLY contracts.event_force
    ADD CONSTRAINT event_force_agreement_id_number_key UNIQUE (agreement_id, number);

ALTER TABLE ONLY contracts.event_force
    ADD CONSTRAINT event_force_pkey PRIMARY KEY (id);

ALTER TABLE ONLY contracts.kept_key
    ADD CONSTRAINT kept_key_id_key UNIQUE (id);

ALTER TABLE ONLY contracts.kept_key
    ADD CONSTRAINT kept_key_pkey PRIMARY KEY (organisation_id);

ALTER TABLE ONLY contracts.key_retirement
    ADD CONSTRAINT key_retirement_pkey PRIMARY KEY (id);

ALTER TABLE ONLY contracts.measurement_agreed
    ADD CONSTRAINT measurement_agreed_grant_id_component_key UNIQUE (grant_id, component);

ALTER TABLE ONLY contracts.measurement_agreed
    ADD CONSTRAINT measurement_agreed_pkey PRIMARY KEY (id);

ALTER TABLE ONLY contracts.measurement_answer
    ADD CONSTRAINT measurement_answer_measurement_id_organisation_id_answer_key UNIQUE (measurement_id, organisation_id, answer);

ALTER TABLE ONLY contracts.measurement_answer
    ADD CONSTRAINT measurement_answer_pkey PRIMARY KEY (id);

ALTER TABLE ONLY contracts.measurement
    ADD CONSTRAINT measurement_pkey PRIMARY KEY (id);

ALTER TABLE ONLY contracts.milestone_answer
    ADD CONSTRAINT milestone_answer_pkey PRIMARY KEY (report_id);

ALTER TABLE ONLY contracts.milestone_drop
    ADD CONSTRAINT milestone_drop_pkey PRIMARY KEY (grant_id, component);

ALTER TABLE ONLY contracts.milestone_report
    ADD CONSTRAINT milestone_report_grant_id_component_number_key UNIQUE (grant_id, component, number);

ALTER TABLE ONLY contracts.milestone_report
    ADD CONSTRAINT milestone_report_pkey PRIMARY KEY (id);

ALTER TABLE ONLY contracts.negotiation_message
    ADD CONSTRAINT negotiation_message_negotiation_id_number_key UNIQUE (negotiation_id, number);

ALTER TABLE ONLY contracts.negotiation_message
    ADD CONSTRAINT negotiation_message_pkey PRIMARY KEY (id);

ALTER TABLE ONLY contracts.negotiation
    ADD CONSTRAINT negotiation_pkey PRIMARY KEY (id);

ALTER TABLE ONLY contracts.obligation
    ADD CONSTRAINT obligation_agreement_id_path_number_key UNIQUE (agreement_id, path, number);

ALTER TABLE ONLY contracts.obligation_evidence
    ADD CONSTRAINT obligation_evidence_pkey PRIMARY KEY (id);

ALTER TABLE ONLY contracts.obligation_notice
    ADD CONSTRAINT obligation_notice_obligation_id_organisation_id_kind_due_at_key UNIQUE (obligation_id, organisation_id, kind, due_at);

ALTER TABLE ONLY contracts.obligation_notice
    ADD CONSTRAINT obligation_notice_pkey PRIMARY KEY (id);

ALTER TABLE ONLY contracts.obligation
    ADD CONSTRAINT obligation_pkey PRIMARY KEY (id);

ALTER TABLE ONLY contracts.obligation_plan
    ADD CONSTRAINT obligation_plan_pkey PRIMARY KEY (agreement_id);

ALTER TABLE ONLY contracts.obligation_step
    ADD CONSTRAINT obligation_step_pkey PRIMARY KEY (id);

ALTER TABLE ONLY contracts.organisation_key
    ADD CONSTRAINT organisation_key_kid_key UNIQUE (kid);

ALTER TABLE ONLY contracts.organisation_key
    ADD CONSTRAINT organisation_key_pkey PRIMARY KEY (id);

ALTER TABLE ONLY contracts.question
    ADD CONSTRAINT question_pkey PRIMARY KEY (id);

ALTER TABLE ONLY contracts.quote
    ADD CONSTRAINT quote_pkey PRIMARY KEY (id);

ALTER TABLE ONLY contracts.rights_notice
    ADD CONSTRAINT rights_notice_pkey PRIMARY KEY (id);

ALTER TABLE ONLY contracts.rights_notice
    ADD CONSTRAINT rights_notice_right_id_grant_id_key UNIQUE (right_id, grant_id);

ALTER TABLE ONLY contracts.rights_summary
    ADD CONSTRAINT rights_summary_pkey PRIMARY KEY (dataset_id);

ALTER TABLE ONLY contracts.signature
    ADD CONSTRAINT signature_object_id_role_kept_key UNIQUE (object_id, role, kept);

ALTER TABLE ONLY contracts.signature
    ADD CONSTRAINT signature_pkey PRIMARY KEY (id);

ALTER TABLE ONLY contracts.signing_mark
    ADD CONSTRAINT signing_mark_pkey PRIMARY KEY (id);

ALTER TABLE ONLY kernel.idempotency
    ADD CONSTRAINT idempotency_pkey PRIMARY KEY (organisation_id, key);

ALTER TABLE ONLY kernel.job
    ADD CONSTRAINT job_kind_dedupe_key_key UNIQUE (kind, dedupe_key);

ALTER TABLE ONLY kernel.job
    ADD CONSTRAINT job_pkey PRIMARY KEY (id);

ALTER TABLE ONLY kernel.party
    ADD CONSTRAINT party_pkey PRIMARY KEY (object_id, organisation_id, role);

ALTER TABLE ONLY kernel.public_key
    ADD CONSTRAINT public_key_pkey PRIMARY KEY (kid);

ALTER TABLE ONLY parties.client
    ADD CONSTRAINT client_pkey PRIMARY KEY (id);

ALTER TABLE ONLY parties.decision
    ADD CONSTRAINT decision_pkey PRIMARY KEY (id);

ALTER TABLE ONLY parties.evidence
    ADD CONSTRAINT evidence_pkey PRIMARY KEY (id);

ALTER TABLE ONLY parties.identifier
    ADD CONSTRAINT identifier_pkey PRIMARY KEY (organisation_id, scheme);

ALTER TABLE ONLY parties.member
    ADD CONSTRAINT member_pkey PRIMARY KEY (id);

ALTER TABLE ONLY parties.organisation
    ADD CONSTRAINT organisation_pkey PRIMARY KEY (id);

ALTER TABLE ONLY parties.person
    ADD CONSTRAINT person_pkey PRIMARY KEY (member_id);

ALTER TABLE ONLY parties.profile
    ADD CONSTRAINT profile_pkey PRIMARY KEY (organisation_id, version);

ALTER TABLE ONLY parties.revoked_token
    ADD CONSTRAINT revoked_token_pkey PRIMARY KEY (jti);

ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);

ALTER TABLE ONLY quality.assessment
    ADD CONSTRAINT assessment_pkey PRIMARY KEY (id);

ALTER TABLE ONLY quality.certificate
    ADD CONSTRAINT certificate_assessment_id_key UNIQUE (assessment_id);

ALTER TABLE ONLY quality.certificate
    ADD CONSTRAINT certificate_pkey PRIMARY KEY (id);

ALTER TABLE ONLY quality.disclosure
    ADD CONSTRAINT disclosure_pkey PRIMARY KEY (scorecard_id);

ALTER TABLE ONLY quality.scorecard
    ADD CONSTRAINT scorecard_pkey PRIMARY KEY (id);

ALTER TABLE ONLY quality.scorecard
    ADD CONSTRAINT scorecard_revision_id_method_key UNIQUE (revision_id, method);

ALTER TABLE ONLY settlement.acceptance
    ADD CONSTRAINT acceptance_order_id_said_key UNIQUE (order_id, said);

ALTER TABLE ONLY settlement.acceptance
    ADD CONSTRAINT acceptance_pkey PRIMARY KEY (id);

ALTER TABLE ONLY settlement.account
    ADD CONSTRAINT account_organisation_id_kind_currency_key UNIQUE NULLS NOT DISTINCT (organisation_id, kind, currency);

ALTER TABLE ONLY settlement.account_period
    ADD CONSTRAINT account_period_pkey PRIMARY KEY (account_id, period_end);

ALTER TABLE ONLY settlement.account
    ADD CONSTRAINT account_pkey PRIMARY KEY (id);

ALTER TABLE ONLY settlement.approval
    ADD CONSTRAINT approval_pkey PRIMARY KEY (id);

ALTER TABLE ONLY settlement.balance
    ADD CONSTRAINT balance_pkey PRIMARY KEY (account_id);

ALTER TABLE ONLY settlement.bank_account
    ADD CONSTRAINT bank_account_pkey PRIMARY KEY (id);

ALTER TABLE ONLY settlement.bank_entry
    ADD CONSTRAINT bank_entry_once UNIQUE NULLS NOT DISTINCT (entry_ref, account_id);

ALTER TABLE ONLY settlement.bank_entry
    ADD CONSTRAINT bank_entry_pkey PRIMARY KEY (id);

ALTER TABLE ONLY settlement.bank_statement
    ADD CONSTRAINT bank_statement_account_id_reference_key UNIQUE (account_id, reference);

ALTER TABLE ONLY settlement.bank_statement
    ADD CONSTRAINT bank_statement_pkey PRIMARY KEY (id);

ALTER TABLE ONLY settlement.buyer_claim
    ADD CONSTRAINT buyer_claim_mandate_id_buyer_id_key UNIQUE (mandate_id, buyer_id);

ALTER TABLE ONLY settlement.buyer_claim
    ADD CONSTRAINT buyer_claim_pkey PRIMARY KEY (id);

ALTER TABLE ONLY settlement.call_pace
    ADD CONSTRAINT call_pace_pkey PRIMARY KEY (name);

ALTER TABLE ONLY settlement.card_refund
    ADD CONSTRAINT card_refund_pkey PRIMARY KEY (id);

ALTER TABLE ONLY settlement.card_refund
    ADD CONSTRAINT card_refund_provider_ref_key UNIQUE (provider_ref);

ALTER TABLE ONLY settlement.charge
    ADD CONSTRAINT charge_grant_id_component_period_index_run_id_key UNIQUE (grant_id, component, period_index, run_id);

ALTER TABLE ONLY settlement.charge
    ADD CONSTRAINT charge_pkey PRIMARY KEY (id);

ALTER TABLE ONLY settlement.chargeback
    ADD CONSTRAINT chargeback_pkey PRIMARY KEY (id);

ALTER TABLE ONLY settlement.chargeback
    ADD CONSTRAINT chargeback_provider_ref_key UNIQUE (provider_ref);

ALTER TABLE ONLY settlement.chart
    ADD CONSTRAINT chart_pkey PRIMARY KEY (version);

ALTER TABLE ONLY settlement.closed_period
    ADD CONSTRAINT closed_period_pkey PRIMARY KEY (currency, period_end);

ALTER TABLE ONLY settlement.conversion
    ADD CONSTRAINT conversion_pkey PRIMARY KEY (id);

ALTER TABLE ONLY settlement.credit_line
    ADD CONSTRAINT credit_line_pkey PRIMARY KEY (id);

ALTER TABLE ONLY settlement.credit_order
    ADD CONSTRAINT credit_order_pkey PRIMARY KEY (order_id);

ALTER TABLE ONLY settlement.dispute_evidence
    ADD CONSTRAINT dispute_evidence_pkey PRIMARY KEY (id);

ALTER TABLE ONLY settlement.dispute_fact
    ADD CONSTRAINT dispute_fact_dispute_id_number_key UNIQUE (dispute_id, number);

ALTER TABLE ONLY settlement.dispute_fact
    ADD CONSTRAINT dispute_fact_pkey PRIMARY KEY (id);

ALTER TABLE ONLY settlement.dispute_hold
    ADD CONSTRAINT dispute_hold_pkey PRIMARY KEY (hold_id);

ALTER TABLE ONLY settlement.dispute_money
    ADD CONSTRAINT dispute_money_pkey PRIMARY KEY (id);

ALTER TABLE ONLY settlement.dispute
    ADD CONSTRAINT dispute_pkey PRIMARY KEY (id);

ALTER TABLE ONLY settlement.dispute_stop
    ADD CONSTRAINT dispute_stop_pkey PRIMARY KEY (dispute_id, organisation_id);

ALTER TABLE ONLY settlement.due
    ADD CONSTRAINT due_pkey PRIMARY KEY (id);

ALTER TABLE ONLY settlement.dunning_case
    ADD CONSTRAINT dunning_case_pkey PRIMARY KEY (id);

ALTER TABLE ONLY settlement.dunning_grant
    ADD CONSTRAINT dunning_grant_pkey PRIMARY KEY (id);

ALTER TABLE ONLY settlement.dunning_notice
    ADD CONSTRAINT dunning_notice_pkey PRIMARY KEY (id);

ALTER TABLE ONLY settlement.efapiao_codes
    ADD CONSTRAINT efapiao_codes_pkey PRIMARY KEY (version);

ALTER TABLE ONLY settlement.efapiao_confirmation
    ADD CONSTRAINT efapiao_confirmation_number_key UNIQUE (number);

ALTER TABLE ONLY settlement.efapiao_confirmation
    ADD CONSTRAINT efapiao_confirmation_pkey PRIMARY KEY (id);

ALTER TABLE ONLY settlement.efapiao_export
    ADD CONSTRAINT efapiao_export_pkey PRIMARY KEY (id);

ALTER TABLE ONLY settlement.efapiao_number
    ADD CONSTRAINT efapiao_number_number_key UNIQUE (number);

ALTER TABLE ONLY settlement.efapiao_number
    ADD CONSTRAINT efapiao_number_pkey PRIMARY KEY (id);

ALTER TABLE ONLY settlement.efapiao
    ADD CONSTRAINT efapiao_pkey PRIMARY KEY (id);

ALTER TABLE ONLY settlement.event_cursor
    ADD CONSTRAINT event_cursor_pkey PRIMARY KEY (account);

ALTER TABLE ONLY settlement.fiscal_document
    ADD CONSTRAINT fiscal_document_pkey PRIMARY KEY (id);

ALTER TABLE ONLY settlement.fiscal_document
    ADD CONSTRAINT fiscal_document_series_number_key UNIQUE (series, number);

ALTER TABLE ONLY settlement.fiscal_missing
    ADD CONSTRAINT fiscal_missing_pkey PRIMARY KEY (id);

ALTER TABLE ONLY settlement.fiscal_source
    ADD CONSTRAINT fiscal_source_pkey PRIMARY KEY (source_id, about, payee_id);

ALTER TABLE ONLY settlement.hold_end
    ADD CONSTRAINT hold_end_pkey PRIMARY KEY (hold_id);

ALTER TABLE ONLY settlement.hold_open
    ADD CONSTRAINT hold_open_pkey PRIMARY KEY (hold_id);

ALTER TABLE ONLY settlement.hold
    ADD CONSTRAINT hold_pkey PRIMARY KEY (id);

ALTER TABLE ONLY settlement.introduced_sale
    ADD CONSTRAINT introduced_sale_pkey PRIMARY KEY (sale_id);

ALTER TABLE ONLY settlement.invoice_line
    ADD CONSTRAINT invoice_line_pkey PRIMARY KEY (invoice_id, line);

ALTER TABLE ONLY settlement.invoice_line
    ADD CONSTRAINT invoice_line_source_kind_source_id_key UNIQUE (source_kind, source_id);

ALTER TABLE ONLY settlement.invoice
    ADD CONSTRAINT invoice_pkey PRIMARY KEY (id);

ALTER TABLE ONLY settlement.invoice
    ADD CONSTRAINT invoice_run_id_seller_id_buyer_id_key UNIQUE (run_id, seller_id, buyer_id);

ALTER TABLE ONLY settlement.invoice
    ADD CONSTRAINT invoice_series_number_key UNIQUE (series, number);

ALTER TABLE ONLY settlement.journal
    ADD CONSTRAINT journal_kind_source_id_key UNIQUE (kind, source_id);

ALTER TABLE ONLY settlement.journal
    ADD CONSTRAINT journal_pkey PRIMARY KEY (id);

ALTER TABLE ONLY settlement.kept_method
    ADD CONSTRAINT kept_method_pkey PRIMARY KEY (id);

ALTER TABLE ONLY settlement.kept_method
    ADD CONSTRAINT kept_method_provider_ref_key UNIQUE (provider_ref);

ALTER TABLE ONLY settlement.kept_method
    ADD CONSTRAINT kept_method_setup_ref_key UNIQUE (setup_ref);

ALTER TABLE ONLY settlement.mandate_end
    ADD CONSTRAINT mandate_end_pkey PRIMARY KEY (mandate_id);

ALTER TABLE ONLY settlement.mandate
    ADD CONSTRAINT mandate_pkey PRIMARY KEY (id);

ALTER TABLE ONLY settlement.milestone_escrow
    ADD CONSTRAINT milestone_escrow_hold_id_key UNIQUE (hold_id);

ALTER TABLE ONLY settlement.milestone_escrow
    ADD CONSTRAINT milestone_escrow_pkey PRIMARY KEY (order_id, component);

ALTER TABLE ONLY settlement.money_proof
    ADD CONSTRAINT money_proof_pkey PRIMARY KEY (id);

ALTER TABLE ONLY settlement.open_item
    ADD CONSTRAINT open_item_pkey PRIMARY KEY (id);

ALTER TABLE ONLY settlement.open_order
    ADD CONSTRAINT open_order_pkey PRIMARY KEY (order_id);

ALTER TABLE ONLY settlement.orders
    ADD CONSTRAINT orders_pkey PRIMARY KEY (id);

ALTER TABLE ONLY settlement.own_sweep
    ADD CONSTRAINT own_sweep_pkey PRIMARY KEY (id);

ALTER TABLE ONLY settlement.payment
    ADD CONSTRAINT payment_pkey PRIMARY KEY (id);

ALTER TABLE ONLY settlement.payment
    ADD CONSTRAINT payment_provider_ref_key UNIQUE (provider_ref);

ALTER TABLE ONLY settlement.payment
    ADD CONSTRAINT payment_session_ref_key UNIQUE (session_ref);

ALTER TABLE ONLY settlement.payout_account
    ADD CONSTRAINT payout_account_destination_key UNIQUE (destination);

ALTER TABLE ONLY settlement.payout_account
    ADD CONSTRAINT payout_account_pkey PRIMARY KEY (organisation_id, rail);

ALTER TABLE ONLY settlement.payout
    ADD CONSTRAINT payout_bank_ref_key UNIQUE (bank_ref);

ALTER TABLE ONLY settlement.payout_batch_item
    ADD CONSTRAINT payout_batch_item_pkey PRIMARY KEY (batch_id, payout_id);

ALTER TABLE ONLY settlement.payout_batch
    ADD CONSTRAINT payout_batch_pkey PRIMARY KEY (id);

ALTER TABLE ONLY settlement.payout_destination
    ADD CONSTRAINT payout_destination_organisation_id_scheme_version_key UNIQUE (organisation_id, scheme, version);

ALTER TABLE ONLY settlement.payout_destination
    ADD CONSTRAINT payout_destination_pkey PRIMARY KEY (id);

ALTER TABLE ONLY settlement.payout
    ADD CONSTRAINT payout_pkey PRIMARY KEY (id);

ALTER TABLE ONLY settlement.payout
    ADD CONSTRAINT payout_provider_ref_key UNIQUE (provider_ref);

ALTER TABLE ONLY settlement.pool_distribution
    ADD CONSTRAINT pool_distribution_currency_month_key UNIQUE (currency, month);

ALTER TABLE ONLY settlement.pool_distribution
    ADD CONSTRAINT pool_distribution_pkey PRIMARY KEY (id);

ALTER TABLE ONLY settlement.pool_policy
    ADD CONSTRAINT pool_policy_currency_version_key UNIQUE (currency, version);

ALTER TABLE ONLY settlement.pool_policy
    ADD CONSTRAINT pool_policy_pkey PRIMARY KEY (id);

ALTER TABLE ONLY settlement.pool_share
    ADD CONSTRAINT pool_share_pkey PRIMARY KEY (distribution_id, organisation_id);

ALTER TABLE ONLY settlement.position_limit
    ADD CONSTRAINT position_limit_pkey PRIMARY KEY (id);

ALTER TABLE ONLY settlement.posting
    ADD CONSTRAINT posting_pkey PRIMARY KEY (journal_id, line);

ALTER TABLE ONLY settlement.preview_line
    ADD CONSTRAINT preview_line_pkey PRIMARY KEY (preview_id, part, "position");

ALTER TABLE ONLY settlement.preview
    ADD CONSTRAINT preview_pkey PRIMARY KEY (id);

ALTER TABLE ONLY settlement.provider_call
    ADD CONSTRAINT provider_call_key_key UNIQUE (key);

ALTER TABLE ONLY settlement.provider_call
    ADD CONSTRAINT provider_call_kind_object_id_step_key UNIQUE (kind, object_id, step);

ALTER TABLE ONLY settlement.provider_call
    ADD CONSTRAINT provider_call_pkey PRIMARY KEY (id);

ALTER TABLE ONLY settlement.provider_customer
    ADD CONSTRAINT provider_customer_pkey PRIMARY KEY (organisation_id);

ALTER TABLE ONLY settlement.provider_customer
    ADD CONSTRAINT provider_customer_provider_ref_key UNIQUE (provider_ref);

ALTER TABLE ONLY settlement.rate
    ADD CONSTRAINT rate_pkey PRIMARY KEY (id);

ALTER TABLE ONLY settlement.rate
    ADD CONSTRAINT rate_sell_buy_valid_from_key UNIQUE (sell, buy, valid_from);

ALTER TABLE ONLY settlement.recon_cursor
    ADD CONSTRAINT recon_cursor_pkey PRIMARY KEY (provider, account, currency);

ALTER TABLE ONLY settlement.recon_done
    ADD CONSTRAINT recon_done_pkey PRIMARY KEY (provider, txn_id);

ALTER TABLE ONLY settlement.recon_item
    ADD CONSTRAINT recon_item_pkey PRIMARY KEY (provider, txn_id);

ALTER TABLE ONLY settlement.recon_journal
    ADD CONSTRAINT recon_journal_pkey PRIMARY KEY (journal_id);

ALTER TABLE ONLY settlement.recon_open
    ADD CONSTRAINT recon_open_pkey PRIMARY KEY (provider, txn_id);

ALTER TABLE ONLY settlement.recon_resolution
    ADD CONSTRAINT recon_resolution_pkey PRIMARY KEY (id);

ALTER TABLE ONLY settlement.record_digests
    ADD CONSTRAINT record_digests_pkey PRIMARY KEY (revision_id, part, number);

ALTER TABLE ONLY settlement.record_set
    ADD CONSTRAINT record_set_pkey PRIMARY KEY (revision_id);

ALTER TABLE ONLY settlement.recovery
    ADD CONSTRAINT recovery_pkey PRIMARY KEY (id);

ALTER TABLE ONLY settlement.recovery
    ADD CONSTRAINT recovery_provider_ref_key UNIQUE (provider_ref);

ALTER TABLE ONLY settlement.refund
    ADD CONSTRAINT refund_pkey PRIMARY KEY (id);

ALTER TABLE ONLY settlement.refund
    ADD CONSTRAINT refund_source_id_number_key UNIQUE (source_id, number);

ALTER TABLE ONLY settlement.run_item
    ADD CONSTRAINT run_item_pkey PRIMARY KEY (id);

ALTER TABLE ONLY settlement.run_item
    ADD CONSTRAINT run_item_run_id_side_organisation_id_key UNIQUE (run_id, side, organisation_id);

ALTER TABLE ONLY settlement.run
    ADD CONSTRAINT run_numbered UNIQUE NULLS NOT DISTINCT (period_start, period_end, currency, region, number);

ALTER TABLE ONLY settlement.run
    ADD CONSTRAINT run_pkey PRIMARY KEY (id);

ALTER TABLE ONLY settlement.self_billing_end
    ADD CONSTRAINT self_billing_end_pkey PRIMARY KEY (agreement_id);

ALTER TABLE ONLY settlement.self_billing
    ADD CONSTRAINT self_billing_pkey PRIMARY KEY (id);

ALTER TABLE ONLY settlement.seller_report
    ADD CONSTRAINT seller_report_kind_period_currency_number_key UNIQUE (kind, period, currency, number);

ALTER TABLE ONLY settlement.seller_report
    ADD CONSTRAINT seller_report_pkey PRIMARY KEY (id);

ALTER TABLE ONLY settlement.series
    ADD CONSTRAINT series_pkey PRIMARY KEY (name);

ALTER TABLE ONLY settlement.service_credit
    ADD CONSTRAINT service_credit_cause_id_grant_id_key UNIQUE (cause_id, grant_id);

ALTER TABLE ONLY settlement.service_credit
    ADD CONSTRAINT service_credit_pkey PRIMARY KEY (id);

ALTER TABLE ONLY settlement.split_booked
    ADD CONSTRAINT split_booked_pkey PRIMARY KEY (id);

ALTER TABLE ONLY settlement.split_booked
    ADD CONSTRAINT split_booked_rule_id_step_period_role_organisation_id_run_s_key UNIQUE NULLS NOT DISTINCT (rule_id, step, period, role, organisation_id, run_seq);

ALTER TABLE ONLY settlement.split_guarantee
    ADD CONSTRAINT split_guarantee_dataset_id_code_step_period_organisation_id_key UNIQUE (dataset_id, code, step, period, organisation_id, number);

ALTER TABLE ONLY settlement.split_guarantee
    ADD CONSTRAINT split_guarantee_pkey PRIMARY KEY (id);

ALTER TABLE ONLY settlement.split_level
    ADD CONSTRAINT split_level_pkey PRIMARY KEY (rule_id, per, period, run_seq);

ALTER TABLE ONLY settlement.split_minimum
    ADD CONSTRAINT split_minimum_pkey PRIMARY KEY (id);

ALTER TABLE ONLY settlement.split_minimum
    ADD CONSTRAINT split_minimum_role_valid_from_key UNIQUE (role, valid_from);

ALTER TABLE ONLY settlement.split_payee
    ADD CONSTRAINT split_payee_pkey PRIMARY KEY (rule_id, organisation_id);

ALTER TABLE ONLY settlement.split_promise_accepted
    ADD CONSTRAINT split_promise_accepted_pkey PRIMARY KEY (rule_id);

ALTER TABLE ONLY settlement.split_promise
    ADD CONSTRAINT split_promise_pkey PRIMARY KEY (rule_id, step);

ALTER TABLE ONLY settlement.split_rule
    ADD CONSTRAINT split_rule_dataset_id_code_version_key UNIQUE (dataset_id, code, version);

ALTER TABLE ONLY settlement.split_rule
    ADD CONSTRAINT split_rule_pkey PRIMARY KEY (id);

ALTER TABLE ONLY settlement.split_run
    ADD CONSTRAINT split_run_pkey PRIMARY KEY (id);

ALTER TABLE ONLY settlement.split_run
    ADD CONSTRAINT split_run_seq_key UNIQUE (seq);

ALTER TABLE ONLY settlement.split_source
    ADD CONSTRAINT split_source_pkey PRIMARY KEY (journal_id, line);

ALTER TABLE ONLY settlement.stated_balance
    ADD CONSTRAINT stated_balance_pkey PRIMARY KEY (id);

ALTER TABLE ONLY settlement.statement_line
    ADD CONSTRAINT statement_line_journal_id_posting_line_key UNIQUE (journal_id, posting_line);

ALTER TABLE ONLY settlement.statement_line
    ADD CONSTRAINT statement_line_pkey PRIMARY KEY (statement_id, line);

ALTER TABLE ONLY settlement.statement
    ADD CONSTRAINT statement_organisation_id_currency_number_key UNIQUE (organisation_id, currency, number);

ALTER TABLE ONLY settlement.statement
    ADD CONSTRAINT statement_pkey PRIMARY KEY (id);

ALTER TABLE ONLY settlement.statement
    ADD CONSTRAINT statement_run_id_organisation_id_currency_key UNIQUE (run_id, organisation_id, currency);

ALTER TABLE ONLY settlement.stripe_event
    ADD CONSTRAINT stripe_event_pkey PRIMARY KEY (id);

ALTER TABLE ONLY settlement.weight_answer
    ADD CONSTRAINT weight_answer_pkey PRIMARY KEY (order_id, organisation_id);

ALTER TABLE ONLY settlement.weight_member
    ADD CONSTRAINT weight_member_pkey PRIMARY KEY (order_id, organisation_id);

ALTER TABLE ONLY settlement.weight_order
    ADD CONSTRAINT weight_order_pkey PRIMARY KEY (id);

ALTER TABLE ONLY settlement.weight_vector
    ADD CONSTRAINT weight_vector_ordered_by_subject_version_key UNIQUE (ordered_by, subject, version);

ALTER TABLE ONLY settlement.weight_vector
    ADD CONSTRAINT weight_vector_pkey PRIMARY KEY (order_id);

ALTER TABLE ONLY settlement.withholding_adoption
    ADD CONSTRAINT withholding_adoption_number_key UNIQUE (number);

ALTER TABLE ONLY settlement.withholding_adoption
    ADD CONSTRAINT withholding_adoption_pkey PRIMARY KEY (table_id);

ALTER TABLE ONLY settlement.withholding
    ADD CONSTRAINT withholding_pkey PRIMARY KEY (payout_id);

ALTER TABLE ONLY settlement.withholding_relief_end
    ADD CONSTRAINT withholding_relief_end_pkey PRIMARY KEY (relief_id);

ALTER TABLE ONLY settlement.withholding_relief
    ADD CONSTRAINT withholding_relief_pkey PRIMARY KEY (id);

ALTER TABLE ONLY settlement.withholding_table
    ADD CONSTRAINT withholding_table_pkey PRIMARY KEY (id);

ALTER TABLE ONLY webhooks.attempt
    ADD CONSTRAINT attempt_pkey PRIMARY KEY (delivery_id, number);

ALTER TABLE ONLY webhooks.cursor
    ADD CONSTRAINT cursor_pkey PRIMARY KEY (node_id);

ALTER TABLE ONLY webhooks.delivery
    ADD CONSTRAINT delivery_endpoint_id_message_id_key UNIQUE (endpoint_id, message_id);

ALTER TABLE ONLY webhooks.delivery
    ADD CONSTRAINT delivery_pkey PRIMARY KEY (id);

ALTER TABLE ONLY webhooks.endpoint
    ADD CONSTRAINT endpoint_pkey PRIMARY KEY (id);

ALTER TABLE ONLY webhooks.message
    ADD CONSTRAINT message_organisation_id_portal_node_id_leaf_index_key UNIQUE (organisation_id, portal, node_id, leaf_index);

ALTER TABLE ONLY webhooks.message
    ADD CONSTRAINT message_pkey PRIMARY KEY (id);

ALTER TABLE ONLY webhooks.secret
    ADD CONSTRAINT secret_pkey PRIMARY KEY (id);

CREATE INDEX custom_meter_organisation ON access.custom_meter USING btree (organisation_id);

CREATE INDEX grants_buyer ON access.grants USING btree (buyer_id, id);

CREATE INDEX grants_dataset ON access.grants USING btree (dataset_id) WHERE (state <> 'ended'::text);

CREATE INDEX grants_order ON access.grants USING btree (order_id);

CREATE INDEX grants_seller ON access.grants USING btree (seller_id, id);

CREATE INDEX lease_holder ON access.lease USING btree (holder) WHERE (state = 'open'::text);

CREATE UNIQUE INDEX lease_open ON access.lease USING btree (grant_id, meter, period_start, holder) WHERE (state = 'open'::text);

CREATE INDEX token_grant ON access.token USING btree (grant_id, id);

CREATE INDEX usage_aside_buyer ON access.usage_aside USING btree (buyer_id, id);

CREATE INDEX usage_aside_seller ON access.usage_aside USING btree (seller_id, id);

CREATE INDEX usage_correction_grant ON access.usage_correction USING btree (grant_id, at);

CREATE INDEX usage_rollup_quarter ON access.usage_rollup USING brin (quarter);

CREATE INDEX usage_touch_day ON access.usage_touch USING btree (day, grant_id);

CREATE INDEX asset_sha256 ON catalog.asset USING btree (sha256);

CREATE INDEX dataset_supplier ON catalog.dataset USING btree (supplier_id, id);

CREATE INDEX listing_dataset ON catalog.listing USING btree (dataset_id);

CREATE INDEX listing_newest ON catalog.listing USING btree (published_at DESC, id DESC) WHERE (state = 'published'::text);

CREATE INDEX listing_revision ON catalog.listing USING btree (revision_id);

CREATE INDEX listing_search ON catalog.listing USING gin (search) WHERE (state = 'published'::text);

CREATE INDEX listing_supplier ON catalog.listing USING btree (supplier_id, id);

CREATE INDEX offer_audience_organisation ON catalog.offer_audience USING btree (organisation_id, offer_id);

CREATE UNIQUE INDEX offer_current ON catalog.offer_standing USING btree (listing_id, code) WHERE (state = 'current'::text);

CREATE UNIQUE INDEX plan_current ON catalog.plan_standing USING btree (supplier_id, code) WHERE (state = 'current'::text);

CREATE INDEX upload_expiry ON catalog.upload USING btree (expires_at) WHERE (state = ANY (ARRAY['open'::text, 'complete'::text]));

CREATE UNIQUE INDEX upload_path ON catalog.upload USING btree (dataset_id, path_key) WHERE (state = ANY (ARRAY['open'::text, 'complete'::text]));

CREATE INDEX audit_entry_object ON compliance.audit_entry USING btree (object_id, seq);

CREATE INDEX audit_entry_order ON compliance.audit_entry USING btree (node_id, xid, seq);

CREATE INDEX audit_entry_written ON compliance.audit_entry USING brin (created_at) WITH (autosummarize='true');

CREATE INDEX directive_answer_directive ON compliance.directive_answer USING btree (directive_id, id);

CREATE INDEX directive_answer_notice ON compliance.directive_answer USING btree (notice_id);

CREATE INDEX directive_deadline ON compliance.directive USING btree (deadline) WHERE (state = ANY (ARRAY['issued'::text, 'acknowledged'::text]));

CREATE INDEX directive_file_answer ON compliance.directive_file USING btree (answer_id);

CREATE INDEX directive_notice_organisation ON compliance.directive_notice USING btree (organisation_id, id);

CREATE INDEX directive_rule_active ON compliance.directive_rule USING btree (directive_id, "position") WHERE active;

CREATE INDEX directive_target_active ON compliance.directive_target USING btree (target_id, kind) WHERE active;

CREATE INDEX export_requested_by ON compliance.export USING btree (requested_by, id);

CREATE INDEX export_subject_by_subject ON compliance.export_subject USING btree (subject_id);

CREATE INDEX report_requested_by ON compliance.report USING btree (requested_by, id);

CREATE INDEX sample_revision ON compliance.sample USING btree (revision_id, id);

CREATE INDEX sealed_by_subject ON compliance.sealed USING btree (subject_id);

CREATE INDEX subject_by_organisation ON compliance.subject USING btree (organisation_id, id);

CREATE INDEX subject_to_erase ON compliance.subject USING btree (id) WHERE (state <> 'kept'::text);

CREATE UNIQUE INDEX witness_name ON compliance.witness USING btree (name) WHERE (state = 'active'::text);

CREATE UNIQUE INDEX witness_public ON compliance.witness USING btree (public) WHERE (state = 'active'::text);

CREATE INDEX agreement_buyer ON contracts.agreement USING btree (buyer_id, id);

CREATE INDEX agreement_event_agreement ON contracts.agreement_event USING btree (agreement_id, id);

CREATE INDEX agreement_event_buyer ON contracts.agreement_event USING btree (buyer_id, id);

CREATE INDEX agreement_event_seller ON contracts.agreement_event USING btree (seller_id, id);

CREATE INDEX agreement_event_successor ON contracts.agreement_event USING btree (successor_id, id);

CREATE INDEX agreement_seller ON contracts.agreement USING btree (seller_id, id);

CREATE INDEX auction_awarded ON contracts.auction USING btree (dataset_id) WHERE (state = 'awarded'::text);

CREATE INDEX auction_bid_bidder ON contracts.auction_bid USING btree (bidder_id, seq);

CREATE INDEX auction_bid_line ON contracts.auction_bid USING btree (auction_id, bidder_id, seq);

CREATE INDEX auction_due ON contracts.auction USING btree (closes_at) WHERE (state = ANY (ARRAY['scheduled'::text, 'open'::text, 'closed'::text, 'awarded'::text]));

CREATE INDEX auction_listing ON contracts.auction USING btree (listing_id, id);

CREATE UNIQUE INDEX auction_running ON contracts.auction USING btree (dataset_id) WHERE (state = ANY (ARRAY['scheduled'::text, 'open'::text, 'closed'::text]));

CREATE INDEX auction_supplier ON contracts.auction USING btree (supplier_id, id);

CREATE INDEX breach_notice_buyer ON contracts.breach_notice USING btree (buyer_id, id);

CREATE INDEX chain_end_dataset ON contracts.chain_end USING btree (dataset_id);

CREATE INDEX chain_right_dataset ON contracts.chain_right USING btree (dataset_id, id);

CREATE INDEX chain_right_ends ON contracts.chain_right USING btree (ends_at) WHERE (ends_at IS NOT NULL);

CREATE INDEX chain_trace_dataset ON contracts.chain_trace USING btree (dataset_id);

CREATE INDEX data_contract_check_dataset ON contracts.data_contract_check USING btree (dataset_id, id);

CREATE INDEX measurement_buyer ON contracts.measurement USING btree (buyer_id, id);

CREATE INDEX measurement_evaluator ON contracts.measurement USING btree (evaluator_id, id);

CREATE INDEX measurement_grant ON contracts.measurement USING btree (grant_id, component, id);

CREATE INDEX measurement_seller ON contracts.measurement USING btree (seller_id, id);

CREATE INDEX milestone_drop_order ON contracts.milestone_drop USING btree (order_id);

CREATE INDEX milestone_report_order ON contracts.milestone_report USING btree (order_id);

CREATE INDEX negotiation_buyer ON contracts.negotiation USING btree (buyer_id, id);

CREATE INDEX negotiation_due ON contracts.negotiation USING btree (expires_at) WHERE (state <> ALL (ARRAY['FINALIZED'::text, 'TERMINATED'::text]));

CREATE INDEX negotiation_seller ON contracts.negotiation USING btree (seller_id, id);

CREATE INDEX obligation_buyer ON contracts.obligation USING btree (buyer_id, id);

CREATE INDEX obligation_due ON contracts.obligation USING btree (due_at) WHERE ((state = ANY (ARRAY['open'::text, 'due'::text])) AND (due_at IS NOT NULL));

CREATE INDEX obligation_evidence_obligation ON contracts.obligation_evidence USING btree (obligation_id, id);

CREATE INDEX obligation_notice_organisation ON contracts.obligation_notice USING btree (organisation_id, id);

CREATE INDEX obligation_plan_next ON contracts.obligation_plan USING btree (next_at) WHERE (next_at IS NOT NULL);

CREATE INDEX obligation_seller ON contracts.obligation USING btree (seller_id, id);

CREATE INDEX obligation_step_obligation ON contracts.obligation_step USING btree (obligation_id, id);

CREATE INDEX organisation_key_organisation ON contracts.organisation_key USING btree (organisation_id, id);

CREATE INDEX question_organisation ON contracts.question USING btree (organisation_id, id);

CREATE INDEX quote_buyer ON contracts.quote USING btree (buyer_id, id);

CREATE INDEX quote_seller ON contracts.quote USING btree (seller_id, id);

CREATE INDEX rights_notice_buyer ON contracts.rights_notice USING btree (buyer_id, id);

CREATE INDEX rights_notice_dataset ON contracts.rights_notice USING btree (dataset_id);

CREATE INDEX signature_agreement ON contracts.signature USING btree (agreement_id, id);

CREATE INDEX job_due ON kernel.job USING btree (run_at) WHERE (state = ANY (ARRAY['queued'::text, 'running'::text]));

CREATE INDEX client_by_organisation ON parties.client USING btree (organisation_id, id);

CREATE INDEX decision_by_organisation ON parties.decision USING btree (organisation_id, id);

CREATE UNIQUE INDEX evidence_once ON parties.evidence USING btree (organisation_id, sha256, kind);

CREATE INDEX identifier_by_value ON parties.identifier USING btree (scheme, value);

CREATE INDEX member_by_organisation ON parties.member USING btree (organisation_id, id);

CREATE INDEX organisation_by_state ON parties.organisation USING btree (state, id);

CREATE INDEX person_plain ON parties.person USING btree (member_id) WHERE (sealed IS NULL);

CREATE INDEX revoked_token_by_end ON parties.revoked_token USING btree (expires_at);

CREATE INDEX assessment_assessor ON quality.assessment USING btree (assessor_id, id);

CREATE UNIQUE INDEX assessment_open ON quality.assessment USING btree (revision_id, assessor_id) WHERE (state = ANY (ARRAY['requested'::text, 'accepted'::text]));

CREATE INDEX assessment_scorecard ON quality.assessment USING btree (scorecard_id, assessor_id);

CREATE INDEX assessment_supplier ON quality.assessment USING btree (supplier_id, id);

CREATE INDEX certificate_revision ON quality.certificate USING btree (revision_id, issued_at);

CREATE INDEX scorecard_supplier ON quality.scorecard USING btree (supplier_id, id);

CREATE UNIQUE INDEX approval_once ON settlement.approval USING btree (kind, object_id, body_sha256) WHERE (state <> 'refused'::text);

CREATE INDEX approval_open ON settlement.approval USING btree (id) WHERE (state = 'open'::text);

CREATE UNIQUE INDEX bank_account_client ON settlement.bank_account USING btree (currency) WHERE ((kind = 'client'::text) AND (closed_at IS NULL));

CREATE UNIQUE INDEX bank_account_once ON settlement.bank_account USING btree (digest, currency) WHERE (closed_at IS NULL);

CREATE INDEX bank_entry_holder ON settlement.bank_entry USING btree (counterparty, organisation_id) WHERE ((counterparty IS NOT NULL) AND (organisation_id IS NOT NULL));

CREATE INDEX bank_entry_read ON settlement.bank_entry USING btree (statement_id, "position") WHERE (state = 'read'::text);

CREATE INDEX bank_entry_unmatched ON settlement.bank_entry USING btree (id) WHERE (state = 'unmatched'::text);

CREATE INDEX buyer_claim_broker ON settlement.buyer_claim USING btree (broker_id);

CREATE INDEX buyer_claim_pair ON settlement.buyer_claim USING btree (supplier_id, buyer_id);

CREATE INDEX buyer_claim_supplier ON settlement.buyer_claim USING btree (supplier_id);

CREATE INDEX card_refund_organisation ON settlement.card_refund USING btree (organisation_id, id);

CREATE INDEX card_refund_payment ON settlement.card_refund USING btree (payment_id);

CREATE INDEX charge_buyer ON settlement.charge USING btree (buyer_id, id);

CREATE INDEX charge_corrects ON settlement.charge USING btree (corrects) WHERE (corrects IS NOT NULL);

CREATE INDEX charge_offer ON settlement.charge USING btree (offer_id, component);

CREATE INDEX charge_seller ON settlement.charge USING btree (seller_id, id);

CREATE INDEX chargeback_live ON settlement.chargeback USING btree (order_id) WHERE (withdrawn AND (closed_at IS NULL));

CREATE INDEX chargeback_payment ON settlement.chargeback USING btree (payment_id);

CREATE INDEX conversion_organisation ON settlement.conversion USING btree (organisation_id, id);

CREATE INDEX conversion_pair ON settlement.conversion USING btree (sell, buy, converted_at);

CREATE UNIQUE INDEX credit_line_active ON settlement.credit_line USING btree (buyer_id, currency) WHERE (state = 'active'::text);

CREATE INDEX credit_order_buyer ON settlement.credit_order USING btree (buyer_id, order_id);

CREATE INDEX credit_order_due ON settlement.credit_order USING btree (due_on, order_id) WHERE (unpaid_units > 0);

CREATE INDEX dispute_arbitrator ON settlement.dispute USING btree (arbitrator_id, id);

CREATE INDEX dispute_due ON settlement.dispute USING btree (due_at, id) WHERE (due_at IS NOT NULL);

CREATE INDEX dispute_evidence_of ON settlement.dispute_evidence USING btree (dispute_id, id);

CREATE INDEX dispute_giver ON settlement.dispute USING btree (giver_id, id);

CREATE INDEX dispute_hold_of ON settlement.dispute_hold USING btree (dispute_id);

CREATE INDEX dispute_money_of ON settlement.dispute_money USING btree (dispute_id, id);

CREATE UNIQUE INDEX dispute_once ON settlement.dispute USING btree (source_id) WHERE ((state <> 'closed'::text) AND (kind <> 'split'::text));

CREATE INDEX dispute_order ON settlement.dispute USING btree (order_id);

CREATE UNIQUE INDEX dispute_split_once ON settlement.dispute USING btree (source_id, giver_id, taker_id) WHERE ((state <> 'closed'::text) AND (kind = 'split'::text));

CREATE INDEX dispute_stop_short ON settlement.dispute_stop USING btree (organisation_id, currency) WHERE (live AND released AND (held_units < want_units));

CREATE INDEX dispute_stop_source ON settlement.dispute_stop USING btree (source_id) WHERE (live AND (NOT released));

CREATE INDEX dispute_taker ON settlement.dispute USING btree (taker_id, id);

CREATE INDEX due_open ON settlement.due USING btree (seller_id, currency, id) WHERE (NOT released);

CREATE INDEX due_unpaid ON settlement.due USING btree (buyer_id, seller_id, currency) WHERE (unpaid_units > 0);

CREATE INDEX dunning_case_buyer ON settlement.dunning_case USING btree (buyer_id, id);

CREATE UNIQUE INDEX dunning_case_open ON settlement.dunning_case USING btree (buyer_id, seller_id, currency) WHERE (closed_at IS NULL);

CREATE UNIQUE INDEX dunning_grant_open ON settlement.dunning_grant USING btree (case_id, grant_id) WHERE (resumed_at IS NULL);

CREATE INDEX dunning_notice_case ON settlement.dunning_notice USING btree (case_id, id);

CREATE INDEX efapiao_of_export ON settlement.efapiao USING btree (export_id, id);

CREATE INDEX fiscal_document_buyer ON settlement.fiscal_document USING btree (buyer_id, id);

CREATE INDEX fiscal_document_seller ON settlement.fiscal_document USING btree (seller_id, id);

CREATE INDEX fiscal_missing_open ON settlement.fiscal_missing USING btree (id) WHERE (closed_at IS NULL);

CREATE INDEX fiscal_source_document ON settlement.fiscal_source USING btree (document_id);

CREATE INDEX hold_open_due ON settlement.hold_open USING btree (due_at, hold_id) WHERE (due_at IS NOT NULL);

CREATE INDEX hold_organisation ON settlement.hold USING btree (organisation_id, id);

CREATE INDEX introduced_sale_broker ON settlement.introduced_sale USING btree (broker_id);

CREATE INDEX introduced_sale_supplier ON settlement.introduced_sale USING btree (supplier_id);

CREATE INDEX invoice_buyer ON settlement.invoice USING btree (buyer_id, id);

CREATE INDEX invoice_seller ON settlement.invoice USING btree (seller_id, id);

CREATE UNIQUE INDEX kept_method_default ON settlement.kept_method USING btree (organisation_id) WHERE is_default;

CREATE INDEX kept_method_organisation ON settlement.kept_method USING btree (organisation_id, id);

CREATE INDEX mandate_broker ON settlement.mandate USING btree (broker_id);

CREATE INDEX mandate_supplier ON settlement.mandate USING btree (supplier_id);

CREATE INDEX money_proof_newest ON settlement.money_proof USING btree (currency, at DESC);

CREATE UNIQUE INDEX open_item_once ON settlement.open_item USING btree (kind, subject) WHERE (closed_at IS NULL);

CREATE INDEX open_order_seller ON settlement.open_order USING btree (seller_id, currency);

CREATE INDEX orders_buyer ON settlement.orders USING btree (buyer_id, id);

CREATE INDEX orders_paid ON settlement.orders USING btree (seller_id, paid_at) WHERE (state = 'paid'::text);

CREATE UNIQUE INDEX orders_quote ON settlement.orders USING btree (quote_id) WHERE ((quote_id IS NOT NULL) AND (state <> 'cancelled'::text));

CREATE INDEX payment_order ON settlement.payment USING btree (order_id) WHERE (order_id IS NOT NULL);

CREATE INDEX payment_organisation ON settlement.payment USING btree (organisation_id, id);

CREATE UNIQUE INDEX payout_batch_item_once ON settlement.payout_batch_item USING btree (payout_id) WHERE (dropped IS NULL);

CREATE UNIQUE INDEX payout_destination_active ON settlement.payout_destination USING btree (organisation_id, scheme) WHERE (state = 'active'::text);

CREATE UNIQUE INDEX payout_destination_asked ON settlement.payout_destination USING btree (organisation_id, scheme) WHERE (state = 'asked'::text);

CREATE UNIQUE INDEX payout_once ON settlement.payout USING btree (account_id, period, rail) WHERE (state <> ALL (ARRAY['failed'::text, 'reversed'::text]));

CREATE INDEX payout_organisation ON settlement.payout USING btree (organisation_id, id);

CREATE INDEX payout_waiting ON settlement.payout USING btree (currency, id) WHERE ((rail = 'bank'::text) AND (state = 'created'::text));

CREATE INDEX pool_share_organisation ON settlement.pool_share USING btree (organisation_id, distribution_id);

CREATE INDEX position_limit_currency ON settlement.position_limit USING btree (currency, id);

CREATE INDEX posting_account ON settlement.posting USING btree (account_id, journal_id) INCLUDE (amount);

CREATE UNIQUE INDEX provider_call_once ON settlement.provider_call USING btree (kind, object_id) WHERE ((state = 'done'::text) AND (kind <> 'payout'::text));

CREATE UNIQUE INDEX provider_call_under_way ON settlement.provider_call USING btree (kind, object_id) WHERE (state = ANY (ARRAY['sent'::text, 'unknown'::text]));

CREATE INDEX recon_journal_item ON settlement.recon_journal USING btree (provider, txn_id);

CREATE INDEX recon_open_order ON settlement.recon_open USING btree (provider, account, currency, created_at, txn_id);

CREATE INDEX recon_resolution_item ON settlement.recon_resolution USING btree (provider, txn_id, id);

CREATE INDEX recovery_organisation ON settlement.recovery USING btree (organisation_id, id);

CREATE INDEX recovery_payout ON settlement.recovery USING btree (payout_id);

CREATE INDEX refund_buyer ON settlement.refund USING btree (buyer_id, id);

CREATE UNIQUE INDEX refund_cause ON settlement.refund USING btree (cause_id, source_id) WHERE (cause_id IS NOT NULL);

CREATE INDEX refund_order ON settlement.refund USING btree (order_id);

CREATE INDEX refund_seller ON settlement.refund USING btree (seller_id, id);

CREATE INDEX run_item_pending ON settlement.run_item USING btree (run_id, side, organisation_id) WHERE (state = 'pending'::text);

CREATE UNIQUE INDEX run_open ON settlement.run USING btree (currency, region) NULLS NOT DISTINCT WHERE (state = 'open'::text);

CREATE INDEX self_billing_of ON settlement.self_billing USING btree (organisation_id, id);

CREATE INDEX service_credit_buyer ON settlement.service_credit USING btree (buyer_id, id);

CREATE INDEX service_credit_period ON settlement.service_credit USING btree (grant_id, period_start);

CREATE INDEX split_booked_payee ON settlement.split_booked USING btree (organisation_id, id);

CREATE INDEX split_booked_period ON settlement.split_booked USING btree (rule_id, period);

CREATE INDEX split_booked_supplier ON settlement.split_booked USING btree (supplier_id, id);

CREATE INDEX split_guarantee_payee ON settlement.split_guarantee USING btree (organisation_id, id);

CREATE INDEX split_guarantee_supplier ON settlement.split_guarantee USING btree (supplier_id, id);

CREATE INDEX split_payee_organisation ON settlement.split_payee USING btree (organisation_id, rule_id);

CREATE INDEX split_promise_organisation ON settlement.split_promise USING btree (organisation_id);

CREATE INDEX split_promise_supplier ON settlement.split_promise USING btree (supplier_id);

CREATE INDEX split_rule_supplier ON settlement.split_rule USING btree (supplier_id, id);

CREATE INDEX split_run_rule ON settlement.split_run USING btree (rule_id, seq);

CREATE INDEX split_source_source ON settlement.split_source USING btree (source_id);

CREATE INDEX stated_balance_newest ON settlement.stated_balance USING btree (place, currency, at DESC, id DESC);

CREATE INDEX stripe_event_object ON settlement.stripe_event USING btree (object_id, made_at);

CREATE INDEX weight_member_organisation ON settlement.weight_member USING btree (organisation_id, order_id);

CREATE INDEX withholding_of ON settlement.withholding USING btree (organisation_id, payout_id);

CREATE INDEX withholding_relief_of ON settlement.withholding_relief USING btree (organisation_id, id);

CREATE INDEX delivery_due ON webhooks.delivery USING btree (endpoint_id, next_at) WHERE (state = ANY (ARRAY['waiting'::text, 'sending'::text]));

CREATE INDEX delivery_message ON webhooks.delivery USING btree (message_id);

CREATE INDEX endpoint_failing ON webhooks.endpoint USING btree (failing_since) WHERE (state <> 'removed'::text);

CREATE INDEX endpoint_organisation ON webhooks.endpoint USING btree (organisation_id, portal, id);

CREATE INDEX message_age ON webhooks.message USING btree (created_at);

CREATE INDEX message_organisation ON webhooks.message USING btree (organisation_id, portal, id);

CREATE INDEX secret_endpoint ON webhooks.secret USING btree (endpoint_id, id);

CREATE TRIGGER access_custom_meter_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON access.custom_meter FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER access_usage_aside_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON access.usage_aside FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER access_usage_batch_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON access.usage_batch FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER access_usage_checked_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON access.usage_checked FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER access_usage_copy_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON access.usage_copy FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER access_usage_correction_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON access.usage_correction FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER access_usage_decision_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON access.usage_decision FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER access_usage_exception_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON access.usage_exception FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER access_usage_late_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON access.usage_late FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER access_usage_record_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON access.usage_record FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER access_usage_seal_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON access.usage_seal FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER usage_correction_touch AFTER INSERT ON access.usage_correction REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION access.touch();

CREATE TRIGGER usage_late_touch AFTER INSERT ON access.usage_late REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION access.touch();

CREATE TRIGGER catalog_asset_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON catalog.asset FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER catalog_offer_audience_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON catalog.offer_audience FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER catalog_offer_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON catalog.offer FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER catalog_people_declaration_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON catalog.people_declaration FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER catalog_plan_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON catalog.plan FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER catalog_revision_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON catalog.revision FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER compliance_audit_entry_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON compliance.audit_entry FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER compliance_audit_leaf_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON compliance.audit_leaf FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER compliance_checkpoint_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON compliance.checkpoint FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER compliance_cosignature_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON compliance.cosignature FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER compliance_directive_answer_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON compliance.directive_answer FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER compliance_directive_deferral_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON compliance.directive_deferral FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER compliance_directive_file_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON compliance.directive_file FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER compliance_export_bundle_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON compliance.export_bundle FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER compliance_export_object_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON compliance.export_object FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER compliance_processing_record_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON compliance.processing_record FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER compliance_sample_result_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON compliance.sample_result FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER compliance_witness_fault_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON compliance.witness_fault FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER log_state_only_grows BEFORE UPDATE ON compliance.log_state FOR EACH ROW EXECUTE FUNCTION compliance.only_grows();

CREATE TRIGGER log_state_stays BEFORE DELETE OR TRUNCATE ON compliance.log_state FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER sealed_only_erases BEFORE UPDATE ON compliance.sealed FOR EACH ROW EXECUTE FUNCTION compliance.only_erases();

CREATE TRIGGER sealed_stays BEFORE DELETE OR TRUNCATE ON compliance.sealed FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER subject_only_erases BEFORE UPDATE ON compliance.subject FOR EACH ROW EXECUTE FUNCTION compliance.only_erases();

CREATE TRIGGER subject_stays BEFORE DELETE OR TRUNCATE ON compliance.subject FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER tile_only_grows BEFORE UPDATE ON compliance.tile FOR EACH ROW EXECUTE FUNCTION compliance.only_grows();

CREATE TRIGGER tile_stays BEFORE DELETE OR TRUNCATE ON compliance.tile FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER contracts_agreement_event_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON contracts.agreement_event FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER contracts_agreement_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON contracts.agreement FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER contracts_auction_award_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON contracts.auction_award FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER contracts_auction_bid_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON contracts.auction_bid FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER contracts_auction_reserve_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON contracts.auction_reserve FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER contracts_auction_tally_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON contracts.auction_tally FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER contracts_breach_notice_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON contracts.breach_notice FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER contracts_chain_end_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON contracts.chain_end FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER contracts_chain_right_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON contracts.chain_right FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER contracts_chain_trace_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON contracts.chain_trace FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER contracts_data_contract_check_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON contracts.data_contract_check FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER contracts_data_contract_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON contracts.data_contract FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER contracts_event_end_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON contracts.event_end FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER contracts_event_force_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON contracts.event_force FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER contracts_key_retirement_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON contracts.key_retirement FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER contracts_measurement_agreed_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON contracts.measurement_agreed FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER contracts_measurement_answer_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON contracts.measurement_answer FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER contracts_measurement_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON contracts.measurement FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER contracts_milestone_answer_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON contracts.milestone_answer FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER contracts_milestone_drop_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON contracts.milestone_drop FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER contracts_milestone_report_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON contracts.milestone_report FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER contracts_negotiation_message_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON contracts.negotiation_message FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER contracts_obligation_evidence_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON contracts.obligation_evidence FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER contracts_obligation_notice_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON contracts.obligation_notice FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER contracts_obligation_step_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON contracts.obligation_step FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER contracts_organisation_key_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON contracts.organisation_key FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER contracts_question_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON contracts.question FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER contracts_quote_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON contracts.quote FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER contracts_rights_notice_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON contracts.rights_notice FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER contracts_signature_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON contracts.signature FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER kernel_party_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON kernel.party FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER kernel_public_key_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON kernel.public_key FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER parties_decision_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON parties.decision FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER parties_evidence_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON parties.evidence FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER parties_identifier_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON parties.identifier FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER parties_profile_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON parties.profile FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER quality_certificate_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON quality.certificate FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER quality_disclosure_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON quality.disclosure FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER quality_scorecard_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON quality.scorecard FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER approval_decided_once BEFORE UPDATE ON settlement.approval FOR EACH ROW EXECUTE FUNCTION settlement.approval_decided_once();

CREATE TRIGGER fiscal_missing_closes BEFORE UPDATE ON settlement.fiscal_missing FOR EACH ROW EXECUTE FUNCTION settlement.fiscal_missing_closes();

CREATE CONSTRAINT TRIGGER journal_period AFTER INSERT ON settlement.journal DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (((new.effective_at < new.created_at) OR (new.effective_at < (now() - '00:05:00'::interval)))) EXECUTE FUNCTION settlement.check_period();

CREATE TRIGGER posting_balanced AFTER INSERT ON settlement.posting REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION settlement.check_postings();

CREATE TRIGGER provider_call_moves_on BEFORE UPDATE ON settlement.provider_call FOR EACH ROW EXECUTE FUNCTION settlement.call_moves_on();

CREATE TRIGGER settlement_acceptance_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON settlement.acceptance FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER settlement_account_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON settlement.account FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER settlement_account_period_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON settlement.account_period FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER settlement_buyer_claim_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON settlement.buyer_claim FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER settlement_charge_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON settlement.charge FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER settlement_chart_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON settlement.chart FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER settlement_closed_period_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON settlement.closed_period FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER settlement_conversion_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON settlement.conversion FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER settlement_dispute_evidence_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON settlement.dispute_evidence FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER settlement_dispute_fact_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON settlement.dispute_fact FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER settlement_dispute_hold_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON settlement.dispute_hold FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER settlement_dispute_money_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON settlement.dispute_money FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER settlement_dunning_notice_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON settlement.dunning_notice FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER settlement_efapiao_codes_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON settlement.efapiao_codes FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER settlement_efapiao_confirmation_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON settlement.efapiao_confirmation FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER settlement_efapiao_export_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON settlement.efapiao_export FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER settlement_efapiao_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON settlement.efapiao FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER settlement_efapiao_number_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON settlement.efapiao_number FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER settlement_fiscal_document_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON settlement.fiscal_document FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER settlement_fiscal_source_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON settlement.fiscal_source FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER settlement_hold_end_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON settlement.hold_end FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER settlement_hold_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON settlement.hold FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER settlement_introduced_sale_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON settlement.introduced_sale FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER settlement_invoice_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON settlement.invoice FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER settlement_invoice_line_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON settlement.invoice_line FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER settlement_journal_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON settlement.journal FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER settlement_mandate_end_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON settlement.mandate_end FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER settlement_mandate_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON settlement.mandate FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER settlement_milestone_escrow_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON settlement.milestone_escrow FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER settlement_money_proof_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON settlement.money_proof FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER settlement_own_sweep_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON settlement.own_sweep FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER settlement_pool_distribution_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON settlement.pool_distribution FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER settlement_pool_policy_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON settlement.pool_policy FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER settlement_pool_share_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON settlement.pool_share FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER settlement_position_limit_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON settlement.position_limit FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER settlement_posting_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON settlement.posting FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER settlement_provider_customer_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON settlement.provider_customer FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER settlement_rate_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON settlement.rate FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER settlement_recon_done_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON settlement.recon_done FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER settlement_recon_item_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON settlement.recon_item FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER settlement_recon_journal_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON settlement.recon_journal FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER settlement_recon_resolution_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON settlement.recon_resolution FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER settlement_record_set_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON settlement.record_set FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER settlement_refund_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON settlement.refund FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER settlement_self_billing_end_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON settlement.self_billing_end FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER settlement_self_billing_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON settlement.self_billing FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER settlement_seller_report_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON settlement.seller_report FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER settlement_service_credit_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON settlement.service_credit FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER settlement_split_booked_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON settlement.split_booked FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER settlement_split_guarantee_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON settlement.split_guarantee FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER settlement_split_level_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON settlement.split_level FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER settlement_split_minimum_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON settlement.split_minimum FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER settlement_split_payee_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON settlement.split_payee FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER settlement_split_promise_accepted_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON settlement.split_promise_accepted FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER settlement_split_promise_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON settlement.split_promise FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER settlement_split_rule_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON settlement.split_rule FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER settlement_split_run_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON settlement.split_run FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER settlement_split_source_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON settlement.split_source FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER settlement_stated_balance_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON settlement.stated_balance FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER settlement_statement_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON settlement.statement FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER settlement_statement_line_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON settlement.statement_line FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER settlement_weight_answer_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON settlement.weight_answer FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER settlement_weight_member_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON settlement.weight_member FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER settlement_weight_order_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON settlement.weight_order FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER settlement_weight_vector_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON settlement.weight_vector FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER settlement_withholding_adoption_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON settlement.withholding_adoption FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER settlement_withholding_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON settlement.withholding FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER settlement_withholding_relief_end_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON settlement.withholding_relief_end FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER settlement_withholding_relief_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON settlement.withholding_relief FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TRIGGER settlement_withholding_table_fact BEFORE DELETE OR UPDATE OR TRUNCATE ON settlement.withholding_table FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

ALTER TABLE ONLY access.usage_decision
    ADD CONSTRAINT usage_decision_aside_id_fkey FOREIGN KEY (aside_id) REFERENCES access.usage_aside(id);

ALTER TABLE ONLY catalog.asset
    ADD CONSTRAINT asset_revision_id_fkey FOREIGN KEY (revision_id) REFERENCES catalog.revision(id);

ALTER TABLE ONLY catalog.listing
    ADD CONSTRAINT listing_dataset_id_fkey FOREIGN KEY (dataset_id) REFERENCES catalog.dataset(id);

ALTER TABLE ONLY catalog.listing
    ADD CONSTRAINT listing_revision_id_fkey FOREIGN KEY (revision_id) REFERENCES catalog.revision(id);

ALTER TABLE ONLY catalog.offer_audience
    ADD CONSTRAINT offer_audience_offer_id_fkey FOREIGN KEY (offer_id) REFERENCES catalog.offer(id);

ALTER TABLE ONLY catalog.offer
    ADD CONSTRAINT offer_listing_id_fkey FOREIGN KEY (listing_id) REFERENCES catalog.listing(id);

ALTER TABLE ONLY catalog.offer_standing
    ADD CONSTRAINT offer_standing_offer_id_fkey FOREIGN KEY (offer_id) REFERENCES catalog.offer(id);

ALTER TABLE ONLY catalog.people_declaration
    ADD CONSTRAINT people_declaration_dataset_id_fkey FOREIGN KEY (dataset_id) REFERENCES catalog.dataset(id);

ALTER TABLE ONLY catalog.plan_standing
    ADD CONSTRAINT plan_standing_plan_id_fkey FOREIGN KEY (plan_id) REFERENCES catalog.plan(id);

ALTER TABLE ONLY catalog.revision
    ADD CONSTRAINT revision_dataset_id_fkey FOREIGN KEY (dataset_id) REFERENCES catalog.dataset(id);

ALTER TABLE ONLY catalog.upload
    ADD CONSTRAINT upload_dataset_id_fkey FOREIGN KEY (dataset_id) REFERENCES catalog.dataset(id);

ALTER TABLE ONLY compliance.cosignature
    ADD CONSTRAINT cosignature_node_id_size_fkey FOREIGN KEY (node_id, size) REFERENCES compliance.checkpoint(node_id, size);

ALTER TABLE ONLY compliance.cosignature
    ADD CONSTRAINT cosignature_witness_id_fkey FOREIGN KEY (witness_id) REFERENCES compliance.witness(id);

ALTER TABLE ONLY compliance.directive_answer
    ADD CONSTRAINT directive_answer_directive_id_fkey FOREIGN KEY (directive_id) REFERENCES compliance.directive(id);

ALTER TABLE ONLY compliance.directive_answer
    ADD CONSTRAINT directive_answer_notice_id_fkey FOREIGN KEY (notice_id) REFERENCES compliance.directive_notice(id);

ALTER TABLE ONLY compliance.directive_deferral
    ADD CONSTRAINT directive_deferral_directive_id_fkey FOREIGN KEY (directive_id) REFERENCES compliance.directive(id);

ALTER TABLE ONLY compliance.directive_file
    ADD CONSTRAINT directive_file_answer_id_fkey FOREIGN KEY (answer_id) REFERENCES compliance.directive_answer(id);

ALTER TABLE ONLY compliance.directive_notice
    ADD CONSTRAINT directive_notice_directive_id_fkey FOREIGN KEY (directive_id) REFERENCES compliance.directive(id);

ALTER TABLE ONLY compliance.directive_rule
    ADD CONSTRAINT directive_rule_directive_id_fkey FOREIGN KEY (directive_id) REFERENCES compliance.directive(id);

ALTER TABLE ONLY compliance.directive_target
    ADD CONSTRAINT directive_target_directive_id_fkey FOREIGN KEY (directive_id) REFERENCES compliance.directive(id);

ALTER TABLE ONLY compliance.sample_result
    ADD CONSTRAINT sample_result_sample_id_fkey FOREIGN KEY (sample_id) REFERENCES compliance.sample(id);

ALTER TABLE ONLY compliance.witness_fault
    ADD CONSTRAINT witness_fault_witness_id_fkey FOREIGN KEY (witness_id) REFERENCES compliance.witness(id);

ALTER TABLE ONLY contracts.auction_award
    ADD CONSTRAINT auction_award_auction_id_fkey FOREIGN KEY (auction_id) REFERENCES contracts.auction(id);

ALTER TABLE ONLY contracts.auction_bid
    ADD CONSTRAINT auction_bid_auction_id_fkey FOREIGN KEY (auction_id) REFERENCES contracts.auction(id);

ALTER TABLE ONLY contracts.auction_reserve
    ADD CONSTRAINT auction_reserve_auction_id_fkey FOREIGN KEY (auction_id) REFERENCES contracts.auction(id);

ALTER TABLE ONLY contracts.auction_tally
    ADD CONSTRAINT auction_tally_auction_id_fkey FOREIGN KEY (auction_id) REFERENCES contracts.auction(id);

ALTER TABLE ONLY contracts.breach_notice
    ADD CONSTRAINT breach_notice_check_id_fkey FOREIGN KEY (check_id) REFERENCES contracts.data_contract_check(id);

ALTER TABLE ONLY contracts.chain_end
    ADD CONSTRAINT chain_end_right_id_fkey FOREIGN KEY (right_id) REFERENCES contracts.chain_right(id);

ALTER TABLE ONLY contracts.chain_trace
    ADD CONSTRAINT chain_trace_right_id_fkey FOREIGN KEY (right_id) REFERENCES contracts.chain_right(id);

ALTER TABLE ONLY contracts.data_contract_check
    ADD CONSTRAINT data_contract_check_contract_id_fkey FOREIGN KEY (contract_id) REFERENCES contracts.data_contract(id);

ALTER TABLE ONLY contracts.event_end
    ADD CONSTRAINT event_end_id_fkey FOREIGN KEY (id) REFERENCES contracts.agreement_event(id);

ALTER TABLE ONLY contracts.event_force
    ADD CONSTRAINT event_force_id_fkey FOREIGN KEY (id) REFERENCES contracts.agreement_event(id);

ALTER TABLE ONLY contracts.kept_key
    ADD CONSTRAINT kept_key_id_fkey FOREIGN KEY (id) REFERENCES contracts.organisation_key(id);

ALTER TABLE ONLY contracts.key_retirement
    ADD CONSTRAINT key_retirement_id_fkey FOREIGN KEY (id) REFERENCES contracts.organisation_key(id);

ALTER TABLE ONLY contracts.measurement_agreed
    ADD CONSTRAINT measurement_agreed_id_fkey FOREIGN KEY (id) REFERENCES contracts.measurement(id);

ALTER TABLE ONLY contracts.measurement_answer
    ADD CONSTRAINT measurement_answer_measurement_id_fkey FOREIGN KEY (measurement_id) REFERENCES contracts.measurement(id);

ALTER TABLE ONLY contracts.milestone_answer
    ADD CONSTRAINT milestone_answer_report_id_fkey FOREIGN KEY (report_id) REFERENCES contracts.milestone_report(id);

ALTER TABLE ONLY contracts.negotiation_message
    ADD CONSTRAINT negotiation_message_negotiation_id_fkey FOREIGN KEY (negotiation_id) REFERENCES contracts.negotiation(id);

ALTER TABLE ONLY contracts.obligation_evidence
    ADD CONSTRAINT obligation_evidence_obligation_id_fkey FOREIGN KEY (obligation_id) REFERENCES contracts.obligation(id);

ALTER TABLE ONLY contracts.obligation_notice
    ADD CONSTRAINT obligation_notice_obligation_id_fkey FOREIGN KEY (obligation_id) REFERENCES contracts.obligation(id);

ALTER TABLE ONLY contracts.obligation
    ADD CONSTRAINT obligation_parent_id_fkey FOREIGN KEY (parent_id) REFERENCES contracts.obligation(id);

ALTER TABLE ONLY contracts.obligation_step
    ADD CONSTRAINT obligation_step_obligation_id_fkey FOREIGN KEY (obligation_id) REFERENCES contracts.obligation(id);

ALTER TABLE ONLY contracts.rights_notice
    ADD CONSTRAINT rights_notice_right_id_fkey FOREIGN KEY (right_id) REFERENCES contracts.chain_right(id);

ALTER TABLE ONLY quality.assessment
    ADD CONSTRAINT assessment_scorecard_id_fkey FOREIGN KEY (scorecard_id) REFERENCES quality.scorecard(id);

ALTER TABLE ONLY quality.certificate
    ADD CONSTRAINT certificate_assessment_id_fkey FOREIGN KEY (assessment_id) REFERENCES quality.assessment(id);

ALTER TABLE ONLY quality.certificate
    ADD CONSTRAINT certificate_scorecard_id_fkey FOREIGN KEY (scorecard_id) REFERENCES quality.scorecard(id);

ALTER TABLE ONLY quality.disclosure
    ADD CONSTRAINT disclosure_scorecard_id_fkey FOREIGN KEY (scorecard_id) REFERENCES quality.scorecard(id);

ALTER TABLE ONLY settlement.bank_statement
    ADD CONSTRAINT bank_statement_account_id_fkey FOREIGN KEY (account_id) REFERENCES settlement.bank_account(id);

ALTER TABLE ONLY settlement.buyer_claim
    ADD CONSTRAINT buyer_claim_mandate_id_fkey FOREIGN KEY (mandate_id) REFERENCES settlement.mandate(id);

ALTER TABLE ONLY settlement.conversion
    ADD CONSTRAINT conversion_rate_id_fkey FOREIGN KEY (rate_id) REFERENCES settlement.rate(id);

ALTER TABLE ONLY settlement.dunning_grant
    ADD CONSTRAINT dunning_grant_case_id_fkey FOREIGN KEY (case_id) REFERENCES settlement.dunning_case(id);

ALTER TABLE ONLY settlement.dunning_notice
    ADD CONSTRAINT dunning_notice_case_id_fkey FOREIGN KEY (case_id) REFERENCES settlement.dunning_case(id);

ALTER TABLE ONLY settlement.efapiao
    ADD CONSTRAINT efapiao_codes_version_fkey FOREIGN KEY (codes_version) REFERENCES settlement.efapiao_codes(version);

ALTER TABLE ONLY settlement.efapiao_confirmation
    ADD CONSTRAINT efapiao_confirmation_id_fkey FOREIGN KEY (id) REFERENCES settlement.fiscal_document(id);

ALTER TABLE ONLY settlement.efapiao
    ADD CONSTRAINT efapiao_export_id_fkey FOREIGN KEY (export_id) REFERENCES settlement.efapiao_export(id);

ALTER TABLE ONLY settlement.efapiao
    ADD CONSTRAINT efapiao_id_fkey FOREIGN KEY (id) REFERENCES settlement.fiscal_document(id);

ALTER TABLE ONLY settlement.efapiao_number
    ADD CONSTRAINT efapiao_number_id_fkey FOREIGN KEY (id) REFERENCES settlement.efapiao(id);

ALTER TABLE ONLY settlement.fiscal_source
    ADD CONSTRAINT fiscal_source_document_id_fkey FOREIGN KEY (document_id) REFERENCES settlement.fiscal_document(id);

ALTER TABLE ONLY settlement.introduced_sale
    ADD CONSTRAINT introduced_sale_claim_id_fkey FOREIGN KEY (claim_id) REFERENCES settlement.buyer_claim(id);

ALTER TABLE ONLY settlement.introduced_sale
    ADD CONSTRAINT introduced_sale_mandate_id_fkey FOREIGN KEY (mandate_id) REFERENCES settlement.mandate(id);

ALTER TABLE ONLY settlement.mandate_end
    ADD CONSTRAINT mandate_end_mandate_id_fkey FOREIGN KEY (mandate_id) REFERENCES settlement.mandate(id);

ALTER TABLE ONLY settlement.payout_batch
    ADD CONSTRAINT payout_batch_account_id_fkey FOREIGN KEY (account_id) REFERENCES settlement.bank_account(id);

ALTER TABLE ONLY settlement.payout_batch_item
    ADD CONSTRAINT payout_batch_item_batch_id_fkey FOREIGN KEY (batch_id) REFERENCES settlement.payout_batch(id);

ALTER TABLE ONLY settlement.pool_distribution
    ADD CONSTRAINT pool_distribution_policy_id_fkey FOREIGN KEY (policy_id) REFERENCES settlement.pool_policy(id);

ALTER TABLE ONLY settlement.pool_share
    ADD CONSTRAINT pool_share_distribution_id_fkey FOREIGN KEY (distribution_id) REFERENCES settlement.pool_distribution(id);

ALTER TABLE ONLY settlement.preview_line
    ADD CONSTRAINT preview_line_preview_id_fkey FOREIGN KEY (preview_id) REFERENCES settlement.preview(id) ON DELETE CASCADE;

ALTER TABLE ONLY settlement.recon_done
    ADD CONSTRAINT recon_done_provider_txn_id_fkey FOREIGN KEY (provider, txn_id) REFERENCES settlement.recon_item(provider, txn_id);

ALTER TABLE ONLY settlement.recon_journal
    ADD CONSTRAINT recon_journal_provider_txn_id_fkey FOREIGN KEY (provider, txn_id) REFERENCES settlement.recon_item(provider, txn_id);

ALTER TABLE ONLY settlement.recon_open
    ADD CONSTRAINT recon_open_provider_txn_id_fkey FOREIGN KEY (provider, txn_id) REFERENCES settlement.recon_item(provider, txn_id);

ALTER TABLE ONLY settlement.recon_resolution
    ADD CONSTRAINT recon_resolution_provider_txn_id_fkey FOREIGN KEY (provider, txn_id) REFERENCES settlement.recon_item(provider, txn_id);

ALTER TABLE ONLY settlement.run_item
    ADD CONSTRAINT run_item_run_id_fkey FOREIGN KEY (run_id) REFERENCES settlement.run(id);

ALTER TABLE ONLY settlement.self_billing_end
    ADD CONSTRAINT self_billing_end_agreement_id_fkey FOREIGN KEY (agreement_id) REFERENCES settlement.self_billing(id);

ALTER TABLE ONLY settlement.split_booked
    ADD CONSTRAINT split_booked_run_id_fkey FOREIGN KEY (run_id) REFERENCES settlement.split_run(id);

ALTER TABLE ONLY settlement.split_guarantee
    ADD CONSTRAINT split_guarantee_rule_id_fkey FOREIGN KEY (rule_id) REFERENCES settlement.split_rule(id);

ALTER TABLE ONLY settlement.split_payee
    ADD CONSTRAINT split_payee_rule_id_fkey FOREIGN KEY (rule_id) REFERENCES settlement.split_rule(id);

ALTER TABLE ONLY settlement.split_promise_accepted
    ADD CONSTRAINT split_promise_accepted_rule_id_fkey FOREIGN KEY (rule_id) REFERENCES settlement.split_rule(id);

ALTER TABLE ONLY settlement.split_promise
    ADD CONSTRAINT split_promise_rule_id_fkey FOREIGN KEY (rule_id) REFERENCES settlement.split_rule(id);

ALTER TABLE ONLY settlement.split_run
    ADD CONSTRAINT split_run_rule_id_fkey FOREIGN KEY (rule_id) REFERENCES settlement.split_rule(id);

ALTER TABLE ONLY settlement.split_source
    ADD CONSTRAINT split_source_run_id_fkey FOREIGN KEY (run_id) REFERENCES settlement.split_run(id);

ALTER TABLE ONLY settlement.weight_answer
    ADD CONSTRAINT weight_answer_order_id_fkey FOREIGN KEY (order_id) REFERENCES settlement.weight_order(id);

ALTER TABLE ONLY settlement.weight_member
    ADD CONSTRAINT weight_member_order_id_fkey FOREIGN KEY (order_id) REFERENCES settlement.weight_order(id);

ALTER TABLE ONLY settlement.weight_vector
    ADD CONSTRAINT weight_vector_order_id_fkey FOREIGN KEY (order_id) REFERENCES settlement.weight_order(id);

ALTER TABLE ONLY settlement.withholding_adoption
    ADD CONSTRAINT withholding_adoption_table_id_fkey FOREIGN KEY (table_id) REFERENCES settlement.withholding_table(id);

ALTER TABLE ONLY settlement.withholding_relief_end
    ADD CONSTRAINT withholding_relief_end_relief_id_fkey FOREIGN KEY (relief_id) REFERENCES settlement.withholding_relief(id);

ALTER TABLE ONLY settlement.withholding
    ADD CONSTRAINT withholding_relief_id_fkey FOREIGN KEY (relief_id) REFERENCES settlement.withholding_relief(id);

ALTER TABLE ONLY webhooks.attempt
    ADD CONSTRAINT attempt_delivery_id_fkey FOREIGN KEY (delivery_id) REFERENCES webhooks.delivery(id);

ALTER TABLE ONLY webhooks.delivery
    ADD CONSTRAINT delivery_endpoint_id_fkey FOREIGN KEY (endpoint_id) REFERENCES webhooks.endpoint(id);

ALTER TABLE ONLY webhooks.delivery
    ADD CONSTRAINT delivery_message_id_fkey FOREIGN KEY (message_id) REFERENCES webhooks.message(id);

ALTER TABLE ONLY webhooks.secret
    ADD CONSTRAINT secret_endpoint_id_fkey FOREIGN KEY (endpoint_id) REFERENCES webhooks.endpoint(id);

CREATE POLICY access_custom_meter_exchange_app ON access.custom_meter TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY access_custom_meter_exchange_migrate ON access.custom_meter TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY access_custom_meter_public ON access.custom_meter FOR SELECT TO exchange_portal USING (true);

CREATE POLICY access_grants_exchange_app ON access.grants TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY access_grants_exchange_migrate ON access.grants TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY access_grants_party ON access.grants FOR SELECT TO exchange_portal USING (((buyer_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (seller_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (EXISTS ( SELECT
   FROM kernel.party p
  WHERE ((p.object_id = grants.id) AND (p.organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")))))));

CREATE POLICY access_lease_exchange_app ON access.lease TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY access_lease_exchange_migrate ON access.lease TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY access_lease_party ON access.lease FOR SELECT TO exchange_portal USING (((buyer_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (seller_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (EXISTS ( SELECT
   FROM kernel.party p
  WHERE ((p.object_id = lease.id) AND (p.organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")))))));

CREATE POLICY access_quota_exchange_app ON access.quota TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY access_quota_exchange_migrate ON access.quota TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY access_quota_party ON access.quota FOR SELECT TO exchange_portal USING (((buyer_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (seller_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (EXISTS ( SELECT
   FROM kernel.party p
  WHERE ((p.object_id = quota.id) AND (p.organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")))))));

CREATE POLICY access_source_exchange_app ON access.source TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY access_source_exchange_migrate ON access.source TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY access_source_own ON access.source FOR SELECT TO exchange_portal USING ((organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY access_token_exchange_app ON access.token TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY access_token_exchange_migrate ON access.token TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY access_token_own ON access.token FOR SELECT TO exchange_portal USING ((buyer_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY access_usage_aside_exchange_app ON access.usage_aside TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY access_usage_aside_exchange_migrate ON access.usage_aside TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY access_usage_aside_public ON access.usage_aside FOR SELECT TO exchange_portal USING (((buyer_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (seller_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif"))));

CREATE POLICY access_usage_batch_exchange_app ON access.usage_batch TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY access_usage_batch_exchange_migrate ON access.usage_batch TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY access_usage_batch_own ON access.usage_batch FOR SELECT TO exchange_portal USING ((organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY access_usage_checked_exchange_app ON access.usage_checked TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY access_usage_checked_exchange_migrate ON access.usage_checked TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY access_usage_copy_exchange_app ON access.usage_copy TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY access_usage_copy_exchange_migrate ON access.usage_copy TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY access_usage_correction_exchange_app ON access.usage_correction TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY access_usage_correction_exchange_migrate ON access.usage_correction TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY access_usage_correction_party ON access.usage_correction FOR SELECT TO exchange_portal USING (((buyer_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (seller_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (EXISTS ( SELECT
   FROM kernel.party p
  WHERE ((p.object_id = usage_correction.id) AND (p.organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")))))));

CREATE POLICY access_usage_day_exchange_app ON access.usage_day TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY access_usage_day_exchange_migrate ON access.usage_day TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY access_usage_decision_exchange_app ON access.usage_decision TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY access_usage_decision_exchange_migrate ON access.usage_decision TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY access_usage_decision_public ON access.usage_decision FOR SELECT TO exchange_portal USING (((buyer_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (seller_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif"))));

CREATE POLICY access_usage_exception_exchange_app ON access.usage_exception TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY access_usage_exception_exchange_migrate ON access.usage_exception TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY access_usage_exception_party ON access.usage_exception FOR SELECT TO exchange_portal USING (((buyer_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (seller_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (EXISTS ( SELECT
   FROM kernel.party p
  WHERE ((p.object_id = usage_exception.id) AND (p.organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")))))));

CREATE POLICY access_usage_filter_exchange_app ON access.usage_filter TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY access_usage_filter_exchange_migrate ON access.usage_filter TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY access_usage_late_exchange_app ON access.usage_late TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY access_usage_late_exchange_migrate ON access.usage_late TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY access_usage_record_exchange_app ON access.usage_record TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY access_usage_record_exchange_migrate ON access.usage_record TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY access_usage_rollup_exchange_app ON access.usage_rollup TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY access_usage_rollup_exchange_migrate ON access.usage_rollup TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY access_usage_rollup_party ON access.usage_rollup FOR SELECT TO exchange_portal USING (((buyer_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (seller_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (EXISTS ( SELECT
   FROM kernel.party p
  WHERE ((p.object_id = usage_rollup.id) AND (p.organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")))))));

CREATE POLICY access_usage_seal_exchange_app ON access.usage_seal TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY access_usage_seal_exchange_migrate ON access.usage_seal TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY access_usage_seal_party ON access.usage_seal FOR SELECT TO exchange_portal USING (((buyer_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (seller_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (EXISTS ( SELECT
   FROM kernel.party p
  WHERE ((p.object_id = usage_seal.id) AND (p.organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")))))));

CREATE POLICY access_usage_touch_exchange_app ON access.usage_touch TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY access_usage_touch_exchange_migrate ON access.usage_touch TO exchange_migrate USING (true) WITH CHECK (true);

ALTER TABLE access.custom_meter ENABLE ROW LEVEL SECURITY;

ALTER TABLE access.grants ENABLE ROW LEVEL SECURITY;

ALTER TABLE access.lease ENABLE ROW LEVEL SECURITY;

ALTER TABLE access.quota ENABLE ROW LEVEL SECURITY;

ALTER TABLE access.source ENABLE ROW LEVEL SECURITY;

ALTER TABLE access.token ENABLE ROW LEVEL SECURITY;

ALTER TABLE access.usage_aside ENABLE ROW LEVEL SECURITY;

ALTER TABLE access.usage_batch ENABLE ROW LEVEL SECURITY;

ALTER TABLE access.usage_checked ENABLE ROW LEVEL SECURITY;

ALTER TABLE access.usage_copy ENABLE ROW LEVEL SECURITY;

ALTER TABLE access.usage_correction ENABLE ROW LEVEL SECURITY;

ALTER TABLE access.usage_day ENABLE ROW LEVEL SECURITY;

ALTER TABLE access.usage_decision ENABLE ROW LEVEL SECURITY;

ALTER TABLE access.usage_exception ENABLE ROW LEVEL SECURITY;

ALTER TABLE access.usage_filter ENABLE ROW LEVEL SECURITY;

ALTER TABLE access.usage_late ENABLE ROW LEVEL SECURITY;

ALTER TABLE access.usage_record ENABLE ROW LEVEL SECURITY;

ALTER TABLE access.usage_rollup ENABLE ROW LEVEL SECURITY;

ALTER TABLE access.usage_seal ENABLE ROW LEVEL SECURITY;

ALTER TABLE access.usage_touch ENABLE ROW LEVEL SECURITY;

ALTER TABLE catalog.asset ENABLE ROW LEVEL SECURITY;

CREATE POLICY catalog_asset_exchange_app ON catalog.asset TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY catalog_asset_exchange_migrate ON catalog.asset TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY catalog_asset_own ON catalog.asset FOR SELECT TO exchange_portal USING ((supplier_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY catalog_asset_public ON catalog.asset FOR SELECT TO exchange_portal USING ((EXISTS ( SELECT
   FROM catalog.listing l
  WHERE ((l.revision_id = asset.revision_id) AND (l.state = 'published'::text)))));

CREATE POLICY catalog_dataset_exchange_app ON catalog.dataset TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY catalog_dataset_exchange_migrate ON catalog.dataset TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY catalog_dataset_own ON catalog.dataset FOR SELECT TO exchange_portal USING ((supplier_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY catalog_dataset_public ON catalog.dataset FOR SELECT TO exchange_portal USING ((EXISTS ( SELECT
   FROM catalog.listing l
  WHERE ((l.dataset_id = dataset.id) AND (l.state = 'published'::text)))));

CREATE POLICY catalog_listing_exchange_app ON catalog.listing TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY catalog_listing_exchange_migrate ON catalog.listing TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY catalog_listing_own ON catalog.listing FOR SELECT TO exchange_portal USING ((supplier_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY catalog_listing_public ON catalog.listing FOR SELECT TO exchange_portal USING ((state = 'published'::text));

CREATE POLICY catalog_offer_audience_exchange_app ON catalog.offer_audience TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY catalog_offer_audience_exchange_migrate ON catalog.offer_audience TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY catalog_offer_audience_public ON catalog.offer_audience FOR SELECT TO exchange_portal USING (((organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (supplier_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif"))));

CREATE POLICY catalog_offer_exchange_app ON catalog.offer TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY catalog_offer_exchange_migrate ON catalog.offer TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY catalog_offer_own ON catalog.offer FOR SELECT TO exchange_portal USING ((supplier_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY catalog_offer_public ON catalog.offer FOR SELECT TO exchange_portal USING (((EXISTS ( SELECT
   FROM catalog.listing l
  WHERE ((l.id = offer.listing_id) AND (l.state = 'published'::text)))) AND ((NOT private) OR (EXISTS ( SELECT
   FROM catalog.offer_audience a
  WHERE ((a.offer_id = offer.id) AND (a.organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif"))))))));

CREATE POLICY catalog_offer_standing_exchange_app ON catalog.offer_standing TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY catalog_offer_standing_exchange_migrate ON catalog.offer_standing TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY catalog_offer_standing_own ON catalog.offer_standing FOR SELECT TO exchange_portal USING ((supplier_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY catalog_offer_standing_public ON catalog.offer_standing FOR SELECT TO exchange_portal USING (((EXISTS ( SELECT
   FROM catalog.listing l
  WHERE ((l.id = offer_standing.listing_id) AND (l.state = 'published'::text)))) AND ((NOT private) OR (EXISTS ( SELECT
   FROM catalog.offer_audience a
  WHERE ((a.offer_id = offer_standing.offer_id) AND (a.organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif"))))))));

CREATE POLICY catalog_people_declaration_exchange_app ON catalog.people_declaration TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY catalog_people_declaration_exchange_migrate ON catalog.people_declaration TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY catalog_people_declaration_own ON catalog.people_declaration FOR SELECT TO exchange_portal USING ((supplier_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY catalog_plan_exchange_app ON catalog.plan TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY catalog_plan_exchange_migrate ON catalog.plan TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY catalog_plan_own ON catalog.plan FOR SELECT TO exchange_portal USING ((supplier_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY catalog_plan_standing_exchange_app ON catalog.plan_standing TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY catalog_plan_standing_exchange_migrate ON catalog.plan_standing TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY catalog_plan_standing_own ON catalog.plan_standing FOR SELECT TO exchange_portal USING ((supplier_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY catalog_revision_exchange_app ON catalog.revision TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY catalog_revision_exchange_migrate ON catalog.revision TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY catalog_revision_own ON catalog.revision FOR SELECT TO exchange_portal USING ((supplier_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY catalog_revision_public ON catalog.revision FOR SELECT TO exchange_portal USING ((EXISTS ( SELECT
   FROM catalog.listing l
  WHERE ((l.revision_id = revision.id) AND (l.state = 'published'::text)))));

CREATE POLICY catalog_upload_exchange_app ON catalog.upload TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY catalog_upload_exchange_migrate ON catalog.upload TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY catalog_upload_own ON catalog.upload FOR SELECT TO exchange_portal USING ((supplier_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

ALTER TABLE catalog.dataset ENABLE ROW LEVEL SECURITY;

ALTER TABLE catalog.listing ENABLE ROW LEVEL SECURITY;

ALTER TABLE catalog.offer ENABLE ROW LEVEL SECURITY;

ALTER TABLE catalog.offer_audience ENABLE ROW LEVEL SECURITY;

ALTER TABLE catalog.offer_standing ENABLE ROW LEVEL SECURITY;

ALTER TABLE catalog.people_declaration ENABLE ROW LEVEL SECURITY;

ALTER TABLE catalog.plan ENABLE ROW LEVEL SECURITY;

ALTER TABLE catalog.plan_standing ENABLE ROW LEVEL SECURITY;

ALTER TABLE catalog.revision ENABLE ROW LEVEL SECURITY;

ALTER TABLE catalog.upload ENABLE ROW LEVEL SECURITY;

ALTER TABLE compliance.audit_entry ENABLE ROW LEVEL SECURITY;

ALTER TABLE compliance.audit_leaf ENABLE ROW LEVEL SECURITY;

ALTER TABLE compliance.checkpoint ENABLE ROW LEVEL SECURITY;

CREATE POLICY compliance_audit_entry_concerned ON compliance.audit_entry FOR SELECT TO exchange_portal USING ((( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif") = ANY (organisation_ids)));

CREATE POLICY compliance_audit_entry_exchange_app ON compliance.audit_entry TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY compliance_audit_entry_exchange_migrate ON compliance.audit_entry TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY compliance_audit_entry_regulator ON compliance.audit_entry FOR SELECT TO exchange_regulator USING (true);

CREATE POLICY compliance_audit_leaf_exchange_app ON compliance.audit_leaf TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY compliance_audit_leaf_exchange_migrate ON compliance.audit_leaf TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY compliance_audit_leaf_public ON compliance.audit_leaf FOR SELECT TO exchange_portal USING (true);

CREATE POLICY compliance_audit_leaf_regulator ON compliance.audit_leaf FOR SELECT TO exchange_regulator USING (true);

CREATE POLICY compliance_checkpoint_exchange_app ON compliance.checkpoint TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY compliance_checkpoint_exchange_migrate ON compliance.checkpoint TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY compliance_checkpoint_public ON compliance.checkpoint FOR SELECT TO exchange_portal USING (true);

CREATE POLICY compliance_checkpoint_regulator ON compliance.checkpoint FOR SELECT TO exchange_regulator USING (true);

CREATE POLICY compliance_cosignature_exchange_app ON compliance.cosignature TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY compliance_cosignature_exchange_migrate ON compliance.cosignature TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY compliance_cosignature_public ON compliance.cosignature FOR SELECT TO exchange_portal USING (true);

CREATE POLICY compliance_directive_answer_exchange_app ON compliance.directive_answer TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY compliance_directive_answer_exchange_migrate ON compliance.directive_answer TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY compliance_directive_answer_own ON compliance.directive_answer FOR SELECT TO exchange_portal USING ((organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY compliance_directive_answer_regulator ON compliance.directive_answer FOR SELECT TO exchange_regulator USING (true);

CREATE POLICY compliance_directive_deferral_exchange_app ON compliance.directive_deferral TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY compliance_directive_deferral_exchange_migrate ON compliance.directive_deferral TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY compliance_directive_deferral_regulator ON compliance.directive_deferral FOR SELECT TO exchange_regulator USING (true);

CREATE POLICY compliance_directive_exchange_app ON compliance.directive TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY compliance_directive_exchange_migrate ON compliance.directive TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY compliance_directive_file_exchange_app ON compliance.directive_file TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY compliance_directive_file_exchange_migrate ON compliance.directive_file TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY compliance_directive_file_own ON compliance.directive_file FOR SELECT TO exchange_portal USING ((organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY compliance_directive_file_regulator ON compliance.directive_file FOR SELECT TO exchange_regulator USING (true);

CREATE POLICY compliance_directive_notice_exchange_app ON compliance.directive_notice TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY compliance_directive_notice_exchange_migrate ON compliance.directive_notice TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY compliance_directive_notice_own ON compliance.directive_notice FOR SELECT TO exchange_portal USING ((organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY compliance_directive_notice_regulator ON compliance.directive_notice FOR SELECT TO exchange_regulator USING (true);

CREATE POLICY compliance_directive_own ON compliance.directive FOR SELECT TO exchange_portal USING ((issued_by = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY compliance_directive_regulator ON compliance.directive FOR SELECT TO exchange_regulator USING (true);

CREATE POLICY compliance_directive_rule_exchange_app ON compliance.directive_rule TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY compliance_directive_rule_exchange_migrate ON compliance.directive_rule TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY compliance_directive_rule_regulator ON compliance.directive_rule FOR SELECT TO exchange_regulator USING (true);

CREATE POLICY compliance_directive_target_exchange_app ON compliance.directive_target TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY compliance_directive_target_exchange_migrate ON compliance.directive_target TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY compliance_directive_target_public ON compliance.directive_target FOR SELECT TO exchange_portal USING ((active AND (kind = ANY (ARRAY['freeze'::text, 'delist'::text])) AND (target_kind = ANY (ARRAY['organisation'::text, 'dataset'::text, 'revision'::text, 'listing'::text, 'offer'::text]))));

CREATE POLICY compliance_directive_target_regulator ON compliance.directive_target FOR SELECT TO exchange_regulator USING (true);

CREATE POLICY compliance_export_bundle_exchange_app ON compliance.export_bundle TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY compliance_export_bundle_exchange_migrate ON compliance.export_bundle TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY compliance_export_exchange_app ON compliance.export TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY compliance_export_exchange_migrate ON compliance.export TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY compliance_export_object_exchange_app ON compliance.export_object TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY compliance_export_object_exchange_migrate ON compliance.export_object TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY compliance_export_own ON compliance.export FOR SELECT TO exchange_portal USING ((requested_by = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY compliance_export_part_exchange_app ON compliance.export_part TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY compliance_export_part_exchange_migrate ON compliance.export_part TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY compliance_export_regulator ON compliance.export FOR SELECT TO exchange_regulator USING (true);

CREATE POLICY compliance_export_subject_exchange_app ON compliance.export_subject TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY compliance_export_subject_exchange_migrate ON compliance.export_subject TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY compliance_log_state_exchange_app ON compliance.log_state TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY compliance_log_state_exchange_migrate ON compliance.log_state TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY compliance_processing_record_exchange_app ON compliance.processing_record TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY compliance_processing_record_exchange_migrate ON compliance.processing_record TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY compliance_report_exchange_app ON compliance.report TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY compliance_report_exchange_migrate ON compliance.report TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY compliance_report_own ON compliance.report FOR SELECT TO exchange_portal USING ((requested_by = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY compliance_salt_exchange_app ON compliance.salt TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY compliance_salt_exchange_migrate ON compliance.salt TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY compliance_sample_concerned ON compliance.sample FOR SELECT TO exchange_portal USING (((supplier_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (EXISTS ( SELECT
   FROM access.grants g
  WHERE ((g.revision_id = sample.revision_id) AND (g.buyer_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")))))));

CREATE POLICY compliance_sample_exchange_app ON compliance.sample TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY compliance_sample_exchange_migrate ON compliance.sample TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY compliance_sample_own ON compliance.sample FOR SELECT TO exchange_portal USING ((requested_by = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY compliance_sample_result_concerned ON compliance.sample_result FOR SELECT TO exchange_portal USING ((EXISTS ( SELECT
   FROM compliance.sample s
  WHERE (s.id = sample_result.sample_id))));

CREATE POLICY compliance_sample_result_exchange_app ON compliance.sample_result TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY compliance_sample_result_exchange_migrate ON compliance.sample_result TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY compliance_sample_result_own ON compliance.sample_result FOR SELECT TO exchange_portal USING ((judged_by = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY compliance_sealed_exchange_app ON compliance.sealed TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY compliance_sealed_exchange_migrate ON compliance.sealed TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY compliance_subject_exchange_app ON compliance.subject TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY compliance_subject_exchange_migrate ON compliance.subject TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY compliance_subject_own ON compliance.subject FOR SELECT TO exchange_portal USING ((organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY compliance_subject_regulator ON compliance.subject FOR SELECT TO exchange_regulator USING (true);

CREATE POLICY compliance_tile_exchange_app ON compliance.tile TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY compliance_tile_exchange_migrate ON compliance.tile TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY compliance_tile_public ON compliance.tile FOR SELECT TO exchange_portal USING (true);

CREATE POLICY compliance_tile_regulator ON compliance.tile FOR SELECT TO exchange_regulator USING (true);

CREATE POLICY compliance_witness_exchange_app ON compliance.witness TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY compliance_witness_exchange_migrate ON compliance.witness TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY compliance_witness_fault_exchange_app ON compliance.witness_fault TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY compliance_witness_fault_exchange_migrate ON compliance.witness_fault TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY compliance_witness_public ON compliance.witness FOR SELECT TO exchange_portal USING ((state = 'active'::text));

ALTER TABLE compliance.cosignature ENABLE ROW LEVEL SECURITY;

ALTER TABLE compliance.directive ENABLE ROW LEVEL SECURITY;

ALTER TABLE compliance.directive_answer ENABLE ROW LEVEL SECURITY;

ALTER TABLE compliance.directive_deferral ENABLE ROW LEVEL SECURITY;

ALTER TABLE compliance.directive_file ENABLE ROW LEVEL SECURITY;

ALTER TABLE compliance.directive_notice ENABLE ROW LEVEL SECURITY;

ALTER TABLE compliance.directive_rule ENABLE ROW LEVEL SECURITY;

ALTER TABLE compliance.directive_target ENABLE ROW LEVEL SECURITY;

ALTER TABLE compliance.export ENABLE ROW LEVEL SECURITY;

ALTER TABLE compliance.export_bundle ENABLE ROW LEVEL SECURITY;

ALTER TABLE compliance.export_object ENABLE ROW LEVEL SECURITY;

ALTER TABLE compliance.export_part ENABLE ROW LEVEL SECURITY;

ALTER TABLE compliance.export_subject ENABLE ROW LEVEL SECURITY;

ALTER TABLE compliance.log_state ENABLE ROW LEVEL SECURITY;

ALTER TABLE compliance.processing_record ENABLE ROW LEVEL SECURITY;

ALTER TABLE compliance.report ENABLE ROW LEVEL SECURITY;

ALTER TABLE compliance.salt ENABLE ROW LEVEL SECURITY;

ALTER TABLE compliance.sample ENABLE ROW LEVEL SECURITY;

ALTER TABLE compliance.sample_result ENABLE ROW LEVEL SECURITY;

ALTER TABLE compliance.sealed ENABLE ROW LEVEL SECURITY;

ALTER TABLE compliance.subject ENABLE ROW LEVEL SECURITY;

ALTER TABLE compliance.tile ENABLE ROW LEVEL SECURITY;

ALTER TABLE compliance.witness ENABLE ROW LEVEL SECURITY;

ALTER TABLE compliance.witness_fault ENABLE ROW LEVEL SECURITY;

ALTER TABLE contracts.agreement ENABLE ROW LEVEL SECURITY;

ALTER TABLE contracts.agreement_event ENABLE ROW LEVEL SECURITY;

ALTER TABLE contracts.auction ENABLE ROW LEVEL SECURITY;

ALTER TABLE contracts.auction_award ENABLE ROW LEVEL SECURITY;

ALTER TABLE contracts.auction_bid ENABLE ROW LEVEL SECURITY;

ALTER TABLE contracts.auction_reserve ENABLE ROW LEVEL SECURITY;

ALTER TABLE contracts.auction_tally ENABLE ROW LEVEL SECURITY;

ALTER TABLE contracts.breach_notice ENABLE ROW LEVEL SECURITY;

ALTER TABLE contracts.chain_end ENABLE ROW LEVEL SECURITY;

ALTER TABLE contracts.chain_right ENABLE ROW LEVEL SECURITY;

ALTER TABLE contracts.chain_trace ENABLE ROW LEVEL SECURITY;

CREATE POLICY contracts_agreement_event_exchange_app ON contracts.agreement_event TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY contracts_agreement_event_exchange_migrate ON contracts.agreement_event TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY contracts_agreement_event_joined ON contracts.agreement_event FOR SELECT TO exchange_portal USING ((EXISTS ( SELECT
   FROM kernel.party p
  WHERE ((p.object_id = agreement_event.agreement_id) AND (p.organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif"))))));

CREATE POLICY contracts_agreement_event_own ON contracts.agreement_event FOR SELECT TO exchange_portal USING ((successor_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY contracts_agreement_event_party ON contracts.agreement_event FOR SELECT TO exchange_portal USING (((buyer_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (seller_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (EXISTS ( SELECT
   FROM kernel.party p
  WHERE ((p.object_id = agreement_event.id) AND (p.organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")))))));

CREATE POLICY contracts_agreement_exchange_app ON contracts.agreement TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY contracts_agreement_exchange_migrate ON contracts.agreement TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY contracts_agreement_party ON contracts.agreement FOR SELECT TO exchange_portal USING (((buyer_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (seller_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (EXISTS ( SELECT
   FROM kernel.party p
  WHERE ((p.object_id = agreement.id) AND (p.organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")))))));

CREATE POLICY contracts_auction_award_exchange_app ON contracts.auction_award TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY contracts_auction_award_exchange_migrate ON contracts.auction_award TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY contracts_auction_award_party ON contracts.auction_award FOR SELECT TO exchange_portal USING (((buyer_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (seller_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (EXISTS ( SELECT
   FROM kernel.party p
  WHERE ((p.object_id = auction_award.id) AND (p.organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")))))));

CREATE POLICY contracts_auction_bid_exchange_app ON contracts.auction_bid TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY contracts_auction_bid_exchange_migrate ON contracts.auction_bid TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY contracts_auction_bid_own ON contracts.auction_bid FOR SELECT TO exchange_portal USING ((bidder_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY contracts_auction_exchange_app ON contracts.auction TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY contracts_auction_exchange_migrate ON contracts.auction TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY contracts_auction_public ON contracts.auction FOR SELECT TO exchange_portal USING (true);

CREATE POLICY contracts_auction_reserve_exchange_app ON contracts.auction_reserve TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY contracts_auction_reserve_exchange_migrate ON contracts.auction_reserve TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY contracts_auction_reserve_public ON contracts.auction_reserve FOR SELECT TO exchange_portal USING (((supplier_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (EXISTS ( SELECT
   FROM contracts.auction a
  WHERE ((a.id = auction_reserve.auction_id) AND (a.reserve_public OR ((a.state = ANY (ARRAY['awarded'::text, 'lapsed'::text])) AND (EXISTS ( SELECT
           FROM contracts.auction_bid b
          WHERE ((b.auction_id = a.id) AND (b.bidder_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif"))))))))))));

CREATE POLICY contracts_auction_tally_exchange_app ON contracts.auction_tally TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY contracts_auction_tally_exchange_migrate ON contracts.auction_tally TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY contracts_auction_tally_public ON contracts.auction_tally FOR SELECT TO exchange_portal USING (((supplier_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (EXISTS ( SELECT
   FROM contracts.auction_bid b
  WHERE ((b.auction_id = auction_tally.auction_id) AND (b.bidder_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")))))));

CREATE POLICY contracts_breach_notice_exchange_app ON contracts.breach_notice TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY contracts_breach_notice_exchange_migrate ON contracts.breach_notice TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY contracts_breach_notice_party ON contracts.breach_notice FOR SELECT TO exchange_portal USING (((buyer_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (seller_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (EXISTS ( SELECT
   FROM kernel.party p
  WHERE ((p.object_id = breach_notice.id) AND (p.organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")))))));

CREATE POLICY contracts_chain_end_exchange_app ON contracts.chain_end TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY contracts_chain_end_exchange_migrate ON contracts.chain_end TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY contracts_chain_end_own ON contracts.chain_end FOR SELECT TO exchange_portal USING ((supplier_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY contracts_chain_right_exchange_app ON contracts.chain_right TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY contracts_chain_right_exchange_migrate ON contracts.chain_right TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY contracts_chain_right_own ON contracts.chain_right FOR SELECT TO exchange_portal USING ((supplier_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY contracts_chain_trace_exchange_app ON contracts.chain_trace TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY contracts_chain_trace_exchange_migrate ON contracts.chain_trace TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY contracts_chain_trace_own ON contracts.chain_trace FOR SELECT TO exchange_portal USING ((supplier_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY contracts_data_contract_check_exchange_app ON contracts.data_contract_check TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY contracts_data_contract_check_exchange_migrate ON contracts.data_contract_check TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY contracts_data_contract_check_own ON contracts.data_contract_check FOR SELECT TO exchange_portal USING ((supplier_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY contracts_data_contract_check_public ON contracts.data_contract_check FOR SELECT TO exchange_portal USING ((EXISTS ( SELECT
   FROM catalog.listing l
  WHERE ((l.revision_id = data_contract_check.revision_id) AND (l.state = 'published'::text)))));

CREATE POLICY contracts_data_contract_exchange_app ON contracts.data_contract TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY contracts_data_contract_exchange_migrate ON contracts.data_contract TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY contracts_data_contract_own ON contracts.data_contract FOR SELECT TO exchange_portal USING ((supplier_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY contracts_data_contract_public ON contracts.data_contract FOR SELECT TO exchange_portal USING ((EXISTS ( SELECT
   FROM catalog.listing l
  WHERE ((l.dataset_id = data_contract.dataset_id) AND (l.state = 'published'::text)))));

CREATE POLICY contracts_event_end_exchange_app ON contracts.event_end TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY contracts_event_end_exchange_migrate ON contracts.event_end TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY contracts_event_end_joined ON contracts.event_end FOR SELECT TO exchange_portal USING ((EXISTS ( SELECT
   FROM kernel.party p
  WHERE ((p.object_id = event_end.agreement_id) AND (p.organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif"))))));

CREATE POLICY contracts_event_end_party ON contracts.event_end FOR SELECT TO exchange_portal USING (((buyer_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (seller_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (EXISTS ( SELECT
   FROM kernel.party p
  WHERE ((p.object_id = event_end.id) AND (p.organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")))))));

CREATE POLICY contracts_event_end_public ON contracts.event_end FOR SELECT TO exchange_portal USING ((EXISTS ( SELECT
   FROM contracts.agreement_event e
  WHERE ((e.id = event_end.id) AND (e.successor_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif"))))));

CREATE POLICY contracts_event_force_exchange_app ON contracts.event_force TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY contracts_event_force_exchange_migrate ON contracts.event_force TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY contracts_event_force_joined ON contracts.event_force FOR SELECT TO exchange_portal USING ((EXISTS ( SELECT
   FROM kernel.party p
  WHERE ((p.object_id = event_force.agreement_id) AND (p.organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif"))))));

CREATE POLICY contracts_event_force_party ON contracts.event_force FOR SELECT TO exchange_portal USING (((buyer_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (seller_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (EXISTS ( SELECT
   FROM kernel.party p
  WHERE ((p.object_id = event_force.id) AND (p.organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")))))));

CREATE POLICY contracts_event_force_public ON contracts.event_force FOR SELECT TO exchange_portal USING ((EXISTS ( SELECT
   FROM contracts.agreement_event e
  WHERE ((e.id = event_force.id) AND (e.successor_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif"))))));

CREATE POLICY contracts_kept_key_exchange_app ON contracts.kept_key TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY contracts_kept_key_exchange_migrate ON contracts.kept_key TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY contracts_key_retirement_exchange_app ON contracts.key_retirement TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY contracts_key_retirement_exchange_migrate ON contracts.key_retirement TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY contracts_key_retirement_public ON contracts.key_retirement FOR SELECT TO exchange_portal USING (true);

CREATE POLICY contracts_measurement_agreed_exchange_app ON contracts.measurement_agreed TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY contracts_measurement_agreed_exchange_migrate ON contracts.measurement_agreed TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY contracts_measurement_agreed_own ON contracts.measurement_agreed FOR SELECT TO exchange_portal USING ((evaluator_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY contracts_measurement_agreed_party ON contracts.measurement_agreed FOR SELECT TO exchange_portal USING (((buyer_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (seller_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (EXISTS ( SELECT
   FROM kernel.party p
  WHERE ((p.object_id = measurement_agreed.id) AND (p.organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")))))));

CREATE POLICY contracts_measurement_answer_exchange_app ON contracts.measurement_answer TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY contracts_measurement_answer_exchange_migrate ON contracts.measurement_answer TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY contracts_measurement_answer_own ON contracts.measurement_answer FOR SELECT TO exchange_portal USING ((evaluator_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY contracts_measurement_answer_party ON contracts.measurement_answer FOR SELECT TO exchange_portal USING (((buyer_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (seller_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (EXISTS ( SELECT
   FROM kernel.party p
  WHERE ((p.object_id = measurement_answer.id) AND (p.organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")))))));

CREATE POLICY contracts_measurement_exchange_app ON contracts.measurement TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY contracts_measurement_exchange_migrate ON contracts.measurement TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY contracts_measurement_own ON contracts.measurement FOR SELECT TO exchange_portal USING ((evaluator_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY contracts_measurement_party ON contracts.measurement FOR SELECT TO exchange_portal USING (((buyer_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (seller_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (EXISTS ( SELECT
   FROM kernel.party p
  WHERE ((p.object_id = measurement.id) AND (p.organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")))))));

CREATE POLICY contracts_milestone_answer_exchange_app ON contracts.milestone_answer TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY contracts_milestone_answer_exchange_migrate ON contracts.milestone_answer TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY contracts_milestone_answer_public ON contracts.milestone_answer FOR SELECT TO exchange_portal USING (((buyer_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (seller_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif"))));

CREATE POLICY contracts_milestone_drop_exchange_app ON contracts.milestone_drop TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY contracts_milestone_drop_exchange_migrate ON contracts.milestone_drop TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY contracts_milestone_drop_public ON contracts.milestone_drop FOR SELECT TO exchange_portal USING (((buyer_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (seller_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif"))));

CREATE POLICY contracts_milestone_report_exchange_app ON contracts.milestone_report TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY contracts_milestone_report_exchange_migrate ON contracts.milestone_report TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY contracts_milestone_report_public ON contracts.milestone_report FOR SELECT TO exchange_portal USING (((buyer_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (seller_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif"))));

CREATE POLICY contracts_negotiation_exchange_app ON contracts.negotiation TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY contracts_negotiation_exchange_migrate ON contracts.negotiation TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY contracts_negotiation_message_exchange_app ON contracts.negotiation_message TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY contracts_negotiation_message_exchange_migrate ON contracts.negotiation_message TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY contracts_negotiation_message_party ON contracts.negotiation_message FOR SELECT TO exchange_portal USING (((buyer_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (seller_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (EXISTS ( SELECT
   FROM kernel.party p
  WHERE ((p.object_id = negotiation_message.id) AND (p.organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")))))));

CREATE POLICY contracts_negotiation_party ON contracts.negotiation FOR SELECT TO exchange_portal USING (((buyer_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (seller_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (EXISTS ( SELECT
   FROM kernel.party p
  WHERE ((p.object_id = negotiation.id) AND (p.organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")))))));

CREATE POLICY contracts_obligation_evidence_exchange_app ON contracts.obligation_evidence TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY contracts_obligation_evidence_exchange_migrate ON contracts.obligation_evidence TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY contracts_obligation_evidence_party ON contracts.obligation_evidence FOR SELECT TO exchange_portal USING (((buyer_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (seller_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (EXISTS ( SELECT
   FROM kernel.party p
  WHERE ((p.object_id = obligation_evidence.id) AND (p.organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")))))));

CREATE POLICY contracts_obligation_exchange_app ON contracts.obligation TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY contracts_obligation_exchange_migrate ON contracts.obligation TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY contracts_obligation_notice_exchange_app ON contracts.obligation_notice TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY contracts_obligation_notice_exchange_migrate ON contracts.obligation_notice TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY contracts_obligation_notice_own ON contracts.obligation_notice FOR SELECT TO exchange_portal USING ((organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY contracts_obligation_party ON contracts.obligation FOR SELECT TO exchange_portal USING (((buyer_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (seller_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (EXISTS ( SELECT
   FROM kernel.party p
  WHERE ((p.object_id = obligation.id) AND (p.organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")))))));

CREATE POLICY contracts_obligation_plan_exchange_app ON contracts.obligation_plan TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY contracts_obligation_plan_exchange_migrate ON contracts.obligation_plan TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY contracts_obligation_step_exchange_app ON contracts.obligation_step TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY contracts_obligation_step_exchange_migrate ON contracts.obligation_step TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY contracts_obligation_step_party ON contracts.obligation_step FOR SELECT TO exchange_portal USING (((buyer_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (seller_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (EXISTS ( SELECT
   FROM kernel.party p
  WHERE ((p.object_id = obligation_step.id) AND (p.organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")))))));

CREATE POLICY contracts_organisation_key_exchange_app ON contracts.organisation_key TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY contracts_organisation_key_exchange_migrate ON contracts.organisation_key TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY contracts_organisation_key_public ON contracts.organisation_key FOR SELECT TO exchange_portal USING (true);

CREATE POLICY contracts_question_exchange_app ON contracts.question TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY contracts_question_exchange_migrate ON contracts.question TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY contracts_question_own ON contracts.question FOR SELECT TO exchange_portal USING ((organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY contracts_quote_exchange_app ON contracts.quote TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY contracts_quote_exchange_migrate ON contracts.quote TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY contracts_quote_party ON contracts.quote FOR SELECT TO exchange_portal USING (((buyer_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (seller_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (EXISTS ( SELECT
   FROM kernel.party p
  WHERE ((p.object_id = quote.id) AND (p.organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")))))));

CREATE POLICY contracts_rights_notice_exchange_app ON contracts.rights_notice TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY contracts_rights_notice_exchange_migrate ON contracts.rights_notice TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY contracts_rights_notice_party ON contracts.rights_notice FOR SELECT TO exchange_portal USING (((buyer_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (seller_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (EXISTS ( SELECT
   FROM kernel.party p
  WHERE ((p.object_id = rights_notice.id) AND (p.organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")))))));

CREATE POLICY contracts_rights_summary_exchange_app ON contracts.rights_summary TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY contracts_rights_summary_exchange_migrate ON contracts.rights_summary TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY contracts_rights_summary_own ON contracts.rights_summary FOR SELECT TO exchange_portal USING ((supplier_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY contracts_rights_summary_public ON contracts.rights_summary FOR SELECT TO exchange_portal USING ((EXISTS ( SELECT
   FROM catalog.listing l
  WHERE ((l.dataset_id = rights_summary.dataset_id) AND (l.state = 'published'::text)))));

CREATE POLICY contracts_signature_exchange_app ON contracts.signature TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY contracts_signature_exchange_migrate ON contracts.signature TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY contracts_signature_joined ON contracts.signature FOR SELECT TO exchange_portal USING ((EXISTS ( SELECT
   FROM kernel.party p
  WHERE ((p.object_id = signature.agreement_id) AND (p.organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif"))))));

CREATE POLICY contracts_signature_party ON contracts.signature FOR SELECT TO exchange_portal USING (((buyer_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (seller_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (EXISTS ( SELECT
   FROM kernel.party p
  WHERE ((p.object_id = signature.id) AND (p.organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")))))));

CREATE POLICY contracts_signature_public ON contracts.signature FOR SELECT TO exchange_portal USING ((EXISTS ( SELECT
   FROM contracts.agreement_event e
  WHERE ((e.id = signature.object_id) AND (e.successor_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif"))))));

CREATE POLICY contracts_signing_mark_exchange_app ON contracts.signing_mark TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY contracts_signing_mark_exchange_migrate ON contracts.signing_mark TO exchange_migrate USING (true) WITH CHECK (true);

ALTER TABLE contracts.data_contract ENABLE ROW LEVEL SECURITY;

ALTER TABLE contracts.data_contract_check ENABLE ROW LEVEL SECURITY;

ALTER TABLE contracts.event_end ENABLE ROW LEVEL SECURITY;

ALTER TABLE contracts.event_force ENABLE ROW LEVEL SECURITY;

ALTER TABLE contracts.kept_key ENABLE ROW LEVEL SECURITY;

ALTER TABLE contracts.key_retirement ENABLE ROW LEVEL SECURITY;

ALTER TABLE contracts.measurement ENABLE ROW LEVEL SECURITY;

ALTER TABLE contracts.measurement_agreed ENABLE ROW LEVEL SECURITY;

ALTER TABLE contracts.measurement_answer ENABLE ROW LEVEL SECURITY;

ALTER TABLE contracts.milestone_answer ENABLE ROW LEVEL SECURITY;

ALTER TABLE contracts.milestone_drop ENABLE ROW LEVEL SECURITY;

ALTER TABLE contracts.milestone_report ENABLE ROW LEVEL SECURITY;

ALTER TABLE contracts.negotiation ENABLE ROW LEVEL SECURITY;

ALTER TABLE contracts.negotiation_message ENABLE ROW LEVEL SECURITY;

ALTER TABLE contracts.obligation ENABLE ROW LEVEL SECURITY;

ALTER TABLE contracts.obligation_evidence ENABLE ROW LEVEL SECURITY;

ALTER TABLE contracts.obligation_notice ENABLE ROW LEVEL SECURITY;

ALTER TABLE contracts.obligation_plan ENABLE ROW LEVEL SECURITY;

ALTER TABLE contracts.obligation_step ENABLE ROW LEVEL SECURITY;

ALTER TABLE contracts.organisation_key ENABLE ROW LEVEL SECURITY;

ALTER TABLE contracts.question ENABLE ROW LEVEL SECURITY;

ALTER TABLE contracts.quote ENABLE ROW LEVEL SECURITY;

ALTER TABLE contracts.rights_notice ENABLE ROW LEVEL SECURITY;

ALTER TABLE contracts.rights_summary ENABLE ROW LEVEL SECURITY;

ALTER TABLE contracts.signature ENABLE ROW LEVEL SECURITY;

ALTER TABLE contracts.signing_mark ENABLE ROW LEVEL SECURITY;

ALTER TABLE kernel.idempotency ENABLE ROW LEVEL SECURITY;

ALTER TABLE kernel.job ENABLE ROW LEVEL SECURITY;

CREATE POLICY kernel_idempotency_exchange_app ON kernel.idempotency TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY kernel_idempotency_exchange_migrate ON kernel.idempotency TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY kernel_job_exchange_app ON kernel.job TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY kernel_job_exchange_migrate ON kernel.job TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY kernel_job_own ON kernel.job FOR SELECT TO exchange_portal USING ((organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY kernel_party_exchange_app ON kernel.party TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY kernel_party_exchange_migrate ON kernel.party TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY kernel_party_own ON kernel.party FOR SELECT TO exchange_portal USING ((organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY kernel_public_key_exchange_app ON kernel.public_key TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY kernel_public_key_exchange_migrate ON kernel.public_key TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY kernel_public_key_public ON kernel.public_key FOR SELECT TO exchange_portal USING (true);

ALTER TABLE kernel.party ENABLE ROW LEVEL SECURITY;

ALTER TABLE kernel.public_key ENABLE ROW LEVEL SECURITY;

ALTER TABLE parties.client ENABLE ROW LEVEL SECURITY;

ALTER TABLE parties.decision ENABLE ROW LEVEL SECURITY;

ALTER TABLE parties.evidence ENABLE ROW LEVEL SECURITY;

ALTER TABLE parties.identifier ENABLE ROW LEVEL SECURITY;

ALTER TABLE parties.member ENABLE ROW LEVEL SECURITY;

ALTER TABLE parties.organisation ENABLE ROW LEVEL SECURITY;

CREATE POLICY parties_client_exchange_app ON parties.client TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY parties_client_exchange_migrate ON parties.client TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY parties_client_own ON parties.client FOR SELECT TO exchange_portal USING ((organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY parties_decision_exchange_app ON parties.decision TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY parties_decision_exchange_migrate ON parties.decision TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY parties_decision_own ON parties.decision FOR SELECT TO exchange_portal USING ((organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY parties_evidence_exchange_app ON parties.evidence TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY parties_evidence_exchange_migrate ON parties.evidence TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY parties_evidence_own ON parties.evidence FOR SELECT TO exchange_portal USING ((organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY parties_identifier_exchange_app ON parties.identifier TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY parties_identifier_exchange_migrate ON parties.identifier TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY parties_identifier_own ON parties.identifier FOR SELECT TO exchange_portal USING ((organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY parties_member_exchange_app ON parties.member TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY parties_member_exchange_migrate ON parties.member TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY parties_member_own ON parties.member FOR SELECT TO exchange_portal USING ((organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY parties_organisation_exchange_app ON parties.organisation TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY parties_organisation_exchange_migrate ON parties.organisation TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY parties_organisation_own ON parties.organisation FOR SELECT TO exchange_portal USING ((id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY parties_organisation_public ON parties.organisation FOR SELECT TO exchange_portal USING ((state = 'verified'::text));

CREATE POLICY parties_person_exchange_app ON parties.person TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY parties_person_exchange_migrate ON parties.person TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY parties_person_own ON parties.person FOR SELECT TO exchange_portal USING ((organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY parties_profile_exchange_app ON parties.profile TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY parties_profile_exchange_migrate ON parties.profile TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY parties_profile_own ON parties.profile FOR SELECT TO exchange_portal USING ((organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY parties_revoked_token_exchange_app ON parties.revoked_token TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY parties_revoked_token_exchange_migrate ON parties.revoked_token TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY parties_revoked_token_own ON parties.revoked_token FOR SELECT TO exchange_portal USING ((organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

ALTER TABLE parties.person ENABLE ROW LEVEL SECURITY;

ALTER TABLE parties.profile ENABLE ROW LEVEL SECURITY;

ALTER TABLE parties.revoked_token ENABLE ROW LEVEL SECURITY;

ALTER TABLE quality.assessment ENABLE ROW LEVEL SECURITY;

ALTER TABLE quality.certificate ENABLE ROW LEVEL SECURITY;

ALTER TABLE quality.disclosure ENABLE ROW LEVEL SECURITY;

CREATE POLICY quality_assessment_exchange_app ON quality.assessment TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY quality_assessment_exchange_migrate ON quality.assessment TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY quality_assessment_own ON quality.assessment FOR SELECT TO exchange_portal USING ((supplier_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY quality_assessment_public ON quality.assessment FOR SELECT TO exchange_portal USING ((assessor_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY quality_certificate_exchange_app ON quality.certificate TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY quality_certificate_exchange_migrate ON quality.certificate TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY quality_certificate_public ON quality.certificate FOR SELECT TO exchange_portal USING (true);

CREATE POLICY quality_disclosure_exchange_app ON quality.disclosure TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY quality_disclosure_exchange_migrate ON quality.disclosure TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY quality_disclosure_public ON quality.disclosure FOR SELECT TO exchange_portal USING (true);

CREATE POLICY quality_scorecard_exchange_app ON quality.scorecard TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY quality_scorecard_exchange_migrate ON quality.scorecard TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY quality_scorecard_own ON quality.scorecard FOR SELECT TO exchange_portal USING ((supplier_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY quality_scorecard_public ON quality.scorecard FOR SELECT TO exchange_portal USING (((EXISTS ( SELECT
   FROM quality.disclosure d
  WHERE (d.scorecard_id = scorecard.id))) OR (EXISTS ( SELECT
   FROM quality.assessment a
  WHERE ((a.scorecard_id = scorecard.id) AND (a.assessor_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")))))));

ALTER TABLE quality.scorecard ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.acceptance ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.account ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.account_period ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.approval ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.balance ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.bank_account ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.bank_entry ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.bank_statement ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.buyer_claim ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.call_pace ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.card_refund ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.charge ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.chargeback ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.chart ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.closed_period ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.conversion ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.credit_line ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.credit_order ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.dispute ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.dispute_evidence ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.dispute_fact ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.dispute_hold ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.dispute_money ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.dispute_stop ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.due ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.dunning_case ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.dunning_grant ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.dunning_notice ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.efapiao ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.efapiao_codes ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.efapiao_confirmation ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.efapiao_export ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.efapiao_number ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.event_cursor ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.fiscal_document ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.fiscal_missing ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.fiscal_source ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.hold ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.hold_end ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.hold_open ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.introduced_sale ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.invoice ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.invoice_line ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.journal ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.kept_method ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.mandate ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.mandate_end ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.milestone_escrow ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.money_proof ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.open_item ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.open_order ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.orders ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.own_sweep ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.payment ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.payout ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.payout_account ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.payout_batch ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.payout_batch_item ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.payout_destination ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.pool_distribution ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.pool_policy ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.pool_share ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.position_limit ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.posting ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.preview ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.preview_line ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.provider_call ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.provider_customer ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.rate ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.recon_cursor ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.recon_done ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.recon_item ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.recon_journal ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.recon_open ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.recon_resolution ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.record_digests ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.record_set ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.recovery ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.refund ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.run ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.run_item ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.self_billing ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.self_billing_end ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.seller_report ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.series ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.service_credit ENABLE ROW LEVEL SECURITY;

CREATE POLICY settlement_acceptance_exchange_app ON settlement.acceptance TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_acceptance_exchange_migrate ON settlement.acceptance TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_acceptance_party ON settlement.acceptance FOR SELECT TO exchange_portal USING (((buyer_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (seller_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (EXISTS ( SELECT
   FROM kernel.party p
  WHERE ((p.object_id = acceptance.id) AND (p.organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")))))));

CREATE POLICY settlement_account_exchange_app ON settlement.account TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_account_exchange_migrate ON settlement.account TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_account_own ON settlement.account FOR SELECT TO exchange_portal USING ((organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY settlement_account_period_exchange_app ON settlement.account_period TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_account_period_exchange_migrate ON settlement.account_period TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_account_period_public ON settlement.account_period FOR SELECT TO exchange_portal USING ((account_id IN ( SELECT a.id
   FROM settlement.account a)));

CREATE POLICY settlement_approval_exchange_app ON settlement.approval TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_approval_exchange_migrate ON settlement.approval TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_balance_exchange_app ON settlement.balance TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_balance_exchange_migrate ON settlement.balance TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_balance_own ON settlement.balance FOR SELECT TO exchange_portal USING ((organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY settlement_bank_account_exchange_app ON settlement.bank_account TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_bank_account_exchange_migrate ON settlement.bank_account TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_bank_entry_exchange_app ON settlement.bank_entry TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_bank_entry_exchange_migrate ON settlement.bank_entry TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_bank_entry_own ON settlement.bank_entry FOR SELECT TO exchange_portal USING ((organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY settlement_bank_statement_exchange_app ON settlement.bank_statement TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_bank_statement_exchange_migrate ON settlement.bank_statement TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_buyer_claim_exchange_app ON settlement.buyer_claim TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_buyer_claim_exchange_migrate ON settlement.buyer_claim TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_buyer_claim_public ON settlement.buyer_claim FOR SELECT TO exchange_portal USING (((supplier_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (broker_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif"))));

CREATE POLICY settlement_call_pace_exchange_app ON settlement.call_pace TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_call_pace_exchange_migrate ON settlement.call_pace TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_card_refund_exchange_app ON settlement.card_refund TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_card_refund_exchange_migrate ON settlement.card_refund TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_card_refund_own ON settlement.card_refund FOR SELECT TO exchange_portal USING ((organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY settlement_charge_exchange_app ON settlement.charge TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_charge_exchange_migrate ON settlement.charge TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_charge_party ON settlement.charge FOR SELECT TO exchange_portal USING (((buyer_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (seller_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (EXISTS ( SELECT
   FROM kernel.party p
  WHERE ((p.object_id = charge.id) AND (p.organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")))))));

CREATE POLICY settlement_chargeback_exchange_app ON settlement.chargeback TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_chargeback_exchange_migrate ON settlement.chargeback TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_chart_exchange_app ON settlement.chart TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_chart_exchange_migrate ON settlement.chart TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_closed_period_exchange_app ON settlement.closed_period TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_closed_period_exchange_migrate ON settlement.closed_period TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_conversion_exchange_app ON settlement.conversion TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_conversion_exchange_migrate ON settlement.conversion TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_conversion_own ON settlement.conversion FOR SELECT TO exchange_portal USING ((organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY settlement_credit_line_exchange_app ON settlement.credit_line TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_credit_line_exchange_migrate ON settlement.credit_line TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_credit_line_own ON settlement.credit_line FOR SELECT TO exchange_portal USING ((buyer_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY settlement_credit_order_exchange_app ON settlement.credit_order TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_credit_order_exchange_migrate ON settlement.credit_order TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_credit_order_own ON settlement.credit_order FOR SELECT TO exchange_portal USING ((buyer_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY settlement_dispute_evidence_exchange_app ON settlement.dispute_evidence TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_dispute_evidence_exchange_migrate ON settlement.dispute_evidence TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_dispute_evidence_seen ON settlement.dispute_evidence FOR SELECT TO exchange_portal USING ((EXISTS ( SELECT
   FROM settlement.dispute d
  WHERE (d.id = dispute_evidence.dispute_id))));

CREATE POLICY settlement_dispute_exchange_app ON settlement.dispute TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_dispute_exchange_migrate ON settlement.dispute TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_dispute_fact_exchange_app ON settlement.dispute_fact TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_dispute_fact_exchange_migrate ON settlement.dispute_fact TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_dispute_fact_seen ON settlement.dispute_fact FOR SELECT TO exchange_portal USING ((EXISTS ( SELECT
   FROM settlement.dispute d
  WHERE (d.id = dispute_fact.dispute_id))));

CREATE POLICY settlement_dispute_hold_exchange_app ON settlement.dispute_hold TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_dispute_hold_exchange_migrate ON settlement.dispute_hold TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_dispute_hold_own ON settlement.dispute_hold FOR SELECT TO exchange_portal USING ((organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY settlement_dispute_money_exchange_app ON settlement.dispute_money TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_dispute_money_exchange_migrate ON settlement.dispute_money TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_dispute_money_seen ON settlement.dispute_money FOR SELECT TO exchange_portal USING ((EXISTS ( SELECT
   FROM settlement.dispute d
  WHERE (d.id = dispute_money.dispute_id))));

CREATE POLICY settlement_dispute_seen ON settlement.dispute FOR SELECT TO exchange_portal USING ((((( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif") = giver_id) OR (( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif") = taker_id)) OR (( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif") = arbitrator_id)));

CREATE POLICY settlement_dispute_stop_exchange_app ON settlement.dispute_stop TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_dispute_stop_exchange_migrate ON settlement.dispute_stop TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_dispute_stop_seen ON settlement.dispute_stop FOR SELECT TO exchange_portal USING ((organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY settlement_due_exchange_app ON settlement.due TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_due_exchange_migrate ON settlement.due TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_due_party ON settlement.due FOR SELECT TO exchange_portal USING (((buyer_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (seller_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (EXISTS ( SELECT
   FROM kernel.party p
  WHERE ((p.object_id = due.id) AND (p.organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")))))));

CREATE POLICY settlement_dunning_case_exchange_app ON settlement.dunning_case TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_dunning_case_exchange_migrate ON settlement.dunning_case TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_dunning_case_party ON settlement.dunning_case FOR SELECT TO exchange_portal USING (((buyer_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (seller_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (EXISTS ( SELECT
   FROM kernel.party p
  WHERE ((p.object_id = dunning_case.id) AND (p.organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")))))));

CREATE POLICY settlement_dunning_grant_exchange_app ON settlement.dunning_grant TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_dunning_grant_exchange_migrate ON settlement.dunning_grant TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_dunning_notice_exchange_app ON settlement.dunning_notice TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_dunning_notice_exchange_migrate ON settlement.dunning_notice TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_dunning_notice_party ON settlement.dunning_notice FOR SELECT TO exchange_portal USING (((buyer_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (seller_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (EXISTS ( SELECT
   FROM kernel.party p
  WHERE ((p.object_id = dunning_notice.id) AND (p.organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")))))));

CREATE POLICY settlement_efapiao_codes_exchange_app ON settlement.efapiao_codes TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_efapiao_codes_exchange_migrate ON settlement.efapiao_codes TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_efapiao_confirmation_exchange_app ON settlement.efapiao_confirmation TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_efapiao_confirmation_exchange_migrate ON settlement.efapiao_confirmation TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_efapiao_exchange_app ON settlement.efapiao TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_efapiao_exchange_migrate ON settlement.efapiao TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_efapiao_export_exchange_app ON settlement.efapiao_export TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_efapiao_export_exchange_migrate ON settlement.efapiao_export TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_efapiao_number_exchange_app ON settlement.efapiao_number TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_efapiao_number_exchange_migrate ON settlement.efapiao_number TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_efapiao_number_party ON settlement.efapiao_number FOR SELECT TO exchange_portal USING (((buyer_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (seller_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (EXISTS ( SELECT
   FROM kernel.party p
  WHERE ((p.object_id = efapiao_number.id) AND (p.organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")))))));

CREATE POLICY settlement_efapiao_party ON settlement.efapiao FOR SELECT TO exchange_portal USING (((buyer_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (seller_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (EXISTS ( SELECT
   FROM kernel.party p
  WHERE ((p.object_id = efapiao.id) AND (p.organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")))))));

CREATE POLICY settlement_event_cursor_exchange_app ON settlement.event_cursor TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_event_cursor_exchange_migrate ON settlement.event_cursor TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_fiscal_document_exchange_app ON settlement.fiscal_document TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_fiscal_document_exchange_migrate ON settlement.fiscal_document TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_fiscal_document_party ON settlement.fiscal_document FOR SELECT TO exchange_portal USING (((buyer_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (seller_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (EXISTS ( SELECT
   FROM kernel.party p
  WHERE ((p.object_id = fiscal_document.id) AND (p.organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")))))));

CREATE POLICY settlement_fiscal_missing_exchange_app ON settlement.fiscal_missing TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_fiscal_missing_exchange_migrate ON settlement.fiscal_missing TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_fiscal_source_exchange_app ON settlement.fiscal_source TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_fiscal_source_exchange_migrate ON settlement.fiscal_source TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_hold_end_exchange_app ON settlement.hold_end TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_hold_end_exchange_migrate ON settlement.hold_end TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_hold_end_own ON settlement.hold_end FOR SELECT TO exchange_portal USING ((organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY settlement_hold_exchange_app ON settlement.hold TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_hold_exchange_migrate ON settlement.hold TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_hold_open_exchange_app ON settlement.hold_open TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_hold_open_exchange_migrate ON settlement.hold_open TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_hold_own ON settlement.hold FOR SELECT TO exchange_portal USING ((organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY settlement_introduced_sale_exchange_app ON settlement.introduced_sale TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_introduced_sale_exchange_migrate ON settlement.introduced_sale TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_introduced_sale_public ON settlement.introduced_sale FOR SELECT TO exchange_portal USING (((supplier_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (broker_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif"))));

CREATE POLICY settlement_invoice_exchange_app ON settlement.invoice TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_invoice_exchange_migrate ON settlement.invoice TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_invoice_line_exchange_app ON settlement.invoice_line TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_invoice_line_exchange_migrate ON settlement.invoice_line TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_invoice_party ON settlement.invoice FOR SELECT TO exchange_portal USING (((buyer_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (seller_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (EXISTS ( SELECT
   FROM kernel.party p
  WHERE ((p.object_id = invoice.id) AND (p.organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")))))));

CREATE POLICY settlement_journal_exchange_app ON settlement.journal TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_journal_exchange_migrate ON settlement.journal TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_journal_public ON settlement.journal FOR SELECT TO exchange_portal USING ((EXISTS ( SELECT
   FROM settlement.posting p
  WHERE (p.journal_id = journal.id))));

CREATE POLICY settlement_kept_method_exchange_app ON settlement.kept_method TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_kept_method_exchange_migrate ON settlement.kept_method TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_kept_method_own ON settlement.kept_method FOR SELECT TO exchange_portal USING ((organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY settlement_mandate_end_exchange_app ON settlement.mandate_end TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_mandate_end_exchange_migrate ON settlement.mandate_end TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_mandate_end_public ON settlement.mandate_end FOR SELECT TO exchange_portal USING (((supplier_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (broker_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif"))));

CREATE POLICY settlement_mandate_exchange_app ON settlement.mandate TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_mandate_exchange_migrate ON settlement.mandate TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_mandate_public ON settlement.mandate FOR SELECT TO exchange_portal USING (((supplier_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (broker_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif"))));

CREATE POLICY settlement_milestone_escrow_exchange_app ON settlement.milestone_escrow TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_milestone_escrow_exchange_migrate ON settlement.milestone_escrow TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_milestone_escrow_public ON settlement.milestone_escrow FOR SELECT TO exchange_portal USING (((buyer_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (seller_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif"))));

CREATE POLICY settlement_money_proof_exchange_app ON settlement.money_proof TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_money_proof_exchange_migrate ON settlement.money_proof TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_open_item_exchange_app ON settlement.open_item TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_open_item_exchange_migrate ON settlement.open_item TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_open_order_exchange_app ON settlement.open_order TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_open_order_exchange_migrate ON settlement.open_order TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_orders_exchange_app ON settlement.orders TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_orders_exchange_migrate ON settlement.orders TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_orders_party ON settlement.orders FOR SELECT TO exchange_portal USING (((buyer_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (seller_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (EXISTS ( SELECT
   FROM kernel.party p
  WHERE ((p.object_id = orders.id) AND (p.organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")))))));

CREATE POLICY settlement_own_sweep_exchange_app ON settlement.own_sweep TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_own_sweep_exchange_migrate ON settlement.own_sweep TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_payment_exchange_app ON settlement.payment TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_payment_exchange_migrate ON settlement.payment TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_payment_own ON settlement.payment FOR SELECT TO exchange_portal USING ((organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY settlement_payout_account_exchange_app ON settlement.payout_account TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_payout_account_exchange_migrate ON settlement.payout_account TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_payout_account_own ON settlement.payout_account FOR SELECT TO exchange_portal USING ((organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY settlement_payout_batch_exchange_app ON settlement.payout_batch TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_payout_batch_exchange_migrate ON settlement.payout_batch TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_payout_batch_item_exchange_app ON settlement.payout_batch_item TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_payout_batch_item_exchange_migrate ON settlement.payout_batch_item TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_payout_destination_exchange_app ON settlement.payout_destination TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_payout_destination_exchange_migrate ON settlement.payout_destination TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_payout_destination_own ON settlement.payout_destination FOR SELECT TO exchange_portal USING ((organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY settlement_payout_exchange_app ON settlement.payout TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_payout_exchange_migrate ON settlement.payout TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_payout_own ON settlement.payout FOR SELECT TO exchange_portal USING ((organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY settlement_pool_distribution_exchange_app ON settlement.pool_distribution TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_pool_distribution_exchange_migrate ON settlement.pool_distribution TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_pool_distribution_public ON settlement.pool_distribution FOR SELECT TO exchange_portal USING (true);

CREATE POLICY settlement_pool_policy_exchange_app ON settlement.pool_policy TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_pool_policy_exchange_migrate ON settlement.pool_policy TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_pool_policy_public ON settlement.pool_policy FOR SELECT TO exchange_portal USING (true);

CREATE POLICY settlement_pool_share_exchange_app ON settlement.pool_share TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_pool_share_exchange_migrate ON settlement.pool_share TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_pool_share_own ON settlement.pool_share FOR SELECT TO exchange_portal USING ((organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY settlement_position_limit_exchange_app ON settlement.position_limit TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_position_limit_exchange_migrate ON settlement.position_limit TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_posting_exchange_app ON settlement.posting TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_posting_exchange_migrate ON settlement.posting TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_posting_public ON settlement.posting FOR SELECT TO exchange_portal USING ((account_id IN ( SELECT a.id
   FROM settlement.account a)));

CREATE POLICY settlement_preview_exchange_app ON settlement.preview TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_preview_exchange_migrate ON settlement.preview TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_preview_line_exchange_app ON settlement.preview_line TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_preview_line_exchange_migrate ON settlement.preview_line TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_provider_call_exchange_app ON settlement.provider_call TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_provider_call_exchange_migrate ON settlement.provider_call TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_provider_customer_exchange_app ON settlement.provider_customer TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_provider_customer_exchange_migrate ON settlement.provider_customer TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_provider_customer_own ON settlement.provider_customer FOR SELECT TO exchange_portal USING ((organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY settlement_rate_exchange_app ON settlement.rate TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_rate_exchange_migrate ON settlement.rate TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_rate_public ON settlement.rate FOR SELECT TO exchange_portal USING (true);

CREATE POLICY settlement_recon_cursor_exchange_app ON settlement.recon_cursor TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_recon_cursor_exchange_migrate ON settlement.recon_cursor TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_recon_done_exchange_app ON settlement.recon_done TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_recon_done_exchange_migrate ON settlement.recon_done TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_recon_item_exchange_app ON settlement.recon_item TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_recon_item_exchange_migrate ON settlement.recon_item TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_recon_journal_exchange_app ON settlement.recon_journal TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_recon_journal_exchange_migrate ON settlement.recon_journal TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_recon_open_exchange_app ON settlement.recon_open TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_recon_open_exchange_migrate ON settlement.recon_open TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_recon_resolution_exchange_app ON settlement.recon_resolution TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_recon_resolution_exchange_migrate ON settlement.recon_resolution TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_record_digests_exchange_app ON settlement.record_digests TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_record_digests_exchange_migrate ON settlement.record_digests TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_record_set_exchange_app ON settlement.record_set TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_record_set_exchange_migrate ON settlement.record_set TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_record_set_own ON settlement.record_set FOR SELECT TO exchange_portal USING ((organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY settlement_recovery_exchange_app ON settlement.recovery TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_recovery_exchange_migrate ON settlement.recovery TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_recovery_own ON settlement.recovery FOR SELECT TO exchange_portal USING ((organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY settlement_refund_exchange_app ON settlement.refund TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_refund_exchange_migrate ON settlement.refund TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_refund_party ON settlement.refund FOR SELECT TO exchange_portal USING (((buyer_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (seller_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (EXISTS ( SELECT
   FROM kernel.party p
  WHERE ((p.object_id = refund.id) AND (p.organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")))))));

CREATE POLICY settlement_run_exchange_app ON settlement.run TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_run_exchange_migrate ON settlement.run TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_run_item_exchange_app ON settlement.run_item TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_run_item_exchange_migrate ON settlement.run_item TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_self_billing_end_exchange_app ON settlement.self_billing_end TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_self_billing_end_exchange_migrate ON settlement.self_billing_end TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_self_billing_end_own ON settlement.self_billing_end FOR SELECT TO exchange_portal USING ((organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY settlement_self_billing_exchange_app ON settlement.self_billing TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_self_billing_exchange_migrate ON settlement.self_billing TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_self_billing_own ON settlement.self_billing FOR SELECT TO exchange_portal USING ((organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY settlement_seller_report_exchange_app ON settlement.seller_report TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_seller_report_exchange_migrate ON settlement.seller_report TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_series_exchange_app ON settlement.series TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_series_exchange_migrate ON settlement.series TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_service_credit_exchange_app ON settlement.service_credit TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_service_credit_exchange_migrate ON settlement.service_credit TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_service_credit_party ON settlement.service_credit FOR SELECT TO exchange_portal USING (((buyer_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (seller_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (EXISTS ( SELECT
   FROM kernel.party p
  WHERE ((p.object_id = service_credit.id) AND (p.organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")))))));

CREATE POLICY settlement_split_booked_exchange_app ON settlement.split_booked TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_split_booked_exchange_migrate ON settlement.split_booked TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_split_booked_public ON settlement.split_booked FOR SELECT TO exchange_portal USING (((organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (supplier_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif"))));

CREATE POLICY settlement_split_guarantee_exchange_app ON settlement.split_guarantee TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_split_guarantee_exchange_migrate ON settlement.split_guarantee TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_split_guarantee_public ON settlement.split_guarantee FOR SELECT TO exchange_portal USING (((supplier_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif"))));

CREATE POLICY settlement_split_level_exchange_app ON settlement.split_level TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_split_level_exchange_migrate ON settlement.split_level TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_split_minimum_exchange_app ON settlement.split_minimum TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_split_minimum_exchange_migrate ON settlement.split_minimum TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_split_minimum_public ON settlement.split_minimum FOR SELECT TO exchange_portal USING (true);

CREATE POLICY settlement_split_payee_exchange_app ON settlement.split_payee TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_split_payee_exchange_migrate ON settlement.split_payee TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_split_payee_own ON settlement.split_payee FOR SELECT TO exchange_portal USING ((organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY settlement_split_promise_accepted_exchange_app ON settlement.split_promise_accepted TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_split_promise_accepted_exchange_migrate ON settlement.split_promise_accepted TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_split_promise_exchange_app ON settlement.split_promise TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_split_promise_exchange_migrate ON settlement.split_promise TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_split_promise_public ON settlement.split_promise FOR SELECT TO exchange_portal USING (((supplier_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif"))));

CREATE POLICY settlement_split_rule_exchange_app ON settlement.split_rule TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_split_rule_exchange_migrate ON settlement.split_rule TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_split_rule_public ON settlement.split_rule FOR SELECT TO exchange_portal USING (((supplier_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")) OR (EXISTS ( SELECT
   FROM settlement.split_payee p
  WHERE ((p.rule_id = split_rule.id) AND (p.organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")))))));

CREATE POLICY settlement_split_run_exchange_app ON settlement.split_run TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_split_run_exchange_migrate ON settlement.split_run TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_split_source_exchange_app ON settlement.split_source TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_split_source_exchange_migrate ON settlement.split_source TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_stated_balance_exchange_app ON settlement.stated_balance TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_stated_balance_exchange_migrate ON settlement.stated_balance TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_statement_exchange_app ON settlement.statement TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_statement_exchange_migrate ON settlement.statement TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_statement_line_exchange_app ON settlement.statement_line TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_statement_line_exchange_migrate ON settlement.statement_line TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_statement_own ON settlement.statement FOR SELECT TO exchange_portal USING ((organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY settlement_stripe_event_exchange_app ON settlement.stripe_event TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_stripe_event_exchange_migrate ON settlement.stripe_event TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_weight_answer_exchange_app ON settlement.weight_answer TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_weight_answer_exchange_migrate ON settlement.weight_answer TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_weight_answer_joined ON settlement.weight_answer FOR SELECT TO exchange_portal USING ((EXISTS ( SELECT
   FROM kernel.party p
  WHERE ((p.object_id = weight_answer.order_id) AND (p.organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif"))))));

CREATE POLICY settlement_weight_member_exchange_app ON settlement.weight_member TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_weight_member_exchange_migrate ON settlement.weight_member TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_weight_member_own ON settlement.weight_member FOR SELECT TO exchange_portal USING ((organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY settlement_weight_order_exchange_app ON settlement.weight_order TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_weight_order_exchange_migrate ON settlement.weight_order TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_weight_order_joined ON settlement.weight_order FOR SELECT TO exchange_portal USING ((EXISTS ( SELECT
   FROM kernel.party p
  WHERE ((p.object_id = weight_order.id) AND (p.organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif"))))));

CREATE POLICY settlement_weight_vector_exchange_app ON settlement.weight_vector TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_weight_vector_exchange_migrate ON settlement.weight_vector TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_weight_vector_joined ON settlement.weight_vector FOR SELECT TO exchange_portal USING ((EXISTS ( SELECT
   FROM kernel.party p
  WHERE ((p.object_id = weight_vector.order_id) AND (p.organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif"))))));

CREATE POLICY settlement_withholding_adoption_exchange_app ON settlement.withholding_adoption TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_withholding_adoption_exchange_migrate ON settlement.withholding_adoption TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_withholding_exchange_app ON settlement.withholding TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_withholding_exchange_migrate ON settlement.withholding TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_withholding_own ON settlement.withholding FOR SELECT TO exchange_portal USING ((organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY settlement_withholding_relief_end_exchange_app ON settlement.withholding_relief_end TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_withholding_relief_end_exchange_migrate ON settlement.withholding_relief_end TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_withholding_relief_end_own ON settlement.withholding_relief_end FOR SELECT TO exchange_portal USING ((organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY settlement_withholding_relief_exchange_app ON settlement.withholding_relief TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_withholding_relief_exchange_migrate ON settlement.withholding_relief TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY settlement_withholding_relief_own ON settlement.withholding_relief FOR SELECT TO exchange_portal USING ((organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY settlement_withholding_table_exchange_app ON settlement.withholding_table TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY settlement_withholding_table_exchange_migrate ON settlement.withholding_table TO exchange_migrate USING (true) WITH CHECK (true);

ALTER TABLE settlement.split_booked ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.split_guarantee ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.split_level ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.split_minimum ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.split_payee ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.split_promise ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.split_promise_accepted ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.split_rule ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.split_run ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.split_source ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.stated_balance ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.statement ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.statement_line ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.stripe_event ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.weight_answer ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.weight_member ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.weight_order ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.weight_vector ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.withholding ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.withholding_adoption ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.withholding_relief ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.withholding_relief_end ENABLE ROW LEVEL SECURITY;

ALTER TABLE settlement.withholding_table ENABLE ROW LEVEL SECURITY;

ALTER TABLE webhooks.attempt ENABLE ROW LEVEL SECURITY;

ALTER TABLE webhooks.cursor ENABLE ROW LEVEL SECURITY;

ALTER TABLE webhooks.delivery ENABLE ROW LEVEL SECURITY;

ALTER TABLE webhooks.endpoint ENABLE ROW LEVEL SECURITY;

ALTER TABLE webhooks.message ENABLE ROW LEVEL SECURITY;

ALTER TABLE webhooks.secret ENABLE ROW LEVEL SECURITY;

CREATE POLICY webhooks_attempt_exchange_app ON webhooks.attempt TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY webhooks_attempt_exchange_migrate ON webhooks.attempt TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY webhooks_attempt_own ON webhooks.attempt FOR SELECT TO exchange_portal USING ((organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY webhooks_cursor_exchange_app ON webhooks.cursor TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY webhooks_cursor_exchange_migrate ON webhooks.cursor TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY webhooks_delivery_exchange_app ON webhooks.delivery TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY webhooks_delivery_exchange_migrate ON webhooks.delivery TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY webhooks_delivery_own ON webhooks.delivery FOR SELECT TO exchange_portal USING ((organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY webhooks_endpoint_exchange_app ON webhooks.endpoint TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY webhooks_endpoint_exchange_migrate ON webhooks.endpoint TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY webhooks_endpoint_own ON webhooks.endpoint FOR SELECT TO exchange_portal USING ((organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY webhooks_message_exchange_app ON webhooks.message TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY webhooks_message_exchange_migrate ON webhooks.message TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY webhooks_message_own ON webhooks.message FOR SELECT TO exchange_portal USING ((organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY webhooks_secret_exchange_app ON webhooks.secret TO exchange_app USING (true) WITH CHECK (true);

CREATE POLICY webhooks_secret_exchange_migrate ON webhooks.secret TO exchange_migrate USING (true) WITH CHECK (true);

CREATE POLICY webhooks_secret_own ON webhooks.secret FOR SELECT TO exchange_portal USING ((organisation_id = ( SELECT (NULLIF(current_setting('exchange.organisation'::text, true), ''::text))::uuid AS "nullif")));

GRANT USAGE ON SCHEMA access TO exchange_app;
GRANT USAGE ON SCHEMA access TO exchange_portal;

GRANT USAGE ON SCHEMA catalog TO exchange_app;
GRANT USAGE ON SCHEMA catalog TO exchange_portal;

GRANT USAGE ON SCHEMA compliance TO exchange_app;
GRANT USAGE ON SCHEMA compliance TO exchange_portal;
GRANT USAGE ON SCHEMA compliance TO exchange_regulator;

GRANT USAGE ON SCHEMA contracts TO exchange_app;
GRANT USAGE ON SCHEMA contracts TO exchange_portal;

GRANT USAGE ON SCHEMA kernel TO exchange_app;
GRANT USAGE ON SCHEMA kernel TO exchange_portal;

GRANT USAGE ON SCHEMA parties TO exchange_app;
GRANT USAGE ON SCHEMA parties TO exchange_portal;

REVOKE USAGE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO exchange_app;
GRANT USAGE ON SCHEMA public TO exchange_portal;
GRANT USAGE ON SCHEMA public TO exchange_regulator;

GRANT USAGE ON SCHEMA quality TO exchange_app;
GRANT USAGE ON SCHEMA quality TO exchange_portal;

GRANT USAGE ON SCHEMA regulator TO exchange_regulator;

GRANT USAGE ON SCHEMA settlement TO exchange_app;
GRANT USAGE ON SCHEMA settlement TO exchange_portal;

GRANT USAGE ON SCHEMA webhooks TO exchange_app;
GRANT USAGE ON SCHEMA webhooks TO exchange_portal;

REVOKE ALL ON FUNCTION access.counted_sql(day date) FROM PUBLIC;
GRANT ALL ON FUNCTION access.counted_sql(day date) TO exchange_app;

REVOKE ALL ON FUNCTION access.ensure_day(day date) FROM PUBLIC;
GRANT ALL ON FUNCTION access.ensure_day(day date) TO exchange_app;

REVOKE ALL ON FUNCTION access.fold_day(day date, final boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION access.fold_day(day date, final boolean) TO exchange_app;

REVOKE ALL ON FUNCTION access.hold_days(days date[]) FROM PUBLIC;
GRANT ALL ON FUNCTION access.hold_days(days date[]) TO exchange_app;

REVOKE ALL ON FUNCTION access.prove_day(day date) FROM PUBLIC;
GRANT ALL ON FUNCTION access.prove_day(day date) TO exchange_app;

REVOKE ALL ON FUNCTION catalog.matching(wanted tsquery) FROM PUBLIC;
GRANT ALL ON FUNCTION catalog.matching(wanted tsquery) TO exchange_app;
GRANT ALL ON FUNCTION catalog.matching(wanted tsquery) TO exchange_portal;

REVOKE ALL ON FUNCTION compliance.directives_counted() FROM PUBLIC;
GRANT ALL ON FUNCTION compliance.directives_counted() TO exchange_portal;
GRANT ALL ON FUNCTION compliance.directives_counted() TO exchange_app;

REVOKE ALL ON FUNCTION compliance.directives_in_public(skip integer, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION compliance.directives_in_public(skip integer, most integer) TO exchange_portal;
GRANT ALL ON FUNCTION compliance.directives_in_public(skip integer, most integer) TO exchange_app;

REVOKE ALL ON FUNCTION compliance.entries_stand_still() FROM PUBLIC;
GRANT ALL ON FUNCTION compliance.entries_stand_still() TO exchange_app;

GRANT SELECT,INSERT ON TABLE access.custom_meter TO exchange_app;
GRANT SELECT ON TABLE access.custom_meter TO exchange_portal;

GRANT SELECT,INSERT,UPDATE ON TABLE access.grants TO exchange_app;
GRANT SELECT ON TABLE access.grants TO exchange_portal;

GRANT SELECT,INSERT,UPDATE ON TABLE access.lease TO exchange_app;
GRANT SELECT ON TABLE access.lease TO exchange_portal;

GRANT SELECT,INSERT,UPDATE ON TABLE access.quota TO exchange_app;
GRANT SELECT ON TABLE access.quota TO exchange_portal;

GRANT SELECT,INSERT,UPDATE ON TABLE access.source TO exchange_app;
GRANT SELECT ON TABLE access.source TO exchange_portal;

GRANT SELECT,INSERT,UPDATE ON TABLE access.token TO exchange_app;
GRANT SELECT ON TABLE access.token TO exchange_portal;

GRANT SELECT,INSERT ON TABLE access.usage_aside TO exchange_app;
GRANT SELECT ON TABLE access.usage_aside TO exchange_portal;

GRANT SELECT,INSERT ON TABLE access.usage_batch TO exchange_app;
GRANT SELECT ON TABLE access.usage_batch TO exchange_portal;

GRANT SELECT,INSERT ON TABLE access.usage_checked TO exchange_app;

GRANT SELECT,INSERT ON TABLE access.usage_copy TO exchange_app;

GRANT SELECT,INSERT ON TABLE access.usage_correction TO exchange_app;
GRANT SELECT ON TABLE access.usage_correction TO exchange_portal;

GRANT SELECT,INSERT,UPDATE ON TABLE access.usage_day TO exchange_app;

GRANT SELECT,INSERT ON TABLE access.usage_decision TO exchange_app;
GRANT SELECT ON TABLE access.usage_decision TO exchange_portal;

GRANT SELECT,INSERT ON TABLE access.usage_exception TO exchange_app;
GRANT SELECT ON TABLE access.usage_exception TO exchange_portal;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE access.usage_filter TO exchange_app;

GRANT SELECT,INSERT ON TABLE access.usage_late TO exchange_app;

GRANT SELECT,INSERT ON TABLE access.usage_record TO exchange_app;

GRANT SELECT,INSERT,UPDATE ON TABLE access.usage_rollup TO exchange_app;
GRANT SELECT ON TABLE access.usage_rollup TO exchange_portal;

GRANT SELECT,INSERT ON TABLE access.usage_seal TO exchange_app;
GRANT SELECT ON TABLE access.usage_seal TO exchange_portal;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE access.usage_touch TO exchange_app;

GRANT SELECT,INSERT ON TABLE catalog.asset TO exchange_app;
GRANT SELECT ON TABLE catalog.asset TO exchange_portal;

GRANT SELECT,INSERT,UPDATE ON TABLE catalog.dataset TO exchange_app;
GRANT SELECT ON TABLE catalog.dataset TO exchange_portal;

GRANT SELECT,INSERT,UPDATE ON TABLE catalog.listing TO exchange_app;
GRANT SELECT ON TABLE catalog.listing TO exchange_portal;

GRANT SELECT,INSERT ON TABLE catalog.offer TO exchange_app;
GRANT SELECT ON TABLE catalog.offer TO exchange_portal;

GRANT SELECT,INSERT ON TABLE catalog.offer_audience TO exchange_app;
GRANT SELECT ON TABLE catalog.offer_audience TO exchange_portal;

GRANT SELECT,INSERT,UPDATE ON TABLE catalog.offer_standing TO exchange_app;
GRANT SELECT ON TABLE catalog.offer_standing TO exchange_portal;

GRANT SELECT,INSERT ON TABLE catalog.people_declaration TO exchange_app;
GRANT SELECT ON TABLE catalog.people_declaration TO exchange_portal;

GRANT SELECT,INSERT ON TABLE catalog.plan TO exchange_app;
GRANT SELECT ON TABLE catalog.plan TO exchange_portal;

GRANT SELECT,INSERT,UPDATE ON TABLE catalog.plan_standing TO exchange_app;
GRANT SELECT ON TABLE catalog.plan_standing TO exchange_portal;

GRANT SELECT,INSERT ON TABLE catalog.revision TO exchange_app;
GRANT SELECT ON TABLE catalog.revision TO exchange_portal;

GRANT SELECT,INSERT,UPDATE ON TABLE catalog.upload TO exchange_app;
GRANT SELECT ON TABLE catalog.upload TO exchange_portal;

GRANT SELECT,INSERT ON TABLE compliance.audit_entry TO exchange_app;
GRANT SELECT ON TABLE compliance.audit_entry TO exchange_portal;
GRANT SELECT ON TABLE compliance.audit_entry TO exchange_regulator;

GRANT SELECT,INSERT ON TABLE compliance.audit_leaf TO exchange_app;
GRANT SELECT ON TABLE compliance.audit_leaf TO exchange_portal;
GRANT SELECT ON TABLE compliance.audit_leaf TO exchange_regulator;

GRANT SELECT,INSERT ON TABLE compliance.checkpoint TO exchange_app;
GRANT SELECT ON TABLE compliance.checkpoint TO exchange_portal;
GRANT SELECT ON TABLE compliance.checkpoint TO exchange_regulator;

GRANT SELECT,INSERT ON TABLE compliance.cosignature TO exchange_app;
GRANT SELECT ON TABLE compliance.cosignature TO exchange_portal;

GRANT SELECT,INSERT,UPDATE ON TABLE compliance.directive TO exchange_app;
GRANT SELECT ON TABLE compliance.directive TO exchange_portal;
GRANT SELECT ON TABLE compliance.directive TO exchange_regulator;

GRANT SELECT,INSERT ON TABLE compliance.directive_answer TO exchange_app;
GRANT SELECT ON TABLE compliance.directive_answer TO exchange_portal;
GRANT SELECT ON TABLE compliance.directive_answer TO exchange_regulator;

GRANT SELECT,INSERT ON TABLE compliance.directive_deferral TO exchange_app;
GRANT SELECT ON TABLE compliance.directive_deferral TO exchange_regulator;

GRANT SELECT,INSERT ON TABLE compliance.directive_file TO exchange_app;
GRANT SELECT ON TABLE compliance.directive_file TO exchange_portal;
GRANT SELECT ON TABLE compliance.directive_file TO exchange_regulator;

GRANT SELECT,INSERT,UPDATE ON TABLE compliance.directive_notice TO exchange_app;
GRANT SELECT ON TABLE compliance.directive_notice TO exchange_portal;
GRANT SELECT ON TABLE compliance.directive_notice TO exchange_regulator;

GRANT SELECT,INSERT,UPDATE ON TABLE compliance.directive_rule TO exchange_app;
GRANT SELECT ON TABLE compliance.directive_rule TO exchange_regulator;

GRANT SELECT,INSERT,UPDATE ON TABLE compliance.directive_target TO exchange_app;
GRANT SELECT ON TABLE compliance.directive_target TO exchange_portal;
GRANT SELECT ON TABLE compliance.directive_target TO exchange_regulator;

GRANT SELECT,INSERT,UPDATE ON TABLE compliance.export TO exchange_app;
GRANT SELECT ON TABLE compliance.export TO exchange_portal;
GRANT SELECT ON TABLE compliance.export TO exchange_regulator;

GRANT SELECT,INSERT ON TABLE compliance.export_bundle TO exchange_app;

GRANT SELECT,INSERT ON TABLE compliance.export_object TO exchange_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE compliance.export_part TO exchange_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE compliance.export_subject TO exchange_app;

GRANT SELECT,INSERT,UPDATE ON TABLE compliance.log_state TO exchange_app;

GRANT SELECT,INSERT ON TABLE compliance.processing_record TO exchange_app;

GRANT SELECT,INSERT,UPDATE ON TABLE compliance.report TO exchange_app;
GRANT SELECT ON TABLE compliance.report TO exchange_portal;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE compliance.salt TO exchange_app;

GRANT SELECT,INSERT,UPDATE ON TABLE compliance.sample TO exchange_app;
GRANT SELECT ON TABLE compliance.sample TO exchange_portal;

GRANT SELECT,INSERT ON TABLE compliance.sample_result TO exchange_app;
GRANT SELECT ON TABLE compliance.sample_result TO exchange_portal;

GRANT SELECT,INSERT,UPDATE ON TABLE compliance.sealed TO exchange_app;

GRANT SELECT,INSERT,UPDATE ON TABLE compliance.subject TO exchange_app;
GRANT SELECT ON TABLE compliance.subject TO exchange_portal;
GRANT SELECT ON TABLE compliance.subject TO exchange_regulator;

GRANT SELECT,INSERT,UPDATE ON TABLE compliance.tile TO exchange_app;
GRANT SELECT ON TABLE compliance.tile TO exchange_portal;
GRANT SELECT ON TABLE compliance.tile TO exchange_regulator;

GRANT SELECT,INSERT,UPDATE ON TABLE compliance.witness TO exchange_app;
GRANT SELECT ON TABLE compliance.witness TO exchange_portal;

GRANT SELECT,INSERT ON TABLE compliance.witness_fault TO exchange_app;

GRANT SELECT,INSERT ON TABLE contracts.agreement TO exchange_app;
GRANT SELECT ON TABLE contracts.agreement TO exchange_portal;

GRANT SELECT,INSERT ON TABLE contracts.agreement_event TO exchange_app;
GRANT SELECT ON TABLE contracts.agreement_event TO exchange_portal;

GRANT SELECT,INSERT,UPDATE ON TABLE contracts.auction TO exchange_app;
GRANT SELECT ON TABLE contracts.auction TO exchange_portal;

GRANT SELECT,INSERT ON TABLE contracts.auction_award TO exchange_app;
GRANT SELECT ON TABLE contracts.auction_award TO exchange_portal;

GRANT SELECT,INSERT ON TABLE contracts.auction_bid TO exchange_app;
GRANT SELECT ON TABLE contracts.auction_bid TO exchange_portal;

GRANT SELECT,INSERT ON TABLE contracts.auction_reserve TO exchange_app;
GRANT SELECT ON TABLE contracts.auction_reserve TO exchange_portal;

GRANT SELECT,INSERT ON TABLE contracts.auction_tally TO exchange_app;
GRANT SELECT ON TABLE contracts.auction_tally TO exchange_portal;

GRANT SELECT,INSERT ON TABLE contracts.breach_notice TO exchange_app;
GRANT SELECT ON TABLE contracts.breach_notice TO exchange_portal;

GRANT SELECT,INSERT ON TABLE contracts.chain_end TO exchange_app;
GRANT SELECT ON TABLE contracts.chain_end TO exchange_portal;

GRANT SELECT,INSERT ON TABLE contracts.chain_right TO exchange_app;
GRANT SELECT ON TABLE contracts.chain_right TO exchange_portal;

GRANT SELECT,INSERT ON TABLE contracts.chain_trace TO exchange_app;
GRANT SELECT ON TABLE contracts.chain_trace TO exchange_portal;

GRANT SELECT,INSERT ON TABLE contracts.data_contract TO exchange_app;
GRANT SELECT ON TABLE contracts.data_contract TO exchange_portal;

GRANT SELECT,INSERT ON TABLE contracts.data_contract_check TO exchange_app;
GRANT SELECT ON TABLE contracts.data_contract_check TO exchange_portal;

GRANT SELECT,INSERT ON TABLE contracts.event_end TO exchange_app;
GRANT SELECT ON TABLE contracts.event_end TO exchange_portal;

GRANT SELECT,INSERT ON TABLE contracts.event_force TO exchange_app;
GRANT SELECT ON TABLE contracts.event_force TO exchange_portal;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE contracts.kept_key TO exchange_app;

GRANT SELECT,INSERT ON TABLE contracts.key_retirement TO exchange_app;
GRANT SELECT ON TABLE contracts.key_retirement TO exchange_portal;

GRANT SELECT,INSERT ON TABLE contracts.measurement TO exchange_app;
GRANT SELECT ON TABLE contracts.measurement TO exchange_portal;

GRANT SELECT,INSERT ON TABLE contracts.measurement_agreed TO exchange_app;
GRANT SELECT ON TABLE contracts.measurement_agreed TO exchange_portal;

GRANT SELECT,INSERT ON TABLE contracts.measurement_answer TO exchange_app;
GRANT SELECT ON TABLE contracts.measurement_answer TO exchange_portal;

GRANT SELECT,INSERT ON TABLE contracts.milestone_answer TO exchange_app;
GRANT SELECT ON TABLE contracts.milestone_answer TO exchange_portal;

GRANT SELECT,INSERT ON TABLE contracts.milestone_drop TO exchange_app;
GRANT SELECT ON TABLE contracts.milestone_drop TO exchange_portal;

GRANT SELECT,INSERT ON TABLE contracts.milestone_report TO exchange_app;
GRANT SELECT ON TABLE contracts.milestone_report TO exchange_portal;

GRANT SELECT,INSERT,UPDATE ON TABLE contracts.negotiation TO exchange_app;
GRANT SELECT ON TABLE contracts.negotiation TO exchange_portal;

GRANT SELECT,INSERT ON TABLE contracts.negotiation_message TO exchange_app;
GRANT SELECT ON TABLE contracts.negotiation_message TO exchange_portal;

GRANT SELECT,INSERT,UPDATE ON TABLE contracts.obligation TO exchange_app;
GRANT SELECT ON TABLE contracts.obligation TO exchange_portal;

GRANT SELECT,INSERT ON TABLE contracts.obligation_evidence TO exchange_app;
GRANT SELECT ON TABLE contracts.obligation_evidence TO exchange_portal;

GRANT SELECT,INSERT ON TABLE contracts.obligation_notice TO exchange_app;
GRANT SELECT ON TABLE contracts.obligation_notice TO exchange_portal;

GRANT SELECT,INSERT,UPDATE ON TABLE contracts.obligation_plan TO exchange_app;

GRANT SELECT,INSERT ON TABLE contracts.obligation_step TO exchange_app;
GRANT SELECT ON TABLE contracts.obligation_step TO exchange_portal;

GRANT SELECT,INSERT ON TABLE contracts.organisation_key TO exchange_app;
GRANT SELECT ON TABLE contracts.organisation_key TO exchange_portal;

GRANT SELECT,INSERT ON TABLE contracts.question TO exchange_app;
GRANT SELECT ON TABLE contracts.question TO exchange_portal;

GRANT SELECT,INSERT ON TABLE contracts.quote TO exchange_app;
GRANT SELECT ON TABLE contracts.quote TO exchange_portal;

GRANT SELECT,INSERT ON TABLE contracts.rights_notice TO exchange_app;
GRANT SELECT ON TABLE contracts.rights_notice TO exchange_portal;

GRANT SELECT,INSERT,UPDATE ON TABLE contracts.rights_summary TO exchange_app;
GRANT SELECT ON TABLE contracts.rights_summary TO exchange_portal;

GRANT SELECT,INSERT ON TABLE contracts.signature TO exchange_app;
GRANT SELECT ON TABLE contracts.signature TO exchange_portal;

GRANT SELECT,INSERT,UPDATE ON TABLE contracts.signing_mark TO exchange_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE kernel.idempotency TO exchange_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE kernel.job TO exchange_app;
GRANT SELECT ON TABLE kernel.job TO exchange_portal;

GRANT SELECT,INSERT ON TABLE kernel.party TO exchange_app;
GRANT SELECT ON TABLE kernel.party TO exchange_portal;

GRANT SELECT,INSERT ON TABLE kernel.public_key TO exchange_app;
GRANT SELECT ON TABLE kernel.public_key TO exchange_portal;

GRANT SELECT,INSERT,UPDATE ON TABLE parties.client TO exchange_app;

GRANT SELECT(id) ON TABLE parties.client TO exchange_portal;

GRANT SELECT(organisation_id) ON TABLE parties.client TO exchange_portal;

GRANT SELECT(label) ON TABLE parties.client TO exchange_portal;

GRANT SELECT(scopes) ON TABLE parties.client TO exchange_portal;

GRANT SELECT(created_at) ON TABLE parties.client TO exchange_portal;

GRANT SELECT(revoked_at) ON TABLE parties.client TO exchange_portal;

GRANT SELECT,INSERT ON TABLE parties.decision TO exchange_app;
GRANT SELECT ON TABLE parties.decision TO exchange_portal;

GRANT SELECT,INSERT ON TABLE parties.evidence TO exchange_app;
GRANT SELECT ON TABLE parties.evidence TO exchange_portal;

GRANT SELECT,INSERT ON TABLE parties.identifier TO exchange_app;
GRANT SELECT ON TABLE parties.identifier TO exchange_portal;

GRANT SELECT,INSERT,UPDATE ON TABLE parties.member TO exchange_app;
GRANT SELECT ON TABLE parties.member TO exchange_portal;

GRANT SELECT,INSERT,UPDATE ON TABLE parties.organisation TO exchange_app;
GRANT SELECT ON TABLE parties.organisation TO exchange_portal;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE parties.person TO exchange_app;
GRANT SELECT ON TABLE parties.person TO exchange_portal;

GRANT SELECT,INSERT ON TABLE parties.profile TO exchange_app;
GRANT SELECT ON TABLE parties.profile TO exchange_portal;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE parties.revoked_token TO exchange_app;
GRANT SELECT ON TABLE parties.revoked_token TO exchange_portal;

GRANT SELECT,INSERT,UPDATE ON TABLE quality.assessment TO exchange_app;
GRANT SELECT ON TABLE quality.assessment TO exchange_portal;

GRANT SELECT,INSERT ON TABLE quality.certificate TO exchange_app;
GRANT SELECT ON TABLE quality.certificate TO exchange_portal;

GRANT SELECT,INSERT ON TABLE quality.disclosure TO exchange_app;
GRANT SELECT ON TABLE quality.disclosure TO exchange_portal;

GRANT SELECT,INSERT ON TABLE quality.scorecard TO exchange_app;
GRANT SELECT ON TABLE quality.scorecard TO exchange_portal;

GRANT SELECT ON TABLE regulator.audit_entry TO exchange_regulator;

GRANT SELECT ON TABLE regulator.audit_leaf TO exchange_regulator;

GRANT SELECT ON TABLE regulator.checkpoint TO exchange_regulator;

GRANT SELECT ON TABLE regulator.directive TO exchange_regulator;

GRANT SELECT ON TABLE regulator.directive_notice TO exchange_regulator;

GRANT SELECT ON TABLE regulator.directive_rule TO exchange_regulator;

GRANT SELECT ON TABLE regulator.directive_target TO exchange_regulator;

GRANT SELECT ON TABLE regulator.erasure TO exchange_regulator;

GRANT SELECT ON TABLE regulator.export TO exchange_regulator;

GRANT SELECT,INSERT ON TABLE settlement.acceptance TO exchange_app;
GRANT SELECT ON TABLE settlement.acceptance TO exchange_portal;

GRANT SELECT,INSERT ON TABLE settlement.account TO exchange_app;
GRANT SELECT ON TABLE settlement.account TO exchange_portal;

GRANT SELECT,INSERT ON TABLE settlement.account_period TO exchange_app;
GRANT SELECT ON TABLE settlement.account_period TO exchange_portal;

GRANT SELECT,INSERT,UPDATE ON TABLE settlement.approval TO exchange_app;

GRANT SELECT,INSERT,UPDATE ON TABLE settlement.balance TO exchange_app;
GRANT SELECT ON TABLE settlement.balance TO exchange_portal;

GRANT SELECT,INSERT,UPDATE ON TABLE settlement.bank_account TO exchange_app;

GRANT SELECT,INSERT,UPDATE ON TABLE settlement.bank_entry TO exchange_app;
GRANT SELECT ON TABLE settlement.bank_entry TO exchange_portal;

GRANT SELECT,INSERT,UPDATE ON TABLE settlement.bank_statement TO exchange_app;

GRANT SELECT,INSERT ON TABLE settlement.buyer_claim TO exchange_app;
GRANT SELECT ON TABLE settlement.buyer_claim TO exchange_portal;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE settlement.call_pace TO exchange_app;

GRANT SELECT,INSERT,UPDATE ON TABLE settlement.card_refund TO exchange_app;
GRANT SELECT ON TABLE settlement.card_refund TO exchange_portal;

GRANT SELECT,INSERT ON TABLE settlement.charge TO exchange_app;
GRANT SELECT ON TABLE settlement.charge TO exchange_portal;

GRANT SELECT,INSERT,UPDATE ON TABLE settlement.chargeback TO exchange_app;

GRANT SELECT,INSERT ON TABLE settlement.chart TO exchange_app;

GRANT SELECT,INSERT ON TABLE settlement.closed_period TO exchange_app;

GRANT SELECT,INSERT ON TABLE settlement.conversion TO exchange_app;
GRANT SELECT ON TABLE settlement.conversion TO exchange_portal;

GRANT SELECT,INSERT,UPDATE ON TABLE settlement.credit_line TO exchange_app;
GRANT SELECT ON TABLE settlement.credit_line TO exchange_portal;

GRANT SELECT,INSERT,UPDATE ON TABLE settlement.credit_order TO exchange_app;
GRANT SELECT ON TABLE settlement.credit_order TO exchange_portal;

GRANT SELECT,INSERT,UPDATE ON TABLE settlement.dispute TO exchange_app;
GRANT SELECT ON TABLE settlement.dispute TO exchange_portal;

GRANT SELECT,INSERT ON TABLE settlement.dispute_evidence TO exchange_app;
GRANT SELECT ON TABLE settlement.dispute_evidence TO exchange_portal;

GRANT SELECT,INSERT ON TABLE settlement.dispute_fact TO exchange_app;
GRANT SELECT ON TABLE settlement.dispute_fact TO exchange_portal;

GRANT SELECT,INSERT ON TABLE settlement.dispute_hold TO exchange_app;
GRANT SELECT ON TABLE settlement.dispute_hold TO exchange_portal;

GRANT SELECT,INSERT ON TABLE settlement.dispute_money TO exchange_app;
GRANT SELECT ON TABLE settlement.dispute_money TO exchange_portal;

GRANT SELECT,INSERT,UPDATE ON TABLE settlement.dispute_stop TO exchange_app;
GRANT SELECT ON TABLE settlement.dispute_stop TO exchange_portal;

GRANT SELECT,INSERT,UPDATE ON TABLE settlement.due TO exchange_app;
GRANT SELECT ON TABLE settlement.due TO exchange_portal;

GRANT SELECT,INSERT,UPDATE ON TABLE settlement.dunning_case TO exchange_app;
GRANT SELECT ON TABLE settlement.dunning_case TO exchange_portal;

GRANT SELECT,INSERT,UPDATE ON TABLE settlement.dunning_grant TO exchange_app;

GRANT SELECT,INSERT ON TABLE settlement.dunning_notice TO exchange_app;
GRANT SELECT ON TABLE settlement.dunning_notice TO exchange_portal;

GRANT SELECT,INSERT ON TABLE settlement.efapiao TO exchange_app;
GRANT SELECT ON TABLE settlement.efapiao TO exchange_portal;

GRANT SELECT,INSERT ON TABLE settlement.efapiao_codes TO exchange_app;

GRANT SELECT,INSERT ON TABLE settlement.efapiao_confirmation TO exchange_app;

GRANT SELECT,INSERT ON TABLE settlement.efapiao_export TO exchange_app;

GRANT SELECT,INSERT ON TABLE settlement.efapiao_number TO exchange_app;
GRANT SELECT ON TABLE settlement.efapiao_number TO exchange_portal;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE settlement.event_cursor TO exchange_app;

GRANT SELECT,INSERT ON TABLE settlement.fiscal_document TO exchange_app;
GRANT SELECT ON TABLE settlement.fiscal_document TO exchange_portal;

GRANT SELECT,INSERT,UPDATE ON TABLE settlement.fiscal_missing TO exchange_app;

GRANT SELECT,INSERT ON TABLE settlement.fiscal_source TO exchange_app;

GRANT SELECT,INSERT ON TABLE settlement.hold TO exchange_app;
GRANT SELECT ON TABLE settlement.hold TO exchange_portal;

GRANT SELECT,INSERT ON TABLE settlement.hold_end TO exchange_app;
GRANT SELECT ON TABLE settlement.hold_end TO exchange_portal;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE settlement.hold_open TO exchange_app;

GRANT SELECT,INSERT ON TABLE settlement.introduced_sale TO exchange_app;
GRANT SELECT ON TABLE settlement.introduced_sale TO exchange_portal;

GRANT SELECT,INSERT ON TABLE settlement.invoice TO exchange_app;
GRANT SELECT ON TABLE settlement.invoice TO exchange_portal;

GRANT SELECT,INSERT ON TABLE settlement.invoice_line TO exchange_app;

GRANT SELECT,INSERT ON TABLE settlement.journal TO exchange_app;
GRANT SELECT ON TABLE settlement.journal TO exchange_portal;

GRANT SELECT,INSERT,UPDATE ON TABLE settlement.kept_method TO exchange_app;
GRANT SELECT ON TABLE settlement.kept_method TO exchange_portal;

GRANT SELECT,INSERT ON TABLE settlement.mandate TO exchange_app;
GRANT SELECT ON TABLE settlement.mandate TO exchange_portal;

GRANT SELECT,INSERT ON TABLE settlement.mandate_end TO exchange_app;
GRANT SELECT ON TABLE settlement.mandate_end TO exchange_portal;

GRANT SELECT,INSERT ON TABLE settlement.milestone_escrow TO exchange_app;
GRANT SELECT ON TABLE settlement.milestone_escrow TO exchange_portal;

GRANT SELECT,INSERT ON TABLE settlement.money_proof TO exchange_app;

GRANT SELECT,INSERT,UPDATE ON TABLE settlement.open_item TO exchange_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE settlement.open_order TO exchange_app;

GRANT SELECT,INSERT,UPDATE ON TABLE settlement.orders TO exchange_app;
GRANT SELECT ON TABLE settlement.orders TO exchange_portal;

GRANT SELECT,INSERT ON TABLE settlement.own_sweep TO exchange_app;

GRANT SELECT,INSERT,UPDATE ON TABLE settlement.payment TO exchange_app;
GRANT SELECT ON TABLE settlement.payment TO exchange_portal;

GRANT SELECT,INSERT,UPDATE ON TABLE settlement.payout TO exchange_app;
GRANT SELECT ON TABLE settlement.payout TO exchange_portal;

GRANT SELECT,INSERT,UPDATE ON TABLE settlement.payout_account TO exchange_app;
GRANT SELECT ON TABLE settlement.payout_account TO exchange_portal;

GRANT SELECT,INSERT,UPDATE ON TABLE settlement.payout_batch TO exchange_app;

GRANT SELECT,INSERT,UPDATE ON TABLE settlement.payout_batch_item TO exchange_app;

GRANT SELECT,INSERT,UPDATE ON TABLE settlement.payout_destination TO exchange_app;
GRANT SELECT ON TABLE settlement.payout_destination TO exchange_portal;

GRANT SELECT,INSERT ON TABLE settlement.pool_distribution TO exchange_app;
GRANT SELECT ON TABLE settlement.pool_distribution TO exchange_portal;

GRANT SELECT,INSERT ON TABLE settlement.pool_policy TO exchange_app;
GRANT SELECT ON TABLE settlement.pool_policy TO exchange_portal;

GRANT SELECT,INSERT ON TABLE settlement.pool_share TO exchange_app;
GRANT SELECT ON TABLE settlement.pool_share TO exchange_portal;

GRANT SELECT,INSERT ON TABLE settlement.position_limit TO exchange_app;

GRANT SELECT,INSERT ON TABLE settlement.posting TO exchange_app;
GRANT SELECT ON TABLE settlement.posting TO exchange_portal;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE settlement.preview TO exchange_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE settlement.preview_line TO exchange_app;

GRANT SELECT,INSERT,UPDATE ON TABLE settlement.provider_call TO exchange_app;

GRANT SELECT,INSERT ON TABLE settlement.provider_customer TO exchange_app;
GRANT SELECT ON TABLE settlement.provider_customer TO exchange_portal;

GRANT SELECT,INSERT ON TABLE settlement.rate TO exchange_app;
GRANT SELECT ON TABLE settlement.rate TO exchange_portal;

GRANT SELECT,INSERT,UPDATE ON TABLE settlement.recon_cursor TO exchange_app;

GRANT SELECT,INSERT ON TABLE settlement.recon_done TO exchange_app;

GRANT SELECT,INSERT ON TABLE settlement.recon_item TO exchange_app;

GRANT SELECT,INSERT ON TABLE settlement.recon_journal TO exchange_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE settlement.recon_open TO exchange_app;

GRANT SELECT,INSERT ON TABLE settlement.recon_resolution TO exchange_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE settlement.record_digests TO exchange_app;

GRANT SELECT,INSERT ON TABLE settlement.record_set TO exchange_app;
GRANT SELECT ON TABLE settlement.record_set TO exchange_portal;

GRANT SELECT,INSERT,UPDATE ON TABLE settlement.recovery TO exchange_app;
GRANT SELECT ON TABLE settlement.recovery TO exchange_portal;

GRANT SELECT,INSERT ON TABLE settlement.refund TO exchange_app;
GRANT SELECT ON TABLE settlement.refund TO exchange_portal;

GRANT SELECT,INSERT,UPDATE ON TABLE settlement.run TO exchange_app;

GRANT SELECT,INSERT,UPDATE ON TABLE settlement.run_item TO exchange_app;

GRANT SELECT,INSERT ON TABLE settlement.self_billing TO exchange_app;
GRANT SELECT ON TABLE settlement.self_billing TO exchange_portal;

GRANT SELECT,INSERT ON TABLE settlement.self_billing_end TO exchange_app;
GRANT SELECT ON TABLE settlement.self_billing_end TO exchange_portal;

GRANT SELECT,INSERT ON TABLE settlement.seller_report TO exchange_app;

GRANT SELECT,INSERT,UPDATE ON TABLE settlement.series TO exchange_app;

GRANT SELECT,INSERT ON TABLE settlement.service_credit TO exchange_app;
GRANT SELECT ON TABLE settlement.service_credit TO exchange_portal;

GRANT SELECT,INSERT ON TABLE settlement.split_booked TO exchange_app;
GRANT SELECT ON TABLE settlement.split_booked TO exchange_portal;

GRANT SELECT,INSERT ON TABLE settlement.split_guarantee TO exchange_app;
GRANT SELECT ON TABLE settlement.split_guarantee TO exchange_portal;

GRANT SELECT,INSERT ON TABLE settlement.split_level TO exchange_app;

GRANT SELECT,INSERT ON TABLE settlement.split_minimum TO exchange_app;
GRANT SELECT ON TABLE settlement.split_minimum TO exchange_portal;

GRANT SELECT,INSERT ON TABLE settlement.split_payee TO exchange_app;
GRANT SELECT ON TABLE settlement.split_payee TO exchange_portal;

GRANT SELECT,INSERT ON TABLE settlement.split_promise TO exchange_app;
GRANT SELECT ON TABLE settlement.split_promise TO exchange_portal;

GRANT SELECT,INSERT ON TABLE settlement.split_promise_accepted TO exchange_app;

GRANT SELECT,INSERT ON TABLE settlement.split_rule TO exchange_app;
GRANT SELECT ON TABLE settlement.split_rule TO exchange_portal;

GRANT SELECT,INSERT ON TABLE settlement.split_run TO exchange_app;

GRANT SELECT,INSERT ON TABLE settlement.split_source TO exchange_app;

GRANT SELECT,INSERT ON TABLE settlement.stated_balance TO exchange_app;

GRANT SELECT,INSERT ON TABLE settlement.statement TO exchange_app;
GRANT SELECT ON TABLE settlement.statement TO exchange_portal;

GRANT SELECT,INSERT ON TABLE settlement.statement_line TO exchange_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE settlement.stripe_event TO exchange_app;

GRANT SELECT,INSERT ON TABLE settlement.weight_answer TO exchange_app;
GRANT SELECT ON TABLE settlement.weight_answer TO exchange_portal;

GRANT SELECT,INSERT ON TABLE settlement.weight_member TO exchange_app;
GRANT SELECT ON TABLE settlement.weight_member TO exchange_portal;

GRANT SELECT,INSERT ON TABLE settlement.weight_order TO exchange_app;
GRANT SELECT ON TABLE settlement.weight_order TO exchange_portal;

GRANT SELECT,INSERT ON TABLE settlement.weight_vector TO exchange_app;
GRANT SELECT ON TABLE settlement.weight_vector TO exchange_portal;

GRANT SELECT,INSERT ON TABLE settlement.withholding TO exchange_app;
GRANT SELECT ON TABLE settlement.withholding TO exchange_portal;

GRANT SELECT,INSERT ON TABLE settlement.withholding_adoption TO exchange_app;

GRANT SELECT,INSERT ON TABLE settlement.withholding_relief TO exchange_app;
GRANT SELECT ON TABLE settlement.withholding_relief TO exchange_portal;

GRANT SELECT,INSERT ON TABLE settlement.withholding_relief_end TO exchange_app;
GRANT SELECT ON TABLE settlement.withholding_relief_end TO exchange_portal;

GRANT SELECT,INSERT ON TABLE settlement.withholding_table TO exchange_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE webhooks.attempt TO exchange_app;
GRANT SELECT ON TABLE webhooks.attempt TO exchange_portal;

GRANT SELECT,INSERT,UPDATE ON TABLE webhooks.cursor TO exchange_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE webhooks.delivery TO exchange_app;
GRANT SELECT ON TABLE webhooks.delivery TO exchange_portal;

GRANT SELECT,INSERT,UPDATE ON TABLE webhooks.endpoint TO exchange_app;
GRANT SELECT ON TABLE webhooks.endpoint TO exchange_portal;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE webhooks.message TO exchange_app;
GRANT SELECT ON TABLE webhooks.message TO exchange_portal;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE webhooks.secret TO exchange_app;
GRANT SELECT ON TABLE webhooks.secret TO exchange_portal;
