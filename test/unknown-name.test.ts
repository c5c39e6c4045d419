import { expect, test } from 'vitest';
import { unknownConsumer, unknownName } from '../src/operator/unknown-name.ts';
import { nameOf } from './support/fake-relay.ts';

const known = [nameOf('acme', 'recall'), nameOf('acme', 'crm'), nameOf('umbrella', 'recall')];

test('a consumer of an app that is not there is answered with the apps, and how to say which', () => {
  const { code, message } = unknownConsumer(known, 'default', 'crm');
  expect([code, message]).toEqual([
    'consumer_unknown',
    'no consumer crm of app default: the apps are acme, umbrella; give --app (app in the API)',
  ]);
});

test('a consumer that its app does not have is answered with those it has', () => {
  expect(unknownName(known, { app: 'umbrella', consumer: 'crm' })?.message).toBe(
    'no consumer crm of app umbrella: it has recall; "consumers list" (GET /api/consumers) shows them',
  );
  expect(unknownName(known, { consumer: 'nope' })?.message).toMatch(/^no consumer nope: there are recall, crm; /);
});

test.each([{}, { app: 'acme' }, { consumer: 'crm' }, { app: 'umbrella', consumer: 'recall' }])(
  '%j is known',
  (filter) => {
    expect(unknownName(known, filter)).toBeUndefined();
  },
);
