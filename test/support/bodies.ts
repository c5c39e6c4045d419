import { randomUUID } from 'node:crypto';

const base = (extra: string): string => `{"event":"meeting.created","event_ts":1617628462392,${extra}}`;

/** Bodies that a relay which parses, re-encodes or re-prints would not give back as they came. */
export const trickyBodies: Readonly<Record<string, Uint8Array>> = {
  'unusual key order': utf8('{"payload":{"b":1,"a":2,"1":3},"event_ts":1,"event":"meeting.created"}'),
  'white space between and around tokens': utf8('\t{ "event" : "meeting.created" ,\n\n "x" : [ 1 , 2 ] }  \n'),
  'duplicate keys': utf8(base('"k":1,"k":2')),
  'escaped slashes': utf8(base('"join_url":"https:\\/\\/zoom.us\\/j\\/1"')),
  '\\u escapes in upper and lower case': utf8(base('"topic":"\\u00EB \\u00eb \\u2019"')),
  'emoji escaped as surrogates': utf8(base('"topic":"\\uD83D\\uDE92 \\ud83d\\ude92"')),
  'emoji and other raw UTF-8': utf8(base('"topic":"🚒 – ’ é ✅ 漢"')),
  'numbers beyond 2^53': utf8(base('"id":12345678901234567890')),
  '1.0 and 1E3': utf8(base('"a":1.0,"b":1E3,"c":-0,"d":0.10')),
  CRLF: utf8(base('"a":\r\n1').replaceAll(',', ',\r\n')),
  'a byte order mark': Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), utf8(base('"a":1'))]),
  'invalid UTF-8': Buffer.concat([utf8('{"topic":"'), Buffer.from([0xff, 0xc3, 0x28, 0xed, 0xa0, 0x80]), utf8('"}')]),
  'NUL bytes': utf8(`{"a":"\0\0"}\0`),
  'an escaped NUL': utf8(base('"a":"\\u0000"')),
  'no JSON at all': utf8('this is not JSON'),
  'JSON that is no object': utf8('[null]'),
  'noncharacters and a lone escaped surrogate': utf8(base('"a":"\uffff\ufffe\u{10ffff}","b":"\\ud800"')),
};

/** A notification nobody has sent before. */
export function uniqueBody(event = 'meeting.created'): Buffer {
  return Buffer.from(`{"event":"${event}","event_ts":1617628462392,"payload":{"object":{"uuid":"${randomUUID()}"}}}`);
}

function utf8(text: string): Buffer {
  return Buffer.from(text, 'utf8');
}
