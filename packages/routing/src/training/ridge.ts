/** Rows of sparse features, one after the other: row `i` begins at `starts[i]` and ends where the next one begins. */
export interface SparseRows {
  starts: Int32Array;
  columns: Int32Array;
  values: Float64Array;
  columnCount: number;
}

/** Packs rows given as column → value pairs. */
export function packRows(rows: readonly (readonly [column: number, value: number])[][], columnCount: number): SparseRows {
  const size = rows.reduce((sum, row) => sum + row.length, 0);
  const packed = {
    starts: new Int32Array(rows.length + 1),
    columns: new Int32Array(size),
    values: new Float64Array(size),
    columnCount,
  };
  let at = 0;
  for (const [index, row] of rows.entries()) {
    for (const [column, value] of row) {
      packed.columns[at] = column;
      packed.values[at] = value;
      at += 1;
    }
    packed.starts[index + 1] = at;
  }
  return packed;
}

/** Enough for five digits of the prediction; more only fits noise. */
const ITERATIONS = 60;

/** Weighted least squares with an L2 penalty, by conjugate gradients in a fixed order, so that the same input gives the same bits. */
export function fitRidge(rows: SparseRows, targets: Float64Array, weights: Float64Array, penalty: number): Float64Array {
  const solution = new Float64Array(rows.columnCount);
  const residual = transposed(
    rows,
    targets.map((target, index) => target * (weights[index] ?? 0)),
  );
  const direction = residual.slice();
  let square = dot(residual, residual);
  for (let step = 0; step < ITERATIONS && square > 1e-12; step += 1) {
    const image = transposed(
      rows,
      predict(rows, direction).map((value, index) => value * (weights[index] ?? 0)),
    );
    add(image, direction, penalty);
    const length = square / dot(direction, image);
    add(solution, direction, length);
    add(residual, image, -length);
    const next = dot(residual, residual);
    const turn = next / square;
    for (let index = 0; index < direction.length; index += 1)
      direction[index] = (residual[index] ?? 0) + turn * (direction[index] ?? 0);
    square = next;
  }
  return solution;
}

/** What a solution says of each row. */
function predict({ starts, columns, values }: SparseRows, solution: Float64Array): Float64Array {
  const predicted = new Float64Array(starts.length - 1);
  for (let row = 0; row < predicted.length; row += 1) {
    let sum = 0;
    const end = starts[row + 1] ?? 0;
    for (let at = starts[row] ?? 0; at < end; at += 1) sum += (values[at] ?? 0) * (solution[columns[at] ?? 0] ?? 0);
    predicted[row] = sum;
  }
  return predicted;
}

function transposed({ starts, columns, values, columnCount }: SparseRows, vector: Float64Array): Float64Array {
  const sums = new Float64Array(columnCount);
  for (let row = 0; row < vector.length; row += 1) {
    const factor = vector[row] ?? 0;
    const end = starts[row + 1] ?? 0;
    for (let at = starts[row] ?? 0; at < end; at += 1) {
      const column = columns[at] ?? 0;
      sums[column] = (sums[column] ?? 0) + factor * (values[at] ?? 0);
    }
  }
  return sums;
}

function dot(left: Float64Array, right: Float64Array): number {
  let sum = 0;
  for (let index = 0; index < left.length; index += 1) sum += (left[index] ?? 0) * (right[index] ?? 0);
  return sum;
}

function add(sum: Float64Array, addend: Float64Array, factor: number): void {
  for (let index = 0; index < sum.length; index += 1) sum[index] = (sum[index] ?? 0) + factor * (addend[index] ?? 0);
}
