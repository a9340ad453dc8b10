"""What is done about the age of recordings every day, and what must a person decide?

The rule it protects: what must be gone goes without anybody having to think of it; what cannot be judged is kept, and told once.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Engine

from config.database import reading, writing
from recorder import erasure, store
from recorder.erasure_requests import Request
from recorder.keeping import Stays
from recorder.purge import Order, PurgeReport, apply
from recorder.vault import Vault


class KeepingAlertKind(StrEnum):
    """What a person must look at."""

    RETENTION_REVIEW = "retention_review"  # rules that cannot both be obeyed, or that are not known, keep recordings
    ERASURE_REVIEW = "erasure_review"  # somebody asked to be forgotten, and a person must decide about a recording


@dataclass(frozen=True, slots=True)
class KeepingAlert:
    """An alert about how long recordings are kept; it is about no single call."""

    kind: KeepingAlertKind
    text: str
    call_id: str | None = None


def sweep(
    engine: Engine, vault: Vault, order: Order, now: datetime, seen: Callable[[int], None] = lambda _done: None
) -> PurgeReport:
    """Purges all that the rules or the house want gone, works the erasure requests that are open, and tells people of the rest.

    `seen` is told how many recordings were looked at; what it raises ends the sweep, and the next one goes on. Raises as
    `purge.apply` does.
    """
    report = apply(engine, vault, order, now, seen=seen)
    requests = erasure.work_open(engine, vault, order, now)
    for alert in (*_of_rules(report.review), *_of_requests(requests)):
        with reading(engine) as connection:
            if store.is_told(connection, alert):
                continue
        with writing(engine) as connection:
            store.alarm(connection, alert, now)
    return report


def _of_rules(review: Iterable[Stays]) -> Iterator[KeepingAlert]:
    """What must be decided, the same for all recordings of which it is so: rules, not calls."""
    for what in sorted({one.conflict or "; ".join(dict.fromkeys(reason.text for reason in one.reasons)) for one in review}):
        text = f"recordings are kept until a person decides: {what}; `ringfence recording purge --review` lists them"
        yield KeepingAlert(KeepingAlertKind.RETENTION_REVIEW, text)


def _of_requests(requests: Iterable[Request]) -> Iterator[KeepingAlert]:
    for request in requests:
        undecided = sum(item.review for item in request.outcome)
        if undecided:
            due = request.due.house_by or request.due.law_by
            by = f" by {due:%Y-%m-%d}" if due is not None else ""
            text = f"erasure request {request.request_id}: a person must decide about {undecided} recordings{by}"
            yield KeepingAlert(KeepingAlertKind.ERASURE_REVIEW, text)
