import { inspect } from 'node:util';

/**
 * A value that must never be printed: a token, a password, a URL that carries one. It renders as `[secret]` wherever
 * it is logged, serialised or interpolated; only `reveal()` gives the value.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return '[secret]';
  }

  toJSON(): string {
    return '[secret]';
  }

  [inspect.custom](): string {
    return '[secret]';
  }
}

/** What is always masked, whoever sent it: query parameters that carry secrets, Recall's signing secrets, JWTs. */
const secretShapes = [
  /\b(auth_token|access_token|refresh_token|client_secret|webhook_secret|code_verifier)=[^\s&"'<>]+/g,
  /\b()whsec_[\w+/=-]+/g,
  /(?<![\w-])()eyJ[\w-]+\.[\w.-]+/g,
] as const;
/** Shorter ones are dummies (a letter, say): masking them would take the words with them. */
const minMaskedLength = 4;

/**
 * What another service has said, fit to be shown and logged: one line, `***` for each of `secrets` (as they are, and
 * as they stand in a URL) and for what looks like one.
 *
 * @param maxLength in characters; what is beyond is cut off, marked by `…`
 */
export function quoteMasked(text: string, secrets: readonly Secret[], maxLength: number): string {
  const values = secrets.flatMap((secret) => [secret.reveal(), encodeURIComponent(secret.reveal())]);
  const longestFirst = values.filter(({ length }) => length >= minMaskedLength).toSorted((a, b) => b.length - a.length);
  const known = longestFirst.reduce((masked, value) => masked.replaceAll(value, '***'), text);
  const masked = secretShapes.reduce(
    (so, shape) => so.replace(shape, (_all, name) => (name ? `${name}=***` : '***')),
    known,
  );
  const line = masked.replace(/[\s\p{Cc}]+/gu, ' ').trim();
  return line.length <= maxLength ? line : `${line.slice(0, maxLength - 1)}…`;
}
