"""Five real pages at once on the same two cores: how many updates each shows, and how old.

Run: python -m tests.benchmarks.five_pages [--only ours|classic] [--short]
"""

from __future__ import annotations

from tests.benchmarks import bars
from tests.benchmarks.page import quantile, run_browser, run_pages
from tests.benchmarks.processes import run_target


def measure(name: str, short: bool = False) -> bars.Figures:
    """The worst of the five pages; age is that of a label when the next replaced it."""
    with run_target(name) as (exchange, target), run_browser() as browser:
        seen = run_pages(target, exchange, browser, 5, warm_up_s=8 if short else 15, seconds=15 if short else 60)
    return {
        "five_shown_share": min(page.shown_share for page in seen),
        "five_age_p95_s": max(quantile(page.ages_s, 0.95) for page in seen),
    }


if __name__ == "__main__":
    bars.main(measure, __doc__)
