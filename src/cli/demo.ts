import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Relay, startRelay } from '../compose.ts';
import { loadConfig, roles } from '../config.ts';
import { offBy, receivedOf, sumOf } from '../delivery/ledger.ts';
import { type AppKey, recallConsumer } from '../delivery/names.ts';
import { makeDemoLink } from '../demo/connect-steps.ts';
import { type DemoStandIns, startDemoStandIns } from '../demo/demo-stand-ins.ts';
import { demoSteps } from '../demo/demo-steps.ts';
import type { DemoStage, StepResult } from '../demo/steps.ts';
import { RelayError } from '../errors.ts';
import { createLog, type Log } from '../log.ts';
import type { CommandProcess } from './command-process.ts';
import { untilSignal } from './until-signal.ts';

const app = 'default' as AppKey;
const operatorToken = 'demo-operator-token';
const storePatienceMs = 60_000;
const pollMs = 50;

/** Runs the relay with stand-ins on both sides, shows what it does, checks each step. Nothing leaves this machine. */
export async function runDemoCommand(host: CommandProcess, options: { readonly once: boolean }): Promise<void> {
  const print = (line = ''): void => void host.stdout.write(`${line}\n`);
  const folder = await mkdtemp(join(tmpdir(), 'zoom-relay-demo-'));
  const standIns = await startDemoStandIns();
  const live = { on: false };
  const log = createLog('info', { write: (line) => void (live.on && host.stdout.write(`  ${line}`)) });
  const stopping = new AbortController();
  const interrupted = untilSignal(host).then(() => 'interrupted' as const);
  let starting: Promise<Relay> | undefined;
  const show = async (): Promise<void> => {
    print('zoom-relay demo · embedded store in a temporary folder · nothing leaves this machine');
    print();
    starting = startDemoRelay(folder, standIns, log);
    const relay = await starting;
    const endpoint = new URL('/webhooks/zoom/default', relay.publicUrl);
    print(`  relay          ${endpoint}`);
    print(`  dashboard      ${relay.privateUrl}  (log in with ${operatorToken})`);
    print(`  Recall, Zoom   stand-ins on 127.0.0.1`);
    print();
    await whenReady(relay, stopping.signal);
    const operator = { url: relay.privateUrl, token: operatorToken };
    const { recall, zoom } = standIns;
    const stage = { endpoint, recall, zoom, operator, sent: { total: 0, acceptedSha256: new Set<string>() } };
    const holds = await runSteps(stage, relay, print);
    if (!holds) host.exitCode = 1;
    if (options.once) return;
    live.on = true;
    printInvitation(relay, endpoint, await makeDemoLink(stage, 'you'), print);
    await interrupted;
  };
  try {
    if ((await Promise.race([show(), interrupted])) === 'interrupted') print('  Stopping; the folder is removed.');
    live.on = false;
  } finally {
    stopping.abort();
    await (await starting?.catch(() => undefined))?.stop();
    await standIns.close();
    await rm(folder, { recursive: true, force: true });
  }
}

function startDemoRelay(folder: string, { environment }: DemoStandIns, log: Log): Promise<Relay> {
  const settings = {
    ...environment,
    STORE_URL: `file:${folder}/store`,
    OPERATOR_TOKEN: operatorToken,
    RETRY_SCHEDULE: '500ms,1s,2s,5s',
    SIGNATURE_TOLERANCE_SEC: '1000000000', // Zoom's published requests are from 2024
  };
  return startRelay(loadConfig(settings, roles), log);
}

async function whenReady(relay: Relay, stopping: AbortSignal): Promise<void> {
  const deadline = Date.now() + storePatienceMs;
  let health = relay.health();
  for (; !health.ready && Date.now() < deadline; health = relay.health()) {
    const failure = await Promise.race([relay.failed, delay(pollMs, undefined, { signal: stopping })]);
    if (failure !== undefined) throw failure;
  }
  if (!health.ready) throw new RelayError('store_unavailable', `the store did not open: ${health.reason}`);
}

async function runSteps(stage: DemoStage, relay: Relay, print: (line?: string) => void): Promise<boolean> {
  let holds = true;
  for (const [index, step] of demoSteps.entries()) {
    const result = await step(stage);
    holds &&= result.problem === undefined;
    for (const line of formatStep(index + 1, result)) print(line);
  }
  return (await printLedger(stage, relay, print)) && holds;
}

function formatStep(number: number, { title, about, answer, finding, problem }: StepResult): readonly string[] {
  const mark = problem === undefined ? '✓' : '✗';
  const line = `  ${String(number).padStart(2)} ${pad(title, 20)} ${pad(about, 45)} ${pad(answer, 14)} ${pad(finding, 58)} ${mark}`;
  return problem === undefined ? [line] : [line, `       ✗ ${problem}`];
}

/** An emoji takes two columns and two UTF-16 units, so that `padEnd` comes out right. */
function pad(text: string, width: number): string {
  return text.padEnd(width);
}

/** The relay's account, held against what the demo itself sent and what the stand-in has. */
async function printLedger(stage: DemoStage, relay: Relay, print: (line?: string) => void): Promise<boolean> {
  const { sent, recall } = stage;
  const intake = relay.intakeCounts(app);
  const consumer = await settledCounts(relay);
  const rejected = sumOf(intake.rejected);
  const off = [sent.total - receivedOf(intake), offBy(consumer), intake.accepted - consumer.accepted];
  const arrived = new Set(recall.requests.filter(({ status }) => status === 200).map(({ sha256 }) => sha256));
  const missing = [...sent.acceptedSha256].filter((sha256) => !arrived.has(sha256)).length;
  const complete =
    intake.accepted === sent.acceptedSha256.size && missing === 0 && consumer.delivered === intake.accepted;
  print();
  print(
    `  ledger   received ${receivedOf(intake)} = accepted ${intake.accepted} + challenge ${intake.challenge} + duplicate ${intake.duplicate} + rejected ${rejected}${intake.turnedAway === 0 ? '' : ` + turned away ${intake.turnedAway}`}`,
  );
  print(
    `           accepted ${consumer.accepted} = delivered ${consumer.delivered} + pending ${consumer.pending} + dead ${consumer.dead}`,
  );
  const holds = off.every((by) => by === 0) && complete;
  print(
    holds
      ? `           adds up ✓  ${arrived.size} of ${sent.acceptedSha256.size} accepted are at Recall with the SHA-256 they had at Zoom`
      : `           ✗ off by ${off.join(', ')}; ${missing} accepted are not at Recall as they were sent`,
  );
  return holds;
}

/** The stand-in has an answer out a moment before the store has it noted. */
async function settledCounts(relay: Relay): ReturnType<Relay['consumerCounts']> {
  const deadline = Date.now() + 10_000;
  for (;;) {
    const counts = await relay.consumerCounts(app, recallConsumer);
    if (counts.pending === 0 || Date.now() > deadline) return counts;
    await delay(pollMs);
  }
}

function printInvitation(relay: Relay, endpoint: URL, link: string, print: (line?: string) => void): void {
  const to = endpoint.port === '8080' ? '' : ` --to ${endpoint}`;
  print();
  print('  Try it, in another terminal:');
  print(`    npm run -s zoom-relay -- send meeting.created${to}`);
  print(`    npm run -s zoom-relay -- send ./any-file.json${to}`);
  const at = relay.privateUrl.port === '9090' ? '' : ` ZOOM_RELAY_URL=${relay.privateUrl.origin}`;
  print(`    OPERATOR_TOKEN=${operatorToken}${at} npm run -s zoom-relay -- deliveries list`);
  print(`    curl -s ${relay.privateUrl}metrics`);
  print('  Or in a browser, to connect a Zoom at the stand-in:');
  print(`    ${link}`);
  print('  What happens is logged below. Ctrl-C ends the demo and removes its folder.');
  print();
}
