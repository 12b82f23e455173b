// Translation of the page into five languages. Only the words of the chosen one are loaded, from js/words/.
// The English text is also in index.html, so that it shows before scripts run.
import { $$, recall } from './dom.js';

const LOCALES = { en: 'en', pt: 'pt-BR', es: 'es', fr: 'fr', de: 'de' };
const ORDER = Object.keys(LOCALES);
let language = 'en';
let words = {};
let pictures = false; // the server keeps thumbnails: texts with the suffix ".pictures" replace the plain ones

export const languages = () => ORDER;
export const has = (key) => Object.hasOwn(words, key);

const parts = new Set(); // of the page that have words of their own, in words/PART/
/** All words of a language, also those of a part that is needed while they are on their way. */
async function load(wanted) {
  let [tables, count] = [[], -1];
  while (count !== parts.size) {
    count = parts.size;
    const files = [`./words/${wanted}.js`, ...[...parts].map((part) => `./words/${part}/${wanted}.js`)];
    tables = await Promise.all(files.map((file) => import(file)));
  }
  return Object.assign({}, ...tables.map((table) => table.default));
}

let asked = 0; // number of the newest choice: the words of an older one are dropped
/** Changes the language once its words are there; resolves to false if another one was chosen meanwhile. Rejects if the
 * server does not answer. */
export async function choose(wanted) {
  asked += 1;
  const mine = asked;
  const table = await load(wanted);
  if (mine !== asked) return false;
  [language, words] = [wanted, table];
  document.documentElement.lang = LOCALES[language];
  return true;
}

/** Loads the words of a part of the page, in each language that is chosen from now on. */
export async function need(part) {
  parts.add(part);
  for (let at = ''; at !== language; ) {
    at = language;
    const table = await load(at);
    if (at === language) words = table; // else another language was chosen meanwhile
  }
}

const kept = recall('language');
const wanted = navigator.languages.map((one) => one.slice(0, 2)).find((one) => ORDER.includes(one));
/** The language of the first visit: what was chosen in this browser, else the browser's own. */
export const first = ORDER.includes(kept) ? kept : (wanted ?? 'en');
/* index.html loads this module before main.js, so that the words come while the other modules are on their way. */
export const ready = choose(first);

/** Chooses whether the server keeps thumbnails; returns true if that changes the texts. */
export function keepsPictures(on) {
  const changed = pictures !== on;
  pictures = on;
  return changed;
}

export const showsPictures = () => pictures;

/** The text of a key, with its {placeholders} filled in. */
export function t(key, values = {}) {
  const text = (pictures && words[`${key}.pictures`]) || words[key];
  return text.replace(/\{(\w+)\}/gu, (_, name) => String(values[name]));
}

/* French has the singular for none, too. */
const isOne = (count) => count === 1 || (count === 0 && language === 'fr');
/** The text for a count: KEY.one or KEY.n, with the count as {n}. */
export const counted = (key, count, values = {}) =>
  t(`${key}.${isOne(count) ? 'one' : 'n'}`, { ...values, n: number(count) });

export const number = (value) => new Intl.NumberFormat(LOCALES[language]).format(value);
/** A number with two significant digits, from a million on in words: "12,000", "1.2 million". */
export function rounded(value) {
  const words = value >= 995000 ? { notation: 'compact', compactDisplay: 'long' } : {};
  return new Intl.NumberFormat(LOCALES[language], { maximumSignificantDigits: 2, ...words }).format(value);
}
/** A score with so many decimals. */
export const decimal = (value, digits) =>
  new Intl.NumberFormat(LOCALES[language], { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(
    value,
  );
/** A share as whole percents. */
export const share = (value) => new Intl.NumberFormat(LOCALES[language], { style: 'percent' }).format(value);
/** "age, gender and ethnicity" */
export const joined = (words) => new Intl.ListFormat(LOCALES[language], { type: 'conjunction' }).format(words);
export const percent = (value) =>
  new Intl.NumberFormat(LOCALES[language], { style: 'percent', maximumSignificantDigits: 3 }).format(value);
export const moment = (iso) =>
  new Intl.DateTimeFormat(LOCALES[language], { dateStyle: 'short', timeStyle: 'medium' }).format(new Date(iso));
export const time = (iso) =>
  new Intl.DateTimeFormat(LOCALES[language], { timeStyle: 'medium' }).format(new Date(iso));
export const day = (iso) => new Intl.DateTimeFormat(LOCALES[language], { dateStyle: 'medium' }).format(new Date(iso));

/** The word for an estimate's class, such as "man" or "middle_eastern". */
export function estimate(name) {
  const key = `est.${name.replaceAll('_', ' ').toLowerCase()}`;
  return has(key) ? t(key) : name;
}

/** What an entry of the audit says was done. A verb may have a remark: "search children=match". */
export function verbWords(verb) {
  const key = `verb.${verb.split(' ')[0]}`;
  return has(key) ? t(key) : verb;
}

/** Translates the static page: data-t (text), data-label (aria-label), data-p (placeholder). */
export function translatePage() {
  for (const node of $$('[data-t]')) node.textContent = t(node.dataset.t);
  for (const node of $$('[data-label]')) node.setAttribute('aria-label', t(node.dataset.label));
  for (const node of $$('[data-p]')) node.placeholder = t(node.dataset.p);
}
