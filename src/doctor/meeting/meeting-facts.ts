import type { AppKey } from '../../delivery/names.ts';

/** A meeting as an app's directory has it. Times in epoch milliseconds. */
export interface MeetingKnown {
  readonly isDeleted: boolean;
  readonly hostId?: string | undefined;
  readonly operatorId?: string | undefined;
  readonly accountId?: string | undefined;
  /** By `meeting.created`'s own word; absent when that was not heard. */
  readonly createdAtMs?: number | undefined;
}

/** A notification about the meeting on its way to Recall. */
export interface MeetingDelivery {
  readonly notificationId: string;
  readonly event: string;
  readonly state: 'waiting' | 'delayed' | 'active' | 'delivered' | 'dead';
  readonly receivedAtMs: number;
  /** When it was delivered or died. */
  readonly endedAtMs?: number;
  readonly nextAttemptAtMs?: number;
  readonly attempts: number;
  /** Who it is about, as its body says. */
  readonly userId?: string;
  readonly accountId?: string;
}

export interface FoundDeliveries {
  /** Newest first. */
  readonly deliveries: readonly MeetingDelivery[];
  /** Not all that is kept was looked at. */
  readonly isPartial: boolean;
}

/** That Recall has the meeting, and with which credential. */
export interface KnownAtRecall {
  readonly credential: string;
  readonly syncedAtMs?: number;
  /** The relay's connection that the credential is of. */
  readonly connection?: string;
}

export type AtRecall =
  | { readonly kind: 'not_asked' }
  | { readonly kind: 'no_answer'; readonly detail: string }
  | { readonly kind: 'asked'; readonly known: readonly KnownAtRecall[] };

/** What gives Recall access to the meetings of its host or creator. */
export interface Grant {
  readonly connection?: string;
  readonly credential?: string;
  readonly isUsable: boolean;
  /** Why it is not. */
  readonly detail?: string;
  /** Since the last consent. */
  readonly sinceMs?: number;
  /** Recall's first reading of their meetings, or one that was asked for, is under way. */
  readonly isSyncing: boolean;
}

/** All that is known about a meeting for one app. */
export interface MeetingFacts {
  readonly app: AppKey;
  readonly id: string;
  readonly directory: MeetingKnown | undefined;
  readonly found: FoundDeliveries;
  readonly recall: AtRecall;
  /** `undefined`: it is not known whose the meeting is, or who has connected. */
  readonly grants: readonly Grant[] | undefined;
}
