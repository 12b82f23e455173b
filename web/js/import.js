// Import: sends a folder, a ZIP or a CSV to the server as a job. The job first says what it would do and waits; then it
// shows its progress, and can be paused or cancelled.
import * as api from './api.js';
import { $, csv, download, el, say, svg } from './dom.js';
import { counted, decimal, has, number, share, t } from './i18n.js';

const RATE_OVER = 10000; // window in milliseconds over which the rate is measured

let job = null; // the job that is shown
let preview = null; // {id of the job, …its result}
let follow = null; // an EventSource
let marks = []; // [time, done] of the last seconds

const isOver = (one) => ['done', 'failed', 'cancelled'].includes(one.state);

/** All files of a drop, with folders read recursively: [path, File]. */
async function filesOf(items) {
  const found = [];
  const open = async (entry, path) => {
    if (entry.isFile) {
      found.push([
        path + entry.name,
        await new Promise((resolve, reject) => {
          entry.file(resolve, reject);
        }),
      ]);
      return;
    }
    const reader = entry.createReader();
    for (;;) {
      const some = await new Promise((resolve, reject) => {
        reader.readEntries(resolve, reject);
      });
      if (!some.length) return;
      for (const one of some) await open(one, `${path}${entry.name}/`);
    }
  };
  for (const entry of [...items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean)) await open(entry, '');
  return found;
}

function rate(now) {
  marks.push([Date.now(), now.done]);
  marks = marks.filter(([time]) => Date.now() - time < RATE_OVER);
  const [[from, before]] = marks;
  const seconds = (Date.now() - from) / 1000;
  return seconds > 0.5 ? (now.done - before) / seconds : 0;
}

function timeLeft(seconds) {
  if (seconds < 90) return t('left.s', { n: number(Math.ceil(seconds)) });
  return t('left.min', { n: number(Math.ceil(seconds / 60)) });
}

function bar(now) {
  const all = Math.max(1, now.total);
  let at = 0;
  const part = (kind, count) => {
    const node = svg('rect', {
      class: `fill-${kind}`,
      x: `${(at / all) * 100}%`,
      width: `${(count / all) * 100}%`,
      height: 10,
    });
    at += count;
    return node;
  };
  $('#job-bar svg').replaceChildren(part('same', now.enrolled), part('none', now.skipped), part('bad', now.refused));
  $('#job-bar').setAttribute('aria-valuenow', Math.floor((now.done / all) * 100));
}

function refusedRow(one) {
  const words = ['refused', 'error'].map((kind) => `${kind}.${one.code}`).find(has) ?? 'error.unknown';
  return el(
    'tr',
    {},
    el('td', { className: 'path mono' }, one.path),
    el(
      'td',
      {},
      el(
        'span',
        { className: `tag is-${/image|invalid|large/u.test(one.code) ? 'bad' : 'unsure'}` },
        t(words),
      ),
    ),
    el('td', { className: 'opt muted', lang: 'en' }, one.message),
  );
}

/* ---- The preview */

function notesOf(one) {
  const tag = (kind, ...words) => el('span', { className: `tag ${kind}`.trim() }, ...words);
  const notes = [];
  if (one.registered) notes.push(tag('', t('preview.registered')));
  if (one.looks_like) {
    const { id, name, score, match } = one.looks_like;
    const other = el('a', { href: `#person?${new URLSearchParams({ id })}` }, name);
    notes.push(tag(match ? 'is-bad' : 'is-unsure', t(match ? 'preview.like' : 'preview.maybe'), ' ', other));
    notes.push(el('span', { className: 'small faint' }, `${t('similarity')} ${decimal(score, 2)}`));
  }
  if (one.doubles) notes.push(tag('', counted('preview.double', one.doubles)));
  return notes;
}

function previewRow(one) {
  return el(
    'tr',
    {},
    el(
      'td',
      { className: 'path' },
      el('span', { className: 'strong' }, one.name),
      el('br'),
      el('span', { className: 'small faint mono' }, one.id),
    ),
    el('td', { className: 'end' }, number(one.photos)),
    el('td', {}, el('div', { className: 'notes' }, ...notesOf(one))),
  );
}

function showPreview() {
  const shown = job?.state === 'preview' && preview?.id === job.id;
  $('#preview').hidden = !shown;
  $('#job-progress').hidden = job?.state === 'preview';
  if (!shown) return;
  const { people, photos, doubles, registered, look_alike: alike, list } = preview;
  $('#preview-people').textContent = number(people);
  $('#preview-photos').textContent = number(photos);
  $('#preview-known').textContent = number(registered);
  $('#preview-alike').textContent = number(alike);
  $('#preview-doubles').textContent = doubles ? counted('preview.doubles', doubles) : '';
  $('#preview-go').textContent = counted('preview.go', people);
  $('#preview-rows').replaceChildren(...list.map(previewRow));
  $('#preview-more').hidden = list.length >= people;
  $('#preview-more').textContent = t('preview.more', { n: number(list.length), all: number(people) });
}

async function loadPreview() {
  const mine = job.id;
  try {
    const told = await api.jobResult(mine);
    if (job?.id !== mine) return;
    preview = { id: mine, ...told };
    showPreview();
  } catch (error) {
    if (job?.id === mine) say($('#import-error'), () => error.note);
  }
}

function downloadPreview() {
  const head = ['id', 'name', 'photos', 'doubles', 'registered', 'looks_like_id', 'looks_like_name', 'score'];
  const rows = preview.list.map((one) => {
    const { id = '', name = '', score = '' } = one.looks_like ?? {};
    return [one.id, one.name, one.photos, one.doubles, one.registered ? 'yes' : 'no', id, name, score];
  });
  download('import.csv', csv([head, ...rows]), 'text/csv');
}

async function downloadRefused() {
  try {
    download('refused.csv', `\ufeff${await api.refusedCsv(job.id)}`, 'text/csv');
  } catch (error) {
    say($('#import-error'), () => error.note);
  }
}

/* ---- The job */

function render() {
  $('#import-drop').hidden = Boolean(job) && !isOver(job);
  $('#job').hidden = !job;
  showPreview();
  if (!job) return;
  if (job.state === 'preview' && preview?.id !== job.id) loadPreview();
  const now = job;
  const speed = now.state === 'running' ? rate(now) : 0;
  const percent = now.total ? Math.floor((now.done / now.total) * 100) : 0;
  $('#job-state').textContent = t(now.previewing && now.state === 'running' ? 'job.checking' : `job.${now.state}`);
  $('#job-pct').textContent = share(percent / 100);
  $('#job-of').textContent = now.total ? t('job.of', { done: number(now.done), all: number(now.total) }) : '';
  $('#job-left').textContent = speed ? timeLeft((now.total - now.done) / speed) : '';
  $('#job-rate').textContent = speed ? t('job.rate', { n: number(Math.round(speed * 10) / 10) }) : '';
  for (const [id, count] of [
    ['enrolled', now.enrolled],
    ['skipped', now.skipped],
    ['refused', now.refused],
    ['todo', now.total - now.done],
  ])
    $(`#job-${id}`).textContent = number(count);
  bar(now);
  const paused = now.state === 'paused';
  $('#job-pause').hidden = isOver(now) || paused;
  $('#job-resume').hidden = !paused;
  $('#job-cancel').hidden = isOver(now);
  say(
    $('#job-message'),
    now.message && (() => ({ title: t('job.failed'), more: now.message, summary: t('details') })),
  );
  $('#job-twins').textContent = now.possible_duplicates ? counted('job.twins', now.possible_duplicates) : '';
  $('#job-refusals').hidden = !now.refused;
  $('#refused-n').textContent = number(now.refused);
  $('#refused-rows').replaceChildren(...now.last_refused.map(refusedRow));
}

function watch(one) {
  follow?.close();
  job = one;
  marks = [];
  render();
  if (isOver(one)) return;
  follow = new EventSource(`/v1/jobs/${one.id}/events`);
  const hear = (event) => {
    job = JSON.parse(event.data);
    render();
    if (!isOver(job)) return;
    follow.close();
    document.dispatchEvent(new Event('people-changed'));
  };
  follow.addEventListener('progress', hear);
  follow.addEventListener('end', hear);
}

async function send(files) {
  if (!files.length) return;
  const consent = $('#import-consent').checked;
  say($('#import-error'), consent ? null : () => ({ title: t('need'), text: t('need.consents') }));
  if (!consent) return;
  $('#import-drop').classList.add('busy');
  $('#import-sent').hidden = false;
  try {
    const one = await api.startImport(files, { consent: t('consents'), preview: true }, (done) => {
      $('#import-sent').textContent = t(done < 1 ? 'sending' : 'job.reading', { n: number(Math.floor(done * 100)) });
    });
    watch(one);
  } catch (error) {
    say($('#import-error'), () => error.note);
  } finally {
    $('#import-drop').classList.remove('busy');
    $('#import-sent').hidden = true;
  }
}

async function tell(what) {
  try {
    const now = await api.jobOrder(job.id, what);
    if (now.id !== job.id || isOver(job)) return; // events from the stream were newer
    job = now;
    marks = [];
    render();
  } catch (error) {
    say($('#import-error'), () => error.note);
  }
}

export function start() {
  const drop = $('#import-drop');
  const over = (event, on) => {
    event.preventDefault();
    drop.classList.toggle('is-over', on);
  };
  drop.addEventListener('dragover', (event) => over(event, true));
  drop.addEventListener('dragleave', (event) => over(event, false));
  drop.addEventListener('drop', async (event) => {
    over(event, false);
    send(await filesOf(event.dataTransfer.items));
  });
  for (const kind of ['folder', 'file']) {
    const input = $(`#import-${kind}`);
    $(`#import-choose-${kind}`).addEventListener('click', () => input.click());
    input.addEventListener('change', () => {
      send([...input.files].map((file) => [file.webkitRelativePath || file.name, file]));
      input.value = '';
    });
  }
  $('#preview-go').addEventListener('click', () => tell('resume'));
  $('#preview-cancel').addEventListener('click', () => tell('cancel'));
  $('#preview-get').addEventListener('click', downloadPreview);
  $('#refused-get').addEventListener('click', downloadRefused);
  $('#job-pause').addEventListener('click', () => tell('pause'));
  $('#job-resume').addEventListener('click', () => tell('resume'));
  $('#job-cancel').addEventListener('click', () => tell('cancel'));
}

/** Photos and archives that were dropped beside the field, or pasted. */
export const accept = (files) => send(files.map((file) => [file.name, file]));

/** Shows the running job, or the last one, when the page is opened again. */
export async function enter() {
  if (job && !isOver(job)) return;
  try {
    const { jobs } = await api.jobs();
    const last = jobs.find((one) => one.kind === 'import');
    if (last && (!job || isOver(job))) watch(last); // a job started meanwhile is already shown
  } catch (error) {
    say($('#import-error'), () => error.note);
  }
}
export const translate = render;
