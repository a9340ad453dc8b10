"""Sets of instants as sorted, disjoint, half-open intervals `[start, end)`: union, difference, intersection.

The arithmetic under the calling windows, kept apart so that it can be tested without a calendar.
"""

from collections.abc import Iterable
from datetime import datetime

Interval = tuple[datetime, datetime]
Intervals = tuple[Interval, ...]


def union(intervals: Iterable[Interval]) -> Intervals:
    """All instants in any of them. Empty and reversed intervals hold none; touching ones become one."""
    merged: list[Interval] = []
    for start, end in sorted(interval for interval in intervals if interval[0] < interval[1]):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return tuple(merged)


def intersection(left: Intervals, right: Intervals) -> Intervals:
    """The instants in both."""
    common: list[Interval] = []
    i = j = 0
    while i < len(left) and j < len(right):
        start, end = max(left[i][0], right[j][0]), min(left[i][1], right[j][1])
        if start < end:
            common.append((start, end))
        if left[i][1] <= right[j][1]:
            i += 1
        else:
            j += 1
    return tuple(common)


def difference(left: Intervals, right: Intervals) -> Intervals:
    """The instants in `left` that are not in `right`."""
    remaining: list[Interval] = []
    for start, end in left:
        cursor = start
        for banned_start, banned_end in right:
            if banned_end <= cursor:
                continue
            if banned_start >= end:
                break
            if cursor < banned_start:
                remaining.append((cursor, banned_start))
            cursor = max(cursor, banned_end)
        if cursor < end:
            remaining.append((cursor, end))
    return tuple(remaining)
