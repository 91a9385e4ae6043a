// SPDX-License-Identifier: Apache-2.0
import { asciiBytes } from '../../protocol/crypto/bytes.js';
import { sodiumCrypto } from '../../protocol/crypto/sodium.js';
import { ReplayStore } from '../../client-apps/relay/packets/replay-store.js';

// Adds packets 0, 1, 2, … without end and says how many are on disk, until it is killed.
const key = sodiumCrypto.sha256(asciiBytes('replay test'));
const store = await ReplayStore.open(process.argv[2]!, key, 100_000);
for (let number = 0; ;) {
  for (const end = number + 50; number < end; number++) {
    const tag = store.tag(sodiumCrypto.sha256(asciiBytes(`packet ${number}`)));
    if (!store.has(tag)) {
      store.add(tag);
    }
  }
  await store.flush();
  process.send?.(number);
}
