"""When is a command's code loaded? When somebody asks for that command, and not before.

The rule it protects: what needs no database, phone or sound does not wait for them. `compliance check` answers in under a
second because nothing of the rest is imported; `--help` lists every command and imports none of them.

A group is told where its commands are by a table. One more command is one more line in it:

    "consent": Elsewhere("dialer.cli.people:consent", "Who allowed calls, and how far."),
"""

from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import click


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Where a command is, as `module:attribute`, and the first sentence of its help, which a test compares with the command's."""

    place: str
    says: str

    def load(self) -> click.Command:
        """The command itself. Raises ImportError or AttributeError where there is none, TypeError for something else."""
        module, _, attribute = self.place.partition(":")
        try:
            found = getattr(import_module(module), attribute)
        except KeyError as error:  # which in a mapping would say that there is no such command
            raise ImportError(f"{self.place} cannot be loaded: {error!r}") from error
        if not isinstance(found, click.Command):
            raise TypeError(f"{self.place} is no command but a {type(found).__name__}")
        return found


class OnDemand(MutableMapping[str, click.Command]):
    """Commands by name. Their names are known; a command is loaded when it is taken out, and then kept."""

    def __init__(self, table: Mapping[str, Elsewhere]) -> None:
        self.table = dict(table)
        self._loaded: dict[str, click.Command] = {}

    def summaries(self) -> dict[str, click.Command]:
        """Every command by name, with its help for a list of commands; one that is not loaded is not loaded for it."""
        return {name: click.Command(name, help=one.says) for name, one in self.table.items()} | self._loaded

    def __getitem__(self, name: str) -> click.Command:
        if name not in self._loaded:
            self._loaded[name] = self.table[name].load()
        return self._loaded[name]

    def __setitem__(self, name: str, command: click.Command) -> None:
        self._loaded[name] = command

    def __delitem__(self, name: str) -> None:
        if name not in self:
            raise KeyError(name)
        self.table.pop(name, None)
        self._loaded.pop(name, None)

    def __contains__(self, name: object) -> bool:
        return name in self.table or name in self._loaded

    def __iter__(self) -> Iterator[str]:
        return iter(self.table | self._loaded)

    def __len__(self) -> int:
        return len(self.table | self._loaded)


class LazyGroup(click.Group):
    """A group whose commands are `elsewhere`. `commands` holds them all, as in any group."""

    def __init__(self, *args: Any, elsewhere: Mapping[str, Elsewhere], **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._on_demand = OnDemand(elsewhere)
        self.commands = self._on_demand

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        click.Group(commands=self._on_demand.summaries()).format_commands(ctx, formatter)
