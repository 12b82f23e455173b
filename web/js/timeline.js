// The timeline of events: filters, the newest first, older ones page by page, and new ones as they are added.
import * as api from './api.js';
import { $, el, icon, say, setState } from './dom.js';
import { eventRows, eventWords } from './event_rows.js';
import { EventStream } from './event_stream.js';
import { t } from './i18n.js';
import { choosePerson } from './people_dialogs.js';

const PAGE = 30; // events per request
const FILTERS = ['camera', 'kind', 'person', 'since', 'until'];
const KINDS = [
  ['', 'e.kind.all'],
  ['seen', 'e.kind.seen'],
  ['watchlist', 'e.kind.watchlist'],
  ['unknown_again', 'e.kind.unknown'],
  ['camera_lost,camera_back', 'e.kind.cameras'],
];

let filters = {}; // those that are set
let events = new Map(); // number -> event: the list and the stream may both bring one
let cursor = null; // of the next page; null: there is none
let loaded = false;
let failure = null;
let stream = null;
let link = ''; // the stream's state
let asked = 0; // number of the newest list: answers to older requests are dropped
let cameraNames = [];
let personName = '';

const option = (value, words) => el('option', { value }, words);
const label = (id, key) => el('label', { className: 'sr', htmlFor: id, 'data-t': key }, t(key));

/** The card, once; what it shows is written by render(). */
export function build() {
  const when = (id, key) =>
    el(
      'label',
      { className: 'when small' },
      el('span', { 'data-t': key }, t(key)),
      el('input', { className: 'input', type: 'datetime-local', id }),
    );
  const button = (id, key, look = '') => el('button', { type: 'button', className: `btn ${look}`, id }, t(key));
  return el(
    'section',
    { className: 'card timeline', 'aria-labelledby': 'h-events', id: 'timeline' },
    el(
      'div',
      { className: 'card-head' },
      el('h2', { id: 'h-events', 'data-t': 'c.events' }, t('c.events')),
      el('span', { className: 'tag', id: 'events-link', role: 'status' }),
    ),
    el(
      'div',
      { className: 'event-filters', role: 'group', 'data-label': 'e.filters', 'aria-label': t('e.filters') },
      label('e-camera', 'e.camera'),
      el('select', { className: 'select', id: 'e-camera' }),
      label('e-kind', 'e.kind'),
      el('select', { className: 'select', id: 'e-kind' }),
      button('e-person', 'e.person'),
      when('e-since', 'e.from'),
      when('e-until', 'e.to'),
      button('e-clear', 'e.clear', 'btn-quiet'),
    ),
    el('div', { className: 'note is-bad', id: 'events-error', role: 'alert', hidden: true }, icon('alert'),
      el('p', { className: 'strong' }), el('p', { className: 'muted' })),
    el('div', { id: 'event-list' }),
    el('div', { className: 'empty', id: 'events-none', hidden: true }, icon('video'),
      el('h3', {}), el('p', { 'data-t': 'e.none.sub' }, t('e.none.sub'))),
    el('p', { className: 'sr', id: 'events-new', role: 'status' }),
    el('div', { className: 'card-foot', hidden: true, id: 'events-foot' }, button('events-more', 'p.older')),
  );
}

/* ---- What is shown */

function showFilters() {
  const names = [...new Set([...cameraNames, filters.camera ?? ''])].filter(Boolean);
  $('#e-camera').replaceChildren(option('', t('e.camera.all')), ...names.map((name) => option(name, name)));
  $('#e-camera').value = filters.camera ?? '';
  $('#e-kind').replaceChildren(...KINDS.map(([value, key]) => option(value, t(key))));
  $('#e-kind').value = filters.kind ?? '';
  const who = filters.person && t('e.person.of', { name: personName || filters.person });
  $('#e-person').replaceChildren(who || t('e.person'), ...(who ? [icon('x', 'icon icon-s')] : []));
  for (const end of ['since', 'until']) {
    const field = $(`#e-${end}`);
    if (field.value !== (filters[end] ?? '') && document.activeElement !== field) field.value = filters[end] ?? '';
  }
  $('#e-clear').textContent = t('e.clear');
  $('#events-more').textContent = t('p.older');
  $('#e-clear').hidden = !Object.keys(filters).length;
}

function showList() {
  const all = [...events.values()].sort((a, b) => b.number - a.number);
  const opened = document.activeElement?.closest?.('#event-list') ? document.activeElement.getAttribute('href') : null;
  $('#event-list').replaceChildren(...eventRows(all));
  if (opened) [...$('#event-list').querySelectorAll('a')].find((a) => a.getAttribute('href') === opened)?.focus();
  $('#events-none').hidden = !loaded || all.length > 0;
  const filtered = Object.keys(filters).length > 0;
  $('#events-none h3').textContent = t(filtered ? 'e.nohit' : 'e.none');
  $('#events-none p').hidden = filtered;
  $('#events-foot').hidden = cursor === null;
  const told = failure;
  say($('#events-error'), told && (() => told.note));
}

function showLink() {
  const words = { connecting: 'e.connecting', live: 'e.live', lost: 'e.lost' }[link];
  $('#events-link').textContent = words ? t(words) : '';
  $('#events-link').hidden = !words;
  $('#events-link').className = `tag ${link === 'live' ? 'is-same' : link === 'lost' ? 'is-bad' : ''}`;
}

export function translate() {
  showFilters();
  showList();
  showLink();
}

/** Nothing has come yet, nothing is filtered, and nothing failed. */
export const isEmpty = () => loaded && !events.size && !Object.keys(filters).length && !failure;

/** The names for the filter. */
export function setCameras(names) {
  if (names.join() === cameraNames.join()) return;
  cameraNames = names;
  showFilters();
}

/* ---- Reading */

/** The filters as /v1/events has them: times of the page are local. */
function query() {
  const now = { ...filters, pictures: true };
  for (const end of ['since', 'until']) if (now[end]) now[end] = new Date(now[end]).toISOString();
  return now;
}

function take(event) {
  const is = !events.has(event.number);
  events.set(event.number, event);
  showList();
  if (is) $('#events-new').textContent = t('e.new', { what: eventWords(event) });
  document.dispatchEvent(new CustomEvent('event-taken'));
}

function follow(newest) {
  const mine = asked;
  stream?.close();
  stream = new EventStream(query(), newest, take, (state) => {
    link = state;
    showLink();
    /* A stream that begins behind no event passes over one that was added since the list was read. */
    if (state === 'live' && mine === asked && Number(stream?.cursor) === 0) load(false);
  });
}

async function load(fresh = true) {
  asked += 1;
  const mine = asked;
  try {
    const answer = await api.events({ ...query(), limit: PAGE });
    if (mine !== asked) return;
    if (fresh) events = new Map();
    for (const event of answer.events) events.set(event.number, event);
    [cursor, loaded, failure] = [answer.next_cursor, true, null];
    if (fresh || !stream) follow(answer.newest);
  } catch (error) {
    if (mine !== asked) return;
    failure = error;
  }
  showList();
  document.dispatchEvent(new CustomEvent('event-taken'));
}

async function older() {
  const mine = asked;
  $('#events-more').disabled = true;
  try {
    const answer = await api.events({ ...query(), limit: PAGE, cursor });
    if (mine !== asked) return;
    for (const event of answer.events) events.set(event.number, event);
    [cursor, failure] = [answer.next_cursor, null];
  } catch (error) {
    if (mine === asked) failure = error;
  } finally {
    $('#events-more').disabled = false;
  }
  if (mine === asked) showList();
}

/* ---- Filters */

/** Filters again; the address says how, so that a link or a reload shows the same. */
function filter(change) {
  filters = Object.fromEntries(Object.entries({ ...filters, ...change }).filter(([, value]) => value));
  setState('cameras', filters);
  [events, cursor, loaded] = [new Map(), null, false];
  showFilters();
  showList();
  load();
}

async function findPerson(opener) {
  if (filters.person) {
    personName = '';
    filter({ person: '' });
    return;
  }
  const words = { title: t('e.person.q'), text: t('e.person.sub'), yes: t('e.person.yes') };
  const person = await choosePerson(words, opener);
  if (!person) return;
  personName = person.name;
  filter({ person: person.id });
}

/** Shows the name of the person whose id is in the address. */
async function namePerson() {
  const id = filters.person;
  const person = await api.getPerson(id).catch(() => null);
  if (!person || filters.person !== id) return;
  personName = person.name;
  showFilters();
}

export const ofCamera = (camera) => filter({ camera });

export function start() {
  $('#e-camera').addEventListener('change', () => filter({ camera: $('#e-camera').value }));
  $('#e-kind').addEventListener('change', () => filter({ kind: $('#e-kind').value }));
  for (const end of ['since', 'until'])
    $(`#e-${end}`).addEventListener('change', () => filter({ [end]: $(`#e-${end}`).value }));
  $('#e-person').addEventListener('click', (event) => findPerson(event.currentTarget));
  $('#e-clear').addEventListener('click', () => {
    personName = '';
    for (const end of ['since', 'until']) $(`#e-${end}`).value = '';
    filter(Object.fromEntries(FILTERS.map((one) => [one, ''])));
    $('#e-kind').focus(); // the button goes
  });
  $('#events-more').addEventListener('click', older);
}

export function enter(state) {
  const wanted = Object.fromEntries(FILTERS.map((one) => [one, state.get(one) ?? '']).filter(([, value]) => value));
  const changed = JSON.stringify(wanted) !== JSON.stringify(filters);
  filters = wanted;
  if (changed) {
    personName = '';
    [events, cursor, loaded] = [new Map(), null, false];
  }
  showFilters();
  if (filters.person && !personName) namePerson();
  load();
}

/** Ends the stream: the view or the window is hidden. */
export function stop() {
  asked += 1; // a list that is on its way would begin a stream
  stream?.close();
  stream = null;
  link = '';
  showLink();
}
