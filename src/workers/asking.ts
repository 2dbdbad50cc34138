import { type ContextFactory, createContexts } from "../adapters/contexts.ts";
import type { Config } from "../config.ts";
import type { AnyAdapter, Target } from "../contract/adapter.ts";
import type { Logger } from "../lib/log.ts";
import type { Meters } from "../lib/meters.ts";
import type { Tracing } from "../lib/tracing.ts";
import type { Transport } from "../lib/transport.ts";
import { createNorceClient, type NorceClient } from "../norce/client.ts";
import type { Work } from "../queue/work.ts";
import { callbackUrl } from "../signatures/urls.ts";

/** What a job asks Norce and PSPs with. */
export interface Asking {
  readonly config: Config;
  readonly norce: NorceClient;
  readonly contexts: ContextFactory;
}

interface AskingParts {
  /** The configuration that counts now. */
  readonly current: () => Config;
  readonly log: Logger;
  readonly meters: Pick<Meters, "request">;
  readonly transport: Transport;
  readonly tracing?: Tracing | undefined;
  readonly now: () => number;
  readonly random: () => number;
}

/**
 * What jobs ask with, by the configuration that counts when they begin: each ends with what it began with. Clients of settings that did not
 * change are the same ones, with their tokens and their budgets.
 */
export function createAsking({ current, log, meters, transport, tracing, now, random }: AskingParts): () => Asking {
  const observe = meters.request;
  const contexts = createContexts({ observe, now, random, transport, tracing, callbackUrl: callbackUrlsOf(current) });
  const norceOf = ({ norce }: Config): NorceClient =>
    createNorceClient({
      ...norce,
      // As people count, and as the doctor does.
      tokenRefused: (place) => log.warn({ peer: "norce", place: place + 1 }, "credential.refused"),
      adapterIdOf: (key) => current().find(key)?.settings.adapterId ?? key.adapter,
      observe,
      transport,
      tracing,
      now,
      random,
    });
  let made: Asking | undefined;
  return () => {
    const config = current();
    if (made?.config === config) return made;
    const same = JSON.stringify(made?.config.norce) === JSON.stringify(config.norce) ? made?.norce : undefined;
    made = { config, norce: same ?? norceOf(config), contexts };
    return made;
  };
}

/** Our callback URLs, for PSPs that want one per call. */
function callbackUrlsOf(current: () => Config): (target: Target, webhook: string) => string {
  return ({ orderId, paymentId, ...account }, webhook) => {
    const config = current();
    const adapter = adapterNamed(config, account.adapter);
    const ids = adapter.webhooks[webhook]?.scope === "account" ? {} : { orderId, paymentId };
    const maker = { publicUrl: config.publicUrl, keys: config.signingKeys };
    return callbackUrl(maker, adapter, { ...account, ...ids } as Target, webhook);
  };
}

function adapterNamed({ adapters }: Config, id: string): AnyAdapter {
  const adapter = adapters.get(id);
  if (adapter === undefined) throw new Error(`there is no adapter ${id}`);
  return adapter;
}

/** Parts of which every job takes what counts when it begins. */
export type Following<Parts extends Asking> = Omit<Parts, keyof Asking> & {
  readonly asking: () => Asking;
  /** Calls back whenever what counts has changed. */
  readonly changed: (listener: () => void) => void;
};

/** The parts of a job that begins now. */
export function partsNow<Parts extends Asking>(parts: Following<Parts>): Parts {
  return { ...parts, ...parts.asking() } as unknown as Parts;
}

/** A worker for each adapter that a merchant has configured, also for those that come later; one that goes has nothing left to do. */
export function perAdapter({ asking, changed }: Following<Asking>, start: (adapter: string) => Work): Work {
  const works = new Map<string, Work>();
  let closed = false;
  const follow = (): void => {
    for (const { adapter } of closed ? [] : asking().config.targets)
      if (!works.has(adapter.id)) works.set(adapter.id, start(adapter.id));
  };
  follow();
  changed(follow);
  return {
    async close() {
      closed = true;
      await Promise.all([...works.values()].map((work) => work.close()));
    },
  };
}
