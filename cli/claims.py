"""A claim as typed: its names looked up in the derivation, f′ given its meaning, and then compared with the truth."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..autograd.language import N_, translate
from .errors import CommandError
from .parse import free_names, function_table, nearest, parse
from .problem import FILE, Problem, load
from .tokens import NAME, OPERATOR, tokenize
from .values import parse_assignments, parse_names, parse_shapes

if TYPE_CHECKING:
    from ..autograd.node import Node
    from ..autograd.symbolic.mistakes.scene import Scene
    from ..autograd.symbolic.mistakes.verdict import Verdict
    from ..autograd.symbolic.terms import Term


def check_expression(
    expression: str | None,
    claim: str,
    at: Sequence[str],
    shape: Sequence[str],
    wrt: Sequence[str],
    let: Sequence[str],
    seed: int,
) -> Verdict:
    """The verdict on a claimed derivative by the one variable in `wrt`; without one, on a claimed value of the expression.

    >>> check_expression("(y-z)**2", "2*(y-z)", (), (), ["y"], (), 0).right
    True
    """  # fmt: skip
    from ..autograd.symbolic.mistakes import check_claim

    lets = parse_assignments(let, "--let")
    table = function_table()
    functions = {name: Alias(rest, name) for name, rest in lets.items() if rest in table}
    shorthands = {name: rest for name, rest in lets.items() if name not in functions}
    file = expression is not None and FILE.fullmatch(expression)
    ours = [] if file or expression is None else _of_the_graph(expression, shorthands, functions)
    passed = [f"{name}={shorthands[name]}" for name in ours] + (
        [] if file else [f"{name}={rest}" for name, rest in functions.items()]
    )
    problem = load(expression, at, shape, seed, wrt, passed)
    output, variable = _question(problem, wrt)
    own = {name: rest for name, rest in shorthands.items() if name not in ours}
    sizes = parse_shapes(shape)[1]

    def build(scene: Scene) -> Node:
        return _Reading(claim, scene, own, functions, sizes).node()

    of = _second(problem, parse_names(wrt)) if len(parse_names(wrt)) > 1 else None
    verdict = check_claim(output, variable, build, problem.named, seed=seed, text=claim, of=of)
    if verdict.right or variable is not None or output.shape:
        return verdict
    return _without_wrt(verdict, problem, build, seed, claim)


MOST_TRIED = 20
"""A claim without --wrt is tried as the derivative by so many variables at most."""


def _without_wrt(
    verdict: Verdict, problem: Problem, build: Callable[[Scene], Node], seed: int, claim: str
) -> Verdict:
    """The verdict on a claim about a value; where it is right as a derivative, --wrt was forgotten."""
    from dataclasses import replace

    from ..autograd.errors import NngraphError
    from ..autograd.symbolic.derivation import Sentence
    from ..autograd.symbolic.mistakes import Slip, check_claim

    variables = [(name, leaf) for name, leaf in problem.leaves.items() if leaf.dtype.kind == "f"]
    for name, leaf in variables[:MOST_TRIED]:
        try:
            tried = check_claim(problem.output, leaf, build, problem.named, seed=seed, text=claim)
        except NngraphError:
            continue
        if tried.right:
            said = Sentence(
                N_("this is {derivative}, not the value: say --wrt {name} to ask about the derivative"),
                {"derivative": tried.of, "name": name},
            )
            return replace(verdict, slip=Slip("wrt", said))
    return verdict


class Alias(str):
    """The name of an op, and what the user calls it: f6 for sigmoid."""

    said: str

    def __new__(cls, op: str, said: str) -> Alias:
        alias = super().__new__(cls, op)
        alias.said = said
        return alias


def _of_the_graph(text: str, shorthands: Mapping[str, str], functions: Mapping[str, str]) -> list[str]:
    """The shorthands that the expression uses or that speak of its variables only, in an order in which they can be read.

    The others speak of lines of the derivation, or of f′, and belong to the claim.
    """
    uses = {name: free_names(rest, functions) for name, rest in shorthands.items()}
    primed = {name for name, rest in shorthands.items() if any(token.primes for token in tokenize(rest))}
    needed, waiting = set(), list(free_names(text, functions))
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            waiting += uses.get(name, ())
    variables = needed - shorthands.keys()
    ready: list[str] = []
    while True:
        more = [
            name
            for name in shorthands
            if name not in ready
            and name not in primed
            and all(each in ready or each in variables for each in uses[name])
        ]
        if not more:
            break
        ready += more
    if missing := [name for name in needed & shorthands.keys() if name not in ready]:
        raise CommandError(translate(N_("--let {name} cannot be worked out before it is used"), name=missing[0]))
    return ready


def _question(problem: Problem, wrt: Sequence[str]) -> tuple[Node, Node | None]:
    """What the claim is about: the output and its variable. `w,w` asks about the second derivative."""
    from ..autograd.differentiate import gradient
    from ..autograd.symbolic.local import board

    names = parse_names(wrt)
    if not names:
        return problem.output, None
    if len(set(names)) > 1:
        raise CommandError(
            translate(N_("a claim is about one variable, not {count}"), count=len(names)),
            translate(N_("write for example {example}"), example=f"--wrt {names[0]}"),
        )
    known: dict[str, Node] = {symbol.name: node for node, symbol in board(problem.output).symbols.items()}
    known |= {**problem.named, **problem.leaves}
    if names[0] not in known:
        meant = nearest(names[0], known)
        raise CommandError(
            translate(N_("--wrt {name}: there is no variable of that name"), name=names[0]),
            translate(N_("did you mean {meant}?"), meant=meant)
            if meant
            else translate(N_("the variables are {known}"), known=", ".join(known)),
        )
    output, variable = problem.output, known[names[0]]
    for _ in names[1:]:
        (output,) = gradient(output, [variable])
    if output.shape:
        raise CommandError(
            translate(N_("a derivative belongs to one number, but the expression has the shape {shape}"), shape=tuple(map(int, output.shape))),
            translate(N_("write sum(…) around it")),
        )  # fmt: skip
    return output, variable


def _second(problem: Problem, names: Sequence[str]) -> Term:
    """∂²E/∂w²: what a claim with --wrt w,w is about."""
    from ..autograd.symbolic.local import board
    from ..autograd.symbolic.terms import Partial

    return Partial(board(problem.output).name(problem.output), tuple(names))


class _Reading:
    """One claim being read against a scene."""

    def __init__(
        self,
        claim: str,
        scene: Scene,
        lets: Mapping[str, str],
        functions: Mapping[str, Alias],
        sizes: Mapping[str, Any],
    ) -> None:
        self.claim = claim
        self.scene = scene
        self.lets = lets
        self.functions = functions
        self.sizes = sizes
        self.primes = scene.primes
        self.names = _Names(self)
        self.strange = self._strange_arguments()

    def node(self) -> Node:
        """The claim as a node."""
        from ..autograd.graph import order

        node = self._parsed(self.claim)
        left = set(order(node)) & set(self.strange.values())
        for name, leaf in self.strange.items():
            if leaf in left:
                # Not the argument of f′ after all: let the reader complain where it stands.
                self.strange = {}
                return self._parsed(self.claim)
            del name
        return node

    def _parsed(self, text: str) -> Node:
        found: Node = parse(text, self.names, functions=self.functions, derivative=self._derivative)
        return found

    def _strange_arguments(self) -> dict[str, Node]:
        """Names that nothing in the problem has and that stand alone in f′(…): most likely f′ at the wrong argument."""
        from ..autograd.leaves import input as leaf

        found: dict[str, Node] = {}
        for text in (self.claim, *self.lets.values()):
            tokens = tokenize(text)
            for at in range(len(tokens) - 3):
                function, opened, name, closed = tokens[at : at + 4]
                alone = (
                    function.primes
                    and opened.text == "("
                    and closed.text == ")"
                    and opened.kind == closed.kind == OPERATOR
                )
                if alone and name.kind == NAME and not name.primes and name.text not in self.names:
                    found.setdefault(name.text, leaf(name.text))
        return found

    def _derivative(self, function: str, times: int, argument: Any) -> Node:
        """f′(a), or f′ at its obvious argument."""
        from ..autograd.errors import GradientError
        from ..autograd.op import OPS
        from ..autograd.symbolic.mistakes.prime import obvious_argument, taken_at

        said = function.said if isinstance(function, Alias) else function
        op = OPS.get(getattr(function_table().get(function), "name", ""))
        if argument is not None and argument not in self.strange.values():
            if op is None:
                found = obvious_argument(said, None, self.scene.names, self.scene.on_path())
                op = found[0] if found else None
            if op is None:
                raise GradientError(
                    translate(N_("{name} is not a function here; say which one it is: --let {name}=sigmoid"), name=said)
                )
            return self.primes.derivative(op, times, argument)
        found = obvious_argument(said, op, self.scene.names, self.scene.on_path())
        if found is None:
            if places := self._applications(op):
                choices = ", ".join(f"{said}'({place})" for place in places)
                raise GradientError(
                    translate(
                        N_("it is not clear at which argument {name}′ is taken; write one of {choices}"),
                        name=said,
                        choices=choices,
                    )
                )
            raise GradientError(
                translate(N_("{name} is not a function here; say which one it is: --let {name}=sigmoid"), name=said)
            )
        op, name, node = found
        self.primes.notes.append(taken_at(said, name, len(node.shape)))
        if argument is not None:
            self.primes.strange(said, next(key for key, value in self.strange.items() if value is argument), name)
        return self.primes.derivative(op, times, node)

    def _applications(self, op: Any) -> list[str]:
        by_node = {node: name for name, node in self.scene.names.items()}
        return [
            by_node[node.inputs[0]]
            for node in self.scene.names.values()
            if not node.is_leaf and node.op is op and node.inputs[0] in by_node
        ]


class _Names(Mapping[str, Any]):
    """Every name a claim may use: the problem's, the derivation's, the letters of sizes, and shorthands, read when asked for."""

    def __init__(self, reading: _Reading) -> None:
        self.reading = reading
        self.read: dict[str, Any] = {}
        self.open: list[str] = []

    def __getitem__(self, name: str) -> Any:
        from ..autograd.leaves import constant

        reading = self.reading
        if name in reading.lets:
            if name in self.open:
                raise CommandError(translate(N_("--let {name} is made of itself"), name=name))
            if name not in self.read:
                self.open.append(name)
                self.read[name] = reading._parsed(reading.lets[name])
                self.open.pop()
            return self.read[name]
        if name in reading.scene.names:
            return reading.scene.names[name]
        if name in reading.sizes:
            return constant(reading.sizes[name])
        return reading.strange[name]

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys([*self.reading.lets, *self.reading.scene.names, *self.reading.sizes]))

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __contains__(self, name: object) -> bool:
        return name in self.reading.lets or name in self.reading.scene.names or name in self.reading.sizes
