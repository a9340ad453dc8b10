"""Did a failed originate make a leg? If it did, its Hangup tells how it ended; if not, nothing rang: OriginateFailed.

OriginateResponse itself does not say: Asterisk gives the same Uniqueid (the one asked for) and the same Reason for an
unknown endpoint, where there was no channel, and for a busy subscriber, where there was one. It also travels to us by a
shorter way than the events of channels, so it may arrive before the Newchannel or after the Hangup of its call. Hence a
failure without a leg is believed only after `GRACE` in which none was seen.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from sip.ami_codec import Packet
from sip.ami_view import Emitted, Step, View, is_call_id
from sip.events import OriginateFailed

ORIGINATE = "originate-"  # + call id: the ActionID of an Originate, all that tells whose a failed one was
GRACE = timedelta(seconds=1)


def responded(view: View, packet: Packet, at: datetime) -> Step:
    """OriginateResponse, the event."""
    call_id = packet.get("ActionID").removeprefix(ORIGINATE)
    leg = view.calls.get(call_id)
    if leg is not None:
        return replace(view, calls={**view.calls, call_id: replace(leg, responded=True)}), ()
    if call_id in view.unresponded:
        return replace(view, unresponded=view.unresponded - {call_id}), ()
    if packet.get("Response") != "Failure" or not is_call_id(call_id):
        return view, ()
    reason = f"the PBX made no leg for the originate by {packet.get('Channel').rpartition('@')[2] or 'that trunk'}"
    return replace(view, legless={**view.legless, call_id: (at, reason)}), ()


def refused(packet: Packet, at: datetime) -> Emitted:
    """An Error that answers an Originate at once (no such context, no permission): there is no leg and no more to come."""
    action_id = packet.get("ActionID")
    call_id = action_id.removeprefix(ORIGINATE)
    if call_id == action_id or not is_call_id(call_id):
        return ()
    return (OriginateFailed(call_id, at, f"the PBX refused the originate: {packet.get('Message')}"),)


def settle(view: View, now: datetime) -> Step:
    """Tells of the failed originates of which no leg was seen for `GRACE`. To be asked a few times a second."""
    if not view.legless:
        return view, ()
    due = {call_id: said for call_id, said in view.legless.items() if now - said[0] >= GRACE}
    left = {call_id: said for call_id, said in view.legless.items() if call_id not in due}
    return replace(view, legless=left), tuple(OriginateFailed(call_id, at, reason) for call_id, (at, reason) in due.items())
