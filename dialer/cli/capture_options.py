"""How a campaign is to be recorded and disclosed, as options of `campaign create`."""

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any

import click

from dialer.cli.arguments import FiniteRange
from recorder.capture import PAUSE_LIMIT, CaptureFrom, CaptureMode, CapturePolicy
from sip.port import DisclosedBy

BY_RULES = "by_rules"


def capture_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Gives the command the options, and hands it what they say together as `capture`, a CapturePolicy."""

    @click.option(
        "--capture",
        "mode",
        type=click.Choice([mode.value for mode in CaptureMode]),
        default=CaptureMode.ALWAYS.value,
        show_default=True,
        help="What is recorded; where rules ask for more or allow less, they win.",
    )
    @click.option(
        "--capture-from",
        "begins",
        type=click.Choice([one.value for one in CaptureFrom]),
        default=CaptureFrom.WHOLE_CALL.value,
        show_default=True,
        help="after_consent: nothing of the customer before the notice was heard, or the key pressed.",
    )
    @click.option(
        "--disclosed-by",
        type=click.Choice([BY_RULES, *(how.value for how in DisclosedBy)]),
        default=DisclosedBy.PROMPT_BEFORE.value,
        show_default=True,
        help="How the customer learns of the recording; by_rules: as the agent joins, where a rule wants an agent at once.",
    )
    @click.option(
        "--announce/--announce-where-asked",
        default=True,
        show_default=True,
        help="Whether a notice is given also where no rule asks for one.",
    )
    @click.option(
        "--again-after-transfer/--once",
        "again",
        default=True,
        show_default=True,
        help="Whether the notice is heard again when an agent under other rules joins.",
    )
    @click.option(
        "--recorded-or-not-connected/--connected-unrecorded",
        "only_recorded",
        default=True,
        show_default=True,
        help="What becomes of a call that may not be recorded, and of a customer who does not consent.",
    )
    @click.option(
        "--pause-seconds",
        type=FiniteRange(5, 3600),
        default=PAUSE_LIMIT.total_seconds(),
        show_default=True,
        help="A pause of the recording ends by itself after this long.",
    )
    @wraps(command)
    def with_policy(
        *args: Any,
        mode: str,
        begins: str,
        disclosed_by: str,
        announce: bool,
        again: bool,
        only_recorded: bool,
        pause_seconds: float,
        **rest: Any,
    ) -> Any:
        how = None if disclosed_by == BY_RULES else DisclosedBy(disclosed_by)
        if CaptureFrom(begins) is CaptureFrom.AFTER_CONSENT and how is not None and not how.comes_first:
            raise click.UsageError(
                f"--capture-from after_consent needs a notice before the agent is there, and {how} is none: "
                f"use --disclosed-by {DisclosedBy.PROMPT_BEFORE} or {DisclosedBy.PRESS_TO_CONSENT}"
            )
        limit = timedelta(seconds=pause_seconds)
        capture = CapturePolicy(CaptureMode(mode), CaptureFrom(begins), how, announce, again, only_recorded, limit)
        return command(*args, capture=capture, **rest)

    return with_policy


def described(policy: CapturePolicy) -> str:
    """The policy in one line, for people."""
    else_ = "or not connected" if policy.recorded_or_not_connected else "or connected unrecorded"
    how, limit = policy.disclosed_by or BY_RULES, policy.pause_limit.total_seconds()
    return f"{policy.mode}, {policy.begins}, {else_}; disclosed: {how}; a pause ends after {limit:g} s"
