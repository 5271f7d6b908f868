export * from './catalogue.ts';
export * from './circuit.ts';
export * from './model-client.ts';
export { heardLimits } from './rate-limit-headers.ts';
