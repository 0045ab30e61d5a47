from __future__ import annotations

import gc

import pytest

from exchange.kernel.collecting import no_collecting


def test_the_search_for_cycles_goes_on_after_the_last_piece_whatever_happens_in_it() -> None:
    assert gc.isenabled()
    first, second = no_collecting(), no_collecting()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert not gc.isenabled()
    second.__exit__(None, None, None)
    assert gc.isenabled()
    with pytest.raises(RuntimeError), no_collecting():
        raise RuntimeError
    assert gc.isenabled()


def test_where_it_was_off_it_stays_off() -> None:
    gc.disable()
    try:
        with no_collecting():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
