import { isIP } from 'node:net';

/** Anywhere in the text, as a firewall looks: it does not parse. */
const ipv4 = /(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])/;
const maybeIpv6 = /[0-9a-f:.]*:[0-9a-f:.]*/gi;

/** Why the firewall in front of Recall lets a request not pass; `undefined` when it does. */
export function findBlockedPart(method: string, body: Buffer): string | undefined {
  if (body.length === 0) return undefined;
  if (method === 'GET' || method === 'HEAD') return `a body on a ${method}`;
  const text = body.toString('utf8');
  if (/localhost/i.test(text)) return 'localhost in the body';
  if (ipv4.test(text)) return 'an IP address in the body';
  const found = [...text.matchAll(maybeIpv6)].some(([candidate]) => isIP(candidate) === 6);
  return found ? 'an IP address in the body' : undefined;
}

/** What it answers with 403. */
export const blockedPage = `<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01 Transitional//EN" "http://www.w3.org/TR/html4/loose.dtd">
<HTML><HEAD><TITLE>ERROR: The request could not be satisfied</TITLE></HEAD>
<BODY><H1>403 ERROR</H1><H2>The request could not be satisfied.</H2><HR>Request blocked.</BODY></HTML>
`;
