export * from './catalogue.ts';
export * from './circuit.ts';
export * from './model-client.ts';
