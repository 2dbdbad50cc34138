import { existsSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Simulate, Simulator } from "../../src/contract/simulator.ts";
import { createSimulator, type SimulatorOptions } from "./kernel.ts";

const adapters = join(import.meta.dirname, "../../src/adapters");

/** The simulator of an adapter's folder, on the kernel; `undefined` where its PSP has none. */
export async function loadSimulator(folder: string, options: SimulatorOptions = {}): Promise<Simulator | undefined> {
  const file = join(adapters, folder, "simulator.ts");
  if (!existsSync(file)) return undefined;
  const module = (await import(pathToFileURL(file).href)) as Partial<SimulatorModule>;
  if (module.simulate !== undefined) return createSimulator(module.simulate, options);
  throw new Error(`${folder}/simulator.ts exports no simulate`);
}

interface SimulatorModule {
  // oxlint-disable-next-line typescript/no-explicit-any -- existential: each simulation keeps something of its own.
  readonly simulate: Simulate<any>;
}
