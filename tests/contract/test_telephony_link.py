"""What the connection to the manager interface survives: the faults of asterisk-ami, mended, and those of networks.

The PBX's end of the connection is played by the test over real sockets, because a real Asterisk cannot be told to be
silent, to stop reading or to vanish at a given byte. What a real Asterisk says is tested in test_telephony_contract.py.
"""

import queue
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from asterisk.ami.action import Action, SimpleAction
from hypothesis import given
from hypothesis import strategies as st

from compliance.verdict import Permit
from config.clock import SystemClock
from config.ids import new_id
from sip import ami_client
from sip.ami import FIRST_DELAY_S, LONGEST_DELAY_S, Asterisk, PbxAddress, reconnect_delay
from sip.ami_client import AmiClient
from sip.ami_codec import Packet
from sip.events import Dialed, Event, LiveCall, LivePhase, OriginateFailed, PbxDown, PbxUp
from sip.port import DialOrder, PbxUnavailable, ProtocolViolation, TelephonyError

DEADLINE_S = 20.0
CLOCK = SystemClock()
SECRET = "a-secret-of-the-manager"


class FarEnd:
    """The PBX's end of one connection."""

    def __init__(self, wire: socket.socket) -> None:
        self.wire = wire
        self.wire.settimeout(DEADLINE_S)
        self._read = b""
        self.say(b"Asterisk Call Manager/11.0.0\r\n")

    def say(self, said: bytes) -> None:
        self.wire.sendall(said)

    def tell(self, *fields: tuple[str, str]) -> None:
        self.say(b"".join(f"{key}: {value}\r\n".encode() for key, value in fields) + b"\r\n")

    def hear(self) -> Packet:
        """The next action."""
        while b"\r\n\r\n" not in self._read:
            more = self.wire.recv(65536)
            assert more, "the client closed the connection"
            self._read += more
        text, self._read = self._read.split(b"\r\n\r\n", 1)
        lines = (line.split(": ", 1) for line in text.decode().split("\r\n"))
        return Packet(tuple((key, value) for key, value in lines))

    def hear_action(self, name: str) -> Packet:
        action = self.hear()
        assert action.get("Action") == name
        return action

    def answer(self, action: Packet, response: str = "Success", *fields: tuple[str, str]) -> None:
        self.tell(("Response", response), ("ActionID", action.get("ActionID")), *fields)

    def let_in(self, *channels: tuple[tuple[str, str], ...], meanwhile: tuple[tuple[str, str], ...] = ()) -> None:
        """Plays the login and the list of live channels, with one event told before the list is complete."""
        self.answer(self.hear_action("Login"))
        self.tell(("Event", "FullyBooted"))
        listing = self.hear_action("CoreShowChannels")
        self.answer(listing)
        for channel in channels:
            self.tell(("Event", "CoreShowChannel"), ("ActionID", listing.get("ActionID")), *channel)
        if meanwhile:
            self.tell(*meanwhile)
        self.tell(("Event", "CoreShowChannelsComplete"), ("ActionID", listing.get("ActionID")))


class Pbx:
    """A port that a client can connect to."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(DEADLINE_S)
        self.port: int = self._listener.getsockname()[1]
        self._ends: list[FarEnd] = []

    def connected(self) -> FarEnd:
        wire, _ = self._listener.accept()
        self._ends.append(FarEnd(wire))
        return self._ends[-1]

    def close(self) -> None:
        self._listener.close()
        for end in self._ends:
            end.wire.close()


@pytest.fixture
def pbx() -> Iterator[Pbx]:
    made = Pbx()
    yield made
    made.close()


class Client:
    """An AmiClient run by a thread; what its listeners are given is queued."""

    def __init__(self, pbx: Pbx, **settings: Any) -> None:
        self.events: queue.SimpleQueue[Packet] = queue.SimpleQueue()
        self.ended: queue.SimpleQueue[Exception | None] = queue.SimpleQueue()
        self.ami = AmiClient(
            "127.0.0.1",
            pbx.port,
            CLOCK,
            **{
                "on_event": lambda source, event: self.events.put(event),
                "on_disconnect": lambda source, error: self.ended.put(error),
                **settings,
            },
        )
        self.ami.connect()
        self.far = pbx.connected()
        self._thread = threading.Thread(target=self.ami.listen)
        self._thread.start()

    def event(self) -> Packet:
        return self.events.get(timeout=DEADLINE_S)

    def close(self) -> None:
        self.ami.disconnect()
        self._thread.join()


@pytest.fixture
def clients(pbx: Pbx) -> Iterator[list[Client]]:
    made: list[Client] = []
    yield made
    for client in made:
        client.close()


def a_client(pbx: Pbx, clients: list[Client], **settings: Any) -> Client:
    clients.append(Client(pbx, **settings))
    return clients[-1]


HANGUP = (("Event", "Hangup"), ("Cause", "16"))


def test_silence_longer_than_the_timeout_does_not_end_the_reading(pbx: Pbx, clients: list[Client]) -> None:
    client = a_client(pbx, clients, timeout=5.0, quiet=0.05)
    for _ in range(3):
        client.far.answer(client.far.hear_action("Ping"), "Success", ("Ping", "Pong"))
    client.far.tell(*HANGUP)
    assert client.event().get("Cause") == "16"


def test_a_peer_that_gives_no_sign_of_life_is_given_up(pbx: Pbx, clients: list[Client]) -> None:
    client = a_client(pbx, clients, timeout=0.1, quiet=0.05)
    client.far.hear_action("Ping")
    error = client.ended.get(timeout=DEADLINE_S)
    assert isinstance(error, TimeoutError)
    assert "has said nothing" in str(error)


def test_a_listener_that_fails_does_not_end_the_reading(pbx: Pbx, clients: list[Client]) -> None:
    given: queue.SimpleQueue[Packet] = queue.SimpleQueue()

    def listener(source: AmiClient, event: Packet) -> None:
        given.put(event)
        raise RuntimeError("a fault of the listener")

    client = a_client(pbx, clients, on_event=listener)
    client.far.tell(("Event", "Newchannel"))
    client.far.tell(*HANGUP)
    assert [given.get(timeout=DEADLINE_S).event for _ in range(2)] == ["Newchannel", "Hangup"]


def test_a_callback_that_fails_does_not_end_the_reading(pbx: Pbx, clients: list[Client]) -> None:
    def callback(answer: Packet) -> None:
        raise RuntimeError("a fault of the callback")

    client = a_client(pbx, clients)
    client.ami.send_action(SimpleAction("Ping"), callback)
    client.far.answer(client.far.hear_action("Ping"))
    client.far.tell(*HANGUP)
    assert client.event().event == "Hangup"


def test_waiting_for_an_answer_inside_a_listener_is_refused_instead_of_waiting_for_itself(
    pbx: Pbx, clients: list[Client]
) -> None:
    raised: queue.SimpleQueue[Exception] = queue.SimpleQueue()

    def listener(source: AmiClient, event: Packet) -> None:
        try:
            _ = source.send_action(SimpleAction("Ping")).response
        except TelephonyError as refused:
            raised.put(refused)

    client = a_client(pbx, clients, on_event=listener, timeout=3600.0, quiet=3600.0)
    client.far.tell(*HANGUP)
    assert "callback" in str(raised.get(timeout=DEADLINE_S))


def test_an_answer_is_waited_for_by_any_other_thread(pbx: Pbx, clients: list[Client]) -> None:
    client = a_client(pbx, clients, timeout=DEADLINE_S)
    reply = client.ami.send_action(SimpleAction("Ping"))
    client.far.answer(client.far.hear_action("Ping"), "Success", ("Ping", "Pong"))
    answer = reply.response
    assert answer is not None
    assert answer.get("Ping") == "Pong"


def test_actions_of_many_threads_to_a_pbx_that_does_not_read_arrive_whole(pbx: Pbx, clients: list[Client]) -> None:
    threads, each = 8, 200
    client = a_client(pbx, clients, timeout=DEADLINE_S, quiet=DEADLINE_S)

    def send(thread: int) -> None:
        for number in range(each):
            client.ami.send_action(Action("UserEvent", {"UserEvent": f"{thread}.{number}", "Padding": "x" * 900}))

    senders = [threading.Thread(target=send, args=(thread,)) for thread in range(threads)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    # 1.5 MB were sent, far more than sockets hold, and only now is any of it read.
    heard = [client.far.hear_action("UserEvent") for _ in range(threads * each)]
    assert all(action.get("Padding") == "x" * 900 for action in heard)
    for thread in range(threads):
        mine = [name for action in heard if (name := action.get("UserEvent")).startswith(f"{thread}.")]
        assert mine == [f"{thread}.{number}" for number in range(each)]
    assert len({action.get("ActionID") for action in heard}) == threads * each


def test_a_pbx_that_never_reads_is_found_out_before_memory_ends(
    pbx: Pbx, clients: list[Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ami_client, "MOST_WAITING", 100)
    client = a_client(pbx, clients, timeout=DEADLINE_S, quiet=DEADLINE_S)
    with pytest.raises(PbxUnavailable, match="does not read"):  # noqa: PT012 -- which of the sends fills it is the kernel's affair
        for _ in range(100_000):
            client.ami.send_action(Action("UserEvent", {"UserEvent": "x" * 900}))


def test_an_answer_that_never_comes_is_forgotten(pbx: Pbx, clients: list[Client]) -> None:
    client = a_client(pbx, clients, timeout=0.05, quiet=DEADLINE_S)
    reply = client.ami.send_action(SimpleAction("Ping"))
    assert reply.response is None
    client.ami.send_action(SimpleAction("Ping"))
    client.far.hear_action("Ping")
    client.far.answer(client.far.hear_action("Ping"))
    client.far.tell(*HANGUP)
    client.event()
    assert not client.ami._futures


def test_who_waits_for_an_answer_is_let_go_when_the_connection_ends(pbx: Pbx, clients: list[Client]) -> None:
    client = a_client(pbx, clients, timeout=DEADLINE_S)
    reply = client.ami.send_action(SimpleAction("Ping"))
    client.far.wire.close()
    assert isinstance(client.ended.get(timeout=DEADLINE_S), ConnectionError)
    assert reply.response is None
    with pytest.raises(PbxUnavailable, match="closed"):
        client.ami.send_action(SimpleAction("Ping"))


def test_an_event_keeps_its_repeated_keys_and_odd_characters(pbx: Pbx, clients: list[Client]) -> None:
    client = a_client(pbx, clients)
    client.far.tell(("Event", "Status"), ("ChanVariable", "a=1"), ("ChanVariable", "b=2"), ("Name", "x\u0085y"))
    event = client.event()
    assert event.all("ChanVariable") == ("a=1", "b=2")
    assert event.get("Name") == "x\u0085y"


def test_a_value_that_would_be_a_second_action_is_refused_and_nothing_is_sent(pbx: Pbx, clients: list[Client]) -> None:
    client = a_client(pbx, clients)
    with pytest.raises(ProtocolViolation):
        client.ami.send_action(Action("Hangup", {"Channel": "x\r\n\r\nAction: Originate"}))
    client.ami.send_action(SimpleAction("Ping"))
    client.far.hear_action("Ping")
    assert len(client.ami._futures) == 1


def test_a_stream_that_is_not_of_asterisk_ends_the_connection_with_a_word(pbx: Pbx) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    ended: queue.SimpleQueue[Exception] = queue.SimpleQueue()
    client = AmiClient("127.0.0.1", listener.getsockname()[1], CLOCK, on_disconnect=lambda source, error: ended.put(error))
    client.connect()
    thread = threading.Thread(target=client.listen)
    thread.start()
    stranger, _ = listener.accept()
    stranger.sendall(b"SSH-2.0-OpenSSH\r\n")
    assert "no Asterisk manager" in str(ended.get(timeout=DEADLINE_S))
    thread.join()
    stranger.close()
    listener.close()


# The PBX as a whole


@pytest.fixture
def posted(pbx: Pbx) -> Iterator[tuple[Asterisk, "queue.SimpleQueue[Event]"]]:
    asterisk = Asterisk(PbxAddress("pbx", "127.0.0.1", pbx.port, "ringfence", SECRET), CLOCK)
    events: queue.SimpleQueue[Event] = queue.SimpleQueue()
    asterisk.start(events.put)
    yield asterisk, events
    asterisk.close()


Posted = tuple[Asterisk, "queue.SimpleQueue[Event]"]


def an_order() -> DialOrder:
    now = CLOCK.now()
    call_id = new_id(now)
    permit = Permit("permit", call_id, "person", "+12125550101", "campaign", now, now + timedelta(seconds=60), ())
    return DialOrder(call_id, permit.number, "carrier", "+12125550100", timedelta(seconds=20), "en", "safe", permit)


def test_an_originate_says_all_that_the_order_says(pbx: Pbx, posted: Posted) -> None:
    asterisk, events = posted
    far = pbx.connected()
    far.let_in()
    assert isinstance(events.get(timeout=DEADLINE_S), PbxUp)
    order = an_order()
    asterisk.originate(order)
    action = far.hear_action("Originate")
    assert dict(action.fields) == {
        "Action": "Originate",
        "ActionID": f"originate-{order.call_id}",
        "Channel": "PJSIP/+12125550101@carrier",
        "ChannelId": order.call_id,
        "Context": "rf-customer",
        "Exten": "s",
        "Priority": "1",
        "Async": "true",
        "Timeout": "20000",
        "CallerID": "+12125550100",
        "Variable": "RF_UNCONSENTED=ended",
    }
    assert action.all("Variable") == (
        f"__RF_CALL={order.call_id}",
        "RF_PROMPT=en",
        "RF_SAFE=safe",
        "RF_HOW=prompt_before",
        "RF_CAPTURE=answer",
        "RF_UNCONSENTED=ended",
    )


@pytest.mark.parametrize("answered", [False, True])
def test_an_originate_of_unknown_fate_is_never_sent_again(pbx: Pbx, posted: Posted, answered: bool) -> None:
    asterisk, events = posted
    far = pbx.connected()
    far.let_in()
    events.get(timeout=DEADLINE_S)
    order = an_order()
    asterisk.originate(order)
    first = far.hear_action("Originate")
    if answered:
        far.answer(first)
    far.wire.close()
    again = pbx.connected()
    again.let_in()
    assert isinstance(events.get(timeout=DEADLINE_S), PbxDown)
    up = events.get(timeout=DEADLINE_S)
    assert isinstance(up, PbxUp)
    assert up.calls == ()
    later = an_order()
    asterisk.originate(later)
    assert again.hear_action("Originate").get("ChannelId") == later.call_id


def test_an_originate_that_is_refused_is_told_as_failed(pbx: Pbx, posted: Posted) -> None:
    asterisk, events = posted
    far = pbx.connected()
    far.let_in()
    events.get(timeout=DEADLINE_S)
    order = an_order()
    asterisk.originate(order)
    far.answer(far.hear_action("Originate"), "Error", ("Message", "Permission denied"))
    failed = events.get(timeout=DEADLINE_S)
    assert isinstance(failed, OriginateFailed)
    assert failed.call_id == order.call_id
    assert "Permission denied" in failed.reason


def test_orders_about_a_call_out_of_view_are_not_sent_later(pbx: Pbx, posted: Posted) -> None:
    asterisk, events = posted
    asterisk.hang_up("a" * 32)
    far = pbx.connected()
    far.let_in()
    assert isinstance(events.get(timeout=DEADLINE_S), PbxUp)
    asterisk.hang_up("b" * 32)
    assert far.hear_action("Hangup").get("Channel") == "b" * 32


def test_what_happens_while_the_list_is_made_is_told_after_it(pbx: Pbx, posted: Posted) -> None:
    _, events = posted
    found, new = "a" * 32, "b" * 32
    row = (("Uniqueid", found), ("ChannelStateDesc", "Ringing"), ("Context", "rf-inbound"))
    pbx.connected().let_in(row, meanwhile=(("Event", "Newchannel"), ("Uniqueid", new)))
    up = events.get(timeout=DEADLINE_S)
    assert isinstance(up, PbxUp)
    assert up.calls == (LiveCall(found, LivePhase.RINGING),)
    dialed = events.get(timeout=DEADLINE_S)
    assert isinstance(dialed, Dialed)
    assert dialed.call_id == new


def test_a_pbx_that_is_still_starting_is_not_in_view(pbx: Pbx, posted: Posted) -> None:
    asterisk, events = posted
    far = pbx.connected()
    far.answer(far.hear_action("Login"))
    with pytest.raises(PbxUnavailable):
        asterisk.originate(an_order())
    far.tell(("Event", "FullyBooted"))
    far.tell(("Event", "FullyBooted"))  # once for the login, once for all: one list is asked for
    listing = far.hear_action("CoreShowChannels")
    far.answer(listing)
    far.tell(("Event", "CoreShowChannelsComplete"), ("ActionID", listing.get("ActionID")))
    assert isinstance(events.get(timeout=DEADLINE_S), PbxUp)
    asterisk.hang_up("b" * 32)
    far.hear_action("Hangup")


def test_a_refused_login_says_what_to_mend_and_not_the_secret(pbx: Pbx, posted: Posted) -> None:
    _, events = posted
    far = pbx.connected()
    login = far.hear_action("Login")
    assert login.get("Secret") == SECRET
    far.answer(login, "Error", ("Message", "Authentication failed"))
    down = events.get(timeout=DEADLINE_S)
    assert isinstance(down, PbxDown)
    assert "manager.conf" in down.reason
    assert "'ringfence'" in down.reason
    assert SECRET not in down.reason


def test_an_account_that_may_not_see_channels_is_told_what_it_lacks(pbx: Pbx, posted: Posted) -> None:
    _, events = posted
    far = pbx.connected()
    far.answer(far.hear_action("Login"))
    far.tell(("Event", "FullyBooted"))
    far.answer(far.hear_action("CoreShowChannels"), "Error", ("Message", "Permission denied"))
    down = events.get(timeout=DEADLINE_S)
    assert isinstance(down, PbxDown)
    assert "Permission denied" in down.reason


def test_an_absent_pbx_is_told_once_and_found_when_it_comes() -> None:
    reserved = socket.create_server(("127.0.0.1", 0))
    port = reserved.getsockname()[1]
    reserved.close()
    asterisk = Asterisk(PbxAddress("pbx", "127.0.0.1", port, "ringfence", SECRET), CLOCK)
    events: queue.SimpleQueue[Event] = queue.SimpleQueue()
    asterisk.start(events.put)
    assert isinstance(events.get(timeout=DEADLINE_S), PbxDown)
    listener = socket.create_server(("127.0.0.1", port))
    listener.settimeout(DEADLINE_S)
    wire, _ = listener.accept()
    FarEnd(wire).let_in()
    assert isinstance(events.get(timeout=DEADLINE_S), PbxUp)
    asterisk.close()
    wire.close()
    listener.close()


def test_closing_while_nobody_answers_the_login_returns(pbx: Pbx, posted: Posted) -> None:
    asterisk, _ = posted
    pbx.connected().hear_action("Login")
    asterisk.close()


def test_the_secret_is_not_shown() -> None:
    address = PbxAddress("pbx", "127.0.0.1", 5038, "ringfence", SECRET)
    assert SECRET not in repr(address)
    assert SECRET not in repr(replace(address, name="other"))


@given(failures=st.integers(0, 10_000), jitter=st.floats(0, 1))
def test_pauses_between_tries_grow_to_a_limit_and_never_vanish(failures: int, jitter: float) -> None:
    pause = reconnect_delay(failures, jitter)
    assert FIRST_DELAY_S / 2 <= pause <= LONGEST_DELAY_S
    assert pause <= reconnect_delay(failures + 1, jitter)
