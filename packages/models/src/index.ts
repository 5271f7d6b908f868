export * from './circuit.ts';
export * from './model-client.ts';
