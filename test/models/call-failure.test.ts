import { ModelCallError } from '@upshift/contracts';
import type { CallErrorCode } from '@upshift/contracts';
import { describe, expect, test } from 'vitest';

import { callErrorOf, failureOfTransport, failureOfVendor } from '../../packages/models/src/call-failure.ts';
import type { VendorError } from '../../packages/models/src/call-failure.ts';

describe('an error of a vendor', () => {
  const byLabel = { overloaded_error: 'overloaded' } as const;
  const failureOf = (error: Partial<VendorError>) =>
    failureOfVendor({ status: null, labels: [], message: '', headers: undefined, requestId: null, ...error }, byLabel);

  test.each<[code: CallErrorCode, maybeBilled: boolean, statuses: number[]]>([
    ['provider_denied', false, [401, 402, 403]],
    ['model_not_found', false, [404, 405, 410]],
    ['context_too_long', false, [413]],
    ['rate_limited', false, [429]],
    ['overloaded', false, [503, 529]],
    ['timeout', true, [408, 504, 524]],
    ['provider_error', true, [502, 520, 599]],
    ['provider_error', false, [301, 399, 409, 500, 501]],
    ['invalid_request', false, [400, 418, 422]],
  ])('is %s by its status, billed perhaps: %s', (code, maybeBilled, statuses) => {
    for (const status of statuses) expect(failureOf({ status })).toMatchObject({ status, code, maybeBilled });
  });

  test.each<[string, CallErrorCode, string]>([
    ['429', 'rate_limited', 'in the stream 429'],
    ['503', 'overloaded', 'in the stream 503'],
    ['400', 'provider_error', 'in the stream 400'],
    ['broken', 'provider_error', 'in the stream broken'],
  ])('within a stream is what its code %s tells of limits and faults, and billed perhaps', (label, code, detail) => {
    expect(failureOf({ labels: [label] })).toMatchObject({ code, detail, maybeBilled: true });
  });

  test('is known by the first of its labels that says something, whatever stands before it', () => {
    expect(failureOf({ status: 400, labels: [null, 'constructor', 'new_code', 'overloaded_error'] }).code).toBe('overloaded');
  });

  test('is told by its identifiers alone: what else a vendor writes there may quote the prompt or the key', () => {
    const labels = ['bad_request', undefined, 'no such thing as "my secret"', 'bad_request', 'x'.repeat(81), 'a.b[0]-c'];
    expect(failureOf({ status: 400, labels }).detail).toBe('400 bad_request a.b[0]-c');
  });

  test('is of an input that is too long where the words of a refusal say so, and of those of a fault nothing is believed', () => {
    const message = 'This exceeds the maximum Context Length';
    const codes = [400, 422, 500].map((status) => failureOf({ status, message }).code);
    expect(codes).toEqual(['context_too_long', 'context_too_long', 'provider_error']);
  });

  test.each<[headers: Record<string, string>, retryAfterMs: number | null]>([
    [{}, null],
    [{ 'retry-after': '7' }, 7000],
    [{ 'retry-after': '1.5' }, 1500],
    [{ 'retry-after': 'Wed, 21 Oct 2015 07:28:00 GMT' }, 0],
    [{ 'retry-after': 'soon' }, null],
    [{ 'retry-after': '2000000000' }, 3_600_000],
    [{ 'retry-after-ms': '0', 'retry-after': '7' }, 0],
    [{ 'retry-after-ms': 'soon', 'retry-after': '7' }, 7000],
  ])('says by %j to wait %s ms', (headers, retryAfterMs) => {
    expect(failureOf({ status: 429, headers: new Headers(headers) })).toMatchObject({ retryAfterMs });
  });
});

describe('an error of the transport', () => {
  const coded = (code: string): Error => Object.assign(new Error('my secret'), { code });
  const callError = (error: unknown): unknown => callErrorOf('openai', error, failureOfTransport);

  test.each<[code: string, CallErrorCode]>([
    ['ECONNRESET', 'connection_failed'],
    ['HPE_INVALID_CONSTANT', 'connection_failed'],
    ['ETIMEDOUT', 'timeout'],
  ])('%s is %s, billed perhaps, however deep it lies', (code, expected) => {
    for (const error of [coded(code), new TypeError('fetch failed', { cause: coded(code) })])
      expect(callError(error)).toMatchObject({
        error: { code: expected, maybeBilled: true, message: expect.stringContaining(`(${code})`) as string },
      });
  });

  test('is a timeout where the call was aborted, and an answer that is not JSON was paid for', () => {
    expect(callError(new DOMException('x', 'AbortError'))).toMatchObject({ error: { code: 'timeout', maybeBilled: true } });
    expect(callError(new Error('x', { cause: new SyntaxError('Unexpected token') }))).toMatchObject({
      error: { code: 'provider_error', maybeBilled: true, message: expect.stringContaining('is not JSON') as string },
    });
  });

  test('keeps its cause, which ends in logs, only where that can quote neither prompt nor answer nor key', () => {
    const refused = coded('ECONNREFUSED');
    expect(callError(refused)).toHaveProperty('cause', refused);
    for (const error of [new SyntaxError('"my secret" is not valid JSON'), coded('ETIMEDOUT')])
      expect(callError(error)).toMatchObject({ cause: undefined });
  });

  test('is passed on as it is where it is known already, or a bug', () => {
    for (const error of [new RangeError('bug'), 'text', callError(coded('ETIMEDOUT'))]) expect(callError(error)).toBe(error);
    expect(callError(coded('ETIMEDOUT'))).toBeInstanceOf(ModelCallError);
  });
});
