import { randomInt } from "node:crypto";
import type { Json } from "../contract/adapter.ts";
import { hashOf } from "./names.ts";
import type { Store } from "./store.ts";

/** What proves events and has yet to be judged: it may hold personal data, is bounded per account, and gone when it is judged. */
export interface Evidence {
  /**
   * Keeps it for a minute, until it is acknowledged. Answers the name by which it is read; `undefined`: the account has no room, and whoever
   * sent it has to come again.
   */
  put(account: string, evidence: Json): Promise<string | undefined>;
  /** What it proves is stored as well: it is kept until it is judged. `false`: it is gone, and nothing may be acknowledged. */
  keep(name: string): Promise<boolean>;
  /** `undefined`: it has been judged, or its time is over (`evidenceMs`). */
  read(name: string): Promise<Json | undefined>;
  /** It has been judged. */
  remove(name: string): Promise<void>;
}

/** For how long what is acknowledged is kept at most: as long as an event whose payment is not known waits where its adapter says nothing. */
export const evidenceMs = 3 * 24 * 3_600_000;

/** How many unjudged ones an account may have, and how many places are tried before there is no room. */
const places = 64;
const tries = 4;
/** So that what could not be acknowledged leaves its place. */
const firstMs = 60_000;

/** The evidence on one engine. A name says the place, and which of those that stood there is meant: a judge may come late, or twice. */
export function createEvidence(store: Store): Evidence {
  return {
    async put(account, evidence) {
      for (let tried = 0; tried < tries; tried += 1) {
        const place = hashOf([account, String(randomInt(places))]);
        const { mine, stored } = await store.putIfAbsent("evidence", place, evidence, firstMs);
        if (mine) return `${place} ${stored.version}`;
      }
      return undefined;
    },
    async keep(name) {
      const [place, version] = partsOf(name);
      return await store.extend("evidence", place, version, evidenceMs);
    },
    async read(name) {
      const [place, version] = partsOf(name);
      const stored = await store.get("evidence", place);
      return stored?.version === version ? stored.value : undefined;
    },
    async remove(name) {
      await store.remove("evidence", ...partsOf(name));
    },
  };
}

function partsOf(name: string): readonly [place: string, version: string] {
  const [place = "", version = ""] = name.split(" ");
  return [place, version];
}
