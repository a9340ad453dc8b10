"""The bench of the archive measures calls that are really archived, sealed, beside an ffmpeg that really encodes them."""

import shutil

import pytest

from dialer.benches.archive import measure_archive


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
def test_both_forms_are_measured_beside_ffmpeg() -> None:
    told: list[str] = []
    flac, opus = measure_archive(10, told.append, calls=2)
    for figures in (flac, opus):
        assert (figures.calls, figures.call_seconds) == (2, 10)
        assert figures.processor_seconds > 0
        assert figures.ffmpeg_processor_seconds > 0
        assert figures.times_ffmpeg == pytest.approx(figures.processor_seconds / figures.ffmpeg_processor_seconds, abs=0.01)
        assert figures.met == (figures.processor_seconds <= 2 * figures.ffmpeg_processor_seconds)
    assert (flac.form, opus.form) == ("flac", "opus")
    assert len(told) == 5
