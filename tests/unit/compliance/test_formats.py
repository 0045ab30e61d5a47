"""The other forms of an export, read by programs that we did not write: pyarrow, the schema of OCSF, the library prov."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any

import jsonschema
import pyarrow.parquet as parquet
import pytest
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema
from prov.model import ProvBundle, ProvDocument

from compliance.formats import thrift
from compliance.formats.known import FORMATS, schema_files
from compliance.formats.moments import micros
from compliance.formats.ocsf import Ocsf
from compliance.formats.parquet import PAGE_ROWS, Parquet
from compliance.formats.prov import Prov
from compliance.formats.shape import Decoded, row
from compliance.verify_table import COLUMNS
from tests.support.entries import made, usual, wire, written

EVENT = json.loads(schema_files()["schema/event.schema.json"])
TABLE = json.loads(schema_files()["schema/events.csv-metadata.json"])
NEWER = {"v": 2, "where": "supplier", "member": None, "sealed": ["ab" * 32]}


def old(**changes: Any) -> dict[str, Any]:
    """An envelope of version 1, whichever is written now."""
    fields = wire(v=1, **changes)
    return {name: one for name, one in fields.items() if name not in ("member", "sealed", "where")}


# ---------------------------------------------------------------- Parquet


def table_of(data: bytes) -> Any:
    return parquet.ParquetFile(io.BytesIO(data), page_checksum_verification=True).read()


def test_a_parquet_file_says_what_the_entries_say() -> None:
    rows = usual(50)
    found = table_of(made(Parquet(), rows[:20], [], rows[20:]))
    assert found.schema.names == COLUMNS.split(",")
    for said, one in zip(found.to_pylist(), rows, strict=True):
        entry = one.entry
        assert (said["leaf_index"], said["at"].isoformat(timespec="microseconds")) == (
            one.index,
            entry.at.replace("Z", "+00:00"),
        )
        assert dict(said["digests"]) == entry.digests
        assert (said["organisations"], said["sealed"]) == (entry.organisations, entry.sealed)
        assert (said["organisation"], said["client"]) == (entry.actor.organisation, entry.actor.client)
        assert (said["object"], said["object_version"]) == (entry.object.id, entry.object.version)
        for name in ("action", "outcome", "problem", "member", "agreement", "rule_set", "node", "where", "id"):
            assert said[name] == getattr(entry, name)


def test_pages_and_row_groups_of_any_size() -> None:
    rows = usual(2 * PAGE_ROWS + 1)
    data = made(Parquet(), rows, rows[:1])
    facts = parquet.ParquetFile(io.BytesIO(data)).metadata
    assert (facts.num_rows, facts.num_row_groups, facts.num_columns) == (len(rows) + 1, 2, len(COLUMNS.split(",")) + 1)
    statistics = facts.row_group(0).column(0).statistics
    assert (statistics.min, statistics.max) == (0, 2 * PAGE_ROWS)
    assert facts.row_group(0).column(4).statistics.null_count == sum(one.entry.problem is None for one in rows)
    assert table_of(data).column("id").to_pylist() == [one.entry.id for one in (*rows, rows[0])]


def test_an_empty_parquet_file_has_its_columns() -> None:
    found = table_of(made(Parquet(), [], []))
    assert found.num_rows == 0
    assert found.schema.names == COLUMNS.split(",")


def test_a_changed_page_is_found_by_its_checksum() -> None:
    data = bytearray(made(Parquet(), usual(10)))
    data[data.index(b"purchase")] ^= 1
    with pytest.raises(OSError, match="CRC"):
        table_of(bytes(data))


@pytest.mark.parametrize(
    ("value", "data"), [(0, "00"), (127, "7f"), (128, "8001"), (300, "ac02"), (2**63, "80808080808080808001")]
)
def test_varints(value: int, data: str) -> None:
    assert thrift.varint(value).hex() == data


@pytest.mark.parametrize(
    ("value", "data"), [(0, "00"), (-1, "01"), (1, "02"), (-(2**31), "ffffffff0f"), (2**31 - 1, "feffffff0f")]
)
def test_signed_numbers(value: int, data: str) -> None:
    assert thrift.i32(value).data.hex() == data


# ---------------------------------------------------------------- OCSF


@pytest.fixture(scope="module")
def validators() -> Mapping[int, Any]:
    """The official schema of each class, all objects in it."""
    schema = OcsfJsonSchemaEmbedded(get_ocsf_schema(version="1.5.0"))
    names = {uid: schema.lookup_class_name_from_uid(uid) for uid in (6003, 3004)}
    return {
        uid: jsonschema.Draft202012Validator(schema.get_class_schema(class_name=name, profiles=[]))
        for uid, name in names.items()
    }


def events_of(*fields: dict[str, Any]) -> list[dict[str, Any]]:
    data = made(Ocsf(), [row(n, written(one)) for n, one in enumerate(fields)])
    return [json.loads(line) for line in data.splitlines()]


def test_every_event_is_valid(validators: Mapping[int, Any]) -> None:
    data = made(Ocsf(), usual(70))
    events = [json.loads(line) for line in data.splitlines()]
    events += events_of(
        wire(**NEWER),
        wire(**NEWER | {"member": "mem_1"}, action="member.put", actor={"client": None, "organisation": None}),
        wire(action="organisation.verify", object={"id": None, "version": None}),
    )
    assert {one["class_uid"] for one in events} == {6003, 3004}
    assert [list(validators[one["class_uid"]].iter_errors(one)) for one in events] == [[]] * len(events)


def test_the_check_of_events_can_fail(validators: Mapping[int, Any]) -> None:
    (event,) = events_of(wire(action="data.read"))
    assert list(validators[6003].iter_errors(event | {"activity_id": 5}))
    assert list(validators[6003].iter_errors(event | {"somebody": "x"}))
    assert list(validators[3004].iter_errors(event))


@pytest.mark.parametrize(
    ("action", "type_uid", "activity"),
    [
        ("data.read", 600302, "Read"),
        ("purchase", 600301, "Create"),
        ("agreement.sign", 600399, "agreement.sign"),
        ("token.revoke", 600304, "Delete"),
        ("organisation.suspend", 300412, "Suspend"),
        ("organisation.reject", 300499, "organisation.reject"),
        ("client.create", 300401, "Create"),
        ("signing-key.retire", 300411, "Deactivate"),
    ],
)
def test_an_action_has_its_class_and_activity(action: str, type_uid: int, activity: str) -> None:
    (event,) = events_of(wire(action=action))
    assert (event["type_uid"], event["activity_name"]) == (type_uid, activity)
    assert event["type_uid"] == event["class_uid"] * 100 + event["activity_id"]


def test_an_event_says_what_the_entry_says() -> None:
    (event,) = events_of(
        wire(**NEWER | {"member": "mem_1"}, action="data.read", outcome="refused", problem="quota-exhausted")
    )
    said = row(0, written(wire())).entry
    assert (event["time"], event["metadata"]["original_time"]) == (micros(said.at) // 1000, said.at)
    assert (event["status"], event["status_code"], event["severity_id"]) == ("Failure", "quota-exhausted", 2)
    assert event["actor"] == {
        "app_uid": said.actor.client,
        "user": {"uid": "mem_1", "type": "User", "type_id": 1, "org": {"uid": said.actor.organisation}},
    }
    assert event["src_endpoint"] == {"name": "centre", "svc_name": "supplier"}
    assert event["resources"] == [
        {"uid": said.object.id, "version": "v1.2"},
        {"uid": "agr_01k8", "type": "agreement"},
    ]
    assert event["unmapped"] == {
        "agreement": "agr_01k8",
        "digests": said.digests,
        "organisations": said.organisations,
        "rule_set": "2026-1",
        "sealed": ["ab" * 32],
    }


# ---------------------------------------------------------------- PROV


def document_of(*fields: dict[str, Any]) -> ProvDocument:
    data = made(Prov(), [row(n, written(one)) for n, one in enumerate(fields)])
    return ProvDocument.deserialize(content=data.decode(), format="json")


def lines_of(bundle: ProvBundle) -> set[str]:
    return {str(one.get_provn()) for one in bundle.get_records()}


def test_provenance_is_read_and_written_again_by_the_library() -> None:
    rows = usual(30)
    document = ProvDocument.deserialize(content=made(Prov(), rows[:7], [], rows[7:]).decode(), format="json")
    bundles = list(document.bundles)
    assert [str(one.identifier) for one in bundles] == [f"cx:leaf/{n}" for n in range(30)]
    again = ProvDocument.deserialize(content=document.serialize(format="json"), format="json")
    assert again == document
    assert list(ProvDocument.deserialize(content=made(Prov()).decode(), format="json").bundles) == []


def test_provenance_says_who_did_what_for_whom() -> None:
    actor = {"client": "cli_1", "organisation": "org_1"}
    fields = old(
        actor=actor,
        action="listing.publish",
        id="aud_1",
        organisations=["org_1"],
        object={"id": "lst_1", "version": None},
    )
    fields["digests"] = {"terms": "ab"}
    (bundle,) = document_of(fields).bundles
    at = "2026-01-15T08:00:00.333333+00:00"
    said = f'activity(cx:aud_1, {at}, {at}, [cx:action="listing.publish", cx:node="centre", cx:outcome="done", '
    said += "cx:digest=\"terms:ab\", cx:concerns='cx:org_1'])"
    assert lines_of(bundle) == {
        said,
        "agent(cx:cli_1, [prov:type='prov:SoftwareAgent'])",
        "agent(cx:org_1, [prov:type='prov:Organization'])",
        "entity(cx:lst_1)",
        "entity(cx:agr_01k8)",
        "entity(cx:rules/2026-1, [prov:type='prov:Plan'])",
        "wasAssociatedWith(cx:aud_1, cx:cli_1, cx:rules/2026-1)",
        "actedOnBehalfOf(cx:cli_1, cx:org_1, cx:aud_1)",
        "used(cx:aud_1, cx:agr_01k8, -)",
        "wasInfluencedBy(cx:lst_1, cx:aud_1)",
    }


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"action": "data.read"}, "used(cx:aud_1, cx:lst_1, -)"),
        ({"outcome": "refused", "problem": "x"}, "used(cx:aud_1, cx:lst_1, -)"),
        ({}, "wasInfluencedBy(cx:lst_1, cx:aud_1)"),
        (
            {"actor": {"client": None, "organisation": None}},
            "wasAssociatedWith(cx:aud_1, cx:exchange, cx:rules/2026-1)",
        ),
        (
            {"actor": {"client": None, "organisation": "org_1"}},
            "wasAssociatedWith(cx:aud_1, cx:org_1, cx:rules/2026-1)",
        ),
        (NEWER | {"member": "mem_1"}, "agent(cx:mem_1, [prov:type='prov:Person'])"),
        ({"rule_set": "两 1"}, "entity(cx:rules/%E4%B8%A4%201, [prov:type='prov:Plan'])"),
    ],
)
def test_provenance_of_special_cases(changes: dict[str, Any], wanted: str) -> None:
    fields = wire(**{"action": "listing.publish", "id": "aud_1", "object": {"id": "lst_1", "version": None}, **changes})
    (bundle,) = document_of(fields).bundles
    lines = lines_of(bundle)
    assert wanted in lines
    # What was only looked at, or refused, was not influenced.
    assert ("used(cx:aud_1, cx:lst_1, -)" in lines) is not ("wasInfluencedBy(cx:lst_1, cx:aud_1)" in lines)


# ---------------------------------------------------------------- descriptions


def test_the_schema_of_events_takes_what_the_log_writes() -> None:
    check = jsonschema.Draft202012Validator(EVENT)
    jsonschema.Draft202012Validator.check_schema(EVENT)
    for one in usual(70):
        check.validate(json.loads(one.envelope))
    check.validate(old())
    check.validate(old() | NEWER)


@pytest.mark.parametrize(
    "changes",
    [
        {"at": "2026-01-15T08:00:00Z"},
        {"v": 3},
        {"outcome": "refused"},
        {"problem": "x"},
        {"digests": {"terms": "ab"}},
        {"action": "Anna Muster"},
        {"object": {"id": "anna@example.com", "version": None}},
        {"where": "supplier"},
        {"name": "x"},
        {"v": 2},
        NEWER | {"sealed": ["ab"]},
        NEWER | {"member": "Anna"},
    ],
    ids=str,
)
def test_the_schema_of_events_refuses_others(changes: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(EVENT).validate(old() | changes)


def test_descriptions_name_every_field_and_column_in_both_languages() -> None:
    assert set(Decoded.__struct_fields__) | {"type"} == set(EVENT["properties"])
    columns = TABLE["tableSchema"]["columns"]
    assert [one["name"] for one in columns] == COLUMNS.split(",")
    for one in (TABLE, *columns):
        texts = {text["@language"]: text["@value"] for text in one["dc:description"]}
        assert texts.keys() == {"en", "zh"}
        assert texts["en"].isascii()
        assert not texts["zh"].isascii()
    for field in EVENT["properties"].values():
        text = field.get("description", "x 中")
        assert text[0].isascii()
        assert not text.isascii()


def test_what_the_table_requires_is_there() -> None:
    required = {one["name"] for one in TABLE["tableSchema"]["columns"] if one["required"]}
    fields = parquet.ParquetFile(io.BytesIO(made(Parquet()))).schema_arrow
    lists = {"organisations", "digests", "sealed"}
    assert {one.name for one in fields if not one.nullable} - lists == required


def test_every_format_has_its_member() -> None:
    assert {name: one.member for name, one in FORMATS.items()} == {
        "csv": "events.csv",
        "ocsf": "events.ocsf.jsonl",
        "parquet": "events.parquet",
        "prov": "events.prov.json",
    }


@pytest.mark.parametrize(
    "at", ["2026-01-15T08:00:00Z", "2026-01-15 08:00:00.000000", "", "2026-13-15T08:00:00.000000Z"]
)
def test_a_moment_of_another_form_is_refused(at: str) -> None:
    with pytest.raises(ValueError):
        micros(at)
