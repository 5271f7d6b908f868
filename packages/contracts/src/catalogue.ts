import type { Capability } from './model-config.ts';

/** A model as its provider's models API describes it. Providers say little: what is null or missing they do not speak of. */
export interface PublishedModel {
  /** Without the provider. */
  name: string;
  /** Tokens of input, or of input and output together: vendors mean either. */
  contextWindow: number | null;
  maxOutputTokens: number | null;
  capabilities: Partial<Record<Capability, boolean>>;
  /** The date from which it is no longer served. */
  retiresAt: string | null;
}
