"""Log lines go where standard error is, not where it once was."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator

import pytest
import structlog

from exchange.kernel import logs


@pytest.fixture
def as_before() -> Iterator[None]:
    """Leave the configuration to others as it was."""
    config = structlog.get_config()
    try:
        yield
    finally:
        structlog.configure(**config)


@pytest.mark.usefixtures("as_before")
def test_a_kept_logger_writes_on_when_standard_error_was_closed() -> None:
    first, second = io.StringIO(), io.StringIO()
    with contextlib.redirect_stderr(first):
        logs.configure()
        log = structlog.get_logger()
        log.warning("one")
    assert '"event": "one"' in first.getvalue()
    first.close()
    with contextlib.redirect_stderr(second):
        log.warning("two")
    assert '"event": "two"' in second.getvalue()
