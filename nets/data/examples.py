"""Tables to teach with: customers who leave, houses and their prices, days on which golf was played."""

from __future__ import annotations

import numpy as np

from ..rows import whole
from .table import Table

CONTRACTS = ("monthly", "yearly", "two years")
PAYMENTS = ("card", "invoice", "transfer")


def churn(rows: int = 1000, missing: float = 0.02, seed: int = 0) -> Table:
    """Customers of a telephone company and whether they left, with some gaps. They are generated.

    Those leave who have a monthly contract, have not been there long, pay much and call the hotline often; some do for
    reasons that are not in the table, so that no method is right on more than about nine of ten.
    """
    whole(rows, "rows")
    rng = np.random.default_rng(whole(seed, "seed", 0))
    contract = rng.choice(3, rows, p=(0.55, 0.25, 0.2))
    months = np.minimum(rng.gamma(1.5, 18, rows).astype(int) + 1, 120)
    charge = np.round(rng.normal(65, 20, rows).clip(18, 140), 2)
    calls = rng.poisson(1.3, rows)
    payment = rng.choice(3, rows)
    paperless = rng.choice(2, rows)
    odds = (
        -1.6
        + np.array([1.9, -0.6, -2.2])[contract]
        - 0.045 * (months - 26)
        + 0.03 * (charge - 65)
        + 0.95 * (calls - 1.3)
    )
    left = rng.uniform(size=rows) < 1 / (1 + np.exp(-1.6 * odds))
    gaps = rng.uniform(size=(2, rows)) < missing
    return Table.of(
        "churn",
        {
            "months": np.where(gaps[0], np.nan, months),
            "contract": np.array(CONTRACTS)[contract],
            "charge": charge,
            "calls": calls,
            "payment": [None if gap else PAYMENTS[each] for each, gap in zip(payment, gaps[1], strict=True)],
            "paperless": np.array(["no", "yes"])[paperless],
            "churn": np.array(["no", "yes"])[left.astype(int)],
        },
    )


def houses(rows: int = 200, seed: int = 0) -> Table:
    """Houses by area (square meters), rooms and age (years), and their price in thousands. They are generated: price =
    60 + 2.4·area + 9·rooms − 0.8·age, give or take 15."""
    whole(rows, "rows")
    rng = np.random.default_rng(whole(seed, "seed", 0))
    area = rng.uniform(50, 220, rows).round()
    rooms = np.clip((area / 28 + rng.normal(0, 1.5, rows)).round(), 1, 9)
    age = rng.uniform(0, 80, rows).round()
    price = 60 + 2.4 * area + 9 * rooms - 0.8 * age + rng.normal(0, 15, rows)
    return Table.of("houses", {"area": area, "rooms": rooms, "age": age, "price": price.round(1)})


_GOLF = """
sunny hot high weak no
sunny hot high strong no
overcast hot high weak yes
rain mild high weak yes
rain cool normal weak yes
rain cool normal strong no
overcast cool normal strong yes
sunny mild high weak no
sunny cool normal weak yes
rain mild normal weak yes
sunny mild normal strong yes
overcast mild high strong yes
overcast hot normal weak yes
rain mild high strong no
"""


def golf() -> Table:
    """14 days by outlook, temperature, humidity and wind, and whether golf was played. Quinlan 1986, Induction of
    Decision Trees.

    >>> from nngraph.nets import data
    >>> data.golf()
    <golf: 14 rows; outlook (category), temperature (category), humidity (category), wind (category), play (category)>
    """
    rows = [line.split() for line in _GOLF.split("\n") if line]
    names = ("outlook", "temperature", "humidity", "wind", "play")
    return Table.of("golf", {name: [row[at] for row in rows] for at, name in enumerate(names)})
