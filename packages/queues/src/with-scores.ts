/** The members of a sorted set with their scores, of the list in which Redis gives both by turns (`WITHSCORES`). */
export function withScores(flat: string[]): [member: string, score: number][] {
  return flat.flatMap((member, index) => (index % 2 === 0 ? [[member, Number(flat[index + 1])]] : []));
}
