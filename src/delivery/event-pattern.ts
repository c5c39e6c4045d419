declare const brand: unique symbol;
/** Which events: an exact name (`meeting.created`), a prefix (`meeting.*`), or all (`*`). */
export type EventPattern = string & { readonly [brand]: 'EventPattern' };

const pattern = /^(?:\*|[a-z0-9_]+(?:\.[a-z0-9_]+)*(?:\.\*)?)$/;
const maxLength = 100;
/** For error messages. */
export const eventPatternRule = 'an event name (meeting.created), a prefix (meeting.*) or * for all';

export function parseEventPattern(text: string): EventPattern | undefined {
  return text.length <= maxLength && pattern.test(text) ? (text as EventPattern) : undefined;
}

/** @param name `undefined` for a body that names no event: only `*` means it too */
export function matchesEvent(patterns: readonly EventPattern[], name: string | undefined): boolean {
  return patterns.some((candidate) => {
    if (candidate === '*') return true;
    return candidate.endsWith('.*') ? (name?.startsWith(candidate.slice(0, -1)) ?? false) : candidate === name;
  });
}
