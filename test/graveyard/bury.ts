import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { copyTree, type Tree } from "../support/tree.ts";
import type { Fault } from "./fault.ts";

/** Why a fault cannot be planted any more; `undefined` where it can. */
export function misfitOf(
  { file, find, replace }: Pick<Fault, "file" | "find" | "replace">,
  root = ".",
): string | undefined {
  const times = readFileSync(join(root, file), "utf8").split(find).length - 1;
  if (times !== 1) return `${file} holds the text ${times} times`;
  return find === replace ? "it changes nothing" : undefined;
}

/** Plants faults one after the other in a copy of the tree; each is found where the test file that has to find it fails. */
export async function prove(
  faults: readonly Fault[],
  told: (fault: Fault, isFound: boolean) => void,
): Promise<boolean> {
  const tree = copyTree();
  let all = true;
  try {
    for (const fault of faults) {
      const isFound = await found(tree, fault);
      told(fault, isFound);
      all &&= isFound;
    }
  } finally {
    tree.remove();
  }
  return all;
}

async function found(tree: Tree, { file, find, replace, foundBy, folder }: Fault): Promise<boolean> {
  const path = join(tree.path, file);
  const whole = readFileSync(path, "utf8");
  writeFileSync(
    path,
    whole.replace(find, () => replace),
  );
  try {
    const only = folder === undefined ? "" : `ADAPTERS=${folder} `;
    const { status, printed } = await tree.run(`${only}npx vitest run ${foundBy} --maxWorkers=1 --bail=1`);
    // A fault that keeps the file from being loaded proves nothing of the law.
    return status !== 0 && /Tests .*\d+ failed/.test(printed);
  } finally {
    writeFileSync(path, whole);
  }
}
