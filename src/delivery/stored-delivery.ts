import { isUtf8 } from 'node:buffer';
import { hash } from 'node:crypto';
import type { NotificationId, QueueName } from './names.ts';

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
 * The job data, version 1. A body that is valid UTF-8 without NUL is kept as text (compact, readable, and PostgreSQL's
 * jsonb refuses NUL); any other as base64. Never change the meaning of a version: queued jobs outlive a deploy.
 */
export interface StoredDelivery {
  readonly v: 1;
  readonly receivedAtMs: number;
  readonly secretId: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly text?: string;
  readonly base64?: string;
}

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
  const asText = isUtf8(body) && !body.includes(0);
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const stored = asText ? { text: bytes.toString('utf8') } : { base64: bytes.toString('base64') };
  return { v: 1, receivedAtMs, secretId, headers, ...stored };
}

export type Decoded =
  | { readonly kind: 'content'; readonly content: DeliveryContent }
  | { readonly kind: 'unreadable'; readonly reason: string };

/** Reads job data of any version this software knows. What it does not know is named, not guessed at. */
export function decodeDelivery(data: unknown): Decoded {
  if (!isRecord(data)) return unreadable('job data is not an object');
  if (data.v !== 1) {
    const version = typeof data.v === 'number' ? data.v : 'unknown';
    return unreadable(`job data has version ${version}, this release reads 1`);
  }
  const { receivedAtMs, secretId, headers } = data;
  if (typeof receivedAtMs !== 'number' || typeof secretId !== 'string' || !isHeaders(headers)) {
    return unreadable('job data lacks a field of version 1');
  }
  const body = decodeBody(data);
  if (body === undefined) return unreadable('job data holds no body');
  return { kind: 'content', content: { body, headers, receivedAtMs, secretId } };
}

/** Whether the bytes are the ones the id was made from. Needs no secret, so it holds after a rotation too. */
export function bodyMatchesId(body: Uint8Array, id: string): boolean {
  return hash('sha256', body, 'hex').startsWith(id) && id.length === 32;
}

function decodeBody(data: Record<string, unknown>): Uint8Array | undefined {
  if (typeof data.text === 'string') return Buffer.from(data.text, 'utf8');
  if (typeof data.base64 === 'string') return Buffer.from(data.base64, 'base64');
  return undefined;
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
