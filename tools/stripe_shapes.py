"""Cut the shapes of the Stripe objects the sandbox serves out of Stripe's published description.

`python -m tools.stripe_shapes DIRECTORY` reads `spec3.json` and `fixtures3.json`, which Stripe publishes
(MIT licence) and stripe-mock carries in `embedded/openapi`, and writes `sandbox/stripe/shapes.json`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

OUT = Path(__file__).parent.parent / "sandbox" / "stripe" / "shapes.json"
KINDS = (
    *("account", "account_link", "balance", "balance_transaction", "bank_account", "capability", "charge"),
    *("checkout.session", "customer", "dispute", "event", "file", "mandate", "payment_intent", "payment_method"),
    *("payout", "refund", "setup_intent", "topup", "transfer", "transfer_reversal", "webhook_endpoint"),
)
DEPTH = 3
# What only some objects of a kind have, though the fixture shows it.
SOMETIMES = {"payment_method": {"card"}, "balance": {"connect_reserved"}, "refund": {"destination_details"}}
_TYPES = {"string": "s", "integer": "i", "number": "n", "boolean": "b", "object": "o", "array": "a"}
Json = dict[str, Any]


def field(schemas: Json, spec: Json, depth: int) -> Json:
    """One property in short: t(ype), n(ullable), e(numeration), f(ields), i(tem), r(esource that may stand there)."""
    short: Json = {"n": 1} if spec.get("nullable") else {}
    if "$ref" in spec:
        return {**short, **_reference(schemas, spec["$ref"], depth)}
    if "anyOf" in spec:
        options = [one for one in spec["anyOf"] if one.get("enum") != [""]]
        resources = [r for o in options if "$ref" in o and (r := _resource(schemas, o["$ref"]))]
        if resources:
            return {**short, "t": "s" if any(o.get("type") == "string" for o in options) else "o", "r": resources}
        return {**short, **(field(schemas, options[0], depth) if len(options) == 1 else {"t": "*"})}
    short["t"] = _TYPES.get(spec.get("type", ""), "*")
    if "enum" in spec:
        short["e"] = spec["enum"]
    if short["t"] == "a" and "items" in spec:
        short["i"] = field(schemas, spec["items"], depth - 1)
    if short["t"] == "o" and "properties" in spec and depth > 0:
        short.update(_fields(schemas, spec, depth))
    return short


def _fields(schemas: Json, spec: Json, depth: int) -> Json:
    names = spec.get("properties", {})
    return {"f": {name: field(schemas, one, depth - 1) for name, one in names.items()}, "q": spec.get("required", [])}


def _resource(schemas: Json, reference: str) -> str | None:
    target = schemas[reference.rpartition("/")[2]]
    named = target.get("properties", {}).get("object", {}).get("enum")
    return named[0] if named and named[0] != "list" else None


def _reference(schemas: Json, reference: str, depth: int) -> Json:
    if (kind := _resource(schemas, reference)) is not None:
        return {"t": "o", "r": [kind]}
    target = schemas[reference.rpartition("/")[2]]
    if depth <= 0 or "properties" not in target:
        return {"t": "*" if "anyOf" in target else "o"}
    return {"t": "o", **_fields(schemas, target, depth)}


def shape(schemas: Json, fixture: Json, kind: str) -> Json:
    """What an object of this kind always has, may have, and holds where nothing was said."""
    spec = schemas[kind]
    made = _fields(schemas, spec, DEPTH)
    always = sorted(({*fixture, *spec.get("required", [])} & made["f"].keys()) - SOMETIMES.get(kind, set()))
    blank = {
        name: neutral(made["f"][name], fixture[name])
        for name in always
        if name in fixture and name not in ("id", "object", "created", "livemode")
    }
    return {"always": always, "blank": blank, "f": made["f"]}


def neutral(short: Json, value: Any) -> Any:
    """What stands in a fresh object: nothing where Stripe may say nothing, else what the fixture says."""
    if short.get("n"):
        return None
    if isinstance(value, dict) and "f" in short:
        return {name: neutral(short["f"].get(name, {}), below) for name, below in value.items()}
    return value


def main() -> None:
    """Write the file, one kind per line."""
    source = Path(sys.argv[1])
    spec = json.loads((source / "spec3.json").read_bytes())
    fixtures = json.loads((source / "fixtures3.json").read_bytes())["resources"]
    schemas = spec["components"]["schemas"]
    rows = [f'"": {json.dumps(spec["info"]["version"])}']
    for kind in KINDS:
        cut = shape(schemas, fixtures.get(kind, {}), kind)
        rows.append(f"{json.dumps(kind)}: {json.dumps(cut, separators=(',', ':'), sort_keys=True)}")
    OUT.write_text("{\n" + ",\n".join(rows) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
