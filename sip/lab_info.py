"""Where is everything of a lab? What it writes down about itself, for the processes that come after.

`lab.json` and the files of secrets have mode 0600 from the first byte on and appear whole or not at all.
"""

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


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
class LabPorts:
    """Where the parts of a lab listen."""

    sip: int
    ami: int
    rtp_start: int
    carrier: int
    carrier_control: int
    carrier_rtp_start: int


def remember(info: LabInfo, ports: LabPorts) -> None:
    """Writes `lab.json` in the lab's directory."""
    write_private(info.directory / "lab.json", json.dumps(_to_json(info, ports), indent=2) + "\n")


def recall(directory: Path) -> LabInfo | None:
    """What `lab.json` says; None when there was never a lab here."""
    found = _read_json(directory)
    return None if found is None else _from_json(directory, found)


def previous_ports(directory: Path) -> LabPorts | None:
    """The ports of the last start; None when there was none."""
    found = _read_json(directory)
    return None if found is None else LabPorts(**found["ports"])


def secret_in(path: Path) -> Path:
    """The path of a file with a secret, made with a fresh one unless it exists."""
    if not path.exists():
        write_private(path, secrets.token_urlsafe(24) + "\n")
    return path


def write_private(path: Path, text: str) -> None:
    """Writes with mode 0600 from the first byte on, whole or not at all."""
    unfinished = path.with_name(path.name + ".part")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


def _read_json(directory: Path) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = json.loads((directory / "lab.json").read_text())
    except FileNotFoundError:
        return None
    return found


def _to_json(info: LabInfo, ports: LabPorts) -> dict[str, Any]:
    return {
        "ports": {name: getattr(ports, name) for name in LabPorts.__slots__},
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
    """Paths follow the directory, which may have been moved since; the file names them for people."""
    return LabInfo(
        directory=directory,
        ami_host=found["ami"]["host"],
        ami_port=found["ami"]["port"],
        ami_username=found["ami"]["username"],
        ami_secret_file=directory / "secrets" / "ami",
        sip_host=found["sip"]["host"],
        sip_port=found["sip"]["port"],
        trunk=found["sip"]["trunk"],
        carrier_host=found["carrier"]["host"],
        carrier_port=found["carrier"]["port"],
        spool=directory / "spool",
        prompts=directory / "prompts",
        agents={agent: directory / "secrets" / f"agent-{agent}" for agent in found["agents"]},
    )
