"""Columns as every table writes them: identifiers, words, moments, money and bytes, never null unless said."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, LargeBinary, Text, Uuid
from sqlalchemy.dialects.postgresql import TIMESTAMP


def uuid(name: str, *, nullable: bool = False, key: bool = False, of: str | None = None) -> Column[object]:
    """An identifier; `of` names the table, with its schema, whose row it is."""
    reference = () if of is None else (ForeignKey(f"{of}.id"),)
    return Column(name, Uuid, *reference, nullable=nullable, primary_key=key)


def words(name: str, *, nullable: bool = False, key: bool = False) -> Column[object]:
    """Text of any length."""
    return Column(name, Text, nullable=nullable, primary_key=key)


def moment(name: str, *, nullable: bool = False, key: bool = False) -> Column[object]:
    """A time with its zone."""
    return Column(name, TIMESTAMP(timezone=True), nullable=nullable, primary_key=key)


def units(name: str) -> Column[object]:
    """Money in millionths of a currency's major unit."""
    return Column(name, BigInteger, nullable=False)


def octets(name: str) -> Column[object]:
    """Bytes: a document, a digest, a signature."""
    return Column(name, LargeBinary, nullable=False)
