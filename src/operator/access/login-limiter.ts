import { isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';

const perAddress = { max: 10, windowMs: 10 * 60_000 };
const overall = { max: 100, windowMs: 60_000 };
/** What one customer is given of IPv6 at the least, bits. */
const networkBits = 64;

interface Failure {
  readonly network: string;
  readonly atMs: number;
}

/**
 * Counts failures to log in: 10 in 10 minutes from one address (of IPv6: one /64), 100 in a minute from all. In the
 * memory of this process, and never more than a thousand: beyond the 100 a minute nothing is tried, so nothing fails.
 */
export class LoginLimiter {
  #failures: Failure[] = [];

  /** How long this address has to wait before it may try, whole seconds from 1; `undefined` when it may now. */
  waitSec(address: string, nowMs: number): number | undefined {
    this.#failures = this.#failures.filter(({ atMs }) => atMs > nowMs - perAddress.windowMs);
    const network = networkOf(address);
    const own = this.#failures.filter((failure) => failure.network === network);
    const untilMs = Math.max(endOf(own, perAddress, nowMs), endOf(this.#failures, overall, nowMs));
    return untilMs > nowMs ? Math.ceil((untilMs - nowMs) / 1000) : undefined;
  }

  fail(address: string, nowMs: number): void {
    this.#failures.push({ network: networkOf(address), atMs: nowMs });
  }
}

/** When fewer than the most will have failed within the window, epoch milliseconds. */
function endOf(failures: readonly Failure[], { max, windowMs }: typeof overall, nowMs: number): number {
  const recent = failures.filter(({ atMs }) => atMs > nowMs - windowMs);
  const oldest = recent.at(-max);
  return oldest === undefined ? nowMs : oldest.atMs + windowMs;
}

function networkOf(address: string): string {
  if (!isIPv6(address)) return address;
  const parsed = ipaddr.process(address);
  if (!(parsed instanceof ipaddr.IPv6)) return parsed.toString();
  return Buffer.from(parsed.toByteArray().slice(0, networkBits / 8)).toString('hex');
}
