import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { z } from 'zod';
import type { Secret } from '../secret.ts';
import type { Report } from './problem.ts';
import { secretToken, secretTokenRule, webhookSecret, webhookSecretRule, workspaceSecretRule } from './values.ts';

/** Capitals, so that a secret written here by mistake is not taken for a name and told in a message. */
const variableName = /^[A-Z][A-Z0-9_]{0,99}$/;

const reference = '{"env": "NAME"} or {"file": "path"}';
const neverItself = 'a secret itself is not taken';

export const secretReference = z
  .union(
    [
      z.strictObject({ env: z.string().regex(variableName).describe('name of an environment variable, in capitals') }),
      z.strictObject({ file: z.string().min(1).describe('path of a file; relative to this file') }),
    ],
    `must be ${reference}; ${neverItself}`,
  )
  .describe('where the secret is; never the secret itself');

export const secretReferences = z
  .union(
    [secretReference, z.array(secretReference).min(1).max(2)],
    `must be ${reference}, or a list of one or two of them; ${neverItself}`,
  )
  .describe('two while rotating, the current one first');

/** What a kind of secret must look like. */
interface SecretForm {
  readonly parse: (text: string) => Secret | undefined;
  readonly rule: string;
}

export const zoomSecret: SecretForm = { parse: secretToken, rule: secretTokenRule };
export const operatorSecret: SecretForm = { parse: secretToken, rule: secretTokenRule };
export const clientSecret: SecretForm = { parse: secretToken, rule: secretTokenRule };
export const apiKey: SecretForm = { parse: secretToken, rule: secretTokenRule };
export const standardWebhooksSecret: SecretForm = { parse: webhookSecret, rule: webhookSecretRule };
export const workspaceSecret: SecretForm = { parse: webhookSecret, rule: workspaceSecretRule };

/** Where the secrets that a configuration file refers to are: variables, and files relative to it. */
export class SecretSources {
  readonly report: Report;
  readonly #env: Readonly<Record<string, string | undefined>>;
  readonly #folder: string;

  constructor(env: Readonly<Record<string, string | undefined>>, folder: string, report: Report) {
    this.#env = env;
    this.#folder = folder;
    this.report = report;
  }

  /** The secrets behind one or two references; what is wrong with them is reported. */
  resolve(references: unknown, where: string, form: SecretForm): readonly Secret[] {
    const list = [secretReferences.safeParse(references).data ?? []].flat();
    return list.flatMap((reference) => this.#resolveOne(reference, where, form) ?? []);
  }

  /** Whether a variable is set. */
  has({ env: name }: { readonly env: string }): boolean {
    return Boolean(this.#env[name]?.trim());
  }

  #resolveOne(reference: z.infer<typeof secretReference>, where: string, form: SecretForm): Secret | undefined {
    const isVariable = 'env' in reference;
    const value = isVariable ? this.#env[reference.env] : this.#read(reference.file);
    const source = isVariable ? `variable ${reference.env}` : 'file';
    if (value === undefined || value.trim() === '') {
      this.report(where, `refers to a ${source} that is ${isVariable ? 'not set' : 'not readable or empty'}`);
      return undefined;
    }
    const secret = form.parse(value);
    if (secret === undefined) this.report(where, `the ${source} it refers to ${form.rule}`);
    return secret;
  }

  #read(path: string): string | undefined {
    try {
      return readFileSync(resolve(this.#folder, path), 'utf8');
    } catch {
      return undefined;
    }
  }
}
