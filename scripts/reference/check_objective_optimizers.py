# SPDX-License-Identifier: Apache-2.0
"""Walks the golden trajectories of sophia, hessian_free and kfac a second way, with libraries.

Losses and gradients from JAX, from what the golden files say of the objective; sophia put together
from Optax, the conjugate gradients of hessian_free from SciPy, kfac from the Kronecker products
that it avoids. Writes the outcome into the field "cross_check" of each golden file. Needs a Python
with jax, optax, scipy and numpy; nothing else in the project does.

usage: python scripts/reference/check_objective_optimizers.py
"""

import json
import math
import sys

import jax
import numpy as np
import optax
import scipy
from objective_optimizers import GOLDEN, difference
from optimizers import text_of

jax.config.update("jax_enable_x64", True)

# The trajectories of objective_optimizers.py move by up to 1e-13 of a parameter where the same sums
# are taken in other orders; there are more of them here. A tenth of what the engine is allowed.
TOLERANCE = 1e-13
# 46 iterations would solve for 46 parameters but for rounding; these come as near as the condition,
# below 100, lets numpy.linalg.solve.
RUN_TO = 80
SOLVED = 1e-12


def loss_of(objective):
    h, c = np.array(objective["curvature"]), np.array(objective["center"])
    k = objective["coupling"]
    return lambda w: 0.5 * ((w - c) ** 2 @ h) + 0.25 * k * ((w - c) @ (w - c)) ** 2


def sophia(w, objective, factors, tensors, settings):
    """The sophia of Optax corrects the bias of its momentum, and refreshes h after its use.
    So it is given the momentum of optax.ema without correction, its own momentum off; and it is
    called twice a step, for the refreshed h and for the direction."""
    gradient = jax.grad(loss_of(objective))
    B = objective["examples"]
    t = 0
    sampled = np.array(objective["sampled_gradients"])
    squares = optax.GradientTransformation(
        lambda params: (), lambda updates, state, params: (B * sampled[t] ** 2, state)
    )
    ema = optax.ema(settings["beta1"], debias=False)
    direction = optax.contrib.sophia(
        learning_rate=1.0,
        b1=0.0,
        b2=settings["beta2"],
        eps=settings["epsilon"],
        weight_decay=settings["weight_decay"],
        gamma=settings["gamma"],
        update_interval=settings["update_every"],
        hessian_diagonal_fn=squares,
    )
    ema_state, state = ema.init(w), direction.init(w)
    for t, factor in enumerate(factors):
        m, ema_state = ema.update(gradient(w), ema_state)
        _, state = direction.update(m, state, w)
        step, _ = direction.update(m, state, w)
        w = w + factor * settings["lr"] * np.array(step)
        yield w


def hessian_free(w, objective, factors, tensors, settings):
    """All iterates from scipy.sparse.linalg.cg on the dense matrix; then, looking back at them,
    where Martens' rules would have stopped, with phi as it is written."""
    loss = loss_of(objective)
    n = len(w)
    damping = settings["initial_damping"]
    solution = np.zeros(n)
    for factor in factors:
        g = np.array(jax.grad(loss)(w))
        matrix = np.diag(objective["curvature"]) + damping * np.identity(n)
        iterates = [settings["cg_decay"] * solution]
        scipy.sparse.linalg.cg(
            matrix,
            -g,
            x0=iterates[0],
            rtol=0.0,
            atol=0.0,
            maxiter=RUN_TO,
            callback=lambda x: iterates.append(x.copy()),
        )
        exact = np.linalg.solve(matrix, -g)
        phi = [0.5 * x @ matrix @ x + g @ x for x in iterates]
        if np.abs(iterates[-1] - exact).max() > SOLVED * np.abs(exact).max():
            raise ValueError("the conjugate gradients do not end at the solution")
        ends = [
            i
            for i in range(11, RUN_TO + 1)
            if phi[i] < 0 and (phi[i] - phi[i - 10]) / phi[i] < 10 * settings["cg_tolerance"]
        ]
        end = min([*ends, settings["cg_iterations"]])
        solution = iterates[end]

        kept = sorted({math.ceil(1.3**j) for j in range(20) if 1.3**j <= end} | {end})
        losses = [float(loss(w + iterates[i])) for i in kept]
        chosen = len(kept) - 1
        while chosen > 0 and losses[chosen - 1] <= losses[chosen]:
            chosen -= 1
        x = iterates[kept[chosen]]
        here = float(loss(w))
        model = phi[kept[chosen]]
        rho = (losses[chosen] - here) / model if model < 0 else 0.0
        damping *= 1.5 if rho < 0.25 else 2 / 3 if rho > 0.75 else 1.0
        lengths = [0.8**j for j in range(60)] if g @ x < 0 else []
        enough = [s for s in lengths if loss(w + s * x) <= here + 0.01 * s * (g @ x)]
        w = w + factor * settings["lr"] * max(enough, default=0.0) * x
        yield w


def kfac(w, objective, factors, tensors, settings):
    """U from the dense matrix (A + pi sqrt(damping) I) kron (S + sqrt(damping)/pi I) on the columns
    of [dW | db], one under another; A and S as the weighted means that the recursion comes to."""
    gradient = jax.grad(loss_of(objective))
    v = np.zeros_like(w)
    root = math.sqrt(settings["damping"])
    weights = [tensor for tensor in tensors if tensor["group"] != "bias"]
    for t, factor in enumerate(factors):
        seen = range(0, t + 1, settings["update_every"])
        e = [min(1 - 1 / n, settings["decay"]) for n in range(1, len(seen) + 1)]
        share = [(1 - e[i]) * math.prod(e[i + 1 :]) for i in range(len(seen))]
        g = np.array(gradient(w))
        U = []
        for layer, tensor in enumerate(weights):
            A = S = 0.0
            for part, draw in zip(share, seen):
                drawn = objective["layer_passes"][draw][layer]
                for a, delta in zip(drawn["inputs"], drawn["error_signals"]):
                    A = A + part * np.outer([*a, 1.0], [*a, 1.0]) / objective["examples"]
                    S = S + part * np.outer(delta, delta) / objective["examples"]
            pi = math.sqrt(np.diag(A).mean() / np.diag(S).mean()) if S.any() else 1.0
            rows, cols = tensor["rows"], tensor["cols"]
            own = g[: rows * (cols + 1)]
            g = g[rows * (cols + 1) :]
            W, b = own[: rows * cols].reshape(rows, cols), own[rows * cols :]
            dense = np.kron(
                A + pi * root * np.identity(cols + 1), S + root / pi * np.identity(rows)
            )
            u = np.linalg.solve(dense, np.concatenate([W.T.ravel(), b]))
            U += [u[: rows * cols].reshape(cols, rows).T.ravel(), u[rows * cols :]]
        v = settings["momentum"] * v - settings["lr"] * factor * np.concatenate(U)
        w = w + v
        yield w


LIBRARIES = f"JAX {jax.__version__}, numpy {np.__version__}, float64, CPU"
WAYS = {
    "sophia": (
        sophia,
        f"optax.ema without bias correction, optax.contrib.sophia with the squared sampled "
        f"gradients for its estimate, h refreshed before its use, Optax {optax.__version__}, "
        f"gradients from {LIBRARIES}",
    ),
    "hessian_free": (
        hessian_free,
        f"a second program around scipy.sparse.linalg.cg, SciPy {scipy.__version__}, which stops, "
        f"goes back, damps and searches by hindsight over all iterates, run on to the end against "
        f"numpy.linalg.solve; not compared with any other hessian-free optimizer; "
        f"gradients from {LIBRARIES}",
    ),
    "kfac": (
        kfac,
        f"numpy.linalg.solve with the dense Kronecker product of the damped A and S, these as "
        f"weighted means over the draws; not compared with any K-FAC library; gradients from "
        f"{LIBRARIES}",
    ),
}


def main():
    failed = []
    for name, (walk, how) in WAYS.items():
        path = GOLDEN / f"{name}.json"
        data = json.loads(path.read_text(encoding="utf-8"))
        largest = 0.0
        for case in data["cases"]:
            start = np.array(data["initial"])
            objective, factors = case["objective"], case["schedule_factors"]
            walked = list(walk(start, objective, factors, data["tensors"], case["settings"]))
            pairs = [(walked[int(step) - 1], np.array(w)) for step, w in case["after"].items()]
            largest = max(largest, difference(*zip(*pairs)))
        count = len(data["cases"])
        outcome = f"{how}: {count} of {count} cases, largest relative difference {largest:.1e}"
        print(f"{name}: {outcome}")
        if not largest < TOLERANCE:
            failed.append(name)
            continue
        data["cross_check"] = outcome
        path.write_text(text_of(data), encoding="utf-8")
    return f"more than {TOLERANCE}: {', '.join(failed)}" if failed else None


if __name__ == "__main__":
    sys.exit(main())
