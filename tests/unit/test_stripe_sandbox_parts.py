"""The sandbox's parts without a socket: forms, parameters, faults, signatures, money, pages of lists."""

from __future__ import annotations

from pathlib import Path

import pytest
import stripe

from sandbox.stripe.faults import FaultPlan, parse_faults
from sandbox.stripe.params import check
from sandbox.stripe.routes import ROUTES
from sandbox.stripe.webhooks import sign
from sandbox.stripe.wire import Call, Refusal, decode_form, encode_form
from sandbox.stripe.world import PLATFORM, World


def test_forms_nest_and_come_back() -> None:
    nested = {"a": "1", "b": {"c": "2", "d": {"e": "x y"}}, "l": [{"q": "1"}, {"q": "2"}], "p": ["x", "y"]}
    encoded = "&".join(f"{name}={value.replace(' ', '+')}" for name, value in encode_form(nested))
    assert decode_form(encoded) == nested
    assert decode_form("types[]=a&types[]=b&empty=") == {"types": ["a", "b"], "empty": ""}
    assert list(decode_form("&".join(f"n[{i}]={i}" for i in range(12)))["n"]) == [str(i) for i in range(12)]
    with pytest.raises(Refusal):
        decode_form("a=1&a[b]=2")


def test_every_route_names_parameters_the_sdk_has() -> None:
    for route in ROUTES:
        assert isinstance(_attempt(route.spec), dict | Refusal)


def _attempt(spec: str) -> dict[str, object] | Refusal:
    try:
        return check(spec, {})
    except Refusal as refusal:
        return refusal


@pytest.mark.parametrize(
    ("params", "code", "param"),
    [
        ({"currency": "eur", "destination": "a", "foo": "1"}, "parameter_unknown", "foo"),
        ({"currency": "eur"}, "parameter_missing", "destination"),
        ({"currency": "eur", "destination": ""}, "parameter_invalid_empty", "destination"),
        ({"currency": "eur", "destination": "a", "amount": "1.5"}, "parameter_invalid_integer", "amount"),
        ({"currency": "eur", "destination": {"x": "y"}}, None, "destination"),
        ({"currency": "eur", "destination": "a", "source_type": "gold"}, None, "source_type"),
        ({"currency": "eur", "destination": "a", "metadata": "x"}, None, "metadata"),
        ({"currency": "eur", "destination": "a", "api_key": "x"}, "parameter_unknown", "api_key"),
    ],
)
def test_parameters_that_stripe_would_refuse(params: dict[str, object], code: str | None, param: str) -> None:
    with pytest.raises(Refusal) as caught:
        check("TransferCreateParams", params)
    assert (caught.value.status, caught.value.body.get("code"), caught.value.body["param"]) == (400, code, param)


def test_parameters_get_their_types() -> None:
    given = {"currency": "eur", "destination": "a", "amount": "12", "metadata": {"k": ""}, "expand": ["x"]}
    assert check("TransferCreateParams", given) == {**given, "amount": 12}
    assert check("AccountCreateParams", {"capabilities": {"transfers": {"requested": "true"}}}) == {
        "capabilities": {"transfers": {"requested": True}}
    }


def test_a_fault_plan_is_its_seed() -> None:
    plan = parse_faults("duplicate=0.25, reorder=0", 5)
    hits = [plan.hits("duplicate", n) for n in range(2_000)]
    assert hits == [parse_faults("duplicate=0.25", 5).hits("duplicate", n) for n in range(2_000)]
    assert hits != [FaultPlan(6, plan.rates).hits("duplicate", n) for n in range(2_000)]
    assert 400 < sum(hits) < 600
    assert not any(plan.hits("reorder", n) for n in range(100))
    for wrong in ("flood=0.1", "duplicate=2", "duplicate=x"):
        with pytest.raises(ValueError):
            parse_faults(wrong, 0)


def test_our_signature_is_the_sdks() -> None:
    payload = '{"id": "evt_1", "zh": "语料"}'
    assert sign(payload.encode(), "whsec_x", 123) == stripe.WebhookSignature.generate_signature_header(
        payload, "whsec_x", 123
    )


def test_ids_depend_on_the_seed_and_the_cause() -> None:
    one, two = World(FaultPlan(1)), World(FaultPlan(1))
    assert one.new_id("pi", "k") == two.new_id("pi", "k")
    assert one.new_id("pi", "k") != World(FaultPlan(1)).new_id("pi", "k")
    assert World(FaultPlan(2)).new_id("pi", "k") != World(FaultPlan(1)).new_id("pi", "k")


def test_balances_are_the_sum_of_their_lines_and_survive_a_restart(tmp_path: Path) -> None:
    world = World(state_file=tmp_path / "s.json")
    world.book(PLATFORM, "charge", 1_000, "eur", "ch_1", fee=29)
    world.book(PLATFORM, "refund", -400, "eur", "re_1")
    event = world.emit("x.y", {"id": "ch_1"})
    assert world.balance(PLATFORM, "eur") == 571
    world.save()
    again = World(state_file=tmp_path / "s.json")
    again.load()
    assert again.balance(PLATFORM, "eur") == 571
    assert again.fresh_events == [event["id"]]


def test_lists_page_both_ways_and_hide_other_accounts() -> None:
    world = World()
    ids = [world.add("thing", PLATFORM, {"id": f"th_{n}"})["id"] for n in range(5)]
    world.add("thing", "acct_other", {"id": "th_x"})

    def page(**params: object) -> tuple[list[str], bool]:
        found = world.page("thing", Call("GET", "/v1/things", params, PLATFORM, None, ""))
        return [row["id"] for row in found["data"]], found["has_more"]

    newest_first = ids[::-1]
    assert page(limit=2) == (newest_first[:2], True)
    assert page(limit=2, starting_after=newest_first[1]) == (newest_first[2:4], True)
    assert page(limit=2, ending_before=newest_first[2]) == (newest_first[:2], False)
    with pytest.raises(Refusal):
        page(limit=101)
    with pytest.raises(Refusal):
        page(starting_after="th_x")
