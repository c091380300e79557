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


def table(head: list[str], rows: list[list[str]], texts: int = 1, names: int = 0) -> str:
    """The first `names` columns and the last `texts` are text, the others numbers."""
    rule = ["---"] * names + ["---:"] * (len(head) - names - texts) + ["---"] * texts
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, rule, *rows])


def microseconds(seconds: float) -> str:
    return f"{1e6 * seconds:.0f}"


def spread(peer: dict) -> str:
    return f"{peer['least']:.2f} to {peer['greatest']:.2f}"


def size_of(shape: dict) -> list[str]:
    return [str(shape[key]) for key in ("width", "depth", "batch")]


def net_of(shape: dict) -> list[str]:
    kind, width, depth = shape.get("kind", "mlp"), shape["width"], shape["depth"]
    if kind == "cnn":
        net = f"cnn, {width} and {2 * width} channels on {depth} x {depth}"
    elif kind in ("rnn", "gru", "lstm"):
        net = f"{kind}, {width} units, {depth} steps"
    else:
        net = f"{kind.replace('_', ', ', 1).replace('_', ' ')}, {depth} x {width}"
    return [f"{net}, batch {shape['batch']}"]


def rows_of(document: dict, first_cells) -> list[list[str]]:
    """A row for each shape and peer, which begins with first_cells(shape)."""
    rows = []
    for shape in document["shapes"]:
        first = first_cells(shape)
        count = f"{shape['quiet_rounds']} of {shape['rounds']}"
        if not shape["peers"]:
            rows.append([*first, "", "", "", "", count, "", ""])
        for name in in_order(shape["peers"]):
            peer = shape["peers"][name]
            rows.append([*first, microseconds(shape["ours"]), microseconds(peer["value"]),
                         f"{peer['ratio']:.2f}", spread(peer), count, label(name),
                         peer["variant"]])
    return rows


MEASURED = ["ours, µs", "peer, µs", "ratio", "least to greatest", "quiet rounds", "peer",
            "its fastest variant"]


def steps_table(document: dict) -> str:
    return table(["width", "depth", "batch", *MEASURED], rows_of(document, size_of), texts=2)


def layers_table(document: dict) -> str:
    return table(["net", *MEASURED], rows_of(document, net_of), texts=2, names=1)


def ratios_table(document: dict) -> str:
    """A row for each shape, with a column of ratios for each peer."""
    names = in_order({name: None for shape in document["shapes"] for name in shape["peers"]})
    rows = []
    for shape in document["shapes"]:
        if not shape["peers"]:
            continue
        ratios = [f"{shape['peers'][name]['ratio']:.2f}" if name in shape["peers"] else ""
                  for name in names]
        rows.append([*size_of(shape), microseconds(shape["ours"]), *ratios])
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


TABLES = {"steps": steps_table, "layers": layers_table, "sweep": sweep_table}


def report(document: dict) -> str:
    return f"{TABLES[document['kind']](document)}\n\n{circumstances_table(document)}\n"
