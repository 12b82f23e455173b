// Requests to the server's API, and its errors as text for people.
import { has, t } from './i18n.js';
import { login } from './login.js';

let csrf = null; // the session's CSRF token; null: not requested yet

export class ApiError extends Error {
  constructor(code, message, body = {}, status = 0) {
    super(message);
    this.code = code;
    this.body = body;
    this.status = status;
  }

  /** In the page's language for known error codes, else the server's message. */
  get title() {
    return has(`error.${this.code}`) ? t(`error.${this.code}`) : this.message;
  }

  get detail() {
    return has(`error.${this.code}`) && this.code !== 'offline' ? this.message : '';
  }
}

async function send(method, path, body, headers = {}) {
  let answer;
  if (csrf) headers['X-CSRF-Token'] = csrf;
  try {
    answer = await fetch(path, { method, body, headers: { Accept: 'application/json', ...headers } });
  } catch {
    throw new ApiError('offline', '');
  }
  return { answer, json: await answer.json().catch(() => ({})) };
}

async function askEntry() {
  const held = (await send('GET', '/v1/session')).json;
  csrf = held.csrf ?? '';
  if (!held.login_needed) return true;
  return login(async (password, code) => {
    const body = JSON.stringify(code ? { password, code } : { password });
    const { answer, json } = await send('POST', '/v1/session', body, { 'Content-Type': 'application/json' });
    if (!answer.ok) return json.error;
    csrf = json.csrf;
    return null;
  });
}

let entering = null;
/** Gets the session's CSRF token, or asks for the password: once for all requests that wait. */
function enter() {
  entering ??= askEntry().finally(() => {
    entering = null;
  });
  return entering;
}

async function request(method, path, body) {
  let { answer, json } = await send(method, path, body);
  /* Not in, or in with a token that this page does not have yet. */
  if ((answer.status === 401 || (answer.status === 403 && csrf === null)) && (await enter())) {
    ({ answer, json } = await send(method, path, body));
  }
  if (answer.ok) return json;
  const error =
    typeof json.error === 'object'
      ? json.error
      : { code: 'unknown', message: json.error ?? json.message ?? String(answer.status) };
  throw new ApiError(error.code, error.message, json, answer.status);
}

function form(fields) {
  const data = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    for (const one of Array.isArray(value) ? value : [value])
      data.append(name, one, ...(one instanceof Blob ? ['photo'] : []));
  }
  return data;
}

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
export const merge = (id, from) => request('POST', `${person(id)}/merge`, form({ from }));
export const addFaces = (id, image, more = {}) => request('POST', `${person(id)}/faces`, form({ image, ...more }));
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
  request('PUT', '/v1/thresholds', new Blob([JSON.stringify(target)], { type: 'application/json' }));
export const resetThresholds = () => request('DELETE', '/v1/thresholds');
export const jobs = () => request('GET', '/v1/jobs');
export const jobOrder = (id, what) =>
  what === 'cancel' ? request('DELETE', `/v1/jobs/${id}`) : request('POST', `/v1/jobs/${id}/${what}`);

/** Sends files ([path, File]) as an import. `onSent(share)` reports progress, which fetch does not offer. */
export function startImport(files, fields, onSent) {
  const data = form(fields);
  for (const [path, file] of files) data.append('file', file, path);
  const once = () =>
    new Promise((resolve, reject) => {
      const sending = new XMLHttpRequest();
      sending.open('POST', '/v1/jobs/import');
      if (csrf) sending.setRequestHeader('X-CSRF-Token', csrf);
      sending.responseType = 'json';
      sending.upload.onprogress = (event) => onSent(event.lengthComputable ? event.loaded / event.total : 0);
      sending.onerror = () => reject(new ApiError('offline', ''));
      sending.onload = () => {
        const json = sending.response ?? {};
        if (sending.status < 300) resolve(json);
        else
          reject(
            new ApiError(
              json.error?.code ?? 'unknown',
              json.error?.message ?? String(sending.status),
              json,
              sending.status,
            ),
          );
      };
      sending.send(data);
    });
  return once().catch(async (error) => {
    const asked = error.status === 401 || (error.status === 403 && csrf === null);
    if (asked && (await enter())) return once();
    throw error;
  });
}
export const enroll = (fields) => request('POST', '/v1/people', form(fields));
export const remove = (id) => request('DELETE', person(id));
export const search = (image) => request('POST', '/v1/search?k=5', form({ image }));
export const detect = (image) => request('POST', '/v1/detect', form({ image }));
export const family = (images) => request('POST', '/api/verify_family', form(images));
