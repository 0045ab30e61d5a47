"""The form of an agreement's file, and who has to sign what in it. The standard library is all it needs.

A part of the stand-alone script that checks agreements.
"""

from __future__ import annotations

from typing import Any

_DOCUMENT = {"document": str, "sha256": str}
_KEY = {"crv": "Ed25519", "kid": str, "kept": bool, "kty": "OKP", "organisation": (str,), "proof": (str,), "x": str}
_SIGNATURE = {"at": str, "kept": bool, "kid": str, "object": str, "organisation": (str,), "role": str, "signature": str}
_EVENT = {**_DOCUMENT, "effective_at": str, "number": int}
FORM: Any = {
    "type": "agreement_bundle",
    "v": 1,
    "agreement": _DOCUMENT,
    "offer": _DOCUMENT,
    "quote": ({**_DOCUMENT, "kid": str, "signature": str},),
    "signatures": [_SIGNATURE],
    "events": [_EVENT],
    "keys": [_KEY],
    "seal": {"kid": str, "parts": [{"at": str, "sha256": str}], "signature": str},
}
SIDES = ("buyer", "seller")
# What people read in Chinese in place of the names in the file.
ROLE_NAMES = {"exchange": "交易所", "buyer": "买方", "seller": "供应方", "successor": "受让方"}
EVENT_NAMES = {
    "amendment": "变更",
    "renewal": "续期",
    "transfer": "转让",
    "suspension": "暂停",
    "lifting": "解除暂停",
    "retirement": "停用",
    "termination": "终止",
}
# Who has to sign an event at the least, whatever it says itself; one set is enough. The operator signs as the exchange.
OPERATOR = "operator"
_BOTH, _EITHER = [{"buyer", "seller"}], [{"buyer"}, {"seller"}]
SIGNERS: dict[str, list[set[str]]] = {
    "amendment": _BOTH,
    "renewal": _BOTH,
    "transfer": [{"buyer", "seller", "successor"}],
    "suspension": [{"seller"}, {OPERATOR}],
    "lifting": [{"seller"}, {OPERATOR}],
    "retirement": _EITHER,
    "termination": _EITHER,
}
