"""The sender against receivers on a socket that want to be more than that: names that change, redirects, slow and endless answers."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from exchange.webhooks.deliveries import Heard
from exchange.webhooks.settings import WebhookSettings
from exchange.worker.hook_calls import Caller, look_up
from tests.support.hook_receiver import receiving, status

SETTINGS = WebhookSettings(loopback=True, connect_timeout_s=0.5, answer_timeout_s=0.6)


def caller(settings: WebhookSettings = SETTINGS) -> Caller:
    return Caller(settings, ssl.create_default_context())


OWNER, OTHER = UUID(int=1), UUID(int=2)


async def post(made: Caller, url: str) -> Heard:
    heard = await made.post(OWNER, url, {"webhook-id": "msg_1"}, b"{}")
    assert heard is not None
    return heard


async def test_what_comes_back_is_read_to_a_limit_and_followed_nowhere() -> None:
    async def drips(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
        while True:
            writer.write(b".")
            await writer.drain()
            await asyncio.sleep(0.05)

    async def endless(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"1000\r\n" + bytes(4096) + b"\r\n")
            await writer.drain()

    async with receiving() as there, receiving() as other:
        made = caller()
        there.replies += [
            status(302, "location: http://169.254.169.254/latest/meta-data/"),
            status(307, f"location: {other.url}"),
            status(503, "Retry-After: 120"),
            status(410),
            drips,
            endless,
            b"hello\r\n\r\n",
            b"",
            status(200),
        ]
        found = [await post(made, there.url) for _ in range(9)]
        assert [(one.status, one.error) for one in found] == [
            (302, "redirect"),
            (307, "redirect"),
            (503, "status"),
            (410, "gone"),
            (None, "too-slow"),
            (200, None),
            (None, "answer-broken"),
            (None, "answer-broken"),
            (200, None),
        ]
        assert found[2].retry_after_s == 120
        assert found[4].ms < 2000
        assert not other.heard, "a redirect was followed"
        assert there.heard[0].headers["host"] == f"127.0.0.1:{there.port}"
    assert (await post(made, there.url)).error == "connect-failed"


async def test_a_name_is_looked_up_once_and_the_connection_goes_where_it_led() -> None:
    asked: list[str] = []

    async def rebinding(host: str, _port: int) -> Sequence[str]:
        """A name that is public when it is looked at, and ours when it is looked up again."""
        asked.append(host)
        return ["93.184.215.14"] if len(asked) % 2 else ["127.0.0.1"]

    async with receiving() as there:
        strict = WebhookSettings(connect_timeout_s=0.3, answer_timeout_s=0.5)
        first = await post(Caller(strict, ssl.create_default_context(), rebinding), "https://hooks.example.com:8443/")
        # Whether this machine can reach the world or not: it tried the first answer, and nothing came here.
        assert first.error in {"too-slow", "connect-failed", "tls-failed", "answer-broken"}
        assert asked == ["hooks.example.com"]
        second = await post(Caller(strict, ssl.create_default_context(), rebinding), "https://hooks.example.com:8443/")
        assert second.error == "address-not-public"
        for answers in (["::ffff:127.0.0.1"], ["93.184.215.14", "10.0.0.8"], ["169.254.169.254"], ["64:ff9b::7f00:1"]):

            async def says(_host: str, _port: int, answers: Sequence[str] = answers) -> Sequence[str]:
                return answers

            assert (await post(Caller(strict, ssl.create_default_context(), says), "https://a.example/")).error == (
                "address-not-public"
            )

        async def nowhere(_host: str, _port: int) -> Sequence[str]:
            return []

        async def hangs(_host: str, _port: int) -> Sequence[str]:
            await asyncio.sleep(60)
            return []

        made = Caller(strict, ssl.create_default_context(), nowhere)
        assert (await post(made, "https://a.example/")).error == "name-not-found"
        assert (
            await post(Caller(strict, ssl.create_default_context(), hangs), "https://a.example/")
        ).error == "too-slow"
        # Without the sandbox's setting this machine is no address at all, in whatever spelling.
        for url in (there.url, "https://2130706433/", "https://[::ffff:127.0.0.1]/", "https://localhost:8443/"):
            assert (await post(made, url)).error in {"address-host", "address-form", "address-not-https"}
        # A name that leads here is looked up by the system and connected to as it stands.
        assert (await post(caller(), there.url.replace("127.0.0.1", "localhost"))).ok
        assert len(there.heard) == 1
    assert await look_up("127.0.0.1", 80) == ["127.0.0.1"]


async def test_name_servers_that_hang_hold_up_nobody_but_the_one_who_named_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Forty deliveries of one organisation to names whose servers never answer, and one of another organisation."""
    answered, system, asked = threading.Event(), socket.getaddrinfo, list[str]()

    def slowly(host: Any, *rest: Any, **more: Any) -> Any:
        if str(host).endswith(".slow.example"):
            asked.append(host)
            answered.wait(60)
            raise socket.gaierror("nobody knows it")
        return system(host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", slowly)
    made = Caller(
        WebhookSettings(loopback=True, connect_timeout_s=2.0, answer_timeout_s=20.0), ssl.create_default_context()
    )
    try:
        async with receiving() as there:
            hung = [
                asyncio.create_task(made.post(OWNER, f"https://{number}.slow.example/", {}, b"{}"))
                for number in range(40)
            ]
            while not asked:
                await asyncio.sleep(0.01)
            heard = await made.post(OTHER, there.url.replace("127.0.0.1", "localhost"), {}, b"{}")
            assert heard is not None
            assert heard.ok, heard.error
            found = [None if one is None else one.error for one in await asyncio.gather(*hung)]
            # Two found out that it is too slow. The others' turn never came: that is no failure of theirs.
            assert sorted(map(str, found)) == ["None"] * 38 + ["too-slow"] * 2
            assert len(asked) == 2
            assert await made.post(OWNER, there.url, {}, b"{}") is None, "whose threads still wait has no turn"
            answered.set()
            # Once they are over, their turns are there again.
            assert (await post(made, there.url)).ok
    finally:
        answered.set()


async def test_a_certificate_is_held_to_the_name_that_was_asked_for(tmp_path: Path) -> None:
    server, trusted = certified(tmp_path, "hooks.example.com")

    async def here(_host: str, _port: int) -> Sequence[str]:
        return ["127.0.0.1"]

    async with receiving(server) as there:
        url = f"https://localhost:{there.port}/in"
        assert (await post(Caller(SETTINGS, ssl.create_default_context(), here), url)).error == "tls-failed", "nobody's"
        assert (await post(Caller(SETTINGS, trusted, here), url)).error == "tls-failed", "another name's"
        assert not there.heard
    server, trusted = certified(tmp_path, "localhost")
    async with receiving(server) as there:
        url = f"https://localhost:{there.port}/in"
        assert (await post(Caller(SETTINGS, trusted, here), url)).ok, "connected by address, held to the name"


def certified(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server with a certificate for a name, and a client that trusts nothing else."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder(
            subject, subject, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1)
        )
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, SHA256())
    )
    path = folder / f"{name}.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(private + made.public_bytes(Encoding.PEM))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(path)
    trusted = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusted.load_verify_locations(cadata=made.public_bytes(Encoding.PEM).decode())
    return server, trusted
