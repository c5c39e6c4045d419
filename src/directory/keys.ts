import { createHash } from 'node:crypto';

/** Begins the key of every meeting, and of nothing else. */
export const meetingPrefix = 'meeting:';

/**
 * A meeting's id as text, `undefined` when it is not 1 to 20 digits. Zoom's have 9 to 11, and are numbers in some
 * events and text in others.
 */
export function meetingIdOf(id: number | string): string | undefined {
  const text = typeof id === 'number' && !Number.isSafeInteger(id) ? '' : String(id);
  return /^\d{1,20}$/.test(text) ? text : undefined;
}

/** Whether text can be a user's id in keys and tags. Zoom documents no form; seen are about 22 of base64url. */
export function isUserId(id: string): boolean {
  return /^[!-~]{1,100}$/.test(id);
}

export function meetingKeyOf(meetingId: string): string {
  return `${meetingPrefix}${meetingId}`;
}

export function userKeyOf(userId: string): string {
  return `user:${userId}`;
}

/** On every meeting that the user hosts or has created. */
export function userTagOf(userId: string): string {
  return `user:${userId}`;
}

/** Outlives what is kept about the user, and so does not name them. */
export function tombstoneKeyOf(userId: string): string {
  return `gone:${createHash('sha256').update(`zoom-relay user:${userId}`).digest('hex')}`;
}
