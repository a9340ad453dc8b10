"""The one statement by which the gate reads the past: its text for each database. See `past` for what it protects.

Its parts are told apart by `src`; each part fills those of the columns that it has, and finds its rows by one index. A list of
any length is one parameter, so that the statement is always the same and is planned once.
"""

from collections.abc import Iterable
from typing import Final

from compliance.facts import EventKind
from compliance.lookback import Lookback
from compliance.standing import KINDS
from config.database import Direct

_PERMIT = """
SELECT 'permit' AS src, 0 AS seq, '' AS kind, granted_at AS at, expires_at AS until, attempt_id,
       person, number, campaign, seller, subject, debt, creditor, '' AS told, '' AS facts
FROM permit WHERE expires_at > :now AND spent_at IS NULL AND voided_at IS NULL AND """
_EVENT = """
SELECT 'ledger', seq, kind, at, NULL, attempt_id, person, number, campaign, seller, subject, debt, creditor, '', facts
FROM ledger WHERE kind IN (COUNTED) AND (at > :since OR kind IN (STANDING)) AND """
_EVERYTHING: Final = (
    f"{_PERMIT} person = :person",  # first, since it names the columns and has a value of its type in each
    f"{_PERMIT} number ONE_OF_THEM AND person <> :person",
    f"{_EVENT} person = :person",
    f"{_EVENT} number ONE_OF_THEM AND person <> :person",
    """
SELECT 'granted', 0, '', granted_at, expires_at, NULL, '', '', '', '', '', '', '', '', '' FROM permit
WHERE attempt_id = :attempt_id""",
    """
SELECT 'suppression', seq, scope, at, until, NULL, person, number, campaign, seller, '', '', '', reason, source
FROM suppression WHERE number = :number OR person = :person""",
    """
SELECT 'tip', 0, '', recorded_at, recorded_at, NULL, '', '', '', '', '', '', '', '', '' FROM ledger_tip""",
    """
SELECT 'number', 0, '', NULL, NULL, NULL, '', number, '', '', '', '', '', '', '' FROM known""",
)
#: What more there is to read where a rule counts by a key that is neither the person nor the number; some of it once more.
_BY_KEY: Final = (f"{_EVENT} at > :since AND KEY <> '' AND KEY = :key_KEY", f"{_PERMIT} KEY <> '' AND KEY = :key_KEY")
#: Asked only where a rule obeys somebody else's list.
_LISTS: Final = (
    """
SELECT 'list', 0, '', as_of, as_of, NULL, '', '', '', '', '', '', '', '', name FROM dnc_list WHERE in_force""",
    """
SELECT 'listed', 0, '', as_of, as_of, NULL, '', '', '', '', '', '', '', '', name FROM dnc_list
WHERE in_force AND EXISTS (SELECT 1 FROM dnc_number WHERE number = :number AND list_id = dnc_list.id)""",
)
_KNOWN: Final = """
WITH known AS MATERIALIZED (
    SELECT number FROM ledger WHERE person = :person AND number <> ''
    UNION SELECT number FROM permit WHERE person = :person
    UNION SELECT GIVEN
)"""
_WORDS: Final = {
    "sqlite": {"GIVEN": "value FROM json_each(:numbers)", "ONE_OF_THEM": "IN (SELECT number FROM known)"},
    "postgresql": {
        "GIVEN": "jsonb_array_elements_text(CAST(:numbers AS jsonb))",
        "ONE_OF_THEM": "= ANY(ARRAY(SELECT number FROM known))",
    },
}


def everything(lookback: Lookback, dialect: str) -> Direct:
    """What the rules may look at. Parameters: person, number, numbers (JSON), attempt_id, since, now, and a key_… for each key.

    A row that several parts find is there several times only by the keys, see `_BY_KEY`.
    """
    by_key = [part.replace("KEY", key.value) for key in sorted(lookback.keys) for part in _BY_KEY]
    asked = _KNOWN + "\nUNION ALL".join((*_EVERYTHING, *by_key, *(_LISTS if lookback.lists else ())))
    # Kinds are our own words, the same for every question: as parameters they would be taken apart each time.
    words = {"COUNTED": _quoted(lookback.kinds), "STANDING": _quoted(KINDS), **_WORDS[dialect]}
    for word, sql in words.items():
        asked = asked.replace(word, sql)
    return Direct(asked, dialect)


def _quoted(kinds: Iterable[EventKind]) -> str:
    return ", ".join(f"'{kind.value}'" for kind in sorted(kinds))
