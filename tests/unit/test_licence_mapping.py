"""Every licence that two pickers offer has a reading: purposes, duties, the clause, and what stays doubtful."""

from __future__ import annotations

import re

import pytest

from contracts import spdx
from contracts.rights import DUTIES, OUTPUTS, PURPOSES
from contracts.spdx import LICENCES, PICKERS, READ
from tests.architecture.tree import ROOT
from tools import licences

_HAN = re.compile(r"[\u4e00-\u9fff]")


def test_both_pickers_are_there_with_their_versions() -> None:
    assert {name: len(picker.names) for name, picker in PICKERS.items()} == {"huggingface": 83, "github": 50}
    for picker in PICKERS.values():
        assert re.search(r"[0-9a-f]{40}, 20\d\d-\d\d-\d\d", picker.version)


@pytest.mark.parametrize("picker", PICKERS)
def test_every_name_of_a_picker_has_a_reading(picker: str) -> None:
    assert not {name: ours for name, ours in PICKERS[picker].names.items() if ours not in READ}


@pytest.mark.parametrize("name", READ)
def test_every_purpose_is_allowed_forbidden_or_unknown_and_only_one_of_them(name: str) -> None:
    licence = READ[name]
    sets = [licence.rights.purposes, licence.rights.prohibits, frozenset(licence.unknown)]
    for purpose in PURPOSES:
        assert sum(purpose in each for each in sets) == 1, purpose
    assert frozenset().union(*sets) == frozenset(PURPOSES)


@pytest.mark.parametrize("name", READ)
def test_every_doubtful_point_says_why(name: str) -> None:
    licence = READ[name]
    explained = frozenset().union(*(doubt.about for doubt in licence.doubts))
    assert frozenset(licence.unknown) <= explained
    if licence.rights.commercial is None:
        assert "commercial" in explained
    if licence.adapt == "unknown" or licence.others_unknown or licence.maybe_into:
        assert "adapt" in explained
    if licence.bundle_unknown:
        assert "bundle" in explained


@pytest.mark.parametrize("name", READ)
def test_every_reading_is_written_in_both_languages(name: str) -> None:
    licence = READ[name]
    assert licence.source
    assert licence.rights.duties <= DUTIES.keys()
    assert licence.rights.outputs <= OUTPUTS.keys()
    assert licence.adapt in {"free", "same", "never", "unknown"}
    for text in (licence.clause, *(doubt.why for doubt in licence.doubts)):
        assert text.en
        assert not _HAN.search(text.en)
        assert _HAN.search(text.zh)


@pytest.mark.parametrize("name", READ)
def test_names_are_those_of_spdx_or_say_that_they_are_not(name: str) -> None:
    assert spdx.alternatives(name) == ((LICENCES[name],),)
    listed = {*READ, *(other for one in READ.values() for other in (*one.into, *one.also_into, *one.maybe_into))}
    for other in listed:
        spdx.alternatives(other)


def test_sharing_alike_asks_for_equal_or_named_terms() -> None:
    for name, licence in READ.items():
        if licence.adapt == "same":
            assert name in licence.into, name
        if licence.adapt in ("free", "never", "unknown"):
            assert not licence.into, name


@pytest.mark.parametrize(
    ("name", "allowed", "forbidden", "commercial"),
    [
        ("CC-BY-4.0", {"pretrain", "redistribute"}, set(), True),
        ("CC-BY-NC-SA-4.0", {"pretrain"}, set(), False),
        ("CC-BY-ND-4.0", {"evaluate"}, set(), True),
        ("C-UDA-1.0", {"pretrain", "infer"}, set(), True),
        ("GPL-3.0-only", {"evaluate", "redistribute"}, set(), True),
        ("LicenseRef-Llama-2", {"evaluate"}, set(), None),
        ("LicenseRef-Llama-3.1", {"pretrain", "synthesise"}, set(), None),
        ("LicenseRef-Gemma", {"fine_tune"}, set(), True),
        ("LicenseRef-Grok-2", {"research"}, {"pretrain"}, None),
        ("LicenseRef-Llama-4", set(), set(), None),
        ("LicenseRef-Apple-AMLR", {"research"}, set(), False),
        ("LicenseRef-FAIR-Noncommercial-Research", {"research", "redistribute"}, set(), False),
        ("LicenseRef-unknown", set(), set(), None),
        ("LicenseRef-H-Research", set(), set(), None),
    ],
)
def test_what_some_licences_are_read_as(
    name: str, allowed: set[str], forbidden: set[str], commercial: bool | None
) -> None:
    rights = LICENCES[name]
    assert allowed <= rights.purposes
    assert rights.prohibits == forbidden
    assert rights.commercial is commercial


def test_use_restrictions_of_model_licences_are_carried() -> None:
    assert "no_military" in LICENCES["LicenseRef-Llama-3.1"].outputs
    assert "no_competing_models" in LICENCES["LicenseRef-Llama-2"].outputs
    assert "label_synthetic" in LICENCES["LicenseRef-BigScience-OpenRAIL-M"].outputs
    assert "label_synthetic" in LICENCES["LicenseRef-BigCode-OpenRAIL-M-1"].outputs
    assert LICENCES["LicenseRef-DeepFloyd-IF"].outputs == {"no_biometrics", "no_military"}
    assert "attribution" in LICENCES["LicenseRef-FAIR-Noncommercial-Research"].duties
    listed = {name for name, rights in LICENCES.items() if "keep_use_list" in rights.duties}
    assert {"LicenseRef-CreativeML-OpenRAIL-M", "LicenseRef-Gemma", "LicenseRef-Llama-4"} <= listed


@pytest.mark.parametrize("page", licences.PAGES)
def test_the_pages_of_licences_say_what_the_readings_say(page: str) -> None:
    written = (ROOT / page).read_text(encoding="utf-8")
    assert written == licences.PAGES[page](), "run python -m tools.licences"
    assert [name for name in READ if f"### {name}\n" not in written] == []
