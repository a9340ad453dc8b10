"""What another system did, from the command line: its last attempts are counted as if they had been ours.

The rule it protects: a limit does not start anew because the dialer is a new one.
"""

from collections import Counter
from collections.abc import Iterator

import click

from compliance.facts import EventKind, LedgerEvent
from dialer.asked_for import marks_asked_for
from dialer.cli.context import site, site_command
from dialer.cli.importing import Asked, importing, say_what_came, take_in
from dialer.cli.whom import note_all, packs_in_force, tell_the_floor
from dialer.history_files import ReachesFurther, reaching_further, read_history


@click.command("history")
@importing
@site_command
def history(asked: Asked) -> None:
    """Import from FILE whom another system rang lately, so that every cap and cool-down counts it.

    FILE is a CSV with a header, or lines of JSON. Fields: kind (attempt, unanswered, live_answer, machine, conversation,
    refusal, abandoned, opt_out, …) and at (needed), person and number (one of them needed), campaign, seller, subject,
    debt, creditor, attempt_id (the other system's id of the call, which joins what came of it). An opt-out goes onto the
    do-not-call list. Good lines are imported, each bad one is reported with its line and reason, and the same lines
    again add nothing. Says how far back the file reaches, and which limits in force look further back than that.
    """
    with site() as parts:
        packs, now = packs_in_force(parts), parts.clock.now()
        marks, source = marks_asked_for(packs), f"import:{asked.file.name}"
        taken = take_in(asked, parts, lambda text, mapping, how: read_history(text, mapping, how, marks, source))
        # Whoever asked not to be called is on the list first: killed in between, nobody is rung against their word.
        events = sorted((row.event for row in taken.good), key=lambda event: event.kind is not EventKind.OPT_OUT)
        counts = (len(events), 0) if asked.dry_run else note_all(parts, events, asked.file.name)
        if not asked.dry_run and any(event.kind is EventKind.OPT_OUT for event in events):
            tell_the_floor(parts)
    since = min((event.at for event in events), default=None)
    further = reaching_further(packs, since, now) if since is not None else ()
    kinds = Counter(event.kind.value for event in events)
    more = {"kinds": dict(sorted(kinds.items())), "since": since, "reaching_further": further}
    say_what_came(asked, taken, "events", counts, more, *_reach_in_words(events, further))


def _reach_in_words(events: list[LedgerEvent], further: tuple[ReachesFurther, ...]) -> Iterator[str]:
    if not events:
        return
    opted_out = sum(event.kind is EventKind.OPT_OUT for event in events)
    listed = f", {opted_out} of them opt-outs, which are on the do-not-call list" if opted_out else ""
    yield f"{len(events)} events since {min(event.at for event in events):%Y-%m-%d %H:%M}Z{listed}"
    if not further:
        yield "no limit in force looks back further than that"
        return
    yield "these limits look back further, and know nothing of what was before:"
    for one in further:
        begins = "without end" if one.since is None else f"to {one.since:%Y-%m-%d %H:%M}Z"
        yield f"  {one.rule} ({one.cite}): {begins}"
