// Search / Verify: shows an answer for every face of a photo.
import * as api from './api.js';
import { $, $$, el, icon } from './dom.js';
import { answerCard, lookOf, verdictOf, wordsOf } from './answer.js';
import * as compare from './compare.js';
import { counted, t } from './i18n.js';
import * as live from './live.js';
import { PhotoView } from './photo_view.js';

let stage;
let photo = null;
let answer = null;
let chosen = 0;
let asked = 0; // number of the newest photo: answers about older ones are dropped
let mode = 'photo'; // 'photo', 'live' or 'compare'

const label = (face, index) => (verdictOf(face) === 'match' ? face.candidates[0].name : t('face.n', { n: index + 1 }));

function choose(index, focus) {
  chosen = index;
  render();
  if (focus) $('#search-tabs').children[index].focus();
}

/** Boxes and tabs act as one tab list: arrow keys move in it. */
function onKey(event) {
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (!step || !answer) return;
  event.preventDefault();
  choose((chosen + step + answer.faces.length) % answer.faces.length, true);
}

function box(face, index) {
  const [look, sign] = lookOf(face);
  const name = verdictOf(face) === 'match' ? face.candidates[0].name : wordsOf(face);
  const node = el(
    'button',
    { type: 'button', className: `facebox is-${look}`, 'aria-pressed': String(index === chosen), tabIndex: -1 },
    el('span', { className: 'facebox-name' }, icon(sign), name),
  );
  node.addEventListener('click', () => choose(index));
  return node;
}

function tab(face, index) {
  const [look] = lookOf(face);
  const node = el(
    'button',
    {
      type: 'button',
      role: 'tab',
      className: 'face-tab',
      'aria-selected': String(index === chosen),
      tabIndex: index === chosen ? 0 : -1,
    },
    el('span', { className: 'n' }, label(face, index)),
    el('span', { className: `v is-${look}` }, wordsOf(face)),
  );
  node.addEventListener('click', () => choose(index));
  return node;
}

function message(title, text, kind = 'none', sign = 'none') {
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
      ),
    ),
  );
}

function render() {
  const tabs = $('#search-tabs');
  tabs.hidden = !answer || answer.faces.length < 2;
  tabs.replaceChildren(...(answer?.faces ?? []).map(tab));
  $('#search-time').textContent = answer
    ? counted('searched', answer.gallery_size, { ms: Math.round(answer.elapsed_ms) })
    : '';
  if (!answer) return;
  stage.draw(answer.faces, answer, box);
  if (answer.faces.length) $('#search-answer').replaceChildren(answerCard(answer.faces[chosen], answer));
  else message(t('noface'), t('noface.sub'));
}

async function run() {
  asked += 1;
  const mine = asked;
  $('#search-go').disabled = true;
  $('#search-answer').classList.add('busy');
  const told = await api.search(photo).catch((error) => error);
  if (mine !== asked) return;
  $('#search-go').disabled = false;
  $('#search-answer').classList.remove('busy');
  chosen = 0;
  answer = told instanceof Error ? null : told;
  if (answer) render();
  else message(told.title, told.detail, 'unsure', 'alert');
}

function take(blob) {
  photo = blob;
  answer = null;
  stage.stopCamera();
  stage.show(blob);
  $('#search-go').disabled = false;
  $('#search-answer').replaceChildren();
  render();
  run();
}

async function setMode(wanted) {
  mode = wanted;
  for (const button of $$('[data-mode]')) button.setAttribute('aria-pressed', String(button.dataset.mode === mode));
  $('#search-one').hidden = mode === 'compare';
  $('#search-two').hidden = mode !== 'compare';
  $('#search-bar').hidden = mode === 'live';
  live.stop();
  compare.leave();
  stage.stopCamera();
  if (mode !== 'photo') {
    asked += 1;
    answer = null;
    photo = null;
    stage.clear();
    $('#search-go').disabled = true;
    $('#search-answer').classList.remove('busy');
    $('#search-answer').replaceChildren();
    render();
  }
  if (mode === 'live' && (await stage.startCamera())) live.begin(stage);
}

export function start() {
  stage = new PhotoView('search', { onPhoto: take });
  compare.start();
  for (const button of $$('[data-mode]')) button.addEventListener('click', () => setMode(button.dataset.mode));
  $('#search-go').addEventListener('click', run);
  $('#search-tabs').addEventListener('keydown', onKey);
}

export function leave() {
  if (mode === 'live') setMode('photo');
  compare.leave();
  stage.stopCamera();
}
export function translate() {
  render();
  compare.translate();
}
