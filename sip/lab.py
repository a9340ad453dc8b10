"""How is a private telephone network brought up on this machine, and taken down without a trace?

One directory is one lab: an Asterisk of its own (config/pbx), a carrier whose subscribers behave by number
(sip/carrier.py), prompts, secrets of mode 0600 and a spool for recordings. Everything listens on loopback, on ports
found free, so that labs run side by side. `up` mends what is broken: it may be called again after any crash.
"""

import fcntl
import json
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from sip import carrier, parts, probe, provision, sipp, voices
from sip.debian import LabError
from sip.unpack import Tree, ensure_tree

BIND = "127.0.0.1"
TRUNK = "carrier"
AMI_USERNAME = "ringfence"
DEFAULT_AGENTS = ("101", "102", "103", "104")

_STARTS = 5  # a port found free may be taken before it is bound: so many sets of ports are tried
_READY_WITHIN_S = 30.0  # far more than the second it takes, for a machine that is busy
_STOPS_WITHIN_S = 6.0
_LONGEST_SOCKET_PATH = 107  # of sockaddr_un, for Asterisk's control socket
_RTP_PORTS = 1000
_DIRECTORIES = ("etc", "var/lib", "var/keys", "var/log/cdr-csv", "var/spool", "run", "spool", "prompts", "secrets", "carrier")


@dataclass(frozen=True, slots=True)
class LabInfo:
    """Where everything of a running lab is. Secrets are in files of mode 0600, never in here."""

    directory: Path
    ami_host: str
    ami_port: int
    ami_username: str
    ami_secret_file: Path
    sip_host: str
    sip_port: int
    trunk: str
    carrier_host: str
    carrier_port: int
    spool: Path
    prompts: Path
    agents: Mapping[str, Path]  # agent id -> file with the SIP password

    def ami_secret(self) -> str:
        """The AMI secret."""
        return self.ami_secret_file.read_text().strip()

    def password(self, agent_id: str) -> str:
        """An agent's SIP password. Raises KeyError for an agent the lab does not have."""
        return self.agents[agent_id].read_text().strip()


@dataclass(frozen=True, slots=True)
class LabStatus:
    """What runs now: part name -> pid; `info` is None when the lab was never up."""

    info: LabInfo | None
    parts: Mapping[str, int]

    @property
    def up(self) -> bool:
        """Whether every part of the lab runs."""
        return self.info is not None and {"asterisk", "carrier"} <= self.parts.keys()


@dataclass(frozen=True, slots=True)
class _Ports:
    sip: int
    ami: int
    rtp_start: int
    carrier: int
    carrier_control: int
    carrier_rtp_start: int


class _PortTaken(Exception):
    """Somebody else listens where a part of the lab wanted to."""


class Lab:
    """The lab in one directory.

    `leashed` (tests, the demo): its processes die with this one, so `up` must be called from the main thread. Not
    leashed (`ringfence lab up`): they live until `down`, from whichever process.
    """

    def __init__(self, directory: Path, *, leashed: bool = True) -> None:
        self._directory = directory.resolve()
        self._leashed = leashed

    def up(self, agents: tuple[str, ...] = DEFAULT_AGENTS, progress: Callable[[str], None] = lambda _: None) -> LabInfo:
        """Starts whatever of the lab does not run; a lab that is up is left as it is. Raises LabError, BadSetting.

        After a crash the same ports and secrets are used again if they can be, so that phones and floors find it.
        """
        if self._leashed and threading.current_thread() is not threading.main_thread():
            raise LabError("a lab that ends with this process must be brought up from its main thread")
        if len(str(self._directory / "run" / "asterisk.ctl")) > _LONGEST_SOCKET_PATH:
            raise LabError(f"{self._directory}: the path of a lab may have at most {_LONGEST_SOCKET_PATH - 17} characters")
        tree = ensure_tree(progress)
        with self._alone():
            info = self._read()
            running = parts.alive(self._directory)
            if info and {"asterisk", "carrier"} <= running.keys() and not set(agents) - info.agents.keys():
                return info
            if info and set(agents) - info.agents.keys() and running:
                known = ", ".join(info.agents)
                raise LabError(f"the lab is up with agents {known}: take it down before adding others")
            return self._start(tree, agents, progress)

    def down(self) -> None:
        """Ends every process of this lab, orphans of a crash included. Files stay. Does nothing when it is not up."""
        if self._directory.is_dir():
            with self._alone():
                parts.end(self._directory, _STOPS_WITHIN_S)

    def status(self) -> LabStatus:
        """What runs now; changes nothing."""
        return LabStatus(self._read(), parts.alive(self._directory))

    def _start(self, tree: Tree, agents: tuple[str, ...], progress: Callable[[str], None]) -> LabInfo:
        parts.end(self._directory, _STOPS_WITHIN_S)
        for name in _DIRECTORIES:
            (self._directory / name).mkdir(parents=True, exist_ok=True, mode=0o700)
        progress("synthesizing prompts and subscribers")
        voices.make_prompts(tree, self._directory / "prompts")
        scenario = carrier.write_scenario(tree, self._directory / "carrier")
        previous = self._previous_ports()
        # The previous ports twice: those of a PBX that was killed are free a moment later.
        tries = [*([previous] * 2 if previous else []), *(_free_ports() for _ in range(_STARTS))]
        for ports in tries:
            progress(f"starting Asterisk on {BIND}:{ports.sip} and the carrier on {carrier.CARRIER_HOST}:{ports.carrier}")
            try:
                return self._launch(tree, scenario, ports, agents)
            except _PortTaken:
                parts.end(self._directory, _STOPS_WITHIN_S)
            except BaseException:  # Ctrl-C included: nothing half-started is left
                parts.end(self._directory, _STOPS_WITHIN_S)
                raise
        raise LabError(f"no free ports found on {BIND} in {len(tries)} tries")

    def _launch(self, tree: Tree, scenario: Path, ports: _Ports, agents: tuple[str, ...]) -> LabInfo:
        """Starts both parts on these ports and waits until they answer. Raises _PortTaken, LabError."""
        name = f"ringfence-{secrets.token_hex(6)}"
        info = self._configure(tree, name, ports, agents)
        log = self._directory / "var/log/messages"
        if log.exists():  # what it says of an earlier start must not be taken for this one's
            log.replace(log.with_suffix(".previous"))
        rtp_end = ports.carrier_rtp_start + _RTP_PORTS - 2
        sockets = sipp.Sockets(carrier.CARRIER_HOST, ports.carrier, ports.carrier_control, ports.carrier_rtp_start, rtp_end)
        commands = {
            "carrier": sipp.argv(tree, scenario, sockets),
            "asterisk": tree.command("asterisk", "-f", "-C", str(self._directory / "etc" / "asterisk.conf")),
        }
        pids = {part: parts.start(self._directory, part, argv, leashed=self._leashed) for part, argv in commands.items()}
        self._wait_until_ready(info, name, pids)
        return info

    def _configure(self, tree: Tree, name: str, ports: _Ports, agents: tuple[str, ...]) -> LabInfo:
        """Writes the PBX's files, the secrets that do not exist yet, and lab.json."""
        at = self._directory
        info = LabInfo(
            directory=at,
            ami_host=BIND,
            ami_port=ports.ami,
            ami_username=AMI_USERNAME,
            ami_secret_file=_secret(at / "secrets" / "ami"),
            sip_host=BIND,
            sip_port=ports.sip,
            trunk=TRUNK,
            carrier_host=carrier.CARRIER_HOST,
            carrier_port=ports.carrier,
            spool=at / "spool",
            prompts=at / "prompts",
            agents={agent: _secret(at / "secrets" / f"agent-{agent}") for agent in agents},
        )
        site = provision.PbxSite(
            name=name,
            etc=str(at / "etc"),
            modules=str(tree.modules),
            documents=str(tree.data),
            var=str(at / "var"),
            run=str(at / "run"),
            spool=str(info.spool),
            prompts=str(info.prompts),
            bind=BIND,
            sip_port=ports.sip,
            rtp_start=ports.rtp_start,
            rtp_end=ports.rtp_start + _RTP_PORTS - 1,
            ami_port=ports.ami,
            ami_username=AMI_USERNAME,
            ami_secret=info.ami_secret(),
        )
        trunk = provision.Trunk(TRUNK, carrier.CARRIER_HOST, ports.carrier)
        lines = tuple(provision.AgentLine(agent, info.password(agent)) for agent in agents)
        for file, text in provision.render(templates(), site, (trunk,), lines).items():
            _write_private(at / "etc" / file, text)
        _write_private(at / "lab.json", json.dumps(_to_json(info, ports), indent=2) + "\n")
        return info

    def _wait_until_ready(self, info: LabInfo, name: str, pids: Mapping[str, int]) -> None:
        """Until our Asterisk answers on AMI and SIP and our carrier on SIP: each proves that it is ours, not a stranger's."""
        deadline = time.monotonic() + _READY_WITHIN_S
        waiting: dict[str, Callable[[], bool]] = {
            "the carrier": lambda: probe.sip_server(info.carrier_host, info.carrier_port) == "ringfence-carrier",
            "AMI": lambda: probe.ami_lets_in(info.ami_host, info.ami_port, info.ami_username, info.ami_secret()),
            "SIP": lambda: probe.sip_server(info.sip_host, info.sip_port) == name,
        }
        while waiting:
            for what, ready in list(waiting.items()):
                if ready():
                    del waiting[what]
            if not waiting:
                return
            for part, pid in pids.items():
                if parts.ended(pid) or "already in use" in self._last_words(part, lines=200):
                    self._raise_for(part)
            if time.monotonic() > deadline:
                raise LabError(
                    f"{' and '.join(waiting)} did not answer in {_READY_WITHIN_S:.0f} s: {self._last_words('asterisk')}"
                )
            time.sleep(0.02)

    def _raise_for(self, part: str) -> None:
        said = self._last_words(part, lines=200)
        if any(words in said for words in ("already in use", "Unable to bind", "bind() error")):
            raise _PortTaken
        raise LabError(f"{part} does not start: {self._last_words(part) or 'it said nothing'}")

    def _last_words(self, part: str, lines: int = 5) -> str:
        """The last lines a part wrote: of Asterisk its own log, and what it printed before it had one."""
        files = [self._directory / "log" / f"{part}.out"]
        files += [self._directory / "var/log/messages"] if part == "asterisk" else []
        said = [
            line for file in files if file.is_file() for line in file.read_text(errors="replace").splitlines() if line.strip()
        ]
        return " | ".join(said[-lines:])

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Only one process at a time brings a lab up or takes it down."""
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self._directory / "lab.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _read(self) -> LabInfo | None:
        found = self._read_json()
        return None if found is None else _from_json(self._directory, found)

    def _previous_ports(self) -> _Ports | None:
        found = self._read_json()
        return None if found is None else _Ports(**found["ports"])

    def _read_json(self) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = json.loads((self._directory / "lab.json").read_text())
        except FileNotFoundError:
            return None
        return found


def templates() -> dict[str, str]:
    """The templates of config/pbx by file name."""
    return {name: resources.files("config").joinpath("pbx", name).read_text() for name in provision.FILES + provision.PIECES}


def _to_json(info: LabInfo, ports: _Ports) -> dict[str, Any]:
    return {
        "ports": {name: getattr(ports, name) for name in _Ports.__slots__},
        "agents": sorted(info.agents),
        "ami": {
            "host": info.ami_host,
            "port": info.ami_port,
            "username": info.ami_username,
            "secret_file": str(info.ami_secret_file),
        },
        "sip": {"host": info.sip_host, "port": info.sip_port, "trunk": info.trunk},
        "carrier": {"host": info.carrier_host, "port": info.carrier_port},
        "spool": str(info.spool),
        "prompts": str(info.prompts),
    }


def _from_json(directory: Path, found: dict[str, Any]) -> LabInfo:
    return LabInfo(
        directory=directory,
        ami_host=found["ami"]["host"],
        ami_port=found["ami"]["port"],
        ami_username=found["ami"]["username"],
        ami_secret_file=Path(found["ami"]["secret_file"]),
        sip_host=found["sip"]["host"],
        sip_port=found["sip"]["port"],
        trunk=found["sip"]["trunk"],
        carrier_host=found["carrier"]["host"],
        carrier_port=found["carrier"]["port"],
        spool=Path(found["spool"]),
        prompts=Path(found["prompts"]),
        agents={agent: directory / "secrets" / f"agent-{agent}" for agent in found["agents"]},
    )


def _secret(path: Path) -> Path:
    if not path.exists():
        _write_private(path, secrets.token_urlsafe(24) + "\n")
    return path


def _write_private(path: Path, text: str) -> None:
    """Writes with mode 0600 from the first byte on, whole or not at all."""
    unfinished = path.with_name(path.name + ".part")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


def _free_ports() -> _Ports:
    blocks = [10_000 + _RTP_PORTS * block for block in secrets.SystemRandom().sample(range(20), 2)]
    return _Ports(
        sip=probe.free_port(BIND, socket.SOCK_DGRAM),
        ami=probe.free_port(BIND, socket.SOCK_STREAM),
        rtp_start=blocks[0],  # Asterisk and SIPp pass over ports that are taken, so labs may share a block
        carrier=probe.free_port(carrier.CARRIER_HOST, socket.SOCK_DGRAM),
        carrier_control=probe.free_port(carrier.CARRIER_HOST, socket.SOCK_DGRAM),
        carrier_rtp_start=blocks[1],
    )
