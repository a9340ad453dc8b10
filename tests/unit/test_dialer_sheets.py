"""Files as people really export them: what their bytes say, and what is no text of any kind."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.leads import LeadRow, read
from dialer.sheets import ListError, RowError, decode, objects

TEXT = "姓名,手机\n张三,13800138000\n"


@pytest.mark.parametrize(
    ("raw", "encoding"),
    [
        (TEXT.encode(), None),
        (TEXT.encode("utf-8-sig"), None),
        (TEXT.encode("gb18030"), None),
        (TEXT.encode("gbk"), None),
        (TEXT.encode("utf-16"), None),
        (b"\xfe\xff" + TEXT.encode("utf-16-be"), None),
        (TEXT.encode("utf-16-le"), "utf-16-le"),
        (TEXT.encode("utf-8-sig"), "utf-8"),
        (b"\xff\xfe" + TEXT.encode("utf-16-le"), "utf-16-le"),
        (TEXT.encode("big5", errors="replace").replace(b"?", b""), "big5"),
    ],
)
def test_lists_in_the_encodings_people_use(raw: bytes, encoding: str | None) -> None:
    text = decode(raw, encoding).text
    assert not text.startswith("\ufeff")
    if encoding != "big5":
        assert text == TEXT
        (row,) = read(text, "CN", {}, frozenset())
        assert isinstance(row, LeadRow)
        assert row.name == "张三"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("phone,name\n2125550123,Jorge Muñoz\n", "cp1252"),
        ("phone,name\n2125550123,Müller\n2125550124,GARCÍA\n", "cp1252"),
        ("phone,name\n2125550123,Ñuñez\n", "cp1252"),
        ("phone,name,sex\n13800138000,Wang,男\n", "gb18030"),  # nothing but single signs: may be anything
    ],
)
def test_bytes_that_only_could_be_gb_18030_are_not_guessed_to_be(text: str, encoding: str) -> None:
    raw = text.encode(encoding)
    assert raw.decode("gb18030")
    with pytest.raises(ListError, match="gb18030 would give no Chinese text; name its encoding with --encoding"):
        decode(raw)
    assert decode(raw, encoding).text == text, "what is named is taken"


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        "手机,姓名,地址,性别\n13800138000,张三,“静园”A座1203室（东）,女\n",
        "phone,name\n13800138000,艾力·买买提\n",
        "電話,姓名\n0912345678,張偉\n",
        "手机,姓名,产品\n13800138000,李喆,T恤衫 50％ ①\n",
    ],
)
def test_chinese_lists_in_gb_18030_are_known_without_being_told(text: str) -> None:
    found = decode(text.encode("gb18030"))
    assert (found.text, found.encoding) == (text, "gb18030")


@pytest.mark.parametrize(
    ("raw", "encoding", "says"),
    [
        (b"phone\n\xff\n", None, r"not utf-8-sig at byte 6 \(line 2\); not gb18030 at byte 6 \(line 2\); name its encoding"),
        ("name\ncafé\n".encode("latin-1"), None, "not utf-8-sig at byte 8"),
        (b"phone\n\xe9\n", "utf-8", r"not utf-8 at byte 6 \(line 2\)"),
        (b"\xff\xfea\x00b", None, "not utf-16"),
        (b"phone\n\x00\n", None, "not a text file: a NUL at character 6"),
        (TEXT.encode("utf-16-le"), "latin-1", "a NUL at character"),
        (b"phone,name\n2125550123,\\ud800\n", "unicode_escape", "half a character at character 22"),
        (b"phone\n", "klingon", "no encoding for lists is called 'klingon'"),
        (b"phone\n", "base64", "no encoding for lists is called 'base64'"),
        (b"phone\n", "undefined", "no encoding for lists is called 'undefined'"),
        (b"phone\n", "utf-8\x00", "no encoding for lists"),
        (b"phone\n" * 99 + b"\xff", "idna", "idna"),
        (b"PK\x03\x04\x14\x00\x06\x00", None, "not a text file"),  # a spreadsheet with the wrong name
    ],
)
def test_bytes_that_are_no_list_are_told_with_their_place(raw: bytes, encoding: str | None, says: str) -> None:
    with pytest.raises(ListError, match=says):
        decode(raw, encoding)


@given(
    st.binary(max_size=200),
    st.sampled_from([None, "utf-8", "latin-1", "utf-16", "utf-7", "gb18030", "idna", "punycode", "hex", ""]),
)
def test_no_bytes_raise_anything_but_a_list_error(raw: bytes, encoding: str | None) -> None:
    try:
        text = decode(raw, encoding).text
    except ListError:
        return
    assert "\x00" not in text
    text.encode()


# --- lines of JSON ---------------------------------------------------------------------------------------------------


def test_lines_of_json_are_objects_each_with_its_line() -> None:
    assert list(objects(['{"a": 1}', "", "  ", '{"b": "x"}\r'])) == [(1, {"a": 1}), (4, {"b": "x"})]


@pytest.mark.parametrize(
    ("line", "says"),
    [("{", "not JSON: "), ("[1]", "not a JSON object"), ("7", "not a JSON object"), ("[" * 100_000, "not JSON: ")],
)
def test_a_line_that_is_no_object_is_told_and_the_next_is_read(line: str, says: str) -> None:
    (_, bad), (_, fine) = objects([line, '{"a": 1}'])
    assert isinstance(bad, RowError)
    assert str(bad).startswith(f"line 1, row: {says}")
    assert fine == {"a": 1}
