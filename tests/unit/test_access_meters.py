"""Usage keys: what is one, what a file's folder makes of a meter, and the numbers that never change."""

from __future__ import annotations

import pytest

from exchange.access.meters import (
    NUMBERS,
    BadMeter,
    Meter,
    classed,
    custom,
    data_class_of,
    is_counted,
    is_usage_key,
    meter_name,
    meter_of,
    meters_of,
)


def test_the_numbers_of_our_meters_are_what_records_hold_already():
    assert [(key, NUMBERS[key]) for key in Meter] == [
        ("bytes", 1),
        ("records", 2),
        ("tokens", 3),
        ("requests", 4),
        ("files", 5),
        ("media_seconds", 6),
        ("compute_minutes", 7),
    ]


@pytest.mark.parametrize(
    "key", ["bytes", "media_seconds", "x_gpu_hours", "x_a", "tokens/medical", "x_gpu/class_2", "x_" + "a" * 31]
)
def test_these_are_usage_keys(key):
    assert is_usage_key(key)
    assert meter_of(key) == key


@pytest.mark.parametrize(
    "key",
    [
        "",
        "miles",
        "x_",
        "x_A",
        "x__",
        "x_1",
        "tokens/class-2",
        "tokens/",
        "tokens/Medical",
        "tokens/a/b",
        "/medical",
        "x_" + "a" * 32,
        "tokens\n",
        "outcome/uplift",
        "x_gpu\n",
        "tokens/medical\n",
        "x_算力",
    ],
)
def test_these_are_none(key):
    assert not is_usage_key(key)
    with pytest.raises(BadMeter):
        meter_of(key)


def test_keys_without_a_fixed_number_are_told_apart():
    assert custom(["tokens", "x_b", "tokens/medical", "x_b"]) == ["tokens/medical", "x_b"]
    assert meters_of(["x_b", "files", "tokens/medical", "bytes"]) == ("bytes", "files", "tokens/medical", "x_b")
    assert meter_name("tokens/medical") == "tokens"


@pytest.mark.parametrize(
    ("path", "data_class"),
    [
        ("data_class=medical/a.jsonl", "medical"),
        ("zh/data_class=medical/year=2025/a.jsonl", "medical"),
        ("data_class=legal/data_class=medical/a.jsonl", "medical"),
        ("a.jsonl", None),
        ("data_class=medical", None),  # a file of that name is in no such folder
        ("data_class=/a.jsonl", None),
        ("data_class=Medical/a.jsonl", None),
        ("my_data_class=medical/a.jsonl", None),
    ],
)
def test_the_data_class_of_a_file_is_its_innermost_folder(path, data_class):
    assert data_class_of(path) == data_class


def test_a_file_counts_as_its_class_only_where_the_plan_has_that_class():
    keys = ("bytes", "tokens/medical")
    assert classed(keys, Meter.TOKENS, "medical") == "tokens/medical"
    assert classed(keys, Meter.TOKENS, "legal") == "tokens"
    assert classed(keys, Meter.BYTES, "medical") == "bytes"
    assert classed(keys, Meter.TOKENS, None) == "tokens"
    assert is_counted(keys, Meter.TOKENS)
    assert is_counted(keys, Meter.BYTES)
    assert not is_counted(keys, Meter.FILES)
