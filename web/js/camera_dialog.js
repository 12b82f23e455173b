// The dialog in which a camera is added or changed, and tried before that. What was typed about its password leaves the
// page with the request, and the fields are emptied when the dialog closes.
import * as api from './api.js';
import { confirm } from './dialog.js';
import { $, $$, el, icon, say } from './dom.js';
import { decimal, t } from './i18n.js';

const SCHEME = /^(rtsps?|https?):\/\//iu;
const FIELDS = ['name', 'address', 'user', 'password', 'purpose', 'rate', 'transport', 'masks'];
const WORDS = { exists: 'c.exists', too_large: 'c.toomany', busy: 'c.busy' };

let camera = null; // the one that is changed; null: a new one
let tested = 0; // number of the newest test: answers to older ones are dropped
let wording = null; // writes the answer of the test

const at = (name) => $(`#cam-${name}`);
const text = (name) => at(name).value.trim();

/* ---- Building */

function field(name, key, input, help = '') {
  const id = `cam-${name}`;
  const describedBy = [`${id}-need`, help && `${id}-help`].filter(Boolean).join(' ');
  input.id = id;
  input.setAttribute('aria-describedby', describedBy);
  const all = [
    el('label', { htmlFor: id, 'data-t': key }, t(key)),
    input,
    el('span', { className: 'help is-bad', id: `${id}-need`, hidden: true }),
  ];
  if (help) all.push(el('span', { className: 'help', id: `${id}-help`, 'data-t': help }, t(help)));
  return el('div', { className: 'field' }, ...all);
}

const input = (more = {}) => el('input', { className: 'input', autocomplete: 'off', spellcheck: false, ...more });
const note = (id) =>
  el('div', { className: 'note is-bad', id, role: 'alert', hidden: true }, icon('alert'),
    el('p', { className: 'strong' }), el('p', { className: 'muted' }));

function more() {
  const transport = el('select', { className: 'select' }, ...['tcp', 'udp'].map((one) =>
    el('option', { value: one }, one.toUpperCase())));
  return el(
    'details',
    { className: 'stack-s', id: 'cam-more' },
    el('summary', { 'data-t': 'c.more' }, t('c.more')),
    el(
      'div',
      { className: 'stack-s cam-more' },
      field('collection', 'coll.name', el('select', { className: 'select' })),
      field('rate', 'c.rate', input({ type: 'number', min: 1, max: 30, inputMode: 'numeric' })),
      field('transport', 'c.transport', transport),
      field('masks', 'c.masks', input({ className: 'input mono', maxLength: 2048 }), 'c.masks.help'),
    ),
  );
}

function build() {
  const button = (id, key, type, look) => el('button', { type, className: `btn ${look}`, id, 'data-t': key }, t(key));
  const cancel = button('cam-cancel', 'cancel', 'button', 'btn-quiet');
  cancel.addEventListener('click', () => $('#dlg-camera').close());
  const test = button('cam-test', 'c.test', 'button', '');
  test.addEventListener('click', tryIt);
  const body = el(
    'form',
    { className: 'dialog-body', noValidate: true },
    el('h2', { id: 'h-dlg-camera' }),
    field('name', 'c.name', input({ className: 'input mono', maxLength: 64 }), 'c.name.help'),
    field('address', 'c.address', input({ className: 'input mono', maxLength: 2048 }), 'c.address.help'),
    el(
      'div',
      { className: 'cam-two' },
      field('user', 'c.user', input()),
      field('password', 'c.password', input({ type: 'password', autocomplete: 'new-password' }), 'c.password.help'),
    ),
    field('purpose', 'p.purpose', input({ maxLength: 500 }), 'c.purpose.help'),
    more(),
    el(
      'div',
      { className: 'stack-s' },
      el('div', {}, test),
      el('div', { role: 'status', id: 'cam-tested' }),
      el('img', { className: 'cam-seen', id: 'cam-seen', alt: '', hidden: true }),
    ),
    note('cam-error'),
    el('div', { className: 'actions' }, cancel, button('cam-yes', 'save', 'submit', 'btn-primary')),
  );
  body.addEventListener('input', ({ target }) => need(target.id.replace('cam-', ''), ''));
  document.body.append(
    el('dialog', { className: 'dialog', id: 'dlg-camera', 'aria-labelledby': 'h-dlg-camera' }, body),
  );
}

/* ---- Reading the fields */

const slug = (name) =>
  name
    .toLowerCase()
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
    .replace(/[^a-z0-9_-]+/gu, '-')
    .replace(/^-+|-+$/gu, '')
    .slice(0, 64);

/** The address with user name and password, which are percent-encoded. */
function wholeAddress() {
  const address = text('address');
  const [scheme] = address.match(SCHEME) ?? [''];
  const login = [text('user'), at('password').value].map(encodeURIComponent);
  if (!text('user') || !scheme) return address;
  return `${scheme}${login[1] ? login.join(':') : login[0]}@${address.slice(scheme.length)}`;
}

function need(name, key) {
  const words = key ? t(key) : '';
  $(`#cam-${name}-need`).textContent = words;
  $(`#cam-${name}-need`).hidden = !key;
  at(name).setAttribute('aria-invalid', String(Boolean(key)));
  if (key) at(name).closest('details')?.setAttribute('open', '');
  return key ? name : '';
}

/** Says beside the fields what is missing; focuses the first of them. `all` is false for a test. */
function check(all) {
  const login = text('user') || at('password').value;
  const missing = camera ? (login ? 'c.address.whole' : '') : 'c.address.need';
  const rate = Number(at('rate').value);
  const wrong = [
    all && !camera && need('name', slug(text('name')) ? '' : 'c.name.need'),
    need('address', text('address') ? '' : missing),
    all && need('purpose', text('purpose') ? '' : 'c.purpose.need'),
    all && need('rate', Number.isInteger(rate) && rate >= 1 && rate <= 30 ? '' : 'c.rate.need'),
  ].filter(Boolean);
  if (wrong.length) at(wrong[0]).focus();
  return !wrong.length;
}

function fields() {
  const address = wholeAddress();
  return {
    ...(address ? { address } : {}),
    ...(camera ? {} : { name: slug(text('name')), collection: at('collection').value }),
    purpose: text('purpose'),
    rate: Number(at('rate').value),
    transport: at('transport').value,
    masks: text('masks'),
  };
}

/** An error whose words are about cameras, not about people and photos. */
const ofCameras = (error) => ({
  get note() {
    return WORDS[error.code] ? { ...error.note, title: t(WORDS[error.code]) } : error.note;
  },
});

/* ---- Trying it */

function showTest(make, picture = '') {
  wording = make;
  $('#cam-tested').replaceChildren(...make());
  $('#cam-seen').hidden = !picture;
  if (picture) $('#cam-seen').src = `data:image/jpeg;base64,${picture}`;
  else $('#cam-seen').removeAttribute('src');
}

const failed = (words, english) => () => [
  el('p', { className: 'strong is-bad small' }, t('c.test.failed')),
  el('p', { className: 'small' }, t(words)),
  el(
    'details',
    { className: 'details' },
    el('summary', {}, t('details')),
    el('p', { className: 'small', lang: 'en' }, english),
  ),
];

function worked(told) {
  const values = { ...told, codec: told.codec ?? '', seconds: decimal(told.first_picture_ms / 1000, 1) };
  return () => [el('p', { className: 'small strong' }, t('c.tested', values))];
}

async function tryIt() {
  if (!check(false)) return;
  tested += 1;
  const mine = tested;
  const address = wholeAddress();
  $('#cam-test').disabled = true;
  showTest(() => [el('p', { className: 'small muted' }, t('c.testing'))]);
  try {
    const told = await api.testCamera({
      ...(address ? { address } : {}),
      ...(camera ? { camera: camera.name } : {}),
      transport: at('transport').value,
    });
    if (mine !== tested) return;
    if (told.problem) showTest(failed(`cause.${told.cause}`, told.problem));
    else showTest(worked(told), told.picture);
  } catch (error) {
    if (mine === tested) showTest(() => [el('p', { className: 'small strong is-bad' }, ofCameras(error).note.title)]);
  } finally {
    if (mine === tested) $('#cam-test').disabled = false;
  }
}

/* ---- Opening */

function empty() {
  tested += 1;
  $('#cam-test').disabled = false;
  for (const name of FIELDS) {
    at(name).value = '';
    need(name, '');
  }
  showTest(() => []);
}

async function offerCollections() {
  const list = await api.collections().catch(() => ({ collections: [] }));
  if (camera) return;
  at('collection').replaceChildren(
    ...list.collections.map(({ name }) => el('option', { value: name }, name)));
  at('collection').closest('.field').hidden = list.collections.length < 2;
}

function fill() {
  at('rate').value = camera?.rate ?? 5;
  at('transport').value = camera?.transport ?? 'tcp';
  at('masks').value = camera?.masks ?? '';
  at('purpose').value = camera?.purpose ?? '';
  at('name').closest('.field').hidden = Boolean(camera);
  at('collection').closest('.field').hidden = true;
  $('#cam-more').open = Boolean(camera?.masks);
}

function words() {
  $('#h-dlg-camera').textContent = camera ? t('c.edit.n', { name: camera.name }) : t('c.add');
  $('#cam-yes').textContent = camera ? t('save') : t('c.add');
  $('#cam-address-help').textContent = camera ? t('c.address.keep', { address: camera.address }) : t('c.address.help');
}

/** Lets somebody add a camera, or change `which`. Resolves to the camera as it is now, or to null. */
export async function open(which, opener) {
  if (!$('#dlg-camera')) build();
  camera = which;
  empty();
  fill();
  words();
  let now = null;
  const run = async () => {
    if (!check(true)) throw { note: {} }; // the words stand beside the fields
    try {
      now = await (camera ? api.changeCamera(camera.name, fields()) : api.addCamera(withCollection()));
    } catch (error) {
      throw ofCameras(error);
    }
  };
  if (!camera) offerCollections();
  const done = await confirm($('#dlg-camera'), opener, run);
  empty(); // nothing of a password stays on the page
  return done ? now : null;
}

/** Without a choice the server's own collection is used. */
function withCollection() {
  const { collection, ...all } = fields();
  return collection ? { ...all, collection } : all;
}

export function translate() {
  if (!$('#dlg-camera')?.open) return;
  words();
  if (wording) $('#cam-tested').replaceChildren(...wording());
  for (const shown of $$('#dlg-camera .help.is-bad')) shown.hidden = true;
}
