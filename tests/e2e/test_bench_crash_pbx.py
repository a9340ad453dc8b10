"""The crash bench of the PBX, with a real Asterisk, agents on SIP phones and a floor of its own."""

import pytest

from dialer.benches.crash_pbx import measure_pbx_crash

pytestmark = [pytest.mark.asterisk, pytest.mark.soak]


def test_an_asterisk_that_is_killed_loses_no_more_than_it_had_not_written() -> None:
    said: list[str] = []
    figures = measure_pbx_crash(2, said.append)
    assert figures.kills == 2
    assert figures.cut_off >= 2
    assert figures.outcome.calls >= figures.cut_off
    assert figures.intact, (figures, said)
