// Requests to the server's API, and its errors as text for people.
import { has, t } from './i18n.js';

let csrf = null; // the session's CSRF token; null: not requested yet

const AWAY = [502, 503, 504]; // what a proxy answers for a server that does not

export class ApiError extends Error {
  constructor(code, message, body = {}, status = 0) {
    super(message);
    this.code = code;
    this.body = body;
    this.status = status;
  }

  /** What happened, in the page's language. */
  get title() {
    return has(`error.${this.code}`) ? t(`error.${this.code}`) : t('error.unknown');
  }

  /** What a note shows (see say in dom.js): the server's own message, which is English, stands behind "Details". */
  get note() {
    return { title: this.title, more: this.message, summary: t('details') };
  }
}

/** The error that an answer with a status of 400 and more stands for; `json` is null if it is not JSON. */
function errorOf(status, json) {
  if (json && typeof json.error === 'object') return new ApiError(json.error.code, json.error.message, json, status);
  if (!json?.models && AWAY.includes(status)) return new ApiError('offline', `HTTP ${status}`, {}, status);
  return new ApiError('unknown', json?.error ?? json?.message ?? `HTTP ${status}`, json ?? {}, status);
}

async function send(method, path, body, headers = {}, keepalive = false) {
  let answer;
  if (csrf) headers['X-CSRF-Token'] = csrf;
  try {
    answer = await fetch(path, { method, body, headers: { Accept: 'application/json', ...headers }, keepalive });
  } catch {
    throw new ApiError('offline', '');
  }
  return { status: answer.status, json: await answer.json().catch(() => null) };
}

/** Sends a form with photos. `onSent(share)` reports progress, which fetch does not offer. */
function sendForm(path, data, onSent) {
  return new Promise((resolve, reject) => {
    const sending = new XMLHttpRequest();
    sending.open('POST', path);
    sending.setRequestHeader('Accept', 'application/json');
    if (csrf) sending.setRequestHeader('X-CSRF-Token', csrf);
    sending.responseType = 'json';
    sending.upload.onprogress = (event) => onSent(event.lengthComputable ? event.loaded / event.total : 0);
    sending.upload.onload = () => onSent(1);
    sending.onerror = () => reject(new ApiError('offline', ''));
    sending.onload = () => resolve({ status: sending.status, json: sending.response });
    sending.send(data);
  });
}

const tellSession = () => document.dispatchEvent(new CustomEvent('session', { detail: Boolean(csrf) }));

/** Gets the session's state, and the CSRF token with it. */
export async function session() {
  const { status, json } = await send('GET', '/v1/session');
  if (status >= 400) throw errorOf(status, json);
  csrf = json.csrf ?? '';
  tellSession();
  return json;
}

export async function logOut() {
  const { status, json } = await send('DELETE', '/v1/session');
  if (status >= 400) throw errorOf(status, json);
  csrf = '';
  tellSession();
}

async function askEntry() {
  if (!(await session()).login_needed) return true;
  const { login } = await import('./login.js'); // few visits need it
  return login(async (password, code) => {
    const body = JSON.stringify(code ? { password, code } : { password });
    const { status, json } = await send('POST', '/v1/session', body, { 'Content-Type': 'application/json' });
    if (status >= 400) return errorOf(status, json);
    csrf = json.csrf;
    tellSession();
    return null;
  });
}

let entering = null;
/** Gets the session's CSRF token, or asks for the password: once for all requests that wait. */
export function enter() {
  entering ??= askEntry().finally(() => {
    entering = null;
  });
  return entering;
}

/** Sends by `once`, and again after a login if the server asks for one. */
async function withEntry(once) {
  let { status, json } = await once();
  /* Not in, or in with a token that this page does not have yet. */
  if ((status === 401 || (status === 403 && csrf === null)) && (await enter())) ({ status, json } = await once());
  if (status >= 400) throw errorOf(status, json);
  return json ?? {};
}

const request = (method, path, body, keepalive) => withEntry(() => send(method, path, body, {}, keepalive));
const upload = (path, data, onSent = () => {}) => withEntry(() => sendForm(path, data, onSent));

function form(fields) {
  const data = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    for (const one of Array.isArray(value) ? value : [value])
      data.append(name, one, ...(one instanceof Blob ? ['photo'] : []));
  }
  return data;
}

const json = (fields) => new Blob([JSON.stringify(fields)], { type: 'application/json' });

const person = (id) => `/v1/people/${encodeURIComponent(id)}`;

let liveness = 'off'; // the server's setting
/** Does a registration need the token of a challenge? */
export const needsChallenge = () => liveness === 'challenge';
export const health = async () => {
  const now = await request('GET', '/v1/health');
  liveness = now.liveness;
  return now;
};
export const livenessBegin = () => request('POST', '/v1/liveness/sessions');
export const livenessFrame = (session, image) =>
  request('POST', `/v1/liveness/sessions/${encodeURIComponent(session)}/frames`, form({ image }));
export const people = (query, sort, offset, limit, thumbnails = false) =>
  request('GET', `/v1/people?${new URLSearchParams({ query, sort, offset, limit, thumbnails })}`);
export const change = (id, fields) => request('PATCH', person(id), form(fields));
export const faces = (id, offset, limit) =>
  request('GET', `${person(id)}/faces?${new URLSearchParams({ offset, limit, thumbnails: true })}`);
export const removeFace = (id, face) => request('DELETE', `${person(id)}/faces/${face}`);
export const review = (id) => request('GET', `${person(id)}/review`);
export const history = (id, limit, before) =>
  request('GET', `${person(id)}/history?limit=${limit}${before ? `&before=${before}` : ''}`);
export const setDifferent = (id, other, different) =>
  request('POST', `${person(id)}/different`, form({ other, different }));
export const merge = (id, from) => request('POST', `${person(id)}/merge`, form({ from }));
export const verify = (image1, image2, face) => request('POST', '/v1/verify', form({ image1, image2, face }));
export const stats = () => request('GET', '/v1/stats');
export const keys = () => request('GET', '/v1/keys');
export const makeKey = (fields) => request('POST', '/v1/keys', form(fields));
export const revokeKey = (prefix) => request('DELETE', `/v1/keys/${encodeURIComponent(prefix)}`);
export const models = () => request('GET', '/v1/models');
export const collections = () => request('GET', '/v1/collections');
export const audit = (before = null) => request('GET', `/v1/audit?limit=20${before ? `&before=${before}` : ''}`);
export const auditHead = () => request('GET', '/v1/audit/head');
export const report = () => request('GET', '/v1/report');
export const thresholds = (target = {}) => request('GET', `/v1/thresholds?${new URLSearchParams(target)}`);
export const setThresholds = (target) =>
  request('PUT', '/v1/thresholds', json(target));
export const resetThresholds = () => request('DELETE', '/v1/thresholds');
export const jobs = () => request('GET', '/v1/jobs');
export const jobResult = (id) => request('GET', `/v1/jobs/${id}/result`);
/** The rejected photos of a job as text. */
export async function refusedCsv(id) {
  const answer = await fetch(`/v1/jobs/${id}/refused`).catch(() => null);
  if (!answer) throw new ApiError('offline', '');
  if (!answer.ok) throw errorOf(answer.status, await answer.json().catch(() => null));
  return answer.text();
}
export const jobOrder = (id, what) =>
  what === 'cancel' ? request('DELETE', `/v1/jobs/${id}`) : request('POST', `/v1/jobs/${id}/${what}`);

/** Sends files ([path, File]) as an import. */
export function startImport(files, fields, onSent) {
  const data = form(fields);
  for (const [path, file] of files) data.append('file', file, path);
  return upload('/v1/jobs/import', data, onSent);
}
export const enroll = (fields, onSent) => upload('/v1/people', form(fields), onSent);
export const addFaces = (id, image, more, onSent) =>
  upload(`${person(id)}/faces`, form({ image, ...more }), onSent);
/** Erases a person; `leaving`: the page is being closed, and nobody reads the answer. */
export const remove = (id, leaving = false) => request('DELETE', person(id), undefined, leaving);
export const search = (image, onSent) => upload('/v1/search?k=5', form({ image }), onSent);
export const detect = (image) => request('POST', '/v1/detect', form({ image }));
export const getPerson = (id) => request('GET', `${person(id)}?thumbnails=true`);
/** A photo that the browser cannot read, as a JPEG. */
export async function preview(image) {
  const { jpeg } = await request('POST', '/v1/preview', form({ image }));
  return new Blob([Uint8Array.from(atob(jpeg), (char) => char.charCodeAt(0))], { type: 'image/jpeg' });
}
const camera = (name) => `/v1/cameras/${encodeURIComponent(name)}`;
export const cameras = () => request('GET', '/v1/cameras');
export const addCamera = (fields) => request('POST', '/v1/cameras', json(fields));
export const changeCamera = (name, fields) => request('PATCH', camera(name), json(fields));
export const removeCamera = (name) => request('DELETE', camera(name));
export const testCamera = (fields) => request('POST', '/v1/camera-test', json(fields));
/** The newest picture of a camera, a JPEG. */
export async function snapshot(name) {
  const answer = await fetch(`${camera(name)}/snapshot`).catch(() => null);
  if (!answer) throw new ApiError('offline', '');
  if (!answer.ok) throw errorOf(answer.status, await answer.json().catch(() => null));
  return answer.blob();
}
export const events = (query) => request('GET', `/v1/events?${new URLSearchParams(query)}`);
export const family = (images) => request('POST', '/api/verify_family', form(images));
