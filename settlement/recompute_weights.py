#!/usr/bin/env python3
"""Recompute a weight vector of a data exchange from its inputs, with nothing but Python 3.10 or newer.

    python3 recompute_weights.py vector.json inputs.json                     do the weights follow from the inputs?
    python3 recompute_weights.py vector.json inputs.json --keys keys.json    and did the exchange sign the vector? (do this)

`vector.json` is what .../weight-vectors/{id} answers or its `document` alone, `inputs.json` is .../inputs, byte by byte, and
`keys.json` is /.well-known/jwks.json. It ends with 0 when all holds, with 1 when a line differs (each is named), and with 2
when there is nothing to check. It imports nothing of the exchange and reaches no network.

由输入重新计算权重向量：仅需 Python 3.10 及以上，不依赖交易所的任何代码，不访问网络。全部一致时退出码为 0，有不符之处为 1 并逐行指出，
无法核验时为 2。加 --lang zh 输出中文。
"""

from __future__ import annotations

import argparse
import base64
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from exchange.kernel.ed25519 import by_arithmetic
from settlement.weighing import BadInputs, Difference, canonical_text, differences


def check(vector: bytes, inputs: bytes, keys: bytes | None) -> list[Difference]:
    """Every line that does not hold.

    errors   ValueError (BadInputs too) for files that are no vector, inputs or key set
    """
    document, kid, signature = _document(vector)
    text = canonical_text(document)
    found = differences(document, json.loads(inputs), inputs)
    if canonical_text(json.loads(inputs)) != inputs:
        found.append(Difference("inputs", "other bytes", "canonical JSON"))
    if keys is not None:
        public = next((key for key in json.loads(keys)["keys"] if key.get("kid") == kid), None)
        if public is None or signature is None:
            found.append(Difference("/kid", str(kid), "a key of the key set, and a signature"))
        elif not by_arithmetic(base64.urlsafe_b64decode(public["x"] + "="), text, signature):
            found.append(Difference("/signature", signature.hex()[:16] + "...", "a signature over these bytes"))
    return found


def _document(data: bytes) -> tuple[Any, Any, bytes | None]:
    said = json.loads(data)
    if not isinstance(said, dict):
        raise BadInputs("the vector is no JSON object")
    proof = said.get("vector", said)
    if not isinstance(proof, dict):
        raise BadInputs("this weight vector is not measured yet")
    document = proof.get("document", proof)
    document = json.loads(document) if isinstance(document, str) else document
    if not isinstance(document, dict) or document.get("type") != "weight-vector" or document.get("v") != 1:
        raise BadInputs("this is no weight vector of version 1")
    signature = proof.get("signature")
    return document, proof.get("kid"), bytes.fromhex(signature) if isinstance(signature, str) else None


def said_of(found: Sequence[Difference], *, signed: bool, zh: bool) -> list[str]:
    """What was found, as lines for people."""
    lines = [
        f"{one.at}: {'应为' if zh else 'should be'} {one.found}, {'实为' if zh else 'is'} {one.said}" for one in found
    ]
    if found:
        return [*lines, f"不符：{len(found)} 处。" if zh else f"FAILED: {len(found)} lines differ."]
    if not signed:
        lines.append(
            "注意：未检查签名，请用 --keys 提供公钥集。" if zh else "WARNING: no signature was checked; give --keys."
        )
    return [*lines, "一致：各行均可由输入重新算出。" if zh else "OK: every line follows from the inputs."]


def main(arguments: Sequence[str]) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("vector")
    parser.add_argument("inputs")
    parser.add_argument("--keys", help="a JSON Web Key Set that you got elsewhere")
    parser.add_argument("--lang", choices=("en", "zh"), default="en")
    options = parser.parse_args(arguments)
    try:
        keys = None if options.keys is None else Path(options.keys).read_bytes()
        found = check(Path(options.vector).read_bytes(), Path(options.inputs).read_bytes(), keys)
    except (OSError, ValueError, KeyError, TypeError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write("\n".join(said_of(found, signed=keys is not None, zh=options.lang == "zh")) + "\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
