"""The tables of the schema parties, as SQLAlchemy sees them."""

from __future__ import annotations

from sqlalchemy import ARRAY, BigInteger, Column, DateTime, Index, Integer, LargeBinary, MetaData, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(schema="parties")
_TIME = DateTime(timezone=True)

organisation = Table(
    "organisation",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", JSONB, nullable=False),
    Column("roles", ARRAY(Text), nullable=False),
    Column("country", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("node_id", Text, nullable=False, server_default="centre"),
    Column("created_at", _TIME, nullable=False),
    Column("buyer_class_claimed", Text),
    Column("buyer_class", Text),
)
identifier = Table(
    "identifier",
    metadata,
    Column("organisation_id", Uuid, primary_key=True),
    Column("scheme", Text, primary_key=True),
    Column("value", Text, nullable=False),
    Column("created_at", _TIME, nullable=False),
)
evidence = Table(
    "evidence",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("organisation_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("client_id", Uuid, nullable=False),
    Column("created_at", _TIME, nullable=False),
)
decision = Table(
    "decision",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("organisation_id", Uuid, nullable=False),
    Column("from_state", Text, nullable=False),
    Column("to_state", Text, nullable=False),
    Column("decided_by", Uuid, nullable=False),
    Column("client_id", Uuid, nullable=False),
    Column("reason", Text, nullable=False),
    Column("created_at", _TIME, nullable=False),
    Column("buyer_class", Text),
)
member = Table(
    "member",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("organisation_id", Uuid, nullable=False),
    Column("state", Text, nullable=False),
    Column("created_at", _TIME, nullable=False),
)
person = Table(
    "person",
    metadata,
    Column("member_id", Uuid, primary_key=True),
    Column("organisation_id", Uuid, nullable=False),
    Column("name", Text),
    Column("email", Text),
    Column("created_at", _TIME, nullable=False),
    Column("sealed", LargeBinary),
)
client = Table(
    "client",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("organisation_id", Uuid, nullable=False),
    Column("label", Text, nullable=False),
    Column("secret_hash", LargeBinary, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("created_at", _TIME, nullable=False),
    Column("revoked_at", _TIME),
)
revoked_token = Table(
    "revoked_token",
    metadata,
    Column("jti", Text, primary_key=True),
    Column("organisation_id", Uuid, nullable=False),
    Column("client_id", Uuid, nullable=False),
    Column("expires_at", _TIME, nullable=False),
    Column("revoked_at", _TIME, nullable=False),
)

Index("organisation_by_state", organisation.c.state, organisation.c.id)
Index("identifier_by_value", identifier.c.scheme, identifier.c.value)
Index("evidence_once", evidence.c.organisation_id, evidence.c.sha256, evidence.c.kind, unique=True)
Index("decision_by_organisation", decision.c.organisation_id, decision.c.id)
Index("member_by_organisation", member.c.organisation_id, member.c.id)
Index("person_plain", person.c.member_id, postgresql_where=person.c.sealed.is_(None))
Index("client_by_organisation", client.c.organisation_id, client.c.id)
Index("revoked_token_by_end", revoked_token.c.expires_at)
profile = Table(
    "profile",
    metadata,
    Column("organisation_id", Uuid, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("legal_name", JSONB, nullable=False),
    Column("address", ARRAY(Text), nullable=False),
    Column("city", Text, nullable=False),
    Column("postcode", Text, nullable=False),
    Column("subdivision", Text, nullable=False),
    Column("country", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("created_at", _TIME, nullable=False),
)
