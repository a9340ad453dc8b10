"""AMI as plain as it is on the wire, for tests of what our own connection stands on. Nothing of sip/ami.py is in it."""

import socket
import threading
import time
from collections.abc import Callable

from sip.lab import LabInfo

Packet = dict[str, str]


class Ami:
    """Raw AMI for tests: sends actions, keeps every packet, waits for one that fits."""

    def __init__(self, info: LabInfo) -> None:
        self._socket = socket.create_connection((info.ami_host, info.ami_port))
        self._came = threading.Condition()
        self.packets: list[Packet] = []
        threading.Thread(target=self._read, daemon=True).start()
        self.send(Action="Login", Username=info.ami_username, Secret=info.ami_secret())
        self.wait(lambda packet: packet.get("Event") == "FullyBooted")

    def send(self, *variables: str, **fields: str) -> None:
        lines = [f"{key}: {value}" for key, value in fields.items()] + [f"Variable: {variable}" for variable in variables]
        self._socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())

    def wait(self, fits: Callable[[Packet], bool], within_s: float = 30.0) -> Packet:
        deadline = time.monotonic() + within_s
        seen = 0
        with self._came:
            while True:
                for packet in self.packets[seen:]:
                    seen += 1
                    if fits(packet):
                        return packet
                if not self._came.wait(max(0.0, deadline - time.monotonic())):
                    raise AssertionError(f"not seen within {within_s} s; last: {self.packets[-5:]}")

    def ring(self, call: str, number: str, ring_ms: int = 3000, safe: str = "safe-harbour-en") -> str:
        variables = (f"__RF_CALL={call}", "RF_PROMPT=disclosure-en", f"RF_SAFE={safe}")
        self.send(
            *variables,
            Action="Originate",
            ActionID=call,
            Channel=f"PJSIP/{number}@carrier",
            ChannelId=call,
            Context="rf-customer",
            Exten="s",
            Priority="1",
            Timeout=str(ring_ms),
            CallerID="+12125550100",
            Async="true",
        )
        return call

    def connect(self, call: str, agent: str) -> None:
        self.send(Action="Redirect", Channel=call, Context="rf-connect", Exten=agent, Priority="1")

    def hang_up(self, call: str) -> None:
        self.send(Action="Hangup", Channel=call, Cause="16")

    def user_event(self, name: str, **fields: str) -> Packet:
        return self.wait(lambda packet: packet.get("UserEvent") == name and fields.items() <= packet.items())

    def hangup(self, call: str) -> Packet:
        return self.wait(lambda packet: packet.get("Event") == "Hangup" and packet.get("Uniqueid") == call)

    def about(self, call: str) -> list[Packet]:
        with self._came:
            return [packet for packet in self.packets if call in (packet.get("Uniqueid"), packet.get("Call"))]

    def close(self) -> None:
        self._socket.close()

    def _read(self) -> None:
        buffer = b""
        while True:
            try:
                more = self._socket.recv(65536)
            except OSError:
                return
            if not more:
                return
            *packets, buffer = (buffer + more).split(b"\r\n\r\n")
            with self._came:
                for packet in packets:
                    pairs = (line.split(":", 1) for line in packet.decode().split("\r\n") if ":" in line)
                    self.packets.append({key: value.strip() for key, value in pairs})
                self._came.notify_all()


def a_call(number: int) -> str:
    return f"{number:032x}"


def until(holds: Callable[[], bool], within_s: float, what: str) -> None:
    """Waits for something that tells nobody when it happens: a process that is gone, a file that is whole."""
    deadline = time.monotonic() + within_s
    waiting = threading.Event()
    while not holds():
        assert time.monotonic() < deadline, what
        waiting.wait(0.02)
