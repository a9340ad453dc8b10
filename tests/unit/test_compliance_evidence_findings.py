"""What a look into a bundle finds is told in full: which file, which row or decision, and what is wrong with it."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from compliance.chain import Step, canonical, digest
from compliance.decision import read, text_hash
from compliance.evidence import About, Evidence, Judgement, Recorded, Shown, Subject, bundle
from compliance.evidence_check import Checked, check_bundle
from compliance.evidence_seal import Finding
from compliance.facts import EventKind, LedgerEvent
from compliance.replay import event_in, rows_used
from compliance.signing import BadKey, fingerprint, public_half, sign
from tests.kept_decisions import NUMBERS, PACK, VERSIONS, KeptSite, a_site, an_event, chained

SEED = bytes(range(32))
PUBLIC = public_half(SEED)
KEY = fingerprint(PUBLIC)
NOON = datetime(2026, 6, 15, 16, tzinfo=UTC)
HERE, SHOWN_ROWS = "is not written as a bundle writes it: ", "shown by their SHA-256 alone"

Files = dict[str, bytes]


def signed(evidence: Evidence) -> Files:
    return bundle(evidence, PUBLIC, KEY, lambda text: sign(SEED, text))


def resigned(files: Files) -> Files:
    """The files with checksums and a signature that fit again, as the maker could make them."""
    manifest = json.loads(files["manifest.json"])
    names = sorted(set(files) - {"manifest.json", "manifest.sig", "manifest.pub", "SHA256SUMS"})
    sums = {name: hashlib.sha256(files[name]).hexdigest() for name in names}
    files = files | {"SHA256SUMS": "".join(f"{sums[name]}  {name}\n" for name in names).encode()}
    sums["SHA256SUMS"] = hashlib.sha256(files["SHA256SUMS"]).hexdigest()
    manifest["files"] = [{"name": name, "sha256": sums[name]} for name in sorted(sums)]
    text = json.dumps(manifest).encode()
    return files | {"manifest.json": text, "manifest.sig": sign(SEED, text)}


def changed(files: Files, name: str, change: Callable[[Any], object]) -> Files:
    """The files with the JSON of one of them changed, signed again."""
    told = json.loads(files[name])
    return resigned(files | {name: json.dumps(told if (other := change(told)) is None else other).encode()})


def findings(files: Files) -> list[tuple[str, str]]:
    result = check_bundle(files, VERSIONS, PUBLIC)
    assert result.sound is not bool(result.findings)
    return [(finding.file, finding.text) for finding in result.findings]


# --- rows, their proof, recordings ------------------------------------------------------------------------------------------


def attempt(number: int, person: str = "ann", **facts: str) -> LedgerEvent:
    return an_event(EventKind.ATTEMPT, NOON + timedelta(hours=number), person, NUMBERS[0], f"try-{number}", **facts)


EVENTS = (attempt(1), attempt(2, "bob"), attempt(3, "", note="a\u2028line"), attempt(4), attempt(5, "bob"), attempt(6))
LINKS = chained(EVENTS)


def a_bundle(events: Sequence[LedgerEvent] = EVENTS, **about: Any) -> Files:
    links = chained(events)
    ours = [link for link in links if event_in(link.body).person in {"", "ann"}]
    evidence = Evidence(
        about=About(Subject.PERSON, "ann", ("ann",)),
        made_at=NOON,
        tip_seq=links[-1].seq,
        tip_hash=links[-1].hash,
        rows=tuple(Shown(link.seq, link.body) for link in ours),
        withheld=(),
        steps=tuple(Step(link.seq, digest(link.body), link.prev_hash, link.skip_hash) for link in links),
        judgements=(),
        packs={},
        calendars={},
        recordings=(),
        versions=VERSIONS,
    )
    return signed(replace(evidence, **about))


def test_a_bundle_that_proves_what_it_says_is_sound() -> None:
    assert check_bundle(a_bundle(), VERSIONS, PUBLIC) == Checked(KEY, 4, 0, 0, (), ())
    note = f"who signed is not checked: compare the key's fingerprint with the maker's: {KEY}"
    assert check_bundle(a_bundle(), VERSIONS) == Checked(KEY, 4, 0, 0, (), (note,))
    with pytest.raises(BadKey):
        check_bundle(a_bundle(), VERSIONS, "")


def test_what_the_seal_does_not_cover_is_found_first() -> None:
    result = check_bundle(a_bundle() | {"more.txt": b""}, VERSIONS, PUBLIC)
    assert result.findings == (Finding("more.txt", "was added: manifest.json does not list it"),)


def test_rows_that_are_withheld_are_noted_in_order() -> None:
    result = check_bundle(a_bundle(withheld=(5, 2)), VERSIONS, PUBLIC)
    assert result.notes == (f"ledger rows 2, 5 are about other people: {SHOWN_ROWS}",)
    assert result.sound


@pytest.mark.parametrize("name", ["proof.json", "decisions.json", "ledger.jsonl"])
def test_a_part_that_is_not_there_is_told(name: str) -> None:
    left = resigned({kept: content for kept, content in a_bundle().items() if kept != name})
    missing = (name, HERE + "ValueError at the file is not there")
    # Who is called is asked of the decisions twice: what they are, and whether all are there.
    assert findings(left) == ([missing, missing] if name == "decisions.json" else [missing])


@pytest.mark.parametrize("key", ["tip_seq", "tip_hash"])
def test_a_proof_from_another_end_is_told(key: str) -> None:
    other = {"tip_seq": 7, "tip_hash": "0" * 64}
    told = findings(changed(a_bundle(), "manifest.json", lambda manifest: manifest["ledger"].update({key: other[key]})))
    assert told == [("proof.json", "begins at another end of the ledger than manifest.json names")]


def test_rows_without_a_proof_are_told_each_by_its_place_and_the_look_goes_on() -> None:
    told = findings(changed(a_bundle(), "proof.json", lambda proof: proof.update(steps=proof["steps"][:2])))
    assert told == [("proof.json", f"row {seq}: the proof lacks rows on the way to it") for seq in (1, 3, 4)]


def test_rows_that_were_altered_are_about_others_or_stand_twice_are_told() -> None:
    files = a_bundle()
    ledger = files["ledger.jsonl"]
    first = ledger.split(b"\n")[0] + b"\n"
    other = resigned(files | {"ledger.jsonl": first + ledger.replace(b"solar", b"lunar", 1)})
    assert findings(other) == [
        ("ledger.jsonl", "row 1: is there twice"),
        ("ledger.jsonl", f"row 1: is not in the ledger that ends in {LINKS[-1].hash}"),
    ]
    bobs = a_bundle(about=About(Subject.PERSON, "bob", ("bob",)))
    assert findings(bobs) == [("ledger.jsonl", f"row {seq}: is about somebody else than the bundle") for seq in (1, 4, 6)]


@pytest.mark.parametrize(
    ("name", "content", "file", "why"),
    [
        ("proof.json", "[]", "proof.json", "TypeError at list indices must be integers or slices, not str"),
        (
            "proof.json",
            "{",
            "proof.json",
            "JSONDecodeError at Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
        ),
        ("ledger.jsonl", "7\n", "ledger.jsonl", "TypeError at 'int' object is not subscriptable"),
    ],
)
def test_a_part_that_is_written_otherwise_is_told(name: str, content: str, file: str, why: str) -> None:
    assert (file, HERE + why) in findings(resigned(a_bundle() | {name: content.encode()}))


def test_a_decision_that_is_written_otherwise_is_told_and_so_is_what_it_lacks() -> None:
    told = ("decisions.json", HERE + "KeyError at 'attempt_id'")
    assert findings(resigned(a_bundle() | {"decisions.json": b"[{}]"})) == [told, told]


def test_of_a_long_fault_the_beginning_is_told() -> None:
    told = findings(resigned(a_bundle() | {"proof.json": b"1" * 5000}))
    digits = "Exceeds the limit (4300 digits) for integer string conversion: value has 5000 digits; use sys.set_int_max_str"
    assert told == [("proof.json", f"{HERE}ValueError at {digits[:100]}")]


def test_a_recording_is_compared_with_what_is_said_of_it() -> None:
    audio = b"RIFF"
    said = {"call_id": "c1", "sha256": hashlib.sha256(audio).hexdigest()}
    whole = a_bundle(recordings=(Recorded("c1", said, "c1.wav", audio), Recorded("c2", {"call_id": "c2", "sha256": "x"})))
    assert findings(whole) == []
    lost = resigned({name: content for name, content in whole.items() if name != "recordings/c1.wav"})
    assert findings(lost) == [("recordings/c1.wav", "is not there, but recordings/c1.json names it")]
    other = resigned(whole | {"recordings/c1.wav": b"FFIR"})
    assert findings(other) == [("recordings/c1.wav", "is not the recording that recordings/c1.json describes")]
    empty = resigned(whole | {"recordings/c1.json": b"{}", "recordings/c2.json": b"{}", "packs/x.json": b"{}"})
    assert findings(empty) == [(f"recordings/{name}.json", HERE + "KeyError at 'audio_file'") for name in ("c1", "c2")]


# --- decisions --------------------------------------------------------------------------------------------------------------


def test_every_call_that_was_permitted_has_its_decision() -> None:
    unnamed = replace(attempt(4, permit_id="p4"), attempt_id=None)
    sent = (attempt(1, permit_id="p1"), attempt(2), attempt(3, "", permit_id="p3"), unnamed)
    missing = [("decisions.json", f"the decision about attempt {name} is not there") for name in (None, "try-1", "try-3")]
    assert findings(a_bundle(sent)) == missing
    assert findings(a_bundle(sent, about=About(Subject.ATTEMPT, "try-2", ("ann",)))) == [
        ("decisions.json", "the decision about attempt try-2 is not there")
    ]


SITE = a_site(3, decisions=12, events=60, shared=False)
TEXT = next(text for text in SITE.decisions if len(rows_used(read(text))) > 2)
ASKED = read(TEXT)
PERSON, USED = ASKED.candidate.person, rows_used(ASKED)
NAME = f"attempt {ASKED.candidate.attempt_id}, decided at {ASKED.at.isoformat()}"


def judged(text: str = TEXT, **about: Any) -> Judgement:
    decided = read(text)
    kind = json.loads(decided.verdict)["verdict"].replace("refuse", "refusal")
    whole = Judgement(decided.candidate.attempt_id, kind, decided.at, text, decided.verdict, rows_used(decided))
    return replace(whole, **about)


def a_site_bundle(site: KeptSite = SITE, judgement: Judgement | None = None, **about: Any) -> Files:
    kept = site.kept("")
    told = {"judgements": (judgement or judged(),), "packs": kept.packs, "calendars": kept.calendars}
    events = [event_in(link.body) for link in site.links]
    ours = tuple(Shown(link.seq, link.body) for link in site.links if event_in(link.body).person in {"", PERSON})
    return a_bundle(events, **{"about": About(Subject.PERSON, PERSON, (PERSON,)), "rows": ours, **told, **about})


def test_a_decision_that_comes_out_the_same_again_is_counted() -> None:
    assert check_bundle(a_site_bundle(), VERSIONS, PUBLIC).findings == ()
    result = check_bundle(a_site_bundle(), VERSIONS, PUBLIC)
    assert (result.decisions, result.replayed, result.notes) == (1, 1, ())
    twice = check_bundle(a_site_bundle(judgements=(judged(), judged())), VERSIONS, PUBLIC)
    assert (twice.decisions, twice.replayed) == (2, 2)


def test_a_decision_that_comes_out_otherwise_is_told_with_each_difference() -> None:
    (sha256,) = SITE.kept("").packs
    other = PACK.replace("max = 2", "max = 3")
    files = a_site_bundle(packs={sha256: other})
    text = f"rule pack test 1 (sha256 {sha256}): its text differs from the one that decided: it has sha256 {text_hash(other)}"
    assert findings(files) == [("decisions.json", f"{NAME}: does not come out the same: {text}")]
    assert check_bundle(files, VERSIONS, PUBLIC).replayed == 0
    (calendar,) = SITE.kept("").calendars
    gone = resigned({name: content for name, content in a_site_bundle().items() if not name.startswith("calendars/")})
    assert findings(gone) == [
        ("decisions.json", f"{NAME}: does not come out the same: calendar (sha256 {calendar}): its text is not there")
    ]


def test_a_verdict_that_does_not_follow_is_told_with_the_versions_then_and_now() -> None:
    told = json.loads(TEXT)
    told["verdict"]["zones"] = ["Mars/Base"]
    result = check_bundle(a_site_bundle(judgement=judged(canonical(told))), "a later version", PUBLIC)
    differ = f"{NAME}: does not come out the same: "
    assert [(finding.file, finding.text.partition(" and is now ")[0]) for finding in result.findings] == [
        ("decisions.json", f"{differ}the callee's zones was Mars/Base"),
        ("decisions.json", f"{differ}decided by {VERSIONS}; this is a later version"),
    ]
    assert result.replayed == 0


def test_a_pack_that_is_no_text_differs_and_stops_nothing() -> None:
    (sha256,) = SITE.kept("").packs
    told = findings(resigned(a_site_bundle() | {f"packs/{sha256}.toml": b"\xff"}))
    assert [(file, text.partition(": its text")[0]) for file, text in told] == [
        ("decisions.json", f"{NAME}: does not come out the same: rule pack test 1 (sha256 {sha256})")
    ]


def test_a_row_that_a_decision_used_and_nobody_shows_is_told_by_its_place() -> None:
    first, *_ = USED
    lines = a_site_bundle()["ledger.jsonl"].decode().split("\n")[:-1]
    kept = "".join(line + "\n" for line in lines if json.loads(line)["seq"] not in USED[:2])
    assert findings(resigned(a_site_bundle() | {"ledger.jsonl": kept.encode()})) == [
        ("ledger.jsonl", f"{NAME}: row {first} was used, and is not there")
    ]


def test_a_decision_on_rows_of_others_is_left_to_its_maker() -> None:
    last = USED[-1]
    lines = a_site_bundle()["ledger.jsonl"].decode().split("\n")[:-1]
    kept = "".join(line + "\n" for line in lines if json.loads(line)["seq"] != last)
    for told, said in (((), "identical"), (("a", "b"), "a; b")):
        files = resigned(a_site_bundle(judgement=judged(replayed=told), withheld=(last,)) | {"ledger.jsonl": kept.encode()})
        result = check_bundle(files, VERSIONS, PUBLIC)
        assert (result.findings, result.replayed) == ((), 0)
        assert result.notes == (
            f"ledger rows {last} are about other people: {SHOWN_ROWS}",
            f"{NAME}: not replayed here, it used rows of others; the maker replayed it: {said}",
        )


def test_a_decision_that_is_kept_back_says_why_and_what_its_maker_found() -> None:
    files = a_site_bundle(judgement=judged(others=True, replayed=("a", "b")))
    result = check_bundle(files, VERSIONS, PUBLIC)
    assert (result.findings, result.decisions, result.replayed) == ((), 1, 0)
    assert result.notes == (f"{NAME}: kept back, for it names other people; the maker replayed it: a; b",)


@pytest.mark.parametrize(
    ("about", "told"),
    [
        ({"decision_sha256": "0" * 64}, "is not the decision of this SHA-256"),
        ({"verdict": "{}"}, "its verdict or its rows are not those of the decision"),
        ({"rows": list(USED[1:])}, "its verdict or its rows are not those of the decision"),
    ],
)
def test_a_decision_whose_parts_do_not_fit_each_other_is_told(about: dict[str, Any], told: str) -> None:
    files = changed(a_site_bundle(), "decisions.json", lambda decisions: decisions[0].update(about))
    assert findings(files) == [("decisions.json", f"{NAME}: {told}")]


@pytest.mark.parametrize(
    ("kind", "named", "told"),
    [("permit", digest(TEXT), False), ("permit", digest(TEXT + " "), True), ("refusal", digest(TEXT + " "), False)],
)
def test_a_permit_rests_on_the_decision_that_the_ledger_names(kind: str, named: str, told: bool) -> None:
    sent = an_event(EventKind.ATTEMPT, ASKED.at, PERSON, NUMBERS[0], ASKED.candidate.attempt_id, decision=named)
    other = an_event(EventKind.RINGING, ASKED.at, PERSON, NUMBERS[0], ASKED.candidate.attempt_id, decision="0" * 64)
    later = an_event(EventKind.ATTEMPT, ASKED.at, PERSON, NUMBERS[0], "try-other", decision="0" * 64)
    links = chained([*(event_in(link.body) for link in SITE.links), sent, other, later])
    files = a_site_bundle(replace(SITE, links=links), judged(verdict_kind=kind))
    text = "is not the decision that the ledger names in the row of the attempt"
    assert findings(files) == ([("decisions.json", f"{NAME}: {text}")] if told else [])
