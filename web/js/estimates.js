// Age, gender and ethnicity: each is a tick of its own at registration, and the consent names what is ticked.
import { $, recall, remember } from './dom.js';
import { joined, t } from './i18n.js';

const ALL = ['age', 'gender', 'ethnicity'];
const AT_FIRST = 'age,gender';

let allowed = ALL; // what the server estimates; an admin may forbid each (--estimates)
let collection = ''; // into which people are registered: the choice is remembered for each

const tick = (which) => $(`#f-${which}`);

/** The estimates that are kept of the person: those that are ticked. */
export const estimates = () => allowed.filter((which) => tick(which).checked);

const named = () => joined(estimates().map((which) => t(`est.${which}`)));

/** The text that the person agrees to. */
export const consentText = () => (estimates().length ? t('consent.est', { what: named() }) : t('consent'));

export function translate() {
  $('#consent-text').textContent = consentText();
  $('#stored').textContent = estimates().length ? t('stored.est', { what: named() }) : t('stored');
}

const place = () => (collection ? `estimates.${collection}` : 'estimates');

/** Ticks what was chosen last for this collection. */
function recallChoice() {
  const wanted = (recall(place()) ?? AT_FIRST).split(',');
  for (const which of ALL) {
    tick(which).defaultChecked = wanted.includes(which);
    tick(which).checked = tick(which).defaultChecked;
  }
}

/** Takes over what the server allows, a list of names or nothing where it does not say, and its collection, which it
 * tells only those who are logged in. */
export function allow(names, where = collection) {
  const moved = where !== collection;
  allowed = Array.isArray(names) ? ALL.filter((which) => names.includes(which)) : ALL;
  collection = where;
  if (moved) recallChoice();
  for (const which of ALL) tick(which).closest('label').hidden = !allowed.includes(which);
  $('#estimates').hidden = !allowed.length;
  translate();
}

export function start() {
  recallChoice();
  for (const which of ALL)
    tick(which).addEventListener('change', () => {
      tick(which).defaultChecked = tick(which).checked; // Reset Form keeps the choice
      remember(place(), ALL.filter((one) => tick(one).checked).join(','));
      translate();
    });
  allow(null);
}
