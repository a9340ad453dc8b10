"""What a bundle of evidence holds, file by file and byte by byte, and which ZIP files are none."""

import hashlib
import json
import zipfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from io import BytesIO
from time import tzset

import pytest

from compliance.chain import Step
from compliance.evidence import (
    About,
    BadBundle,
    Evidence,
    Judgement,
    Recorded,
    Shown,
    Subject,
    as_text,
    bundle,
    packed,
    steps_needed,
    unpacked,
)
from compliance.evidence_readme import README

MADE_AT = datetime(2026, 6, 20, 14, tzinfo=timezone(timedelta(hours=2)))
DECIDED_AT = datetime(2026, 6, 19, 9, 30, tzinfo=UTC)
REFUSED = Judgement("try-2", "refusal", DECIDED_AT, '{"d":2}', '{"v":"é"}', (7, 3))
PERMITTED = Judgement(
    "try-1",
    "permit",
    DECIDED_AT,
    '{"d":1}',
    '{"v":1}',
    (1,),
    {"spent_at": None, "granted_at": "then"},
    ("told", "twice"),
    others=True,
)
EVIDENCE = Evidence(
    about=About(Subject.PERSON, "ann", ("ann", "née")),
    made_at=MADE_AT,
    tip_seq=9,
    tip_hash="t" * 64,
    rows=(Shown(7, '{"kind":"attempt"}'), Shown(3, '{"note":"née"}')),
    withheld=(8, 2),
    steps=(Step(3, "b3", "p3", "s3"), Step(9, "b9", "p9", "s9")),
    judgements=(REFUSED, PERMITTED),
    packs={"aa": "x = 1\n"},
    calendars={"bb": "{}"},
    recordings=(
        Recorded("c1", {"call_id": "c1", "sha256": "cc"}, "c1.wav", b"RIFF"),
        Recorded("c2", {"call_id": "c2"}),
    ),
    versions="ringfence 1",
)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def made(evidence: Evidence = EVIDENCE) -> dict[str, bytes]:
    return bundle(evidence, "PEM\n", "the key", lambda text: b"signed " + text[:1])


def test_the_files_hold_what_they_are_named_for() -> None:
    files = made()
    assert files["README.txt"] == README.encode()
    assert files["ledger.jsonl"].decode() == (
        '{"body":"{\\"note\\":\\"née\\"}","seq":3}\n{"body":"{\\"kind\\":\\"attempt\\"}","seq":7}\n'
    )
    assert json.loads(files["proof.json"]) == {
        "tip_seq": 9,
        "tip_hash": "t" * 64,
        "withheld": [2, 8],
        "steps": [[9, "b9", "p9", "s9"], [3, "b3", "p3", "s3"]],
    }
    assert files["packs/aa.toml"] == b"x = 1\n"
    assert files["calendars/bb.json"] == b"{}"
    told = {"call_id": "c1", "sha256": "cc", "audio_file": "c1.wav", "audio_sha256": sha256(b"RIFF")}
    assert json.loads(files["recordings/c1.json"]) == told
    assert json.loads(files["recordings/c2.json"]) == {"call_id": "c2", "audio_file": None, "audio_sha256": None}
    assert files["recordings/c1.wav"] == b"RIFF"
    assert files["manifest.pub"] == b"PEM\n"
    assert files["manifest.sig"] == b"signed {"


def test_a_decision_is_told_with_its_texts_unless_it_names_other_people() -> None:
    refused = {
        "attempt_id": "try-2",
        "verdict_kind": "refusal",
        "decided_at": "2026-06-19T09:30:00+00:00",
        "permit": None,
        "rows": [3, 7],
        "decision": '{"d":2}',
        "decision_sha256": sha256(b'{"d":2}'),
        "verdict": '{"v":"é"}',
        "verdict_sha256": sha256('{"v":"é"}'.encode()),
        "withheld_because": None,
        "replayed_when_made": "identical",
    }
    permitted = {
        "attempt_id": "try-1",
        "verdict_kind": "permit",
        "decided_at": "2026-06-19T09:30:00+00:00",
        "permit": {"spent_at": None, "granted_at": "then"},
        "rows": [1],
        "decision": None,
        "decision_sha256": sha256(b'{"d":1}'),
        "verdict": None,
        "verdict_sha256": sha256(b'{"v":1}'),
        "withheld_because": "it names other people",
        "replayed_when_made": ["told", "twice"],
    }
    assert json.loads(made()["decisions.json"]) == [refused, permitted]


def test_the_manifest_lists_every_file_but_the_seals_and_the_sums_every_file_before_them() -> None:
    files = made()
    names = sorted(set(files) - {"manifest.json", "manifest.sig", "manifest.pub"})
    assert len(names) == 10
    assert json.loads(files["manifest.json"]) == {
        "schema": "ringfence-evidence-1",
        "about": {"subject": "person", "id": "ann", "people": ["ann", "née"]},
        "made_at": "2026-06-20T12:00:00+00:00",
        "ledger": {"tip_seq": 9, "tip_hash": "t" * 64},
        "key": "the key",
        "versions": "ringfence 1",
        "files": [{"name": name, "sha256": sha256(files[name]), "bytes": len(files[name])} for name in names],
    }
    sums = "".join(f"{sha256(files[name])}  {name}\n" for name in names if name != "SHA256SUMS")
    assert files["SHA256SUMS"].decode() == sums


def test_the_same_evidence_is_the_same_bytes_wherever_the_machine_is(monkeypatch: pytest.MonkeyPatch) -> None:
    here = made()
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    tzset()
    try:
        assert made() == here
    finally:
        monkeypatch.undo()
        tzset()


def test_what_people_read_is_sorted_indented_and_as_it_is_spelt() -> None:
    assert as_text({"b": [1], "a": "née"}).decode() == '{\n  "a": "née",\n  "b": [\n    1\n  ]\n}\n'
    with pytest.raises(ValueError, match="Out of range float"):
        as_text(float("nan"))


def test_rows_are_proved_once_each_from_the_end_down() -> None:
    assert steps_needed(6, [3, 5]) == [6, 5, 4, 3]
    assert steps_needed(6, []) == []
    with pytest.raises(ValueError, match="7"):
        steps_needed(6, [7])


# --- as one ZIP -----------------------------------------------------------------------------------------------------------


def test_a_bundle_is_a_zip_of_a_fixed_time_for_its_owner_only() -> None:
    with zipfile.ZipFile(BytesIO(packed({"b": b"2", "a": b"1"}))) as archive:
        told = [
            (one.filename, one.date_time, one.create_system, one.external_attr >> 16, one.compress_type)
            for one in archive.infolist()
        ]
    assert told == [(name, (1980, 1, 1, 0, 0, 0), 3, 0o100600, zipfile.ZIP_STORED) for name in ("a", "b")]


def zipped(*entries: tuple[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    whole = BytesIO()
    with zipfile.ZipFile(whole, "w", compression) as archive:
        for name, content in entries:
            archive.writestr(zipfile.ZipInfo(name), content, compression)
    return whole.getvalue()


def encrypted(whole: bytes) -> bytes:
    """The same ZIP with the flag of an encrypted entry, where the entry and where the directory has its flags."""
    changed = bytearray(whole)
    changed[whole.index(b"PK\x03\x04") + 6] |= 1
    changed[whole.index(b"PK\x01\x02") + 8] |= 1
    return bytes(changed)


LONG, SHOWN = "x" * 101, "x" * 100
NOT_OURS = "compressed, encrypted or there twice: not as a bundle is written"


@pytest.mark.parametrize(
    ("whole", "why"),
    [
        (zipped((LONG, b"0" * 99), compression=zipfile.ZIP_DEFLATED), f"{SHOWN!r}: {NOT_OURS}"),
        (encrypted(zipped(("a", b"1"))), f"'a': {NOT_OURS}"),
        (zipped(("a", b"1"), ("b", b"2")).replace(b"b", b"a"), f"'a': {NOT_OURS}"),
        (b"words", "not a ZIP file that can be read: File is not a zip file"),
        (
            packed({"a": b"1"}).replace(b"PK\x03\x04", b"PK\x03\x05"),
            "not a ZIP file that can be read: Bad magic number for file header",
        ),
        (packed({"a": b"1"}).replace(b"a1", b"a2"), "not a ZIP file that can be read: Bad CRC-32 for file 'a'"),
    ],
)
def test_a_zip_that_is_no_bundle_says_why(whole: bytes, why: str) -> None:
    with pytest.raises(BadBundle) as caught:
        unpacked(whole)
    assert str(caught.value) == why


def test_a_zip_is_unpacked_as_it_was_packed() -> None:
    assert unpacked(packed(made())) == made()
    assert unpacked(packed(made(replace(EVIDENCE, recordings=())))) == made(replace(EVIDENCE, recordings=()))
