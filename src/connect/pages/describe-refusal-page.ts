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

const fallback: Words = {
  title: 'Something went wrong',
  text: 'Nothing was connected. Open the link you were given once more.',
};

/** @param isKept access was granted, and only Recall's part is to be done yet */
export function describeRefusalPage(code: ErrorCode, said?: string, startAgain?: URL, isKept = false): Page {
  const about = isKept
    ? {
        title: 'Zoom is connected, almost',
        text: 'You need not do anything: access was granted, and the rest is tried again by itself. Recall.ai said:',
      }
    : (words[code] ?? fallback);
  return {
    ...about,
    said,
    code,
    action: startAgain === undefined || isKept ? undefined : { label: 'Try again', href: startAgain.href },
  };
}
