-- The four login roles and the database. Run by psql as an administrator, as often as you like:
--     psql -X -v ON_ERROR_STOP=1 [-v database=exchange] -f roles.sql postgres
-- No passwords here: set them outside (\password exchange_app, or ALTER ROLE ... PASSWORD from your secret store).
-- The schemas, tables, grants and policies come from `exchange migrate`, which logs in as exchange_migrate.
\set QUIET on
SET client_min_messages = warning;
-- Roles belong to the whole server: two runs at once would meet in the same rows. Held until \connect below.
DO $$ BEGIN PERFORM pg_advisory_lock(7263003); END $$;
\if :{?database}
\else
  \set database exchange
\endif

SELECT format('CREATE ROLE %I', name)
FROM unnest(ARRAY['exchange_app', 'exchange_portal', 'exchange_regulator', 'exchange_migrate']) AS name
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name)
\gexec

-- Said again on every run: a role that somebody has widened by hand comes back to its measure.
-- (SUPERUSER, REPLICATION and BYPASSRLS may be named by a superuser only; a managed service never granted them.)
SELECT format('ALTER ROLE %I WITH LOGIN NOCREATEROLE NOCREATEDB INHERIT%s', name,
              CASE WHEN current_setting('is_superuser') = 'on' THEN ' NOSUPERUSER NOREPLICATION NOBYPASSRLS' ELSE '' END)
FROM unnest(ARRAY['exchange_app', 'exchange_portal', 'exchange_regulator', 'exchange_migrate']) AS name
\gexec

ALTER ROLE exchange_app SET idle_in_transaction_session_timeout = '60s';
ALTER ROLE exchange_app SET lock_timeout = '10s';
ALTER ROLE exchange_portal SET default_transaction_read_only = on;
ALTER ROLE exchange_portal SET statement_timeout = '30s';
ALTER ROLE exchange_portal SET idle_in_transaction_session_timeout = '60s';
ALTER ROLE exchange_regulator SET default_transaction_read_only = on;
ALTER ROLE exchange_regulator SET idle_in_transaction_session_timeout = '10min';

-- An administrator who is no superuser must be a member of the owner to hand the database over.
SELECT 'GRANT exchange_migrate TO CURRENT_USER' WHERE current_setting('is_superuser') = 'off'
\gexec
SELECT format('CREATE DATABASE %I OWNER exchange_migrate ENCODING ''UTF8'' TEMPLATE template0', :'database')
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database')
\gexec
SELECT format('ALTER DATABASE %I OWNER TO exchange_migrate', :'database')
WHERE NOT EXISTS (SELECT FROM pg_database
                  WHERE datname = :'database' AND pg_get_userbyid(datdba) = 'exchange_migrate')
\gexec

\connect :"database"
SET client_min_messages = warning;
REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"database" TO exchange_app, exchange_portal, exchange_regulator;
-- The public schema holds the version of the schema and nothing else; nobody but the owner creates there.
ALTER SCHEMA public OWNER TO exchange_migrate;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO exchange_app, exchange_portal, exchange_regulator;
