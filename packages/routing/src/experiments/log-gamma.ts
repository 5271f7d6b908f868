/** Lanczos, g = 7, nine terms: correct to about 15 digits. */
const terms = [
  0.999_999_999_999_809_93, 676.520_368_121_885_1, -1_259.139_216_722_402_8, 771.323_428_777_653_13, -176.615_029_162_140_59,
  12.507_343_278_686_905, -0.138_571_095_265_720_12, 9.984_369_578_019_571_6e-6, 1.505_632_735_149_311_6e-7,
];

/** The logarithm of the gamma function, for arguments from ½. */
function logGamma(value: number): number {
  const x = value - 1;
  const t = x + 7.5;
  const series = terms.slice(1).reduce((sum, term, index) => sum + term / (x + index + 1), terms[0]!);
  return 0.5 * Math.log(2 * Math.PI) + (x + 0.5) * Math.log(t) - t + Math.log(series);
}

/** The logarithm of the beta function, for arguments from ½. */
export function logBeta(first: number, second: number): number {
  return logGamma(first) + logGamma(second) - logGamma(first + second);
}
