"""What code knows is written down for people: every setting, every problem, in both languages."""

from __future__ import annotations

import re
import string

import pytest

from exchange.kernel.settings import variables
from exchange.settings import FORMS
from tests.architecture.tree import ROOT
from tools import reference

_HAN = re.compile(r"[\u4e00-\u9fff]")
# A template of fields alone still ends with the full stop of its language.
_CHINESE = re.compile(r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]")


@pytest.mark.parametrize("name", reference.PAGES)
def test_written_pages_are_fresh(name: str) -> None:
    assert (ROOT / name).read_text(encoding="utf-8") == reference.PAGES[name](), "run python -m tools.reference"


def test_every_variable_is_documented_and_no_other() -> None:
    wanted = {variable.name for prefix, form in FORMS.items() for variable in variables(form, prefix)}
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    example = (ROOT / "deploy" / "env.example").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `([A-Z_]+)` \|", page, re.MULTILINE)) == wanted
    assert set(re.findall(r"^#?([A-Z_]+)=", example, re.MULTILINE)) == wanted


def test_every_setting_is_explained_in_both_languages() -> None:
    for setting in reference.settings():
        assert setting.en, setting.name
        assert not _HAN.search(setting.en), setting.name
        assert _HAN.search(setting.zh), setting.name


def test_every_problem_speaks_both_languages() -> None:
    for slug, problem in reference.every_problem().items():
        for text in (problem.title, problem.detail, problem.remedy):
            assert text.en.strip(), slug
            assert not _HAN.search(text.en), slug
            assert _CHINESE.search(text.zh), slug


def test_both_languages_of_a_problem_take_the_same_fields() -> None:
    for slug, problem in reference.every_problem().items():
        english, chinese = fields(problem.detail.en), fields(problem.detail.zh)
        assert english == chinese, slug
        assert fields(problem.remedy.en) == fields(problem.remedy.zh) <= english, slug
        filled = problem(**dict.fromkeys(english, "x"))
        for language in ("en", "zh"):
            assert filled.detail(language), slug
            assert filled.remedy(language), slug


def test_every_problem_has_its_place_on_the_page() -> None:
    page = (ROOT / "docs" / "problems.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^### (\S+)$", page, re.MULTILINE)) == set(reference.every_problem())


def fields(template: str) -> set[str]:
    return {name.partition(".")[0].partition("[")[0] for _, name, _, _ in string.Formatter().parse(template) if name}
