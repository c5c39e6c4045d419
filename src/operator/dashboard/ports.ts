import type { ConnectionService } from '../connections/connection-service.ts';
import type { LiveTail } from '../live-tail.ts';
import type { OperatorService } from '../service.ts';

export type HistoryRange = 'hour' | 'day';

/** Of what was measured within a minute, milliseconds. */
export interface Latency {
  readonly count: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export interface History {
  /** Those of the last hour or day in which something was measured, oldest first. */
  readonly minutes: readonly HistoryMinute[];
  /** Of the same time, by `app/consumer`, oldest first. */
  readonly outages: Readonly<Record<string, readonly ShownOutage[]>>;
}

/** From when a consumer's circuit opened until something was answered again, epoch milliseconds. */
export interface ShownOutage {
  readonly fromMs: number;
  /** Absent while it lasts. */
  readonly toMs?: number;
}

export interface HistoryMinute {
  /** Epoch milliseconds at which it began. */
  readonly atMs: number;
  /** From the request to its answer. */
  readonly ack?: Latency;
  /** From receipt to arrival, by `app/consumer`. */
  readonly delivery: Readonly<Record<string, Latency>>;
}

/** What is the matter now. */
export interface OpenIncident {
  readonly kind: string;
  readonly app?: string | undefined;
  readonly consumer?: string | undefined;
  /** Epoch milliseconds. */
  readonly sinceMs: number;
  /** What, since when, what to do, whether anything is lost. */
  readonly text: string;
}

/** What pages show and do. */
export type DashboardService = Pick<
  OperatorService,
  | 'nameOf'
  | 'consumerNames'
  | 'readApps'
  | 'readStore'
  | 'readLedger'
  | 'readConsumers'
  | 'listDeliveries'
  | 'readDelivery'
  | 'readBody'
  | 'pause'
  | 'resume'
  | 'replayOne'
  | 'planReplay'
  | 'startReplay'
  | 'readReplay'
  | 'listReplays'
  | 'steerReplay'
  | 'listAudit'
>;

export interface DashboardParts {
  readonly service: DashboardService;
  readonly connections: ConnectionService;
  /** @throws RelayError `store_unavailable` */
  readHistory(range: HistoryRange): Promise<History>;
  /** @throws RelayError `store_unavailable` */
  readIncidents(): Promise<readonly OpenIncident[]>;
  readonly tail: Pick<LiveTail, 'listen'>;
  /** Aborted when the process is told to stop: live tails end then, so that the listener can drain. */
  readonly stopping: AbortSignal;
  readonly nowMs: () => number;
}
