// The page of one person, at #person?id=…: record, terms, estimates, templates, look-alikes, and what the audit holds.
//
// The record is loaded first; templates, look-alikes and history follow, each when its answer comes. Every load has a
// number, and what belongs to an older one is dropped. A form that somebody is filling in is not overwritten.
import * as api from './api.js';
import { holdBack, isHeld } from './deletion.js';
import { confirm } from './dialog.js';
import { $, $$, el, portrait, say, setState, slowly, toast } from './dom.js';
import { counted, day, decimal, estimate, moment, number, t, verbWords } from './i18n.js';
import { ask, choosePerson, mergePeople } from './people_dialogs.js';
import { shrink } from './photos.js';
import * as sightings from './sightings.js';

const FACES_PAGE = 48; // templates per request
const HISTORY_PAGE = 10; // entries of the audit per request

let id = ''; // of the person, from the address
let asked = 0; // number of the newest load
let person = null;
let failure = null;
let faces = null; // {items, total}; null: not known yet
let review = null;
let history = null; // {entries, next_before}; null: not known yet, or not for this visitor
let replacing = 0; // the face that the next photo replaces; 0: it is added
let busy = false;

const hidden = () => $('[data-view=person]').hidden;
const changed = () => document.dispatchEvent(new Event('people-changed'));
const link = (one) =>
  el('a', { className: 'strong', href: `#person?${new URLSearchParams({ id: one.id })}` }, one.name);

function button(words, run, kind = '', label = words) {
  const node = el('button', { type: 'button', className: `btn ${kind}`.trim(), 'aria-label': label }, words);
  node.addEventListener('click', () => run(node));
  return node;
}

/* ---- Forms: what is stored is their default; what differs from it was typed */

const inputs = (form) => $$('input, textarea', form);
const isChanged = (form) => inputs(form).some((input) => input.value !== input.defaultValue);

function showChange(form) {
  $('[type=submit]', form).disabled = !isChanged(form);
  $('[type=reset]', form).hidden = !isChanged(form);
}

/** Puts what is stored into a form; with `fresh` also over what was typed. */
function fill(form, values, fresh) {
  const keep = !fresh && isChanged(form);
  for (const [selector, value] of Object.entries(values)) $(selector).defaultValue = value;
  if (!keep) form.reset();
  showChange(form);
}

/** The fields of a form that differ from what is stored: {field: value}. */
const changesOf = (names) =>
  Object.fromEntries(
    Object.entries(names)
      .filter(([, selector]) => $(selector).value.trim() !== $(selector).defaultValue)
      .map(([field, selector]) => [field, $(selector).value.trim()]),
  );

async function save(form, note, fields) {
  if (busy || !Object.keys(fields).length) return;
  const before = id;
  busy = true;
  try {
    const now = await api.change(id, fields);
    say($(note));
    toast(t('saved'));
    if (id !== before) return; // somebody else's page is open by now
    person = { ...now, thumbnail: person.thumbnail };
    ({ id } = person);
    if (!hidden()) setState('person', { id });
    fillForms(true);
    changed();
  } catch (error) {
    say($(note), () => error.note);
  } finally {
    busy = false;
  }
}

/** The last day on which the person is kept; the record says when that day has ended. */
const lastDay = (iso) => (iso ? new Date(new Date(iso).getTime() - 1).toISOString().slice(0, 10) : '');

function fillForms(fresh) {
  fill($('#person-record'), { '#p-name': person.name, '#p-id': person.id }, fresh);
  const terms = { '#p-consent': person.consent, '#p-purpose': person.purpose, '#p-expires': lastDay(person.expires) };
  fill($('#person-terms'), terms, fresh);
}

function saveRecord(event) {
  event.preventDefault();
  save($('#person-record'), '#record-error', changesOf({ name: '#p-name', id: '#p-id' }));
}

function saveTerms(event) {
  event.preventDefault();
  const fields = changesOf({ consent: '#p-consent', purpose: '#p-purpose', expires: '#p-expires' });
  if (fields.expires === '') fields.expires = 'never';
  save($('#person-terms'), '#terms-error', fields);
}

/* ---- Estimates */

function keptEstimates() {
  const words = {
    age: person.age > 0 ? number(Math.round(person.age)) : '',
    gender: person.gender ? estimate(person.gender.dominant) : '',
    ethnicity: person.ethnicity ? estimate(person.ethnicity.dominant) : '',
  };
  return Object.entries(words).filter(([, text]) => text);
}

async function forget(which) {
  try {
    const now = await api.change(id, { forget: which });
    person = { ...person, age: now.age, gender: now.gender, ethnicity: now.ethnicity };
    say($('#estimates-error'));
    toast(t('p.forgotten', { what: t(`est.${which}.s`) }));
    changed();
  } catch (error) {
    say($('#estimates-error'), () => error.note);
  }
}

function showEstimates() {
  const kept = keptEstimates();
  $('#estimates-none').hidden = kept.length > 0;
  $('#estimates-kept').replaceChildren(
    ...kept.map(([which, text]) =>
      el(
        'li',
        { className: 'fact' },
        el('span', { className: 'muted' }, t(`est.${which}.s`)),
        el('span', {}, text),
        button(t('p.remove'), () => forget(which), 'btn-quiet', t('p.remove.n', { what: t(`est.${which}.s`) })),
      ),
    ),
  );
}

/* ---- Templates */

const agreementOf = (face) => review?.faces.find((one) => one.face === face);

/** A similarity as text: what is below none at all is none. */
const similar = (value) => decimal(Math.max(0, value), 2);

/** What the review says of a template among the others; '' where there is nothing to compare. */
function agreementWords(face) {
  const found = agreementOf(face);
  if (!found || found.best === null) return '';
  if (found.best < review.unsure) return t('p.face.odd');
  const [best, worst] = [found.best, found.worst].map(similar);
  return best === worst ? t('p.face.one', { n: best }) : t('p.face.range', { worst, best });
}

const isOdd = (face) => {
  const found = agreementOf(face);
  return Boolean(found && found.best !== null && found.best < review.unsure);
};

function faceItem(face, index) {
  const name = t('p.face.n', { n: number(index + 1) });
  const words = agreementWords(face.face);
  return el(
    'li',
    { className: `kept-face${isOdd(face.face) ? ' is-odd' : ''}` },
    face.thumbnail
      ? el('img', { className: 'face face-l', alt: '', src: `data:image/jpeg;base64,${face.thumbnail}` })
      : el('span', { className: 'mono-face face-l', 'aria-hidden': 'true' }, String(index + 1)),
    el(
      'div',
      { className: 'kept-text' },
      el('span', { className: 'strong' }, day(face.created)),
      el('span', { className: 'small muted' }, t('p.face.quality', { n: decimal(face.quality, 2) })),
      words ? el('span', { className: `small ${isOdd(face.face) ? 'is-bad' : 'faint'}` }, words) : null,
    ),
    el(
      'div',
      { className: 'actions' },
      button(t('p.replace'), () => choosePhotos(face.face), 'btn-quiet', `${t('p.replace')}: ${name}`),
      button(t('p.remove'), (opener) => removeFace(face, opener), 'btn-quiet', `${t('p.remove')}: ${name}`),
    ),
  );
}

function pairWords() {
  if (!faces) return '';
  if (faces.total < 2) return t(faces.total ? 'p.faces.one' : 'p.faces.none');
  if (!review?.best) return '';
  const [best, worst] = [review.best, review.worst].map((pair) => similar(pair.similarity));
  return t(review.worst.match ? 'p.agree' : 'p.agree.bad', { best, worst });
}

function showFaces() {
  $('#person-agree').textContent = pairWords();
  $('#person-faces').replaceChildren(...(faces?.items ?? []).map(faceItem));
  $('#faces-more').hidden = !faces || faces.items.length >= faces.total;
}

async function loadFaces(mine, offset = 0) {
  const told = await api.faces(id, offset, FACES_PAGE);
  if (mine !== asked) return;
  faces = { items: [...(offset ? faces.items : []), ...told.faces], total: told.total };
  showFaces();
}

async function removeFace(face, opener) {
  const words = { title: t('p.remove.q'), text: t(faces.total > 1 ? 'p.remove.sub' : 'p.remove.last') };
  if (await ask({ ...words, yes: t('p.remove') }, opener, () => api.removeFace(id, face.face))) changed();
}

/** Opens the file dialog: for a photo instead of a template, or for more photos. */
function choosePhotos(face = 0) {
  replacing = face;
  $('#person-file').multiple = !face;
  $('#person-file').click();
}

/** The old template is erased only when the new one is stored. */
async function sendPhotos(files, instead) {
  const photos = await Promise.all(files.map(shrink));
  const told = await api.addFaces(id, photos, {});
  if (instead && told.faces_added) await api.removeFace(id, instead);
  const [other] = told.possible_duplicates;
  if (other) toast(t('p.added.other', { name: other.name }), { kind: 'bad' });
  else toast(counted('p.added', told.faces_added));
}

async function addPhotos(files) {
  if (!files.length || busy || !person) return;
  const [whose, instead] = [id, replacing];
  let problem = null;
  replacing = 0;
  busy = true;
  $('#person-add').disabled = true;
  try {
    await slowly(sendPhotos(instead ? files.slice(0, 1) : files, instead), () => {
      $('#person-sent').hidden = false;
      $('#person-sent').textContent = t('registering');
    });
  } catch (error) {
    problem = error;
  }
  busy = false;
  $('#person-add').disabled = false;
  $('#person-sent').hidden = true;
  if (!problem) {
    changed();
    return;
  }
  await load(); // first, because it takes away what stands beside the photos
  if (whose === id) say($('#faces-error'), () => problem.note);
}

/* ---- Look-alikes */

async function setDifferent(other, different) {
  try {
    await api.setDifferent(id, other.id, different);
    say($('#alike-error'));
    await loadReview(asked);
  } catch (error) {
    say($('#alike-error'), () => error.note);
  }
}

async function merge(other, opener) {
  let kept = null;
  try {
    const two = await Promise.all([person.id, other.id].map(api.getPerson));
    kept = await mergePeople(two, opener);
  } catch (error) {
    say($('#alike-error'), () => error.note);
  }
  if (!kept) return;
  toast(t('merged', { name: kept.name, n: number(kept.faces) }));
  ({ id } = kept);
  if (!hidden()) setState('person', { id });
  changed();
}

function alikeItem(other) {
  const match = other.verdict === 'match';
  const look = other.different ? '' : match ? 'is-unsure' : '';
  const words = t(other.different ? 'p.alike.different' : match ? 'p.alike.match' : 'p.alike.unsure');
  const acts = other.different
    ? [button(t('p.different.undo'), () => setDifferent(other, false), 'btn-quiet')]
    : [
        button(t('p.merge.short'), (opener) => merge(other, opener), match ? '' : 'btn-quiet'),
        button(t('p.different'), () => setDifferent(other, true), 'btn-quiet'),
      ];
  return el(
    'li',
    { className: 'alike' },
    el('span', { className: 'alike-two' }, portrait(person, 'face-l'), portrait(other, 'face-l')),
    el(
      'div',
      { className: 'kept-text' },
      link(other),
      el('span', { className: 'small faint mono' }, other.id),
      el(
        'span',
        { className: 'small' },
        el('span', { className: `tag ${look}`.trim() }, words),
        ` ${t('similarity')} ${decimal(other.score, 2)}`,
      ),
    ),
    el('div', { className: 'actions' }, ...acts),
  );
}

function showAlike() {
  $('#alike').hidden = !review;
  if (!review) return;
  $('#alike-none').hidden = review.look_alikes.length > 0;
  $('#alike-rows').replaceChildren(...review.look_alikes.map(alikeItem));
}

async function loadReview(mine) {
  const told = await api.review(id);
  if (mine !== asked) return;
  review = told;
  showFaces();
  showAlike();
}

/* ---- History */

function historyRow(entry) {
  return el(
    'tr',
    {},
    el('td', {}, moment(entry.at)),
    el('td', { className: 'strong' }, verbWords(entry.verb)),
    el('td', { className: 'mono opt' }, entry.actor),
  );
}

function showHistory() {
  $('#history').hidden = !history;
  if (!history) return;
  $('#history-rows').replaceChildren(...history.entries.map(historyRow));
  $('#history-more').hidden = !history.next_before;
}

async function loadHistory(mine, before = null) {
  const told = await api.history(id, HISTORY_PAGE, before);
  if (mine !== asked) return;
  history = { ...told, entries: [...(before ? history.entries : []), ...told.entries] };
  showHistory();
}

/* ---- The whole page */

const sinceWords = () =>
  t(person.consent ? 'p.since.consent' : 'p.since', { day: day(person.created), n: number(person.faces) });

function render() {
  const gone = person && isHeld(person.id);
  $('#person-body').hidden = !person;
  $('#person-acts').hidden = !person || gone;
  $('#h-person').textContent = person?.name ?? (failure ? t('person') : '…');
  $('#person-sub').textContent = gone ? t('held.row') : (person?.id ?? '');
  $('#person-portrait').replaceChildren(...(person ? [portrait(person, 'face-xl')] : []));
  const told = failure;
  say($('#person-error'), told && (() => told.note));
  if (!person) return;
  $('#p-since').textContent = sinceWords();
  showEstimates();
  showFaces();
  showAlike();
  showHistory();
  sightings.render();
}

/** What a part of the page could not load. Who may not see it (403) does without. */
async function part(loading, note) {
  try {
    await loading;
    say($(note));
  } catch (error) {
    if (error.status !== 403) say($(note), () => error.note);
  }
}

/** Loads everything; with `fresh` somebody else's page, of which nothing is known yet. */
async function load(fresh = false) {
  asked += 1;
  const mine = asked;
  if (fresh) {
    [person, failure, faces, review, history] = [null, null, null, null, null];
    for (const note of $$('[data-view=person] .note')) say(note);
    render();
  }
  try {
    const found = await api.getPerson(id);
    if (mine !== asked) return;
    [person, failure] = [found, null];
    fillForms(fresh);
  } catch (error) {
    if (mine !== asked) return;
    [person, failure] = [error.code === 'not_found' ? null : person, error];
  }
  render();
  if (failure) return;
  await Promise.all([
    part(loadFaces(mine), '#faces-error'),
    part(loadReview(mine), '#alike-error'),
    part(loadHistory(mine), '#person-error'),
    sightings.load(id),
  ]);
}

async function askDelete(opener) {
  const whom = person;
  $('#h-delete').textContent = t('delete.q', { name: whom.name });
  if (!(await confirm($('#dlg-delete'), opener, () => {}))) return;
  location.hash = 'list';
  holdBack([whom]);
}

async function chooseForMerge(opener) {
  const words = { title: t('p.merge.q'), text: t('p.merge.sub', { name: person.name }), yes: t('p.merge.next') };
  const other = await choosePerson({ ...words, without: person.id }, opener);
  if (other) await merge(other, opener);
}

/** True while there is something typed that is not saved. */
export const dirty = () => Boolean(person) && ['#person-record', '#person-terms'].some((form) => isChanged($(form)));

export function start() {
  for (const [form, run] of [
    ['#person-record', saveRecord],
    ['#person-terms', saveTerms],
  ]) {
    $(form).addEventListener('submit', run);
    $(form).addEventListener('input', () => showChange($(form)));
    $(form).addEventListener('reset', () => setTimeout(() => showChange($(form)))); // the values change afterwards
  }
  $('#person-add').addEventListener('click', () => choosePhotos());
  $('#person-file').addEventListener('change', () => {
    addPhotos([...$('#person-file').files]);
    $('#person-file').value = '';
  });
  $('#faces-more').addEventListener('click', () => part(loadFaces(asked, faces.items.length), '#faces-error'));
  $('#history-more').addEventListener('click', () => part(loadHistory(asked, history.next_before), '#person-error'));
  $('#person-merge').addEventListener('click', (event) => chooseForMerge(event.currentTarget));
  $('#person-delete').addEventListener('click', (event) => askDelete(event.currentTarget));
  document.addEventListener('people-changed', () => {
    if (!hidden()) load();
  });
}

export function enter(state) {
  const wanted = state.get('id') ?? '';
  const fresh = wanted !== id || !person;
  id = wanted;
  return load(fresh);
}

export const accept = (files) => {
  replacing = 0;
  addPhotos(files);
};

export function translate() {
  if (!hidden()) render();
}
