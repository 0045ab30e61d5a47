"""A witness does not listen where somebody listens: the server would share the port and take every other request."""

from __future__ import annotations

import socket

import pytest

from exchange.cli.witnessing import refuse_taken
from exchange.kernel.settings import BadSetting


def test_a_port_that_is_shared_by_its_owner_is_taken_all_the_same() -> None:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(BadSetting, match="cannot listen"):
            refuse_taken("127.0.0.1", port)
    refuse_taken("127.0.0.1", port)


@pytest.mark.parametrize(("host", "port"), [("127.0.0.1", 99_999), ("127.0.0.1", -1), ("no.such.host.invalid", 1)])
def test_an_address_that_is_none_is_refused_in_words(host: str, port: int) -> None:
    with pytest.raises(BadSetting, match="cannot listen"):
        refuse_taken(host, port)
