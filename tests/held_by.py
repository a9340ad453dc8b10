"""What holds each rule of the shipped packs: by the id of a rule, or else by its kind. Rows of docs/compliance.md.

tests/unit/test_compliance_register.py fails when a module or a test named here does not exist, and when a rule has none.
"""

from collections.abc import Mapping

from compliance.register import Holding

RULES = "tests/unit/test_compliance_rules_shipped.py"

#: For a kind of rule that is read and shown, while nothing acts on it. There is none at present.
NOT_YET = Holding("", "", "read and shown, nothing acts on it")

#: Every call is announced as recorded before an agent is joined, whatever the pack says, and the recording proves it.
ANNOUNCED = Holding(
    "recorder.disclosure",
    "tests/unit/test_recorder_disclosure.py::test_the_announcement_must_come_before_any_voice_on_the_agents_side",
)

HELD_BY: Mapping[str, Holding] = {
    "window": Holding("compliance.windows", f"{RULES}::test_a_phone_rings_in_the_hours_of_the_source_and_in_no_other"),
    "cap": Holding("compliance.caps", f"{RULES}::test_a_cap_stands_in_the_way_from_its_last_event_to_the_instant_of_the_source"),
    "cooldown": Holding("compliance.cooldown", f"{RULES}::test_a_cool_down_ends_at_the_instant_of_the_source"),
    "suppress": Holding("compliance.suppression", f"{RULES}::test_whoever_is_on_the_list_of_the_rule_is_not_rung"),
    "consent": Holding("compliance.consent", f"{RULES}::test_a_call_needs_the_consent_of_the_source_and_nothing_less"),
    "ring": Holding("compliance.gate", f"{RULES}::test_an_unanswered_phone_rings_for_15_seconds"),
    "callerid": Holding("compliance.callerid", f"{RULES}::test_the_number_shown_has_what_the_source_asks_of_it"),
    "abandon": Holding(
        "compliance.abandonment",
        f"{RULES}::test_so_many_may_be_abandoned_and_not_one_more",
        "the message that is played does not follow the pack",
    ),
    "disclose": Holding(
        "compliance.obligations",
        "tests/unit/test_compliance_obligations.py::test_what_the_sources_want_said_is_said_as_soon_as_the_soonest_of_them_asks",
        "no agent is shown it, and nobody listens whether it was said",
    ),
    "record": Holding(
        "compliance.recording",
        "tests/unit/test_compliance_recording.py::test_each_shipped_rule_alone_asks_what_its_source_does",
        "the recorder records and announces every call, whatever the terms say",
    ),
    "retain": Holding(
        "compliance.retention",
        "tests/unit/test_compliance_retention.py::test_a_record_may_be_deleted_from_the_instant_of_the_source_on",
        "nothing is ever deleted, and nobody is told of what is overdue",
    ),
    "deadline": Holding(
        "compliance.deadlines",
        "tests/unit/test_compliance_deadlines.py::test_a_request_is_due_on_the_last_day_of_the_source",
        "no request is watched until it is obeyed",
    ),
    "house.abandon": Holding(
        "compliance.budget",
        "tests/unit/test_compliance_budget.py::test_the_house_protects_every_floor_and_counts_who_heard_the_message",
    ),
    "au.callerid": Holding(
        "compliance.callerid",
        f"{RULES}::test_the_number_shown_has_what_the_source_asks_of_it",
        "that the number can be called back for so long",
    ),
    "gb.pensions": Holding("compliance.caps", f"{RULES}::test_no_call_about_a_pension_is_permitted_in_the_united_kingdom"),
    "cn-64.collect_hours": Holding(
        "compliance.daykinds",
        f"{RULES}::test_make_up_workdays_and_holidays_are_told_apart_in_ningxia_and_a_year_without_a_notice_is_closed",
    ),
    "fr.bloctel": Holding(
        "compliance.suppression", f"{RULES}::test_in_france_the_list_ends_and_the_opt_in_begins_with_the_11th_of_august_2026"
    ),
    "fr.optin": Holding(
        "compliance.consent", f"{RULES}::test_in_france_the_list_ends_and_the_opt_in_begins_with_the_11th_of_august_2026"
    ),
    "house.record": ANNOUNCED,
    "house.disclose": ANNOUNCED,
}
