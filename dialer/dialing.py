"""Which leads are rung now? Each through the gate: in advance, to plan, and at the instant of dialing, to commit the permit.

The rule it protects: no permit, no call. A refusal is never an attempt: the lead rests until it may be asked about again. What
stands in the way of a whole campaign (a do-not-call list that is too old, a clock that is wrong) holds the campaign back.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Engine
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from compliance import recording
from compliance.abandonment import NOT_BRIDGED
from compliance.facts import Vouched
from compliance.judging import ClockAdrift
from compliance.packs import Pack
from compliance.parties import rules_at_callee
from compliance.rules import AbandonRule
from compliance.store import Ledger, PermitError
from compliance.suppression import NO_LIST
from compliance.verdict import Candidate, Permit, Reason, Refusal
from config.clock import Clock
from config.database import reading, writing
from config.ids import new_id
from config.logs import get
from dialer import store
from dialer.dispositions import LeadState
from dialer.floor import Alert, AlertKind, DialNext, FloorCall, Item, ListDry, Placed
from dialer.store import Campaign, CampaignState, Lead
from recorder.capture import CapturePlan, NotRecordable
from recorder.capture import plan as capture_plan
from recorder.capturing import Capture
from recorder.store import alarm
from sip import call as calls
from sip.events import OriginateFailed
from sip.port import DialOrder, Telephony, TelephonyError

LOG = get("dialer.dialing")

PLAN_BATCH = 50  # leads that the gate looks at in advance, each tick
ASK_BATCH = 20  # leads that the gate is asked about in one transaction, and in one order that wants fewer calls
CLOCK_REST = timedelta(seconds=10)  # how long a campaign rests when our clock is wrong
NOT_RECORDABLE = "recording.not_recordable"  # the rule by which a lead is not dialed whose call could not be recorded
DRY_REST = timedelta(seconds=1)  # a list with nothing due is asked again after this at the latest

_Answer = tuple[Lead, CapturePlan, Permit | Refusal]


class Dialing:
    """The leads of the campaigns that are dialed now. Not safe for threads: the floor's thread owns it."""

    def __init__(
        self,
        database: Engine,
        clock: Clock,
        ledger: Ledger,
        telephony: Telephony,
        say: Callable[[Alert], object],
        *,
        seller: str,
        trunk: str,
        caller_id: str,
        packs: Sequence[Pack] = (),
    ) -> None:
        self.campaigns: dict[str, Campaign] = {}  # by id; whoever reads the settings says which these are
        self._database = database
        self._clock = clock
        self._ledger = ledger
        self._telephony = telephony
        self._say = say
        self._seller = seller
        self._trunk = trunk
        self._caller_id = caller_id
        self._packs = packs
        self._clock_alarmed = False

    def plan(self, campaign: Campaign, now: datetime) -> None:
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

    def dial_next(self, order: DialNext) -> Iterable[Item]:
        """Places up to `count` calls, each through the gate; leads that it refuses now are put by until they may be asked."""
        campaign = self.campaigns.get(order.campaign_id)
        if campaign is None:  # paused since the order was given
            return
        placed = asked = 0
        while placed < order.count and asked < max(ASK_BATCH, order.count):
            now = self._clock.now()
            with reading(self._database) as connection:
                limit = min(order.count - placed, ASK_BATCH)
                due = store.due_leads(connection, campaign.campaign_id, LeadState.READY, now, limit)
                later = store.next_due(connection, campaign.campaign_id) if not due else None
            if not due:
                yield ListDry(campaign.campaign_id, min(later, now + DRY_REST) if later and later > now else now + DRY_REST)
                return
            asked += len(due)
            try:
                answers = self._ask(campaign, due, now)
            except ClockAdrift as error:
                self._adrift(error, now)
                yield ListDry(campaign.campaign_id, now + CLOCK_REST)
                return
            for lead, captured, verdict in answers:
                if isinstance(verdict, Permit):
                    for item in self._place(campaign, _call(campaign, lead, verdict, captured, now), verdict):
                        placed += isinstance(item, Placed)
                        yield item
                else:
                    with writing(self._database) as connection:
                        self._rest(connection, campaign, lead, verdict)
                if campaign.campaign_id not in self.campaigns:  # it was paused on the way; the other permits expire
                    return
            self._clock_alarmed = False

    def _ask(self, campaign: Campaign, leads: Sequence[Lead], now: datetime) -> list[_Answer]:
        """What the gate says of the leads, asked together. Of those whose calls could not be recorded it is not asked."""
        with reading(self._database) as connection:
            known = [(lead, store.other_numbers(connection, lead)) for lead in leads]
        questions = []
        for lead, others in known:
            asked = candidate(campaign, lead, self._seller, new_id(now), others)
            try:
                captured = capture_of(campaign, self._packs, asked, now)
            except ValueError as error:
                self._refuse(lead, f"gate: {error}")
                continue
            if isinstance(captured, NotRecordable):
                self._refuse(lead, f"{NOT_RECORDABLE}: {captured.why}")
            else:
                questions.append((lead, captured, asked))
        try:
            verdicts = self._ledger.permits([(asked, vouched(campaign)) for *_, asked in questions])
        except ValueError as error:  # not a question the gate can answer: fail closed, and out of the way of the others
            if len(questions) == 1:
                self._refuse(questions[0][0], f"gate: {error}")
                return []
            return [answer for lead, *_ in questions for answer in self._ask(campaign, [lead], now)]
        return [(lead, captured, verdict) for (lead, captured, _), verdict in zip(questions, verdicts, strict=True)]

    def _refuse(self, lead: Lead, why: str) -> None:
        with writing(self._database) as connection:
            store.set_lead(connection, lead.lead_id, LeadState.REFUSED, None, why)

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
            call.call.disclosed_by,
            call.capture.plan.recorded_from,
            call.capture.plan.ends_unconsented,
        )
        with writing(self._database) as connection:
            if not store.open_attempt(connection, call):
                return
        try:
            self._ledger.spend(permit.permit_id)
        except (PermitError, SQLAlchemyError) as error:  # unspent is unsent: give the lead back
            LOG.error("permit_not_spent", call_id=call.call_id, error=str(error))
            self.give_back(call, str(error))
            return
        call = replace(call, call=replace(call.call, ordered_at=self._clock.now()))
        yield Placed(call)
        try:
            self._telephony.originate(order)
        except (TelephonyError, ValueError) as error:
            # Nothing was sent: the attempt did not ring and does not count.
            yield OriginateFailed(call.call_id, self._clock.now(), str(error))

    def give_back(self, call: FloorCall, reason: str) -> None:
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
        if self.campaigns.pop(campaign.campaign_id, None) is None:
            return
        name = dict(reason.facts)[NO_LIST]
        mend = f"ringfence dnc import FILE --list {name} --as-of DATE, then ringfence campaign start {campaign.name}"
        store.set_campaign_state(connection, campaign.name, CampaignState.PAUSED)
        store.say(connection, "settings", {}, now)
        alarm(connection, Alert(AlertKind.LIST_TOO_OLD, f"campaign {campaign.name} is paused: {reason.text}: {mend}", now), now)

    def _adrift(self, error: ClockAdrift, now: datetime) -> None:
        """Nobody is rung while nobody knows what time it is; said once."""
        if not self._clock_alarmed:
            self._say(Alert(AlertKind.CLOCK_ADRIFT, str(error), now))
        self._clock_alarmed = True


def _call(campaign: Campaign, lead: Lead, permit: Permit, captured: CapturePlan, now: datetime) -> FloorCall:
    return FloorCall(
        calls.ordered(permit.attempt_id, now, captured.disclosed_by),
        lead.lead_id,
        campaign.campaign_id,
        campaign.name,
        lead.person,
        permit.number,
        permit.packs,
        campaign.disclosure,
        campaign.safe_harbour,
        capture=Capture(captured),
    )


def capture_of(campaign: Campaign, packs: Sequence[Pack], asked: Candidate, now: datetime) -> CapturePlan | NotRecordable:
    """How the call would be recorded and disclosed. Where the agent will be is not known before the answer: anywhere."""
    terms = recording.required(packs, asked, (), now)
    at_once = any(
        isinstance(rule, AbandonRule) and NOT_BRIDGED in rule.numerator for _, rule in rules_at_callee(packs, asked, now)
    )
    return capture_plan(campaign.capture, terms, agent_at_once=at_once)


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
