"""Which share did this copy leave by? Quiet tones all through it tell the share's number, whatever became of the file's tags.

The number is written in the digits of a telephone keypad (ITU-T Q.23), softly, every ten seconds on both sides. All repetitions
are read together, so that speech above them does not hide it, and neither do cutting, mixing to one channel, G.711 or MP3.
What it cannot do: it is heard in silence, and whoever knows of it can filter it out or record over it. It tells on the careless.
"""

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

from recorder.pcm import RATE, Samples

Signal = npt.NDArray[np.float64]

_ROWS, _COLUMNS = (697, 770, 852, 941), (1209, 1336, 1477, 1633)
_KEYS = ("123A", "456B", "789C", "*0#D")
START, END = "*", "#"
EVERY = RATE * 10  # samples from one mark to the next
TONE, KEY = RATE * 7 // 100, RATE // 10  # samples of the sound of a key, and from one key to the next
LEVEL = 330.0  # of each of the two tones, of 32768: 40 dB below full scale
_HOP = RATE // 100  # how exactly a mark is placed when it is sought
_CLEAR = 2.0  # how much louder than the others the tones of a key must be, over all repetitions


def marked(blocks: Iterable[Samples], number: str) -> Iterator[Samples]:
    """The blocks, of shape (n, 2), with the number in them. It is of digits; its check digits are put behind it."""
    mark, at = _mark(number), 0
    for block in blocks:
        places = (at + np.arange(len(block))) % EVERY
        tones = np.where(places < len(mark), mark[np.minimum(places, len(mark) - 1)], 0.0)
        changed: Samples = np.clip(block + tones[:, None], -32768, 32767).astype(np.int16)
        at += len(block)
        yield changed


def read_mark(sound: Samples, digits: int) -> str | None:
    """The number of so many digits that is marked in `sound`, of shape (n, channels) at 8 kHz; None when none can be read.

    Who is silent on a channel lets the mark be read there while the other speaks. A number that is misread is told by its
    check digits.
    """
    energies = np.mean([_energies(channel) for channel in sound.T], axis=0)
    period, length = EVERY // _HOP, digits + 4
    if len(energies) < length * KEY // _HOP:
        return None
    rounds = -(-len(energies) // period)
    folded = np.resize(np.pad(energies, ((0, rounds * period - len(energies)), (0, 0))), (rounds, period, 8)).mean(axis=0)
    keys = np.stack([np.roll(folded, -place * KEY // _HOP, axis=0) for place in range(length)], axis=1)
    rows, columns = keys[:, :, :4], keys[:, :, 4:]
    clear = rows.max(axis=2).sum(axis=1) + columns.max(axis=2).sum(axis=1)
    begin = int(clear.argmax())
    best = (rows[begin], columns[begin])
    if min(float((part.max(axis=1) / (np.median(part, axis=1) + 1e-9)).mean()) for part in best) < _CLEAR:
        return None
    read = "".join(_KEYS[row][column] for row, column in zip(*(part.argmax(axis=1) for part in best), strict=True))
    number = read[1 : 1 + digits]
    return number if number.isdecimal() and read == _written(number) else None


def _written(number: str) -> str:
    return f"{START}{number}{int(number) % 97:02}{END}"


def _mark(number: str) -> Signal:
    keys = [(row, column) for key in _written(number) for row in range(4) for column in range(4) if _KEYS[row][column] == key]
    time = np.arange(TONE) / RATE
    mark = np.zeros(len(keys) * KEY)
    for place, (row, column) in enumerate(keys):
        tones = np.sin(2 * np.pi * _ROWS[row] * time) + np.sin(2 * np.pi * _COLUMNS[column] * time)
        mark[place * KEY : place * KEY + TONE] = LEVEL * tones * np.hanning(TONE) ** 0.25
    return mark


def _energies(sound: Samples) -> Signal:
    """How strong each of the eight tones is in each hop of the sound, as a part of all that is heard there."""
    frames = (
        np.lib.stride_tricks.sliding_window_view(sound.astype(np.float64), TONE)[::_HOP]
        if len(sound) >= TONE
        else np.zeros((0, TONE))
    )
    time = np.arange(TONE) / RATE
    waves = np.exp(-2j * np.pi * np.outer(time, (*_ROWS, *_COLUMNS)))
    whole = np.sqrt((frames**2).sum(axis=1, keepdims=True) * TONE) + 1.0
    share: Signal = np.abs(frames @ waves) / whole
    return share
