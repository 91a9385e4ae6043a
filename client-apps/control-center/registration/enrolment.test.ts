// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { request as httpsRequest } from 'node:https';
import { join } from 'node:path';
import { certifiedRole } from '../../links/link-identity.js';
import { sodiumCrypto } from '../../../protocol/crypto/sodium.js';
import { decodeParametersFile } from '../../../protocol/ledger/bulletin.js';
import {
  ControlCenterUnderTest,
  random,
  EnrollingMeter,
  type RunningCenter,
} from '../../../test/support/control-center.js';
import { DirectoryBulletin, HttpsBulletin } from '../../bulletin/reader.js';
import { enrol, enrolHub, type EnrolmentRefusal } from '../../links/enrolment-client.js';
import { PinnedHttps } from '../../links/pinned-https.js';
import { loadControlCenterKeys } from '../keys.js';

const x25519Key = (): Uint8Array => sodiumCrypto.x25519PublicKey(random(32));
const [priceKey, otherPriceKey] = [x25519Key(), x25519Key()];

describe('client-apps/control-center/registration/enrolment', function () {
  this.timeout(30_000);
  let kit: ControlCenterUnderTest;
  let center: RunningCenter;
  let meter: EnrollingMeter;

  before(async () => {
    kit = await ControlCenterUnderTest.create();
    center = await kit.start();
  });
  after(async () => {
    await kit.stop();
    await kit.remove();
  });
  let made = 0;
  beforeEach(() => {
    meter = new EnrollingMeter(`enrolling meter ${made++}`, kit.publicKey);
    // Failed attempts are bounded per minute.
    kit.clock.advance(kit.clock.nowMilliseconds() + 60_000);
  });

  const send = (request: ReturnType<EnrollingMeter['request']>, linkKey = meter.link.publicKey) =>
    enrol(kit.address(center), request, linkKey);
  const refused = (promise: Promise<unknown>, code: EnrolmentRefusal): Promise<void> =>
    assert.rejects(promise, { code: 'ENROLMENT_REFUSED', message: code });

  it('answers number, first epoch, certificate and parameters, and the same again to the same request', async () => {
    const [code] = await kit.codes('meter', 1);
    const request = meter.request(code!);
    const answer = await send(request);
    assert.equal(answer.firstEpoch, 0);
    assert.equal(decodeParametersFile(answer.parameters).length, 1);
    const keys = await loadControlCenterKeys({
      directory: join(kit.directory, 'center'),
      fileKey: kit.fileKey,
      random,
      seed: undefined,
    });
    const certificate = new X509Certificate(answer.certificate);
    const role = certifiedRole(certificate.raw, keys.linkAuthority.publicKey, 'test', kit.clock.nowMilliseconds());
    assert.equal(role, 'meter');
    const again = await send(request);
    assert.deepEqual({ ...again, certificate: '' }, { ...answer, certificate: '' });
    // A meter that lost the request but kept its keys seals them anew.
    assert.equal((await send(meter.request(code!))).meterNumber, answer.meterNumber);
  });

  it('keeps numbers and bindings over a restart', async () => {
    const [code] = await kit.codes('meter', 1);
    const request = meter.request(code!);
    const before = await send(request);
    await kit.bury(center);
    center = await kit.start();
    assert.equal((await send(request)).meterNumber, before.meterNumber);
    const next = new EnrollingMeter('meter after restart', kit.publicKey);
    const [nextCode] = await kit.codes('meter', 1);
    const answer = await enrol(kit.address(center), next.request(nextCode!), next.link.publicKey);
    assert.equal(answer.meterNumber, before.meterNumber + 1);
  });

  it('refuses a code that was never given out, and a code of the other role', async () => {
    await refused(send(meter.request(random(16))), 'UNKNOWN_CODE');
    const [hubCode] = await kit.codes('hub', 1);
    await refused(send(meter.request(hubCode!)), 'UNKNOWN_CODE');
    const [meterCode] = await kit.codes('meter', 1);
    await refused(enrolHub(kit.address(center), meterCode!, meter.link.publicKey, priceKey), 'UNKNOWN_CODE');
  });

  it('refuses a used code to another meter, and to the same one with another meter key', async () => {
    const [code] = await kit.codes('meter', 1);
    await send(meter.request(code!));
    const other = new EnrollingMeter('another meter', kit.publicKey);
    await refused(enrol(kit.address(center), other.request(code!), other.link.publicKey), 'CODE_USED');
    meter.meterKey.fill(7);
    await refused(send(meter.request(code!)), 'CODE_USED');
  });

  it('refuses a second code for an enrolled key', async () => {
    const [first, second] = await kit.codes('meter', 2);
    await send(meter.request(first!));
    await refused(send(meter.request(second!)), 'KEY_ENROLLED');
  });

  it('refuses a key without shared secret, or in a second spelling', async () => {
    const [code] = await kit.codes('meter', 1);
    const request = meter.request(code!);
    await refused(send({ ...request, publicKey: new Uint8Array(32) }), 'BAD_KEY');
    const spelling = request.publicKey.slice();
    spelling[31]! |= 0x80;
    await refused(send({ ...request, publicKey: spelling }), 'BAD_KEY');
  });

  it('refuses a proof, a box or a link pin that is not the request’s', async () => {
    const [code] = await kit.codes('meter', 1);
    const request = meter.request(code!);
    const foreign = new EnrollingMeter('foreign meter', kit.publicKey);
    const other = foreign.request(code!);
    await refused(send({ ...request, proof: other.proof }), 'BAD_PROOF');
    await refused(send({ ...request, sealedKey: other.sealedKey }), 'BAD_PROOF');
    await refused(send({ ...request, publicKey: other.publicKey }), 'BAD_PROOF');
    await refused(send({ ...request, linkPin: foreign.link.pin }, foreign.link.publicKey), 'BAD_PROOF');
    await refused(send(request, foreign.link.publicKey), 'BAD_LINK_KEY');
    // Nothing of this used the code up.
    await send(request);
  });

  it('enrols a hub with its own code, bound to its link key', async () => {
    const [code] = await kit.codes('hub', 1);
    const address = kit.address(center);
    const answer = await enrolHub(address, code!, meter.link.publicKey, priceKey);
    assert.equal(new X509Certificate(answer.certificate).subject.includes('OU=hub'), true);
    await enrolHub(address, code!, meter.link.publicKey, priceKey);
    const other = new EnrollingMeter('another hub', kit.publicKey);
    await refused(enrolHub(address, code!, other.link.publicKey, priceKey), 'CODE_USED');
    await refused(enrolHub(address, code!, meter.link.publicKey, otherPriceKey), 'CODE_USED');
    const [unused] = await kit.codes('hub', 1);
    await refused(enrolHub(address, unused!, random(91), otherPriceKey), 'BAD_LINK_KEY');
    await refused(enrolHub(address, unused!, other.link.publicKey, priceKey), 'KEY_ENROLLED');
    for (const bad of [new Uint8Array(32), new Uint8Array(32).fill(0xff)]) {
      await refused(enrolHub(address, unused!, other.link.publicKey, bad), 'BAD_KEY');
    }
    await enrolHub(address, unused!, other.link.publicKey, otherPriceKey);
  });

  it('refuses what is not a request, and what is too long', async () => {
    const { url, pin } = kit.address(center);
    const https = new PinnedHttps(url, pin);
    const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
    for (const body of ['', '{}', '[]', '{"request":"{}","linkKey":""}', 'x'.repeat(5_000)]) {
      const answer = await https.post('/enrol', new TextEncoder().encode(body), 1_000);
      assert.deepEqual([answer.status, text(answer.body)], [403, 'MALFORMED'], body.slice(0, 20));
    }
    https.close();
  });

  it('bounds failed attempts of one address until the minute is over', async () => {
    for (let attempt = 0; attempt < 10; attempt++) {
      await refused(send(meter.request(random(16))), 'UNKNOWN_CODE');
    }
    await refused(send(meter.request(random(16))), 'TOO_MANY_REQUESTS');
    kit.clock.advance(kit.clock.nowMilliseconds() + 60_000);
    await refused(send(meter.request(random(16))), 'UNKNOWN_CODE');
  });

  it('is known by its pin only', async () => {
    const { url } = kit.address(center);
    const [code] = await kit.codes('meter', 1);
    await assert.rejects(enrol({ url, pin: random(32) }, meter.request(code!), meter.link.publicKey), {
      code: 'WRONG_PIN',
    });
    const unreachable = { url: 'https://127.0.0.1:9', pin: kit.pin };
    await assert.rejects(enrol(unreachable, meter.request(code!), meter.link.publicKey), { code: 'UNREACHABLE' });
  });

  it('refuses a meter beyond the capacity of the registry', async () => {
    const small = await ControlCenterUnderTest.create();
    const tiny = await small.start(undefined, { parameters: [{ ...small.settings, registryDepth: 1 }] });
    await small.enrolMeters(tiny, 2);
    const [code] = await small.codes('meter', 1);
    const third = new EnrollingMeter('third meter', small.publicKey);
    await refused(enrol(small.address(tiny), third.request(code!), third.link.publicKey), 'REGION_FULL');
    await small.stop();
    await small.remove();
  });

  describe('the bulletin beside it', () => {
    /** Sends a path as it is: clients of this project would tidy it. */
    const raw = (path: string, method = 'GET'): Promise<number> =>
      new Promise((resolve, reject) => {
        const { url } = kit.address(center);
        const { hostname, port } = new URL(url);
        const options = { hostname, port, path, method, rejectUnauthorized: false };
        const request = httpsRequest(options, (response) => {
          response.resume();
          response.on('end', () => resolve(response.statusCode!));
        });
        request.on('error', reject);
        request.end();
      });

    it('serves the files of a bulletin and gives undefined for what is not there yet', async () => {
      const { url, pin } = kit.address(center);
      const remote = new HttpsBulletin(url, pin);
      const local = new DirectoryBulletin(kit.bulletin);
      assert.deepEqual(await remote.readParameters(), await local.readParameters());
      const folder = join(kit.bulletin, 'bulletin', 'test', '1800');
      await mkdir(folder, { recursive: true });
      const rows = random(300_000);
      await writeFile(join(folder, 'consumption.rows'), rows);
      assert.deepEqual(new Uint8Array((await remote.readFile('test', 1_800, 'consumption.rows'))!), rows);
      assert.equal(await remote.readFile('test', 1_800, 'seals.json'), undefined);
      assert.equal(await remote.readDirectory('test', 0), undefined);
      remote.close();
    });

    it('serves nothing but names that a bulletin has', async () => {
      await writeFile(join(kit.bulletin, 'secret'), 'not for anyone');
      await writeFile(join(kit.bulletin, 'bulletin', 'test', '1800', '.seals.json.tmp'), 'half');
      for (const path of [
        '/secret',
        '/../center/keys',
        '/bulletin/../secret',
        '/bulletin/test/1800/../../../secret',
        '/bulletin/test/1800/%2e%2e/%2e%2e/%2e%2e/secret',
        '/bulletin/test/1800/.seals.json.tmp',
        '/bulletin/test/01800/consumption.rows',
        '/bulletin/test/1800/consumption.rows/',
        '/bulletin/test/1800/consumption.rows?x=1',
        '/bulletin/test/1800/consumption.rows\\..\\secret',
        '/bulletin/TEST/1800/consumption.rows',
        '//parameters.json',
        '/',
        '',
      ]) {
        assert.equal(await raw(path), 404, path);
      }
      assert.equal(await raw('/parameters.json', 'DELETE'), 404);
      assert.equal(await raw('/parameters.json'), 200);
      // The server answers and closes without reading the rest; the client may see the end before the answer.
      const long = await raw(`/${'a'.repeat(8_000)}`).catch((error: unknown) => (error as Error).message);
      assert.ok(long === 431 || long === 'socket hang up', `a header of this size is not read, but: ${long}`);
    });
  });
});
