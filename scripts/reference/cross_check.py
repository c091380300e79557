# SPDX-License-Identifier: Apache-2.0
"""Compares the golden trajectories of the optimizers with PyTorch and Optax, in float64.

Writes the outcome into the field "cross_check" of each tests/golden/optimizers/<name>.json. Where
neither library has the variant, the field says how theirs differ. Needs a Python with numpy,
PyTorch, JAX and Optax; nothing else in the project does.

usage: python scripts/reference/cross_check.py [NAME...]
"""

import json
import sys

import numpy as np
import optax_variants
import optimizers
import torch_variants

# That of the engine against the golden data. Libraries take the same roundings in another order,
# and a parameter that ends a hundred times nearer to zero than its steps are long shows a hundred
# times as much; Optax's RAdam has 1 - beta2^t from a power, which leaves its fifth step 4e-12 off.
TOLERANCE = 1e-12

NO_LIBRARY = "no library has this variant: "
# How PyTorch and Optax differ from the golden file's variant, for rules that neither has.
DIFFERENT = {
    "nadam": "torch.optim.NAdam averages with beta1 where the paper has mu_t; optax.nadam has no "
    "schedule of mu",
    "nadamw": "torch.optim.NAdam averages with beta1 where the paper has mu_t; optax.nadamw has no "
    "schedule of mu",
    "adabound": "neither PyTorch nor Optax has AdaBound",
    "yogi": "optax.yogi starts its first moment at the initial accumulator and always corrects "
    "bias; PyTorch has none",
    "adan": "optax.adan starts its means at zero and corrects bias, where the paper starts them at "
    "the first gradient; PyTorch has none",
    "rprop": "torch.optim.Rprop and optax.rprop skip the step after a change of sign, where the "
    "variants here take the last one back or go on",
    "prodigy": "optax.contrib.prodigy corrects bias and has the new d beside epsilon, unlike the "
    "paper's Algorithm 4; PyTorch has none",
    "cautious_adamw": "neither PyTorch nor Optax masks steps by the sign of the gradient",
    "cautious": "neither PyTorch nor Optax masks steps by the sign of the gradient",
    "lars": "optax.lars divides by the norm of g + wd w, where the paper adds the norms of both; "
    "PyTorch has none",
    "shampoo": "neither PyTorch nor Optax has Shampoo",
    "soap": "neither PyTorch nor Optax has SOAP",
    "mars": "neither PyTorch nor Optax has MARS",
    "swa": "torch.optim.swa_utils averages what it is handed and has no rule when",
}


def in_shapes(values, shapes):
    """The flat values as the libraries get them: matrices, or vectors where cols is 1."""
    tensors, begin = [], 0
    for shape in shapes:
        rows, cols = shape["rows"], shape["cols"]
        block = np.array(values[begin : begin + rows * cols])
        tensors.append(block.reshape((rows, cols) if cols > 1 else (rows,)))
        begin += rows * cols
    return tensors


def gradients_of(data, case):
    """gradient(t, tensors): as listed, or that of the case's objective."""
    shapes = data["tensors"]
    if "objective" not in case:
        return lambda t, tensors: in_shapes(data["gradients"][t - 1], shapes)
    objective = case["objective"]

    def gradient(t, tensors):
        d = np.concatenate([np.ravel(w) for w in tensors]) - objective["center"]
        return in_shapes((objective["curvature"] + objective["coupling"] * d @ d) * d, shapes)

    return gradient


def largest_difference(run, data, case):
    """Relative to the golden value, over all parameters and kept steps."""
    groups = [tensor["group"] for tensor in data["tensors"]]
    initial = in_shapes(data["initial"], data["tensors"])
    path = list(run(initial, gradients_of(data, case), groups, case))
    largest = 0.0
    for key, side in (("after", 0), ("evaluation", 1)):
        for step, values in case.get(key, {}).items():
            found = np.concatenate([np.ravel(w) for w in path[int(step) - 1][side]])
            largest = max(largest, float(np.max(np.abs((found - values) / values))))
    return largest


def outcomes(name, data):
    """One sentence and one largest difference for each library that has the variant."""
    for library in (torch_variants, optax_variants):
        if name not in library.VARIANTS:
            continue
        variant, run, applies = library.VARIANTS[name]
        cases = [c for c in data["cases"] if applies(c["settings"], c["schedule_factors"])]
        if not cases:
            continue
        largest = max(largest_difference(run, data, case) for case in cases)
        yield (
            f"{variant}; {library.LIBRARY}, float64, CPU: {len(cases)} of {len(data['cases'])} "
            f"cases, largest relative difference {largest:.1e}",
            largest,
        )


def main(names):
    failed, unknown = [], []
    for path in sorted(optimizers.GOLDEN.glob("*.json")):
        name = path.stem
        if names and name not in names:
            continue
        data = json.loads(path.read_text(encoding="utf-8"))
        found = list(outcomes(name, data))
        if any(not largest <= TOLERANCE for _, largest in found):
            failed.append(name)
        elif found:
            data["cross_check"] = ". ".join(sentence for sentence, _ in found)
        elif name in DIFFERENT:
            data["cross_check"] = NO_LIBRARY + DIFFERENT[name]
        else:
            unknown.append(name)
        for sentence, _ in found:
            print(f"{name}: {sentence}", flush=True)
        path.write_text(optimizers.text_of(data), encoding="utf-8")
    if unknown:
        print(f"nothing is known of {', '.join(unknown)}")
    return f"more than {TOLERANCE}: {', '.join(failed)}" if failed else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
