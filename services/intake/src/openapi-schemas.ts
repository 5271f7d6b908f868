import {
  armOverrides,
  chatInput,
  check,
  checkOutcome,
  deliveryView,
  embeddingInput,
  experimentDocument,
  experimentSummary,
  experimentView,
  gateLabel,
  jobPage,
  jobRecording,
  jobRequest,
  jobView,
  modelHealthView,
  problemView,
  promoteRequest,
  promptInput,
  quarantineView,
  queuesView,
  redeliverRequest,
  savingsRow,
  savingsView,
  trailEntry,
  verdictRequest,
  webhookRequest,
  webhookView,
} from '@upshift/contracts';
import { z } from 'zod';

import { ref } from './openapi-parts.ts';

/** What became of a line of a bulk request. */
const acceptedLine = z.object({ line: z.int(), id: z.string(), created: z.boolean() });
const refusedLine = z.object({ line: z.int(), error: problemView });

const [abTest, canary, shadow, adaptive] = experimentDocument.options;
const checks = Object.fromEntries(check.options.map((option) => [`Check_${option.shape.type.value}`, option]));

/** What clients send, and are given back in answers. */
const givenBack = {
  JobLimits: jobRequest.shape.limits.unwrap(),
  ChatInput: chatInput,
  EmbeddingInput: embeddingInput,
  Check: check,
  ...checks,
  ExperimentDocument: experimentDocument,
  AbTest: abTest,
  Canary: canary,
  Shadow: shadow,
  AdaptiveExperiment: adaptive,
  ArmOverrides: armOverrides,
};

/** What clients send. */
const sent = {
  ...givenBack,
  JobRequest: jobRequest,
  PromptInput: promptInput,
  WebhookRequest: webhookRequest,
  RedeliverRequest: redeliverRequest,
  PromoteRequest: promoteRequest,
  VerdictRequest: verdictRequest,
};

/** What they are answered with. */
const answered = {
  Job: jobView,
  JobPage: jobPage,
  BulkLine: z.union([acceptedLine, refusedLine]),
  AcceptedLine: acceptedLine,
  RefusedLine: refusedLine,
  Webhook: webhookView,
  WebhookWithSecret: webhookView.extend({ secret: z.string() }),
  Webhooks: z.object({ data: z.array(webhookView) }),
  Delivery: deliveryView,
  Deliveries: z.object({ data: z.array(deliveryView) }),
  Redelivered: z.object({ redelivered: z.int() }),
  Experiment: experimentView,
  ExperimentSummary: experimentSummary,
  Experiments: z.object({ data: z.array(experimentSummary) }),
  Recording: jobRecording,
  ModelHealth: modelHealthView,
  Quarantine: quarantineView,
  Queues: queuesView,
  Label: gateLabel,
  Savings: savingsView,
  SavingsRow: savingsRow,
  Trail: z.object({ data: z.array(trailEntry) }),
  TrailEntry: trailEntry,
  CheckOutcome: checkOutcome,
  Problem: problemView,
};

/** By name, each naming the others that it holds: generators make a type of each, once. */
export function componentSchemas(): Record<string, unknown> {
  // Under a name of its own: what is sent has no field that is not known, what is given back may have some.
  const views = Object.fromEntries(Object.entries(givenBack).map(([id, schema]) => [`${id}View`, schema]));
  return { ...schemasOf(sent, 'input'), ...schemasOf({ ...answered, ...views }, 'output') };
}

function schemasOf(named: Record<string, z.ZodType>, io: 'input' | 'output'): Record<string, unknown> {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(named)) registry.add(schema, { id });
  const { schemas } = z.toJSONSchema(registry, {
    io,
    uri: (id) => ref(id).$ref,
    ...(io === 'output' ? { override: leaveOpen } : {}),
  });
  return Object.fromEntries(Object.entries(schemas).map(([name, { $schema: _dialect, $id: _id, ...schema }]) => [name, schema]));
}

/** An answer may say more some day: who was generated from this description must not refuse it then. */
function leaveOpen({ jsonSchema }: { jsonSchema: z.core.JSONSchema.BaseSchema }): void {
  if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
}
