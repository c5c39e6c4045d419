import { randomBytes } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { type MeetingReportParts, readMeetingReport } from './compose-meeting.ts';
import type { AppConfig, Config } from './config.ts';
import type { Connect } from './connect/create-connect.ts';
import type { AppKey } from './delivery/names.ts';
import { answerOnce } from './doctor/answer-once.ts';
import { checkChain } from './doctor/chain/check-chain.ts';
import type { ChainLine } from './doctor/finding.ts';
import { type DoctorApp, type KnownConnection, recallPatienceMs } from './doctor/ports.ts';
import { createUndiciProber } from './doctor/undici-prober.ts';
import type { Log } from './log.ts';
import type { AppFacts } from './operator/app-facts.ts';
import type { MeetingReport } from './operator/doctor-schemas.ts';
import { createRecallApi } from './recall/api/create-recall-api.ts';

/** How long an answer about the chain is given again: each takes several requests to the outside. */
const chainKeptMs = 10_000;
const connectionPageSize = 200;

export interface DoctorParts extends Pick<MeetingReportParts, 'source' | 'directory'> {
  readonly config: Config;
  readonly facts: Pick<AppFacts, 'read'>;
  readonly connect: Connect | undefined;
  readonly log: Log;
}

/** What proves the chain from Zoom to Recall, and tells where a meeting got lost. */
export interface Doctor {
  /** Never rejects. */
  readChain(): Promise<readonly ChainLine[]>;
  /** @throws RelayError `meeting_unknown`, `store_unavailable` */
  readMeeting(id: string): Promise<MeetingReport>;
  /** Never rejects. */
  close(): Promise<void>;
}

/** Joins the parts of the doctor. Opens nothing but the sockets it needs. */
export function composeDoctor({ config, source, facts, connect, directory, log }: DoctorParts): Doctor {
  const apps = [...config.apps.values()].map((app) => doctorApp(app));
  const prober = createUndiciProber();
  const connections = (app: AppKey): Promise<readonly KnownConnection[]> => listConnections(connect, app);
  const look = () =>
    checkChain({
      apps,
      publicUrl: config.publicUrl,
      prober,
      lastHeardMs: (app) => readLastHeard(facts, app),
      connections,
      onError: (error) => log.error({ event: 'doctor_failed', err: error }),
      nowMs: Date.now,
      randomBytes,
    });
  return {
    readChain: answerOnce(look, chainKeptMs, () => performance.now()),
    readMeeting: (id) => readMeetingReport(id, { apps, source, directory, connections, nowMs: Date.now }),
    async close() {
      await Promise.allSettled([prober.close(), ...apps.map(({ recall }) => recall?.close())]);
    },
  };
}

function doctorApp({ key, secrets, recallWebhookUrl, recall, connect }: AppConfig): DoctorApp {
  const { baseUrl, apiKey, zoomOauthAppId } = recall;
  return {
    key,
    secrets,
    recallWebhookUrl,
    oauthApp: zoomOauthAppId,
    recall:
      apiKey === undefined
        ? undefined
        : createRecallApi({ baseUrl, apiKey, timeoutMs: recallPatienceMs, nowMs: Date.now, random: Math.random }),
    client: connect && {
      kind: connect.kind === 'user-level' ? 'user_level' : 'account_level',
      clientId: connect.clientId,
      clientSecret: connect.clientSecret,
      isCustomerManaged: connect.mode === 'customer-managed',
    },
  };
}

async function readLastHeard(facts: Pick<AppFacts, 'read'>, app: AppKey): Promise<number | undefined> {
  const { lastChallengeAtMs, events } = await facts.read(app);
  const times = [lastChallengeAtMs, events[0]?.lastAtMs].filter((atMs) => atMs !== undefined);
  return times.length === 0 ? undefined : Math.max(...times);
}

async function listConnections(connect: Connect | undefined, app: AppKey): Promise<readonly KnownConnection[]> {
  const found: KnownConnection[] = [];
  let before: string | undefined;
  do {
    const page = await connect?.list({ app, limit: connectionPageSize, ...(before !== undefined && { before }) });
    found.push(...(page ?? []));
    before = page?.at(-1)?.id;
  } while (before !== undefined);
  return found;
}
