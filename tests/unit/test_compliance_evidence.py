"""A bundle proves what it says and shows nobody else; whatever is changed in it is found and named."""

import json
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compliance.chain import Step, digest, proves
from compliance.decision import read
from compliance.evidence import (
    DECISIONS,
    EXPLAINED,
    LEDGER,
    MANIFEST,
    PROOF,
    PUBLIC_KEY,
    SIGNATURE,
    SUMS,
    About,
    BadBundle,
    Evidence,
    Judgement,
    Recorded,
    Shown,
    Subject,
    bundle,
    packed,
    steps_needed,
    unpacked,
)
from compliance.evidence_check import Checked, check_bundle
from compliance.facts import EventKind
from compliance.replay import PERMIT, event_in, rows_used
from compliance.signing import fingerprint, public_half, sign
from tests.kept_decisions import VERSIONS, KeptSite, a_site, an_event, chained

SEED = bytes(range(32))
PUBLIC = public_half(SEED)
MADE_AT = datetime(2026, 6, 20, 12, tzinfo=UTC)
LONGEST = 24 * 25 // 2  # of a proof in a ledger of 2**24 rows: half the square of their binary digits
AUDIO = b"RIFF, as far as anybody here can tell"


def evidence_about(site: KeptSite, person: str) -> Evidence:
    """All that the site holds about one person, as the reader of a real database puts it together."""
    ours = [text for text in site.decisions if read(text).candidate.person == person]
    used = {seq for text in ours for seq in rows_used(read(text))}
    bodies = {link.seq: link.body for link in site.links}
    own = {seq for seq, body in bodies.items() if event_in(body).person == person}
    shown = own | {seq for seq in used if event_in(bodies[seq]).person in {"", person}}
    tip = site.links[-1]
    by_seq = {link.seq: link for link in site.links}
    steps = [by_seq[seq] for seq in steps_needed(tip.seq, own | used)]
    kept = site.kept("")
    return Evidence(
        about=About(Subject.PERSON, person, (person,)),
        made_at=MADE_AT,
        tip_seq=tip.seq,
        tip_hash=tip.hash,
        rows=tuple(Shown(seq, bodies[seq]) for seq in sorted(shown)),
        withheld=tuple(sorted(used - shown)),
        steps=tuple(Step(one.seq, digest(one.body), one.prev_hash, one.skip_hash) for one in steps),
        judgements=tuple(a_judgement(text, person) for text in ours),
        packs=kept.packs,
        calendars=kept.calendars,
        recordings=(Recorded("c1", {"call_id": "c1", "sha256": digest(AUDIO.decode())}, "c1.wav", AUDIO),),
        versions=VERSIONS,
    )


def a_judgement(text: str, person: str) -> Judgement:
    decided = read(text)
    others = any(event.person not in {"", person} for event in decided.reserved)
    kind = json.loads(decided.verdict)["verdict"]
    return Judgement(
        decided.candidate.attempt_id,
        kind,
        decided.at,
        text,
        decided.verdict,
        rows_used(decided),
        None,
        ("told",) * others,
        others,
    )


def alone(seed: int) -> KeptSite:
    """A site whose people share no telephone, so that a decision can be replayed from one person's rows alone."""
    return a_site(seed, decisions=12, events=60, shared=False)


def signed(evidence: Evidence) -> dict[str, bytes]:
    return bundle(evidence, PUBLIC, fingerprint(PUBLIC), lambda text: sign(SEED, text))


@cache
def a_bundle(seed: int = 3, person: str = "ann") -> dict[str, bytes]:
    return signed(evidence_about(a_site(seed, decisions=12, events=60), person))


def checked(files: dict[str, bytes]) -> Checked:
    return check_bundle(files, VERSIONS, PUBLIC)


def resigned(files: dict[str, bytes]) -> dict[str, bytes]:
    """What somebody who has the key, the maker included, could make of the files: all checksums and the signature fit again."""
    manifest = json.loads(files[MANIFEST])
    names = sorted(set(files) - {MANIFEST, SIGNATURE, PUBLIC_KEY})
    files = files | {SUMS: "".join(f"{_sha(files[name])}  {name}\n" for name in names if name != SUMS).encode()}
    manifest["files"] = [{"name": name, "sha256": _sha(files[name]), "bytes": len(files[name])} for name in names]
    text = json.dumps(manifest).encode()
    return files | {MANIFEST: text, SIGNATURE: sign(SEED, text)}


def _sha(content: bytes) -> str:
    import hashlib  # noqa: PLC0415 -- by another way than the code under test names it

    return hashlib.sha256(content).hexdigest()


def files_named(result: Checked) -> set[str]:
    return {finding.file for finding in result.findings}


# --- what is in it ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("person", ["ann", "bob", "cyd"])
def test_a_bundle_of_anybody_is_sound(seed: int, person: str) -> None:
    result = checked(a_bundle(seed, person))
    assert result.findings == ()
    assert result.rows


@pytest.mark.parametrize("seed", range(6))
def test_nothing_in_a_bundle_is_about_anybody_else(seed: int) -> None:
    files = a_bundle(seed, "ann")
    rows = [json.loads(line) for line in files[LEDGER].decode().split("\n")[:-1]]
    assert {json.loads(row["body"])["person"] for row in rows} <= {"ann", ""}
    site = a_site(seed, decisions=12, events=60)
    others = [link.body for link in site.links if event_in(link.body).person in {"bob", "cyd"}]
    whole = b"".join(files.values())
    assert others
    assert not any(body.encode() in whole or json.dumps(body, ensure_ascii=False).encode() in whole for body in others)
    assert b'"bob"' not in whole
    assert b'"cyd"' not in whole


def test_a_decision_that_needs_nobody_elses_rows_is_made_again_from_the_bundle_alone() -> None:
    for seed in range(4):
        for person in ("ann", "bob", "cyd"):
            result = checked(signed(evidence_about(alone(seed), person)))
            assert result.sound
            assert result.replayed == result.decisions > 0
            assert not any("not replayed" in note for note in result.notes)


def test_rows_of_others_that_counted_are_named_and_not_shown() -> None:
    result = checked(a_bundle())
    withheld = json.loads(a_bundle()[PROOF])["withheld"]
    assert withheld
    assert any("are about other people: shown by their SHA-256 alone" in note for note in result.notes)
    assert any("not replayed here, it used rows of others" in note for note in result.notes)


def test_the_same_evidence_gives_the_same_bytes() -> None:
    again = signed(evidence_about(a_site(3, decisions=12, events=60), "ann"))
    assert packed(again) == packed(a_bundle())
    assert packed(dict(reversed(again.items()))) == packed(a_bundle())


def test_a_packed_bundle_is_an_ordinary_zip_and_unpacks_to_the_same_files() -> None:
    whole = packed(a_bundle())
    with zipfile.ZipFile(BytesIO(whole)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == sorted(a_bundle())
    assert unpacked(whole) == a_bundle()


def test_a_proof_is_short_however_long_the_ledger_is() -> None:
    assert len(steps_needed(10**7, [1])) <= LONGEST
    assert len(steps_needed(10**7, [10**7])) == 1
    assert max(len(steps_needed(10**7, [row])) for row in range(1, 10**7, 99_991)) <= LONGEST


# --- what was changed in it is found ----------------------------------------------------------------------------------


def every_file() -> list[str]:
    return sorted(a_bundle())


@pytest.mark.parametrize("name", every_file())
def test_one_changed_byte_in_any_file_is_found_and_the_file_is_named(name: str) -> None:
    content = bytearray(a_bundle()[name])
    content[len(content) // 2] ^= 1
    result = checked(a_bundle() | {name: bytes(content)})
    assert files_named(result) & ({name} if name != MANIFEST else {MANIFEST, SIGNATURE})


@pytest.mark.parametrize("name", every_file())
def test_a_file_that_was_taken_out_is_named(name: str) -> None:
    result = checked({kept: content for kept, content in a_bundle().items() if kept != name})
    assert name in files_named(result)


def test_a_file_that_was_put_in_is_named() -> None:
    assert files_named(checked(a_bundle() | {"packs/more.toml": b""})) == {"packs/more.toml"}


def test_a_signature_by_another_key_is_told() -> None:
    other = bytes(32)
    forged = a_bundle() | {PUBLIC_KEY: public_half(other).encode(), SIGNATURE: sign(other, a_bundle()[MANIFEST])}
    assert PUBLIC_KEY in files_named(checked(forged))


def test_without_a_known_key_the_bundle_says_whom_to_ask() -> None:
    result = check_bundle(a_bundle(), VERSIONS)
    assert result.sound
    assert f"compare the key's fingerprint with the maker's: {fingerprint(PUBLIC)}" in result.notes[0]


Change = Callable[[dict[str, bytes]], dict[str, bytes]]


def another_row(files: dict[str, bytes]) -> dict[str, bytes]:
    """A row that says something else, as its maker might wish it had been."""
    return files | {LEDGER: files[LEDGER].replace(b"acme", b"emca", 1)}


def one_row_less(files: dict[str, bytes]) -> dict[str, bytes]:
    used = json.loads(files[DECISIONS])[0]["rows"]
    shown = files[LEDGER].decode().split("\n")[:-1]
    gone = next(line for line in shown if json.loads(line)["seq"] in used)
    return files | {LEDGER: "".join(line + "\n" for line in shown if line != gone).encode()}


def a_row_twice(files: dict[str, bytes]) -> dict[str, bytes]:
    first = files[LEDGER].split(b"\n")[0]
    return files | {LEDGER: first + b"\n" + files[LEDGER]}


def another_verdict(files: dict[str, bytes]) -> dict[str, bytes]:
    decisions = json.loads(files[DECISIONS])
    decisions[0]["verdict"] = decisions[0]["verdict"].replace("refuse", "permit")
    return files | {DECISIONS: json.dumps(decisions).encode()}


def another_end(files: dict[str, bytes]) -> dict[str, bytes]:
    proof = json.loads(files[PROOF])
    proof["tip_hash"] = "0" * 64
    return files | {PROOF: json.dumps(proof).encode()}


def no_steps(files: dict[str, bytes]) -> dict[str, bytes]:
    proof = json.loads(files[PROOF])
    proof["steps"] = proof["steps"][:1]
    return files | {PROOF: json.dumps(proof).encode()}


def another_recording(files: dict[str, bytes]) -> dict[str, bytes]:
    return files | {"recordings/c1.wav": b"silence"}


def no_json(files: dict[str, bytes]) -> dict[str, bytes]:
    return files | {DECISIONS: b"[" * 100_000}


def no_list(files: dict[str, bytes]) -> dict[str, bytes]:
    return files | {DECISIONS: b'{"a": 1}'}


@pytest.mark.parametrize(
    ("change", "file", "told"),
    [
        (another_row, LEDGER, "is not in the ledger that ends in"),
        (one_row_less, LEDGER, "was used, and is not there"),
        (a_row_twice, LEDGER, "is there twice"),
        (another_verdict, DECISIONS, "its verdict or its rows are not those of the decision"),
        (another_end, PROOF, "begins at another end of the ledger than manifest.json names"),
        (no_steps, PROOF, "the proof lacks rows on the way to it"),
        (another_recording, "recordings/c1.wav", "is not the recording that recordings/c1.json describes"),
        (no_json, DECISIONS, "is not written as a bundle writes it"),
        (no_list, DECISIONS, "is not written as a bundle writes it"),
    ],
)
def test_what_the_holder_of_the_key_changed_is_found_as_well(change: Change, file: str, told: str) -> None:
    result = checked(resigned(change(a_bundle())))
    assert any(finding.file == file and told in finding.text for finding in result.findings), result.findings


def test_a_bundle_about_a_call_without_its_decision_is_told() -> None:
    site = alone(3)
    asked = read(site.decisions[0]).candidate
    whole = evidence_about(site, asked.person)
    about = About(Subject.ATTEMPT, asked.attempt_id, (asked.person,))
    assert checked(signed(replace(whole, about=about))).sound
    (finding,) = checked(signed(replace(whole, about=about, judgements=()))).findings
    assert (finding.file, finding.text) == (DECISIONS, f"the decision about attempt {asked.attempt_id} is not there")


def test_a_decision_that_does_not_follow_from_its_rules_is_told() -> None:
    site = alone(3)
    (sha256, text), *_ = site.kept("").packs.items()
    person = read(site.decisions[0]).candidate.person
    evidence = replace(evidence_about(site, person), packs={sha256: text.replace("max = 2", "max = 3")})
    result = checked(signed(evidence))
    assert any(f"rule pack test 1 (sha256 {sha256}): its text differs" in finding.text for finding in result.findings)


@pytest.mark.parametrize("right", [True, False])
def test_the_decision_of_an_attempt_is_the_one_that_the_ledger_names(right: bool) -> None:
    site = next(site for site in map(alone, range(40)) if any('"verdict":"permit"' in text for text in site.decisions))
    text = next(text for text in site.decisions if '"verdict":"permit"' in text)
    asked = read(text).candidate
    named = digest(text) if right else digest(text + " ")
    sent = an_event(EventKind.ATTEMPT, read(text).at, asked.person, asked.number, asked.attempt_id, decision=named)
    links = chained([*(event_in(link.body) for link in site.links), sent])
    evidence = evidence_about(replace(site, links=links, decisions=(text,)), asked.person)
    permitted = tuple(replace(one, verdict_kind=PERMIT) for one in evidence.judgements)
    findings = checked(signed(replace(evidence, judgements=permitted))).findings
    assert [finding.text.partition(": ")[2] for finding in findings] == (
        [] if right else ["is not the decision that the ledger names in the row of the attempt"]
    )


def test_a_bundle_with_a_row_of_somebody_else_is_told() -> None:
    whole = evidence_about(a_site(3, decisions=12, events=60), "ann")
    files = signed(replace(whole, about=replace(whole.about, people=("bob",))))
    assert any("is about somebody else than the bundle" in finding.text for finding in checked(files).findings)


@pytest.mark.parametrize("whole", [b"", b"words", b"PK\x03\x04 and then nothing"])
def test_a_file_that_is_no_zip_is_told(whole: bytes) -> None:
    with pytest.raises(BadBundle, match="not a ZIP file"):
        unpacked(whole)


def test_a_compressed_file_is_none_of_ours() -> None:
    target = BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.json", b"0" * 10_000_000)
    with pytest.raises(BadBundle, match=r"'manifest\.json': compressed"):
        unpacked(target.getvalue())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["seq", "body", "files", "steps", "rows"]), inner)
    ),
    max_leaves=8,
)


@settings(deadline=None, derandomize=True)
@given(name=st.sampled_from([MANIFEST, PROOF, DECISIONS, LEDGER, "recordings/c1.json"]), value=JSON)
def test_whatever_json_stands_in_a_file_it_is_a_finding_and_never_a_crash(name: str, value: object) -> None:
    text = json.dumps(value).encode() + b"\n"
    changed = a_bundle() | {name: text}
    result = checked(changed | {SIGNATURE: sign(SEED, text)} if name == MANIFEST else resigned(changed))
    assert not result.sound or (name == DECISIONS and not value)


@settings(deadline=None, derandomize=True)
@given(st.data())
def test_a_zip_with_one_byte_changed_is_told_or_still_holds_the_same_files(data: st.DataObject) -> None:
    whole = bytearray(packed(a_bundle()))
    place = data.draw(st.integers(0, len(whole) - 1) | st.integers(max(0, len(whole) - 1500), len(whole) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))
    try:
        files = unpacked(bytes(whole))
    except BadBundle:
        return
    assert files == a_bundle() or not checked(files).sound


# --- by hand, as README.txt says --------------------------------------------------------------------------------------


def test_the_text_for_people_names_every_kind_of_file_in_both_languages() -> None:
    english, chinese = a_bundle()[EXPLAINED].decode().split("通话证据", 1)
    for text in (english, chinese):
        for name in sorted(a_bundle()):
            if name != EXPLAINED:
                assert (name.partition("/")[0] + "/" if "/" in name else name) in text, name


@pytest.mark.skipif(not (shutil.which("sha256sum") and shutil.which("openssl")), reason="the tools that README.txt names")
def test_the_steps_for_people_work_with_the_usual_tools(tmp_path: Path) -> None:
    with zipfile.ZipFile(BytesIO(packed(a_bundle()))) as archive:
        archive.extractall(tmp_path)
    for line in a_bundle()[EXPLAINED].decode().split("通话证据")[0].splitlines():
        if line.strip().startswith(("sha256sum", "openssl")):
            assert subprocess.run(line.split(), cwd=tmp_path, capture_output=True, check=False).returncode == 0, line
    (tmp_path / MANIFEST).write_bytes(a_bundle()[MANIFEST] + b" ")
    verify = next(line for line in a_bundle()[EXPLAINED].decode().splitlines() if line.strip().startswith("openssl"))
    assert subprocess.run(verify.split(), cwd=tmp_path, capture_output=True, check=False).returncode != 0


def test_the_proof_can_be_followed_as_the_text_tells() -> None:
    proof = json.loads(a_bundle()[PROOF])
    steps = {step[0]: step for step in proof["steps"]}
    row = json.loads(a_bundle()[LEDGER].decode().split("\n")[0])
    place, expected = proof["tip_seq"], proof["tip_hash"]
    while True:
        seq, body_sha256, before, skipped = steps[place]
        assert _sha(f"{seq}\n{before}\n{skipped}\n{body_sha256}".encode()) == expected
        if place == row["seq"]:
            break
        skip = place & (place - 1)
        place, expected = (skip, skipped) if skip >= row["seq"] else (place - 1, before)
    assert body_sha256 == _sha(row["body"].encode())
    assert not proves([Step(*steps[proof["tip_seq"]])], "0" * 64, row["body"])
