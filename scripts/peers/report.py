# SPDX-License-Identifier: Apache-2.0
"""The tables of a comparison, in Markdown."""

LABELS = {
    "pytorch": "PyTorch",
    "torch.compile": "torch.compile",
    "jax": "JAX",
    "numpy": "numpy",
    "cblas": "a loop over OpenBLAS",
    "pytorch, 2 processes": "PyTorch, 2 processes",
    "pytorch, stacked": "PyTorch, runs stacked",
    "jax, 2 processes": "JAX, 2 processes",
    "jax, vmap": "JAX, vmap over the runs",
}


def in_order(peers: dict) -> list[str]:
    """Whatever turns they took: as LABELS has them, then any others."""
    places = list(LABELS)
    return sorted(peers, key=lambda name: places.index(name) if name in LABELS else len(places))


def label(name: str) -> str:
    return LABELS.get(name, name)


def table(head: list[str], rows: list[list[str]], texts: int = 1) -> str:
    """The last `texts` columns are text, the others numbers."""
    rule = ["---:"] * (len(head) - texts) + ["---"] * texts
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, rule, *rows])


def microseconds(seconds: float) -> str:
    return f"{1e6 * seconds:.0f}"


def spread(peer: dict) -> str:
    return f"{peer['least']:.2f} to {peer['greatest']:.2f}"


def steps_table(document: dict) -> str:
    """A row for each shape and peer."""
    rows = []
    for shape in document["shapes"]:
        size = [str(shape[key]) for key in ("width", "depth", "batch")]
        count = f"{shape['quiet_rounds']} of {shape['rounds']}"
        if not shape["peers"]:
            rows.append([*size, "", "", "", "", count, "", ""])
        for name in in_order(shape["peers"]):
            peer = shape["peers"][name]
            rows.append([*size, microseconds(shape["ours"]), microseconds(peer["value"]),
                         f"{peer['ratio']:.2f}", spread(peer), count, label(name),
                         peer["variant"]])
    return table(["width", "depth", "batch", "ours, µs", "peer, µs", "ratio", "least to greatest",
                  "quiet rounds", "peer", "its fastest variant"], rows, texts=2)


def ratios_table(document: dict) -> str:
    """A row for each shape, with a column of ratios for each peer."""
    names = in_order({name: None for shape in document["shapes"] for name in shape["peers"]})
    rows = []
    for shape in document["shapes"]:
        if not shape["peers"]:
            continue
        ratios = [f"{shape['peers'][name]['ratio']:.2f}" if name in shape["peers"] else ""
                  for name in names]
        rows.append([*(str(shape[key]) for key in ("width", "depth", "batch")),
                     microseconds(shape["ours"]), *ratios])
    return table(["width", "depth", "batch", "Plumbline, µs", *map(label, names)], rows, texts=0)


def sweep_table(document: dict) -> str:
    rows = []
    if document["quiet_rounds"]:
        rows.append([f"{document['ours']:.0f}", "1", "", "Plumbline, 2 threads", ""])
    for name in in_order(document["peers"]):
        peer = document["peers"][name]
        rows.append([f"{peer['value']:.0f}", f"{peer['ratio']:.2f}", spread(peer), label(name),
                     peer["variant"]])
    return table(["run-steps/s", "ours is faster by", "least to greatest", "who",
                  "its fastest variant"], rows, texts=2)


def circumstances_table(document: dict) -> str:
    rows = [[name, value] for name, value in document["circumstances"].items()]
    rows += [[f"Left out: {name}", reason] for name, reason in document["left_out"].items()]
    return table(["measured with", ""], rows, texts=2)


def report(document: dict) -> str:
    made = sweep_table if document["kind"] == "sweep" else steps_table
    return f"{made(document)}\n\n{circumstances_table(document)}\n"
