// Search / Verify: shows an answer for every face of a photo.
import * as api from './api.js';
import { $, $$, el, icon, setState, slowly, toast } from './dom.js';
import { answerCard, lookOf, nameOf, verdictOf, wordsOf } from './answer.js';
import * as compare from './compare.js';
import { counted, number, t } from './i18n.js';
import * as live from './live.js';
import { choosePerson } from './people_dialogs.js';
import { PhotoView } from './photo_view.js';
import { crop, only } from './photos.js';
import * as register from './register.js';

const MODES = ['photo', 'live', 'compare'];
const FEW = 4; // up to so many faces the boxes carry names

let stage;
let photo = null;
let original = null; // the file that `photo` is a smaller copy of; null: it is the file itself
let answer = null;
let failure = null;
let skipped = 0; // photos that were dropped beside the first
let chosen = 0;
let asked = 0; // number of the newest photo: answers about older ones are dropped
let mode = 'photo';

const label = (face, index) => (verdictOf(face) === 'match' ? nameOf(face) : t('face.n', { n: index + 1 }));

function choose(index, focus) {
  chosen = index;
  render();
  if (focus) $('#search-tabs').children[index].focus();
}

/** Boxes and tabs act as one tab list: arrow keys, Home and End move in it. */
function onKey(event) {
  if (!answer?.faces.length) return;
  const { length } = answer.faces;
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  const target = { Home: 0, End: length - 1 }[event.key] ?? (step && (chosen + step + length) % length);
  if (target === undefined) return;
  event.preventDefault();
  choose(target, true);
}

function box(face, index) {
  const [look, sign] = lookOf(face);
  const pressed = index === chosen;
  const many = answer.faces.length > FEW;
  const words = verdictOf(face) === 'match' ? nameOf(face) : wordsOf(face);
  const node = el(
    'button',
    {
      type: 'button',
      className: `facebox is-${look}${many ? ' is-many' : ''}`,
      'aria-pressed': String(pressed),
      'aria-label': `${index + 1}. ${words}`,
      tabIndex: -1,
    },
    answer.faces.length > 1 ? el('span', { className: 'facebox-n' }, String(index + 1)) : '',
    many && !pressed ? '' : el('span', { className: 'facebox-name' }, icon(sign), words),
  );
  node.addEventListener('click', () => choose(index));
  return node;
}

function tab(face, index) {
  const [look, sign] = lookOf(face);
  const node = el(
    'button',
    {
      type: 'button',
      role: 'tab',
      className: `face-tab is-${look}`,
      'aria-selected': String(index === chosen),
      'aria-label': `${index + 1}. ${label(face, index)}, ${wordsOf(face)}`,
      tabIndex: index === chosen ? 0 : -1,
    },
    crop(stage.image, face, answer, 80),
    el('span', { className: 'tab-n' }, icon(sign), String(index + 1)),
    el('span', { className: 'n' }, label(face, index)),
    el('span', { className: `v is-${look}` }, wordsOf(face)),
  );
  node.addEventListener('click', () => choose(index));
  return node;
}

/** "14 known, 2 not sure, 7 unknown" */
function summary() {
  const of = (verdict) => answer.faces.filter((face) => verdictOf(face) === verdict).length;
  return [
    ['match', 'sum.known'],
    ['unsure', 'sum.unsure'],
    ['none', 'sum.none'],
  ]
    .filter(([verdict]) => of(verdict))
    .map(([verdict, key]) => counted(key, of(verdict)))
    .join(', ');
}

function message(title, text, kind = 'none', sign = 'none', more = '') {
  $('#search-answer').replaceChildren(
    el(
      'div',
      { className: 'card' },
      el(
        'div',
        { className: `verdict is-${kind}` },
        el('span', { className: 'verdict-sign' }, icon(sign)),
        el('h2', { id: 'verdict' }, title),
        el('p', {}, text),
        more
          ? el(
              'details',
              { className: 'details' },
              el('summary', {}, t('details')),
              el('p', { className: 'small', lang: 'en' }, more),
            )
          : '',
      ),
    ),
  );
}

/** Shown instead of an answer that takes longer than a moment. */
function progress(share) {
  const words = share < 1 ? t('sending', { n: number(Math.floor(share * 100)) }) : t('searching');
  const bar = el('progress', share < 1 ? { max: 1, value: share, 'aria-label': words } : { 'aria-label': words });
  $('#search-answer').replaceChildren(
    el(
      'div',
      { className: 'card', role: 'status' },
      el(
        'div',
        { className: 'card-body stack-s' },
        el('p', { className: 'strong', id: 'search-progress' }, words),
        bar,
      ),
    ),
  );
}

function time() {
  if (!answer) return;
  const parts = [counted('searched', answer.gallery_size, { ms: number(Math.round(answer.elapsed_ms)) })];
  if (skipped > 0) parts.push(t('skipped.search'));
  $('#search-time').append(parts.join(' '));
  if (!original) return;
  const full = el('button', { type: 'button', className: 'link' }, t('full.size'));
  full.addEventListener('click', () => {
    photo = original;
    original = null;
    run();
  });
  $('#search-time').append(' ', full);
}

function render() {
  const tabs = $('#search-tabs');
  const many = answer?.faces.length > 1;
  tabs.hidden = !many;
  tabs.classList.toggle('is-many', answer?.faces.length > FEW);
  $('#search-summary').textContent = many ? summary() : '';
  tabs.replaceChildren(...(many ? answer.faces.map(tab) : []));
  $('#search-time').replaceChildren();
  time();
  $('#search-tips').hidden = Boolean(answer || failure || photo) || mode === 'live';
  if (failure) message(failure.title, '', 'unsure', 'alert', failure.message);
  if (!answer) return;
  stage.draw(answer.faces, answer, box);
  if (answer.faces.length) showAnswer();
  else message(t('noface'), t('noface.sub'));
}

/* ---- What can be done with a face of the answer */

/** The photo of the chosen face alone, as a file. */
async function photoOf(index) {
  if (answer.faces.length < 2) return photo;
  await stage.image.decode().catch(() => {});
  return new File([await only(stage.image, answer.faces, index, answer)], 'face.jpg', { type: 'image/jpeg' });
}

const openRecord = ({ id }) => {
  location.hash = `person?${new URLSearchParams({ id })}`;
};

async function addTo(person, image) {
  const { faces_added: added } = await api.addFaces(person.id, [image], {});
  toast(t(added ? 'act.added' : 'act.known', { name: person.name }), {
    actions: [{ label: t('act.open'), run: () => openRecord(person) }],
  });
  document.dispatchEvent(new Event('people-changed'));
}

async function addToMatch(person, opener) {
  opener.disabled = true;
  try {
    await addTo(person, await photoOf(chosen));
  } catch (error) {
    toast(error.title, { kind: 'bad' });
  }
  opener.disabled = false;
}

async function addToSomebody(opener) {
  const image = photoOf(chosen); // of the face that is chosen now
  const words = { title: t('act.add.q'), text: t('act.add.sub'), yes: t('act.add.yes') };
  await choosePerson(words, opener, async (person) => addTo(person, await image));
}

async function registerFace() {
  const image = await photoOf(chosen);
  location.hash = 'register';
  register.accept([image]);
}

function act(id, words, run, kind = '') {
  const node = el('button', { type: 'button', className: `btn ${kind}`.trim(), id }, words);
  node.addEventListener('click', () => run(node));
  return node;
}

/** Buttons below the answer for a face: a match can be opened and get the photo; another face can be registered. */
function actions(face) {
  const [best] = face.candidates;
  if (verdictOf(face) === 'match')
    return [
      act('act-open', t('act.open'), () => openRecord(best)),
      act('act-add', t('act.add.n', { name: best.name }), (node) => addToMatch(best, node), 'btn-quiet'),
    ];
  return [
    act('act-register', t('act.register'), registerFace),
    act('act-find', t('act.add'), addToSomebody, 'btn-quiet'),
  ];
}

function showAnswer() {
  const face = answer.faces[chosen];
  const card = answerCard(face, answer);
  card.append(el('div', { className: 'card-foot actions' }, ...actions(face)));
  $('#search-answer').replaceChildren(card);
}

/** The face that is shown first: one that is known, else one that may be. */
function firstFace(faces) {
  const places = ['match', 'unsure'].map((verdict) => faces.findIndex((face) => verdictOf(face) === verdict));
  return places.find((place) => place >= 0) ?? 0;
}

function clearAnswer() {
  asked += 1;
  answer = null;
  failure = null;
  $('#search-go').disabled = !photo;
  $('#search-answer').replaceChildren();
  stage.clearBoxes();
  render();
}

async function run() {
  if (!photo) return;
  clearAnswer();
  const mine = asked;
  $('#search-go').disabled = true;
  let share = 0;
  let slow = false;
  const show = () => mine === asked && slow && progress(share);
  const sent = api.search(photo, (now) => {
    share = now;
    show();
  });
  const told = await slowly(sent, () => {
    slow = true;
    show();
  }).catch((error) => error);
  if (mine !== asked) return;
  $('#search-go').disabled = false;
  $('#search-answer').replaceChildren();
  failure = told instanceof Error ? told : null;
  answer = failure ? null : told;
  chosen = answer ? firstFace(answer.faces) : 0;
  render();
}

function take(blob, file = blob) {
  photo = blob;
  original = file === blob ? null : file;
  stage.stopCamera();
  stage.show(blob);
  run();
}

/** What was on the screen is gone: another mode, or a camera that has just been turned on. */
function empty() {
  photo = null;
  original = null;
  clearAnswer();
}

async function setMode(wanted) {
  mode = MODES.includes(wanted) ? wanted : 'photo';
  setState('search', { mode: mode === 'photo' ? '' : mode });
  for (const button of $$('[data-mode]')) button.setAttribute('aria-pressed', String(button.dataset.mode === mode));
  $('#search-one').hidden = mode === 'compare';
  $('#search-two').hidden = mode !== 'compare';
  $('#search-bar').hidden = mode === 'live';
  live.stop();
  compare.leave();
  stage.stopCamera();
  if (mode !== 'photo') {
    stage.clear();
    empty();
  }
  render();
  const now = mode;
  if (now === 'live' && (await stage.startCamera()) && mode === now) live.begin(stage);
}

export function start() {
  stage = new PhotoView('search', {
    onPhoto: take,
    onCamera: (on) => on && empty(),
    onFiles: (count) => {
      skipped = count - 1;
    },
  });
  compare.start();
  for (const button of $$('[data-mode]')) button.addEventListener('click', () => setMode(button.dataset.mode));
  $('#search-go').addEventListener('click', run);
  $('#search-tabs').addEventListener('keydown', onKey);
}

export function enter(state) {
  const wanted = state.get('mode') ?? 'photo';
  if (wanted !== mode) setMode(wanted);
}

export function leave() {
  if (mode === 'live') setMode('photo');
  compare.leave();
  stage.stopCamera();
}

/** Photos that were pasted, or dropped beside the picture. */
export function accept(files) {
  if (mode === 'compare') compare.accept(files);
  else if (mode === 'photo') stage.accept(files);
}

export function translate() {
  render();
  live.translate();
  compare.translate();
}
