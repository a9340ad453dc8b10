"""Is every file of a bundle the one that was signed? The signature over the manifest, and the checksums it lists.

The rule it protects: a bundle is whole or it is not: a file that was altered, taken out or put in is found and named.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass

from compliance.evidence import MANIFEST, PUBLIC_KEY, SCHEMA, SEALS, SIGNATURE, SUMS, Files
from compliance.replay import MISSHAPEN
from compliance.signing import BadKey, fingerprint, verify


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be, and in which file of the bundle."""

    file: str
    text: str


@dataclass(frozen=True, slots=True)
class Seal:
    """What was found of signature and checksums. `key` is the fingerprint of the key in the bundle; empty for none."""

    key: str
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]


def check_seal(files: Files, trusted: str | None) -> Seal:
    """Whether the files are those that were signed, and by the key with the fingerprint `trusted`, where one is known."""
    lacking = [name for name in (MANIFEST, PUBLIC_KEY, SIGNATURE) if name not in files]
    if lacking:
        return Seal("", (*(Finding(name, "is not there") for name in lacking), *_checksums(files)), ())
    pem = files[PUBLIC_KEY].decode("ascii", "replace")
    try:
        key, signed = fingerprint(pem), verify(pem, files[MANIFEST], files[SIGNATURE])
    except BadKey as error:
        return Seal("", (Finding(PUBLIC_KEY, str(error)), *_checksums(files)), ())
    findings, notes = [], []
    if not signed:
        text = f"is not the signature of {MANIFEST} by the key in {PUBLIC_KEY}: one of the three was altered"
        findings.append(Finding(SIGNATURE, text))
    if trusted is None:
        notes.append(f"who signed is not checked: compare the key's fingerprint with the maker's: {key}")
    elif key != trusted:
        text = f"is not the key that was expected: it has the fingerprint {key}, not {trusted}"
        findings.append(Finding(PUBLIC_KEY, text))
    return Seal(key, (*findings, *_checksums(files, key)), tuple(notes))


def _checksums(files: Files, key: str = "") -> list[Finding]:
    if MANIFEST not in files:
        return []
    try:
        return list(_unlike(files, key))
    except MISSHAPEN as error:
        return [Finding(MANIFEST, f"is not written as a bundle writes it: {type(error).__name__} at {str(error)[:100]}")]


def _unlike(files: Files, key: str) -> Iterator[Finding]:
    manifest = json.loads(files[MANIFEST].decode())
    if manifest["schema"] != SCHEMA:
        yield Finding(MANIFEST, f"is not a {SCHEMA} but {str(manifest['schema'])[:40]!r}")
    if key and manifest["key"] != key:
        yield Finding(MANIFEST, f"names another key than the one in {PUBLIC_KEY}")
    listed = {one["name"]: one["sha256"] for one in manifest["files"]}
    found = {name: hashlib.sha256(content).hexdigest() for name, content in files.items() if name not in SEALS}
    for name in sorted(listed.keys() | found.keys()):
        if name not in found:
            yield Finding(name, f"is not there, but {MANIFEST} lists it")
        elif name not in listed:
            yield Finding(name, f"was added: {MANIFEST} does not list it")
        elif listed[name] != found[name]:
            yield Finding(name, f"was altered: {MANIFEST} lists it with another SHA-256")
    sums = "".join(f"{listed[name]}  {name}\n" for name in sorted(listed) if name != SUMS)
    if SUMS in files and files[SUMS] != sums.encode():
        yield Finding(SUMS, f"does not say the same as {MANIFEST}")
