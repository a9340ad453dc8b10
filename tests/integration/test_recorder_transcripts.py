"""A transcript is made of each side, kept sealed, proven, and gone with its recording; and no engine can cost a recording."""

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from select import POLLIN, poll

import pytest
from sqlalchemy import Engine, select, text

from config.database import reading, sqlite_url, writing
from recorder import archive_chain, archive_head, purge, store, transcripts
from recorder.archive_chain import TRANSCRIBED
from recorder.hearing import CannotRead, Hearing, NotHeard
from recorder.naming import Side, key_path
from recorder.sealing import Role
from recorder.stores import ObjectStore
from recorder.transcribing import THOROUGH, Transcriber
from recorder.transcript import Phrase, Transcript, Word, packed
from recorder.transcripts import MOST_ATTEMPTS, RETRY, transcript_table
from recorder.vault import AlteredRecording, Archived, Vault
from recorder.verification import Flaw, verify_all
from tests.archived_calls import a_signed_database
from tests.hearing_engine import PitchEngine
from tests.kept_recordings import LATER, Room, a_room
from tests.recorder_audio import ANSWERED, Site, a_record, a_vault, joined, leave, padded, silence, tone

ROOT = Path(__file__).parents[2]
SECONDS = 20
#: Who says what when, as the engine of these tests hears it: within a frame of the detector and the rounding of a pitch.
SAID = [("agent", 5000, "440"), ("customer", 8000, "1000"), ("agent", 12_000, "1000"), ("customer", 15_000, "440")]
TALK = {
    Side.AGENT: padded(joined(silence(5), tone(440, 1), silence(6), tone(1000, 1)), SECONDS),
    Side.CUSTOMER: padded(joined(silence(8), tone(1000, 1), silence(6), tone(440, 1)), SECONDS),
}
HEARD = Transcript("pitch 1", "en", (Phrase(Side.AGENT, (Word(0, 300, " hello", 0.5),)),))


@dataclass
class Desk:
    """A site whose recordings are transcribed. `model` is the folder in which the engine looks for how it is to fail."""

    site: Site
    step: Callable[[str], None] = lambda _name: None
    patience_s: float = 60

    def __post_init__(self) -> None:
        self.model = self.site.directory / "model"
        self.model.mkdir(exist_ok=True)
        self.hearing = Hearing(self.site.vault, partial(PitchEngine, self.model), patience_s=self.patience_s)
        self.transcriber = Transcriber(self.site.engine, self.site.vault, self.site.clock, self.hearing, step=self._stepped)

    def _stepped(self, name: str) -> None:
        self.step(name)  # looked up when it is called: a test sets it after the desk was made

    def recording(self, call_id: str = "c1") -> Archived:
        return self.site.recording(call_id).archived

    def read(self, call_id: str = "c1") -> Transcript | None:
        return transcripts.read(self.site.engine, self.site.vault, self.recording(call_id))

    def waits(self) -> list[str]:
        with reading(self.site.engine) as connection:
            return [one.call_id for one in transcripts.waiting(connection, self.site.clock.now(), 100)]

    def told(self) -> list[tuple[str, str | None]]:
        """The alerts about transcripts that nobody has seen."""
        return [one for one in self.site.told() if one[0].startswith("transcript")]

    def findings(self) -> list[object]:
        return [*verify_all(self.site.engine, self.site.vault)]

    def close(self) -> None:
        self.transcriber.stop()
        self.site.close()


def archived(site: Site, *call_ids: str) -> None:
    """Puts calls of that talk into the archive."""
    for call_id in call_ids:
        leave(site.spool, call_id, TALK)
        site.ended(a_record(call_id))
    assert site.archivist.work_once() == len(call_ids)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site with call c1 in its archive, to be copied and left as it is."""
    directory = tmp_path_factory.mktemp("filled")
    site = Site(directory)
    archived(site, "c1")
    site.close()
    return directory


@pytest.fixture
def directory(filled: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(filled, tmp_path / "site"))


@pytest.fixture
def desk(directory: Path) -> Iterator[Desk]:
    made = Desk(Site(directory))
    yield made
    made.close()


@pytest.fixture
def room(database_url: str, tmp_path: Path) -> Iterator[Room]:
    """An archive to which transcripts come that nobody has heard."""
    made = a_room(database_url, tmp_path)
    yield made
    made.engine.dispose()


def write_down(engine: Engine, vault: Vault, recording: Archived) -> bytes:
    """Gives a recording a transcript without listening to it."""
    sealed = transcripts.sealed_for(vault, recording, HEARD)
    with writing(engine) as connection:
        assert transcripts.claim(connection, recording.call_id, ANSWERED)
        assert transcripts.keep(connection, recording.call_id, sealed, HEARD.made_by, ANSWERED)
    archive_head.publish(engine, vault.root)
    return sealed


def told_by(transcript: Transcript | None) -> list[tuple[str, int, str]]:
    assert transcript is not None
    return [(one.side.value, one.start_ms, one.text) for one in transcript.phrases]


# --- what is heard -----------------------------------------------------------------------------------------------------


def test_each_side_is_heard_alone_and_its_words_are_where_they_were_said(desk: Desk) -> None:
    assert desk.transcriber.work_once()
    heard = desk.read()
    assert heard is not None
    assert (heard.made_by, heard.language) == ("pitch 1, model tone", "en")
    assert [(side, said) for side, _, said in told_by(heard)] == [(side, said) for side, _, said in SAID]
    off = [abs(start - wanted) for (_, start, _), (_, wanted, _) in zip(told_by(heard), SAID, strict=True)]
    assert max(off) <= 20
    assert not desk.transcriber.work_once(), "nothing waits any more"
    assert desk.findings() == []


def test_a_silent_recording_has_an_empty_transcript_and_does_not_wait_for_another(tmp_path: Path) -> None:
    desk = Desk(Site(tmp_path))
    leave(desk.site.spool, "c1", {Side.AGENT: silence(SECONDS), Side.CUSTOMER: silence(SECONDS)})
    desk.site.ended(a_record("c1"))
    assert desk.site.archivist.work_once() == 1
    assert desk.transcriber.work_once()
    assert desk.read() == Transcript("pitch 1, model tone", "", ())
    assert desk.waits() == []
    desk.close()


def test_a_recording_that_is_in_the_object_store_is_heard_from_there(directory: Path) -> None:
    desk = Desk(Site(directory, store=ObjectStore(f"file://{directory}/store")))
    assert desk.site.vault.send()
    assert not (desk.site.vault.root / desk.recording().path).exists()
    assert desk.transcriber.work_once()
    assert len(told_by(desk.read())) == len(SAID)
    desk.close()


# --- where it is kept ---------------------------------------------------------------------------------------------------


def test_what_was_said_is_sealed_with_the_recording_s_own_key_and_as_a_transcript(room: Room) -> None:
    first, other = room.recorded("c0"), room.recorded("c1")
    sealed = write_down(room.engine, room.vault, first)
    assert sealed.startswith(b"RFSEAL1\n")
    assert transcripts.read(room.engine, room.vault, first) == HEARD
    for recording, role in ((first, Role.SIDECAR), (other, Role.TRANSCRIPT)):
        with pytest.raises(AlteredRecording):
            room.vault.unsealed(recording, role, sealed)


def test_an_archive_that_is_not_encrypted_keeps_them_as_it_keeps_the_rest(tmp_path: Path) -> None:
    room = Room(a_signed_database(sqlite_url(tmp_path / "site.db")), a_vault(tmp_path, seals=False))
    recording = room.recorded("c0")
    assert key_path(recording.path) is None
    assert write_down(room.engine, room.vault, recording) == packed(HEARD)
    assert transcripts.read(room.engine, room.vault, recording) == HEARD
    assert room.findings() == []
    room.engine.dispose()


def test_a_link_of_the_chain_tells_of_each_and_the_last_one_made_counts(room: Room) -> None:
    recording = room.recorded("c0")
    write_down(room.engine, room.vault, recording)
    write_down(room.engine, room.vault, recording)
    with reading(room.engine) as connection:
        links = [one for one in archive_chain.entries(connection, ["c0"])["c0"] if one.kind == TRANSCRIBED]
        digests = transcripts.digests_of(connection, ["c0", "c1"])
    assert [dict(one.facts).keys() for one in links] == [{"transcript_sha256", "bytes", "made_by"}] * 2
    assert digests == {"c0": links[-1].facts["transcript_sha256"]}
    assert links[0].facts["transcript_sha256"] != links[1].facts["transcript_sha256"], "sealed anew"
    assert room.findings() == []


@pytest.fixture
def transcribed(room: Room) -> Room:
    """Calls c0 and c1 have a transcript, c2 has none."""
    for call_id in ("c0", "c1"):
        write_down(room.engine, room.vault, room.recorded(call_id))
    room.recorded("c2")
    assert room.findings() == []
    return room


def changed(room: Room, sql: str, **values: object) -> set[tuple[Flaw, str, str | None]]:
    """What is found after a change by somebody who has the database."""
    with writing(room.engine) as connection:
        connection.execute(text(sql), values)
    return {(one.flaw, one.path, one.call_id) for one in room.findings()}


def archived_as(room: Room, call_id: str) -> Archived:
    with reading(room.engine) as connection:
        (recording,) = store.in_archive(connection, call_id)
    return recording


@pytest.mark.parametrize("place", [0, 10, 40, -1])
def test_a_flipped_bit_in_a_transcript_is_found_and_it_is_not_shown(transcribed: Room, place: int) -> None:
    with reading(transcribed.engine) as connection:
        content = bytearray(connection.execute(select(transcript_table.c.sealed).limit(1)).scalar_one())
    content[place] ^= 1
    put = "update transcript set sealed = :content where call_id = 'c0'"
    assert changed(transcribed, put, content=bytes(content)) == {(Flaw.ALTERED, "index: transcript", "c0")}
    with pytest.raises(AlteredRecording, match="call c0"):
        transcripts.read(transcribed.engine, transcribed.vault, archived_as(transcribed, "c0"))


def test_transcripts_that_changed_places_are_found(transcribed: Room) -> None:
    for before, after in (("c0", "other"), ("c1", "c0"), ("other", "c1")):
        found = changed(transcribed, "update transcript set call_id = :after where call_id = :before", before=before, after=after)
    assert found == {(Flaw.ALTERED, "index: transcript", call_id) for call_id in ("c0", "c1")}


@pytest.mark.parametrize("sql", ["delete from transcript where call_id = 'c0'", "update transcript set sealed = null"])
def test_a_transcript_that_is_gone_is_found(transcribed: Room, sql: str) -> None:
    assert (Flaw.MISSING, "index: transcript", "c0") in changed(transcribed, sql)
    with pytest.raises(AlteredRecording, match="call c0"):
        transcripts.read(transcribed.engine, transcribed.vault, archived_as(transcribed, "c0"))


def test_a_transcript_that_was_put_in_is_found(transcribed: Room) -> None:
    put = (
        "insert into transcript (call_id, attempts, next_at, sealed)"
        " select :call, 1, next_at, sealed from transcript where call_id = 'c0'"
    )
    assert changed(transcribed, put, call="c2") == {(Flaw.ADDED, "index: transcript", "c2")}
    assert (Flaw.ADDED, "index: transcript", "nobody") in changed(transcribed, put, call="nobody")


def test_a_link_that_tells_of_a_transcript_cannot_be_taken_out(transcribed: Room) -> None:
    found = changed(transcribed, "delete from recording_chain where kind = 'transcribed' and call_id = 'c0'")
    assert (Flaw.ADDED, "index: transcript", "c0") in found
    assert Flaw.CHAIN in {flaw for flaw, _, _ in found}


# --- how it goes --------------------------------------------------------------------------------------------------------


def test_it_goes_with_its_recording_and_out_of_the_database_s_file(room: Room, tmp_path: Path) -> None:
    gone, stays = room.recorded("c0"), room.recorded("c1", LATER)
    sealed = {one.call_id: write_down(room.engine, room.vault, one) for one in (gone, stays)}
    purge.apply(room.engine, room.vault, room.order(), LATER)
    assert room.calls() == ["c1"]
    with reading(room.engine) as connection:
        assert [row.call_id for row in connection.execute(select(transcript_table))] == ["c1"]
    assert room.findings() == []
    if room.engine.dialect.name == "sqlite":
        files = b"".join(path.read_bytes() for path in tmp_path.glob("ringfence.db*"))
        assert (sealed["c1"] in files, sealed["c0"] in files) == (True, False)


def test_nothing_is_kept_of_a_recording_that_was_purged_while_it_was_heard(room: Room) -> None:
    recording = room.recorded("c0")
    sealed = transcripts.sealed_for(room.vault, recording, HEARD)
    with writing(room.engine) as connection:
        assert transcripts.claim(connection, "c0", ANSWERED) == 1
    purge.apply(room.engine, room.vault, room.order(), LATER)
    with writing(room.engine) as connection:
        assert not transcripts.keep(connection, "c0", sealed, HEARD.made_by, LATER)
        assert transcripts.claim(connection, "c0", LATER) == 0
        assert connection.execute(select(transcript_table)).all() == []
    assert room.findings() == []


# --- which one is next --------------------------------------------------------------------------------------------------


def test_the_latest_call_is_next_and_what_failed_waits_for_its_time(room: Room) -> None:
    for n in range(4):
        room.recorded(f"c{n}", ANSWERED + timedelta(hours=n))
    with writing(room.engine) as connection:
        transcripts.claim(connection, "c3", ANSWERED)
        for _ in range(MOST_ATTEMPTS):
            transcripts.claim(connection, "c2", ANSWERED)
    asked = [(ANSWERED, None), (ANSWERED + RETRY, None), (ANSWERED + RETRY, ANSWERED + timedelta(hours=1)), (None, None)]
    with reading(room.engine) as connection:
        found = [[one.call_id for one in transcripts.waiting(connection, now, 10, since)] for now, since in asked]
        assert [one.call_id for one in transcripts.waiting(connection, None, 2)] == ["c3", "c2"]
    assert found == [["c1", "c0"], ["c3", "c1", "c0"], ["c3", "c1"], ["c3", "c2", "c1", "c0"]]


def test_a_call_of_long_ago_that_is_archived_late_is_found_within_the_hour(desk: Desk) -> None:
    desk.site.clock.advance(timedelta(days=30))
    assert desk.transcriber.work_once()
    assert not desk.transcriber.work_once()
    archived(desk.site, "c2")
    assert not desk.transcriber.work_once()
    desk.site.clock.advance(THOROUGH)
    assert desk.transcriber.work_once()
    assert desk.read("c2") is not None


# --- an engine that is missing, slow or broken --------------------------------------------------------------------------


def test_without_an_engine_people_are_told_once_and_no_attempt_is_counted(desk: Desk) -> None:
    (desk.model / "missing").touch()
    assert not desk.transcriber.work_once()
    assert not desk.transcriber.work_once()
    assert desk.told() == [("transcripts_unavailable", None)]
    with writing(desk.site.engine) as connection:
        assert "install one" in store.alerts(connection)[-1].text
        store.mark_seen(connection, None)
        assert connection.execute(select(transcript_table)).all() == []
    assert not desk.transcriber.work_once()
    assert desk.told() == [], "told again only when it was there meanwhile"
    (desk.model / "missing").unlink()
    assert desk.transcriber.work_once()


def test_an_engine_that_dies_costs_attempts_at_one_transcript_and_nothing_else(desk: Desk) -> None:
    (desk.model / "dies").touch()
    for n in range(MOST_ATTEMPTS):
        assert desk.transcriber.work_once()
        assert desk.waits() == []
        assert desk.told() == ([("transcript_failed", "c1")] if n == MOST_ATTEMPTS - 1 else [])
        desk.site.clock.advance(RETRY * 4**n)
    assert not desk.transcriber.work_once()
    with reading(desk.site.engine) as connection:
        assert "exit code -9" in transcripts.why_none(connection, "c1")
    assert desk.findings() == []
    (desk.model / "dies").unlink()
    assert desk.transcriber.transcribe(desk.recording()) is not None, "by hand it is tried again"


def test_an_engine_that_hangs_is_ended(directory: Path) -> None:
    desk = Desk(Site(directory), patience_s=1)
    (desk.model / "hangs").touch()
    with pytest.raises(NotHeard, match="no sign of life for 1 s"):
        desk.transcriber.transcribe(desk.recording())
    desk.close()
    (desk.model / "hangs").unlink()
    again = Desk(desk.site)
    assert again.transcriber.transcribe(again.recording()) is not None
    again.close()


def test_an_engine_that_raises_fails_one_recording_and_the_same_process_hears_the_next(desk: Desk) -> None:
    (desk.model / "raises").touch()
    with pytest.raises(NotHeard, match="RuntimeError: the engine has a fault"):
        desk.hearing.hear(desk.recording())
    process = desk.hearing._running
    (desk.model / "raises").unlink()
    assert desk.hearing.hear(desk.recording()).phrases
    assert desk.hearing._running is process


def test_the_engine_works_at_the_lowest_priority(desk: Desk) -> None:
    desk.hearing.begin()
    running = desk.hearing._running
    assert running is not None
    assert running.process.pid is not None
    assert os.getpriority(os.PRIO_PROCESS, running.process.pid) == 19


def test_a_recording_that_cannot_be_read_now_is_no_failed_attempt(desk: Desk) -> None:
    (key,) = (desk.site.directory / "secrets").glob("*.key")
    aside = key.rename(key.with_suffix(".aside"))
    with pytest.raises(CannotRead):
        desk.transcriber.transcribe(desk.recording())
    assert desk.waits() == [], "others go first"
    desk.site.clock.advance(RETRY)
    assert not desk.transcriber.work_once(), "it rests: what is in trouble is the archive"
    aside.rename(key)
    desk.site.clock.advance(RETRY)
    assert desk.transcriber.work_once()
    assert len(told_by(desk.read())) == len(SAID)


def test_an_altered_recording_is_not_transcribed(desk: Desk) -> None:
    path = desk.site.vault.root / desk.recording().path
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(NotHeard, match="not what was archived"):
        desk.transcriber.transcribe(desk.recording())


# --- the site stops, or is killed ---------------------------------------------------------------------------------------


def test_a_site_that_ends_does_not_wait_for_the_engine_and_it_was_no_attempt(desk: Desk) -> None:
    begun = threading.Event()
    (desk.model / "hangs").touch()
    desk.step = lambda name: begun.set() if name == "claimed" else None
    desk.transcriber.start()
    assert begun.wait(60)
    desk.transcriber.stop()
    (desk.model / "hangs").unlink()
    assert desk.waits() == ["c1"]
    with reading(desk.site.engine) as connection:
        assert connection.execute(select(transcript_table.c.attempts)).scalar_one() == 0


def test_in_the_background_it_works_until_nothing_waits(desk: Desk) -> None:
    archived(desk.site, "c2")
    done = threading.Semaphore(0)
    desk.step = lambda name: done.release() if name == "committed" else None
    desk.transcriber.start(every=timedelta(milliseconds=10))
    assert all(done.acquire(timeout=60) for _ in range(2))
    desk.transcriber.stop()
    assert [len(told_by(desk.read(call_id))) for call_id in ("c1", "c2")] == [len(SAID)] * 2
    assert desk.findings() == []


@pytest.mark.parametrize("step", ["claimed", "heard", "kept", "committed"])
def test_killed_at_any_step_it_is_made_once_the_next_time(step: str, directory: Path) -> None:
    child = [sys.executable, "-m", "tests.transcriber_child", str(directory), step]
    killed = subprocess.run(child, cwd=ROOT, stdin=subprocess.DEVNULL, timeout=120, check=False)
    assert killed.returncode == -signal.SIGKILL
    desk = Desk(Site(directory))
    assert desk.waits() == []
    desk.site.clock.advance(RETRY)
    assert desk.transcriber.work_once() is (step != "committed")
    assert len(told_by(desk.read())) == len(SAID)
    with reading(desk.site.engine) as connection:
        links = archive_chain.entries(connection, ["c1"])["c1"]
    assert [one.kind for one in links].count(TRANSCRIBED) == 1
    archive_head.publish(desk.site.engine, desk.site.vault.root)
    assert desk.findings() == []
    desk.close()


def test_the_engine_does_not_outlive_whoever_asked_it(directory: Path) -> None:
    """Even one that hangs: nobody would be left to end it."""
    (directory / "model").mkdir()
    (directory / "model" / "hangs").touch()
    child = [sys.executable, "-m", "tests.transcriber_child", str(directory), "listening"]
    with subprocess.Popen(child, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as asking:
        assert asking.stdin is not None
        assert asking.stdout is not None
        engine = os.pidfd_open(int(asking.stdout.readline()))
        ends = poll()
        ends.register(engine, POLLIN)
        asking.stdin.write("\n")
        asking.stdin.flush()
        assert asking.wait(60) == -signal.SIGKILL
        assert ends.poll(60_000), "the engine ends"
    os.close(engine)
