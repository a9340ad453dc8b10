"""Which files does a PBX need for these trunks and agents? Pure: values and template texts in, file texts out.

The templates are in config/pbx. Every value is checked against what its place in a file may hold before it is put
there: a newline, a semicolon or a bracket in a name would otherwise become configuration of its own.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address

#: Templates that become one file of the same name each.
FILES = (
    "asterisk.conf",
    "cdr.conf",
    "confbridge.conf",
    "extensions.conf",
    "indications.conf",
    "logger.conf",
    "manager.conf",
    "modules.conf",
    "pjsip.conf",
    "rtp.conf",
)
#: Files that Asterisk calls missing as an error in its log although it needs nothing in them.
DEFAULTS = ("acl.conf", "ccss.conf", "cel.conf", "features.conf", "pjproject.conf", "stasis.conf", "udptl.conf")
#: Templates that are put behind pjsip.conf, once for each trunk and each agent.
PIECES = ("pjsip-trunk.conf", "pjsip-agent.conf")

_AGENT_ID = re.compile(r"[1-9][0-9]{1,7}")  # digits, because the agent id is an extension of context rf-connect
_SECRET = re.compile(r"[A-Za-z0-9_-]{16,128}")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,31}")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_PLACE = re.compile(r"@\{([a-z_]+)\}")  # ours in a template; `${NAME}` is Asterisk's
_PATH = re.compile(r"(/[\w.+=~-]+)+")  # absolute, and without what the dialplan reads as its own: , ; ( ) $ { } blanks
_MODULE = re.compile(r"^(?:load|require)\s*=\s*([a-z0-9_]+\.so)\s*$", re.MULTILINE)


class BadSetting(ValueError):
    """A value that cannot stand in a file of the PBX. The message names the place and shows the value, never a secret."""


@dataclass(frozen=True, slots=True)
class Trunk:
    """A route to a carrier that knows us by our address."""

    name: str
    host: str
    port: int = 5060

    def __post_init__(self) -> None:
        _check("trunk name", self.name, _NAME)
        _check(f"host of trunk {self.name}", self.host, _HOST)
        _check_port(f"port of trunk {self.name}", self.port)


@dataclass(frozen=True, slots=True)
class AgentLine:
    """An agent's SIP account: the agent id is the user name and the room `rf-<id>` is the agent's."""

    agent_id: str
    password: str

    def __post_init__(self) -> None:
        _check("agent id", self.agent_id, _AGENT_ID)
        _check_secret(f"password of agent {self.agent_id}", self.password)


@dataclass(frozen=True, slots=True)
class PbxSite:
    """One Asterisk of ours: where its files are, where it listens, and its AMI account. Paths are absolute."""

    name: str
    etc: str
    modules: str
    documents: str
    var: str
    run: str
    spool: str
    prompts: str
    bind: str
    sip_port: int
    rtp_start: int
    rtp_end: int
    ami_port: int
    ami_username: str
    ami_secret: str
    agent_rtp_timeout_s: int = 10
    customer_rtp_timeout_s: int = 60

    def __post_init__(self) -> None:
        _check("name of the PBX", self.name, _NAME)
        for place in ("etc", "modules", "documents", "var", "run", "spool", "prompts"):
            _check(f"directory {place}", getattr(self, place), _PATH)
        try:
            IPv4Address(self.bind)
        except ValueError:
            raise BadSetting(f"address to listen on: {self.bind!r} is not an IPv4 address") from None
        for place in ("sip_port", "rtp_start", "rtp_end", "ami_port"):
            _check_port(place, getattr(self, place))
        if self.rtp_start % 2 or self.rtp_end - self.rtp_start < 3:
            raise BadSetting(f"RTP ports {self.rtp_start}-{self.rtp_end}: need an even start and room for two streams")
        _check("AMI username", self.ami_username, _NAME)
        _check_secret("AMI secret", self.ami_secret)
        for place in ("agent_rtp_timeout_s", "customer_rtp_timeout_s"):
            if not 1 <= getattr(self, place) <= 3600:
                raise BadSetting(f"{place}: {getattr(self, place)!r} is not between 1 and 3600 seconds")


def render(
    templates: Mapping[str, str], site: PbxSite, trunks: tuple[Trunk, ...] = (), agents: tuple[AgentLine, ...] = ()
) -> dict[str, str]:
    """File name -> text, for `FILES` and `DEFAULTS`. The texts hold secrets: write them with mode 0600.

    `templates` holds the texts of `FILES` and `PIECES`. Raises BadSetting when two trunks or agents have one name,
    KeyError when a template is missing or asks for a value that does not exist.
    """
    names = [trunk.name for trunk in trunks] + [agent.agent_id for agent in agents]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise BadSetting(f"named twice: {', '.join(twice)}")
    values = {place: str(getattr(site, place)) for place in PbxSite.__slots__}
    files = {name: _fill(templates[name], values) for name in FILES}
    files |= dict.fromkeys(DEFAULTS, "; Asterisk's defaults serve.\n")
    trunk_piece, agent_piece = (templates[name] for name in PIECES)
    for trunk in trunks:
        files["pjsip.conf"] += _fill(trunk_piece, values | {"trunk": trunk.name, "host": trunk.host, "port": str(trunk.port)})
    for agent in agents:
        files["pjsip.conf"] += _fill(agent_piece, values | {"agent_id": agent.agent_id, "password": agent.password})
    return files


def modules(modules_conf: str) -> tuple[str, ...]:
    """The file names of the modules that a modules.conf loads, each once, in order."""
    return tuple(dict.fromkeys(_MODULE.findall(modules_conf)))


def _fill(template: str, values: Mapping[str, str]) -> str:
    return _PLACE.sub(lambda place: values[place[1]], template)


def _check(place: str, value: str, allowed: re.Pattern[str]) -> None:
    if not allowed.fullmatch(value):
        raise BadSetting(f"{place}: {value!r} is not allowed (must match {allowed.pattern})")


def _check_secret(place: str, value: str) -> None:
    if not _SECRET.fullmatch(value):
        raise BadSetting(f"{place}: must be 16 to 128 of A-Z a-z 0-9 _ -")


def _check_port(place: str, value: int) -> None:
    if not 1 <= value <= 65535:
        raise BadSetting(f"{place}: {value!r} is not a port")
