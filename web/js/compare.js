// Compare two photos: are their largest faces the same person?
import * as api from './api.js';
import { comparisonCard } from './answer.js';
import { $, el, say } from './dom.js';
import { PhotoView } from './photo_view.js';

const SIDES = ['one', 'two'];
const photos = {};
const stages = {};
let answer = null;

function render() {
  $('#compare-go').disabled = !SIDES.every((side) => photos[side]);
  $('#compare-answer').replaceChildren(...(answer ? [comparisonCard(answer)] : []));
}

async function run() {
  if (!SIDES.every((side) => photos[side])) return;
  const mine = SIDES.map((side) => photos[side]);
  const changed = () => SIDES.some((side, index) => photos[side] !== mine[index]);
  say($('#compare-error'), '');
  try {
    const told = await api.verify(...mine);
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
