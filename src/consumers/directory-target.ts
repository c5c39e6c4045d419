import type { Log } from '../log.ts';
import { type ParsedEvent, parseEvent } from '../zoom/parse-event.ts';
import type { Target } from './ports.ts';

/** Who keeps what events say about meetings and users. */
export interface DirectoryKeeper {
  /** @throws RelayError `store_unavailable` */
  note(
    event: ParsedEvent,
    about: { readonly notificationId: string; readonly receivedAtMs: number },
    nowMs: number,
  ): Promise<{ readonly kind: 'kept' } | { readonly kind: 'nothing'; readonly reason: string }>;
}

/** The built-in handler: hands events to the directory. An event that says nothing usable is done, and said so. */
export function createDirectoryTarget(keeper: DirectoryKeeper, log: Log, nowMs: () => number): Target {
  return {
    async deliver({ id, content }) {
      const parsed = parseEvent(content.body);
      const about = { notificationId: id, receivedAtMs: content.receivedAtMs };
      const noted =
        parsed.kind === 'event' ? await keeper.note(parsed, about, nowMs()) : { ...parsed, kind: 'nothing' };
      if (noted.kind === 'nothing') {
        log.info({
          event: 'directory_skipped',
          notificationId: id,
          reason: 'reason' in noted ? noted.reason : undefined,
        });
      }
      return { outcome: { kind: 'delivered' } };
    },
    async close() {},
  };
}
