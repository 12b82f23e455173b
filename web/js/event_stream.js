// Events as they are added (server-sent events). When the link drops it is made again, with growing pauses, and goes on
// behind the last event, so that none is missed.
import * as api from './api.js';

const AGAIN = [1000, 2000, 4000, 8000, 15000, 30000]; // milliseconds before each attempt to connect again
const KINDS = ['seen', 'watchlist', 'unknown_again', 'camera_lost', 'camera_back'];

/** `take(event)` gets each event; `tell(state)`: 'connecting', 'live' or 'lost'. `query` has filters of /v1/events. */
export class EventStream {
  constructor(query, cursor, take, tell) {
    Object.assign(this, { query, cursor, take, tell, source: null, timer: 0, tries: 0, closed: false });
    tell('connecting');
    this.connect();
  }

  connect() {
    const source = new EventSource(`/v1/events?${new URLSearchParams({ ...this.query, cursor: this.cursor })}`);
    this.source = source;
    source.onopen = () => {
      this.tries = 0;
      this.tell('live');
    };
    source.onerror = () => this.again();
    for (const kind of KINDS)
      source.addEventListener(kind, (message) => {
        this.cursor = message.lastEventId;
        this.take(JSON.parse(message.data));
      });
  }

  again() {
    this.source?.close();
    this.source = null;
    if (this.closed) return;
    this.tell('lost');
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.retry(), AGAIN[Math.min(this.tries, AGAIN.length - 1)]);
    this.tries += 1;
  }

  /** A stream does not say why it ended. The session does, and asks for the password where it has ended. */
  async retry() {
    try {
      const { login_needed: needed } = await api.session();
      if (needed) await api.enter();
    } catch {
      if (!this.closed) this.again();
      return;
    }
    if (!this.closed) this.connect();
  }

  close() {
    this.closed = true;
    clearTimeout(this.timer);
    this.source?.close();
  }
}
