import { troubleKinds } from './connect/connection.ts';
import { consentRefusalCodes } from './connect/consent-outcome.ts';
import { type ConnectObserver, tokenKinds } from './connect/ports.ts';
import { linkRefusalCodes } from './connect/start-consent.ts';
import { tokenRefusalCodes } from './connect/tokens/give-token.ts';
import type { AppKey } from './delivery/names.ts';
import { unreachable } from './errors.ts';
import type { Log } from './log.ts';
import type { ConnectMetricLabels } from './operator/metrics/connect-metrics.ts';
import type { Metrics } from './operator/metrics.ts';

/** Every value that the labels of the connect metrics can have. */
export function connectMetricLabels(apps: readonly AppKey[]): ConnectMetricLabels {
  return {
    apps,
    consentResults: [...new Set(['connected', ...linkRefusalCodes, ...consentRefusalCodes])],
    tokenKinds,
    tokenResults: ['served', ...tokenRefusalCodes],
    refreshResults: ['refreshed', ...troubleKinds, 'key_missing'],
  };
}

/** One log line, and one metric where there is one, for each thing that happens to connections. */
export function reportConnect({ log, metrics }: { readonly log: Log; readonly metrics: Metrics }): ConnectObserver {
  return (event) => {
    switch (event.kind) {
      case 'consent_started':
        log.info({ event: 'consent_started', app: event.app });
        return;
      case 'consent_refused': {
        const { app, code, detail } = event;
        metrics.consent(app, code);
        log.warn({ event: 'consent_refused', app, code, detail });
        return;
      }
      case 'connected': {
        const { app, connection, isNew, isByPerson, isOtherUser } = event;
        if (isByPerson) metrics.consent(app, 'connected');
        log.info({ event: 'connected', app, connection, isNew, isByPerson, isOtherUser });
        return;
      }
      case 'grant_unkept': {
        const { app, credential, cause } = event;
        log.error({ event: 'grant_unkept', app, credential, err: cause });
        return;
      }
      case 'credential_freed':
        log.info({ event: 'credential_freed', app: event.app, credential: event.credential });
        return;
      case 'token_served': {
        const { app, connection, what } = event;
        metrics.tokenRequest(app, what, 'served');
        log.info({ event: 'token_served', app, connection, token: what });
        return;
      }
      case 'token_refused': {
        const { app, connection, what, code, detail } = event;
        metrics.tokenRequest(app, what, code);
        log.warn({ event: 'token_refused', app, connection, token: what, code, detail });
        return;
      }
      case 'token_refreshed': {
        const { app, connection } = event;
        metrics.refresh(app, 'refreshed');
        log.info({ event: 'token_refreshed', app, connection });
        return;
      }
      case 'refresh_failed': {
        const { app, connection, reason, detail } = event;
        metrics.refresh(app, reason);
        log.error({ event: 'refresh_failed', app, connection, reason, detail });
        return;
      }
      case 'refresh_unsaved': {
        const { app, connection, cause } = event;
        log.error({ event: 'refresh_unsaved', app, connection, err: cause });
        return;
      }
      case 'health_changed': {
        const { app, connection, state } = event;
        log.warn({ event: 'connection_health', app, connection, state });
        return;
      }
      case 'ended': {
        const { app, connection, by, leftBehind } = event;
        log.info({ event: 'connection_ended', app, connection, by, leftBehind });
        return;
      }
      case 'maintenance_failed':
        log.error({ event: 'connections_unchecked', app: event.app, err: event.cause });
        return;
      default:
        unreachable(event);
    }
  };
}
