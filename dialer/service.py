"""Takes one item at a time, lets the engine decide, performs what it orders.

One thread owns the floor. Each command is performed so that a kill -9 between any two lines leaves something a
restart can settle: the lead is taken and the permit committed before the originate, the outcome after it. What fails
is logged once with its call and the floor goes on; an attempt that could not be sent is given back.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Engine
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from compliance.budget import HOUSE_POLICY, BudgetPolicy
from compliance.facts import EventKind, Vouched
from compliance.judging import ClockAdrift
from compliance.packs import Pack
from compliance.store import Ledger, PermitError
from compliance.suppression import NO_LIST
from compliance.verdict import Candidate, Permit, Reason, Refusal
from config.clock import Clock
from config.database import reading, writing
from config.ids import new_id
from config.logs import get
from dialer import engine as rules
from dialer import outcome, store
from dialer.dispositions import LeadState
from dialer.floor import (
    Abandon,
    Alert,
    AlertKind,
    CampaignsRunning,
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
    ListDry,
    OptedOut,
    PauseAsked,
    Placed,
    RosterRead,
    SaveAgent,
    SaveCall,
    Suppress,
    Tick,
)
from dialer.store import Campaign, CampaignState, Lead
from dialer.watch import AbandonmentWatch
from recorder.store import alarm, enqueue
from sip import call as calls
from sip.events import OriginateFailed
from sip.port import DialOrder, Telephony, TelephonyError

LOG = get("dialer.service")

PLAN_BATCH = 50  # leads that the gate looks at in advance, each tick
ASK_BATCH = 20  # leads that one order to dial may ask the gate about: customers wait for the floor meanwhile
WORD_BATCH = 200
CLOCK_REST = timedelta(seconds=10)  # how long a campaign rests when our clock is wrong
DRY_REST = timedelta(seconds=1)  # a list with nothing due is asked again after this at the latest


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
        self._trunk = trunk
        self._caller_id = caller_id
        self._has_prompt = has_prompt
        self._campaigns: dict[str, Campaign] = {}
        self._clock_alarmed = False
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
            case Connect(call_id=call_id, agent_id=agent_id):
                self._telephony.connect(call_id, agent_id)
            case Abandon(call_id=call_id):
                self._telephony.abandon(call_id)
            case HangUp(call_id=call_id):
                self._telephony.hang_up(call_id)
            case DialNext():
                yield from self._dial_next(command)
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
                if call.call.abandoned and call.campaign_id in self._campaigns:
                    yield from self._watch.measured([self._campaigns[call.campaign_id]], self._clock.now())
            case Halt(campaign_id=campaign_id):
                self._watch.halt(command)
                self._campaigns.pop(campaign_id, None)
            case Alert():
                LOG.warning(command.kind.value, text=command.text, call_id=command.call_id)
                with writing(self._database) as connection:
                    alarm(connection, command, command.at)

    # --- before each tick ------------------------------------------------------------------------------------------

    def _before_tick(self, words: list[store.Word], now: datetime) -> list[Item]:
        """What is still owed, what other processes said, and leads that the gate has not looked at yet."""
        owed, self._owed = self._owed, []
        items = [item for command in owed for item in self._performed(command)]
        try:
            for word in words:
                items.extend(self._meaning(word))
            if self._watch.is_due(now):
                items.extend(self._watch.measured(self._campaigns.values(), now))
            for campaign in list(self._campaigns.values()):  # one may be paused on the way
                self._plan_leads(campaign, now)
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
        self._campaigns = {one.campaign_id: one for one in campaigns if not silent[one.campaign_id]}
        running = CampaignsRunning(tuple(wanted[key] for key in self._campaigns))
        return [running, RosterRead(agents), *self._watch.measured(self._campaigns.values(), self._clock.now())]

    def _plan_leads(self, campaign: Campaign, now: datetime) -> None:
        """Asks the gate about new leads in advance, so that those not allowed now cost nothing later."""
        with reading(self._database) as connection:
            fresh = [
                (lead, store.other_numbers(connection, lead))
                for lead in store.due_leads(connection, campaign.campaign_id, LeadState.NEW, now, PLAN_BATCH)
            ]
        if not fresh:
            return
        plans = []
        try:
            for lead, others in fresh:
                asked = candidate(campaign, lead, self._seller, new_id(now), others)
                verdict = self._ledger.preview(asked, vouched(campaign))
                plans.append((lead, verdict if isinstance(verdict, Refusal) else None))
        except ClockAdrift as error:
            self._adrift(error, now)
            return
        with writing(self._database) as connection:
            for lead, refusal in plans:
                if refusal is None:
                    store.set_lead(connection, lead.lead_id, LeadState.READY, now, "")
                else:
                    self._rest(connection, campaign, lead, refusal)

    # --- dialing ---------------------------------------------------------------------------------------------------

    def _dial_next(self, order: DialNext) -> Iterable[Item]:
        """Places up to `count` calls, each through the gate; leads that it refuses now are put by until they may be asked."""
        campaign = self._campaigns.get(order.campaign_id)
        if campaign is None:  # paused since the order was given
            return
        placed = asked = 0
        while placed < order.count and asked < ASK_BATCH:
            now = self._clock.now()
            with reading(self._database) as connection:
                due = store.due_leads(connection, campaign.campaign_id, LeadState.READY, now, order.count - placed)
                later = store.next_due(connection, campaign.campaign_id) if not due else None
            if not due:
                yield ListDry(campaign.campaign_id, min(later, now + DRY_REST) if later and later > now else now + DRY_REST)
                return
            asked += len(due)
            for lead in due:
                try:
                    for item in self._dial(campaign, lead):
                        placed += isinstance(item, Placed)
                        yield item
                except ClockAdrift as error:
                    self._adrift(error, now)
                    yield ListDry(campaign.campaign_id, now + CLOCK_REST)
                    return
                if campaign.campaign_id not in self._campaigns:  # it was paused on the way
                    yield from self._settings()
                    return
            self._clock_alarmed = False

    def _dial(self, campaign: Campaign, lead: Lead) -> Iterable[Item]:
        now = self._clock.now()
        with reading(self._database) as connection:
            others = store.other_numbers(connection, lead)
        asked = candidate(campaign, lead, self._seller, new_id(now), others)
        call = FloorCall(
            calls.ordered(asked.attempt_id, now),
            lead.lead_id,
            campaign.campaign_id,
            campaign.name,
            lead.person,
            asked.number,
            (),
            campaign.disclosure,
            campaign.safe_harbour,
        )
        try:
            verdict = self._ledger.permit(asked, vouched(campaign))
        except ValueError as error:  # not a question the gate can answer: fail closed, and out of the way of the others
            with writing(self._database) as connection:
                store.set_lead(connection, lead.lead_id, LeadState.REFUSED, None, f"gate: {error}")
            return
        if isinstance(verdict, Refusal):
            with writing(self._database) as connection:
                self._rest(connection, campaign, lead, verdict)
            return
        yield from self._place(campaign, replace(call, packs=verdict.packs), verdict)

    def _place(self, campaign: Campaign, call: FloorCall, permit: Permit) -> Iterable[Item]:
        order = DialOrder(
            call.call_id,
            call.number,
            self._trunk,
            self._caller_id,
            campaign.ring_for,
            call.disclosure,
            call.safe_harbour,
            permit,
        )
        with writing(self._database) as connection:
            if not store.open_attempt(connection, call):
                return
        try:
            self._ledger.spend(permit.permit_id)
        except (PermitError, SQLAlchemyError) as error:  # unspent is unsent: give the lead back
            LOG.error("permit_not_spent", call_id=call.call_id, error=str(error))
            self._give_back(call, str(error))
            return
        call = replace(call, call=replace(call.call, ordered_at=self._clock.now()))
        yield Placed(call)
        try:
            self._telephony.originate(order)
        except (TelephonyError, ValueError) as error:
            # Nothing was sent: the attempt did not ring and does not count.
            yield OriginateFailed(call.call_id, self._clock.now(), str(error))

    def _give_back(self, call: FloorCall, reason: str) -> None:
        with writing(self._database) as connection:
            store.void_attempt(connection, call, self._clock.now(), reason)

    def _rest(self, connection: Connection, campaign: Campaign, lead: Lead, refusal: Refusal) -> None:
        """A refusal is never an attempt: the lead waits for the first permitted instant, or for new facts.

        Where a do-not-call list is missing or too old, it is not this lead that has to wait, but the campaign.
        """
        if missing := [one for one in refusal.reasons if NO_LIST in dict(one.facts)]:
            self._pause(connection, campaign, missing[0], refusal.decided_at)
            return
        reason = "; ".join(f"{one.rule}: {one.text}" for one in refusal.reasons)
        state = LeadState.REFUSED if refusal.retry_at is None else LeadState.READY
        store.set_lead(connection, lead.lead_id, state, refusal.retry_at, reason)

    def _pause(self, connection: Connection, campaign: Campaign, reason: Reason, now: datetime) -> None:
        """Dials the campaign no more until a fresh copy of the list is loaded and it is started again.

        A list that is too old says nothing of anybody (47 CFR 64.1200(c)(2)(i)(D)).
        """
        if self._campaigns.pop(campaign.campaign_id, None) is None:
            return
        name = dict(reason.facts)[NO_LIST]
        mend = f"ringfence dnc import FILE --list {name} --as-of DATE, then ringfence campaign start {campaign.name}"
        store.set_campaign_state(connection, campaign.name, CampaignState.PAUSED)
        store.say(connection, "settings", {}, now)
        alarm(connection, Alert(AlertKind.LIST_TOO_OLD, f"campaign {campaign.name} is paused: {reason.text}: {mend}", now), now)

    def _adrift(self, error: ClockAdrift, now: datetime) -> None:
        """Nobody is rung while nobody knows what time it is; said once."""
        if not self._clock_alarmed:
            self._performed(Alert(AlertKind.CLOCK_ADRIFT, str(error), now))
        self._clock_alarmed = True

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
            record = outcome.call_record(call)
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
                self._give_back(call, "never sent")
        return taken


def vouched(campaign: Campaign) -> Vouched:
    """What the floor stands up for. An agent is reserved only once somebody answers, so none is guaranteed."""
    return Vouched(campaign_start=campaign.started_at)


def candidate(campaign: Campaign, lead: Lead, seller: str, attempt_id: str, others: tuple[str, ...]) -> Candidate:
    """The question for the gate: may this lead be rung now, on the number whose turn it is? `others` are its other numbers."""
    return Candidate(
        attempt_id=attempt_id,
        person=lead.person,
        number=lead.number,
        campaign=campaign.name,
        seller=seller,
        subject=lead.subject or campaign.subject,
        purpose=campaign.purpose,
        regions=(lead.region,) if lead.region else (),
        debt=lead.debt,
        creditor=lead.creditor,
        declared_zones=(lead.zone,) if lead.zone else (),
        other_numbers=others,
        ring_for=campaign.ring_for,
    )
