"""Commands that are elsewhere: the table says of each what the command says of itself, and nothing is loaded unasked."""

import importlib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from config import logs
from dialer.cli.context import site_command
from dialer.cli.lazy import Elsewhere, LazyGroup, OnDemand
from dialer.cli.main import main

NOWHERE = Elsewhere("dialer.cli.nowhere:nothing", "Is never there.")
ECHO = '''import click

@click.command()
def echo() -> None:
    """Say it again. Twice if need be."""
    click.echo("again")
'''


def tables(group: click.Group, path: str = "ringfence") -> Iterator[tuple[str, str, click.Command, click.Command]]:
    """Each command of each lazy group: its path, its name there, how the list of commands shows it, and the command."""
    summaries = OnDemand(group.commands.table).summaries() if isinstance(group.commands, OnDemand) else {}
    for name, command in group.commands.items():
        if name in summaries:
            yield f"{path} {name}", name, summaries[name], command
        if isinstance(command, click.Group):
            yield from tables(command, f"{path} {name}")


ALL = list(tables(main))


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Elsewhere:
    (tmp_path / "somewhere_else.py").write_text(ECHO + "\nnumber = 7\n", "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    return Elsewhere("somewhere_else:echo", "Say it again.")


def test_the_command_itself_and_its_rules_are_found_by_their_tables() -> None:
    assert {"ringfence campaign", "ringfence compliance", "ringfence compliance check"} <= {path for path, *_ in ALL}


@pytest.mark.parametrize(("name", "shown", "command"), [row[1:] for row in ALL], ids=[row[0] for row in ALL])
def test_the_list_of_commands_says_of_each_what_it_says_of_itself(
    name: str, shown: click.Command, command: click.Command
) -> None:
    assert command.name == name
    assert not command.hidden
    for limit in range(10, 150, 7):
        assert shown.get_short_help_str(limit) == command.get_short_help_str(limit)


def test_help_and_names_load_nothing() -> None:
    group = LazyGroup("site", elsewhere={"nothing": NOWHERE})
    helped = CliRunner().invoke(group, ["--help"])
    assert helped.exit_code == 0
    assert "nothing  Is never there." in helped.output
    assert group.list_commands(click.Context(group)) == ["nothing"]
    assert "nothing" in group.commands
    assert len(group.commands) == 1


def test_a_command_is_loaded_when_it_is_asked_for_and_then_kept(elsewhere: Elsewhere) -> None:
    group = LazyGroup("site", elsewhere={"echo": elsewhere, "nothing": NOWHERE})
    done = CliRunner().invoke(group, ["echo"])
    assert (done.exit_code, done.output) == (0, "again\n")
    assert group.commands["echo"] is group.commands["echo"]
    assert "echo     Say it again." in CliRunner().invoke(group, ["--help"]).output


def test_a_command_that_is_not_in_the_table_is_told_with_those_that_sound_like_it(elsewhere: Elsewhere) -> None:
    done = CliRunner().invoke(LazyGroup("site", elsewhere={"echo": elsewhere}), ["ecko"])
    assert done.exit_code == 2
    assert "No such command 'ecko'" in done.output
    assert "echo" in done.output.partition("ecko")[2]


def test_what_is_in_the_table_and_not_there_is_an_error_that_names_it(elsewhere: Elsewhere) -> None:
    with pytest.raises(ModuleNotFoundError, match=r"dialer\.cli\.nowhere"):
        NOWHERE.load()
    with pytest.raises(AttributeError, match="nothing"):
        Elsewhere("somewhere_else:nothing", "").load()
    with pytest.raises(TypeError, match="somewhere_else:number is no command but a int"):
        Elsewhere("somewhere_else:number", "").load()


def test_a_command_that_fails_while_it_is_loaded_is_not_said_to_be_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_elsewhere.py").write_text("{}['missing']\n", "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    group = LazyGroup("site", elsewhere={"broken": Elsewhere("broken_elsewhere:broken", "Is broken.")})
    with pytest.raises(ImportError, match=r"broken_elsewhere:broken cannot be loaded: KeyError\('missing'\)"):
        group.commands.get("broken")


def test_commands_can_be_put_beside_those_of_the_table_and_taken_away(elsewhere: Elsewhere) -> None:
    group = LazyGroup("site", elsewhere={"echo": elsewhere})
    group.add_command(click.Command("other", help="Put here."))
    assert sorted(group.commands) == ["echo", "other"]
    assert "other  Put here." in CliRunner().invoke(group, ["--help"]).output
    for name in ("echo", "other"):
        del group.commands[name]
    assert dict(group.commands) == {}
    with pytest.raises(KeyError, match="echo"):
        del group.commands["echo"]


@pytest.mark.parametrize(
    ("options", "lines"),
    [
        ([], ["a warning"]),
        (["--log-level", "info"], ["a remark", "a warning"]),
        (["--log-level", "ERROR"], []),
        (["--log-json"], ['"event": "a warning"']),
    ],
)
def test_a_command_on_a_site_logs_as_the_command_line_asks(options: list[str], lines: list[str]) -> None:
    @click.command()
    @site_command
    def probe() -> None:
        log = logs.get("probe")
        log.info("a remark")
        log.warning("a warning")

    whole = click.Group("ringfence", {"probe": probe}, params=main.params, callback=main.callback)
    logged = CliRunner().invoke(whole, [*options, "probe"]).stderr.splitlines()
    assert len(logged) == len(lines)
    assert all(text in line for text, line in zip(lines, logged, strict=True))
