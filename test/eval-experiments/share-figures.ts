import { assign } from '@upshift/routing';

const UNITS = 100_000;
const shares = { one: 0.1, two: 0.2, three: 0.7 };

export interface ShareFigures {
  units: number;
  /** The largest distance of an arm's part from its share, in standard deviations. */
  largestZ: number;
  /** Part of the units that moved when a canary grew from 5 to 25 %: 0.20 must, those of the canary may not. */
  moved: number;
  movedBack: number;
  /** How far the arms of two experiments are from being independent, in standard deviations. */
  independenceZ: number;
}

/** What the product's assignment does with 100,000 units. */
export function shareFigures(): ShareFigures {
  const units = Array.from({ length: UNITS }, (_, index) => `customer-${index}`);
  const counts = Object.keys(shares).map((arm) => units.filter((unit) => assign('shares', shares, unit)?.arm === arm).length);
  const zs = Object.values(shares).map((share, index) => Math.abs(zOf(counts[index]!, share)));
  const inCanary = (name: string, share: number) => (unit: string) =>
    assign(name, { stable: 1 - share, canary: share }, unit)?.arm === 'canary';
  const [small, large] = [inCanary('grown', 0.05), inCanary('grown', 0.25)];
  const both = units.filter((unit) => inCanary('first', 0.5)(unit) && inCanary('second', 0.5)(unit)).length;
  return {
    units: UNITS,
    largestZ: Math.max(...zs),
    moved: units.filter((unit) => small(unit) !== large(unit)).length / UNITS,
    movedBack: units.filter((unit) => small(unit) && !large(unit)).length / UNITS,
    independenceZ: Math.abs(zOf(both, 0.25)),
  };
}

function zOf(count: number, share: number): number {
  return (count - UNITS * share) / Math.sqrt(UNITS * share * (1 - share));
}
