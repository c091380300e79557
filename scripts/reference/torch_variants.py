# SPDX-License-Identifier: Apache-2.0
"""Optimizers of PyTorch that are the same variant as a golden file's; see cross_check.py."""

import torch

LIBRARY = f"PyTorch {torch.__version__}"


def always(settings, factors):
    return True


def constant_rate(settings, factors):
    """torch keeps lr outside the velocity: the same only while lr is constant."""
    return len(set(factors)) == 1


def sgd(parameters, s):
    return torch.optim.SGD(parameters, lr=s["lr"])


def momentum(parameters, s):
    return torch.optim.SGD(parameters, lr=s["lr"], momentum=s["momentum"])


def nesterov(parameters, s):
    return torch.optim.SGD(parameters, lr=s["lr"], momentum=s["momentum"], nesterov=True)


def adam_arguments(s):
    return {"lr": s["lr"], "betas": (s["beta1"], s["beta2"]), "eps": s["epsilon"]}


def adam(parameters, s):
    return torch.optim.Adam(parameters, **adam_arguments(s))


def adamw(parameters, s):
    # torch decays by lr times its setting.
    decay = s["weight_decay"] / (s["lr"] if s["decay_scale"] == "schedule" else 1)
    return torch.optim.AdamW(parameters, **adam_arguments(s), weight_decay=decay)


def amsgrad(parameters, s):
    return torch.optim.Adam(parameters, **adam_arguments(s), amsgrad=True)


def adamax(parameters, s):
    return torch.optim.Adamax(parameters, **adam_arguments(s))


def adadelta(parameters, s):
    return torch.optim.Adadelta(parameters, lr=s["lr"], rho=s["rho"], eps=s["epsilon"])


def adagrad(parameters, s):
    start = s["initial_accumulator"]
    return torch.optim.Adagrad(
        parameters, lr=s["lr"], eps=s["epsilon"], initial_accumulator_value=start
    )


def rmsprop(parameters, s):
    return torch.optim.RMSprop(
        parameters,
        lr=s["lr"],
        alpha=s["decay"],
        eps=s["epsilon"],
        momentum=s["momentum"],
        centered=s["centered"],
    )


def run(make):
    """The trajectory of a torch optimizer over the gradients of a golden case."""

    def trajectory(initial, gradient, shapes, case):
        parameters = [torch.nn.Parameter(torch.tensor(w)) for w in initial]
        optimizer = make(parameters, case["settings"])
        for t, factor in enumerate(case["schedule_factors"], start=1):
            for group in optimizer.param_groups:
                group["lr"] = case["settings"]["lr"] * factor
            now = [parameter.detach().numpy().copy() for parameter in parameters]
            for parameter, g in zip(parameters, gradient(t, now)):
                parameter.grad = torch.tensor(g)
            optimizer.step()
            trained = [parameter.detach().numpy().copy() for parameter in parameters]
            yield trained, trained

    return trajectory


# What the variant is called, its trajectory, and the cases that have one.
VARIANTS = {
    "sgd": ("torch.optim.SGD", run(sgd), always),
    "momentum": ("torch.optim.SGD with momentum", run(momentum), constant_rate),
    "nesterov": ("torch.optim.SGD with nesterov", run(nesterov), constant_rate),
    "adam": ("torch.optim.Adam", run(adam), always),
    "adamw": ("torch.optim.AdamW, its decay over lr for decay_scale schedule", run(adamw), always),
    "amsgrad": (
        "torch.optim.Adam with amsgrad, which corrects bias",
        run(amsgrad),
        lambda settings, factors: settings["bias_correction"],
    ),
    "adamax": ("torch.optim.Adamax", run(adamax), always),
    "adadelta": ("torch.optim.Adadelta", run(adadelta), always),
    "adagrad": ("torch.optim.Adagrad", run(adagrad), always),
    "rmsprop": (
        "torch.optim.RMSprop, which has epsilon outside the root",
        run(rmsprop),
        lambda settings, factors: settings["epsilon_place"] == "outside",
    ),
}
