// Translation of the page into three languages.
// The English text is also in index.html, so that it shows before scripts run.
import { $$ } from './dom.js';
import { PAGE_WORDS } from './words_page.js';
import { SETTINGS_WORDS } from './words_settings.js';

const LOCALES = { en: 'en', pt: 'pt-BR', es: 'es' };
let language = 'en';
let pictures = false; // the server keeps thumbnails: texts with the suffix ".pictures" replace the plain ones

const WORDS = { ...PAGE_WORDS, ...SETTINGS_WORDS };

const ORDER = Object.keys(LOCALES);
export const languages = () => ORDER;
export const has = (key) => Object.hasOwn(WORDS, key);

export function choose(wanted) {
  language = ORDER.includes(wanted) ? wanted : 'en';
  document.documentElement.lang = LOCALES[language];
}

/** Chooses whether the server keeps thumbnails; returns true if that changes the texts. */
export function keepsPictures(on) {
  const changed = pictures !== on;
  pictures = on;
  return changed;
}

export const showsPictures = () => pictures;

/** The text of a key, with its {placeholders} filled in. */
export function t(key, values = {}) {
  const words = (pictures && WORDS[`${key}.pictures`]) || WORDS[key];
  return words[ORDER.indexOf(language)].replace(/\{(\w+)\}/gu, (_, name) => String(values[name]));
}

/** The text for a count: KEY.one or KEY.n, with the count as {n}. */
export const counted = (key, count, values = {}) =>
  t(`${key}.${count === 1 ? 'one' : 'n'}`, { ...values, n: number(count) });

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
export const day = (iso) => new Intl.DateTimeFormat(LOCALES[language], { dateStyle: 'medium' }).format(new Date(iso));

/** The word for an estimate's class, such as "man" or "middle_eastern". */
export function estimate(name) {
  const key = `est.${name.replaceAll('_', ' ').toLowerCase()}`;
  return has(key) ? t(key) : name;
}

/** Translates the static page: data-t (text), data-label (aria-label), data-p (placeholder). */
export function translatePage() {
  for (const node of $$('[data-t]')) node.textContent = t(node.dataset.t);
  for (const node of $$('[data-label]')) node.setAttribute('aria-label', t(node.dataset.label));
  for (const node of $$('[data-p]')) node.placeholder = t(node.dataset.p);
}
