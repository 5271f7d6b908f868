/** A split of a tree: bin `atMost` or lower of an input goes left. A number is a leaf, in log-odds. */
export type Tree = number | [input: number, atMost: number, left: Tree, right: Tree];

/** Boosted trees over binned inputs. */
export interface BoostedTrees {
  /** Upper bounds of the bins of each input. */
  cuts: number[][];
  /** Where the trees begin, in log-odds. */
  base: number;
  trees: Tree[];
}

/** What trees say of inputs, in log-odds. */
export function sumOfTrees(inputs: readonly number[], { cuts, base, trees }: BoostedTrees): number {
  const bins = binsOf(inputs, cuts);
  return trees.reduce<number>((sum, tree) => sum + leafOf(tree, bins), base);
}

export function binsOf(inputs: readonly number[], cuts: number[][]): number[] {
  return cuts.map((bounds, index) => {
    const value = inputs[index]!;
    let bin = 0;
    while (bin < bounds.length && value > bounds[bin]!) bin += 1;
    return bin;
  });
}

export function leafOf(tree: Tree, bins: number[]): number {
  let node = tree;
  while (typeof node !== 'number') node = (bins[node[0]] ?? 0) <= node[1] ? node[2] : node[3];
  return node;
}
