// Family Resemblance: how much a child's face resembles each parent's.
import * as api from './api.js';
import { $, el, say } from './dom.js';
import { t } from './i18n.js';
import { PhotoView } from './photo_view.js';

const WHO = ['father', 'child', 'mother'];
const photos = {};
const stages = {};

function update() {
  const ready = WHO.every((who) => photos[who]);
  $('#family-go').disabled = !ready;
  $('#family-help').hidden = ready;
}

async function take(who, photo) {
  photos[who] = photo;
  $('#family-result').hidden = true;
  say($('#family-error'), '');
  stages[who].show(photo);
  update();
  const tag = $(`#${who}-tag`);
  tag.hidden = true;
  try {
    const seen = await api.detect(photo);
    if (photos[who] !== photo) return;
    stages[who].draw(seen.faces.slice(0, 1), seen, () => el('div', { className: 'facebox is-same' }));
    tag.hidden = !seen.faces.length;
    if (!seen.faces.length) say($('#family-error'), t('noface'), t('noface.sub'));
  } catch (error) {
    if (photos[who] !== photo) return;
    say($('#family-error'), error.title, error.detail);
  }
}

async function calculate() {
  const mine = { ...photos };
  const changed = () => WHO.some((who) => photos[who] !== mine[who]);
  $('#family-go').disabled = true;
  say($('#family-error'), '');
  try {
    const answer = await api.family({
      father_image: photos.father,
      child_image: photos.child,
      mother_image: photos.mother,
    });
    if (changed()) return;
    $('#r-father').textContent = Math.round(answer.resemblance_to_father);
    $('#r-mother').textContent = Math.round(answer.resemblance_to_mother);
    $('#family-result').hidden = false;
  } catch (error) {
    if (!changed()) say($('#family-error'), error.title, error.detail);
  } finally {
    update();
  }
}

export function start() {
  for (const who of WHO) stages[who] = new PhotoView(who, { onPhoto: (photo) => take(who, photo) });
  $('#family-go').addEventListener('click', calculate);
}

export function leave() {
  for (const who of WHO) stages[who].stopCamera();
}
