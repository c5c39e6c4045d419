import { RelayError } from '../../../errors.ts';
import type { ConsumerView } from '../../consumers.ts';
import type { Ledger } from '../../ledger.ts';
import type { StoreReport } from '../../service.ts';
import type { DashboardParts, OpenIncident } from '../ports.ts';

/** What the overview shows of this moment. */
export interface Now {
  readonly nowMs: number;
  /** The app that is looked at; all when `undefined`. */
  readonly app: string | undefined;
  readonly hasSeveralApps: boolean;
  readonly ledger: Ledger;
  readonly consumers: readonly ConsumerView[];
  readonly incidents: readonly OpenIncident[];
  readonly store: StoreReport;
}

/** @throws RelayError `store_unavailable`, `app_unknown` */
export async function readNow(
  { service, readIncidents, nowMs }: DashboardParts,
  app: string | undefined,
): Promise<Now> {
  const apps = new Set(service.consumerNames.map((name): string => name.app));
  if (app !== undefined && !apps.has(app)) throw new RelayError('app_unknown', 'no such app');
  const [ledger, consumers, incidents] = await Promise.all([
    service.readLedger(),
    service.readConsumers(),
    readIncidents(),
  ]);
  const isMeant = (of: { readonly app?: string | undefined }): boolean => app === undefined || of.app === app;
  return {
    nowMs: nowMs(),
    app,
    hasSeveralApps: apps.size > 1,
    ledger: { ...ledger, apps: ledger.apps.filter(isMeant) },
    consumers: consumers.filter(isMeant),
    incidents: incidents.filter((incident) => incident.app === undefined || isMeant(incident)),
    store: service.readStore(),
  };
}
