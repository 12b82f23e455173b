// Active liveness (docs/liveness.md): a challenge before the camera, whose token a registration needs where the server
// says so. Frames are sent one after another, as they are and not mirrored; each answer has the next instruction.
import * as api from './api.js';
import { t } from './i18n.js';

const LONGEST = 480; // longest side of a frame, in pixels
const EVERY = 110; // milliseconds from one frame to the next, at least

export class NotLive extends Error {
  constructor(reason) {
    super(reason);
    this.reason = reason;
  }

  get title() {
    return t('live.failed');
  }

  /** What a note shows (see say in dom.js). */
  get note() {
    return { title: this.title, text: t(`live.why.${this.reason}`) };
  }
}

const words = (state) => (state.hint && !state.done ? t(`live.hint.${state.hint}`) : t(`live.${state.instruction}`));

async function nextState(view, session) {
  const begun = performance.now();
  const frame = await view.snapshot(LONGEST);
  const state = await api.livenessFrame(session, frame);
  await new Promise((resolve) => {
    setTimeout(resolve, Math.max(0, EVERY - (performance.now() - begun)));
  });
  return state;
}

/** Runs a challenge with the camera of a PhotoView, which shows the instructions. Resolves to the token. */
export async function challenge(view) {
  if (!view.cameraOn && !(await view.startCamera())) throw new NotLive('lost');
  const { stream } = view;
  let state = await api.livenessBegin();
  while (state.state === 'running') {
    view.hint(words(state), state.instruction !== 'look');
    state = await nextState(view, state.session);
    if (view.stream !== stream) throw new NotLive('lost');
  }
  view.hint('');
  if (state.state === 'failed') throw new NotLive(state.reason);
  return state.token;
}
