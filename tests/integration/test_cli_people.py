"""What is known of people, as it is typed: consents, relations, inconvenient times, numbers that went to others."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from compliance.store import PermitVoid
from compliance.verdict import Candidate, Clearance, Permit
from config.clock import ManualClock
from dialer.bootstrap import opened
from tests.cli_site import Run, a_file, obeying, told
from tests.people_site import ANN, BOB, asked, days_ago, noon_in_new_york, reasons, rest

# --- consents --------------------------------------------------------------------------------------------------------


def test_the_proof_of_a_consent_is_kept_by_its_hash_and_its_name(run: Run, site: Path) -> None:
    proof = site / "form.pdf"
    proof.write_bytes(b"signed" * 1000)
    sha256 = hashlib.sha256(proof.read_bytes()).hexdigest()
    options = ("--person", "c-1", "--level", "written", "--proof", str(proof), "--given-at", "2026-03-01")
    assert told(run("consent", "add", *options, "--json"))["added"]
    (shown,) = told(run("consent", "show", "c-1", "--json"))
    assert (shown["consent"]["proof"], shown["in_force"]) == (sha256, True)
    (event,) = told(run("person", "show", "c-1", "--json"))["events"]
    assert ["file", "form.pdf"] in event["facts"]
    assert not told(run("consent", "add", *options, "--json"))["added"], "the same again is the same consent"
    assert len(told(run("consent", "show", "c-1", "--json"))) == 1


def test_consents_of_a_file_are_proven_by_the_files_it_names_and_imported_once(run: Run, site: Path) -> None:
    proofs = site / "proofs"
    proofs.mkdir()
    (proofs / "a.pdf").write_bytes(b"a")
    rows = [
        "客户编号,手机,level,scope,授权时间,file,proof",
        "c-1,2125550123,written,voice,2026-03-01,a.pdf,",
        f"c-2,,express,voice,2026-03-01,,{'0' * 64}",
        "c-3,,written,voice,2026-03-01,b.pdf,",
        "c-4,,written,voice,2026-03-01,../list.csv,",
        f"c-5,,written,voice,2026-03-01,a.pdf,{'0' * 64}",
        "c-6,,spoken,voice,2026-03-01,,",
    ]
    file = a_file(site, "\n".join(rows))
    dry = told(run("consent", "import", file, "--proofs", str(proofs), "--dry-run", "--json"))
    assert (dry["added"], len(dry["errors"])) == (2, 4)
    assert told(run("consent", "show", "c-1", "--json")) == []
    done = told(run("consent", "import", file, "--proofs", str(proofs), "--json"))
    assert (done["added"], done["known"]) == (2, 0)
    assert [(one["line"], one["column"]) for one in done["errors"]] == [(4, "file"), (5, "file"), (6, "proof"), (7, "level")]
    (shown,) = told(run("consent", "show", "c-1", "--json"))
    assert shown["consent"]["proof"] == hashlib.sha256(b"a").hexdigest()
    again = told(run("consent", "import", file, "--proofs", str(proofs), "--json"))
    assert (again["added"], again["known"]) == (0, 2)
    unproven = told(run("consent", "import", file, "--json"))
    assert (4, "file") in [(one["line"], one["column"]) for one in unproven["errors"]], "a name alone proves nothing"


@pytest.mark.parametrize("named", ["c-1", ANN, "2125550123"])
def test_a_consent_is_taken_back_by_the_person_or_by_whoever_is_on_the_number(run: Run, site: Path, named: str) -> None:
    run("campaign", "create", "spring")
    run("list", "import", a_file(site, f"person,phone,phone2\nc-1,{ANN},{BOB}\n"), "--campaign", "spring")
    run("consent", "add", "--person", "c-1", "--level", "express", "--scope", "voice")
    run("consent", "add", "--number", ANN, "--level", "express", "--scope", "voice")
    run("consent", "add", "--person", "c-9", "--level", "express", "--scope", "voice")
    assert len(told(run("consent", "withdraw", named, "--json"))["withdrawn"]) == 2
    for who in ("c-1", ANN):
        states = [one["in_force"] for one in told(run("consent", "show", who, "--json"))]
        assert states, who
        assert not any(states), who
    assert [one["in_force"] for one in told(run("consent", "show", "c-9", "--json"))] == [True], "of somebody else"


def test_a_call_that_was_permitted_and_not_yet_placed_is_not_placed_after_a_withdrawal(run: Run, site: Path) -> None:
    run("consent", "add", "--person", "c-1", "--level", "express")
    with opened(site, ManualClock(noon_in_new_york())) as parts:
        permit = parts.ledger.permit(Candidate("a-1", "c-1", ANN, "spring", parts.site.settings.seller, "boiler"))
        assert isinstance(permit, Permit)
        run("consent", "withdraw", "c-1")
        with pytest.raises(PermitVoid):
            parts.ledger.spend(permit.permit_id)


def test_what_was_given_to_one_seller_is_taken_back_from_that_one(run: Run) -> None:
    for seller in ("A", "B"):
        run("consent", "add", "--person", "c-1", "--level", "express", "--seller", seller)
    run("consent", "withdraw", "c-1", "--seller", "A")
    shown = told(run("consent", "show", "c-1", "--json"))
    assert {one["consent"]["seller"]: one["in_force"] for one in shown} == {"A": False, "B": True}


def test_what_is_learnt_late_was_still_taken_back(run: Run) -> None:
    assert "no consent was in force" in run("consent", "withdraw", "c-1").stdout
    run("consent", "add", "--person", "c-1", "--level", "express", "--given-at", "2026-03-01")
    assert [one["in_force"] for one in told(run("consent", "show", "c-1", "--json"))] == [False]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ((), "of whom"),
        (("--number", "12"), "'12': "),
        (("--person", "c-1", "--scope", "seller"), "--scope: 'seller' is no tag"),
        (("--person", "c-1", "--seller", "*"), "name the seller"),
        (("--person", "c-1", "--given-at", "2099-01-01"), "in the future"),
        (("--person", "c-1", "--expires", "2020-01-01"), "--expires: is not after"),
        (("--person", "c-1", "--proof", "nowhere.pdf"), "nowhere.pdf"),
    ],
)
def test_a_consent_that_says_too_little_is_refused(run: Run, options: tuple[str, ...], says: str) -> None:
    assert says in run("consent", "add", "--level", "written", *options, expect=2).stderr
    run("consent", "add", "--level", "spoken", "--person", "c-1", expect=2)
    assert told(run("consent", "show", "c-1", "--json")) == []


def test_a_lead_that_waited_for_a_consent_is_asked_about_again(run: Run, site: Path) -> None:
    run("campaign", "create", "spring")
    run("list", "import", a_file(site, f"person,phone\nc-1,{ANN}\nc-2,{BOB}\n"), "--campaign", "spring")
    for person in ("c-1", "c-2"):
        rest(site, person, "us.robocall_consent: written consent is needed: none is known")
    run("consent", "add", "--number", ANN, "--level", "written")
    assert told(run("campaign", "show", "spring", "--json"))["leads"] == {"new": 1, "refused": 1}


# --- relations, times, numbers that moved ----------------------------------------------------------------------------


def test_a_purchase_excuses_a_call_as_long_as_the_law_says(run: Run, site: Path) -> None:
    obeying(site, "house", "us-federal-telemarketing")
    file = a_file(site, f"{ANN}\n", "dnc.txt")
    run("dnc", "import", file, "--plain", "--list", "us.national_dnc", "--as-of", days_ago(0.1))
    assert list(reasons(asked(site, technology="manual"))) == ["us.ndnc"]
    run("relation", "add", "c-1", "--kind", "purchase", "--since", days_ago(600))
    assert list(reasons(asked(site, technology="manual"))) == ["us.ndnc"], "more than 18 months ago"
    run("relation", "add", "c-1", "--kind", "purchase", "--since", days_ago(100))
    assert isinstance(asked(site, technology="manual"), Clearance)
    assert len(told(run("relation", "show", "c-1", "--json"))) == 2


def test_relations_of_a_file_are_imported_once_and_unknown_kinds_told(run: Run, site: Path) -> None:
    file = a_file(site, f"person,phone,kind,since\nc-1,,purchase,2026-01-02\n,{BOB},inquiry,2026-02-03\nc-3,,friend,2026-01-02\n")
    done = told(run("relation", "import", file, "--json"))
    assert (done["added"], [one["line"] for one in done["errors"]]) == (2, [4])
    assert told(run("relation", "import", file, "--json"))["known"] == 2
    for written in (BOB, BOB.removeprefix("+1")):
        (held,) = told(run("relation", "show", written, "--json"))
        assert held["kind"] == "inquiry"
    assert "they ask about" in run("relation", "add", "c-1", "--kind", "friend", expect=2).stderr
    run("relation", "add", "c-1", "--kind", "purchase", "--since", "2099-01-01", expect=2)


def test_times_and_places_that_somebody_calls_inconvenient_are_kept_clear(run: Run, site: Path) -> None:
    obeying(site, "house", "us-regf")
    debt: dict[str, Any] = {"technology": "manual", "purpose": "debt_collection", "debt": "L-1"}
    assert isinstance(asked(site, **debt), Clearance)
    run("person", "inconvenient", "c-1", "--times", "* 11:00-14:30")
    assert "regf.hours" in reasons(asked(site, **debt)), "noon or one o'clock in New York is within"
    run("person", "inconvenient", "c-2", "--number", BOB)
    assert "regf.hours" in reasons(asked(site, "c-2", BOB, **debt))
    run("person", "inconvenient", "212 555 0133", "--times", "* 11:00-14:30")
    assert "regf.hours" in reasons(asked(site, "c-3", "+12125550133", **debt)), "whoever is on the number"
    shown = told(run("person", "show", "c-1", "--json"))
    assert shown["inconvenient_times"] == ["* 11:00-14:30"]
    assert "--times" in run("person", "inconvenient", "c-1", "--times", "noon", expect=2).stderr
    run("person", "inconvenient", "c-1", expect=2)


def test_a_number_that_went_to_somebody_else_takes_no_consent_with_it(run: Run, site: Path) -> None:
    run("consent", "add", "--number", ANN, "--level", "express", "--given-at", "2026-03-01")
    assert [one["in_force"] for one in told(run("consent", "show", ANN, "--json"))] == [True]
    run("person", "reassigned", ANN, "--at", "2026-04-01")
    assert told(run("consent", "show", ANN, "--json")) == []
    run("person", "reassigned", ANN, "--at", "2099-01-01", expect=2)


def test_all_that_is_known_of_somebody_is_shown_together(run: Run, site: Path) -> None:
    run("campaign", "create", "spring")
    run("list", "import", a_file(site, f"person,phone,phone2\nc-1,{ANN},{BOB}\n"), "--campaign", "spring")
    run("consent", "add", "--person", "c-1", "--level", "express")
    run("dnc", "add", "--person", "c-1", "--reason", "wrote a letter")
    shown = told(run("person", "show", "c-1", "--json"))
    assert shown["numbers"] == sorted([ANN, BOB])
    assert shown["do_not_call"]["reason"] == "wrote a letter"
    assert len(shown["consents"]) == 1
    assert told(run("person", "show", ANN, "--json"))["people"] == ["c-1"]
    assert "wrote a letter" in run("person", "show", "c-1").stdout
