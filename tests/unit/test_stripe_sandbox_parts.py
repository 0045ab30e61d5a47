"""The sandbox's parts without a socket: forms, parameters, faults, signatures, money, pages of lists."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import stripe

from sandbox.stripe.__main__ import arguments, world_of
from sandbox.stripe.events import emit, listen
from sandbox.stripe.faults import FaultPlan, parse_faults
from sandbox.stripe.listing import page
from sandbox.stripe.money import available, book, waiting
from sandbox.stripe.options import Options, chosen
from sandbox.stripe.params import check
from sandbox.stripe.routes import ROUTES
from sandbox.stripe.shapes import blank, misshapen
from sandbox.stripe.webhooks import sign
from sandbox.stripe.wire import Call, Refusal, decode_form
from sandbox.stripe.world import PLATFORM, World


def test_forms_nest() -> None:
    encoded = "a=1&b[c]=2&b[d][e]=x+y&l[0][q]=1&l[1][q]=2&p[0]=x&p[1]=y"
    nested = {"a": "1", "b": {"c": "2", "d": {"e": "x y"}}, "l": [{"q": "1"}, {"q": "2"}], "p": ["x", "y"]}
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
    listen(world, "http://127.0.0.1:9/", "whsec_x", "both")
    book(world, PLATFORM, "charge", 1_000, "eur", "ch_1", fee=29)
    book(world, PLATFORM, "refund", -400, "eur", "re_1")
    book(world, PLATFORM, "charge", 50, "eur", "ch_2", on=world.clock + 60)
    event = emit(world, "x.y", {"id": "ch_1"})
    world.advance()
    world.save()
    again = World(state_file=tmp_path / "s.json")
    assert again.load()
    assert (available(again, PLATFORM, "eur"), waiting(again, PLATFORM, "eur")) == (571, 50)
    assert [one["event"] for one in again.outbox] == [event["id"]]
    again.advance(61)
    assert (available(again, PLATFORM, "eur"), waiting(again, PLATFORM, "eur")) == (621, 0)
    assert again.check() == []


def test_lists_page_both_ways_and_hide_other_accounts() -> None:
    world = World()
    ids = [world.add("thing", PLATFORM, {"id": f"th_{n}"})["id"] for n in range(5)]
    world.add("thing", "acct_other", {"id": "th_x"})

    def shown(**params: object) -> tuple[list[str], bool]:
        found = page(world, "thing", Call("GET", "/v1/things", params, PLATFORM, None, ""))
        return [row["id"] for row in found["data"]], found["has_more"]

    newest_first = ids[::-1]
    assert shown(limit=2) == (newest_first[:2], True)
    assert shown(limit=2, starting_after=newest_first[1]) == (newest_first[2:4], True)
    assert shown(limit=2, ending_before=newest_first[2]) == (newest_first[:2], False)
    with pytest.raises(Refusal):
        shown(limit=101)
    with pytest.raises(Refusal):
        shown(starting_after="th_x")


def test_an_answer_that_stripe_would_not_give_is_named() -> None:
    good = {"object": "transfer", **blank("transfer"), "id": "tr_1", "created": 1, "livemode": False}
    assert list(misshapen(good)) == []
    changes: list[tuple[dict[str, Any], str]] = [
        ({"colour": "red"}, "transfer.colour is no field of Stripe's"),
        ({"amount": "12"}, "transfer.amount has the wrong type: '12'"),
        ({"reversed": 1}, "transfer.reversed has the wrong type: 1"),
        ({"amount": None}, "transfer.amount may not be null"),
        ({"destination": {"object": "charge"}}, "transfer.destination is a 'charge', not one of ['account']"),
    ]
    for change, said in changes:
        assert said in list(misshapen({**good, **change}))
    del good["amount_reversed"]
    assert list(misshapen({"object": "list", "data": [good]})) == [".data[0].amount_reversed is missing"]
    payout = {"object": "payout", **blank("payout"), "id": "po_1", "created": 1, "livemode": False}
    assert "payout.type is 'pigeon', not one of" in next(misshapen({**payout, "type": "pigeon"}))


def test_the_command_line_makes_a_world_with_its_endpoints(tmp_path: Path) -> None:
    def endpoints(*more: str) -> list[tuple[str, str, str]]:
        line = ["--port", "1", "--webhook-url", "held:", "--webhook-secret", "whsec_p", "--state", str(tmp_path / "s")]
        world = world_of(arguments([*line, "--clock", "virtual", "--settle-s", "60", "--require-onboarding", *more]))
        assert (world.virtual, world.options) == (True, Options(settle_s=60, require_onboarding=True))
        world.save()
        notes = [(one["url"], world.note(one["id"])) for one in world.every("webhook_endpoint")]
        return [(url, note["of"], note["secret"]) for url, note in notes]

    assert endpoints() == [("held:", "both", "whsec_p")]
    (tmp_path / "s").unlink()
    two = [("held:", "platform", "whsec_p"), ("held:", "connect", "whsec_c")]
    assert endpoints("--connect-webhook-secret", "whsec_c") == two
    # Started again with the same file it knows them; a file of an earlier layout is set aside.
    assert endpoints("--connect-webhook-secret", "whsec_c") == two
    (tmp_path / "s").write_text('{"objects": {}, "child_calls": []}')
    assert endpoints() == [("held:", "both", "whsec_p")]
    assert (tmp_path / "s.old").exists()


def test_options_are_known_and_of_their_type() -> None:
    assert chosen({"settle_s": 5, "fee_bps": 290}) == Options(settle_s=5, fee_bps=290)
    for wrong in ({"settle": 5}, {"fee_bps": "290"}, {"fee_bps": 2.9}):
        with pytest.raises(ValueError, match="no option"):
            chosen(wrong)
