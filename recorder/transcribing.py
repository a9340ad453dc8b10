"""Who sees to it that recordings get their transcripts? A thin loop: the next that waits, the engine, its row and its link.

The rule it protects: a transcript comes after its recording, and never instead: only what is in the archive is heard, one at a
time, and an engine that is missing, slow or broken costs its own transcripts alone. What waits is asked of the database each
time: a crash between any two steps is an attempt that is made again.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Engine

from config import logs
from config.clock import Clock
from config.database import reading, writing
from config.load import ConfigError
from recorder import archive_head, store, transcripts
from recorder.archive_head import HeadDisagrees
from recorder.hearing import CannotRead, Hearing, NotHeard
from recorder.transcript import Transcript
from recorder.transcripts import MOST_ATTEMPTS, RETRY
from recorder.vault import AlteredRecording, Archived, Vault
from recorder.whisper import EngineMissing

LOG = logs.get(__name__)

EVERY = timedelta(minutes=1)  # looks for what waits, once nothing did
MISSING = timedelta(hours=1)  # looks for an engine, once there was none
THOROUGH = timedelta(hours=1)  # looks through all recordings, once nothing waited; else through those of the last day
Seen = Callable[[float], None]


class TranscriptAlertKind(StrEnum):
    """What a person must look at."""

    TRANSCRIPTS_UNAVAILABLE = "transcripts_unavailable"  # they are wanted, and there is no engine, or none that loads
    TRANSCRIPT_FAILED = "transcript_failed"  # every attempt at one came to nothing; its recording is as it was


@dataclass(frozen=True, slots=True)
class TranscriptAlert:
    """An alert about transcripts; `call_id` is None when it is about all of them."""

    kind: TranscriptAlertKind
    text: str
    call_id: str | None = None


class Stopped(Exception):
    """The site ends: what is being heard is heard again the next time."""


class Transcriber:
    """Makes the transcripts of one archive. `step` is told the name of each step as it is reached."""

    def __init__(
        self, engine: Engine, vault: Vault, clock: Clock, hearing: Hearing, *, step: Callable[[str], None] = lambda _name: None
    ) -> None:
        self._engine = engine
        self._vault = vault
        self._clock = clock
        self._hearing = hearing
        self._step = step
        self._missing = False  # the engine, when it was last looked for
        self._nothing_at: datetime | None = None  # when nothing waited among all recordings
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, every: timedelta = EVERY) -> None:
        """Works in a thread of its own until `stop`."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, args=(every.total_seconds(),), name="transcripts", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends thread and engine at once; the recording that is being heard waits, and this was no attempt at it."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self._hearing.close()

    def work_once(self) -> bool:
        """Makes the next transcript; False when none waits, or none can be made now. Raises Stopped."""
        found = self._next()
        if found is None:
            return False
        try:
            self._hearing.begin(self._going_on)
            self._missing = False
            self.transcribe(found, self._going_on)
        except EngineMissing as error:
            self._miss(error)
            return False
        except CannotRead as error:
            LOG.warning("the archive cannot be read for transcripts", reason=str(error))
            return False
        except NotHeard:
            pass  # written down, and told when it was the last attempt
        return True

    def transcribe(self, recording: Archived, seen: Seen = lambda _part: None) -> Transcript | None:
        """Makes the transcript of one recording, whatever it has; None when the recording was purged meanwhile.

        `seen` is told how much is done, 0 to 1; what it raises ends it, and that was no attempt. Raises NotHeard, EngineMissing.
        """
        call_id = recording.call_id
        with writing(self._engine) as connection:
            attempt = transcripts.claim(connection, call_id, self._clock.now())
        if not attempt:
            return None
        self._step("claimed")
        try:
            transcript = self._hearing.hear(recording, seen)
            self._step("heard")
            sealed = self._sealed(recording, transcript)
        except CannotRead as error:
            self._refund(call_id, str(error), RETRY)
            raise
        except NotHeard as error:
            self._failed(call_id, attempt, str(error))
            raise
        except BaseException:
            self._refund(call_id)
            raise
        with writing(self._engine) as connection:
            kept = transcripts.keep(connection, call_id, sealed, transcript.made_by, self._clock.now())
            self._step("kept")
        self._step("committed")
        if not kept:
            return None
        self._publish()
        LOG.info("transcribed", call_id=call_id, language=transcript.language, phrases=len(transcript.phrases))
        return transcript

    def _run(self, every_seconds: float) -> None:
        while not self._stopping.is_set():
            try:
                if self.work_once():
                    continue
            except Stopped:
                break
            except Exception:
                LOG.exception("a round of the transcripts failed")
            self._hearing.close()  # a model is half a gigabyte of memory
            self._stopping.wait(MISSING.total_seconds() if self._missing else every_seconds)

    def _next(self) -> Archived | None:
        """What is to be heard next: a million recordings are not looked through every minute."""
        now = self._clock.now()
        lately = self._nothing_at is not None and now - self._nothing_at < THOROUGH
        with reading(self._engine) as connection:
            found = transcripts.waiting(connection, now, 1, since=now - timedelta(days=1) if lately else None)
        if not found and not lately:
            self._nothing_at = now
        return found[0] if found else None

    def _going_on(self, _part: float) -> None:
        if self._stopping.is_set():
            raise Stopped

    def _sealed(self, recording: Archived, transcript: Transcript) -> bytes:
        try:
            return transcripts.sealed_for(self._vault, recording, transcript)
        except (AlteredRecording, ConfigError) as error:
            raise NotHeard(str(error)) from error
        except OSError as error:
            raise CannotRead(str(error)) from error

    def _publish(self) -> None:
        """Brings the archive's head up to the chain; what fails now is done with the next link."""
        try:
            archive_head.publish(self._engine, self._vault.root)
        except (HeadDisagrees, OSError) as error:
            LOG.error("the head of the archive was not moved", reason=str(error))

    def _refund(self, call_id: str, reason: str | None = None, wait: timedelta = timedelta(0)) -> None:
        with writing(self._engine) as connection:
            transcripts.refund(connection, call_id, reason, self._clock.now() + wait)

    def _failed(self, call_id: str, attempt: int, reason: str) -> None:
        LOG.warning("no transcript was made", call_id=call_id, attempt=attempt, reason=reason)
        with writing(self._engine) as connection:
            transcripts.failed(connection, call_id, reason)
            if attempt >= MOST_ATTEMPTS:
                text = f"call {call_id} has no transcript after {attempt} attempts: {reason}"
                alert = TranscriptAlert(TranscriptAlertKind.TRANSCRIPT_FAILED, text, call_id)
                store.alarm(connection, alert, self._clock.now())

    def _miss(self, error: EngineMissing) -> None:
        """Tells people once, and again only when it was there meanwhile."""
        if self._missing:
            return
        self._missing = True
        with writing(self._engine) as connection:
            alert = TranscriptAlert(TranscriptAlertKind.TRANSCRIPTS_UNAVAILABLE, str(error))
            store.alarm(connection, alert, self._clock.now())
        LOG.error("no transcripts can be made", reason=str(error))
