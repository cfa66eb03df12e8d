"""What ops say for engines, compared with what they compute: how they take many examples, places, linearity, signs."""

import nngraph as ng
import numpy as np
import pytest
from nngraph.autograd.errors import ShapeError
from nngraph.autograd.op import OPS, SHAPE
from nngraph.autograd.vocabulary import COMPARISONS, WORDS, spoken


def cases(field):
    """Every example of the ops that say something in a field."""
    found = [(op, example) for op in OPS.values() if getattr(op, field) for example in op.examples]
    return [pytest.param(op, example, id=f"{op.name}-{at}") for at, (op, example) in enumerate(found)]


def params_of(op, example):
    return dict(op.params) | dict(example.params)


def node_of(op, arrays, params):
    return op.apply(tuple(ng.constant(array) for array in arrays), params)


@pytest.mark.parametrize(("op", "example"), cases("stacked"))
def test_examples_in_front_do_not_look_at_each_other(op, example, rng):
    sets = [example.arrays(rng) for _ in range(3)]
    shared = [not op.variadic and op.inputs[at] in op.shared for at in range(len(sets[0]))]
    for one in sets[1:]:
        one[:] = [first if same else own for own, first, same in zip(one, sets[0], shared, strict=True)]
    each = [node_of(op, one, params_of(op, example)) for one in sets]
    whole = [sets[0][at] if same else np.stack([one[at] for one in sets]) for at, same in enumerate(shared)]
    together = node_of(op, whole, op.stacked(each[0].params, 3))
    np.testing.assert_allclose(together.value, np.stack([one.value for one in each]), rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize(("op", "example"), cases("adds_up"))
def test_examples_in_front_are_added_up(op, example, rng):
    sets = [example.arrays(rng) for _ in range(3)]
    each = [node_of(op, one, params_of(op, example)).value for one in sets]
    together = node_of(op, [np.stack(parts) for parts in zip(*sets, strict=True)], params_of(op, example))
    np.testing.assert_allclose(together.value, sum(each), rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize(("op", "example"), cases("linear"))
def test_sums_go_through(op, example, rng):
    (a,), (b,) = example.arrays(rng), example.arrays(rng)
    of_a, of_b, of_sum = (node_of(op, [x], params_of(op, example)).value for x in (a, b, a + b))
    np.testing.assert_allclose(of_sum, of_a + of_b, rtol=1e-13)


@pytest.mark.parametrize(("op", "example"), cases("placed"))
def test_a_number_follows_from_its_place(op, example, rng):
    arrays = example.arrays(rng)
    node = node_of(op, arrays, params_of(op, example))
    rank = len(node.shape)
    aligned = [array.reshape(array.shape + (1,) * (rank - array.ndim)) for array in arrays]
    places = np.indices(node.shape)
    names = {"column": places[-1]} | ({"row": places[-2]} if rank > 1 else {})
    text = spoken(op.placed, op.inputs, lambda word: WORDS[word].numpy)
    np.testing.assert_array_equal(text(*aligned, **names, **node.params).astype(node.dtype), node.value)


@pytest.mark.parametrize(("op", "example"), cases("numbered"))
@pytest.mark.parametrize("wrong", [-1, "the first too many"])
def test_numbers_outside_are_refused(op, example, wrong, rng):
    first, *rest = example.arrays(rng)
    params = params_of(op, example)
    first.flat[0] = params[op.numbered] if isinstance(wrong, str) else wrong
    with pytest.raises(ShapeError):
        op.numpy(first, *rest, **params)


def test_only_moving_is_scattered():
    assert {op.kind for op in OPS.values() if op.scattered} == {SHAPE}
    assert not any(op.scattered and op.scalar for op in OPS.values())


def test_comparisons_are_the_words_that_give_truth_values():
    for name, word in WORDS.items():
        assert (word.numpy(*[np.ones(1)] * word.arity).dtype == np.bool_) == (name in COMPARISONS), name
