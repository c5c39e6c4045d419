import { isIP } from 'node:net';
import { z } from 'zod';
import { formatAge } from '../../format-age.ts';
import { quoteMasked } from '../../secret.ts';
import { type Finding, sound, unknown, wrong } from '../finding.ts';
import type { Probed, ProbeRequest } from '../ports.ts';

const subject = 'public URL';
const errorBody = z.object({ error: z.object({ code: z.string() }) });
const tlsError = /CERT|TLS|SSL|ALTNAME|SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER/;

/** The endpoint answers it without taking it for a notification. */
export function requestPublicUrl(publicUrl: string, app: string): ProbeRequest {
  return { method: 'GET', url: new URL(`${publicUrl}/webhooks/zoom/${app}`), headers: { 'user-agent': 'zoom-relay' } };
}

/** @param lastHeardAgoMs how long ago Zoom last reached the relay; `undefined`: never, or not known */
export function judgePublicUrl(url: URL, probed: Probed, lastHeardAgoMs: number | undefined): Finding {
  if (probed.kind === 'no_answer') {
    if (tlsError.test(probed.error)) {
      const fix = 'serve a certificate of a public CA for this host name, with its whole chain: Zoom takes no other';
      return wrong(subject, `${url.host}: TLS failed (${probed.error})`, fix);
    }
    const text = `${url.host} cannot be reached from here (${probed.error}); ${lastHeard(lastHeardAgoMs)}`;
    return unknown(subject, text, 'check PUBLIC_URL, the DNS record of its host and the proxy there');
  }
  const { status, headers } = probed;
  const code = codeIn(probed.body);
  if (status === 405 && code === 'method_not_allowed' && headers.allow === 'POST') return judgeHost(url);
  if (status >= 300 && status < 400) {
    const to = quoteMasked(headers.location ?? 'nowhere', [], 200);
    const fix = 'let PUBLIC_URL be where it leads to, and paste that into Zoom: Zoom follows no redirects';
    return wrong(subject, `${url.href} redirects (${status}) to ${to}`, fix);
  }
  if (code === 'host_refused' || code === 'token_invalid') {
    const fix = 'lead PUBLIC_URL to the public port (PORT), and keep the private one (OPERATOR_PORT) off the internet';
    return wrong(subject, `${url.href} leads to the private port of a zoom-relay (${status} ${code})`, fix);
  }
  if (code === 'route_unknown') {
    const fix = 'have the proxy pass the path on as it is: /webhooks/zoom must arrive as /webhooks/zoom';
    return wrong(subject, `${url.href}: a zoom-relay answers, but not at this path`, fix);
  }
  const fix = 'lead the host and path to the public port (PORT) of this relay; look at the proxy in front of it';
  return wrong(subject, `${url.href} is answered by something else (${status})`, fix);
}

/** Without PUBLIC_URL there is nothing to ask. */
export function judgeUnknownUrl(lastHeardAgoMs: number | undefined): Finding {
  const fix = 'set PUBLIC_URL to have it looked at';
  return unknown(subject, `not looked at: PUBLIC_URL is not set; ${lastHeard(lastHeardAgoMs)}`, fix);
}

function judgeHost(url: URL): Finding {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const isNamed = host !== 'localhost' && !host.endsWith('.localhost') && isIP(host) === 0;
  if (isNamed && url.protocol === 'https:') return sound(subject, `${url.href} leads to a zoom-relay`);
  const fix = 'for Zoom and Recall, PUBLIC_URL must be https: with a public host name; for stand-ins it is fine';
  return unknown(subject, `${url.href} leads to a zoom-relay, but only from this machine or network`, fix);
}

function lastHeard(agoMs: number | undefined): string {
  return agoMs === undefined ? 'Zoom has not reached it yet' : `Zoom last reached it ${formatAge(agoMs)} ago`;
}

function codeIn(body: string): string | undefined {
  try {
    return errorBody.safeParse(JSON.parse(body)).data?.error.code;
  } catch {
    return undefined;
  }
}
