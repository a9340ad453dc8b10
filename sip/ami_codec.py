"""Bytes to packets and back: the wire of Asterisk's manager interface (AMI), with no socket in sight.

Protects two rules. One action is one action: no key or value may hold CR, LF or NUL, which would begin a second action.
And no packet is lost or bent: packets may be split at any byte, keys may repeat, a value may hold any character (also
U+0085 and U+2028, at which `str.splitlines` would cut) and bytes that are not UTF-8 do not stop the stream.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sip.port import ProtocolViolation

BANNER = b"Asterisk Call Manager/"
LONGEST_BANNER = 256
LONGEST_PACKET = 1 << 20  # bytes; a stream that never ends a packet is not an Asterisk
LONGEST_LINE = 1000  # bytes; Asterisk reads actions in lines of 1025 and drops what is longer without a word
MOST_LINES = 120  # Asterisk keeps 128 headers of an action

_KEY = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_VARIABLE = re.compile(r"[A-Za-z0-9_()-]+", re.ASCII)
_BREAKS_LINE = re.compile(r"[\r\n\0]")
_CUTS_VARIABLE = re.compile(r'[,"\\]')  # Asterisk takes the value for a list of arguments, with quotes and escapes


@dataclass(frozen=True, slots=True)
class Packet:
    """One event or response: its lines in order, keys as sent, repeated keys kept."""

    fields: tuple[tuple[str, str], ...]

    def get(self, key: str, default: str = "") -> str:
        """The first value of `key`."""
        for name, value in self.fields:
            if name == key:
                return value
        return default

    def all(self, key: str) -> tuple[str, ...]:
        """Every value of `key`, in order."""
        return tuple(value for name, value in self.fields if name == key)

    @property
    def event(self) -> str:
        """The name of the event, "" for a response. (An OriginateResponse *event* has a `Response:` line too.)"""
        return self.fields[0][1] if self.fields and self.fields[0][0] == "Event" else ""

    @property
    def response(self) -> str:
        """`Success`, `Error`, `Goodbye`, … of a response, "" for an event."""
        return self.fields[0][1] if self.fields and self.fields[0][0] == "Response" else ""


def encode(action: str, fields: Iterable[tuple[str, str]], variables: Mapping[str, str] | None = None) -> bytes:
    """The bytes of one action. Raises ProtocolViolation for anything that Asterisk would read as something else."""
    lines = [_line("Action", action)]
    lines += [_line(key, value) for key, value in fields]
    for name, value in (variables or {}).items():
        if not _VARIABLE.fullmatch(name):
            raise ProtocolViolation(f"action {action}: {name!r} is no name of a channel variable")
        if _CUTS_VARIABLE.search(value):
            raise ProtocolViolation(f"action {action}: the value of {name} holds a comma, quote or backslash: {value!r}")
        lines.append(_line("Variable", f"{name}={value}"))
    if len(lines) > MOST_LINES:
        raise ProtocolViolation(f"action {action}: {len(lines)} lines, Asterisk keeps {MOST_LINES}")
    return b"".join(lines) + b"\r\n"


def _line(key: str, value: str) -> bytes:
    if not _KEY.fullmatch(key):
        raise ProtocolViolation(f"{key!r} is no key of an AMI action")
    if _BREAKS_LINE.search(value):
        raise ProtocolViolation(f"the value of {key} holds a line break or NUL")  # not shown: it may be a secret
    try:
        line = f"{key}: {value}\r\n".encode()
    except UnicodeEncodeError as broken:
        raise ProtocolViolation(f"the value of {key} is not valid Unicode") from broken
    if len(line) > LONGEST_LINE:
        raise ProtocolViolation(f"the value of {key} makes a line of {len(line)} bytes, {LONGEST_LINE} are the most")
    return line


class Decoder:
    """Turns the stream of one connection into packets. Begins with the banner line; keeps what is not complete."""

    def __init__(self) -> None:
        self.version: str | None = None  # of the manager protocol, once the banner came
        self._pending = b""

    def feed(self, data: bytes) -> list[Packet]:
        """The packets completed by `data`. Raises ProtocolViolation when the stream is not AMI; it is then of no more use."""
        self._pending += data
        if self.version is None and not self._read_banner():
            return []
        *complete, self._pending = self._pending.split(b"\r\n\r\n")
        if max(map(len, (*complete, self._pending))) > LONGEST_PACKET:
            raise ProtocolViolation(f"a packet of more than {LONGEST_PACKET} bytes")
        return [packet for text in complete if (packet := _parse(text)).fields]

    def _read_banner(self) -> bool:
        line, end, rest = self._pending.partition(b"\r\n")
        greets = line.startswith(BANNER) if end else BANNER.startswith(line[: len(BANNER)])
        if not greets or len(line) > LONGEST_BANNER:
            raise ProtocolViolation(f"no Asterisk manager is there: it said {line[:60]!r}")
        if not end:
            return False
        self.version = line[len(BANNER) :].decode("ascii", errors="replace")
        self._pending = rest
        return True


def _parse(text: bytes) -> Packet:
    """A packet of the lines of `text`. A line without a colon (never sent by Asterisk 22) is kept under the key ""."""
    fields = []
    for line in text.decode("utf-8", errors="replace").split("\r\n"):
        key, colon, value = line.partition(":")
        if colon:
            fields.append((key, value[1:] if value[:1] == " " else value))
        elif line:
            fields.append(("", line))
    return Packet(tuple(fields))
