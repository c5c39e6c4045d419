/**
 * Headers as they are kept in version 2 of the job data: a value for each of the names below, in this order, and last, only
 * if there are any, all others by name. Never change any of it: queued jobs outlive a deploy.
 */
export type StoredHeaders = readonly (string | typeof absent | typeof usual | Readonly<Record<string, string>>)[];

const absent = 0;
/** Stands for the value that Zoom always sends. */
const usual = 1;

const slots: readonly { readonly name: string; readonly usual?: string; readonly hasHex?: true }[] = [
  { name: 'content-type', usual: 'application/json; charset=utf-8' },
  { name: 'user-agent', usual: 'Zoom Marketplace/1.0a' },
  { name: 'x-zm-signature', hasHex: true },
  { name: 'x-zm-request-timestamp' },
  { name: 'x-zm-request-id' },
  { name: 'x-zm-trackingid', hasHex: true },
  { name: 'traceparent', hasHex: true },
];
const known = new Set(slots.map(({ name }) => name));

/** @param headers lower-case names to values */
export function encodeHeaders(headers: Readonly<Record<string, string>>): StoredHeaders {
  const others = Object.entries(headers).filter(([name, value]) => !known.has(name) || value.includes(mark));
  const stored = slots.map(({ name, usual: usualValue, hasHex }) => {
    const value = headers[name];
    if (value === undefined || value.includes(mark)) return absent;
    if (value === usualValue) return usual;
    return hasHex ? packHex(value) : value;
  });
  return others.length === 0 ? stored : [...stored, Object.fromEntries(others)];
}

/** @returns `undefined` when it is not what `encodeHeaders` makes */
export function decodeHeaders(stored: unknown): Readonly<Record<string, string>> | undefined {
  if (!Array.isArray(stored) || stored.length < slots.length || stored.length > slots.length + 1) return undefined;
  const values: readonly unknown[] = stored;
  const headers: [name: string, value: string][] = [];
  for (const [index, { name, usual: usualValue, hasHex }] of slots.entries()) {
    const value = values[index] === usual ? usualValue : values[index];
    if (value === absent) continue;
    if (typeof value !== 'string') return undefined;
    headers.push([name, hasHex ? unpackHex(value) : value]);
  }
  const others = values[slots.length] ?? {};
  if (!isTexts(others)) return undefined;
  return Object.fromEntries([...headers, ...Object.entries(others)]);
}

/** Between two of these stand hex digits as base64url; a value with one is kept by name, as it is. */
const mark = '~';

function packHex(value: string): string {
  return value.replace(
    /(?:[0-9a-f]{2}){8,}/g,
    (hex) => `${mark}${Buffer.from(hex, 'hex').toString('base64url')}${mark}`,
  );
}

function unpackHex(value: string): string {
  return value.replace(/~([^~]*)~/g, (_, packed: string) => Buffer.from(packed, 'base64url').toString('hex'));
}

function isTexts(value: unknown): value is Readonly<Record<string, string>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((text) => typeof text === 'string');
}
