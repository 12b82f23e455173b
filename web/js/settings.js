// Settings: the server's state, thresholds, and this browser's choices. The rest is in admin.js and report.js.
import * as api from './api.js';
import { $, $$, el, say, setState, svg } from './dom.js';
import { counted, decimal, number, percent, t } from './i18n.js';
import * as admin from './admin.js';
import * as deletion from './deletion.js';
import { odds } from './answer.js';
import { plot, roof } from './plot.js';
import * as report from './report.js';
import * as sure from './thresholds.js';

const EVERY = 5000; // polling interval in milliseconds

let timer = 0;
let visit = 0; // number of the current visit of the view: answers to earlier requests are dropped
let last = null;

function spark(node, values) {
  const top = Math.max(1, ...values);
  const points = values
    .map(
      (value, index) => `${((index / (values.length - 1)) * 100).toFixed(2)},${(31 - (value / top) * 28).toFixed(2)}`,
    )
    .join(' ');
  node.replaceChildren(
    svg('polygon', { class: 'spark-area', points: `0,32 ${points} 100,32` }),
    svg('polyline', { class: 'spark', points }),
  );
}

function ago(seconds) {
  if (seconds < 3600) return t('up.min', { n: number(Math.floor(seconds / 60)) });
  if (seconds < 172800) return t('up.h', { n: number(Math.floor(seconds / 3600)) });
  return t('up.d', { n: number(Math.floor(seconds / 86400)) });
}

/** A figure with its unit and, where there is a history of it, its last hour. */
function vital(id, big, unit, values = null) {
  $(`#v-${id} .n`).textContent = big;
  $(`#v-${id} .unit`).textContent = unit;
  if (values) spark($(`#v-${id} svg`), values);
}

function targetRow({ fmr, threshold }) {
  const chance = 1 - (1 - fmr) ** Math.max(1, last.faces);
  return el(
    'tr',
    {},
    el('td', {}, odds(fmr, false)),
    el('td', {}, decimal(threshold, 3)),
    el('td', {}, odds(chance, false)),
  );
}

/** Where searches run and, for an approximate index, its measured recall. */
function searchWords({ by, hnsw, hnsw_collections: indexed, hnsw_recall: recall }) {
  if (!indexed) return t(`search.${by}`);
  return recall === null
    ? t('search.unmeasured', { n: number(hnsw) })
    : t('search.hnsw', { n: number(hnsw), share: percent(recall) });
}

/** The last hour as two charts: requests and answer times. */
function charts(minutes) {
  const count = minutes.length;
  const x = {
    from: 0,
    to: count,
    ticks: [
      [0, t('chart.ago', { n: count - 1 })],
      [count / 2, t('chart.ago', { n: count / 2 })],
      [count, t('chart.now')],
    ],
  };
  const of = (field) => minutes.map((minute, index) => [index, minute[field]]);
  const up = (top) => ({ from: 0, to: top, ticks: [0, top / 2, top].map((value) => [value, number(value)]) });
  const most = Math.max(...minutes.map((minute) => minute.requests));
  plot($('#chart-requests'), t('chart.requests.say', { n: number(most) }), x, up(roof(Math.max(most, 10))), [
    { kind: 'bar', look: 'all', points: of('requests'), wide: 1 },
    { kind: 'bar', look: 'own', points: of('searches'), wide: 1 },
    { kind: 'bar', look: 'bad', points: of('errors'), wide: 1 },
  ]);
  const slow = Math.max(...minutes.map((minute) => minute.p99_ms));
  const points = (field) =>
    of(field)
      .filter(([, value]) => value > 0)
      .map(([index, value]) => [index + 0.5, value]);
  plot($('#chart-time'), t('chart.time.say', { n: number(slow) }), x, up(roof(Math.max(slow, 10))), [
    { kind: 'dots', look: 'other', points: points('p99_ms') },
    { kind: 'dots', look: 'own', points: points('p50_ms') },
  ]);
}

function render() {
  if (!last) return;
  const { minutes } = last;
  const whole = minutes.slice(0, -1); // the last minute is incomplete
  const busy = whole.filter((minute) => minute.p50_ms > 0);
  const recent = busy.at(-1) ?? minutes.at(-1);
  $('#up').textContent = `${ago(last.uptime_s)}, ${t('version', { v: last.version })}`;
  vital(
    'searches',
    number(minutes.at(-1).searches),
    t('v.minute'),
    minutes.map((minute) => minute.searches),
  );
  vital(
    'time',
    recent.p50_ms ? `≤ ${number(recent.p50_ms)} ms` : '–',
    recent.p99_ms ? `p99 ≤ ${number(recent.p99_ms)} ms` : t('v.noneyet'),
    minutes.map((minute) => minute.p50_ms),
  );
  vital(
    'gallery',
    number(last.faces),
    counted('v.of', last.people, { templates: counted('v.templates', last.faces) }),
  );
  vital(
    'memory',
    `${number(Math.round(last.memory_bytes / 1e6))} MB`,
    t('v.waiting', { n: number(last.waiting) }),
  );
  $('#s-errors').textContent = number(minutes.reduce((sum, minute) => sum + minute.errors, 0));
  charts(minutes);
  $('#s-model').textContent = last.model || '–';
  $('#s-dim').textContent = number(last.dim);
  $('#s-workers').textContent = number(last.workers);
  $('#s-search').textContent = searchWords(last.search);
  $('#s-match').textContent = decimal(last.threshold, 3);
  $('#s-unsure').textContent = t('between', { a: decimal(last.unsure, 3), b: decimal(last.threshold, 3) });
  $('#s-targets').replaceChildren(...last.targets.map(targetRow));
}

async function look(mine) {
  try {
    const now = await api.stats();
    if (mine !== visit) return;
    last = now;
    say($('#settings-error'));
    render();
  } catch (error) {
    if (mine !== visit) return;
    say($('#settings-error'), () => error.note);
  }
  timer = setTimeout(() => look(mine), EVERY);
}

export function start() {
  admin.start();
  for (const link of $$('.toc a'))
    link.addEventListener('click', (event) => {
      event.preventDefault();
      open(link.dataset.at);
    });
  document.addEventListener('people-changed', deletion.showReceipts);
  sure.start(() => {
    clearTimeout(timer);
    visit += 1; // a pending answer may be older than the change
    look(visit);
    admin.loadAudit();
  });
}

/** Goes to a section; the address names it, so that a link or a reload leads there, too. */
function open(section) {
  setState('settings', { at: section });
  for (const link of $$('.toc a')) {
    if (link.dataset.at === section) link.setAttribute('aria-current', 'true');
    else link.removeAttribute('aria-current');
  }
  $(`#sec-${section}`)?.scrollIntoView({ block: 'start' });
}

export async function enter(state) {
  visit += 1;
  deletion.showReceipts();
  if (state.get('at')) open(state.get('at'));
  await look(visit); // so that the password is asked for once, before the other requests
  await Promise.all([sure.enter(), admin.enter(), report.enter()]);
}
export function leave() {
  visit += 1;
  clearTimeout(timer);
}

export function translate() {
  render();
  deletion.showReceipts();
  sure.translate();
  admin.translate();
  report.translate();
}
