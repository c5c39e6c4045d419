import { createHash, hkdfSync } from 'node:crypto';
import { CompactEncrypt, compactDecrypt, decodeProtectedHeader, errors, jwtVerify, SignJWT } from 'jose';
import type { Secret } from '../secret.ts';
import type { KeyRing, VerifiedClaims } from './ports.ts';

interface Keys {
  /** Names the key without giving it away: 8 hex digits of a SHA-256 over it. */
  readonly id: string;
  readonly sealing: Uint8Array;
  readonly signing: Uint8Array;
}

/**
 * Seals as JWE (`dir`, AES-256-GCM) and signs as JWT (HS256), each with a key of its own derived from `ENCRYPTION_KEY`
 * (HKDF-SHA-256). The first key seals and signs; every key opens and verifies, found by the `kid` in the header, so that
 * keys can be rotated.
 *
 * @param keys base64 of 32 bytes each, the current one first
 * @see https://www.rfc-editor.org/rfc/rfc7516
 */
export function createKeyRing(keys: readonly [Secret, ...Secret[]]): KeyRing {
  const [current, ...previous] = [deriveKeys(keys[0]), ...keys.slice(1).map(deriveKeys)] as const;
  const all = [current, ...previous];
  const find = (id: unknown): Keys | undefined => all.find((candidate) => candidate.id === id);

  return {
    async seal(plain, about) {
      const header = { alg: 'dir', enc: 'A256GCM', kid: current.id, about };
      return new CompactEncrypt(Buffer.from(plain)).setProtectedHeader(header).encrypt(current.sealing);
    },

    async open(sealed, about) {
      try {
        const header = decodeProtectedHeader(sealed);
        const key = find(header.kid);
        if (key === undefined || header.about !== about) return undefined;
        const options = { keyManagementAlgorithms: ['dir'], contentEncryptionAlgorithms: ['A256GCM'] };
        const { plaintext } = await compactDecrypt(sealed, key.sealing, options);
        return Buffer.from(plaintext).toString('utf8');
      } catch {
        return undefined;
      }
    },

    isCurrent(sealed) {
      try {
        return decodeProtectedHeader(sealed).kid === current.id;
      } catch {
        return false;
      }
    },

    async sign(claims, about, expiresAtMs) {
      const token = new SignJWT({ ...claims }).setProtectedHeader({ alg: 'HS256', kid: current.id });
      return token.setAudience(about).setExpirationTime(new Date(expiresAtMs)).sign(current.signing);
    },

    async verify(token, about, nowMs): Promise<VerifiedClaims> {
      try {
        const key = find(decodeProtectedHeader(token).kid);
        if (key === undefined) return { kind: 'invalid' };
        const options = {
          algorithms: ['HS256'],
          audience: about,
          currentDate: new Date(nowMs),
          requiredClaims: ['exp'],
        };
        const { payload } = await jwtVerify(token, key.signing, options);
        return { kind: 'valid', claims: payload };
      } catch (error) {
        return { kind: error instanceof errors.JWTExpired ? 'expired' : 'invalid' };
      }
    },
  };
}

function deriveKeys(secret: Secret): Keys {
  const key = Buffer.from(secret.reveal(), 'base64');
  const derive = (purpose: string) => new Uint8Array(hkdfSync('sha256', key, '', `zoom-relay ${purpose}`, 32));
  const id = createHash('sha256').update('zoom-relay key id:').update(key).digest('hex').slice(0, 8);
  return { id, sealing: derive('sealing'), signing: derive('signing') };
}
