"""A person is erased from a running exchange, and then looked for in every copy there is, one test for each.

The exchange is the real one: `exchange serve` on its embedded, durable PostgreSQL. Each copy is taken twice, before the erasure
and after, by the same means: the look that must find the person before shows that it could find it after.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import io
import json
import os
import secrets
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from exchange.kernel import ids
from exchange.kernel.clock import SystemClock
from exchange.kernel.db import Database, DatabaseUrls
from exchange.kernel.embedded import SUPERUSER, EmbeddedServer, Settings
from exchange.kernel.keys import load
from exchange.kernel.vault import StoredVault
from sandbox.stripe.process import free_port
from tests.support.erasing import EMAIL, NAME, readable, rows

pytestmark = pytest.mark.xdist_group("erasure")
PERSON = (NAME.encode(), EMAIL.encode())
READY_S_MAX = 90.0
NUMBER = "91110000600037341L"


@dataclass
class Erased:
    """A market in which a person was erased, with what it looked like before and after."""

    home: Path
    work: Path
    origin: str
    server: EmbeddedServer
    organisation: str = ""
    member: str = ""
    token: str = ""
    operator: str = ""
    regulator: str = ""
    seen: dict[str, Any] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """The database's superuser."""
        return self.server.url

    def tool(self, name: str, *arguments: object) -> None:
        """Run a program of PostgreSQL."""
        command = [str(self.server.bin / name), "-h", self.server.host, "-p", str(self.server.port), "-U", SUPERUSER]
        subprocess.run([*command, *map(str, arguments)], check=True, capture_output=True)

    def readable(self, url: str | None = None, vault: Path | None = None) -> set[str]:
        """What can be read of people in a database, with the keys of a folder."""

        async def look() -> set[str]:
            database = Database(DatabaseUrls.from_one(url or self.url), SystemClock())
            keys = load(self.home / "keys")
            try:
                return await readable(database, StoredVault.open([(vault or self._vault).as_uri()], keys))
            finally:
                await database.close()

        return asyncio.run(look())

    @property
    def _vault(self) -> Path:
        return self.home / "keys" / "subjects"

    def tables(self) -> list[tuple[str, bytes]]:
        """Every row of every table."""

        async def look() -> list[tuple[str, bytes]]:
            return [row async for row in rows(self.url)]

        return asyncio.run(look())


@pytest.fixture(scope="module")
def erased(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Erased]:
    """Join, look at every copy, erase, look again; the exchange goes on until the tests are over."""
    folder = tmp_path_factory.mktemp("erasure")
    folder.chmod(0o711)
    home, port = folder / "home", free_port()
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("EXCHANGE_", "STRIPE_"))},
        "EXCHANGE_HOME": str(home),
        "EXCHANGE_PORT": str(port),
        "EXCHANGE_LOG_LEVEL": "debug",
    }

    def command(*words: str) -> Any:
        made = subprocess.run(
            [sys.executable, "-m", "exchange", *words, "--json"], env=environment, check=True, capture_output=True
        )
        return json.loads(made.stdout)

    with contextlib.ExitStack() as stack:
        log = stack.enter_context((folder / "server.log").open("wb"))
        serving = subprocess.Popen([sys.executable, "-m", "exchange", "serve"], env=environment, stdout=log, stderr=log)
        stack.callback(_end, serving)
        origin = f"http://127.0.0.1:{port}"
        http = stack.enter_context(httpx.Client(base_url=origin, trust_env=False, timeout=30))
        _until(lambda: http.get("/readyz").status_code == 200)
        server = EmbeddedServer(home / "postgres", Settings()).start()
        stack.callback(server.stop)
        made = Erased(home, folder, origin, server)
        founded = command("admin", "create-operator")
        made.operator = _token(http, founded["client"], founded["secret"])
        _join(http, made)
        _trade_with_the_name(http, made)
        _look(http, made, "before")
        answer = http.post(
            f"/supplier/v1/organisation/members/{made.member}/erasure",
            headers={"authorization": f"Bearer {made.token}", "idempotency-key": "erase-1"},
        )
        assert answer.status_code == 201, answer.text
        assert answer.json() == {"subject": made.member, "state": "asked"}
        began = time.monotonic()
        _until(lambda: _erasures(http, made)[made.member] == "erased")
        made.seen["took_s"] = time.monotonic() - began
        _look(http, made, "after")
        made.seen["erasures"] = command("audit", "erasures")
        made.seen["verified"] = command("audit", "verify")
        log.flush()
        yield made


def _end(serving: subprocess.Popen[bytes]) -> None:
    serving.terminate()
    try:
        serving.wait(30)
    except subprocess.TimeoutExpired:
        serving.kill()
        serving.wait()


def _until(there: Any) -> None:
    began = time.monotonic()
    while True:
        with contextlib.suppress(httpx.TransportError):
            if there():
                return
        if time.monotonic() > began + READY_S_MAX:
            raise TimeoutError
        time.sleep(0.05)


def _token(http: httpx.Client, client: str, secret: str) -> str:
    form = {"grant_type": "client_credentials", "client_id": client, "client_secret": secret}
    answer = http.post("/oauth2/token", data=form)
    assert answer.status_code == 200, answer.text
    token: str = answer.json()["access_token"]
    return token


def _wish(roles: list[str], name: str, email: str) -> dict[str, Any]:
    return {
        "name": {"en": "Example", "zh": "示例"},
        "roles": roles,
        "country": "CN",
        "identifiers": {"uscc": NUMBER},
        "contact": {"name": name, "email": email},
    }


def _join(http: httpx.Client, made: Erased) -> None:
    joined = http.post("/catalog/v1/organisations", json=_wish(["supplier"], NAME, EMAIL)).json()
    made.organisation, made.member = joined["organisation"], joined["member"]
    made.token = _token(http, joined["client"], joined["client_secret"])
    watch = http.post("/catalog/v1/organisations", json=_wish(["regulator"], "Wang Wu", "wang@example.com")).json()
    watching = _token(http, watch["client"], watch["client_secret"])
    evidence = {"documents": [{"kind": "business_licence", "media_type": "application/pdf", "content": "JVBERi0xLjcK"}]}
    for portal, token in (("supplier", made.token), ("regulator", watching)):
        headers = {"authorization": f"Bearer {token}", "idempotency-key": secrets.token_hex(8)}
        answer = http.post(f"/{portal}/v1/organisation/evidence", json=evidence, headers=headers)
        assert answer.status_code == 201, answer.text
    # Two organisations cannot be verified under one number: the regulator alone is.
    headers = {"authorization": f"Bearer {made.operator}", "idempotency-key": secrets.token_hex(8)}
    answer = http.post(
        f"/operator/v1/organisations/{watch['organisation']}/decisions",
        json={"decision": "verify", "reason": "Register agrees."},
        headers=headers,
    )
    assert answer.status_code == 201, answer.text
    made.regulator = _token(http, watch["client"], watch["client_secret"])


def _trade_with_the_name(http: httpx.Client, made: Erased) -> None:
    """Provoke whatever might write the name down: refusals, malformed bodies, an address that is too long, a zero byte."""
    for name, email in ((NAME, f"{EMAIL} "), (f"{NAME}\u0000", EMAIL), (NAME + "\n", EMAIL), (NAME * 200, EMAIL)):
        answer = http.post("/catalog/v1/organisations", json=_wish(["supplier"], name, email))
        assert answer.status_code >= 400
    assert http.post("/catalog/v1/organisations", content=json.dumps(NAME + EMAIL)[:-3]).status_code >= 400
    answer = http.get("/supplier/v1/organisation/members", headers={"authorization": f"Bearer {made.token}"})
    assert answer.json()["items"][0]["person"] == {"name": NAME, "email": EMAIL}
    contact = http.get(
        f"/operator/v1/organisations/{made.organisation}/members", headers={"authorization": f"Bearer {made.operator}"}
    )
    assert contact.json() == answer.json()


def _erasures(http: httpx.Client, made: Erased) -> dict[str, str]:
    found = http.get("/operator/v1/erasures", headers={"authorization": f"Bearer {made.operator}"}).json()["items"]
    return {one["subject"]: one["state"] for one in found}


def _look(http: httpx.Client, made: Erased, when: str) -> None:
    """Take every copy: what can be read, a dump, a physical backup, an export, the keys."""
    seen, folder = made.seen, made.work / when
    folder.mkdir()
    seen[f"readable {when}"] = made.readable()
    seen[f"export {when}"] = _export(http, made)
    answer = http.get("/supplier/v1/organisation/members", headers={"authorization": f"Bearer {made.token}"})
    seen[f"member {when}"] = answer.json()["items"][0]
    made.tool("pg_dump", "-d", made.server.settings.database, "-Fp", "-f", folder / "dump.sql")
    hba = made.server.data / "pg_hba.conf"
    if "replication" not in hba.read_text():
        hba.write_text(hba.read_text() + "local replication all trust\n")
        made.server.psql("SELECT pg_reload_conf()")
    made.tool("pg_basebackup", "-D", folder / "base", "-X", "stream", "--checkpoint=fast")
    shutil.copytree(made.home / "keys", folder / "keys")


def _export(http: httpx.Client, made: Erased) -> bytes:
    headers = {"authorization": f"Bearer {made.regulator}", "idempotency-key": secrets.token_hex(8)}

    def covered() -> bool:
        found = http.get("/log/checkpoint")
        return found.status_code == 200 and int(found.text.splitlines()[1]) >= 5

    _until(covered)
    time.sleep(1.2)  # the sequencer comes by twice in this time
    answer = http.post("/regulator/v1/exports", json={}, headers=headers)
    assert answer.status_code < 300, answer.text
    name = answer.json()["id"]
    state: dict[str, Any] = {}

    def done() -> bool:
        state.update(http.get(f"/regulator/v1/exports/{name}", headers=headers).json())
        return state["state"] in ("done", "failed")

    _until(done)
    assert state["state"] == "done", state
    bundle = http.get(f"/regulator/v1/exports/{name}/file", headers=headers)
    assert bundle.status_code == 200, bundle.text
    return bundle.content


def _files(folder: Path) -> Iterator[tuple[Path, bytes]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield path, path.read_bytes()


def _holds_none(where: str, data: bytes, *more: bytes) -> None:
    """Look for the person's bytes, plain and as they would be escaped, in hexadecimal and in UTF-16."""
    for one in (*PERSON, *more):
        for form in (one, one.hex().encode(), one.decode("latin-1").encode("utf-16-le")):
            assert form not in data, f"{where} holds {form!r}"


def test_the_look_finds_the_person_before(erased: Erased) -> None:
    assert erased.seen["readable before"] >= {NAME, EMAIL}
    assert erased.seen["member before"]["person"] == {"name": NAME, "email": EMAIL}
    assert erased.seen["took_s"] < 10
    print(f"from the request to erased: {erased.seen['took_s']:.2f} s")


def test_answers_and_portals(erased: Erased) -> None:
    assert erased.seen["member after"] == {**erased.seen["member before"], "state": "left", "person": None}
    (one,) = erased.seen["erasures"]
    assert (one["subject"], one["state"]) == (erased.member, "erased")


def test_every_proof_holds(erased: Erased) -> None:
    assert erased.seen["verified"]["sound"] is True
    assert erased.seen["verified"]["finished"] is True


def test_tables(erased: Erased) -> None:
    assert not erased.seen["readable after"] & {NAME, EMAIL}
    found = erased.tables()
    assert len({name for name, _ in found}) > 10
    assert any(erased.organisation.encode() in data for _, data in found), (
        "the control: rows are read, bytes spelled out"
    )
    for name, data in found:
        _holds_none(name, data)


def test_kept_answers_of_commands(erased: Erased) -> None:
    answers = [data for name, data in erased.tables() if name == "kernel.idempotency"]
    assert any(erased.member.encode() in data for data in answers), "the control: the erasure's own answer is there"
    for data in answers:
        _holds_none("kernel.idempotency", data)


def test_jobs(erased: Erased) -> None:
    kept = [data for name, data in erased.tables() if name == "kernel.job"]
    assert any(erased.member.encode() in data for data in kept), "the control: the erasure's own job is there"
    for data in kept:
        _holds_none("kernel.job", data)


def test_exports(erased: Erased) -> None:
    for when in ("before", "after"):
        with zipfile.ZipFile(io.BytesIO(erased.seen[f"export {when}"])) as bundle:
            events = bundle.read("events.jsonl")
            assert erased.organisation.encode() in events
            for name in bundle.namelist():
                _holds_none(f"export {when}, {name}", bundle.read(name))
            said = [json.loads(line) for line in events.splitlines()]
        joined = next(one for one in said if one["object"]["id"] == erased.organisation)
        assert (joined["action"], joined["where"], joined["v"]) == ("organisation.register", "public", 2)
        assert len(joined["sealed"]) == 2
        assert hashlib.sha256(NUMBER.encode()).hexdigest() not in json.dumps(joined), "nobody can try numbers"
        script = erased.work / when / "verify"
        script.mkdir()
        (script / "bundle.zip").write_bytes(erased.seen[f"export {when}"])
        with zipfile.ZipFile(script / "bundle.zip") as bundle:
            (script / "verify.py").write_bytes(bundle.read("verify.py"))
        checked = subprocess.run(
            [sys.executable, "-I", str(script / "verify.py"), str(script / "bundle.zip")],
            capture_output=True,
            check=False,
        )
        assert checked.returncode == 0, checked.stdout + checked.stderr


def test_dumps_made_afterwards(erased: Erased) -> None:
    before = (erased.work / "before" / "dump.sql").read_bytes()
    after = (erased.work / "after" / "dump.sql").read_bytes()
    _holds_none("pg_dump before", before)
    _holds_none("pg_dump after", after)
    # Not even what was sealed is in it any more.
    sealed = _ciphertext_of(before, erased)
    assert all(one in before for one in sealed)
    assert not any(one in after for one in sealed)


def _ciphertext_of(dump: bytes, erased: Erased) -> list[bytes]:
    """The hexadecimal of what was sealed of the person, off a dump from before."""
    lines = dump.decode().splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith("COPY parties.person "))
    columns = lines[start].split("(")[1].split(")")[0].split(", ")
    found = []
    for line in lines[start + 1 :]:
        if line == "\\.":
            break
        row = dict(zip(columns, line.split("\t"), strict=True))
        found.append((row["member_id"], row["sealed"].removeprefix("\\\\x").encode()))
    return [sealed for member, sealed in found if member == str(ids.parse("mem", erased.member))]


def test_physical_backups_made_afterwards(erased: Erased) -> None:
    """Dead rows and the write-ahead log come along: what is in them cannot be opened with any key that is left."""
    looked = 0
    for path, data in _files(erased.work / "after" / "base"):
        looked += len(data)
        _holds_none(str(path.name), data)
    assert looked > 10_000_000
    backup = _started(erased.work / "after" / "base", erased.work / "restored")
    try:
        assert erased.readable(backup.url) == erased.seen["readable after"]
        assert not erased.readable(backup.url) & {NAME, EMAIL}
    finally:
        backup.stop()


def test_physical_backups_made_before_open_with_no_key_that_is_left(erased: Erased) -> None:
    backup = _started(erased.work / "before" / "base", erased.work / "restored-old")
    try:
        assert not erased.readable(backup.url) & {NAME, EMAIL}
        old_keys = erased.work / "before" / "keys" / "subjects"
        assert erased.readable(backup.url, old_keys) >= {NAME, EMAIL}, (
            "the control: with the old keys beside it, it does"
        )
    finally:
        backup.stop()


def _started(base: Path, folder: Path) -> EmbeddedServer:
    """A server over a backup, in a folder of its own."""
    folder.mkdir(mode=0o711)
    server = EmbeddedServer(folder, Settings())
    shutil.copytree(base, server.data)
    for path in (server.data, *server.data.rglob("*")):
        server._owner.give(path, 0o700 if path.is_dir() else 0o600)
    return server.start()


def test_keys(erased: Erased) -> None:
    name = ids.parse("mem", erased.member).hex
    before = erased.work / "before" / "keys" / "subjects" / "keys"
    assert (before / name).exists()
    for path, data in _files(erased.home / "keys"):
        _holds_none(path.name, data)
        assert path.read_bytes() != (before / name).read_bytes(), "the key is nowhere, under no name"
    assert not (erased.home / "keys" / "subjects" / "keys" / name).exists()
    assert (erased.home / "keys" / "subjects" / "erased" / name).exists()


def test_the_exchange_s_own_log(erased: Erased) -> None:
    data = (erased.work / "server.log").read_bytes()
    assert b'"request"' in data or b"request" in data, "the control: requests are logged"
    _holds_none("server.log", data)


def test_the_database_s_log(erased: Erased) -> None:
    _holds_none("postgres.log", erased.server.log.read_bytes())


def test_the_object_store(erased: Erased) -> None:
    found = list(_files(erased.home / "files"))
    assert found, "the control: the evidence and the exports are there"
    for path, data in found:
        _holds_none(path.name, data)
        if data.startswith(b"PK"):
            with zipfile.ZipFile(io.BytesIO(data)) as bundle:
                for name in bundle.namelist():
                    _holds_none(name, bundle.read(name))


def test_everything_else_under_the_home(erased: Erased) -> None:
    """Whatever file there is, the live database's own included: dead rows, the write-ahead log, temporary files."""
    for path, data in _files(erased.home):
        _holds_none(str(path.relative_to(erased.home)), data)
