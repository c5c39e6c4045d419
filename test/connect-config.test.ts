import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Environment, loadConfig, roles } from '../src/config.ts';
import { RelayError } from '../src/errors.ts';
import { oauthAppId } from './support/test-relay.ts';

const key = Buffer.alloc(32, 7).toString('base64');
const workspaceSecret = `whsec_${Buffer.alloc(32, 9).toString('base64')}`;
const relay: Environment = {
  ZOOM_APP_SECRET_TOKEN: 'a-secret-token-for-tests-only',
  RECALL_ZOOM_OAUTH_APP_ID: oauthAppId,
  RECALL_REGION: 'us-east-1',
  OPERATOR_TOKEN: 'operator-token-for-tests',
};
const connecting: Environment = {
  ...relay,
  RECALL_API_KEY: 'a-recall-api-key-for-tests',
  ZOOM_APP_CLIENT_ID: 'zoom-client-id',
  ZOOM_APP_CLIENT_SECRET: 'zoom-client-secret-for-tests',
  PUBLIC_URL: 'https://relay.example.com/',
  ENCRYPTION_KEY: key,
};

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'zoom-relay-connect-config-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function refusal(env: Environment): string {
  try {
    loadConfig(env, roles);
  } catch (error) {
    if (!(error instanceof RelayError)) throw error;
    expect(error.code).toBe('configuration_invalid');
    return error.message;
  }
  return expect.unreachable('the configuration was accepted');
}

function appOf(env: Environment) {
  const [app] = [...loadConfig(env, roles).apps.values()];
  return app ?? expect.unreachable('there is no app');
}

describe('connecting by variables', () => {
  test('is off unless the client or the mode says so, whatever else is set', () => {
    const { connect } = appOf({
      ...relay,
      RECALL_API_KEY: 'a-recall-api-key-for-tests',
      PUBLIC_URL: 'https://r.example',
    });
    expect(connect).toBeUndefined();
  });

  test('is Recall-managed and user-level unless told otherwise', () => {
    const config = loadConfig(connecting, roles);
    expect(config.publicUrl).toBe('https://relay.example.com');
    expect(config.encryptionKeys.map((secret) => secret.reveal())).toEqual([key]);
    expect(appOf(connecting)).toMatchObject({
      recall: { baseUrl: 'https://us-east-1.recall.ai', zoomOauthAppId: oauthAppId },
      connect: {
        mode: 'recall-managed',
        kind: 'user-level',
        clientId: 'zoom-client-id',
        workspaceSecrets: [],
        requireRecallSignature: false,
        returnOrigins: [],
      },
    });
  });

  test('takes everything there is to tell', () => {
    const env = {
      ...connecting,
      CONNECT_MODE: 'customer-managed',
      ZOOM_APP_KIND: 'account-level',
      ENCRYPTION_KEY: `${Buffer.alloc(32, 1).toString('base64url')},${key}`,
      RECALL_WORKSPACE_SECRET: workspaceSecret,
      REQUIRE_RECALL_SIGNATURE: '1',
      CONNECT_RETURN_ORIGINS: 'https://app.example.com, http://localhost:3000/',
      ZOOM_BASE_URL: 'http://127.0.0.1:1/',
      ZOOM_API_URL: 'http://127.0.0.1:2',
    };
    const config = loadConfig(env, roles);
    expect(config.encryptionKeys).toHaveLength(2);
    expect(config.zoom).toEqual({ baseUrl: 'http://127.0.0.1:1', apiUrl: 'http://127.0.0.1:2' });
    expect(appOf(env).connect).toMatchObject({
      mode: 'customer-managed',
      kind: 'account-level',
      requireRecallSignature: true,
      returnOrigins: ['https://app.example.com', 'http://localhost:3000'],
    });
  });

  test('what it needs is named all at once', () => {
    const message = refusal({ ...relay, CONNECT_MODE: 'customer-managed' });
    for (const name of [
      'ZOOM_APP_CLIENT_ID',
      'ZOOM_APP_CLIENT_SECRET',
      'RECALL_API_KEY',
      'PUBLIC_URL',
      'ENCRYPTION_KEY',
    ]) {
      expect(message).toContain(`${name}: is needed`);
    }
  });

  test.each([
    ['PUBLIC_URL', 'http://relay.example.com'],
    ['PUBLIC_URL', `https://${'a'.repeat(60)}.${'b'.repeat(50)}.example`],
    ['PUBLIC_URL', 'https://user:pass@relay.example.com'],
    ['ENCRYPTION_KEY', 'too-short'],
    ['ENCRYPTION_KEY', Buffer.alloc(31).toString('base64')],
    ['ENCRYPTION_KEY', `${key},${key},${key}`],
    ['CONNECT_MODE', 'both'],
    ['ZOOM_APP_KIND', 'user'],
    ['ZOOM_APP_CLIENT_ID', 'with space'],
    ['ZOOM_APP_CLIENT_SECRET', 'short'],
    ['CONNECT_RETURN_ORIGINS', 'https://app.example.com/path'],
    ['CONNECT_RETURN_ORIGINS', 'http://app.example.com'],
    ['CONNECT_RETURN_ORIGINS', '*'],
    ['RECALL_WORKSPACE_SECRET', 'not-a-secret'],
    ['ZOOM_BASE_URL', 'http://zoom.example'],
    ['ZOOM_API_URL', 'api.zoom.us'],
  ])('%s=%s is refused without being shown', (name, value) => {
    const message = refusal({ ...connecting, [name]: value });
    expect(message).toContain(`${name}: `);
    if (value.length > 5) expect(message).not.toContain(value);
  });

  test('REQUIRE_RECALL_SIGNATURE needs the secret to check with', () => {
    expect(refusal({ ...connecting, REQUIRE_RECALL_SIGNATURE: '1' })).toContain('REQUIRE_RECALL_SIGNATURE: needs');
  });

  test.each(['http://localhost:8080', 'http://127.0.0.1:8080', 'http://[::1]:8080'])(
    'PUBLIC_URL=%s is refused when Recall itself is asked: its firewall takes no such address',
    (url) => {
      expect(refusal({ ...connecting, PUBLIC_URL: url })).toContain('PUBLIC_URL: must have a host name');
      const standIn = { ...connecting, RECALL_REGION: '', RECALL_BASE_URL: 'http://127.0.0.1:1' };
      expect(appOf({ ...standIn, PUBLIC_URL: url }).connect).toBeDefined();
    },
  );
});

describe('connecting by the apps file', () => {
  const secrets = { ACME_TOKEN: 'a-secret-token-for-tests-only', ACME_CLIENT_SECRET: 'zoom-client-secret-for-tests' };
  const shared = { OPERATOR_TOKEN: relay.OPERATOR_TOKEN, PUBLIC_URL: 'https://relay.example.com', ENCRYPTION_KEY: key };

  function fileWith(connect: unknown, recall: object = {}): Environment {
    const path = join(folder, 'apps.json');
    const app = {
      zoomSecretToken: { env: 'ACME_TOKEN' },
      recall: { zoomOauthAppId: oauthAppId, region: 'us-east-1', ...recall },
      connect,
    };
    writeFileSync(path, JSON.stringify({ apps: { acme: app } }));
    return { ...secrets, ...shared, APPS_FILE: path };
  }
  const connect = { clientId: 'acme-client', clientSecret: { env: 'ACME_CLIENT_SECRET' } };

  test('an app without an API key of its own uses RECALL_API_KEY', () => {
    const env = { ...fileWith(connect), RECALL_API_KEY: 'the-key-of-the-workspace' };
    expect(appOf(env).recall.apiKey?.reveal()).toBe('the-key-of-the-workspace');
    const own = fileWith(connect, { apiKey: { env: 'ACME_API_KEY' } });
    expect(
      appOf({ ...own, RECALL_API_KEY: 'x'.repeat(20), ACME_API_KEY: 'the-key-of-acme-itself' }).recall.apiKey?.reveal(),
    ).toBe('the-key-of-acme-itself');
  });

  test('what it needs is named by where it stands', () => {
    expect(refusal(fileWith(connect))).toContain('APPS_FILE apps.acme.recall.apiKey: is needed');
    const { PUBLIC_URL: _url, ENCRYPTION_KEY: _key, ...rest } = fileWith(connect);
    const message = refusal({ ...rest, RECALL_API_KEY: 'the-key-of-the-workspace' });
    expect(message).toContain('PUBLIC_URL: is needed');
    expect(message).toContain('ENCRYPTION_KEY: is needed');
  });

  test.each([
    [{ ...connect, requireRecallSignature: true }, 'connect.requireRecallSignature'],
    [{ ...connect, returnOrigins: ['https://app.example.com/x'] }, 'connect.returnOrigins.0'],
    [{ ...connect, clientSecret: 'in-clear-which-is-not-taken' }, 'connect.clientSecret'],
    [{ ...connect, unknown: 1 }, 'connect'],
  ])('%j is refused at %#', (entry, where) => {
    const message = refusal({ ...fileWith(entry), RECALL_API_KEY: 'the-key-of-the-workspace' });
    expect(message).toContain(`APPS_FILE apps.acme.${where}`);
    expect(message).not.toContain('in-clear');
  });

  test('the variables of the one app exclude it', () => {
    const env = { ...fileWith(connect), RECALL_API_KEY: 'the-key-of-the-workspace', ZOOM_APP_CLIENT_ID: 'x' };
    expect(refusal(env)).toContain('ZOOM_APP_CLIENT_ID: cannot be set together with APPS_FILE');
  });
});
