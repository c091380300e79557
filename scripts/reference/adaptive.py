# SPDX-License-Identifier: Apache-2.0
"""Rules that divide by a mean of squared gradients, for optimizers.py: see there for the form."""

import numpy as np


def decayed(theta, rate, factor, lr, decay_scale):
    """The decoupled decay f wd w of the AdamW paper, or f lr wd w of most libraries."""
    return factor * rate * theta * (lr if decay_scale == "lr" else 1.0)


def adamw(theta, gradients, factors, lr, beta1, beta2, epsilon, weight_decay, decay_scale):
    """w <- w - f (lr m_hat / (sqrt(v_hat) + epsilon) + weight_decay w). Loshchilov & Hutter 2019,
    Algorithm 2; decay_scale "lr" multiplies weight_decay by lr too."""
    m = np.zeros_like(theta)
    v = np.zeros_like(theta)
    for t, (g, factor) in enumerate(zip(gradients, factors), start=1):
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        adam = (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + epsilon)
        theta = theta - factor * lr * adam - decayed(theta, weight_decay, factor, lr, decay_scale)
        yield theta


def nadam(theta, gradients, factors, lr, beta1, beta2, epsilon, psi):
    """mu_t = beta1 (1 - 0.96^(t psi) / 2); m <- mu_t m + (1 - mu_t) g; m_hat =
    mu_(t+1) m / (1 - prod_(1..t+1) mu) + (1 - mu_t) g / (1 - prod_(1..t) mu);
    w <- w - lr m_hat / (sqrt(v_hat) + epsilon). Dozat 2016, Algorithm 2."""
    yield from nadamw(theta, gradients, factors, lr, beta1, beta2, epsilon, psi, 0.0, "lr")


def nadamw(theta, gradients, factors, lr, beta1, beta2, epsilon, psi, weight_decay, decay_scale):
    """Nadam with the decoupled decay of AdamW: w <- w - f (lr m_hat / (sqrt(v_hat) + epsilon) +
    weight_decay w). Dozat 2016, Algorithm 2; Loshchilov & Hutter 2019."""
    m = np.zeros_like(theta)
    v = np.zeros_like(theta)
    product = 1.0
    for t, (g, factor) in enumerate(zip(gradients, factors), start=1):
        mu = beta1 * (1 - 0.5 * 0.96 ** (t * psi))
        mu_next = beta1 * (1 - 0.5 * 0.96 ** ((t + 1) * psi))
        product *= mu
        m = mu * m + (1 - mu) * g
        v = beta2 * v + (1 - beta2) * g**2
        m_hat = mu_next * m / (1 - product * mu_next) + (1 - mu) * g / (1 - product)
        adam = m_hat / (np.sqrt(v / (1 - beta2**t)) + epsilon)
        theta = theta - factor * lr * adam - decayed(theta, weight_decay, factor, lr, decay_scale)
        yield theta


def rmsprop(theta, gradients, factors, lr, decay, epsilon, epsilon_place, momentum, centered):
    """v <- decay v + (1 - decay) g^2; u = g / (sqrt(v - centered mean(g)^2) + epsilon), or with
    epsilon inside the root; b <- momentum b + u; w <- w - lr b. Hinton 2012, lecture 6e; Graves
    2013, equations 38 to 41, for the centre."""
    v = np.zeros_like(theta)
    mean = np.zeros_like(theta)
    b = np.zeros_like(theta)
    for g, factor in zip(gradients, factors):
        v = decay * v + (1 - decay) * g**2
        mean = decay * mean + (1 - decay) * g
        n = v - mean**2 if centered else v
        root = np.sqrt(n + epsilon) if epsilon_place == "inside" else np.sqrt(n) + epsilon
        b = momentum * b + g / root
        theta = theta - lr * factor * b
        yield theta


def adagrad(theta, gradients, factors, lr, epsilon, initial_accumulator):
    """G <- G + g^2; w <- w - lr g / (sqrt(G) + epsilon). Duchi, Hazan & Singer 2011."""
    total = np.full_like(theta, initial_accumulator)
    for g, factor in zip(gradients, factors):
        total = total + g**2
        theta = theta - lr * factor * g / (np.sqrt(total) + epsilon)
        yield theta


def amsgrad(theta, gradients, factors, lr, beta1, beta2, epsilon, bias_correction):
    """v_max <- max(v_max, v); w <- w - lr m / (sqrt(v_max) + epsilon). Reddi, Kale & Kumar 2018,
    Algorithm 2; with bias_correction m / (1 - beta1^t) and v_max / (1 - beta2^t)."""
    m = np.zeros_like(theta)
    v = np.zeros_like(theta)
    largest = np.zeros_like(theta)
    for t, (g, factor) in enumerate(zip(gradients, factors), start=1):
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        largest = np.maximum(largest, v)
        correction1 = 1 - beta1**t if bias_correction else 1.0
        correction2 = 1 - beta2**t if bias_correction else 1.0
        theta = theta - lr * factor * (m / correction1) / (
            np.sqrt(largest / correction2) + epsilon
        )
        yield theta


def adadelta(theta, gradients, factors, lr, rho, epsilon):
    """E <- rho E + (1 - rho) g^2; d = -sqrt(D + epsilon) / sqrt(E + epsilon) g;
    D <- rho D + (1 - rho) d^2; w <- w + lr d. Zeiler 2012, Algorithm 1."""
    mean_g2 = np.zeros_like(theta)
    mean_d2 = np.zeros_like(theta)
    for g, factor in zip(gradients, factors):
        mean_g2 = rho * mean_g2 + (1 - rho) * g**2
        d = -np.sqrt(mean_d2 + epsilon) / np.sqrt(mean_g2 + epsilon) * g
        mean_d2 = rho * mean_d2 + (1 - rho) * d**2
        theta = theta + lr * factor * d
        yield theta


def adamax(theta, gradients, factors, lr, beta1, beta2, epsilon):
    """u <- max(beta2 u, |g| + epsilon); w <- w - lr / (1 - beta1^t) m / u. Kingma & Ba 2015,
    Algorithm 2, which has no epsilon."""
    m = np.zeros_like(theta)
    u = np.zeros_like(theta)
    for t, (g, factor) in enumerate(zip(gradients, factors), start=1):
        m = beta1 * m + (1 - beta1) * g
        u = np.maximum(beta2 * u, np.abs(g) + epsilon)
        theta = theta - lr * factor / (1 - beta1**t) * m / u
        yield theta


def radam(theta, gradients, factors, lr, beta1, beta2, epsilon):
    """rho_inf = 2 / (1 - beta2) - 1; rho = rho_inf - 2 t beta2^t / (1 - beta2^t); where rho > 4:
    r = sqrt((rho - 4) (rho - 2) rho_inf / ((rho_inf - 4) (rho_inf - 2) rho)),
    w <- w - lr r m_hat / (sqrt(v_hat) + epsilon); else w <- w - lr m_hat. Liu et al. 2020,
    arXiv:1908.03265, Algorithm 2."""
    m = np.zeros_like(theta)
    v = np.zeros_like(theta)
    rho_inf = 2 / (1 - beta2) - 1
    for t, (g, factor) in enumerate(zip(gradients, factors), start=1):
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        m_hat = m / (1 - beta1**t)
        rho = rho_inf - 2 * t * beta2**t / (1 - beta2**t)
        if rho > 4:
            r = np.sqrt(
                (rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho)
            )
            theta = theta - lr * factor * r * m_hat / (np.sqrt(v / (1 - beta2**t)) + epsilon)
        else:
            theta = theta - lr * factor * m_hat
        yield theta


def adabelief(theta, gradients, factors, lr, beta1, beta2, epsilon):
    """s <- beta2 s + (1 - beta2) (g - m)^2 + epsilon; w <- w - lr m_hat / (sqrt(s_hat) + epsilon).
    Zhuang et al. 2020, arXiv:2010.07468, Algorithm 2."""
    m = np.zeros_like(theta)
    s = np.zeros_like(theta)
    for t, (g, factor) in enumerate(zip(gradients, factors), start=1):
        m = beta1 * m + (1 - beta1) * g
        s = beta2 * s + (1 - beta2) * (g - m) ** 2 + epsilon
        theta = theta - lr * factor * (m / (1 - beta1**t)) / (
            np.sqrt(s / (1 - beta2**t)) + epsilon
        )
        yield theta


def adabound(
    theta, gradients, factors, lr, final_lr, gamma, beta1, beta2, epsilon, bias_correction
):
    """w <- w - eta m with eta = lr / (sqrt(v) + epsilon) clipped to final_lr (1 - 1 / (gamma t +
    1)) and final_lr (1 + 1 / (gamma t)). Luo et al. 2019, arXiv:1902.09843: with bias_correction
    the form that the authors released, lr sqrt(1 - beta2^t) / (1 - beta1^t) in the place of lr;
    without it Algorithm 2, whose step is eta / sqrt(t)."""
    m = np.zeros_like(theta)
    v = np.zeros_like(theta)
    for t, (g, factor) in enumerate(zip(gradients, factors), start=1):
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        low = factor * final_lr * (1 - 1 / (gamma * t + 1))
        high = factor * final_lr * (1 + 1 / (gamma * t))
        step = factor * lr
        if bias_correction:
            step *= np.sqrt(1 - beta2**t) / (1 - beta1**t)
        eta = np.clip(step / (np.sqrt(v) + epsilon), low, high)
        theta = theta - (eta if bias_correction else eta / np.sqrt(t)) * m
        yield theta


def yogi(
    theta, gradients, factors, lr, beta1, beta2, epsilon, initial_accumulator, bias_correction
):
    """v <- v - (1 - beta2) sign(v - g^2) g^2; w <- w - lr m / (sqrt(v) + epsilon). Zaheer et al.
    2018, Algorithm 2; with bias_correction m / (1 - beta1^t) and v / (1 - beta2^t)."""
    m = np.zeros_like(theta)
    v = np.full_like(theta, initial_accumulator)
    for t, (g, factor) in enumerate(zip(gradients, factors), start=1):
        m = beta1 * m + (1 - beta1) * g
        v = v - (1 - beta2) * np.sign(v - g**2) * g**2
        correction1 = 1 - beta1**t if bias_correction else 1.0
        correction2 = 1 - beta2**t if bias_correction else 1.0
        theta = theta - lr * factor * (m / correction1) / (np.sqrt(v / correction2) + epsilon)
        yield theta


def adan(theta, gradients, factors, lr, beta1, beta2, beta3, epsilon, weight_decay):
    """d = g - g_previous; m <- (1 - beta1) m + beta1 g; v <- (1 - beta2) v + beta2 d;
    n <- (1 - beta3) n + beta3 (g + (1 - beta2) d)^2; w <- (w - lr / (sqrt(n) + epsilon) (m +
    (1 - beta2) v)) / (1 + weight_decay lr); m_0 = g_0, v_0 = 0, v_1 = g_1 - g_0, n_0 = g_0^2.
    Xie et al. 2022, arXiv:2208.06677, Algorithm 1."""
    m = v = n = before = None
    for k, (g, factor) in enumerate(zip(gradients, factors)):
        if k == 0:
            m, v, n = g, np.zeros_like(g), g**2
        else:
            d = g - before
            m = (1 - beta1) * m + beta1 * g
            v = d if k == 1 else (1 - beta2) * v + beta2 * d
            n = (1 - beta3) * n + beta3 * (g + (1 - beta2) * d) ** 2
        before = g
        eta = lr * factor / (np.sqrt(n) + epsilon)
        theta = (theta - eta * (m + (1 - beta2) * v)) / (1 + weight_decay * lr * factor)
        yield theta


def adopt(theta, gradients, factors, lr, beta1, beta2, epsilon, clip):
    """v = g^2 at first, without a step; then with t = 1, 2, ...: m <- beta1 m + (1 - beta1)
    clip(g / max(sqrt(v), epsilon), t^(1/4)); w <- w - lr m; v <- beta2 v + (1 - beta2) g^2.
    Taniguchi et al. 2024, arXiv:2411.02853, Algorithm 2."""
    m = np.zeros_like(theta)
    v = None
    for t, (g, factor) in enumerate(zip(gradients, factors)):
        if v is None:
            v = g**2
        else:
            u = g / np.maximum(np.sqrt(v), epsilon)
            if clip:
                u = np.clip(u, -(t**0.25), t**0.25)
            m = beta1 * m + (1 - beta1) * u
            theta = theta - lr * factor * m
            v = beta2 * v + (1 - beta2) * g**2
        yield theta


def ademamix(
    theta, gradients, factors, lr, beta1, beta2, beta3, alpha, epsilon, weight_decay, warmup_steps
):
    """m1 of beta1, m2 of beta3; w <- w - lr ((m1_hat + alpha m2) / (sqrt(v_hat) + epsilon) +
    weight_decay w). With warmup_steps T: alpha_t = min(alpha t / T, alpha), beta3_t = min(exp(ln
    beta1 ln beta3 / ((1 - t / T) ln beta3 + t / T ln beta1)), beta3). Pagliardini, Ablin & Grangier
    2024, arXiv:2409.03137, Algorithm 1."""
    m1 = np.zeros_like(theta)
    m2 = np.zeros_like(theta)
    v = np.zeros_like(theta)
    for t, (g, factor) in enumerate(zip(gradients, factors), start=1):
        alpha_t, beta3_t = alpha, beta3
        if warmup_steps:
            share = t / warmup_steps
            alpha_t = min(share * alpha, alpha)
            log1, log3 = np.log(beta1), np.log(beta3)
            beta3_t = min(np.exp(log1 * log3 / ((1 - share) * log3 + share * log1)), beta3)
        m1 = beta1 * m1 + (1 - beta1) * g
        m2 = beta3_t * m2 + (1 - beta3_t) * g
        v = beta2 * v + (1 - beta2) * g**2
        mixed = m1 / (1 - beta1**t) + alpha_t * m2
        theta = theta - factor * lr * (
            mixed / (np.sqrt(v / (1 - beta2**t)) + epsilon) + weight_decay * theta
        )
        yield theta


def cautious_adamw(theta, gradients, factors, lr, beta1, beta2, epsilon, weight_decay, decay_scale):
    """u = m_hat / (sqrt(v_hat) + epsilon); phi = 1(u g > 0); w <- w - f (lr u phi n / (sum phi +
    1) + lr weight_decay w), n and the sum over all parameters. Liang et al. 2024,
    arXiv:2411.16085, Algorithm 1; decay_scale "schedule" leaves out lr before weight_decay."""
    m = np.zeros_like(theta)
    v = np.zeros_like(theta)
    for t, (g, factor) in enumerate(zip(gradients, factors), start=1):
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        u = (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + epsilon)
        phi = u * g > 0
        u = u * phi * (phi.size / (phi.sum() + 1))
        theta = theta - factor * lr * u - decayed(theta, weight_decay, factor, lr, decay_scale)
        yield theta


def prodigy(theta, gradients, factors, lr, beta1, beta2, epsilon, d0, weight_decay):
    """m <- beta1 m + (1 - beta1) d g; v <- beta2 v + (1 - beta2) d^2 g^2; with b = sqrt(beta2):
    r <- b r + (1 - b) lr d^2 <g, w_0 - w>; s <- b s + (1 - b) lr d^2 g; w <- w - lr d (m /
    (sqrt(v) + d epsilon) + weight_decay w); then d <- max(d, r / |s|_1). Mishchenko & Defazio 2023,
    arXiv:2306.06101, Algorithm 4."""
    start = theta
    m = np.zeros_like(theta)
    v = np.zeros_like(theta)
    s = np.zeros_like(theta)
    r = 0.0
    d = d0
    b = np.sqrt(beta2)
    for g, factor in zip(gradients, factors):
        gamma = lr * factor
        m = beta1 * m + (1 - beta1) * d * g
        v = beta2 * v + (1 - beta2) * d**2 * g**2
        r = b * r + (1 - b) * gamma * d**2 * np.sum(g * (start - theta))
        s = b * s + (1 - b) * gamma * d**2 * g
        theta = theta - gamma * d * (m / (np.sqrt(v) + d * epsilon) + weight_decay * theta)
        d = max(d, r / np.sum(np.abs(s)))
        yield theta


ADAM = {"lr": 1e-3, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}
OTHER = {"lr": 0.05, "beta1": 0.7, "beta2": 0.95, "epsilon": 1e-2}

# The rule, its default settings, and the settings of the second and third case.
RULES = {
    "adamw": (
        adamw,
        {**ADAM, "weight_decay": 1e-2, "decay_scale": "schedule"},
        {**OTHER, "weight_decay": 0.3, "decay_scale": "lr"},
    ),
    "nadam": (nadam, {**ADAM, "lr": 2e-3, "psi": 0.004}, {**OTHER, "psi": 0.9}),
    "nadamw": (
        nadamw,
        {**ADAM, "lr": 2e-3, "psi": 0.004, "weight_decay": 1e-2, "decay_scale": "schedule"},
        {**OTHER, "psi": 0.9, "weight_decay": 0.3, "decay_scale": "lr"},
    ),
    "rmsprop": (
        rmsprop,
        {
            "lr": 1e-2,
            "decay": 0.99,
            "epsilon": 1e-8,
            "epsilon_place": "outside",
            "momentum": 0.0,
            "centered": False,
        },
        {
            "lr": 3e-2,
            "decay": 0.8,
            "epsilon": 1e-2,
            "epsilon_place": "inside",
            "momentum": 0.6,
            "centered": True,
        },
    ),
    "adagrad": (
        adagrad,
        {"lr": 1e-2, "epsilon": 1e-10, "initial_accumulator": 0.0},
        {"lr": 0.2, "epsilon": 1e-2, "initial_accumulator": 0.1},
    ),
    "amsgrad": (amsgrad, {**ADAM, "bias_correction": False}, {**OTHER, "bias_correction": True}),
    "adadelta": (
        adadelta,
        {"lr": 1.0, "rho": 0.95, "epsilon": 1e-6},
        {"lr": 0.4, "rho": 0.7, "epsilon": 1e-3},
    ),
    "adamax": (adamax, {**ADAM, "lr": 2e-3}, OTHER),
    "radam": (radam, ADAM, OTHER),
    "adabelief": (adabelief, {**ADAM, "epsilon": 1e-16}, OTHER),
    "adabound": (
        adabound,
        {**ADAM, "final_lr": 0.1, "gamma": 1e-3, "bias_correction": True},
        {**OTHER, "final_lr": 0.04, "gamma": 0.3, "bias_correction": False},
    ),
    "yogi": (
        yogi,
        {
            **ADAM,
            "lr": 1e-2,
            "epsilon": 1e-3,
            "initial_accumulator": 1e-6,
            "bias_correction": False,
        },
        {**OTHER, "initial_accumulator": 0.1, "bias_correction": True},
    ),
    "adan": (
        adan,
        {**ADAM, "beta1": 0.02, "beta2": 0.08, "beta3": 0.01, "weight_decay": 0.02},
        {**OTHER, "beta1": 0.3, "beta2": 0.2, "beta3": 0.1, "weight_decay": 0.5},
    ),
    "adopt": (
        adopt,
        {"lr": 1e-3, "beta1": 0.9, "beta2": 0.9999, "epsilon": 1e-6, "clip": True},
        {"lr": 0.05, "beta1": 0.7, "beta2": 0.95, "epsilon": 1e-2, "clip": False},
    ),
    "ademamix": (
        ademamix,
        {**ADAM, "beta3": 0.9999, "alpha": 5.0, "weight_decay": 0.0, "warmup_steps": 0},
        # The warm-up ends within the ten steps.
        {**OTHER, "beta3": 0.98, "alpha": 3.0, "weight_decay": 0.3, "warmup_steps": 6},
    ),
    "cautious_adamw": (
        cautious_adamw,
        {**ADAM, "weight_decay": 1e-2, "decay_scale": "lr"},
        {**OTHER, "lr": 0.03, "weight_decay": 0.3, "decay_scale": "schedule"},
    ),
    "prodigy": (
        prodigy,
        {**ADAM, "lr": 1.0, "d0": 1e-6, "weight_decay": 0.0},
        # d grows within the ten steps.
        {**OTHER, "lr": 2.0, "epsilon": 1e-3, "d0": 1e-2, "weight_decay": 0.3},
    ),
}
