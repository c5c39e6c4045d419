import { randomUUID } from 'node:crypto';
import { type Registration, readRegistration } from '../config/registration.ts';
import { RelayError, unreachable } from '../errors.ts';
import { createRecallApi } from '../recall/api/create-recall-api.ts';
import type { RecallRefusal } from '../recall/api/recall-api.ts';
import { type Registered, registerApp } from '../recall/registration/register-app.ts';
import { recallBaseUrl, recallRegions } from '../recall/webhook-url.ts';
import type { CommandProcess } from './command-process.ts';
import { formatRegistration, type RegistrationReport, variableOf } from './format-registration.ts';
import { zoomSettingsOf } from './zoom-settings.ts';

/**
 * Has Recall have the Zoom OAuth App of one app, and prints its id and what to paste into Zoom.
 *
 * @throws RelayError `configuration_invalid`, also when Recall has the app in a way that it cannot change;
 *   `recall_refused`
 */
export async function runRegisterCommand(
  host: CommandProcess,
  options: { readonly app?: string; readonly json: boolean },
): Promise<void> {
  const wanted = readRegistration(host.env, options.app);
  const recall = createRecallApi({ ...wanted, nowMs: Date.now, random: Math.random });
  try {
    const report = reportOf(wanted, await registerApp(recall, wanted, randomUUID()));
    host.stdout.write(options.json ? `${JSON.stringify(report)}\n` : formatRegistration(report));
  } finally {
    await recall.close();
  }
}

function reportOf(wanted: Registration, registered: Registered): RegistrationReport {
  const { app, kind, publicUrl, configuredId, idBelongsTo, clientSecret } = wanted;
  switch (registered.kind) {
    case 'created':
    case 'found':
    case 'updated': {
      const { id } = registered;
      const isOther = configuredId !== undefined && configuredId !== id;
      return {
        app,
        kind,
        recall: new URL(wanted.baseUrl).host,
        id,
        result: registered.kind,
        changed: registered.kind === 'updated' ? registered.changed.map(variableOf) : [],
        clientSecretAtRecall: clientSecret !== undefined,
        ...(isOther && { configuredId }),
        isPublicUrlKnown: publicUrl !== undefined,
        set: { where: idBelongsTo, value: id },
        zoom: zoomSettingsOf(app, kind, publicUrl),
      };
    }
    case 'wrong_kind': {
      const { id, kind: other } = registered.app;
      const message = `Recall has this client id as ${nameOf(other)}, app ${id}, and cannot change that; here it is ${nameOf(kind)}. If ${nameOf(other)} is right, set ZOOM_APP_KIND=${nameOf(other)} (connect.kind in APPS_FILE); if not, delete that app in Recall's dashboard (Zoom OAuth) and run this again`;
      throw new RelayError('configuration_invalid', message);
    }
    case 'ambiguous': {
      const ids = registered.apps.map(({ id }) => id).join(', ');
      const message = `Recall has several apps for this client id (${ids}): set ${idBelongsTo} to the one to use, or delete the others in Recall's dashboard`;
      throw new RelayError('configuration_invalid', message);
    }
    case 'refused':
      throw new RelayError('recall_refused', describe(registered.refusal, wanted));
    default:
      return unreachable(registered);
  }
}

function describe(refusal: RecallRefusal, { baseUrl }: Registration): string {
  const { host } = new URL(baseUrl);
  const target = recallRegions.some((region) => recallBaseUrl(region) === baseUrl)
    ? 'RECALL_REGION'
    : 'RECALL_BASE_URL';
  const said = `Recall (${host}) answered: ${refusal.detail.replace(/\.$/, '')}`;
  switch (refusal.kind) {
    case 'unauthorized':
      return `${said}. Check RECALL_API_KEY: it must be of a workspace at ${host}, which ${target} names (with APPS_FILE: recall.apiKey)`;
    case 'not_found':
      return `${said}. Check RECALL_REGION or RECALL_BASE_URL`;
    case 'rate_limited':
      return `${said}. Run this again: what is there already is found`;
    case 'unavailable':
      if (refusal.networkError !== undefined) {
        return `no answer from ${host} (${refusal.networkError}): check the network and ${target}, then run this again`;
      }
      return `${said}. Run this again: what is there already is found`;
    case 'blocked':
    case 'refused':
      return said;
    default:
      return unreachable(refusal);
  }
}

function nameOf(kind: Registration['kind']): string {
  return kind === 'user_level' ? 'user-level' : 'account-level';
}
