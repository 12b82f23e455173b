// The answer for one face: verdict in words, person, place on the scale, chance of a mistake, the next closest.
import { el, icon, initials, svg } from './dom.js';
import { number, rounded, t } from './i18n.js';

const LOOKS = { match: ['same', 'check'], unsure: ['unsure', 'maybe'], none: ['none', 'none'] };

export const verdictOf = (face) => face.verdict ?? face.candidates[0]?.verdict ?? 'none';
export const lookOf = (face) => LOOKS[verdictOf(face)];
/** Why a verdict is "not sure". */
const whyUnsure = (reason) => t({ quality: 'v.unsure.photo', child: 'v.unsure.child' }[reason] ?? 'v.unsure.sub');
export const wordsOf = (face) => t({ match: 'v.same', unsure: 'v.unsure', none: 'v.none' }[verdictOf(face)]);

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

/** What the rate of a score that is no match says: no rate at all where most pairs of people reach it. */
const strangers = (rate) => (rate >= 0.5 ? t('odds.any') : t('odds.strangers', { odds: odds(rate, false) }));

/** How often different people look this much alike; `more` says the same of a whole gallery. */
function oddsCard(compared, more = '') {
  const { verdict, false_match_rate: rate, false_match_rate_is_bound: bound } = compared;
  if (verdict === 'none' && !bound) return el('div', { className: 'odds' }, el('p', {}, strangers(rate)));
  if (rate >= 0.5) return el('div', { className: 'odds' }, el('p', {}, t(bound ? 'odds.unknown' : 'odds.any')));
  return el(
    'div',
    { className: 'odds' },
    el('span', { className: 'muted' }, t('odds')),
    el('strong', {}, odds(rate, bound)),
    el('p', {}, [more, t('odds.about')].filter(Boolean).join(' ')),
  );
}

/** The chance that a stranger reaches this score in a search of the whole gallery. */
function galleryOdds(candidate, people) {
  const chance = candidate.gallery_false_match_rate ?? 1 - (1 - candidate.false_match_rate) ** people;
  return t('odds.gallery', { people: number(people), odds: odds(chance, candidate.false_match_rate_is_bound) });
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
        el('span', { className: 'small faint' }, `${t('k.cut')} ${answer.threshold.toFixed(2)}`),
        el('span', { className: 'scale-num' }, candidate.score.toFixed(2)),
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
      el('span', { className: 'k-1' }, t('v.same')),
    ),
  );
}

export function candidateRow(candidate, threshold) {
  const width = `${Math.max(0, candidate.score) * 100}%`;
  return el(
    'li',
    { className: 'cand' },
    el('span', { className: 'mono-face face-s', 'aria-hidden': 'true' }, initials(candidate.name)),
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
    el('span', { className: 'val' }, candidate.score.toFixed(2)),
  );
}

function person(candidate) {
  return el(
    'div',
    { className: 'person' },
    el('span', { className: 'mono-face face-l', 'aria-hidden': 'true' }, initials(candidate.name)),
    el(
      'div',
      {},
      el('div', { className: 'name name-l', id: 'answer-name' }, candidate.name),
      el('div', { className: 'faint mono' }, candidate.id),
    ),
  );
}

function details(face, answer) {
  const [best, ...others] = face.candidates;
  if (!best) return null;
  const known = best.verdict !== 'none';
  const rest = known ? others : face.candidates;
  return el(
    'div',
    { className: 'card-body stack' },
    known ? person(best) : null,
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

export function answerCard(face, answer) {
  const [look, sign] = lookOf(face);
  const reason = {
    match: t('v.same.sub'),
    unsure: whyUnsure(face.reason),
    none: answer.gallery_size ? t('v.none.sub', { n: number(answer.gallery_size) }) : t('v.none.empty'),
  }[verdictOf(face)];
  const card = el(
    'div',
    { className: 'card', role: 'region', 'aria-label': t('answer') },
    el(
      'div',
      { className: `verdict is-${look}` },
      el('span', { className: 'verdict-sign' }, icon(sign)),
      el('h2', { id: 'verdict' }, wordsOf(face)),
      el('p', {}, reason),
    ),
  );
  const more = details(face, answer);
  if (more) card.append(more);
  return card;
}

/** The answer for two compared photos: as for a search, without a person. */
export function comparisonCard(comparison) {
  const [look, sign] = LOOKS[comparison.verdict];
  const words = {
    match: ['v.same', t('c.same.sub')],
    unsure: ['v.unsure', whyUnsure(comparison.reason)],
    none: ['c.none', t('c.none.sub')],
  }[comparison.verdict];
  return el(
    'div',
    { className: 'card', role: 'region', 'aria-label': t('answer') },
    el(
      'div',
      { className: `verdict is-${look}` },
      el('span', { className: 'verdict-sign' }, icon(sign)),
      el('h2', { id: 'compare-verdict' }, t(words[0])),
      el('p', {}, words[1]),
    ),
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
        el('span', { className: 'mono-face face-xl', 'aria-hidden': 'true' }, initials(candidate.name)),
        candidate.name,
        candidate.id,
      ),
    ),
    scale(candidate, { threshold, unsure }),
    el(
      'p',
      { className: 'muted small' },
      t('dup.odds', { odds: odds(candidate.false_match_rate, candidate.false_match_rate_is_bound) }),
    ),
  );
}
