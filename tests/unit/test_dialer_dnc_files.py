"""Do-not-call lists as people and regulators write them: every number that can be read is taken, and the rest is told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.numbers import BadNumber, parse_number
from dialer.dnc_files import Listed, read_numbers, read_plain
from dialer.sheets import MAX_FIELD, ListError, RowError


def listed(text: str, region: str = "US") -> list[Listed | RowError]:
    return list(read_numbers(text, region, {}))


def test_every_number_and_the_person_of_a_row_are_suppressed() -> None:
    text = "person,phone,phone2,phone3,name\np1,2125550123,+1 212 555 0123,3125550199,Ada\n"
    assert listed(text) == [Listed(2, ("+12125550123", "+13125550199"), "p1")]


def test_a_number_or_person_listed_before_takes_nothing_from_a_later_row() -> None:
    text = "person,phone,phone2\np1,2125550123,\np1,3125550199,\np2,2125550123,2125550124\n"
    assert listed(text) == [
        Listed(2, ("+12125550123",), "p1"),
        Listed(3, ("+13125550199",), "p1"),
        Listed(4, ("+12125550123", "+12125550124"), "p2"),
    ]


@pytest.mark.parametrize(
    ("cells", "numbers", "person", "says"),
    [
        ("p1,12,2125550124", ("+12125550124",), "p1", "phone: "),
        ("p1,2125550123,rubbish", ("+12125550123",), "p1", "phone2: not a telephone number"),
        ("p1,12,", (), "p1", "phone: "),
        ("p\x07,2125550123,", ("+12125550123",), None, "person: holds a control character"),
        (f"{'p' * (MAX_FIELD + 1)},2125550123,", ("+12125550123",), None, "person: 201 characters"),
        ("p1,2125550123", ("+12125550123",), "p1", "row: 2 fields where the header has 3"),
        ("p1,2125550123,2125550124,x", ("+12125550123", "+12125550124"), "p1", "row: 4 fields where the header has 3"),
    ],
)
def test_what_can_be_understood_of_a_bad_row_is_suppressed_and_the_rest_told(
    cells: str, numbers: tuple[str, ...], person: str | None, says: str
) -> None:
    entry, fault = listed(f"person,phone,phone2\n{cells}\n")
    assert entry == Listed(2, numbers, person)
    assert str(fault).startswith(f"line 2, {says}")


def test_a_row_that_names_nobody_is_told() -> None:
    assert [str(row) for row in listed("person,phone,name\n,,Ada\n,12,Bo\n")] == [
        "line 2, phone: empty",
        "line 3, phone: not a number in use in the plan of country code +1",
    ]


def test_a_stray_quote_in_a_list_of_numbers_hides_no_other_number() -> None:
    assert [row.line for row in listed('phone,name\n2125550123,"Ada\n2125550124,Bo\n') if isinstance(row, Listed)] == [3]


@given(st.lists(st.tuples(*[st.sampled_from(["2125550123", "+13125550199", "12", "", "2125550124"])] * 3), max_size=20))
def test_every_number_that_can_be_read_anywhere_is_suppressed(cells: list[tuple[str, str, str]]) -> None:
    text = "phone,phone2,phone3\n" + "".join(",".join(row) + "\n" for row in cells)
    named = {number[-10:] for row in listed(text) if isinstance(row, Listed) for number in row.numbers}
    assert named == {cell[-10:] for row in cells for cell in row if len(cell) > 2}


# --- bare numbers, one a line ----------------------------------------------------------------------------------------


def plain(text: str, region: str = "US") -> list[str]:
    found = read_plain(text.encode().splitlines(keepends=True), region)
    return [row.numbers[0] if isinstance(row, Listed) else str(row) for row in found]


@pytest.mark.parametrize(
    "line", ["2125550123", "212,5550123", "212-555-0123", "12125550123", "+12125550123", '"2125550123"', " 212.555.0123\r"]
)
def test_a_line_of_a_regulators_file_is_read_however_it_is_written(line: str) -> None:
    assert plain(f"{line}\n") == ["+12125550123"]


def test_a_number_that_is_not_in_use_yet_is_taken_from_a_regulators_file() -> None:
    with pytest.raises(BadNumber):
        parse_number("9995550123", "US")
    assert plain("9995550123\n") == ["+19995550123"]


def test_elsewhere_a_line_is_read_as_a_number_of_the_country() -> None:
    assert plain("020 7946 0958\n+33145678901\n", "GB") == ["+442079460958", "+33145678901"]


def test_blank_lines_are_no_rows_and_are_counted_and_a_bad_line_is_told() -> None:
    assert plain("\n2125550123\n\nrubbish\n12\n") == [
        "+12125550123",
        "line 4, number: not a telephone number",
        "line 5, number: not a number in use in the plan of country code +1",
    ]


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        ("2125550123\n电话\n".encode(), "line 2: not ASCII"),
        (b"2125550123\n" + b"x" * 81, "line 2: 81 bytes"),
        ("2125550123\n".encode("utf-16"), "line 1: not ASCII"),
    ],
)
def test_what_is_no_file_of_numbers_is_told_at_its_line(raw: bytes, says: str) -> None:
    with pytest.raises(ListError, match=f"^{says}"):
        list(read_plain(raw.splitlines(keepends=True), "US"))


@given(st.lists(st.from_regex(r"[2-9][0-9]{2}[2-9][0-9]{6}", fullmatch=True), max_size=30))
def test_ten_digits_are_read_to_the_last_of_them(numbers: list[str]) -> None:
    assert plain("".join(f"{number}\n" for number in numbers)) == [f"+1{number}" for number in numbers]
