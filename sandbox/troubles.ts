/** What can be made to go wrong at the press of a button: Norce for a while, a PSP until it is mended. */
import type { Fault } from "./faults.ts";
import type { SandboxNorce } from "./norce.ts";
import type { SandboxPsp } from "./psp.ts";

/** How Norce behaves for a while. */
export type NorceMood = "well" | "slow" | "down";

/** How a PSP behaves until somebody mends it. */
export const pspMoods = ["well", "down", "refuses", "loses"] as const;
export type PspMood = (typeof pspMoods)[number];

/** Norce's and the PSPs' moods. */
export interface Troubles {
  norce(): NorceMood;
  setNorce(wanted: string | null): void;
  /** Those that are not well, by adapter folder. */
  psps(): Readonly<Record<string, Exclude<PspMood, "well">>>;
  /** @throws Error where there is no such PSP, or no such mood. */
  setPsp(adapter: string, wanted: string | null): void;
  close(): void;
}

const norceMoods: Readonly<
  Record<Exclude<NorceMood, "well">, { readonly lastsMs: number; readonly slowMs?: number; readonly status?: number }>
> = {
  slow: { lastsMs: 30_000, slowMs: 1_500 },
  down: { lastsMs: 15_000, status: 503 },
};

/** @param changed called whenever a mood changes, also by itself. */
export function createTroubles(norce: SandboxNorce, psp: SandboxPsp, changed: () => void): Troubles {
  let mood: NorceMood = "well";
  let fault: Fault | undefined;
  let timer: NodeJS.Timeout | undefined;
  const psps = new Map<string, { readonly mood: Exclude<PspMood, "well">; readonly end: () => void }>();

  const setNorce: Troubles["setNorce"] = (wanted) => {
    clearTimeout(timer);
    fault?.clear();
    mood = wanted === "slow" || wanted === "down" ? wanted : "well";
    if (mood === "well") {
      changed();
      return;
    }
    const { lastsMs, ...effect } = norceMoods[mood];
    fault = norce.fault(effect);
    timer = setTimeout(() => setNorce("well"), lastsMs).unref();
  };
  const begin = (adapter: string, wanted: Exclude<PspMood, "well">): (() => void) => {
    if (wanted === "loses") {
      psp.lose(adapter, true);
      return () => psp.lose(adapter, false);
    }
    const status = wanted === "down" ? 503 : 401;
    const set = psp.fault({ match: ({ route }) => route === adapter, status });
    return () => set.clear();
  };
  const setPsp: Troubles["setPsp"] = (adapter, wanted) => {
    const next = pspMoods.find((one) => one === wanted);
    if (!psp.adapters.includes(adapter) || next === undefined)
      throw new Error("There is no such PSP, or no such trouble.");
    psps.get(adapter)?.end();
    psps.delete(adapter);
    if (next !== "well") psps.set(adapter, { mood: next, end: begin(adapter, next) });
    changed();
  };
  return {
    norce: () => mood,
    setNorce,
    psps: () => Object.fromEntries([...psps].map(([adapter, one]) => [adapter, one.mood])),
    setPsp,
    close() {
      setNorce("well");
      for (const adapter of psps.keys()) setPsp(adapter, "well");
    },
  };
}
