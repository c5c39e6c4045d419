import type { RecallState } from './recall-state.ts';
import type { CredentialRecord } from './records.ts';
import type { TokenSource } from './token-source.ts';
import type { ZoomClient } from './zoom-client.ts';

/** Reads a credential's meetings from Zoom after the request that asked for it was answered. */
export interface MeetingSync {
  start(credential: CredentialRecord): void;
  /** Resolves when none is under way. */
  settled(): Promise<void>;
}

export function createMeetingSync(state: RecallState, tokens: TokenSource, zoom: ZoomClient): MeetingSync {
  const running = new Set<Promise<void>>();

  async function sync(credential: CredentialRecord): Promise<void> {
    const outcome = await tokens.tokenOf(credential);
    const result = outcome.kind === 'token' ? await zoom.listMeetings(outcome.token) : undefined;
    const isDone = result?.kind === 'ok';
    if (isDone && state.credentials.has(credential.id)) {
      for (const meetingId of result.value) state.mapMeeting(meetingId, credential.id);
    }
    if (result?.kind === 'refused')
      state.noteAboutCredential(credential.id, `Syncing meetings failed: ${result.reason}`);
    credential.meetingSyncStatus = isDone ? 'completed' : 'failed';
  }

  return {
    start(credential) {
      credential.meetingSyncStatus = 'in_progress';
      const { promise: later, resolve } = Promise.withResolvers<void>();
      setImmediate(resolve);
      const run = later.then(() => sync(credential));
      running.add(run);
      void run.finally(() => running.delete(run));
    },
    async settled() {
      while (running.size > 0) await Promise.all(running);
    },
  };
}
