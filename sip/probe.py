"""Who answers on a port of this machine: a part of our lab, a stranger, or nobody? And which ports are free?"""

import secrets
import socket

_HERE = "127.0.0.1"


def free_port(host: str, kind: socket.SocketKind) -> int:
    """A port nobody has bound now: it may be taken before it is used, so ask again then."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def ami_lets_in(host: str, port: int, username: str, secret: str) -> bool:
    """Whether AMI lets us in with our secret and says that it has booted whole."""
    try:
        with socket.create_connection((host, port), timeout=1.0) as ami:
            ami.sendall(f"Action: Login\r\nUsername: {username}\r\nSecret: {secret}\r\n\r\n".encode())
            said = b""
            while b"Event: FullyBooted" not in said:
                more = ami.recv(4096)
                if not more:
                    return False
                said += more
            ami.sendall(b"Action: Logoff\r\n\r\n")
            return True
    except OSError:
        return False


def sip_server(host: str, port: int) -> str | None:
    """What calls itself Server when asked for OPTIONS (RFC 3261 section 11); None when nobody answers."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((_HERE, 0))
        probe.settimeout(0.3)
        here = f"{_HERE}:{probe.getsockname()[1]}"
        token = secrets.token_hex(8)
        request = (
            f"OPTIONS sip:{host}:{port} SIP/2.0\r\nVia: SIP/2.0/UDP {here};branch=z9hG4bK{token};rport\r\nMax-Forwards: 70\r\n"
            f"From: <sip:lab@{here}>;tag={token}\r\nTo: <sip:lab@{host}:{port}>\r\nCall-ID: {token}\r\nCSeq: 1 OPTIONS\r\n"
            f"Contact: <sip:lab@{here}>\r\nContent-Length: 0\r\n\r\n"
        )
        try:
            probe.connect((host, port))
            probe.send(request.encode())
            for line in probe.recv(4096).decode(errors="replace").splitlines():
                if line.lower().startswith("server:"):
                    return line.split(":", 1)[1].strip()
        except OSError:
            return None
    return None
