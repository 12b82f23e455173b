"""Draws a small SVG plot: bars of milliseconds with their recall, and lines of growth."""

import html
import math

COLOURS = {"Semblance": "#0b6e4f", "peer": "#8a94a6", "rival": "#c8553d"}
STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#222}.t{font-weight:600;font-size:14px}.s{fill:#666;font-size:11px}"
    ".g{stroke:#ddd}.r{text-anchor:end}.m{text-anchor:middle}"
)
WIDTH, ROW, LEFT = 880, 34, 250


def text(x, y, words, kind=""):
    style = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.0f}" y="{y:.0f}"{style}>{html.escape(words)}</text>'


def colour(name):
    return COLOURS["Semblance" if name.startswith("Semblance") else "rival" if "rival" in name else "peer"]


def scale(low, high, left, right):
    """Returns the function of a logarithmic axis, from a value to its position."""
    return lambda value: left + (right - left) * math.log(value / low) / math.log(high / low)


def powers(low, high):
    return [10.0**e for e in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)]


def number(value):
    return f"{value:,.10g}"


def bars(rows, top):
    """Draws bars. rows: (name, milliseconds on one thread, on two, text after the bar). Returns (parts, height)."""
    ticks = powers(min(min(r[1], r[2]) for r in rows), max(max(r[1], r[2]) for r in rows))
    place = scale(ticks[0], ticks[-1], LEFT, WIDTH - 150)
    bottom = top + ROW * len(rows)
    parts = []
    for tick in ticks:
        parts.append(f'<path class="g" d="M{place(tick):.0f} {top}V{bottom}"/>')
        parts.append(text(place(tick), bottom + 16, f"{number(tick)} ms", "s m"))
    for i, (name, one, two, words) in enumerate(rows):
        y = top + ROW * i + 4
        parts.append(text(LEFT - 8, y + 17, name, "r"))
        for value, offset, opacity in ((one, 0, 1), (two, 13, 0.55)):
            parts.append(
                f'<rect x="{LEFT}" y="{y + offset}" width="{place(value) - LEFT:.1f}" height="12" '
                f'fill="{colour(name)}" opacity="{opacity}"/>'
            )
            label = f"{value:.2f}" + (f" ({words})" if not offset else "")
            parts.append(text(place(value) + 5, y + offset + 10, label, "s"))
    return parts, bottom - top + 24


def lines(series, top, height):
    """Draws lines with logarithmic axes. series: {name: [(rows, milliseconds)]}."""
    points = [p for line in series.values() for p in line]
    xs, ys = (powers(min(p[axis] for p in points), max(p[axis] for p in points)) for axis in (0, 1))
    x, y = scale(xs[0], xs[-1], LEFT, WIDTH - 190), scale(ys[0], ys[-1], top + height, top)
    parts = []
    for tick in xs:
        parts.append(f'<path class="g" d="M{x(tick):.0f} {top}V{top + height}"/>')
        parts.append(text(x(tick), top + height + 16, f"{number(tick)} faces", "s m"))
    for tick in ys:
        parts.append(f'<path class="g" d="M{LEFT} {y(tick):.0f}H{WIDTH - 190}"/>')
        parts.append(text(LEFT - 8, y(tick) + 4, f"{number(tick)} ms", "s r"))
    for name, line in series.items():
        dash = ' stroke-dasharray="5 4"' if "two threads" in name else ""
        way = " ".join(f"{x(n):.1f},{y(ms):.1f}" for n, ms in line)
        parts.append(f'<polyline points="{way}" fill="none" stroke="{colour(name)}" stroke-width="2"{dash}/>')
        parts += [f'<circle cx="{x(n):.1f}" cy="{y(ms):.1f}" r="3" fill="{colour(name)}"/>' for n, ms in line]
    below = 0.0
    # Labels that would overlap are moved down.
    for name, line in sorted(series.items(), key=lambda item: y(item[1][-1][1])):
        below = max(below + 13, y(line[-1][1]) + 4)
        parts.append(text(x(line[-1][0]) + 8, below, name, "s"))
    return parts


def svg(title, rows, growth_title, series):
    legend = "Upper bar: one thread; lower bar: two; in brackets recall@10. Logarithmic."
    parts = [text(16, 24, title, "t"), text(16, 41, legend, "s")]
    more, height = bars(rows, 54)
    parts += more
    bottom = 54 + height
    if series:
        parts += [text(16, bottom + 34, growth_title, "t")] + lines(series, bottom + 50, 200)
        bottom += 280
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom + 10:.0f}" role="img" '
        f'aria-label="{html.escape(title)}"><style>{STYLE}</style><rect width="100%" height="100%" fill="#fff"/>'
        + "".join(parts)
        + "</svg>\n"
    )
