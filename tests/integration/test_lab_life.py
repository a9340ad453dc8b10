"""A lab comes up, comes back and goes without a trace: nothing of it is reached from outside, nothing outlives its owner."""

import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from sip import parts
from sip.carrier import Behaviour, number_for
from sip.lab import Lab, LabError, LabInfo
from sip.robot import start_robots
from sip.unpack import Tree
from tests.raw_ami import Ami, a_call, until

pytestmark = pytest.mark.asterisk


def sockets_of(pid: int, *, kinds: tuple[str, ...] = ("udp", "udp6", "tcp", "tcp6")) -> list[tuple[str, int]]:
    """Address and port of every IP socket of these kinds that a process has bound."""
    inodes = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        target = str(entry.readlink()) if entry.is_symlink() else ""
        inodes |= {target[8:-1]} if target.startswith("socket:[") else set()
    found = []
    for table in kinds:
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[9] in inodes:
                address, port = fields[1].split(":")
                raw = bytes.fromhex(address)
                found.append((socket.inet_ntoa(raw[::-1]) if len(raw) == 4 else f"IPv6 {address}", int(port, 16)))
    return found


def test_nothing_of_the_lab_can_be_reached_from_outside_even_during_a_call(info: LabInfo, ami: Ami) -> None:
    call = ami.ring(a_call(108), number_for(Behaviour.TALKS, 108))
    ami.user_event("RFAnswered", Call=call)
    pids = parts.alive(info.directory)
    bound = {name: sockets_of(pid) for name, pid in pids.items()}
    streams = sockets_of(pids["asterisk"], kinds=("tcp", "tcp6"))
    ami.hang_up(call)
    assert (info.sip_host, info.sip_port) in bound["asterisk"]
    assert (info.ami_host, info.ami_port) in streams
    assert (info.carrier_host, info.carrier_port) in bound["carrier"]
    assert len(bound["carrier"]) >= 3  # its control socket and the RTP of the call as well
    outside = [where for where in (*bound["carrier"], *streams) if not where[0].startswith("127.")]
    assert outside == []
    # Asterisk's DNS resolver has a UDP socket for each family, which takes answers only; there must be no other.
    assert len([where for where in bound["asterisk"] if not where[0].startswith("127.")]) <= 2


def test_two_labs_stand_side_by_side(info: LabInfo, tmp_path: Path) -> None:
    other = Lab(tmp_path / "other")
    try:
        theirs = other.up(("101",))
        assert not {theirs.sip_port, theirs.ami_port} & {info.sip_port, info.ami_port}
        for found in (info, theirs):
            ami = Ami(found)
            call = ami.ring(a_call(201), number_for(Behaviour.BUSY, 201))
            assert ami.hangup(call)["Cause"] == "17"
            ami.close()
    finally:
        other.down()
    assert parts.alive(info.directory).keys() == {"asterisk", "carrier"}


def test_up_leaves_a_running_lab_alone_and_down_leaves_nothing(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    try:
        first = lab.up(("101",))
        running = lab.status()
        assert running.up
        assert lab.up(("101",)) == first
        assert lab.status().parts == running.parts
        for secret in (first.ami_secret_file, *first.agents.values(), tmp_path / "lab.json", *(tmp_path / "etc").iterdir()):
            assert secret.stat().st_mode & 0o077 == 0, secret
    finally:
        lab.down()
    assert not lab.status().up
    assert parts.alive(tmp_path) == {}
    assert not mentioned(tmp_path)
    lab.down()


def test_a_killed_pbx_is_brought_back_where_the_phones_and_the_floor_look_for_it(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    try:
        first = lab.up(("101",))
        secret = first.ami_secret()
        os.kill(lab.status().parts["asterisk"], signal.SIGKILL)
        until(lambda: not lab.status().up, 5.0, "a killed Asterisk still counts as running")
        again = lab.up(("101",))
        assert again == first
        assert again.ami_secret() == secret
    finally:
        lab.down()


def test_phones_register_and_prove_their_lines_again_after_the_pbx_was_killed(tree: Tree, tmp_path: Path) -> None:
    lab = Lab(tmp_path / "lab")
    first = lab.up(("101",))
    account = [("101", first.password("101"))]
    robot = start_robots(tree, account, first.sip_host, first.sip_port, tmp_path / "robots")
    try:
        ami = Ami(first)
        ami.user_event("RFAgentProven", Agent="101")
        ami.close()
        os.kill(lab.status().parts["asterisk"], signal.SIGKILL)
        until(lambda: not lab.status().up, 5.0, "a killed Asterisk still counts as running")
        ami = Ami(lab.up(("101",)))
        ami.user_event("RFAgentProven", Agent="101")
        ami.close()
        assert robot.alive()
    finally:
        robot.stop()
        lab.down()


def test_a_port_that_was_taken_meanwhile_is_given_up(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    try:
        first = lab.up(("101",))
        lab.down()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            ours = False
            with suppress(OSError):  # somebody else was quicker, and may be gone again before the lab looks
                stranger.bind((first.sip_host, first.sip_port))
                ours = True
            second = lab.up(("101",))
            assert second.sip_port != first.sip_port or not ours
            assert lab.status().up
    finally:
        lab.down()


def test_more_agents_than_a_running_lab_knows_are_refused_in_words(info: LabInfo) -> None:
    with pytest.raises(LabError, match=r"101, 102, 103, 104: take it down"):
        Lab(info.directory).up(("101", "199"))


def test_a_lab_that_cannot_be_written_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "prompts").write_text("a file where a directory should be")
    with pytest.raises(LabError, match=str(tmp_path)):
        Lab(tmp_path).up(("101",))
    assert parts.alive(tmp_path) == {}


def test_a_path_too_long_for_the_control_socket_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"at most 90 characters"):
        Lab(tmp_path / ("x" * 90)).up(("101",))


OWNER = """
import sys, threading
from pathlib import Path
from sip.lab import Lab
Lab(Path(sys.argv[1]), leashed=sys.argv[2] == "leashed").up(("101",))
print("up", flush=True)
if sys.argv[2] == "leashed":
    threading.Event().wait()
"""


def owner_of(directory: Path, how: str) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", OWNER, str(directory), how], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline() == "up\n"
    return process


def mentioned(directory: Path) -> list[str]:
    """Command lines of running processes that name the directory, found without the lab's own means."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if entry.name.isdigit() and str(directory) in command:
            found.append(command)
    return found


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_lab_does_not_outlive_the_process_it_was_brought_up_for(tmp_path: Path, end: signal.Signals) -> None:
    with owner_of(tmp_path, "leashed") as owner:
        assert parts.alive(tmp_path).keys() == {"asterisk", "carrier"}
        owner.send_signal(end)
        owner.wait()
    until(lambda: not parts.alive(tmp_path) and not mentioned(tmp_path), 10.0, "a part outlived its owner")


def test_a_lab_that_is_not_leashed_stays_until_it_is_taken_down_by_anybody(tmp_path: Path) -> None:
    with owner_of(tmp_path, "detached") as owner:
        assert owner.wait() == 0
    lab = Lab(tmp_path)
    try:
        status = lab.status()
        assert status.up
        assert status.info is not None
        Ami(status.info).close()
    finally:
        lab.down()
    assert not mentioned(tmp_path)


def test_robots_die_with_their_owner(info: LabInfo, tmp_path: Path) -> None:
    script = (
        "import sys, threading\nfrom pathlib import Path\n"
        "from sip.robot import start_robots\nfrom sip.unpack import ensure_tree\n"
        "password, host, port, directory = sys.stdin.readline().split()\n"
        "robots = start_robots(ensure_tree(lambda _: None), [('103', password)], host, int(port), Path(directory))\n"
        "print(robots.pids()[0], flush=True)\nthreading.Event().wait()\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdin
        assert owner.stdout
        owner.stdin.write(f"{info.password('103')} {info.sip_host} {info.sip_port} {tmp_path}\n")
        owner.stdin.flush()
        robot = int(owner.stdout.readline())
        owner.kill()
    until(lambda: not Path(f"/proc/{robot}").exists(), 10.0, "a robot outlived its owner")
