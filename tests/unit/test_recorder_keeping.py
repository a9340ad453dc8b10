"""A recording goes when nothing keeps it and somebody wants it gone; doubt, holds and minimums keep it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.packs import Pack, parse_pack
from compliance.retention import Erasure, Hold
from compliance.verdict import Candidate, PackRef
from recorder.keeping import NOTHING_SOLD, Goes, House, Retained, Stays, house_of, judge
from tests.pack_texts import pack_text, rule_text

ENDED = datetime(2026, 3, 2, 15, tzinfo=UTC)
A_MOMENT = timedelta(microseconds=1)
SHANGHAI = "+862163901234"  # one zone, eight hours before UTC
HOLD = Hold("complaint 17", "counsel", ENDED)
REQUEST = Erasure(ENDED + timedelta(days=1), "PIPL 47")
NOBODY = House()


def a_pack(*rules: str, name: str = "test", places: tuple[str, ...] = ("*",)) -> Pack:
    return parse_pack(pack_text(*rules, name=name, places=places), name)


def keeps(name: str, *, level: str = "law", **said: Any) -> str:
    """A rule about recordings that counts from the call, unless it says otherwise."""
    fields: dict[str, Any] = {"what": ["recording"], "from": "call"}
    return rule_text(name, "retain", level=level, **(fields | said))


def a_recording(*packs: Pack, number: str = SHANGHAI, disposition: str = "not_interested", **changes: object) -> Retained:
    candidate = Candidate("c1", "ann", number, "spring", "acme", "solar")
    known = Retained("c1", candidate, disposition, ENDED, ENDED + timedelta(minutes=1), packs, sold=False)
    return replace(known, **changes)  # type: ignore[arg-type] # any field


def of_shanghai(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+08:00")


MONTH = a_pack(keeps("month", min="30d"))
MONTH_OVER = of_shanghai("2026-04-02T00:00")  # the call ended on the 2nd of March there, at 23:00
DECADE_LATER = ENDED + timedelta(days=3653)


def rules(answer: Goes | Stays) -> list[str]:
    return [one.rule for one in answer.reasons]


def test_what_nobody_wants_gone_stays_though_no_rule_keeps_it() -> None:
    for packs in ((), (MONTH,)):
        answer = judge(a_recording(*packs), NOBODY, DECADE_LATER)
        assert isinstance(answer, Stays)
        assert (answer.until, answer.review, rules(answer)) == (None, False, ["house.keep"])


def test_the_house_purges_what_it_has_no_use_for_and_not_an_instant_before() -> None:
    over = of_shanghai("2026-06-01T00:00")
    before = judge(a_recording(), House(90), over - A_MOMENT)
    assert before == Stays("c1", over, review=False, reasons=before.reasons)
    after = judge(a_recording(), House(90), over)
    assert isinstance(after, Goes)
    assert (after.overdue, rules(after)) == (False, ["house.keep"])


def test_the_house_cannot_shorten_what_a_law_wants_kept() -> None:
    before = judge(a_recording(MONTH), House(7), MONTH_OVER - A_MOMENT)
    assert isinstance(before, Stays)
    assert (before.until, before.review, rules(before)) == (MONTH_OVER, False, ["month"])
    after = judge(a_recording(MONTH), House(7), MONTH_OVER)
    assert isinstance(after, Goes)
    assert ([one.rule for one in after.minimums], after.kept_until) == (["month"], MONTH_OVER)


def test_a_campaign_has_a_time_of_its_own_in_place_of_the_house_s() -> None:
    house = House(90, {"spring": 365, "autumn": 7})
    assert isinstance(judge(a_recording(), house, ENDED + timedelta(days=100)), Stays)
    autumn = replace(a_recording(), candidate=replace(a_recording().candidate, campaign="autumn"))
    answer = judge(autumn, house, ENDED + timedelta(days=9))
    assert isinstance(answer, Goes)
    assert answer.reasons[0].cite == "recorder.keep_days_of.autumn"


def test_the_settings_name_a_campaign_with_its_days_and_the_last_sign_divides_them() -> None:
    assert house_of(90, ("spring=30", "a=b=7")) == House(90, {"spring": 30, "a=b": 7})


def test_a_campaign_may_be_kept_for_ever_though_the_house_is_not() -> None:
    assert isinstance(judge(a_recording(), House(90, {"spring": 0}), DECADE_LATER), Stays)


def test_what_a_law_wants_gone_goes_though_the_house_would_keep_it() -> None:
    law = a_pack(keeps("quality", max="6mo"))
    over = of_shanghai("2026-09-03T00:00")
    before = judge(a_recording(law), House(3650), over - A_MOMENT)
    assert isinstance(before, Stays)
    assert before.until == over
    answer = judge(a_recording(law), House(3650), over)
    assert isinstance(answer, Goes)
    assert (answer.overdue, rules(answer)) == (True, ["quality"])


def test_a_hold_keeps_what_everything_else_wants_gone() -> None:
    law = a_pack(keeps("quality", max="6mo"))
    order = {"request": REQUEST, "before": DECADE_LATER}
    answer = judge(a_recording(law), House(1), DECADE_LATER, [HOLD], **order)  # type: ignore[arg-type] # two of its options
    assert isinstance(answer, Stays)
    assert (answer.until, rules(answer)) == (None, ["hold"])


def test_rules_that_cannot_both_be_obeyed_go_to_a_person() -> None:
    both = a_pack(keeps("insurance", min="5y"), keeps("quality", max="6mo"))
    answer = judge(a_recording(both), House(1), ENDED + timedelta(days=700), before=ENDED + timedelta(days=600))
    assert isinstance(answer, Stays)
    assert answer.review
    assert "insurance keeps it at least 5y" in answer.conflict


def test_a_minimum_of_unknown_length_keeps_it_until_the_event_is_known() -> None:
    contract = a_pack(keeps("contract", min="5y", **{"from": "contract_end"}))
    answer = judge(a_recording(contract), House(1), DECADE_LATER)
    assert isinstance(answer, Stays)
    assert (answer.until, rules(answer)) == (None, ["contract"])


SOLD = a_pack(keeps("sold", min="10y", when={"result": ["policy_sold"]}, **{"from": "contract_end"}))


@pytest.mark.parametrize("disposition", sorted(NOTHING_SOLD))
def test_a_rule_on_what_was_sold_lets_go_of_calls_in_which_nothing_was(disposition: str) -> None:
    assert isinstance(judge(a_recording(SOLD, disposition=disposition), House(7), DECADE_LATER), Goes)


@pytest.mark.parametrize("disposition", ["sale", "callback", "unknown", "not_given", "something new"])
def test_a_rule_on_what_was_sold_keeps_calls_in_which_something_may_have_been(disposition: str) -> None:
    assert isinstance(judge(a_recording(SOLD, disposition=disposition), House(7), DECADE_LATER), Stays)


def test_a_refusal_of_somebody_who_bought_in_another_call_is_kept_with_the_sale() -> None:
    assert isinstance(judge(a_recording(SOLD, sold=True), House(7), DECADE_LATER), Stays)


def test_a_rule_of_the_time_of_the_call_holds_after_it_was_given_up_and_so_does_one_that_came_since() -> None:
    given_up = a_pack(keeps("old", min="10y", effective_until=ENDED.date()), name="then")
    new = a_pack(keeps("new", min="2y", effective_from=(ENDED + timedelta(days=100)).date()), name="now")
    answer = judge(a_recording(given_up, new), House(7), ENDED + timedelta(days=400))
    assert sorted(rules(answer)) == ["new", "old"]


def test_the_same_rule_of_two_texts_is_asked_once_and_the_longer_of_two_that_differ_holds() -> None:
    lengths = (("then", "2y"), ("now", "1y"))
    then, now = (a_pack(keeps("month", min=length), keeps("same", min="5d"), name=name) for name, length in lengths)
    answer = judge(a_recording(then, now), House(7), ENDED + timedelta(days=3))
    assert sorted(rules(answer)) == ["month", "month", "same"]
    assert isinstance(answer, Stays)
    assert answer.until == of_shanghai("2028-03-03T00:00")


def test_without_the_rules_of_its_time_nothing_goes_and_a_person_is_asked() -> None:
    lost = (PackRef("cn", "1", "ab" * 32),)
    answer = judge(a_recording(lost=lost), House(1), DECADE_LATER, request=REQUEST)
    assert isinstance(answer, Stays)
    assert (answer.until, answer.review, rules(answer)) == (None, True, ["recording.rules"])
    assert "the text of rule pack cn 1" in answer.reasons[0].text
    held = judge(a_recording(lost=lost), House(1), DECADE_LATER, [HOLD])
    assert rules(held) == ["hold", "recording.rules"]


def test_of_a_place_that_no_system_knows_nothing_goes() -> None:
    lost = replace(a_recording(), candidate=replace(a_recording().candidate, zones=("Europe/Atlantis",)))
    answer = judge(lost, House(1), DECADE_LATER)
    assert isinstance(answer, Stays)
    assert (answer.review, rules(answer)) == (True, ["recording.zone"])


def test_who_asks_to_be_forgotten_is_obeyed_as_soon_as_no_minimum_is_left() -> None:
    stays = judge(a_recording(MONTH), House(365), MONTH_OVER - A_MOMENT, request=REQUEST)
    assert isinstance(stays, Stays)
    assert (stays.until, stays.review) == (MONTH_OVER, False)
    goes = judge(a_recording(MONTH), House(365), MONTH_OVER, request=REQUEST)
    assert isinstance(goes, Goes)
    assert (rules(goes), goes.reasons[0].cite) == (["erasure"], "PIPL 47")


def test_a_minimum_of_the_house_alone_does_not_stand_against_a_right_to_erasure_without_a_person() -> None:
    own = a_pack(keeps("own", min="2y", level="house"))
    answer = judge(a_recording(own), NOBODY, ENDED + timedelta(days=10), request=REQUEST)
    assert isinstance(answer, Stays)
    assert answer.review


def test_an_order_reaches_calls_that_ended_before_its_time_and_no_others() -> None:
    at = ENDED + timedelta(days=300)
    assert isinstance(judge(a_recording(), House(365), at, before=ENDED), Stays)
    answer = judge(a_recording(), House(365), at, before=ENDED + A_MOMENT)
    assert isinstance(answer, Goes)
    assert rules(answer) == ["house.order"]
    assert isinstance(judge(a_recording(MONTH), House(365), MONTH_OVER - A_MOMENT, before=at), Stays)


def test_a_recording_is_judged_at_an_aware_time() -> None:
    with pytest.raises(ValueError, match="aware"):
        judge(a_recording(), NOBODY, datetime(2026, 3, 2))  # noqa: DTZ001 -- that is what is refused


_lengths = st.none() | st.integers(1, 400).map("{}d".format)
_packs = st.lists(st.tuples(_lengths, _lengths), max_size=3).map(
    lambda several: [
        a_pack(
            *(keeps(f"r{n}.{end}", **{end: length}) for end, length in (("min", least), ("max", most)) if length), name=f"p{n}"
        )
        for n, (least, most) in enumerate(several)
        if least or most
    ]
)


@given(packs=_packs, days=st.integers(0, 800), house=st.integers(0, 400), held=st.booleans(), asked=st.booleans())
def test_nothing_goes_before_its_last_minimum_or_under_a_hold_and_what_stays_without_a_person_stays_for_a_reason(
    packs: list[Pack], days: int, house: int, held: bool, asked: bool
) -> None:
    now = ENDED + timedelta(days=days)
    request = Erasure(now, "GDPR 17") if asked else None
    answer = judge(a_recording(*packs), House(house), now, [HOLD] if held else [], request=request)
    assert answer.reasons
    match answer:
        case Goes():
            assert not held
            assert answer.kept_until is None or answer.kept_until <= now
            assert asked or answer.overdue or 0 < house <= days
        case Stays():
            assert answer.until is None or answer.until > now


@given(packs=_packs, days=st.integers(0, 800), house=st.integers(1, 400))
def test_what_may_go_once_may_go_ever_after(packs: list[Pack], days: int, house: int) -> None:
    now = ENDED + timedelta(days=days)
    if isinstance(judge(a_recording(*packs), House(house), now), Goes):
        assert isinstance(judge(a_recording(*packs), House(house), now + timedelta(days=100)), Goes)
