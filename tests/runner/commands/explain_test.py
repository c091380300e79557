# SPDX-License-Identifier: Apache-2.0
"""`plumbline explain one_hidden_layer`: each printed number against a calculation by hand."""

import json
import math
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
DEFINITION = str(ROOT / "experiments/one_hidden_layer.toml")
GOLDEN = ROOT / "tests/golden/explain/one_hidden_layer.txt"

# Some ten operations of double precision, 1.1e-16 each.
EXACT = 1e-14
# Six digits are printed: half a unit of the last is 5e-6 of the number at most.
PRINTED = 5.1e-6
# A formula with the numbers put in has up to five of them, and its terms may cancel to a tenth.
PUT_IN = 1e-4


@pytest.fixture(name="explain")
def explain_fixture(program):
    def call(*arguments, definition=DEFINITION):
        return subprocess.run([program, "explain", definition, *arguments], capture_output=True,
                              text=True, cwd=ROOT, check=False)
    return call


def sigmoid(z):
    return 1 / (1 + math.exp(-z))


def by_hand(w, x, t):
    """Forward and back through 2-2-2 of sigmoids with the mean squared error, written out."""
    n = {}
    n["z1_1"] = w["w1_11"] * x[0] + w["w1_12"] * x[1] + w["b1_1"]
    n["z1_2"] = w["w1_21"] * x[0] + w["w1_22"] * x[1] + w["b1_2"]
    n["a1_1"] = sigmoid(n["z1_1"])
    n["a1_2"] = sigmoid(n["z1_2"])
    n["z2_1"] = w["w2_11"] * n["a1_1"] + w["w2_12"] * n["a1_2"] + w["b2_1"]
    n["z2_2"] = w["w2_21"] * n["a1_1"] + w["w2_22"] * n["a1_2"] + w["b2_2"]
    n["a2_1"] = sigmoid(n["z2_1"])
    n["a2_2"] = sigmoid(n["z2_2"])
    n["L"] = ((n["a2_1"] - t[0]) ** 2 + (n["a2_2"] - t[1]) ** 2) / 2
    n["dL/dy_1"] = n["a2_1"] - t[0]
    n["dL/dy_2"] = n["a2_2"] - t[1]
    n["delta2_1"] = n["dL/dy_1"] * n["a2_1"] * (1 - n["a2_1"])
    n["delta2_2"] = n["dL/dy_2"] * n["a2_2"] * (1 - n["a2_2"])
    back_1 = w["w2_11"] * n["delta2_1"] + w["w2_21"] * n["delta2_2"]
    back_2 = w["w2_12"] * n["delta2_1"] + w["w2_22"] * n["delta2_2"]
    n["delta1_1"] = back_1 * n["a1_1"] * (1 - n["a1_1"])
    n["delta1_2"] = back_2 * n["a1_2"] * (1 - n["a1_2"])
    gradient = {
        "w1_11": n["delta1_1"] * x[0], "w1_12": n["delta1_1"] * x[1],
        "w1_21": n["delta1_2"] * x[0], "w1_22": n["delta1_2"] * x[1],
        "b1_1": n["delta1_1"], "b1_2": n["delta1_2"],
        "w2_11": n["delta2_1"] * n["a1_1"], "w2_12": n["delta2_1"] * n["a1_2"],
        "w2_21": n["delta2_2"] * n["a1_1"], "w2_22": n["delta2_2"] * n["a1_2"],
        "b2_1": n["delta2_1"], "b2_2": n["delta2_2"],
    }
    return n, gradient


def expected(explained):
    """All numbers of a step by hand, from its parameters and examples: of each example, the mean
    gradient, the parameters after a step of 0.5."""
    examples, gradients = [], []
    for example in explained["examples"]:
        x = [example["x_1"], example["x_2"]]
        t = [example["t_1"], example["t_2"]]
        numbers, gradient = by_hand(explained["before"], x, t)
        examples.append(numbers)
        gradients.append(gradient)
    mean = {name: sum(g[name] for g in gradients) / len(gradients) for name in gradients[0]}
    after = {name: w - 0.5 * mean[name] for name, w in explained["before"].items()}
    return examples, mean, after


@pytest.mark.parametrize("arguments", [[], ["--step", "7"], ["train.batch=3"],
                                       ["train.batch=4", "--step", "2"]], ids=" ".join)
def test_every_number_is_the_one_by_hand(explain, arguments):
    explained = json.loads(explain("--json", *arguments).stdout)
    examples, gradient, after = expected(explained)
    for given, by_example in zip(explained["examples"], examples, strict=True):
        inputs = {"x_1", "x_2", "t_1", "t_2"}
        assert given.keys() == by_example.keys() | inputs
        for name, value in by_example.items():
            assert given[name] == pytest.approx(value, rel=EXACT, abs=EXACT), name
    losses = [example["L"] for example in examples]
    assert explained["loss"] == pytest.approx(sum(losses) / len(losses), rel=EXACT)
    assert explained["gradient"] == pytest.approx(gradient, rel=EXACT, abs=EXACT)
    assert explained["after"] == pytest.approx(after, rel=EXACT, abs=EXACT)
    assert max(abs(g) for g in gradient.values()) > 1e-3, "else nothing is compared"


def test_the_example_is_one_of_the_exclusive_or(explain):
    for step in range(8):
        (example,) = json.loads(explain("--json", "--step", str(step)).stdout)["examples"]
        label = int(example["x_1"]) ^ int(example["x_2"])
        assert [example["t_1"], example["t_2"]] == [1 - label, label]


def test_a_step_starts_where_the_one_before_ended(explain):
    first, second = (json.loads(explain("--json", "--step", str(k)).stdout) for k in (3, 4))
    assert first["after"] == second["before"]
    assert first["before"] != first["after"]


def printed_equations(text):
    """(symbol, the formula with the numbers put in or None, the value) of each equation."""
    joined = re.sub(r"\n\s+= ", " = ", text)
    for line in joined.splitlines():
        parts = line.strip().split(" = ")
        if len(parts) < 2 or not re.fullmatch(r"-?[\d.e+-]+", parts[-1]):
            continue
        numbers = parts[-2] if re.fullmatch(r"[-\d.e+*/() ^]+", parts[-2]) else None
        yield parts[0], numbers if len(parts) > 2 or "-" in parts[-2] else None, float(parts[-1])


def test_every_printed_number_is_the_one_by_hand(explain):
    explained = json.loads(explain("--json").stdout)
    (numbers,), gradient, after = expected(explained)
    known = dict(numbers)
    known.update({f"dL/d{name}": value for name, value in gradient.items()})
    known.update(after)
    seen = set()
    for symbol, _, value in printed_equations(explain().stdout):
        assert value == pytest.approx(known[symbol], rel=PRINTED, abs=1e-15), symbol
        seen.add(symbol)
    assert seen == set(known)


def test_the_formulas_with_the_numbers_put_in_are_true(explain):
    checked = 0
    for symbol, numbers, value in printed_equations(explain("--step", "5").stdout):
        if numbers is None:
            continue
        result = eval(numbers.replace("^", "**"), {"__builtins__": {}})
        assert result == pytest.approx(value, rel=PUT_IN, abs=1e-7), f"{symbol} = {numbers}"
        checked += 1
    # z, L, dL/dy, delta, the gradients of weights, the updates.
    assert checked >= 4 + 1 + 2 + 4 + 8


def test_the_text_is_the_golden_one(explain):
    done = explain()
    assert done.returncode == 0
    assert done.stderr == ""
    title, _, body = done.stdout.partition("\n")
    assert re.fullmatch(r"one_hidden_layer, run 1 of 1 \([0-9a-f]{16}\), step 0", title)
    licence, _, golden = GOLDEN.read_text(encoding="utf-8").partition("\n")
    assert licence.startswith("SPDX-License-Identifier")
    assert body == golden


def test_several_examples_are_each_shown_and_their_mean(explain):
    text = explain("train.batch=3").stdout
    for number in (1, 2, 3):
        assert text.count(f"\n  Example {number}\n") == 3, "forward, loss, backward"
    assert re.search(r"\n  dL/db2_1 = mean of delta2_1 = \(\S+ \+ \S+ \+ \S+\) / 3 = ", text)
    assert re.search(r"\n  Mean L = \(", text)


# Update rules


def update_part(text):
    return text.partition("\nUpdate\n")[2]


def table_rows(text):
    """The rows of the update tables: a dictionary by the titles of the columns."""
    titles = None
    for line in text.splitlines():
        cells = re.split(r"\s{2,}", line.strip())
        if cells[:2] == ["w", "dL/dw"]:
            titles = cells
        elif titles is not None and re.fullmatch(r"[wbp]\d+_\d+", cells[0]):
            yield dict(zip(titles, [cells[0], *map(float, cells[1:])], strict=True))


def rounded(value):
    return pytest.approx(value, rel=PRINTED, abs=1e-15)


def adam_by_hand(row, t, lr, beta1, beta2, epsilon):
    m = beta1 * row["m before"] + (1 - beta1) * row["dL/dw"]
    v = beta2 * row["v before"] + (1 - beta2) * row["dL/dw"] ** 2
    return m, v, -lr * m / (1 - beta1 ** t) / (math.sqrt(v / (1 - beta2 ** t)) + epsilon)


def test_adam_shows_its_moments_before_and_after(explain):
    text = update_part(explain("optimizer.name=adam", "optimizer.lr=0.01", "--step", "4").stdout)
    assert "\n    lr = 0.01, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-08\n" in text
    rows = list(table_rows(text))
    assert len(rows) == 12
    for row in rows:
        m, v, update = adam_by_hand(row, 5, 0.01, 0.9, 0.999, 1e-8)
        assert row["m after"] == pytest.approx(m, rel=PUT_IN, abs=1e-9)
        assert row["v after"] == pytest.approx(v, rel=PUT_IN, abs=1e-12)
        assert row["update"] == pytest.approx(update, rel=PUT_IN, abs=1e-9)
        moved = row["w before"] + row["update"]
        assert row["w after"] == pytest.approx(moved, rel=2 * PRINTED, abs=2 * PRINTED)
    assert max(abs(row["update"]) for row in rows) > 1e-3


def test_muon_shows_its_own_rule_for_hidden_weights_alone(explain):
    options = ["optimizer.name=muon", "optimizer.lr=0.02", "model.widths=[2,2]", "--step", "2"]
    text = update_part(explain(*options).stdout)
    outer, _, hidden = text.partition("\n  w2\n")
    assert outer.startswith("  w1, b1, b2, w3, b3\n  muon (AdamW): m <- ")
    assert "Newton-Schulz" not in outer
    assert hidden.startswith("  muon: B <- mu B + g; ")
    rows = list(table_rows(outer))
    assert len(rows) == 14
    for row in rows:
        _, _, update = adam_by_hand(row, 3, 3e-4, 0.9, 0.95, 1e-10)
        assert row["update"] == pytest.approx(update, rel=PUT_IN, abs=1e-9)
    matrix = list(table_rows(hidden))
    assert [row["w"] for row in matrix] == ["w2_11", "w2_12", "w2_21", "w2_22"]
    for row in matrix:
        assert row["B after"] == pytest.approx(0.95 * row["B before"] + row["dL/dw"], rel=PUT_IN,
                                               abs=1e-7)


def test_groups_and_wrappers_show_what_moves_each_tensor(explain):
    done = explain("optimizer={name='clip_norm', inner={name='momentum', lr=0.1},"
                   "groups={bias={name='sgd', lr=0.3}}}", "--step", "3")
    assert done.stderr == ""
    text = update_part(done.stdout)
    weights, _, biases = text.partition("\n  b1, b2\n")
    assert weights.startswith("  w1, w2\n  clip_norm: g <- g min(1, max_norm / |g|), over all")
    assert ("\n  momentum: v <- momentum v - lr g; w <- w + v\n    lr = 0.1, momentum = 0.9\n"
            in weights)
    for row in table_rows(weights):
        assert row["update"] == pytest.approx(row["v after"], rel=PUT_IN, abs=1e-9)
    assert biases.startswith("  sgd: w <- w - lr g\n")
    assert len(re.findall(r"^  b\d_\d = \S+ - 0.3 \* \S+ = \S+$", biases, re.M)) == 4


def every_optimizer(program):
    done = subprocess.run([program, "list", "optimizers", "--json"], capture_output=True, text=True,
                          check=True)
    return [plugin["name"] for plugin in json.loads(done.stdout)]


def test_every_optimizer_shows_how_each_parameter_moves(explain, program, tmp_path):
    without_table = re.sub(r"\[optimizer\][^\[]*", "", Path(DEFINITION).read_text("utf-8"))
    definition = tmp_path / "plain.toml"
    definition.write_text(without_table, "utf-8")
    for name in every_optimizer(program):
        arguments = (f"optimizer.name={name}", "--step", "1")
        done = explain(*arguments, definition=str(definition))
        assert done.returncode == 0, f"{name}: {done.stderr}"
        text = update_part(done.stdout)
        explained = json.loads(explain(*arguments, "--json", definition=str(definition)).stdout)
        if name == "sgd":
            assert "state" in explained and explained["state"] == []
            continue
        shown = {row["w"]: row for row in table_rows(text)}
        assert shown.keys() == explained["before"].keys(), name
        for parameter, row in shown.items():
            move = explained["after"][parameter] - explained["before"][parameter]
            assert row["dL/dw"] == rounded(explained["gradient"][parameter]), name
            assert row["update"] == rounded(move), name
        for block in explained["state"]:
            for parameter, value in block["after"].items():
                assert shown[parameter][f"{block['name']} after"] == rounded(value), name
        assert explained["rules"]["w1"][0]["name"].startswith(name)


@pytest.mark.parametrize("overrides, message", [
    (["model.widths=[30]"], "the run has 152 parameters; explain prints at most 100"),
    (["model.widths=[10]"], "the run has 10 units in a layer; explain prints at most 9"),
    (["data.name=two_spirals", "train.batch=5"],
     "the run has 5 examples in a batch; explain prints at most 4"),
    (["model.normalization=layer_norm"],
     "layer 2 of the mlp model is not dense; explain tells dense layers alone"),
    (["--step", "4000"], "--step is 4000; the run has 4000 updates, counted from 0"),
    (["--step", "-1"], "--step is -1; the run has 4000 updates, counted from 0"),
    (["--run", "no_such_run"],
     "--run: 'no_such_run' is none of the 1 runs; `plumbline plan --all` lists their ids"),
])
def test_it_refuses_what_cannot_be_read_or_is_not_there(explain, overrides, message):
    done = explain(*overrides)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == message + "\n"


def test_the_plan_names_the_run_of_an_option(explain, program):
    done = subprocess.run([program, "plan", DEFINITION, "train.seed=4,5", "--json"],
                          capture_output=True, text=True, cwd=ROOT, check=True)
    second = json.loads(done.stdout)["runs"][1]["run_id"]
    chosen = explain("train.seed=4,5", "--run", second, "--json")
    assert json.loads(chosen.stdout)["run_id"] == second
    assert json.loads(explain("train.seed=4,5", "--json").stdout)["run_id"] != second


def test_a_run_that_diverges_before_the_step_is_a_message(explain):
    done = explain("optimizer.lr=1e300", "model.activation=linear",
                   "model.output_activation=linear", "--step", "50")
    assert done.returncode == 1
    assert done.stderr.startswith("the run ends before its step 50: not finite: step ")


def test_a_run_in_single_precision_shows_its_own_numbers(explain):
    single = json.loads(explain("--json", "model.precision=float32").stdout)
    double = json.loads(explain("--json").stdout)
    # Both start from the same draws; a rounding to float32 is 2^-24 = 6e-8.
    for name, value in double["gradient"].items():
        assert single["gradient"][name] == pytest.approx(value, rel=1e-5, abs=1e-8)
    assert single["gradient"] != double["gradient"]


def test_it_follows_the_paper_of_the_definition(explain):
    """The net of the text books: two inputs, two hidden units, two outputs, one example."""
    explained = json.loads(explain("--json").stdout)
    assert len(explained["before"]) == 12
    assert len(explained["examples"]) == 1
