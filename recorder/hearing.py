"""Where does the engine work, so that no call waits for it? In a process of its own, at the lowest priority, that may be killed.

The rule it protects: an engine that crashes, hangs or eats the memory costs a transcript, and nothing else. It is started when
there is something to hear and ended when there is nothing; it is never asked two things at once, and dies with whoever asks it.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from config.load import ConfigError
from recorder.listening import Engine, listen
from recorder.transcript import Transcript
from recorder.vault import AlteredRecording, Archived, Vault
from recorder.wav import NotAudio
from recorder.whisper import EngineMissing
from recorder.workers import die_with_parent

LOWEST = 19  # nice
PATIENCE_S = 600.0  # without a sign of life; half a minute of speech takes a small model ten seconds
LOADING_S = 600.0
_LOOK_S = 0.5
_GOODBYE_S = 5.0  # for an engine that has nothing to do, to put its own things away

Load = Callable[[], Engine]
Seen = Callable[[float], None]


class NotHeard(Exception):
    """The engine made no transcript of this recording; another attempt may."""


class CannotRead(NotHeard):
    """The recording could not be read now, which is neither its fault nor the engine's."""


@dataclass(frozen=True, slots=True)
class _Ready:
    """The engine is loaded, or cannot be."""

    trouble: str


@dataclass(frozen=True, slots=True)
class _Part:
    """How much of the recording is done, 0 to 1."""

    done: float


@dataclass(frozen=True, slots=True)
class _Trouble:
    """The recording was given up; `passing`: the place where it lies is in trouble, and not the recording."""

    text: str
    passing: bool


_Answer = _Ready | _Part | _Trouble | Transcript


@dataclass(frozen=True, slots=True)
class _Running:
    """The process, and our end of the pipe to it."""

    process: BaseProcess
    pipe: Connection


class Hearing:
    """The engine's process. `load` makes the engine there; `language` is what is spoken, empty where that is to be found out."""

    def __init__(self, vault: Vault, load: Load, language: str = "", patience_s: float = PATIENCE_S) -> None:
        self._vault = vault
        self._load = load
        self._language = language
        self._patience_s = patience_s
        self._running: _Running | None = None
        self._busy = False

    def begin(self, seen: Seen = lambda _part: None) -> None:
        """Sees that the engine is loaded. `seen` is called twice a second; what it raises ends it. Raises EngineMissing."""
        self._begun(seen)

    def hear(self, recording: Archived, seen: Seen = lambda _part: None) -> Transcript:
        """What is said in it. `seen` is told twice a second how much is done, 0 to 1; what it raises ends the engine.

        Raises NotHeard; CannotRead for an archive that is in trouble; EngineMissing where there was no `begin` and none can be.
        """
        running, done = self._begun(seen), 0.0
        try:
            self._busy = True
            running.pipe.send(recording)
        except OSError as error:
            self.close()
            raise NotHeard(f"the engine died: {error}") from None
        while True:
            match self._answer(running, seen, done, self._patience_s):
                case Transcript() as transcript:
                    self._busy = False
                    return transcript
                case _Part(part):
                    done = part
                case _Trouble(text, passing):
                    self._busy = False
                    raise CannotRead(text) if passing else NotHeard(text)
                case _Ready():
                    self.close()
                    raise NotHeard("the engine answers what it was not asked")

    def close(self) -> None:
        """Ends the process, whatever it is at."""
        if self._running is not None:
            self._running.pipe.close()
            if not self._busy:
                self._running.process.join(_GOODBYE_S)
            self._running.process.kill()
            self._running.process.join()
            self._running = None

    def _begun(self, seen: Seen) -> _Running:
        if self._running is not None and self._running.process.is_alive():
            return self._running
        self.close()
        spawn = multiprocessing.get_context("spawn")  # a fork of a process with threads and sockets is not safe
        ours, theirs = spawn.Pipe()
        told = (theirs, self._vault, self._load, self._language)
        self._busy = True  # it loads
        process = spawn.Process(target=_serve, args=told, name="transcripts", daemon=True)
        process.start()
        theirs.close()
        self._running = running = _Running(process, ours)
        try:
            answer = self._answer(running, seen, 0.0, LOADING_S)
        except NotHeard as error:
            raise EngineMissing(f"the engine for transcripts cannot be loaded: {error}") from None
        if not isinstance(answer, _Ready) or answer.trouble:
            self.close()
            raise EngineMissing(answer.trouble if isinstance(answer, _Ready) else "the engine answers what it was not asked")
        self._busy = False
        return running

    def _answer(self, running: _Running, seen: Seen, done: float, patience_s: float) -> _Answer:
        """The next thing that the process says. Raises NotHeard when it says nothing any more; then it is ended."""
        waited = 0.0
        try:
            seen(done)
            while not running.pipe.poll(_LOOK_S):
                seen(done)
                waited += _LOOK_S
                if waited >= patience_s:
                    raise NotHeard(f"the engine gave no sign of life for {patience_s:g} s")
            answer: _Answer = running.pipe.recv()
        except EOFError:
            running.process.join()
            code = running.process.exitcode
            self.close()
            raise NotHeard(f"the engine died (exit code {code})") from None
        except BaseException:
            self.close()
            raise
        return answer


def _serve(pipe: Connection, vault: Vault, load: Load, language: str) -> None:
    """The process: hears one recording after the other until nobody asks any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for whoever asks
    os.nice(LOWEST)
    threading.Thread(target=die_with_parent, daemon=True).start()
    try:
        try:
            engine = load()
        except EngineMissing as error:
            pipe.send(_Ready(str(error)))
            return
        pipe.send(_Ready(""))
        while True:
            recording: Archived = pipe.recv()
            pipe.send(_heard(pipe, vault, engine, language, recording))
    except (EOFError, BrokenPipeError, ConnectionResetError):  # whoever asked is gone
        return


def _heard(pipe: Connection, vault: Vault, engine: Engine, language: str, recording: Archived) -> Transcript | _Trouble:
    try:
        with vault.open_audio(recording) as audio:
            return listen(audio, engine, language, lambda done: pipe.send(_Part(done)))
    except (BrokenPipeError, ConnectionResetError):
        raise
    except (AlteredRecording, NotAudio, ConfigError) as error:
        return _Trouble(str(error), passing=False)
    except OSError as error:
        return _Trouble(str(error), passing=True)
    except Exception as error:  # noqa: BLE001 -- whatever a foreign engine raises, it is about this recording
        return _Trouble(f"{type(error).__name__}: {error}", passing=False)
