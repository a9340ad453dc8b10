"""Who says so? Ed25519 signatures (RFC 8032) over evidence that leaves the house. Keys are values here.

The rule it protects: whoever holds a bundle and the site's public key can tell that the site made it and that not one byte of it
has changed since. A signature depends on the key and the message alone: the same evidence is signed with the same bytes.
"""

import hashlib

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

SEED_BYTES = 32  # a private key of Ed25519 is 32 bytes of chance and nothing else


class BadKey(ValueError):
    """This is no Ed25519 key."""


def public_half(seed: bytes) -> str:
    """The public key that belongs to a private one, as PEM (RFC 8410): what is handed out. Raises BadKey."""
    return _private(seed).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")


def sign(seed: bytes, message: bytes) -> bytes:
    """The 64 bytes that only the holder of the private key can make for this message. Raises BadKey."""
    return _private(seed).sign(message)


def verify(public_pem: str, message: bytes, signature: bytes) -> bool:
    """Whether the holder of the key signed exactly this message. Raises BadKey where the PEM holds no such key."""
    try:
        _public(public_pem).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def fingerprint(public_pem: str) -> str:
    """The key in a form that can be read out over a telephone: the SHA-256 of its 32 bytes, as hex. Raises BadKey."""
    return hashlib.sha256(_public(public_pem).public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()


def _private(seed: bytes) -> Ed25519PrivateKey:
    if len(seed) != SEED_BYTES:
        raise BadKey(f"an Ed25519 key has {SEED_BYTES} bytes, not {len(seed)}")
    return Ed25519PrivateKey.from_private_bytes(seed)


def _public(pem: str) -> Ed25519PublicKey:
    try:
        key = load_pem_public_key(pem.encode())
    except ValueError:
        raise BadKey("not a public key in PEM") from None
    if not isinstance(key, Ed25519PublicKey):
        raise BadKey("a public key, but not of Ed25519")
    return key
