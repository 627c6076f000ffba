"""Formats the expected coverage of an input for the terminal."""

from __future__ import annotations

from udfs.scoring.input_coverage import InputCoverage


def coverage_lines(coverage: InputCoverage) -> list[str]:
    """A table of the groups that are rarer than in training, with the expected coverage; one line if there are none."""
    if coverage.expected is None:
        return ["coverage: no transactions sampled"]
    sampled = f"{coverage.transactions:,} transactions sampled"
    expected = f"expected coverage {coverage.expected:.0%} of the model's importance ({sampled})"
    missing = coverage.missing
    if not missing:
        return [f"all input groups are as frequent as in training: {expected}"]
    width = max(len("missing"), *(len(group.group) for group in missing))
    lines = [f"{'missing':{width}}  in training  here  importance  needs"]
    lines += [
        f"{group.group:{width}}  {group.in_training:11.0%}  {group.here:4.0%}  {group.importance:10.1%}  {group.needs}"
        for group in missing
    ]
    lines.append(expected)
    if coverage.below_floor:
        lines.append(
            f"{coverage.below_floor:.0%} of them are below the floor of {coverage.floor:.0%}: their score alone gives at "
            "most refer_to_analyst (low_coverage)"
        )
    return lines
