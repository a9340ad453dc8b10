"""Is a bundle of evidence what its maker signed, and does it prove what it says? Everything is checked from the bundle alone.

The rule it protects: nobody has to believe us. Signature, checksums, the path of each ledger row to the end of the chain, and the
decisions, made again from the rules and rows in the bundle: whatever does not fit is found and named with its file.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ParamSpec

from compliance.chain import Step, digest, path, proves
from compliance.evidence import CALENDARS, DECISIONS, LEDGER, MANIFEST, PACKS, PROOF, RECORDINGS, Files, Subject
from compliance.evidence_seal import Finding, check_seal
from compliance.facts import EventKind
from compliance.replay import MISSHAPEN, PERMIT, Kept, event_in, read_whole, replay, rows_used
from compliance.signing import fingerprint

P = ParamSpec("P")
SEALED = "decision"  # the fact of an attempt that holds the SHA-256 of the decision it was permitted by


@dataclass(frozen=True, slots=True)
class Checked:
    """What a look into a bundle found: `findings` are faults, `notes` are limits of what it can prove. `key` made it."""

    key: str
    rows: int
    decisions: int
    replayed: int
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]

    @property
    def sound(self) -> bool:
        """Whether the bundle proves what it says."""
        return not self.findings


@dataclass(slots=True)
class _Look:
    """One look into a bundle: what was found so far. `rows` are bodies by place, `withheld` the places of others' rows.

    `sealed` holds the SHA-256 of the decision that the ledger itself names in the row of an attempt.
    """

    files: Files
    versions: str
    findings: list[Finding]
    notes: list[str]
    rows: dict[int, str] = field(default_factory=dict)
    withheld: frozenset[int] = frozenset()
    sealed: dict[str | None, str] = field(default_factory=dict)
    decisions: int = 0
    replayed: int = 0

    def fault(self, file: str, text: str) -> None:
        self.findings.append(Finding(file, text))

    def part(self, file: str, read_it: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
        """Reads one part of the bundle; one that is written otherwise is a finding, and the look goes on."""
        try:
            read_it(*args, **kwargs)
        except MISSHAPEN as error:
            self.fault(file, f"is not written as a bundle writes it: {type(error).__name__} at {str(error)[:100]}")

    def json(self, name: str) -> Any:
        """The JSON of a file. Raises ValueError."""
        if name not in self.files:
            raise ValueError("the file is not there")
        return json.loads(self.files[name].decode())


def check_bundle(files: Files, versions: str, trusted_pem: str | None = None) -> Checked:
    """Everything that is wrong with the bundle. `versions` are those of the program now, `trusted_pem` the maker's known key.

    Without a known key the signature proves that the bundle is whole, but not who made it: a note says so. Raises BadKey
    for a `trusted_pem` that is none.
    """
    seal = check_seal(files, fingerprint(trusted_pem) if trusted_pem is not None else None)
    look = _Look(files, versions, list(seal.findings), list(seal.notes))
    look.part(PROOF, _proof, look)
    look.part(DECISIONS, _decisions, look)
    look.part(DECISIONS, _complete, look)
    for name in sorted(files):
        if name.startswith(RECORDINGS) and name.endswith(".json"):
            look.part(name, _recording, look, name)
    return Checked(seal.key, len(look.rows), look.decisions, look.replayed, tuple(look.findings), tuple(look.notes))


def _proof(look: _Look) -> None:
    """Every row of the ledger is tied to the end of the chain, and is about the people the bundle is about."""
    proof, manifest = look.json(PROOF), look.json(MANIFEST)
    end = proof["tip_seq"], proof["tip_hash"]
    if end != (manifest["ledger"]["tip_seq"], manifest["ledger"]["tip_hash"]):
        look.fault(PROOF, f"begins at another end of the ledger than {MANIFEST} names")
    steps = {seq: Step(seq, body_sha256, before, skip) for seq, body_sha256, before, skip in proof["steps"]}
    look.withheld = frozenset(proof["withheld"])
    people = {"", *manifest["about"]["people"]}
    look.part(LEDGER, _rows, look)
    for seq, body in look.rows.items():
        places = path(end[0], seq)
        if not all(place in steps for place in places):
            look.fault(PROOF, f"row {seq}: the proof lacks rows on the way to it")
        elif not proves([steps[place] for place in places], end[1], body):
            look.fault(LEDGER, f"row {seq}: is not in the ledger that ends in {end[1]}")
        event = event_in(body)
        if event.person not in people:
            look.fault(LEDGER, f"row {seq}: is about somebody else than the bundle")
        if event.kind is EventKind.ATTEMPT and (sealed := dict(event.facts).get(SEALED)):
            look.sealed[event.attempt_id] = sealed
    if look.withheld:
        shown = ", ".join(map(str, sorted(look.withheld)))
        look.notes.append(f"ledger rows {shown} are about other people: shown by their SHA-256 alone")


def _complete(look: _Look) -> None:
    """The decision about the attempt, or about every call of the person that was permitted, is there."""
    about = look.json(MANIFEST)["about"]
    events = (event_in(body) for body in look.rows.values())
    sent = {event.attempt_id for event in events if event.kind is EventKind.ATTEMPT and "permit_id" in dict(event.facts)}
    needed = {about["id"]} if about["subject"] == Subject.ATTEMPT else sent
    for attempt_id in sorted(needed - {one["attempt_id"] for one in look.json(DECISIONS)}, key=str):
        look.fault(DECISIONS, f"the decision about attempt {attempt_id} is not there")


def _rows(look: _Look) -> None:
    if LEDGER not in look.files:
        raise ValueError("the file is not there")
    for line in look.files[LEDGER].decode().split("\n")[:-1]:  # a body may hold what splitlines() takes for the end of a line
        row = json.loads(line)
        if row["seq"] in look.rows:
            look.fault(LEDGER, f"row {row['seq']}: is there twice")
        look.rows[row["seq"]] = str(row["body"])


def _decisions(look: _Look) -> None:
    packs = _named(look.files, PACKS, ".toml")
    calendars = _named(look.files, CALENDARS, ".json")
    for one in look.json(DECISIONS):
        look.decisions += 1
        look.part(DECISIONS, _decision, look, one, packs, calendars)


def _decision(look: _Look, one: Mapping[str, Any], packs: Mapping[str, str], calendars: Mapping[str, str]) -> None:
    """The decision comes out the same when it is made again from what is in the bundle, as far as all of it is."""
    name = f"attempt {one['attempt_id']}, decided at {one['decided_at']}"
    used = frozenset(one["rows"])
    if one["verdict_kind"] == PERMIT and look.sealed.get(one["attempt_id"], one["decision_sha256"]) != one["decision_sha256"]:
        look.fault(DECISIONS, f"{name}: is not the decision that the ledger names in the row of the attempt")
    if unproven := sorted(used - look.rows.keys() - look.withheld):
        look.fault(LEDGER, f"{name}: row {unproven[0]} was used, and is not there")
        return
    if one["decision"] is None:
        look.notes.append(f"{name}: kept back, for {one['withheld_because']}; the maker replayed it: {_told(one)}")
        return
    text = str(one["decision"])
    if digest(text) != one["decision_sha256"]:
        look.fault(DECISIONS, f"{name}: is not the decision of this SHA-256")
        return
    decided, _ = read_whole(text)
    if decided.verdict != one["verdict"] or frozenset(rows_used(decided)) != used:
        look.fault(DECISIONS, f"{name}: its verdict or its rows are not those of the decision")
    elif used & look.withheld:
        look.notes.append(f"{name}: not replayed here, it used rows of others; the maker replayed it: {_told(one)}")
    else:
        again = replay(Kept(text, look.rows, packs, calendars), look.versions)
        look.replayed += again.same
        for difference in again.differences:
            look.fault(DECISIONS, f"{name}: does not come out the same: {difference}")


def _told(one: Mapping[str, Any]) -> str:
    said = one["replayed_when_made"]
    return said if isinstance(said, str) else "; ".join(said)


def _recording(look: _Look, name: str) -> None:
    manifest = look.json(name)
    audio = manifest["audio_file"]
    if audio is None:
        return
    if RECORDINGS + audio not in look.files:
        look.fault(RECORDINGS + audio, f"is not there, but {name} names it")
    elif hashlib.sha256(look.files[RECORDINGS + audio]).hexdigest() != manifest["audio_sha256"]:
        look.fault(RECORDINGS + audio, f"is not the recording that {name} describes")


def _named(files: Files, folder: str, suffix: str) -> dict[str, str]:
    """The texts in a folder of the bundle by the SHA-256 they are named by."""
    return {
        name.removeprefix(folder).removesuffix(suffix): content.decode("utf-8", "replace")
        for name, content in files.items()
        if name.startswith(folder) and name.endswith(suffix)
    }
