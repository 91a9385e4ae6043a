// SPDX-License-Identifier: Apache-2.0
import { EmbeddedLedgerError } from '../errors.js';
import type { Identity, Role } from './msp.js';

type PolicyNode =
  | { readonly kind: 'signed-by'; readonly mspId: string; readonly role: Role | 'member' }
  | { readonly kind: 'n-out-of'; readonly n: number; readonly rules: readonly PolicyNode[] };

const PRINCIPAL = /^([A-Za-z0-9.-]+)\.(member|client|peer|admin|orderer)$/;

/** A signature policy in Fabric's language: `AND('A.peer',OR('B.peer','C.admin'))`, `OutOf(2,'A.peer','B.peer')`. */
export class SignaturePolicy {
  readonly #root: PolicyNode;

  /** @throws EmbeddedLedgerError `CONFIG_INVALID` */
  constructor(text: string) {
    this.#root = new Parser(text).parse();
  }

  /** Whether the signers, whose signatures have been verified, suffice. One signer counts once. */
  isSatisfiedBy(signers: readonly Identity[]): boolean {
    const distinct = [...new Map(signers.map((signer) => [signer.fingerprint, signer])).values()];
    return evaluate(this.#root, distinct, new Array<boolean>(distinct.length).fill(false));
  }

  /** Whether the organisation's peers can endorse under this policy at all. */
  mentionsPeersOf(mspId: string): boolean {
    return principals(this.#root).some(
      (node) => node.mspId === mspId && (node.role === 'peer' || node.role === 'member'),
    );
  }
}

/** As Fabric's cauthdsl: a signer that satisfied one principal is used up for the others of the same branch. */
function evaluate(node: PolicyNode, signers: readonly Identity[], used: boolean[]): boolean {
  if (node.kind === 'signed-by') {
    const index = signers.findIndex((signer, at) => !used[at] && signer.satisfies(node.mspId, node.role));
    if (index >= 0) {
      used[index] = true;
    }
    return index >= 0;
  }
  let satisfied = 0;
  for (const rule of node.rules) {
    const attempt = [...used];
    if (evaluate(rule, signers, attempt)) {
      satisfied++;
      attempt.forEach((value, at) => (used[at] = value));
    }
  }
  return satisfied >= node.n;
}

function principals(node: PolicyNode): Extract<PolicyNode, { kind: 'signed-by' }>[] {
  return node.kind === 'signed-by' ? [node] : node.rules.flatMap(principals);
}

/**
 * The smallest set of candidates that will do, the earlier ones preferred. Tries all: a network made from a topology file
 * has a handful of peers.
 */
export function smallestSubset<T>(
  candidates: readonly T[],
  suffices: (subset: readonly T[]) => boolean,
): readonly T[] | undefined {
  for (let size = 1; size <= candidates.length; size++) {
    for (const subset of subsets(candidates, size)) {
      if (suffices(subset)) {
        return subset;
      }
    }
  }
  return undefined;
}

function* subsets<T>(items: readonly T[], size: number, from = 0): Generator<T[]> {
  if (size === 0) {
    yield [];
    return;
  }
  for (let index = from; index <= items.length - size; index++) {
    for (const rest of subsets(items, size - 1, index + 1)) {
      yield [items[index]!, ...rest];
    }
  }
}

/** Recursive descent over `AND(…)`, `OR(…)`, `OutOf(n, …)` and quoted principals. */
class Parser {
  readonly #text: string;
  readonly #tokens: string[];

  constructor(text: string) {
    this.#text = text;
    this.#tokens = text.match(/'[^']*'|[A-Za-z]+|\d+|[^\s]/g) ?? [];
  }

  parse(): PolicyNode {
    const node = this.#node();
    if (this.#tokens.length > 0) {
      this.#fail();
    }
    return node;
  }

  #node(): PolicyNode {
    const token = this.#tokens.shift() ?? this.#fail();
    const [, mspId, role] = PRINCIPAL.exec(token.slice(1, -1)) ?? [];
    if (token.startsWith("'") && mspId !== undefined) {
      return { kind: 'signed-by', mspId, role: role as Role | 'member' };
    }
    const gate = token.toUpperCase();
    this.#expect('(');
    const n = gate === 'OUTOF' ? this.#count() : undefined;
    const rules = [this.#node()];
    while (this.#tokens[0] === ',') {
      this.#tokens.shift();
      rules.push(this.#node());
    }
    this.#expect(')');
    switch (gate) {
      case 'AND':
        return { kind: 'n-out-of', n: rules.length, rules };
      case 'OR':
        return { kind: 'n-out-of', n: 1, rules };
      case 'OUTOF':
        return { kind: 'n-out-of', n: n!, rules };
      default:
        return this.#fail();
    }
  }

  #count(): number {
    const token = this.#tokens.shift() ?? this.#fail();
    this.#expect(',');
    return /^\d+$/.test(token) ? Number(token) : this.#fail();
  }

  #expect(token: string): void {
    if (this.#tokens.shift() !== token) {
      this.#fail();
    }
  }

  #fail(): never {
    throw new EmbeddedLedgerError('CONFIG_INVALID', `"${this.#text}" is not a signature policy`);
  }
}
