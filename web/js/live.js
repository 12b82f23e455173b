// Live search: sends camera frames over a WebSocket and shows names; a face keeps its name while it is tracked.
import { $, el, icon } from './dom.js';
import { lookOf, verdictOf, wordsOf } from './answer.js';
import { t } from './i18n.js';

const LONGEST = 640; // longest side of a frame, in pixels
const KEEP = 1500; // milliseconds that a name stays after its last certain match

let stage;
let socket = null;
let busy = false;
let followed = []; // [{box, name, look, sign, time}]

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

function show(answer) {
  followed = answer.faces.map(follow);
  stage.draw(answer.faces, answer, (_, index) =>
    el(
      'div',
      { className: `facebox is-${followed[index].look}` },
      el('span', { className: 'facebox-name' }, icon(followed[index].sign), followed[index].name),
    ),
  );
  const names = followed.filter((one) => one.look === 'same').map((one) => one.name);
  const words = names.join(', ') || (followed.length ? t('v.none') : t('live.nobody'));
  if ($('#live-names').textContent !== words) $('#live-names').textContent = words;
  $('#search-time').textContent = t('live.ms', { ms: Math.round(answer.elapsed_ms) });
}

async function sendFrame() {
  if (!socket || busy || socket.readyState !== WebSocket.OPEN || !stage.cameraOn) return;
  const mine = socket;
  busy = true;
  const frame = await stage.snapshot(LONGEST);
  if (socket !== mine) return;
  if (frame && mine.readyState === WebSocket.OPEN) mine.send(frame);
  else busy = false;
}

export function stop() {
  const old = socket;
  socket = null;
  busy = false;
  followed = [];
  old?.close();
  $('#live').hidden = true;
}

/** Sends the next frame when the last answer has come, so that requests never pile up on the server. */
export function begin(on) {
  stage = on;
  stop();
  $('#live').hidden = false;
  $('#live-names').textContent = '';
  const mine = new WebSocket(`${location.origin.replace(/^http/u, 'ws')}/v1/live?k=1`);
  socket = mine;
  mine.onopen = sendFrame;
  mine.onmessage = (event) => {
    if (socket !== mine) return;
    const answer = JSON.parse(event.data);
    busy = false;
    if (answer.faces) show(answer);
    requestAnimationFrame(sendFrame);
  };
  mine.onclose = () => {
    if (socket === mine) $('#live-names').textContent = t('error.offline');
  };
}
