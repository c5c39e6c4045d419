import type { AppKey } from '../delivery/names.ts';
import type { Log } from '../log.ts';
import { type Deauthorization, readDeauthorization } from '../zoom/deauthorization.ts';
import { isEvent } from '../zoom/is-event.ts';
import { parseEvent } from '../zoom/parse-event.ts';
import type { Target } from './ports.ts';

/** Who keeps connections. Tells whether one has ended. @throws RelayError `store_unavailable` */
export type EndDeauthorized = (app: AppKey, told: Deauthorization) => Promise<boolean>;

/** The built-in handler for `app_deauthorized`: the person's connection ends. One that says nothing usable is done. */
export function createConnectionsTarget(app: AppKey, endDeauthorized: EndDeauthorized, log: Log): Target {
  return {
    async deliver({ id, content }) {
      const parsed = parseEvent(content.body);
      const hasEnded =
        parsed.kind === 'event' && isEvent(parsed.event, 'app_deauthorized')
          ? await endDeauthorized(app, readDeauthorization(parsed.event, content.receivedAtMs))
          : false;
      if (!hasEnded) log.info({ event: 'deauthorization_of_nobody', app, notificationId: id });
      return { outcome: { kind: 'delivered' } };
    },
    async close() {},
  };
}
