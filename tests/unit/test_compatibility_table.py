"""Pair by pair: may a dataset made of one licence's data carry another licence? 21 licences, 441 ordered pairs, twice.

One row is one upstream licence; its columns are the licences of the derived dataset, in the same order.
+ compatible, - incompatible, ? doubtful. Every row says why.
"""

from __future__ import annotations

from functools import cache

import pytest

from contracts.compatibility import Fit, How, bundle, derive, offered
from contracts.terms import Terms, load

NAMES = [
    "CC0-1.0",
    "PDDL-1.0",
    "CC-BY-4.0",
    "CC-BY-3.0",
    "CC-BY-SA-4.0",
    "CC-BY-SA-3.0",
    "CC-BY-NC-4.0",
    "CC-BY-NC-SA-4.0",
    "CC-BY-ND-4.0",
    "CC-BY-NC-ND-4.0",
    "ODbL-1.0",
    "ODC-By-1.0",
    "MIT",
    "Apache-2.0",
    "BSD-3-Clause",
    "CDLA-Permissive-2.0",
    "CDLA-Sharing-1.0",
    "GPL-3.0-only",
    "MulanPSL-2.0",
    "OGL-UK-3.0",
    "etalab-2.0",
]
#   0 CC0 PDDL | BY4 BY3 SA4 SA3 NC NCSA ND NCND | ODbL ODC-By | MIT Apache BSD | CDLA-P CDLA-S | GPL Mulan | OGL etalab
DERIVE = {
    # Public domain: no condition binds what is made of it.
    "CC0-1.0": "++ ++++++++ ++ +++ ++ ++ ++",
    "PDDL-1.0": "++ ++++++++ ++ +++ ++ ++ ++",
    # Attribution (s. 3(a)) is lost in a public-domain dedication. Every CC licence keeps it (adapter's licence chart), so do
    # ODC-By and CDLA-Sharing; the FSF counts BY 4.0 as fitting GPL 3. ODbL: the OpenStreetMap Foundation asks for a waiver,
    # because of technical locks. Licences that keep notices alone, or credit alone (OGL, etalab), do nearly the same: ?.
    "CC-BY-4.0": "-- ++++++++ ?+ ??? ?+ +? ??",
    "CC-BY-3.0": "-- ++++++++ ?+ ??? ?+ ?? ??",
    # Share-alike (s. 3(b)): itself, later versions, and the compatible licences, of which GPL 3 is one, one way.
    "CC-BY-SA-4.0": "-- --+----- -- --- -- +- --",
    # Its later version 4.0 is allowed (s. 4(b)); no other licence was ever listed for 3.0.
    "CC-BY-SA-3.0": "-- --++---- -- --- -- -- --",
    # What is derived stays non-commercial: only licences that say so, and none that asks to give it up.
    "CC-BY-NC-4.0": "-- ----++-+ -- --- -- -- --",
    "CC-BY-NC-SA-4.0": "-- -----+-- -- --- -- -- --",
    # No derivatives: an adaptation may not be shared under any licence, its own included.
    "CC-BY-ND-4.0": "-- -------- -- --- -- -- --",
    "CC-BY-NC-ND-4.0": "-- -------- -- --- -- -- --",
    # Derivative databases stay under ODbL (s. 4.4); no compatible licence was published.
    "ODbL-1.0": "-- -------- +- --- -- -- --",
    # Meant as attribution alone, but s. 4.2(a) says that derivatives go on only under this licence: doubtful everywhere, and
    # certainly wrong where credit is waived.
    "ODC-By-1.0": "-- ???????? ?+ ??? ?? ?? ??",
    # Notices stay: licences that keep notices take it in, a dedication loses them, credit of the source alone is doubtful.
    "MIT": "-- ++++++++ ++ +++ ++ ++ ??",
    "Apache-2.0": "-- ++++++++ ++ +++ ++ ++ ??",
    "BSD-3-Clause": "-- ++++++++ ++ +++ ++ ++ ??",
    # Its text goes with shared data (s. 2): a notice like those above. Results are free, data that was changed is data.
    "CDLA-Permissive-2.0": "-- ++++++++ ++ +++ ++ ++ ??",
    # Data and what is added to or changed in it stays under this agreement (s. 3.1), without further limits (s. 3.3).
    "CDLA-Sharing-1.0": "-- -------- -- --- -+ -- --",
    # Works based on it stay under GPL 3 as a whole (s. 5); the way from BY-SA has no way back.
    "GPL-3.0-only": "-- -------- -- --- -- +- --",
    "MulanPSL-2.0": "-- ++++++++ ++ +++ ++ ++ ??",
    # Both name CC BY and ODC-By as fitting and ask for the source alone; notices without credit are doubtful.
    "OGL-UK-3.0": "-- ++++++++ ++ ??? ?+ ?? ++",
    "etalab-2.0": "-- ++++++++ ++ ??? ?+ ?? ++",
}
# Side by side every part keeps its own terms: CC collections (ND and NC too, unchanged), ODbL collective databases (s. 4.5),
# GPL aggregates (s. 5). CDLA-Sharing counts other people's data that supplements its own as Additions (s. 1.1): doubtful
# with everything but itself.
_FREE, _SHARING = "+" * 16 + "?" + "+" * 4, "?" * 16 + "+" + "?" * 4
BUNDLE = {name: _SHARING if name == "CDLA-Sharing-1.0" else _FREE for name in NAMES}
_FITS = {"+": Fit.COMPATIBLE, "-": Fit.INCOMPATIBLE, "?": Fit.UNKNOWN}


@cache
def terms_of(expression: str) -> Terms:
    return load({"type": "terms", "v": 1, "prevailing_language": "en", "spdx": expression})


def pairs(table: dict[str, str]) -> list[tuple[str, str, Fit]]:
    assert list(table) == NAMES
    return [
        (upstream, dataset, _FITS[mark])
        for upstream, row in table.items()
        for dataset, mark in zip(NAMES, row.replace(" ", ""), strict=True)
    ]


@pytest.mark.parametrize(("upstream", "dataset", "fit"), pairs(DERIVE))
def test_a_dataset_derived_from_another(upstream: str, dataset: str, fit: Fit) -> None:
    finding = derive(terms_of(upstream), terms_of(dataset))
    assert finding.fit is fit
    assert bool(finding.clauses) == (fit is not Fit.COMPATIBLE)
    for clause in finding.clauses:
        assert clause.upstream.en.startswith(upstream)
        assert clause.upstream.zh.startswith(upstream)
        assert clause.dataset.en
        assert clause.dataset.zh


@pytest.mark.parametrize(("upstream", "dataset", "fit"), pairs(BUNDLE))
def test_a_dataset_bundled_with_another(upstream: str, dataset: str, fit: Fit) -> None:
    assert bundle(terms_of(upstream), terms_of(dataset)).fit is fit


@pytest.mark.parametrize(
    ("upstream", "dataset", "how", "fit", "rules"),
    [
        # A bundle may hold what is not for commerce, but may not be offered as if all of it were.
        ("CC-BY-NC-4.0", "CC-BY-4.0", How.BUNDLE, Fit.INCOMPATIBLE, {"commercial"}),
        ("CC-BY-NC-4.0", "CC-BY-4.0 AND CC-BY-NC-4.0", How.BUNDLE, Fit.COMPATIBLE, set()),
        ("CC-BY-ND-4.0", "CC-BY-4.0", How.BUNDLE, Fit.UNKNOWN, {"purpose"}),
        ("CC-BY-SA-4.0", "MIT", How.BUNDLE, Fit.COMPATIBLE, set()),
        ("ODbL-1.0", "CC0-1.0", How.BUNDLE, Fit.COMPATIBLE, set()),
        # Of several licences the adapter takes the one that fits; what it gives on must fit in every choice.
        ("CC-BY-SA-4.0 OR MIT", "Apache-2.0", How.DERIVE, Fit.COMPATIBLE, set()),
        ("MIT", "Apache-2.0 OR CC0-1.0", How.DERIVE, Fit.INCOMPATIBLE, {"duty"}),
        ("CC-BY-SA-4.0 AND MIT", "CC-BY-SA-4.0 AND MIT", How.DERIVE, Fit.COMPATIBLE, set()),
        ("CC-BY-SA-4.0 AND ODbL-1.0", "CC-BY-SA-4.0", How.DERIVE, Fit.INCOMPATIBLE, {"share_alike"}),
        # Licences that are no licences for data: what nobody knows does not become allowed.
        ("LicenseRef-unknown", "CC0-1.0", How.DERIVE, Fit.UNKNOWN, {"redistribute", "adapt", "purpose", "commercial"}),
        ("LicenseRef-Llama-2", "CC-BY-4.0", How.DERIVE, Fit.INCOMPATIBLE, {"purpose", "output", "duty"}),
        ("0BSD", "LicenseRef-Gemma", How.DERIVE, Fit.COMPATIBLE, set()),
        ("EUPL-1.2", "CC-BY-SA-3.0", How.DERIVE, Fit.COMPATIBLE, set()),
        ("GPL-2.0-only", "GPL-3.0-only", How.DERIVE, Fit.INCOMPATIBLE, {"share_alike"}),
        ("GPL-2.0-or-later", "GPL-3.0-only", How.DERIVE, Fit.COMPATIBLE, set()),
        ("CC-BY-NC-SA-3.0", "CC-BY-NC-SA-4.0", How.DERIVE, Fit.COMPATIBLE, set()),
    ],
)
def test_what_a_supplier_may_offer(upstream: str, dataset: str, how: How, fit: Fit, rules: set[str]) -> None:
    finding = offered(terms_of(upstream), terms_of(dataset), how)
    assert finding.fit is fit
    assert rules <= {clause.rule for clause in finding.clauses}
    assert bool(finding.clauses) == (fit is not Fit.COMPATIBLE)


def test_the_duties_of_what_it_was_made_of_come_along() -> None:
    assert derive(terms_of("CC-BY-4.0"), terms_of("CC-BY-SA-4.0")).duties == ("attribution", "keep_notices")
