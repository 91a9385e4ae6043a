// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { createHook } from 'node:async_hooks';
import { connect as connectTcp, createServer as createTcpServer, Socket, type AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { equalBytes } from '../../protocol/crypto/bytes.js';
import { packetLength } from '../../protocol/onion/geometry.js';
import { SystemClock } from '../runtime/clock.js';
import { holdsKey, LinkPool, OutgoingLink, resolveAddress } from './connect.js';
import { FRAME, MAXIMUM_QUEUED_BYTES } from './frames.js';
import { linkKeyFromSeed } from './link-identity.js';
import type { Link, LinkEnd } from './link.js';
import {
  connectOptions,
  identityOf,
  listen,
  osRandom,
  seedOf,
  targetOf,
  timersOn,
  until,
} from '../../test/support/links.js';
import { HANDSHAKE_MILLISECONDS, Handshakes, type LinkListener } from './listen.js';

const PACKET = new Uint8Array(packetLength(4)).fill(5);

describe('links', () => {
  const open: { close(): Promise<void> }[] = [];
  const opened = <T extends { close(): Promise<void> }>(closable: T): T => {
    open.push(closable);
    return closable;
  };
  afterEach(async () => {
    for (const closable of open.splice(0).reverse()) {
      await closable.close();
    }
  });

  it('carry frames both ways, in order, between peers that know each other’s keys', async () => {
    const received: number[] = [];
    const answered: number[] = [];
    const listener = opened(
      await listen('server', {
        admit: (peer) => (equalBytes(peer.pin, linkKeyFromSeed(seedOf('client')).pin) ? 'known' : undefined),
        onFrame: (link, type, body) => {
          received.push(body[0]!);
          link.send(type, Uint8Array.of(body[0]! + 100));
        },
      }),
    );
    const options = await connectOptions('client', { onFrame: (_link, _type, body) => void answered.push(body[0]!) });
    const link = opened(new OutgoingLink(targetOf('server', listener.port), options));
    // Before the link is up: frames wait.
    for (let number = 0; number < 50; number++) {
      assert.ok(link.send(FRAME.packet, Uint8Array.of(number)));
    }
    await until('all answered', () => answered.length === 50);
    const numbers = Array.from({ length: 50 }, (_, number) => number);
    assert.deepEqual(received, numbers);
    assert.deepEqual(
      answered,
      numbers.map((number) => number + 100),
    );
    assert.deepEqual(
      [...listener.links].map(({ role }) => role),
      ['known'],
    );
  });

  it('are not made to a key that is not the pinned one: nothing is sent', async () => {
    const ends: LinkEnd[] = [];
    const listener = opened(await listen('impostor', { onFrame: () => assert.fail('a frame was sent') }));
    const options = await connectOptions('client', { onDown: (_link, reason) => void ends.push(reason) });
    const link = opened(new OutgoingLink(targetOf('server', listener.port), options));
    link.send(FRAME.packet, PACKET);
    await until('two attempts', () => ends.length >= 2);
    assert.ok(ends.every((reason) => reason === 'refused'));
  });

  it('are refused to a peer that is not admitted, and to one without a certificate', async () => {
    let refused = 0;
    const listener = opened(
      await listen('server', {
        admit: () => undefined,
        onFrame: () => assert.fail('a frame was taken'),
        onEnd: (link, reason) => {
          assert.deepEqual([link, reason], [undefined, 'refused']);
          refused++;
        },
      }),
    );
    const link = opened(new OutgoingLink(targetOf('server', listener.port), await connectOptions('stranger')));
    link.send(FRAME.packet, PACKET);
    await until('refused', () => refused >= 1);
    const before = refused;
    const socket = connectTls({ host: '127.0.0.1', port: listener.port, rejectUnauthorized: false });
    socket.on('error', () => undefined);
    await until('refused without a certificate', () => refused > before && socket.destroyed);
    assert.equal(listener.links.size, 0);
  });

  it('are refused below TLS 1.3, and to garbage', async () => {
    let refused = 0;
    const listener = opened(
      await listen('server', {
        onEnd: () => {
          refused++;
        },
      }),
    );
    const { key, certificate } = await identityOf('client');
    const old = connectTls({
      host: '127.0.0.1',
      port: listener.port,
      rejectUnauthorized: false,
      maxVersion: 'TLSv1.2',
      key: key.privateKey.export({ format: 'pem', type: 'pkcs8' }),
      cert: certificate,
    });
    old.on('error', () => undefined);
    await until('TLS 1.2 refused', () => refused === 1);
    const garbage = connectTcp({ host: '127.0.0.1', port: listener.port });
    garbage.on('error', () => undefined);
    garbage.write(Buffer.alloc(2_000, 0x41));
    await until('garbage refused', () => refused === 2 && garbage.destroyed);
    assert.equal(listener.links.size, 0);
  });

  it('are cut, with a reason, by a frame of unknown type or over its bound; other links stay', async () => {
    const ends: LinkEnd[] = [];
    const listener = opened(await listen('server', { onEnd: (_link, reason) => void ends.push(reason) }));
    const good = opened(new OutgoingLink(targetOf('server', listener.port), await connectOptions('good')));
    await until('up', () => good.isUp);
    const { key, certificate } = await identityOf('bad');
    for (const bytes of [Buffer.from([9, 0, 0, 0, 0]), Buffer.from([1, 0xff, 0xff, 0xff, 0xff])]) {
      const before = ends.length;
      const socket = connectTls({
        host: '127.0.0.1',
        port: listener.port,
        rejectUnauthorized: false,
        key: key.privateKey.export({ format: 'pem', type: 'pkcs8' }),
        cert: certificate,
      });
      socket.on('error', () => undefined);
      socket.write(bytes);
      await until('cut', () => ends.length === before + 1 && socket.destroyed);
    }
    assert.deepEqual(ends, ['bad-frame', 'bad-frame']);
    assert.ok(good.isUp);
    assert.equal(listener.links.size, 1);
  });

  it('come back by themselves, and say so', async () => {
    let ups = 0;
    let received = 0;
    const onFrame = (): void => {
      received++;
    };
    const first = await listen('server', { onFrame });
    const options = await connectOptions('client', {
      onUp: () => {
        ups++;
      },
    });
    const link = opened(new OutgoingLink(targetOf('server', first.port), options));
    await until('up', () => ups === 1);
    await first.close();
    await until('down', () => !link.isUp);
    link.send(FRAME.packet, PACKET);
    opened(await listen('server', { onFrame, port: first.port }));
    await until('up again, and the frame that waited has come', () => ups === 2 && received === 1);
  });

  it('drop frames, and count them, when the peer stays away; no party waits for them', async function () {
    this.timeout(20_000);
    const clock = new SystemClock();
    let lost = 0;
    const nobody = await listen('server');
    await nobody.close();
    const options = await connectOptions('client', {
      timers: timersOn(clock),
      onLost: (frames) => void (lost += frames),
    });
    const link = opened(new OutgoingLink(targetOf('server', nobody.port), options));
    for (let count = 0; count < 3; count++) {
      link.send(FRAME.packet, PACKET);
    }
    assert.equal(clock.activity.frames.sent, 3);
    await until('given up', () => lost === 3);
    assert.equal(clock.activity.frames.sent, 0);
  });

  it('balance the clock’s frames, also when a connection dies with frames on it', async () => {
    const clock = new SystemClock();
    const listener = await listen('server', {
      clock,
      onFrame: (link) => link.cut(),
    });
    const link = opened(
      new OutgoingLink(targetOf('server', listener.port), await connectOptions('client', { timers: timersOn(clock) })),
    );
    for (let count = 0; count < 500; count++) {
      link.send(FRAME.packet, PACKET);
    }
    await until('cut', () => clock.activity.frames.received > 0 || clock.activity.frames.sent < 500);
    await listener.close();
    await link.close();
    assert.deepEqual(clock.activity.frames, { sent: 0, received: 0 });
  });

  it('hold no more than their bound for a peer that reads nothing', async () => {
    const release: (() => void)[] = [];
    let received = 0;
    const listener = opened(
      await listen('server', {
        onFrame: () => {
          received++;
          return new Promise<void>((resolve) => release.push(resolve));
        },
      }),
    );
    const link = opened(new OutgoingLink(targetOf('server', listener.port), await connectOptions('client')));
    await until('up', () => link.isUp);
    let accepted = 0;
    const capacity = Math.floor(MAXIMUM_QUEUED_BYTES / (PACKET.length + 5));
    // More than the queue and all buffers of the system take together.
    for (let turn = 0; turn < 60 && accepted < 4 * capacity; turn++) {
      while (link.send(FRAME.packet, PACKET)) {
        accepted++;
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.ok(accepted < 4 * capacity, 'the sender was never told to stop');
    assert.ok(received < 2_000, `${received} frames read while none was dealt with`);
    const settle = setInterval(() => {
      release.splice(0).forEach((resolve) => resolve());
    }, 1);
    try {
      await until('all came', () => received === accepted);
    } finally {
      clearInterval(settle);
    }
  });

  it('are admitted again or cut when the rules change', async () => {
    let rule = 'friend';
    const listener = opened(await listen('server', { admit: () => (rule === 'nobody' ? undefined : rule) }));
    const link = opened(new OutgoingLink(targetOf('server', listener.port), await connectOptions('client')));
    await until('up', () => listener.links.size === 1);
    listener.recheck();
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(listener.links.size, 1);
    rule = 'nobody';
    listener.recheck();
    await until('cut', () => listener.links.size === 0 && !link.isUp);
  });

  it('are pooled: one a peer, and only those that are wanted', async () => {
    const listeners: LinkListener<string>[] = [];
    for (const name of ['a', 'b']) {
      listeners.push(opened(await listen(name)));
    }
    const [a, b] = ['a', 'b'].map((name, index) => targetOf(name, listeners[index]!.port));
    const pool = opened(new LinkPool(await connectOptions('client')));
    assert.equal(pool.link(a!), pool.link({ ...a! }));
    await until('a is up', () => listeners[0]!.links.size === 1);
    pool.retain([b!]);
    await until('b took its place', () => listeners[0]!.links.size === 0 && listeners[1]!.links.size === 1);
  });

  it('find their peers through overrides', () => {
    const overrides = { 'relay.invalid:7000': '127.0.0.1:4711' };
    assert.deepEqual(resolveAddress('relay.invalid:7000', overrides), { host: '127.0.0.1', port: 4711 });
    assert.deepEqual(resolveAddress('relay.invalid:7001', overrides), { host: 'relay.invalid', port: 7001 });
    assert.deepEqual(resolveAddress('[2001:db8::1]:7000'), { host: '2001:db8::1', port: 7000 });
    assert.deepEqual(resolveAddress('constructor:1', overrides), { host: 'constructor', port: 1 });
    assert.equal(osRandom(3).length, 3);
  });

  it('do not fail the party for an address that cannot be: the link stays down, and the others work', async () => {
    const listener = opened(await listen('server', { onFrame: () => undefined }));
    const ends: LinkEnd[] = [];
    const options = await connectOptions('client', { onDown: (_link, reason) => void ends.push(reason) });
    const pool = opened(new LinkPool(options));
    const bad = pool.link({ ...targetOf('server', 0), address: '127.0.0.1:65536' });
    const good = pool.link(targetOf('server', listener.port));
    await until('tried again', () => ends.length > 1);
    await until('linked', () => good.isUp);
    assert.equal(bad.isUp, false);
  });

  it('prove whose key answers at an address: its holder’s, another’s, or none, also where a handshake trickles', async () => {
    const listener = opened(await listen('server', { admit: () => undefined }));
    const other = opened(await listen('other'));
    const options = await connectOptions('client');
    assert.equal(await holdsKey(targetOf('server', listener.port), options), true, 'before it is admitted');
    assert.equal(await holdsKey(targetOf('server', other.port), options), false);
    assert.equal(await holdsKey(targetOf('server', 1), options), false);
    const tarpit = createTcpServer((socket) => {
      const trickle = setInterval(() => socket.write(Uint8Array.of(0x16)), 1_000);
      socket.on('error', () => undefined).once('close', () => clearInterval(trickle));
    });
    await new Promise<void>((resolve) => tarpit.listen(0, '127.0.0.1', resolve));
    const port = (tarpit.address() as AddressInfo).port;
    const begin = performance.now();
    assert.equal(await holdsKey(targetOf('server', port), options), false);
    assert.ok(performance.now() - begin < 6_000);
    tarpit.close();
  }).timeout(10_000);

  it('are made while somebody holds open as many connections as there may be and says nothing', async () => {
    const listener = opened(await listen('server', { maximumHandshakes: 8 }));
    const begun = performance.now();
    const silent = Array.from({ length: 40 }, () =>
      connectTcp(listener.port, '127.0.0.1').on('error', () => undefined),
    );
    await until('the oldest are closed', () => silent.filter(({ destroyed }) => destroyed).length >= 32);
    assert.ok(performance.now() - begun < HANDSHAKE_MILLISECONDS, 'before the deadline of a handshake');
    const link = opened(new OutgoingLink(targetOf('server', listener.port), await connectOptions('client')));
    await until('linked', () => link.isUp);
    assert.equal(silent.filter(({ destroyed }) => !destroyed).length <= 8, true);
    silent.forEach((socket) => socket.destroy());
  });

  it('that are reset, and made again from the same port, use up no places of handshakes', () => {
    const handshakes = new Handshakes(2);
    const begun = (remoteAddress: string, remotePort: number): Socket => {
      const socket = new Socket();
      Object.defineProperties(socket, { remoteAddress: { value: remoteAddress }, remotePort: { value: remotePort } });
      handshakes.begin(socket);
      return socket;
    };
    for (let round = 0; round < 5; round++) {
      const [reset, again] = [begun('192.0.2.1', 40_000), begun('192.0.2.1', 40_000)];
      reset.emit('close');
      again.emit('close');
    }
    const others = [1, 2, 3].map((port) => begun('192.0.2.2', port));
    assert.deepEqual(
      others.map(({ destroyed }) => destroyed),
      [true, false, false],
    );
  });

  it('that are slowed keep nothing of it', async () => {
    let slowed = 0;
    const listener = opened(
      await listen('server', {
        onFrame: (link) => {
          slowed++;
          link.slow();
        },
      }),
    );
    const link = opened(new OutgoingLink(targetOf('server', listener.port), await connectOptions('client')));
    const promises: WeakRef<object>[] = [];
    const hook = createHook({
      init: (_id, type, _trigger, resource) => {
        if (type === 'PROMISE') {
          promises.push(new WeakRef(resource));
        }
      },
    });
    const slow = async (): Promise<void> => {
      const before = slowed;
      link.send(FRAME.packet, PACKET);
      await until('slowed', () => slowed > before);
      await pause(120);
    };
    await slow();
    hook.enable();
    for (let round = 0; round < 5; round++) {
      await slow();
    }
    hook.disable();
    await pause(20);
    setFlagsFromString('--expose-gc');
    (runInNewContext('gc') as () => void)();
    const left = promises.filter((promise) => promise.deref() !== undefined).length;
    assert.ok(left < 5, `${left} of ${promises.length} promises are left of 5 times`);
  });

  it('of one peer are four at most: the oldest is closed, and other peers have theirs', async () => {
    const listener = opened(await listen('server'));
    const options = await connectOptions('client');
    const target = targetOf('server', listener.port);
    const other = opened(new OutgoingLink(target, await connectOptions('other')));
    const wereUp = new Set<Link>();
    const links = Array.from({ length: 20 }, () =>
      opened(new OutgoingLink(target, { ...options, onUp: (link) => void wereUp.add(link) })),
    );
    await until('all were up once', () => wereUp.size === links.length);
    await until('four are left', () => listener.links.size <= 5);
    assert.equal(other.isUp, true);
  });

  it('of a peer that is refused are closed at once, and none is accepted for a time; other peers keep theirs', async () => {
    const ends: LinkEnd[] = [];
    const listener = opened(
      await listen('server', {
        onFrame: (link, _type, body) => (body.length === 0 ? link.refuse() : undefined),
        onEnd: (_link, reason) => void ends.push(reason),
      }),
    );
    const target = targetOf('server', listener.port);
    const [one, two] = [await connectOptions('client'), await connectOptions('client')].map((options) =>
      opened(new OutgoingLink(target, options)),
    );
    const other = opened(new OutgoingLink(target, await connectOptions('other')));
    await until('linked', () => [one!, two!, other].every(({ isUp }) => isUp));
    one!.send(FRAME.packet, new Uint8Array(0));
    await until('refused, and refused again', () => ends.filter((reason) => reason === 'refused').length > 1);
    assert.equal(ends.filter((reason) => reason === 'over-share').length, 2);
    assert.equal(listener.links.size, 1);
    assert.equal(other.isUp, true);
  });
});
