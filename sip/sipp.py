"""How does SIPp play subscribers? One scenario that branches on the last two digits of the called number.

The XML is made from a table (sip/carrier.py); here is only what SIPp must be told to keep to RFC 3261 as a called
party: ring, answer, refuse, be cancelled, be hung up on, hang up.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TypeVar
from xml.sax.saxutils import quoteattr

from sip.unpack import Tree

_Behaviour = TypeVar("_Behaviour", bound=Enum)

_LONGEST_CALL_S = 600  # a subscriber who is never hung up gives up


@dataclass(frozen=True, slots=True)
class Sockets:
    """Where SIPp listens: SIP, its control socket and RTP, all on one address."""

    host: str
    port: int
    control_port: int
    rtp_start: int
    rtp_end: int


@dataclass(frozen=True, slots=True)
class Subscriber:
    """How a call to one behaviour goes: ring for `rings_s`, then refuse with `status`, or answer and be heard."""

    does: str  # for people
    rings_s: float = 0.5
    status: int | None = 200  # final SIP status; None: rings until the caller gives up
    reason: str = "OK"
    audio: str | None = None  # what is streamed, by its name without .ulaw; None: no RTP at all
    stays_s: float = _LONGEST_CALL_S  # hangs up this long after answering
    keys_in_band: bool = False  # offers no telephone-event (RFC 4733): its keys are tones in the audio


def argv(tree: Tree, scenario_file: Path, sockets: Sockets) -> list[str]:
    """The command line of the carrier: every socket on `sockets.host`, nothing asked of the terminal."""
    host = sockets.host
    return [
        *tree.command("sipp", "-sf", str(scenario_file)),
        *("-i", host, "-p", str(sockets.port), "-bind_local", "-ci", host, "-cp", str(sockets.control_port)),
        *("-mi", host, "-min_rtp_port", str(sockets.rtp_start), "-max_rtp_port", str(sockets.rtp_end)),
        *("-nostdin", "-default_behaviors", "bye,abortunexp"),
    ]


def scenario(behaviours: Mapping[_Behaviour, Subscriber], media: Path) -> str:
    """The SIPp scenario of all behaviours, playing from directory `media`."""
    labelled = [(label, behaviour, subscriber) for label, (behaviour, subscriber) in enumerate(behaviours.items(), start=100)]
    return "\n".join(
        [
            '<?xml version="1.0" encoding="UTF-8"?>',
            "<!-- Made from the table of sip/carrier.py. -->",
            '<scenario name="subscribers">',
            f'<recv request="OPTIONS" optional="true" next="{_ALIVE}"/>',
            '<recv request="INVITE" rrs="true"><action>',
            '<ereg regexp=".*" search_in="hdr" header="From:" assign_to="caller"/>',
            '<ereg regexp=".*" search_in="hdr" header="To:" assign_to="called"/>',
            *(
                f'<ereg regexp="{behaviour.value}@" search_in="hdr" header="To:" assign_to="is{label}"/>'
                for label, behaviour, _ in labelled
            ),
            "</action></recv>",
            *(f'<nop next="{label}" test="is{label}"/>' for label, _, _ in labelled),
            *_refusal(404, "Not Found"),
            *(line for label, _, subscriber in labelled for line in _course(label, subscriber, media)),
            *_endings(),
            "</scenario>",
            "",
        ]
    )


# Labels shared by all behaviours; each behaviour's own is its number from 100 on, and that plus 100 for its answer.
_ALIVE, _CANCELLED, _HANG_UP, _HUNG_UP, _END = 1, 2, 3, 4, 5


def _course(label: int, subscriber: Subscriber, media: Path) -> list[str]:
    """What happens from the INVITE on to the end of the call."""
    lines = [f"<!-- {subscriber.does} -->", f'<label id="{label}"/>']
    if subscriber.rings_s:
        patience_ms = int(1000 * (subscriber.rings_s if subscriber.status else _LONGEST_CALL_S))
        answer = label + 100 if subscriber.status else _END
        lines += [
            _reply("180 Ringing"),
            f'<recv request="CANCEL" timeout="{patience_ms}" ontimeout="{answer}" next="{_CANCELLED}"/>',
            f'<label id="{label + 100}"/>',
        ]
    if subscriber.status is None:
        return lines
    if subscriber.status != 200:
        return lines + _refusal(subscriber.status, subscriber.reason)
    lines += [_reply("200 OK", sdp=_SDP_IN_BAND if subscriber.keys_in_band else _SDP), '<recv request="ACK"/>']
    if subscriber.audio:
        lines.append(_do(f"rtp_stream={quoteattr(f'{media / subscriber.audio}.ulaw,-1,0,PCMU/8000')}"))
    stays_ms = int(subscriber.stays_s * 1000)
    lines.append(f'<recv request="BYE" timeout="{stays_ms}" ontimeout="{_HANG_UP}" next="{_HUNG_UP}"/>')
    return lines


def _refusal(status: int, reason: str) -> list[str]:
    return [_reply(f"{status} {reason}", retransmitted=True), f'<recv request="ACK" next="{_END}"/>']


def _endings() -> list[str]:
    return [
        f'<label id="{_ALIVE}"/>',
        _reply("200 OK", next_label=_END),
        f'<label id="{_CANCELLED}"/>',
        _reply("200 OK"),
        _reply("487 Request Terminated", cseq="CSeq: [last_cseq_number] INVITE", retransmitted=True),
        f'<recv request="ACK" next="{_END}"/>',
        f'<label id="{_HANG_UP}"/>',
        _send(
            [
                "BYE [next_url] SIP/2.0",
                "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]",
                f"From:[$called];tag={_TAG}",
                "To:[$caller]",
                "Call-ID: [call_id]",
                "CSeq: 1 BYE",
                "Max-Forwards: 70",
                "Content-Length: 0",
                "",
            ],
            retransmitted=True,
        ),
        f'<recv request="BYE" optional="true" next="{_HUNG_UP}"/>',  # both hang up at once
        f'<recv response="200" next="{_END}"/>',
        f'<label id="{_HUNG_UP}"/>',
        _reply("200 OK", tagged=False),
        f'<label id="{_END}"/>',
        '<timewait milliseconds="200"/>',
    ]


_TAG = "[pid]-[call_number]"

_SDP = [
    "v=0",
    "o=subscriber 1 1 IN IP4 [local_ip]",
    "s=-",
    "c=IN IP4 [media_ip]",
    "t=0 0",
    "m=audio [rtpstream_audio_port] RTP/AVP 0 101",
    "a=rtpmap:0 PCMU/8000",
    "a=rtpmap:101 telephone-event/8000",
    "a=fmtp:101 0-16",
    "a=ptime:20",
    "a=sendrecv",
]


_SDP_IN_BAND = [
    "m=audio [rtpstream_audio_port] RTP/AVP 0" if line.startswith("m=") else line for line in _SDP if ":101" not in line
]


def _reply(
    status: str,
    *,
    sdp: list[str] | None = None,
    cseq: str = "[last_CSeq:]",
    tagged: bool = True,
    retransmitted: bool = False,
    next_label: int | None = None,
) -> str:
    head = [
        f"SIP/2.0 {status}",
        "[last_Via:]",
        "[last_From:]",
        f"[last_To:];tag={_TAG}" if tagged else "[last_To:]",
        "[last_Call-ID:]",
        cseq,
        "Contact: <sip:[local_ip]:[local_port];transport=[transport]>",
        "Allow: INVITE, ACK, BYE, CANCEL, OPTIONS",
        "Server: ringfence-carrier",
    ]
    body = ["Content-Type: application/sdp", "Content-Length: [len]", "", *sdp] if sdp else ["Content-Length: 0"]
    return _send([*head, *body, ""], retransmitted=retransmitted or sdp is not None, next_label=next_label)


def _send(lines: list[str], *, retransmitted: bool = False, next_label: int | None = None) -> str:
    attributes = (' retrans="500"' if retransmitted else "") + (f' next="{next_label}"' if next_label else "")
    return "\n".join([f"<send{attributes}><![CDATA[", "", *lines, "]]></send>"])


def _do(action: str) -> str:
    return f"<nop><action><exec {action}/></action></nop>"
