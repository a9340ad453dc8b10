"""Commands as they are written about: each one that a page shows exists, and takes the options it is shown with."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from dialer.cli.main import main
from dialer.cli.reference import render

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "README.zh-CN.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"```sh\n(.*?)```", re.DOTALL)
INLINE = re.compile(r"`(ringfence [^`]*)`")


def shown(page: Path) -> list[str]:
    """Every `ringfence …` of a page, in blocks and in running text."""
    text = page.read_text(encoding="utf-8")
    lines = [line.split("#")[0].strip() for block in BLOCK.findall(text) for line in block.splitlines()]
    return [line for line in lines if re.match(r"(\S*/)?ringfence ", line)] + INLINE.findall(text)


def commands(command: click.Command, path: tuple[str, ...] = ("ringfence",)) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        for name, child in command.commands.items():
            yield from commands(child, (*path, name))


SHOWN = [(page.name, line) for page in PAGES if page.name != "cli.md" for line in shown(page)]
ALL = list(commands(main))


@pytest.mark.parametrize(("page", "line"), SHOWN)
def test_a_command_that_a_page_shows_exists_with_its_options(page: str, line: str) -> None:
    command: click.Command = main
    words = shlex.split(line)[1:]
    while words and isinstance(command, click.Group) and not words[0].startswith("-"):
        name = words.pop(0)
        assert name in command.commands, f"{page}: `{line}`: there is no {name}"
        command = command.commands[name]
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    for option in (word for word in words if word.startswith("-")):
        assert option.split("=")[0] in known, f"{page}: `{line}`: no option {option}"


@pytest.mark.parametrize(("path", "command"), ALL, ids=[" ".join(path) for path, _ in ALL])
def test_every_command_says_what_it_does_and_what_its_options_mean(path: tuple[str, ...], command: click.Command) -> None:
    assert command.get_short_help_str()
    for parameter in command.params:
        if isinstance(parameter, click.Option) and not parameter.hidden and not parameter.show_default:
            assert parameter.help, f"{' '.join(path)}: {parameter.opts[0]} has no help"


@pytest.mark.parametrize("path", [path[1:] for path, command in ALL if not isinstance(command, click.Group)], ids=" ".join)
def test_every_command_takes_json(path: tuple[str, ...]) -> None:
    assert "--json" in CliRunner().invoke(main, [*path, "--help"]).output


def test_the_page_of_commands_does_not_depend_on_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = render(main, "ringfence")
    for columns in ("40", "400"):
        monkeypatch.setenv("COLUMNS", columns)
        assert render(main, "ringfence") == usual


def test_a_hidden_command_is_not_written_about() -> None:
    group = click.Group("site", commands=[click.Command("shown", help="Seen."), click.Command("secret", hidden=True)])
    page = render(group, "site")
    assert "## `site shown`" in page
    assert "secret" not in page
