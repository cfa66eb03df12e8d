"""Find a NaN: the first node that is not finite, its operands, and the cause"""

import nngraph as ng
import numpy as np

scores = ng.input("scores", [1.0, 800.0, -3.0])
with np.errstate(over="ignore", invalid="ignore"):
    e = ng.exp(scores)
    p = e / ng.sum(e)
    loss = -ng.log(p[1])
    print("loss =", loss.value)

found = ng.find_nonfinite(loss)
print(str(found).splitlines()[0])

# The remedy is a formula that never leaves the range of numbers: the largest score is subtracted first.
stable = -ng.log_softmax(scores)[1]
print("stable =", stable.value + 0.0)
print("nothing to find:", ng.find_nonfinite(stable))

# loss = nan
# exp 'e' (3, float64) is inf at index (1,): overflow: exp of 800
# stable = 0.0
# nothing to find: None
