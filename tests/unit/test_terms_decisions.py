"""May I? The answers, as a table that a person can check against the terms.

Each row: the term it is about | what the terms say beside BASE | what the question says beside ASKED | the answer | the
rule that decides. `null` in a question means: not known. BASE runs without end, everywhere, for pre-training and any
commercial use; ASKED is ten days into the agreement and knows every fact.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from contracts.evaluation import Decision, Facts, Question, decide, permits
from contracts.rights import BREAKS, DUTIES, OUTPUTS, PURPOSES
from contracts.terms import load

BASE: dict[str, Any] = {"purposes": ["pretrain"], "commercial": True, "territory": "*", "duration": None}
ASKED: dict[str, Any] = {
    "purpose": "pretrain", "place": "CN", "country": "CN", "commercial": True, "users": 10, "sites": 1, "outputs": [],
    "others": False, "duties": None, "starts_at": "2026-01-31T08:00Z", "at": "2026-02-10T08:00Z", "zone": "UTC",
}  # fmt: skip

PURPOSE_TABLE = """
pretrain     |                                                    |                            | permit  | purpose
pretrain     | "purposes": ["align"], "prohibits": ["pretrain"]   |                            | deny    | purpose
pretrain     | "purposes": ["align"]                              |                            | unknown | purpose
fine_tune    | "purposes": ["fine_tune"]                          | "purpose": "fine_tune"     | permit  | purpose
fine_tune    | "prohibits": ["fine_tune"]                         | "purpose": "fine_tune"     | deny    | purpose
fine_tune    |                                                    | "purpose": "fine_tune"     | unknown | purpose
align        | "purposes": ["pretrain", "align"]                  | "purpose": "align"         | permit  | purpose
align        | "prohibits": ["align"]                             | "purpose": "align"         | deny    | purpose
align        |                                                    | "purpose": "align"         | unknown | purpose
evaluate     | "purposes": ["evaluate"]                           | "purpose": "evaluate"      | permit  | purpose
evaluate     | "prohibits": ["evaluate"]                          | "purpose": "evaluate"      | deny    | purpose
evaluate     |                                                    | "purpose": "evaluate"      | unknown | purpose
retrieve     | "purposes": ["retrieve"]                           | "purpose": "retrieve"      | permit  | purpose
retrieve     | "prohibits": ["retrieve"]                          | "purpose": "retrieve"      | deny    | purpose
retrieve     |                                                    | "purpose": "retrieve"      | unknown | purpose
infer        | "purposes": ["infer"]                              | "purpose": "infer"         | permit  | purpose
infer        | "prohibits": ["infer"]                             | "purpose": "infer"         | deny    | purpose
infer        |                                                    | "purpose": "infer"         | unknown | purpose
research     | "purposes": ["research"]                           | "purpose": "research"      | permit  | purpose
research     | "prohibits": ["research"]                          | "purpose": "research"      | deny    | purpose
research     |                                                    | "purpose": "research"      | unknown | purpose
redistribute | "purposes": ["redistribute"]                       | "purpose": "redistribute"  | permit  | purpose
redistribute | "prohibits": ["redistribute"]                      | "purpose": "redistribute"  | deny    | purpose
redistribute |                                                    | "purpose": "redistribute"  | unknown | purpose
synthesise   | "purposes": ["synthesise"]                         | "purpose": "synthesise"    | permit  | purpose
synthesise   | "prohibits": ["synthesise"]                        | "purpose": "synthesise"    | deny    | purpose
synthesise   |                                                    | "purpose": "synthesise"    | unknown | purpose
vocabulary   |                                                    | "purpose": "train"         | unknown | purpose
vocabulary   |                                                    | "purpose": ""              | unknown | purpose
"""

LIMIT_TABLE = """
commercial  |                                   | "commercial": true                     | permit  | commercial
commercial  |                                   | "commercial": null                     | permit  | commercial
commercial  | "commercial": false               | "commercial": true                     | deny    | commercial
commercial  | "commercial": false               | "commercial": null                     | unknown | commercial
commercial  | "commercial": false               | "commercial": false                    | permit  | purpose
territory   | "territory": ["CN", "HK"]         | "place": "HK"                          | permit  | territory
territory   | "territory": ["CN", "HK"]         | "place": "DE"                          | deny    | territory
territory   | "territory": ["CN", "HK"]         | "place": null                          | unknown | territory
territory   | "territory": ["CN", "HK"]         | "place": "cn"                          | deny    | territory
territory   |                                   | "place": null, "country": null         | permit  | purpose
territory   | "territory": ["CN"]               | "country": "DE"                        | deny    | seat
territory   | "territory": ["CN"]               | "country": null                        | unknown | seat
territory   | "territory": ["CN"]               | "place": null, "country": "DE"         | deny    | seat
users       | "users": 50                       | "users": 50                            | permit  | users
users       | "users": 50                       | "users": 51                            | deny    | users
users       | "users": 50                       | "users": null                          | unknown | users
users       | "users": 50                       | "users": 0                             | unknown | users
users       | "users": null                     | "users": null                          | permit  | purpose
sites       | "sites": 1                        | "sites": 1                             | permit  | sites
sites       | "sites": 1                        | "sites": 2                             | deny    | sites
sites       | "sites": 1                        | "sites": null                          | unknown | sites
sites       |                                   | "sites": null                          | permit  | purpose
no_competing_models | "outputs": ["no_competing_models"] | "outputs": []                  | permit  | outputs/no_competing_models
no_competing_models | "outputs": ["no_competing_models"] | "outputs": ["competing_models"] | deny   | outputs/no_competing_models
no_competing_models | "outputs": ["no_competing_models"] | "outputs": null                | unknown | outputs/no_competing_models
no_verbatim_output | "outputs": ["no_verbatim_output"] | "outputs": ["military"]          | permit  | outputs/no_verbatim_output
no_verbatim_output | "outputs": ["no_verbatim_output"] | "outputs": ["verbatim_output"]   | deny    | outputs/no_verbatim_output
no_verbatim_output | "outputs": ["no_verbatim_output"] | "outputs": null                  | unknown | outputs/no_verbatim_output
label_synthetic | "outputs": ["label_synthetic"] | "outputs": []                          | permit  | outputs/label_synthetic
label_synthetic | "outputs": ["label_synthetic"] | "outputs": ["unlabelled_synthetic"]    | deny    | outputs/label_synthetic
label_synthetic | "outputs": ["label_synthetic"] | "outputs": null                        | unknown | outputs/label_synthetic
no_biometrics | "outputs": ["no_biometrics"]    | "outputs": []                          | permit  | outputs/no_biometrics
no_biometrics | "outputs": ["no_biometrics"]    | "outputs": ["biometrics"]              | deny    | outputs/no_biometrics
no_biometrics | "outputs": ["no_biometrics"]    | "outputs": null                        | unknown | outputs/no_biometrics
no_military | "outputs": ["no_military"]        | "outputs": []                          | permit  | outputs/no_military
no_military | "outputs": ["no_military"]        | "outputs": ["military"]                | deny    | outputs/no_military
no_military | "outputs": ["no_military"]        | "outputs": null                        | unknown | outputs/no_military
no_military | "outputs": ["no_military"]        | "outputs": ["weapons"]                 | unknown | outputs/no_military
no_reidentification | "no_reidentification": true | "outputs": []                        | permit  | outputs/no_reidentification
no_reidentification | "no_reidentification": true | "outputs": ["reidentification"]      | deny    | outputs/no_reidentification
no_reidentification | "no_reidentification": true | "outputs": null                      | unknown | outputs/no_reidentification
exclusivity | "exclusivity": {"kind": "exclusive", "months": 6} | "at": "2026-01-31T08:00Z" | permit | exclusivity
exclusivity | "exclusivity": {"kind": "exclusive", "months": 6} | "at": "2026-01-31T08:00Z", "others": true | deny | exclusivity
exclusivity | "exclusivity": {"kind": "exclusive", "months": 6} | "at": "2026-01-31T08:00Z", "others": null | unknown | exclusivity
exclusivity | "exclusivity": {"kind": "sole", "months": 6} | "starts_at": null, "others": true | deny | exclusivity
exclusivity | "exclusivity": {"kind": "none"}   | "at": "2026-01-31T08:00Z", "others": true | permit | purpose
exclusivity | "exclusivity": {"kind": "sole", "months": 6} | "others": true              | permit  | purpose
"""

# The moments: the first, the last, and the one after it; in the calendar of the agreement's zone.
TIME_TABLE = """
duration | "duration": {"days": 30}   | "at": "2026-01-31T08:00Z"                              | permit  | duration
duration | "duration": {"days": 30}   | "at": "2026-01-31T07:59:59.999999Z"                    | deny    | duration
duration |                            | "at": "2026-01-31T07:59:59.999999Z"                    | deny    | duration
duration | "duration": {"days": 30}   | "starts_at": null                                      | unknown | duration
duration |                            | "starts_at": null                                      | permit  | purpose
duration |                            | "at": "2126-01-31T08:00Z"                              | permit  | duration
duration | "duration": {"days": 30}   | "at": "2026-03-02T07:59:59.999999Z"                    | permit  | duration
duration | "duration": {"days": 30}   | "at": "2026-03-02T08:00Z"                              | deny    | duration
duration | "duration": {"days": 30}   | "at": "2026-03-02T16:00+08:00"                         | deny    | duration
duration | "duration": {"months": 1}  | "at": "2026-02-28T07:59:59.999999Z"                    | permit  | duration
duration | "duration": {"months": 1}  | "at": "2026-02-28T08:00Z"                              | deny    | duration
duration | "duration": {"months": 1}  | "starts_at": "2028-01-31T00:00Z", "at": "2028-02-28T23:59Z" | permit | duration
duration | "duration": {"months": 1}  | "starts_at": "2028-01-31T00:00Z", "at": "2028-02-29T00:00Z" | deny | duration
duration | "duration": {"months": 1}  | "starts_at": "2026-02-28T00:00Z", "at": "2026-03-27T23:59Z" | permit | duration
duration | "duration": {"months": 1}  | "starts_at": "2026-02-28T00:00Z", "at": "2026-03-28T00:00Z" | deny | duration
duration | "duration": {"months": 12} | "starts_at": "2028-02-29T00:00Z", "at": "2029-02-28T00:00Z" | deny | duration
duration | "duration": {"months": 1}  | "zone": "Asia/Shanghai", "starts_at": "2025-12-31T16:30Z", "at": "2026-01-31T16:29Z" | permit | duration
duration | "duration": {"months": 1}  | "zone": "Asia/Shanghai", "starts_at": "2025-12-31T16:30Z", "at": "2026-01-31T16:30Z" | deny | duration
duration | "duration": {"months": 1}  | "zone": "Europe/Berlin", "starts_at": "2026-03-01T11:00Z", "at": "2026-04-01T09:59Z" | permit | duration
duration | "duration": {"months": 1}  | "zone": "Europe/Berlin", "starts_at": "2026-03-01T11:00Z", "at": "2026-04-01T10:00Z" | deny | duration
duration | "duration": {"days": 1}    | "zone": "Europe/Berlin", "starts_at": "2026-03-28T11:00Z", "at": "2026-03-29T09:59Z" | permit | duration
duration | "duration": {"days": 1}    | "zone": "Europe/Berlin", "starts_at": "2026-03-28T11:00Z", "at": "2026-03-29T10:00Z" | deny | duration
duration | "duration": {"months": 2}  | "zone": "Europe/Berlin", "starts_at": "2026-01-29T01:30Z", "at": "2026-03-29T01:29Z" | permit | duration
duration | "duration": {"months": 2}  | "zone": "Europe/Berlin", "starts_at": "2026-01-29T01:30Z", "at": "2026-03-29T01:30Z" | deny | duration
duration | "duration": {"months": 1}  | "zone": "Europe/Berlin", "starts_at": "2026-09-25T00:30Z", "at": "2026-10-25T00:29Z" | permit | duration
duration | "duration": {"months": 1}  | "zone": "Europe/Berlin", "starts_at": "2026-09-25T00:30Z", "at": "2026-10-25T00:30Z" | deny | duration
"""

DUTY_TABLE = """
attribution   | "attribution": true         | "duties": {"attribution": "kept"}                    | permit  | duty/attribution
attribution   | "attribution": true         | "duties": {"attribution": "broken"}                  | deny    | duty/attribution
attribution   | "attribution": true         |                                                      | unknown | duty/attribution
attribution   | "attribution": true         | "duties": {"share_alike": "kept"}                    | unknown | duty/attribution
attribution   | "attribution": true         | "at": "2026-01-31T08:00Z"                            | permit  | duty/attribution
attribution   | "attribution": true         | "starts_at": null                                    | permit  | duty/attribution
share_alike   | "share_alike": true         | "duties": {"share_alike": "pending"}                 | permit  | duty/share_alike
share_alike   | "share_alike": true         | "duties": {"share_alike": "broken"}                  | deny    | duty/share_alike
share_alike   | "share_alike": true         |                                                      | unknown | duty/share_alike
keep_notices  | "duties": [{"duty": "keep_notices"}] | "duties": {"keep_notices": "kept"}          | permit  | duty/keep_notices
keep_notices  | "duties": [{"duty": "keep_notices"}] | "duties": {"keep_notices": "broken"}        | deny    | duty/keep_notices
keep_notices  | "duties": [{"duty": "keep_notices"}] |                                             | unknown | duty/keep_notices
keep_use_list | "duties": [{"duty": "keep_use_list"}] | "duties": {"keep_use_list": "kept"}        | permit  | duty/keep_use_list
keep_use_list | "duties": [{"duty": "keep_use_list"}] | "duties": {"keep_use_list": "broken"}      | deny    | duty/keep_use_list
keep_use_list | "duties": [{"duty": "keep_use_list"}] |                                            | unknown | duty/keep_use_list
delete_at_end | "delete_at_end": true, "duration": {"months": 1} |                                 | permit  | duty/delete_at_end
delete_at_end | "delete_at_end": true, "duration": {"months": 1} | "duties": {"delete_at_end": "broken"} | deny | duty/delete_at_end
delete_at_end | "delete_at_end": true, "duration": {"months": 1} | "duties": {"delete_at_end": "perhaps"} | unknown | duty/delete_at_end
delete_within_days | "delete_within_days": 30, "duration": {"months": 1} | "duties": {"delete_at_end": "pending"} | permit | duty/delete_at_end
delete_within_days | "delete_within_days": 30, "duration": {"months": 1} | "duties": {"delete_at_end": "broken"} | deny | duty/delete_at_end
delete_within_days | "delete_within_days": 30, "duration": {"months": 1} | "duties": {"delete_at_end": ""} | unknown | duty/delete_at_end
report_use    | "report_use": true          | "duties": {"report_use": "waived"}                   | permit  | duty/report_use
report_use    | "report_use": true          | "duties": {"report_use": "broken"}                   | deny    | duty/report_use
report_use    | "report_use": true          |                                                      | unknown | duty/report_use
report_every  | "report_every": "month"     | "at": "2026-02-28T07:59:59.999999Z"                  | permit  | duty/report_use
report_every  | "report_every": "month"     | "at": "2026-02-28T08:00Z"                            | unknown | duty/report_use
report_every  | "report_every": "month"     | "at": "2026-02-28T08:00Z", "duties": {"report_use": "kept"} | permit | duty/report_use
report_every  | "report_every": "quarter"   | "at": "2026-04-30T07:59Z"                            | permit  | duty/report_use
report_every  | "report_every": "quarter"   | "at": "2026-04-30T08:00Z"                            | unknown | duty/report_use
report_every  | "report_every": "year"      | "at": "2027-01-31T07:59Z"                            | permit  | duty/report_use
report_every  | "report_every": "year"      | "at": "2027-01-31T08:00Z", "duties": {"report_use": "broken"} | deny | duty/report_use
audit_right   | "audit_right": true         | "duties": {"allow_audit": "kept"}                    | permit  | duty/allow_audit
audit_right   | "audit_right": true         | "duties": {"allow_audit": "broken"}                  | deny    | duty/allow_audit
audit_right   | "audit_right": true         |                                                      | unknown | duty/allow_audit
certify_deletion | "duration": {"months": 1}, "duties": [{"duty": "certify_deletion", "when": "at_end"}] | | permit | duty/certify_deletion
certify_deletion | "duties": [{"duty": "certify_deletion", "when": "on_request"}] | "duties": {"certify_deletion": "broken"} | deny | duty/certify_deletion
certify_deletion | "duties": [{"duty": "certify_deletion", "when": "on_request"}] |                 | unknown | duty/certify_deletion
notify        | "duties": [{"duty": "notify", "when": "on_publication"}] | "duties": {"notify": "kept"} | permit | duty/notify
notify        | "duties": [{"duty": "notify", "when": "on_publication"}] | "duties": {"notify": "broken"} | deny | duty/notify
notify        | "duties": [{"duty": "notify", "when": "on_publication"}] |                         | unknown | duty/notify
notify        | "duties": [{"duty": "notify", "when": "yearly", "within_days": 30}] | "at": "2027-03-02T07:59Z" | permit | duty/notify
notify        | "duties": [{"duty": "notify", "when": "yearly", "within_days": 30}] | "at": "2027-03-02T08:00Z" | unknown | duty/notify
stop_use      | "duties": [{"duty": "stop_use", "when": "on_request"}] | "duties": {"stop_use": "pending"} | permit | duty/stop_use
stop_use      | "duties": [{"duty": "stop_use", "when": "on_request"}] | "duties": {"stop_use": "broken"} | deny | duty/stop_use
stop_use      | "duties": [{"duty": "stop_use", "when": "on_request"}] |                           | unknown | duty/stop_use
delete        | "duties": [{"duty": "delete", "when": "on_request"}] | "duties": {"delete": "pending"} | permit | duty/delete
delete        | "duties": [{"duty": "delete", "when": "on_request"}] | "duties": {"delete": "broken"} | deny  | duty/delete
delete        | "duties": [{"duty": "delete", "when": "on_request"}] |                             | unknown | duty/delete
compensate    | "duties": [{"duty": "compensate", "when": "on_request"}] | "duties": {"compensate": "kept"} | permit | duty/compensate
compensate    | "duties": [{"duty": "compensate", "when": "on_request"}] | "duties": {"compensate": "broken"} | deny | duty/compensate
compensate    | "duties": [{"duty": "compensate", "when": "on_request"}] |                         | unknown | duty/compensate
"""

# A duty with a consequence, one with a consequence of the consequence, one with two, and one whose breach ends the use.
NESTED = {
    "ONE": [{"duty": "report_use", "when": "yearly", "else": [{"duty": "notify", "within_days": 14}]}],
    "TWO": [{"duty": "report_use", "else": [{"duty": "notify", "else": [{"duty": "compensate"}]}]}],
    "BOTH": [{"duty": "report_use", "else": [{"duty": "notify"}, {"duty": "compensate"}]}],
    "STOP": [{"duty": "report_use", "else": [{"duty": "stop_use"}]}],
    "GONE": [{"duty": "report_use", "else": [{"duty": "notify", "else": [{"duty": "delete"}]}]}],
}
NESTED_TABLE = """
nested | "duties": ONE  | "duties": {"report_use": "broken", "report_use/notify": "kept"}                     | permit  | duty/report_use
nested | "duties": ONE  | "duties": {"report_use": "broken", "report_use/notify": "waived"}                   | permit  | duty/report_use
nested | "duties": ONE  | "duties": {"report_use": "broken", "report_use/notify": "pending"}                  | deny    | duty/report_use
nested | "duties": ONE  | "duties": {"report_use": "broken", "report_use/notify": "broken"}                   | deny    | duty/report_use
nested | "duties": ONE  | "duties": {"report_use": "broken"}                                                  | unknown | duty/report_use
nested | "duties": ONE  | "duties": {"report_use": "broken", "notify": "kept"}                                | unknown | duty/report_use
nested | "duties": ONE  | "duties": {"report_use": "kept", "report_use/notify": "broken"}                     | permit  | duty/report_use
nested | "duties": TWO  | "duties": {"report_use": "broken", "report_use/notify": "broken", "report_use/notify/compensate": "kept"} | permit | duty/report_use
nested | "duties": TWO  | "duties": {"report_use": "broken", "report_use/notify": "broken", "report_use/notify/compensate": "pending"} | deny | duty/report_use
nested | "duties": TWO  | "duties": {"report_use": "broken", "report_use/notify": "broken"}                   | unknown | duty/report_use
nested | "duties": TWO  | "duties": {"report_use": "broken", "report_use/notify": "kept"}                     | permit  | duty/report_use
nested | "duties": BOTH | "duties": {"report_use": "broken", "report_use/notify": "kept", "report_use/compensate": "kept"} | permit | duty/report_use
nested | "duties": BOTH | "duties": {"report_use": "broken", "report_use/notify": "kept", "report_use/compensate": "pending"} | deny | duty/report_use
nested | "duties": BOTH | "duties": {"report_use": "broken", "report_use/notify": "kept"}                     | unknown | duty/report_use
nested | "duties": BOTH | "duties": {"report_use": "broken", "report_use/notify": "pending"}                  | deny    | duty/report_use
nested | "duties": STOP | "duties": {"report_use": "broken", "report_use/stop_use": "kept"}                   | deny    | duty/report_use
nested | "duties": STOP | "duties": {"report_use": "kept"}                                                    | permit  | duty/report_use
nested | "duties": GONE | "duties": {"report_use": "broken", "report_use/notify": "broken", "report_use/notify/delete": "kept"} | deny | duty/report_use
"""

# What overrides what: a no before a doubt, a doubt before a yes; every licence of an AND, one of an OR.
ORDER_TABLE = """
prohibition | "prohibits": ["align"], "territory": ["CN"] | "purpose": "align", "place": null               | deny    | purpose
prohibition | "territory": ["CN"]                | "purpose": "align", "place": "DE"                         | deny    | territory
prohibition | "outputs": ["no_military"]         | "outputs": ["military"], "duties": {}                     | deny    | outputs/no_military
prohibition | "users": 5, "sites": 5             | "users": 6, "sites": null                                 | deny    | users
prohibition | "attribution": true, "commercial": false | "duties": {"attribution": "kept"}                   | deny    | commercial
prohibition | "attribution": true, "report_use": true | "duties": {"attribution": "broken", "report_use": "kept"} | deny | duty/attribution
prohibition | SPDX "CC-BY-4.0 AND CC-BY-NC-4.0"  | "at": "2026-01-31T08:00Z"                                 | deny    | commercial
prohibition | SPDX "CC-BY-4.0 AND CC-BY-NC-4.0"  | "at": "2026-01-31T08:00Z", "commercial": false            | permit  | purpose
prohibition | SPDX "CC-BY-4.0 AND CC-BY-NC-4.0"  | "at": "2026-01-31T08:00Z", "commercial": null             | unknown | commercial
prohibition | SPDX "CC-BY-4.0 OR CC-BY-NC-4.0"   | "at": "2026-01-31T08:00Z"                                 | permit  | purpose
prohibition | SPDX "CC-BY-NC-4.0 OR LicenseRef-scancode-unknown" | "at": "2026-01-31T08:00Z", "purpose": "sell" | unknown | purpose
prohibition | SPDX "CC0-1.0"                     | "place": null, "country": null, "users": null, "outputs": null | permit | purpose
prohibition | SPDX "CC-BY-4.0"                   |                                                           | unknown | duty/attribution
prohibition | SPDX "CC-BY-4.0"                   | "duties": {"attribution": "kept", "keep_notices": "kept"} | permit  | duty/attribution
"""


@dataclass(frozen=True)
class Row:
    """One line of the table, read."""

    term: str
    says: dict[str, Any]
    asks: dict[str, Any]
    verdict: str
    rule: str

    @property
    def decision(self) -> Decision:
        asks = {**ASKED, **self.asks}
        outputs, starts = asks["outputs"], asks["starts_at"]
        question = Question(
            asks["purpose"],
            datetime.fromisoformat(asks["at"]),
            asks["place"],
            Facts(asks["country"], asks["commercial"], asks["users"], asks["sites"]),
            None if outputs is None else frozenset(outputs),
            asks["duties"],
            asks["others"],
            None if starts is None else datetime.fromisoformat(starts),
            ZoneInfo(asks["zone"]),
        )
        said = self.says if "spdx" in self.says else {"own": {**BASE, **self.says}}
        return decide(load({"type": "terms", "v": 1, "prevailing_language": "en", **said}), question)


def rows(*tables: str) -> list[Row]:
    found = []
    for line in "".join(tables).strip().splitlines():
        if not line.strip():
            continue
        term, says, asks, verdict, rule = (cell.strip() for cell in line.split("|"))
        for name, duties in NESTED.items():
            says = says.replace(f'"duties": {name}', f'"duties": {json.dumps(duties)}')
        says = f'"spdx": {says.removeprefix("SPDX ")}' if says.startswith("SPDX ") else says
        found.append(Row(term, json.loads(f"{{{says}}}"), json.loads(f"{{{asks}}}"), verdict, rule))
    return found


TABLE = rows(PURPOSE_TABLE, LIMIT_TABLE, TIME_TABLE, DUTY_TABLE, NESTED_TABLE, ORDER_TABLE)


@pytest.mark.parametrize(
    "row", TABLE, ids=[f"{number:03} {row.term} {row.verdict}" for number, row in enumerate(TABLE)]
)
def test_the_answer_and_the_rule_that_decides(row: Row) -> None:
    decision = row.decision
    assert decision.verdict.value == row.verdict, decision.document()
    deciding = {reason.rule: reason.verdict.value for reason in decision.reasons}
    assert deciding.get(row.rule) == row.verdict, deciding
    assert decision.allowed is (row.verdict == "permit")
    assert all(reason.text.en and reason.text.zh for reason in decision.reasons)
    if not decision.allowed:
        # Only what stands in the way is told, and a refusal can be made of it.
        assert "permit" not in deciding.values()
        problem = decision.problem()
        assert problem is not None
        assert problem.slug == "terms-forbid"


def test_the_table_has_every_term_with_every_answer() -> None:
    terms = [
        *PURPOSES,
        *OUTPUTS,
        *(set(DUTIES) - {"allow_audit"}),
        "audit_right",
        "commercial",
        "territory",
        "duration",
    ]
    terms += ["users", "sites", "exclusivity", "delete_within_days", "report_every", "nested", "prohibition"]
    told = {(row.term, row.verdict) for row in TABLE}
    assert not [
        (term, verdict) for term in terms for verdict in ("permit", "deny", "unknown") if (term, verdict) not in told
    ]
    assert len(TABLE) >= 80


def test_no_two_rows_ask_the_same() -> None:
    asked = [json.dumps([row.says, row.asks], sort_keys=True) for row in TABLE]
    assert len(set(asked)) == len(asked)


def test_a_permit_says_what_one_must_do() -> None:
    (row,) = [
        row
        for row in TABLE
        if row.term == "nested" and row.says["duties"] == NESTED["STOP"] and row.verdict == "permit"
    ]
    (duty,) = row.decision.must
    assert duty.text().en == "report how it was used (otherwise: stop using the data)"
    assert row.decision.document()["must"] == [duty.text().map()]


def test_without_any_fact_nothing_limited_is_allowed() -> None:
    own = {**BASE, "territory": ["CN"], "users": 5, "sites": 5, "outputs": ["no_military"], "commercial": False}
    terms = load({"type": "terms", "v": 1, "prevailing_language": "en", "own": own})
    decision = decide(terms, Question("pretrain", datetime.fromisoformat("2026-01-31T08:00Z")))
    assert decision.verdict.value == "unknown"
    rules = ["commercial", "territory", "seat", "users", "sites", "outputs/no_military"]
    assert [reason.rule for reason in decision.reasons] == rules


@pytest.mark.parametrize("row", [row for row in TABLE if row.verdict == "permit"], ids=lambda row: row.term)
def test_a_whole_answer_is_never_wider_than_the_short_one(row: Row) -> None:
    """Where `decide` permits, so does `permits`, by which a purchase is judged."""
    asks = {**ASKED, **row.asks}
    said = row.says if "spdx" in row.says else {"own": {**BASE, **row.says}}
    found = permits(
        load({"type": "terms", "v": 1, "prevailing_language": "en", **said}),
        asks["purpose"],
        asks["place"],
        datetime.fromisoformat(asks["at"]),
        starts_at=None if asks["starts_at"] is None else datetime.fromisoformat(asks["starts_at"]),
        zone=ZoneInfo(asks["zone"]),
        commercial=asks["commercial"] is True,
    )
    assert found.allowed


def test_every_output_fact_breaks_exactly_its_own_restriction() -> None:
    assert set(BREAKS) == set(OUTPUTS)
    assert len(set(BREAKS.values())) == len(BREAKS)


@pytest.mark.parametrize(
    ("at", "verdict"),
    [("2026-03-02T08:00Z", "permit"), ("2026-03-31T23:59:59Z", "permit"), ("2026-04-01T00:00Z", "deny")],
)
def test_the_end_that_a_renewal_gave_counts_in_place_of_the_duration(at: str, verdict: str) -> None:
    terms = load({"type": "terms", "v": 1, "prevailing_language": "en", "own": {**BASE, "duration": {"days": 30}}})
    starts, ends = (datetime.fromisoformat(one) for one in ("2026-01-31T08:00Z", "2026-04-01T00:00Z"))
    asked = Question(
        "pretrain", datetime.fromisoformat(at), facts=Facts(commercial=True), outputs=frozenset(), starts_at=starts
    )
    assert decide(terms, asked).verdict.value == "deny", "the terms alone say thirty days"
    renewed = decide(terms, msgspec.structs.replace(asked, ends_at=ends))
    assert renewed.verdict.value == verdict
    assert verdict == "permit" or [one.rule for one in renewed.reasons] == ["duration"]
