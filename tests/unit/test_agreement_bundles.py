"""An agreement's file: verified by our code, by the stand-alone script, by openssl, and refused in any other spelling."""

from __future__ import annotations

import ast
import base64
import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeGuard

import pytest

from compliance.exports.bundle import verifier
from contracts import bundle, stand_alone, strict, verify_agreement
from contracts.openssl import by_openssl, openssl_can
from exchange.cli.commands import parser
from exchange.cli.tools import Tools
from exchange.kernel.canonical import canonical
from exchange.kernel.ed25519 import by_arithmetic
from exchange.kernel.keys import new_key
from exchange.settings import load
from tests.support.papers import AT, HANDS, RING, made
from tests.support.pythons import oldest

FILE = made().bundle()
NEEDS_OPENSSL = pytest.mark.skipif(not openssl_can(), reason="no openssl that knows Ed25519")


def published(**changes: str) -> dict[str, str]:
    return {key["kid"]: key["x"] for key in RING.jwks()["keys"]} | changes


def resealed(change: Callable[[dict[str, Any]], None]) -> bytes:
    """A file that was changed by somebody who holds the exchange's key."""
    found = json.loads(FILE)
    change(found)
    parts = verify_agreement.parts_of(found)
    seal = RING.sign("agreement", verify_agreement.sealed(parts))
    found["seal"] = {"kid": seal.kid, "parts": parts, "signature": base64.b64encode(seal.value).decode()}
    return canonical(found)


def codes(data: bytes, keys: dict[str, str] | None = None) -> dict[str, str]:
    return {one.at: one.code for one in bundle.verify(data, keys).faults}


def run(data: bytes, folder: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    """The stand-alone script in a process that can import nothing of ours and no package at all."""
    (folder / stand_alone.NAME).write_bytes(stand_alone.script())
    (folder / "agreement.json").write_bytes(data)
    (folder / "keys.json").write_text(json.dumps(RING.jwks()), encoding="utf-8")
    command = [oldest(), "-I", "-S", stand_alone.NAME, "agreement.json", *flags]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)


def test_a_whole_file_holds_and_names_who_signed() -> None:
    report = bundle.verify(FILE, published())
    assert (report.faults, report.missing, report.trusted) == ([], [], True)
    assert [(role, kept) for _, role, kept in report.signed] == [
        ("exchange", False),
        ("seller", True),
        ("buyer", False),
        ("seller", True),
        ("exchange", False),
    ]
    assert len(report.events) == 1
    assert verify_agreement.code_of(report) == 0


def test_the_same_contents_give_the_same_file() -> None:
    assert made().bundle() == FILE


def test_a_file_without_the_buyers_signature_holds_but_is_not_complete() -> None:
    report = bundle.verify(made(buyer_signs=False).bundle())
    assert report.holds
    assert [role for _, role in report.missing] == ["buyer"]
    assert verify_agreement.code_of(report) == 3


def test_keys_from_elsewhere_must_be_the_ones_in_the_file() -> None:
    other = new_key("agreement", AT, bytes([9]) * 32)
    assert bundle.verify(FILE, {other.kid: "x"}).faults[0].code == "key-unknown"
    buyer = HANDS[next(iter(HANDS))]
    assert "key-unknown" in codes(FILE, published(**{buyer.kid: "somebody else's"})).values()


def test_whose_key_the_exchange_alone_vouches_for_is_said() -> None:
    buyer = [key for key in json.loads(FILE)["keys"] if key["organisation"] is not None and not key["kept"]]
    report = bundle.verify(FILE, published())
    assert report.vouched == [one["organisation"] for one in buyer]
    assert any(line.startswith("NOTE") for line in verify_agreement.said(report, "en"))
    given = published(**{one["kid"]: one["x"] for one in buyer})
    assert bundle.verify(FILE, given).vouched == []


@pytest.mark.parametrize("by", ["python", pytest.param("openssl", marks=NEEDS_OPENSSL)])
def test_the_script_alone_agrees(tmp_path: Path, by: str) -> None:
    done = run(FILE, tmp_path, "--with", by, "--keys", "keys.json")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("OK: everything holds.\n")
    assert "WARNING" not in done.stdout
    at = FILE.index(b'"kept":true') + 7
    changed = FILE[:at] + b"nope" + FILE[at + 4 :]
    done = run(changed, tmp_path, "--with", by, "--lang", "zh")
    assert done.returncode == 1
    assert "核验失败" in done.stdout
    done = run(changed, tmp_path, "--with", by, "--json")
    ((start, end),) = [one["bytes"] for one in json.loads(done.stdout)["faults"]]
    assert at - 20 < start <= at < end < at + 20


def test_the_script_imports_nothing_but_the_standard_library() -> None:
    text = stand_alone.script().decode()
    names = {line.split()[1].partition(".")[0] for line in text.splitlines() if line.startswith(("import ", "from "))}
    assert names <= set(sys.stdlib_module_names)
    compile(text, stand_alone.NAME, "exec")


@pytest.mark.parametrize("text", [stand_alone.script().decode(), verifier().decode()], ids=["agreements", "exports"])
def test_parts_of_a_script_do_not_take_each_others_names(text: str) -> None:
    tree = ast.parse(text, feature_version=(3, 9))
    made = [one.name for one in tree.body if isinstance(one, ast.FunctionDef | ast.ClassDef)]
    made += [to.id for one in tree.body if isinstance(one, ast.Assign) for to in ast.walk(one) if _stored(to)]
    assert len(made) == len(set(made)), sorted(made)
    modules = {one.module or "" for one in ast.walk(tree) if isinstance(one, ast.ImportFrom)}
    assert {one.partition(".")[0] for one in modules} <= {*sys.stdlib_module_names, "__future__"}


def _stored(one: ast.AST) -> TypeGuard[ast.Name]:
    return isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)


def test_the_script_warns_where_the_keys_came_with_the_file(tmp_path: Path) -> None:
    done = run(FILE, tmp_path)
    assert done.returncode == 0
    assert "WARNING" in done.stdout


def test_the_script_writes_out_what_was_signed(tmp_path: Path) -> None:
    assert run(FILE, tmp_path, "--extract", "out").returncode == 0
    assert (tmp_path / "out" / "agreement.json").read_bytes() == made().contents.agreement


def test_the_script_says_when_there_is_nothing_to_check(tmp_path: Path) -> None:
    assert run(FILE, tmp_path, "--keys", "absent.json").returncode == 2


@NEEDS_OPENSSL
def test_openssl_alone_verifies_the_signed_bytes(tmp_path: Path) -> None:
    found = json.loads(FILE)
    (tmp_path / "agreement").write_bytes(base64.b64decode(found["agreement"]["document"]))
    for number, one in enumerate(found["signatures"]):
        if not one["object"].startswith("agr_"):
            continue
        (key,) = [key for key in found["keys"] if key["kid"] == one["kid"]]
        der = bytes.fromhex("302a300506032b6570032100") + base64.urlsafe_b64decode(key["x"] + "=")
        (tmp_path / f"{number}.der").write_bytes(der)
        (tmp_path / f"{number}.sig").write_bytes(base64.b64decode(one["signature"]))
        words = f"pkeyutl -verify -pubin -keyform DER -inkey {number}.der -rawin -in agreement -sigfile {number}.sig"
        program = shutil.which("openssl")
        assert program is not None
        done = subprocess.run([program, *words.split()], cwd=tmp_path, capture_output=True, text=True)
        assert "Signature Verified Successfully" in done.stdout


def test_both_ways_to_check_ed25519_agree() -> None:
    key, message = RING.signer("agreement"), b"bytes"
    good = key.private.sign(message)
    bad = good[:-1] + bytes([good[-1] ^ 1])
    ways = [by_arithmetic, *([by_openssl] if openssl_can() else [])]
    for way in ways:
        assert way(key.public, message, good)
        assert not way(key.public, message, bad)
        assert not way(key.public, b"other", good)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda data: data + b"\n", "not-canonical"),
        (lambda data: b" " + data, "not-canonical"),
        (lambda data: data.replace(b'"v":1}', b'"v": 1}'), "not-canonical"),
        (lambda data: data.replace(b'"v":1}', b'"v":1,"v":1}'), "not-canonical"),
        (lambda data: data.replace(b'"v":1}', b'"v":1.0}'), "not-canonical"),
        (lambda data: data.replace(b'"v":1}', b'"v":01}'), "not-canonical"),
        (lambda data: data.replace(b'"type"', b'"\\u0074ype"'), "not-canonical"),
        (lambda data: data[:-1], "not-canonical"),
        (lambda _: b"", "not-canonical"),
        (lambda _: b"[]", "form"),
        (lambda _: b"[" * 100, "not-canonical"),
        (lambda data: data.replace(b'"v":1}', b'"v":2}'), "form"),
    ],
)
def test_another_spelling_of_the_same_file_is_refused(change: Callable[[bytes], bytes], code: str) -> None:
    assert change(FILE) != FILE
    assert code in {one.code for one in bundle.verify(change(FILE)).faults}


def test_loose_bits_at_the_end_of_base64_are_refused() -> None:
    text = json.loads(FILE)["seal"]["signature"]
    assert text.endswith("==")
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    loose = text[:-3] + letters[letters.index(text[-3]) | 1] + "=="
    assert base64.b64decode(loose) == base64.b64decode(text)
    assert codes(FILE.replace(text.encode(), loose.encode())) == {"/seal": "seal"}
    assert strict.unbase64(loose) is None
    assert strict.unbase64url("AB=") is None


def test_even_the_exchange_cannot_change_what_others_signed() -> None:
    def drop(found: dict[str, Any]) -> None:
        found["signatures"] = [one for one in found["signatures"] if one["role"] != "exchange"]

    def forge(found: dict[str, Any]) -> None:
        found["signatures"][2]["signature"] = found["signatures"][1]["signature"]

    def swap(found: dict[str, Any]) -> None:
        found["signatures"][2]["organisation"] = found["signatures"][1]["organisation"]

    def own(found: dict[str, Any]) -> None:
        (key,) = [one for one in found["keys"] if one["kept"]]
        key["kept"] = False

    def lose(found: dict[str, Any]) -> None:
        found["events"], found["signatures"] = [], found["signatures"][:4]

    def other(found: dict[str, Any]) -> None:
        offer = canonical({**json.loads(base64.b64decode(found["offer"]["document"])), "kind": "one_off"})
        found["offer"] = {
            "document": base64.b64encode(offer).decode(),
            "sha256": hashlib.sha256(offer).hexdigest(),
        }

    assert codes(resealed(lambda _: None)) == {}
    assert codes(resealed(drop))["/signatures"] == "unsigned"
    assert codes(resealed(forge)) == {"/signatures/2": "signature"}
    assert codes(resealed(swap)) == {"/signatures/2": "party"}
    assert "key-proof" in codes(resealed(own)).values()
    assert "object" in codes(resealed(lose)).values()
    assert codes(resealed(other)) == {"/offer": "other-offer"}


def replaced(name: str, document: dict[str, Any], found: dict[str, Any]) -> None:
    """Put another document in, well formed and with its digest, as a forger would."""
    data = canonical(document)
    place = found["events"][0] if name == "event" else found[name]
    place["document"], place["sha256"] = base64.b64encode(data).decode(), hashlib.sha256(data).hexdigest()


def inside(found: dict[str, Any], name: str) -> dict[str, Any]:
    place = found["events"][0] if name == "event" else found[name]
    document: dict[str, Any] = json.loads(base64.b64decode(place["document"]))
    return document


@pytest.mark.parametrize("name", ["agreement", "offer", "quote", "event"])
@pytest.mark.parametrize("value", [None, "x", 7, [], [[]], {}, {"buyer": []}])
def test_a_forged_document_of_any_shape_is_a_fault_and_no_crash(name: str, value: object) -> None:
    for field in inside(json.loads(FILE), name):
        found = json.loads(FILE)
        before = inside(found, name)
        replaced(name, {**before, field: value}, found)
        report = bundle.verify(canonical(found))
        assert before[field] == value or not report.holds
        assert verify_agreement.said(report, "zh")


def signed_anew(found: dict[str, Any], event: dict[str, Any], roles: tuple[str, ...]) -> None:
    """An event as the exchange alone could write it, signed by it and by nobody else."""
    data = canonical(event)
    replaced("event", event, found)
    kept = [one for one in found["signatures"] if one["object"].startswith("agr_") and one["role"] in roles]
    by = RING.sign("agreement", data)
    mine = {**found["signatures"][-1], "object": event["id"], "role": "exchange", "organisation": None, "kept": False}
    found["signatures"] = [*kept, {**mine, "kid": by.kid, "signature": base64.b64encode(by.value).decode()}]


def test_an_event_cannot_take_the_agreements_place_or_do_without_signatures() -> None:
    def hide(found: dict[str, Any]) -> None:
        event = {**inside(found, "event"), "id": inside(found, "agreement")["id"], "must_sign": []}
        signed_anew(found, {**event, "proposed_by": "operator"}, ())

    def amend(found: dict[str, Any]) -> None:
        event = {**inside(found, "event"), "kind": "amendment", "must_sign": []}
        signed_anew(found, event, ("exchange", "buyer", "seller"))

    def unheard(found: dict[str, Any]) -> None:
        event = {**inside(found, "event"), "kind": "gift", "must_sign": []}
        signed_anew(found, event, ("exchange", "buyer", "seller"))

    assert codes(resealed(hide))["/events/0"] == "twice"
    assert codes(resealed(amend)) == {"/events/0": "signers"}
    assert codes(resealed(unheard)) == {"/events/0": "signers"}


def test_the_operator_alone_suspends() -> None:
    def held(found: dict[str, Any]) -> None:
        event = {**inside(found, "event"), "proposed_by": "operator", "must_sign": []}
        signed_anew(found, event, ("exchange", "buyer", "seller"))

    assert codes(resealed(held)) == {}


@pytest.mark.parametrize(
    "data",
    [
        b'{"' + b"n" * 100_000 + b'":[' + b"0," * 100_000 + b"0]}",
        b"[" + b"0," * 300_000 + b"0]",
        canonical({"agreement": [0] * 5_000}),
        FILE.replace(b'"signatures":[', b'"signatures":[' + b"0," * 5_000),
        b"\xef\xbb\xbf" + FILE,
        FILE.decode().encode("utf-16"),
        FILE + FILE,
        FILE.replace(b'"v":1}', b'"v":true}'),
        FILE.replace(b'"v":1}', b'"v":1e400}'),
        FILE.replace(b'"v":1}', b'"v":' + b"1" * 5_000 + b"}"),
    ],
)
def test_a_file_made_to_be_too_much_is_refused_in_few_words(data: bytes) -> None:
    report = bundle.verify(data)
    assert 1 <= len(report.faults) <= verify_agreement.FAULTS_MAX
    assert len(json.dumps(report.document())) < 100_000


def test_what_a_file_says_never_reaches_the_terminal_as_a_command() -> None:
    found = {**json.loads(FILE), "\x1b[2J\r\nOK: everything holds.": 1}
    lines = verify_agreement.said(bundle.verify(canonical(found)), "en")
    assert all(line.isprintable() for line in lines)
    assert lines[-1].startswith("FAILED")


def test_the_script_says_that_it_has_no_openssl_and_bears_any_terminal(tmp_path: Path) -> None:
    (tmp_path / stand_alone.NAME).write_bytes(stand_alone.script())
    (tmp_path / "a.json").write_bytes(FILE)
    (tmp_path / "deep.json").write_bytes(b"[" * 200_000)

    def alone(*words: str) -> subprocess.CompletedProcess[bytes]:
        command = [oldest(), "-I", "-S", stand_alone.NAME, "a.json", *words]
        return subprocess.run(
            command, cwd=tmp_path, capture_output=True, env={"PATH": "", "LC_ALL": "C", "PYTHONUTF8": "0"}, timeout=60
        )

    for words, code in (
        (("--with", "openssl"), 2),
        (("--keys", "deep.json"), 2),
        (("--extract", "a.json/x"), 2),
        (("--lang", "zh"), 0),
    ):
        done = alone(*words)
        assert (done.returncode, b"Traceback" in done.stderr) == (code, False), done.stderr


def test_an_event_out_of_its_place_is_found() -> None:
    def renumber(found: dict[str, Any]) -> None:
        found["events"][0]["number"] = 2

    def unsigned(found: dict[str, Any]) -> None:
        found["signatures"] = [one for one in found["signatures"] if one["object"].startswith("agr_")]

    assert codes(resealed(renumber)) == {"/events/0": "chain"}
    assert codes(resealed(unsigned))["/signatures"] == "unsigned"


@pytest.mark.parametrize(("language", "word"), [("en", "OK: everything holds."), ("zh", "核验通过。")])
def test_the_command_verifies_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], language: str, word: str
) -> None:
    (tmp_path / "a.json").write_bytes(FILE)
    (tmp_path / "keys.json").write_text(json.dumps(RING.jwks()), encoding="utf-8")

    def never(*_: Any) -> Any:
        raise AssertionError("no server is needed")

    def command(*words: str) -> int:
        chosen = parser().parse_args(["agreement", "verify", *words, "--lang", language])
        assert chosen.blocking
        code: int = chosen.run(chosen, Tools(load({}), never, never, never, never, never, never, {}))
        return code

    assert command(str(tmp_path / "a.json"), "--keys", str(tmp_path / "keys.json")) == 0
    assert capsys.readouterr().out.rstrip().endswith(word)
    (tmp_path / "a.json").write_bytes(FILE.replace(b"agreement_bundle", b"agreement_bundlf"))
    assert command(str(tmp_path / "a.json")) == 1
    assert "/type" in capsys.readouterr().out
    (tmp_path / "keys.json").write_text("[]", encoding="utf-8")
    assert command(str(tmp_path / "a.json"), "--keys", str(tmp_path / "keys.json")) == 2


def test_the_chinese_report_holds_no_english_name_of_a_role_or_an_event() -> None:
    lines = verify_agreement.said(bundle.verify(FILE), "zh")
    text = "\n".join(lines)
    assert "交易所已签名" in text
    assert "供应方已签名（交易所代管密钥）" in text
    assert "买方已签名" in text
    assert "已生效：暂停 evt_" in text
    assert not [name for name in ("exchange", "buyer", "seller", "suspension", ": ") if name in text]
    assert "买方尚未签名" in "\n".join(verify_agreement.said(bundle.verify(made(buyer_signs=False).bundle()), "zh"))


def test_events_of_earlier_releases_name_who_signs_in_their_own_word() -> None:
    event = made().contents.events[0]
    old = event.document.replace(b'"must_sign"', b'"signed_by"')
    assert old != event.document
    for document in (event.document, old):
        found = verify_agreement.Check(b"", by_arithmetic, None)
        found.read = {"/agreement": json.loads(made().contents.agreement), "/events/0": json.loads(document)}
        found.bundle = json.loads(FILE)
        found.report.documents = {"/agreement": made().contents.agreement, "/events/0": document}
        chain = found._chain()
        assert [roles for _, roles, _ in chain.values()][-1] == ("exchange", "seller")
        assert found.report.holds
