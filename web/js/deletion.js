// Deleting people: held back for some seconds, in which it can be undone, then final. Keeps the receipts.
import * as api from './api.js';
import { $, download, el, recall, remember, toast } from './dom.js';
import { counted, moment, number, t } from './i18n.js';

const HOLD = 8000; // milliseconds
const RECEIPTS_MAX = 500;

let held = []; // people who will be deleted
let timer = 0;

export const isHeld = (id) => held.some((person) => person.id === id);
export const pending = () => held.length > 0;

const tell = () => document.dispatchEvent(new Event('people-changed'));

/* ---- Receipts: kept in this browser, without the name and the ID of the person */

function receipts() {
  try {
    const kept = JSON.parse(recall('receipts') ?? '[]');
    return Array.isArray(kept) ? kept : [];
  } catch {
    return [];
  }
}

function save(erased) {
  const text = JSON.stringify({ server: location.origin, erased }, null, 2);
  download('receipt.json', text, 'application/json');
}

function keep(erased) {
  const kept = erased.map(({ id: _, ...receipt }) => receipt);
  remember('receipts', JSON.stringify([...kept, ...receipts()].slice(0, RECEIPTS_MAX)));
}

function receiptRow(one) {
  const button = el('button', { type: 'button', className: 'btn btn-quiet' }, t('receipt'));
  button.addEventListener('click', () => save([one]));
  return el(
    'tr',
    {},
    el('td', {}, moment(one.erased)),
    el('td', {}, t('audit.person', { n: number(one.receipt?.person ?? 0) })),
    el('td', { className: 'opt' }, counted('receipt.faces', one.faces)),
    el('td', { className: 'end' }, button),
  );
}

export function showReceipts() {
  const kept = receipts();
  $('#receipts-none').hidden = kept.length > 0;
  $('#receipts-table').hidden = !kept.length;
  $('#receipts-rows').replaceChildren(...kept.map(receiptRow));
}

/* ---- Deleting */

function told(people, erased, failure) {
  const [first] = people;
  const actions = [{ label: t('receipt'), run: () => save(erased) }];
  if (failure) {
    const text = erased.length ? t('deleted.some', { n: number(erased.length), all: number(people.length) }) : '';
    toast(`${text} ${failure.title}`.trim(), { kind: 'bad', actions: erased.length ? actions : [] });
    return;
  }
  if (pending()) return; // the message of the next deletion, with its "Undo", stays
  toast(people.length === 1 ? t('deleted', { name: first.name }) : t('deleted.n', { n: number(people.length) }), {
    actions,
  });
}

async function carryOut() {
  clearTimeout(timer);
  const people = held;
  if (!people.length) return;
  held = [];
  const erased = [];
  let failure = null;
  for (const person of people) {
    try {
      erased.push({ id: person.id, ...(await api.remove(person.id)) });
    } catch (error) {
      failure = error;
      break;
    }
  }
  keep(erased);
  told(people, erased, failure);
  tell();
}

function undo() {
  clearTimeout(timer);
  held = [];
  toast(t('undone'));
  tell();
}

/** Deletes people after some seconds. Closing the message deletes them at once. */
export function holdBack(people) {
  carryOut(); // an earlier deletion is final now
  held = people;
  timer = setTimeout(carryOut, HOLD);
  const [first] = people;
  toast(people.length === 1 ? t('held', { name: first.name }) : t('held.n', { n: number(people.length) }), {
    actions: [{ label: t('undo'), run: undo }],
    shut: carryOut,
  });
  tell();
}

/** The page is being closed: what is held back is carried out now. */
export function leave() {
  for (const person of held) api.remove(person.id, true).catch(() => {});
  held = [];
}
