"""Where is the key that the site signs its evidence with? In `secrets/evidence.key`, for its owner only.

The rule it protects: a site signs with one key for as long as it lives, whose public half lies beside it. The key is made at
first use, whole or not at all, so that a crash or a second process leaves one key; one that was lost is never silently replaced.
"""

import base64
import binascii
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from compliance.signing import SEED_BYTES, BadKey, public_half, sign
from config.load import ConfigError, read_secret
from config.private_files import put_new as _put_new

KEY_FILE = "evidence.key"  # one line: the private key in base64
PUBLIC_FILE = "evidence.pub"  # PEM, to be handed out


@dataclass(frozen=True, slots=True)
class EvidenceKey:
    """The site's key. `public_pem` may be shown to anybody."""

    seed: bytes = field(repr=False)
    public_pem: str

    def sign(self, message: bytes) -> bytes:
        """The site's signature of the message."""
        return sign(self.seed, message)


def evidence_key(folder: Path) -> EvidenceKey:
    """The key kept in `folder`, made there at first use.

    Raises ConfigError where the key is lost, is readable for others, is no key, or is not the one of the public half
    beside it; OSError where nothing can be written.
    """
    private, public = folder / KEY_FILE, folder / PUBLIC_FILE
    if public.exists():  # asked first: the public half is never there before the private one
        if not private.exists():
            raise ConfigError(
                [f"{private}: missing, but {public} is there: restore it from the backup, or remove that for a new key"]
            )
    elif not private.exists():
        folder.mkdir(mode=0o700, exist_ok=True, parents=True)
        _put_new(private, base64.b64encode(secrets.token_bytes(SEED_BYTES)) + b"\n")
    try:
        seed = base64.b64decode(read_secret(private), validate=True)
        pem = public_half(seed)
    except (binascii.Error, BadKey):
        raise ConfigError([f"{private}: not a key: one line of base64, {SEED_BYTES} bytes, is expected"]) from None
    if not public.exists():  # the first use ended between the two files
        _put_new(public, pem.encode("ascii"))
    if public.read_text("ascii", "replace") != pem:
        raise ConfigError([f"{public}: not the public half of {private}: one of the two was exchanged"])
    return EvidenceKey(seed, pem)
