"""The schema catalog as SQLAlchemy Core tables; migration 0003 is the source."""

from __future__ import annotations

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR

metadata = MetaData(schema="catalog")
_TIME = DateTime(timezone=True)

dataset = Table(
    "dataset",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("supplier_id", Uuid, nullable=False),
    Column("title", JSONB, nullable=False),
    Column("description", JSONB, nullable=False),
    Column("modality", Text, nullable=False),
    Column("languages", ARRAY(Text), nullable=False),
    Column("personal_data", Text, nullable=False),
    Column("licence", Text, nullable=False),
    Column("provenance", JSONB, nullable=False),
    Column("synthetic_share", SmallInteger, nullable=False),
    Column("legal_basis", Text),
    Column("cross_border_basis", Text),
    Column("state", Text, nullable=False),
    Column("created_at", _TIME, nullable=False),
    Column("derived_from", JSONB(none_as_null=True)),
    Index("dataset_supplier", "supplier_id", "id"),
)

upload = Table(
    "upload",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("dataset_id", Uuid, ForeignKey("catalog.dataset.id"), nullable=False),
    Column("supplier_id", Uuid, nullable=False),
    Column("path", Text, nullable=False),
    Column("path_key", Text, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("declared_sha256", LargeBinary),
    Column("sha256", LargeBinary),
    Column("state", Text, nullable=False),
    Column("revision_id", Uuid),
    Column("node_id", Text, nullable=False),
    Column("created_at", _TIME, nullable=False),
    Column("expires_at", _TIME, nullable=False),
    Index("upload_path", "dataset_id", "path_key", unique=True, postgresql_where=text("state IN ('open', 'complete')")),
    Index("upload_expiry", "expires_at", postgresql_where=text("state IN ('open', 'complete')")),
)

revision = Table(
    "revision",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("dataset_id", Uuid, ForeignKey("catalog.dataset.id"), nullable=False),
    Column("supplier_id", Uuid, nullable=False),
    Column("number", Integer, nullable=False),
    Column("manifest", LargeBinary, nullable=False),
    Column("sha256", LargeBinary, nullable=False, unique=True),
    Column("size_bytes", BigInteger, nullable=False),
    Column("assets_count", Integer, nullable=False),
    Column("created_at", _TIME, nullable=False),
    UniqueConstraint("dataset_id", "number"),
)

asset = Table(
    "asset",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("revision_id", Uuid, ForeignKey("catalog.revision.id"), nullable=False),
    Column("supplier_id", Uuid, nullable=False),
    Column("position", Integer, nullable=False),
    Column("path", Text, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("node_id", Text, nullable=False),
    UniqueConstraint("revision_id", "position"),
    UniqueConstraint("revision_id", "path"),
    Index("asset_sha256", "sha256"),
)

listing = Table(
    "listing",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("dataset_id", Uuid, ForeignKey("catalog.dataset.id"), nullable=False),
    Column("revision_id", Uuid, ForeignKey("catalog.revision.id"), nullable=False),
    Column("supplier_id", Uuid, nullable=False),
    Column("state", Text, nullable=False),
    Column("title", JSONB, nullable=False),
    Column("summary", JSONB, nullable=False),
    Column("modality", Text, nullable=False),
    Column("languages", ARRAY(Text), nullable=False),
    Column("personal_data", Text, nullable=False),
    Column("licence", Text, nullable=False),
    Column("search", TSVECTOR, nullable=False),
    Column("created_at", _TIME, nullable=False),
    Column("published_at", _TIME),
    Index("listing_supplier", "supplier_id", "id"),
    Index("listing_dataset", "dataset_id"),
    Index("listing_revision", "revision_id"),
    Index("listing_newest", text("published_at DESC"), text("id DESC"), postgresql_where=text("state = 'published'")),
    Index("listing_search", "search", postgresql_using="gin", postgresql_where=text("state = 'published'")),
)

offer = Table(
    "offer",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("listing_id", Uuid, ForeignKey("catalog.listing.id"), nullable=False),
    Column("supplier_id", Uuid, nullable=False),
    Column("code", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("entry_units", BigInteger, nullable=False),
    Column("document", LargeBinary, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("created_at", _TIME, nullable=False),
    Column("private", Boolean, nullable=False, server_default=text("false")),
    UniqueConstraint("listing_id", "code", "version"),
)

offer_standing = Table(
    "offer_standing",
    metadata,
    Column("offer_id", Uuid, ForeignKey("catalog.offer.id"), primary_key=True),
    Column("listing_id", Uuid, nullable=False),
    Column("supplier_id", Uuid, nullable=False),
    Column("code", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("changed_at", _TIME, nullable=False),
    Column("private", Boolean, nullable=False, server_default=text("false")),
    Index("offer_current", "listing_id", "code", unique=True, postgresql_where=text("state = 'current'")),
)

offer_audience = Table(
    "offer_audience",
    metadata,
    Column("offer_id", Uuid, ForeignKey("catalog.offer.id"), primary_key=True),
    Column("organisation_id", Uuid, primary_key=True),
    Column("supplier_id", Uuid, nullable=False),
    Column("created_at", _TIME, nullable=False),
    Index("offer_audience_organisation", "organisation_id", "offer_id"),
)

plan = Table(
    "plan",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("supplier_id", Uuid, nullable=False),
    Column("code", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("title", JSONB, nullable=False),
    Column("document", LargeBinary, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("created_at", _TIME, nullable=False),
    UniqueConstraint("supplier_id", "code", "version"),
)

plan_standing = Table(
    "plan_standing",
    metadata,
    Column("plan_id", Uuid, ForeignKey("catalog.plan.id"), primary_key=True),
    Column("supplier_id", Uuid, nullable=False),
    Column("code", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("changed_at", _TIME, nullable=False),
    Index("plan_current", "supplier_id", "code", unique=True, postgresql_where=text("state = 'current'")),
)

people_declaration = Table(
    "people_declaration",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("dataset_id", Uuid, ForeignKey("catalog.dataset.id"), nullable=False),
    Column("supplier_id", Uuid, nullable=False),
    Column("number", Integer, nullable=False),
    Column("personal", BigInteger, nullable=False),
    Column("sensitive", BigInteger, nullable=False),
    Column("important", Boolean, nullable=False),
    Column("critical_infrastructure", Boolean, nullable=False),
    Column("exemption", Text),
    Column("path", Text, nullable=False),
    Column("document_sha256", LargeBinary),
    Column("valid_until", _TIME),
    Column("created_at", _TIME, nullable=False),
    UniqueConstraint("dataset_id", "number"),
)
