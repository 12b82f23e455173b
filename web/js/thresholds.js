// Settings, how sure a match must be: the thresholds in force, a preview of another choice, and saving it.
import * as api from './api.js';
import { $, el, say, toast } from './dom.js';
import { decimal, number, t } from './i18n.js';
import { odds } from './answer.js';

const RATES = { fmr: [1e-3, 1e-4, 1e-5, 1e-6], fpir: [0.1, 0.01, 0.001, 0.0001] };
const FIRST = { fmr: 1e-4, fpir: 0.01, threshold: 0.5 };

let now = null; // the thresholds in force, from the server
let meant = null; // {target, meaning} of the choice in the form
let asked = 0; // number of the newest request: older answers are dropped
let changes = 0; // number of saved choices: answers from before the last one are stale
let saved = () => {};

const score = (value) => decimal(value, 3);
const kindOf = (target) => Object.keys(target)[0];
const wordsOf = (kind, value) => `${t(`sure.by.${kind}`)}: ${kind === 'threshold' ? score(value) : odds(value, false)}`;

function chosen() {
  const kind = $('#sure-by').value;
  const value = Number($(kind === 'threshold' ? '#sure-score' : '#sure-rate').value);
  return value > 0 ? { [kind]: value } : null;
}

/** Is this what counts already? Then there is nothing to save. */
function isNow(target) {
  const kind = kindOf(target);
  return now?.source === 'saved' && now.target[kind] === target[kind];
}

function showMeaning() {
  const { meaning } = meant ?? {};
  const rate = (value, bound) => (value === null ? t('sure.unknown') : value > 0 ? odds(value, bound) : '–');
  $('#sure-from').textContent = meaning ? score(meaning.threshold) : '–';
  $('#sure-pairs').textContent = meaning ? rate(meaning.false_match_rate, meaning.false_match_rate_is_bound) : '–';
  $('#sure-strangers').textContent = meaning
    ? rate(meaning.false_positive_identification_rate, meaning.false_match_rate_is_bound)
    : '–';
  $('#sure-two').textContent = meaning ? score(meaning.verify_threshold) : '–';
  $('#sure-among').textContent = t('sure.among', { n: meaning ? number(meaning.faces) : '–' });
  $('#sure-save').disabled = !meaning || isNow(meant.target);
}

/** The rates to choose from, plus the one in force if it is not among them. */
function showRates(kind, value) {
  if (kind === 'threshold') return;
  const rates = [...new Set([...RATES[kind], value])].sort((a, b) => b - a);
  $('#sure-rate').replaceChildren(...rates.map((rate) => el('option', { value: String(rate) }, odds(rate, false))));
  $('#sure-rate').value = String(value);
}

function showKind(kind, value) {
  $('#sure-by').value = kind;
  $('#sure-rate-field').hidden = kind === 'threshold';
  $('#sure-score-field').hidden = kind !== 'threshold';
  if (kind === 'threshold') $('#sure-score').value = String(value);
  showRates(kind, value);
}

function showNow() {
  if (!now) return;
  const kind = kindOf(now.target);
  $('#sure-now').textContent = [t(`sure.is.${now.source}`), kind ? `${wordsOf(kind, now.target[kind])}.` : '']
    .join(' ')
    .trim();
  $('#sure-reset').hidden = now.source !== 'saved';
}

/** Requests a preview of the choice; an answer to an older request is dropped. */
async function ask() {
  const target = chosen();
  asked += 1;
  const mine = asked;
  meant = null;
  if (!target) {
    showMeaning();
    return;
  }
  $('#sure-save').disabled = true; // until the preview has come
  try {
    const { meaning } = await api.thresholds(target);
    if (mine !== asked) return;
    meant = { target, meaning };
    say($('#sure-error'));
  } catch (error) {
    if (mine !== asked) return;
    say($('#sure-error'), () => error.note);
  }
  showMeaning();
}

function take(answer) {
  now = answer;
  const kind = kindOf(now.target) ?? 'fmr';
  showKind(kind, now.target[kind] ?? FIRST[kind]);
  showNow();
}

async function keep(change) {
  try {
    const answer = await change();
    changes += 1;
    take(answer);
    toast(t('sure.done'));
    await ask();
    saved();
  } catch (error) {
    say($('#sure-error'), () => error.note);
  }
}

async function save(event) {
  event.preventDefault();
  if (meant) await keep(() => api.setThresholds(meant.target));
}

export async function enter() {
  const before = changes;
  try {
    const answer = await api.thresholds();
    if (before !== changes) return;
    take(answer);
  } catch (error) {
    say($('#sure-error'), () => error.note);
    return;
  }
  await ask();
}

/** `onSaved` is called after other thresholds took effect. */
export function start(onSaved) {
  saved = onSaved;
  $('#sure-by').addEventListener('change', () => {
    const kind = $('#sure-by').value;
    showKind(kind, now?.target[kind] ?? FIRST[kind]);
    ask();
  });
  $('#sure-rate').addEventListener('change', ask);
  $('#sure-score').addEventListener('input', ask);
  $('#sure-form').addEventListener('submit', save);
  $('#sure-reset').addEventListener('click', () => keep(api.resetThresholds));
}

export function translate() {
  const kind = $('#sure-by').value;
  showRates(kind, Number($('#sure-rate').value) || FIRST[kind]);
  showNow();
  showMeaning();
}
