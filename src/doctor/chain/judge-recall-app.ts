import { formatAge } from '../../format-age.ts';
import type { RecallAnswer, RecallApp, RecallLogLine, RecallRefusal } from '../../recall/api/recall-api.ts';
import { isSameSecret } from '../../recall/registration/plan-registration.ts';
import { type Finding, type Subject, sound, unknown, wrong } from '../finding.ts';
import type { DoctorApp } from '../ports.ts';

const subject = 'Recall app';
const shownLogLines = 3;

/** Holds what Recall has of the app against what is configured. */
export function judgeRecallApp(
  app: Pick<DoctorApp, 'oauthApp' | 'secrets' | 'client'>,
  answer: RecallAnswer<RecallApp>,
  log: readonly RecallLogLine[],
  nowMs: number,
): Finding {
  if (answer.kind === 'not_found') {
    const fix = `zoom-relay register creates or finds it and prints its id; or the API key is of another workspace`;
    return wrong(subject, `Recall has no app ${app.oauthApp}`, fix);
  }
  if (answer.kind !== 'ok') return judgeRefusal(subject, answer);
  const faults = faultsOf(app, answer.value);
  const notes = log.slice(0, shownLogLines).map(({ message, createdAtMs }) => {
    return `\nRecall noted${createdAtMs === undefined ? '' : ` ${formatAge(nowMs - createdAtMs)} ago`}: ${message}`;
  });
  if (faults.length > 0) {
    const fix =
      faults.find(({ fix: own }) => own !== undefined)?.fix ?? 'zoom-relay register gives Recall the present secrets';
    return wrong(subject, faults.map(({ text }) => text).join('; ') + notes.join(''), fix);
  }
  return sound(subject, describeSound(app, answer.value) + notes.join(''));
}

/** What a refusal says about whatever was asked: a key that is refused is wrong, all else cannot be told. */
export function judgeRefusal(about: Subject, refusal: RecallRefusal): Finding {
  if (refusal.kind === 'unauthorized') {
    const fix = 'check RECALL_API_KEY: it must be of a workspace in the region that RECALL_REGION names';
    return wrong(about, `Recall does not take the API key: ${refusal.detail}`, fix);
  }
  const hasNoAnswer = refusal.kind === 'unavailable' && refusal.networkError !== undefined;
  const fix = hasNoAnswer ? 'check the network, and RECALL_REGION or RECALL_BASE_URL' : undefined;
  const status = refusal.status === undefined ? '' : ` (${refusal.status})`;
  return unknown(about, `cannot tell: Recall's API did not answer this${status}: ${refusal.detail}`, fix);
}

/** Of an app without an API key. */
export function judgeWithoutKey(app: string): Finding {
  const fix = `set RECALL_API_KEY (with APPS_FILE: or apps.${app}.recall.apiKey) to have the app, its credentials and scopes looked at`;
  return unknown(subject, 'not looked at: RECALL_API_KEY is not set', fix);
}

interface Fault {
  readonly text: string;
  /** When it is not mended by registering. */
  readonly fix?: string;
}

function faultsOf({ secrets, client }: Pick<DoctorApp, 'secrets' | 'client'>, there: RecallApp): readonly Fault[] {
  const held = secrets.findIndex((secret) => isSameSecret(secret, there.webhookSecret));
  const needsSecret = client !== undefined && !client.isCustomerManaged;
  const registerAnew = 'check ZOOM_APP_CLIENT_ID; zoom-relay register finds or creates the app of this client id';
  return [
    ...(client !== undefined && client.clientId !== there.clientId
      ? [{ text: 'its client_id is not ours', fix: registerAnew }]
      : []),
    ...(client !== undefined && client.kind !== there.kind
      ? [
          {
            text: `it is ${nameOf(there.kind)}, ours is ${nameOf(client.kind)}`,
            fix: 'set ZOOM_APP_KIND as Recall has it',
          },
        ]
      : []),
    ...(needsSecret && !isSameSecret(client.clientSecret, there.clientSecret)
      ? [{ text: 'its client_secret is not ours' }]
      : []),
    ...(held > 0 ? [{ text: 'its webhook_secret is the previous Secret Token' }] : []),
    ...(held < 0 ? [{ text: 'its webhook_secret is none of ours' }] : []),
  ];
}

function describeSound({ client, oauthApp }: Pick<DoctorApp, 'client' | 'oauthApp'>, { kind }: RecallApp): string {
  if (client === undefined) return `${oauthApp}, ${nameOf(kind)}: its webhook_secret is ours`;
  const secret = client.isCustomerManaged
    ? 'client_id and webhook_secret'
    : 'client_id, client_secret and webhook_secret';
  return `${oauthApp}, ${nameOf(kind)}: ${secret} are ours`;
}

function nameOf(kind: RecallApp['kind']): string {
  return kind === 'user_level' ? 'user-level' : 'account-level';
}
