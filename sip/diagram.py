"""What does the life of a call look like? Draws the transition table of `sip.call` as a Mermaid state diagram.

docs/call-lifecycle.md holds exactly this text, and a test compares them: the picture cannot drift from the code.
"""

from collections.abc import Mapping

from sip.call import CallState
from sip.events import CallEvent, HungUp, Lost

#: Events that end a call in whichever state it is: drawn once, since an arrow from every state would hide the rest.
ENDING: frozenset[type[CallEvent]] = frozenset({HungUp, Lost})


def mermaid(transitions: Mapping[tuple[CallState, type[CallEvent]], CallState]) -> str:
    """The table as Mermaid text: arrows with the same ends are one arrow, labelled with all their events.

    Left out are the events that change nothing once a call has ended (the PBX reports late and in either order), and
    the arrows of `ENDING`, which lead from every other state to the end: they are drawn once, as a note.
    """
    first, last = CallState.ORDERED, CallState.ENDED
    labels: dict[tuple[CallState, CallState], list[str]] = {}
    for (state, event), after in transitions.items():
        if state is not last and not (event in ENDING and after is last):
            labels.setdefault((state, after), []).append(event.__name__)
    ending = " or ".join(sorted(event.__name__ for event in ENDING))
    return "\n".join(
        [
            "stateDiagram-v2",
            f"    [*] --> {first.value}",
            *(f"    {state.value} --> {after.value}: {' / '.join(names)}" for (state, after), names in labels.items()),
            f"    {last.value} --> [*]",
            f"    note right of {last.value}: {ending} leads here from every state",
            "",
        ]
    )
