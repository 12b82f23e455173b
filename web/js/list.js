// Registered List: a virtual list (only visible rows are in the DOM). Search, sort, select and export people.
// The list is one stop of the Tab key: arrows move between rows, Space selects, Enter edits, Delete deletes.
import * as api from './api.js';
import { holdBack, isHeld } from './deletion.js';
import { confirm } from './dialog.js';
import { $, $$, csv, download, el, icon, portrait, setState, toast } from './dom.js';
import { counted, day, estimate, number, t } from './i18n.js';
import { mergePeople } from './people_dialogs.js';

const PAGE = 100; // people per request
const BULK = 1000; // people per request of an export
const TYPING = 150; // debounce of the search field, in milliseconds
const SPARE = 8; // rows kept above and below the visible ones

let total = 0;
let everyone = null; // people in the list without a query; null: not known yet
let recount = true; // `everyone` may have changed
let pages = new Map(); // page number -> people, or 'asked'
let before = new Map(); // the pages of the last list, shown until the new ones have come
let asked = 0; // number of the newest list: answers to older requests are dropped
let typing = 0;
let failure = null;
let tall = 0; // height of the rows in the DOM
let active = 0; // index of the row that is the Tab stop
let anchor = 0; // where a range of selected rows begins
const standing = new Map(); // index -> {person, node}: rows that stay visible keep their node, with click and focus
const chosen = new Map(); // id -> person; never anybody that the query hides

const box = () => $('#rows');
const rowHeight = () => (matchMedia('(max-width: 640px)').matches ? 64 : 44);
const query = () => $('#q').value.trim();

function personAt(index) {
  const number_ = Math.floor(index / PAGE);
  for (const known of [pages, before]) {
    const page = known.get(number_);
    if (Array.isArray(page)) return page[index % PAGE] ?? null;
  }
  return null;
}

async function need(number_) {
  if (pages.has(number_)) return;
  const [mine, words] = [asked, query()]; // the field may hold other words when the answer comes
  pages.set(number_, 'asked');
  try {
    const [answer, all] = await Promise.all([
      api.people(words, $('#sort').value, number_ * PAGE, PAGE, true),
      words && recount ? api.people('', 'newest', 0, 1) : null,
    ]);
    if (mine !== asked) return;
    pages.set(number_, answer.people);
    total = answer.total;
    if (!words || all) everyone = (all ?? answer).total;
    recount &&= Boolean(words && !all);
    failure = null;
  } catch (error) {
    if (mine !== asked) return;
    pages.delete(number_);
    failure = error;
    total = number_ ? total : 0;
  }
  active = Math.max(0, Math.min(active, total - 1));
  render();
}

/* ---- Selection */

function choose(person, on) {
  if (on && !isHeld(person.id)) chosen.set(person.id, person);
  else chosen.delete(person.id);
}

function showChoice() {
  for (const { person, node } of standing.values()) {
    if (!person) continue;
    const on = chosen.has(person.id);
    node.classList.toggle('is-on', on);
    node.setAttribute('aria-selected', String(on));
    $('.tick', node).checked = on;
  }
  renderPick();
}

/** Selects the rows from the anchor to an index, which may be far away. */
async function chooseRange(to) {
  const [first, last] = [Math.min(anchor, to), Math.max(anchor, to)];
  const mine = asked;
  for (let page = Math.floor(first / PAGE); page <= Math.floor(last / PAGE); page += 1) await need(page);
  if (mine !== asked) return;
  for (let index = first; index <= last; index += 1) if (personAt(index)) choose(personAt(index), true);
  showChoice();
}

/** Everyone in the current list, as it was when the call began. */
async function everybody() {
  const asking = [query(), $('#sort').value];
  const people = [];
  for (let all = 1, offset = 0; offset < all; offset += BULK) {
    const page = await api.people(...asking, offset, BULK);
    all = page.total;
    people.push(...page.people);
  }
  return people;
}

async function chooseAll() {
  const mine = asked;
  try {
    const people = await everybody();
    if (mine !== asked) return;
    for (const person of people) choose(person, true);
  } catch (error) {
    toast(error.title, { kind: 'bad' });
  }
  showChoice();
}

function chooseNone() {
  chosen.clear();
  showChoice();
}

function renderPick() {
  $('#pickbar').hidden = !chosen.size;
  $('#pick-n').textContent = counted('chosen', chosen.size);
  $('#pick-merge').hidden = chosen.size !== 2;
  $('#pick-all').checked = chosen.size > 0 && chosen.size === total;
  $('#pick-all').indeterminate = chosen.size > 0 && chosen.size < total;
}

/* ---- Rows */

function button(name, label, run) {
  const node = el(
    'button',
    { type: 'button', className: 'btn btn-quiet btn-icon', 'aria-label': label, tabIndex: -1 },
    icon(name, 'icon icon-s'),
  );
  node.addEventListener('click', () => run(node));
  return node;
}

/** Age, gender and ethnicity, as far as they are kept of this person. */
const kept = ({ age, gender, ethnicity }) =>
  [age > 0 ? number(Math.round(age)) : '', ...[gender, ethnicity].map((one) => (one ? estimate(one.dominant) : ''))]
    .filter(Boolean)
    .join(', ');

function tickOf(person, index, node) {
  const tick = el('input', {
    type: 'checkbox',
    className: 'tick',
    checked: chosen.has(person.id),
    tabIndex: -1,
    'aria-label': t('choose.n', { name: person.name }),
  });
  tick.addEventListener('click', (event) => {
    if (event.shiftKey) {
      chooseRange(index);
      return;
    }
    anchor = index;
    active = index;
    choose(person, tick.checked);
    node.classList.toggle('is-on', tick.checked);
    showChoice();
  });
  return tick;
}

/** The name leads to the person's page. */
const nameLink = ({ id, name }) =>
  el('a', { className: 'who-link', href: `#person?${new URLSearchParams({ id })}`, tabIndex: -1 }, name);

function row(index) {
  const person = personAt(index);
  const cell = (className, ...children) => el('span', { className, role: 'gridcell' }, ...children);
  const node = el('div', { className: 'tr', role: 'row', tabIndex: -1, 'aria-rowindex': index + 2 });
  node.dataset.index = index;
  node.style.transform = `translateY(${index * rowHeight()}px)`;
  if (!person) {
    node.append(cell('', ''), cell('who', el('span', { className: 'skeleton' })));
    return node;
  }
  const gone = isHeld(person.id);
  node.classList.toggle('is-on', chosen.has(person.id));
  node.classList.toggle('is-held', gone);
  node.setAttribute('aria-selected', String(chosen.has(person.id)));
  node.append(
    cell('', tickOf(person, index, node)),
    cell(
      'who',
      portrait(person),
      el('span', { className: 'who-text' }, nameLink(person), el('span', { className: 'sub mono' }, person.id)),
    ),
    cell('c-id mono', person.id),
    cell('c-est', kept(person)),
    cell('end c-n', number(person.faces)),
    cell('c-date', day(person.created)),
    gone
      ? cell('c-acts faint', t('held.row'))
      : cell(
          'c-acts',
          button('edit', t('edit.n', { name: person.name }), (opener) => edit(person, opener)),
          button('trash', t('delete.n', { name: person.name }), (opener) => ask([person], opener)),
        ),
  );
  return node;
}

let printing = false;
let refocus = false; // the active row gets the focus when the rows have come

/** Prints the whole list, not only the rows that are in sight. */
async function printAll() {
  for (let page = 0; page * PAGE < total; page += 1) await need(page);
  printing = true;
  clearRows(); // so that the rows stand in their order
  renderRows();
  print();
  printing = false;
  renderRows();
}

/** The range of visible rows, with SPARE rows around it. */
function sight() {
  if (printing) return [0, total];
  const height = rowHeight();
  const first = Math.max(0, Math.floor(box().scrollTop / height) - SPARE);
  return [first, Math.min(total, Math.ceil((box().scrollTop + box().clientHeight) / height) + SPARE)];
}

function clearRows() {
  for (const { node } of standing.values()) node.remove();
  standing.clear();
}

/** True if both people look the same in the list: then the row's node is kept when the list is reloaded. */
const alike = (one, other) => one === other || Boolean(one && other && JSON.stringify(one) === JSON.stringify(other));

/** One row is the stop of the Tab key: the active one, or the first of those in the DOM. */
function placeTabStop() {
  const stop = standing.has(active) ? active : Math.min(...standing.keys());
  for (const [index, { node }] of standing) node.tabIndex = index === stop ? 0 : -1;
}

function renderRows() {
  const [first, end] = sight();
  const focused = box().contains(document.activeElement);
  for (let page = Math.floor(first / PAGE); page <= Math.floor(Math.max(first, end - 1) / PAGE); page += 1) need(page);
  if (tall !== rowHeight()) clearRows();
  tall = rowHeight();
  $('#rows-pad').style.height = `${total * tall}px`;
  for (const [index, { person, held, node }] of standing) {
    if (index >= first && index < end && alike(person, personAt(index)) && held === isHeld(person?.id)) continue;
    node.remove();
    standing.delete(index);
  }
  for (let index = first; index < end; index += 1) {
    if (standing.has(index)) continue;
    const person = personAt(index);
    standing.set(index, { person, held: isHeld(person?.id), node: row(index) });
    $('#rows-pad').append(standing.get(index).node);
  }
  placeTabStop();
  const lost = (focused && !box().contains(document.activeElement)) || (refocus && personAt(active));
  if (lost) standing.get(active)?.node.focus({ preventScroll: true });
  refocus &&= !lost;
}

function showTotal() {
  if (failure) return '';
  if (!query()) return counted('people', total);
  return everyone === null ? '' : t('found.of', { n: number(total), all: number(everyone) });
}

function render() {
  const empty = $('#list-empty');
  const focused = box().contains(document.activeElement);
  empty.hidden = total > 0;
  $('#list-table').hidden = !empty.hidden;
  $('#list-table').setAttribute('aria-rowcount', total + 1);
  $('h2', empty).textContent = failure ? failure.title : query() ? t('nohit', { q: query() }) : t('list.empty');
  $('p', empty).textContent = failure ? '' : t(query() ? 'nohit.sub' : 'list.empty.sub');
  $('.actions', empty).hidden = Boolean(failure || query());
  $('#list-total').textContent = showTotal();
  if (total) renderRows();
  else if (focused) $('#q').focus();
  const height = rowHeight();
  const first = Math.floor(box().scrollTop / height) + 1;
  const last = Math.min(total, Math.ceil((box().scrollTop + box().clientHeight) / height));
  $('#range').textContent = total ? t('range', { from: number(first), to: number(last), all: number(total) }) : '';
  renderPick();
}

/** Loads the list again. With `keepPlace` the rows stay until their successors have come. */
function reload(keepPlace = false) {
  asked += 1;
  before = keepPlace ? new Map([...before, ...[...pages].filter(([, page]) => Array.isArray(page))]) : new Map();
  pages = new Map();
  recount ||= keepPlace; // people were added or deleted
  if (!keepPlace) {
    chosen.clear(); // so that nobody is selected whom the new list may hide
    box().scrollTop = 0;
    active = 0;
  }
  setState('list', { q: query(), sort: $('#sort').value === 'newest' ? '' : $('#sort').value });
  need(Math.floor(box().scrollTop / rowHeight() / PAGE));
}

function changed() {
  chosen.clear();
  document.dispatchEvent(new Event('people-changed'));
}

/* ---- What is done with people */

async function ask(people, opener) {
  const [first] = people;
  $('#h-delete').textContent =
    people.length === 1 ? t('delete.q', { name: first.name }) : t('delete.qn', { n: number(people.length) });
  if (!(await confirm($('#dlg-delete'), opener, () => {}))) return;
  chosen.clear();
  holdBack(people);
}

async function edit(person, opener) {
  $('#e-name').value = person.name;
  $('#e-id').value = person.id;
  const save = async () => {
    const fields = {};
    if ($('#e-name').value.trim() !== person.name) fields.name = $('#e-name').value.trim();
    if ($('#e-id').value.trim() !== person.id) fields.id = $('#e-id').value.trim();
    if (Object.keys(fields).length) await api.change(person.id, fields);
  };
  if (!(await confirm($('#dlg-edit'), opener, save))) return;
  toast(t('saved'));
  changed();
}

async function mergeTwo(opener) {
  const now = await mergePeople([...chosen.values()], opener);
  if (!now) return;
  toast(t('merged', { name: now.name, n: number(now.faces) }));
  changed();
}

async function exportAll() {
  let people = [...chosen.values()];
  try {
    if (!people.length) people = await everybody();
  } catch (error) {
    toast(error.title, { kind: 'bad' });
    return;
  }
  const rows = people.map((one) => [one.id, one.name, one.faces, one.created, one.consent]);
  download('people.csv', csv([['id', 'name', 'faces', 'created', 'consent'], ...rows]), 'text/csv');
}

/* ---- Keyboard */

/** Makes a row the active one, scrolls to it and gives it the focus. */
function goTo(index, extend) {
  const height = rowHeight();
  active = Math.max(0, Math.min(index, total - 1));
  const top = active * height;
  if (top < box().scrollTop) box().scrollTop = top;
  if (top + height > box().scrollTop + box().clientHeight) box().scrollTop = top + height - box().clientHeight;
  renderRows();
  standing.get(active)?.node.focus({ preventScroll: true });
  if (extend) chooseRange(active);
  else anchor = active;
}

/** Left and right move within the row: the row itself, its tick, its buttons. */
function goAcross(step) {
  const { node } = standing.get(active) ?? {};
  if (!node) return;
  const stops = [node, ...$$('input, a, button', node)];
  stops[Math.max(0, Math.min(stops.length - 1, stops.indexOf(document.activeElement) + step))].focus();
}

function onKey(event) {
  const rows = Math.max(1, Math.floor(box().clientHeight / rowHeight()) - 1);
  const inRow = event.target.closest('.tr');
  if (inRow) active = Number(inRow.dataset.index);
  const person = personAt(active);
  const step = { ArrowDown: 1, ArrowUp: -1, PageDown: rows, PageUp: -rows, Home: -total, End: total }[event.key];
  const onRow = event.target === inRow || event.target === box();
  if (step) goTo(active + step, event.shiftKey);
  else if (event.key === 'ArrowRight' || event.key === 'ArrowLeft') goAcross(event.key === 'ArrowRight' ? 1 : -1);
  else if (event.key === 'a' && (event.ctrlKey || event.metaKey)) chooseAll();
  else if (event.key === 'Escape' && chosen.size) chooseNone();
  else if (event.key === ' ' && onRow && person) {
    choose(person, !chosen.has(person.id));
    anchor = active;
    showChoice();
  } else if (event.key === 'Enter' && onRow && person && !isHeld(person.id)) edit(person, event.target);
  else if (event.key === 'Delete' && (chosen.size || (person && !isHeld(person.id))))
    ask(chosen.size ? [...chosen.values()] : [person], event.target);
  else return;
  event.preventDefault();
}

export function start() {
  $('#list-refresh').addEventListener('click', () => reload(true));
  $('#list-export').addEventListener('click', exportAll);
  $('#sort').addEventListener('change', () => reload());
  $('#q').addEventListener('input', () => {
    clearTimeout(typing);
    typing = setTimeout(() => reload(), TYPING);
  });
  let waiting = false;
  box().addEventListener('scroll', () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      render();
    });
  });
  box().addEventListener('keydown', onKey);
  new ResizeObserver(() => total && render()).observe(box());
  $('#pick-all').addEventListener('change', () => ($('#pick-all').checked ? chooseAll() : chooseNone()));
  $('#pick-merge').addEventListener('click', (event) => mergeTwo(event.currentTarget));
  $('#pick-export').addEventListener('click', exportAll);
  $('#pick-delete').addEventListener('click', (event) => ask([...chosen.values()], event.currentTarget));
  $('#pick-clear').addEventListener('click', chooseNone);
  addEventListener('keydown', (event) => {
    if (event.key !== 'p' || !(event.ctrlKey || event.metaKey) || box().closest('[hidden]')) return;
    event.preventDefault();
    printAll();
  });
  document.addEventListener('people-changed', () => {
    if (box().closest('[hidden]')) return;
    refocus = document.activeElement === document.body; // what had the focus is gone: a button of a message, or a row
    reload(true);
  });
}

export function enter(state) {
  const [q, sort] = [state.get('q') ?? '', state.get('sort') ?? 'newest'];
  const same = q === query() && sort === $('#sort').value;
  $('#q').value = q;
  $('#sort').value = sort;
  reload(same);
}
export function translate() {
  clearRows();
  render();
}
