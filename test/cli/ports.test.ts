import { expect, test } from 'vitest';

import { portOf, SANDBOX_PORT_OFFSET } from '../../services/cli/src/up/fleet.ts';

test('however many tiers there are, no program gets the port of another one or of the sandbox', () => {
  const ports = Array.from({ length: 20 }, (_, index) => portOf(7700, index));
  expect(ports.slice(0, 10)).toEqual([7700, 7701, 7702, 7703, 7704, 7705, 7706, 7707, 7708, 7709]);
  expect(new Set([...ports, 7700 + SANDBOX_PORT_OFFSET]).size).toBe(21);
  expect(portOf(0, 11)).toBe(0);
});
