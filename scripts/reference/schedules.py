# SPDX-License-Identifier: Apache-2.0
"""Golden factors of the learning-rate schedules, from the papers' formulas, in numpy and float64.

Writes tests/golden/schedules/<name>.json. Independent of the engine: each rule below is written
from its paper, as a function of the whole run, and shares nothing with engine/.

usage: python scripts/reference/schedules.py [NAME...]
"""

import json
import sys
from pathlib import Path

import numpy as np
from golden_files import write

GOLDEN = Path(__file__).resolve().parents[2] / "tests" / "golden" / "schedules"

RUNS = (10, 100)


def constant(T):
    """1. Robbins & Monro 1951."""
    return np.ones(T)


def half_wave(p):
    """From 1 at p = 0 to 0 at p = 1 along a cosine."""
    return (1 + np.cos(np.pi * p)) / 2


def cosine(T, final):
    """final + (1 - final)(1 + cos(pi (t - 1)/T))/2. Loshchilov & Hutter 2017, equation 5."""
    return final + (1 - final) * half_wave(np.arange(T) / T)


def cosine_restarts(T, period, period_factor, final):
    """Equation 5 of Loshchilov & Hutter 2017 with T_i = T_0 T_mult^i, in updates."""
    parts = []
    T_i = period
    while sum(map(len, parts)) < T:
        parts.append(final + (1 - final) * half_wave(np.arange(min(T_i, T)) / T_i))
        T_i *= period_factor
    return np.concatenate(parts)[:T]


def linear(T, final):
    """1 + (final - 1)(t - 1)/T. Devlin et al. 2019."""
    return np.linspace(1, final, T + 1)[:T]


def step(T, gamma, every, milestones):
    """gamma to the number of drops so far; by default after T/2 and 3T/4. He et al. 2016."""
    if every:
        milestones = range(every, T, every)
    elif not milestones:
        milestones = [T / 2, 3 * T / 4]
    factors = np.ones(T)
    for milestone in milestones:
        factors[int(np.ceil(milestone)) :] *= gamma
    return factors


def exponential(T, gamma):
    """gamma^(t - 1). Li & Arora 2020."""
    return np.cumprod(np.concatenate([[1.0], np.full(T - 1, gamma)]))


def warmup_stable_decay(T, warmup, warmup_steps, decay, final, shape):
    """t/W, then 1, then a decay over the last D updates. Hu et al. 2024, Haegele et al. 2024."""
    W = warmup_steps or warmup * T
    D = decay * T
    t = np.arange(1, T + 1)
    p = np.clip((t - 1 - T + D) / D, 0, 1) if D else np.zeros(T)
    f = {
        "linear": 1 - p,
        "one_minus_sqrt": 1 - np.sqrt(p),
        "cosine": half_wave(p),
    }[shape]
    rising = np.minimum(t / W, 1) if W else np.ones(T)
    return np.minimum(rising, final + (1 - final) * f)


def inverse_square_root(T, offset, warm_up):
    """min(t^-1/2, t W^-3/2) W^1/2. Vaswani et al. 2017, equation 3; max(t, W)^-1/2 W^1/2: T5."""
    t = np.arange(1, T + 1)
    W = float(offset)
    if not warm_up:
        return np.maximum(t, W) ** -0.5 * W**0.5
    return np.minimum(t**-0.5, t * W**-1.5) * W**0.5


def one_cycle(T, peak, start, final, anneal):
    """Up from start to 1 at the share peak of the run, and down to final. Smith & Topin 2018."""
    x = np.arange(T) / T
    if anneal == "linear":
        return np.interp(x, [0, peak, 1], [start, 1, final])
    up = 1 + (start - 1) * half_wave(x / peak)
    down = final + (1 - final) * half_wave((x - peak) / (1 - peak))
    return np.where(x < peak, up, down)


def warmup(T, steps, start, inner):
    """start + (1 - start) t/W for t <= W, then another schedule. Goyal et al. 2017."""
    name, settings = (inner, {}) if isinstance(inner, str) else (inner["name"], dict(inner))
    settings.pop("name", None)
    rise = np.interp(np.arange(1, steps + 1), [0, steps], [start, 1])[:T]
    return np.concatenate([rise, factors(name, settings, T - len(rise))])


# The rule, its default settings, and other settings: a second, a third, ... case.
RULES = {
    "constant": (constant, {}, []),
    "cosine": (cosine, {"final": 0.0}, [{"final": 0.2}, {"final": 0.03}]),
    "cosine_restarts": (
        cosine_restarts,
        {"period": 100, "period_factor": 2, "final": 0.0},
        [{"period": 3, "final": 0.1}, {"period": 4, "period_factor": 1}],
    ),
    "linear": (linear, {"final": 0.0}, [{"final": 0.2}, {"final": 0.03}]),
    "step": (
        step,
        {"gamma": 0.1, "every": 0, "milestones": []},
        [{"gamma": 0.5, "every": 3}, {"gamma": 0.3, "milestones": [2, 3, 7, 60]}, {"gamma": 0.2}],
    ),
    "exponential": (exponential, {"gamma": 0.999}, [{"gamma": 0.9}, {"gamma": 1.01}]),
    "warmup_stable_decay": (
        warmup_stable_decay,
        {
            "warmup": 0.05,
            "warmup_steps": 0,
            "decay": 0.2,
            "final": 0.0,
            "shape": "one_minus_sqrt",
        },
        [
            {"warmup": 0.25, "decay": 0.5, "final": 0.1, "shape": "linear"},
            {"warmup_steps": 7, "decay": 0.45, "final": 0.02, "shape": "cosine"},
            {"warmup": 0.3, "decay": 0.7},
        ],
    ),
    "inverse_square_root": (
        inverse_square_root,
        {"offset": 4000, "warm_up": True},
        [{"offset": 7}, {"offset": 4, "warm_up": False}],
    ),
    "one_cycle": (
        one_cycle,
        {"peak": 0.3, "start": 0.04, "final": 4e-6, "anneal": "cosine"},
        [{"peak": 0.5, "start": 0.1, "final": 0.01}, {"peak": 0.45, "anneal": "linear"}],
    ),
    "warmup": (
        warmup,
        {"steps": 100, "start": 0.0, "inner": "cosine"},
        [
            {"steps": 4, "start": 0.2},
            {"steps": 3, "inner": {"name": "linear", "final": 0.25}},
            {"steps": 5, "inner": {"name": "warmup", "steps": 2, "start": 0.5, "inner": "constant"}},
        ],
    ),
}


def factors(name, settings, T):
    """The factor at each update of a run of T; settings that are not given have their default."""
    rule, defaults, _ = RULES[name]
    return rule(T, **{**defaults, **settings})


def cases(name):
    for settings in [{}, *RULES[name][2]]:
        for T in RUNS:
            values = [float(value) for value in factors(name, settings, T)]
            yield {"settings": settings, "steps": T, "factors": values}


def golden(name):
    rule, defaults, _ = RULES[name]
    return {
        "license": "SPDX-License-Identifier: Apache-2.0",
        "made_by": f"scripts/reference/schedules.py {name}",
        "formula": rule.__doc__,
        "cross_check": "none",
        "defaults": defaults,
        "cases": list(cases(name)),
    }


def text_of(data):
    """JSON with one line for the fields of the head and for each case."""
    lines = [f'  "{key}": {json.dumps(data[key])}' for key in data if key != "cases"]
    listed = ",\n".join("    " + json.dumps(case) for case in data["cases"])
    return "{\n" + ",\n".join(lines) + ',\n  "cases": [\n' + listed + "\n  ]\n}\n"


def main(names):
    return write(names, RULES, golden, GOLDEN, text_of)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
