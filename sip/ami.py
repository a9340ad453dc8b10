"""How is an Asterisk watched and ordered? `Telephony` over AMI: one thread a PBX that connects, resynchronises, reconnects.

Protects the rule that one order rings once: an originate whose fate is unknown (the connection broke after it was queued)
is never sent again. What became of it is read from the list of live channels when the PBX is in view again.
"""

import random
import re
import threading
from collections.abc import Callable
from datetime import datetime

from asterisk.ami.action import Action, SimpleAction

from config import logs
from config.clock import Clock
from sip.ami_link import Link, PbxAddress
from sip.ami_originates import ORIGINATE
from sip.ami_snapshot import ABANDON_CONTEXT, CONNECT_CONTEXT, CUSTOMER_CONTEXT
from sip.events import Event, PbxDown
from sip.port import DialOrder, PbxUnavailable

__all__ = ["Asterisk", "PbxAddress", "reconnect_delay"]

FIRST_DELAY_S = 0.2
LONGEST_DELAY_S = 10.0

_E164 = re.compile(r"\+[1-9][0-9]{3,14}")
_TRUNK = re.compile(r"[A-Za-z0-9_-]+")
_log = logs.get(__name__)


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
        self._link: Link | None = None
        self._sent: dict[str, datetime] = {}  # call id -> expiry of its permit, after which it cannot be ordered again

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
        """Raises PbxUnavailable when nothing was sent, ValueError for a permit that is not live or a number that is not E.164
        (Asterisk would read `@`, `/` and `&` in it as another destination).

        An order that was sent is not sent again: Asterisk refuses a ChannelId in use, but not one that is free again.
        """
        now = self._clock.now()
        if not order.is_live(now):
            raise ValueError(f"permit {order.permit.permit_id} of call {order.call_id} has expired")
        if not _E164.fullmatch(order.number) or not _TRUNK.fullmatch(order.trunk):
            raise ValueError(f"call {order.call_id}: the number is not E.164 or the trunk is no name")
        if order.call_id in self._sent:
            _log.warning("order given twice", pbx=self._address.name, call_id=order.call_id)
            return
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
                {
                    "__RF_CALL": order.call_id,
                    "RF_PROMPT": order.disclosure,
                    "RF_SAFE": order.safe_harbour,
                    "RF_HOW": order.disclosed_by.value,
                    "RF_CAPTURE": order.recorded_from.value,
                    "RF_UNCONSENTED": "ended" if order.ends_unconsented else "joined",
                },
            )
        )
        self._sent = {call_id: expiry for call_id, expiry in self._sent.items() if now < expiry}
        self._sent[order.call_id] = order.permit.expires_at

    def connect(self, call_id: str, agent_id: str, *, announce_again: bool = False) -> None:
        if announce_again:
            self._order(SimpleAction("Setvar", Channel=call_id, Variable="RF_DISCLOSED", Value="0"))
        self._order(SimpleAction("Redirect", Channel=call_id, Context=CONNECT_CONTEXT, Exten=agent_id, Priority="1"))

    def pause(self, call_id: str) -> None:
        self._order(SimpleAction("MixMonitorMute", Channel=call_id, Direction="both", State="1"))

    def resume(self, call_id: str) -> None:
        self._order(SimpleAction("MixMonitorMute", Channel=call_id, Direction="both", State="0"))

    def record(self, call_id: str, agent_id: str) -> None:
        self._order(SimpleAction("Setvar", Channel=call_id, Variable="RF_CAPTURE", Value="now"))
        self.connect(call_id, agent_id)

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

    def _attend(self, link: Link) -> str:
        """Runs one link to its end and returns why it ended."""
        try:
            return link.run(self._closing)
        except Exception as fault:  # noqa: BLE001 -- the outermost loop: a fault of ours must not end the watch for good
            _log.exception("the link to the PBX failed", pbx=self._address.name)
            return f"PBX {self._address.name}: a fault of ours ended the link ({type(fault).__name__}: {fault})"

    def _watch(self) -> None:
        """The thread: one link after the other, with growing pauses between those that fail."""
        failures, told = 0, ""
        while not self._closing.is_set():
            link = Link(self._address, self._clock, self._post)
            self._link = link
            why = self._attend(link)
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
