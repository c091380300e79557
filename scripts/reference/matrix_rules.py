# SPDX-License-Identifier: Apache-2.0
"""Rules that go by the shape and the group of each tensor; see tensor_optimizers.py."""

import numpy as np
from tensor_steps import Adam, steps, usual


def muon(
    tensors,
    groups,
    gradient,
    factors,
    lr,
    momentum,
    nesterov,
    newton_schulz_steps,
    weight_decay,
    adam_lr,
    beta1,
    beta2,
    epsilon,
):
    """B <- mu B + G; O = NewtonSchulz(nesterov ? G + mu B : B); w <- w - lr (sqrt(max(1, rows /
    cols)) O + wd w) for hidden matrices, AdamW with adam_lr for all others. Jordan 2024; the decay
    as in Liu et al. 2025, arXiv:2502.16982."""
    buffers = [np.zeros_like(w) for w in tensors]
    adam = [Adam(adam_lr, beta1, beta2, epsilon, weight_decay) for _ in tensors]
    for t, f, gradients in steps(gradient, factors, lambda: tensors):
        moved = []
        for i, (w, g, group) in enumerate(zip(tensors, gradients, groups)):
            if group != "hidden":
                moved += adam[i].step(t, [w], [g], f)
                continue
            buffers[i] = momentum * buffers[i] + g
            b = g + momentum * buffers[i] if nesterov else buffers[i]
            x = b / (np.linalg.norm(b) + 1e-7)
            tall = x.shape[0] > x.shape[1]
            x = x.T if tall else x
            for _ in range(newton_schulz_steps):
                a = x @ x.T
                x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
            x = x.T if tall else x
            scale = np.sqrt(max(1.0, w.shape[0] / w.shape[1]))
            moved.append(w - lr * f * (scale * x + weight_decay * w))
        tensors = moved
        yield tensors, tensors


def matrix_power(a, exponent):
    values, vectors = np.linalg.eigh(a)
    return vectors @ np.diag(values**exponent) @ vectors.T


def shampoo(tensors, groups, gradient, factors, lr, epsilon, update_every, grafting, max_dimension):
    """L <- L + G G^T, R <- R + G^T G from epsilon I; w <- w - lr L^(-1/4) G R^(-1/4). One side
    alone (vectors, or the other side longer than max_dimension) has the power -1/2; roots as of
    steps 1, 1 + update_every, ...; grafting takes the length of a tensor's step from sgd or
    adagrad. Gupta, Koren & Singer 2018, Algorithm 1; grafting of Anil et al. 2020."""
    sides = [[n if n <= max_dimension else 0 for n in w.shape] for w in tensors]
    sides = [
        [rows, 0] if w.shape[1] == 1 else [rows, cols] for w, (rows, cols) in zip(tensors, sides)
    ]
    left = [epsilon * np.eye(rows) for rows, _ in sides]
    right = [epsilon * np.eye(cols) for _, cols in sides]
    left_roots, right_roots = [None] * len(tensors), [None] * len(tensors)
    squares = [np.zeros_like(w) for w in tensors]
    for t, f, gradients in steps(gradient, factors, lambda: tensors):
        moved = []
        for i, (w, g) in enumerate(zip(tensors, gradients)):
            rows, cols = sides[i]
            exponent = -1 / 4 if rows and cols else -1 / 2
            if rows:
                left[i] = left[i] + g @ g.T
            if cols:
                right[i] = right[i] + g.T @ g
            if (t - 1) % update_every == 0:
                left_roots[i] = matrix_power(left[i], exponent) if rows else np.eye(w.shape[0])
                right_roots[i] = matrix_power(right[i], exponent) if cols else np.eye(w.shape[1])
            u = left_roots[i] @ g @ right_roots[i]
            squares[i] = squares[i] + g**2
            if grafting == "sgd":
                u = u * np.linalg.norm(g) / np.linalg.norm(u)
            elif grafting == "adagrad":
                u = u * np.linalg.norm(g / (np.sqrt(squares[i]) + 1e-10)) / np.linalg.norm(u)
            moved.append(w - lr * f * u)
        tensors = moved
        yield tensors, tensors


def soap(
    tensors,
    groups,
    gradient,
    factors,
    lr,
    beta1,
    beta2,
    epsilon,
    shampoo_beta,
    precondition_every,
    weight_decay,
):
    """G' = Q_L^T G Q_R; M <- beta1 M + (1 - beta1) G; V <- beta2 V + (1 - beta2) G'^2; w <- w - lr
    (Q_L (M_hat' / (sqrt(V_hat) + epsilon)) Q_R^T + wd w); then L, R, and every f steps Q <- QR(P
    Q). The first step makes L, R and their eigenvectors, largest first, and moves no matrix; t
    counts from there. Vectors: AdamW. Vyas et al. 2024, Algorithms 3 and 4."""
    vectors = [Adam(lr, beta1, beta2, epsilon, weight_decay) for _ in tensors]
    left, right, q_left, q_right = ([None] * len(tensors) for _ in range(4))
    m = [np.zeros_like(w) for w in tensors]
    v = [np.zeros_like(w) for w in tensors]
    for step, f, gradients in steps(gradient, factors, lambda: tensors):
        moved = []
        for i, (w, g) in enumerate(zip(tensors, gradients)):
            if w.shape[1] == 1:
                moved += vectors[i].step(step, [w], [g], f)
                continue
            if step == 1:
                left[i] = (1 - shampoo_beta) * g @ g.T
                right[i] = (1 - shampoo_beta) * g.T @ g
                q_left[i] = np.linalg.eigh(left[i])[1][:, ::-1]
                q_right[i] = np.linalg.eigh(right[i])[1][:, ::-1]
                moved.append(w)
                continue
            t = step - 1
            m[i] = beta1 * m[i] + (1 - beta1) * g
            v[i] = beta2 * v[i] + (1 - beta2) * (q_left[i].T @ g @ q_right[i]) ** 2
            m_hat = q_left[i].T @ m[i] @ q_right[i] / (1 - beta1**t)
            n = m_hat / (np.sqrt(v[i] / (1 - beta2**t)) + epsilon)
            moved.append(w - lr * f * (q_left[i] @ n @ q_right[i].T + weight_decay * w))
            left[i] = shampoo_beta * left[i] + (1 - shampoo_beta) * g @ g.T
            right[i] = shampoo_beta * right[i] + (1 - shampoo_beta) * g.T @ g
            if t % precondition_every == 0:
                q_left[i] = np.linalg.qr(left[i] @ q_left[i])[0]
                q_right[i] = np.linalg.qr(right[i] @ q_right[i])[0]
        tensors = moved
        yield tensors, tensors


def lamb(tensors, groups, gradient, factors, lr, beta1, beta2, epsilon, weight_decay):
    """u = m_hat / (sqrt(v_hat) + epsilon) + wd w; w <- w - lr (|w| / |u|) u, tensor by tensor. You
    et al. 2020, Algorithm 2, phi(z) = z."""
    adam = Adam(lr, beta1, beta2, epsilon)
    for t, f, gradients in steps(gradient, factors, lambda: tensors):
        u = [d + weight_decay * w for w, d in zip(tensors, adam.direction(t, gradients))]
        tensors = [
            w - lr * f * np.linalg.norm(w) / np.linalg.norm(d) * d for w, d in zip(tensors, u)
        ]
        yield tensors, tensors


def lars(tensors, groups, gradient, factors, lr, momentum, weight_decay, trust):
    """lambda = trust |w| / (|g| + wd |w|); v <- mu v + lr lambda (g + wd w); w <- w - v, tensor by
    tensor. You, Gitman & Ginsburg 2017, Algorithm 1."""
    v = [np.zeros_like(w) for w in tensors]
    for _, f, gradients in steps(gradient, factors, lambda: tensors):
        for i, (w, g) in enumerate(zip(tensors, gradients)):
            length = np.linalg.norm(w)
            local = trust * length / (np.linalg.norm(g) + weight_decay * length)
            v[i] = momentum * v[i] + lr * f * local * (g + weight_decay * w)
        tensors = [w - moved for w, moved in zip(tensors, v)]
        yield tensors, tensors


def adafactor(
    tensors,
    groups,
    gradient,
    factors,
    lr,
    relative_step,
    epsilon1,
    epsilon2,
    clip_threshold,
    decay_exponent,
):
    """U = G / sqrt(V), V from the means of rows and columns of G^2 + epsilon1 decayed by 1 -
    t^-0.8, or all of it for vectors; w <- w - alpha U / max(1, RMS(U) / d), alpha = max(epsilon2,
    RMS(w)) min(lr, 1 / sqrt(t)) or lr. Shazeer & Stern 2018, Algorithms 4 and 5."""

    def rms(x):
        return np.sqrt(np.mean(x**2))

    second = [None] * len(tensors)
    for t, f, gradients in steps(gradient, factors, lambda: tensors):
        beta2 = 1 - t**-decay_exponent
        moved = []
        for i, (w, g) in enumerate(zip(tensors, gradients)):
            square = g**2 + epsilon1
            if min(w.shape) > 1:
                r, c = second[i] or (0.0, 0.0)
                r = beta2 * r + (1 - beta2) * square.mean(axis=1, keepdims=True)
                c = beta2 * c + (1 - beta2) * square.mean(axis=0, keepdims=True)
                second[i] = (r, c)
                v_hat = r @ c / r.mean()
            else:
                v_hat = beta2 * (0.0 if second[i] is None else second[i]) + (1 - beta2) * square
                second[i] = v_hat
            u = g / np.sqrt(v_hat)
            u = u / max(1.0, rms(u) / clip_threshold)
            alpha = max(epsilon2, rms(w)) * min(lr, 1 / np.sqrt(t)) if relative_step else lr
            moved.append(w - f * alpha * u)
        tensors = moved
        yield tensors, tensors


# The rule, and the settings and factors of its cases.
RULES = {
    "muon": usual(
        muon,
        {
            "lr": 0.02,
            "momentum": 0.95,
            "nesterov": True,
            "newton_schulz_steps": 5,
            "weight_decay": 0.0,
            "adam_lr": 3e-4,
            "beta1": 0.9,
            "beta2": 0.95,
            "epsilon": 1e-10,
        },
        {
            "lr": 0.1,
            "momentum": 0.6,
            "nesterov": False,
            "newton_schulz_steps": 3,
            "weight_decay": 0.2,
            "adam_lr": 0.05,
            "beta1": 0.7,
            "beta2": 0.8,
            "epsilon": 1e-2,
        },
    ),
    "shampoo": usual(
        shampoo,
        {"lr": 0.1, "epsilon": 1e-4, "update_every": 1, "grafting": "none", "max_dimension": 1024},
        {"lr": 0.05, "epsilon": 0.1, "update_every": 3, "grafting": "sgd", "max_dimension": 3},
        {"lr": 0.05, "epsilon": 0.1, "update_every": 4, "grafting": "adagrad", "max_dimension": 4},
    ),
    "soap": usual(
        soap,
        {
            "lr": 3e-3,
            "beta1": 0.95,
            "beta2": 0.95,
            "epsilon": 1e-8,
            "shampoo_beta": 0.95,
            "precondition_every": 10,
            "weight_decay": 0.0,
        },
        {
            "lr": 0.05,
            "beta1": 0.7,
            "beta2": 0.8,
            "epsilon": 1e-2,
            "shampoo_beta": 0.6,
            "precondition_every": 3,
            "weight_decay": 0.2,
        },
    ),
    "lamb": usual(
        lamb,
        {"lr": 1e-3, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-6, "weight_decay": 1e-2},
        {"lr": 0.05, "beta1": 0.7, "beta2": 0.95, "epsilon": 1e-2, "weight_decay": 0.3},
    ),
    "lars": usual(
        lars,
        {"lr": 0.1, "momentum": 0.9, "weight_decay": 1e-4, "trust": 1e-3},
        {"lr": 0.5, "momentum": 0.6, "weight_decay": 0.3, "trust": 0.05},
    ),
    "adafactor": usual(
        adafactor,
        {
            "lr": 1e-2,
            "relative_step": True,
            "epsilon1": 1e-30,
            "epsilon2": 1e-3,
            "clip_threshold": 1.0,
            "decay_exponent": 0.8,
        },
        # From the eighth step on 1 / sqrt(t) is below lr; epsilon2 is above some RMS of weights.
        {
            "lr": 0.36,
            "relative_step": True,
            "epsilon1": 1e-2,
            "epsilon2": 0.9,
            "clip_threshold": 0.7,
            "decay_exponent": 0.5,
        },
        {
            "lr": 0.05,
            "relative_step": False,
            "epsilon1": 1e-2,
            "epsilon2": 0.9,
            "clip_threshold": 0.7,
            "decay_exponent": 0.5,
        },
    ),
}
