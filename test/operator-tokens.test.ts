import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Environment, loadConfig, type Role, roles } from '../src/config.ts';
import { RelayError } from '../src/errors.ts';
import { oauthAppId } from './support/test-relay.ts';

const needed: Environment = {
  ZOOM_APP_SECRET_TOKEN: 'current-secret-token',
  RECALL_ZOOM_OAUTH_APP_ID: oauthAppId,
  RECALL_REGION: 'us-west-2',
  ALICE_TOKEN: 'token-of-alice-for-tests',
  GRAFANA_TOKEN: 'token-of-grafana-for-tests',
  SHORT_TOKEN: 'fifteen-letters',
  BLANK_TOKEN: ' ',
};
const alice = { role: 'operate', token: { env: 'ALICE_TOKEN' } };
const grafana = { role: 'read', token: { env: 'GRAFANA_TOKEN' } };

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'zoom-relay-tokens-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** The environment that names a file with this document (a text is written as it is). */
function write(document: unknown): Environment {
  const path = join(folder, 'tokens.json');
  writeFileSync(path, typeof document === 'string' ? document : JSON.stringify(document));
  return { ...needed, OPERATOR_TOKENS: path };
}

function tokensOf(env: Environment, role: readonly Role[] = roles): unknown[] {
  return loadConfig(env, role).operatorTokens.map(({ name, role: of, token }) => [name, of, token.reveal()]);
}

/** What a refused configuration is told. */
function refusal(env: Environment): string {
  try {
    loadConfig(env, roles);
  } catch (error) {
    if (!(error instanceof RelayError)) throw error;
    expect(error.code).toBe('configuration_invalid');
    expect(inspect(error, { depth: null, showHidden: true })).not.toMatch(/-for-tests|fifteen-letters/);
    return error.message;
  }
  return expect.unreachable('the configuration was accepted');
}

/** The places named by the problems. */
function places(message: string): string[] {
  const [, ...lines] = message.split('\n');
  return lines.map((line) => line.split(': ', 1).join('').trim());
}

test('tokens have names and roles, and are in variables or in files beside the document', () => {
  writeFileSync(join(folder, 'bob'), 'token-of-bob-for-tests\r\n');
  const bob = { role: 'operate', token: { file: 'bob' } };
  expect(tokensOf(write({ $schema: 'x', tokens: { alice, 'grafana-1_': grafana, bob } }))).toEqual([
    ['alice', 'operate', 'token-of-alice-for-tests'],
    ['grafana-1_', 'read', 'token-of-grafana-for-tests'],
    ['bob', 'operate', 'token-of-bob-for-tests'],
  ]);
});

test('OPERATOR_TOKEN is one more, called operator, that may do everything', () => {
  const env = { ...write({ tokens: { grafana } }), OPERATOR_TOKEN: 'token-of-operator-for-tests' };
  expect(tokensOf(env)).toEqual([
    ['operator', 'operate', 'token-of-operator-for-tests'],
    ['grafana', 'read', 'token-of-grafana-for-tests'],
  ]);
});

test('the operator role needs one of the two, and the file is enough', () => {
  expect(places(refusal(needed))).toEqual(['OPERATOR_TOKEN']);
  expect(refusal(needed)).toContain('OPERATOR_TOKENS');
  expect(tokensOf(write({ tokens: { grafana } }))).toHaveLength(1);
  expect(tokensOf({ ...needed, STORE_URL: 'redis://cache', OPERATOR_TOKENS: ' ' }, ['edge'])).toEqual([]);
});

describe('a file', () => {
  test.each([
    ['that is no JSON', '{"tokens":', ['OPERATOR_TOKENS']],
    ['that is no object', [], ['OPERATOR_TOKENS']],
    ['that is null', null, ['OPERATOR_TOKENS']],
    ['without tokens', {}, ['OPERATOR_TOKENS']],
    ['with no token', { tokens: {} }, ['OPERATOR_TOKENS']],
    ['with a list of tokens', { tokens: [alice] }, ['OPERATOR_TOKENS']],
    ['with an unknown key', { tokens: { alice }, roles: {} }, ['OPERATOR_TOKENS']],
    [
      'with an entry that is a token itself',
      { tokens: { alice: needed.ALICE_TOKEN } },
      ['OPERATOR_TOKENS tokens.alice'],
    ],
    [
      'with an unknown key in an entry',
      { tokens: { alice: { ...alice, admin: true } } },
      ['OPERATOR_TOKENS tokens.alice'],
    ],
    ['with an unknown role', { tokens: { alice: { ...alice, role: 'admin' } } }, ['OPERATOR_TOKENS tokens.alice.role']],
    ['without a role', { tokens: { alice: { token: alice.token } } }, ['OPERATOR_TOKENS tokens.alice.role']],
    ...['', 'Alice', 'a b', 'a.b', 'é', 'a'.repeat(41)].map((name): [string, unknown, string[]] => [
      `with the name ${JSON.stringify(name)}`,
      { tokens: { grafana, [name]: alice } },
      ['OPERATOR_TOKENS tokens[1]'],
    ]),
    ...[
      ['a token itself', needed.ALICE_TOKEN],
      ['no reference', undefined],
      ['two references', [{ env: 'ALICE_TOKEN' }, { env: 'GRAFANA_TOKEN' }]],
      ['a reference of both kinds', { env: 'ALICE_TOKEN', file: 'x' }],
      ['a variable that cannot be one', { env: 'token-of-alice-for-tests' }],
      ['a variable that is not set', { env: 'NOT_SET' }],
      ['a variable that is blank', { env: 'BLANK_TOKEN' }],
      ['a token that anybody could guess', { env: 'SHORT_TOKEN' }],
      ['a file that is not there', { file: 'not-there' }],
    ].map(([what, token]): [string, unknown, string[]] => [
      `with ${what}`,
      { tokens: { alice: { role: 'read', token } } },
      ['OPERATOR_TOKENS tokens.alice.token'],
    ]),
    ['with one token under two names', { tokens: { alice, bob: alice } }, ['OPERATOR_TOKENS tokens.bob']],
  ])('%s is refused, naming the place', (_what, document, where) => {
    expect(places(refusal(write(document)))).toEqual(where);
  });

  test('that is not there is refused', () => {
    for (const path of [join(folder, 'not-there.json'), folder]) {
      expect(places(refusal({ ...needed, OPERATOR_TOKENS: path }))).toEqual(['OPERATOR_TOKENS']);
    }
  });

  test('cannot take the name or the token of OPERATOR_TOKEN', () => {
    const OPERATOR_TOKEN = needed.ALICE_TOKEN;
    expect(places(refusal({ ...write({ tokens: { operator: grafana } }), OPERATOR_TOKEN }))).toEqual([
      'OPERATOR_TOKENS tokens.operator',
    ]);
    expect(places(refusal({ ...write({ tokens: { alice } }), OPERATOR_TOKEN }))).toEqual([
      'OPERATOR_TOKENS tokens.alice',
    ]);
    expect(tokensOf(write({ tokens: { operator: grafana } }))).toEqual([
      ['operator', 'read', 'token-of-grafana-for-tests'],
    ]);
  });

  test('tells all its problems at once, with those of the variables', () => {
    const env = write({
      tokens: { alice: { ...alice, role: 'x' }, 'B B': grafana, carol: { role: 'read', token: 1 } },
    });
    expect(places(refusal({ ...env, PORT: 'abc' }))).toEqual([
      'PORT',
      'OPERATOR_TOKENS tokens.alice.role',
      'OPERATOR_TOKENS tokens[1]',
      'OPERATOR_TOKENS tokens.carol.token',
    ]);
  });

  test('is never quoted, whatever stands in it and wherever', () => {
    const wrong = fc.constantFrom('hunter2-SECRET value!', 'Hunter2-SECRET', '"hunter2\n', '{hunter2-SECRET');
    const place = fc.constantFrom('text', 'document', 'tokens', 'name', 'entry', 'role', 'token', 'env', 'key');
    fc.assert(
      fc.property(place, wrong, (at, value) => {
        const put = (here: typeof at, right: unknown): unknown => (here === at ? value : right);
        const token = put('token', { env: put('env', 'ALICE_TOKEN') });
        const entry = put('entry', { role: put('role', 'read'), token, ...(at === 'key' && { [value]: value }) });
        const name = at === 'name' ? value : 'alice';
        const document = put('document', { tokens: put('tokens', { [name]: entry }) });
        expect(refusal(write(at === 'text' ? value : document))).not.toMatch(/hunter2|SECRET/i);
      }),
    );
  });
});
