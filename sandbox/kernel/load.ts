import { existsSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { DeliveryFault, SelfMadeSimulator, Simulate, Simulator } from "../../src/contract/simulator.ts";
import { createSimulator, type SimulatorOptions } from "./kernel.ts";

const adapters = join(import.meta.dirname, "../../src/adapters");

/** The simulator of an adapter's folder, on the kernel; `undefined` where its PSP has none. */
export async function loadSimulator(folder: string, options: SimulatorOptions = {}): Promise<Simulator | undefined> {
  const file = join(adapters, folder, "simulator.ts");
  if (!existsSync(file)) return undefined;
  const module = (await import(pathToFileURL(file).href)) as Partial<SimulatorModule & OldModule>;
  if (module.simulate !== undefined) return createSimulator(module.simulate, options);
  if (module.createSimulator !== undefined) return onNoKernel(module.createSimulator(options));
  throw new Error(`${folder}/simulator.ts exports no simulate`);
}

interface SimulatorModule {
  // oxlint-disable-next-line typescript/no-explicit-any -- existential: each simulation keeps something of its own.
  readonly simulate: Simulate<any>;
}

/** A simulator that does not stand on the kernel yet: it answers, acts and sends by itself, and does not state its money. */
interface OldModule {
  readonly createSimulator: (options: SimulatorOptions) => SelfMadeSimulator;
}

const oldFaults: Readonly<Record<DeliveryFault, RegExp>> = {
  lose: /^lose-(push|webhook)$/,
  delay: /^delay-(push|webhook)$/,
  repeat: /^duplicate-(push|webhook)$/,
  reorder: /^$/,
};

function onNoKernel(old: SelfMadeSimulator): Simulator {
  return {
    ...old,
    actions: (reference) =>
      old.actions(reference).filter((name) => !Object.values(oldFaults).some((fault) => fault.test(name))),
    takesAmount: () => true,
    money: () => undefined,
    disturb(reference, fault) {
      const action = old.actions(reference).find((name) => oldFaults[fault].test(name));
      if (action !== undefined) old.act(reference, action);
    },
    answered: () => undefined,
  };
}
