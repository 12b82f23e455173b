// Registered List: search as you type, paging, delete.
import * as api from './api.js';
import { $, el, icon, initials, toast } from './dom.js';
import { day, number, t } from './i18n.js';

const PAGE = 50;
const TYPING = 200; // milliseconds of silence after which a query is sent

let page = { people: [], total: 0, offset: 0 };
let asked = 0;
let typing = 0;
let failure = null;

function row(person) {
  const remove = el('button', { type: 'button', className: 'btn btn-quiet btn-icon', 'aria-label': t('delete.n', { name: person.name }) }, icon('trash', 'icon icon-s'));
  remove.addEventListener('click', () => ask(person, remove));
  const cell = (className, ...children) => el('span', { className, role: 'cell' }, ...children);
  return el('div', { className: 'tr', role: 'row' },
    cell('who', el('span', { className: 'mono-face face-s', 'aria-hidden': 'true' }, initials(person.name)), el('span', {}, person.name)),
    cell('c-id mono', person.id), cell('end c-n', number(person.faces)), cell('c-date', day(person.created)), cell('', remove));
}

function render() {
  $('#rows').replaceChildren(...page.people.map(row));
  const query = $('#q').value.trim();
  const empty = $('#list-empty');
  empty.hidden = page.people.length > 0;
  $('#list-table').hidden = !empty.hidden;
  $('h2', empty).textContent = failure ? failure.title : t(query ? 'nohit' : 'list.empty');
  $('p', empty).textContent = failure ? failure.detail : t(query ? 'nohit.sub' : 'list.empty.sub');
  $('#list-total').textContent = t(page.total === 1 ? 'people.one' : 'people.n', { n: number(page.total) });
  const last = page.offset + page.people.length;
  $('#range').textContent = page.people.length ? t('range', { from: number(page.offset + 1), to: number(last), all: number(page.total) }) : '';
  $('#page-back').disabled = page.offset === 0;
  $('#page-next').disabled = last >= page.total;
}

/** The newest question wins, whatever order the answers come in. */
async function load(offset = 0) {
  asked += 1;
  const mine = asked;
  try {
    const answer = await api.people($('#q').value.trim(), offset, PAGE);
    if (mine !== asked) return;
    page = answer;
    failure = null;
    if (!page.people.length && page.total && offset) {
      load(Math.max(0, offset - PAGE));
      return;
    }
  } catch (error) {
    if (mine !== asked) return;
    failure = error;
    page = { people: [], total: 0, offset: 0 };
  }
  render();
}

function ask(person, opener) {
  const dialog = $('#dlg-delete');
  $('#h-delete').textContent = t('delete.q', { name: person.name });
  dialog.returnValue = '';
  dialog.onclose = async () => {
    opener.focus();
    if (dialog.returnValue !== 'delete') return;
    try {
      await api.remove(person.id);
      toast(t('deleted', { name: person.name }));
    } catch (error) {
      toast(error.title);
    }
    load(page.offset);
    document.dispatchEvent(new Event('people-changed'));
  };
  dialog.showModal();
}

export function start() {
  $('#list-refresh').addEventListener('click', () => load(page.offset));
  $('#page-back').addEventListener('click', () => load(Math.max(0, page.offset - PAGE)));
  $('#page-next').addEventListener('click', () => load(page.offset + PAGE));
  $('#q').addEventListener('input', () => {
    clearTimeout(typing);
    typing = setTimeout(() => load(), TYPING);
  });
}

export const enter = () => load(page.offset);
export const translate = render;
