"""Keys of organisations, signatures of agreements, and the events of an agreement's life."""

from __future__ import annotations

from alembic import op

from exchange.migrations import rules

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Create the tables of keys, signatures and events."""
    _keys()
    _signatures()
    _events()


def _keys() -> None:
    # Whose a signature is must stay known for ever: a key is retired, never removed.
    op.execute(
        """CREATE TABLE contracts.organisation_key (
            id uuid PRIMARY KEY, organisation_id uuid NOT NULL, kid text NOT NULL UNIQUE,
            public bytea NOT NULL CHECK (length(public) = 32), kept boolean NOT NULL,
            document bytea, proof bytea CHECK (length(proof) = 64), created_at timestamptz NOT NULL,
            CHECK (kept = (document IS NULL) AND kept = (proof IS NULL)))"""
    )
    op.execute("CREATE INDEX organisation_key_organisation ON contracts.organisation_key (organisation_id, id)")
    rules.facts("contracts.organisation_key")
    rules.public_read("contracts.organisation_key")
    op.execute(
        """CREATE TABLE contracts.key_retirement (
            id uuid PRIMARY KEY REFERENCES contracts.organisation_key (id), organisation_id uuid NOT NULL,
            retired_at timestamptz NOT NULL)"""
    )
    rules.facts("contracts.key_retirement")
    rules.public_read("contracts.key_retirement")
    # The private part of a key that the exchange keeps, sealed; it goes when the key is retired.
    op.execute(
        """CREATE TABLE contracts.kept_key (
            organisation_id uuid PRIMARY KEY, id uuid NOT NULL UNIQUE REFERENCES contracts.organisation_key (id),
            sealed_by text NOT NULL, sealed bytea NOT NULL, created_at timestamptz NOT NULL)"""
    )
    rules.erasable("contracts.kept_key")
    rules.internal("contracts.kept_key")


def _signatures() -> None:
    # Of an agreement or of one of its events: `object_id` says which. The exchange has no organisation here.
    op.execute(
        """CREATE TABLE contracts.signature (
            id uuid PRIMARY KEY, object_id uuid NOT NULL, agreement_id uuid NOT NULL,
            role text NOT NULL CHECK (role IN ('buyer', 'seller', 'successor', 'exchange')), organisation_id uuid,
            kid text NOT NULL, kept boolean NOT NULL, signature bytea NOT NULL CHECK (length(signature) = 64),
            buyer_id uuid NOT NULL, seller_id uuid NOT NULL, created_at timestamptz NOT NULL,
            UNIQUE (object_id, role, kept), CHECK ((role = 'exchange') = (organisation_id IS NULL)))"""
    )
    op.execute("CREATE INDEX signature_agreement ON contracts.signature (agreement_id, id)")
    rules.facts("contracts.signature")
    _seen_by_parties("contracts.signature")
    # Up to which agreement kept keys have signed; a little of what lies before is looked at again.
    op.execute(
        """CREATE TABLE contracts.signing_mark (
            id smallint PRIMARY KEY CHECK (id = 1), position uuid NOT NULL, moved_at timestamptz NOT NULL)"""
    )
    rules.states("contracts.signing_mark")
    rules.internal("contracts.signing_mark")


def _events() -> None:
    op.execute(
        """CREATE TABLE contracts.agreement_event (
            id uuid PRIMARY KEY, agreement_id uuid NOT NULL,
            kind text NOT NULL CHECK (kind IN
                ('amendment', 'renewal', 'transfer', 'suspension', 'lifting', 'retirement', 'termination')),
            document bytea NOT NULL, sha256 bytea NOT NULL, previous bytea NOT NULL,
            buyer_id uuid NOT NULL, seller_id uuid NOT NULL, successor_id uuid,
            proposed_by text NOT NULL CHECK (proposed_by IN ('buyer', 'seller', 'operator')),
            needs text[] NOT NULL, expires_at timestamptz NOT NULL, created_at timestamptz NOT NULL,
            CHECK (length(sha256) = 32 AND length(previous) = 32 AND (successor_id IS NOT NULL) = (kind = 'transfer')))"""
    )
    op.execute("CREATE INDEX agreement_event_agreement ON contracts.agreement_event (agreement_id, id)")
    for side in ("buyer", "seller", "successor"):
        op.execute(f"CREATE INDEX agreement_event_{side} ON contracts.agreement_event ({side}_id, id)")
    rules.facts("contracts.agreement_event")
    _seen_by_parties("contracts.agreement_event")
    # Whom a licence may pass to is asked before it becomes a party, and sees who has signed.
    rules.own("contracts.agreement_event", "successor_id")
    # One event follows another: the first that is complete takes the place, whoever else wanted it.
    op.execute(
        """CREATE TABLE contracts.event_force (
            id uuid PRIMARY KEY REFERENCES contracts.agreement_event (id), agreement_id uuid NOT NULL,
            number integer NOT NULL CHECK (number > 0), buyer_id uuid NOT NULL, seller_id uuid NOT NULL,
            effective_at timestamptz NOT NULL, created_at timestamptz NOT NULL, UNIQUE (agreement_id, number))"""
    )
    rules.facts("contracts.event_force")
    _seen_by_parties("contracts.event_force")
    op.execute(
        """CREATE TABLE contracts.event_end (
            id uuid PRIMARY KEY REFERENCES contracts.agreement_event (id), agreement_id uuid NOT NULL,
            outcome text NOT NULL CHECK (outcome IN ('withdrawn', 'refused')), organisation_id uuid NOT NULL,
            reason jsonb, buyer_id uuid NOT NULL, seller_id uuid NOT NULL, created_at timestamptz NOT NULL)"""
    )
    rules.facts("contracts.event_end")
    _seen_by_parties("contracts.event_end")

    for table, column in (("signature", "object_id"), ("event_force", "id"), ("event_end", "id")):
        rules.public_read(
            f"contracts.{table}",
            f"EXISTS (SELECT FROM contracts.agreement_event e WHERE e.id = contracts.{table}.{column} "
            f"AND e.successor_id = {rules.CURRENT})",
        )


def _seen_by_parties(table: str) -> None:
    """Buyer and seller of that moment, and whoever became a party to the agreement since."""
    rules.two_sided(table)
    rules.party_read(table, "agreement_id")
