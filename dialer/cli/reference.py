"""What can be typed? Writes docs/cli.md from the commands themselves, so that a page and a `--help` cannot disagree.

Pure over a `click.Command`: nothing is run. A test compares the page with the real command.
"""

from collections.abc import Iterator

import click

_WIDTH = 100  # of the quoted help, whatever the terminal of who writes the page


def render(command: click.Command, name: str) -> str:
    """Markdown: one section a command, in the order of `--help`, each with its `--help` word for word.

    Hidden commands are left out. `name` is what the command is called on the command line.
    """
    return "\n".join(_sections(command, name, None)) + "\n"


def _sections(command: click.Command, name: str, parent: click.Context | None) -> Iterator[str]:
    settings = {**command.context_settings, "terminal_width": _WIDTH, "max_content_width": _WIDTH, "color": False}
    context = click.Context(command, info_name=name, parent=parent, **settings)
    yield from (f"## `{context.command_path}`", "", "```text", click.unstyle(command.get_help(context)).strip(), "```", "")
    if isinstance(command, click.Group):
        for child in command.list_commands(context):
            found = command.get_command(context, child)
            if found is not None and not found.hidden:
                yield from _sections(found, child, context)
