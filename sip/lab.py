"""How is a private telephone network brought up on this machine, and taken down without a trace?

One directory is one lab: an Asterisk of its own (config/pbx), a carrier whose subscribers behave by number
(sip/carrier.py), prompts, secrets of mode 0600 and a spool for recordings. Everything listens on loopback, on ports
found free, so that labs run side by side. `up` mends what is broken: it may be called again after any crash.
"""

import fcntl
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from sip import carrier, parts, probe, provision, sipp, voices
from sip.debian import LabError
from sip.lab_info import LabInfo, LabPorts, previous_ports, recall, remember, secret_in, write_private
from sip.unpack import Tree, ensure_tree

__all__ = ["DEFAULT_AGENTS", "Lab", "LabError", "LabInfo", "LabStatus", "templates"]

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
class LabStatus:
    """What runs now: part name -> pid; `info` is None when the lab was never up."""

    info: LabInfo | None
    parts: Mapping[str, int]

    @property
    def up(self) -> bool:
        """Whether every part of the lab runs."""
        return self.info is not None and {"asterisk", "carrier"} <= self.parts.keys()


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
            info = recall(self._directory)
            if info is None or not {"asterisk", "carrier"} <= parts.alive(self._directory).keys():
                return self._start(tree, agents, progress)
            if set(agents) - info.agents.keys():
                raise LabError(f"the lab is up with agents {', '.join(info.agents)}: take it down before adding others")
            return info

    def down(self) -> None:
        """Ends every process of this lab, orphans of a crash included. Files stay. Does nothing when it is not up."""
        if self._directory.is_dir():
            with self._alone():
                parts.end(self._directory, _STOPS_WITHIN_S)

    def status(self) -> LabStatus:
        """What runs now; changes nothing."""
        return LabStatus(recall(self._directory), parts.alive(self._directory))

    def _start(self, tree: Tree, agents: tuple[str, ...], progress: Callable[[str], None]) -> LabInfo:
        parts.end(self._directory, _STOPS_WITHIN_S)
        progress("synthesizing prompts and subscribers")
        try:
            for name in _DIRECTORIES:
                (self._directory / name).mkdir(parents=True, exist_ok=True, mode=0o700)
            voices.make_prompts(tree, self._directory / "prompts")
            scenario = carrier.write_scenario(tree, self._directory / "carrier")
        except OSError as error:
            raise LabError(f"cannot write the files of the lab in {self._directory}: {error.strerror or error}") from error
        previous = previous_ports(self._directory)
        # The previous ports twice: those of a PBX that was killed are free a moment later.
        tries = [*([previous] * 2 if previous else []), *(_free_ports() for _ in range(_STARTS))]
        for ports in tries:
            progress(f"starting Asterisk on {BIND}:{ports.sip} and the carrier on {carrier.CARRIER_HOST}:{ports.carrier}")
            try:
                return self._launch(tree, scenario, ports, agents)
            except _PortTaken:
                parts.end(self._directory, _STOPS_WITHIN_S)
            except OSError as error:
                parts.end(self._directory, _STOPS_WITHIN_S)
                raise LabError(f"cannot bring up the lab in {self._directory}: {error.strerror or error}") from error
            except BaseException:  # Ctrl-C included: nothing half-started is left
                parts.end(self._directory, _STOPS_WITHIN_S)
                raise
        raise LabError(f"no free ports found on {BIND} in {len(tries)} tries")

    def _launch(self, tree: Tree, scenario: Path, ports: LabPorts, agents: tuple[str, ...]) -> LabInfo:
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

    def _configure(self, tree: Tree, name: str, ports: LabPorts, agents: tuple[str, ...]) -> LabInfo:
        """Writes the PBX's files, the secrets that do not exist yet, and lab.json."""
        at = self._directory
        info = LabInfo(
            directory=at,
            ami_host=BIND,
            ami_port=ports.ami,
            ami_username=AMI_USERNAME,
            ami_secret_file=secret_in(at / "secrets" / "ami"),
            sip_host=BIND,
            sip_port=ports.sip,
            trunk=TRUNK,
            carrier_host=carrier.CARRIER_HOST,
            carrier_port=ports.carrier,
            spool=at / "spool",
            prompts=at / "prompts",
            agents={agent: secret_in(at / "secrets" / f"agent-{agent}") for agent in agents},
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
            write_private(at / "etc" / file, text)
        remember(info, ports)
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


def templates() -> dict[str, str]:
    """The templates of config/pbx by file name."""
    return {name: resources.files("config").joinpath("pbx", name).read_text() for name in provision.FILES + provision.PIECES}


def _free_ports() -> LabPorts:
    blocks = [10_000 + _RTP_PORTS * block for block in secrets.SystemRandom().sample(range(20), 2)]
    return LabPorts(
        sip=probe.free_port(BIND, socket.SOCK_DGRAM),
        ami=probe.free_port(BIND, socket.SOCK_STREAM),
        rtp_start=blocks[0],  # Asterisk and SIPp pass over ports that are taken, so labs may share a block
        carrier=probe.free_port(carrier.CARRIER_HOST, socket.SOCK_DGRAM),
        carrier_control=probe.free_port(carrier.CARRIER_HOST, socket.SOCK_DGRAM),
        carrier_rtp_start=blocks[1],
    )
