// Two dialogs about people: which of two records stays after a merge, and choosing a person by name or ID.
import * as api from './api.js';
import { confirm } from './dialog.js';
import { $, el, portrait } from './dom.js';
import { counted, day, t } from './i18n.js';

const TYPING = 150; // debounce of the search field, in milliseconds
const FOUND_MAX = 6;

/* ---- Merging */

function side(person, first) {
  return el(
    'label',
    {},
    el('input', { type: 'radio', name: 'keep', value: person.id, checked: first }),
    portrait(person, 'face-xl'),
    el(
      'span',
      { className: 'long' },
      el('span', { className: 'strong' }, person.name),
      el('span', { className: 'small faint mono' }, person.id),
      el('span', { className: 'small faint' }, `${counted('photos', person.faces)}, ${day(person.created)}`),
    ),
  );
}

/** Asks which of two people stays, with their pictures side by side, and merges. Resolves to the person who stayed, or
 * to null. The older record is proposed. */
export async function mergePeople(people, opener) {
  const two = [...people].sort((a, b) => (a.created < b.created ? -1 : 1));
  $('#merge-pick').replaceChildren(...two.map((person, index) => side(person, !index)));
  let now = null;
  const merge = async () => {
    const keep = $('#merge-pick input:checked').value;
    now = await api.merge(keep, two.find((person) => person.id !== keep).id);
  };
  return (await confirm($('#dlg-merge'), opener, merge)) ? now : null;
}

/* ---- Choosing a person */

let asked = 0; // number of the newest search: answers to older ones are dropped
let typing = 0;
let found = [];

function choice(person, index) {
  return el(
    'label',
    {},
    el('input', { type: 'radio', name: 'found', value: person.id, checked: !index }),
    portrait(person, ''),
    el(
      'span',
      { className: 'long' },
      el('span', { className: 'strong' }, person.name),
      el('span', { className: 'small faint mono' }, person.id),
    ),
  );
}

function show(words) {
  $('#find-pick').hidden = !found.length;
  for (const node of [...$('#find-pick').children]) if (node.matches('label')) node.remove();
  $('#find-pick').append(...found.map(choice));
  $('#find-none').textContent = found.length ? '' : t(words);
  $('#find-yes').disabled = !found.length;
}

async function search(without) {
  asked += 1;
  const mine = asked;
  let words = 'find.none';
  let people = [];
  try {
    ({ people } = await api.people($('#find-q').value.trim(), 'name', 0, FOUND_MAX + 1, true));
  } catch (error) {
    words = `error.${error.code === 'offline' ? 'offline' : 'unknown'}`;
  }
  if (mine !== asked) return;
  found = people.filter((one) => one.id !== without).slice(0, FOUND_MAX);
  show(words);
}

/** Lets somebody choose a person, and does `run(person)` with the choice; a failure stays in the dialog. `words`:
 * {title, text, yes}; `without`: the id of a person who is not offered. Resolves to the person, or to null. */
export async function choosePerson({ title, text, yes, without = null }, opener, run = async () => {}) {
  $('#h-find').textContent = title;
  $('#find-sub').textContent = text;
  $('#find-yes').textContent = yes;
  $('#find-q').value = '';
  found = [];
  show('find.wait');
  $('#find-q').oninput = () => {
    clearTimeout(typing);
    typing = setTimeout(() => search(without), TYPING);
  };
  search(without);
  let chosen = null;
  const act = async () => {
    const id = $('#find-pick input:checked')?.value;
    chosen = found.find((one) => one.id === id) ?? null;
    if (chosen) await run(chosen);
  };
  return (await confirm($('#dlg-find'), opener, act)) ? chosen : null;
}

/** Asks whether something that cannot be undone shall be done. Resolves to true if `run` has done it. */
export function ask({ title, text, yes }, opener, run) {
  $('#h-ask').textContent = title;
  $('#ask-sub').textContent = text;
  $('#ask-yes').textContent = yes;
  return confirm($('#dlg-ask'), opener, run);
}
