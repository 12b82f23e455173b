// Family Resemblance: how much a child's face resembles each parent's.
import * as api from './api.js';
import { $, say, slowly } from './dom.js';
import { t } from './i18n.js';
import { PortraitView } from './portrait_view.js';

const WHO = ['father', 'child', 'mother'];
const views = {};
let asked = 0; // number of the newest set of photos: answers about older ones are dropped

function update() {
  const ready = WHO.every((who) => views[who].portrait);
  $('#family-go').disabled = !ready;
  $('#family-help').hidden = ready;
  for (const who of WHO) $(`#${who}-tag`).hidden = !views[who].portrait;
}

function changed() {
  if (WHO.some((who) => !views[who])) return; // while the views are made
  asked += 1;
  $('#family-result').hidden = true;
  const failure = WHO.map((who) => views[who].failure).find(Boolean);
  say($('#family-error'), failure && (() => failure.note));
  update();
}

async function calculate() {
  asked += 1;
  const mine = asked;
  $('#family-go').disabled = true;
  say($('#family-error'));
  const images = Object.fromEntries(WHO.map((who) => [`${who}_image`, views[who].portrait]));
  $('#family-help').textContent = t('comparing');
  try {
    const answer = await slowly(api.family(images), () => {
      $('#family-help').hidden = false;
    });
    if (mine !== asked) return;
    $('#r-father').textContent = Math.round(answer.resemblance_to_father);
    $('#r-mother').textContent = Math.round(answer.resemblance_to_mother);
    $('#family-result').hidden = false;
  } catch (error) {
    if (mine === asked) say($('#family-error'), () => error.note);
  } finally {
    $('#family-help').textContent = t('family.three');
    update();
  }
}

export function start() {
  for (const who of WHO) views[who] = new PortraitView(who, changed);
  $('#family-go').addEventListener('click', calculate);
}

export function leave() {
  for (const who of WHO) views[who].stage.stopCamera();
}

/** Photos that were pasted, or dropped beside the three: into the empty places. */
export function accept(files) {
  const empty = WHO.filter((who) => !views[who].photo);
  files.slice(0, empty.length).forEach((file, index) => views[empty[index]].stage.accept([file]));
}

export function translate() {
  for (const who of WHO) views[who].translate();
}
