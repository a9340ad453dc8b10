"""How does Whisper hear, where it is installed? By faster-whisper, on this machine's processors, with a model in a folder.

The one engine there is, and an extra (`ringfence[transcripts]`): nothing else of the recorder needs it. The rule it protects: no
sound and no question leaves the machine. A model is a folder that somebody has put there; nothing is ever fetched.
"""

import io
import os
import wave
from importlib import metadata, util
from pathlib import Path
from typing import Any

from recorder.pcm import RATE, Samples
from recorder.transcript import Word

PACKAGE = "faster-whisper"
FILES = ("model.bin", "config.json", "tokenizer.json")  # without the last one it would be fetched
_INSTALL = "pip install 'ringfence[transcripts]'"


class EngineMissing(LookupError):
    """No transcript can be made here; the message says what to do."""


def check(model: Path) -> None:
    """Whether the engine and its model are there; loads neither. Raises EngineMissing."""
    if util.find_spec(PACKAGE.replace("-", "_")) is None:
        raise EngineMissing(f"recorder.transcript_model is set, and no engine is installed: {_INSTALL}")
    missing = [name for name in FILES if not (model / name).is_file()]
    if missing:
        text = f"recorder.transcript_model: {model} has no {', '.join(missing)}: put a Whisper model for CTranslate2 there"
        raise EngineMissing(text)


class Whisper:
    """The engine, loaded. Half of the processors are used, so that a second of it never takes the machine."""

    def __init__(self, model: Path) -> None:
        """Raises EngineMissing."""
        check(model)
        try:
            import faster_whisper  # noqa: PLC0415 -- an extra

            threads = max(1, (os.cpu_count() or 1) // 2)
            self._model: Any = faster_whisper.WhisperModel(
                str(model), device="cpu", compute_type="int8", cpu_threads=threads, local_files_only=True
            )
            self._decoded: Any = faster_whisper.decode_audio
        except (ImportError, RuntimeError, ValueError, OSError) as error:
            raise EngineMissing(f"recorder.transcript_model: {model} cannot be loaded: {error}") from error
        self.name = f"{PACKAGE} {metadata.version(PACKAGE)}, model {model.name}"

    def language_of(self, sound: Samples) -> str:
        """The likeliest language; of a model that knows only English, that."""
        if not self._model.model.is_multilingual:
            return "en"
        language, _, _ = self._model.detect_language(self._decoded(_wav(sound)))
        return str(language)

    def hear(self, sound: Samples, language: str) -> list[list[Word]]:
        """The phrases as Whisper divides them. What was said before is not told again: it repeats what it got wrong."""
        segments, _ = self._model.transcribe(
            _wav(sound), language=language, word_timestamps=True, condition_on_previous_text=False
        )
        return [[_word(one) for one in segment.words] for segment in segments if segment.words]


def _wav(sound: Samples) -> io.BytesIO:
    """As the engine's own decoder reads it, which brings it to the rate that the model wants."""
    held = io.BytesIO()
    with wave.open(held, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(sound.astype("<i2").tobytes())
    held.seek(0)
    return held


def _word(one: Any) -> Word:
    start, end = round(one.start * 1000), round(one.end * 1000)
    return Word(max(0, start), max(0, start, end), one.word, round(min(1.0, max(0.0, one.probability)), 3))
