import { Counter, type Registry } from 'prom-client';
import type { AppKey } from '../../delivery/names.ts';

export interface ConnectMetrics {
  /** A consent has ended. @param result `connected`, or the code the person was told */
  consent(app: AppKey | undefined, result: string): void;
  /** A token was asked for. @param result `served`, or the code that was answered */
  tokenRequest(app: AppKey | undefined, what: string, result: string): void;
  /** @param result `refreshed`, or why not */
  refresh(app: AppKey, result: string): void;
}

export interface ConnectMetricLabels {
  /** Those that people can connect to. */
  readonly apps: readonly AppKey[];
  readonly consentResults: readonly string[];
  readonly tokenKinds: readonly string[];
  readonly tokenResults: readonly string[];
  readonly refreshResults: readonly string[];
}

export function createConnectMetrics(registry: Registry, labels: ConnectMetricLabels): ConnectMetrics {
  const registers = [registry];
  const consents = new Counter({
    name: 'zoom_relay_consents_total',
    help: 'Consents that have ended, by result: connected, or the code the person was told (app is empty when it is not known).',
    labelNames: ['app', 'result'],
    registers,
  });
  const tokenRequests = new Counter({
    name: 'zoom_relay_token_requests_total',
    help: 'Tokens that Recall or bots asked for, by result: served, or the code answered (app is empty when it is not known).',
    labelNames: ['app', 'token', 'result'],
    registers,
  });
  const refreshes = new Counter({
    name: 'zoom_relay_token_refreshes_total',
    help: 'Refreshes of tokens at Zoom, by result: refreshed, or why not.',
    labelNames: ['app', 'result'],
    registers,
  });
  for (const app of labels.apps) {
    for (const result of labels.consentResults) consents.inc({ app, result }, 0);
    for (const result of labels.refreshResults) refreshes.inc({ app, result }, 0);
    for (const token of labels.tokenKinds) {
      for (const result of labels.tokenResults) tokenRequests.inc({ app, token, result }, 0);
    }
  }

  return {
    consent(app = '' as AppKey, result) {
      consents.inc({ app, result });
    },
    tokenRequest(app = '' as AppKey, token, result) {
      tokenRequests.inc({ app, token, result });
    },
    refresh(app, result) {
      refreshes.inc({ app, result });
    },
  };
}
