"""Connected accounts: capabilities and agreements, onboarding links, bank accounts, restrictions."""

from __future__ import annotations

from typing import Any

from sandbox.stripe.cards import GOOD_BANK
from sandbox.stripe.events import emit
from sandbox.stripe.listing import cut, merge_metadata
from sandbox.stripe.wire import Call, Json, Refusal, missing
from sandbox.stripe.world import PLATFORM, World, step

_CURRENCIES = {"US": "usd", "GB": "gbp", "CH": "chf", "CN": "cny", "HK": "hkd", "JP": "jpy", "SG": "sgd", "CA": "cad"}
_LINK_S = 300
_DETAILS = ("business_profile.url", "external_account", "tos_acceptance.date", "tos_acceptance.ip")


def create(world: World, call: Call) -> Json:
    """Open a connected account; its capabilities are active at once unless onboarding is required."""
    params = call.params
    wanted = _wanted(params)
    agreement = (params.get("tos_acceptance") or {}).get("service_agreement") or "full"
    _agree(agreement, wanted)
    country = params.get("country", "US")
    account_id = world.new_id("acct", world.basis(call))
    made: Json = {
        "id": account_id,
        "business_profile": params.get("business_profile"),
        "business_type": params.get("business_type"),
        "capabilities": dict.fromkeys(wanted, "inactive"),
        "charges_enabled": False,
        "controller": _controller(params),
        "country": country,
        "default_currency": params.get("default_currency", _CURRENCIES.get(country, "eur")),
        "details_submitted": False,
        "email": params.get("email"),
        "external_accounts": _list([], f"/v1/accounts/{account_id}/external_accounts"),
        "metadata": params.get("metadata") or {},
        "payouts_enabled": False,
        "requirements": _requirements(list(_DETAILS), "requirements.past_due"),
        "tos_acceptance": {"service_agreement": agreement, **_accepted(params)},
        "type": params.get("type", "none" if "controller" in params else "standard"),
    }
    account = world.add("account", PLATFORM, made)
    account["settings"] = _settings(world, account, params)
    if params.get("external_account"):
        _add_bank(world, account, params["external_account"], True)
    emit(world, "account.updated", account, account_id, call)
    if not world.options.require_onboarding:
        finish_onboarding(world, account)
    if world.faults.hits("account_restricted", account_id):
        world.later(world.options.fail_late_s, "restrict", account_id, "under_review", world.options.restricted_s)
    return account


def _wanted(params: Json) -> list[str]:
    return [name for name, asked in (params.get("capabilities") or {}).items() if asked.get("requested")]


def _agree(agreement: str, wanted: list[str]) -> None:
    # source: https://docs.stripe.com/connect/service-agreement-types
    if agreement not in ("full", "recipient"):
        raise Refusal(400, f"Invalid service agreement: {agreement}", param="tos_acceptance[service_agreement]")
    if agreement == "recipient" and "card_payments" in wanted:
        message = "Accounts under the recipient service agreement cannot request the card_payments capability."
        raise Refusal(400, message, param="capabilities[card_payments]")
    if agreement == "full" and "transfers" in wanted and "card_payments" not in wanted:
        message = (
            "You cannot request the `transfers` capability without `card_payments` under the full service agreement. "
            "Set tos_acceptance[service_agreement] to `recipient`."
        )
        raise Refusal(400, message, param="capabilities[transfers]")


def _accepted(params: Json) -> Json:
    given = params.get("tos_acceptance") or {}
    return {name: given[name] for name in ("date", "ip", "user_agent") if name in given}


def _controller(params: Json) -> Json:
    given = params.get("controller")
    if given is None:
        return (
            {"type": "application"}
            if params.get("type") == "custom"
            else {"type": "application", "is_controller": True}
        )
    return {"type": "application", "is_controller": True, **given}


def _settings(world: World, account: Json, params: Json) -> Json:
    given = ((params.get("settings") or {}).get("payouts")) or {}
    schedule = {"delay_days": 2, "interval": world.options.payout_interval, **(given.get("schedule") or {})}
    if schedule["delay_days"] == "minimum":
        schedule["delay_days"] = 2
    payouts = {
        "debit_negative_balances": given.get("debit_negative_balances", False),
        "schedule": _anchored(schedule),
        "statement_descriptor": given.get("statement_descriptor"),
    }
    return {**(account["settings"] or _NO_SETTINGS), "payouts": payouts}


def _anchored(schedule: Json) -> Json:
    if schedule["interval"] == "weekly":
        return {"weekly_anchor": "monday", **schedule}
    if schedule["interval"] == "monthly":
        return {"monthly_anchor": 1, **schedule}
    return schedule


_NO_SETTINGS: Json = {
    "branding": {"icon": None, "logo": None, "primary_color": None, "secondary_color": None},
    "card_payments": {
        "statement_descriptor_prefix": None,
        "statement_descriptor_prefix_kana": None,
        "statement_descriptor_prefix_kanji": None,
    },
    "dashboard": {"display_name": None, "timezone": "Etc/UTC"},
    "payments": {
        "statement_descriptor": None,
        "statement_descriptor_kana": None,
        "statement_descriptor_kanji": None,
    },
}


def _requirements(due: list[str], reason: str | None) -> Json:
    return {
        "alternatives": [],
        "current_deadline": None,
        "currently_due": due,
        "disabled_reason": reason,
        "errors": [],
        "eventually_due": due,
        "past_due": [],
        "pending_verification": [],
    }


def _list(rows: list[Json], url: str) -> Json:
    return {"object": "list", "data": rows, "has_more": False, "url": url}


def get(world: World, call: Call) -> Json:
    """Read a connected account of the platform; an account reads itself."""
    return world.get("account", call.names["id"], PLATFORM, "account")


def own(world: World, call: Call) -> Json:
    """The account that asks; the platform's own is short."""
    if call.account != PLATFORM:
        return world.get("account", call.account, PLATFORM)
    return {"id": PLATFORM, "object": "account", **_PLATFORM, "settings": dict(_NO_SETTINGS)}


_PLATFORM: Json = {
    "business_profile": None,
    "business_type": "company",
    "capabilities": {"card_payments": "active", "transfers": "active"},
    "charges_enabled": True,
    "controller": {"type": "account"},
    "country": "DE",
    "created": 1_700_000_000,
    "default_currency": "eur",
    "details_submitted": True,
    "email": None,
    "external_accounts": _list([], f"/v1/accounts/{PLATFORM}/external_accounts"),
    "future_requirements": _requirements([], None),
    "metadata": {},
    "payouts_enabled": True,
    "requirements": _requirements([], None),
    "tos_acceptance": {"date": 1_700_000_000, "ip": None, "user_agent": None},
    "type": "standard",
}


def update(world: World, call: Call) -> Json:
    """Change what the platform may change."""
    account, params = get(world, call), call.params
    wanted = [*account["capabilities"], *_wanted(params)]
    agreement = (params.get("tos_acceptance") or {}).get("service_agreement") or account["tos_acceptance"][
        "service_agreement"
    ]
    _agree(agreement, wanted)
    account["tos_acceptance"] |= {"service_agreement": agreement, **_accepted(params)}
    for name in ("business_profile", "email", "business_type", "default_currency"):
        if name in params:
            account[name] = params[name]
    if "settings" in params:
        account["settings"] = _settings(world, account, params)
    if params.get("external_account"):
        _add_bank(world, account, params["external_account"], True)
    for name in _wanted(params):
        account["capabilities"].setdefault(name, "inactive")
    merge_metadata(account, call)
    _judge(world, account)
    emit(world, "account.updated", account, account["id"], call)
    return account


def delete(world: World, call: Call) -> Json:
    """Close an account whose balances are zero."""
    account = get(world, call)
    if any(any(both) for both in world.purses.get(account["id"], {}).values()):
        raise Refusal(400, "This account still has a balance.", code="balance_nonzero")
    emit(world, "account.application.deauthorized", account, account["id"], call)
    return world.drop(account["id"])


# --- onboarding ----------------------------------------------------------------------------
def link_create(world: World, call: Call) -> Json:
    """A link to the page where the account's owner ends the onboarding: for one visit, for a few minutes."""
    account = world.get("account", call.params["account"], PLATFORM, "account")
    token = world.new_id("link", account["id"], world.count(f"links/{account['id']}"))
    places = {name: call.params.get(name) for name in ("return_url", "refresh_url")}
    world.note(token).update(account=account["id"], until=world.now + _LINK_S, **places)
    url = f"{call.origin}/onboarding/{token}"
    return {"object": "account_link", "created": world.now, "expires_at": world.now + _LINK_S, "url": url}


def visit(world: World, token: str, bank: str | None) -> str:
    """What the owner's visit does; answers where they go next: an old or used link only leads to a new one."""
    link = world.notes.get(token, {})
    if "account" not in link:
        raise missing("account_link", token)
    if link.get("used") or link["until"] < world.clock:
        return str(link["refresh_url"] or "/")
    link["used"] = True
    account = world.objects[link["account"]]
    if bank is not None:
        _add_bank(world, account, {"account_number": bank, "country": account["country"]}, True)
    finish_onboarding(world, account)
    return str(link["return_url"] or "/")


def finish_onboarding(world: World, account: Json) -> None:
    """The owner has said everything, their bank account too."""
    if not account["external_accounts"]["data"]:
        _add_bank(world, account, {"account_number": GOOD_BANK, "country": account["country"]}, True)
    account["details_submitted"] = True
    account["tos_acceptance"]["date"] = world.now
    before = dict(account["capabilities"])
    _judge(world, account)
    emit(world, "account.updated", account, account["id"], capabilities=before)


def _judge(world: World, account: Json) -> None:
    """What the account may do now, by its details, its bank account and what holds it back."""
    held = world.note(account["id"]).get("restricted")
    banks = account["external_accounts"]["data"]
    good = account["details_submitted"] and not held
    for name, state in account["capabilities"].items():
        now = "active" if good else "inactive"
        if state != now:
            account["capabilities"][name] = now
            emit(world, "capability.updated", _capability(world, account, name), account["id"])
    account["charges_enabled"] = good and "card_payments" in account["capabilities"]
    account["payouts_enabled"] = bool(good and banks and any(bank["status"] != "errored" for bank in banks))
    due = [] if account["details_submitted"] else list(_DETAILS)
    if account["details_submitted"] and not account["payouts_enabled"] and not held:
        due = ["external_account"]
    reason = held or ("requirements.past_due" if due else None)
    account["requirements"] = _requirements(due, reason)


# --- restrictions --------------------------------------------------------------------------
@step
def restrict(world: World, account_id: str, reason: str, for_s: float | None) -> None:
    """Stripe stops what an account may do; after a while, if one is named, it may again."""
    account = world.objects.get(account_id)
    if account is None:
        return
    world.note(account_id)["restricted"] = reason
    _judge(world, account)
    emit(world, "account.updated", account, account_id)
    if for_s is not None:
        world.later(for_s, "lift", account_id)


@step
def lift(world: World, account_id: str) -> None:
    """A restriction ends."""
    account = world.objects.get(account_id)
    if account is not None and world.note(account_id).pop("restricted", None):
        _judge(world, account)
        emit(world, "account.updated", account, account_id)


# --- capabilities --------------------------------------------------------------------------
def _capability(world: World, account: Json, name: str) -> Json:
    state, reason = account["capabilities"].get(name), account["requirements"]["disabled_reason"]
    if reason is not None:
        reason = "requirements.fields_needed" if reason == "requirements.past_due" else "pending.review"
    return {
        "id": name,
        "object": "capability",
        "account": account["id"],
        "future_requirements": _requirements([], None),
        "requested": state is not None,
        "requested_at": account["created"] if state is not None else None,
        "requirements": {**world.show(account["requirements"]), "disabled_reason": reason},
        "status": state or "unrequested",
    }


def capability_get(world: World, call: Call) -> Json:
    """One capability of an account."""
    return _capability(world, get(world, call), call.names["capability"])


def capability_list(world: World, call: Call) -> Json:
    """The capabilities an account asked for."""
    account = get(world, call)
    return _list([_capability(world, account, name) for name in account["capabilities"]], call.path)


def capability_update(world: World, call: Call) -> Json:
    """Ask for a capability."""
    account, name = get(world, call), call.names["capability"]
    if call.params.get("requested"):
        _agree(account["tos_acceptance"]["service_agreement"], [*account["capabilities"], name])
        account["capabilities"].setdefault(name, "inactive")
        _judge(world, account)
        emit(world, "account.updated", account, account["id"], call)
    return _capability(world, account, name)


# --- bank accounts -------------------------------------------------------------------------
def _add_bank(world: World, account: Json, given: Any, default: bool) -> Json:
    if isinstance(given, str):
        # The SDK lets a token stand here; our only tokens are Stripe's test tokens.
        given = {
            "account_number": "000111111116" if given.endswith("noAccount") else GOOD_BANK,
            "country": account["country"],
        }
    number = str(given.get("account_number", "")).replace(" ", "")
    if not number:
        raise Refusal(400, "Missing required param: external_account[account_number].", param="external_account")
    bank_id = world.new_id("ba", account["id"], number)
    made = {
        "id": bank_id,
        "account": account["id"],
        "account_holder_name": given.get("account_holder_name"),
        "account_holder_type": given.get("account_holder_type"),
        "available_payout_methods": ["standard"],
        "bank_name": "STRIPE TEST BANK",
        "country": given.get("country", account["country"]),
        "currency": (given.get("currency") or account["default_currency"]).lower(),
        "default_for_currency": default,
        "fingerprint": bank_id[-16:],
        "last4": number[-4:],
        "metadata": given.get("metadata") or {},
        "routing_number": given.get("routing_number"),
        "status": "new",
    }
    bank = world.add("bank_account", account["id"], made, number=number)
    others = account["external_accounts"]["data"]
    if default:
        for other in list(others):
            if other["currency"] == bank["currency"]:
                others.remove(other)
    others.insert(0, bank)
    return bank


def bank_create(world: World, call: Call) -> Json:
    """Name another bank account; the default one of its currency is replaced."""
    account = get(world, call)
    bank = _add_bank(world, account, call.params["external_account"], True)
    _judge(world, account)
    emit(world, "account.external_account.created", bank, account["id"], call)
    emit(world, "account.updated", account, account["id"], call)
    return bank


def bank_list(world: World, call: Call) -> Json:
    """An account's bank accounts."""
    return cut(list(get(world, call)["external_accounts"]["data"]), call)


def bank_get(world: World, call: Call) -> Json:
    """One bank account of an account."""
    return world.get("bank_account", call.names["bank"], get(world, call)["id"])


def bank_delete(world: World, call: Call) -> Json:
    """Forget a bank account."""
    account, bank = get(world, call), bank_get(world, call)
    account["external_accounts"]["data"].remove(bank)
    _judge(world, account)
    emit(world, "account.external_account.deleted", bank, account["id"], call)
    return world.drop(bank["id"])


def bank_of(account: Json, currency: str) -> Json | None:
    """Where an account's payouts of a currency go, if anywhere."""
    found = [one for one in account["external_accounts"]["data"] if one["currency"] == currency]
    return dict(found[0]) if found else None


def bank_failed(world: World, account: Json, bank_id: str) -> None:
    """A payout could not be delivered: nothing more goes to this bank account until it is renewed."""
    for bank in account["external_accounts"]["data"]:
        if bank["id"] == bank_id:
            bank["status"] = "errored"
            world.objects[bank_id]["status"] = "errored"
            _judge(world, account)
            emit(world, "account.external_account.updated", bank, account["id"])
            emit(world, "account.updated", account, account["id"])
