// The cards of the cameras: state, newest picture, health. Pictures are asked for one second after the last one, only
// of cards that are in sight, and never while the window is hidden.
import * as api from './api.js';
import { $, el, icon } from './dom.js';
import { decimal, moment, number, t } from './i18n.js';
import { problemNote } from './event_rows.js';

const EVERY = 1000; // milliseconds between two pictures of a camera
const LATER = 5000; // after one that failed
const LOOKS = { connected: 'is-same', lost: 'is-bad' };

const cards = new Map(); // name -> {node, camera, visible, timer, busy, url}
let running = false; // the view is shown, and the pictures are not paused
let acts = {};
let looker = null;

/** `on`: {edit, remove, events}, each called with a camera and the button. */
export function start(on) {
  acts = on;
  looker = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      const card = cards.get(target.dataset.camera);
      if (!card) continue;
      card.visible = isIntersecting;
      look(card);
    }
  });
}

/* ---- Pictures */

function show(card, blob) {
  const before = card.url;
  card.url = blob ? URL.createObjectURL(blob) : '';
  const img = $('img', card.node);
  img.hidden = !blob;
  if (blob) img.src = card.url;
  else img.removeAttribute('src');
  $('.stage-msg', card.node).hidden = Boolean(blob);
  if (before) URL.revokeObjectURL(before);
}

const wanted = (card) => running && card.visible && !card.busy && cards.get(card.camera.name) === card;

async function look(card) {
  clearTimeout(card.timer);
  if (!wanted(card)) return;
  card.busy = true;
  let pause = EVERY;
  try {
    const blob = await api.snapshot(card.camera.name);
    if (cards.get(card.camera.name) === card && card.camera.state?.phase !== 'lost') show(card, blob);
  } catch {
    pause = LATER; // the state says why
    if (cards.get(card.camera.name) === card) show(card, null);
  }
  card.busy = false;
  card.timer = setTimeout(() => look(card), pause);
}

/** Begins or ends asking for pictures. */
export function run(on) {
  running = on;
  for (const card of cards.values()) {
    clearTimeout(card.timer);
    if (on) look(card);
  }
}

/* ---- Cards */

function act(name, words, key, card) {
  const button = el(
    'button',
    { type: 'button', className: 'btn btn-quiet', 'aria-label': t(key, { name: card.camera.name }) },
    words,
  );
  button.dataset.act = name;
  button.addEventListener('click', () => acts[name](card.camera, button));
  return button;
}

function healthRows({ address, state }) {
  const rows = [['c.address', address]];
  if (!state) return rows;
  if (state.width) rows.push(['c.stream', `${state.width}×${state.height} ${state.codec ?? ''}`]);
  rows.push(
    ['c.read', number(state.read)],
    ['c.analysed', number(state.analysed)],
    ['c.still', number(state.still)],
    ['c.dropped', number(state.dropped)],
    ['c.lag', `${decimal(state.lag_ms, 0)} ms`],
  );
  return rows;
}

function write(card) {
  const { camera, node } = card;
  const phase = camera.state?.phase;
  const tag = $('.camera-phase', node);
  tag.className = `tag camera-phase ${LOOKS[phase] ?? ''}`;
  tag.textContent = t(phase ? `c.${phase}` : 'c.waiting');
  tag.title = camera.state ? t('c.since', { time: moment(camera.state.since) }) : '';
  $('img', node).alt = t('c.picture', { name: camera.name });
  $('.stage-msg p', node).textContent = phase === 'connected' ? '' : t('c.nopicture');
  $('.camera-purpose', node).textContent = camera.purpose;
  const problem = camera.state?.problem ?? '';
  const shown = `${problem} ${document.documentElement.lang}`;
  if (card.problem !== shown) {
    card.problem = shown;
    $('.camera-problem', node).replaceChildren(...(problem ? problemNote(camera.state) : []));
  }
  $('.camera-health summary', node).textContent = t('c.health');
  $('.camera-health dl', node).replaceChildren(
    ...healthRows(camera).flatMap(([key, value]) => [el('dt', {}, t(key)), el('dd', {}, value)]),
  );
  for (const button of node.querySelectorAll('[data-act]')) {
    const key = { edit: 'c.edit', remove: 'c.remove', events: 'c.events' }[button.dataset.act];
    button.textContent = t(key);
    button.setAttribute('aria-label', t(button.dataset.act === 'events' ? 'c.events.of' : `${key}.n`, camera));
  }
  if (phase === 'lost') show(card, null);
}

function make(camera) {
  const card = { camera, visible: false, timer: 0, busy: false, url: '', problem: null };
  card.node = el(
    'article',
    { className: 'card camera-card', 'aria-labelledby': `camera-${camera.name}` },
    el(
      'div',
      { className: 'stage camera-stage' },
      el('img', { alt: '', hidden: true }),
      el('div', { className: 'stage-msg' }, icon('video'), el('p', {})),
    ),
    el(
      'div',
      { className: 'camera-body' },
      el(
        'div',
        { className: 'camera-head' },
        el('h2', { id: `camera-${camera.name}` }, camera.name),
        el('span', { className: 'tag camera-phase' }),
      ),
      el('p', { className: 'muted camera-purpose' }),
      el('div', { className: 'camera-problem', role: 'status' }),
      el('details', { className: 'details camera-health' }, el('summary', {}), el('dl', { className: 'facts' })),
      el('div', { className: 'actions' }, act('events', '', 'c.events.of', card), act('edit', '', 'c.edit.n', card),
        act('remove', '', 'c.remove.n', card)),
    ),
  );
  card.node.dataset.camera = camera.name;
  return card;
}

function drop(card) {
  looker.unobserve(card.node);
  clearTimeout(card.timer);
  show(card, null);
  card.node.remove();
  cards.delete(card.camera.name);
}

/** Shows these cameras. Cards that stay keep their node, with its focus. */
export function render(list) {
  const names = new Set(list.map((camera) => camera.name));
  for (const card of [...cards.values()]) if (!names.has(card.camera.name)) drop(card);
  for (const camera of list) {
    let card = cards.get(camera.name);
    if (!card) {
      card = make(camera);
      cards.set(camera.name, card);
      $('#camera-cards').append(card.node);
      looker.observe(card.node);
    }
    card.camera = camera;
    write(card);
  }
}
