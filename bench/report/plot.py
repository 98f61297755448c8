# SPDX-License-Identifier: MIT
"""Bars of medians with the spread of the rounds over them, as SVG text that
reads on light and dark pages alike."""
import html

from rounds import median

WIDTH, LEFT, RIGHT, ROW, TOP, BOTTOM = 720, 230, 90, 26, 40, 14
STYLE = """
text { font: 12px sans-serif; fill: #1f2328 }
.title { font-weight: bold } .unit { fill: #59636e }
.first { fill: #9aa4ae } .bar { fill: #3b78c3 } .spread { stroke: #d1242f }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .unit { fill: #9198a1 }
}
"""


def number(value):
    """Three digits that count, thousands apart."""
    if value >= 100:
        return "{:,.0f}".format(value)
    return "%.3g" % value


def bar(row, at, scale, first):
    middle = at + ROW / 2
    low, high = min(row["values"]) * scale, max(row["values"]) * scale
    return (
        '<text x="%d" y="%.1f" text-anchor="end">%s</text>'
        '<rect class="%s" x="%d" y="%.1f" width="%.1f" height="%d"/>'
        '<line class="spread" x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f"/>'
        '<text x="%.1f" y="%.1f">%s</text>' % (
            LEFT - 8, middle + 4, html.escape(row["name"]),
            "first" if first else "bar", LEFT, at + 5, median(row) * scale,
            ROW - 10, LEFT + low, LEFT + high, middle, middle,
            LEFT + max(median(row) * scale, high) + 6, middle + 4,
            number(median(row))))


def svg(figure):
    rows = figure["rows"]
    most = max(max(row["values"]) for row in rows) or 1
    scale = (WIDTH - LEFT - RIGHT) / most
    height = TOP + ROW * len(rows) + BOTTOM
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" '
        'viewBox="0 0 %d %d" role="img">' % (WIDTH, height, WIDTH, height),
        "<title>%s</title>" % html.escape(figure["title"]),
        "<style>%s</style>" % STYLE.strip(),
        '<text class="title" x="8" y="20">%s</text>' % html.escape(
            figure["title"]),
        '<text class="unit" x="%d" y="20" text-anchor="end">%s, %s is better'
        '</text>' % (WIDTH - 8, html.escape(figure["unit"]),
                     figure["better"]),
    ]
    parts += [bar(row, TOP + ROW * at, scale, at == 0)
              for at, row in enumerate(rows)]
    return "\n".join(parts + ["</svg>", ""])
