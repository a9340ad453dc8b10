"""What the gate is asked and what it answers. Values only; the reasons are what the audit log shows.

`Clearance` is the pure answer "permitted by these rules at this instant"; a `Permit` is a clearance that was
committed to the ledger and may be spent once, before it expires. `Refusal` carries every reason at once.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class CallerId:
    """The number the callee would see, what is vouched for of it (`assigned_to_tenant`), and the carrier's attestation."""

    number: str
    qualities: frozenset[str] = frozenset()
    attestation: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One call somebody would like to place: who, on which number, for what.

    What a rule asks about (`technology`, `party`, `sector`, `caller_role`, …) and is empty here is not known: the rule
    then applies. `regions` are where the person said to be or has an address, in ISO 3166 (`US-FL`), beside the number's own.
    """

    attempt_id: str
    person: str  # stable id of the human being, across lists, campaigns and numbers
    number: str  # E.164
    campaign: str
    seller: str
    subject: str
    purpose: str = "sales"
    zones: tuple[str, ...] = ()  # IANA zones that are known for sure, in place of all others; empty: derived
    ring_for: timedelta = timedelta(seconds=25)
    regions: tuple[str, ...] = ()
    technology: str = ""
    party: str = ""
    sector: str = ""
    caller_role: str = ""
    line_type: str = ""
    debt: str = ""
    creditor: str = ""
    caller_id: CallerId | None = None
    declared_zones: tuple[str, ...] = ()  # where the person said to be: beside the zones of the number and the regions
    other_numbers: tuple[str, ...] = ()  # more numbers of the same person, as far as the caller knows: caps count them too


@dataclass(frozen=True, slots=True)
class Reason:
    """One rule that stands in the way. `retry_at` is the first instant this rule no longer does; None: needs new facts."""

    rule: str
    kind: str
    cite: str
    level: str
    text: str
    retry_at: datetime | None
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class PackRef:
    """Which text of a rule pack decided."""

    id: str
    version: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Clearance:
    """Every rule permits the call at `decided_at`; `closes_at` is when the current window ends, if any does."""

    decided_at: datetime
    zones: tuple[str, ...]
    packs: tuple[PackRef, ...]
    closes_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """At least one rule does not permit the call. `retry_at` is the first permitted instant, None without new facts."""

    decided_at: datetime
    reasons: tuple[Reason, ...]
    retry_at: datetime | None
    zones: tuple[str, ...]
    packs: tuple[PackRef, ...]


@dataclass(frozen=True, slots=True)
class Permit:
    """A committed row: this attempt may be placed once before `expires_at`."""

    permit_id: str
    attempt_id: str
    person: str
    number: str
    campaign: str
    granted_at: datetime
    expires_at: datetime
    packs: tuple[PackRef, ...]
