import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createKeyRing } from '../src/connect/key-ring.ts';
import { Secret } from '../src/secret.ts';

const keyOf = () => new Secret(randomBytes(32).toString('base64'));
const [older, newer] = [keyOf(), keyOf()];
const ring = createKeyRing([older]);
const rotated = createKeyRing([newer, older]);
const nowMs = 1_700_000_000_000;

describe('sealing', () => {
  test('any text opens as it was, about the same thing only', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme' }), fc.string(), fc.string(), async (text, about, other) => {
        const sealed = await ring.seal(text, about);
        expect(await ring.open(sealed, about)).toBe(text);
        if (other !== about) expect(await ring.open(sealed, other)).toBeUndefined();
      }),
      { numRuns: 50 },
    );
  });

  test('hides the text and never gives the same twice', async () => {
    const [one, two] = [await ring.seal('a-refresh-token', 'x'), await ring.seal('a-refresh-token', 'x')];
    expect(one).not.toBe(two);
    expect(Buffer.from(one, 'base64').toString('latin1')).not.toContain('a-refresh-token');
  });

  test('what was changed anywhere does not open', async () => {
    const sealed = await ring.seal('text', 'about');
    for (let index = 0; index < sealed.length - 1; index += 7) {
      const other = sealed[index] === 'A' ? 'B' : 'A';
      expect(await ring.open(sealed.slice(0, index) + other + sealed.slice(index + 1), 'about')).toBeUndefined();
    }
  });

  test('a rotated key still opens, a removed one does not', async () => {
    const sealed = await ring.seal('text', 'about');
    expect(await rotated.open(sealed, 'about')).toBe('text');
    const sealedAnew = await rotated.seal('text', 'about');
    expect(await ring.open(sealedAnew, 'about')).toBeUndefined();
    expect(await createKeyRing([newer]).open(sealed, 'about')).toBeUndefined();
  });

  test('garbage opens to nothing', async () => {
    for (const garbage of ['', 'x', 'a.b.c.d.e', '....', 'eyJhbGciOiJub25lIn0....']) {
      expect(await ring.open(garbage, 'about')).toBeUndefined();
    }
  });
});

describe('signing', () => {
  test('a token holds until it expires, for what it is about', async () => {
    const token = await ring.sign({ user: 'u' }, 'about', nowMs + 10_000);
    expect(await ring.verify(token, 'about', nowMs)).toMatchObject({ kind: 'valid', claims: { user: 'u' } });
    expect(await rotated.verify(token, 'about', nowMs)).toMatchObject({ kind: 'valid' });
    expect(await ring.verify(token, 'about', nowMs + 10_001)).toEqual({ kind: 'expired' });
    expect(await ring.verify(token, 'other', nowMs)).toEqual({ kind: 'invalid' });
  });

  test('a forged, changed or foreign token is invalid', async () => {
    const token = await ring.sign({ user: 'u' }, 'about', nowMs + 10_000);
    const [head = '', body = '', signature = ''] = token.split('.');
    const forgedBody = Buffer.from(JSON.stringify({ user: 'admin', aud: 'about', exp: nowMs })).toString('base64url');
    const none = Buffer.from(JSON.stringify({ alg: 'none' })).toString('base64url');
    const foreign = await createKeyRing([keyOf()]).sign({ user: 'u' }, 'about', nowMs + 10_000);
    for (const bad of [
      `${head}.${forgedBody}.${signature}`,
      `${none}.${body}.`,
      `${head}.${body}.`,
      foreign,
      '',
      'a.b.c',
    ]) {
      expect(await ring.verify(bad, 'about', nowMs)).toEqual({ kind: 'invalid' });
    }
  });

  test('what is sealed does not pass for signed', async () => {
    expect(await ring.verify(await ring.seal('{}', 'about'), 'about', nowMs)).toEqual({ kind: 'invalid' });
  });
});
