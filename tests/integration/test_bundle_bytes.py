"""Every single byte of an agreement's file, one after another."""

from __future__ import annotations

import re

import pytest

from contracts import bundle
from tests.support.papers import made

SIGNS = b"[,"


@pytest.mark.slow
def test_no_byte_of_a_file_can_change_unseen() -> None:
    whole = made(events=False).bundle()
    inside = {at for text in re.finditer(rb"[A-Za-z0-9+/=_-]{40,}", whole) for at in range(*text.span())}
    missed = []
    for at, byte in enumerate(whole):
        # Within digests and base64 one bit stands for all; elsewhere a sign of JSON can do more harm.
        for changed in {byte ^ 1} if at in inside else {byte ^ 1, *SIGNS} - {byte}:
            faults = bundle.verify(whole[:at] + bytes([changed]) + whole[at + 1 :]).faults
            if not any(one.start <= at < one.end and one.end - one.start < len(whole) // 2 for one in faults):
                missed.append((at, changed))
    assert missed == []
