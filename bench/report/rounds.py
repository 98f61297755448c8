# SPDX-License-Identifier: MIT
"""Rounds that alternate, and what is made of their values."""
import statistics


def alternate(names, rounds, measure):
    """{name: what measure(name) gave, once a round}. Each round measures every
    one, so that a noisy neighbour meets all of them; every other round goes
    backwards."""
    names = list(names)
    found = {name: [] for name in names}
    for number in range(rounds):
        for name in names if number % 2 == 0 else reversed(names):
            found[name].append(measure(name))
    return found


def figure(title, unit, better, values, ours=(), note=""):
    """One table and one plot. `better`: "more" or "less"; the others are
    compared with the first of `values`; `ours` names those that are authbridge,
    so that the page can say where they lose."""
    return {"title": title, "unit": unit, "better": better, "note": note,
            "ours": list(ours),
            "rows": [{"name": name, "values": [float(v) for v in row]}
                     for name, row in values.items()]}


def of(found, value):
    """One value of each measurement."""
    return {name: [value(one) for one in row] for name, row in found.items()}


def median(row):
    return statistics.median(row["values"])


def ratio(row, first):
    """The median over the rounds of its value to the first one's."""
    return statistics.median(a / b for a, b in zip(row["values"],
                                                   first["values"]))


def lost(one):
    """(authbridge's row, the row that is better), for each such pair."""
    for row in one["rows"]:
        for other in one["rows"]:
            less = median(row) < median(other)
            more = median(row) > median(other)
            if (less if one["better"] == "more" else more) and row["name"] in one["ours"] and \
                    other["name"] not in one["ours"]:
                yield row, other
