# SPDX-License-Identifier: Apache-2.0
"""Optimizers of Optax that are the same variant as a golden file's, some of them chained from its
parts; see cross_check.py."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
from optax import contrib

jax.config.update("jax_enable_x64", True)

LIBRARY = f"Optax {optax.__version__}"


def always(settings, factors):
    return True


def rate(lr, factors):
    """The learning rate by Optax's count, which starts at zero."""
    table = jnp.array(factors) * lr
    return lambda count: table[count]


def steps_done(count):
    """t, in float64, where Optax would take float32."""
    return jnp.asarray(count, jnp.float64) + 1


def betas(s):
    return {"b1": s["beta1"], "b2": s["beta2"], "eps": s["epsilon"]}


def momentum(s, factors, **how):
    """lr inside the velocity, so that a schedule acts on new gradients alone."""
    return optax.chain(
        optax.scale_by_learning_rate(rate(s["lr"], factors)), optax.trace(s["momentum"], **how)
    )


def nesterov(s, factors):
    return momentum(s, factors, nesterov=True)


def inner(s, factors):
    if s["name"] == "momentum":
        return momentum(s, factors)
    if s["name"] == "adam":
        return optax.adam(rate(s["lr"], factors), **betas(s))
    return optax.sgd(rate(s["lr"], factors))


def rmsprop(s, factors):
    scale = optax.scale_by_stddev if s["centered"] else optax.scale_by_rms
    inside = s["epsilon_place"] == "inside"
    return optax.chain(
        scale(decay=s["decay"], eps=s["epsilon"], initial_scale=0.0, eps_in_sqrt=inside),
        optax.trace(s["momentum"]),
        optax.scale_by_learning_rate(rate(s["lr"], factors)),
    )


def radam(s, factors):
    return optax.radam(rate(s["lr"], factors), **betas(s), threshold=4.0)


def adabelief(s, factors):
    return optax.adabelief(rate(s["lr"], factors), **betas(s), eps_root=s["epsilon"])


def lion(s, factors):
    lr = rate(s["lr"], factors)
    return optax.lion(lr, b1=s["beta1"], b2=s["beta2"], weight_decay=s["weight_decay"])


def signsgd(s, factors):
    return optax.sign_sgd(rate(s["lr"], factors))


def signum(s, factors):
    return optax.signum(rate(s["lr"], factors), beta=s["momentum"])


def adopt(s, factors):
    return contrib.adopt(rate(s["lr"], factors), **betas(s), use_clipping=s["clip"])


def ademamix(s, factors):
    warmup, log1, log3 = s["warmup_steps"], np.log(s["beta1"]), np.log(s["beta3"])

    def alpha(count):
        return s["alpha"] * jnp.minimum(1.0, steps_done(count) / warmup)

    def beta3(count):
        share = steps_done(count) / warmup
        rising = jnp.exp(log1 * log3 / ((1 - share) * log3 + share * log1))
        return jnp.where(share < 1, jnp.minimum(rising, s["beta3"]), s["beta3"])

    return contrib.ademamix(
        rate(s["lr"], factors),
        **betas(s),
        b3=beta3 if warmup else s["beta3"],
        alpha=alpha if warmup else s["alpha"],
        weight_decay=s["weight_decay"],
    )


def schedule_free(s, factors, beta, scale, correction):
    """Around `scale`; correction(t) is a factor of the rate."""
    warmup = [
        min(1.0, (i + 1) / s["warmup_steps"]) if s["warmup_steps"] else 1.0 for i in range(10)
    ]
    rates = [s["lr"] * f * w * correction(i + 1) for i, (f, w) in enumerate(zip(factors, warmup))]
    base = optax.chain(
        scale,
        optax.add_decayed_weights(s["weight_decay"]),
        optax.scale_by_learning_rate(rate(1.0, rates)),
    )
    power = 2.0 if s["averaging"] == "squared_lr" else 0.0
    # The rate of the averaging is asked for by a count that starts at one.
    return contrib.schedule_free(base, rate(1.0, [0.0, *rates]), b1=beta, weight_lr_power=power)


def schedule_free_sgd(s, factors):
    return schedule_free(s, factors, s["beta"], optax.identity(), lambda t: 1.0)


def schedule_free_adamw(s, factors):
    scale = optax.scale_by_rms(s["beta2"], eps=s["epsilon"], initial_scale=0.0, eps_in_sqrt=False)
    return schedule_free(s, factors, s["beta1"], scale, lambda t: np.sqrt(1 - s["beta2"] ** t))


def rising_rate(s, factors):
    """Optax weighs by the largest rate so far: the same while no rate falls. Its uniform mean leaves
    the start out, which the paper's equation 5 counts."""
    return s["averaging"] == "squared_lr" and len(set(factors)) == 1


def muon(s, factors):
    coefficients = jnp.array([3.4445, -4.7750, 2.0315])

    def orthogonal(updates, params):
        return jax.tree.map(
            lambda b: (
                contrib._muon.orthogonalize_via_newton_schulz(
                    b, coefficients, s["newton_schulz_steps"], eps=1e-7
                )
                * np.sqrt(max(1.0, b.shape[0] / b.shape[1]))
            ),
            updates,
        )

    hidden = optax.chain(
        optax.trace(s["momentum"], nesterov=s["nesterov"]),
        optax.stateless(orthogonal),
        optax.add_decayed_weights(s["weight_decay"]),
        optax.scale_by_learning_rate(rate(s["lr"], factors)),
    )
    other = optax.adamw(rate(s["adam_lr"], factors), **betas(s), weight_decay=s["weight_decay"])
    return lambda groups: optax.partition(
        {"hidden": hidden, "other": other},
        ["hidden" if group == "hidden" else "other" for group in groups],
    )


def lamb(s, factors):
    return optax.lamb(rate(s["lr"], factors), **betas(s), weight_decay=s["weight_decay"])


def adafactor(s, factors):
    lr = s["lr"]
    if s["relative_step"]:
        rates = [f * min(lr, 1 / np.sqrt(i + 1)) for i, f in enumerate(factors)]
        size = optax.scale_by_param_block_rms(s["epsilon2"])
    else:
        rates, size = [f * lr for f in factors], optax.identity()
    return optax.chain(
        optax.scale_by_factored_rms(
            decay_rate=s["decay_exponent"],
            min_dim_size_to_factor=2,
            epsilon=s["epsilon1"],
            decay_rate_fn=lambda count, rate: 1 - steps_done(count) ** -rate,
        ),
        optax.clip_by_block_rms(s["clip_threshold"]),
        size,
        optax.scale_by_learning_rate(rate(1.0, rates)),
    )


def clip_norm(s, factors):
    return optax.chain(optax.clip_by_global_norm(s["max_norm"]), inner(s["inner"], factors))


def clip_layer(s, factors):
    """Each tensor's norm is the global one of its own optimizer."""
    return lambda groups: optax.partition(
        {i: clip_norm(s, factors) for i in range(len(groups))}, list(range(len(groups)))
    )


def clip_value(s, factors):
    return optax.chain(optax.clip(s["max_value"]), inner(s["inner"], factors))


def gradient_centralization(s, factors):
    return optax.chain(optax.centralize(), inner(s["inner"], factors))


def weight_decay(s, factors):
    def with_groups(groups):
        mask = [s["biases"] or group != "bias" for group in groups]
        if s["kind"] == "coupled":
            decay = optax.add_decayed_weights(s["rate"], mask)
            return optax.chain(decay, inner(s["inner"], factors))
        decay = optax.add_decayed_weights(rate(-s["rate"], factors), mask)
        return optax.chain(inner(s["inner"], factors), decay)

    return with_groups


def as_arrays(tensors):
    return [np.asarray(w) for w in tensors]


def run(make, evaluated=lambda state, params: params):
    """The trajectory of an Optax transformation over the gradients of a golden case."""

    def trajectory(initial, gradient, groups, case):
        transformation = make(case["settings"], case["schedule_factors"])
        if callable(transformation):
            transformation = transformation(groups)
        params = [jnp.array(w) for w in initial]
        state = transformation.init(params)
        for t in range(1, len(case["schedule_factors"]) + 1):
            updates, state = transformation.update(
                [jnp.array(g) for g in gradient(t, as_arrays(params))], state, params
            )
            params = optax.apply_updates(params, updates)
            yield as_arrays(params), as_arrays(evaluated(state, params))

    return trajectory


def lookahead(initial, gradient, groups, case):
    s = case["settings"]
    transformation = optax.lookahead(
        inner(s["inner"], case["schedule_factors"]), s["every"], s["alpha"]
    )
    params = optax.LookaheadParams.init_synced([jnp.array(w) for w in initial])
    state = transformation.init(params)
    for t in range(1, len(case["schedule_factors"]) + 1):
        gradients = [jnp.array(g) for g in gradient(t, as_arrays(params.fast))]
        updates, state = transformation.update(gradients, state, params)
        params = optax.apply_updates(params, updates)
        yield as_arrays(params.fast), as_arrays(params.slow)


def inner_path(initial, gradient, groups, case):
    held = run(lambda s, factors: inner(s["inner"], factors))
    return (trained for trained, _ in held(initial, gradient, groups, case))


def ema(initial, gradient, groups, case):
    s = case["settings"]
    average = optax.ema(s["decay"], debias=True)
    state = average.init([jnp.array(w) for w in initial])
    slow = [jnp.array(w) for w in initial]
    for trained in inner_path(initial, gradient, groups, case):
        if s["bias_correction"]:
            slow, state = average.update(trained, state)
        else:
            slow = optax.incremental_update(trained, slow, 1 - s["decay"])
        yield trained, as_arrays(slow)


def sam(initial, gradient, groups, case):
    s = case["settings"]
    ascent = optax.chain(contrib.normalize(), optax.sgd(s["rho"]))
    transformation = contrib.sam(
        inner(s["inner"], case["schedule_factors"]), ascent, opaque_mode=True
    )
    params = [jnp.array(w) for w in initial]
    state = transformation.init(params)
    for t in range(1, len(case["schedule_factors"]) + 1):

        def at(weights, _):
            return [jnp.array(g) for g in gradient(t, as_arrays(weights))]

        updates, state = transformation.update(at(params, 0), state, params, grad_fn=at)
        params = optax.apply_updates(params, updates)
        yield as_arrays(params), as_arrays(params)


def lbfgs(initial, gradient, groups, case):
    s = case["settings"]
    transformation = optax.scale_by_lbfgs(s["history"])
    params = [jnp.array(w) for w in initial]
    state = transformation.init(params)
    for t, factor in enumerate(case["schedule_factors"], start=1):
        gradients = [jnp.array(g) for g in gradient(t, as_arrays(params))]
        direction, state = transformation.update(gradients, state, params)
        # Optax shortens the first direction to length 1.
        direction = gradients if t == 1 else direction
        params = [w - s["lr"] * factor * d for w, d in zip(params, direction)]
        yield as_arrays(params), as_arrays(params)


# What the variant is called, its trajectory, and the cases that have one.
VARIANTS = {
    "momentum": ("optax.trace after the learning rate", run(momentum), always),
    "nesterov": ("optax.trace with nesterov after the learning rate", run(nesterov), always),
    "rmsprop": (
        "optax.scale_by_rms or scale_by_stddev, trace, learning rate",
        run(rmsprop),
        always,
    ),
    "radam": ("optax.radam with threshold 4", run(radam), always),
    "adabelief": ("optax.adabelief", run(adabelief), always),
    "lion": ("optax.lion", run(lion), always),
    "signsgd": ("optax.sign_sgd", run(signsgd), always),
    "signum": ("optax.signum", run(signum), always),
    "adopt": ("optax.contrib.adopt", run(adopt), always),
    "ademamix": (
        "optax.contrib.ademamix, given the paper's schedules of alpha and beta3",
        run(ademamix),
        always,
    ),
    "schedule_free_sgd": (
        "optax.contrib.schedule_free, which weighs by the largest rate so far, around sgd",
        run(schedule_free_sgd, contrib.schedule_free_eval_params),
        rising_rate,
    ),
    "schedule_free_adamw": (
        "optax.contrib.schedule_free, which weighs by the largest rate so far, around scale_by_rms "
        "with the paper's rate",
        run(schedule_free_adamw, contrib.schedule_free_eval_params),
        rising_rate,
    ),
    "muon": (
        "orthogonalize_via_newton_schulz of optax.contrib.muon after optax.trace, and optax.adamw",
        run(muon),
        always,
    ),
    "lamb": ("optax.lamb", run(lamb), always),
    "adafactor": (
        "the parts of optax.adafactor, with the paper's relative step",
        run(adafactor),
        always,
    ),
    "clip_norm": ("optax.clip_by_global_norm", run(clip_norm), always),
    "clip_layer": ("optax.clip_by_global_norm, one for each tensor", run(clip_layer), always),
    "clip_value": ("optax.clip", run(clip_value), always),
    "gradient_centralization": ("optax.centralize", run(gradient_centralization), always),
    "weight_decay": (
        "optax.add_decayed_weights before or after the inner rule",
        run(weight_decay),
        always,
    ),
    "lookahead": ("optax.lookahead", lookahead, always),
    "ema": ("optax.ema and incremental_update of the parameters", ema, always),
    "sam": ("optax.contrib.sam", sam, always),
    "lbfgs": (
        "the directions of optax.scale_by_lbfgs but for the first, which it shortens, with the "
        "first trial step",
        lbfgs,
        always,
    ),
}
