# SPDX-License-Identifier: Apache-2.0
"""Compares the golden factors of the schedules with Optax where it has the same variant.

Writes the outcome into the field "cross_check" of tests/golden/schedules/<name>.json. Needs jax and
optax, which nothing else here does.

usage: python scripts/reference/check_schedules_against_optax.py
"""

import json
import sys

import jax

jax.config.update("jax_enable_x64", True)

import optax  # noqa: E402
import schedules  # noqa: E402

# Agreement of two float64 implementations of one formula: some ten roundings, relative to the
# largest factor, 1.
TOLERANCE = 1e-14


def cosine(T, final):
    return optax.cosine_decay_schedule(1.0, T, alpha=final)


def cosine_restarts(T, period, period_factor, final):
    periods = []
    while sum(p["decay_steps"] for p in periods) < T:
        periods.append(
            {
                "init_value": 1.0,
                "peak_value": 1.0,
                "warmup_steps": 0,
                "decay_steps": period,
                "end_value": final,
            }
        )
        period *= period_factor
    return optax.sgdr_schedule(periods)


def step(T, gamma, every, milestones):
    if every:
        return optax.exponential_decay(1.0, every, gamma, staircase=True)
    milestones = milestones or [T // 2, -(-3 * T // 4)]
    return optax.piecewise_constant_schedule(1.0, {m: gamma for m in milestones})


def exponential(T, gamma):
    return optax.exponential_decay(1.0, 1, gamma)


def one_cycle(T, peak, start, final, anneal):
    if not (peak * T).is_integer():
        return None
    if anneal == "cosine":
        return optax.cosine_onecycle_schedule(T, 1.0, peak, 1 / start, start / final)
    levels = {int(peak * T): 1 / start, T: final}
    return optax.piecewise_interpolate_schedule("linear", start, levels)


def linear_from(T, steps, start, after):
    """Update t has start + (1 - start) t / steps: Optax's count t - 1 moved by one."""
    rise = optax.linear_schedule(start, 1.0, steps)
    return optax.join_schedules([lambda count: rise(count + 1), after], [steps])


def warmup(T, steps, start, inner):
    name, settings = (inner, {}) if isinstance(inner, str) else (inner["name"], dict(inner))
    settings.pop("name", None)
    return linear_from(T, steps, start, made(name, settings, max(T - steps, 1)))


def warmup_stable_decay(T, warmup, warmup_steps, decay, final, shape):
    W = warmup_steps or round(warmup * T)
    D = round(decay * T)
    if W != (warmup_steps or warmup * T) or D != decay * T or shape == "one_minus_sqrt" or W + D > T:
        return None
    fall = cosine(D, final) if shape == "cosine" else optax.linear_schedule(1.0, final, D)
    stable = optax.join_schedules([optax.constant_schedule(1.0), fall], [T - D - W])
    return linear_from(T, W, 0.0, stable)


# What Optax is asked for: its name in the outcome, and the schedule for a run of T or None for a
# case that Optax cannot make.
VARIANTS = {
    "constant": ("optax.constant_schedule", lambda T: optax.constant_schedule(1.0)),
    "cosine": ("optax.cosine_decay_schedule", cosine),
    "cosine_restarts": ("optax.sgdr_schedule without warm-up", cosine_restarts),
    "linear": (
        "optax.linear_schedule",
        lambda T, final: optax.linear_schedule(1.0, final, T),
    ),
    "step": (
        "optax.piecewise_constant_schedule, and optax.exponential_decay with staircase for `every`",
        step,
    ),
    "exponential": ("optax.exponential_decay", exponential),
    "warmup_stable_decay": (
        "optax.join_schedules of linear_schedule (one count ahead), constant_schedule and "
        "linear_schedule or cosine_decay_schedule, where warm-up and decay are whole updates that "
        "do not overlap; no library is compared for one_minus_sqrt",
        warmup_stable_decay,
    ),
    "one_cycle": (
        "optax.cosine_onecycle_schedule, and optax.piecewise_interpolate_schedule for linear, where "
        "the peak is at a whole update",
        one_cycle,
    ),
    "warmup": (
        "optax.join_schedules of linear_schedule (one count ahead) and the inner schedule's own",
        warmup,
    ),
}
NO_VARIANT = {
    "inverse_square_root": "none: Optax and PyTorch have no inverse square root schedule; the "
    "numpy code is the formula of the paper, divided by its peak"
}


def made(name, settings, T):
    return VARIANTS[name][1](T, **{**schedules.RULES[name][1], **settings})


def main():
    failed = []
    for name in schedules.RULES:
        path = schedules.GOLDEN / f"{name}.json"
        data = json.loads(path.read_text(encoding="utf-8"))
        if name in NO_VARIANT:
            outcome = NO_VARIANT[name]
        else:
            checked, largest = 0, 0.0
            for case in data["cases"]:
                schedule = made(name, case["settings"], case["steps"])
                if schedule is None:
                    continue
                checked += 1
                for count, golden in enumerate(case["factors"]):
                    largest = max(largest, abs(float(schedule(count)) - golden))
            outcome = (
                f"{VARIANTS[name][0]}, Optax {optax.__version__}, float64: {checked} of "
                f"{len(data['cases'])} cases, largest difference {largest:.1e}"
            )
            if largest > TOLERANCE or checked == 0:
                failed.append(name)
        print(f"{name}: {outcome}")
        if name not in failed:
            data["cross_check"] = outcome
            path.write_text(schedules.text_of(data), encoding="utf-8")
    return f"more than {TOLERANCE}: {', '.join(failed)}" if failed else None


if __name__ == "__main__":
    sys.exit(main())
