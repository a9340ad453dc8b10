"""How is an Asterisk watched and ordered? `Telephony` over AMI: one thread a PBX that connects, resynchronises, reconnects.

Protects the rule that one order rings once: an originate whose fate is unknown (the connection broke after it was queued)
is never sent again. What became of it is read from the list of live channels when the PBX is in view again.
"""

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from asterisk.ami.action import Action, SimpleAction

from config import logs
from config.clock import Clock
from sip.ami_client import AmiClient
from sip.ami_codec import Packet
from sip.ami_originates import ORIGINATE, settle
from sip.ami_snapshot import ABANDON_CONTEXT, CONNECT_CONTEXT, CUSTOMER_CONTEXT, take_stock
from sip.ami_translate import translate
from sip.ami_view import Step, View
from sip.events import Event, PbxDown
from sip.port import DialOrder, LoginRefused, PbxUnavailable, TelephonyError

FIRST_DELAY_S = 0.2
LONGEST_DELAY_S = 10.0
STOCKTAKING = "stocktaking"  # ActionID of the CoreShowChannels that follows a login

_log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class PbxAddress:
    """Where a PBX's manager interface is, and who we are to it."""

    name: str
    host: str
    port: int
    username: str
    secret: str = field(repr=False)


def reconnect_delay(failures: int, jitter: float) -> float:
    """Seconds to wait after `failures` tries in a row; doubles, capped. `jitter` in 0…1 spreads many dialers apart."""
    return min(LONGEST_DELAY_S, FIRST_DELAY_S * 2.0 ** min(failures, 16)) * (1 + jitter) / 2


class Asterisk:
    """One Asterisk with the dialplan of config/pbx. See `sip.port.Telephony` for the contract."""

    def __init__(self, address: PbxAddress, clock: Clock) -> None:
        self._address = address
        self._clock = clock
        self._post: Callable[[Event], None] = lambda _: None
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._watch, name=f"pbx-{address.name}", daemon=True)
        self._link: _Link | None = None

    def start(self, post: Callable[[Event], None]) -> None:
        """Raises RuntimeError when started twice."""
        self._post = post
        self._thread.start()

    def close(self) -> None:
        self._closing.set()
        link = self._link
        if link is not None:
            link.client.disconnect()
        if self._thread.ident is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def originate(self, order: DialOrder) -> None:
        """Raises ValueError for a permit that is not live, PbxUnavailable when nothing was sent."""
        if not order.is_live(self._clock.now()):
            raise ValueError(f"permit {order.permit.permit_id} of call {order.call_id} has expired")
        link = self._link
        if link is None or not link.in_view:
            raise PbxUnavailable(f"PBX {self._address.name} is not in view")
        link.client.send_action(
            Action(
                "Originate",
                {
                    "ActionID": f"{ORIGINATE}{order.call_id}",
                    "Channel": f"PJSIP/{order.number}@{order.trunk}",
                    "ChannelId": order.call_id,
                    "Context": CUSTOMER_CONTEXT,
                    "Exten": "s",
                    "Priority": "1",
                    "Async": "true",
                    "Timeout": str(int(order.ring_for.total_seconds() * 1000)),
                    "CallerID": order.caller_id,
                },
                {"__RF_CALL": order.call_id, "RF_PROMPT": order.disclosure, "RF_SAFE": order.safe_harbour},
            )
        )

    def connect(self, call_id: str, agent_id: str) -> None:
        self._order(SimpleAction("Redirect", Channel=call_id, Context=CONNECT_CONTEXT, Exten=agent_id, Priority="1"))

    def abandon(self, call_id: str) -> None:
        self._order(SimpleAction("Redirect", Channel=call_id, Context=ABANDON_CONTEXT, Exten="s", Priority="1"))

    def hang_up(self, call_id: str) -> None:
        self._order(SimpleAction("Hangup", Channel=call_id, Cause="16"))

    def _order(self, action: Action) -> None:
        """Sends an order about a call that exists. Out of view it does nothing: PbxUp will tell what became of the call."""
        link = self._link
        if link is None or not link.in_view:
            return
        try:
            link.client.send_action(action)
        except PbxUnavailable as unsent:
            _log.warning("order not sent", pbx=self._address.name, action=action.name, call_id=action.Channel, why=str(unsent))

    def _watch(self) -> None:
        """The thread: one link after the other, with growing pauses between those that fail."""
        failures, told = 0, ""
        while not self._closing.is_set():
            link = _Link(self._address, self._clock, self._post)
            self._link = link
            why = link.run(self._closing)
            self._link = None
            if self._closing.is_set():
                return
            if link.was_up:
                failures, told = 0, ""
            if why != told:
                _log.warning("PBX out of view", pbx=self._address.name, why=why)
                self._post(PbxDown(self._address.name, self._clock.now(), why))
                told = why
            failures = 16 if link.refused else failures + 1  # a refused login waits for a person: try, but slowly
            self._closing.wait(reconnect_delay(failures - 1, random.random()))


class _Link:
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
