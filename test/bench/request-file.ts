import { createHash, createHmac, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';

export interface RequestFileOptions {
  readonly requests: number;
  readonly bodyBytes: number;
  readonly secret: string;
  /** Of the `Host` header. */
  readonly host: string;
  readonly nowMs: number;
}

const writtenAtOnce = 2000;
const lengthDigits = 8;
/** One in ten is about a user, the others about meetings. */
const usersOneIn = 10;

/** Writes signed requests, no body twice, as `load.lua` reads them. `x-zm-request-id` is what the sink checks bodies by. */
export async function writeRequestFile(path: string, options: RequestFileOptions): Promise<void> {
  const file = createWriteStream(path);
  const run = randomBytes(6).toString('hex');
  for (let from = 0; from < options.requests; from += writtenAtOnce) {
    const count = Math.min(writtenAtOnce, options.requests - from);
    const some = Array.from({ length: count }, (_, index) => recordOf(options, run, from + index));
    if (!file.write(some.join(''))) await once(file, 'drain');
  }
  file.end();
  await finished(file);
}

function recordOf({ bodyBytes, secret, host, nowMs }: RequestFileOptions, run: string, number: number): string {
  const body = bodyOf(run, number, bodyBytes, nowMs);
  const timestamp = String(Math.floor(nowMs / 1000));
  const signature = createHmac('sha256', secret).update(`v0:${timestamp}:${body}`).digest('hex');
  const id = createHash('sha256').update(body).digest('hex').slice(0, 32);
  const before = [
    'POST /webhooks/zoom HTTP/1.1',
    `host: ${host}`,
    'user-agent: Zoom Marketplace/1.0a',
    'content-type: application/json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    'clientid: zoom-app-client-id',
    'authorization: legacy-verification-token',
    `x-zm-request-timestamp: ${timestamp}`,
    `x-zm-signature: v0=${signature}`,
    `x-zm-request-id: ${id}`,
    'x-zm-trackingid: ',
  ].join('\r\n');
  const after = `\r\n\r\n${body}`;
  return [before, after].map(lengthOf).join('') + before + after;
}

function lengthOf(text: string): string {
  return String(Buffer.byteLength(text)).padStart(lengthDigits, '0');
}

function bodyOf(run: string, number: number, bytes: number, nowMs: number): string {
  const isUser = number % usersOneIn === 0;
  const uuid = `${run}${String(number).padStart(12, '0')}==`;
  const user = { id: uuid, email: 'someone@example.com', pmi: 1_000_000_000 + number, dept: '' };
  const meeting = { uuid, id: 80_000_000_000 + number, host_id: 'x1yCzABCDEfg23HiJKl4mN', topic: '', type: 2 };
  const object: { topic?: string; dept?: string } = isUser ? user : meeting;
  const payload = { account_id: 'VjZoEArIT5y-HlWxkV-tVA', operator: 'someone@example.com', object };
  const event = { event: isUser ? 'user.updated' : 'meeting.created', event_ts: nowMs, payload };
  const filler = 'Zuhören 🚒 '.repeat(Math.ceil(bytes / 14));
  const left = bytes - Buffer.byteLength(JSON.stringify(event));
  const text = Buffer.from(filler).subarray(0, Math.max(0, left)).toString('utf8').replaceAll('\uFFFD', '');
  if (isUser) object.dept = text;
  else object.topic = text;
  return JSON.stringify(event);
}
