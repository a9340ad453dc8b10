"""Consents and relations as people export them: nothing is granted that the file does not say."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.facts import Consent, Relation
from dialer.people_files import ConsentRow, Reading, RelationRow, kind_of_relation, read_consents, read_relations, scope_of
from dialer.sheets import ListError, RowError

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
HOW = Reading("US", None, "acme", NOW)
KINDS = frozenset({"purchase", "inquiry", "contract_in_force"})
SHA = "ab" * 32


def consents(text: str, how: Reading = HOW) -> list[ConsentRow | RowError]:
    return list(read_consents(text, {}, how))


def told(text: str) -> list[str]:
    return [str(row) if isinstance(row, RowError) else f"line {row.line} good" for row in consents(text)]


def test_a_consent_with_everything() -> None:
    text = (
        "person,phone,level,scope,seller,campaign,subject,source,given_at,expires,proof,file\n"
        f"c-1,212 555 0123,Written,Voice+marketing,Beta,spring,boiler,web form,2026-03-01,2027-03-01,{SHA.upper()},form.pdf\n"
    )
    assert consents(text) == [
        ConsentRow(
            2,
            Consent(
                level="written",
                given_at=datetime(2026, 3, 1, tzinfo=UTC),
                person="c-1",
                number="+12125550123",
                scope=frozenset({"voice", "marketing"}),
                seller="Beta",
                campaign="spring",
                subject="boiler",
                source="web form",
                proof=SHA,
                expires_at=datetime(2027, 3, 1, tzinfo=UTC),
            ),
            "form.pdf",
        )
    ]


def test_what_a_consent_does_not_say_is_not_granted_and_the_seller_is_who_imports_it() -> None:
    (row,) = consents("客户编号,level,given_at\nc-1,express,2026-03-01\n")
    assert isinstance(row, ConsentRow)
    assert row.consent == Consent("express", datetime(2026, 3, 1, tzinfo=UTC), person="c-1", seller="acme")
    assert row.consent.scope == frozenset(), "no tag, and not *"
    assert row.consent.number == "", "bound to no number"


def test_times_without_offset_are_on_the_clock_of_the_file() -> None:
    (row,) = consents(
        "person,level,given_at\nc-1,express,2026-03-01 10:00\n", Reading("US", ZoneInfo("Asia/Shanghai"), "acme", NOW)
    )
    assert isinstance(row, ConsentRow)
    assert row.consent.given_at == datetime(2026, 3, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        (",,written,voice,2026-03-01,,", "person: empty, and no number either"),
        ("c-1,12,written,voice,2026-03-01,,", "number: "),
        ("c-1,,spoken,voice,2026-03-01,,", "level: 'spoken' is no level of consent: use implied, express"),
        ("c-1,,,voice,2026-03-01,,", "level: '' is no level of consent"),
        ("c-1,,written,voice,,,", "given_at: empty"),
        ("c-1,,written,voice,2026-06-16,,", "given_at: '2026-06-16' is in the future"),
        ("c-1,,written,voice,2026-03-01 10:00,,", "given_at: '2026-03-01 10:00' does not say its offset"),
        ("c-1,,written,voice,2026-03-01,soon,", "expires: 'soon' is not a time"),
        ("c-1,,written,voice,2026-03-01,2026-03-01,", "expires: not after the time at which it was given"),
        ("c-1,,written,voice,2026-03-01,,form.pdf", "proof: not a SHA-256"),
        ("c-1,,written,voice seller,2026-03-01,,", "scope: 'seller' is no tag"),
        ("c-1,,written,voice!,2026-03-01,,", "scope: 'voice!' is no tag such as"),
        ("c-1,,written,voice,2026-03-01", "row: 5 fields where the header has 7"),
        (f"{'x' * 201},,written,voice,2026-03-01,,", "person: 201 characters"),
    ],
)
def test_a_consent_that_does_not_say_what_it_must_is_told_and_the_next_loads(cells: str, says: str) -> None:
    bad, fine = told(f"person,number,level,scope,given_at,expires,proof\n{cells}\nc-2,,written,voice,2026-03-01,,\n")
    assert bad.startswith(f"line 2, {says}"), bad
    assert fine == "line 3 good"


@pytest.mark.parametrize(
    ("header", "says"),
    [
        ("person,level", "no given_at column"),
        ("person,given_at", "no level column"),
        ("level,given_at", "no person or number column"),
        ("person,level,given_at,date", "two columns for 'given_at'"),
    ],
)
def test_a_file_without_what_makes_a_consent_is_refused_at_once(header: str, says: str) -> None:
    with pytest.raises(ListError, match=says):
        read_consents(f"{header}\n", {}, HOW)


@given(st.sets(st.from_regex(r"[a-z][a-z_]{2,8}", fullmatch=True), max_size=5), st.sampled_from([" ", "+", ", ", "; ", "、"]))
def test_the_tags_of_a_scope_are_read_whatever_stands_between_them(tags: set[str], between: str) -> None:
    tags -= {"seller", "number", "campaign", "subject"}
    assert scope_of(between.join(sorted(tags))) == tags


# --- relations -------------------------------------------------------------------------------------------------------


def relations(text: str) -> list[RelationRow | RowError]:
    return list(read_relations(text, {}, HOW, KINDS))


def test_a_relation_and_one_of_somebody_known_by_their_number() -> None:
    assert relations(
        "person,phone,relation,date,subject\nc-1,,Purchase,2026-01-02,boiler\n,2125550123,contract in force,2025-05-05,\n"
    ) == [
        RelationRow(2, "c-1", Relation("purchase", datetime(2026, 1, 2, tzinfo=UTC), "acme", "boiler")),
        RelationRow(3, "+12125550123", Relation("contract_in_force", datetime(2025, 5, 5, tzinfo=UTC), "acme", "")),
    ]


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        (",,purchase,2026-01-02", "person: empty"),
        ("c-1,,friend,2026-01-02", "kind: no rule asks about a relation 'friend'; they ask about contract_in_force, inquiry"),
        ("c-1,,purchase,2027-01-02", "since: '2027-01-02' is in the future"),
        (",12,purchase,2026-01-02", "number: "),
    ],
)
def test_a_relation_that_no_rule_knows_or_that_cannot_be_is_told(cells: str, says: str) -> None:
    bad, fine = relations(f"person,number,kind,since\n{cells}\nc-2,,inquiry,2026-01-02\n")
    assert str(bad).startswith(f"line 2, {says}"), bad
    assert isinstance(fine, RelationRow)


def test_where_no_rule_asks_about_relations_that_is_said() -> None:
    with pytest.raises(ValueError, match="they ask about none"):
        kind_of_relation("purchase", frozenset())
