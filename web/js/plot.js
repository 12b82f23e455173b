// Small SVG charts: bars, lines and dots over a grid. Colours and strokes come from the style sheet.
import { svg } from './dom.js';

const WIDTH = 560;
const HEIGHT = 180;
const LEFT = 46;
const RIGHT = 8;
const TOP = 10;
const BOTTOM = 24;

const across = (share) => LEFT + share * (WIDTH - LEFT - RIGHT);
const up = (share) => HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM);

function place(axis, value) {
  const { from, to, log } = axis;
  const share = log ? Math.log10(Math.max(value, from) / from) / Math.log10(to / from) : (value - from) / (to - from);
  return Math.min(1, Math.max(0, share));
}

function grid(x, y) {
  const parts = [];
  for (const [value, words] of y.ticks) {
    const at = up(place(y, value));
    parts.push(
      svg('line', { class: 'plot-grid', x1: LEFT, x2: WIDTH - RIGHT, y1: at, y2: at }),
      svg('text', { class: 'plot-tick', x: LEFT - 6, y: at + 4, 'text-anchor': 'end' }, words),
    );
  }
  for (const [value, words] of x.ticks) {
    const share = place(x, value);
    parts.push(
      svg(
        'text',
        {
          class: 'plot-tick',
          x: across(share),
          y: HEIGHT - 6,
          'text-anchor': share < 0.1 ? 'start' : share > 0.9 ? 'end' : 'middle',
        },
        words,
      ),
    );
  }
  return parts;
}

function drawn({ kind, look, points, wide }, x, y) {
  if (kind === 'line')
    return [
      svg('polyline', {
        class: `plot-line plot-${look}`,
        points: points.map(([a, b]) => `${across(place(x, a)).toFixed(1)},${up(place(y, b)).toFixed(1)}`).join(' '),
      }),
    ];
  if (kind === 'dots')
    return points.map(([a, b]) =>
      svg('circle', { class: `plot-dot plot-${look}`, cx: across(place(x, a)), cy: up(place(y, b)), r: 2.5 }),
    );
  if (kind === 'mark')
    return points.map(([a]) =>
      svg('line', { class: 'plot-mark', x1: across(place(x, a)), x2: across(place(x, a)), y1: up(0), y2: up(1) }),
    );
  return points
    .filter(([, b]) => b > 0)
    .map(([a, b]) => {
      const left = across(place(x, a));
      return svg('rect', {
        class: `plot-bar plot-${look}`,
        x: left,
        y: up(place(y, b)),
        width: Math.max(1, across(place(x, a + wide)) - left - 1),
        height: up(0) - up(place(y, b)),
      });
    });
}

/**
 * Draws into an SVG of its own size.
 * x, y: {from, to, log, ticks: [[value, label]]}; series: {kind: bar|line|dots|mark, look, points, wide}.
 */
export function plot(node, words, x, y, series) {
  node.setAttribute('viewBox', `0 0 ${WIDTH} ${HEIGHT}`);
  node.setAttribute('role', 'img');
  node.setAttribute('aria-label', words);
  node.replaceChildren(...grid(x, y), ...series.flatMap((one) => drawn(one, x, y)));
}

/** A round number at or above `value`, for the top of an axis. */
export function roof(value) {
  const step = 10 ** Math.floor(Math.log10(Math.max(value, 1)));
  return [1, 2, 5, 10].map((factor) => factor * step).find((one) => one >= value);
}
