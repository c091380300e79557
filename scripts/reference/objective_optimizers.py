# SPDX-License-Identifier: Apache-2.0
"""Golden trajectories of the optimizers that ask for more of the net than its gradient.

Writes tests/golden/optimizers/<name>.json for sophia, hessian_free and kfac, as optimizers.py does
for the others, and shares nothing with engine/. The objective is a quadratic with a quartic
coupling that its Gauss-Newton matrix does not know of; each case lists it, so that the engine can
drive itself along it. A case is written only if no branch of it hangs on a rounding; see check().

usage: python scripts/reference/objective_optimizers.py [NAME...]
"""

import math
import sys
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from golden_files import write
from optimizers import CONSTANT, GOLDEN, KEPT, STEPS, UNEVEN, flat, text_of

TENSORS = (
    {"name": "layer_1.weight", "layer": 1, "group": "input", "rows": 3, "cols": 5},
    {"name": "layer_1.bias", "layer": 1, "group": "bias", "rows": 3, "cols": 1},
    {"name": "layer_2.weight", "layer": 2, "group": "hidden", "rows": 4, "cols": 3},
    {"name": "layer_2.bias", "layer": 2, "group": "bias", "rows": 4, "cols": 1},
    {"name": "layer_3.weight", "layer": 3, "group": "output", "rows": 2, "cols": 4},
    {"name": "layer_3.bias", "layer": 3, "group": "bias", "rows": 2, "cols": 1},
)
WEIGHTS = [tensor for tensor in TENSORS if tensor["group"] != "bias"]
SIZE = sum(tensor["rows"] * tensor["cols"] for tensor in TENSORS)
EXAMPLES = 6

# A comparison whose two sides differ by less, relative to the larger, may fall otherwise where the
# same sums are taken in another order: these differ by some 1e-15, and 1e-13 after a cancellation.
LEAST_MARGIN = 1e-8
# A tenth of what the test of the trajectories allows.
ROUNDING = 1e-13
# What the test asks of a step, relative to the parameter; here of each setting.
LEAST_EFFECT = 1e-4


@dataclass
class Objective:
    """L(w) = 1/2 sum h (w - c)^2 + k/4 r^2 with r = sum (w - c)^2, and what was drawn with it."""

    curvature: np.ndarray  # h, the diagonal of the Gauss-Newton matrix
    center: np.ndarray  # c
    coupling: float  # k
    examples: int = EXAMPLES  # B
    sampled_gradients: list = field(default_factory=list)  # one a step
    # One a step: for each weight tensor its inputs a (B x cols) and error signals delta (B x rows).
    layer_passes: list = field(default_factory=list)

    def loss(self, w):
        squares = (w - self.center) ** 2
        return (self.curvature * squares).sum() / 2 + self.coupling / 4 * squares.sum() ** 2

    def gradient(self, w):
        r = ((w - self.center) ** 2).sum()
        return (self.curvature + self.coupling * r) * (w - self.center)

    def gauss_newton_product(self, v):
        return self.curvature * v

    def arranged(self, order, precision):
        """The same with the parameters in another order; passes, which go by tensors, stay."""
        return Objective(
            self.curvature[order].astype(precision),
            self.center[order].astype(precision),
            self.coupling,
            self.examples,
            [s[order].astype(precision) for s in self.sampled_gradients],
            [[[m.astype(precision) for m in pair] for pair in step] for step in self.layer_passes],
        )


def sophia(
    w, objective, factors, log, *, lr, beta1, beta2, gamma, epsilon, weight_decay, update_every
):
    """Every k steps, at t = 1, k + 1, ...: h <- beta2 h + (1 - beta2) B s*s, s a gradient of
    targets drawn from the model. m <- beta1 m + (1 - beta1) g; w <- w - lr weight_decay w;
    w <- w - lr clip(m / max(gamma h, epsilon), -1, 1). Liu, Li, Hall, Liang & Ma 2024,
    arXiv:2305.14342, Algorithm 3 with the Gauss-Newton-Bartlett estimator, Algorithm 2."""
    m = np.zeros_like(w)
    h = np.zeros_like(w)
    for t, f in enumerate(factors, start=1):
        m = beta1 * m + (1 - beta1) * objective.gradient(w)
        if (t - 1) % update_every == 0:
            s = objective.sampled_gradients[t - 1]
            h = beta2 * h + (1 - beta2) * objective.examples * s * s
        ratio = m / np.maximum(gamma * h, epsilon)
        for one, curved in zip(ratio, gamma * h):
            log("clip", bool(abs(one) > 1), abs(one), 1)
            log("epsilon", bool(curved < epsilon), curved, epsilon)
        w = w - f * lr * weight_decay * w
        w = w - f * lr * np.clip(ratio, -1, 1)
        yield w


def conjugate_gradients(product, g, x, log, iterations, tolerance):
    """Minimises phi(x) = 1/2 x'Ax + g'x. Hestenes & Stiefel 1952; truncated by the relative
    progress of Martens 2010, Section 4.4. Returns the iterates of Section 4.6, ceil(1.3^j) and the
    last, each with its phi."""
    wanted = {math.ceil(1.3**j) for j in range(100)}
    r = product(x) + g
    d = -r
    phi = {}
    kept = []
    for i in range(1, iterations + 1):
        Ad = product(d)
        alpha = (r @ r) / (d @ Ad)
        x = x + alpha * d
        r_new = r + alpha * Ad
        d = -r_new + (r_new @ r_new) / (r @ r) * d
        r = r_new
        phi[i] = x @ (r + g) / 2
        k = max(10, math.floor(0.1 * i))
        stop = False
        if i > k:
            log("phi negative", bool(phi[i] < 0), phi[i], 0)
            progress = (phi[i] - phi[i - k]) / phi[i]
            stop = bool(phi[i] < 0 and progress < k * tolerance)
            log("little progress", bool(progress < k * tolerance), progress, k * tolerance)
        if i in wanted or stop or i == iterations:
            kept.append((x, phi[i]))
        if stop:
            break
    log("CG ends", "by tolerance" if stop else "at the cap")
    log("CG iterations", i)
    return kept


def hessian_free(
    w, objective, factors, log, *, lr, initial_damping, cg_iterations, cg_tolerance, cg_decay
):
    """(G + lambda I) p = -g by conjugate gradients from cg_decay times the last solution; back to
    the iterate of least L; rho = (L(w + p) - L(w)) / phi(p), lambda <- 3/2 lambda where
    rho < 1/4, 2/3 lambda where rho > 3/4; w <- w + lr s p, s = 0.8^j the first with
    L(w + s p) <= L(w) + 0.01 s g'p. Martens 2010, ICML; no preconditioner."""
    damping = initial_damping
    start = np.zeros_like(w)
    for f in factors:
        g = objective.gradient(w)
        kept = conjugate_gradients(
            lambda v: objective.gauss_newton_product(v) + damping * v,
            g,
            start,
            log,
            cg_iterations,
            cg_tolerance,
        )
        start = cg_decay * kept[-1][0]

        here = objective.loss(w)
        x, phi = kept[-1]
        back = 0
        for earlier, earlier_phi in reversed(kept[:-1]):
            better = bool(objective.loss(w + earlier) <= objective.loss(w + x))
            log("earlier is better", better, objective.loss(w + earlier), objective.loss(w + x))
            if not better:
                break
            x, phi = earlier, earlier_phi
            back += 1
        log("iterates back", back)

        # Above zero in the model, as after a start from the last solution: it was no use.
        log("phi < 0", bool(phi < 0), phi, 0.0)
        rho = (objective.loss(w + x) - here) / phi if phi < 0 else 0.0
        log("rho < 1/4", bool(rho < 1 / 4), rho, 1 / 4)
        log("rho > 3/4", bool(rho > 3 / 4), rho, 3 / 4)
        change = "stays"
        if rho < 1 / 4 or not np.isfinite(rho):
            change, damping = "up", damping * 3 / 2
        elif rho > 3 / 4:
            change, damping = "down", damping * 2 / 3
        log("damping", change)

        s = 1.0
        log("downhill", bool(g @ x < 0), g @ x, 0.0)
        for _ in range(60 if g @ x < 0 else 0):
            reached, allowed = objective.loss(w + s * x), here + 1e-2 * s * (g @ x)
            log("too high", bool(reached > allowed), reached, allowed)
            if reached <= allowed:
                break
            s *= 0.8
        else:
            s = 0.0
        log("line search", round(math.log(s, 0.8)) if s else 60)
        w = w + f * lr * s * x
        yield w


def solve(matrix, right):
    """numpy solves in float64 only; the residual, in the precision of `right`, mends the rest."""
    plain = np.float64
    x = np.zeros_like(right)
    for _ in range(1 if right.dtype == plain else 4):
        x = x + np.linalg.solve(matrix.astype(plain), (right - matrix @ x).astype(plain))
    return x


def kfac(w, objective, factors, log, *, lr, momentum, damping, decay, update_every):
    """For each weight tensor with its bias, from the inputs a and the error signals delta of
    sampled targets, every update_every steps: A <- e A + (1 - e) mean (a,1)(a,1)',
    S <- e S + (1 - e) mean delta delta', e = min(1 - 1/n, decay) at the n-th time;
    pi = sqrt((tr A / (cols + 1)) / (tr S / rows)), 1 where a trace is 0;
    U = (S + sqrt(damping)/pi I)^-1 [dW | db] (A + pi sqrt(damping) I)^-1;
    v <- momentum v - lr U; w <- w + v. Martens & Grosse 2015, arXiv:1503.05671, Sections 4.2, 5
    and 6.3, with a fixed step size, momentum and damping."""
    A = [np.zeros((tensor["cols"] + 1,) * 2, w.dtype) for tensor in WEIGHTS]
    S = [np.zeros((tensor["rows"],) * 2, w.dtype) for tensor in WEIGHTS]
    v = np.zeros_like(w)
    root = np.sqrt(w.dtype.type(damping))
    for t, f in enumerate(factors, start=1):
        if (t - 1) % update_every == 0:
            n = (t - 1) // update_every + 1
            e = min(1 - 1 / n, decay)
            log("decay in full", 1 - 1 / n > decay, 1 - 1 / n, decay)
            for layer, (a, delta) in enumerate(objective.layer_passes[t - 1]):
                a = np.hstack([a, np.ones((objective.examples, 1), w.dtype)])
                A[layer] = e * A[layer] + (1 - e) * (a.T @ a) / objective.examples
                S[layer] = e * S[layer] + (1 - e) * (delta.T @ delta) / objective.examples
        g = objective.gradient(w)
        U = []
        begin = 0
        for tensor, A_l, S_l in zip(WEIGHTS, A, S):
            rows, cols = tensor["rows"], tensor["cols"]
            middle, end = begin + rows * cols, begin + rows * (cols + 1)
            d = np.hstack([g[begin:middle].reshape(rows, cols), g[middle:end].reshape(rows, 1)])
            trace_A, trace_S = np.trace(A_l), np.trace(S_l)
            log("a trace is 0", bool(trace_A == 0 or trace_S == 0))
            pi = 1
            if trace_A != 0 and trace_S != 0:
                pi = np.sqrt(trace_A / (cols + 1) / (trace_S / rows))
            left = solve(S_l + root / pi * np.eye(rows, dtype=w.dtype), d)
            u = solve(A_l + pi * root * np.eye(cols + 1, dtype=w.dtype), left.T).T
            U += [u[:, :cols].ravel(), u[:, cols]]
            begin = end
        v = momentum * v - lr * f * np.concatenate(U)
        w = w + v
        yield w


def initial():
    return np.random.default_rng(20).normal(size=SIZE).round(4)


def objective(seed, coupling, curvature):
    """With curvatures from curvature[0] to curvature[1], and minimum well away from zero."""
    draw = np.random.default_rng(seed)
    h = 10 ** draw.uniform(*np.log10(curvature), size=SIZE)
    c = draw.choice([-1, 1], size=SIZE) * draw.uniform(0.4, 2, size=SIZE)
    return Objective(h.round(4), c.round(4), coupling)


def with_sampled_gradients(base, seed):
    """Over three powers of ten, a tenth of them zero."""
    draw = np.random.default_rng(seed)
    for _ in range(STEPS):
        s = draw.normal(size=SIZE) * 10 ** draw.uniform(-1.5, 1.5, size=SIZE)
        base.sampled_gradients.append(np.where(draw.uniform(size=SIZE) < 0.1, 0.0, s).round(4))
    return base


def with_layer_passes(base, seed, silent_first_layer):
    """Inputs of about 1, error signals that grow from layer to layer."""
    draw = np.random.default_rng(seed)
    for _ in range(STEPS):
        step = []
        for tensor, scale in zip(WEIGHTS, (0.5, 1, 2)):
            a = draw.normal(size=(EXAMPLES, tensor["cols"])).round(4)
            step.append([a, (draw.normal(size=(EXAMPLES, tensor["rows"])) * scale).round(4)])
        base.layer_passes.append(step)
    if silent_first_layer:
        base.layer_passes[0][0][1] *= 0.0
    return base


SOPHIA = {
    "lr": 1e-3,
    "beta1": 0.96,
    "beta2": 0.99,
    "gamma": 0.01,
    "epsilon": 1e-12,
    "weight_decay": 0.0,
    "update_every": 10,
}
SOPHIA_OTHER = {
    "lr": 0.02,
    "beta1": 0.8,
    "beta2": 0.9,
    "gamma": 0.05,
    "epsilon": 0.01,
    "weight_decay": 0.1,
    "update_every": 3,
}
HESSIAN_FREE = {
    "lr": 1.0,
    "initial_damping": 1.0,
    "cg_iterations": 250,
    "cg_tolerance": 5e-4,
    "cg_decay": 0.95,
}
HESSIAN_FREE_WARM = {
    "lr": 0.8,
    "initial_damping": 0.2,
    "cg_iterations": 11,
    "cg_tolerance": 2e-3,
    "cg_decay": 0.7,
}
HESSIAN_FREE_COLD = {
    "lr": 0.6,
    "initial_damping": 0.2,
    "cg_iterations": 40,
    "cg_tolerance": 2e-2,
    "cg_decay": 0.0,
}
KFAC = {"lr": 0.1, "momentum": 0.9, "damping": 0.1, "decay": 0.95, "update_every": 1}
KFAC_OTHER = {"lr": 0.03, "momentum": 0.5, "damping": 0.3, "decay": 0.6, "update_every": 3}

# The rule; its cases: settings, the first being the defaults, factors, objective; and the outcomes
# of branches that must occur. The seeds of hessian_free are such that they do.
RULES = {
    "sophia": (
        sophia,
        (
            (SOPHIA, CONSTANT, with_sampled_gradients(objective(1, 0.02, (0.1, 10)), 11)),
            (SOPHIA_OTHER, CONSTANT, with_sampled_gradients(objective(2, 0.02, (0.1, 10)), 12)),
            (SOPHIA_OTHER, UNEVEN, with_sampled_gradients(objective(3, 0.02, (0.1, 10)), 13)),
        ),
        [(branch, outcome) for branch in ("clip", "epsilon") for outcome in (True, False)],
    ),
    "hessian_free": (
        hessian_free,
        (
            (HESSIAN_FREE, CONSTANT, objective(13, 0.2, (1, 50))),
            (HESSIAN_FREE_WARM, CONSTANT, objective(52, 0.8, (0.3, 10))),
            (HESSIAN_FREE_COLD, UNEVEN, objective(32, 0.4, (1, 50))),
        ),
        [
            ("CG ends", "by tolerance"),
            ("CG ends", "at the cap"),
            *[("iterates back", count) for count in (0, 1, 7)],
            *[("damping", change) for change in ("up", "stays", "down")],
            *[("line search", power) for power in (0, 1, 60)],
        ],
    ),
    "kfac": (
        kfac,
        (
            (KFAC, CONSTANT, with_layer_passes(objective(5, 0.01, (0.1, 1)), 15, False)),
            (KFAC_OTHER, CONSTANT, with_layer_passes(objective(6, 0.01, (0.1, 1)), 16, False)),
            (KFAC_OTHER, UNEVEN, with_layer_passes(objective(7, 0.01, (0.1, 1)), 17, True)),
        ),
        [
            (branch, outcome)
            for branch in ("a trace is 0", "decay in full")
            for outcome in (True, False)
        ],
    ),
}


class Branches:
    """Which way a run went at its branches, and how far apart the sides of a comparison were."""

    def __init__(self):
        self.outcomes = []
        self.margins = {}

    def __call__(self, branch, outcome, *sides):
        self.outcomes.append((branch, outcome))
        if sides:
            one, other = (float(side) for side in sides)
            margin = abs(one - other) / max(abs(one), abs(other))
            self.margins[branch] = min(margin, self.margins.get(branch, math.inf))


def run(rule, settings, factors, base, order=range(SIZE), precision=np.float64):
    """The parameters after the kept steps, and the branches."""
    order = np.array(order)
    branches = Branches()
    w = initial()[order].astype(precision)
    path = list(rule(w, base.arranged(order, precision), factors, branches, **settings))
    back = np.argsort(order)
    return [path[step - 1][back] for step in KEPT], branches


def difference(path, expected):
    """The largest of all parameters and kept steps, relative to the parameter."""
    return max(float(np.max(np.abs((a - b) / b))) for a, b in zip(path, expected))


def check(name):
    """Raises unless the cases are decided clearly, by rounding in no part, and by every setting."""
    rule, cases, needed = RULES[name]
    seen = set()
    effective = set()
    for number, (settings, factors, base) in enumerate(cases):
        path, branches = run(rule, settings, factors, base)
        seen.update(branches.outcomes)

        # Sums in longer numbers, and in other orders where the rule does not go by tensors.
        other_ways = [{"precision": np.longdouble}]
        if not base.layer_passes:
            for seed in range(10):
                order = np.random.default_rng(seed).permutation(SIZE)
                other_ways.append({"order": order})
        rounding = 0.0
        for way in other_ways:
            other, other_branches = run(rule, settings, factors, base, **way)
            rounding = max(rounding, difference(other, path))
            if Counter(other_branches.outcomes) != Counter(branches.outcomes):
                raise ValueError(f"{name}, case {number}: a branch hangs on rounding")

        for setting, default in cases[0][0].items():
            if settings[setting] != default:
                changed, _ = run(rule, {**settings, setting: default}, factors, base)
                effect = difference(changed, path)
                print(f"{name}, case {number}: {setting} is seen by {effect:.1e}")
                if effect > LEAST_EFFECT:
                    effective.add(setting)
        margins = ", ".join(f"{branch} {m:.1e}" for branch, m in branches.margins.items())
        print(f"{name}, case {number}: rounding {rounding:.1e}; margins: {margins}")
        if not rounding < ROUNDING or not min(branches.margins.values()) > LEAST_MARGIN:
            raise ValueError(f"{name}, case {number}: too near to a rounding")

    missing = [branch for branch in needed if branch not in seen]
    blind = set(cases[0][0]) - effective
    if missing or blind:
        raise ValueError(f"{name}: branches not taken: {missing}; settings not seen: {blind}")


def described(base):
    """The objective as the engine's test reads it."""
    result = {
        "curvature": base.curvature.tolist(),
        "center": base.center.tolist(),
        "coupling": base.coupling,
        "examples": base.examples,
    }
    if base.sampled_gradients:
        result["sampled_gradients"] = [s.tolist() for s in base.sampled_gradients]
    if base.layer_passes:
        result["layer_passes"] = [
            [{"inputs": a.tolist(), "error_signals": delta.tolist()} for a, delta in step]
            for step in base.layer_passes
        ]
    return result


def golden(name):
    rule, cases, _ = RULES[name]
    return {
        "license": "SPDX-License-Identifier: Apache-2.0",
        "made_by": f"scripts/reference/objective_optimizers.py {name}",
        "formula": " ".join(rule.__doc__.split()),
        "cross_check": "none",
        "tensors": TENSORS,
        "initial": flat([initial()]),
        "cases": [
            {
                "settings": settings,
                "schedule_factors": factors,
                "objective": described(base),
                "after": {
                    str(step): flat([w])
                    for step, w in zip(KEPT, run(rule, settings, factors, base)[0])
                },
            }
            for settings, factors, base in cases
        ],
    }


def checked_golden(name):
    check(name)
    return golden(name)


def main(names):
    return write(names, RULES, checked_golden, GOLDEN, text_of)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
