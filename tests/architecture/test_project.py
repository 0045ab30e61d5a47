"""The project's own papers: the lock file, the two languages of the documentation, the Makefile's promises."""

from __future__ import annotations

import re
import tomllib

from tests.architecture.tree import ROOT

_PIN = re.compile(r"^([A-Za-z0-9._-]+)(\[[^\]]*\])?==", re.MULTILINE)
_NAME = re.compile(r"^[A-Za-z0-9._-]+")


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_the_lock_file_pins_everything_by_hash_and_names_no_index() -> None:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in text
    assert "--index-url" not in text
    entries = re.split(r"\n(?=[A-Za-z0-9])", text.strip())
    assert [entry.splitlines()[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_every_wanted_library_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    locked = {normal(name) for name, _ in _PIN.findall((ROOT / "requirements.lock").read_text(encoding="utf-8"))}
    assert {normal(match[0]) for line in wanted if (match := _NAME.match(line))} - locked == set()


def test_every_page_exists_in_both_languages() -> None:
    pages = {
        language: {
            path.relative_to(ROOT / "docs" / language).as_posix() for path in (ROOT / "docs" / language).rglob("*.md")
        }
        for language in ("en", "zh")
    }
    assert pages["en"]
    assert pages["en"] == pages["zh"]
    assert (ROOT / "README.zh.md").exists()


def test_every_target_says_what_it_does() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    described = set(re.findall(r"^([a-z]+):.*## \S", text, re.MULTILINE))
    assert described >= {"demo", "serve", "test", "check", "bench", "sim", "docs"}
