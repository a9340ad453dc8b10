"""Was the customer told of the recording before the agent spoke? The audio itself is asked, not the PBX's word for it.

The prompt is sought in what the customer heard by a matched filter (normalised cross-correlation, blind to volume), and
then compared piece by piece: the whole may match by its vowels, the pieces only if it was really played, all of it.
Pieces may shift a little against each other, as after a packet lost or doubled. Rule protected: an agent's first word
comes after a complete announcement (PIPL 17; all-party consent of the US states that ask for it).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby

import numpy as np
import numpy.typing as npt

from recorder.pcm import Samples, to_ms, to_samples
from sip.port import DisclosedBy

Signal = npt.NDArray[np.float64]

PIECE = to_samples(250)  # a syllable or two: long enough to be told from another, short enough to miss a cut
HOP = PIECE // 2  # the pieces overlap: a hole cannot hide between two
SLACK = to_samples(40)  # how far a piece may be from its place: two packets
PIECE_SCORE = 0.25  # correlation from which a piece counts as heard: as loud as somebody talking over it 0.7, nothing there 0.1
MISSED = 2  # pieces in a row that may go unheard, one at either end: a soft syllable, under half a second, and no word
LEAST = 4  # pieces of sound in a prompt
COVERAGE = 0.85  # share of the pieces that must be heard for the announcement to be complete
TRACE = 0.3  # share from which there is a part of it rather than nothing
QUIET = 0.02  # a piece with less than this of the loudest piece's energy is the first to drown: it proves nothing
TIMING_MS = 60  # the voice detector marks frames, and the onset of a prompt is soft
JOINING_MS = 2000  # from the agent's joining: the time in which a call must be more than silence (47 CFR 64.1200(a)(7))
FLOOR = 16.0  # mean square below which a line is silent (0 and +-4 of 32768): it correlates with nothing


class Verdict(StrEnum):
    """What the audio says about the disclosure."""

    PROVEN = "proven"
    ABSENT = "absent"  # the prompt is not in what the customer heard
    INCOMPLETE = "incomplete"  # a part of it is
    LATE = "late"  # somebody spoke on the agent's side before it; or, where both hear it, it began too late
    ATTESTED = "attested"  # not in the audio by design: the agent, the customer's key or the PBX says that the customer was told
    NOT_APPLICABLE = "not_applicable"  # no agent was joined to this customer, or no rule asks for a notice
    UNPROVABLE = "unprovable"  # there is no prompt to look for


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of the prompt with enough sound in it to be recognised."""

    start: int  # samples from the prompt's start
    signal: Signal
    norm: float


@dataclass(frozen=True, slots=True)
class Template:
    """A prompt made ready to be sought."""

    signal: Signal
    norm: float
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """The likeliest place of the prompt. `score` is the mean correlation of its pieces, 0 to 1."""

    start_ms: int
    end_ms: int  # the end of the prompt, or of the last piece heard when it is not complete
    score: float
    coverage: float  # share of the pieces heard
    complete: bool  # enough pieces heard, and no word missing, at the ends neither


def template(prompt: Samples) -> Template:
    """Makes `prompt` ready. Raises ValueError when there is too little sound in it: it could not be proven."""
    signal = _whitened(prompt.astype(np.float64))
    cuts = range(0, len(signal) - HOP, HOP)
    stretches = [(start, signal[start : start + PIECE]) for start in cuts]
    energies = [float(stretch @ stretch) for _, stretch in stretches]
    loudest = max(energies, default=0.0)
    pieces = tuple(
        Piece(start, stretch, energy**0.5)
        for (start, stretch), energy in zip(stretches, energies, strict=True)
        if energy > max(QUIET * loudest, FLOOR * len(stretch))
    )
    if len(pieces) < LEAST:
        raise ValueError("a prompt with less than 0.6 s of sound cannot be told from other speech")
    return Template(signal, float(signal @ signal) ** 0.5, pieces)


def find(blocks: Iterable[Samples], prompt: Template) -> Found | None:
    """The first complete playing of the prompt in a stream of samples; failing that, the likeliest place of a part of it.

    None when the stream is shorter than the prompt's first piece or silent. Reads no further than it must, and holds a
    few prompt lengths of audio, however long the call.
    """
    length = len(prompt.signal)
    size = 1 << max(17, (4 * length).bit_length())
    spectrum = np.conj(np.fft.rfft(prompt.signal, size))
    best: Found | None = None
    for offset, window in _windows(blocks, size, overlap=length + 2 * SLACK, tail=length):
        at = _likeliest(window, prompt, spectrum, size)
        if at is None:
            continue
        found = _compare(window, at, offset, prompt)
        if best is None or (found.complete, found.coverage, found.score) > (best.complete, best.coverage, best.score):
            best = found
        if found.complete:
            break
    return best


def verdict(
    found: Found | None,
    first_voice_ms: int | None,
    *,
    agent_joined: bool,
    disclosed_by: DisclosedBy = DisclosedBy.PROMPT_BEFORE,
    joined_ms: int | None = None,
    attested: bool = False,
) -> Verdict:
    """The verdict on a call; `first_voice_ms` is where voice is first heard on the agent's side, if not after the prompt.

    A prompt that plays as the agent joins may be spoken over, and must begin within `JOINING_MS` of `joined_ms`; when nobody saw
    the agent join, it must come first, like the others.
    """
    if not agent_joined or disclosed_by is DisclosedBy.NONE:
        return Verdict.NOT_APPLICABLE
    if found is None or found.coverage < TRACE:
        return Verdict.ATTESTED if attested else Verdict.ABSENT
    if not found.complete:
        return Verdict.ATTESTED if disclosed_by is DisclosedBy.SPOKEN and attested else Verdict.INCOMPLETE
    if disclosed_by is DisclosedBy.PROMPT_JOINING and joined_ms is not None:
        return Verdict.LATE if found.start_ms > joined_ms + JOINING_MS else Verdict.PROVEN
    if first_voice_ms is not None and first_voice_ms < found.start_ms - TIMING_MS:
        return Verdict.LATE
    return Verdict.PROVEN


def _whitened(signal: Signal) -> Signal:
    """The first difference: takes out hum and the weight of the low vowels, which all voices share."""
    return np.diff(signal, prepend=0.0)


def _windows(blocks: Iterable[Samples], size: int, overlap: int, tail: int) -> Iterable[tuple[int, Signal]]:
    """The whitened stream in windows of `size` samples that overlap, with the offset of each.

    The last one is followed by `tail` samples of silence, so that a prompt cut off by the hang-up is found as well.
    """
    held: Signal = np.zeros(0)
    offset, last = 0, 0.0
    for block in blocks:
        fresh = block.astype(np.float64)
        if not len(fresh):
            continue
        held = np.concatenate((held, np.diff(fresh, prepend=last)))
        last = float(fresh[-1])
        while len(held) >= size:
            yield offset, held[:size]
            step = size - overlap
            held, offset = held[step:], offset + step
    if len(held):
        padded = np.concatenate((held, np.zeros(tail)))
        for start in range(0, max(1, len(padded) - overlap), size - overlap):
            yield offset + start, padded[start : start + size]


def _likeliest(window: Signal, prompt: Template, spectrum: npt.NDArray[np.complex128], size: int) -> int | None:
    """Where in the window the prompt starts, if it is there: the first correlation peak near the highest one."""
    places = len(window) - len(prompt.signal) + 1
    if places < 1:
        return None
    correlation = np.fft.irfft(np.fft.rfft(window, size) * spectrum, size)[:places]
    scores = correlation / (prompt.norm * _local_norms(window, len(prompt.signal)))
    highest = float(scores.max())
    if highest <= 0:
        return None
    first = int(np.argmax(scores >= 0.8 * highest))
    return first + int(np.argmax(scores[first : first + SLACK]))


def _compare(window: Signal, at: int, offset: int, prompt: Template) -> Found:
    """How much of the prompt, put at `at` in the window, is heard there. `offset` is where the window starts."""
    scores = [_piece_score(window, at + piece.start, piece) for piece in prompt.pieces]
    heard = [score >= PIECE_SCORE for score in scores]
    coverage = sum(heard) / len(heard)
    gap = max((len(list(run)) for is_heard, run in groupby(heard) if not is_heard), default=0)
    complete = coverage >= COVERAGE and gap <= MISSED and any(heard[:2]) and any(heard[-2:])
    last = max((i for i, is_heard in enumerate(heard) if is_heard), default=0)
    end = len(prompt.signal) if complete else prompt.pieces[last].start + len(prompt.pieces[last].signal)
    return Found(to_ms(offset + at), to_ms(offset + at + end), round(sum(scores) / len(scores), 4), coverage, complete)


def _piece_score(window: Signal, at: int, piece: Piece) -> float:
    """The best correlation of a piece with the window around `at`; 0 where the line is silent or the window ends."""
    low = max(0, at - SLACK)
    around = window[low : at + len(piece.signal) + SLACK]
    if len(around) < len(piece.signal):
        return 0.0
    correlation = np.correlate(around, piece.signal, mode="valid")
    return max(0.0, float((correlation / (piece.norm * _local_norms(around, len(piece.signal)))).max()))


def _local_norms(signal: Signal, length: int) -> Signal:
    """The norm of every stretch of `length` samples, at least that of a silent line."""
    energy = np.concatenate(([0.0], np.cumsum(signal * signal)))
    norms: Signal = np.sqrt(np.maximum(energy[length:] - energy[:-length], FLOOR * length))
    return norms
