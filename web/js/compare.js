// Compare two photos: do they show the same person? Of several faces the most similar pair is compared, or the chosen.
import * as api from './api.js';
import { comparisonCard } from './answer.js';
import { $, el, say, slowly } from './dom.js';
import { t } from './i18n.js';
import { PhotoView } from './photo_view.js';

const SIDES = ['one', 'two'];
const photos = {};
const stages = {};
const chosen = { one: 'best', two: 'best' }; // the face of each photo that is compared
let answer = null;
let asked = 0; // number of the newest pair: answers about older ones are dropped

/** The choice of a face, for a photo that shows several. */
function faceChoice(side, index) {
  const count = answer.face_counts[index];
  const id = `compare-face-${side}`;
  const title = (n) => t('c.face.n', { n, count });
  const select = el(
    'select',
    { id, className: 'select' },
    el('option', { value: 'best' }, t('c.face.best')),
    ...Array.from({ length: count }, (_, i) => el('option', { value: i + 1 }, title(i + 1))),
  );
  select.value = chosen[side];
  select.addEventListener('change', () => {
    chosen[side] = select.value;
    run();
  });
  const label = `${t(`photo.${side}`)}: ${title(answer.face_numbers[index])}`;
  return el('div', { className: 'field' }, el('label', { htmlFor: id }, label), select);
}

function render() {
  $('#compare-go').disabled = !SIDES.every((side) => photos[side]);
  const choices = answer ? SIDES.flatMap((side, i) => (answer.face_counts[i] > 1 ? [faceChoice(side, i)] : [])) : [];
  $('#compare-answer').replaceChildren(...(answer ? [comparisonCard(answer), ...choices] : []));
}

async function run() {
  if (!SIDES.every((side) => photos[side])) return;
  asked += 1;
  const mine = asked;
  say($('#compare-error'));
  const waiting = () =>
    mine === asked &&
    $('#compare-answer').replaceChildren(el('p', { className: 'strong', role: 'status' }, t('comparing')));
  try {
    const faces = SIDES.map((side) => chosen[side]).join();
    const told = await slowly(api.verify(...SIDES.map((side) => photos[side]), faces), waiting);
    if (mine !== asked) return;
    answer = told;
    SIDES.forEach((side, index) => {
      const { naturalWidth: width, naturalHeight: height } = stages[side].image;
      if (width)
        stages[side].draw([answer.faces[index]], { width, height }, () => el('div', { className: 'facebox is-same' }));
    });
  } catch (error) {
    if (mine !== asked) return;
    answer = null;
    say($('#compare-error'), () => error.note);
  }
  render();
}

/** Another photo on a side, or none while a camera runs there: the answer was about others. */
function take(side, photo) {
  asked += 1;
  photos[side] = photo;
  chosen[side] = 'best';
  answer = null;
  say($('#compare-error'));
  if (photo) stages[side].show(photo);
  render();
  run();
}

export function start() {
  for (const side of SIDES)
    stages[side] = new PhotoView(side, {
      onPhoto: (photo) => take(side, photo),
      onCamera: (on) => on && take(side, null),
    });
  $('#compare-go').addEventListener('click', run);
}

export function leave() {
  for (const side of SIDES) stages[side].stopCamera();
}

/** Photos that were pasted, or dropped beside the two: into the first empty place, else into the second. */
export function accept(files) {
  for (const file of files.slice(0, 2)) stages[SIDES.find((side) => !photos[side]) ?? 'two'].accept([file]);
}

export const translate = render;
