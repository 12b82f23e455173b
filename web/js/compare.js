// Compare two photos: do they show the same person? Of several faces the most similar pair is compared, or the chosen.
import * as api from './api.js';
import { comparisonCard } from './answer.js';
import { $, el, say } from './dom.js';
import { t } from './i18n.js';
import { PhotoView } from './photo_view.js';

const SIDES = ['one', 'two'];
const photos = {};
const stages = {};
const chosen = { one: 'best', two: 'best' }; // the face of each photo that is compared
let answer = null;

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
  const mine = SIDES.map((side) => photos[side]);
  const changed = () => SIDES.some((side, index) => photos[side] !== mine[index]);
  say($('#compare-error'), '');
  try {
    const told = await api.verify(...mine, SIDES.map((side) => chosen[side]).join());
    if (changed()) return;
    answer = told;
    SIDES.forEach((side, index) => {
      const { naturalWidth: width, naturalHeight: height } = stages[side].image;
      if (width)
        stages[side].draw([answer.faces[index]], { width, height }, () => el('div', { className: 'facebox is-same' }));
    });
  } catch (error) {
    if (changed()) return;
    answer = null;
    say($('#compare-error'), error.title, error.detail);
  }
  render();
}

export function start() {
  for (const side of SIDES) {
    stages[side] = new PhotoView(side, {
      onPhoto: (photo) => {
        photos[side] = photo;
        chosen[side] = 'best';
        answer = null;
        stages[side].show(photo);
        render();
        run();
      },
    });
  }
  $('#compare-go').addEventListener('click', run);
}

export function leave() {
  for (const side of SIDES) stages[side].stopCamera();
}
export const translate = render;
