/** Compile-time tests: `tsc` fails when one of the marked lines compiles. */

import { type AppKey, parseAppKey, type QueueName } from '../src/delivery/names.ts';
import type { NewDelivery } from '../src/delivery/stored-delivery.ts';
import type { DeliveryWriter } from '../src/intake/ports.ts';
import type { VerifiedNotification } from '../src/zoom/verify.ts';

declare const body: Uint8Array;
declare const writer: DeliveryWriter;
declare const delivery: NewDelivery;

// @ts-expect-error a notification that nobody verified is not a verified one
export const unverified: VerifiedNotification = { body, headers: {}, receivedAtMs: 0 };

// @ts-expect-error a name that nobody checked is no app key
export const unchecked: AppKey = 'acme';

// @ts-expect-error a string is no queue name
export const misnamed = writer.add([{ ...delivery, queue: 'acme.recall' }]);

// @ts-expect-error parseAppKey may refuse
export const refused: AppKey = parseAppKey('Acme');

export const fine: QueueName = delivery.queue;
