import { RelayError } from '../errors.ts';
import type { ConsumerName } from './ports.ts';

/** What is wrong with the names in a filter: an app or a consumer that is not configured. The message names those that are. */
export function unknownName(
  known: readonly ConsumerName[],
  { app, consumer }: { readonly app?: string | undefined; readonly consumer?: string | undefined },
): RelayError | undefined {
  if (app !== undefined && !known.some((name) => name.app === app)) {
    return new RelayError('app_unknown', `no app ${app}: ${describeApps(known)}`);
  }
  const isKnown = known.some((name) => name.app === (app ?? name.app) && name.consumer === consumer);
  return consumer === undefined || isKnown ? undefined : unknownConsumer(known, app, consumer);
}

/** @param app `undefined`: it is a consumer of no app */
export function unknownConsumer(known: readonly ConsumerName[], app: string | undefined, consumer: string): RelayError {
  const ofApp = known.filter((name) => name.app === (app ?? name.app));
  const what = `no consumer ${consumer}${app === undefined ? '' : ` of app ${app}`}`;
  const names = [...new Set(ofApp.map((name) => name.consumer))].join(', ');
  const instead =
    ofApp.length === 0
      ? describeApps(known)
      : `${app === undefined ? 'there are' : 'it has'} ${names}; "consumers list" (GET /api/consumers) shows them`;
  return new RelayError('consumer_unknown', `${what}: ${instead}`);
}

function describeApps(known: readonly ConsumerName[]): string {
  const apps = [...new Set(known.map(({ app }) => app))];
  return apps.length === 1
    ? `the only app is ${apps[0]}`
    : `the apps are ${apps.join(', ')}; give --app (app in the API)`;
}
