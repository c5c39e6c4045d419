import type { ErrorCode } from '../../errors.ts';
import type { Page } from './render-page.ts';

type Words = Pick<Page, 'title' | 'text'>;

const askForLink = 'Ask whoever sent it to you for a new one.';

/** What a person is told when connecting came to nothing, and what they can do. */
const words: Partial<Record<ErrorCode, Words>> = {
  app_unknown: {
    title: 'This link leads nowhere',
    text: `Nothing can be connected at this address (any more). ${askForLink}`,
  },
  link_invalid: {
    title: 'This link is not valid',
    text: `It was changed on its way, or is for something else. ${askForLink}`,
  },
  link_expired: { title: 'This link has expired', text: askForLink },
  link_limited: {
    title: 'This link was opened too often',
    text: 'Wait 10 minutes, then open it once more.',
  },
  shutting_down: {
    title: 'Not now',
    text: 'This server is being restarted. Open the link you were given once more in a moment.',
  },
  method_not_allowed: { title: 'This page can only be opened', text: 'Open the link you were given in a browser.' },
  connection_unknown: {
    title: 'Zoom was disconnected meanwhile',
    text: 'Somebody ended the connection while you were making it. Open the link you were given once more.',
  },
  grant_unkept: {
    title: 'Almost, but not quite',
    text: 'You gave access at Zoom, but it could not be kept here. Open the link you were given once more in a few minutes.',
  },
  consent_denied: {
    title: 'Zoom is not connected',
    text: 'You declined at Zoom, so nothing was connected and nothing is kept. You can change your mind at any time.',
  },
  consent_failed: {
    title: 'Zoom did not give access',
    text: 'Nothing was connected. Zoom gave this reason:',
  },
  state_unknown: {
    title: 'This page cannot be opened by itself',
    text: 'It is where Zoom sends you back to. Open the link you were given, and follow it from there.',
  },
  state_used: {
    title: 'This has been done already',
    text: 'The page was opened a second time, which changes nothing. If your Zoom is not connected, open the link you were given once more.',
  },
  state_expired: {
    title: 'That took too long',
    text: 'You have 10 minutes at Zoom. Nothing was connected: open the link you were given once more.',
  },
  state_foreign: {
    title: 'This was begun in another browser',
    text: 'So that nobody can connect a Zoom that is not theirs, it must be finished where it was begun. Open the link you were given in this browser. Cookies must be allowed.',
  },
  code_missing: {
    title: 'Zoom sent nothing along',
    text: 'Nothing was connected: open the link you were given once more.',
  },
  zoom_refused: { title: 'Zoom refused', text: 'Nothing was connected. Zoom said:' },
  recall_refused: { title: 'Recall.ai refused', text: 'Nothing was connected. Recall.ai said:' },
  store_unavailable: {
    title: 'Not now',
    text: 'Nothing was connected, because what keeps connections is away for the moment. Open the link you were given once more in a few minutes.',
  },
};

/** Of somebody whose earlier connection had to be removed before this consent. */
const deniedAfterRemoval: Words = {
  title: 'Zoom is not connected any more',
  text: 'You declined at Zoom. The connection you had was removed to make place for the new one: open the link again to have it back.',
};

const fallback: Words = {
  title: 'Something went wrong',
  text: 'Nothing was connected. Open the link you were given once more.',
};

export interface RefusalDetails {
  readonly said?: string | undefined;
  readonly startAgain?: URL | undefined;
  /** Access was granted, and only Recall's part is to be done yet. */
  readonly isKept?: boolean | undefined;
  /** An earlier connection was removed on the way. */
  readonly wasConnected?: boolean | undefined;
}

export function describeRefusalPage(code: ErrorCode, details: RefusalDetails = {}): Page {
  const { said, startAgain, isKept = false, wasConnected = false } = details;
  const action = startAgain === undefined || isKept ? undefined : { label: 'Try again', href: startAgain.href };
  return { ...wordsFor(code, isKept, wasConnected), said, code, action };
}

function wordsFor(code: ErrorCode, isKept: boolean, wasConnected: boolean): Words {
  if (isKept) return keptWords;
  return code === 'consent_denied' && wasConnected ? deniedAfterRemoval : (words[code] ?? fallback);
}

const keptWords: Words = {
  title: 'Zoom is connected, almost',
  text: 'You need not do anything: access was granted, and the rest is tried again by itself. Recall.ai said:',
};
