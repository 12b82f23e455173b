// Register User: photos, a form, the warning of a possible duplicate.
import * as api from './api.js';
import { duplicateCard } from './answer.js';
import { $, el, icon, say, slowly } from './dom.js';
import { consentText, estimates, start as startEstimates, translate as translateEstimates } from './estimates.js';
import { counted, number, t } from './i18n.js';
import { PhotoView } from './photo_view.js';
import { crop } from './photos.js';

const PHOTOS_MAX = 6;
const HINT_EVERY = 500; // milliseconds between two checks of the camera's frame
/* The oval of the page, as shares of a frame of 4:3: its middle and half its width and height. */
const OVAL = { x: 0.5, y: 0.467, w: 0.17, h: 0.317 };

let stage;
let proving = false; // a challenge of active liveness uses the camera's hints
let shots = []; // {photo, url, verdict: 'good' | 'warn' | 'bad' | 'wait', words: key, error}
let skipped = 0; // photos that there was no room for

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

/** Is the face in the oval? The picture is fitted into a stage of 4:3, or of 4:5 on a phone. */
function outside({ faces, width, height }) {
  if (faces.length !== 1) return '';
  const { clientWidth, clientHeight } = stage.root;
  const fit = Math.min(clientWidth / width, clientHeight / height);
  const cover = Math.max(clientWidth / 4, clientHeight / 3); // the oval's drawing covers the stage
  const [x, y] = [faces[0].box.x + faces[0].box.w / 2, faces[0].box.y + faces[0].box.h / 2];
  const across = ((x - width / 2) * fit) / (4 * cover);
  const down = ((y - height / 2) * fit) / (3 * cover) + 0.5 - OVAL.y;
  return Math.hypot(across / OVAL.w, down / OVAL.h) > 0.5 ? 'hint.middle' : '';
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
      const wrong = flaw(seen) || outside(seen);
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
  const sign = { good: 'check', warn: 'alert', bad: 'alert', wait: 'refresh' }[shot.verdict];
  return el(
    'li',
    { className: `shot is-${shot.verdict}` },
    el('span', { className: 'shot-pic' }, el('img', { src: shot.url, alt: t('shot.n', { n: index + 1 }) }), remove),
    el(
      'span',
      { className: `shot-say is-${shot.verdict}` },
      icon(sign),
      shot.error ? shot.error.title : t(shot.words),
    ),
  );
}

function render() {
  $('#shots').replaceChildren(...shots.map(shotItem));
  const good = shots.filter((shot) => shot.verdict === 'good').length;
  $('#shots-help').textContent = shots.length ? t('shots.good', { good, all: shots.length }) : t('shots.none');
  $('#shots-more').textContent = t(`shots.more.${Math.min(good, 3)}`);
  $('#shots-skipped').textContent = skipped ? counted('shots.skipped', skipped, { most: PHOTOS_MAX }) : '';
}

function drop(index) {
  URL.revokeObjectURL(shots[index].url);
  shots.splice(index, 1);
  skipped = 0;
  if (!stage.cameraOn) {
    if (shots.length) show(shots.at(-1));
    else stage.clear();
  }
  clearNeed();
  render();
}

function show(shot) {
  stage.show(shot.photo);
  if (shot.seen) drawBoxes(shot);
}

function drawBoxes({ seen, verdict }) {
  const look = verdict === 'good' ? 'is-same' : 'is-unsure';
  stage.draw(seen.faces, seen, () => el('div', { className: `facebox ${look}` }));
}

/** What the server would refuse is 'bad', what it only finds poor is a warning. */
function judge(shot, seen) {
  const wrong = flaw(seen);
  const code = ['no_face', null, 'several_faces'][Math.min(2, seen.faces.length)];
  Object.assign(shot, {
    seen,
    verdict: code ? 'bad' : wrong ? 'warn' : 'good',
    words: seen.faces.length ? wrong || 'shot.good' : 'noface',
  });
}

async function add(photo) {
  if (shots.length === PHOTOS_MAX) return;
  const shot = { photo, url: URL.createObjectURL(photo), verdict: 'wait', words: 'shot.wait' };
  shots.push(shot);
  if (!stage.cameraOn) stage.show(photo);
  clearNeed();
  render();
  try {
    const seen = await api.detect(photo);
    if (!shots.includes(shot)) return; // removed meanwhile
    judge(shot, seen);
    if (!stage.cameraOn && shot === shots.at(-1)) drawBoxes(shot);
  } catch (error) {
    if (!shots.includes(shot)) return;
    /* The server was away: the photo may be good. */
    Object.assign(shot, { verdict: error.code === 'offline' ? 'warn' : 'bad', error });
    say($('#register-error'), () => error.note);
  }
  render();
}

function reset() {
  for (const shot of shots) URL.revokeObjectURL(shot.url);
  shots = [];
  skipped = 0;
  if (!stage.cameraOn) stage.clear();
  $('#register-duplicate').hidden = true;
  say($('#register-error'));
  $('#register-form').hidden = false;
  for (const id of FIELDS) mark(id, '');
  render();
}

/* ---- What is missing */

const FIELDS = ['#f-name', '#f-id', '#f-consent', '#shots'];

/** Writes what is missing beside its field; '' takes it away. */
function mark(id, key) {
  const note = $(`${id}-need`);
  note.hidden = !key;
  if (key) note.dataset.t = key;
  else delete note.dataset.t;
  note.textContent = key ? t(key) : '';
  if (key) $(id).setAttribute('aria-invalid', 'true');
  else $(id).removeAttribute('aria-invalid');
}

const given = {
  '#f-name': () => $('#f-name').value.trim(),
  '#f-id': () => $('#f-id').value.trim(),
  '#f-consent': () => $('#f-consent').checked,
  '#shots': () => shots.length,
};
const NEEDS = { '#f-name': 'need.name', '#f-id': 'need.id', '#f-consent': 'need.consent', '#shots': 'need.photo' };

/** Takes back the notes about fields that are filled now. */
function clearNeed() {
  for (const id of FIELDS) if (given[id]()) mark(id, '');
  if (!FIELDS.some((id) => $(id).hasAttribute('aria-invalid'))) say($('#register-error'));
}

const wordsOfShot = (shot) => (shot.error ? shot.error.title : t(shot.words));

/** The photos that the server would refuse, by number, and the way on. */
function sayBad() {
  const bad = shots.filter((shot) => shot.verdict === 'bad');
  if (!bad.length) return false;
  const without = () => {
    for (const shot of bad) if (shots.includes(shot)) drop(shots.indexOf(shot));
    submit('refuse');
  };
  say($('#register-error'), () => ({
    title: counted('bad.shots', bad.length),
    text: bad.map((shot) => `${t('shot.n', { n: shots.indexOf(shot) + 1 })}: ${wordsOfShot(shot)}`).join('. '),
    actions:
      bad.length < shots.length
        ? [{ id: 'without-bad', label: counted('bad.without', bad.length), run: without }]
        : [],
  }));
  return true;
}

function check() {
  const missing = FIELDS.filter((id) => !given[id]());
  for (const id of FIELDS) mark(id, missing.includes(id) ? NEEDS[id] : '');
  say($('#register-error'), missing.length > 0 && (() => ({ title: t('need'), text: t('need.sub') })));
  if (missing.length) {
    (missing[0] === '#shots' ? $('#register-upload') : $(missing[0])).focus();
    return false;
  }
  return !sayBad();
}

/** Marks the photo that the server refused: its message begins with "photo 3: ". */
function markRefused(error) {
  const shot = shots[Number(/^photo (\d+):/u.exec(error.message)?.[1]) - 1];
  if (!shot) return false;
  Object.assign(shot, { verdict: 'bad', error });
  render();
  return sayBad();
}

/** The face of a photo, cropped for the duplicate warning. */
function cut({ url, seen }) {
  const image = new Image();
  image.src = url;
  return crop(image, seen.faces[0], seen, 192);
}

let twin = null; // the registered person that the new face matches

function showDuplicates({ candidates, threshold, unsure }) {
  [twin] = candidates;
  const picture = cut(shots.find((shot) => shot.seen) ?? shots[0]);
  $('#duplicate-list').replaceChildren(duplicateCard(twin, threshold, unsure, picture, $('#f-name').value.trim()));
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
  const done = t('done.sub', { name: person.name, n: person.faces });
  $('#register-done-text').textContent = others ? `${done} ${counted('done.others', others)}` : done;
  $('#register-done').hidden = false;
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
    const { challenge } = await import('./liveness.js'); // few servers ask for it
    return { liveness: await challenge(stage) };
  } finally {
    proving = false;
  }
}

/** Sends a request, and shows how much of it has been sent if that takes long. */
function sendShown(request) {
  let share = 0;
  const words = () => {
    $('#register-sent').textContent =
      share < 1 ? t('sending', { n: number(Math.floor(share * 100)) }) : t('registering');
  };
  let slow = false;
  const told = request((now) => {
    share = now;
    if (slow) words();
  });
  return slowly(told, () => {
    slow = true;
    words();
  });
}

/** Runs `request(proof, onSent)`, with the proof of a living person where the server needs one. */
async function send(request) {
  sending = true;
  $('#finalize').disabled = true;
  try {
    const proven = await proof();
    return await sendShown((onSent) => request(proven, onSent));
  } finally {
    sending = false;
    $('#finalize').disabled = false;
    $('#register-sent').textContent = '';
  }
}

const photos = () => shots.map((shot) => shot.photo);

async function addToTwin() {
  if (sending) return;
  try {
    finished(await send((proven, onSent) => api.addFaces(twin.id, photos(), proven, onSent)));
  } catch (error) {
    say($('#register-error'), () => error.note);
  }
}

async function submit(onDuplicate) {
  if (sending || !check()) return;
  $('#register-done').hidden = true;
  const fields = {
    id: $('#f-id').value.trim(),
    name: $('#f-name').value.trim(),
    consent: consentText(),
    on_duplicate: onDuplicate,
    attributes: estimates().join(',') || 'none',
    image: photos(),
  };
  try {
    finished(await send((proven, onSent) => api.enroll({ ...fields, ...proven }, onSent)));
  } catch (error) {
    if (error.code === 'duplicate' && error.body.candidates) {
      showDuplicates(error.body);
      return;
    }
    $('#register-duplicate').hidden = true;
    $('#register-form').hidden = false;
    if (!markRefused(error)) say($('#register-error'), () => error.note);
  }
}

/** True while there is work that leaving the page would lose. */
export const dirty = () => shots.length > 0 || Boolean($('#f-name').value.trim() || $('#f-id').value.trim());

export function start() {
  stage = new PhotoView('register', {
    onPhoto: (photo) => add(photo),
    keep: true,
    room: () => PHOTOS_MAX - shots.length,
    onFiles: (count) => {
      skipped = Math.max(0, count - (PHOTOS_MAX - shots.length));
      render();
    },
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
  startEstimates();
  for (const id of ['#f-name', '#f-id', '#f-consent']) $(id).addEventListener('input', clearNeed);
  render();
}

export const leave = () => stage.stopCamera();
/** Photos that were pasted, or dropped beside the picture. */
export const accept = (files) => stage.accept(files);
export function translate() {
  translateEstimates();
  render();
}
