import { type LinkInput, linkInput } from '../../connections/connection-schemas.ts';

export const linkFields = ['app', 'user', 'returnTo', 'expiresIn', 'reason'] as const;
export type LinkField = (typeof linkFields)[number];

export interface ReadLinkForm {
  /** As typed, to be shown again. */
  readonly given: Readonly<Partial<Record<LinkField, string>>>;
  readonly problems: Readonly<Partial<Record<LinkField, string>>>;
  /** Absent when something is wrong. */
  readonly input?: LinkInput;
}

export const emptyLinkForm: ReadLinkForm = { given: {}, problems: {} };

export function readLinkForm(fields: Readonly<Record<string, string>>): ReadLinkForm {
  const given = Object.fromEntries(linkFields.flatMap((name) => (fields[name] ? [[name, fields[name]]] : [])));
  const parsed = linkInput.safeParse(given);
  if (parsed.success) return { given, problems: {}, input: parsed.data };
  const problems = Object.fromEntries(
    parsed.error.issues.map(({ path: [name], message }) => [isField(name) ? name : missingIn(given), message]),
  );
  return { given, problems };
}

function isField(name: unknown): name is LinkField {
  return linkFields.some((field) => field === name);
}

function missingIn({ app }: ReadLinkForm['given']): LinkField {
  return app === undefined ? 'app' : 'user';
}
