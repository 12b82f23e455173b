/**
 * A client of a Semblance server, for Node and browsers. It needs no other package.
 *
 * @import { operations } from './api.js'
 */

/** @typedef {Blob | ArrayBuffer | ArrayBufferView} Photo */

/**
 * What a request of the OpenAPI document answers.
 *
 * @template {keyof operations} Name
 * @typedef {operations[Name]['responses'] extends infer All ? All[keyof All & (200 | 201 | 202)] extends
 *   { content: { 'application/json': infer Body } } ? Body : never : never} Answer
 */

/**
 * What its query may have.
 *
 * @template {keyof operations} Name
 * @typedef {NonNullable<operations[Name]['parameters']['query']>} Query
 */

/**
 * What its form may have, beside photos.
 *
 * @template {keyof operations} Name
 * @typedef {operations[Name] extends { requestBody: { content: { 'multipart/form-data': infer Form } } } ?
 *   Omit<Form, 'image' | 'image1' | 'image2' | 'file'> : never} Form
 */

/** @typedef {{ signal?: AbortSignal }} Cancel */
/** @typedef {Record<string, string | number | boolean | null | undefined>} Values */
/** @typedef {Answer<'search'> & { frame: number, dropped: number }} LiveAnswer */
/** @typedef {Answer<'sendLivenessFrame'>} Challenge */

/** The server refused a request. `status`: HTTP status; `code`: such as "no_face"; `body`: the whole answer. */
export class SemblanceError extends Error {
  /**
   * @param {number} status
   * @param {any} body
   */
  constructor(status, body) {
    super(body?.error?.message ?? `the server answers ${status}`);
    this.name = 'SemblanceError';
    this.status = status;
    /** @type {string} */
    this.code = body?.error?.code ?? 'unknown';
    this.body = body;
  }
}

/** @param {Photo} photo */
function blobOf(photo) {
  if (photo instanceof Blob) return photo;
  if (photo instanceof ArrayBuffer || ArrayBuffer.isView(photo))
    return new Blob([/** @type {BlobPart} */ (photo)]);
  throw new TypeError('a photo is a Blob, an ArrayBuffer or bytes; read a file first');
}

/**
 * @param {number} ms
 * @param {AbortSignal | undefined} signal
 */
function pause(ms, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(undefined), ms);
    signal?.addEventListener('abort', () => (clearTimeout(timer), reject(signal.reason)), { once: true });
  });
}

/** @param {Values} values */
function queryOf(values) {
  const given = Object.entries(values).filter(([, value]) => value !== undefined && value !== null);
  return given.length ? `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}` : '';
}

/**
 * @param {Values} fields
 * @param {[string, Photo][]} photos
 */
function formOf(fields, photos) {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields))
    if (value !== undefined && value !== null && value !== false) form.append(name, String(value));
  for (const [name, photo] of photos) form.append(name, blobOf(photo), 'photo');
  return form;
}

/** @param {string} text */
const path = (text) => encodeURIComponent(text);

/** A channel for the frames of a camera. The server searches the newest one and drops what comes meanwhile. */
export class LiveChannel {
  /** @type {LiveAnswer[]} */
  #answers = [];
  /** @type {(() => void)[]} */
  #waiting = [];
  /** @type {Error | null} */
  #failed = null;
  #ended = false;
  #socket;

  /** @param {WebSocket} socket */
  constructor(socket) {
    this.#socket = socket;
    socket.binaryType = 'arraybuffer';
    socket.addEventListener('message', (event) => this.#hear(JSON.parse(event.data)));
    socket.addEventListener('error', () => this.#end(new SemblanceError(0, { error: {
      code: 'io', message: 'the live channel cannot be opened, or broke' } })));
    socket.addEventListener('close', () => this.#end(null));
    /** Resolves when frames can be sent. */
    this.opened = new Promise((resolve, reject) => {
      socket.addEventListener('open', () => resolve(this), { once: true });
      // An error may come without the event of closing.
      for (const kind of ['error', 'close'])
        socket.addEventListener(kind, () => reject(this.#failed ?? new SemblanceError(0, null)), { once: true });
    });
    this.opened.catch(() => {});
  }

  /** @param {any} message */
  #hear(message) {
    if (message.error && !message.frame) return this.#end(new SemblanceError(0, message));
    this.#answers.push(message);
    this.#wake();
  }

  /** @param {Error | null} error */
  #end(error) {
    this.#failed ??= this.#ended ? null : error;
    this.#ended = true;
    this.#wake();
  }

  #wake() {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /**
   * Sends a frame: an encoded photo. Send the next one when an answer has come.
   *
   * @param {Photo} photo
   */
  async send(photo) {
    await this.opened;
    if (this.#failed) throw this.#failed;
    this.#socket.send(await blobOf(photo).arrayBuffer());
  }

  close() {
    this.#socket.close();
  }

  /** Yields the answers, until the channel ends. An answer may be an error of its frame: `error` instead of `faces`. */
  async *[Symbol.asyncIterator]() {
    for (;;) {
      const answer = this.#answers.shift();
      if (answer) yield answer;
      else if (this.#failed) throw this.#failed;
      else if (this.#ended) return;
      else await new Promise((resolve) => this.#waiting.push(() => resolve(undefined)));
    }
  }
}

/**
 * @typedef {object} Settings
 * @property {string} [key] an API key
 * @property {string} [collection] the collection of people to work on; default: the server's default
 * @property {number} [timeout] milliseconds for one request
 * @property {number} [patience] milliseconds during which requests to a busy server are repeated
 * @property {typeof globalThis.fetch} [fetch]
 * @property {(address: string, headers: Record<string, string>) => WebSocket} [webSocket]
 */

/** A server at `address`. */
export class Semblance {
  #address;
  #settings;

  /**
   * @param {string} [address]
   * @param {Settings} [settings]
   */
  constructor(address = 'http://localhost:8501', settings = {}) {
    const url = new URL(address);
    if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new TypeError(`${address} is not http or https`);
    this.#address = (url.origin + url.pathname).replace(/\/+$/u, '');
    this.#settings = { timeout: 60000, patience: 30000, ...settings };
  }

  // People

  /**
   * Registers a person: stored and found by every search when the promise resolves.
   *
   * @param {string} id
   * @param {string} name
   * @param {Photo[]} photos
   * @param {Partial<Form<'enroll'>> & Cancel} [options]
   * @returns {Promise<Answer<'enroll'>>}
   */
  enroll(id, name, photos, { signal, ...options } = {}) {
    return this.#photos('/v1/people', photos.map((p) => ['image', p]), { ...options, id, name }, {}, signal, true);
  }

  /**
   * @param {string} id
   * @param {Photo[]} photos
   * @param {Partial<Form<'addFaces'>> & Cancel} [options]
   * @returns {Promise<Answer<'addFaces'>>}
   */
  addFaces(id, photos, { signal, ...options } = {}) {
    return this.#photos(`/v1/people/${path(id)}/faces`, photos.map((p) => ['image', p]), options, {}, signal, true);
  }

  /**
   * @param {string} id
   * @returns {Promise<Answer<'getPerson'>>}
   */
  person(id) {
    return this.request('GET', `/v1/people/${path(id)}`);
  }

  /**
   * Yields the people whose id or name contains `query`, a page at a time.
   *
   * @param {Pick<Query<'listPeople'>, 'query' | 'sort' | 'limit'> & Cancel} [options]
   * @returns {AsyncGenerator<Answer<'listPeople'>['people'][number], void, undefined>}
   */
  async *people({ signal, ...query } = {}) {
    /** @type {string | null | undefined} */
    let cursor;
    do {
      /** @type {Answer<'listPeople'>} */
      const page = await this.request('GET', '/v1/people', { query: { limit: 1000, ...query, cursor }, signal });
      yield* page.people;
      cursor = page.next_cursor;
    } while (cursor !== undefined && cursor !== null);
  }

  /**
   * @param {string} id
   * @param {{ name?: string, id?: string }} change
   * @returns {Promise<Answer<'changePerson'>>}
   */
  change(id, change) {
    return this.request('PATCH', `/v1/people/${path(id)}`, { json: change });
  }

  /**
   * Moves the faces of `other` to `id` and erases `other`.
   *
   * @param {string} id
   * @param {string} other
   * @returns {Promise<Answer<'mergePeople'>>}
   */
  merge(id, other) {
    return this.request('POST', `/v1/people/${path(id)}/merge`, { json: { from: other } });
  }

  /**
   * Erases a person. Resolves with the receipt.
   *
   * @param {string} id
   * @returns {Promise<Answer<'deletePerson'>>}
   */
  delete(id) {
    return this.request('DELETE', `/v1/people/${path(id)}`);
  }

  /**
   * @param {string} id
   * @param {Query<'listFaces'>} [query]
   * @returns {Promise<Answer<'listFaces'>>}
   */
  faces(id, query = {}) {
    return this.request('GET', `/v1/people/${path(id)}/faces`, { query });
  }

  /**
   * @param {string} id
   * @param {number | string} face
   * @returns {Promise<Answer<'deleteFace'>>}
   */
  deleteFace(id, face) {
    return this.request('DELETE', `/v1/people/${path(id)}/faces/${path(String(face))}`);
  }

  // Photos

  /**
   * Finds candidates for every face.
   *
   * @param {Photo} photo
   * @param {Omit<Query<'search'>, 'collection'> & Cancel} [options]
   * @returns {Promise<Answer<'search'>>}
   */
  search(photo, { signal, ...query } = {}) {
    return this.#photos('/v1/search', [['image', photo]], {}, query, signal);
  }

  /**
   * Compares the most similar faces of two photos. `liveness`: the token of a challenge.
   *
   * @param {Photo} first
   * @param {Photo} second
   * @param {Query<'verify'> & { liveness?: string } & Cancel} [options]
   * @returns {Promise<Answer<'verify'>>}
   */
  verify(first, second, { signal, liveness, ...query } = {}) {
    return this.#photos('/v1/verify', [['image1', first], ['image2', second]], { liveness }, query, signal);
  }

  /**
   * @param {Photo} photo
   * @param {Cancel} [options]
   * @returns {Promise<Answer<'detect'>>}
   */
  detect(photo, { signal } = {}) {
    return this.#photos('/v1/detect', [['image', photo]], {}, {}, signal);
  }

  /**
   * @param {Photo} photo
   * @param {Query<'represent'> & Cancel} [options]
   * @returns {Promise<Answer<'represent'>>}
   */
  represent(photo, { signal, ...query } = {}) {
    return this.#photos('/v1/represent', [['image', photo]], {}, query, signal);
  }

  /**
   * @param {Photo} photo
   * @param {Cancel} [options]
   * @returns {Promise<Answer<'analyze'>>}
   */
  analyze(photo, { signal } = {}) {
    return this.#photos('/v1/analyze', [['image', photo]], {}, {}, signal);
  }

  /**
   * @param {Photo} photo
   * @param {Cancel} [options]
   * @returns {Promise<Answer<'quality'>>}
   */
  quality(photo, { signal } = {}) {
    return this.#photos('/v1/quality', [['image', photo]], {}, {}, signal);
  }

  /**
   * Opens a channel for the frames of a camera.
   *
   * @param {Omit<Query<'live'>, 'collection'>} [query]
   */
  live(query = {}) {
    const collection = this.#settings.collection;
    const address = this.#address.replace(/^http/u, 'ws') + `/v1/live${queryOf({ collection, ...query })}`;
    return new LiveChannel(this.#webSocket(address));
  }

  /**
   * Runs a challenge of active liveness with the frames of a camera: 5 to 10 a second, not mirrored. `show` is called
   * with each state, to show its instruction. Resolves with the last state; the token of a passed one goes to enroll,
   * addFaces or verify.
   *
   * @param {AsyncIterable<Photo> | Iterable<Photo>} frames
   * @param {{ show?: (state: Challenge) => void } & Cancel} [options]
   * @returns {Promise<Challenge>}
   */
  async challenge(frames, { show, signal } = {}) {
    /** @type {Challenge} */
    let state = await this.request('POST', '/v1/liveness/sessions', { signal });
    const session = `/v1/liveness/sessions/${path(state.session)}`;
    for await (const frame of frames) {
      state = await this.#photos(`${session}/frames`, [['image', frame]], {}, { collection: null }, signal);
      show?.(state);
      if (state.state !== 'running') return state;
    }
    return this.request('GET', session, { signal });
  }

  // Collections

  /** @returns {Promise<Answer<'listCollections'>>} */
  collections() {
    return this.request('GET', '/v1/collections');
  }

  /**
   * @param {string} name
   * @param {string} [model] the embedding model, which cannot be changed later
   * @returns {Promise<Answer<'makeCollection'>>}
   */
  createCollection(name, model) {
    return this.request('POST', '/v1/collections', { json: { name, model } });
  }

  /**
   * @param {string} name
   * @returns {Promise<Answer<'deleteCollection'>>}
   */
  deleteCollection(name) {
    return this.request('DELETE', `/v1/collections/${path(name)}`);
  }

  // Imports

  /**
   * Starts an import of files: [path below the folder, content] each, or one ZIP archive.
   *
   * @param {[string, Photo][]} files
   * @param {Partial<Form<'startImport'>> & Cancel} [options]
   * @returns {Promise<Answer<'startImport'>>}
   */
  importFiles(files, { signal, ...options } = {}) {
    const form = formOf(/** @type {Values} */ (options), []);
    for (const [name, content] of files) form.append('file', blobOf(content), name);
    return this.request('POST', '/v1/jobs/import', { form, signal });
  }

  /**
   * @param {string} id
   * @returns {Promise<Answer<'getJob'>>}
   */
  job(id) {
    return this.request('GET', `/v1/jobs/${path(id)}`);
  }

  /** @returns {Promise<Answer<'listJobs'>>} */
  jobs() {
    return this.request('GET', '/v1/jobs');
  }

  /**
   * @param {string} id
   * @returns {Promise<Answer<'cancelJob'>>}
   */
  cancelJob(id) {
    return this.request('DELETE', `/v1/jobs/${path(id)}`);
  }

  /**
   * Waits until a job ends. Resolves with its last state.
   *
   * @param {string} id
   * @param {{ every?: number } & Cancel} [options]
   * @returns {Promise<Answer<'getJob'>>}
   */
  async wait(id, { every = 500, signal } = {}) {
    for (;;) {
      const state = await this.job(id);
      if (['done', 'failed', 'cancelled'].includes(state.state)) return state;
      await pause(every, signal);
    }
  }

  // The server

  /** @returns {Promise<Answer<'health'>>} */
  health() {
    return this.request('GET', '/v1/health');
  }

  /** Is the server running, with its models and gallery loaded? */
  async ready() {
    try {
      return (await this.#send('GET', '/readyz', {}, null, undefined)).status === 200;
    } catch {
      return false;
    }
  }

  /**
   * The operating point of the server and what it means, or what a target would mean.
   *
   * @param {Query<'thresholds'>} [target]
   * @returns {Promise<Answer<'thresholds'>>}
   */
  thresholds(target = {}) {
    return this.request('GET', '/v1/thresholds', { query: target });
  }

  /**
   * Sets it for everyone who uses the gallery. Needs the role admin.
   *
   * @param {{ threshold?: number, fmr?: number, fpir?: number }} target
   * @returns {Promise<Answer<'setThresholds'>>}
   */
  setThresholds(target) {
    return this.request('PUT', '/v1/thresholds', { json: target });
  }

  /** @returns {Promise<Answer<'resetThresholds'>>} */
  resetThresholds() {
    return this.request('DELETE', '/v1/thresholds');
  }

  // Requests

  /**
   * Sends a request of any route, and repeats it while the server is busy. Resolves with the JSON of the answer.
   *
   * @param {string} method
   * @param {string} route
   * @param {{ query?: Values, json?: unknown, form?: FormData, headers?: Record<string, string> } & Cancel} [options]
   * @returns {Promise<any>}
   */
  async request(method, route, { query = {}, json, form, headers = {}, signal } = {}) {
    const target = route + queryOf({ collection: this.#settings.collection, ...query });
    const body = form ?? (json === undefined ? null : JSON.stringify(json));
    const sent = json === undefined ? headers : { ...headers, 'Content-Type': 'application/json' };
    const end = Date.now() + this.#settings.patience;
    for (;;) {
      const response = await this.#send(method, target, sent, body, signal);
      const answer = await response.json().catch(() => null);
      if (response.ok) return answer;
      const wait = 1000 * (Number(response.headers.get('Retry-After')) || 1);
      if (![429, 503].includes(response.status) || Date.now() + wait > end)
        throw new SemblanceError(response.status, answer);
      await pause(wait, signal);
    }
  }

  /**
   * @param {string} route
   * @param {[string, Photo][]} photos
   * @param {object} fields
   * @param {object} query
   * @param {AbortSignal} [signal]
   * @param {boolean} [once] the server does it once, even if the request is repeated
   */
  #photos(route, photos, fields, query, signal, once = false) {
    /** @type {Record<string, string>} */
    const headers = once ? { 'Idempotency-Key': `${Date.now()}-${Math.random().toString(36).slice(2)}` } : {};
    const form = formOf(/** @type {Values} */ (fields), photos);
    return this.request('POST', route, { query: /** @type {Values} */ (query), form, headers, signal });
  }

  /** @returns {Record<string, string>} */
  #authorization() {
    return this.#settings.key ? { Authorization: `Bearer ${this.#settings.key}` } : {};
  }

  /**
   * @param {string} method
   * @param {string} target
   * @param {Record<string, string>} headers
   * @param {BodyInit | null} body
   * @param {AbortSignal | undefined} signal
   */
  async #send(method, target, headers, body, signal) {
    const limit = new AbortController();
    const late = () => limit.abort(new Error(`no answer in ${this.#settings.timeout} ms`));
    const timer = setTimeout(late, this.#settings.timeout);
    const stop = () => limit.abort(signal?.reason);
    signal?.addEventListener('abort', stop, { once: true });
    if (signal?.aborted) stop();
    try {
      const all = { Accept: 'application/json', ...this.#authorization(), ...headers };
      const send = this.#settings.fetch ?? globalThis.fetch;
      return await send(this.#address + target, { method, headers: all, body, signal: limit.signal });
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', stop);
    }
  }

  /**
   * @param {string} address
   * @returns {WebSocket}
   */
  #webSocket(address) {
    const headers = this.#authorization();
    if (this.#settings.webSocket) return this.#settings.webSocket(address, headers);
    if (typeof WebSocket === 'undefined')
      throw new TypeError('this Node has no WebSocket: use Node 22, or pass webSocket (see the README)');
    if (!headers.Authorization) return new WebSocket(address);
    if (typeof document !== 'undefined')
      throw new TypeError('a browser cannot send a key with a WebSocket: use the login of the server\'s own page');
    // Node's WebSocket takes headers; its type is that of browsers, which do not.
    return new WebSocket(address, /** @type {any} */ ({ headers }));
  }
}
