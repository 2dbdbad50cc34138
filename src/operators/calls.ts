/** What a person is called for: each cause once, in a sentence, with what to do first. Pure. Times are told as ISO 8601. */
import type { DeadLetter } from "../queue/jobs.ts";
import { reasonOf } from "../queue/letter-filter.ts";
import { norcePeer } from "../queue/peers.ts";
import type { Standing } from "../queue/standing.ts";
import { isoOf } from "../lib/time.ts";
import { firstMinutes } from "./advice.ts";
import { type ListedEntry, isOfPeer } from "./entries.ts";
import type { ListedPeer } from "./situation.ts";
import { finds, needs } from "./words.ts";

/** One cause for which a person is needed. */
export interface Call {
  /** As `docs/operate.md` calls it. */
  readonly name: string;
  readonly says: string;
  /** Absent: nobody knows. */
  readonly since?: string;
  /** What to do first. */
  readonly todo: string;
  /** What shows more of it. */
  readonly command?: string;
  /** The view of the page that does. */
  readonly see?: "letters" | "doctor" | "queues";
}

/** What a person may be called for. */
interface Called {
  readonly letters: readonly DeadLetter[];
  readonly entries: readonly ListedEntry[];
  readonly peers: readonly ListedPeer[];
  readonly workers: Pick<Standing, "workers" | "workerAt">;
}

/** All that a person is called for, what keeps everything else waiting first. */
export function callsOf({ letters, entries, peers, workers }: Called): readonly Call[] {
  const troubles = troublesOf(workers, peers);
  // What a peer is in is told of the peer, as long as anything is known of it.
  const told = new Set(troubles.map(({ name }) => name));
  const others = entries.filter((entry) => entry.attention && !(isOfPeer(entry) && told.has(entry.name)));
  return [...troubles, ...letterCalls(letters), ...entryCalls(others)];
}

/** What keeps payments waiting whatever they are: no worker, and whom we ask. */
export function troublesOf({ workers, workerAt }: Called["workers"], peers: readonly ListedPeer[]): readonly Call[] {
  return [
    ...(workers > 0 ? [] : [noWorker(workerAt)]),
    ...[...Map.groupBy(peers, ({ peer }) => peer).values()].flatMap(peerCalls),
  ];
}

function noWorker(heardAt: number | undefined): Call {
  return {
    name: "no-worker",
    says: `no worker process is there${heardAt === undefined ? ", and there never was one" : ""}: webhooks are stored, and nobody looks at payments`,
    ...(heardAt === undefined ? {} : { since: isoOf(heardAt) }),
    todo: "start a worker process, and see in its log why the last one ended; nothing is lost until then",
    see: "queues",
  };
}

/** One call for all accounts of a peer that are in the same: they have one cause. */
function peerCalls(peers: readonly ListedPeer[]): Call[] {
  const { peer = "" } = peers[0] ?? {};
  const isNorce = peer === norcePeer.peer;
  const call = (
    name: string,
    kind: "down" | "refused" | "silent",
    says: (who: string, first: ListedPeer) => string,
  ): Call[] => {
    const met = peers.filter((one) => one[kind] !== undefined);
    const [first] = met.toSorted((one, other) => sinceOf(one, kind).localeCompare(sinceOf(other, kind)));
    if (first === undefined) return [];
    const accounts = met.map(({ merchant = "", channel = "" }) => `${merchant}/${channel}`);
    const who = isNorce ? "Norce" : `${peer} ${accounts.join(", ")}`;
    const { merchant = "", channel = "" } = first;
    const one = met.length === 1 ? ` --merchant ${merchant} --channel ${channel}` : "";
    return [
      {
        name,
        says: says(who, first),
        since: sinceOf(first, kind),
        todo: firstMinutes[name] ?? "",
        command: isNorce ? "npm run doctor" : `npm run doctor -- --adapter ${peer}${one}`,
        see: "doctor",
      },
    ];
  };
  return [
    ...call(
      "credentials-refused",
      "refused",
      (who, { refused }) => `${who} refuses our credentials${answerOf(refused)}`,
    ),
    ...call(
      isNorce ? "norce-down" : "psp-down",
      "down",
      (who, { down }) => `${who} does not answer as it should${answerOf(down)}`,
    ),
    ...call(
      "webhooks-silent",
      "silent",
      (who, { silent }) =>
        `no webhook of ${who} came, where about ${silent?.expected ?? 0} would be usual, and ${silent?.found ?? 0} payments moved`,
    ),
  ];
}

function sinceOf(peer: ListedPeer, kind: "down" | "refused" | "silent"): string {
  return peer[kind]?.since ?? "";
}

/** What was answered, as far as that is known. */
function answerOf({ since: _since, ...facts }: NonNullable<ListedPeer["down"]> = { since: "" }): string {
  const said = Object.entries(facts).map(([name, value]) => `${name} ${String(value)}`);
  return said.length === 0 ? "" : ` (${said.join(", ")})`;
}

function letterCalls(letters: readonly DeadLetter[]): Call[] {
  const groups = [...Map.groupBy(letters, reasonOf)].toSorted(([, one], [, other]) => other.length - one.length);
  return groups.map(([name, some]) => {
    const adapters = [...new Set(some.map(({ key }) => key.adapter))];
    return {
      name,
      says: `${some.length === 1 ? "one letter" : `${some.length} letters`} of ${adapters.join(", ")}: ${needs[name] ?? some[0]?.reason ?? name}`,
      since: isoOf(Math.min(...some.map(({ since }) => since))),
      todo: firstMinutes[name] ?? "see what was answered: npm run explain says it for an order",
      command: `npm run letters -- list --reason ${/^[\w-]+$/.test(name) ? name : JSON.stringify(name)}`,
      see: "letters",
    };
  });
}

/** The first deadline of those that have one. */
function dueIn(entries: readonly ListedEntry[]): string {
  const deadlines = entries.flatMap(({ facts }) =>
    typeof facts?.["deadline"] === "string" ? [facts["deadline"]] : [],
  );
  const [first] = deadlines.toSorted();
  return first === undefined ? "" : `; due by ${first}`;
}

function entryCalls(entries: readonly ListedEntry[]): Call[] {
  const groups = Map.groupBy(entries, ({ name }) => name);
  return [...groups].map(([name, some]) => ({
    name,
    says: `${some.length === 1 ? "" : `${some.length} times: `}${finds[name] ?? needs[name] ?? name}${dueIn(some)}`,
    since: some.map(({ at }) => at).toSorted()[0] ?? "",
    todo: firstMinutes[name] ?? `look at ${some.length === 1 ? "it" : "them"} below`,
  }));
}
