// Cameras: what the server watches, and the timeline of what was seen. Nothing is asked for while the view or the
// window is hidden.
import * as api from './api.js';
import * as cards from './camera_cards.js';
import * as dialog from './camera_dialog.js';
import { $, el, icon, say, toast } from './dom.js';
import { t } from './i18n.js';
import { ask } from './people_dialogs.js';
import * as timeline from './timeline.js';

const EVERY = 2000; // polling interval of the states in milliseconds

let list = null; // of the cameras; null: not known yet
let watching = true;
let failure = null;
let visit = 0; // number of the current visit: answers to earlier requests are dropped
let timer = 0;
let shown = false;
let paused = false;

function build() {
  const button = (id, key, look, sign) =>
    el(
      'button',
      { type: 'button', className: `btn ${look}`, id },
      icon(sign, 'icon icon-s'),
      el('span', { 'data-t': key }, t(key)),
    );
  const note = (id, look, role) =>
    el('div', { className: `note ${look}`, id, role, hidden: true }, icon('alert'), el('p', { className: 'strong' }),
      el('p', { className: 'muted' }));
  const pause = button('cameras-pause', 'c.pause', '', 'pause');
  pause.setAttribute('aria-pressed', 'false');
  $('[data-view=cameras]').append(
    el(
      'div',
      { className: 'view-head' },
      el(
        'div',
        {},
        el('h1', { id: 'h-cameras', 'data-t': 'cameras' }, t('cameras')),
        el('p', { 'data-t': 'cameras.sub' }, t('cameras.sub')),
      ),
      el('div', { className: 'actions' }, pause, button('cameras-add', 'c.add', 'btn-primary', 'plus')),
    ),
    el(
      'div',
      { className: 'stack' },
      note('cameras-error', 'is-bad', 'alert'),
      note('cameras-unwatched', 'is-unsure', 'status'),
      el(
        'div',
        { className: 'cameras-two', id: 'cameras-two' },
        el(
          'div',
          { className: 'cameras-side' },
          el('div', { id: 'camera-cards', className: 'camera-cards' }),
          el(
            'div',
            { className: 'card empty', id: 'cameras-none', hidden: true },
            icon('video'),
            el('h2', { 'data-t': 'c.none' }, t('c.none')),
            el('p', { 'data-t': 'c.none.sub' }, t('c.none.sub')),
            el('div', { className: 'actions' }, button('cameras-first', 'c.add', 'btn-primary', 'plus')),
          ),
        ),
        timeline.build(),
      ),
    ),
  );
}

/* ---- What is shown */

function render() {
  const none = list !== null && !list.length;
  const told = failure;
  say($('#cameras-error'), told && (() => told.note));
  say(
    $('#cameras-unwatched'),
    list !== null && !watching && (() => ({ title: t('c.unwatched'), text: t('c.unwatched.sub') })),
  );
  $('#cameras-none').hidden = !none;
  $('#cameras-add').hidden = none; // the empty state has the same button
  $('#cameras-pause').hidden = list === null || none;
  $('#timeline').hidden = none && timeline.isEmpty();
  $('#cameras-two').classList.toggle('is-single', $('#timeline').hidden);
  if (list === null) return;
  cards.render(list);
  timeline.setCameras(list.map((camera) => camera.name));
}

/* ---- Reading */

async function poll(mine) {
  try {
    const answer = await api.cameras();
    if (mine !== visit) return;
    [list, watching, failure] = [answer.cameras, answer.watching, null];
  } catch (error) {
    if (mine !== visit) return;
    failure = error;
  }
  render();
  timer = setTimeout(() => poll(mine), EVERY);
}

/** Asks again at once: an answer that is on its way may be older than a change. */
function again() {
  visit += 1;
  clearTimeout(timer);
  if (shown && !document.hidden) poll(visit);
}

function setPictures() {
  cards.run(shown && !document.hidden && !paused);
  $('#cameras-pause').setAttribute('aria-pressed', String(paused));
}

/* ---- Acts */

async function edit(camera, opener) {
  const now = await dialog.open(camera, opener);
  if (!now) return;
  if (list) list = camera ? list.map((one) => (one.name === now.name ? now : one)) : [...list, now];
  render();
  again();
  toast(t(camera ? 'c.saved' : 'c.added', { name: now.name }));
  if (!opener.isConnected || opener.closest('[hidden]')) $('#cameras-add').focus();
}

async function remove(camera, opener) {
  const { name } = camera;
  const words = { title: t('c.remove.q', { name }), text: t('c.remove.sub'), yes: t('c.remove') };
  if (!(await ask(words, opener, () => api.removeCamera(name)))) return;
  if (list) list = list.filter((one) => one.name !== name);
  render();
  again();
  toast(t('c.removed', { name }));
  $(list?.length ? '#cameras-add' : '#cameras-first').focus();
}

function toEvents(camera) {
  timeline.ofCamera(camera.name);
  $('#timeline').scrollIntoView({ block: 'start' });
  $('#e-camera').focus({ preventScroll: true });
}

/* ---- The view */

function onHidden() {
  if (!shown) return;
  setPictures();
  if (document.hidden) {
    visit += 1;
    clearTimeout(timer);
    timeline.stop();
  } else {
    again();
    timeline.enter(new URLSearchParams(location.hash.split('?')[1]));
  }
}

export function start() {
  build();
  timeline.start();
  cards.start({ edit, remove, events: toEvents });
  for (const id of ['#cameras-add', '#cameras-first'])
    $(id).addEventListener('click', (event) => edit(null, event.currentTarget));
  $('#cameras-pause').addEventListener('click', () => {
    paused = !paused;
    setPictures();
  });
  document.addEventListener('visibilitychange', onHidden);
  document.addEventListener('event-taken', () => shown && render());
}

export function enter(state) {
  shown = true;
  timeline.enter(state);
  setPictures();
  again();
}

export function leave() {
  shown = false;
  visit += 1;
  clearTimeout(timer);
  timeline.stop();
  setPictures();
}

export function translate() {
  render();
  timeline.translate();
  dialog.translate();
}
