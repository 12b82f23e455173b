// Settings for the admin: keys, models, collections and the audit log.
// Each card shows its own error when access is denied.
import * as api from './api.js';
import { confirm } from './dialog.js';
import { $, el, icon, say, toast } from './dom.js';
import { counted, day, has, moment, number, t, verbWords } from './i18n.js';

let keys = null;
let models = null;
let collections = null;
let audit = null; // {entries, last, next_before}

const cell = (...children) => el('td', {}, ...children);
const faint = (text) => el('span', { className: 'small faint' }, text);

/* ---- Keys */

const ROLES = ['read', 'enroll', 'admin'];

function stateOf(key) {
  if (key.revoked) return el('span', { className: 'tag is-bad' }, t('key.revoked'));
  if (key.expires && new Date(key.expires) < new Date())
    return el('span', { className: 'tag is-unsure' }, t('key.over'));
  return el('span', { className: 'muted' }, key.expires ? t('key.until', { day: day(key.expires) }) : t('key.forever'));
}

function keyRow(key) {
  const revoke = el(
    'button',
    { type: 'button', className: 'btn btn-quiet btn-danger', 'aria-label': t('key.revoke.n', { name: key.label }) },
    t('key.revoke'),
  );
  revoke.hidden = Boolean(key.revoked);
  revoke.addEventListener('click', () => askRevoke(key, revoke));
  return el(
    'tr',
    {},
    cell(
      el('span', { className: 'strong' }, key.label),
      el('br'),
      el('span', { className: 'small faint mono' }, `sbk_${key.prefix}_…`),
      el('span', { className: 'ph small' }, stateOf(key)),
    ),
    cell(...key.roles.split(',').map((role) => el('span', { className: 'tag' }, t(`role.${role}`)))),
    el('td', { className: 'opt muted' }, key.collection || t('key.everywhere')),
    el('td', { className: 'opt' }, stateOf(key)),
    el('td', { className: 'end' }, revoke),
  );
}

function showKeys() {
  if (!keys) return;
  $('#keys-rows').replaceChildren(...keys.keys.map(keyRow));
  $('#keys-table').hidden = !keys.keys.length;
  $('#keys-none').hidden = Boolean(keys.keys.length);
  /* The first key closes the server; without a password this page would be outside, too. */
  $('#keys-first').hidden = keys.admin_password;
  $('#key-new').disabled = !keys.admin_password;
}

async function askRevoke(key, opener) {
  const dialog = $('#dlg-revoke');
  $('h2', dialog).textContent = t('key.revoke.q', { name: key.label });
  if (!(await confirm(dialog, opener, () => api.revokeKey(key.prefix)))) return;
  toast(t('key.revoked.done', { name: key.label }));
  await loadKeys();
  await loadAudit();
}

function openNewKey() {
  const dialog = $('#dlg-key');
  $('form', dialog).reset();
  $('#key-made').hidden = true;
  $('#key-form').hidden = false;
  say($('#key-error'));
  $('#k-collection').replaceChildren(
    el('option', { value: '' }, t('key.everywhere')),
    ...(collections ?? []).map((one) => el('option', { value: one.name }, one.name)),
  );
  dialog.showModal();
}

async function makeKey(event) {
  event.preventDefault();
  const roles = ROLES.filter((role) => $(`#k-${role}`).checked).join(',');
  try {
    const made = await api.makeKey({
      label: $('#k-label').value.trim(),
      roles,
      collection: $('#k-collection').value,
      expires: $('#k-expires').value,
    });
    $('#key-form').hidden = true;
    $('#key-made').hidden = false;
    $('#key-text').value = made.key;
    $('#key-text').select();
    await loadKeys();
    await loadAudit();
  } catch (error) {
    say($('#key-error'), () => error.note);
  }
}

function forgetKey() {
  $('#key-text').value = '';
}

async function copyKey() {
  try {
    await navigator.clipboard.writeText($('#key-text').value);
    toast(t('key.copied'));
  } catch {
    $('#key-text').select();
  }
}

/* ---- Models and collections */

function modelRow(model) {
  if (model.problem)
    return el(
      'tr',
      {},
      cell(el('span', { className: 'strong mono' }, model.name)),
      el(
        'td',
        { colSpan: 3 },
        el('span', { className: 'tag is-bad' }, icon('alert', 'icon icon-s'), t('model.broken')),
        ' ',
        faint(model.problem),
      ),
    );
  const used = (collections ?? []).filter((one) => one.model === model.name).map((one) => one.name);
  const tags = [
    !model.installed && el('span', { className: 'tag is-unsure' }, t('model.missing')),
    used.length && el('span', { className: 'tag is-same' }, t('model.used', { names: used.join(', ') })),
    model.experimental && el('span', { className: 'tag' }, t('model.experimental')),
  ].filter(Boolean);
  const task = has(`task.${model.task}`) ? t(`task.${model.task}`) : model.task;
  return el(
    'tr',
    {},
    cell(el('span', { className: 'strong mono' }, model.name), el('br'), faint(task)),
    cell(...tags),
    el('td', { className: 'opt muted' }, model.licence),
    el('td', { className: 'end muted' }, model.installed ? `${number(Math.round(model.bytes / 1e5) / 10)} MB` : '–'),
  );
}

function showModels() {
  if (collections) {
    $('#collections-rows').replaceChildren(
      ...collections.map((one) =>
        el(
          'tr',
          {},
          cell(el('span', { className: 'strong' }, one.name)),
          el('td', { className: 'opt mono' }, one.model),
          el('td', { className: 'end' }, number(one.people)),
          el('td', { className: 'end' }, number(one.faces)),
        ),
      ),
    );
  }
  if (models) $('#models-rows').replaceChildren(...models.map(modelRow));
}

/* ---- The audit */

function auditRow(entry) {
  const about = [entry.collection_name, entry.person ? t('audit.person', { n: number(entry.person) }) : '']
    .filter(Boolean)
    .join(', ');
  return el(
    'tr',
    {},
    el('td', {}, moment(entry.at)),
    cell(
      el('span', { className: 'strong' }, verbWords(entry.verb)),
      el('span', { className: 'ph small faint mono' }, entry.actor)),
    el('td', { className: 'mono opt' }, entry.actor),
    el('td', { className: 'opt muted' }, about),
    el('td', { className: 'end muted opt' }, entry.count ? number(entry.count) : ''),
  );
}

function showAudit() {
  if (!audit) return;
  $('#audit-rows').replaceChildren(...audit.entries.map(auditRow));
  $('#audit-n').textContent = number(audit.last);
  $('#audit-more').hidden = !audit.next_before;
}

async function moreAudit() {
  const from = audit;
  try {
    const older = await api.audit(from.next_before);
    if (audit !== from) return; // reloaded meanwhile, or the button was pressed twice
    audit = { ...older, entries: [...audit.entries, ...older.entries] };
    showAudit();
  } catch (error) {
    say($('#audit-error'), () => error.note);
  }
}

async function checkAudit() {
  const button = $('#audit-check');
  button.disabled = true;
  try {
    const head = await api.auditHead();
    $('#audit-whole').textContent = counted('audit.whole', head.head);
    say($('#audit-error'));
  } catch (error) {
    $('#audit-whole').textContent = '';
    say($('#audit-error'), () => ({ ...error.note, title: t('audit.broken') }));
  }
  button.disabled = false;
}

/* ---- */

/** Reloads a card; an answer to an older request is dropped. */
function loader(note, get, take) {
  let asked = 0;
  return async () => {
    asked += 1;
    const mine = asked;
    try {
      const told = await get();
      if (mine !== asked) return;
      say($(note));
      take(told);
    } catch (error) {
      if (mine === asked) say($(note), () => error.note);
    }
  };
}

export const loadAudit = loader(
  '#audit-error',
  () => api.audit(),
  (told) => {
    audit = told;
    showAudit();
  },
);
const loadKeys = loader('#keys-error', api.keys, (told) => {
  keys = told;
  showKeys();
});
const loadModels = loader(
  '#models-error',
  async () => ({ ...(await api.collections()), ...(await api.models()) }),
  (told) => {
    ({ collections, models } = told);
    showModels();
  },
);

export async function enter() {
  await loadModels();
  await loadKeys();
  await loadAudit();
}

export function start() {
  $('#key-new').addEventListener('click', openNewKey);
  $('#key-form').addEventListener('submit', makeKey);
  $('#key-copy').addEventListener('click', copyKey);
  for (const shut of ['#key-cancel', '#key-shut'])
    $(shut).addEventListener('click', () => {
      forgetKey();
      $('#dlg-key').close();
    });
  $('#dlg-key').addEventListener('close', forgetKey); // also closed by the Escape key
  $('#audit-more').addEventListener('click', moreAudit);
  $('#audit-check').addEventListener('click', checkAudit);
}

export function translate() {
  showKeys();
  showModels();
  showAudit();
}
