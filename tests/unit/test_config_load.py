"""What a site's settings may say, and how what is wrong with them is told."""

import os
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.load import DATABASE_VARIABLE, SETTINGS_FILE, ConfigError, init_site, load_site, read_secret
from config.schema import SiteSettings


def a_site(directory: Path, settings: str | bytes = "") -> Path:
    content = settings.encode() if isinstance(settings, str) else settings
    (directory / SETTINGS_FILE).write_bytes(content)
    return directory


def problems_of(directory: Path) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        load_site(directory, {})
    return caught.value.problems


def a_secret(path: Path, content: bytes = b"s3cret\n", mode: int = 0o600) -> Path:
    path.write_bytes(content)
    path.chmod(mode)
    return path


def test_an_empty_file_is_a_site_with_every_default(tmp_path: Path) -> None:
    assert load_site(a_site(tmp_path), {}).settings == SiteSettings()


def test_what_the_file_says_replaces_the_default(tmp_path: Path) -> None:
    site = load_site(a_site(tmp_path, 'seller = "保险公司"\n[pbx]\nport = 5039\n[dialing]\nwrap_up_seconds = 30\n'), {})
    assert (site.settings.seller, site.settings.pbx.port, site.settings.dialing.wrap_up_seconds) == ("保险公司", 5039, 30)
    assert site.settings.pbx.host == SiteSettings().pbx.host


def test_relative_paths_are_relative_to_the_site_and_absolute_ones_stay(tmp_path: Path) -> None:
    site = load_site(a_site(tmp_path, '[recorder]\narchive = "/srv/archive"\n[pbx]\nspool = "raw"\n'), {})
    assert site.archive == Path("/srv/archive")
    assert site.spool == tmp_path / "raw"
    assert site.secret_file == tmp_path / "secrets/ami"
    assert site.database_url == f"sqlite:///{tmp_path}/ringfence.db"


def test_a_relative_directory_becomes_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_site(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert load_site(Path(), {}).directory == tmp_path


def test_an_absolute_sqlite_file_stays_where_it_is(tmp_path: Path) -> None:
    assert load_site(a_site(tmp_path, 'database_url = "sqlite:////srv/x.db"'), {}).database_url == "sqlite:////srv/x.db"


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ("[pbx]\nport = 99999", "pbx.port: 99999 is greater than 65535"),
        ("[pbx]\nport = 0", "pbx.port: 0 is less than 1"),
        ("[pbx]\nport = 50.5", "pbx.port: 50.5 is not a whole number"),
        ('[pbx]\nport = "5038"', "pbx.port: '5038' is not a whole number"),
        ("[pbx]\nport = true", "pbx.port: True is not a whole number"),
        ("[gate]\npermit_seconds = 0", "gate.permit_seconds: 0 is not greater than 0"),
        ("[gate]\npermit_seconds = 61", "gate.permit_seconds: 61 is greater than 60"),
        ('[gate]\npermit_seconds = "10"', "gate.permit_seconds: '10' is not a number"),
        ('[gate]\npacks = "house"', "gate.packs: 'house' is not a list"),
        ("[gate]\npacks = [1]", "gate.packs.0: 1 is not text"),
        ("[recorder]\narchive = 3", "recorder.archive: 3 is not text"),
        ("pbx = 3", "pbx: 3 is not a section"),
        ('region = "usa"', "region: 'usa' does not match ^[A-Z]{2}$"),
        ('seller = ""', "seller: '' is shorter than 1 characters"),
        ("region = 3", "region: 3 is not text"),
        ("seller = 1979-05-27", "seller: 1979-05-27 is not a value that a setting can have"),
        ("[dialing]\nwrap_up_seconds = inf", "dialing.wrap_up_seconds: inf is not a value that a setting can have"),
        ("[dialing]\nwrap_up_seconds = nan", "dialing.wrap_up_seconds: nan is not a value that a setting can have"),
        ("[pbx]\nprot = 1", "pbx.prot: unknown key (did you mean port?)"),
        ("[dailing]\nring_seconds = 5", "dailing: unknown key (did you mean dialing?)"),
        ("zzz = 1", "zzz: unknown key"),
        ('database_url = "mysql://h/d"', "database_url: must begin with sqlite:/// or postgresql://"),
        ('database_url = "sqlite://"', "database_url: must begin with sqlite:/// or postgresql://"),
        ('database_url = "sqlite:///:memory:"', "database_url: names no file; a site's database outlives the process"),
        ('database_url = "sqlite:///x.db?mode=ro"', "database_url: the path of the database may not contain '?'"),
        ('database_url = "postgresql://[::1"', "database_url: is not a URL"),
    ],
)
def test_a_wrong_setting_is_named_with_its_key_and_value(tmp_path: Path, settings: str, line: str) -> None:
    assert f"{SETTINGS_FILE}: {line}" in problems_of(a_site(tmp_path, settings))


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    assert problems_of(a_site(tmp_path, 'selller = "x"\nregion = "usa"\n[pbx]\nport = 0\n')) == (
        f"{SETTINGS_FILE}: region: 'usa' does not match ^[A-Z]{{2}}$",
        f"{SETTINGS_FILE}: pbx.port: 0 is less than 1",
        f"{SETTINGS_FILE}: selller: unknown key (did you mean seller?)",
    )


def test_the_value_of_an_unknown_key_is_never_shown(tmp_path: Path) -> None:
    assert "hunter2" not in "".join(problems_of(a_site(tmp_path, '[pbx]\nsecret = "hunter2"\n')))


@pytest.mark.parametrize(
    "url", ["postgresql://ringfence:hunter2@db/ringfence", "postgresql://db/ringfence?user=ringfence&password=hunter2"]
)
def test_a_password_in_the_file_is_refused_and_not_shown(tmp_path: Path, url: str) -> None:
    (line,) = problems_of(a_site(tmp_path, f'database_url = "{url}"\n'))
    assert DATABASE_VARIABLE in line
    assert "hunter2" not in line


def test_the_environment_overrides_the_database_and_its_password_is_not_shown(tmp_path: Path) -> None:
    url = "postgresql://ringfence:hunter2@db/ringfence"
    site = load_site(a_site(tmp_path), {DATABASE_VARIABLE: url})
    assert site.database_url == url
    assert "hunter2" not in repr(site)


def test_an_empty_variable_overrides_nothing(tmp_path: Path) -> None:
    assert load_site(a_site(tmp_path), {DATABASE_VARIABLE: ""}).database_url.startswith("sqlite:///")


def test_a_wrong_variable_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=f"^{DATABASE_VARIABLE}: must begin with"):
        load_site(a_site(tmp_path), {DATABASE_VARIABLE: "ringfence.db"})


def test_a_directory_without_settings_is_told_how_to_become_a_site(tmp_path: Path) -> None:
    for directory in (tmp_path, tmp_path / "absent", a_secret(tmp_path / "file")):
        expected = f"{directory} is not a site: no {SETTINGS_FILE}; make one with `ringfence init {directory}`"
        assert problems_of(directory) == (expected,)


def test_settings_that_are_a_directory_are_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / SETTINGS_FILE).mkdir()
    assert problems_of(tmp_path) == (f"{tmp_path / SETTINGS_FILE}: cannot be read: Is a directory",)


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ("seller = \n", "not valid TOML: Invalid value (at line 1, column 10)"),
        ("[pbx]\nport = 1\nport = 2\n", "not valid TOML: Cannot overwrite a value (at line 3, column 9)"),
        ("seller = '公司'\n".encode("gb18030"), "line 1 is not UTF-8; save the file as UTF-8"),
        (b"\n\nseller = '\xff'\n", "line 3 is not UTF-8; save the file as UTF-8"),
        ("seller = 'x'\n".encode("utf-16"), "line 1 is not UTF-8; save the file as UTF-8"),
    ],
)
def test_a_broken_file_is_told_with_its_line(tmp_path: Path, settings: str | bytes, line: str) -> None:
    assert problems_of(a_site(tmp_path, settings)) == (f"{SETTINGS_FILE}: {line}",)


def test_a_file_nested_without_end_is_refused_in_one_line(tmp_path: Path) -> None:
    (line,) = problems_of(a_site(tmp_path, "seller = " + "[" * 100_000))
    assert line.startswith(f"{SETTINGS_FILE}: not valid TOML: ")
    assert "\n" not in line


def test_a_byte_order_mark_is_no_error(tmp_path: Path) -> None:
    assert load_site(a_site(tmp_path, b"\xef\xbb\xbfregion = 'CN'\n"), {}).settings.region == "CN"


@pytest.mark.parametrize("settings", ['region = "{}"', "{} = 1", "[pbx]\n{} = 1"])
def test_a_million_characters_make_a_short_message(tmp_path: Path, settings: str) -> None:
    (line,) = problems_of(a_site(tmp_path, settings.format("x" * 1_000_000)))
    assert len(line) < 300


@given(name=st.text(min_size=1, max_size=40), value=st.text(max_size=200))
def test_whatever_a_key_is_called_each_problem_is_one_printable_line(
    tmp_path_factory: pytest.TempPathFactory, name: str, value: str
) -> None:
    import json  # noqa: PLC0415 -- only this test writes TOML's basic strings by way of JSON's

    def quoted(text: str) -> str:
        return json.dumps(text.encode("utf-8", "replace").decode(), ensure_ascii=False).replace("\x7f", "\\u007f")

    directory = a_site(tmp_path_factory.mktemp("site"), f"region = {quoted(value + '!')}\n[pbx]\n{quoted(name + '!')} = 1\n")
    lines = problems_of(directory)
    assert len(lines) == 2
    assert all(line.isprintable() for line in lines)


def test_a_secret_that_only_its_owner_can_read_is_read(tmp_path: Path) -> None:
    for content in (b"s3cret", b"s3cret\n", b"s3cret\r\n"):
        assert read_secret(a_secret(tmp_path / "ami", content)) == "s3cret"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o601])
def test_a_secret_open_to_anybody_else_is_refused(tmp_path: Path, mode: int) -> None:
    path = a_secret(tmp_path / "ami", mode=mode)
    with pytest.raises(ConfigError) as caught:
        read_secret(path)
    assert str(caught.value) == f"{path}: others can read it (mode {mode:04o}); run `chmod 600 {path}`"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"\n", "empty"),
        (b"one\ntwo\n", "one line of printable text"),
        (b"a\rb", "one line of printable text"),
        (b"\xff\xfe", "not UTF-8 text"),
        (b"x" * 5000, "longer than a secret can be"),
    ],
)
def test_a_secret_that_could_not_be_sent_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        read_secret(a_secret(tmp_path / "ami", content))


def test_a_missing_secret_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="missing; write the secret into it"):
        read_secret(tmp_path / "ami")


def test_a_secret_that_is_no_file_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    for path in (tmp_path / "pipe", tmp_path):
        with pytest.raises(ConfigError, match="not a file"):
            read_secret(path)


def test_a_new_site_has_all_its_parts_and_says_the_defaults(tmp_path: Path) -> None:
    site = init_site(tmp_path / "floor" / "one")
    assert site.settings == SiteSettings()
    assert sorted(path.name for path in site.directory.iterdir()) == ["archive", "prompts", SETTINGS_FILE, "secrets", "spool"]
    assert [(site.directory / name).stat().st_mode & 0o777 for name in ("secrets", "archive")] == [0o700, 0o700]
    assert load_site(site.directory, {}) == site


def test_a_new_site_of_the_lab_says_only_that(tmp_path: Path) -> None:
    assert init_site(tmp_path / "real").settings.pbx.lab is False
    site = init_site(tmp_path / "lab", lab=True)
    assert site.settings.pbx == SiteSettings().pbx.model_copy(update={"lab": True})


def test_secrets_that_were_open_to_others_are_closed(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir(mode=0o755)
    init_site(tmp_path)
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700


def test_a_site_is_never_overwritten(tmp_path: Path) -> None:
    directory = a_site(tmp_path, 'seller = "mine"\n')
    with pytest.raises(ConfigError, match="is a site already"):
        init_site(directory)
    assert (directory / SETTINGS_FILE).read_text() == 'seller = "mine"\n'


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    a_secret(tmp_path / "file")
    with pytest.raises(ConfigError, match=r"file/site: cannot be made: Not a directory"):
        init_site(tmp_path / "file" / "site")
    with pytest.raises(ConfigError, match=r"file exists already and is left as it is"):
        init_site(tmp_path / "file")


def test_an_interrupted_init_is_simply_repeated(tmp_path: Path) -> None:
    init_site(tmp_path)
    (tmp_path / SETTINGS_FILE).unlink()  # it is written last: this is what a kill at the worst moment leaves
    assert init_site(tmp_path).settings == SiteSettings()


def test_every_default_of_the_settings_file_can_be_uncommented(tmp_path: Path) -> None:
    init_site(tmp_path)
    file = tmp_path / SETTINGS_FILE
    commented = file.read_text(encoding="utf-8")
    uncommented = "".join(
        line.removeprefix("#") if line.startswith("#") and line[1] != " " else line
        for line in commented.splitlines(keepends=True)
    )
    assert set(tomllib.loads(uncommented)) == set(SiteSettings.model_fields)
    file.write_text(uncommented, encoding="utf-8")
    assert load_site(tmp_path, {}).settings == SiteSettings()
