"""Every way by which a second agent reaches the same customer, on the lab's Asterisk, each party sounding at a pitch of its own.

`rung` rings calls on all of them, several at once, each on two agents of its own. `python -m tests.second_agents 20` does each
way twenty times and prints how many of the recordings were whole.
"""

import queue
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

from config import logs
from config.ids import new_id
from recorder.capturing import Joined
from recorder.plan import Flag
from sip.carrier import Behaviour, number_for
from sip.lab import LabInfo
from tests.raw_ami import Ami
from tests.recorder_audio import a_record
from tests.tone_archive import Rung, archived
from tests.tone_lab import CLOCK, NUMBERS, PROMPT, Call, Pair, at, time_of, tone_lab
from tests.tones import AGENTS_HZ, Stretch

NAIVE_WAY = "second Dial"


def blind(call: Call) -> None:
    """The customer is sent from one agent's room to the other's."""
    call.connect(call.two)
    call.talk(call.two)


def attended(call: Call) -> None:
    """The customer waits while the first agent consults the second, and then goes to the second."""
    call.hold()
    call.visit(call.one, call.two)
    call.talk()
    call.visit(call.one, call.one)
    call.connect(call.two)
    call.talk(call.two)


def redial(call: Call) -> None:
    """The customer is sent to somebody who is not there, and then to the second agent."""
    call.connect_in_vain()
    call.connect(call.two)
    call.talk(call.two)


def conference(call: Call) -> None:
    """The second agent joins, then the first goes and leaves the customer with the second."""
    call.visit(call.two, call.one)
    call.talk(call.one, call.two)
    call.visit(call.one, call.two)
    call.talk(call.two)
    call.visit(call.one, call.one)


def barge(call: Call) -> None:
    """A second one comes in, speaks to both, and goes again."""
    call.visit(call.two, call.one)
    call.talk(call.one, call.two)
    call.visit(call.two, call.two)
    call.talk(call.one)


def reload(call: Call) -> None:
    """The first agent's phone goes and comes back, while the second is with the customer."""
    call.visit(call.two, call.one)
    call.reload(call.one, lambda: call.talk(call.two))
    call.talk(call.one, call.two)


WAYS: dict[str, Callable[[Call], None]] = {
    "agent reload": reload,
    "attended transfer": attended,
    "conference": conference,
    "barge": barge,
    "second attempt": redial,
    "blind transfer": blind,
}


def rung(info: LabInfo, pairs: Sequence[Pair], times: int) -> list[Rung]:
    """Each way so often, as many at once as there are pairs, the longest first; meanwhile as many second Dials."""
    free: queue.SimpleQueue[Pair] = queue.SimpleQueue()
    for pair in pairs:
        free.put(pair)

    def led(way: str) -> Rung:
        pair = free.get()
        try:
            call = Call(pair)
            call.answered()
            WAYS[way](call)
            record = call.ended()
            call.visit(call.two, call.two)  # whoever visits goes home: the next call finds both alone
            return Rung(way, record, tuple(call.stretches), call.ending)
        finally:
            free.put(pair)

    with ThreadPoolExecutor(len(pairs) + 2) as at_once:
        naive = at_once.map(dialled_naively, [info] * times)
        return [*at_once.map(led, [way for way in WAYS for _ in range(times)]), *naive]


def dialled_naively(info: LabInfo) -> Rung:
    """A call whose second agent is dialled on the customer's own channel."""
    ami = Ami(info)
    call_id = new_id(CLOCK.now())
    phones = [number_for(behaviour, next(NUMBERS)) for behaviour in (Behaviour.SPEAKS_AFTER_3S, Behaviour.VOICEMAIL)]
    said = (f"__RF_CALL={call_id}", f"RF_PROMPT={PROMPT}", f"RF_FIRST={phones[0]}", f"RF_SECOND={phones[1]}")
    channel = f"PJSIP/{number_for(Behaviour.TALKS, next(NUMBERS))}@carrier"
    where = {"Context": "naive-dial", "Exten": "s", "Priority": "1"}
    ami.send(*said, Action="Originate", Channel=channel, ChannelId=call_id, Async="true", **where)
    answered, over = at(ami.user_event("RFAnswered", Call=call_id)), at(ami.hangup(call_id))
    told = [at(ami.user_event("Naive", Call=call_id, Agent=agent)) for agent in "12"]
    ami.close()
    ringing_s = 1.0  # a phone of the carrier rings for half a second
    joined = [
        Joined(agent, time_of(since + ringing_s), time_of(until))
        for agent, since, until in zip("12", told, [told[1], over], strict=True)
    ]
    record = a_record(
        call_id,
        prompt=PROMPT,
        answered_at=time_of(answered),
        announcement_at=time_of(answered),
        announced_at=time_of(told[0]),
        bridged_at=joined[0].since,
        unbridged_at=time_of(over),
        ended_at=time_of(over),
        agents=tuple(joined),
    )
    stretches = [
        Stretch(f"agent {agent}", since + ringing_s - answered, until - answered, frozenset({hertz}))
        for agent, hertz, since, until in zip("12", AGENTS_HZ, told, [told[1], over], strict=True)
    ]
    return Rung(NAIVE_WAY, record, tuple(stretches), over - answered)


def main() -> None:
    """Each way so often; how many of the recordings were whole, and what was wrong with the others."""
    logs.configure(json=False, level="WARNING")
    times = int(sys.argv[1])
    with TemporaryDirectory() as directory, tone_lab(Path(directory)) as (info, pairs):
        kept = archived(info, rung(info, pairs, times), Path(directory) / "site")
        wrong = {one: [*one.faults(), *(text for _, text in one.alerts)] for one in kept}
        for way in WAYS:
            whole = sum(one.rung.way == way and not said for one, said in wrong.items())
            sys.stdout.write(f"{way:20} {whole:3} of {times} whole\n")
        naive = [one for one in kept if one.rung.way == NAIVE_WAY]
        flagged = sum(Flag.AGENT_SILENT in one.row.flags and bool(one.alerts) for one in naive)
        sys.stdout.write(
            f"{NAIVE_WAY:20} {sum(bool(one.faults()) for one in naive):3} of {times} not whole, {flagged} flagged and told\n"
        )
        for one, said in wrong.items():
            sys.stdout.writelines(f"{one.rung.way}, call {one.row.call_id}: {text}\n" for text in said if one not in naive)


if __name__ == "__main__":
    main()
