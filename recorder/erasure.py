"""Somebody asks that what we have of them be erased: what goes at once, what must stay, why and until when?

The rule it protects (PIPL 47; GDPR 17): what no hold and no minimum keeps is purged at once; what must stay is told with its
reasons, and is asked about again at every sweep until nothing is left. Recordings, and what QA wrote of them: who may not be
called, and which calls were made, are other records, with minimums of their own.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Engine, select
from sqlalchemy.engine import Connection

from compliance.calendars import calendar_named
from compliance.obligations import countries_of, obligations
from compliance.packs import Pack
from compliance.retention import Erasure
from compliance.tables import permit
from compliance.verdict import Candidate, Reason
from config.database import reading, writing
from recorder import archive_chain, audit, erasure_requests, retained
from recorder.erasure_requests import Due, Fate, Item, Request
from recorder.keeping import Goes, Stays
from recorder.purge import Order, apply, overwriting, survey, wipe
from recorder.qa.forgetting import forget
from recorder.record import BadRecord, from_json
from recorder.retained import Scope
from recorder.store import JobState, RecordingJobRow, RecordingRow
from recorder.vault import Vault

ERASE = "erase"  # what the audit chain calls it
#: What rule packs call the request whose deadline counts here.
ASKED_AS = frozenset({"data_subject_request", "erasure_request"})


def due_by(engine: Engine, packs: Sequence[Pack], person: str, at: datetime) -> Due:
    """By when a request of this moment is answered: of all calls to the person, by the rule by which it is soonest."""
    with reading(engine) as connection:
        subjects = retained.page(connection, packs, Scope(person=person), "")
    known = {_place(one.retained.candidate): one.retained.candidate for one in subjects}
    found = [_due(packs, candidate, at) for candidate in known.values()]
    told = [one for one in found if one.law_by is not None]
    return Due(
        min((one.law_by for one in told if one.law_by is not None), default=None),
        min((one.house_by for one in told if one.house_by is not None), default=None),
        tuple(sorted({rule for one in told for rule in one.rules})),
    )


def work(
    engine: Engine,
    vault: Vault,
    order: Order,
    request_id: int,
    now: datetime,
    *,
    seen: Callable[[int], None] = lambda _done: None,
    step: Callable[[str], None] = lambda _name: None,
) -> Request:
    """Purges what may go of what the request asks for, and keeps what came of it. Done again, it goes on where it was.

    `seen` and `step` are as for `purge.apply`. Raises NoSuchRequest, and what `purge.apply` raises.
    """
    with reading(engine) as connection:
        request = erasure_requests.the(connection, request_id)
    asked = replace(order, request=Erasure(request.asked_at, request.cite))
    expected = _items(engine, asked, request, now)
    with writing(engine) as connection:
        erasure_requests.expect(connection, request_id, expected)
    apply(engine, vault, asked, now, scope=_of(request.person, request.asked_at), seen=seen, step=step)
    items = _items(engine, asked, replace(request, outcome=expected), now)
    with writing(engine) as connection:
        overwriting(connection)
        gone = {item.call_id for item in items if item.fate is Fate.PURGED}  # also those that an ordinary purge was first with
        words = forget(connection, sorted(gone | _unrecorded(connection, request.person, request.asked_at)))
        if erasure_requests.answer(connection, request, items, now) or words:
            fates = [item.fate for item in items]
            facts = {fate.value: str(fates.count(fate)) for fate in Fate if fate in fates}
            facts |= {"qa_texts": str(words)} if words else {}
            audit.note(connection, now, order.by, ERASE, **{**order.facts, "request": str(request_id), **facts})
        answered = erasure_requests.the(connection, request_id)
    wipe(engine)
    return answered


def work_open(engine: Engine, vault: Vault, order: Order, now: datetime) -> list[Request]:
    """Works every request of which something had to stay: its time may be over. Raises as `work` does."""
    with reading(engine) as connection:
        pending = erasure_requests.requests(connection, open_only=True)
    return [work(engine, vault, order, request.request_id, now) for request in pending]


def foresee(engine: Engine, order: Order, person: str, asked: Erasure, now: datetime) -> tuple[Item, ...]:
    """What this request would come to now; what could be purged is told as purged. Changes nothing."""
    request = Request(0, person, asked.cite, asked.at, order.by, Due(), None, None, ())
    return _items(engine, replace(order, request=asked), request, now, foreseen=True)


def _of(person: str, asked_at: datetime) -> Scope:
    """What is asked for: the calls that there were by then. Who lets us call again later has not asked for those."""
    return Scope(person=person, answered_by=asked_at)


def _items(engine: Engine, order: Order, request: Request, now: datetime, *, foreseen: bool = False) -> tuple[Item, ...]:
    """Every recording that was ever asked for by this request, as it stands now."""
    items = {item.call_id: item for item in request.outcome if item.fate in {Fate.PURGED, Fate.KEPT}}  # the others may be over
    for answer in survey(engine, order, _of(request.person, request.asked_at), now):
        match answer:
            case Stays():
                items[answer.call_id] = Item(answer.call_id, Fate.KEPT, answer.until, answer.review, _told(answer.reasons))
            case Goes():
                fate = Fate.PURGED if foreseen else Fate.KEPT  # until it is purged
                items[answer.call_id] = Item(answer.call_id, fate, now, review=False, why=_told(answer.reasons))
    with reading(engine) as connection:
        for item in _unarchived(connection, request.person, request.asked_at):
            items[item.call_id] = item
        links = archive_chain.entries(connection, sorted(items))
    for call_id, several in links.items():
        for link in several:
            if link.kind == archive_chain.PURGED:
                why = tuple((str(reason["rule"]), str(reason["text"])) for reason in link.facts.get("why", ()))
                items[call_id] = Item(call_id, Fate.PURGED, link.at, review=False, why=why)
    return tuple(items[call_id] for call_id in sorted(items))


def _unrecorded(connection: Connection, person: str, asked_at: datetime) -> set[str]:
    """The calls with the person whose recording is there no more: what QA wrote of them outlived an ordinary purge."""
    kept = select(RecordingRow.call_id).where(RecordingRow.call_id == permit.c.attempt_id)
    theirs = (permit.c.person == person, permit.c.granted_at <= asked_at, ~kept.exists())
    return set(connection.execute(select(permit.c.attempt_id).where(*theirs)).scalars())


def _unarchived(connection: Connection, person: str, asked_at: datetime) -> Iterator[Item]:
    """Calls with the person whose files are not in the archive: on their way, or where a person must look at them."""
    waits = RecordingJobRow.state != JobState.DONE.value
    for job in connection.execute(select(RecordingJobRow.__table__).where(waits).order_by(RecordingJobRow.call_id)):
        try:
            record = from_json(job.metadata_json)
        except BadRecord:  # the archivist tells people of it
            continue
        if record.person == person and (record.answered_at or record.ended_at) <= asked_at:
            coming = job.state == JobState.PENDING.value
            text = "its recording is not archived yet" if coming else f"its files are in the spool, {job.state}: {job.reason}"
            fate = Fate.ON_ITS_WAY if coming else Fate.SET_ASIDE
            yield Item(job.call_id, fate, None, review=not coming, why=(("recording.spool", text),))


def _due(packs: Sequence[Pack], candidate: Candidate, at: datetime) -> Due:
    years = (at.year, at.year + 1)
    calendars = [one for name in countries_of(candidate) if (one := calendar_named(name, years)) is not None]
    asked = [one for one in obligations(packs, candidate, at, (), calendars).deadlines if one.on in ASKED_AS]
    if not asked:
        return Due()
    rules = tuple(dict.fromkeys(reason.rule for one in asked for reason in one.reasons))
    return Due(min(one.law_by for one in asked), min(one.house_by for one in asked), rules)


def _place(candidate: Candidate) -> tuple[str, ...]:
    """What deadlines depend on, of a person's calls."""
    return candidate.number, candidate.purpose, *candidate.regions


def _told(reasons: Iterable[Reason]) -> tuple[tuple[str, str], ...]:
    return tuple(dict.fromkeys((one.rule, one.text) for one in reasons))
