"""What a model will miss of some input, as lines for a terminal."""

from __future__ import annotations

from udfs.input_coverage import InputCoverage


def coverage_lines(coverage: InputCoverage) -> list[str]:
    """A table of the groups that are rarer here than in training, and the coverage to be expected; one line if none is."""
    if coverage.expected is None:
        return ["coverage: no transactions were looked at"]
    sampled = f"{coverage.transactions:,} transactions looked at"
    expected = f"expected coverage {coverage.expected:.0%} of what the model looks at ({sampled})"
    missing = coverage.missing
    if not missing:
        return [f"the input has all that the model was trained on: {expected}"]
    width = max(len("missing"), *(len(group.group) for group in missing))
    lines = [f"{'missing':{width}}  in training  here  importance  needs"]
    lines += [
        f"{group.group:{width}}  {group.in_training:11.0%}  {group.here:4.0%}  {group.importance:10.1%}  {group.needs}"
        for group in missing
    ]
    lines.append(expected)
    if coverage.below_floor:
        lines.append(
            f"{coverage.below_floor:.0%} of them are below the floor of {coverage.floor:.0%}: there the score alone refers "
            "to an analyst at most (low_coverage)"
        )
    return lines
