"""One action is one action, and no packet is lost or bent however the bytes are cut."""

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip.ami_codec import LONGEST_LINE, LONGEST_PACKET, MOST_LINES, Decoder, Packet, encode
from sip.port import ProtocolViolation

BANNER = b"Asterisk Call Manager/11.0.0\r\n"


def decoded(*chunks: bytes) -> list[Packet]:
    decoder = Decoder()
    return [packet for chunk in chunks for packet in decoder.feed(chunk)]


def a_packet(*fields: tuple[str, str]) -> bytes:
    return b"".join(f"{key}: {value}\r\n".encode() for key, value in fields) + b"\r\n"


@st.composite
def cut_streams(draw: st.DrawFn) -> tuple[bytes, list[bytes]]:
    """A stream of packets with any bytes in them, whole and cut at arbitrary places."""
    lines = st.binary(max_size=30).map(lambda noise: noise.replace(b"\r\n", b"")) | st.sampled_from(
        [b"Event: Hangup", b"Variable: a=1", b"Variable: b=2", b"\r", b"\n", b"Cause: 16", "Name: é\u0085\u2028喂".encode()]
    )
    packets = draw(st.lists(st.lists(lines, max_size=6), max_size=5))
    stream = BANNER + b"".join(b"".join(line + b"\r\n" for line in packet) + b"\r\n" for packet in packets)
    cuts = sorted(draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    edges = [0, *cuts, len(stream)]
    return stream, [stream[start:end] for start, end in itertools.pairwise(edges)]


@given(cut_streams())
def test_a_stream_gives_the_same_packets_wherever_it_is_cut(cut: tuple[bytes, list[bytes]]) -> None:
    stream, chunks = cut
    assert decoded(*chunks) == decoded(stream)


@given(cut_streams())
def test_a_stream_fed_byte_by_byte_gives_the_same_packets(cut: tuple[bytes, list[bytes]]) -> None:
    stream, _ = cut
    assert decoded(*(bytes([byte]) for byte in stream)) == decoded(stream)


KEYS = st.from_regex(re.compile(r"[A-Za-z0-9_-]{1,20}", re.ASCII), fullmatch=True)
VALUES = st.text(max_size=60).filter(lambda text: not re.search(r"[\r\n\0]", text) and text.isprintable())


@given(action=KEYS, fields=st.lists(st.tuples(KEYS, VALUES), max_size=10))
def test_what_is_encoded_is_decoded_unchanged(action: str, fields: list[tuple[str, str]]) -> None:
    wire = encode(action, fields)
    assert decoded(BANNER, wire) == [Packet((("Action", action), *fields))]


@given(
    action=st.text(max_size=20),
    fields=st.lists(st.tuples(st.text(max_size=20), st.text(max_size=20)), max_size=4),
    variables=st.dictionaries(st.text(max_size=10), st.text(max_size=10), max_size=3),
)
def test_no_text_of_any_kind_makes_a_second_action(action: str, fields: list[tuple[str, str]], variables: dict[str, str]) -> None:
    try:
        wire = encode(action, fields, variables)
    except ProtocolViolation:
        return
    assert wire.count(b"\r\n\r\n") == 1
    assert wire.count(b"\r\n") == wire.count(b"\n") == wire.count(b"\r") == 2 + len(fields) + len(variables)


@pytest.mark.parametrize("breaker", ["\r", "\n", "\r\n", "\0", "a\r\nAction: Originate"])
@pytest.mark.parametrize("place", ["action", "key", "value", "variable name", "variable value"])
def test_a_line_break_is_refused_in_every_place(place: str, breaker: str) -> None:
    with pytest.raises(ProtocolViolation):
        encode(
            breaker if place == "action" else "Originate",
            [(breaker if place == "key" else "Channel", breaker if place == "value" else "PJSIP/1")],
            {breaker if place == "variable name" else "RF_CALL": breaker if place == "variable value" else "1"},
        )


@pytest.mark.parametrize("value", ["a,b", 'a"b', "a\\b"])
def test_a_variable_that_asterisk_would_cut_or_unquote_is_refused(value: str) -> None:
    with pytest.raises(ProtocolViolation, match="RF_PROMPT"):
        encode("Originate", [], {"RF_PROMPT": value})


def test_a_refused_value_is_not_shown_since_it_may_be_a_secret() -> None:
    with pytest.raises(ProtocolViolation) as refused:
        encode("Login", [("Secret", "hunter2\n")])
    assert "hunter2" not in str(refused.value)


def test_a_line_that_asterisk_would_drop_is_refused() -> None:
    room = LONGEST_LINE - len("Data: \r\n")
    assert encode("UserEvent", [("Data", "x" * room)])
    with pytest.raises(ProtocolViolation, match="Data"):
        encode("UserEvent", [("Data", "x" * (room + 1))])


def test_more_lines_than_asterisk_keeps_are_refused() -> None:
    with pytest.raises(ProtocolViolation, match=str(MOST_LINES)):
        encode("Originate", [("Codecs", "ulaw")] * MOST_LINES)


def test_half_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(ProtocolViolation, match="Unicode"):
        encode("UserEvent", [("Name", "\ud800")])


def test_repeated_keys_are_kept_in_order() -> None:
    [packet] = decoded(BANNER, a_packet(("Event", "Status"), ("ChanVariable", "a=1"), ("ChanVariable", "b=2")))
    assert packet.all("ChanVariable") == ("a=1", "b=2")
    assert packet.get("ChanVariable") == "a=1"
    assert packet.get("Absent") == ""
    assert packet.get("Absent", "otherwise") == "otherwise"


@pytest.mark.parametrize("character", ["\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029"])
def test_a_value_is_not_cut_at_what_python_takes_for_a_line_end(character: str) -> None:
    value = f"before{character}after"
    [packet] = decoded(BANNER, a_packet(("Event", "UserEvent"), ("Name", value), ("Last", "yes")))
    assert packet.get("Name") == value
    assert packet.get("Last") == "yes"


def test_bytes_that_are_not_utf8_do_not_stop_the_stream() -> None:
    first, second = decoded(BANNER, b"Event: Hangup\r\nCallerIDName: \xff\xfe\r\n\r\n", a_packet(("Event", "Newchannel")))
    assert first.event == "Hangup"
    assert first.get("CallerIDName") == "\ufffd\ufffd"
    assert second.event == "Newchannel"


def test_an_originate_response_event_is_not_taken_for_a_response() -> None:
    [packet] = decoded(BANNER, a_packet(("Event", "OriginateResponse"), ("Response", "Failure")))
    assert packet.event == "OriginateResponse"
    assert packet.response == ""


def test_a_value_keeps_its_own_blanks_and_colons() -> None:
    [packet] = decoded(BANNER, b"Event: UserEvent\r\nPath:  a: b \r\nEmpty: \r\nBare:\r\n\r\n")
    assert packet.get("Path") == " a: b "
    assert packet.get("Empty", "absent") == packet.get("Bare", "absent") == ""


def test_the_banner_tells_the_version() -> None:
    decoder = Decoder()
    assert decoder.feed(BANNER[:10]) == []
    assert decoder.version is None
    assert decoder.feed(BANNER[10:]) == []
    assert decoder.version == "11.0.0"


@pytest.mark.parametrize("greeting", [b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\r\n", b"Asterisk!"])
def test_what_does_not_greet_like_asterisk_is_refused_at_once(greeting: bytes) -> None:
    with pytest.raises(ProtocolViolation, match="no Asterisk manager"):
        decoded(greeting)


@pytest.mark.parametrize("ended", [b"", b"\r\n\r\n"])
def test_a_packet_without_bound_is_refused(ended: bytes) -> None:
    with pytest.raises(ProtocolViolation, match=str(LONGEST_PACKET)):
        decoded(BANNER, b"Event: " + b"x" * LONGEST_PACKET + ended)
