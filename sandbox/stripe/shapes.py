"""The shapes of Stripe's objects, cut from its published description by `tools/stripe_shapes.py`.

An object begins with every field that Stripe's own fixture has; an answer that lacks one, or has one
that Stripe does not know, or a value of another type, is named by `misshapen`.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from sandbox.stripe.wire import Json

_TYPES: dict[str, tuple[type, ...]] = {
    "s": (str,),
    "i": (int,),
    "n": (int, float),
    "b": (bool,),
    "o": (dict,),
    "a": (list,),
    "*": (object,),
}


@functools.cache
def shapes() -> dict[str, Json]:
    """Each kind's shape by its name."""
    read = msgspec.json.decode((Path(__file__).parent / "shapes.json").read_bytes())
    return {kind: shape for kind, shape in read.items() if kind}


def blank(kind: str) -> Json:
    """A fresh object of this kind, with what Stripe says where nothing was said."""
    return copy.deepcopy(shapes()[kind]["blank"]) if kind in shapes() else {}


def knows(kind: str, name: str) -> bool:
    """Whether objects of this kind have such a field; of a kind without a shape everything is known."""
    return kind not in shapes() or name in shapes()[kind]["f"]


def misshapen(value: Any, at: str = "") -> Iterator[str]:
    """What of an answer no client of Stripe would expect, with its path."""
    if isinstance(value, list):
        for number, below in enumerate(value):
            yield from misshapen(below, f"{at}[{number}]")
        return
    if not isinstance(value, dict):
        return
    kind = value.get("object")
    shape = shapes().get(kind) if isinstance(kind, str) and not value.get("deleted") else None
    if shape is not None:
        at = at or str(kind)
        for name in shape["always"]:
            if name not in value:
                yield f"{at}.{name} is missing"
        yield from _fields(shape["f"], value, at)
    for name, below in value.items():
        yield from misshapen(below, f"{at}.{name}")


def _fields(known: Json, value: Json, at: str) -> Iterator[str]:
    for name, below in value.items():
        if name not in known:
            yield f"{at}.{name} is no field of Stripe's"
        else:
            yield from _value(known[name], below, f"{at}.{name}")


def _value(spec: Json, value: Any, at: str) -> Iterator[str]:
    if value is None:
        if not spec.get("n") and spec["t"] != "*":
            yield f"{at} may not be null"
        return
    resources = spec.get("r", ())
    if isinstance(value, dict) and resources:
        if not value.get("deleted") and value.get("object") not in resources:
            yield f"{at} is a {value.get('object')!r}, not one of {resources}"
        return
    if not isinstance(value, _TYPES[spec["t"]]) or (isinstance(value, bool) and spec["t"] in "in"):
        yield f"{at} has the wrong type: {value!r}"
    elif "e" in spec and value not in spec["e"]:
        yield f"{at} is {value!r}, not one of {spec['e']}"
    elif isinstance(value, dict) and "f" in spec and "object" not in value:
        for name in spec["q"]:
            if name not in value:
                yield f"{at}.{name} is missing"
        yield from _fields(spec["f"], value, at)
    elif isinstance(value, list) and "i" in spec:
        for number, below in enumerate(value):
            yield from _value(spec["i"], below, f"{at}[{number}]")
