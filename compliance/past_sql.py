"""The one statement by which the gate reads the past: its text for each database. See `past` for what it protects.

Its parts are told apart by `src`; each part fills those of the columns that it has. A list of any length is one parameter, so
that the statement is always the same and is planned once.
"""

from collections.abc import Iterable
from typing import Final

from compliance.facts import EventKind
from compliance.lookback import Lookback
from compliance.standing import KINDS
from config.database import Direct

_EVERYTHING = """
WITH known AS (KNOWN)
SELECT 'ledger' AS src, seq, kind, at, at AS until, attempt_id,
       person, number, campaign, seller, subject, debt, creditor, '' AS told, facts
FROM ledger
WHERE seq IN (SELECT seq FROM ledger WHERE person = :person
              UNION SELECT seq FROM ledger WHERE number ONE_OF_THEM
              EVENTS_BY_KEY)
      AND kind IN (COUNTED) AND (at > :since OR kind IN (STANDING))
UNION ALL
SELECT 'permit', 0, '', granted_at, expires_at, attempt_id, person, number, campaign, seller, subject, debt, creditor, '', ''
FROM permit
WHERE permit_id IN (SELECT permit_id FROM permit WHERE attempt_id = :attempt_id
                    UNION SELECT permit_id FROM permit WHERE person = :person AND expires_at > :now
                    UNION SELECT permit_id FROM permit WHERE number ONE_OF_THEM AND expires_at > :now
                    PERMITS_BY_KEY)
      AND (attempt_id = :attempt_id OR (spent_at IS NULL AND voided_at IS NULL))
UNION ALL
SELECT 'suppression', seq, scope, at, until, NULL, person, number, campaign, seller, '', '', '', reason, source
FROM suppression WHERE number = :number OR person = :person
UNION ALL
SELECT 'tip', 0, '', recorded_at, recorded_at, NULL, '', '', '', '', '', '', '', '', '' FROM ledger_tip
UNION ALL
SELECT 'number', 0, '', NULL, NULL, NULL, '', number, '', '', '', '', '', '', '' FROM known
"""
#: What more there is to read where a rule counts by a key that is neither the person nor the number.
_EVENTS_BY_KEY = "UNION SELECT seq FROM ledger WHERE KEY <> '' AND KEY = :key_KEY AND at > :since"
_PERMITS_BY_KEY = "UNION SELECT permit_id FROM permit WHERE KEY <> '' AND KEY = :key_KEY AND expires_at > :now"
#: Asked only where a rule obeys somebody else's list.
_LISTS = """
UNION ALL
SELECT 'list', 0, '', as_of, as_of, NULL, '', '', '', '', '', '', '', '', name FROM dnc_list WHERE in_force
UNION ALL
SELECT 'listed', 0, '', as_of, as_of, NULL, '', '', '', '', '', '', '', '', name FROM dnc_list
WHERE in_force AND EXISTS (SELECT 1 FROM dnc_number WHERE number = :number AND list_id = dnc_list.id)
"""
#: SQLite finds the person's numbers as it goes; on PostgreSQL they were asked for before, to be locked.
_WORDS: Final = {
    "sqlite": {
        "KNOWN": """SELECT number FROM ledger WHERE person = :person AND number <> ''
                    UNION SELECT number FROM permit WHERE person = :person
                    UNION SELECT value FROM json_each(:numbers)""",
        "ONE_OF_THEM": "IN (SELECT number FROM known)",
    },
    "postgresql": {
        "KNOWN": "SELECT unnest(CAST(:numbers AS varchar[])) AS number",
        "ONE_OF_THEM": "= ANY(CAST(:numbers AS varchar[]))",
    },
}
_NUMBERS = """
SELECT number FROM ledger WHERE person = :person AND number <> '' UNION SELECT number FROM permit WHERE person = :person
"""


def everything(lookback: Lookback, dialect: str) -> Direct:
    """What the rules may look at. Parameters: person, number, numbers, attempt_id, since, now, and a key_… for each key."""
    # Kinds and keys are our own words, the same for every question: as parameters they would be taken apart each time.
    words = {
        "COUNTED": _quoted(lookback.kinds),
        "STANDING": _quoted(KINDS),
        **_WORDS[dialect],
        "EVENTS_BY_KEY": " ".join(_EVENTS_BY_KEY.replace("KEY", key.value) for key in sorted(lookback.keys)),
        "PERMITS_BY_KEY": " ".join(_PERMITS_BY_KEY.replace("KEY", key.value) for key in sorted(lookback.keys)),
    }
    asked = _EVERYTHING + _LISTS if lookback.lists else _EVERYTHING
    for word, sql in words.items():
        asked = asked.replace(word, sql)
    return Direct(asked, dialect)


def numbers_of_a_person(dialect: str) -> Direct:
    """Every number on which the person was called, or is about to be. Parameter: person."""
    return Direct(_NUMBERS, dialect)


def _quoted(kinds: Iterable[EventKind]) -> str:
    return ", ".join(f"'{kind.value}'" for kind in sorted(kinds))
