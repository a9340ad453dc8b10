"""How is a mutant put in the place of the code that runs? Its code in the function's, and no cache that remembers the function's.

A function is found however it was taken hold of: by name, in a table, below a cache or a property. It stays the same object, and
so does whoever imported it; only what it does is another thing.
"""

import gc
import importlib
from functools import _lru_cache_wrapper, cached_property
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

from tests.mutants import Mutant

ROOT = Path(__file__).parents[1]

_caches: list[Any] = []


def source_of(module: str) -> Path:
    """The file of a module of compliance/."""
    return ROOT / "compliance" / f"{module}.py"


def functions_in(module: str) -> dict[str, FunctionType]:
    """The functions and methods of the module by their names, those below decorators too."""
    imported = importlib.import_module(f"compliance.{module}")
    found = {}
    for value in list(vars(imported).values()):
        inside = vars(value).values() if isinstance(value, type) and value.__module__ == imported.__name__ else ()
        for each in (value, *inside):
            function = _bare(each)
            if isinstance(function, FunctionType) and function.__code__.co_filename == imported.__file__:
                found[function.__qualname__] = function
    return found


def code_of(mutant: Mutant) -> CodeType:
    """The code of the mutated function, out of its whole module."""
    waiting = [compile(mutant.text, str(source_of(mutant.module)), "exec")]
    while waiting:
        for inner in waiting.pop().co_consts:
            if isinstance(inner, CodeType):
                if inner.co_qualname == mutant.function:
                    return inner
                waiting.append(inner)
    raise AssertionError(f"{mutant.function} is not in its own module")


def find_caches() -> None:
    """Finds every cache of this repository's modules: what a mutant would answer is not to be answered from there."""
    _caches[:] = [found for found in gc.get_objects() if isinstance(found, _lru_cache_wrapper) and _is_ours(found)]


def empty_caches() -> None:
    """Lets all that `find_caches` found forget."""
    for cache in _caches:
        cache.cache_clear()


def _is_ours(cache: Any) -> bool:
    return str(getattr(cache, "__module__", "")).partition(".")[0] in {"compliance", "config", "dialer", "sip", "tests"}


def _bare(value: object) -> object:
    match value:
        case property(fget=function) | cached_property(func=function):
            return function
        case staticmethod(__func__=function) | classmethod(__func__=function):
            return function
    return getattr(value, "__wrapped__", value)
