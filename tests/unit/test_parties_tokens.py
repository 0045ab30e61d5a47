"""Access tokens: ours pass, and the known attacks do not."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from exchange.kernel import ids
from exchange.kernel.errors import Problem
from exchange.kernel.keys import Keyring, new_key
from exchange.parties.clients import Credentials
from exchange.parties.organisations import State
from exchange.parties.roles import Role
from exchange.parties.tokens import Token, TokenCache, TokenSettings, introspection, issue, token_keys, verify

NOW = datetime(2026, 1, 15, 8, 0, tzinfo=UTC)
SETTINGS = TokenSettings(issuer="https://exchange.example", audience="https://exchange.example/api")
RING = Keyring([new_key("token", NOW, b"t" * 32), new_key("certificate", NOW, b"c" * 32)])
TOKEN = Token(
    jti=ids.text("tok", UUID(int=7)),
    organisation_id=UUID(int=1),
    client_id=UUID(int=2),
    roles=frozenset({"buyer", "supplier"}),
    scopes=frozenset({"buyer", "organisation"}),
    issued_at=NOW,
    expires_at=NOW + timedelta(seconds=600),
)
TEXT = issue(RING, TOKEN, SETTINGS)
KEY = RING.signer("token")


def check(text: str, now: datetime = NOW) -> Token | Problem:
    return verify(text, token_keys(RING), SETTINGS, now)


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def parts() -> tuple[dict[str, Any], dict[str, Any]]:
    header, body, _ = TEXT.split(".")
    return json.loads(base64.urlsafe_b64decode(header + "==")), json.loads(base64.urlsafe_b64decode(body + "=="))


def signed(header: dict[str, Any] | None = None, claims: dict[str, Any] | None = None, drop: str = "") -> str:
    """Our own key signs whatever is asked: only the content is wrong."""
    head, body = parts()
    head, body = head | (header or {}), body | (claims or {})
    head.pop(drop, None)
    body.pop(drop, None)
    text = f"{b64(json.dumps(head).encode())}.{b64(json.dumps(body).encode())}"
    return f"{text}.{b64(KEY.private.sign(text.encode()))}"


def test_a_token_comes_back_whole() -> None:
    assert check(TEXT) == TOKEN
    header, claims = parts()
    assert header == {"alg": "EdDSA", "typ": "at+jwt", "kid": KEY.kid}
    assert claims["sub"] == claims["client_id"] == ids.text("cli", UUID(int=2))
    assert claims["scope"] == "buyer organisation"
    assert check(signed()) == TOKEN, "the forger of this test makes good tokens when nothing is changed"


def test_a_token_ends_to_the_second() -> None:
    assert check(TEXT, NOW + timedelta(seconds=599)) == TOKEN
    assert isinstance(check(TEXT, NOW + timedelta(seconds=600)), Problem)


PEM = KEY.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
DER = KEY.private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
JWK = json.dumps(RING.jwks()["keys"][0]).encode()


def mac(secret: bytes) -> str:
    import hashlib
    import hmac

    head, body = parts()
    text = f"{b64(json.dumps(head | {'alg': 'HS256'}).encode())}.{b64(json.dumps(body).encode())}"
    return f"{text}.{b64(hmac.new(secret, text.encode(), hashlib.sha256).digest())}"


def unsigned(alg: str) -> str:
    head, body = parts()
    return f"{b64(json.dumps(head | {'alg': alg}).encode())}.{b64(json.dumps(body).encode())}."


def by_other_key() -> str:
    stranger = new_key("token", NOW, b"x" * 32)
    return issue(Keyring([stranger]), TOKEN, SETTINGS)


def by_other_purpose() -> str:
    """The certificate key signs, and the header names it rightly."""
    key = RING.signer("certificate")
    head, body = parts()
    return jwt.encode(body, key.private, algorithm="EdDSA", headers=head | {"kid": key.kid})


def es256() -> str:
    head, body = parts()
    return jwt.encode(body, ec.generate_private_key(ec.SECP256R1()), algorithm="ES256", headers=head | {"alg": "ES256"})


def swapped_body() -> str:
    head, _, tail = TEXT.split(".")
    _, body = parts()
    return f"{head}.{b64(json.dumps(body | {'scope': 'operator'}).encode())}.{tail}"


def last_letter_alias() -> str:
    """The same 64 bytes, written another way: the four spare bits of the last letter are not zero."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return TEXT[:-1] + letters[letters.index(TEXT[-1]) + 1]


def json_serialised() -> str:
    head, body, tail = TEXT.split(".")
    return json.dumps({"protected": head, "payload": body, "signature": tail})


ATTACKS: dict[str, Callable[[], str]] = {
    "empty": lambda: "",
    "not a token": lambda: "a.b.c",
    "alg none": lambda: unsigned("none"),
    "alg NONE": lambda: unsigned("NONE"),
    "alg nOnE": lambda: unsigned("nOnE"),
    "alg none with the old signature": lambda: unsigned("none") + TEXT.split(".")[2],
    "HS256 with the public key as PEM": lambda: mac(PEM),
    "HS256 with the public key as DER": lambda: mac(DER),
    "HS256 with the public key as JWK": lambda: mac(JWK),
    "HS256 with the raw public key": lambda: mac(KEY.public),
    "HS256 with an empty key": lambda: mac(b""),
    "ES256 by somebody": es256,
    "another key of ours, other purpose": by_other_purpose,
    "another exchange's key": by_other_key,
    "kid of nobody": lambda: signed({"kid": "nobody"}),
    "kid a path": lambda: signed({"kid": "../../dev/null"}),
    "kid SQL": lambda: signed({"kid": "' OR 1=1 --"}),
    "kid empty": lambda: signed({"kid": ""}),
    "kid missing": lambda: signed(drop="kid"),
    "kid a list": lambda: signed({"kid": [KEY.kid]}),
    "own jwk in the header": lambda: signed({"jwk": RING.jwks()["keys"][0], "kid": "mine"}),
    "jku in the header": lambda: signed({"jku": "https://evil.example/jwks", "kid": "mine"}),
    "crit unknown": lambda: signed({"crit": ["exp"], "exp": 1}),
    "crit b64": lambda: signed({"crit": ["b64"], "b64": False}),
    "typ missing": lambda: signed(drop="typ"),
    "typ JWT (an id token)": lambda: signed({"typ": "JWT"}),
    "typ of a credential": lambda: signed({"typ": "vc+jwt"}),
    "alg missing": lambda: signed(drop="alg"),
    "another audience": lambda: signed(claims={"aud": "https://other.example"}),
    "audience a list": lambda: signed(claims={"aud": [SETTINGS.audience, "https://other.example"]}),
    "audience a longer text": lambda: signed(claims={"aud": SETTINGS.audience + "/x"}),
    "no audience": lambda: signed(drop="aud"),
    "another issuer": lambda: signed(claims={"iss": "https://evil.example"}),
    "issuer with a slash": lambda: signed(claims={"iss": SETTINGS.issuer + "/"}),
    "no issuer": lambda: signed(drop="iss"),
    "expired": lambda: signed(claims={"exp": int(NOW.timestamp())}),
    "no exp": lambda: signed(drop="exp"),
    "exp 0": lambda: signed(claims={"exp": 0}),
    "exp text": lambda: signed(claims={"exp": str(int(NOW.timestamp()) + 60)}),
    "exp fraction": lambda: signed(claims={"exp": NOW.timestamp() + 60.5}),
    "exp 2^63": lambda: signed(claims={"exp": 2**63}),
    "exp true": lambda: signed(claims={"exp": True}),
    "exp null": lambda: signed(claims={"exp": None}),
    "exp before iat": lambda: signed(claims={"iat": int(NOW.timestamp()) + 20, "exp": int(NOW.timestamp()) + 10}),
    "iat in the future": lambda: signed(claims={"iat": int(NOW.timestamp()) + 300}),
    "nbf in the future": lambda: signed(claims={"nbf": int(NOW.timestamp()) + 300}),
    "no iat": lambda: signed(drop="iat"),
    "no jti": lambda: signed(drop="jti"),
    "jti not a text": lambda: signed(claims={"jti": 7}),
    "jti with a zero byte": lambda: signed(claims={"jti": "a\0b"}),
    "no client": lambda: signed(drop="client_id"),
    "sub is not the client": lambda: signed(claims={"sub": ids.text("cli", UUID(int=9))}),
    "org of another kind": lambda: signed(claims={"org": ids.text("cli", UUID(int=1))}),
    "roles a text": lambda: signed(claims={"roles": "operator"}),
    "roles of numbers": lambda: signed(claims={"roles": [1]}),
    "scope a list": lambda: signed(claims={"scope": ["operator"]}),
    "body swapped": swapped_body,
    "signature padded": lambda: TEXT + "==",
    "signature written another way": last_letter_alias,
    "signature missing": lambda: TEXT.rsplit(".", 1)[0] + ".",
    "four parts": lambda: TEXT + ".x",
    "five parts (a JWE)": lambda: "a.b.c.d.e",
    "JSON form": json_serialised,
    "a line end behind": lambda: TEXT + "\n",
    "a space in front": lambda: " " + TEXT,
    "not ASCII": lambda: TEXT[:-1] + "é",
    "one megabyte": lambda: TEXT.split(".")[0] + "." + "A" * 1_000_000 + "." + "A" * 86,
    "body not JSON": lambda: jwt.api_jws.encode(b"{", KEY.private, "EdDSA", {"typ": "at+jwt", "kid": KEY.kid}),
    "body a list": lambda: jwt.api_jws.encode(b"[]", KEY.private, "EdDSA", {"typ": "at+jwt", "kid": KEY.kid}),
    "deep nesting": lambda: jwt.api_jws.encode(
        b"[" * 1500 + b"]" * 1500, KEY.private, "EdDSA", {"typ": "at+jwt", "kid": KEY.kid}
    ),
}


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())
def test_an_attack_is_refused_without_a_word_why(attack: Callable[[], str]) -> None:
    text = attack()
    answer = check(text)
    assert isinstance(answer, Problem), answer
    assert answer.slug == "unauthenticated"
    assert not answer.fields
    assert isinstance(TokenCache(RING, SETTINGS).verify(text, NOW), Problem)


def test_a_type_may_be_written_in_full_and_in_capitals() -> None:
    assert check(signed({"typ": "application/at+jwt"})) == TOKEN
    assert check(signed({"typ": "AT+JWT"})) == TOKEN


def test_the_cache_answers_until_the_end_and_no_longer() -> None:
    cache = TokenCache(RING, SETTINGS)
    assert cache.verify(TEXT, NOW) == TOKEN.actor()
    assert cache.verify(TEXT, NOW + timedelta(seconds=599)) == TOKEN.actor()
    assert len(cache) == 1
    assert isinstance(cache.verify(TEXT, NOW + timedelta(seconds=600)), Problem)
    assert len(cache) == 0


def test_the_cache_forgets_when_the_keys_change() -> None:
    cache = TokenCache(RING, SETTINGS)
    assert cache.verify(TEXT, NOW) == TOKEN.actor()
    cache.rotate(Keyring([new_key("token", NOW, b"n" * 32)]))
    assert isinstance(cache.verify(TEXT, NOW), Problem)


def test_the_cache_stays_small() -> None:
    settings = TokenSettings(issuer=SETTINGS.issuer, audience=SETTINGS.audience, cached_max=3)
    cache = TokenCache(RING, settings)
    for number in range(10):
        assert not isinstance(cache.verify(signed(claims={"jti": f"t{number}"}), NOW), Problem)
    assert len(cache) == 3


def test_introspection_tells_strangers_nothing() -> None:
    def asks(organisation: int, *roles: Role, state: State = State.VERIFIED) -> Credentials:
        return Credentials(UUID(int=5), UUID(int=organisation), bytes(32), frozenset(), None, state, frozenset(roles))

    inactive = {"active": False}
    assert introspection(TOKEN, holds=False, caller=asks(1), settings=SETTINGS) == inactive
    assert introspection(check("a.b.c"), holds=True, caller=asks(1), settings=SETTINGS) == inactive
    assert introspection(TOKEN, holds=True, caller=asks(3, Role.SUPPLIER), settings=SETTINGS) == inactive
    suspended = asks(3, Role.OPERATOR, state=State.SUSPENDED)
    assert introspection(TOKEN, holds=True, caller=suspended, settings=SETTINGS) == inactive
    for caller in (asks(1), asks(3, Role.OPERATOR)):
        answer = introspection(TOKEN, holds=True, caller=caller, settings=SETTINGS)
        assert answer["active"] is True
        assert answer["client_id"] == ids.text("cli", UUID(int=2))
        assert answer["exp"] == int(TOKEN.expires_at.timestamp())
