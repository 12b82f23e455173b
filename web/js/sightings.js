// A person's page: where and when cameras have seen the person.
import * as api from './api.js';
import { $, el, icon, say } from './dom.js';
import { eventRows } from './event_rows.js';
import { t } from './i18n.js';

const PAGE = 10; // events per request

let told = null; // {id, events, next}
let failure = null;
let asked = 0; // number of the newest list: answers to older requests are dropped

function build() {
  const more = el('button', { type: 'button', className: 'btn', id: 'sightings-more' });
  more.addEventListener('click', () => load(told.id, told.next));
  $('#sightings').replaceChildren(
    el(
      'div',
      { className: 'card-head' },
      el('h2', {}),
      el('div', { className: 'actions' }, el('a', { className: 'small' })),
    ),
    el('div', { className: 'note is-bad', id: 'sightings-error', role: 'alert', hidden: true }, icon('alert'),
      el('p', { className: 'strong' }), el('p', { className: 'muted' })),
    el('div', { id: 'sighting-list' }),
    el('div', { className: 'card-foot' }, more),
  );
}

export function render() {
  $('#sightings').hidden = !told?.events.length && !failure;
  if ($('#sightings').hidden) return;
  if (!$('#sightings h2')) build();
  $('#sightings h2').textContent = t('e.sightings');
  const all = $('#sightings .card-head a');
  all.textContent = t('e.all');
  all.href = `#cameras?${new URLSearchParams({ person: told.id })}`;
  const why = failure;
  say($('#sightings-error'), why && (() => why.note));
  $('#sighting-list').replaceChildren(...eventRows(told.events));
  $('#sightings-more').textContent = t('p.older');
  $('#sightings .card-foot').hidden = told.next === null;
}

/** Loads somebody's sightings, or with `before` the page behind them. Who may not see events (403) does without. */
export async function load(id, before = null) {
  asked += 1;
  const mine = asked;
  if (before === null) told = { id, events: [], next: null };
  failure = null;
  render();
  try {
    const more = before === null ? {} : { cursor: before };
    const answer = await api.events({ person: id, limit: PAGE, pictures: true, ...more });
    if (mine !== asked) return;
    told = { id, events: [...told.events, ...answer.events], next: answer.next_cursor };
  } catch (error) {
    if (mine !== asked) return;
    failure = error.status === 403 ? null : error;
  }
  render();
}
