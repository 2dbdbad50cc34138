import type { Target } from "../../contract/adapter.ts";
import type { Logger } from "../../lib/log.ts";
import { isoOf } from "../../lib/time.ts";
import { norcePeer as norce, type Peer } from "../../queue/peers.ts";
import type { Found } from "../found.ts";
import { tellPauses } from "../patience.ts";
import { newsOf, ruleIn } from "../retry.ts";
import type { Listener } from "./told.ts";

/** Keeps what peers are met in for all processes. Told each time; who keeps it decides how often. */
export interface PeerStanding {
  /** @param since milliseconds since the epoch. */
  peerFails(peer: Peer, is: "down" | "refused", since: number, facts: Found["facts"]): void;
  /** @param wasTold this process had told that it was down, or refused us. */
  peerAnswers(peer: Peer, wasTold: boolean): void;
}

/** What findings about peers are told with. */
interface PeerParts {
  readonly standing?: PeerStanding;
  readonly log: Logger;
  readonly now: () => number;
  /** Told once per cause: what goes on is told once a day. */
  readonly found: (of: Target, found: Found) => void;
}

/** What goes on at a peer. */
interface Trouble {
  readonly since: number;
  failures: number;
  told: boolean;
}

type Kind = "down" | "refused";

/**
 * Findings about those we ask, and not about the payments that meet them: a PSP account or Norce that is down, or that refuses our
 * credentials. Each is told once, from the first minute, and once more when it is over, however many payments meet it.
 */
export function tellPeers({ log, now, found, standing }: PeerParts): Listener {
  const troubles = new Map<string, Trouble>();

  const meet = (kind: Kind, peer: Peer, facts: Found["facts"]): void => {
    const id = idOf(kind, peer);
    const trouble = troubles.get(id) ?? { since: now(), failures: 0, told: false };
    troubles.set(id, trouble);
    trouble.failures += 1;
    const lasts = trouble.failures >= tellPauses.failuresToTell || now() - trouble.since >= tellPauses.downMs;
    if (kind === "down" && !lasts) return;
    standing?.peerFails(peer, kind, trouble.since, facts);
    const since = isoOf(trouble.since);
    // As long as it goes on, every day has its entry: the peer's own, whoever's payment met it.
    const { peer: adapter, merchant, channel } = peer;
    found({ adapter, merchant, channel }, { name: findingOf(kind, peer), facts: { since, ...facts } });
    if (trouble.told) return;
    trouble.told = true;
    log.error({ ...peer, since, ...facts }, kind === "down" ? "peer.down" : "credential.refused");
  };

  /** @returns whether it had been told. */
  const pass = (kind: Kind, peer: Peer): boolean => {
    const id = idOf(kind, peer);
    const trouble = troubles.get(id);
    troubles.delete(id);
    if (trouble?.told !== true) return false;
    const facts = { ...peer, since: isoOf(trouble.since), lastedMs: now() - trouble.since };
    log.info(facts, kind === "down" ? "peer.up" : "credential.accepted");
    return true;
  };

  return {
    met(of, error) {
      const account = { peer: of.adapter, merchant: of.merchant, channel: of.channel };
      const news = newsOf(error);
      if (news === undefined) {
        if (error !== undefined && !wasAnswered(error)) return;
        // The sweep asks Norce alone.
        for (const peer of account.peer === norce.peer ? [norce] : [norce, account]) {
          const told = (["down", "refused"] as const).filter((kind) => pass(kind, peer));
          standing?.peerAnswers(peer, told.length > 0);
        }
        return;
      }
      const peer = news.peer === "norce" ? norce : account;
      meet(news.is, peer, factsFrom(news.context));
      // Who refuses us is there.
      if (news.is === "refused") pass("down", peer);
    },
  };
}

/** Rules that are judged before the PSP is asked. */
const unasked: ReadonlySet<string> = new Set([
  "not-configured",
  "other-adapter",
  "other-answer",
  "client-certificate",
  "malformed-url",
  "malformed-id",
]);

/** Whether Norce and the PSP had answered as they should all the same: a rule of ours refused what they said. */
function wasAnswered(error: unknown): boolean {
  const rule = ruleIn(error);
  return rule !== undefined && !unasked.has(rule);
}

function idOf(kind: Kind, peer: Peer): string {
  return JSON.stringify([kind, peer.peer, peer.merchant, peer.channel]);
}

function findingOf(kind: Kind, { peer }: Peer): string {
  if (kind === "refused") return "credentials-refused";
  return peer === "norce" ? "norce-down" : "psp-down";
}

/** What tells one cause from another: no id of a payment is among it. */
function factsFrom(context: Readonly<Record<string, unknown>>): NonNullable<Found["facts"]> {
  const names = ["peer", "host", "status", "code", "supportId"] as const;
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = context[name];
      return typeof value === "string" || typeof value === "number" ? [[name, value] as const] : [];
    }),
  );
}
