"""The operator says who watches the log."""

from __future__ import annotations

from urllib.parse import urlsplit
from uuid import UUID

import msgspec

from compliance import store as audit
from compliance import witness_store
from compliance.cosign import parse_witness_vkey
from compliance.notes import BadNote
from compliance.policy import GROUP, NONE
from compliance.problems import WITNESS_INVALID, WITNESS_KNOWN, WITNESS_REMOVED
from compliance.witness_store import WitnessRow
from exchange.flows.once import done
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.canonical import digest
from exchange.kernel.db import Tx
from exchange.kernel.errors import FORBIDDEN, NOT_FOUND, Problem
from exchange.kernel.text import Text

_NAME_MAX = 200
_URL_MAX = 500
_KEY = Text("its key is no cosignature/v1 key of a witness", "公钥不是 cosignature/v1 见证公钥")
_NAME = Text("its key's name is too long, or means something else in a policy", "公钥名称过长，或在策略中另有含义")
_ADDRESS = Text(
    "its address is not one of HTTP without user, query and fragment", "地址不是不含用户、查询与片段的 HTTP 地址"
)


class WitnessReceipt(msgspec.Struct, frozen=True):
    """A witness as it stands."""

    id: str
    name: str
    state: str


async def add_witness(tx: Tx, actor: Actor, vkey: str, url: str) -> WitnessReceipt | Problem:
    """Ask a witness from the next checkpoint on.

    errors   answers forbidden, witness-invalid, witness-already-there
    """
    if "operator" not in actor.roles:
        return FORBIDDEN(needs="operator")
    try:
        verifier = parse_witness_vkey(vkey)
    except (BadNote, UnicodeError):
        return WITNESS_INVALID(reason=_KEY)
    if len(verifier.name) > _NAME_MAX or verifier.name in (GROUP, NONE) or not verifier.name.isprintable():
        return WITNESS_INVALID(reason=_NAME)
    if not _is_address(url):
        return WITNESS_INVALID(reason=_ADDRESS)
    made = WitnessRow(
        tx.new_id(), verifier.name, verifier.public, url.rstrip("/"), "active", actor.organisation_id, tx.now
    )
    if not await witness_store.put_witness(tx, made):
        return WITNESS_KNOWN(name=verifier.name)
    name = ids.text("wit", made.id)
    await audit.append(tx, [done(actor, "witness.add", name, key=digest(verifier.vkey), address=digest(made.url))])
    return WitnessReceipt(name, made.name, "active")


async def remove_witness(tx: Tx, actor: Actor, witness_id: UUID) -> WitnessReceipt | Problem:
    """Stop asking a witness; its cosignatures stay on record and count no longer.

    errors   answers forbidden, not-found, witness-already-removed
    """
    if "operator" not in actor.roles:
        return FORBIDDEN(needs="operator")
    known = await witness_store.find_witness(tx, witness_id)
    if known is None:
        return NOT_FOUND()
    if not await witness_store.remove_witness(tx, witness_id):
        return WITNESS_REMOVED()
    name = ids.text("wit", witness_id)
    await audit.append(tx, [done(actor, "witness.remove", name)])
    return WitnessReceipt(name, known.name, "removed")


def _is_address(url: str) -> bool:
    """Whether it is an HTTP address to which a path can be joined."""
    if len(url) > _URL_MAX or not url.isascii() or not url.isprintable() or any(one in url for one in " ?#@\\"):
        return False
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and port != 0
