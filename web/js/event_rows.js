// Events as rows: who was seen by which camera and when, or that a camera was lost or is back.
import { el, icon, portrait } from './dom.js';
import { day, decimal, number, t, time } from './i18n.js';

const OF_CAMERAS = ['camera_lost', 'camera_back'];
const KNOWN = 'match';

/** What happened, in a few words. */
export function eventWords(event) {
  if (event.kind === 'camera_lost') return t('e.lost.camera');
  if (event.kind === 'camera_back') return t('e.back.camera');
  if (event.erased) return t('e.erased');
  if (event.person) return event.verdict === KNOWN ? event.person.name : t('e.maybe', { name: event.person.name });
  return event.unknown ? t('e.unknown.n', { n: number(event.unknown) }) : t('e.unknown');
}

/** What people are told about a problem of a camera; the server's own sentence is English. */
export function problemNote({ problem, cause }) {
  const note = el('details', { className: 'details' }, el('summary', {}, t('details')));
  note.append(el('p', { className: 'small', lang: 'en' }, problem));
  return [el('p', { className: 'small is-bad' }, t(`cause.${cause}`)), note];
}

function sign(event) {
  if (OF_CAMERAS.includes(event.kind)) {
    const name = event.kind === 'camera_lost' ? 'alert' : 'video';
    return el('span', { className: 'mono-face', 'aria-hidden': 'true' }, icon(name));
  }
  const known = event.person && event.verdict === KNOWN;
  if (known) return portrait({ name: event.person.name, thumbnail: event.picture }, '');
  return el('span', { className: 'mono-face', 'aria-hidden': 'true' }, icon(event.person ? 'maybe' : 'none'));
}

function title(event) {
  const words = eventWords(event);
  if (!event.person) return el('span', { className: 'strong' }, words);
  const href = `#person?${new URLSearchParams({ id: event.person.id })}`;
  return el('a', { className: 'strong who-link', href }, words);
}

function tags(event) {
  const tag = (look, words) => el('span', { className: `tag ${look}` }, words);
  const all = [];
  if (event.kind === 'watchlist') all.push(tag('is-bad', t('e.watch')));
  if (event.verdict === 'match' && !event.erased) all.push(tag('is-same', t('v.match')));
  if (event.verdict === 'unsure' && !event.erased) all.push(tag('is-unsure', t('v.unsure')));
  return all;
}

/** Camera, how long, how similar. */
function facts(event) {
  const ms = event.until && event.since ? new Date(event.until) - new Date(event.since) : 0;
  const all = [event.camera];
  if (!OF_CAMERAS.includes(event.kind) && ms >= 1000) all.push(t('e.for', { n: number(Math.round(ms / 1000)) }));
  if (event.person && event.score !== null) all.push(`${t('similarity')} ${decimal(event.score, 2)}`);
  return el('span', { className: 'small muted' }, all.join(' · '));
}

function noteOf(event) {
  if (!event.note) return [];
  return [
    el(
      'details',
      { className: 'details' },
      el('summary', {}, t('details')),
      el('p', { className: 'small', lang: 'en' }, event.note),
    ),
  ];
}

function row(event) {
  const at = event.since ?? event.until;
  return el(
    'li',
    { className: 'event' },
    sign(event),
    el('div', { className: 'kept-text' }, title(event), facts(event), ...noteOf(event)),
    el('div', { className: 'event-end' }, el('time', { className: 'small', dateTime: at }, time(at)), ...tags(event)),
  );
}

/** Rows under a heading for each day, in the order of `events`. `level`: tag of the headings. */
export function eventRows(events, level = 'h3') {
  const groups = [];
  for (const event of events) {
    const words = day(event.since ?? event.until);
    if (groups.at(-1)?.words !== words) groups.push({ words, rows: [] });
    groups.at(-1).rows.push(row(event));
  }
  return groups.map(({ words, rows }) =>
    el('div', {}, el(level, { className: 'event-day' }, words), el('ol', { className: 'event-rows' }, ...rows)),
  );
}
