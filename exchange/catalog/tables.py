"""The schema catalog as SQLAlchemy Core tables; migration 0003 is the source."""

from __future__ import annotations

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    DateTime,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
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
)

upload = Table(
    "upload",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("dataset_id", Uuid, nullable=False),
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
)

revision = Table(
    "revision",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("dataset_id", Uuid, nullable=False),
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
    Column("revision_id", Uuid, nullable=False),
    Column("supplier_id", Uuid, nullable=False),
    Column("position", Integer, nullable=False),
    Column("path", Text, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("node_id", Text, nullable=False),
    UniqueConstraint("revision_id", "position"),
    UniqueConstraint("revision_id", "path"),
)

listing = Table(
    "listing",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("dataset_id", Uuid, nullable=False),
    Column("revision_id", Uuid, nullable=False),
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
)

offer = Table(
    "offer",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("listing_id", Uuid, nullable=False),
    Column("supplier_id", Uuid, nullable=False),
    Column("code", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("entry_units", BigInteger, nullable=False),
    Column("document", LargeBinary, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("created_at", _TIME, nullable=False),
    UniqueConstraint("listing_id", "code", "version"),
)

offer_standing = Table(
    "offer_standing",
    metadata,
    Column("offer_id", Uuid, primary_key=True),
    Column("listing_id", Uuid, nullable=False),
    Column("supplier_id", Uuid, nullable=False),
    Column("code", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("changed_at", _TIME, nullable=False),
)
