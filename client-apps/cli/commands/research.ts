// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import { onRun } from '../output.js';
import { addAbsence, addAnonymity } from './anonymity.js';
import { addTier } from './tier.js';

/** Adds `gridveil research`: what the scheme hides and what an adversary can do, measured. */
export function addResearch(program: Command): void {
  const research = program
    .command('research')
    .description('measure what the scheme hides, and try the attacks on it')
    .enablePositionalOptions();
  addAnonymity(research);
  addAbsence(research);
  addTier(research);
  addAttack(research);
}

function addAttack(research: Command): void {
  const command = research
    .command('attack')
    .description('list the attacks of hostile parties, or run one and print its outcome and who detects it')
    .argument('[name]', 'the attack to run');
  onRun(command, async (_options, name?: string) => {
    const { hostileAttacks, tryAttack } = await import('../../../research/attacks/hostile.js');
    const { attackListResult, attackOutcomeResult } = await import('../render/attacks.js');
    return name === undefined ? attackListResult(await hostileAttacks()) : attackOutcomeResult(await tryAttack(name));
  });
}
