import { z } from 'zod';
import { loadConfig, roles, variableNames } from '../config.ts';
import { RelayError } from '../errors.ts';
import type { CommandProcess } from './command-process.ts';
import { readChainLines } from './doctor-chain.ts';
import { formatLine, type Line } from './doctor-line.ts';
import { formatAge } from './format-age.ts';
import { askOperatorApi } from './operator-api.ts';

const store = z.object({
  engine: z.string(),
  ready: z.boolean(),
  reason: z.string().optional(),
  findings: z.array(z.object({ level: z.string(), code: z.string(), message: z.string() })),
});
const diagnosis = z.object({
  version: z.string(),
  node: z.string(),
  nowMs: z.number(),
  roles: z.array(z.string()),
  listeners: z.object({ public: z.string().optional(), private: z.string() }),
  disk: z.object({ freeBytes: z.number(), totalBytes: z.number() }).optional(),
  zoomClock: z.object({ looked: z.number(), minMs: z.number(), maxMs: z.number() }).optional(),
});
type Diagnosis = z.infer<typeof diagnosis>;

const maxClockSkewMs = 5000;
/** Zoom's timestamp may lie so far from ours by default; half of it is too close. */
const maxZoomSkewMs = 150_000;
const leastFreeBytes = 1024 ** 3;

/**
 * One line for each thing checked, here, on a running relay and by it, from Zoom to Recall: ✓ sound, ✗ to be mended
 * with the fix, ? cannot tell.
 * Exit code 1 for any ✗.
 */
export async function runDoctorCommand(host: CommandProcess, options: { readonly json: boolean }): Promise<void> {
  const lines = [checkConfiguration(host), ...(await checkRelay(host))];
  const namesApps = new Set(lines.map(({ app }) => app).filter((app) => app !== undefined)).size > 1;
  const texts = lines.map((line) => formatLine(line, namesApps, host));
  host.stdout.write(options.json ? `${JSON.stringify(lines)}\n` : texts.join(''));
  if (lines.some(({ mark }) => mark === '✗')) host.exitCode = 1;
}

/** Of this environment, if it is one that a relay is started in. */
function checkConfiguration(host: CommandProcess): Line {
  const subject = 'configuration';
  const ofRelay = variableNames.filter((name) => !['OPERATOR_TOKEN', 'LOG_LEVEL'].includes(name));
  if (!ofRelay.some((name) => host.env[name]?.trim())) {
    return { mark: '?', subject, text: "not checked: this environment has none of a relay's variables" };
  }
  try {
    const { apps } = loadConfig(host.env, roles);
    const named = [...apps.values()].map(({ key, recallWebhookUrl }) => `${key} → ${recallWebhookUrl.host}`);
    return { mark: '✓', subject, text: `${apps.size === 1 ? '1 app' : `${apps.size} apps`}: ${named.join(', ')}` };
  } catch (error) {
    if (!(error instanceof RelayError)) throw error;
    return { mark: '✗', subject, text: error.message };
  }
}

async function checkRelay(host: CommandProcess): Promise<readonly Line[]> {
  const subject = 'relay';
  try {
    const report = store.parse(JSON.parse(await askOperatorApi(host, '/api/store')));
    const askedAtMs = Date.now();
    const told = report.ready ? diagnosis.parse(JSON.parse(await askOperatorApi(host, '/api/doctor'))) : undefined;
    const ofRelay = told === undefined ? [] : linesOf(told, Date.now() - askedAtMs);
    return [...ofRelay, ...storeLines(report), ...(report.ready ? await readChainLines(host) : [])];
  } catch (error) {
    if (!(error instanceof RelayError)) throw error;
    return [{ mark: '✗', subject, text: error.message }];
  }
}

function linesOf(told: Diagnosis, roundTripMs: number): readonly Line[] {
  const { version, node, listeners, disk, zoomClock } = told;
  const at = listeners.public === undefined ? '' : `, notifications at ${listeners.public}`;
  return [
    { mark: '✓', subject: 'relay', text: `zoom-relay ${version} on Node ${node}, ${told.roles.join(', ')}${at}` },
    clockLine(told.nowMs - (Date.now() - roundTripMs / 2)),
    zoomClockLine(zoomClock),
    ...(disk === undefined ? [] : [diskLine(disk)]),
  ];
}

function clockLine(skewMs: number): Line {
  const subject = 'clock';
  if (Math.abs(skewMs) <= maxClockSkewMs) return { mark: '✓', subject, text: 'the relay and this machine agree' };
  const text = `the relay's clock is ${formatAge(Math.abs(skewMs))} ${skewMs > 0 ? 'ahead of' : 'behind'} this machine's: one of them needs NTP`;
  return { mark: '✗', subject, text };
}

function zoomClockLine(clock: Diagnosis['zoomClock']): Line {
  const subject = 'clock of Zoom';
  if (clock === undefined) return { mark: '?', subject, text: 'cannot tell: no notification of the last day is kept' };
  const { minMs, maxMs, looked } = clock;
  const text = `Zoom's timestamps were ${seconds(minMs)} … ${seconds(maxMs)} behind ours (last ${looked})`;
  const isSound = Math.abs(minMs) <= maxZoomSkewMs && Math.abs(maxMs) <= maxZoomSkewMs;
  return isSound
    ? { mark: '✓', subject, text }
    : { mark: '✗', subject, text, fix: 'set the clock of the relay by NTP' };
}

function diskLine({ freeBytes, totalBytes }: NonNullable<Diagnosis['disk']>): Line {
  const gib = (bytes: number): string => `${(bytes / 1024 ** 3).toFixed(1)} GiB`;
  const text = `${gib(freeBytes)} of ${gib(totalBytes)} free`;
  if (freeBytes >= leastFreeBytes) return { mark: '✓', subject: 'disk', text };
  return { mark: '✗', subject: 'disk', text: `${text}: make room, the store stops when it is full` };
}

function storeLines({ engine, ready, reason, findings }: z.infer<typeof store>): readonly Line[] {
  const state: Line = ready
    ? { mark: '✓', subject: 'store', text: `${engine}, ready` }
    : { mark: '✗', subject: 'store', text: `${engine}, not ready: ${reason ?? 'no reason known'}` };
  return [
    state,
    ...findings.map(({ level, message }): Line => {
      return { mark: level === 'note' ? '?' : '✗', subject: 'store', text: message };
    }),
  ];
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}
