import { unreachable } from '../../errors.ts';
import { Secret } from '../../secret.ts';
import type { RecallApi, RecallApp, RecallRefusal } from '../api/recall-api.ts';
import { type ChangeableSecret, planRegistration, type RegistrationPlan, type WantedApp } from './plan-registration.ts';

export type Registered =
  | { readonly kind: 'created' | 'found'; readonly id: string }
  | { readonly kind: 'updated'; readonly id: string; readonly changed: readonly ChangeableSecret[] }
  | Extract<RegistrationPlan, { kind: 'wrong_kind' | 'ambiguous' }>
  | { readonly kind: 'refused'; readonly doing: 'list' | 'create' | 'update'; readonly refusal: RecallRefusal };

/** Recall demands a text, and documents that a letter will do when it is never to use it. */
const unusedSecret = new Secret('x');

type Registrar = Pick<RecallApi, 'listApps' | 'createApp' | 'updateApp'>;

/**
 * Has Recall have the app: found by its client id, its secrets changed where they differ, else created.
 *
 * @param idempotencyKey of this run: Recall keeps its answer to it for an hour, refusals too
 */
export async function registerApp(recall: Registrar, wanted: WantedApp, idempotencyKey: string): Promise<Registered> {
  const listed = await recall.listApps({ clientId: wanted.clientId });
  if (listed.kind !== 'ok') return { kind: 'refused', doing: 'list', refusal: listed };
  const plan = planRegistration(listed.value, wanted);
  switch (plan.kind) {
    case 'create':
      return create(recall, wanted, idempotencyKey);
    case 'update':
      return update(recall, plan.app, plan.changed, wanted);
    case 'keep':
      return { kind: 'found', id: plan.app.id };
    case 'wrong_kind':
    case 'ambiguous':
      return plan;
    default:
      return unreachable(plan);
  }
}

async function create(recall: Registrar, wanted: WantedApp, idempotencyKey: string): Promise<Registered> {
  const { kind, clientId, clientSecret = unusedSecret, webhookSecret } = wanted;
  const made = await recall.createApp({ kind, clientId, clientSecret, webhookSecret, idempotencyKey });
  if (made.kind !== 'ok') return { kind: 'refused', doing: 'create', refusal: made };
  return { kind: 'created', id: made.value.id };
}

async function update(
  recall: Registrar,
  { id }: RecallApp,
  changed: readonly ChangeableSecret[],
  wanted: WantedApp,
): Promise<Registered> {
  const { clientSecret, webhookSecret } = wanted;
  const updated = await recall.updateApp(id, {
    ...(changed.includes('clientSecret') && clientSecret !== undefined && { clientSecret }),
    ...(changed.includes('webhookSecret') && { webhookSecret }),
  });
  if (updated.kind !== 'ok') return { kind: 'refused', doing: 'update', refusal: updated };
  return { kind: 'updated', id, changed };
}
