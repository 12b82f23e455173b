// Settings, the accuracy report of `semblance eval --publish`: text, a table and two plots.
import * as api from './api.js';
import { $, el } from './dom.js';
import { day, decimal, number, percent, t } from './i18n.js';
import { odds } from './answer.js';
import { plot } from './plot.js';

let report = null;
let missing = '';

const rate = (value) => (value > 0 ? odds(value, false) : t('rep.none'));

function pointRow(name, point) {
  const [low, high] = point.fmr_limits;
  const [least, most] = point.tar_limits;
  return el(
    'tr',
    {},
    el('td', { className: 'strong' }, name),
    el('td', { className: 'opt' }, decimal(point.threshold, 3)),
    el(
      'td',
      {},
      rate(point.fmr),
      el('br'),
      el(
        'span',
        { className: 'small faint' },
        low > 0 ? t('rep.limits', { a: rate(low), b: rate(high) }) : t('rep.upto', { b: rate(high) }),
      ),
    ),
    el(
      'td',
      {},
      percent(point.tar),
      el('br'),
      el('span', { className: 'small faint' }, t('rep.limits', { a: percent(least), b: percent(most) })),
    ),
  );
}

function histogram() {
  const { from, width, mated, non_mated: others } = report.histogram;
  const shares = (counts) => {
    const all = counts.reduce((sum, one) => sum + one, 0) || 1;
    return counts.map((count, index) => [from + index * width, count / all]);
  };
  const [own, strange] = [shares(mated), shares(others)];
  const top = Math.max(...own.map(([, b]) => b), ...strange.map(([, b]) => b), 0.01);
  const x = { from: -0.4, to: 1, ticks: [-0.4, 0, 0.4, 0.8, 1].map((value) => [value, number(value)]) };
  const y = { from: 0, to: top, ticks: [0, top].map((value) => [value, percent(value)]) };
  const cut = report.thresholds.find((one) => one.name === 'default') ?? report.thresholds[0];
  plot($('#rep-scores'), t('rep.scores'), x, y, [
    { kind: 'bar', look: 'other', points: strange, wide: width },
    { kind: 'bar', look: 'own', points: own, wide: width },
    ...(cut ? [{ kind: 'mark', points: [[cut.threshold]] }] : []),
  ]);
}

function tradeoff() {
  const lowest = 10 ** Math.floor(-Math.log10(Math.max(report.non_mated, 10)));
  const least = 10 ** Math.floor(-Math.log10(Math.max(report.mated, 10)));
  const decades = (from) =>
    Array.from({ length: Math.round(-Math.log10(from)) + 1 }, (_, i) => 10 ** (i + Math.log10(from)));
  const ticks = (from) =>
    decades(from).map((value) => [value, value >= 0.01 ? percent(value) : `1/${number(Math.round(1 / value))}`]);
  const points = report.curve.filter(([, a, b]) => a > 0 && b > 0).map(([, a, b]) => [a, b]);
  $('#rep-det').closest('figure').hidden = points.length < 2; // without overlapping scores there is no curve
  plot(
    $('#rep-det'),
    t('rep.det'),
    { from: lowest, to: 1, log: true, ticks: ticks(lowest) },
    { from: least, to: 1, log: true, ticks: ticks(least) },
    [{ kind: 'line', look: 'own', points }],
  );
}

function render() {
  $('#rep-none').hidden = Boolean(report);
  $('#rep-why').textContent = missing;
  $('#rep').hidden = !report;
  if (!report) return;
  $('#rep-date').textContent = day(report.date);
  $('#rep-model').textContent = report.model;
  $('#rep-photos').textContent = report.people
    ? t('rep.of', { photos: number(report.photos), people: number(report.people) })
    : number(report.photos);
  $('#rep-pairs').textContent = t('rep.pairs.n', { same: number(report.mated), other: number(report.non_mated) });
  $('#rep-failed').textContent = percent(report.failure_to_acquire.rate);
  $('#rep-eer').textContent = report.equal_error_rate ? percent(report.equal_error_rate.rate) : '–';
  const names = { default: t('rep.default'), strict: t('rep.strict'), chosen: t('rep.chosen') };
  $('#rep-rows').replaceChildren(
    ...report.thresholds.map((one) => pointRow(names[one.name] ?? one.name, one)),
    ...report.targets.filter((one) => one.measured).map((one) => pointRow(odds(one.fmr_target, false), one)),
  );
  histogram();
  tradeoff();
}

export async function enter() {
  try {
    report = await api.report();
    missing = '';
  } catch (error) {
    report = null;
    missing = error.code === 'not_found' ? '' : error.title;
  }
  render();
}
export const translate = render;
