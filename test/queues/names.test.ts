import { decodeModelId, encodeModelId, modelQueue, parseModelQueue } from '@upshift/queues';
import fc from 'fast-check';
import { expect, test } from 'vitest';

const name = fc.oneof(fc.string({ minLength: 1, unit: 'grapheme' }), fc.stringMatching(/^[a-z~%:/.é2F]{1,40}$/));

test('a model id comes back from its encoding, whatever it holds, and BullMQ and URLs take it', () => {
  fc.assert(
    fc.property(name, (text) => {
      const encoded = encodeModelId(`p/${text}`);
      expect(decodeModelId(encoded)).toBe(`p/${text}`);
      expect(encoded).not.toMatch(/[:/%{}]/);
    }),
  );
});

test('two model ids never share a queue', () => {
  fc.assert(fc.property(name, name, (one, two) => one === two || modelQueue('t', one) !== modelQueue('t', two)));
});

test('the name of a queue says its tier and model', () => {
  fc.assert(
    fc.property(name, (text) => {
      expect(parseModelQueue(modelQueue('economy', `p/${text}`))).toEqual({ tier: 'economy', modelId: `p/${text}` });
    }),
  );
  expect(modelQueue('fallback', 'p/m')).toBe('fallback');
  expect(parseModelQueue('classify')).toBeNull();
});
