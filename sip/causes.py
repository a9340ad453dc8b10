"""Why did a call that nobody answered end? SIP status and Q.850 cause to the system disposition.

The SIP status decides when the PBX told one: it is what the far side said, while the Q.850 cause is what the PBX made of
it. Only `invalid_number` ends a lead for good, so it is given only for what says "this number does not exist", never for
a route that is missing or a peer that is silent. Mapping after RFC 3398 sections 7.2.4.1 and 8.2.6.1.
"""

from enum import StrEnum


class SystemDisposition(StrEnum):
    """How an attempt ended without an agent's word."""

    BUSY = "busy"
    NO_ANSWER = "no_answer"
    MACHINE = "machine"
    INVALID_NUMBER = "invalid_number"
    ABANDONED = "abandoned"
    REJECTED = "rejected"
    CONGESTION = "congestion"
    FAILED = "failed"


_D = SystemDisposition

#: SIP final status (RFC 3261 §21, RFC 3398 §8.2.6.1) -> disposition. What is not here falls to the Q.850 cause.
BY_SIP_STATUS: dict[int, SystemDisposition] = {
    403: _D.REJECTED,
    404: _D.INVALID_NUMBER,
    408: _D.NO_ANSWER,  # no reply for 32 s (Timer B), or the network's word for "no user responding"
    410: _D.INVALID_NUMBER,
    433: _D.REJECTED,  # anonymity disallowed, RFC 5079
    480: _D.NO_ANSWER,
    484: _D.INVALID_NUMBER,
    486: _D.BUSY,
    500: _D.CONGESTION,
    502: _D.CONGESTION,
    503: _D.CONGESTION,
    504: _D.CONGESTION,
    600: _D.BUSY,
    603: _D.REJECTED,
    604: _D.INVALID_NUMBER,
    607: _D.REJECTED,  # unwanted, RFC 8197
    608: _D.REJECTED,  # refused by an analytics engine of the network, RFC 8688
}

#: Q.850 cause (ITU-T Q.850, RFC 3398 §7.2.4.1) -> disposition, when no SIP status decided.
BY_Q850: dict[int, SystemDisposition] = {
    1: _D.INVALID_NUMBER,  # unallocated number
    17: _D.BUSY,
    18: _D.NO_ANSWER,  # no user responding
    19: _D.NO_ANSWER,  # alerted, no answer
    20: _D.NO_ANSWER,  # subscriber absent
    21: _D.REJECTED,
    22: _D.INVALID_NUMBER,  # number changed
    28: _D.INVALID_NUMBER,  # incomplete number
    34: _D.CONGESTION,  # no circuit
    38: _D.CONGESTION,  # network out of order
    41: _D.CONGESTION,  # temporary failure
    42: _D.CONGESTION,  # switching equipment congestion
    44: _D.CONGESTION,  # requested circuit not available
    47: _D.CONGESTION,  # resource unavailable
}


def disposition_of(cause: int | None, tech_cause: int | None, *, rang: bool) -> SystemDisposition:
    """The disposition of a call that was never answered.

    `cause` is Q.850 and `tech_cause` the SIP status behind it; None or 0 is "not told". When neither decides (we hung up,
    or our view was lost), a call that may have rung is `no_answer` and one that did not is `failed`.
    """
    if tech_cause in BY_SIP_STATUS:
        return BY_SIP_STATUS[tech_cause]
    if cause in BY_Q850:
        return BY_Q850[cause]
    return SystemDisposition.NO_ANSWER if rang else SystemDisposition.FAILED
