"""The vault: one small file per subject, in a folder or an object store, never in the database.

A file holds the subject's key, wrapped by a key of this deployment (purpose `vault`). Erasing leaves a mark first and then
removes the file, in every place; whoever makes a key looks for the mark before and after. So a key, once destroyed, never
comes back, whoever is at work at the same time. Nothing is cached: a destroyed key is gone at the next reading.

Callers are the process's edge, apps and the worker. A flow never comes here: it gets the key handed in.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit
from uuid import UUID

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from exchange.kernel.files import FilesSettings, FileStore
from exchange.kernel.keys import VAULT, Keyring, SigningKey
from exchange.kernel.subjects import KEY_BYTES, SubjectErased, SubjectKey

_KEYS, _MARKS = "keys", "erased"
_NONCE_BYTES = 12
_INFO = b"corpus-exchange/subject-key/v1"
_MARK = b"The key of this subject was destroyed. It is never made again.\n"


class VaultBroken(Exception):
    """A key's file that this deployment cannot open: another one's, another subject's, or changed."""


class _File(msgspec.Struct, frozen=True):
    by: str
    nonce: bytes
    type: str
    v: int
    wrapped: bytes


class StoredVault:
    """Subjects' keys in one place or in several, each of which has all of them."""

    def __init__(self, places: Sequence[FileStore], keyring: Keyring) -> None:
        """Keep keys in `places`, wrapped by the newest vault key of `keyring`."""
        if not places:
            raise ValueError("a vault is in one place at least")
        self._places, self._keyring = tuple(places), keyring

    @classmethod
    def open(cls, urls: Sequence[str], keyring: Keyring) -> StoredVault:
        """Open the places that `urls` name: `file:///folder`, `s3://`, `gs://`, `az://`."""
        for url in urls:
            if url.startswith("file:"):
                Path(unquote(urlsplit(url).path)).mkdir(parents=True, exist_ok=True, mode=0o700)
        return cls([FileStore.open(FilesSettings(url=url)) for url in urls], keyring)

    async def key(self, subject: UUID) -> bytes | None:
        """The subject's key; None where it was destroyed or never made.

        errors   VaultBroken
        """
        if await self._is_marked(subject):
            return None
        for place in self._places:
            data = await place.read_named(_key(subject))
            if data is not None:
                return self._unwrap(subject, data)
        return None

    async def make(self, subject: UUID) -> SubjectKey:
        """Make the subject's key, or answer the one there is: two who make it at once get the same.

        errors   SubjectErased, VaultBroken
        """
        if await self._is_marked(subject):
            raise SubjectErased(str(subject))
        first, *others = self._places
        data = self._wrap(subject, os.urandom(KEY_BYTES))
        if not await first.put_named(_key(subject), data, replace=False):
            data = await first.read_named(_key(subject)) or b""
        for place in others:
            await place.put_named(_key(subject), data, replace=True)
        # Whoever destroys leaves the mark first: either it is seen here, or this file is seen there.
        if await self._is_marked(subject):
            await self._remove(subject)
            raise SubjectErased(str(subject))
        return SubjectKey(subject, self._unwrap(subject, data))

    async def destroy(self, subject: UUID) -> None:
        """Destroy the subject's key in every place, for good; a second time changes nothing.

        errors   what a place answers that cannot be reached; the others are done, and the next call goes on
        """
        failed: Exception | None = None
        for place in self._places:
            try:
                await place.put_named(_mark(subject), _MARK, replace=False)
            except Exception as error:  # noqa: BLE001  # one place that is away stops none of the others
                failed = error
        try:
            await self._remove(subject)
        except Exception as error:  # noqa: BLE001  # raised below, after every place was tried
            failed = error
        if failed is not None:
            raise failed

    async def undone(self, subjects: Iterable[UUID]) -> list[UUID]:
        """Those of these whose key is not gone from every place, or of which not every place has the mark."""
        wanted, found = set(subjects), set[UUID]()
        for place in self._places:
            found |= wanted - await _subjects(place, _MARKS)
            found |= wanted & await _subjects(place, _KEYS)
        return sorted(found)

    async def destroyed(self) -> list[UUID]:
        """Every subject that a place has a mark of."""
        found = set[UUID]()
        for place in self._places:
            found |= await _subjects(place, _MARKS)
        return sorted(found)

    async def _is_marked(self, subject: UUID) -> bool:
        return any([await place.read_named(_mark(subject)) is not None for place in self._places])

    async def _remove(self, subject: UUID) -> None:
        failed: Exception | None = None
        for place in self._places:
            try:
                await place.remove_named(_key(subject))
            except Exception as error:  # noqa: BLE001  # as above; the first to fail is raised after all
                failed = error
        if failed is not None:
            raise failed

    def _wrap(self, subject: UUID, key: bytes) -> bytes:
        by, nonce = self._keyring.signer(VAULT), os.urandom(_NONCE_BYTES)
        wrapped = AESGCM(_wrapping(by)).encrypt(nonce, key, _about(subject, by.kid))
        return msgspec.json.encode(_File(by.kid, nonce, "subject-key", 1, wrapped))

    def _unwrap(self, subject: UUID, data: bytes) -> bytes:
        try:
            file = msgspec.json.decode(data, type=_File)
        except msgspec.DecodeError as error:
            raise VaultBroken(f"the key of {subject} cannot be read") from error
        by = next((key for key in self._keyring.keys() if key.kid == file.by and key.purpose == VAULT), None)
        if by is None:
            raise VaultBroken(f"the vault key {file.by} is not in this deployment's key folder")
        try:
            return AESGCM(_wrapping(by)).decrypt(file.nonce, file.wrapped, _about(subject, by.kid))
        except (InvalidTag, ValueError) as error:
            raise VaultBroken(f"the key of {subject} does not open") from error


async def _subjects(place: FileStore, folder: str) -> set[UUID]:
    return {UUID(hex=name.rpartition("/")[2]) for name in await place.names(folder)}


def _wrapping(by: SigningKey) -> bytes:
    return HKDF(SHA256(), length=KEY_BYTES, salt=None, info=_INFO).derive(by.private.private_bytes_raw())


def _about(subject: UUID, kid: str) -> bytes:
    return f"{subject} {kid}".encode()


def _key(subject: UUID) -> str:
    return f"{_KEYS}/{subject.hex}"


def _mark(subject: UUID) -> str:
    return f"{_MARKS}/{subject.hex}"
