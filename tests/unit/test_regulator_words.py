"""What the regulator's client says where something is missing, empty or gone: the right thing, in either language."""

from __future__ import annotations

import sys
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from compliance.scopes import Scope
from exchange import main as exchange
from exchange.cli import bundles
from exchange.cli.commands import main
from exchange.cli.output import bar
from exchange.cli.reading import Refused
from exchange.cli.regulator import direct, export, watch
from exchange.cli.regulator.session import CLIENT, SECRET, Session, make_folder
from exchange.settings import load
from tests.support.bundles import SIGNER, VKEY, bundle
from tests.unit.test_lying_exchange import lying

WHO = {CLIENT: "a", SECRET: "b"}
RULE = {"licence": "MIT", "cross_border": False}
ISSUED = {"id": "dir_1", "state": "issued", "kind": "freeze", "targets": ["ds_1"], "rules": [RULE]}


def answering(body: bytes, asked: list[str] | None = None) -> object:
    def answer(one: BaseHTTPRequestHandler) -> None:
        if asked is not None:
            asked.append(one.path)
        one.send_response(200)
        one.send_header("content-length", str(len(body)))
        one.end_headers()
        one.wfile.write(body)

    return answer


def test_a_directive_is_told_in_words_of_the_language() -> None:
    assert direct._said(direct._LINE, ISSUED, "en") == "dir_1  issued  freeze  ds_1, licence=MIT,cross_border=no"
    assert direct._said(direct._LINE, ISSUED, "zh") == "dir_1  已发出  冻结  ds_1, licence=MIT,cross_border=no"


@pytest.mark.parametrize(
    "asked", [["report", "ask", "risk", "--year", "2026"], ["sample", "draw", "rev_1", "--records", "4"]]
)
def test_a_place_without_a_folder_is_refused_before_anything_is_made(
    asked: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths: list[str] = []
    out = tmp_path / "none" / "x.zip"
    with lying(answering(b'{"id": "x", "state": "done"}', paths)) as url:  # type: ignore[arg-type]
        arguments = ["regulator", *asked, "--url", url, "--out", str(out)]
        assert main(arguments, WHO, lambda e: exchange.tools(load(e), e)) == 2
    assert "there is no folder for" in capsys.readouterr().out
    assert paths == []


def test_a_file_that_cannot_be_written_is_no_matter_of_the_exchange(tmp_path: Path) -> None:
    file = tmp_path / "none" / "x"
    with lying(answering(b"x")) as url, Session(url, WHO, "en") as session:  # type: ignore[arg-type]
        for fetch in (lambda: session.save("/f", file), lambda: session.resume("/f", file, 1, '"x"', print)):
            with pytest.raises(Refused, match=r"none/x cannot be written") as refused:
                fetch()
            assert "无法写入文件" in refused.value.why.zh
    (tmp_path / "taken").write_bytes(b"")
    with pytest.raises(Refused, match="cannot be written"):
        make_folder(tmp_path / "taken" / "answers")


def test_an_export_that_an_erasure_reached_says_so() -> None:
    made = b'{"id": "exp_1", "state": "erased", "done": 1, "total": 1, "problem": null}'
    with (
        lying(answering(made)) as url,  # type: ignore[arg-type]
        Session(url, WHO, "en") as session,
        pytest.raises(Refused, match="ask for it anew"),
    ):
        export.wait(session, "exp_1", 1.0, "en", shown=False)


async def test_an_export_without_entries_is_not_praised_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, scope, words in (("none", Scope(from_index=20), True), ("some", Scope(from_index=5), False)):
        (tmp_path / name).mkdir()
        folder = await bundle(tmp_path / name, size=20, scope=scope)
        assert bundles.check(folder, bundles.Known([VKEY]), "en", as_json=False) == 0
        assert ("NOTHING IS IN IT" in capsys.readouterr().out) is words


def test_a_bar_leaves_nothing_where_nobody_looks(capfd: pytest.CaptureFixture[str]) -> None:
    assert not sys.stderr.isatty()
    with bar("making", shown=True) as progress:
        progress.at(1, 2)
    assert capfd.readouterr().err == ""


def test_who_is_believed_for_the_key_is_named() -> None:
    assert "first look" in watch.believed([SIGNER.verifier], "en")
    assert VKEY in watch.believed([SIGNER.verifier], "zh")
