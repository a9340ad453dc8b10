"""What may a file say of people? Rows of a CSV file become consents, or relations with a seller, or errors with their place.

The rule it protects: nothing is granted that the file does not say. A consent has its level, its day and whom it is of, or it is
none; what it leaves open is not filled in to its favour, but for the seller, who is the one that imports it.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from zoneinfo import ZoneInfo

from compliance.facts import Consent, Relation
from compliance.grounds import BOUND, EVERYTHING, LEVELS
from dialer.leads import ALIASES as LEAD_ALIASES
from dialer.leads import number_in
from dialer.moments import parse_moment
from dialer.sheets import BadCell, Form, RowError, parsed, sheet_of

_WHO = {name: {"phone": "number"}.get(field, field) for name, field in LEAD_ALIASES.items() if field in {"phone", "person"}}
WHOM = {**_WHO, "phone": "number", "lead_person": "person"}  # names of the two columns that say of whom a row is

CONSENTS = Form(
    ("person", "number", "level", "scope", "seller", "campaign", "subject", "source", "given_at", "expires", "proof", "file"),
    WHOM
    | {"given": "given_at", "date": "given_at", "consent_date": "given_at", "授权时间": "given_at", "同意时间": "given_at"}
    | {"expires_at": "expires", "expiry": "expires", "valid_until": "expires", "有效期至": "expires"}
    | {
        "sha256": "proof",
        "proof_sha256": "proof",
        "proof_file": "file",
        "consent": "level",
        "同意方式": "level",
        "来源": "source",
    },
    (("person", "number"), ("level",), ("given_at",)),
)
RELATIONS = Form(
    ("person", "number", "kind", "since", "seller", "subject"),
    WHOM
    | {"relation": "kind", "type": "kind", "date": "since", "at": "since", "关系": "kind", "日期": "since", "产品": "subject"},
    (("person", "number"), ("kind",), ("since",)),
)

_TAG = re.compile(r"[a-z][a-z0-9_]*")
_BETWEEN_TAGS = re.compile(r"[\s+,;、，；]+")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class ConsentRow:
    """One good row; `file` names the proof, whose SHA-256 the consent has or is still to be given."""

    line: int
    consent: Consent
    file: str


@dataclass(frozen=True, slots=True)
class RelationRow:
    """One good row. Without an id of theirs, the number stands for the person."""

    line: int
    person: str
    relation: Relation


@dataclass(frozen=True, slots=True)
class Reading:
    """How a file is read: the country of numbers without +, the clock of times without offset, whose file it is, and when."""

    region: str
    clock: ZoneInfo | None
    seller: str
    now: datetime


def read_consents(text: str, mapping: Mapping[str, str], how: Reading) -> Iterator[ConsentRow | RowError]:
    """The consents of a file, and what of it cannot be read, in order. Raises ListError when the header cannot be used."""
    return parsed(sheet_of(text, mapping, CONSENTS), partial(_consent, how=how))


def read_relations(
    text: str, mapping: Mapping[str, str], how: Reading, kinds: frozenset[str]
) -> Iterator[RelationRow | RowError]:
    """The relations of a file; `kinds` are those that a rule asks about. Raises ListError when the header cannot be used."""
    return parsed(sheet_of(text, mapping, RELATIONS), partial(_relation, how=how, kinds=kinds))


def scope_of(text: str) -> frozenset[str]:
    """What a consent covers: tags such as `voice marketing`, or `*`. Raises ValueError for what is no tag."""
    tags = frozenset(_BETWEEN_TAGS.split(text.strip().lower())) - {""}
    for tag in sorted(tags - {EVERYTHING}):
        if tag in BOUND:
            raise ValueError(f"{tag!r} is no tag: which {tag} a consent is bound to is said by itself")
        if not _TAG.fullmatch(tag):
            raise ValueError(f"{tag[:40]!r} is no tag such as voice, marketing or time_of_day, nor *")
    return tags


def kind_of_relation(text: str, kinds: frozenset[str]) -> str:
    """A kind of relation that some rule asks about. Raises ValueError naming those there are."""
    kind = text.strip().lower().replace(" ", "_")
    if kind not in kinds:
        raise ValueError(f"no rule asks about a relation {text[:40]!r}; they ask about {', '.join(sorted(kinds)) or 'none'}")
    return kind


def past(column: str, cell: str, how: Reading) -> datetime:
    """The instant a cell means, which must not be in the future. Raises BadCell."""
    moment = _moment(column, cell, how)
    if moment > how.now:
        raise BadCell(column, f"{cell[:40]!r} is in the future")
    return moment


def _moment(column: str, cell: str, how: Reading) -> datetime:
    if not cell:
        raise BadCell(column, "empty: a time or a date is needed")
    try:
        return parse_moment(cell, how.clock)
    except ValueError as error:
        raise BadCell(column, str(error)) from None


def _consent(line: int, cells: Mapping[str, str], *, how: Reading) -> ConsentRow:
    number = number_in("number", cells.get("number", ""), how.region)
    person = cells.get("person", "")
    if not person and not number:
        raise BadCell("person", "empty, and no number either: of whom is the consent?")
    level = cells["level"].lower()
    if level not in LEVELS:
        raise BadCell("level", f"{level[:40]!r} is no level of consent: use {', '.join(LEVELS)}")
    given_at = past("given_at", cells["given_at"], how)
    expires_at = _moment("expires", cells["expires"], how) if cells.get("expires") else None
    if expires_at is not None and expires_at <= given_at:
        raise BadCell("expires", "not after the time at which it was given")
    if cells.get("seller") == EVERYTHING:
        raise BadCell("seller", "a consent for every seller is a consent for none: name the seller")
    proof = cells.get("proof", "").lower()
    if proof and not _SHA256.fullmatch(proof):
        raise BadCell("proof", "not a SHA-256 (64 hexadecimal digits); the name of the file goes into a column `file`")
    try:
        scope = scope_of(cells.get("scope", ""))
    except ValueError as error:
        raise BadCell("scope", str(error)) from None
    consent = Consent(
        level=level,
        given_at=given_at,
        person=person,
        number=number,
        scope=scope,
        seller=cells.get("seller") or how.seller,
        campaign=cells.get("campaign") or EVERYTHING,
        subject=cells.get("subject") or EVERYTHING,
        source=cells.get("source", ""),
        proof=proof,
        expires_at=expires_at,
    )
    return ConsentRow(line, consent, cells.get("file", ""))


def _relation(line: int, cells: Mapping[str, str], *, how: Reading, kinds: frozenset[str]) -> RelationRow:
    person = cells.get("person") or number_in("number", cells.get("number", ""), how.region)
    if not person:
        raise BadCell("person", "empty, and no number either: who is it?")
    try:
        kind = kind_of_relation(cells["kind"], kinds)
    except ValueError as error:
        raise BadCell("kind", str(error)) from None
    since = past("since", cells["since"], how)
    return RelationRow(line, person, Relation(kind, since, cells.get("seller") or how.seller, cells.get("subject", "")))
