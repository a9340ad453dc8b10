"""Of a bundle's files, each one that was altered, taken out or put in is named, and so is a signature that is another's."""

import hashlib
import json

import pytest

from compliance.evidence_seal import Finding, Seal, check_seal
from compliance.signing import fingerprint, public_half, sign

SEED, OTHER_SEED = bytes(range(32)), bytes(32)
PUBLIC, OTHER = public_half(SEED), public_half(OTHER_SEED)
KEY, OTHER_KEY = fingerprint(PUBLIC), fingerprint(OTHER)
CONTENTS = {"a.json": b"{}", "packs/b.toml": b"x = 1"}
LONG, SHOWN = "x" * 41, "x" * 40


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def signed(manifest: object, contents: dict[str, bytes] = CONTENTS, seed: bytes = SEED) -> dict[str, bytes]:
    text = manifest if isinstance(manifest, bytes) else json.dumps(manifest).encode()
    sealed = {"manifest.json": text, "manifest.sig": sign(seed, text), "manifest.pub": public_half(seed).encode()}
    return contents | sealed


def a_manifest(contents: dict[str, bytes], **about: object) -> dict[str, object]:
    listed = [{"name": name, "sha256": sha256(content)} for name, content in contents.items()]
    return {"schema": "ringfence-evidence-1", "key": KEY, "files": listed} | about


def a_bundle(**about: object) -> dict[str, bytes]:
    sums = "".join(f"{sha256(CONTENTS[name])}  {name}\n" for name in sorted(CONTENTS))
    contents = CONTENTS | {"SHA256SUMS": sums.encode()}
    return signed(a_manifest(contents, **about), contents)


def without(files: dict[str, bytes], *names: str) -> dict[str, bytes]:
    return {name: content for name, content in files.items() if name not in names}


NOT_THERE = "is not there"
FALSE = "is not the signature of manifest.json by the key in manifest.pub: one of the three was altered"
ALTERED = Finding("a.json", "was altered: manifest.json lists it with another SHA-256")


def test_a_bundle_that_nobody_touched_is_whole() -> None:
    assert check_seal(a_bundle(), KEY) == Seal(KEY, (), ())


def test_without_a_known_key_it_is_told_whom_to_ask() -> None:
    note = f"who signed is not checked: compare the key's fingerprint with the maker's: {KEY}"
    assert check_seal(a_bundle(), None) == Seal(KEY, (), (note,))


@pytest.mark.parametrize("name", ["manifest.pub", "manifest.sig"])
def test_without_one_of_its_seals_the_files_are_compared_all_the_same(name: str) -> None:
    altered = without(a_bundle(), name) | {"a.json": b"[]"}
    assert check_seal(altered, KEY) == Seal("", (Finding(name, NOT_THERE), ALTERED), ())


def test_without_a_manifest_there_is_nothing_to_compare_with() -> None:
    found = check_seal(without(a_bundle(), "manifest.json", "manifest.sig"), None)
    assert found == Seal("", (Finding("manifest.json", NOT_THERE), Finding("manifest.sig", NOT_THERE)), ())


@pytest.mark.parametrize("pem", [b"", b"words", b"\xff\xfe"])
def test_a_key_that_is_none_is_told_and_the_files_are_compared_all_the_same(pem: bytes) -> None:
    found = check_seal(a_bundle() | {"manifest.pub": pem, "a.json": b"[]"}, KEY)
    assert found == Seal("", (Finding("manifest.pub", "not a public key in PEM"), ALTERED), ())


def test_a_false_signature_is_told() -> None:
    assert check_seal(a_bundle() | {"manifest.sig": bytes(64)}, KEY) == Seal(KEY, (Finding("manifest.sig", FALSE),), ())


def test_another_key_than_the_expected_one_is_told_and_another_than_the_manifest_names() -> None:
    foreign = signed(a_manifest(CONTENTS, key=OTHER_KEY), seed=OTHER_SEED)
    expected = f"is not the key that was expected: it has the fingerprint {OTHER_KEY}, not {KEY}"
    assert check_seal(foreign, KEY) == Seal(OTHER_KEY, (Finding("manifest.pub", expected),), ())
    named = Finding("manifest.json", "names another key than the one in manifest.pub")
    assert check_seal(a_bundle(key=OTHER_KEY), KEY) == Seal(KEY, (named,), ())


def test_each_file_that_was_altered_taken_out_or_put_in_is_named() -> None:
    changed = without(a_bundle(), "packs/b.toml") | {"a.json": b"[]", "z.json": b"{}"}
    assert check_seal(changed, KEY).findings == (
        ALTERED,
        Finding("packs/b.toml", "is not there, but manifest.json lists it"),
        Finding("z.json", "was added: manifest.json does not list it"),
    )


def test_checksums_for_the_usual_tool_that_say_something_else_are_told() -> None:
    contents = CONTENTS | {"SHA256SUMS": b""}
    found = check_seal(signed(a_manifest(contents), contents), KEY)
    assert found.findings == (Finding("SHA256SUMS", "does not say the same as manifest.json"),)


def test_a_manifest_of_another_kind_is_told() -> None:
    (finding,) = check_seal(a_bundle(schema=LONG), KEY).findings
    assert finding == Finding("manifest.json", f"is not a ringfence-evidence-1 but {SHOWN!r}")


MANY_DIGITS = "Exceeds the limit (4300 digits) for integer string conversion: value has 5000 digits; use sys.set_int_max_"


@pytest.mark.parametrize(
    ("manifest", "why"),
    [
        (b"[]", "TypeError at list indices must be integers or slices, not str"),
        (b"{}", "KeyError at 'schema'"),
        (b"{", "JSONDecodeError at Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        (b"1" * 5000, f"ValueError at {MANY_DIGITS[:100]}"),
    ],
)
def test_a_manifest_that_is_written_otherwise_is_told(manifest: bytes, why: str) -> None:
    (finding,) = check_seal(signed(manifest), KEY).findings
    assert finding == Finding("manifest.json", f"is not written as a bundle writes it: {why}")
