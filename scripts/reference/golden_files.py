# SPDX-License-Identifier: Apache-2.0
"""Writing golden files, for the scripts that make their numbers."""

import json

# What a file says about its numbers; the rest are the numbers.
WORDS = ("license", "made_by", "formula", "cross_check")


def numbers_of(data):
    return {key: value for key, value in data.items() if key not in WORDS}


def write(names, rules, golden, folder, text_of):
    """Writes folder/NAME.json with text_of(golden(NAME)) for each name, or for each rule without
    names. Returns what is wrong with the names, or None."""
    unknown = [name for name in names if name not in rules]
    if unknown:
        return f"no rule for {', '.join(unknown)}; there are {', '.join(rules)}"
    for name in names or rules:
        path = folder / f"{name}.json"
        data = golden(name)
        if path.exists():
            old = json.loads(path.read_text(encoding="utf-8"))
            # A cross-check holds for the numbers that were checked, and for no others.
            if numbers_of(old) == numbers_of(json.loads(text_of(data))):
                data["cross_check"] = old["cross_check"]
        path.write_text(text_of(data), encoding="utf-8")
        print(path.name)
    return None
