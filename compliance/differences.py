"""How do two verdicts differ, in words? The rule it protects: a replay that comes out otherwise says what is otherwise."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any


def differences(then: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[str, ...]:
    """What two verdicts, as JSON, do not have in common, in words; never empty for two that differ."""
    found = list(_unlike(then, now))
    return tuple(found) or ("the two texts are written differently",)


def _unlike(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    if then.get("verdict") != now.get("verdict"):
        yield f"the verdict was {then.get('verdict')!r} and is now {now.get('verdict')!r}"
    yield from _reasons(then.get("reasons", ()), now.get("reasons", ()))
    for name, said in _FIELDS.items():
        before, after = then.get(name), now.get(name)
        if before != after and (name in then and name in now):
            yield f"{said} was {_shown(before)} and is now {_shown(after)}"
    yield from _changes("pack", map(_pack_name, then.get("packs", ())), map(_pack_name, now.get("packs", ())))


_FIELDS = {
    "at": "the time of the decision",
    "retry_at": "the first permitted instant",
    "closes_at": "the end of the window",
    "zones": "the callee's zones",
}


def _reasons(then: Iterable[Mapping[str, Any]], now: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    before, after = _by_rule(then), _by_rule(now)
    for key in sorted(before.keys() | after.keys()):
        was, is_now = before.get(key), after.get(key)
        if was is None and is_now is not None:
            yield f"reason added: {key[0]}: {is_now['text']}"
        elif was is not None and is_now is None:
            yield f"reason gone: {key[0]}: {was['text']}"
        elif was is not None and is_now is not None:
            for name in sorted(was.keys() | is_now.keys()):
                if was.get(name) != is_now.get(name):
                    yield f"reason {key[0]}: {name} was {_shown(was.get(name))} and is now {_shown(is_now.get(name))}"


def _by_rule(reasons: Iterable[Mapping[str, Any]]) -> dict[tuple[str, int], Mapping[str, Any]]:
    found: dict[tuple[str, int], Mapping[str, Any]] = {}
    for reason in reasons:
        seen = sum(1 for rule, _ in found if rule == reason["rule"])
        found[reason["rule"], seen] = reason
    return found


def _changes(what: str, then: Iterable[str], now: Iterable[str]) -> Iterator[str]:
    before, after = list(then), list(now)
    yield from (f"{what} gone: {name}" for name in before if name not in after)
    yield from (f"{what} added: {name}" for name in after if name not in before)
    if sorted(before) == sorted(after) and before != after:
        yield f"the {what}s are in another order"


def _pack_name(pack: Iterable[str]) -> str:
    return "{} {} (sha256 {})".format(*pack)


def _shown(value: object) -> str:
    match value:
        case None:
            return "none"
        case list():
            return ", ".join(str(one) for one in value) or "none"
        case _:
            return str(value)
