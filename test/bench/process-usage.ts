import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

export interface ProcessUsage {
  /** User and system time of all its threads since it started. */
  readonly cpuMs: number;
  /** The most memory that it has held. */
  readonly peakBytes: number;
}

const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
/** Of `/proc/PID/stat`, counted after the name: user and system time, in ticks. */
const [userField, systemField] = [11, 12];
const kibibyte = 1024;

/** What a process has used, of Linux's `/proc`. */
export function readUsage(pid: number): ProcessUsage {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = Number(fields[userField]) + Number(fields[systemField]);
  const peak = /^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return { cpuMs: (ticks * 1000) / ticksPerSecond, peakBytes: Number(peak) * kibibyte };
}

export function sumUsage(pids: readonly number[]): ProcessUsage {
  const all = pids.map(readUsage);
  return {
    cpuMs: all.reduce((sum, { cpuMs }) => sum + cpuMs, 0),
    peakBytes: all.reduce((sum, { peakBytes }) => sum + peakBytes, 0),
  };
}
