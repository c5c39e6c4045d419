import { readFileSync } from 'node:fs';
import { notificationIdOf } from '../delivery/names.ts';
import { demoSecret } from '../demo/demo-app.ts';
import { readSample, type SampleName, sampleNames } from '../demo/samples.ts';
import { postAsZoom, type ZoomAnswer, zoomHeaders } from '../demo/zoom-stand-in.ts';
import { RelayError } from '../errors.ts';
import { Secret } from '../secret.ts';
import { answerChallenge, challengeEvent } from '../zoom/challenge.ts';
import { lookAtEvent } from '../zoom/event.ts';
import type { CommandProcess } from './command-process.ts';

/** Where the Secret Token is looked for unless told otherwise. */
export const defaultSecretEnv = 'ZOOM_APP_SECRET_TOKEN';

export interface SendOptions {
  readonly list: boolean;
  readonly to: string;
  readonly secretEnv: string;
  readonly secretFile?: string;
  readonly json: boolean;
}

/**
 * Signs a sample or the bytes of a file with the app's Secret Token and posts it; prints the answer. Exit code 1 when
 * the answer is no 2xx.
 *
 * @throws RelayError `event_unknown`, `file_unreadable`, `configuration_invalid`, `target_unreachable`
 */
export async function runSendCommand(host: CommandProcess, what: string, options: SendOptions): Promise<void> {
  if (options.list) {
    host.stdout.write(`${sampleNames.join('\n')}\n`);
    return;
  }
  const url = URL.parse(options.to);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new RelayError('configuration_invalid', '--to takes an http: or https: URL');
  }
  const { secret, note } = readSecret(host, options, url);
  const body = readBody(what);
  const answer = await postAsZoom(url, zoomHeaders(secret, body, Date.now()), body);
  const verdict = judge(body, secret, answer);
  host.stdout.write(options.json ? asJson(url, body, answer) : asText(what, url, body, answer, note, verdict));
  if (verdict.startsWith('✗')) host.exitCode = 1;
}

/** A challenge counts only with the token that the secret gives: any 200 would not do for Zoom either. */
function judge(body: Uint8Array, secret: Secret, answer: ZoomAnswer): string {
  if (answer.status < 200 || answer.status >= 300) return '✗ refused';
  const look = lookAtEvent(body);
  const expected = look.name === challengeEvent ? answerChallenge(look, secret) : undefined;
  if (expected === undefined) return '✓ taken';
  return answer.text.includes(`"${expected.encryptedToken}"`)
    ? '✓ the token Zoom expects'
    : '✗ not the token Zoom expects';
}

function readBody(what: string): Uint8Array {
  const sample = sampleNames.find((name) => name === what);
  if (sample !== undefined) return readSample(sample satisfies SampleName, Date.now());
  if (what === '')
    throw new RelayError('configuration_invalid', `say what to send: ${sampleNames.join(', ')}, or a file`);
  try {
    return readFileSync(what);
  } catch (cause) {
    throw new RelayError(
      'file_unreadable',
      `${what} is neither a readable file nor a sample. Samples: ${sampleNames.join(', ')}`,
      { cause },
    );
  }
}

function readSecret(host: CommandProcess, options: SendOptions, url: URL): { secret: Secret; note: string } {
  if (options.secretFile !== undefined) {
    try {
      const secret = readFileSync(options.secretFile, 'utf8').trim();
      if (secret !== '') return { secret: new Secret(secret), note: '' };
    } catch (cause) {
      throw new RelayError('file_unreadable', '--secret-file names a file that cannot be read', { cause });
    }
    throw new RelayError('file_unreadable', '--secret-file names an empty file');
  }
  const [current = ''] = (host.env[options.secretEnv] ?? '').split(',');
  if (current.trim() !== '') return { secret: new Secret(current.trim()), note: '' };
  if (options.secretEnv === defaultSecretEnv && ['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname)) {
    return { secret: demoSecret, note: `${options.secretEnv} is not set: signed with the demo's Secret Token` };
  }
  throw new RelayError(
    'configuration_invalid',
    `${options.secretEnv} is not set: give the app's Secret Token in it, or with --secret-file`,
  );
}

function asJson(url: URL, body: Uint8Array, { status, text, durationMs }: ZoomAnswer): string {
  const notificationId = notificationIdOf(body);
  return `${JSON.stringify({ to: url.href, notificationId, bytes: body.length, status, durationMs, answer: text })}\n`;
}

function asText(what: string, url: URL, body: Uint8Array, answer: ZoomAnswer, note: string, verdict: string): string {
  const lines = [
    ...(note === '' ? [] : [note]),
    `${what}  ${body.length} bytes → ${url.href}`,
    `notification ${notificationIdOf(body)}`,
    `${answer.status} in ${answer.durationMs} ms${answer.text === '' ? '' : `  ${answer.text}`}`,
    verdict,
  ];
  return `${lines.join('\n')}\n`;
}
