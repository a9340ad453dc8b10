"""Does a unit test notice when a line of a pure module is changed? Tries every mutant of the modules.

    python -m tests.mutating [MODULE ...]        (`make mutate`, which sets up what it needs and works on a copy)

The tests are imported once. Each mutant gets a process of its own, forked from that one, where its code is put in place of the
function's and every cache is emptied; then come the tests that call the function, the quickest first, until one fails. What was
made while the tests were imported (a pack at the head of a file) is of the code as it is, so that a mutant which lives on is
tried once more with those test files imported anew. Tests are the same in every run: hypothesis draws the same examples.
"""

import gc
import os
import resource
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Generator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, FunctionType

import pytest

from tests.explained import LAST, REASONS, Outcome, named, outcomes, pure_modules, reason_for, reasons, unexplained, written
from tests.in_place import code_of, empty_caches, find_caches, functions_in, source_of
from tests.mutants import Mutant, mutants_of

TESTS = Path(__file__).parent / "unit"
#: Tests left out: half a minute each, and slow tests would decide only what quick ones should.
LEFT_OUT = frozenset({"test_compliance_oracle.py", "test_compliance_year.py"})
#: Seconds of tests a mutant is given beside its module's own, the quickest first: hundreds run what the gate runs through.
ENOUGH = 3.0
#: A mutant that takes this many times as long as its tests did before, and these seconds more, does not end: it is noticed.
TIMES, SECONDS_MORE = 3, 3
MEMORY = 4 << 30  # bytes: a list that grows for ever ends here

OURS = frozenset({"tests.mutating", "tests.explained", "tests.in_place", "tests.mutants"})
OPTIONS = ("-qq", "-s", "--tb=no", "-p", "no:cacheprovider")


@dataclass(slots=True)
class Known:
    """What is known of the tests before any mutant: their seconds, and who calls which function, in tests and in imports."""

    seconds: dict[str, float] = field(default_factory=dict)
    tests_of: defaultdict[tuple[str, str], set[str]] = field(default_factory=lambda: defaultdict(set))
    files_of: defaultdict[tuple[str, str], set[Path]] = field(default_factory=lambda: defaultdict(set))


class Watch:
    """Notes which functions of the modules are called while it is on."""

    def __init__(self, modules: Sequence[str]) -> None:
        self._names = {str(source_of(module)): module for module in modules}
        self.called: set[tuple[str, str]] = set()

    def __enter__(self) -> "Watch":
        sys.setprofile(self._note)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)

    def _note(self, frame: FrameType, event: str, _: object) -> None:
        if event == "call" and (module := self._names.get(frame.f_code.co_filename)):
            self.called.add((module, frame.f_code.co_qualname.split(".<locals>")[0]))


class Trial:
    """The run of pytest inside which the mutants are tried: it collects as ever, and runs what the mutants need."""

    def __init__(self, modules: Sequence[str], tell: Callable[[str, Outcome], None]) -> None:
        self.modules = modules
        self.known = Known()
        self.failed = ""
        self.broken: list[str] = []
        self.found: dict[str, Outcome] = {}
        self._tell = tell

    def pytest_configure(self) -> None:
        from hypothesis import HealthCheck, Phase, settings  # noqa: PLC0415  # pytest wants to be the first that imports it

        phases = (Phase.explicit, Phase.generate)  # what fails need not be made small
        settings.register_profile(
            "mutants", derandomize=True, database=None, deadline=None, phases=phases, suppress_health_check=list(HealthCheck)
        )
        settings.load_profile("mutants")

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        with Watch(self.modules) as watch:
            report = yield
        if isinstance(collector, pytest.Module):
            for function in watch.called:
                self.known.files_of[function].add(collector.path)
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed = report.nodeid

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        find_caches()
        gc.freeze()
        self._read_the_tests(session.items)
        items = {item.nodeid: item for item in session.items}
        for module in self.modules:
            self._try_module(module, items)
        return True

    def _read_the_tests(self, items: Sequence[pytest.Item]) -> None:
        """Runs every test once, to know which functions it calls and how long it takes. One that fails decides nothing."""
        with tempfile.TemporaryFile("w+") as notes:

            def note() -> bool:
                for item, following in zip(items, [*items[1:], None], strict=True):
                    empty_caches()
                    self.failed = ""
                    began = cpu_seconds()
                    with Watch(self.modules) as watch:
                        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
                    called = " ".join(f"{module}:{function}" for module, function in sorted(watch.called))
                    print(cpu_seconds() - began, self.failed, item.nodeid, called, sep="\t", file=notes)  # into the file
                notes.flush()
                return False

            if alone(note):
                raise RuntimeError("the tests could not be run without any mutant")
            notes.seek(0)
            for line in notes:
                seconds, failed, test, called = line.rstrip("\n").split("\t")
                if failed:
                    self.broken.append(test)
                    continue
                self.known.seconds[test] = float(seconds)
                for name in called.split():
                    module, _, function = name.partition(":")
                    self.known.tests_of[module, function].add(test)

    def _try_module(self, module: str, items: Mapping[str, pytest.Item]) -> None:
        functions = functions_in(module)
        self._check_that_nothing_is_noticed_without_a_mutant(module, items)
        count, lived = 0, []
        for mutant in mutants_of(module, source_of(module).read_text(encoding="utf-8")):
            count += 1
            if not self._is_noticed(mutant, functions[mutant.function], items):
                lived.append(named(module, mutant.function, mutant.was, mutant.now))
        self.found[module] = Outcome(count, tuple(lived))
        self._tell(module, self.found[module])

    def _check_that_nothing_is_noticed_without_a_mutant(self, module: str, items: Mapping[str, pytest.Item]) -> None:
        """Tests that fail for being run in another order, or twice, would notice everything."""
        functions = {key for key in (*self.known.tests_of, *self.known.files_of) if key[0] == module}
        tests = {test for _, function in functions for test in self._tests_for(module, function)}
        if self._fails(
            [items[test] for test in items if test in tests], {file for key in functions for file in self.known.files_of[key]}
        ):
            raise RuntimeError(f"the tests of {module} fail without any mutant when they are run again")

    def _tests_for(self, module: str, function: str) -> list[str]:
        """The tests that call the function: those of its own module and, for ENOUGH seconds, others; the quickest come first."""
        seconds, left = self.known.seconds, ENOUGH
        chosen = []
        for test in sorted(self.known.tests_of[module, function], key=lambda test: (seconds[test], test)):
            own = f"/test_compliance_{module}." in test
            if not own:
                left -= seconds[test]
            if own or left > 0:
                chosen.append(test)
        return chosen

    def _is_noticed(self, mutant: Mutant, function: FunctionType, items: Mapping[str, pytest.Item]) -> bool:
        key = (mutant.module, mutant.function)
        as_it_is, function.__code__ = function.__code__, code_of(mutant)
        try:
            return self._fails([items[test] for test in self._tests_for(*key)], self.known.files_of[key])
        finally:
            function.__code__ = as_it_is

    def _fails(self, tests: Sequence[pytest.Item], files: AbstractSet[Path]) -> bool:
        """Whether one of the tests fails as things are now, or one of the files when it is imported anew."""

        def run() -> bool:
            empty_caches()
            for item, following in zip(tests, [*tests[1:], None], strict=False):  # without a test there is none to follow
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
                if self.failed:
                    return True
            return False

        def run_anew() -> bool:
            empty_caches()
            for name in [name for name in sys.modules if name.startswith(("tests.", "test_")) and name not in OURS]:
                del sys.modules[name]
            return bool(pytest.main([*OPTIONS, "--exitfirst", *map(str, sorted(files))]))

        seconds = self.known.seconds
        if alone(run, sum(seconds[item.nodeid] for item in tests)):
            return True
        names = {f"/{file.name}::" for file in files}
        return bool(files) and alone(run_anew, sum(seconds[test] for test in seconds if any(name in test for name in names)))


def alone(run: Callable[[], bool], seconds: float = 3600.0) -> bool:
    """What `run` says in a process of its own; True as well when that dies, or takes far longer than `seconds`."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            resource.setrlimit(resource.RLIMIT_CPU, (int(seconds * TIMES + SECONDS_MORE),) * 2)
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            quiet = os.open(os.devnull, os.O_WRONLY)
            os.dup2(quiet, 1)
            os.dup2(quiet, 2)
            status = int(run())
        finally:
            os._exit(status)
    return os.waitpid(pid, 0)[1] != 0


def cpu_seconds() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_utime


def main(chosen: Sequence[str]) -> int:
    """Tries the modules chosen, writes what was found beside what was known, and says whether all that lived on is explained."""
    explained = reasons(REASONS.read_text(encoding="utf-8"))

    def tell(module: str, one: Outcome) -> None:
        before = outcomes(LAST.read_text(encoding="utf-8")) if LAST.exists() else {}
        LAST.write_text(written({**before, module: one}), encoding="utf-8")
        print(f"{module}: {one.mutants} mutants, {one.killed} killed, {len(one.survived)} survived", flush=True)  # noqa: T201  # a command
        for mutant in one.survived:
            if reason_for(mutant, explained) is None:
                print(f"  not explained: {mutant}", flush=True)  # noqa: T201  # a command

    trial = Trial(chosen or pure_modules(), tell)
    files = sorted(str(path) for path in TESTS.glob("test_compliance_*.py") if path.name not in LEFT_OUT)
    status = pytest.main([*OPTIONS, *files], plugins=[trial])
    if len(trial.found) < len(trial.modules):
        return int(status) or 2
    for test in trial.broken:
        print(f"decides nothing, for it fails as it is: {test}")  # noqa: T201  # a command
    return 1 if unexplained(trial.found, explained) or trial.broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
