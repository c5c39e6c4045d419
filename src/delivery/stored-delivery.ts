import { isUtf8 } from 'node:buffer';
import { hash } from 'node:crypto';
import type { NotificationId, QueueName } from './names.ts';
import { decodeHeaders, encodeHeaders, type StoredHeaders } from './stored-headers.ts';

/** What a delivery carries: the notification as it came. */
export interface DeliveryContent {
  readonly body: Uint8Array;
  /** Lower-case names to values as received. */
  readonly headers: Readonly<Record<string, string>>;
  /** Epoch milliseconds. */
  readonly receivedAtMs: number;
  /** Names the Secret Token that verified it, see `secretIdOf`. */
  readonly secretId: string;
}

/**
 * The job data, version 2: short, because a backlog is kept in memory. A body that is valid UTF-8 without NUL is kept as text
 * (compact, readable, and PostgreSQL's jsonb refuses NUL); any other as base64. Never change the meaning of a version: queued
 * jobs outlive a deploy.
 */
export type StoredDelivery = readonly [
  v: 2,
  form: BodyForm,
  receivedAtMs: number,
  secretId: string,
  headers: StoredHeaders,
  body: string,
];

/** How a body is kept. In JSON each quote would be escaped; few bodies have a backtick. */
const bodyForms = { backticksForQuotes: 0, text: 1, base64: 2 } as const;
type BodyForm = (typeof bodyForms)[keyof typeof bodyForms];

/** One delivery to be queued. */
export interface NewDelivery {
  readonly queue: QueueName;
  readonly id: NotificationId;
  /** The event's name, or `unknown`: what a queue browser shows. At most 100 of `a-z 0-9 _ .` */
  readonly label: string;
  readonly data: StoredDelivery;
  /** What a search for a text finds it by. Absent: whatever stands in it. */
  readonly handles?: readonly string[];
  /** About what it weighs in memory, in bytes. */
  readonly sizeBytes: number;
}

export function encodeDelivery(content: DeliveryContent): StoredDelivery {
  const { body, headers, receivedAtMs, secretId } = content;
  const [form, text] = encodeBody(Buffer.from(body.buffer, body.byteOffset, body.byteLength));
  return [2, form, receivedAtMs, secretId, encodeHeaders(headers), text];
}

function encodeBody(body: Buffer): readonly [BodyForm, string] {
  if (!isUtf8(body) || body.includes(0)) return [bodyForms.base64, body.toString('base64')];
  const text = body.toString('utf8');
  if (text.includes('`')) return [bodyForms.text, text];
  return [bodyForms.backticksForQuotes, text.replaceAll('"', '`')];
}

export type Decoded =
  | { readonly kind: 'content'; readonly content: DeliveryContent }
  | { readonly kind: 'unreadable'; readonly reason: string };

/** Reads job data of any version this software knows. What it does not know is named, not guessed at. */
export function decodeDelivery(data: unknown): Decoded {
  if (!isRecord(data)) return unreadable('job data is not an object');
  const version = Array.isArray(data) ? data[0] : data.v;
  if (version === 1) return decodeVersion1(data);
  if (version === 2 && Array.isArray(data)) return decodeVersion2(data);
  return unreadable(
    `job data has version ${typeof version === 'number' ? version : 'unknown'}, this release reads 1 and 2`,
  );
}

/** An object; `text` or `base64` holds the body. */
function decodeVersion1({ receivedAtMs, secretId, headers, text, base64 }: Record<string, unknown>): Decoded {
  if (typeof receivedAtMs !== 'number' || typeof secretId !== 'string' || !isHeaders(headers)) {
    return unreadable('job data lacks a field of version 1');
  }
  const body = decodeBody(bodyForms.text, text) ?? decodeBody(bodyForms.base64, base64);
  if (body === undefined) return unreadable('job data holds no body');
  return { kind: 'content', content: { body, headers, receivedAtMs, secretId } };
}

function decodeVersion2([, form, receivedAtMs, secretId, stored, text]: readonly unknown[]): Decoded {
  const headers = decodeHeaders(stored);
  if (typeof receivedAtMs !== 'number' || typeof secretId !== 'string' || headers === undefined) {
    return unreadable('job data lacks a field of version 2');
  }
  const body = decodeBody(form, text);
  if (body === undefined) return unreadable('job data holds no body');
  return { kind: 'content', content: { body, headers, receivedAtMs, secretId } };
}

function decodeBody(form: unknown, text: unknown): Uint8Array | undefined {
  if (typeof text !== 'string') return undefined;
  if (form === bodyForms.backticksForQuotes) return Buffer.from(text.replaceAll('`', '"'), 'utf8');
  if (form === bodyForms.text) return Buffer.from(text, 'utf8');
  return form === bodyForms.base64 ? Buffer.from(text, 'base64') : undefined;
}

/** Whether the bytes are the ones the id was made from. Needs no secret, so it holds after a rotation too. */
export function bodyMatchesId(body: Uint8Array, id: string): boolean {
  return hash('sha256', body, 'hex').startsWith(id) && id.length === 32;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function isHeaders(value: unknown): value is Record<string, string> {
  return isRecord(value) && !Array.isArray(value) && Object.values(value).every((header) => typeof header === 'string');
}

function unreadable(reason: string): Decoded {
  return { kind: 'unreadable', reason };
}
