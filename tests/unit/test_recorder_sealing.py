"""Sealed audio: what comes out is what went in, whole and of that call, or nothing."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recorder.sealing import (
    HEADER,
    SEGMENT,
    TAG,
    BadSeal,
    Role,
    Seal,
    WrappedKey,
    new_data_key,
    parse_wrapped,
    unwrap,
    wrap,
)

KEY, KEK = new_data_key(), new_data_key()
AUDIO = Seal(KEY, "c1", Role.AUDIO)
LENGTHS = (0, 1, SEGMENT - 1, SEGMENT, SEGMENT + 1, 2 * SEGMENT, 2 * SEGMENT + 1, 3 * SEGMENT + 5)


def plain(length: int) -> bytes:
    return bytes(place * 31 % 251 for place in range(length))


@pytest.mark.parametrize("length", LENGTHS)
def test_what_was_sealed_opens_to_the_same_bytes_and_grows_by_a_tag_a_segment(length: int) -> None:
    sealed = AUDIO.seal(plain(length))
    assert AUDIO.open(sealed) == plain(length)
    assert len(sealed) == HEADER + length + TAG * max(1, -(-length // SEGMENT))


@pytest.mark.parametrize("length", LENGTHS)
def test_nothing_of_the_plain_bytes_is_seen_in_what_is_sealed(length: int) -> None:
    sealed = AUDIO.seal(b"+12125550123 " * (length // 13 + 1))
    assert b"2125550123" not in sealed


@settings(deadline=None)
@given(st.data())
def test_a_flipped_bit_anywhere_does_not_open(data: st.DataObject) -> None:
    length = data.draw(st.sampled_from(LENGTHS))
    sealed = bytearray(AUDIO.seal(plain(length)))
    place = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[place // 8] ^= 1 << place % 8
    with pytest.raises(BadSeal):
        AUDIO.open(bytes(sealed))


@settings(deadline=None)
@given(st.data())
def test_what_was_cut_off_at_any_byte_does_not_open(data: st.DataObject) -> None:
    sealed = AUDIO.seal(plain(data.draw(st.sampled_from(LENGTHS))))
    cut = data.draw(st.integers(0, len(sealed) - 1) | st.sampled_from([HEADER + SEGMENT + TAG, HEADER + 2 * (SEGMENT + TAG)]))
    if cut < len(sealed):
        with pytest.raises(BadSeal):
            AUDIO.open(sealed[:cut])


def test_two_segments_that_changed_places_do_not_open() -> None:
    sealed = AUDIO.seal(plain(3 * SEGMENT))
    first, second = HEADER, HEADER + SEGMENT + TAG
    third = second + SEGMENT + TAG
    with pytest.raises(BadSeal, match="segment 0"):
        AUDIO.open(sealed[:first] + sealed[second:third] + sealed[first:second] + sealed[third:])


def test_the_audio_of_one_call_is_not_taken_for_that_of_another_nor_for_its_sidecar() -> None:
    sealed = AUDIO.seal(b"audio")
    for other in (Seal(KEY, "c2", Role.AUDIO), Seal(KEY, "c1", Role.SIDECAR), Seal(new_data_key(), "c1", Role.AUDIO)):
        with pytest.raises(BadSeal, match=f"call {other.call_id}"):
            other.open(sealed)


def test_the_same_bytes_are_never_sealed_to_the_same_bytes() -> None:
    assert len({AUDIO.seal(b"again") for _ in range(100)}) == 100


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2 * SEGMENT + 10), st.integers(1, 1000)), max_size=8))
def test_any_stretch_is_read_without_what_is_before_it(stretches: list[tuple[int, int]]) -> None:
    whole = plain(2 * SEGMENT + 10)
    file = AUDIO.reader(io.BytesIO(_SEALED))
    for start, length in stretches:
        assert file.seek(start) == start
        assert file.read(length) == whole[start : start + length]


_SEALED = AUDIO.seal(plain(2 * SEGMENT + 10))


@settings(deadline=None)
@given(st.integers(0, 2 * SEGMENT), st.integers(0, SEGMENT - 8))
def test_an_encoder_may_come_back_to_its_header(length: int, place: int) -> None:
    """As libsndfile does: the length of a FLAC is known at its end."""
    sealed, expected = io.BytesIO(), bytearray(plain(length + 8))
    writer = AUDIO.writer(sealed)
    writer.write(bytes(expected))
    place = min(place, length)
    assert writer.seek(place) == place
    writer.write(b"8 octets")
    expected[place : place + 8] = b"8 octets"
    writer.seek(0, io.SEEK_END)
    writer.write(b"tail")
    writer.finish()
    if place + 8 <= SEGMENT:
        assert AUDIO.open(sealed.getvalue()) == bytes(expected) + b"tail"


def test_what_left_the_first_segment_is_not_written_again() -> None:
    writer = AUDIO.writer(io.BytesIO())
    writer.write(plain(SEGMENT + 100))
    writer.seek(SEGMENT)
    with pytest.raises(io.UnsupportedOperation, match="first segment"):
        writer.write(b"x")
    with pytest.raises(io.UnsupportedOperation):
        writer.read()
    with pytest.raises(ValueError, match="among"):
        writer.seek(SEGMENT + 101)


def test_a_file_without_its_end_does_not_open() -> None:
    sealed = io.BytesIO()
    AUDIO.writer(sealed).write(plain(3 * SEGMENT))  # killed before `finish`
    with pytest.raises(BadSeal):
        AUDIO.open(sealed.getvalue())


def test_a_wrapped_key_opens_with_the_key_it_was_wrapped_with_and_for_its_own_call_alone() -> None:
    wrapped = wrap(KEY, "c1", KEK, "0001-a")
    assert unwrap(wrapped, KEK) == KEY
    assert parse_wrapped(wrapped.text(), "c1") == wrapped
    for other in (WrappedKey("c2", "0001-a", wrapped.wrapped), WrappedKey("c1", "0002-b", wrapped.wrapped)):
        with pytest.raises(BadSeal, match="altered"):
            unwrap(other, KEK)
    with pytest.raises(BadSeal):
        unwrap(wrapped, new_data_key())
    with pytest.raises(BadSeal, match="call c2"):
        parse_wrapped(wrapped.text(), "c2")


@settings(deadline=None)
@given(st.data())
def test_a_flipped_bit_in_a_key_file_is_seen(data: st.DataObject) -> None:
    wrapped = wrap(KEY, "c1", KEK, "0001-a")
    content = bytearray(wrapped.text().encode())
    place = data.draw(st.integers(0, len(content) * 8 - 1))
    content[place // 8] ^= 1 << place % 8
    with pytest.raises((BadSeal, UnicodeDecodeError)):
        unwrap(parse_wrapped(content.decode(), "c1"), KEK)


def test_no_key_is_shown_by_what_holds_it() -> None:
    assert KEY.hex() not in repr(AUDIO)
    assert repr(KEY) not in repr(AUDIO)
