"""Uploaded files: evidence for disputes. Only what is told of them is kept, with their length and hash."""

from __future__ import annotations

from email.parser import BytesParser
from email.policy import HTTP
from hashlib import sha256

from sandbox.stripe.wire import Call, Json, Refusal
from sandbox.stripe.world import World

_PURPOSES = ("dispute_evidence", "identity_document", "account_requirement", "business_icon", "additional_verification")
_MOST = 5_000_000


def fields(body: bytes, content_type: str) -> Json:
    """The parts of a form with a file in it; the file's part becomes its name, length, hash and type."""
    message = BytesParser(policy=HTTP).parsebytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body)
    found: Json = {}
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        raw = part.get_payload(decode=True)
        content = raw if isinstance(raw, bytes) else b""
        if part.get_filename() is None:
            found[str(name)] = content.decode()
        else:
            found["file"] = f"{len(content)}:{sha256(content).hexdigest()}:{part.get_filename()}"
    return found


def create(world: World, call: Call) -> Json:
    """Keep what is told of a file."""
    if str(call.params["file"]).count(":") < 2:
        raise Refusal(400, "Invalid file: send it as a part of a multipart form.", param="file")
    length, digest, name = str(call.params["file"]).split(":", 2)
    if call.params["purpose"] not in _PURPOSES:
        raise Refusal(400, f"This sandbox keeps files for {', '.join(_PURPOSES)}.", param="purpose")
    if not 0 < int(length) <= _MOST:
        raise Refusal(400, "Files of this purpose may have at most 5 MB, and not be empty.", param="file")
    file_id = world.new_id("file", world.basis(call))
    links = {"object": "list", "data": [], "has_more": False, "url": f"/v1/file_links?file={file_id}"}
    made = {
        "id": file_id,
        "filename": name,
        "links": links,
        "purpose": call.params["purpose"],
        "size": int(length),
        "type": name.rpartition(".")[2].lower() if "." in name else None,
        "url": f"https://files.stripe.test/v1/files/{file_id}/contents",
    }
    return world.add("file", call.account, made, sha256=digest)
