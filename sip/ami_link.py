"""One connection to an Asterisk, from its login to its end: who is alive there, and what happens from then on.

Protects the rule that the floor never acts on a view with holes: orders are taken only between a complete list of live
channels (PbxUp) and the end of the connection, and what happened while the list was made is told after it.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from asterisk.ami.action import Action

from config.clock import Clock
from sip.ami_client import AmiClient
from sip.ami_codec import Packet
from sip.ami_originates import settle
from sip.ami_snapshot import take_stock
from sip.ami_translate import translate
from sip.ami_view import Step, View
from sip.events import Event
from sip.port import LoginRefused, PbxUnavailable, TelephonyError

STOCKTAKING = "stocktaking"  # ActionID of the CoreShowChannels that follows a login


@dataclass(frozen=True, slots=True)
class PbxAddress:
    """Where a PBX's manager interface is, and who we are to it."""

    name: str
    host: str
    port: int
    username: str
    secret: str = field(repr=False)


class Link:
    """One connection from its login to its end. All of it runs in the thread that calls `run`."""

    def __init__(self, address: PbxAddress, clock: Clock, post: Callable[[Event], None]) -> None:
        self._address = address
        self._clock = clock
        self._post = post
        self._view = View()
        self._rows: list[Packet] = []
        self._early: list[Packet] = []
        self._failure: TelephonyError | None = None
        self._booted = False
        self.in_view = False  # read by other threads: orders are taken
        self.was_up = False
        self.client = AmiClient(
            address.host,
            address.port,
            clock,
            on_event=self._on_event,
            on_response=self._on_response,
            on_disconnect=self._on_disconnect,
            on_tick=self._on_tick,
        )

    @property
    def refused(self) -> bool:
        """Whether it ended because the PBX would not let us in: only a person can mend that."""
        return isinstance(self._failure, LoginRefused)

    def run(self, closing: threading.Event) -> str:
        """Connects, logs in, takes stock and translates until the end. Returns why it ended, in words for people."""
        try:
            self.client.connect()
        except PbxUnavailable as failure:
            return str(failure)
        try:
            self.client.login(self._address.username, self._address.secret, self._on_login)
        except TelephonyError as failure:
            self._fail(failure)
        if closing.is_set():  # whoever closed us may have done it before there was anything to close
            self.client.disconnect()
        self.client.listen()
        self.in_view = False
        return str(self._failure or "the connection was closed")

    def _on_login(self, answer: Packet) -> None:
        if answer.response != "Success":
            self._fail(
                LoginRefused(
                    f"{self._place} refuses the login of {self._address.username!r} ({answer.get('Message')}): "
                    f"compare our secret with section [{self._address.username}] of its manager.conf"
                )
            )

    def _take_stock(self) -> None:
        self.client.send_action(Action("CoreShowChannels", {"ActionID": STOCKTAKING}), self._on_stock_begun)

    def _on_stock_begun(self, answer: Packet) -> None:
        if answer.response != "Success":
            self._fail(
                LoginRefused(
                    f"{self._place} does not let {self._address.username!r} see its channels ({answer.get('Message')}): "
                    f"give it read and write of system, call, originate, user and dtmf in manager.conf"
                )
            )

    def _on_event(self, source: AmiClient, event: Packet) -> None:
        if self.in_view:
            self._tell(event)
        elif event.event == "FullyBooted":  # told after each login, or later by a PBX that is still starting
            if not self._booted:
                self._booted = True
                self._take_stock()
        elif event.get("ActionID") != STOCKTAKING:
            self._early.append(event)
        elif event.event == "CoreShowChannel":
            self._rows.append(event)
        elif event.event == "CoreShowChannelsComplete":
            self._come_into_view()

    def _on_response(self, source: AmiClient, response: Packet) -> None:
        if not self._booted and response.get("Ping"):
            # Only silence is pinged: the PBX has said nothing since the login, so it has not told that it is booted.
            self._fail(
                PbxUnavailable(
                    f"{self._place} does not say that it has finished starting; if it has, "
                    f"{self._address.username!r} lacks read=system in manager.conf"
                )
            )
        self._tell(response)

    def _come_into_view(self) -> None:
        """PbxUp first, orders after it, then what happened while the list was made."""
        self._view, up = take_stock(self._address.name, self._rows, self._clock.now())
        self._rows.clear()
        self._post(up)
        self.was_up = self.in_view = True
        for packet in self._early:
            self._tell(packet)
        self._early.clear()

    def _tell(self, packet: Packet) -> None:
        self._pass_on(translate(self._view, packet, self._clock.now()))

    def _on_tick(self) -> None:
        self._pass_on(settle(self._view, self._clock.now()))

    def _pass_on(self, step: Step) -> None:
        self._view, events = step
        for event in events:
            self._post(event)

    def _on_disconnect(self, source: AmiClient, error: Exception | None) -> None:
        if error is not None and self._failure is None:
            self._failure = PbxUnavailable(f"{self._place} was lost: {error}")

    def _fail(self, failure: TelephonyError) -> None:
        self._failure = failure
        self.client.disconnect()

    @property
    def _place(self) -> str:
        return f"PBX {self._address.name} at {self._address.host}:{self._address.port}"
