// Compare two photos: are their largest faces the same person?
import * as api from './api.js';
import { comparisonCard } from './answer.js';
import { $, el, say } from './dom.js';
import { Stage } from './stage.js';

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
  say($('#compare-error'), '');
  try {
    answer = await api.verify(photos.one, photos.two);
    SIDES.forEach((side, index) => {
      const { naturalWidth: width, naturalHeight: height } = stages[side].image;
      if (width) stages[side].draw([answer.faces[index]], { width, height }, () => el('div', { className: 'facebox is-same' }));
    });
  } catch (error) {
    answer = null;
    say($('#compare-error'), error.title, error.detail);
  }
  render();
}

export function start() {
  for (const side of SIDES) {
    stages[side] = new Stage(side, { onPhoto: (photo) => {
      photos[side] = photo;
      answer = null;
      stages[side].show(photo);
      render();
      run();
    } });
  }
  $('#compare-go').addEventListener('click', run);
}

export function leave() {
  for (const side of SIDES) if (stages[side].cameraOn) stages[side].stopCamera();
}
export const translate = render;
