/** Solves matrix · x = right for a symmetric, positive definite matrix (Cholesky). */
export function solve(matrix: number[][], right: number[]): number[] {
  const size = right.length;
  const lower = matrix.map(() => new Float64Array(size));
  for (let row = 0; row < size; row += 1) {
    for (let column = 0; column <= row; column += 1) {
      let sum = matrix[row]![column]!;
      for (let index = 0; index < column; index += 1) sum -= lower[row]![index]! * lower[column]![index]!;
      lower[row]![column] = row === column ? Math.sqrt(sum) : sum / lower[column]![column]!;
    }
  }
  const forward = new Float64Array(size);
  for (let row = 0; row < size; row += 1) {
    let sum = right[row]!;
    for (let index = 0; index < row; index += 1) sum -= lower[row]![index]! * forward[index]!;
    forward[row] = sum / lower[row]![row]!;
  }
  const solution = Array.from({ length: size }, () => 0);
  for (let row = size - 1; row >= 0; row -= 1) {
    let sum = forward[row]!;
    for (let index = row + 1; index < size; index += 1) sum -= lower[index]![row]! * solution[index]!;
    solution[row] = sum / lower[row]![row]!;
  }
  return solution;
}
