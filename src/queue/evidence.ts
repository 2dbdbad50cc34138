import { randomInt } from "node:crypto";
import type { Json } from "../contract/adapter.ts";
import { hashOf } from "./names.ts";
import type { Store } from "./store.ts";

/** What proves events and has yet to be judged: bodies that may hold personal data, bounded per account, gone when they are judged. */
export interface Evidence {
  /** Answers the name by which it is read; `undefined`: the account has no room, and whoever sent it has to come again. */
  put(account: string, evidence: Json): Promise<string | undefined>;
  read(name: string): Promise<Json | undefined>;
  /** It has been judged. */
  remove(name: string): Promise<void>;
}

/** How many unjudged ones an account may have, and how many places are tried before there is no room. */
const places = 64;
const tries = 4;
const keptMs = 24 * 3_600_000;

/** The evidence on one engine. */
export function createEvidence(store: Store): Evidence {
  return {
    async put(account, evidence) {
      for (let tried = 0; tried < tries; tried += 1) {
        const name = hashOf([account, String(randomInt(places))]);
        if ((await store.putIfAbsent("evidence", name, evidence, keptMs)).mine) return name;
      }
      return undefined;
    },
    read: async (name) => (await store.get("evidence", name))?.value,
    async remove(name) {
      await store.remove("evidence", name);
    },
  };
}
