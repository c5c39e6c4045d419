import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import type { Secret } from '../secret.ts';
import type { Problem, Report } from './problem.ts';
import { operatorSecret, SecretSources, secretReference } from './secret-sources.ts';

const operatorRoles = ['read', 'operate'] as const;

/** Who may ask the operator API, and what for: `read` looks, `operate` acts too. */
export interface OperatorToken {
  readonly name: string;
  readonly role: (typeof operatorRoles)[number];
  readonly token: Secret;
}

const namePattern = /^[a-z0-9_-]{1,40}$/;
const nameRule = '1 to 40 of a-z 0-9 - _';
/** Of the token in `OPERATOR_TOKEN`. */
const ownName = 'operator';

const forms = {
  document: z.strictObject({ $schema: z.string().optional(), tokens: z.unknown().optional() }),
  tokens: z.custom<object>((value) => typeof value === 'object' && value !== null && !Array.isArray(value)),
  entry: z.strictObject({ role: z.unknown().optional(), token: z.unknown().optional() }),
  role: z.enum(operatorRoles),
};

/**
 * The token of `OPERATOR_TOKEN` (may do everything) and those of the file that `OPERATOR_TOKENS` names; all problems at
 * once. Messages tell names that can be names, places, and nothing else of what stands in the file.
 */
export function readOperatorTokens(
  own: Secret | undefined,
  path: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): { readonly tokens: readonly OperatorToken[]; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const report: Report = (where, what) => {
    problems.push({ where: where === '' ? 'OPERATOR_TOKENS' : `OPERATOR_TOKENS ${where}`, what });
  };
  const tokens: OperatorToken[] = own === undefined ? [] : [{ name: ownName, role: 'operate', token: own }];
  if (path === undefined) return { tokens, problems };
  const sources = new SecretSources(env, dirname(path), report);
  for (const [index, [name, entry]] of readEntries(path, report).entries()) {
    const isName = namePattern.test(name);
    const where = isName ? `tokens.${name}` : `tokens[${index}]`;
    if (!isName) report(where, `its name must be ${nameRule}`);
    const token = readEntry(name, entry, where, sources);
    if (token === undefined) continue;
    const rival = tokens.find((other) => other.name === name || other.token.reveal() === token.token.reveal());
    if (rival?.name === name) report(where, `the name ${name} belongs to OPERATOR_TOKEN`);
    else if (rival !== undefined) report(where, `has the same token as ${rival.name}: each needs its own`);
    else if (isName) tokens.push(token);
  }
  return { tokens, problems };
}

function readEntries(path: string, report: Report): readonly [string, unknown][] {
  const document = parseJsonFile(path, report);
  if (document === undefined) return [];
  const parsed = forms.document.safeParse(document);
  const given = forms.tokens.safeParse(parsed.data?.tokens);
  if (given.success && Object.keys(given.data).length > 0) return Object.entries(given.data);
  report('', 'must be {"tokens": {"NAME": {"role": "read", "token": {"env": "VARIABLE"}}}}');
  return [];
}

function readEntry(name: string, entry: unknown, where: string, sources: SecretSources): OperatorToken | undefined {
  const parts = forms.entry.safeParse(entry).data;
  if (parts === undefined) sources.report(where, 'must have role and token, and nothing else');
  const role = forms.role.safeParse(parts?.role).data;
  if (parts !== undefined && role === undefined)
    sources.report(`${where}.role`, `must be ${operatorRoles.join(' or ')}`);
  const reference = secretReference.safeParse(parts?.token).data;
  if (parts !== undefined && reference === undefined) {
    sources.report(
      `${where}.token`,
      'must be {"env": "NAME"}, in capitals, or {"file": "path"}; a token itself is not taken',
    );
  }
  const [token] = reference === undefined ? [] : sources.resolve(reference, `${where}.token`, operatorSecret);
  return role === undefined || token === undefined ? undefined : { name, role, token };
}

function parseJsonFile(path: string, report: Report): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8').replace(/^\uFEFF/, ''));
  } catch (error) {
    // The parser's message quotes the file.
    report('', error instanceof SyntaxError ? 'is no valid JSON' : 'names a file that cannot be read');
    return undefined;
  }
}
