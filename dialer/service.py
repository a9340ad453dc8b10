"""Takes one item at a time, lets the engine decide, performs what it orders.

One thread owns the floor. Each command is performed so that a kill -9 between any two lines leaves something a
restart can settle: the lead is taken and the permit committed before the originate, the outcome after it. What fails
is logged once with its call and the floor goes on; an attempt that could not be sent is given back.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from compliance.budget import HOUSE_POLICY, BudgetPolicy
from compliance.facts import EventKind
from compliance.packs import Pack
from compliance.store import Ledger
from config.clock import Clock
from config.database import reading, writing
from config.logs import get
from dialer import engine as rules
from dialer import outcome, store
from dialer.dialing import Dialing
from dialer.floor import (
    Abandon,
    Alert,
    AlertKind,
    CampaignsRunning,
    CaptureAsked,
    Command,
    Connect,
    DialNext,
    DispositionGiven,
    Finish,
    Floor,
    FloorCall,
    FloorPolicy,
    Halt,
    HangUp,
    Item,
    OptedOut,
    PauseAsked,
    PauseCapture,
    ResumeCapture,
    RosterRead,
    SaveAgent,
    SaveCall,
    StartCapture,
    Suppress,
    Tick,
)
from dialer.watch import AbandonmentWatch
from recorder.store import alarm, enqueue
from sip.port import Telephony

LOG = get("dialer.service")

WORD_BATCH = 200


class FloorService:
    """The floor of one site, one item at a time. Not safe for threads: a `FloorThread` owns it while the site runs."""

    def __init__(
        self,
        database: Engine,
        clock: Clock,
        ledger: Ledger,
        telephony: Telephony,
        *,
        seller: str,
        trunk: str,
        caller_id: str,
        policy: FloorPolicy,
        has_prompt: Callable[[str], bool],
        packs: Sequence[Pack] = (),
        budget_policy: BudgetPolicy = HOUSE_POLICY,
    ) -> None:
        self._database = database
        self._clock = clock
        self._ledger = ledger
        self._telephony = telephony
        self._seller = seller
        self._has_prompt = has_prompt
        self._dialing = Dialing(
            database, clock, ledger, telephony, self._performed, seller=seller, trunk=trunk, caller_id=caller_id, packs=packs
        )
        self._watch = AbandonmentWatch(database, packs, seller, budget_policy)
        self._owed: list[Suppress | Finish | Halt] = []  # what must be done and could not be: tried again at each tick
        self.floor = Floor(clock.now(), policy)

    def take_over(self) -> None:
        """Reads the settings and what an earlier run left; to be called once, before the first item.

        Attempts whose permit was never spent were never sent: they are given back. The others stand on the floor
        again and are settled when the PBX says what is alive.
        """
        self.floor = replace(self.floor, calls={call.call_id: call for call in self._left_open()})
        for item in self._settings():
            self.handle(item)

    def handle(self, item: Item) -> None:
        """Takes one item in, with everything that follows from it."""
        words: list[store.Word] = []
        pending: deque[Item] = deque()
        if isinstance(item, Tick):
            words = self._heard()
            pending.extend(self._before_tick(words, item.now))
        pending.append(item)
        while pending:
            current = pending.popleft()
            for command in self._step(current):
                pending.extend(self._performed(command))
        if words:  # only now: killed before, they are said again, and hearing them twice changes nothing
            self._taken(words)

    def _step(self, item: Item) -> tuple[Command, ...]:
        try:
            # The floor decides by the time it is now, not by when the item was put into a queue that may be long.
            self.floor, commands = rules.step(replace(self.floor, now=max(self.floor.now, self._clock.now())), item)
        except Exception:  # the outermost loop: one bad item must not stop the floor
            LOG.exception("item_failed", item=type(item).__name__, call_id=getattr(item, "call_id", None))
            return ()
        return commands

    def _performed(self, command: Command) -> list[Item]:
        """Performs the command; what it led to before it failed, if it failed, is not lost."""
        led_to: list[Item] = []
        try:
            led_to.extend(self._perform(command))
        except Exception:  # the outermost loop: what one command could not do must not stop the others
            LOG.exception("command_failed", command=type(command).__name__, call_id=getattr(command, "call_id", None))
            if isinstance(command, Suppress | Finish | Halt):
                self._owed.append(command)
        return led_to

    def _perform(self, command: Command) -> Iterable[Item]:
        match command:
            case Connect() | Abandon() | HangUp() | PauseCapture() | ResumeCapture() | StartCapture():
                self._order(command)
            case DialNext():
                yield from self._dial(command)
            case SaveCall(call=call):
                with writing(self._database) as connection:
                    store.save_call(connection, call)
            case SaveAgent(agent=agent):
                with writing(self._database) as connection:
                    store.save_agent(connection, agent)
            case Suppress(call=call, source=source, at=at):
                self._ledger.record(call.call_id, EventKind.OPT_OUT, at, {"source": source})  # on the list with it
                yield OptedOut(call.person, call.number, at)
            case Finish(call=call, disposition=disposition):
                self._finish(call, disposition)
                if call.call.abandoned and call.campaign_id in self._dialing.campaigns:
                    yield from self._watch.measured([self._dialing.campaigns[call.campaign_id]], self._clock.now())
            case Halt(campaign_id=campaign_id):
                self._watch.halt(command)
                self._dialing.campaigns.pop(campaign_id, None)
            case Alert():
                LOG.warning(command.kind.value, text=command.text, call_id=command.call_id)
                with writing(self._database) as connection:
                    alarm(connection, command, command.at)

    def _order(self, command: Connect | Abandon | HangUp | PauseCapture | ResumeCapture | StartCapture) -> None:
        match command:
            case Connect(call_id=call_id, agent_id=agent_id, announce_again=again):
                self._telephony.connect(call_id, agent_id, announce_again=again)
            case Abandon(call_id=call_id):
                self._telephony.abandon(call_id)
            case HangUp(call_id=call_id):
                self._telephony.hang_up(call_id)
            case PauseCapture(call_id=call_id):
                self._telephony.pause(call_id)
            case ResumeCapture(call_id=call_id):
                self._telephony.resume(call_id)
            case StartCapture(call_id=call_id, agent_id=agent_id):
                self._telephony.record(call_id, agent_id)

    def _dial(self, order: DialNext) -> Iterable[Item]:
        yield from self._dialing.dial_next(order)
        if order.campaign_id not in self._dialing.campaigns:  # it was paused on the way
            yield from self._settings()

    # --- before each tick ------------------------------------------------------------------------------------------

    def _before_tick(self, words: list[store.Word], now: datetime) -> list[Item]:
        """What is still owed, what other processes said, and leads that the gate has not looked at yet."""
        owed, self._owed = self._owed, []
        items = [item for command in owed for item in self._performed(command)]
        try:
            for word in words:
                items.extend(self._meaning(word))
            if self._watch.is_due(now):
                items.extend(self._watch.measured(self._dialing.campaigns.values(), now))
            for campaign in list(self._dialing.campaigns.values()):  # one may be paused on the way
                self._dialing.plan(campaign, now)
        except Exception:  # the outermost loop: what goes wrong here must not stop the floor
            LOG.exception("tick_failed")
        return items

    def _heard(self) -> list[store.Word]:
        try:
            with reading(self._database) as connection:
                return store.words(connection, WORD_BATCH)
        except SQLAlchemyError as error:
            LOG.error("words_not_read", error=str(error))
            return []

    def _taken(self, words: list[store.Word]) -> None:
        try:
            with writing(self._database) as connection:
                store.take_words(connection, words, self._clock.now())
        except SQLAlchemyError as error:
            LOG.error("words_not_marked", error=str(error))

    def _meaning(self, word: store.Word) -> list[Item]:
        said = word.payload
        match word.kind:
            case "settings":
                return self._settings()
            case "suppressed":
                return [OptedOut(said.get("person"), said.get("number"), word.at)]
            case "suppressions_changed":
                unwanted = [call for call in self.floor.calls.values() if self._is_unwanted(call)]
                return [OptedOut(call.person, call.number, word.at) for call in unwanted]
            case "disposition" if {"agent", "call", "disposition"} <= said.keys():
                return [DispositionGiven(said["agent"], said["call"], said["disposition"], word.at)]
            case "capture" if {"call", "paused", "why", "by"} <= said.keys():
                return [CaptureAsked(said["call"], said["paused"] == "yes", said["why"], said["by"], word.at)]
            case "pause" if {"agent", "paused"} <= said.keys():
                return [PauseAsked(said["agent"], said["paused"] == "yes", said.get("reason", ""), word.at)]
            case _:
                LOG.error("unknown_word", kind=word.kind)
                return []

    def _is_unwanted(self, call: FloorCall) -> bool:
        """Whether the person is on a list, or took a consent back, since the call was permitted."""
        if self._ledger.suppressed(call.number, call.person, seller=self._seller, campaign=call.campaign) is not None:
            return True
        since = self._ledger.history(call.person, call.number)
        return any(event.kind is EventKind.WITHDRAWAL and event.at >= call.call.ordered_at for event in since)

    def _settings(self) -> list[Item]:
        """The running campaigns and the roster. A campaign whose messages the PBX does not have is not dialed."""
        with reading(self._database) as connection:
            wanted = {view.campaign_id: view for view in store.running(connection)}
            campaigns = [one for one in store.campaigns(connection) if one.campaign_id in wanted]
            agents = tuple(agent.agent_id for agent, _name in store.roster(connection))
        silent = {
            one.campaign_id: [prompt for prompt in (one.disclosure, one.safe_harbour) if not self._has_prompt(prompt)]
            for one in campaigns
        }
        for one in campaigns:
            if silent[one.campaign_id]:
                text = f"campaign {one.name} is not dialed: the PBX has no prompt {', '.join(silent[one.campaign_id])}"
                self._performed(Alert(AlertKind.PROMPT_MISSING, text, self._clock.now()))
        self._dialing.campaigns = {one.campaign_id: one for one in campaigns if not silent[one.campaign_id]}
        running = CampaignsRunning(tuple(wanted[key] for key in self._dialing.campaigns))
        return [running, RosterRead(agents), *self._watch.measured(self._dialing.campaigns.values(), self._clock.now())]

    # --- the end of a call -----------------------------------------------------------------------------------------

    def _finish(self, call: FloorCall, disposition: str) -> None:
        """Ledger first (idempotent), then everything else in one transaction: done twice after a crash, it is done once."""
        now = self._clock.now()
        for event in outcome.ledger_events(call):
            self._ledger.record(call.call_id, event.kind, event.at, dict(event.facts))
        with writing(self._database) as connection:
            if not store.finish_attempt(connection, call, disposition, now):
                return
            if outcome.was_unsent(call):
                store.take_back(connection, call.lead_id)
            lead = store.lead(connection, call.lead_id)
            most = store.campaign_named(connection, call.campaign).max_attempts
            store.apply_plan(connection, lead.lead_id, outcome.lead_plan(call, lead.numbers, lead.attempts, most, now))
            record = outcome.call_record(call, store.team_of(connection, call.call.agent_id))
            if record is not None:
                enqueue(connection, record)

    def _left_open(self) -> list[FloorCall]:
        with reading(self._database) as connection:
            left = store.open_attempts(connection)
        taken = []
        for call in left:
            if self._ledger.events_of(call.call_id):  # the attempt is in the ledger before it is sent
                opted_out = call.call.bridged_at is None and self._ledger.suppressed(call.number, call.person) is not None
                taken.append(replace(call, cancelled=opted_out))
            else:
                self._dialing.give_back(call, "never sent")
        return taken
