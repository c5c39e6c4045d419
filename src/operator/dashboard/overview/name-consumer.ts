import { recallConsumer } from '../../../delivery/names.ts';

/** A consumer in a sentence: `Recall`, `crm`, and where there are several apps `Recall of app acme`. */
export function nameConsumer({ app, consumer }: { app: string; consumer: string }, hasSeveralApps: boolean): string {
  const own = consumer === recallConsumer ? 'Recall' : consumer;
  return hasSeveralApps ? `${own} of app ${app}` : own;
}
