"""What is offered: datasets, uploads, revisions, listings, offers."""

from __future__ import annotations

from alembic import op

from exchange.migrations import rules

revision = "0003"
down_revision = "0002"

# What a stranger may see hangs on a published listing; the listing's own policy lets only such rows through.
_LISTED = "EXISTS (SELECT FROM catalog.listing l WHERE l.{listing} = {table}.{column} AND l.state = 'published')"


def upgrade() -> None:
    """Create the schema catalog."""
    rules.schema("catalog")
    _datasets()
    _uploads()
    _revisions()
    _listings()
    _offers()
    _policies()


def _datasets() -> None:
    op.execute(
        """CREATE TABLE catalog.dataset (
            id uuid PRIMARY KEY, supplier_id uuid NOT NULL, title jsonb NOT NULL, description jsonb NOT NULL,
            modality text NOT NULL CHECK (modality IN ('text', 'table', 'image', 'audio', 'video', 'image_text')),
            languages text[] NOT NULL,
            personal_data text NOT NULL CHECK (personal_data IN ('none', 'pseudonymised', 'contains')),
            licence text NOT NULL, provenance jsonb NOT NULL,
            synthetic_share smallint NOT NULL CHECK (synthetic_share BETWEEN 0 AND 10000),
            legal_basis text, cross_border_basis text,
            state text NOT NULL CHECK (state IN ('active', 'frozen', 'retired')), created_at timestamptz NOT NULL)"""
    )
    op.execute("CREATE INDEX dataset_supplier ON catalog.dataset (supplier_id, id)")


def _uploads() -> None:
    op.execute(
        """CREATE TABLE catalog.upload (
            id uuid PRIMARY KEY, dataset_id uuid NOT NULL REFERENCES catalog.dataset, supplier_id uuid NOT NULL,
            path text NOT NULL, path_key text NOT NULL, media_type text NOT NULL,
            size_bytes bigint NOT NULL CHECK (size_bytes >= 0),
            declared_sha256 bytea CHECK (length(declared_sha256) = 32), sha256 bytea CHECK (length(sha256) = 32),
            state text NOT NULL CHECK (state IN ('open', 'complete', 'sealed', 'abandoned')),
            revision_id uuid, node_id text NOT NULL, created_at timestamptz NOT NULL, expires_at timestamptz NOT NULL,
            CHECK (state NOT IN ('complete', 'sealed') OR sha256 IS NOT NULL),
            CHECK ((state = 'sealed') = (revision_id IS NOT NULL)))"""
    )
    op.execute(
        "CREATE UNIQUE INDEX upload_path ON catalog.upload (dataset_id, path_key) WHERE state IN ('open', 'complete')"
    )
    op.execute("CREATE INDEX upload_expiry ON catalog.upload (expires_at) WHERE state IN ('open', 'complete')")


def _revisions() -> None:
    op.execute(
        """CREATE TABLE catalog.revision (
            id uuid PRIMARY KEY, dataset_id uuid NOT NULL REFERENCES catalog.dataset, supplier_id uuid NOT NULL,
            number int NOT NULL CHECK (number >= 1), manifest bytea NOT NULL,
            sha256 bytea NOT NULL UNIQUE CHECK (sha256 = sha256(manifest)), size_bytes bigint NOT NULL,
            assets_count int NOT NULL CHECK (assets_count >= 1), created_at timestamptz NOT NULL,
            UNIQUE (dataset_id, number))"""
    )
    op.execute(
        """CREATE TABLE catalog.asset (
            id uuid PRIMARY KEY, revision_id uuid NOT NULL REFERENCES catalog.revision, supplier_id uuid NOT NULL,
            position int NOT NULL CHECK (position >= 0), path text NOT NULL,
            sha256 bytea NOT NULL CHECK (length(sha256) = 32), size_bytes bigint NOT NULL CHECK (size_bytes >= 0),
            media_type text NOT NULL, node_id text NOT NULL,
            UNIQUE (revision_id, position), UNIQUE (revision_id, path))"""
    )
    op.execute("CREATE INDEX asset_sha256 ON catalog.asset (sha256)")


def _listings() -> None:
    op.execute(
        """CREATE TABLE catalog.listing (
            id uuid PRIMARY KEY, dataset_id uuid NOT NULL REFERENCES catalog.dataset,
            revision_id uuid NOT NULL REFERENCES catalog.revision, supplier_id uuid NOT NULL,
            state text NOT NULL CHECK (state IN ('draft', 'published', 'suspended', 'delisted')),
            title jsonb NOT NULL, summary jsonb NOT NULL, modality text NOT NULL, languages text[] NOT NULL,
            personal_data text NOT NULL, licence text NOT NULL, search tsvector NOT NULL,
            created_at timestamptz NOT NULL, published_at timestamptz,
            CHECK (state NOT IN ('published', 'suspended') OR published_at IS NOT NULL))"""
    )
    op.execute("CREATE INDEX listing_supplier ON catalog.listing (supplier_id, id)")
    op.execute("CREATE INDEX listing_dataset ON catalog.listing (dataset_id)")
    op.execute("CREATE INDEX listing_revision ON catalog.listing (revision_id)")
    op.execute("CREATE INDEX listing_newest ON catalog.listing (published_at DESC, id DESC) WHERE state = 'published'")
    op.execute("CREATE INDEX listing_search ON catalog.listing USING gin (search) WHERE state = 'published'")
    # Row-level security must look at a row before the match operator may (it is not leakproof), so the portal could
    # never use the index. This function gives ids of published rows and nothing else, as its owner.
    op.execute(
        """CREATE FUNCTION catalog.matching(wanted tsquery) RETURNS SETOF uuid
        LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp ROWS 100
        AS $$ SELECT l.id FROM catalog.listing l WHERE l.state = 'published' AND l.search @@ wanted $$"""
    )
    op.execute("REVOKE ALL ON FUNCTION catalog.matching(tsquery) FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION catalog.matching(tsquery) TO {rules.APP}, {rules.PORTAL}")


def _offers() -> None:
    op.execute(
        """CREATE TABLE catalog.offer (
            id uuid PRIMARY KEY, listing_id uuid NOT NULL REFERENCES catalog.listing, supplier_id uuid NOT NULL,
            code text NOT NULL, version int NOT NULL CHECK (version >= 1),
            kind text NOT NULL CHECK (kind IN ('one_off', 'subscription', 'pay_per_use')),
            currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'), entry_units bigint NOT NULL CHECK (entry_units >= 0),
            document bytea NOT NULL, sha256 bytea NOT NULL CHECK (sha256 = sha256(document)),
            created_at timestamptz NOT NULL, UNIQUE (listing_id, code, version))"""
    )
    op.execute(
        """CREATE TABLE catalog.offer_standing (
            offer_id uuid PRIMARY KEY REFERENCES catalog.offer, listing_id uuid NOT NULL, supplier_id uuid NOT NULL,
            code text NOT NULL, state text NOT NULL CHECK (state IN ('current', 'superseded', 'withdrawn')),
            changed_at timestamptz NOT NULL)"""
    )
    op.execute("CREATE UNIQUE INDEX offer_current ON catalog.offer_standing (listing_id, code) WHERE state = 'current'")


def _policies() -> None:
    for table in ("dataset", "upload", "listing", "offer_standing"):
        rules.states(f"catalog.{table}")
    for table in ("revision", "asset", "offer"):
        rules.facts(f"catalog.{table}")
    for table in ("dataset", "upload", "revision", "asset", "listing", "offer", "offer_standing"):
        rules.own(f"catalog.{table}", "supplier_id")
    rules.public_read("catalog.listing", "state = 'published'")
    for table, column, listing in (
        ("dataset", "id", "dataset_id"),
        ("revision", "id", "revision_id"),
        ("asset", "revision_id", "revision_id"),
        ("offer", "listing_id", "id"),
        ("offer_standing", "listing_id", "id"),
    ):
        rules.public_read(f"catalog.{table}", _LISTED.format(table=f"catalog.{table}", column=column, listing=listing))
