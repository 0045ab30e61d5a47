"""Which addresses may be called on somebody's word: public ones, by a name, encrypted. Pure: nothing is looked up here.

The sender (exchange/worker/hook_calls.py) connects to what stands here and to nothing else: a name is looked up once, every
answer must be public, and the connection goes to one of these very answers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

URL_MAX = 2000
PORTS = frozenset({443, 8443})
# One grammar for what is kept and what is called: no second reader of addresses that could see another host in them.
_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9.-]{1,253})(?::(?P<port>[1-9][0-9]{0,4}))?(?P<path>/[!$%&'()*+,./0-9:;=?@A-Z_a-z~-]*)?\Z"
)
_LABEL = r"(?!-)[a-z0-9-]{1,63}(?<!-)"
# The last label begins with a letter: what ends in a number is an address in one of its many spellings, never a name.
_NAME = re.compile(rf"(?:{_LABEL}\.)+(?=[a-z]){_LABEL}\Z")
_HERE = frozenset({"localhost", "127.0.0.1"})
# Python's own idea of what is global has changed between releases; these are kept out whatever it says.
# source   IANA's special-purpose registries (RFC 6890), RFC 6598, RFC 7526
_CLOSED_4 = tuple(
    ip_network(one)
    for one in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",
    )
)
# Of IPv6 only what is handed out for the world, so neither mapped (::ffff:), translated (64:ff9b:), local nor multicast ones;
# and of it neither tunnels that hold an IPv4 address (2001::/32, 2002::/16) nor documentation.
_OPEN_6 = ip_network("2000::/3")
_CLOSED_6 = tuple(ip_network(one) for one in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"))


class Unsafe(StrEnum):
    """Why an address is not called."""

    FORM = "address-form"
    NOT_HTTPS = "address-not-https"
    PORT = "address-port"
    HOST = "address-host"
    NOT_FOUND = "name-not-found"
    NOT_PUBLIC = "address-not-public"


@dataclass(frozen=True, slots=True)
class Target:
    """Where to call: a name, and what is asked for there; `here` is this very machine, in a sandbox."""

    scheme: str
    host: str
    port: int
    path: str
    here: bool = False

    @property
    def url(self) -> str:
        """The address as it was given."""
        usual = self.port == (443 if self.scheme == "https" else 80)
        return f"{self.scheme}://{self.host}{'' if usual else f':{self.port}'}{self.path}"


def target_of(url: str, *, loopback: bool = False) -> Target | Unsafe:
    """Read an address that somebody gave; `loopback` lets this machine in, as sandboxes and tests need.

    shapes   scheme and host in lower case, no user, no fragment, no address in numbers
    """
    found = _URL.match(url) if len(url) <= URL_MAX else None
    if found is None:
        return Unsafe.FORM
    scheme, host = found["scheme"], found["host"]
    port = int(found["port"] or (443 if scheme == "https" else 80))
    here = loopback and host in _HERE
    if not here and _NAME.match(host) is None:
        return Unsafe.HOST
    if not here and scheme != "https":
        return Unsafe.NOT_HTTPS
    if port > 65535 or not (here or port in PORTS):
        return Unsafe.PORT
    return Target(scheme, host, port, found["path"] or "/", here)


def safe_addresses(target: Target, answers: Sequence[str]) -> list[str] | Unsafe:
    """The answers of a look-up, if every single one may be called; they are connected to as they stand here."""
    if not answers:
        return Unsafe.NOT_FOUND
    allowed = is_loopback if target.here else is_public
    return list(dict.fromkeys(answers)) if all(allowed(one) for one in answers) else Unsafe.NOT_PUBLIC


def is_public(address: str) -> bool:
    """Whether an address belongs to the open internet and holds no other address in it."""
    found = _read(address)
    if isinstance(found, IPv4Address):
        return found.is_global and not any(found in one for one in _CLOSED_4)
    if isinstance(found, IPv6Address):
        return found.is_global and found in _OPEN_6 and not any(found in one for one in _CLOSED_6)
    return False


def is_loopback(address: str) -> bool:
    """Whether an address is this very machine."""
    found = _read(address)
    return found is not None and found.is_loopback


def _read(address: str) -> IPv4Address | IPv6Address | None:
    # A scope (fe80::1%eth0) names an interface of ours.
    if "%" in address:
        return None
    try:
        return ip_address(address)
    except ValueError:
        return None
