"""A signature holds for one key and one message; a key that is none is told apart from a signature that is false."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.signing import SEED_BYTES, BadKey, fingerprint, public_half, sign, verify

SEED = bytes(range(SEED_BYTES))
#: RFC 8032 section 7.1, test 2: the private key, the public key, a message of one byte, and its signature.
RFC_SEED = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
RFC_SIGNATURE = bytes.fromhex(
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
)


def test_the_signature_is_the_one_of_the_standard() -> None:
    assert sign(RFC_SEED, b"\x72") == RFC_SIGNATURE
    assert verify(public_half(RFC_SEED), b"\x72", RFC_SIGNATURE)


@given(st.binary(max_size=200))
def test_whoever_has_the_public_half_can_tell_that_the_message_was_signed(message: bytes) -> None:
    assert verify(public_half(SEED), message, sign(SEED, message))


@given(st.binary(min_size=1, max_size=100), st.data())
def test_a_message_with_one_bit_changed_was_not_signed(message: bytes, data: st.DataObject) -> None:
    bit = data.draw(st.integers(0, len(message) * 8 - 1))
    altered = bytearray(message)
    altered[bit // 8] ^= 1 << bit % 8
    assert not verify(public_half(SEED), bytes(altered), sign(SEED, message))


def test_another_key_did_not_sign_it() -> None:
    assert not verify(public_half(bytes(SEED_BYTES)), b"words", sign(SEED, b"words"))


def test_a_signature_of_the_wrong_length_is_false_and_no_fault() -> None:
    assert not verify(public_half(SEED), b"words", b"short")


def test_two_keys_have_two_fingerprints_and_one_key_has_one() -> None:
    assert fingerprint(public_half(SEED)) == fingerprint(public_half(SEED))
    assert fingerprint(public_half(SEED)) != fingerprint(public_half(RFC_SEED))


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_a_private_key_has_32_bytes(length: int) -> None:
    with pytest.raises(BadKey, match=f"32 bytes, not {length}"):
        sign(bytes(length), b"words")


EXCHANGE = """-----BEGIN PUBLIC KEY-----
MCowBQYDK2VuAyEAL+V9o0fNYkMVKNqsX7spBzD/9oSvxM/C7ZCZX1jLO3Q=
-----END PUBLIC KEY-----
"""  # X25519: a public key, but one that signs nothing


@pytest.mark.parametrize(
    ("pem", "why"),
    [
        ("", "not a public key in PEM"),
        ("words", "not a public key in PEM"),
        ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "not a public key in PEM"),
        (EXCHANGE, "a public key, but not of Ed25519"),
    ],
)
def test_a_text_that_is_no_public_key_is_told(pem: str, why: str) -> None:
    with pytest.raises(BadKey) as caught:
        verify(pem, b"words", sign(SEED, b"words"))
    assert str(caught.value) == why
