// Register User: photos, a form, the warning of a possible duplicate.
import * as api from './api.js';
import { duplicateCard } from './answer.js';
import { $, el, icon, say, toast } from './dom.js';
import { counted, t } from './i18n.js';
import { challenge } from './liveness.js';
import { PhotoView } from './photo_view.js';

const PHOTOS_MAX = 6;
const HINT_EVERY = 500; // milliseconds between two checks of the camera's frame

let stage;
let proving = false; // a challenge of active liveness uses the camera's hints
let shots = []; // {photo, url, verdict: 'good' | 'warn' | 'wait', words: key}

/** The most important thing to change in a photo; '' if it is good. */
function flaw({ faces, height }) {
  if (!faces.length) return 'hint.ahead';
  if (faces.length > 1) return 'hint.one';
  const [face] = faces;
  if (face.box.h < height * 0.2 || face.quality_parts.size < 0.5) return 'hint.closer';
  if (face.quality_parts.exposure < 0.5) return 'hint.light';
  if (face.quality_parts.pose < 0.4) return 'hint.ahead';
  if (face.quality_parts.sharpness < 0.3) return 'hint.blur';
  return face.quality_parts.visibility < 0.3 ? 'hint.covered' : '';
}

/** The four checks shown below the picture: [text, passed]. */
function facts({ faces, height }) {
  const face = faces.length === 1 ? faces[0] : null;
  const parts = face?.quality_parts;
  return [
    ['check.light', parts?.exposure >= 0.5],
    ['check.one', faces.length === 1],
    ['check.size', face && face.box.h >= height * 0.2 && parts.size >= 0.5],
    ['check.ahead', parts?.pose >= 0.4],
  ];
}

function showFacts(seen) {
  const list = $('#register-checks');
  list.hidden = !seen;
  if (seen)
    list.replaceChildren(
      ...facts(seen).map(([words, good]) =>
        el('li', { className: good ? 'is-good' : 'is-warn' }, icon(good ? 'check' : 'alert'), t(words)),
      ),
    );
}

async function watch() {
  const { stream } = stage;
  while (stage.stream === stream) {
    try {
      const seen = proving ? null : await api.detect(await stage.snapshot(640));
      if (stage.stream !== stream) return;
      if (proving || !seen) throw new Error('not now');
      const wrong = flaw(seen);
      stage.hint(t(wrong || 'hint.still'), !wrong);
      $('#register-guide').classList.toggle('is-good', !wrong);
      showFacts(seen);
    } catch {
      if (!proving) stage.hint('');
    }
    await new Promise((resolve) => {
      setTimeout(resolve, HINT_EVERY);
    });
  }
}

function shotItem(shot, index) {
  const remove = el(
    'button',
    { type: 'button', className: 'shot-x', 'aria-label': t('shot.remove', { n: index + 1 }) },
    icon('x'),
  );
  remove.addEventListener('click', () => drop(index));
  const sign = { good: 'check', warn: 'alert', wait: 'refresh' }[shot.verdict];
  return el(
    'li',
    { className: 'shot' },
    el('span', { className: 'shot-pic' }, el('img', { src: shot.url, alt: t('shot.n', { n: index + 1 }) }), remove),
    el('span', { className: `shot-say is-${shot.verdict}` }, icon(sign), t(shot.words)),
  );
}

function render() {
  $('#shots').replaceChildren(...shots.map(shotItem));
  const good = shots.filter((shot) => shot.verdict === 'good').length;
  $('#shots-help').textContent = shots.length ? t('shots.good', { good, all: shots.length }) : t('shots.none');
  $('#shots-more').textContent = t(`shots.more.${Math.min(good, 3)}`);
}

function drop(index) {
  URL.revokeObjectURL(shots[index].url);
  shots.splice(index, 1);
  if (!shots.length && !stage.cameraOn) stage.clear();
  render();
}

async function add(photo) {
  if (shots.length === PHOTOS_MAX) return;
  const shot = { photo, url: URL.createObjectURL(photo), verdict: 'wait', words: 'shot.wait' };
  shots.push(shot);
  if (!stage.cameraOn) stage.show(photo);
  render();
  try {
    const seen = await api.detect(photo);
    if (!shots.includes(shot)) return; // removed meanwhile
    const wrong = flaw(seen);
    if (!stage.cameraOn && shot === shots.at(-1))
      stage.draw(seen.faces, seen, () => el('div', { className: `facebox ${wrong ? 'is-unsure' : 'is-same'}` }));
    Object.assign(shot, {
      box: seen.faces[0]?.box,
      verdict: wrong ? 'warn' : 'good',
      words: seen.faces.length ? wrong || 'shot.good' : 'noface',
    });
  } catch (error) {
    if (!shots.includes(shot)) return;
    Object.assign(shot, { verdict: 'warn', words: error.code === 'offline' ? 'error.offline' : 'shot.bad' });
    say($('#register-error'), error.title, error.detail);
  }
  render();
}

function reset() {
  for (const shot of shots) URL.revokeObjectURL(shot.url);
  shots = [];
  if (!stage.cameraOn) stage.clear();
  for (const id of ['#register-duplicate', '#register-error']) $(id).hidden = true;
  $('#register-form').hidden = false;
  for (const id of ['#f-name', '#f-id']) $(id).removeAttribute('aria-invalid');
  render();
}

function check() {
  const missing = [
    ['#f-name', 'need.name'],
    ['#f-id', 'need.id'],
  ].filter(([id]) => !$(id).value.trim());
  for (const id of ['#f-name', '#f-id']) $(id).toggleAttribute('aria-invalid', false);
  for (const [id] of missing) $(id).setAttribute('aria-invalid', 'true');
  const words = missing.map(([, key]) => t(key));
  if (!shots.length) words.push(t('need.photo'));
  if (!$('#f-consent').checked) words.push(t('need.consent'));
  say($('#register-error'), words.length ? t('need') : '', words.join(' '));
  if (missing.length) $(missing[0][0]).focus();
  return !words.length;
}

/** The face of a photo, cropped for the duplicate warning. */
function cut(shot) {
  const canvas = el('canvas', { width: 192, height: 192, role: 'img', 'aria-label': t('dup.this') });
  const image = new Image();
  image.onload = () => {
    const size = shot.box ? Math.max(shot.box.w, shot.box.h) * 1.5 : Math.min(image.naturalWidth, image.naturalHeight);
    const x = shot.box ? shot.box.x + shot.box.w / 2 - size / 2 : (image.naturalWidth - size) / 2;
    const y = shot.box ? shot.box.y + shot.box.h / 2 - size / 2 : (image.naturalHeight - size) / 2;
    canvas.getContext('2d').drawImage(image, x, y, size, size, 0, 0, canvas.width, canvas.height);
  };
  image.src = shot.url;
  return canvas;
}

let twin = null; // the registered person that the new face matches

function showDuplicates(candidates, threshold) {
  [twin] = candidates;
  $('#duplicate-list').replaceChildren(
    duplicateCard(twin, threshold, threshold - 0.1, cut(shots[0]), $('#f-name').value.trim()),
  );
  $('#duplicate-same').textContent = t('dup.same', { name: twin.name });
  $('#register-form').hidden = true;
  $('#register-duplicate').hidden = false;
  $('#duplicate-same').focus();
}

function finished({ person, faces }) {
  const others = faces.reduce((sum, face) => sum + face.other_faces, 0);
  $('#register-form').reset();
  reset();
  stage.stopCamera();
  stage.clear();
  $('#register-done-text').textContent = t('done.sub', { name: person.name, n: person.faces });
  $('#register-done').hidden = false;
  toast(others ? counted('done.others', others) : t('done'));
  document.dispatchEvent(new Event('people-changed'));
}

/** Runs one request at a time, even if the button is pressed again. */
let sending = false;

/** The proof of a living person that the server needs, as a field of a registration. */
async function proof() {
  if (!api.needsChallenge()) return {};
  proving = true;
  showFacts(null);
  say($('#register-error'), '');
  $('#register-stage').scrollIntoView({ block: 'center' });
  try {
    return { liveness: await challenge(stage) };
  } finally {
    proving = false;
  }
}

async function addToTwin() {
  if (sending) return;
  sending = true;
  try {
    finished(
      await api.addFaces(
        twin.id,
        shots.map((shot) => shot.photo),
        await proof(),
      ),
    );
  } catch (error) {
    say($('#register-error'), error.title, error.detail);
  } finally {
    sending = false;
  }
}

async function submit(onDuplicate) {
  if (sending || !check()) return;
  sending = true;
  const button = $('#finalize');
  button.disabled = true;
  $('#register-done').hidden = true;
  try {
    const answer = await api.enroll({
      id: $('#f-id').value.trim(),
      name: $('#f-name').value.trim(),
      consent: t('consent'),
      on_duplicate: onDuplicate,
      attributes: 'true',
      image: shots.map((shot) => shot.photo),
      ...(await proof()),
    });
    finished(answer);
  } catch (error) {
    if (error.code === 'duplicate' && error.body.candidates)
      showDuplicates(error.body.candidates, error.body.threshold ?? 0.45);
    else {
      $('#register-duplicate').hidden = true;
      $('#register-form').hidden = false;
      say($('#register-error'), error.title, error.detail);
    }
  } finally {
    sending = false;
    button.disabled = false;
  }
}

export function start() {
  stage = new PhotoView('register', {
    onPhoto: add,
    keep: true,
    onCamera: (on) => {
      $('#register-guide').hidden = !on;
      if (on) watch();
      else showFacts(null);
    },
  });
  $('#register-form').addEventListener('submit', (event) => {
    event.preventDefault();
    submit('refuse');
  });
  $('#register-form').addEventListener('reset', () => {
    $('#register-done').hidden = true;
    reset();
  });
  $('#duplicate-same').addEventListener('click', addToTwin);
  $('#duplicate-anyway').addEventListener('click', () => submit('different'));
  $('#duplicate-cancel').addEventListener('click', () => {
    $('#register-duplicate').hidden = true;
    $('#register-form').hidden = false;
    $('#f-name').focus();
  });
  render();
}

export const leave = () => stage.stopCamera();
export const translate = render;
