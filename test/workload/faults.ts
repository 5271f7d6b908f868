import { models, lastUserMessage, rubricOf } from './book.ts';
import type { ChatEntry } from './entry.ts';

export type Fault = {
  model: string;
  match?: string;
  times?: number;
  kind: 'rate_limit' | 'server_error' | 'overloaded' | 'reset' | 'malformed_json' | 'truncation' | 'refusal';
  retry_after_s?: number;
};

type Rule = Omit<Fault, 'model' | 'match'>;

/** Rows whose economy models fail, so that the router has to turn to another one. */
const economyFaults: Record<string, Rule> = {
  'ORD-48213': { kind: 'server_error', times: 1 },
  'ORD-51907': { kind: 'overloaded' },
  'ORD-40088': { kind: 'reset', times: 1 },
  'ORD-53361': { kind: 'server_error' },
  'ORD-55120': { kind: 'overloaded', times: 1 },
  'PX-70718': { kind: 'reset' },
  'Receipt 20931': { kind: 'rate_limit', times: 1, retry_after_s: 1 },
  'USB-C plug at both ends': { kind: 'rate_limit', times: 1, retry_after_s: 1 },
  'Our new buyer is Amara': { kind: 'truncation', times: 1 },
  '503 for main.css': { kind: 'malformed_json', times: 1 },
};

/** Rows that no model serves at the first call. */
const faultsEverywhere: Record<string, Rule> = {
  'gift card balance': { kind: 'server_error', times: 1 },
  'foreign transaction fee': { kind: 'server_error', times: 1 },
  'unopened coffee grinder': { kind: 'server_error', times: 1 },
  'barcode scanner': { kind: 'server_error', times: 1 },
  'TX-90417': { kind: 'refusal' },
};

export const faults: Fault[] = [
  ...Object.entries(economyFaults).flatMap(([match, rule]) => models.economy.map((model) => ({ model, match, ...rule }))),
  ...Object.entries(faultsEverywhere).map(([match, rule]) => ({ model: '*', match, ...rule })),
];

/** A judge's message quotes the prompt, so a fault on a judged row would strike its judge as well. */
export function assertFaultsHitOneUnjudgedRow(entries: ChatEntry[]): void {
  for (const match of [...Object.keys(economyFaults), ...Object.keys(faultsEverywhere)]) {
    const hit = entries.filter((entry) => lastUserMessage(entry.row.input).includes(match));
    if (hit.length !== 1) throw new Error(`the fault "${match}" hits ${hit.length} rows instead of one`);
    if (hit.some((entry) => rubricOf(entry) !== undefined)) throw new Error(`the fault "${match}" hits a judged row`);
  }
}
