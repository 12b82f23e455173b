// Live search: sends camera frames over a WebSocket and shows names; a face keeps its name while it is tracked.
// When the link drops, the boxes vanish at once, and the page connects again by itself.
import * as api from './api.js';
import { $, el, icon } from './dom.js';
import { lookOf, verdictOf, wordsOf } from './answer.js';
import { t } from './i18n.js';

const LONGEST = 640; // longest side of a frame, in pixels
const KEEP = 1500; // milliseconds that a name stays after its last certain match
const SILENCE = 5000; // milliseconds without an answer after which the picture shows no boxes
const AGAIN = [500, 1000, 2000, 4000, 8000]; // milliseconds before each attempt to connect again

let stage;
let socket = null;
let busy = false;
let followed = []; // [{box, name, look, sign, time}]
let tries = 0; // since the last answer
let timer = 0; // of the next attempt, or the next frame
let watchdog = 0;
let wording = null; // writes the line below the picture, in the page's language

const overlap = (a, b) => {
  const w = Math.min(a.x + a.w, b.x + b.w) - Math.max(a.x, b.x);
  const h = Math.min(a.y + a.h, b.y + b.h) - Math.max(a.y, b.y);
  return w > 0 && h > 0 ? (w * h) / (a.w * a.h + b.w * b.h - w * h) : 0;
};

/** An uncertain frame does not remove a name at once if the face was matched a moment ago. */
function follow(face) {
  const before = followed.find((one) => overlap(one.box, face.box) > 0.3);
  const [look, sign] = lookOf(face);
  const now = {
    box: face.box,
    name: verdictOf(face) === 'match' ? face.candidates[0].name : wordsOf(face),
    look,
    sign,
    time: Date.now(),
  };
  const keep = before?.look === 'same' && look !== 'same' && Date.now() - before.time < KEEP;
  return keep ? { ...before, box: face.box } : now;
}

export function translate() {
  const words = wording?.() ?? '';
  if ($('#live-names').textContent !== words) $('#live-names').textContent = words;
}

/** `make` returns the line below the picture; it is called again when the language changes. */
function word(make) {
  wording = make;
  translate();
}

/** Nothing on the picture counts any more. */
function blank(make) {
  clearTimeout(watchdog);
  followed = [];
  stage?.clearBoxes();
  $('#search-time').textContent = '';
  $('#live').classList.add('is-waiting');
  word(make);
}

function show(answer) {
  followed = answer.faces.map(follow);
  stage.draw(answer.faces, answer, (_, index) =>
    el(
      'div',
      { className: `facebox is-${followed[index].look}` },
      el('span', { className: 'facebox-name' }, icon(followed[index].sign), followed[index].name),
    ),
  );
  $('#live').classList.remove('is-waiting');
  const names = followed.filter((one) => one.look === 'same').map((one) => one.name);
  const faces = followed.length;
  word(() => names.join(', ') || (faces ? t('v.none') : t('live.nobody')));
  $('#search-time').textContent = t('live.ms', { ms: Math.round(answer.elapsed_ms) });
}

async function sendFrame() {
  if (!socket || busy || socket.readyState !== WebSocket.OPEN || !stage.cameraOn) return;
  const mine = socket;
  busy = true;
  const frame = await stage.snapshot(LONGEST);
  if (socket !== mine) return;
  if (!frame || mine.readyState !== WebSocket.OPEN) {
    busy = false;
    return;
  }
  mine.send(frame);
  clearTimeout(watchdog);
  watchdog = setTimeout(() => socket === mine && blank(() => t('live.waiting')), SILENCE);
}

function hear(mine, event) {
  if (socket !== mine) return;
  const answer = JSON.parse(event.data);
  clearTimeout(watchdog);
  busy = false;
  tries = 0;
  if (answer.faces) {
    show(answer);
    requestAnimationFrame(sendFrame);
    return;
  }
  const error = new api.ApiError(answer.error?.code ?? 'unknown', answer.error?.message ?? '');
  blank(() => error.title);
  timer = setTimeout(sendFrame, 1000);
}

/** The link dropped: for want of a login, or because the server is away. */
async function dropped(mine) {
  if (socket !== mine) return;
  socket = null;
  busy = false;
  blank(() => t('live.lost'));
  const wait = AGAIN[Math.min(tries, AGAIN.length - 1)];
  tries += 1;
  const waiting = {};
  timer = waiting;
  let entered = true;
  try {
    entered = await api.enter();
  } catch {
    /* The server is away: try again later. */
  }
  if (timer !== waiting) return; // stopped, or started again meanwhile
  if (entered) timer = setTimeout(connect, wait);
  else blank(() => t('error.unauthorized'));
}

/** Sends the next frame when the last answer has come, so that requests never pile up on the server. */
function connect() {
  const mine = new WebSocket(`${location.origin.replace(/^http/u, 'ws')}/v1/live?k=1`);
  socket = mine;
  mine.onopen = sendFrame;
  mine.onmessage = (event) => hear(mine, event);
  mine.onclose = () => dropped(mine);
}

export function stop() {
  const old = socket;
  socket = null;
  busy = false;
  followed = [];
  clearTimeout(timer);
  clearTimeout(watchdog);
  timer = 0;
  tries = 0;
  wording = null;
  old?.close();
  $('#live').hidden = true;
}

export function begin(on) {
  stage = on;
  stop();
  $('#live').hidden = false;
  blank(() => t('live.begin'));
  connect();
}
