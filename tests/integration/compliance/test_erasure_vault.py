"""The vault: a destroyed key never comes back, whoever makes, destroys, crashes or exchanges files meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import stat
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from exchange.kernel.files import FilesSettings, FileStore
from exchange.kernel.keys import VAULT, Keyring, new_key
from exchange.kernel.subjects import SubjectErased
from exchange.kernel.vault import StoredVault, VaultBroken
from tests.conftest import NOW
from tests.support.erasing import vault_in

SUBJECT, OTHER = UUID(int=1), UUID(int=2)


class Cut(Exception):
    """The process ends here."""


class Watched(FileStore):
    """A place where each call may be held up, or be the last: what happens between two calls is the test's to say."""

    def __init__(self, folder: Path) -> None:
        super().__init__(FileStore.open(FilesSettings(url=folder.as_uri()))._store, FilesSettings(url=folder.as_uri()))
        self.calls: list[str] = []
        self.cut_after: int | None = None
        self.between: Any = None

    async def _counted(self, what: str, call: Any) -> Any:
        done = await call
        self.calls.append(what)
        if self.between is not None:
            await self.between(what)
        if self.cut_after is not None and len(self.calls) >= self.cut_after:
            raise Cut
        return done

    async def put_named(self, name: str, content: bytes, *, replace: bool) -> bool:
        return bool(await self._counted(f"put {name}", super().put_named(name, content, replace=replace)))

    async def read_named(self, name: str) -> bytes | None:
        found: bytes | None = await self._counted(f"read {name}", super().read_named(name))
        return found

    async def remove_named(self, name: str) -> None:
        await self._counted(f"remove {name}", super().remove_named(name))


async def test_a_key_is_made_once_kept_wrapped_and_destroyed_for_good(tmp_path: Path, keyring: Keyring) -> None:
    vault = vault_in(tmp_path, keyring)
    made = await vault.make(SUBJECT)
    assert made == await vault.make(SUBJECT)
    assert await vault.key(SUBJECT) == made.key
    assert await vault.key(OTHER) is None
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    assert all(made.key not in path.read_bytes() and made.key.hex().encode() not in path.read_bytes() for path in files)
    assert stat.S_IMODE((tmp_path / "vault0").stat().st_mode) == 0o700

    await vault.destroy(SUBJECT)
    await vault.destroy(SUBJECT)
    assert await vault.key(SUBJECT) is None
    assert await vault.undone([SUBJECT]) == []
    assert await vault.destroyed() == [SUBJECT]
    for again in (vault, vault_in(tmp_path, keyring)):
        with pytest.raises(SubjectErased):
            await again.make(SUBJECT)
    assert not list((tmp_path / "vault0").glob("keys/*"))
    # One who was never made is marked too: no key can be made after.
    await vault.destroy(OTHER)
    with pytest.raises(SubjectErased):
        await vault.make(OTHER)


async def test_a_key_opens_by_its_own_wrapping_key_and_name_alone(tmp_path: Path, keyring: Keyring) -> None:
    vault = vault_in(tmp_path, keyring)
    mine, other = await vault.make(SUBJECT), await vault.make(OTHER)
    # An added wrapping key wraps what is new; the old one still opens.
    added = Keyring([*keyring.keys(), new_key(VAULT, NOW.replace(year=2027), b"\x77" * 32)])
    assert await vault_in(tmp_path, added).key(SUBJECT) == mine.key
    stranger = Keyring([new_key(VAULT, NOW, b"\x66" * 32)])
    with pytest.raises(VaultBroken):
        await vault_in(tmp_path, stranger).key(SUBJECT)
    folder = tmp_path / "vault0" / "keys"
    first, second = folder / SUBJECT.hex, folder / OTHER.hex
    one, two = first.read_bytes(), second.read_bytes()
    first.write_bytes(two)
    second.write_bytes(one)
    for subject in (SUBJECT, OTHER):
        with pytest.raises(VaultBroken):
            await vault.key(subject)
    first.write_bytes(b"{}")
    with pytest.raises(VaultBroken):
        await vault.key(SUBJECT)
    second.write_bytes(two)
    assert await vault.key(OTHER) == other.key


async def test_every_place_has_every_key_and_a_destroyed_one_is_gone_from_each(
    tmp_path: Path, keyring: Keyring
) -> None:
    both = vault_in(tmp_path, keyring, 2)
    made = await both.make(SUBJECT)
    (tmp_path / "vault0" / "keys" / SUBJECT.hex).unlink()
    assert await both.key(SUBJECT) == made.key, "the other place has it too"
    await both.destroy(SUBJECT)
    assert not [path for path in tmp_path.rglob("keys/*") if path.is_file()]
    # A place that comes back with an old copy: the mark in the other one still holds.
    one = vault_in(tmp_path / "lone", keyring)
    await one.make(SUBJECT)
    old = (tmp_path / "lone" / "vault0" / "keys" / SUBJECT.hex).read_bytes()
    (tmp_path / "vault0" / "erased" / SUBJECT.hex).unlink()
    (tmp_path / "vault0" / "keys").mkdir(exist_ok=True)
    (tmp_path / "vault0" / "keys" / SUBJECT.hex).write_bytes(old)
    assert await both.key(SUBJECT) is None
    assert await both.undone([SUBJECT]) == [SUBJECT]
    await both.destroy(SUBJECT)
    assert await both.undone([SUBJECT]) == []


async def test_a_place_that_is_away_stops_no_other_and_is_told(tmp_path: Path, keyring: Keyring) -> None:
    first, second = Watched(tmp_path / "a"), Watched(tmp_path / "b")
    vault = StoredVault([first, second], keyring)
    await vault.make(SUBJECT)
    first.cut_after = 0
    with pytest.raises(Cut):
        await vault.destroy(SUBJECT)
    assert await second.read_named(f"keys/{SUBJECT.hex}") is None
    first.cut_after = None
    assert await vault.key(SUBJECT) is None
    await vault.destroy(SUBJECT)
    assert await vault.undone([SUBJECT]) == []


async def test_whoever_makes_while_another_destroys_leaves_no_key(tmp_path: Path, keyring: Keyring) -> None:
    """The destroyer runs whole between each two calls of the maker, and the maker between each two of the destroyer."""
    for maker_is_cut, place in itertools.product((True, False), range(8)):
        folder = tmp_path / f"{maker_is_cut}{place}"
        watched, plain = Watched(folder), StoredVault([FileStore.open(FilesSettings(url=folder.as_uri()))], keyring)
        vault = StoredVault([watched], keyring)

        async def make(by: StoredVault) -> None:
            try:
                await by.make(SUBJECT)
            except SubjectErased:
                return

        async def then(_: str) -> None:
            if len(watched.calls) == place + 1:  # noqa: B023
                await (plain.destroy(SUBJECT) if maker_is_cut else make(plain))  # noqa: B023

        watched.between = then
        await (make(vault) if maker_is_cut else vault.destroy(SUBJECT))
        await plain.destroy(SUBJECT)
        assert await plain.key(SUBJECT) is None
        assert not list(folder.glob("keys/*")), (maker_is_cut, place)


@pytest.mark.parametrize("after", range(1, 5))
async def test_a_destroyer_that_dies_at_any_call_is_followed_by_one_that_ends(
    tmp_path: Path, keyring: Keyring, after: int
) -> None:
    watched = Watched(tmp_path)
    vault = StoredVault([watched], keyring)
    await vault.make(SUBJECT)
    watched.calls.clear()
    watched.cut_after = after
    with contextlib.suppress(Cut):
        await vault.destroy(SUBJECT)
    watched.cut_after = None
    # From the mark on nobody reads it, whatever came after.
    assert await vault.key(SUBJECT) is None
    with pytest.raises(SubjectErased):
        await vault.make(SUBJECT)
    await vault.destroy(SUBJECT)
    assert await vault.undone([SUBJECT]) == []


async def test_many_who_make_at_once_get_one_key(tmp_path: Path, keyring: Keyring) -> None:
    vaults = [vault_in(tmp_path, keyring) for _ in range(8)]
    made = await asyncio.gather(*(one.make(SUBJECT) for one in vaults))
    assert len({one.key for one in made}) == 1
    assert [path.name for path in (tmp_path / "vault0" / "keys").iterdir()] == [SUBJECT.hex]
