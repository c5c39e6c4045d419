import { z } from 'zod';
import { quoteMasked, type Secret } from '../../secret.ts';

export const maxDetailLength = 1000;
/** Deeper than any request of ours. */
const maxDepth = 4;
const conflictFields = ['conflicting_zoom_user_id', 'conflicting_zoom_account_id'];
const members = z.record(z.string(), z.unknown());

/**
 * Recall's own words about what it did not do, on one line, with secrets masked: `{"detail": …}`, the messages by
 * field of Django REST framework (`{"field": ["…"]}`, nested), or a plain text. A page of HTML has none.
 */
export function describeRefusal(status: number, body: string, secrets: readonly Secret[]): string {
  const json = parseJson(body);
  const text = json === undefined ? body : messagesOf(json, '', 0).join('; ');
  const quoted = /^\s*</.test(text) ? '' : quoteMasked(text, secrets, maxDetailLength);
  return quoted === '' ? `Recall answered ${status} and said nothing more` : quoted;
}

/** The Zoom user or account that has a credential already. Named by Zoom's id, which is not the credential's. */
export function conflictsOf(body: string): { conflictingUserId?: string; conflictingAccountId?: string } {
  const json = members.safeParse(parseJson(body)).data ?? {};
  const [user, account] = conflictFields.map((field) => idOf(json[field]));
  return {
    ...(user !== undefined && { conflictingUserId: user }),
    ...(account !== undefined && { conflictingAccountId: account }),
  };
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Django REST framework wraps what an error holds in lists, and writes an absent value as `None`. */
function idOf(value: unknown): string | undefined {
  const [first] = [value].flat();
  return typeof first === 'string' && first !== '' && first !== 'None' ? first : undefined;
}

function messagesOf(value: unknown, field: string, depth: number): readonly string[] {
  if (value === null || value === undefined || value === '' || depth > maxDepth) return [];
  if (Array.isArray(value)) {
    const entries = value.flatMap((entry) => messagesOf(entry, '', depth + 1));
    return entries.length === 0 ? [] : [named(field, entries.join(' '))];
  }
  if (typeof value !== 'object') return [named(field, String(value))];
  const entries = Object.entries(value).filter(([key]) => !conflictFields.includes(key));
  const detailFirst = entries.toSorted(([a], [b]) => Number(b === 'detail') - Number(a === 'detail'));
  return detailFirst.flatMap(([key, entry]) => messagesOf(entry, pathOf(field, key), depth + 1));
}

function pathOf(field: string, key: string): string {
  if (key === 'detail' || key === 'non_field_errors') return field;
  return field === '' ? key : `${field}.${key}`;
}

function named(field: string, message: string): string {
  return field === '' ? message : `${field}: ${message}`;
}
