"""How does one connection to Asterisk's manager interface stay whole? `asterisk-ami`'s client with its faults mended.

One thread owns the socket: whoever runs `listen` reads, writes and calls the listeners; any thread may `send`, which only
queues. So no write is torn or interleaved, nobody waits for a slow PBX, and the PBX is always drained (Asterisk drops a
manager session that does not read). What is mended, and by what measure: docs/decisions/0002-ami-client.md.
"""

import itertools
import selectors
import socket
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from asterisk.ami import AMIClient
from asterisk.ami.action import Action, SimpleAction
from asterisk.ami.response import FutureResponse

from config import logs
from config.clock import Clock
from sip.ami_codec import Decoder, Packet, encode
from sip.port import PbxUnavailable, TelephonyError

MOST_WAITING = 10_000  # actions not yet taken by the socket: more means that the PBX does not read
TICK_S = 0.25

_log = logs.get(__name__)


class Reply(FutureResponse):  # type: ignore[misc] # asterisk-ami has no types
    """The answer to one action, a Packet. `response` waits for it at most `timeout` seconds: None then, or when it is lost."""

    def __init__(self, callback: Callable[[Packet], None] | None, timeout: float, expires_at: float, reader: int | None) -> None:
        super().__init__(callback, timeout)
        self.expires_at = expires_at
        self._reader = reader
        self._arrived = threading.Event()

    def set_response(self, packet: Packet | None) -> None:
        self._response = packet
        self._arrived.set()
        if packet is not None and self._callback is not None:
            self._callback(packet)

    def get_response(self) -> Packet | None:
        if threading.get_ident() == self._reader and not self._arrived.is_set():
            raise TelephonyError("a listener waits for an answer that only its own thread can read: use a callback")
        self._arrived.wait(self._timeout)
        packet: Packet | None = self._response
        return packet

    response = property(get_response, set_response)


class _Bell:
    """Wakes the reader out of its wait, from any thread."""

    def __init__(self) -> None:
        self._ear, self._clapper = socket.socketpair()
        self._ear.settimeout(0)
        self._clapper.settimeout(0)

    def fileno(self) -> int:
        return self._ear.fileno()

    def ring(self) -> None:
        with suppress(OSError):  # full: it is ringing already; closed: nobody is left to wake
            self._clapper.send(b"\0")

    def clear(self) -> None:
        with suppress(BlockingIOError):
            while self._ear.recv(4096):
                pass

    def close(self) -> None:
        self._ear.close()
        self._clapper.close()


class AmiClient(AMIClient):  # type: ignore[misc] # asterisk-ami has no types
    """One connection. `connect` (or `login`) opens it, `listen` runs it in the caller's thread until it ends.

    Listeners get a `Packet` where asterisk-ami gives an Event or Response. An exception in a listener or callback is
    logged and the next packet read. `timeout` (seconds) is how long to wait for the connection and for each answer;
    after `quiet` seconds without a byte the PBX is asked for a sign of life and given `timeout` to send one. `on_tick` is
    called after each read and at least every TICK_S, in the thread that listens.
    """

    def __init__(
        self,
        address: str,
        port: int,
        clock: Clock,
        *,
        timeout: float = 3.0,
        quiet: float = 5.0,
        on_tick: Callable[[], None] = lambda: None,
        **listeners: Any,
    ) -> None:
        super().__init__(address=address, port=port, timeout=timeout, buffer_size=1 << 16, **listeners)
        self._clock = clock
        self._quiet = quiet
        self._on_tick = on_tick
        self._ids = itertools.count(1)
        self._outgoing: deque[bytes] = deque()
        self._bell: _Bell | None = None
        self._reader: int | None = None

    def next_action_id(self) -> str:
        return f"rf{next(self._ids)}"

    def connect(self) -> None:
        """Opens the connection. Raises PbxUnavailable. A client is connected once: for the next try make a new one."""
        try:
            self._socket = socket.create_connection((self._address, self._port), timeout=self._timeout)
        except OSError as refused:
            raise PbxUnavailable(f"no connection to the PBX at {self._address}:{self._port}: {refused}") from refused
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.settimeout(0)
        self._bell = _Bell()
        self.finished = threading.Event()

    def disconnect(self) -> None:
        """Ends `listen`, from any thread."""
        if self.finished is not None:
            self.finished.set()
            self._nudge()

    def ping(self) -> bool:
        """Whether the PBX gives a sign of life within the timeout. Not for the thread that listens."""
        return self.send_action(SimpleAction("Ping")).response is not None

    def send_action(self, action: Action, callback: Callable[[Packet], None] | None = None) -> Reply:
        """Queues one action, as a whole or not at all. Raises ProtocolViolation or PbxUnavailable; nothing was sent then."""
        action_id = action.keys.setdefault("ActionID", self.next_action_id())
        wire = encode(action.name, action.keys.items(), action.variables)
        reply = Reply(callback, self._timeout, self._clock.monotonic() + self._timeout, self._reader)
        self._futures[action_id] = reply
        try:
            self.send(wire)
        except PbxUnavailable:
            self._futures.pop(action_id, None)
            raise
        return reply

    def send(self, pack: bytes) -> None:
        """Queues the bytes of one action; they go out in order, never mixed with another's. Never blocks."""
        if self.finished is None or self.finished.is_set():
            raise PbxUnavailable("the connection to the PBX is closed")
        if len(self._outgoing) >= MOST_WAITING:
            raise PbxUnavailable(f"the PBX does not read: {MOST_WAITING} actions wait for it")
        self._outgoing.append(pack)
        self._nudge()

    def listen(self) -> None:
        """Runs the connection until it ends, then tells `on_disconnect` why (None: we ended it).

        Raises RuntimeError when it was not opened.
        """
        bell = self._bell
        if bell is None:
            raise RuntimeError("listen comes after connect")
        self._reader = threading.get_ident()
        error: Exception | None = None
        try:
            self._run(bell)
        except (OSError, TelephonyError) as broken:
            error = broken
        self._end(bell)
        self._guarded(self._fire_on_disconnect, error=error)

    def _run(self, bell: _Bell) -> None:
        decoder = Decoder()
        heard_at = self._clock.monotonic()
        asked_at: float | None = None
        with selectors.DefaultSelector() as selector:
            selector.register(self._socket, selectors.EVENT_READ)
            selector.register(bell, selectors.EVENT_READ)
            while not self.finished.is_set():
                wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._outgoing else 0)
                selector.modify(self._socket, wanted)
                ready = {key.fileobj: mask for key, mask in selector.select(TICK_S)}
                if bell in ready:
                    bell.clear()
                events = ready.get(self._socket, 0)
                if events & selectors.EVENT_WRITE:
                    self._write()
                if events & selectors.EVENT_READ:
                    heard_at, asked_at = self._clock.monotonic(), None
                    self._read(decoder)
                asked_at = self._keep_alive(self._clock.monotonic(), heard_at, asked_at)
                self._forget_unanswered()
                self._guarded(self._on_tick)

    def _read(self, decoder: Decoder) -> None:
        chunk = self._socket.recv(self._buffer_size)
        if not chunk:
            raise ConnectionResetError("the PBX closed the connection")
        greeted = decoder.version is not None
        packets = decoder.feed(chunk)
        if not greeted and decoder.version is not None:
            self._ami_version = decoder.version
            self._guarded(self._fire_on_connect)
        for packet in packets:
            self.fire_recv_pack(packet)

    def _write(self) -> None:
        """Gives the socket what it takes. What is left of a packet stays first in the queue."""
        while self._outgoing:
            wire = self._outgoing[0]
            try:
                taken = self._socket.send(wire)
            except BlockingIOError:
                return
            if taken < len(wire):
                self._outgoing[0] = wire[taken:]
                return
            self._outgoing.popleft()

    def _keep_alive(self, now: float, heard_at: float, asked_at: float | None) -> float | None:
        """A TCP peer that died says nothing: ask, and give up when it does not answer. Returns when we asked.

        The time to answer begins when we ask: after a pause of our own (a suspended machine) the PBX is not to blame.
        """
        if asked_at is not None:
            if now - asked_at > self._timeout:
                raise TimeoutError(f"the PBX has said nothing for {now - heard_at:.1f} s")
        elif now - heard_at > self._quiet:
            self.send_action(SimpleAction("Ping"))
            return now
        return asked_at

    def _forget_unanswered(self) -> None:
        now = self._clock.monotonic()
        for action_id, reply in self._futures.copy().items():  # copied in one step: others send meanwhile
            if now < reply.expires_at:
                break  # in order of sending, all with one timeout
            self._futures.pop(action_id, None)
            reply.set_response(None)

    def fire_recv_pack(self, packet: Packet) -> None:
        if packet.response:
            self._guarded(self._fire_on_response, response=packet)
            reply = self._futures.pop(packet.get("ActionID"), None)
            if reply is not None:
                self._guarded(reply.set_response, packet)
        else:
            self._guarded(self._fire_on_event, event=packet)
            for listener in self._event_listeners:
                self._guarded(listener, event=packet, source=self)

    def _guarded(self, listener: Callable[..., None], *args: object, **kwargs: object) -> None:
        try:
            listener(*args, **kwargs)
        except Exception:  # noqa: BLE001 -- a listener's fault must not end the reading of events for all calls
            _log.exception("a listener of the PBX failed", pbx=f"{self._address}:{self._port}")

    def _end(self, bell: _Bell) -> None:
        self.finished.set()
        self._socket.close()
        bell.close()
        while self._futures:
            _, reply = self._futures.popitem()
            self._guarded(reply.set_response, None)

    def _nudge(self) -> None:
        if self._bell is not None:
            self._bell.ring()
