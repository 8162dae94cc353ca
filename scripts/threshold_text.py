"""Tables of the threshold study, as text."""

import sys

from threshold_scores import Number


def percent(number: list) -> str:
    value, low, high = number
    return f"{100 * value:.0f} [{100 * low:.0f}-{100 * high:.0f}]"


def steps(number: list) -> str:
    words = ["never" if one is None else f"{round(one)}" for one in number]
    return f"{words[0]} [{words[1]}, {words[2]}]"


def rate_words(number: Number | list) -> str:
    value, low, high = number
    return f"{value:.0f} [{low:.0f}-{high:.0f}]" if value >= 100 else f"{value:.2f} [{low:.2f}-{high:.2f}]"


def show(found: dict, line: str, seconds: float) -> None:
    """Print false alarms and, for each profile, how every detector did against the line."""
    print(f"\n== {found['world']} ({seconds:.0f} s)")
    print(f"{'':36} {'false alarms / 10k':>22}")
    for name, entry in found["false_alarms"].items():
        print(f"{name:36} {rate_words(entry['rate']):>22}  {entry['runs']} runs")
    for profile, result in found["profiles"].items():
        print(f"-- {profile}: share that counts {result['baseline']:.3f} -> {result['end']:.3f}")
        if line not in result["lines"]:
            print("   never passes the line")
            continue
        failure = next(iter(result["lines"][line].values()))["failure"]
        print(
            f"   {line}: fails {failure} steps after the onset; % in time | % by chance | lead | rise at alarm, points"
        )
        for name, one in result["lines"][line].items():
            rise = "never" if one["share"][0] is None else f"{100 * one['share'][0]:.1f}"
            print(
                f"   {name:36} {percent(one['in_time']):>14} {percent(one['by_chance']):>14} "
                f"{steps(one['lead']):>20} {rise:>7}"
            )
    sys.stdout.flush()


def show_sweep(found: dict, line: str) -> None:
    """Print false alarms and alarms in time of every fixed threshold."""
    print(f"\n== every fixed threshold, {found['world']}, {found['profile']}, {line}")
    print(f"{'threshold':28} {'false alarms / 10k':>22} {'% in time':>14} {'% by chance':>14}")
    for name, one in found["rows"].items():
        print(
            f"{name:28} {rate_words(one['false_alarms']):>22} {percent(one['in_time']):>14} "
            f"{percent(one['by_chance']):>14}"
        )
    sys.stdout.flush()
