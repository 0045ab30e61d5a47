#!/usr/bin/env python3
"""Check an agreement of a data exchange, in one file, with nothing but Python 3.9 or newer.

    python3 verify_agreement.py agreement.json                    check the file
    python3 verify_agreement.py agreement.json --keys keys.json   against keys that you got elsewhere (do this)
    python3 verify_agreement.py agreement.json --with python      without openssl, by the arithmetic in this file
    python3 verify_agreement.py agreement.json --extract FOLDER   also write out what was signed, byte by byte

It ends with 0 when everything holds and all parties have signed, with 3 when everything holds and a party's signature is
still missing, with 1 when anything does not hold, and with 2 when there is nothing to check. What is wrong is named by
its place: a JSON pointer (RFC 6901) and the first and last byte in the file. It imports nothing of the exchange and
reaches no network. Ed25519 (RFC 8032) is checked by the command `openssl` (3.0 or newer) where there is one, and else by
the arithmetic below. Only the canonical form of JSON (RFC 8785) and of base64 (RFC 4648) is read, so no bit can change
unseen.

核验一份单文件合约：仅需 Python 3.9 及以上，不依赖交易所的任何代码，不访问网络。全部有效且各方均已签名时退出码为 0；
全部有效但有一方尚未签名时为 3；任何一处不符时为 1；无法读取时为 2。错误以 JSON 指针与字节位置指出。
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from contracts.bundle_form import EVENT_NAMES, FORM, OPERATOR, ROLE_NAMES, SIDES, SIGNERS
from contracts.openssl import by_openssl, openssl_can
from contracts.strict import Malformed, Reader, canonical, escaped, printable, unbase64, unbase64url
from exchange.kernel.ed25519 import by_arithmetic, public_point

Verifier = Callable[[bytes, bytes, bytes], bool]
Spans = dict[str, tuple[int, int]]
BYTES_MAX = 8_000_000
# More faults than that say nothing new, and a file may be made of nothing else.
FAULTS_MAX = 100


@dataclass(frozen=True)
class Fault:
    """Something that does not hold, and where: a JSON pointer, and the bytes [start, end) of the file."""

    at: str
    start: int
    end: int
    code: str
    en: str
    zh: str

    def document(self) -> dict[str, Any]:
        """The fault as JSON."""
        why = {"en": self.en, "zh": self.zh}
        return {"at": self.at, "bytes": [self.start, self.end], "code": self.code, "why": why}


@dataclass
class Report:
    """What was found: faults, whose signatures hold, whose are missing, and what was signed.

    shapes   documents: name -> bytes; keys: kid -> whose it is; trusted: whether the keys came from elsewhere
             vouched: organisations whose own key was not among those, so that the exchange alone says whose it is
    """

    size: int = 0
    agreement: str = ""
    sha256: str = ""
    faults: list[Fault] = field(default_factory=list)
    signed: list[tuple[str, str, bool]] = field(default_factory=list)
    missing: list[tuple[str, str]] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    documents: dict[str, bytes] = field(default_factory=dict)
    trusted: bool = False
    vouched: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults

    def document(self) -> dict[str, Any]:
        """The report as JSON."""
        return {
            "holds": self.holds,
            "complete": self.holds and not self.missing,
            "agreement": self.agreement,
            "sha256": self.sha256,
            "keys_from_elsewhere": self.trusted,
            "vouched_by_exchange_alone": self.vouched,
            "signed": [{"object": o, "role": r, "kept": k} for o, r, k in self.signed],
            "missing": [{"object": o, "role": r} for o, r in self.missing],
            "events": self.events,
            "faults": [one.document() for one in self.faults],
        }


# ---------------------------------------------------------------- the bundle

_ABSENT = ("it is missing", "缺失")
_UNSIGNED = ("no key in this file made this signature over these bytes", "本文件中的密钥未对该内容作出此签名")


def parts_of(bundle: dict[str, Any]) -> list[dict[str, str]]:
    """What the seal covers: a digest for each part of a bundle, in the order of the file."""
    found = []
    for name in ("agreement", "events", "keys", "offer", "quote", "signatures"):
        value = bundle[name]
        items = (
            [(f"/{name}/{i}", one) for i, one in enumerate(value)] if isinstance(value, list) else [(f"/{name}", value)]
        )
        found += [{"at": at, "sha256": hashlib.sha256(canonical(one)).hexdigest()} for at, one in items]
    return found


def sealed(parts: Sequence[dict[str, str]]) -> bytes:
    """The bytes that the exchange signs to seal a bundle."""
    return canonical({"type": "agreement_bundle_seal", "v": 1, "parts": list(parts)})


def registration(organisation: str, kid: str, x: str) -> bytes:
    """The bytes that an organisation signed to show that a key is its own."""
    return canonical({"type": "signing_key", "v": 1, "organisation": organisation, "kid": kid, "public_key": x})


class Check:
    """One bundle being checked: collects every fault it meets."""

    def __init__(self, data: bytes, verifier: Verifier, published: dict[str, str] | None) -> None:
        """Check `data`; `published` maps key ids to public keys that came from elsewhere."""
        self.data, self.verifier, self.published = data, verifier, published
        self.report = Report(len(data), trusted=published is not None)
        self.spans: Spans = {"": (0, len(data))}
        self.keys: dict[str, tuple[bytes, dict[str, Any]]] = {}
        self.read: dict[str, Any] = {}
        self.bundle: dict[str, Any] = {}

    def fault(self, at: str, code: str, en: str, zh: str) -> None:
        """Note what is wrong at a place, or at the nearest thing around it; no more than FAULTS_MAX."""
        if len(self.report.faults) >= FAULTS_MAX:
            return
        place = at
        while place not in self.spans:
            place = place.rpartition("/")[0]
        start, end = self.spans[place]
        self.report.faults.append(Fault(at or "/", start, end, code, en, zh))

    def run(self) -> Report:
        """Check everything."""
        reader = Reader(self.data)
        try:
            if len(self.data) > BYTES_MAX:
                raise Malformed("", BYTES_MAX, "the file is too long", "文件过长")
            self.bundle = reader.whole()
        except Malformed as error:
            self.report.faults.append(
                Fault(error.at or "/", error.start, error.end, "not-canonical", error.en, error.zh)
            )
            return self.report
        self.spans.update(reader.spans)
        self._shape(self.bundle, FORM, "")
        if self.report.holds:
            self._check_keys()
            self._check_seal()
            self._check_documents()
        if {"/agreement", "/offer"} <= set(self.read):
            self._check_links(self.read["/agreement"], self.read["/offer"])
            self._check_signatures()
        return self.report

    def _shape(self, value: Any, form: Any, at: str) -> None:
        if isinstance(form, tuple):
            if value is not None:
                self._shape(value, form[0], at)
        elif isinstance(form, dict):
            if not isinstance(value, dict) or set(value) != set(form):
                names = ", ".join(sorted(form))
                odd = sorted(set(value) - set(form)) if isinstance(value, dict) else []
                place = f"{at}/{escaped(odd[0])}" if odd else at
                self.fault(place, "form", f"it should have exactly {names}", f"应当且仅当包含 {names}")
            else:
                for name, inner in form.items():
                    self._shape(value[name], inner, f"{at}/{name}")
        elif isinstance(form, list):
            if not isinstance(value, list):
                self.fault(at, "form", "it should be a list", "应为列表")
            else:
                for number, one in enumerate(value):
                    self._shape(one, form[0], f"{at}/{number}")
        elif type(value) is not (form if isinstance(form, type) else type(form)) or form not in (type(value), value):
            name = form.__name__ if isinstance(form, type) else repr(form)
            self.fault(at, "form", f"it should be {name}", f"应为 {name}")

    def _check_keys(self) -> None:
        for number, key in enumerate(self.bundle["keys"]):
            at, public = f"/keys/{number}", unbase64url(key["x"])
            members = canonical({"crv": "Ed25519", "kty": "OKP", "x": key["x"]})
            kid = base64.urlsafe_b64encode(hashlib.sha256(members).digest()).rstrip(b"=").decode()
            if public is None or public_point(public) is None:
                self.fault(f"{at}/x", "key", "it is no Ed25519 public key", "不是 Ed25519 公钥")
            elif kid != key["kid"]:
                self.fault(at, "key-id", "its id is not the key's (RFC 7638)", "标识与公钥不符（RFC 7638）")
            elif key["kid"] in self.keys:
                self.fault(at, "key-twice", "the same key is there twice", "公钥重复")
            elif not self._proven(key, public):
                self.fault(f"{at}/proof", "key-proof", "its owner did not sign for it", "缺少所有者的占有证明")
            else:
                if (
                    self.published is not None
                    and self.published.get(kid, "" if key["organisation"] is None else key["x"]) != key["x"]
                ):
                    self.fault(at, "key-unknown", "it is not among the keys that you gave", "不在您提供的公钥之中")
                if self.published is not None and key["organisation"] is not None and kid not in self.published:
                    self.report.vouched += [] if key["kept"] else [key["organisation"]]
                self.keys[kid] = public, key

    def _proven(self, key: dict[str, Any], public: bytes) -> bool:
        if key["organisation"] is None or key["kept"]:
            return key["proof"] is None and not (key["kept"] and key["organisation"] is None)
        proof = unbase64(key["proof"])
        return proof is not None and self.verifier(
            public, registration(key["organisation"], key["kid"], key["x"]), proof
        )

    def _signed(self, kid: str, organisation: str | None, message: bytes, signature: str) -> bool:
        value, known = unbase64(signature), self.keys.get(kid)
        if value is None or len(value) != 64 or known is None or known[1]["organisation"] != organisation:
            return False
        return self.verifier(known[0], message, value)

    def _check_seal(self) -> None:
        seal, wanted = self.bundle["seal"], parts_of(self.bundle)
        holds = self._signed(seal["kid"], None, sealed(seal["parts"]), seal["signature"])
        if not holds:
            self.fault(
                "/seal", "seal", "the exchange did not seal this: " + _UNSIGNED[0], "交易所封签无效：" + _UNSIGNED[1]
            )
        for number in range(max(len(wanted), len(seal["parts"]))):
            mine = wanted[number] if number < len(wanted) else None
            said = seal["parts"][number] if number < len(seal["parts"]) else None
            if mine == said:
                continue
            at = mine["at"] if holds and mine is not None else f"/seal/parts/{number}"
            self.fault(at, "changed", "it is not what was sealed", "与封签内容不符")

    def _check_documents(self) -> None:
        bundle = self.bundle
        places = ["/agreement", "/offer", *(["/quote"] if bundle["quote"] else [])]
        items = [
            bundle["agreement"],
            bundle["offer"],
            *([bundle["quote"]] if bundle["quote"] else []),
            *bundle["events"],
        ]
        for at, one in zip([*places, *(f"/events/{n}" for n in range(len(bundle["events"])))], items):  # noqa: B905
            data = unbase64(one["document"])
            if data is None:
                self.fault(f"{at}/document", "base64", "it is not base64 in its one spelling", "不是规范的 base64")
                continue
            if hashlib.sha256(data).hexdigest() != one["sha256"]:
                self.fault(at, "digest", "the document does not hash to sha256", "文件与 sha256 不符")
                continue
            try:
                found = Reader(data).whole()
            except Malformed as error:
                where = f"{error.at or '/'}, {error.start}"
                self.fault(
                    f"{at}/document", "not-canonical", f"inside ({where}): {error.en}", f"内部（{where}）：{error.zh}"
                )
                continue
            if not isinstance(found, dict):
                self.fault(f"{at}/document", "form", "it is no object", "不是对象")
                continue
            self.read[at] = found
            self.report.documents[at] = data

    def _check_links(self, agreement: dict[str, Any], offer: dict[str, Any]) -> None:
        self.report.agreement, self.report.sha256 = str(agreement.get("id")), self.bundle["agreement"]["sha256"]
        if (agreement.get("type"), agreement.get("v")) != ("agreement", 1):
            self.fault("/agreement/document", "form", "it is no agreement of version 1", "不是第 1 版合约")
        if (offer.get("type"), offer.get("v")) != ("offer", 1):
            self.fault("/offer/document", "form", "it is no offer of version 1", "不是第 1 版报价方案")
        said = agreement.get("offer")
        if not isinstance(said, dict) or said.get("sha256") != self.bundle["offer"]["sha256"]:
            self.fault(
                "/offer", "other-offer", "it is not the offer that the agreement names", "不是合约所指的报价方案"
            )
        for name in ("plan", "terms"):
            digest = hashlib.sha256(canonical(offer.get(name))).hexdigest()
            if agreement.get(f"{name}_sha256") != digest:
                en = f"its {name} does not hash to the agreement's {name}_sha256"
                self.fault("/offer/document", f"other-{name}", en, f"其 {name} 与合约的 {name}_sha256 不符")
        quote = self.read.get("/quote")
        if quote is not None:
            one = self.bundle["quote"]
            parties = _object(agreement.get("parties"))
            same = [quote.get("offer") == said, quote.get("basis", {}) == agreement.get("basis", {})]
            same += [quote.get(side) in (None, parties.get(side)) for side in SIDES]
            if not all(same):
                self.fault("/quote", "other-quote", "it is not a quote of this agreement", "不是本合约的询价单")
            if not self._signed(one["kid"], None, self.report.documents["/quote"], one["signature"]):
                self.fault("/quote", "signature", *_UNSIGNED)

    def _check_signatures(self) -> None:
        chain = self._chain()
        needs = {name: list(roles) for name, (_, roles, _) in chain.items()}
        for number, one in enumerate(self.bundle["signatures"]):
            at = f"/signatures/{number}"
            if one["object"] not in chain:
                self.fault(f"{at}/object", "object", "nothing of that name is in this file", "本文件中没有该对象")
                continue
            document, _, parties = chain[one["object"]]
            known = self.keys.get(one["kid"])
            if one["role"] not in parties or one["organisation"] != parties[one["role"]]:
                self.fault(at, "party", "this organisation has no such role here", "该机构在此没有该角色")
            elif known is not None and known[1]["kept"] != one["kept"]:
                self.fault(f"{at}/kept", "kept", "the key says otherwise", "与密钥的标注不符")
            elif not self._signed(one["kid"], one["organisation"], document, one["signature"]):
                self.fault(at, "signature", *_UNSIGNED)
            else:
                self.report.signed.append((one["object"], one["role"], one["kept"]))
                if one["role"] in needs[one["object"]]:
                    needs[one["object"]].remove(one["role"])
        for name, roles in needs.items():
            for role in roles:
                if role in SIDES and name == self.report.agreement:
                    self.report.missing.append((name, role))
                else:
                    en, zh = f"{name} is not signed by: {role}", f"{name} 缺少{ROLE_NAMES.get(role, role)}的签名"
                    self.fault("/signatures", "unsigned", en, zh)

    def _chain(self) -> dict[str, tuple[bytes, tuple[str, ...], dict[str, Any]]]:
        """The agreement and the events after it: bytes, who has to sign, and which organisation has which role."""
        agreement, last = self.read["/agreement"], self.bundle["agreement"]["sha256"]
        root, parties = {"id": agreement.get("id"), "sha256": last}, _object(agreement.get("parties"))
        holder, seller = parties.get("buyer"), parties.get("seller")
        documents = self.report.documents
        found: dict[str, tuple[bytes, tuple[str, ...], dict[str, Any]]] = {}
        found[self.report.agreement] = documents["/agreement"], ("exchange", *SIDES), {**parties, "exchange": None}
        for number, one in enumerate(self.bundle["events"]):
            at = f"/events/{number}"
            event = self.read.get(at)
            if event is None:
                break
            name, parties = str(event.get("id")), _object(event.get("parties"))
            if (event.get("type"), event.get("v"), event.get("agreement")) != ("agreement_event", 1, root):
                self.fault(at, "other-agreement", "it is no event of this agreement", "不是本合约的事件")
            elif event.get("previous") != last or one["number"] != number + 1:
                self.fault(at, "chain", "it does not follow the one before it", "与前一文件不衔接")
            elif (parties.get("buyer"), parties.get("seller")) != (holder, seller):
                self.fault(at, "party", "it is between others", "当事人不符")
            elif name in found:
                self.fault(at, "twice", "something else in this file has its id", "标识与本文件中其他对象重复")
                continue
            # Events of earlier releases say "signed_by".
            roles = event.get("must_sign", event.get("signed_by"))
            needs = tuple(str(role) for role in roles) if isinstance(roles, list) else ()
            hands = {*needs, OPERATOR} if event.get("proposed_by") == OPERATOR else set(needs)
            if not any(wanted <= hands for wanted in SIGNERS.get(str(event.get("kind")), ())):
                en = "it does not ask for the signatures that such an event needs"
                self.fault(at, "signers", en, "未要求该类事件所需的签名")
            found[name] = documents[at], ("exchange", *needs), {**parties, "exchange": None}
            self.report.events.append(f"{event.get('kind')} {event.get('id')}")
            last, holder = one["sha256"], parties.get("successor", holder)
        return found


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def check(data: bytes, verifier: Verifier = by_arithmetic, published: dict[str, str] | None = None) -> Report:
    """Check a bundle; `published` maps key ids to public keys (base64url) that came from elsewhere."""
    return Check(data, verifier, published).run()


def keys_in(data: bytes) -> dict[str, str]:
    """The Ed25519 keys of a JSON Web Key Set (RFC 7517), by id.

    errors   ValueError for anything else
    """
    try:
        found = json.loads(data)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    keys = found.get("keys") if isinstance(found, dict) else None
    if not isinstance(keys, list) or not all(isinstance(one, dict) for one in keys):
        raise ValueError("a JSON Web Key Set has a list called keys")
    return {str(one.get("kid")): str(one.get("x")) for one in keys if one.get("crv") == "Ed25519"}


def said(report: Report, language: str) -> list[str]:
    """A report as lines for people; what the file says is shown and never done, whatever signs it holds."""
    return [printable(line) for line in _lines(report, language == "zh")]


def _lines(report: Report, zh: bool) -> list[str]:
    lines = []
    for one in report.faults[:20]:
        why = one.zh if zh else one.en
        place = f"字节 {one.start} 至 {one.end}" if zh else f"bytes {one.start} to {one.end}"
        lines.append(f"{one.at}（{place}）[{one.code}]：{why}" if zh else f"{one.at} ({place}) [{one.code}]: {why}")
    if not report.holds:
        return [*lines, "核验失败：文件已被改动或不完整。" if zh else "FAILED: the file was changed or is not whole."]
    lines += _chinese(report) if zh else _english(report)
    for organisation in report.vouched:
        en = f"NOTE: that the key of {organisation} is its own is said by the exchange alone; give it with --keys to be sure."
        lines.append(f"提示：{organisation} 的密钥归属仅由交易所证明；可用 --keys 一并给出以确认。" if zh else en)
    if not report.trusted:
        lines.append(
            "注意：公钥取自文件本身。请用 --keys 指定交易所公布的公钥（/.well-known/jwks.json）。"
            if zh
            else "WARNING: the keys came with the file. Give those that the exchange publishes at /.well-known/jwks.json: --keys"
        )
    if report.missing:
        return [*lines, "有效，但签名尚不齐全。" if zh else "HOLDS, but a signature is still missing."]
    return [*lines, "核验通过。" if zh else "OK: everything holds."]


def _english(report: Report) -> list[str]:
    lines = [f"agreement {report.agreement}, SHA-256 {report.sha256}"]
    for name, role, kept in report.signed:
        lines.append(f"{name}: signed by {role}{' (key kept by the exchange)' if kept else ''}")
    lines += [f"in force: {event}" for event in report.events]
    return lines + [f"{name}: NOT YET SIGNED by {role}" for name, role in report.missing]


def _chinese(report: Report) -> list[str]:
    lines = [f"合约 {report.agreement}，SHA-256 {report.sha256}"]
    for name, role, kept in report.signed:
        lines.append(f"{name}：{ROLE_NAMES.get(role, role)}已签名{'（交易所代管密钥）' if kept else ''}")
    for event in report.events:
        kind, _, name = event.partition(" ")
        lines.append(f"已生效：{EVENT_NAMES.get(kind, kind)} {name}")
    return lines + [f"{name}：{ROLE_NAMES.get(role, role)}尚未签名" for name, role in report.missing]


def read(place: str) -> bytes:
    """A file, but no more of it than makes it too long.

    errors   OSError
    """
    with Path(place).open("rb") as file:
        return file.read(BYTES_MAX + 1)


def code_of(report: Report) -> int:
    """The exit code that a report means."""
    if not report.holds:
        return 1
    return 3 if report.missing else 0


def main(arguments: Sequence[str]) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("file", help="the agreement as it was downloaded")
    parser.add_argument("--keys", help="a JSON Web Key Set that you got elsewhere")
    parser.add_argument(
        "--with", dest="by", choices=("auto", "openssl", "python"), default="auto", help="who checks Ed25519"
    )
    parser.add_argument("--extract", metavar="FOLDER", help="write the signed documents there")
    parser.add_argument("--lang", choices=("en", "zh"), default="en")
    parser.add_argument("--json", action="store_true", help="print JSON and nothing else")
    options = parser.parse_args(arguments)
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    by_command = options.by != "python" and openssl_can()
    try:
        if options.by == "openssl" and not by_command:
            raise OSError("there is no openssl that knows Ed25519 (3.0 or newer is needed); use --with python")
        data = read(options.file)
        published = None if options.keys is None else keys_in(read(options.keys))
        report = check(data, by_openssl if by_command else by_arithmetic, published)
        if options.extract:
            Path(options.extract).mkdir(parents=True, exist_ok=True)
            for name, document in report.documents.items():
                Path(options.extract, name.strip("/").replace("/", "-") + ".json").write_bytes(document)
    except (OSError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    lines = (
        [json.dumps(report.document(), ensure_ascii=False, indent=2)] if options.json else said(report, options.lang)
    )
    sys.stdout.write("\n".join(lines) + "\n")
    return code_of(report)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
