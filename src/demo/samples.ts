import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Secret } from '../secret.ts';

/** Events there is a sample of: bodies from Zoom's documentation and from published captures. */
export const sampleNames = [
  'endpoint.url_validation',
  'meeting.created',
  'meeting.updated',
  'meeting.deleted',
  'meeting.started',
  'meeting.ended',
  'recording.completed',
  'user.created',
  'user.updated',
  'app_deauthorized',
] as const;
export type SampleName = (typeof sampleNames)[number];

/**
 * A sample's bytes, with `event_ts` (and a challenge's `plainToken`) made new: the same bytes twice are one
 * notification.
 *
 * @param nowMs epoch milliseconds
 */
export function readSample(name: SampleName, nowMs: number): Uint8Array {
  const text = read(`samples/${name}.json`)
    .toString('latin1')
    .replace(/("event_ts":)\d+/, `$1${nowMs}`)
    .replace(/("plainToken":")[^"]*/, `$1${randomBytes(16).toString('base64url')}`);
  return Buffer.from(text, 'latin1');
}

/** A request that Zoom really sent and signed. */
export interface CapturedRequest {
  readonly body: Uint8Array;
  readonly timestamp: string;
  readonly signature: string;
}

/** The Secret Token of an app of somebody who published it together with two requests; valid nowhere today. */
export const publishedSecret = new Secret('4fv1RkqGQUq5sWbEz6hA5A');

/** @see https://github.com/Jericho/ZoomNet/issues/349 */
export function readCapturedChallenge(): CapturedRequest {
  return {
    body: read('captured/endpoint.url_validation.json'),
    timestamp: '1720705455',
    signature: 'v0=93a1a675965ceb9c5a50c5dfb31f20e50f763be37a54ef74cd2d16a1a8e5c0d6',
  };
}

/** Has emoji escaped as surrogates next to raw UTF-8: parsing and printing it again breaks its signature. */
export function readCapturedMeetingStarted(): CapturedRequest {
  return {
    body: read('captured/meeting.started.json'),
    timestamp: '1720707175',
    signature: 'v0=1a14e79349318fa1bead50ebbd3c185ae078e182d3bbd30ab8010fcb7f4357c7',
  };
}

function read(path: string): Buffer {
  return readFileSync(new URL(path, import.meta.url));
}
