// Registered List: a virtual list (only visible rows are in the DOM).
// Search, sort, edit, merge, select, export and delete people.
import * as api from './api.js';
import { $, download, el, icon, initials, toast } from './dom.js';
import { counted, day, number, t } from './i18n.js';

const PAGE = 100; // people per request
const TYPING = 150; // debounce of the search field, in milliseconds
const SPARE = 8; // rows kept above and below the visible ones

let total = 0;
let pages = new Map(); // page number -> people, or a promise of them
let asked = 0; // number of the newest list: answers to older requests are dropped
let typing = 0;
let failure = null;
let tall = 0; // height of the rows in the DOM
const standing = new Map(); // index -> {person, node}: rows that stay visible keep their node, with click and focus
const chosen = new Map(); // id -> person

const box = () => $('#rows');
const rowHeight = () => (matchMedia('(max-width: 640px)').matches ? 64 : 44);
const query = () => $('#q').value.trim();

function personAt(index) {
  const page = pages.get(Math.floor(index / PAGE));
  return Array.isArray(page) ? page[index % PAGE] : null;
}

async function need(number_) {
  if (pages.has(number_)) return;
  const mine = asked;
  pages.set(number_, 'asked');
  try {
    const answer = await api.people(query(), $('#sort').value, number_ * PAGE, PAGE, true);
    if (mine !== asked) return;
    pages.set(number_, answer.people);
    total = answer.total;
    failure = null;
  } catch (error) {
    if (mine !== asked) return;
    pages.delete(number_);
    failure = error;
    total = number_ ? total : 0;
  }
  render();
}

function button(name, label, run) {
  const node = el(
    'button',
    { type: 'button', className: 'btn btn-quiet btn-icon', 'aria-label': label },
    icon(name, 'icon icon-s'),
  );
  node.addEventListener('click', () => run(node));
  return node;
}

/** The thumbnail if the server keeps one, else the initials. */
function portrait(person) {
  if (!person.thumbnail)
    return el('span', { className: 'mono-face face-s', 'aria-hidden': 'true' }, initials(person.name));
  return el('img', { className: 'face', alt: '', src: `data:image/jpeg;base64,${person.thumbnail}` });
}

function row(index) {
  const person = personAt(index);
  const cell = (className, ...children) => el('span', { className, role: 'cell' }, ...children);
  const node = el('div', {
    className: `tr${person && chosen.has(person.id) ? ' is-on' : ''}`,
    role: 'row',
    'aria-rowindex': index + 2,
  });
  node.style.transform = `translateY(${index * rowHeight()}px)`;
  if (!person) {
    node.append(cell('', ''), cell('who', el('span', { className: 'skeleton' })));
    return node;
  }
  const tick = el('input', {
    type: 'checkbox',
    className: 'tick',
    checked: chosen.has(person.id),
    'aria-label': t('choose.n', { name: person.name }),
  });
  tick.addEventListener('change', () => {
    if (tick.checked) chosen.set(person.id, person);
    else chosen.delete(person.id);
    node.classList.toggle('is-on', tick.checked);
    renderPick();
  });
  node.append(
    cell('', tick),
    cell(
      'who',
      portrait(person),
      el('span', { className: 'who-text' }, person.name, el('span', { className: 'sub mono' }, person.id)),
    ),
    cell('c-id mono', person.id),
    cell('end c-n', number(person.faces)),
    cell('c-date', day(person.created)),
    cell(
      'c-acts',
      button('edit', t('edit.n', { name: person.name }), (opener) => edit(person, opener)),
      button('trash', t('delete.n', { name: person.name }), (opener) => ask([person], opener)),
    ),
  );
  return node;
}

/** The range of visible rows, with SPARE rows around it. */
function sight() {
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

function renderRows() {
  const [first, end] = sight();
  for (let page = Math.floor(first / PAGE); page <= Math.floor(Math.max(first, end - 1) / PAGE); page += 1) need(page);
  if (tall !== rowHeight()) clearRows();
  tall = rowHeight();
  $('#rows-pad').style.height = `${total * tall}px`;
  for (const [index, { person, node }] of standing) {
    if (index >= first && index < end && alike(person, personAt(index))) continue;
    node.remove();
    standing.delete(index);
  }
  for (let index = first; index < end; index += 1) {
    if (standing.has(index)) continue;
    standing.set(index, { person: personAt(index), node: row(index) });
    $('#rows-pad').append(standing.get(index).node);
  }
}

function renderPick() {
  $('#pickbar').hidden = !chosen.size;
  $('#pick-n').textContent = counted('chosen', chosen.size);
  $('#pick-merge').hidden = chosen.size !== 2;
}

function render() {
  const empty = $('#list-empty');
  empty.hidden = total > 0;
  $('#list-table').hidden = !empty.hidden;
  $('#list-table').setAttribute('aria-rowcount', total + 1);
  $('h2', empty).textContent = failure ? failure.title : t(query() ? 'nohit' : 'list.empty');
  $('p', empty).textContent = failure ? failure.detail : t(query() ? 'nohit.sub' : 'list.empty.sub');
  $('#list-total').textContent = counted('people', total);
  if (total) renderRows();
  const height = rowHeight();
  const first = Math.floor(box().scrollTop / height) + 1;
  const last = Math.min(total, Math.ceil((box().scrollTop + box().clientHeight) / height));
  $('#range').textContent = total ? t('range', { from: number(first), to: number(last), all: number(total) }) : '';
  renderPick();
}

function reload(keepPlace = false) {
  asked += 1;
  pages = new Map();
  if (!keepPlace) box().scrollTop = 0;
  need(Math.floor(box().scrollTop / rowHeight() / PAGE));
}

function changed() {
  chosen.clear();
  reload(true);
  document.dispatchEvent(new Event('people-changed'));
}

/** Shows a dialog; `run` is called when it is confirmed. Focus goes back to where it was. */
function confirm(dialog, opener, run) {
  dialog.returnValue = '';
  dialog.onclose = async () => {
    opener?.focus();
    if (dialog.returnValue !== 'yes') return;
    try {
      await run();
    } catch (error) {
      toast(`${error.title} ${error.detail}`.trim());
    }
    changed();
  };
  dialog.showModal();
}

function ask(people, opener) {
  const [first] = people;
  $('#h-delete').textContent =
    people.length === 1 ? t('delete.q', { name: first.name }) : t('delete.qn', { n: number(people.length) });
  confirm($('#dlg-delete'), opener, async () => {
    const receipt = [];
    for (const person of people) receipt.push({ id: person.id, ...(await api.remove(person.id)) });
    const text =
      people.length === 1 ? t('deleted', { name: first.name }) : t('deleted.n', { n: number(people.length) });
    toast(text, {
      label: t('receipt'),
      run: () =>
        download(
          'receipt.json',
          JSON.stringify({ server: location.origin, erased: receipt }, null, 2),
          'application/json',
        ),
    });
  });
}

function edit(person, opener) {
  $('#e-name').value = person.name;
  $('#e-id').value = person.id;
  confirm($('#dlg-edit'), opener, async () => {
    const fields = {};
    if ($('#e-name').value.trim() !== person.name) fields.name = $('#e-name').value.trim();
    if ($('#e-id').value.trim() !== person.id) fields.id = $('#e-id').value.trim();
    if (Object.keys(fields).length) await api.change(person.id, fields);
    toast(t('saved'));
  });
}

function mergeTwo(opener) {
  const two = [...chosen.values()].sort((a, b) => (a.created < b.created ? -1 : 1));
  $('#merge-pick').replaceChildren(
    ...two.map((person, index) =>
      el(
        'label',
        {},
        el('input', { type: 'radio', name: 'keep', value: person.id, checked: !index }),
        el('span', { className: 'mono-face', 'aria-hidden': 'true' }, initials(person.name)),
        el(
          'span',
          {},
          el('span', { className: 'strong' }, person.name),
          el('br'),
          el(
            'span',
            { className: 'small faint' },
            `${person.id}, ${counted('photos', person.faces)}, ${day(person.created)}`,
          ),
        ),
      ),
    ),
  );
  confirm($('#dlg-merge'), opener, async () => {
    const keep = $('#merge-pick input:checked').value;
    const other = two.find((person) => person.id !== keep);
    const now = await api.merge(keep, other.id);
    toast(t('merged', { name: now.name, n: number(now.faces) }));
  });
}

/** A CSV field; a leading formula sign is escaped, because spreadsheets would run it. */
const field = (text) => `"${(/^[=+\-@]/u.test(text) ? "'" : '') + String(text).replaceAll('"', '""')}"`;

/** Everyone in the current list, as it was when the call began. */
async function everybody() {
  const asking = [query(), $('#sort').value];
  const people = [];
  for (let all = 1, offset = 0; offset < all; offset += 1000) {
    const page = await api.people(...asking, offset, 1000);
    all = page.total;
    people.push(...page.people);
  }
  return people;
}

async function exportAll() {
  let people = [...chosen.values()];
  try {
    if (!people.length) people = await everybody();
  } catch (error) {
    toast(`${error.title} ${error.detail}`.trim());
    return;
  }
  const rows = people.map((one) =>
    [one.id, one.name, String(one.faces), one.created, one.consent].map(field).join(','),
  );
  download('people.csv', `id,name,faces,created,consent\r\n${rows.join('\r\n')}\r\n`, 'text/csv');
}

/** Keyboard: arrows, Page Up/Down, Home and End scroll; Delete asks to delete the selected people. */
function onKey(event) {
  const height = rowHeight();
  const step = {
    ArrowDown: height,
    ArrowUp: -height,
    PageDown: box().clientHeight - height,
    PageUp: height - box().clientHeight,
    Home: -box().scrollHeight,
    End: box().scrollHeight,
  }[event.key];
  if (step) {
    event.preventDefault();
    box().scrollTop += step;
  } else if (event.key === 'Delete' && chosen.size) {
    ask([...chosen.values()], box());
  }
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
  $('#pick-merge').addEventListener('click', (event) => mergeTwo(event.currentTarget));
  $('#pick-export').addEventListener('click', exportAll);
  $('#pick-delete').addEventListener('click', (event) => ask([...chosen.values()], event.currentTarget));
  $('#pick-clear').addEventListener('click', () => {
    chosen.clear();
    clearRows();
    render();
  });
}

export function enter() {
  reload(true);
  document.dispatchEvent(new Event('people-changed'));
}
export function translate() {
  clearRows();
  render();
}
