"""Which small changes of a module are tried, to see whether a test notices? Text in, texts out; nothing is run here.

The changes are mutmut's (its mutation operators: a comparison turned, a number one more, an argument left out, a case dropped).
They are made in the bodies of functions and methods, decorated ones too. Annotations, defaults of parameters, decorators and
what stands outside of functions stay as they are.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import libcst as cst
from mutmut.mutation.mutators import mutation_operators

SPARED_CALLS = frozenset({"len", "isinstance"})  # without their argument they only crash


@dataclass(frozen=True, slots=True)
class Mutant:
    """A module with one change: in which function, the lines before and after it, and the whole text with it."""

    module: str
    function: str
    was: str
    now: str
    text: str


def mutants_of(module: str, source: str) -> Iterator[Mutant]:
    """Every mutant of the module that is a program, in the order of the source."""
    tree = cst.parse_module(source)
    statements = [tree.code_for_node(statement) for statement in tree.body]
    before = source.removesuffix("".join(statements))
    for statement, text in zip(tree.body, statements, strict=True):
        after = source[len(before) + len(text) :]
        for name, function in _functions(statement):
            for changed in (change for node in _nodes(function.body) for change in _changes(node)):
                mutated = tree.code_for_node(statement.deep_replace(*changed))
                if mutated != text and _compiles(whole := before + mutated + after):
                    was, now = _difference(text.splitlines(), mutated.splitlines())
                    yield Mutant(module, name, was, now, whole)
        before += text


def _functions(statement: cst.CSTNode) -> Iterator[tuple[str, cst.FunctionDef]]:
    if isinstance(statement, cst.FunctionDef):
        yield statement.name.value, statement
    elif isinstance(statement, cst.ClassDef):
        for method in statement.body.body:
            if isinstance(method, cst.FunctionDef):
                yield f"{statement.name.value}.{method.name.value}", method


def _nodes(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """The node and all below it whose change may mean something, from the first to the last."""
    if isinstance(node, cst.Annotation | cst.Decorator | cst.Parameters):
        return
    if isinstance(node, cst.Call) and isinstance(node.func, cst.Name) and node.func.value in SPARED_CALLS:
        return
    yield node
    for child in node.children:
        yield from _nodes(child)


def _changes(node: cst.CSTNode) -> Iterator[tuple[cst.CSTNode, cst.CSTNode]]:
    for kind, operator in mutation_operators:
        if isinstance(node, kind):
            yield from ((node, changed) for changed in operator(node))


def _compiles(text: str) -> bool:
    try:
        compile(text, "<mutant>", "exec")
    except SyntaxError:
        return False
    return True


def _difference(before: list[str], after: list[str]) -> tuple[str, str]:
    """The lines that are not the same, without their indentation."""
    same = 0
    while same < min(len(before), len(after)) and before[same] == after[same]:
        same += 1
    alike = 0
    while alike < min(len(before), len(after)) - same and before[-1 - alike] == after[-1 - alike]:
        alike += 1
    return _stripped(before[same : len(before) - alike]), _stripped(after[same : len(after) - alike])


def _stripped(lines: list[str]) -> str:
    return "\n".join(line.strip() for line in lines)
