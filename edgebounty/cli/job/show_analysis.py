"""What an analysis found, as tables for people."""

from __future__ import annotations

from typing import Any

from edgebounty.cli.output import Output

_BARS = " ▁▂▃▄▅▆▇█"
_ROWS = 40  # more are for a file: the screen says so


def show_analysis(out: Output, found: dict[str, Any]) -> None:
    """The gist of every kind of answer; all of it is in the JSON."""
    match found.get("analysis", "describe"):
        case "correlation":
            names = found["columns"][:12]
            rows = [
                (a, *(_cell(v) for v in row[: len(names)])) for a, row in zip(names, found["correlation"], strict=False)
            ]
            out.table(("", *(f"{name}>" for name in names)), rows)
            _rest(out, len(found["columns"]) - len(names), "columns")
        case "linear" | "logistic":
            rows = [("(constant)", _cell(found["intercept"]))]
            rows += [(name, _cell(value)) for name, value in found["coefficients"].items()]
            out.table((f"to explain {found['target']}", "weight>"), rows[:_ROWS])
            _rest(out, len(rows) - _ROWS, "columns")
            told = ("r_squared", "rows", "loss", "slope")
            out.facts({name.replace("_", " "): _cell(found[name]) for name in told if name in found})
        case "pca":
            for i, share in enumerate(found["explained_share"][:_ROWS]):
                strongest = sorted(zip(found["components"][i], found["columns"], strict=True), key=lambda p: -abs(p[0]))
                parts = " ".join(f"{weight:+.3f}·{name}" for weight, name in strongest[:4])
                out.say(f"{i + 1:3}  {share:7.2%}  {'█' * round(share * 40):40}  {parts}")
        case "groupby":
            columns = found["columns"][:6]
            heads = [f"{name} {field}>" for name in columns for field in ("mean", "sum")]
            rows = [
                (
                    str(group["key"]),
                    f"{group['count']:,}",
                    *(_cell(group[n][f]) for n in columns for f in ("mean", "sum")),
                )
                for group in found["groups"][:_ROWS]
            ]
            out.table((found["key"], "count>", *heads), rows)
            _rest(out, len(found["groups"]) - _ROWS, "groups")
        case "quantiles":
            wanted = [one["q"] for one in next(iter(found["columns"].values()))]
            rows = [(name, *(_cell(one["value"]) for one in column)) for name, column in found["columns"].items()]
            out.table(("column", *(f"{q:g}>" for q in wanted)), rows[:_ROWS])
            wrong = max((one["high"] - one["low"]) / 2 for column in found["columns"].values() for one in column)
            out.facts({"exact": "yes" if found["exact"] else f"no: at most {wrong:.2g} off"})
        case "kmeans":
            rows = [
                (str(i + 1), f"{count:,}", *(_cell(v) for v in centre[:8]))
                for i, (count, centre) in enumerate(zip(found["count"], found["centres"], strict=True))
            ]
            out.table(("cluster>", "rows>", *(f"{name}>" for name in found["columns"][:8])), rows[:_ROWS])
            out.facts({"inertia": _cell(found["inertia"])})
        case _:
            _show_columns(out, found["columns"])


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def _rest(out: Output, count: int, what: str) -> None:
    if count > 0:
        out.say(f"… and {count:,} more {what}: -o FILE.json has all")


def _show_columns(out: Output, columns: dict[str, dict[str, Any]]) -> None:
    rows = [
        (
            name,
            f"{column['count']:,}",
            f"{column['mean']:.6g}",
            f"{column['variance']:.6g}",
            f"{column['minimum']:.6g}",
            f"{column['maximum']:.6g}",
            _sparkline(column["histogram"]),
        )
        for name, column in columns.items()
    ]
    out.table(("column", "count>", "mean>", "variance>", "minimum>", "maximum>", "histogram"), rows)


def _sparkline(counts: list[int]) -> str:
    most = max(counts, default=0)
    return "".join(_BARS[-(-count * (len(_BARS) - 1) // most)] for count in counts) if most else ""
