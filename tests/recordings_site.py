"""A site whose archive holds a few real conversations, for the tests of the commands that find, play, export and share them."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

from config.clock import ManualClock
from config.database import writing
from dialer import bootstrap
from recorder.naming import Side
from recorder.record import TIMES, CallRecord
from recorder.service import Archivist
from recorder.store import enqueue
from tests.recorder_audio import (
    ANSWERED,
    PROMPT,
    a_conversation,
    a_prompt,
    a_record,
    joined,
    leave,
    padded,
    silence,
    tone,
    wav_bytes,
)

SECONDS = 20
TONES = (600, 700, 800)  # hertz; the customer's of each call, on the right channel
CALLS = tuple(f"{n}" * 32 for n in range(len(TONES)))
TEAMS = ("east", "west", "east")
NUMBERS = tuple(f"+1212555010{n}" for n in range(len(TONES)))


def records() -> list[CallRecord]:
    """A call an hour: agents 101, 102, 101, of two teams, each with another customer."""
    return [
        a_record(
            call_id,
            agent_id=str(101 + n % 2),
            team=TEAMS[n],
            campaign=f"campaign-{n}",
            number=NUMBERS[n],
            person=f"person-{n}",
            **{name: _time(name) + timedelta(hours=n) for name in TIMES},  # type: ignore[arg-type]  # names of fields that are times
        )
        for n, call_id in enumerate(CALLS)
    ]


def archive(site: Path, calls: Iterable[CallRecord]) -> None:
    """Puts real audio of these calls into the archive of the site, by way of its spool."""
    with bootstrap.opened(site) as parts:
        prompts = parts.site.prompts
        prompts.mkdir(parents=True, exist_ok=True)
        (prompts / f"{PROMPT}.wav").write_bytes(wav_bytes(a_prompt()))
        clock = ManualClock(ANSWERED + timedelta(days=1))
        archivist = Archivist(parts.database, clock, parts.site.spool, parts.vault, prompts)
        listed = list(calls)
        for n, call in enumerate(listed):
            customer = padded(joined(silence(6), tone(TONES[n % len(TONES)], 10)), SECONDS)
            leave(parts.site.spool, call.call_id, a_conversation(SECONDS) | {Side.CUSTOMER: customer})
            with writing(parts.database) as connection:
                enqueue(connection, call)
        assert archivist.work_once() == len(listed)
        archivist.close()


def _time(name: str) -> datetime:
    at: datetime = getattr(a_record(), name)
    return at
