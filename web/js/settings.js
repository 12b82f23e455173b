// Settings: how the server is, how sure a match must be, the model, and this browser's own choices.
import * as api from './api.js';
import { $, el, say, svg } from './dom.js';
import { number, t } from './i18n.js';
import { odds } from './answer.js';

const EVERY = 5000; // milliseconds between two looks

let timer = 0;
let last = null;

function spark(node, values) {
  const top = Math.max(1, ...values);
  const points = values.map((value, index) => `${((index / (values.length - 1)) * 100).toFixed(2)},${(31 - (value / top) * 28).toFixed(2)}`).join(' ');
  node.replaceChildren(svg('polygon', { class: 'spark-area', points: `0,32 ${points} 100,32` }), svg('polyline', { class: 'spark', points }));
}

function ago(seconds) {
  if (seconds < 3600) return t('up.min', { n: number(Math.floor(seconds / 60)) });
  if (seconds < 172800) return t('up.h', { n: number(Math.floor(seconds / 3600)) });
  return t('up.d', { n: number(Math.floor(seconds / 86400)) });
}

function vital(id, big, unit, values) {
  $(`#v-${id} .n`).textContent = big;
  $(`#v-${id} .unit`).textContent = unit;
  spark($(`#v-${id} svg`), values);
}

function targetRow({ fmr, threshold }) {
  const chance = 1 - (1 - fmr) ** Math.max(1, last.faces);
  return el('tr', {}, el('td', {}, odds(fmr, false)), el('td', {}, threshold.toFixed(3)), el('td', {}, odds(chance, false)));
}

function render() {
  if (!last) return;
  const { minutes } = last;
  const whole = minutes.slice(0, -1); // the last one is still being counted
  const busy = whole.filter((minute) => minute.p50_ms > 0);
  const recent = busy.at(-1) ?? minutes.at(-1);
  $('#up').textContent = `${ago(last.uptime_s)}, ${t('version', { v: last.version })}`;
  vital('searches', number(minutes.at(-1).searches), t('v.minute'), minutes.map((minute) => minute.searches));
  vital('time', recent.p50_ms ? `≤ ${number(recent.p50_ms)} ms` : '–', recent.p99_ms ? `p99 ≤ ${number(recent.p99_ms)} ms` : t('v.noneyet'), minutes.map((minute) => minute.p50_ms));
  vital('gallery', number(last.faces), t('v.templates', { n: number(last.people) }), minutes.map(() => last.faces));
  vital('memory', `${number(Math.round(last.memory_bytes / 1e6))} MB`, t('v.waiting', { n: number(last.waiting) }), minutes.map((minute) => minute.requests));
  $('#s-errors').textContent = number(minutes.reduce((sum, minute) => sum + minute.errors, 0));
  $('#s-model').textContent = last.model || '–';
  $('#s-dim').textContent = number(last.dim);
  $('#s-workers').textContent = number(last.workers);
  $('#s-match').textContent = last.threshold.toFixed(3);
  $('#s-unsure').textContent = t('between', { a: last.unsure.toFixed(3), b: last.threshold.toFixed(3) });
  $('#s-targets').replaceChildren(...last.targets.map(targetRow));
}

async function look() {
  clearTimeout(timer);
  try {
    last = await api.stats();
    say($('#settings-error'), '');
    render();
  } catch (error) {
    say($('#settings-error'), error.title, error.detail);
  }
  timer = setTimeout(look, EVERY);
}

export function start() { /* everything comes with the first look */ }
export const enter = look;
export const leave = () => clearTimeout(timer);
export const translate = render;
