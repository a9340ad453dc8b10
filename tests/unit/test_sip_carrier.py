"""The table of behaviours, the numbers and the SIPp scenario say one thing."""

import re
from pathlib import Path
from xml.etree import ElementTree

import phonenumbers
import pytest
from phonenumbers import timezone

from sip.carrier import BEHAVIOURS, COUNTRIES, Behaviour, behaviour_of, number_for
from sip.sipp import scenario

XML = scenario(BEHAVIOURS, Path("/media"))
TREE = ElementTree.fromstring(XML)


def steps_of(behaviour: Behaviour) -> list[ElementTree.Element]:
    """The steps of one behaviour: from its label to the next behaviour's."""
    tests = [(test.get("regexp"), test.get("assign_to", "")) for test in TREE.iter("ereg")]
    (label,) = [variable.removeprefix("is") for regexp, variable in tests if regexp == f"{behaviour.value}@"]
    elements = list(TREE)
    start = next(index for index, element in enumerate(elements) if element.tag == "label" and element.get("id") == label)
    own = {label, str(int(label) + 100)}
    steps = []
    for element in elements[start:]:
        if element.tag == "label" and element.get("id") not in own:
            break
        steps.append(element)
    return steps


def test_every_behaviour_is_in_the_table_once_and_no_two_share_their_digits() -> None:
    assert set(BEHAVIOURS) == set(Behaviour)
    assert len({behaviour.value for behaviour in Behaviour}) == len(Behaviour)
    assert all(re.fullmatch(r"[0-9]{2}", behaviour.value) for behaviour in Behaviour)


@pytest.mark.parametrize("country", COUNTRIES)
def test_the_numbers_of_a_country_are_valid_there_in_one_zone_and_no_two_alike(country: str) -> None:
    zones = set()
    numbers = [number_for(behaviour, index, country) for behaviour in Behaviour for index in range(len(COUNTRIES[country]))]
    assert len(set(numbers)) == len(numbers)
    for number in numbers:
        parsed = phonenumbers.parse(number)
        assert phonenumbers.is_valid_number_for_region(parsed, country), number
        zones |= set(timezone.time_zones_for_number(parsed))
    assert len(zones) == 1


def test_there_are_two_hundred_subscribers_of_each_behaviour_at_home() -> None:
    assert len(COUNTRIES["US"]) >= 200


@pytest.mark.parametrize("behaviour", Behaviour)
def test_a_number_leads_back_to_its_behaviour(behaviour: Behaviour) -> None:
    for country, numbers in COUNTRIES.items():
        assert {behaviour_of(number_for(behaviour, index, country)) for index in (0, len(numbers) - 1)} == {behaviour}


def test_a_number_of_nobody_has_no_behaviour() -> None:
    assert behaviour_of("+12125550199") is None


@pytest.mark.parametrize(("index", "country"), [(-1, "US"), (10_000, "US"), (0, "XX")])
def test_a_subscriber_that_does_not_exist_is_refused(index: int, country: str) -> None:
    with pytest.raises(ValueError, match=r"subscriber"):
        number_for(Behaviour.TALKS, index, country)


def test_each_label_that_is_jumped_to_exists_once() -> None:
    labels = [element.get("id") for element in TREE.iter("label")]
    jumps = {element.get(way) for element in TREE.iter() for way in ("next", "ontimeout") if element.get(way)}
    assert len(labels) == len(set(labels))
    assert jumps <= set(labels)


@pytest.mark.parametrize("behaviour", Behaviour)
def test_the_scenario_does_what_the_table_says(behaviour: Behaviour) -> None:
    subscriber = BEHAVIOURS[behaviour]
    steps = steps_of(behaviour)
    sent = [(step.text or "").strip().splitlines()[0] for step in steps if step.tag == "send"]
    assert ("SIP/2.0 180 Ringing" in sent) == (subscriber.rings_s > 0)
    final = f"SIP/2.0 {subscriber.status} {subscriber.reason}"
    assert (sent[-1] == final) == (subscriber.status is not None)
    played = [action.get("rtp_stream", "") for step in steps for action in step.iter("exec")]
    assert played == ([f"/media/{subscriber.audio}.ulaw,-1,0,PCMU/8000"] if subscriber.audio else [])
    if subscriber.status == 200:
        assert steps[-1].get("request") == "BYE"
        assert steps[-1].get("timeout") == str(int(subscriber.stays_s * 1000))
    ringing = [step.get("timeout") for step in steps if step.get("request") == "CANCEL"]
    patience_s = subscriber.rings_s if subscriber.status else 600
    assert ringing == ([str(int(patience_s * 1000))] if subscriber.rings_s else [])


def test_a_number_of_no_behaviour_is_refused_as_unobtainable() -> None:
    """After the last test of a behaviour comes 404, before any behaviour's own steps."""
    elements = list(TREE)
    last_test = max(index for index, element in enumerate(elements) if element.tag == "nop" and element.get("test"))
    assert "404 Not Found" in (elements[last_test + 1].text or "")
