"""What holds each rule of the shipped packs: by the id of a rule, or else by its kind. Rows of docs/compliance.md.

tests/unit/test_compliance_register.py fails when a module or a test named here does not exist, and when a rule has none.
"""

from collections.abc import Mapping

from compliance.register import Holding

RULES = "tests/unit/test_compliance_rules_shipped.py"

#: For a kind of rule that is read and shown, while nothing acts on it. There is none at present.
NOT_YET = Holding("", "", "read and shown, nothing acts on it")

#: Where the house has it announced that a call is recorded, it is, and the recording proves it or somebody is told.
ANNOUNCED = Holding(
    "recorder.disclosure",
    "tests/unit/test_recorder_disclosure.py::test_the_announcement_must_come_before_any_voice_on_the_agents_side",
)

KEPT_AS_LONG = "tests/unit/test_recorder_keeping.py::test_the_house_cannot_shorten_what_a_law_wants_kept"

#: Records that are no recordings. A shortest time is kept by keeping them; nothing acts on the end of it.
NEVER_DELETED = Holding(
    "compliance.retention",
    "tests/unit/test_compliance_retention.py::test_a_record_may_be_deleted_from_the_instant_of_the_source_on",
    "such records are kept for ever where we keep them at all: nothing deletes them",
)

#: What counts from the end of a contract, which nobody can tell us.
SOLD_FOR_YEARS = Holding(
    "recorder.keeping",
    "tests/unit/test_recorder_keeping.py::test_a_rule_on_what_was_sold_keeps_calls_in_which_something_may_have_been",
    "the end of a contract cannot be noted: the recording of a sale is kept for ever",
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
        "recorder.capture",
        "tests/unit/test_recorder_capture.py::test_the_stricter_of_campaign_and_rules_wins",
        "nothing is asked again of whoever joins later: the floor transfers no call",
    ),
    "retain": Holding(
        "recorder.keeping",
        KEPT_AS_LONG,
        "the other records it names are kept for ever: nothing deletes them",
    ),
    "deadline": Holding(
        "recorder.erasure",
        "tests/integration/test_recorder_erasure.py::test_the_deadline_is_the_soonest_of_all_places_where_the_person_was_called",
        "only requests to be forgotten are noted, and nobody is told when the day has passed",
    ),
    "us.revocation": Holding(
        "compliance.people",
        "tests/integration/test_compliance_people.py::test_a_consent_permits_from_the_instant_it_is_known_until_it_is_withdrawn",
    ),
    "regf.retain_recording": Holding("recorder.keeping", KEPT_AS_LONG),
    "cn.retain_life_short": SOLD_FOR_YEARS,
    "cn.retain_life_long": SOLD_FOR_YEARS,
    "ca.retain_abandonment": NEVER_DELETED,
    "cn.retain_assessment": NEVER_DELETED,
    "de.retain_consent": NEVER_DELETED,
    "de.retain_consent_used": NEVER_DELETED,
    "us.retain": NEVER_DELETED,
    "regf.retain": NEVER_DELETED,
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
