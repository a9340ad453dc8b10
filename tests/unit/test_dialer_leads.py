"""Lists as people really export them: good rows load, bad rows are told with their line, and no row is lost."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.leads import COLUMNS, FORM, LeadRow, read
from dialer.sheets import MAX_FIELD, ListError, RowError, columns

UNCLEAR = ("Factory", "localtime", "posixrules", "Etc/UTC", "SystemV/EST5", "right/Asia/Tokyo", "posix/Asia/Tokyo")
ZONES = frozenset({"America/New_York", "America/Chicago", "Asia/Shanghai", *UNCLEAR})


def rows(text: str, mapping: dict[str, str] | None = None, region: str = "US") -> list[LeadRow | RowError]:
    return list(read(text, region, mapping or {}, ZONES))


def good(text: str, mapping: dict[str, str] | None = None, region: str = "US") -> list[LeadRow]:
    found = rows(text, mapping, region)
    assert not [row for row in found if isinstance(row, RowError)], found
    return [row for row in found if isinstance(row, LeadRow)]


def told(text: str, region: str = "US") -> list[str]:
    return [str(row) if isinstance(row, RowError) else f"line {row.line} good" for row in rows(text, region=region)]


# --- good lists ------------------------------------------------------------------------------------------------------


def test_a_row_with_everything() -> None:
    text = "phone,phone2,name,person,zone,subject\n(212) 555-0123,+1 312-555-0199, Ada Byron ,p7,America/New_York,boiler\n"
    assert good(text) == [
        LeadRow(2, "p7", "Ada Byron", ("+12125550123", "+13125550199"), "America/New_York", "boiler"),
    ]


def test_without_a_person_the_first_number_stands_for_them() -> None:
    assert good("phone\n2125550123\n") == [LeadRow(2, "+12125550123", "", ("+12125550123",), "", "")]


def test_a_number_given_twice_in_a_row_is_tried_once() -> None:
    assert good("phone,phone2\n2125550123,+1 (212) 555 0123\n")[0].numbers == ("+12125550123",)


def test_a_row_whose_first_number_is_missing_uses_the_second() -> None:
    assert good("phone,phone2\n,2125550123\n")[0].numbers == ("+12125550123",)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_every_line_end_and_delimiter(end: str, delimiter: str) -> None:
    lines = [delimiter.join(cells) for cells in (("phone", "name"), ("2125550123", "Ada"), ("2125550124", "Bo"))]
    assert [(row.line, row.name) for row in good(end.join(lines) + end)] == [(2, "Ada"), (3, "Bo")]


def test_a_list_without_a_line_end_at_its_end() -> None:
    assert [row.line for row in good("phone\n2125550123\n2125550124")] == [2, 3]


@pytest.mark.parametrize(
    "header",
    [
        "手机号码,姓名,时区,产品",
        "电话,客户姓名,时区,产品",
        "Phone Number,Full Name,timezone,subject",
        " PHONE , NAME ,zone,subject",
    ],
)
def test_headers_as_people_write_them(header: str) -> None:
    (row,) = good(f"{header}\n138 0013 8000,张三,Asia/Shanghai,保险\n", region="CN")
    assert row == LeadRow(2, "+8613800138000", "张三", ("+8613800138000",), "Asia/Shanghai", "保险")


def test_columns_that_mean_nothing_to_us_are_left_alone_however_large() -> None:
    assert good(f"notes,phone\n{'x' * 1_000_000},2125550123\n")[0].numbers == ("+12125550123",)


def test_blank_lines_are_no_rows_and_are_counted() -> None:
    assert told("phone,name\n\n  \n,\n2125550123,Ada\n") == ["line 5 good"]


def test_lines_are_counted_through_quoted_line_ends() -> None:
    text = 'phone,notes\n2125550123,"one\ntwo\r\nthree"\nx,y\n2125550124,"a ""quoted"" word"\n'
    assert told(text) == ["line 2 good", "line 5, phone: not a telephone number", "line 6 good"]


# --- the header ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "the file is empty"),
        ("\n", "no phone column"),
        ("name,zone\nAda,\n", r"no phone column among 'name', 'zone'; name it with --map 'Your column=phone'"),
        ("phone,mobile\n", r"two columns for 'phone' \('mobile' is the second\)"),
        ("phone,phone\n", "two columns for 'phone'"),
        ('phone,"name\n2125550123,Ada\n', "line 1, row: not CSV"),
        (",".join(f"c{serial}" for serial in range(400)), "no phone column among .* …"),
    ],
)
def test_a_header_that_cannot_be_used_is_told_at_once(text: str, says: str) -> None:
    with pytest.raises(ListError, match=says):
        read(text, "US", {}, ZONES)


def test_a_header_without_rows_is_an_empty_list() -> None:
    assert rows("phone,name\n") == []
    assert rows("phone,name") == []


def test_a_mapping_names_columns_that_nobody_would_guess() -> None:
    (row,) = good("ref,nr\nAda,2125550123\n", {"nr": "phone", "ref": "name"})
    assert (row.name, row.numbers) == ("Ada", ("+12125550123",))


@pytest.mark.parametrize(("chosen", "position"), [("phone", 0), ("mobile", 1), ("tel", 2)])
def test_a_mapping_chooses_among_columns_of_the_same_meaning(chosen: str, position: int) -> None:
    assert columns(["phone", "mobile", "tel"], {chosen: "phone"}, FORM) == {position: "phone"}


def test_a_mapping_puts_each_of_several_numbers_in_its_place() -> None:
    header = ["mobile", "tel", "number"]
    assert columns(header, {"tel": "phone", "mobile": "phone2", "number": "phone3"}, FORM) == {
        0: "phone2",
        1: "phone",
        2: "phone3",
    }


@pytest.mark.parametrize(
    ("mapping", "says"),
    [
        ({"nr": "phone"}, "--map nr=phone: the header has no column 'nr'; it has 'phone', 'name'"),
        ({"name": "colour"}, "--map name=colour: there is no field 'colour'"),
        ({"phone": "name", "name": "name"}, "two columns for 'name'"),
    ],
)
def test_a_mapping_that_fits_nothing_is_told(mapping: dict[str, str], says: str) -> None:
    with pytest.raises(ListError, match=says):
        columns(["phone", "name"], mapping, FORM)


# --- bad rows --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        ("12,Ada,,", "line 2, phone: "),
        ("+1 212 555 0123 ext 4,Ada,,", "line 2, phone: has an extension"),
        ("1.38E+10,Ada,,", "line 2, phone: "),
        ("#REF!,Ada,,", "line 2, phone: not a telephone number"),
        (",Ada,,", "line 2, phone: empty"),
        ("2125550123,Ada,,77", "line 2, phone2: "),
        ("2125550123,Ada,Mars/Olympus,", "line 2, zone: 'Mars/Olympus' is not an IANA time zone"),
        ("2125550123,Ada,", "line 2, row: 3 fields where the header has 4"),
        ("2125550123,Ada,,,", "line 2, row: 5 fields where the header has 4"),
        (f"2125550123,{'x' * (MAX_FIELD + 1)},,", f"line 2, name: {MAX_FIELD + 1} characters, at most {MAX_FIELD}"),
        (f"2125550123,{'x' * 1_000_000},,", "line 2, name: 1000000 characters"),
        (f"{'1' * 1_000_000},Ada,,", "line 2, phone: 1000000 characters"),
        ("2125550123,A\x07da,,", "line 2, name: holds a control character"),
        ("2125550123,A\x7fda,,", "line 2, name: holds a control character"),
        ("2125550123,A\u0085da,,", "line 2, name: holds a control character"),
        ('2125550123,"A\nda",,', "line 2, name: holds a control character"),
        ('2125550123,"Ada"x,,', "line 2, row: not CSV"),
    ],
)
def test_a_bad_row_is_told_with_its_place_and_the_next_one_loads(cells: str, says: str) -> None:
    bad, *rest = told(f"phone,name,zone,phone2\n{cells}\n3125550199,Bo,,\n")
    assert bad.startswith(says), bad
    assert [line.partition(" good")[0] for line in rest] == [f"line {3 + cells.count(chr(10))}"]


def test_a_field_of_just_the_longest_size_is_taken() -> None:
    assert len(good(f"phone,name\n2125550123,{'x' * MAX_FIELD}\n")[0].name) == MAX_FIELD


def test_a_field_beyond_what_the_parser_takes_is_one_bad_row() -> None:
    text = f"phone,name\n2125550123,{'x' * (16 * 1024 * 1024 + 1)}\n2125550124,Bo\n"
    bad, fine = told(text)
    assert bad.startswith("line 2, row: not CSV: field larger")
    assert fine == "line 3 good"


@pytest.mark.parametrize("zone", UNCLEAR)
def test_a_zone_that_names_no_place_is_told(zone: str) -> None:
    (bad, fine) = told(f"phone,zone\n2125550123,{zone}\n2125550124,America/Chicago\n")
    assert bad == f"line 2, zone: {zone!r} does not say where the person is; name a place such as America/New_York"
    assert fine == "line 3 good"


def test_a_quote_that_is_never_closed_costs_its_own_line_and_no_other() -> None:
    fine, bad, *rest = told('phone,name\n2125550123,Ada\n2125550124,"Bo\n2125550125,Cy\n2125550126,"Di, Do"\n')
    assert [fine, *rest] == ["line 2 good", "line 4 good", "line 5 good"]
    assert bad.startswith("line 3, row: not CSV: ")
    assert bad.endswith("; read on at the next line")


def test_lines_are_counted_through_quoted_line_ends_after_a_stray_quote() -> None:
    text = 'phone,notes\n2125550123,"stray\n2125550124,"one\r\ntwo"\n2125550125,"lost\n2125550126,x'
    assert [line.partition(":")[0] for line in told(text)] == ["line 2, row", "line 3 good", "line 5, row", "line 6 good"]


def test_a_list_of_nothing_but_stray_quotes_is_told_line_by_line() -> None:
    found = rows("phone,name\n" + '2125550123,"Ada\n' * 20_000)
    assert [row.line for row in found] == list(range(2, 20_002))
    assert all(isinstance(row, RowError) for row in found)


@pytest.mark.parametrize(
    ("second", "first"),
    [
        ("p1,3125550199,", 2),  # the same person
        ("p9,2125550123,", 2),  # the same number
        ("p9,3125550199,2125550123", 2),  # the same number, in another column
        ("p9,3125550199,2125550124", 2),
        ("+12125550123,3125550199,", 2),  # a person named by that number
    ],
)
def test_a_person_or_number_seen_before_is_told_with_the_line_that_has_it(second: str, first: int) -> None:
    found = rows(f"person,phone,phone2\np1,2125550123,2125550124\n{second}\n")
    assert isinstance(found[0], LeadRow)
    assert found[1] == RowError(3, "phone", f"the same person or number as line {first}", repeats=first)


def test_a_row_that_was_not_taken_does_not_make_the_next_one_a_repeat() -> None:
    text = "person,phone,zone\np1,2125550123,nowhere\np1,2125550123,\n"
    assert [isinstance(row, LeadRow) for row in rows(text)] == [False, True]


# --- where, and for whom a debt is collected -----------------------------------------------------------------------------


def test_a_row_names_the_debt_its_creditor_and_where_the_person_is() -> None:
    (row,) = good("phone,债务,债权人,region\n2125550123,L-77,First Bank,us-fl\n")
    assert (row.debt, row.creditor, row.region) == ("L-77", "First Bank", "US-FL")


@pytest.mark.parametrize("region", ["US", "US-TX", "CN-NX", "CN", "GB-SCT", "CA-QC", "hk"])
def test_a_region_is_read_in_capitals_or_small_letters(region: str) -> None:
    (row,) = good(f"phone,region\n2125550123,{region}\n")
    assert row.region == region.upper()


@pytest.mark.parametrize("region", ["USA", "Florida", "FL-", "US-ZZ", "CN-XX", "XX", "UK", "US-", "-FL", "US FL", "１"])
def test_a_region_that_is_none_is_told_rather_than_left_out(region: str) -> None:
    bad, fine = told(f"phone,region\n2125550123,{region}\n2125550124,US\n")
    assert bad.startswith("line 2, region: ")
    assert bad.endswith("is no country, state or province in ISO 3166, such as US or US-FL")
    assert fine == "line 3 good"


def test_a_column_that_only_looks_like_one_of_ours_can_be_left_alone() -> None:
    (row,) = good("phone,region\n2125550123,North-West\n", {"region": "-"})
    assert row.region == ""


# --- whatever comes --------------------------------------------------------------------------------------------------

CELLS = st.one_of(
    st.sampled_from(["2125550123", "+13125550199", "212 555 0124", "", " ", "Ada", '"', "x" * 300, "a\nb", "America/Chicago"]),
    st.text(max_size=12),
)
WILD = st.text(
    alphabet=st.one_of(st.sampled_from(list('",;\t\r\n 0123456789+')), st.characters(exclude_categories=["Cs"])), max_size=200
)


@given(st.one_of(WILD, WILD.map(lambda text: f"phone,name\n{text}")))
def test_no_text_raises_anything_but_a_list_error_and_lines_only_grow(text: str) -> None:
    try:
        found = rows(text)
    except ListError:
        return
    lines = [row.line for row in found]
    assert lines == sorted(set(lines))
    for row in found:
        assert isinstance(row, RowError) or row.numbers


@given(st.permutations(["phone", "name", "zone", "person"]), st.lists(st.lists(CELLS, max_size=6), max_size=12))
def test_every_row_that_is_not_blank_is_good_or_told(header: list[str], cells: list[list[str]]) -> None:
    written = io.StringIO()
    writer = csv.writer(written, quoting=csv.QUOTE_ALL)
    writer.writerows([header, *cells])
    expected = [row for row in cells if any(cell.strip() for cell in row)]
    found = rows(written.getvalue())
    assert len(found) == len(expected)
    for row, came in zip(found, expected, strict=True):
        if isinstance(row, LeadRow):
            assert len(came) == len(header)
            assert row.name == came[header.index("name")].strip()
            assert row.person == (came[header.index("person")].strip() or row.numbers[0])
    held = [key for row in found if isinstance(row, LeadRow) for key in {row.person, *row.numbers}]
    assert len(held) == len(set(held))


@given(st.lists(st.sampled_from([*COLUMNS, "mobile", "手机", "notes", ""]), max_size=8))
def test_a_header_gives_each_field_one_column_or_is_refused(header: list[str]) -> None:
    try:
        found = columns(header, {}, FORM)
    except ListError:
        return
    assert "phone" in found.values()
    assert len(set(found.values())) == len(found)
    assert set(found.values()) <= set(COLUMNS)
