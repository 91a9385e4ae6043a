// SPDX-License-Identifier: Apache-2.0
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Counter, Gauge, Registry } from 'prom-client';
import { listening } from '../runtime/listening.js';
import type { Timers } from '../runtime/timers.js';
import type { Counters } from './counters.js';

/**
 * Maximum age of the published counts. Counts per second would show single packets arrive and leave; within a minute a
 * relay mixes the packets of a region.
 */
const REFRESH_MILLISECONDS = 60_000;

/** Current levels. */
export interface Levels {
  readonly links: number;
  readonly held: number;
  readonly mailboxes: number;
  readonly mailboxPackets: number;
  readonly replayTags: number;
  /** 1 while no loop returns, 0 otherwise. */
  readonly cutOff: number;
}

export interface MetricsServer {
  readonly port: number;
  close(): Promise<void>;
}

/** Serves `GET /metrics` for Prometheus: sums over all links, renewed once a minute, and nothing of any flow. */
export async function serveMetrics(
  address: { readonly host: string; readonly port: number },
  timers: Timers,
  counters: Counters,
  levels: () => Levels,
): Promise<MetricsServer> {
  const registry = new Registry();
  const registers = [registry];
  const gauges = {
    links: new Gauge({ name: 'gridveil_relay_links', help: 'Open links', registers }),
    held: new Gauge({ name: 'gridveil_relay_held_packets', help: 'Packets held', registers }),
    mailboxes: new Gauge({ name: 'gridveil_relay_mailboxes', help: 'Open mailboxes', registers }),
    mailboxPackets: new Gauge({ name: 'gridveil_relay_mailbox_packets', help: 'Packets in mailboxes', registers }),
    replayTags: new Gauge({ name: 'gridveil_relay_replay_tags', help: 'Replay tags of the live epochs', registers }),
    cutOff: new Gauge({ name: 'gridveil_relay_cut_off', help: '1 while no loop returns', registers }),
  } satisfies Record<keyof Levels, Gauge>;
  const received = new Counter({ name: 'gridveil_relay_received_total', help: 'Packets received', registers });
  const forwarded = new Counter({ name: 'gridveil_relay_forwarded_total', help: 'Packets forwarded', registers });
  const dropped = new Counter({
    name: 'gridveil_relay_dropped_total',
    help: 'Packets dropped',
    labelNames: ['reason'],
    registers,
  });
  const loops = new Counter({ name: 'gridveil_relay_loops_total', help: 'Loops sent', registers });
  const missing = new Counter({
    name: 'gridveil_relay_missing_loops_total',
    help: 'Loops that did not return',
    registers,
  });
  const refused = new Counter({ name: 'gridveil_relay_links_refused_total', help: 'Links refused', registers });
  const cut = new Counter({ name: 'gridveil_relay_links_cut_total', help: 'Links closed for bad frames', registers });
  const failures = new Counter({
    name: 'gridveil_relay_task_failures_total',
    help: 'Failed runs of timers and event handlers',
    labelNames: ['origin'],
    registers,
  });

  const refresh = (): void => {
    registry.resetMetrics();
    received.inc(counters.received);
    forwarded.inc(counters.forwarded);
    for (const [reason, count] of Object.entries(counters.dropped)) {
      dropped.inc({ reason }, count);
    }
    loops.inc(counters.loops);
    missing.inc(counters.missingLoops);
    refused.inc(counters.linksRefused);
    cut.inc(counters.linksCut);
    for (const [origin, count] of timers.failures) {
      failures.inc({ origin }, count);
    }
    const current = levels();
    for (const name of Object.keys(gauges) as (keyof Levels)[]) {
      gauges[name].set(current[name]);
    }
  };

  let refreshedMilliseconds = Number.NEGATIVE_INFINITY;
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (request.method !== 'GET' || request.url !== '/metrics') {
      response.writeHead(404).end();
      return;
    }
    const now = timers.clock.nowMilliseconds();
    if (now - refreshedMilliseconds >= REFRESH_MILLISECONDS) {
      refreshedMilliseconds = now;
      refresh();
    }
    response.writeHead(200, { 'content-type': registry.contentType }).end(await registry.metrics());
  };
  const server = createServer();
  timers.on('metrics', server, 'request', answer);
  await listening(timers, server, address);
  return {
    port: (server.address() as AddressInfo).port,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
