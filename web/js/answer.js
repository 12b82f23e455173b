// The answer for one face: verdict in words, person, place on the scale, chance of a mistake, the next closest.
import * as api from './api.js';
import { el, icon, portrait, svg } from './dom.js';
import { counted, decimal, number, rounded, showsPictures, t } from './i18n.js';

const LOOKS = { match: ['same', 'check'], unsure: ['unsure', 'maybe'], none: ['none', 'none'] };
const TIE = 0.02; // scores this close say the same of two records

export const verdictOf = (face) => face.verdict ?? face.candidates[0]?.verdict ?? 'none';
export const lookOf = (face) => LOOKS[verdictOf(face)];
/** Why a verdict is "not sure". */
const whyUnsure = (reason) => t({ quality: 'v.unsure.photo', child: 'v.unsure.child' }[reason] ?? 'v.unsure.sub');
export const wordsOf = (face) => t({ match: 'v.match', unsure: 'v.unsure', none: 'v.none' }[verdictOf(face)]);

/** The people that a face matches equally well: one, or several records that may be of the same person. */
export function twins(face) {
  const [best, ...others] = face.candidates;
  const same = (one) => one.verdict === 'match' && best.score - one.score < TIE;
  return best?.verdict === 'match' ? [best, ...others.filter(same)] : [];
}

/** Of a match: the name, or all names if several records match equally well. */
export const nameOf = (face) =>
  twins(face)
    .map((one) => one.name)
    .join(' / ');

/** A rate in words, as src/stats/wording.c says it: "1 in 12,000", "23 in 100", or "less than 1 in 10 million" for a
 * bound. Two significant digits, because no such rate is known better. */
export function odds(rate, bound) {
  const hundred = rate >= 0.105; // less rounds to "1 in 10"
  const text = hundred
    ? t('odds.hundred', { n: number(Math.min(99, Math.round(100 * rate))) })
    : t('odds.in', { n: rounded(Math.max(10, 1 / rate)) });
  if (rate > 0.99) return t('odds.over', { odds: text });
  return bound ? t('odds.under', { odds: text }) : text;
}

/** How often a rate comes true: KEY.hundred "in 23 of 100", KEY.in "about once in 12,000", or KEY.under for a bound. */
function often(key, rate, bound, values = {}) {
  if (rate >= 0.105) return t(`${key}.hundred`, { ...values, n: number(Math.min(99, Math.round(100 * rate))) });
  const count = Math.max(10, 1 / rate);
  const of = count >= 995000 ? t('of.many') : '';
  return t(`${key}.${bound ? 'under' : 'in'}`, { ...values, n: rounded(count) + of });
}

/** How often a stranger looks this much alike, in comparisons and, with `gallery`, in searches of so many people. */
function oddsCard(compared, gallery = null) {
  const { verdict, false_match_rate: rate, false_match_rate_is_bound: bound } = compared;
  if (verdict === 'none') return null; // a rate there would read like a chance that it is the person
  if (rate >= 0.5) return el('div', { className: 'odds' }, el('p', {}, t('odds.unknown')));
  const searches =
    gallery?.people > 1
      ? ` (${often('searches', gallery.rate, bound, { people: number(gallery.people) })})`
      : '';
  return el(
    'div',
    { className: 'odds' },
    el('p', {}, t('odds.match', { odds: often('comparisons', rate, bound) + searches })),
    el('p', { className: 'faint small' }, t('odds.about')),
  );
}

/** The chance that a stranger reaches this score in a search of the whole gallery. */
function galleryOdds(candidate, people) {
  return { people, rate: candidate.gallery_false_match_rate ?? 1 - (1 - candidate.false_match_rate) ** people };
}

function scale(candidate, answer) {
  const percent = (value) => `${Math.max(0, Math.min(1, value)) * 100}%`;
  const [look] = LOOKS[candidate.verdict];
  const zone = (kind, from, to) =>
    svg('rect', {
      class: `zone fill-${kind}${kind === look ? ' is-on' : ''}`,
      x: percent(from),
      y: 6,
      width: percent(to - from - 0.006),
      height: 6,
      rx: 3,
    });
  return el(
    'div',
    { className: 'scale' },
    el(
      'div',
      { className: 'scale-head' },
      el('span', { className: 'muted' }, t('similarity')),
      el(
        'span',
        {},
        el('span', { className: 'small faint' }, t('k.cut', { score: decimal(answer.threshold, 2) })),
        el('span', { className: 'scale-num' }, decimal(candidate.score, 2)),
      ),
    ),
    svg(
      'svg',
      { 'aria-hidden': 'true' },
      zone('none', 0, answer.unsure),
      zone('unsure', answer.unsure, answer.threshold),
      zone('same', answer.threshold, 1.006),
      svg('circle', { class: `needle n-${look}`, cx: percent(candidate.score), cy: 9, r: 7 }),
    ),
    el(
      'div',
      { className: 'scale-keys' },
      el('span', { className: 'k-0' }, t('k.diff')),
      el('span', { className: 'k-mid' }, t('v.unsure')),
      el('span', { className: 'k-1' }, t('v.match')),
    ),
  );
}

export function candidateRow(candidate, threshold) {
  const width = `${Math.max(0, candidate.score) * 100}%`;
  return el(
    'li',
    { className: 'cand' },
    portrait(candidate),
    el('span', { className: 'name', title: candidate.id }, candidate.name),
    el(
      'span',
      { className: 'bar' },
      svg(
        'svg',
        { 'aria-hidden': 'true' },
        svg('rect', { class: 'fill-track', y: 2, width: '100%', height: 6, rx: 3 }),
        svg('rect', { class: 'fill-none', y: 2, width, height: 6, rx: 3 }),
        svg('rect', { class: 'fill-edge', x: `${threshold * 100}%`, y: 0, width: 1.5, height: 10 }),
      ),
    ),
    el('span', { className: 'val' }, decimal(candidate.score, 2)),
  );
}

/** The picture of a person who is named, where the server keeps one: it comes a moment after the name. */
function pictureOf(candidate, size) {
  const node = portrait(candidate, size);
  if (showsPictures() && !candidate.thumbnail)
    api.getPerson(candidate.id).then(
      (found) => found.thumbnail && node.replaceWith(portrait(found, size)),
      () => {}, // the initials stay
    );
  return node;
}

function person(candidate, index) {
  return el(
    'div',
    { className: 'person' },
    pictureOf(candidate, 'face-l'),
    el(
      'div',
      {},
      el('div', { className: 'name name-l', ...(index ? {} : { id: 'answer-name' }) }, candidate.name),
      el('div', { className: 'faint mono' }, candidate.id),
    ),
  );
}

function details(face, answer) {
  const [best] = face.candidates;
  if (!best) return null;
  const known = best.verdict === 'none' ? [] : best.verdict === 'match' ? twins(face) : [best];
  const rest = face.candidates.slice(known.length);
  return el(
    'div',
    { className: 'card-body stack' },
    ...known.map(person),
    scale(best, answer),
    oddsCard(best, galleryOdds(best, answer.gallery_size)),
    rest.length
      ? el(
          'div',
          {},
          el('h3', { className: 'label' }, t('others')),
          el('ol', { className: 'cands' }, ...rest.map((one) => candidateRow(one, answer.threshold))),
        )
      : null,
  );
}

/** The verdict's title and the sentence below it. */
function verdictWords(face, answer) {
  const same = twins(face);
  if (same.length > 1) return [t('v.match.n', { name: same.map((one) => one.name).join(' / ') }), t('v.twins.sub')];
  return {
    match: () => [t('v.match.n', { name: same[0].name }), t('v.match.sub')],
    unsure: () => [t('v.unsure'), whyUnsure(face.reason)],
    none: () => [t('v.none'), answer.gallery_size ? counted('v.none.sub', answer.gallery_size) : t('v.none.empty')],
  }[verdictOf(face)]();
}

/** The coloured head of a card: sign, verdict, reason. */
const verdictHead = (id, [look, sign], title, reason) =>
  el(
    'div',
    { className: `verdict is-${look}` },
    el('span', { className: 'verdict-sign' }, icon(sign)),
    el('h2', { id }, title),
    el('p', {}, reason),
  );

export function answerCard(face, answer) {
  const [title, reason] = verdictWords(face, answer);
  const card = el(
    'div',
    { className: 'card', role: 'region', 'aria-label': t('answer') },
    verdictHead('verdict', lookOf(face), title, reason),
  );
  const more = details(face, answer);
  if (more) card.append(more);
  return card;
}

/** The answer for two compared photos: as for a search, without a person. */
export function comparisonCard(comparison) {
  const words = {
    match: ['v.same', t('c.same.sub')],
    unsure: ['v.unsure', whyUnsure(comparison.reason)],
    none: ['c.none', t('c.none.sub')],
  }[comparison.verdict];
  return el(
    'div',
    { className: 'card', role: 'region', 'aria-label': t('answer') },
    verdictHead('compare-verdict', LOOKS[comparison.verdict], t(words[0]), words[1]),
    el(
      'div',
      { className: 'card-body stack' },
      scale(comparison, comparison),
      oddsCard(comparison),
    ),
  );
}

/** The duplicate warning: the new photo and the record that it matches, side by side. */
export function duplicateCard(candidate, threshold, unsure, picture, name) {
  const side = (face, title, text) =>
    el(
      'figure',
      {},
      face,
      el('figcaption', {}, el('strong', {}, title), el('br'), el('span', { className: 'small faint mono' }, text)),
    );
  return el(
    'div',
    { className: 'stack-s' },
    el(
      'div',
      { className: 'pair pair-dup' },
      side(el('span', { className: 'face face-xl' }, picture), name || '–', t('dup.this')),
      el('span', { className: 'link' }, icon('swap')),
      side(
        pictureOf(candidate, 'face-xl'),
        candidate.name,
        candidate.id,
      ),
    ),
    scale(candidate, { threshold, unsure }),
    oddsCard(candidate),
  );
}
